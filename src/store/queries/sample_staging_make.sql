CREATE TEMPORARY TABLE IF NOT EXISTS sample_rounds_staging (
    target_id bigint, collected_at timestamptz, database_id integer, interval_ms integer, flags integer, data bytea)
    ON COMMIT DELETE ROWS
