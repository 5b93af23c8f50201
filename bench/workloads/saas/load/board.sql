\set p random_zipfian(1, :projects, 1.1)
SELECT id, title, state, assignee_id FROM issues WHERE project_id = :p AND state <> 'done' AND deleted_at IS NULL ORDER BY updated_at DESC LIMIT 50;
