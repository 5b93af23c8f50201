INSERT INTO fettle.scheduled_changes (target_id, recommendation_id, recommendation_text, moment, planned_from, planned_to, expires_at, sql,
                                      query_hash, notes, pre_stats, requested_by)
VALUES ($1::bigint, $2::bigint, $3, $4, timestamptz 'epoch' + $5::bigint * interval '1 microsecond',
        timestamptz 'epoch' + $6::bigint * interval '1 microsecond', timestamptz 'epoch' + $7::bigint * interval '1 microsecond', $8,
        $9::bigint, $10, $11::jsonb, $12)
RETURNING id
