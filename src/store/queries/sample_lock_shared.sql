SELECT pg_advisory_xact_lock_shared(hashtextextended('fettle.sample_compact', $1::bigint))
