\set k random(0, 39)
\set t random_zipfian(1, :tenants, 1.1)
SELECT id, title FROM issues WHERE tenant_id = :t AND labels @> ARRAY['label' || :k] AND state <> 'done' ORDER BY id DESC LIMIT 25;
