INSERT INTO fettle.activity_minutes (target_id, starts_at, samples, database_ids, statement_ids, queryids, states, wait_types,
                                     wait_events, seen)
VALUES ($1::bigint, timestamptz 'epoch' + $2::bigint * interval '1 microsecond', $3::integer, $4::integer[], $5::integer[],
        $6::bigint[], $7::text[], $8::text[], $9::text[], $10::bigint[])
ON CONFLICT DO NOTHING
