CREATE TEMPORARY TABLE IF NOT EXISTS statements_staging (
    target_id bigint, statement_id integer, database_id integer, user_name text, user_oid oid, queryid bigint, query_hash bigint,
    is_toplevel boolean, fingerprint_hash bigint, query_text text)
    ON COMMIT DELETE ROWS
