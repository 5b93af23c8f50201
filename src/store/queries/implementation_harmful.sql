-- Measured to be slower, carried out by Fettle, and not being undone; for a week after the measurement.
SELECT i.id
  FROM fettle.optimization_implementations i
 WHERE i.status = 'regressed' AND i.index_change_id IS NOT NULL AND i.undo_change_id IS NULL AND i.measured_at > now() - interval '7 days'
 ORDER BY i.measured_at, i.id
 LIMIT 1000
