-- Nothing of the store may be dropped while it is read.
DO $$
DECLARE
    held record;
BEGIN
    FOR held IN SELECT relname FROM pg_class WHERE relnamespace = 'fettle'::regnamespace AND relkind = 'r' ORDER BY relname LOOP
        EXECUTE format('LOCK TABLE ONLY fettle.%I IN ACCESS SHARE MODE', held.relname);
    END LOOP;
END
$$;
