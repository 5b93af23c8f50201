SELECT id, recommendation_id, target_id, database_name, action, schema_name, table_name, index_name, columns, index_type, sql, undo_sql,
       state, success, error_message, duration_ms, performed_by, (extract(epoch FROM performed_at) * 1000000)::bigint,
       (extract(epoch FROM started_at) * 1000000)::bigint, (extract(epoch FROM completed_at) * 1000000)::bigint, attempts, backend_pid,
       progress, cancel_requested, count(*) OVER (), is_undo, sent_action, sent_index_oid, sent_system,
       (extract(epoch FROM sent_server_start) * 1000000)::bigint, sent_pid, (extract(epoch FROM sent_backend_start) * 1000000)::bigint,
       CASE WHEN state = 'running' AND error_message IS NULL THEN
           nullif(concat_ws(', ', coalesce(progress ->> 'phase', CASE WHEN progress ? 'waits_for' THEN 'waiting' END),
               CASE WHEN (progress ->> 'blocks_total')::float8 > 0
                    THEN round(((progress ->> 'blocks_done')::float8 / (progress ->> 'blocks_total')::float8 * 100)::numeric) || ' % of the blocks'
                    WHEN (progress ->> 'tuples_total')::float8 > 0
                    THEN round(((progress ->> 'tuples_done')::float8 / (progress ->> 'tuples_total')::float8 * 100)::numeric) || ' % of the rows' END,
               'for process ' || (SELECT string_agg(w, ', ') FROM jsonb_array_elements_text(progress -> 'waits_for') w)), '') END
  FROM fettle.index_changes
 WHERE ($1::bigint IS NULL OR id = $1::bigint) AND ($2::bigint IS NULL OR target_id = $2::bigint)
   AND (NOT $3::boolean OR state IN ('pending', 'running'))
 ORDER BY id DESC
 LIMIT $4::bigint
