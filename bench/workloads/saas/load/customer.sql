\set c random(0, 4999)
SELECT id, title, state FROM issues WHERE fields ->> 'customer' = 'customer' || :c ORDER BY created_at DESC LIMIT 20;
