\set m random(1, :members)
UPDATE notifications SET read_at = now() WHERE member_id = :m AND read_at IS NULL;
