-- Is the session alive, and which transactions are over.
SELECT pg_catalog.hashtextextended(pg_catalog.pg_current_snapshot()::text, 0)
