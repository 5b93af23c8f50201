SELECT id, kind, status, target_id, error_message, result, (extract(epoch FROM created_at) * 1000000)::bigint,
       (extract(epoch FROM started_at) * 1000000)::bigint, (extract(epoch FROM completed_at) * 1000000)::bigint
  FROM fettle.jobs
 WHERE ($1::bigint IS NULL OR id = $1::bigint) AND ($2::text IS NULL OR kind = $2::text) AND ($3::text IS NULL OR status = $3::text)
   AND ($4::bigint IS NULL OR target_id = $4::bigint) AND ($5::bigint IS NULL OR id < $5::bigint)
 ORDER BY id DESC
 LIMIT $6
