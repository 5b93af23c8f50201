-- Whether there is a store at all. Not by to_regclass(): it would believe a cache from before the wait for the lock.
SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'fettle' AND c.relname = 'migrations')
