-- All that may be retired or written, by number: as the end of an index change locks them (index_change_end).
SELECT count(*)
  FROM (SELECT x.id FROM fettle.index_recommendations x
         WHERE x.target_id = $1::bigint AND x.database_name = $2
         ORDER BY x.id
           FOR UPDATE) locked
