\set i random(1, :issues)
\set m random(1, :members)
BEGIN;
SELECT tenant_id FROM issues WHERE id = :i \gset
INSERT INTO comments (tenant_id, issue_id, author_id, body, created_at) VALUES (:tenant_id, :i, :m, 'agreed', now());
UPDATE issues SET updated_at = now() WHERE id = :i;
INSERT INTO notifications (tenant_id, member_id, issue_id, kind, created_at) VALUES (:tenant_id, :m, :i, 'comment', now());
END;
