SELECT t.target_id, n.database_name, o.hour, o.observed_ms, o.calls, o."rows", o.exec_us, o.blocks_hit, o.blocks_read, o.temp_blocks
FROM unnest($1::bigint[], $2::bigint[]) t(target_id, open_day)
CROSS JOIN LATERAL (
    SELECT r.database_id, floor(extract(epoch FROM r.collected_at) / 3600)::bigint AS hour,
           round(max(r.interval_seconds) * 1000)::bigint AS observed_ms, sum(r.calls)::bigint AS calls, coalesce(sum(r."rows"), 0)::bigint AS "rows",
           round(coalesce(sum(r.total_exec_time_ms), 0) * 1000)::bigint AS exec_us, coalesce(sum(r.shared_blks_hit), 0)::bigint AS blocks_hit,
           coalesce(sum(r.shared_blks_read), 0)::bigint AS blocks_read,
           coalesce(sum(r.temp_blks_read + r.temp_blks_written), 0)::bigint AS temp_blocks
    FROM fettle.sample_rows r
    WHERE r.target_id = t.target_id AND r.collected_at >= $3::timestamptz AND r.collected_at < $4::timestamptz
      AND r.collected_at < timestamptz 'epoch' + t.open_day * interval '86400 seconds'
      AND ($5::text IS NULL OR r.database_id IN (
          SELECT d.database_id FROM fettle.databases d WHERE d.target_id = t.target_id AND d.database_name = $5::text))
    GROUP BY r.database_id, floor(extract(epoch FROM r.collected_at) / 3600)) o
JOIN fettle.databases n ON n.target_id = t.target_id AND n.database_id = o.database_id
ORDER BY t.target_id, n.database_name
