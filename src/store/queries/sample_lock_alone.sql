SELECT pg_advisory_xact_lock(hashtextextended('fettle.sample_compact', $1::bigint))
