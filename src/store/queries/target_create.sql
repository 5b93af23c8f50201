INSERT INTO fettle.targets (name, conninfo, sealed_password, enabled, databases, interval_ms)
VALUES ($1, $2, decode($3, 'hex'), $4, coalesce($5::text[], '{}'), $6)
RETURNING target_id
