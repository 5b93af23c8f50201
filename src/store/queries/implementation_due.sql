-- Those of which a measurement is due: 24 h after they were carried out and again at 48 h. One that has no sample yet is asked about
-- again every ten minutes, for a month. What Fettle carried out itself is looked at for harm every hour of its first week.
UPDATE fettle.optimization_implementations i SET asked_at = now()
  FROM (SELECT d.id, d.implementation_timestamp <= now() - interval '24 hours'
                         AND (coalesce(d.measured_at, '-infinity') < d.implementation_timestamp + interval '24 hours'
                              OR (d.implementation_timestamp <= now() - interval '48 hours'
                                  AND d.measured_at < d.implementation_timestamp + interval '48 hours')) AS is_due
          FROM fettle.optimization_implementations d
         WHERE d.status IN ('pending', 'implemented', 'no_improvement', 'regressed') AND d.undo_change_id IS NULL
           AND d.implementation_timestamp > now() - interval '30 days'
           AND NOT EXISTS (SELECT FROM fettle.index_changes c WHERE c.id = d.index_change_id AND c.state IN ('pending', 'running'))) d
 WHERE i.id = d.id
   AND CASE WHEN d.is_due THEN coalesce(i.asked_at, '-infinity') < now() - interval '10 minutes'
            ELSE i.index_change_id IS NOT NULL AND i.harm IS NULL AND i.implementation_timestamp > now() - interval '7 days'
                 AND greatest(i.implementation_timestamp, i.asked_at) < now() - interval '1 hour' END
RETURNING i.id, d.is_due
