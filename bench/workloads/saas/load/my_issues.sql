\set m random(1, :members)
SELECT id, title, state, due_on FROM issues WHERE assignee_id = :m AND state IN ('open', 'doing') AND deleted_at IS NULL ORDER BY due_on, id LIMIT 20;
