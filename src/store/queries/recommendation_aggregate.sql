SELECT count(*), coalesce(array_agg(DISTINCT a.source_type ORDER BY a.source_type), '{}')
  FROM fettle.recommendations_aggregate($1::bigint, $2::double precision, $3::bigint) a
