-- Carried out by Fettle, certain to do harm, and not being undone; for a week after the measurement. Without an interval that is only
-- what became much slower, over many calls: less could be chance. What could not be undone is left alone for a while; what a person ordered without a recommendation, for good.
-- What is on a disabled target is left alone, and told so: people can still undo it.
WITH harmful AS (
    SELECT i.id, i.measured_at, t.enabled
      FROM fettle.optimization_implementations i
      JOIN fettle.optimization_recommendations r ON r.id = i.recommendation_id AND r.source_id IS NOT NULL
      JOIN fettle.targets t ON t.target_id = r.target_id
     WHERE i.status = 'regressed' AND i.index_change_id IS NOT NULL AND i.undo_change_id IS NULL AND i.measured_at > now() - interval '7 days'
       AND (i.undo_after IS NULL OR i.undo_after <= now())
       AND NOT EXISTS (SELECT FROM fettle.pause_of(r.target_id, true))
       AND (i.harm IS NOT NULL
            OR (i.actual_high < 0 AND i.actual_improvement_percent <= -5)
            OR (i.actual_high IS NULL AND i.query_hash IS NOT NULL AND i.actual_improvement_percent <= -20
                AND fettle.stats_number(i.pre_optimization_stats, 'calls') >= 30 AND fettle.stats_number(i.post_optimization_stats, 'calls') >= 30)))
, told AS (
    UPDATE fettle.optimization_implementations i SET error_message = m.message
      FROM harmful h, (VALUES ('not undone: the target is disabled; it is undone by itself when it is enabled within a week of the measurement')) m (message)
     WHERE i.id = h.id AND NOT h.enabled AND i.error_message IS DISTINCT FROM m.message)
SELECT id
  FROM harmful
 WHERE enabled
 ORDER BY measured_at, id
 LIMIT 1000
