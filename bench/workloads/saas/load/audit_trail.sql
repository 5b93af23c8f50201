\set t random_zipfian(1, :tenants, 1.1)
SELECT at, member_id, action, details FROM audit WHERE tenant_id = :t ORDER BY at DESC LIMIT 50;
