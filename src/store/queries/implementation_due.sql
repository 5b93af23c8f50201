-- Those of which a measurement is due: 24 h after they were carried out and again at 48 h. One that has no sample
-- yet is asked about again, for a month.
SELECT i.id
  FROM fettle.optimization_implementations i
  LEFT JOIN fettle.index_changes c ON c.id = i.index_change_id
 WHERE i.status IN ('pending', 'implemented', 'no_improvement', 'regressed') AND i.undo_change_id IS NULL
   AND (c.id IS NULL OR c.state = 'completed')
   AND ((i.implementation_timestamp <= now() - interval '24 hours' AND coalesce(i.measured_at, '-infinity') < i.implementation_timestamp + interval '24 hours')
        OR (i.implementation_timestamp <= now() - interval '48 hours'
            AND coalesce(i.measured_at, '-infinity') < i.implementation_timestamp + interval '48 hours'))
   AND i.implementation_timestamp > now() - interval '30 days'
 ORDER BY i.implementation_timestamp, i.id
 LIMIT 1000
