-- In the private cluster, by its superuser: the store's own role has no right beyond its schema, so that the audit log is closed to
-- it too. The two roles for people are made here, since it may not make roles.
DO $$
DECLARE
    wanted text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'fettle_store') THEN
        CREATE ROLE fettle_store LOGIN;
    END IF;
    FOREACH wanted IN ARRAY ARRAY['fettle_reader', 'fettle_writer'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
    END LOOP;
    EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %I TO fettle_store', current_database());
END
$$;
