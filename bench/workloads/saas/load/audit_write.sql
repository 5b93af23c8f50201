\set t random_zipfian(1, :tenants, 1.1)
INSERT INTO audit (tenant_id, member_id, action, at, details) VALUES (:t, 1, 'edit', now(), '{"address": "10.0.0.1"}');
