SELECT NOT EXISTS (SELECT FROM fettle.index_changes WHERE target_id = $1::bigint AND state IN ('pending', 'running'))
       -- A measurement that has not come in two weeks does not come any more.
   AND NOT EXISTS (SELECT FROM fettle.optimization_implementations i
                     JOIN fettle.optimization_recommendations o ON o.id = i.recommendation_id
                    WHERE o.target_id = $1::bigint AND o.source_type = 'index' AND i.status = 'pending'
                      AND i.implementation_timestamp > now() - interval '14 days')
