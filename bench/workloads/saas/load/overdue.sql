\set t random_zipfian(1, :tenants, 1.1)
SELECT i.id, i.title, m.email FROM issues i JOIN members m ON m.id = i.assignee_id WHERE i.tenant_id = :t AND i.state <> 'done' AND i.due_on < date '2026-06-20' ORDER BY i.due_on LIMIT 100;
