INSERT INTO fettle.jobs (kind, status, target_id, started_at) VALUES ($1, 'running', $2, now()) RETURNING id
