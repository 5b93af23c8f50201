-- Those of which a measurement is due: 24 h after they were carried out and again at 48 h. One that has no sample yet is asked about
-- again every ten minutes, for a month.
UPDATE fettle.optimization_implementations i SET asked_at = now()
 WHERE i.status IN ('pending', 'implemented', 'no_improvement', 'regressed') AND i.undo_change_id IS NULL
   AND NOT EXISTS (SELECT FROM fettle.index_changes c WHERE c.id = i.index_change_id AND c.state IN ('pending', 'running'))
   AND i.implementation_timestamp > now() - interval '30 days'
   AND ((i.implementation_timestamp <= now() - interval '24 hours'
         AND coalesce(i.measured_at, '-infinity') < i.implementation_timestamp + interval '24 hours')
        OR (i.implementation_timestamp <= now() - interval '48 hours'
            AND coalesce(i.measured_at, '-infinity') < i.implementation_timestamp + interval '48 hours'))
   AND coalesce(i.asked_at, '-infinity') < now() - interval '10 minutes'
RETURNING i.id
