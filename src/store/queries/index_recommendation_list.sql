SELECT id, target_id, database_name, schema_name, table_name, index_name, columns, index_type, is_unique, predicate, include_columns,
       recommendation_type, estimated_benefit, estimated_cost, confidence_score, affected_query_count, affected_total_time_ms, usage_count,
       (extract(epoch FROM last_used_at) * 1000000)::bigint, size_bytes, create_statement, status, reason,
       (extract(epoch FROM created_at) * 1000000)::bigint, (extract(epoch FROM applied_at) * 1000000)::bigint,
       unearned_id IS NOT NULL, was_invalid AND unearned_id IS NULL
  FROM fettle.index_recommendations x
 WHERE ($1::bigint IS NULL OR id = $1::bigint) AND ($2::bigint IS NULL OR target_id = $2::bigint)
   AND ($3::text IS NULL OR status = $3::text)
   AND ($5::text IS NULL
        -- candidates for being done unasked, which what did not earn its cost is never
        OR (database_name = $5::text AND x.unearned_id IS NULL
            -- what a person dismissed is dismissed whichever source it was found by
            AND NOT EXISTS (SELECT FROM fettle.optimization_recommendations o
                             WHERE o.target_id = x.target_id AND o.is_dismissed
                               AND coalesce(o.dismissal_reason, '') NOT IN ('implemented', 'reverted')
                               AND ((o.source_type = 'index' AND o.source_id = x.id)
                                    OR o.change_key = (SELECT f.change_key FROM fettle.recommendation_findings_index f
                                                        WHERE f.source_id = x.id)))))
 ORDER BY estimated_benefit DESC NULLS LAST, id
 LIMIT $4::bigint
