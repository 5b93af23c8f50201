SELECT t.database_id, (extract(epoch FROM t.starts_at) * 1000000)::bigint,
       ARRAY(SELECT (extract(epoch FROM u.at) * 1000000)::bigint FROM unnest(t.collected_at) WITH ORDINALITY u(at, number) ORDER BY u.number),
       t.interval_ms, t.flags
FROM fettle.sample_times t
WHERE t.target_id = $1::bigint AND ($2::integer = 0 OR t.database_id = $2::integer) AND t.starts_at >= $3::timestamptz
  AND t.starts_at < $4::timestamptz
ORDER BY t.database_id, t.starts_at
