SELECT pg_advisory_unlock(hashtextextended('fettle.index_change', 0) # $1::bigint)
