SELECT id, recommendation_id, target_id, database_name, action, schema_name, table_name, index_name, columns, index_type, sql, undo_sql,
       state, success, error_message, duration_ms, performed_by, (extract(epoch FROM performed_at) * 1000000)::bigint,
       (extract(epoch FROM started_at) * 1000000)::bigint, (extract(epoch FROM completed_at) * 1000000)::bigint, attempts, backend_pid,
       progress, cancel_requested, count(*) OVER (), is_undo, sent_action, sent_index_oid, sent_system,
       (extract(epoch FROM sent_server_start) * 1000000)::bigint, sent_pid, (extract(epoch FROM sent_backend_start) * 1000000)::bigint
  FROM fettle.index_changes
 WHERE ($1::bigint IS NULL OR id = $1::bigint) AND ($2::bigint IS NULL OR target_id = $2::bigint)
   AND (NOT $3::boolean OR state IN ('pending', 'running'))
 ORDER BY id DESC
 LIMIT $4::bigint
