SELECT target_id, name, conninfo, enabled, databases, coalesce(interval_ms, 0),
       (extract(epoch FROM created_at) * 1000000)::bigint, sealed_password IS NOT NULL,
       (extract(epoch FROM last_round_at) * 1000000)::bigint, last_error, server_version, coalesce(system_identifier, 0), revision,
       last_notice
  FROM fettle.targets
 WHERE ($1::bigint IS NULL OR target_id = $1::bigint) AND ($2::text IS NULL OR name = $2::text)
 ORDER BY name
