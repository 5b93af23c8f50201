SELECT pg_try_advisory_lock(hashtextextended('fettle.index_change', 0) # $1::bigint)
