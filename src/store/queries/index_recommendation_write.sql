WITH given AS (
    SELECT *
      FROM jsonb_to_recordset($3::jsonb) AS g (
               number integer, schema_name text, table_name text, index_name text, columns jsonb, index_type text, is_unique boolean, predicate text,
               include_columns jsonb, recommendation_type text, estimated_benefit double precision, estimated_cost double precision,
               confidence_score double precision, affected_query_count integer, affected_total_time_ms double precision,
               query_hashes jsonb, usage_count bigint, last_used_at timestamptz, size_bytes bigint, create_statement text, reason text, was_invalid boolean)
), wanted AS (
    -- Two that the key cannot tell apart (they differ in their predicate alone) are one: the better stays.
    SELECT DISTINCT ON (schema_name, table_name, columns, index_type, recommendation_type) *
      FROM given
     ORDER BY schema_name, table_name, columns, index_type, recommendation_type, estimated_benefit DESC NULLS LAST, index_name
), stale AS (
    DELETE FROM fettle.index_recommendations r
     WHERE r.target_id = $1::bigint AND r.database_name = $2 AND r.status = 'recommended' AND r.unearned_id IS NULL
       AND CASE WHEN r.recommendation_type = 'modify' AND r.create_statement LIKE 'CREATE %' THEN 'replace'
                ELSE r.recommendation_type END = ANY ($4::text[])
       AND NOT EXISTS (SELECT FROM wanted w
                        WHERE w.schema_name = r.schema_name AND w.table_name = r.table_name AND w.columns = to_jsonb(r.columns)
                          AND w.index_type = r.index_type AND w.recommendation_type = r.recommendation_type)
), written AS (
    INSERT INTO fettle.index_recommendations AS r (
           target_id, database_name, schema_name, table_name, index_name, columns, index_type, is_unique, predicate, include_columns,
           recommendation_type, estimated_benefit, estimated_cost, confidence_score, affected_query_count, affected_total_time_ms,
           query_hashes, usage_count,
           last_used_at, size_bytes, create_statement, reason, was_invalid)
    SELECT $1::bigint, $2, schema_name, table_name, index_name, ARRAY(SELECT jsonb_array_elements_text(columns)), index_type, is_unique, predicate,
           CASE WHEN include_columns IS NULL THEN NULL ELSE ARRAY(SELECT jsonb_array_elements_text(include_columns)) END, recommendation_type,
           estimated_benefit, estimated_cost, confidence_score, affected_query_count, affected_total_time_ms,
           ARRAY(SELECT h.value::bigint FROM jsonb_array_elements_text(query_hashes) WITH ORDINALITY h(value, place) ORDER BY h.place), coalesce(usage_count, 0),
           last_used_at, size_bytes, create_statement, reason, coalesce(was_invalid, false)
      FROM wanted
        ON CONFLICT (target_id, database_name, schema_name, table_name, columns, index_type, recommendation_type) DO UPDATE
           SET index_name = excluded.index_name, is_unique = excluded.is_unique, predicate = excluded.predicate,
               include_columns = excluded.include_columns, estimated_benefit = excluded.estimated_benefit,
               estimated_cost = excluded.estimated_cost, confidence_score = excluded.confidence_score,
               affected_query_count = excluded.affected_query_count, affected_total_time_ms = excluded.affected_total_time_ms,
               query_hashes = excluded.query_hashes, usage_count = excluded.usage_count, last_used_at = excluded.last_used_at, size_bytes = excluded.size_bytes,
               create_statement = excluded.create_statement, unearned_id = NULL, was_invalid = excluded.was_invalid,
               -- What was undone is not proposed again within a month, unless it is another proposal by now, which then says why.
               reason = CASE WHEN r.undone_benefit IS NOT NULL AND r.applied_at >= now() - interval '30 days'
                             THEN concat_ws('; ', excluded.reason, 'undone on ' || to_char(r.applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') || ': its benefit was '
                                            || round(r.undone_benefit::numeric) || ' % then, and is ' || round(excluded.estimated_benefit::numeric) || ' % now')
                             ELSE excluded.reason END,
               -- What was carried out and is wanted again was undone since: it is proposed anew, but not within a month.
               status = CASE WHEN r.status <> 'recommended' AND r.applied_at < now() - interval '30 days' THEN 'recommended'
                             WHEN r.status = 'rejected' AND r.undone_benefit IS NOT NULL
                                  AND (abs(excluded.estimated_benefit - r.undone_benefit) > 0.3 * abs(r.undone_benefit)
                                       OR abs(excluded.size_bytes - r.undone_size_bytes) > 0.3 * r.undone_size_bytes) THEN 'recommended'
                             ELSE r.status END
    RETURNING id, schema_name, table_name, columns, index_type, recommendation_type, status, created_at, applied_at
)
SELECT g.number, w.id, w.status, (extract(epoch FROM w.created_at) * 1000000)::bigint,
       (extract(epoch FROM w.applied_at) * 1000000)::bigint
  FROM wanted g
  JOIN written w ON w.schema_name = g.schema_name AND w.table_name = g.table_name AND to_jsonb(w.columns) = g.columns
                AND w.index_type = g.index_type AND w.recommendation_type = g.recommendation_type
