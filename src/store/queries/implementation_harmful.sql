-- Carried out by Fettle, certain to do harm, and not being undone; for a week after the measurement. Without an interval that is only
-- what became much slower, over many calls: less could be chance. With one, all of it must be a regression of 5 % or more. Nor is it certain where other changes touched the controls (lacks_controls):
-- then only what the measurement itself calls harm. What could not be undone is left alone for a while; what a person ordered without a recommendation, for good.
-- What is on a disabled target, or what a pause of undoing stands against, is left alone, and told so until that or the week is over: people
-- can still undo it then. That it could not be undone stays said.
WITH harmful AS (
    SELECT i.id, i.measured_at,
           CASE WHEN NOT t.enabled THEN 'the target is disabled; it is undone by itself when it is enabled before '
                WHEN EXISTS (SELECT FROM fettle.pause_of(r.target_id, true))
                THEN 'undoing is paused; it is undone by itself when the pause is over before ' END AS hindrance
      FROM fettle.optimization_implementations i
      JOIN fettle.optimization_recommendations r ON r.id = i.recommendation_id AND r.source_id IS NOT NULL
      JOIN fettle.targets t ON t.target_id = r.target_id
     WHERE i.status = 'regressed' AND i.index_change_id IS NOT NULL AND i.undo_change_id IS NULL AND i.measured_at > now() - interval '7 days'
       AND (i.undo_after IS NULL OR i.undo_after <= now())
       AND (i.harm IS NOT NULL
            OR (i.actual_high <= -5 AND (i.post_optimization_stats @> '{"lacks_controls": true}') IS NOT TRUE)
            OR (i.actual_high IS NULL AND i.query_hash IS NOT NULL AND i.actual_improvement_percent <= -20
                AND fettle.stats_number(i.pre_optimization_stats, 'calls') >= 30 AND fettle.stats_number(i.post_optimization_stats, 'calls') >= 30)))
, told AS (
    UPDATE fettle.optimization_implementations i SET error_message = m.message
      FROM (SELECT x.id, 'not undone: ' || h.hindrance || to_char((h.measured_at + interval '7 days') AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI" UTC"')
              FROM fettle.optimization_implementations x LEFT JOIN harmful h ON h.id = x.id AND h.hindrance IS NOT NULL
             WHERE h.id IS NOT NULL OR x.error_message LIKE 'not undone: %') m (id, message)
     WHERE i.id = m.id AND i.error_message IS DISTINCT FROM m.message AND coalesce(i.error_message, '') NOT LIKE 'it could not be undone%')
SELECT id
  FROM harmful
 WHERE hindrance IS NULL
 ORDER BY measured_at, id
 LIMIT 1000
