-- One migration at a time on a store: the lock is held to the end of the transaction.
BEGIN;
SET LOCAL statement_timeout = 0;
SET LOCAL lock_timeout = '10min';
SET LOCAL search_path = fettle, pg_catalog, pg_temp;
SET LOCAL client_min_messages = warning;
SELECT pg_advisory_xact_lock(hashtextextended('fettle.migrations', 0));
