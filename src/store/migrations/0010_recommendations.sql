-- SPDX-License-Identifier: PostgreSQL
-- Recommendations: what the sources found becomes one ranked list; what of it was carried out, measured, undone, and learnt.
-- The server calls the same functions as people do in SQL, so that both follow one rule.

ALTER TABLE fettle.optimization_recommendations
    ADD COLUMN kind varchar(100),
    ADD COLUMN change_key text,
    ADD COLUMN improvement_basis varchar(30),
    ADD COLUMN source_confidence double precision;
COMMENT ON COLUMN fettle.optimization_recommendations.kind IS 'within its source: type of suggestion, parameter, create, drop ...; what calibration is by';
COMMENT ON COLUMN fettle.optimization_recommendations.change_key IS 'equal for findings that propose the same change; NULL: entered by hand';
COMMENT ON COLUMN fettle.optimization_recommendations.improvement_basis IS 'time, round_trips (an upper bound), prior, convention (saves no time)';
COMMENT ON COLUMN fettle.optimization_recommendations.source_confidence IS 'what its source said, before calibration; NULL: entered by hand';
CREATE INDEX optimization_recommendations_change ON fettle.optimization_recommendations (target_id, change_key);
CREATE INDEX optimization_recommendations_finding ON fettle.optimization_recommendations (target_id, source_type, source_id);

ALTER TABLE fettle.index_recommendations
    ADD COLUMN query_hashes bigint[],
    ADD COLUMN undone_benefit double precision,
    ADD COLUMN undone_size_bytes bigint;
COMMENT ON COLUMN fettle.index_recommendations.query_hashes IS 'the statements that gain, most first';
COMMENT ON COLUMN fettle.index_recommendations.undone_benefit IS 'its estimated_benefit when it was undone; NULL: it was not';

ALTER TABLE fettle.optimization_implementations
    ADD COLUMN predicted_percent double precision,
    ADD COLUMN stated_confidence double precision,
    ADD COLUMN source_confidence double precision,
    ADD COLUMN index_change_id bigint REFERENCES fettle.index_changes ON DELETE SET NULL,
    ADD COLUMN undo_change_id bigint REFERENCES fettle.index_changes ON DELETE SET NULL,
    ADD COLUMN undo_reason text,
    ADD COLUMN undo_failures integer NOT NULL DEFAULT 0,
    ADD COLUMN undo_after timestamptz,
    ADD COLUMN harm text,
    ADD COLUMN asked_at timestamptz;
COMMENT ON COLUMN fettle.optimization_implementations.predicted_percent IS 'what was predicted when it was carried out; so is stated_confidence';
COMMENT ON COLUMN fettle.optimization_implementations.source_confidence IS 'stated_confidence before calibration, which the factor of calibration is of';
COMMENT ON COLUMN fettle.optimization_implementations.index_change_id IS 'that carried it out; NULL: it was not Fettle that did';
COMMENT ON COLUMN fettle.optimization_implementations.undo_after IS 'the service does not try to undo it again before; infinity: only people do; NULL: it has not tried';
COMMENT ON COLUMN fettle.optimization_implementations.harm IS 'what was measured that asks for an undo, for people';
COMMENT ON COLUMN fettle.optimization_implementations.asked_at IS 'when the service last tried to measure it';
CREATE INDEX optimization_implementations_change ON fettle.optimization_implementations (index_change_id);
CREATE INDEX optimization_implementations_undo ON fettle.optimization_implementations (undo_change_id);

-- A moment as the API writes it.
CREATE FUNCTION fettle.utc_text(moment timestamptz) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') $$;

-- A prediction is kept as it was made, whoever records the implementation.
CREATE FUNCTION fettle.implementation_insert() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    SELECT coalesce(NEW.predicted_percent, r.estimated_improvement_percent), coalesce(NEW.stated_confidence, r.confidence_score),
           coalesce(NEW.source_confidence, r.source_confidence)
      INTO NEW.predicted_percent, NEW.stated_confidence, NEW.source_confidence
      FROM fettle.optimization_recommendations r WHERE r.id = NEW.recommendation_id;
    RETURN NEW;
END $$;
CREATE TRIGGER implementation_insert BEFORE INSERT ON fettle.optimization_implementations
    FOR EACH ROW EXECUTE FUNCTION fettle.implementation_insert();

-- An undo that did not succeed: the service tries again after 1, 2, 4 ... hours; what a person stopped only people try again.
-- change_id: the undo that failed; NULL: it could not even be ordered.
CREATE FUNCTION fettle.implementation_undo_failed(implementation_id bigint, change_id bigint, message text, was_stopped boolean) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS $$
    UPDATE fettle.optimization_implementations i
       SET error_message = 'it could not be undone: ' || $3, undo_change_id = NULL, undo_failures = i.undo_failures + 1,
           undo_after = CASE WHEN $4 OR i.undo_after = 'infinity' THEN 'infinity' ELSE now() + interval '1 hour' * 2 ^ least(i.undo_failures, 7) END
     WHERE i.id = $1 AND i.undo_change_id IS NOT DISTINCT FROM $2 AND i.status NOT IN ('reverted', 'failed')
    $$;

-- What becomes of an index change is told to the implementation that it carries out or undoes, in the same transaction.
CREATE FUNCTION fettle.implementation_follow() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF NEW.state IN ('failed', 'cancelled') THEN
        WITH failed AS (
            UPDATE fettle.optimization_implementations i
               SET status = 'failed', error_message = coalesce(NEW.error_message, 'the change was ' || NEW.state)
             WHERE i.index_change_id = NEW.id AND i.status NOT IN ('failed', 'reverted')
            RETURNING i.recommendation_id)
        UPDATE fettle.optimization_recommendations r SET is_dismissed = false, dismissal_reason = NULL, updated_at = now()
          FROM failed f WHERE r.id = f.recommendation_id AND r.dismissal_reason = 'implemented';
        PERFORM fettle.implementation_undo_failed(i.id, NEW.id, coalesce(NEW.error_message, 'the change was ' || NEW.state),
                                                  NEW.state = 'cancelled' AND NEW.cancel_requested)
           FROM fettle.optimization_implementations i WHERE i.undo_change_id = NEW.id;
    ELSIF NEW.state = 'completed' THEN
        -- locked first wherever it is written with its recommendation: in one order nobody waits for each other
        PERFORM FROM fettle.index_recommendations x
          WHERE x.id IN (SELECT c.recommendation_id FROM fettle.index_changes c
                          WHERE c.target_id = NEW.target_id AND c.database_name = NEW.database_name AND c.schema_name = NEW.schema_name
                            AND c.table_name = NEW.table_name AND c.index_name = NEW.index_name)
          ORDER BY x.id FOR NO KEY UPDATE OF x;
        -- the time before is over when the index is there, not when it was ordered
        UPDATE fettle.optimization_implementations i SET implementation_timestamp = now()
         WHERE i.index_change_id = NEW.id AND i.status = 'pending';
        WITH undone AS (
            -- also when somebody took it back without saying so: an index that was made is dropped, one that was dropped is made
            UPDATE fettle.optimization_implementations i
               SET status = 'reverted', rolled_back_at = now(), error_message = NULL, undo_change_id = NEW.id
              FROM fettle.index_changes c
             WHERE c.id = i.index_change_id AND i.status <> 'reverted'
               AND (i.undo_change_id = NEW.id
                    OR (i.status <> 'failed' AND i.undo_change_id IS NULL AND c.id < NEW.id AND c.state = 'completed'
                        AND c.target_id = NEW.target_id AND c.database_name = NEW.database_name AND c.schema_name = NEW.schema_name
                        AND c.table_name = NEW.table_name AND c.index_name = NEW.index_name
                        AND (c.action, NEW.action) IN (('create', 'drop'), ('drop', 'create'))))
            RETURNING i.recommendation_id, i.index_change_id
        ), closed AS (
            UPDATE fettle.optimization_recommendations r SET is_dismissed = true, dismissal_reason = 'reverted', updated_at = now()
              FROM undone u WHERE r.id = u.recommendation_id
        )
        -- applied_at counts the cool-down, which ends early when the evidence is another one (index_recommendation_write)
        UPDATE fettle.index_recommendations x
           SET status = 'rejected', applied_at = now(), undone_benefit = x.estimated_benefit, undone_size_bytes = x.size_bytes
          FROM undone u JOIN fettle.index_changes c ON c.id = u.index_change_id
         WHERE x.id = c.recommendation_id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER implementation_follow AFTER UPDATE OF state ON fettle.index_changes
    FOR EACH ROW WHEN (NEW.state IS DISTINCT FROM OLD.state) EXECUTE FUNCTION fettle.implementation_follow();

-- --- the sources: each is a view with these columns, and one line of recommendation_findings

CREATE VIEW fettle.recommendation_findings_rewrite AS
SELECT w.target_id, d.database_name::text AS database_name, w.query_hash, w.fingerprint_hash, 'rewrite'::text AS source_type, w.id AS source_id,
       w.suggestion_type::text AS kind,
       CASE WHEN i.part IS NULL THEN 'rewrite ' || w.suggestion_type || ' of ' || w.query_hash
            ELSE 'index ' || coalesce(d.database_name, '') || '.' || CASE WHEN strpos(i.part[2], '.') > 0 THEN '' ELSE 'public.' END || i.part[2]
                 || ' ' || lower(coalesce(i.part[3], 'btree')) || ' (' || regexp_replace(i.part[4], '\s*,\s*', ', ', 'g') || ')' END AS change_key,
       w.suggestion_type || ': ' || w.description AS recommendation_text, w.reasoning AS explanation,
       w.estimated_improvement_percent AS improvement_percent, w.confidence_score AS confidence,
       CASE w.suggestion_type WHEN 'inefficient_join_detected' THEN 'high' WHEN 'missing_index_detected' THEN 'high'
                              WHEN 'in_vs_any_optimization' THEN 'low' ELSE 'medium' END AS complexity,
       w.evidence ->> 'improvement_basis' AS improvement_basis, false AS is_of_database
  FROM fettle.query_rewrite_suggestions w
  LEFT JOIN LATERAL (SELECT k.database_name
                       FROM fettle.statements s JOIN fettle.databases k ON k.target_id = s.target_id AND k.database_id = s.database_id
                      WHERE s.target_id = w.target_id AND s.query_hash = w.query_hash
                      ORDER BY s.last_seen DESC LIMIT 1) d ON true
  LEFT JOIN LATERAL (SELECT regexp_match(w.suggested_rewrite,
                         '^\s*CREATE\s+(UNIQUE\s+)?INDEX\s.*?\sON\s+(?:ONLY\s+)?([^\s(]+)\s*(?:USING\s+(\w+)\s*)?\(([^()]*)\)\s*;?\s*$', 'i') AS part
                      WHERE w.suggestion_type = 'missing_index_detected') i ON i.part[1] IS NULL
 WHERE w.dismissed IS NOT TRUE AND w.implemented IS NOT TRUE;

CREATE VIEW fettle.recommendation_findings_parameter AS
SELECT p.target_id, NULL::text AS database_name, p.query_hash, p.fingerprint_hash, 'parameter'::text AS source_type, p.id AS source_id,
       p.parameter_name::text AS kind, 'set ' || lower(p.parameter_name) || ' = ' || lower(p.recommended_value) || ' of ' || p.query_hash AS change_key,
       'Set ' || p.parameter_name || ' = ' || p.recommended_value AS recommendation_text, p.reasoning AS explanation,
       p.estimated_improvement_percent AS improvement_percent, p.confidence_score AS confidence,
       CASE p.parameter_name WHEN 'LIMIT' THEN 'low' WHEN 'batch_size' THEN 'high' ELSE 'medium' END AS complexity,
       coalesce(p.evidence ->> 'improvement_basis', CASE p.evidence ->> 'level' WHEN 'measured' THEN 'time' ELSE p.evidence ->> 'level' END)
           AS improvement_basis, false AS is_of_database
  FROM fettle.parameter_tuning_suggestions p;

-- A pattern is a database's; the query that its recommendation ranks by is found when it is aggregated.
CREATE VIEW fettle.recommendation_findings_workload AS
SELECT w.target_id, w.database_name::text AS database_name, NULL::bigint AS query_hash, NULL::bigint AS fingerprint_hash,
       'workload'::text AS source_type, w.id AS source_id, w.pattern_type::text AS kind,
       'scale ' || w.database_name || ' at hour ' || (w.pattern_metadata ->> 'peak_hour') AS change_key,
       'Scale resources at peak hour ' || (w.pattern_metadata ->> 'peak_hour') AS recommendation_text,
       w.description AS explanation, 10::double precision AS improvement_percent,
       (w.pattern_metadata ->> 'confidence')::double precision AS confidence, 'medium'::text AS complexity,
       'prior'::text AS improvement_basis, false AS is_of_database
  FROM fettle.workload_patterns w
 WHERE w.pattern_metadata ->> 'peak_hour' IS NOT NULL;

-- What an index gains is of its database's whole workload; it ranks by the statement that gains most. A successor that takes the
-- place of another index gains as a new one does; a drop or a rebuild gives back space, and saves no time.
CREATE VIEW fettle.recommendation_findings_index AS
SELECT x.target_id, x.database_name::text AS database_name, CASE WHEN g.is_gain THEN x.query_hashes[1] END AS query_hash,
       NULL::bigint AS fingerprint_hash, 'index'::text AS source_type, x.id AS source_id, x.recommendation_type::text AS kind,
       CASE x.recommendation_type WHEN 'create' THEN '' ELSE x.recommendation_type || ' ' || coalesce(x.index_name, '') || ' ' END
           || 'index ' || x.database_name || '.' || x.schema_name || '.' || x.table_name || ' ' || lower(x.index_type)
           || ' (' || array_to_string(x.columns, ', ') || ')' || CASE WHEN x.is_unique THEN ' unique' ELSE '' END
           || coalesce(' where ' || x.predicate, '')
           || coalesce(' include (' || nullif(array_to_string(x.include_columns, ', '), '') || ')', '') AS change_key,
       CASE x.recommendation_type WHEN 'create' THEN 'Create index ' WHEN 'drop' THEN 'Drop index '
                                  ELSE CASE WHEN g.is_gain THEN 'Replace index ' ELSE 'Rebuild index ' END END
           || coalesce(x.index_name || ' ', '') || 'on ' || x.schema_name || '.' || x.table_name || ' (' || array_to_string(x.columns, ', ') || ')'
           AS recommendation_text,
       x.reason AS explanation, x.estimated_benefit AS improvement_percent, x.confidence_score AS confidence,
       CASE WHEN g.is_gain THEN 'high' ELSE 'medium' END AS complexity, CASE WHEN g.is_gain THEN 'time' ELSE 'convention' END AS improvement_basis,
       true AS is_of_database
  FROM fettle.index_recommendations x
  CROSS JOIN LATERAL (SELECT x.recommendation_type = 'create' OR (x.recommendation_type = 'modify' AND x.create_statement LIKE 'CREATE %')
                                 IS TRUE AS is_gain) g
 WHERE x.status = 'recommended';

CREATE VIEW fettle.recommendation_findings AS
SELECT * FROM fettle.recommendation_findings_rewrite
UNION ALL SELECT * FROM fettle.recommendation_findings_parameter
UNION ALL SELECT * FROM fettle.recommendation_findings_workload
UNION ALL SELECT * FROM fettle.recommendation_findings_index;
COMMENT ON VIEW fettle.recommendation_findings IS 'what all sources propose now; a further source is one more line';

-- How outcomes of a kind were in proportion to their predictions: the 10 % and 90 % quantiles; no row before there are five.
CREATE VIEW fettle.calibration_range AS
SELECT r.target_id, r.source_type::text AS source_type, coalesce(r.kind, '')::text AS kind,
       percentile_cont(0.1) WITHIN GROUP (ORDER BY i.actual_improvement_percent / i.predicted_percent) AS low,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY i.actual_improvement_percent / i.predicted_percent) AS high
  FROM fettle.optimization_implementations i
  JOIN fettle.optimization_recommendations r ON r.id = i.recommendation_id
 WHERE i.actual_improvement_percent IS NOT NULL AND i.predicted_percent > 0
 GROUP BY r.target_id, r.source_type, coalesce(r.kind, '')
HAVING count(*) >= 5;

-- The findings of a target as recommendations: placed on a query, calibrated, ranked; of those that propose the same change the one
-- that Fettle can carry out itself, else the one with the best return, stands for all. only_hash NULL: all queries.
CREATE FUNCTION fettle.recommendations_ranked(target bigint, only_hash bigint, min_confidence double precision)
    RETURNS TABLE (query_hash bigint, fingerprint_hash bigint, source_type text, source_id bigint, kind text, change_key text,
                   recommendation_text text, explanation text, improvement_percent double precision, source_confidence double precision,
                   confidence double precision, urgency double precision, roi double precision, complexity text, improvement_basis text,
                   saving double precision, saving_low double precision, saving_high double precision)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
    WITH figure AS MATERIALIZED (
        SELECT q.query_hash, q.database_name::text AS database_name, q.calls_per_hour, q.mean_exec_time_ms,
               q.calls_per_hour * q.mean_exec_time_ms AS load_ms, fettle.calculate_urgency_score(q.calls_per_hour, q.mean_exec_time_ms) AS urgency
          FROM fettle.v_query_latest q WHERE q.target_id = $1
    ), whole AS (
        SELECT g.database_name, sum(g.load_ms) AS load_ms FROM figure g GROUP BY g.database_name
    ), placed AS (
        SELECT f.*, coalesce(f.query_hash, p.query_hash) AS hash,
               CASE WHEN p.query_hash IS NULL THEN f.change_key ELSE f.change_key || ' for ' || p.query_hash END AS key,
               least(f.confidence * coalesce(c.factor, 1), 1) AS sure, r.low, r.high
          FROM fettle.recommendation_findings f
          LEFT JOIN LATERAL (
              -- a pattern ranks by the query that was asked for, else by those it did before, else by the most urgent one
              SELECT g.query_hash FROM figure g WHERE g.database_name = f.database_name AND g.query_hash = $2
              UNION
              SELECT k.query_hash FROM fettle.optimization_recommendations k
               WHERE $2 IS NULL AND k.target_id = f.target_id AND k.source_type = 'workload' AND k.source_id = f.source_id
              UNION
              SELECT u.query_hash FROM (
                  SELECT g.query_hash FROM figure g
                   WHERE $2 IS NULL AND g.database_name = f.database_name
                     AND NOT EXISTS (SELECT FROM fettle.optimization_recommendations k
                                      WHERE k.target_id = f.target_id AND k.source_type = 'workload' AND k.source_id = f.source_id)
                   ORDER BY g.urgency DESC, g.query_hash LIMIT 1) u) p ON f.source_type = 'workload'
          LEFT JOIN fettle.calibration c ON c.target_id = f.target_id AND c.source_type = f.source_type AND c.kind = f.kind
          LEFT JOIN fettle.calibration_range r ON r.target_id = f.target_id AND r.source_type = f.source_type AND r.kind = f.kind
         WHERE f.target_id = $1 AND (f.source_type <> 'workload' OR p.query_hash IS NOT NULL)
    ), sure AS (
        SELECT p.*, coalesce(g.urgency, 0) AS urgency, fettle.calculate_roi_score(p.sure, p.improvement_percent, g.urgency) AS roi,
               CASE WHEN p.is_of_database THEN w.load_ms ELSE g.load_ms END AS load_ms,
               greatest(least(coalesce(p.improvement_percent, 0) / 100, 1), 0) AS share
          FROM placed p
          LEFT JOIN figure g ON g.query_hash = p.hash
          LEFT JOIN whole w ON w.database_name = p.database_name
         WHERE p.sure >= $3
    ), ranked AS (
        SELECT s.*, row_number() OVER (PARTITION BY s.key ORDER BY s.source_type = 'index' DESC, s.roi DESC, s.sure DESC, s.source_type, s.source_id)
                        AS rank,
               bool_or(s.hash IS NOT DISTINCT FROM $2) OVER (PARTITION BY s.key) AS is_asked,
               string_agg(s.source_type || ' (' || s.recommendation_text || ')', '; ') OVER (PARTITION BY s.key
                   ORDER BY s.source_type = 'index' DESC, s.roi DESC, s.sure DESC, s.source_type, s.source_id
                   ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS sources,
               count(*) OVER (PARTITION BY s.key) AS proposals
          FROM sure s
    )
    SELECT k.hash, k.fingerprint_hash, k.source_type, k.source_id, k.kind, k.key, k.recommendation_text,
           nullif(concat_ws(E'\n', k.explanation,
               CASE k.improvement_basis WHEN 'round_trips' THEN 'The improvement is the share of round trips saved: an upper bound of the time saved.'
                                        WHEN 'convention' THEN 'It saves no time that could be told.' END,
               CASE WHEN k.proposals > 1 THEN 'The same change is proposed by: ' || k.sources || '.' END), ''),
           k.improvement_percent, k.confidence, k.sure, k.urgency, k.roi, k.complexity, k.improvement_basis, v.saving, least(v.low, v.saving),
           greatest(v.high, v.saving)
      FROM ranked k
      CROSS JOIN LATERAL (
          -- before five results of its kind are known: anything from nothing to all of the improvement
          SELECT CASE WHEN k.improvement_basis = 'convention' THEN 0 ELSE k.load_ms * k.share * k.sure END AS saving,
                 CASE WHEN k.improvement_basis = 'convention' THEN 0 ELSE k.load_ms * k.share * coalesce(k.low, 0) END AS low,
                 CASE WHEN k.improvement_basis = 'convention' THEN 0
                      ELSE least(k.load_ms * k.share * coalesce(k.high, 1), k.load_ms) END AS high) v
     WHERE k.rank = 1 AND ($2 IS NULL OR k.is_asked)
    $$;

-- Brings the recommendations in line with what the sources found: new ones are inserted, known ones refreshed in place, those that
-- are not found any more go. What was dismissed stays so; what was carried out keeps its prediction, and is open again a month after
-- it was carried out or undone when it is proposed still.
CREATE FUNCTION fettle.recommendations_aggregate(only_hash bigint, min_confidence double precision, only_target bigint)
    RETURNS TABLE (recommendation_id bigint, source_type text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    target bigint;
    kept bigint[];
    is_kept boolean;
    is_over boolean;
    found record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('fettle.recommendations_aggregate', 0));
    FOR target IN SELECT t.target_id FROM fettle.targets t WHERE only_target IS NULL OR t.target_id = only_target ORDER BY t.target_id LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM fettle.recommendation_findings f WHERE f.target_id = target)
            AND NOT EXISTS (SELECT FROM fettle.optimization_recommendations r WHERE r.target_id = target AND r.change_key IS NOT NULL);
        kept := '{}';
        FOR found IN SELECT * FROM fettle.recommendations_ranked(target, only_hash, min_confidence) LOOP
            recommendation_id := NULL;
            source_type := found.source_type;
            SELECT r.id INTO recommendation_id
              FROM fettle.optimization_recommendations r
             WHERE r.target_id = target
               AND (r.change_key = found.change_key
                    OR (r.source_type = found.source_type AND r.source_id = found.source_id AND r.query_hash IS NOT DISTINCT FROM found.query_hash))
             ORDER BY r.source_type = found.source_type AND r.source_id = found.source_id AND r.query_hash IS NOT DISTINCT FROM found.query_hash DESC,
                      r.id
             LIMIT 1;
            IF recommendation_id IS NULL THEN
                INSERT INTO fettle.optimization_recommendations (target_id, query_hash, fingerprint_hash, source_type, source_id,
                            recommendation_text, kind)
                VALUES (target, found.query_hash, found.fingerprint_hash, found.source_type, found.source_id, found.recommendation_text, found.kind)
                RETURNING id INTO recommendation_id;
            END IF;
            SELECT count(*) > 0,
                   coalesce(max(greatest(i.implementation_timestamp, i.measured_at, i.rolled_back_at)) < now() - interval '30 days', false)
              INTO is_kept, is_over
              FROM fettle.optimization_implementations i WHERE i.recommendation_id = recommendations_aggregate.recommendation_id AND i.status <> 'failed';
            -- of an undone index its own source says when it is proposed again
            SELECT (is_over AND r.dismissal_reason IN ('implemented', 'reverted')) OR (found.source_type = 'index' AND r.dismissal_reason = 'reverted')
              INTO is_over
              FROM fettle.optimization_recommendations r WHERE r.id = recommendations_aggregate.recommendation_id;
            is_over := coalesce(is_over, false);
            UPDATE fettle.optimization_recommendations r
               SET query_hash = found.query_hash, fingerprint_hash = found.fingerprint_hash, source_type = found.source_type,
                   source_id = found.source_id, kind = found.kind, change_key = found.change_key,
                   recommendation_text = found.recommendation_text, detailed_explanation = found.explanation,
                   estimated_improvement_percent = found.improvement_percent, confidence_score = found.confidence,
                   source_confidence = found.source_confidence,
                   urgency_score = found.urgency, roi_score = found.roi, expected_saving_ms_per_hour = found.saving,
                   expected_saving_low = found.saving_low, expected_saving_high = found.saving_high,
                   implementation_complexity = found.complexity, improvement_basis = found.improvement_basis,
                   is_dismissed = r.is_dismissed AND NOT is_over,
                   dismissal_reason = CASE WHEN NOT is_over THEN r.dismissal_reason END,
                   updated_at = now()
             WHERE r.id = recommendations_aggregate.recommendation_id AND (NOT is_kept OR is_over);
            kept := kept || recommendation_id;
            RETURN NEXT;
        END LOOP;
        DELETE FROM fettle.optimization_recommendations r
         WHERE r.target_id = target AND r.change_key IS NOT NULL AND r.is_dismissed IS NOT TRUE AND r.id <> ALL (kept)
           AND (only_hash IS NULL OR r.query_hash = only_hash)
           AND NOT EXISTS (SELECT FROM fettle.optimization_implementations i WHERE i.recommendation_id = r.id)
           -- what is only less sure than was asked for now is found still, unless another row has come to stand for it
           AND (NOT EXISTS (SELECT FROM fettle.recommendation_findings f
                             WHERE f.target_id = r.target_id AND f.source_type = r.source_type AND f.source_id = r.source_id
                               AND (f.query_hash IS NULL OR f.query_hash = r.query_hash))
                OR EXISTS (SELECT FROM fettle.optimization_recommendations k
                            WHERE k.target_id = r.target_id AND k.change_key = r.change_key AND k.id = ANY (kept)));
    END LOOP;
END $$;

CREATE FUNCTION fettle.aggregate_recommendations_for_query(query_hash bigint)
    RETURNS TABLE (recommendation_count integer, source_types text[])
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT count(*)::integer, coalesce(array_agg(DISTINCT a.source_type ORDER BY a.source_type), '{}')
      FROM fettle.recommendations_aggregate($1, 0.6, NULL) a
    $$;
COMMENT ON FUNCTION fettle.aggregate_recommendations_for_query IS 'the same rule as POST /api/v1/recommendations/aggregate';

CREATE FUNCTION fettle.get_top_recommendations_for_query(query_hash bigint, "limit" integer DEFAULT 10)
    RETURNS TABLE (rec_id bigint, source_type text, recommendation_text text, estimated_improvement double precision,
                   confidence double precision, urgency_score double precision, roi_score double precision)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT r.id, r.source_type::text, r.recommendation_text, r.estimated_improvement_percent, r.confidence_score, r.urgency_score, r.roi_score
      FROM fettle.optimization_recommendations r
     WHERE r.query_hash = $1 AND r.is_dismissed IS NOT TRUE
     ORDER BY r.roi_score DESC NULLS LAST, r.confidence_score DESC NULLS LAST, r.expected_saving_ms_per_hour DESC NULLS LAST, r.id
     LIMIT $2
    $$;

CREATE FUNCTION fettle.get_top_recommendations("limit" integer DEFAULT 20, min_impact double precision DEFAULT 5.0)
    RETURNS TABLE (rec_id bigint, query_hash bigint, source_type text, recommendation_text text, estimated_improvement double precision,
                   confidence double precision, urgency_score double precision, roi_score double precision)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT r.id, r.query_hash, r.source_type::text, r.recommendation_text, r.estimated_improvement_percent, r.confidence_score,
           r.urgency_score, r.roi_score
      FROM fettle.optimization_recommendations r
     WHERE r.is_dismissed IS NOT TRUE AND coalesce(r.estimated_improvement_percent, 0) >= greatest($2, 0)
     ORDER BY r.roi_score DESC NULLS LAST, r.confidence_score DESC NULLS LAST, r.expected_saving_ms_per_hour DESC NULLS LAST, r.id
     LIMIT $1
    $$;

-- --- carried out

-- What a statement did in the last day, before a change; of a whole database when hash is NULL (database NULL: of the target). NULL:
-- nothing is known.
CREATE FUNCTION fettle.implementation_snapshot(target bigint, hash bigint, database text) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE WHEN sum(q.calls) > 0 THEN jsonb_build_object(
               'mean_exec_time_ms', sum(q.calls * q.mean_exec_time_ms) / sum(q.calls), 'calls', sum(q.calls),
               'calls_per_sec', sum(q.calls_per_hour) / 3600, 'calls_per_hour', sum(q.calls_per_hour),
               'total_time_ms', sum(q.calls * q.mean_exec_time_ms), 'rows', sum(q."rows"),
               'p95_exec_time_ms', CASE WHEN count(*) = 1 THEN max(q.p95_exec_time_ms) END,
               'p99_exec_time_ms', CASE WHEN count(*) = 1 THEN max(q.p99_exec_time_ms) END, 'collected_at', fettle.utc_text(max(q.collected_at))) END
      FROM fettle.v_query_latest q
     WHERE q.target_id = $1 AND ($2 IS NULL OR q.query_hash = $2) AND ($3 IS NULL OR $2 IS NOT NULL OR q.database_name = $3)
    $$;

-- Records that a recommendation is carried out. pre_stats NULL: the store's own snapshot. Only one implementation of a
-- recommendation can be pending; of two that ask at once, one wins. One that could not be measured in 30 days never will be
-- (implementation_due), and stands in nobody's way.
CREATE FUNCTION fettle.implementation_open(recommendation_id bigint, query_hash bigint, notes text, pre_stats jsonb,
                                           change_id bigint DEFAULT NULL)
    RETURNS TABLE (impl_id bigint, status text, pre_snapshot jsonb)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    r fettle.optimization_recommendations;
    pending bigint;
    database text;
BEGIN
    SELECT o.* INTO r FROM fettle.optimization_recommendations o WHERE o.id = implementation_open.recommendation_id FOR UPDATE;
    IF r.id IS NULL THEN
        RAISE no_data_found USING MESSAGE = format('there is no recommendation %s', implementation_open.recommendation_id);
    END IF;
    SELECT i.id INTO pending
      FROM fettle.optimization_implementations i LEFT JOIN fettle.index_changes c ON c.id = i.index_change_id
     WHERE i.recommendation_id = r.id AND i.status = 'pending'
       AND (i.implementation_timestamp > now() - interval '30 days' OR c.state IN ('pending', 'running'))
     LIMIT 1;
    IF pending IS NOT NULL THEN
        RAISE object_in_use USING MESSAGE = format('recommendation %s is being carried out already: implementation %s is pending', r.id, pending);
    END IF;
    SELECT c.database_name INTO database FROM fettle.index_changes c WHERE c.id = change_id;
    INSERT INTO fettle.optimization_implementations AS i (recommendation_id, query_hash, implementation_notes, pre_optimization_stats, index_change_id)
    VALUES (r.id, coalesce(implementation_open.query_hash, r.query_hash), notes,
            coalesce(pre_stats, fettle.implementation_snapshot(r.target_id, coalesce(implementation_open.query_hash, r.query_hash), database)),
            change_id)
    RETURNING i.id, i.status, i.pre_optimization_stats INTO impl_id, status, pre_snapshot;
    UPDATE fettle.optimization_recommendations o SET is_dismissed = true, dismissal_reason = 'implemented', updated_at = now() WHERE o.id = r.id;
    IF r.source_type = 'rewrite' THEN
        UPDATE fettle.query_rewrite_suggestions w SET implemented = true, updated_at = now() WHERE w.id = r.source_id AND w.target_id = r.target_id;
    END IF;
    RETURN NEXT;
END $$;

CREATE FUNCTION fettle.record_optimization_implementation(recommendation_id bigint, query_hash bigint, notes text, pre_stats jsonb)
    RETURNS TABLE (impl_id bigint, status text)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$ SELECT o.impl_id, o.status FROM fettle.implementation_open($1, $2, $3, $4) o $$;

CREATE FUNCTION fettle.record_recommendation_implementation(recommendation_id bigint, query_hash bigint, notes text DEFAULT NULL)
    RETURNS TABLE (impl_id bigint, status text, pre_snapshot jsonb)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$ SELECT o.impl_id, o.status, o.pre_snapshot FROM fettle.implementation_open($1, $2, $3, NULL) o $$;

-- --- measured and learnt from

-- A figure of statistics that a client may have given: NULL for what is no number, and for one that no double holds.
CREATE FUNCTION fettle.stats_number(stats jsonb, name text) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE WHEN jsonb_typeof($1 -> $2) = 'number'
                THEN CASE WHEN abs(($1 ->> $2)::numeric) BETWEEN 1e-300 AND 1e300 THEN ($1 ->> $2)::double precision
                          WHEN ($1 ->> $2)::numeric = 0 THEN 0 END END
    $$;

CREATE FUNCTION fettle.prediction_accuracy(actual double precision, predicted double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN actual IS NULL THEN NULL WHEN coalesce(predicted, 0) <= 0 THEN 0.5
                      ELSE greatest(0, 1 - abs(actual - predicted) / predicted) END $$;

-- Without an interval the bounds of 1 % alone decide; with one it must not hold 0.
CREATE FUNCTION fettle.implementation_verdict(actual double precision, low double precision, high double precision) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN actual >= 1 AND (low IS NULL OR low > 0) THEN 'implemented'
                      WHEN actual <= -1 AND (high IS NULL OR high < 0) THEN 'regressed' ELSE 'no_improvement' END $$;

-- The calibration of a kind from all its results: doing it again changes nothing. Its factor is of what the source said, as that is
-- what it multiplies: against the calibrated confidence it would correct itself away.
CREATE FUNCTION fettle.calibration_refresh(target bigint, source text, kind_word text) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS $$
    INSERT INTO fettle.calibration AS c (target_id, source_type, kind, results, mean_accuracy, factor, updated_at)
    SELECT $1, $2, $3, count(*), avg(i.accuracy_score),
           CASE WHEN count(*) >= 5 AND avg(coalesce(i.source_confidence, i.stated_confidence)) > 0
                THEN greatest(0.5, least(1.1, avg(i.accuracy_score) / avg(coalesce(i.source_confidence, i.stated_confidence)))) ELSE 1 END, now()
      FROM fettle.optimization_implementations i
      JOIN fettle.optimization_recommendations r ON r.id = i.recommendation_id
     WHERE r.target_id = $1 AND r.source_type = $2 AND coalesce(r.kind, '') = $3 AND i.accuracy_score IS NOT NULL AND i.status <> 'failed'
    HAVING count(*) > 0
    ON CONFLICT (target_id, source_type, kind) DO UPDATE
    SET results = excluded.results, mean_accuracy = excluded.mean_accuracy, factor = excluded.factor, updated_at = excluded.updated_at
    $$;

-- That there is something to measure: refuses what failed, is undone or being undone, and what is not there yet. Whoever measures
-- holds the implementation's row, which its change's end waits for (implementation_follow).
CREATE FUNCTION fettle.implementation_measure_check(i fettle.optimization_implementations) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    change_state text;
BEGIN
    IF i.status IN ('reverted', 'failed') THEN
        RAISE object_not_in_prerequisite_state USING MESSAGE = format('implementation %s is %s: there is nothing to measure', i.id, i.status);
    ELSIF i.undo_change_id IS NOT NULL THEN
        RAISE object_not_in_prerequisite_state USING MESSAGE = format('implementation %s is being undone: there is nothing to measure', i.id);
    END IF;
    SELECT c.state INTO change_state FROM fettle.index_changes c WHERE c.id = i.index_change_id AND c.state IN ('pending', 'running');
    IF change_state IS NOT NULL THEN
        RAISE object_not_in_prerequisite_state
            USING MESSAGE = format('implementation %s is not carried out yet: index change %s is %s', i.id, i.index_change_id, change_state);
    END IF;
END $$;

-- Writes a measurement down and learns from it. A later measurement of the same implementation takes the place of the one before:
-- the confidence is moved from what was stated then, never twice.
CREATE FUNCTION fettle.implementation_measured(implementation_id bigint, post_stats jsonb, actual_percent double precision,
                                               low double precision, high double precision, actual_seconds double precision, verdict text,
                                               harm_words text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    i fettle.optimization_implementations;
    r fettle.optimization_recommendations;
    accuracy double precision;
    sure double precision;
BEGIN
    SELECT x.* INTO i FROM fettle.optimization_implementations x WHERE x.id = implementation_id FOR UPDATE;
    IF i.id IS NULL THEN
        RETURN false;
    END IF;
    PERFORM fettle.implementation_measure_check(i);
    SELECT x.* INTO r FROM fettle.optimization_recommendations x WHERE x.id = i.recommendation_id FOR UPDATE;
    accuracy := CASE WHEN verdict IN ('pending', 'failed') THEN NULL ELSE fettle.prediction_accuracy(actual_percent, i.predicted_percent) END;
    sure := coalesce(i.stated_confidence, r.confidence_score, 0.8);
    UPDATE fettle.optimization_implementations x
       SET post_optimization_stats = post_stats, actual_improvement_percent = actual_percent, actual_low = low, actual_high = high,
           actual_improvement_seconds = actual_seconds, accuracy_score = accuracy, status = verdict, measured_at = now(),
           stated_confidence = sure, harm = harm_words
     WHERE x.id = i.id;
    IF accuracy IS NOT NULL THEN
        sure := greatest(0.05, least(0.95, sure + 0.2 * (accuracy - sure)));
        UPDATE fettle.optimization_recommendations x
           SET confidence_score = sure, roi_score = fettle.calculate_roi_score(sure, x.estimated_improvement_percent, x.urgency_score),
               updated_at = now()
         WHERE x.id = r.id;
        PERFORM fettle.calibration_refresh(r.target_id, r.source_type::text, coalesce(r.kind, '')::text);
    END IF;
    RETURN true;
END $$;

CREATE FUNCTION fettle.update_implementation_results(implementation_id bigint, post_stats jsonb, actual_percent double precision,
                                                     actual_seconds double precision, status text DEFAULT 'implemented') RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$ SELECT fettle.implementation_measured($1, $2, $3, NULL, NULL, $4, $5) $$;

-- The newest sample of what an implementation is about, at or after a moment; of the whole database when it is about no one query.
-- It is looked for from now backwards, twice as far at each step, so that a month of a whole database is not read for its last round.
CREATE FUNCTION fettle.implementation_latest(target bigint, hash bigint, database text, from_at timestamptz) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    since timestamptz := greatest(from_at, now() - interval '6 hours');
    before timestamptz := 'infinity';
    round timestamptz;
    latest jsonb;
BEGIN
    FOR step IN 0 .. 12 LOOP
        IF hash IS NULL THEN
            SELECT max(s.collected_at) INTO round FROM fettle.samples(target, since, before) s
             WHERE s.calls > 0 AND (database IS NULL OR s.database_name = database);
        ELSE
            SELECT max(s.collected_at) INTO round FROM fettle.samples(target, since, before, hash) s WHERE s.calls > 0;
        END IF;
        EXIT WHEN round IS NOT NULL OR (since > from_at) IS NOT TRUE;
        before := since;
        since := greatest(from_at, since - interval '6 hours' * 2 ^ step);
    END LOOP;
    SELECT CASE WHEN count(*) > 0 THEN jsonb_build_object(
               'mean_exec_time_ms', sum(k.total_exec_time_ms) / sum(k.calls), 'calls', sum(k.calls),
               'calls_per_sec', sum(k.calls) / max(k.interval_seconds), 'calls_per_hour', sum(k.calls) / max(k.interval_seconds) * 3600,
               'total_time_ms', sum(k.total_exec_time_ms), 'rows', sum(k."rows"), 'p95_exec_time_ms', max(k.p95_exec_time_ms),
               'p99_exec_time_ms', max(k.p99_exec_time_ms), 'collected_at', fettle.utc_text(max(k.collected_at))) END
      INTO latest
      FROM fettle.samples(target, round, round + interval '1 microsecond') k
     WHERE k.calls > 0 AND (hash IS NULL OR k.query_hash = hash) AND (database IS NULL OR hash IS NOT NULL OR k.database_name = database);
    RETURN latest;
END $$;

-- The measurement without statistics (contract, 7.4): the snapshot before against the newest sample after, and no interval.
CREATE FUNCTION fettle.measure_implementation_results(implementation_id bigint)
    RETURNS TABLE (impl_id bigint, actual_improvement_percent double precision, predicted_improvement_percent double precision,
                   status text, accuracy_score double precision)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    i fettle.optimization_implementations;
    target bigint;
    database text;
    before double precision;
    post jsonb;
    actual double precision;
BEGIN
    SELECT x.* INTO i FROM fettle.optimization_implementations x WHERE x.id = implementation_id FOR UPDATE;
    IF i.id IS NULL THEN
        RAISE no_data_found USING MESSAGE = format('there is no implementation %s', implementation_id);
    END IF;
    PERFORM fettle.implementation_measure_check(i);
    SELECT r.target_id INTO target FROM fettle.optimization_recommendations r WHERE r.id = i.recommendation_id;
    SELECT c.database_name INTO database FROM fettle.index_changes c WHERE c.id = i.index_change_id;
    before := coalesce(fettle.stats_number(i.pre_optimization_stats, 'mean_exec_time_ms'), fettle.stats_number(i.pre_optimization_stats, 'mean'));
    IF before IS NULL OR NOT before > 0 THEN
        RAISE object_not_in_prerequisite_state USING MESSAGE = format('nothing is known of the time before implementation %s', i.id);
    END IF;
    post := fettle.implementation_latest(target, i.query_hash, database, i.implementation_timestamp);
    IF post IS NULL THEN
        RAISE object_not_in_prerequisite_state USING MESSAGE = format('there is no sample after implementation %s yet', i.id);
    END IF;
    actual := (before - (post ->> 'mean_exec_time_ms')::double precision) / before * 100;
    PERFORM fettle.implementation_measured(i.id, post, actual, NULL, NULL, (before - (post ->> 'mean_exec_time_ms')::double precision) / 1000,
                                           fettle.implementation_verdict(actual, NULL, NULL));
    RETURN QUERY SELECT x.id, x.actual_improvement_percent, x.predicted_percent, x.status::text, x.accuracy_score
                   FROM fettle.optimization_implementations x WHERE x.id = i.id;
END $$;
COMMENT ON FUNCTION fettle.measure_implementation_results IS 'the rule of POST /api/v1/optimization-results/{id}/measure where too few samples are known for an interval';

-- The grants so far, and what this migration added to them.
ALTER FUNCTION fettle.access_grant() RENAME TO access_grant_before_recommendations;
CREATE FUNCTION fettle.access_grant() RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF NOT fettle.access_grant_before_recommendations() THEN
        RETURN false;
    END IF;
    GRANT EXECUTE ON FUNCTION fettle.get_top_recommendations_for_query(bigint, integer), fettle.get_top_recommendations(integer, double precision),
          fettle.prediction_accuracy(double precision, double precision),
          fettle.implementation_verdict(double precision, double precision, double precision)
       TO fettle_reader, fettle_writer;
    GRANT EXECUTE ON FUNCTION fettle.aggregate_recommendations_for_query(bigint),
          fettle.record_optimization_implementation(bigint, bigint, text, jsonb),
          fettle.record_recommendation_implementation(bigint, bigint, text),
          fettle.update_implementation_results(bigint, jsonb, double precision, double precision, text),
          fettle.measure_implementation_results(bigint)
       TO fettle_writer;
    RETURN true;
END $$;
