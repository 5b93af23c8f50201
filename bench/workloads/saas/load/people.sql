\set t random_zipfian(1, :tenants, 1.1)
SELECT id, name, email, role FROM members WHERE tenant_id = :t AND deleted_at IS NULL ORDER BY name LIMIT 50;
SELECT id, key, name FROM projects WHERE tenant_id = :t AND archived_at IS NULL ORDER BY name;
