SELECT d.statement_id, least(sum(d.calls), 9223372036854775807)::bigint, least(sum(d."rows"), 9223372036854775807)::bigint,
       least(sum(d.exec_us), 9223372036854775807)::bigint, least(sum(d.io_blocks), 9223372036854775807)::bigint,
       least(sum(d.temp_blocks), 9223372036854775807)::bigint, least(sum(d.wal_bytes), 9223372036854775807)::bigint
FROM fettle.sample_days d
WHERE d.target_id = $1::bigint AND d.day >= ($2::timestamptz AT TIME ZONE 'UTC')::date
  AND d.day < ($3::timestamptz AT TIME ZONE 'UTC')::date AND d.statement_id >= $4::integer AND d.statement_id <= $5::integer
  AND ($6::integer[] IS NULL OR d.statement_id = ANY ($6::integer[]))
GROUP BY d.statement_id
ORDER BY d.statement_id
