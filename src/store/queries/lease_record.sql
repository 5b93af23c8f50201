-- Who holds the lease is the only row.
WITH gone AS (DELETE FROM fettle.servers WHERE holder <> $1)
INSERT INTO fettle.servers (holder, process_id, backend_pid) VALUES ($1, $2, pg_backend_pid())
    ON CONFLICT (holder) DO UPDATE SET process_id = excluded.process_id, backend_pid = excluded.backend_pid, taken_at = now()
