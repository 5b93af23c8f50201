-- SPDX-License-Identifier: PostgreSQL
-- A verdict that is told says from when on there is enough data: who reads "no improvement" a day after the change is to know
-- whether that is the last word.
CREATE OR REPLACE FUNCTION fettle.notice_of_implementation() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM fettle.notice_record(r.target_id, CASE NEW.status WHEN 'reverted' THEN 'implementation.undone' ELSE 'implementation.verdict' END,
                jsonb_build_object('implementation_id', NEW.id, 'recommendation_id', r.id, 'source_type', r.source_type,
                                   'recommendation_text', r.recommendation_text, 'status', NEW.status,
                                   'query_hash', coalesce(NEW.query_hash, r.query_hash),
                                   'estimated_improvement_percent', r.estimated_improvement_percent,
                                   'actual_improvement_percent', NEW.actual_improvement_percent, 'actual_low', NEW.actual_low,
                                   'actual_high', NEW.actual_high, 'error_message', NEW.error_message,
                                   'reason', to_jsonb(NEW) ->> 'undo_reason')
                -- what failed or is undone is not measured any more
                || CASE WHEN NEW.status IN ('failed', 'reverted') THEN '{}'
                        ELSE jsonb_build_object('enough_data_at', fettle.utc_text(NEW.enough_data_at),
                                                'detectable_percent', NEW.detectable_percent) END)
       FROM fettle.optimization_recommendations r
      WHERE r.id = NEW.recommendation_id;
    RETURN NULL;
END
$$;
