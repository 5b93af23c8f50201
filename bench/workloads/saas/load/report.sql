\set t random_zipfian(1, :tenants, 1.1)
SELECT date_trunc('week', created_at) AS week, count(*), count(*) FILTER (WHERE state = 'done') FROM issues WHERE tenant_id = :t AND created_at >= timestamptz '2026-04-01 00:00+00' GROUP BY 1 ORDER BY 1;
SELECT p.name, count(*) FROM issues i JOIN projects p ON p.id = i.project_id WHERE i.tenant_id = :t AND i.state = 'blocked' GROUP BY p.name ORDER BY 2 DESC LIMIT 10;
