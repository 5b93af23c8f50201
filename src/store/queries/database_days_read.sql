-- $5: calls and time alone. Arrays become text, which is most of the work; in no order, for rows are wide.
SELECT d.target_id, n.database_name, (extract(epoch FROM d.day) / 86400)::bigint, d.observed_ms, d.calls,
       CASE WHEN NOT $5::boolean THEN d."rows" END, d.exec_us, CASE WHEN NOT $5::boolean THEN d.blocks_hit END,
       CASE WHEN NOT $5::boolean THEN d.blocks_read END, CASE WHEN NOT $5::boolean THEN d.temp_blocks END
FROM unnest($1::bigint[], $2::bigint[]) t(target_id, open_day)
JOIN fettle.database_days d ON d.target_id = t.target_id
JOIN fettle.databases n ON n.target_id = d.target_id AND n.database_id = d.database_id
WHERE d.day >= ($3::timestamptz AT TIME ZONE 'UTC')::date AND d.day < date '1970-01-01' + t.open_day::integer
  AND ($4::text IS NULL OR n.database_name = $4::text)
