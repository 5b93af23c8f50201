\set i random(1, :issues)
SELECT i.*, p.key, m.name AS assignee FROM issues i JOIN projects p ON p.id = i.project_id LEFT JOIN members m ON m.id = i.assignee_id WHERE i.id = :i;
SELECT c.id, c.body, c.created_at, m.name FROM comments c JOIN members m ON m.id = c.author_id WHERE c.issue_id = :i ORDER BY c.created_at;
