UPDATE fettle.index_changes
   SET sent_action = $2::text, sent_at = CASE WHEN $2::text IS NOT NULL THEN clock_timestamp() END, sent_index_oid = $3::oid,
       sent_system = $4::bigint, sent_server_start = timestamptz 'epoch' + $5::bigint * interval '1 microsecond',
       sent_pid = $6::integer, sent_backend_start = timestamptz 'epoch' + $7::bigint * interval '1 microsecond'
 WHERE id = $1::bigint AND state IN ('pending', 'running')
RETURNING id
