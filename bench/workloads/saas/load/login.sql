\set m random(1, :members)
SELECT id, tenant_id, role FROM members WHERE lower(email) = 'member' || :m || '@company.example' AND deleted_at IS NULL;
UPDATE members SET last_seen_at = now() WHERE id = :m;
