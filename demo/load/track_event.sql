\set c random(1, :customers)
\set p random_zipfian(1, :products, 1.1)
INSERT INTO events (customer_id, session, kind, payload, created_at) VALUES (:c, md5((:c)::text)::uuid, 'view', jsonb_build_object('page', '/p/' || :p), now());
