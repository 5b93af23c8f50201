WITH gone AS (DELETE FROM fettle.servers WHERE backend_pid = pg_backend_pid())
SELECT pg_advisory_unlock(hashtextextended('fettle.lease', 0))
