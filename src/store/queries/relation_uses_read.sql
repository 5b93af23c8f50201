SELECT *
  FROM (SELECT r.database_id, u.*
          FROM fettle.databases d
         CROSS JOIN LATERAL (SELECT *
                               FROM fettle.relation_rounds
                              WHERE target_id = d.target_id AND database_id = d.database_id
                              ORDER BY collected_at DESC
                              LIMIT 1) r
         CROSS JOIN LATERAL unnest(r.schema_names, r.relation_names, string_to_array(r.kinds, NULL), r.sizes, r.row_estimates,
                                   r.scans, r.rows_read, r.live_rows, r.analyzed_at_us)
                            AS u (schema_name, relation_name, kind, size_bytes, row_estimate, scans, rows_read, live_rows, analyzed_at_us)
         WHERE d.target_id = $1::bigint AND d.database_name = ANY ($2::text[])
         ORDER BY u.size_bytes DESC NULLS LAST
         LIMIT $3::bigint) AS greatest
 ORDER BY database_id
