SELECT u.database_id, u.statement_id, u.queryid, u.state, u.wait_type, u.wait_event, sum(u.seen)
  FROM fettle.activity_minutes m
 CROSS JOIN LATERAL unnest(m.database_ids, m.statement_ids, m.queryids, m.states, m.wait_types, m.wait_events, m.seen)
       AS u (database_id, statement_id, queryid, state, wait_type, wait_event, seen)
 WHERE m.target_id = $1::bigint AND m.starts_at >= timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
   AND m.starts_at < timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
 GROUP BY 1, 2, 3, 4, 5, 6
 ORDER BY 7 DESC, 1, 2, 3, 4, 5, 6
 LIMIT 10000
