\set s random(1, :sessions)
SELECT s.token, s.customer_id, c.name FROM sessions s LEFT JOIN customers c ON c.id = s.customer_id WHERE s.token = md5('session ' || :s)::uuid;
UPDATE sessions SET seen_at = now() WHERE token = md5('session ' || :s)::uuid;
