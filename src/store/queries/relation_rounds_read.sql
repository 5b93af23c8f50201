SELECT r.database_id, (date_part('epoch', r.collected_at) * 1000000)::bigint,
       coalesce((date_part('epoch', r.statistics_reset_at) * 1000000)::bigint, 0), u.*
  FROM fettle.databases d
 CROSS JOIN LATERAL (SELECT *
                       FROM fettle.relation_rounds
                      WHERE target_id = d.target_id AND database_id = d.database_id
                        AND collected_at <= timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
                      ORDER BY collected_at DESC
                      LIMIT 1) r
  LEFT JOIN LATERAL unnest(r.relation_oids, r.table_oids, r.schema_names, r.relation_names, string_to_array(r.kinds, NULL), r.sizes,
                           r.row_estimates, r.scans, r.rows_read, r.index_scans, r.rows_inserted, r.rows_updated,
                           r.rows_updated_hot, r.rows_deleted, r.live_rows, r.dead_rows, r.blocks_hit, r.blocks_read,
                           r.vacuumed_at_us, r.analyzed_at_us, r.bloat_bytes, r.bloat_measured) u ON true
 WHERE d.target_id = $1::bigint AND ($2::integer = 0 OR d.database_id = $2::integer)
 ORDER BY r.database_id
