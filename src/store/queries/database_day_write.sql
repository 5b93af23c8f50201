INSERT INTO fettle.database_days (target_id, database_id, day, observed_ms, calls, "rows", exec_us, blocks_hit, blocks_read, temp_blocks)
VALUES ($1::bigint, $2::integer, ($3::timestamptz AT TIME ZONE 'UTC')::date, $4::integer[], $5::bigint[], $6::bigint[], $7::bigint[],
        $8::bigint[], $9::bigint[], $10::bigint[])
