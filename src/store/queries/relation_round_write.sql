INSERT INTO fettle.relation_rounds (target_id, database_id, collected_at, statistics_reset_at, relation_oids, table_oids, schema_names,
                                    relation_names, kinds, sizes, row_estimates, scans, rows_read, index_scans, rows_inserted,
                                    rows_updated, rows_updated_hot, rows_deleted, live_rows, dead_rows, blocks_hit, blocks_read,
                                    vacuumed_at_us, analyzed_at_us, bloat_bytes, bloat_measured)
VALUES ($1::bigint, $2::integer, timestamptz 'epoch' + $3::bigint * interval '1 microsecond',
        timestamptz 'epoch' + $4::bigint * interval '1 microsecond', $5::oid[], $6::oid[], $7::text[], $8::text[], $9::text,
        $10::bigint[], $11::real[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[],
        $18::bigint[], $19::bigint[], $20::bigint[], $21::bigint[], $22::bigint[], $23::bigint[], $24::bigint[], $25::real[],
        $26::boolean[])
ON CONFLICT DO NOTHING
