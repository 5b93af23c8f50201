-- What is older than it is kept, and the oldest beyond how many are kept.
DELETE FROM fettle.notices
 WHERE created_at < now() - $1::bigint * interval '1 millisecond'
    OR id <= (SELECT id FROM fettle.notices ORDER BY id DESC OFFSET $2::bigint LIMIT 1)
