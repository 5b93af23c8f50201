SELECT pg_try_advisory_lock(hashtextextended('fettle.lease', 0))
