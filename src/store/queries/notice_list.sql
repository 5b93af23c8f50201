SELECT n.id, n.target_id, t.name, n.event, n.payload, (extract(epoch FROM n.created_at) * 1000000)::bigint
  FROM fettle.notices n LEFT JOIN fettle.targets t ON t.target_id = n.target_id
 WHERE n.event <> 'webhook.digest' AND ($1::bigint IS NULL OR n.created_at >= timestamptz 'epoch' + $1::bigint * interval '1 microsecond')
   AND ($2::bigint IS NULL OR n.created_at < timestamptz 'epoch' + $2::bigint * interval '1 microsecond')
   AND ($3::text IS NULL OR n.event = $3::text) AND ($4::bigint IS NULL OR n.target_id = $4::bigint)
   AND ($5::bigint IS NULL OR n.id < $5::bigint)
 ORDER BY n.id DESC
 LIMIT $6
