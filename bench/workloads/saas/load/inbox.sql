\set m random(1, :members)
SELECT id, issue_id, kind, created_at FROM notifications WHERE member_id = :m AND read_at IS NULL ORDER BY created_at DESC LIMIT 30;
SELECT count(*) FROM notifications WHERE member_id = :m AND read_at IS NULL;
