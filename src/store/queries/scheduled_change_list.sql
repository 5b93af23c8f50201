-- Figures of the time before, which may be long, are only of one that is asked for ($1).
-- due ($4): those that wait and of which the moment, or the end of waiting, has come by then.
SELECT c.id, c.target_id, t.name, c.recommendation_id, c.recommendation_text, c.moment,
       (extract(epoch FROM c.planned_from) * 1000000)::bigint, (extract(epoch FROM c.planned_to) * 1000000)::bigint,
       (extract(epoch FROM c.expires_at) * 1000000)::bigint, c.sql, c.query_hash, c.notes, CASE WHEN $1::bigint IS NOT NULL THEN c.pre_stats END, c.state, c.message,
       c.implementation_id, c.requested_by, (extract(epoch FROM c.created_at) * 1000000)::bigint,
       (extract(epoch FROM c.ended_at) * 1000000)::bigint
  FROM fettle.scheduled_changes c
  JOIN fettle.targets t ON t.target_id = c.target_id
 WHERE ($1::bigint IS NULL OR c.id = $1::bigint) AND ($2::bigint IS NULL OR c.target_id = $2::bigint) AND ($3::text IS NULL OR c.state = $3)
   AND ($4::bigint IS NULL OR (c.state = 'waiting'
        AND least(c.planned_from, c.expires_at) <= timestamptz 'epoch' + $4::bigint * interval '1 microsecond'))
 ORDER BY CASE WHEN $4::bigint IS NOT NULL THEN c.planned_from END, c.id DESC
 LIMIT $5::bigint
