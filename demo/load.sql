-- SPDX-License-Identifier: PostgreSQL
-- Fills the shop. psql variable "scale": 1 makes about 900 MB. The same scale and "seed" (0 to 1) always give the same rows. Needs a superuser:
-- foreign keys are not checked row by row, the rows are made to keep them.
\if :{?scale}
\else
\set scale 1
\endif
\if :{?seed}
\else
\set seed 0.42
\endif
SELECT ceil(200000 * :scale)::int AS customers, ceil(20000 * :scale)::int AS products, ceil(1000000 * :scale)::int AS orders,
       ceil(300000 * :scale)::int AS reviews, ceil(250000 * :scale)::int AS sessions, ceil(1500000 * :scale)::int AS events \gset
SET session_replication_role = replica;
SET timezone = 'UTC';
SELECT setseed(:seed) AS seeded \gset

INSERT INTO categories
SELECT n, CASE WHEN n > 8 THEN 1 + n % 8 END, 'Category ' || n FROM generate_series(1, 60) n;

INSERT INTO coupons
SELECT 'SAVE' || n, 5 * (1 + n % 6), daterange(date '2025-01-01' + n * 30, date '2025-04-01' + n * 30) FROM generate_series(0, 12) n;

-- City depends on country; a few countries have most customers; 3 % are deleted; a third gave no phone.
INSERT INTO customers (email, name, phone, country, city, created_at, deleted_at)
SELECT 'user' || n || '@' || (ARRAY['example.com', 'example.org', 'mail.example'])[1 + n % 3],
       (ARRAY['Ada', 'Bob', 'Cleo', 'Dan', 'Eve', 'Finn', 'Gwen', 'Hal'])[1 + n % 8] || ' ' || 'Surname' || n % 997,
       CASE WHEN n % 3 <> 0 THEN '+49' || 1000000 + n * 7 END,
       (ARRAY['DE', 'FR', 'US', 'GB', 'PL'])[1 + place], 'City ' || place || '-' || n % (3 + place * 4),
       timestamptz '2024-01-01 00:00+00' + n * (interval '360 days' / :customers),
       CASE WHEN n % 33 = 0 THEN timestamptz '2026-01-01 00:00+00' END
FROM (SELECT n, least(4, floor(-ln(1 - random()) * 1.2))::int AS place FROM generate_series(1, :customers) n) s;

-- One address each, a second for every third; the second is the older one and often deleted.
INSERT INTO addresses (customer_id, street, postcode, city, country, is_default, deleted_at)
SELECT c.id, 'Street ' || c.id % 1777 || ' ' || c.id % 90, lpad((c.id % 9000)::text, 5, '0'), c.city, c.country, k = 1,
       CASE WHEN k = 2 AND c.id % 4 <> 0 THEN c.created_at + interval '90 days' END
FROM customers c, generate_series(1, CASE WHEN c.id % 3 = 0 THEN 2 ELSE 1 END) k ORDER BY c.id, k;

INSERT INTO sessions
SELECT md5('session ' || n)::uuid, CASE WHEN n % 3 <> 0 THEN 1 + floor(:customers * random() ^ 2)::bigint END,
       '10.0.0.0'::inet + n % 65000, CASE WHEN n % 10 <> 0 THEN 'Browser/' || n % 12 END,
       timestamptz '2026-03-01 00:00+00' + n * (interval '120 days' / :sessions),
       timestamptz '2026-03-01 00:00+00' + n * (interval '120 days' / :sessions) + random() * interval '2 hours'
FROM generate_series(1, :sessions) n;

INSERT INTO products (category_id, sku, name, price, stock, attributes, tags)
SELECT 1 + floor(60 * random() ^ 2)::int, 'SKU-' || lpad(n::text, 8, '0'), 'Product ' || n || ' ' || md5(n::text),
       round((5 + 500 * random() ^ 3)::numeric, 2), (random() * 1000)::int,
       jsonb_build_object('colour', (ARRAY['red', 'green', 'blue', 'black'])[1 + n % 4], 'weight', n % 50, 'brand', 'Brand ' || n % 200),
       ARRAY['tag' || n % 20, 'tag' || n % 7]
FROM generate_series(1, :products) n;

-- A few customers order most; 95 % of the orders are done; those still open are young.
INSERT INTO orders (customer_id, status, total, coupon, created_at, updated_at)
SELECT 1 + floor(:customers * random() ^ 3)::bigint,
       (CASE WHEN n > :orders * 0.985 THEN (ARRAY['new', 'paid', 'packed', 'shipped'])[1 + n % 4]
             WHEN n % 50 = 0 THEN 'returned' WHEN n % 70 = 0 THEN 'cancelled' ELSE 'done' END)::order_status,
       round((10 + 900 * random() ^ 4)::numeric, 2), CASE WHEN n % 20 = 0 THEN 'SAVE' || n % 13 END,
       timestamptz '2025-01-01 00:00+00' + n * (interval '540 days' / :orders),
       timestamptz '2025-01-01 00:00+00' + n * (interval '540 days' / :orders) + interval '2 days'
FROM generate_series(1, :orders) n;

INSERT INTO order_items (order_id, line, product_id, quantity, price)
SELECT o, l, 1 + floor(:products * random() ^ 3)::bigint, 1 + (random() * 3)::int, round((5 + 200 * random())::numeric, 2)
FROM generate_series(1, :orders) o, generate_series(1, 1 + o % 4) l;

INSERT INTO payments (order_id, method, amount, paid_at)
SELECT id, (ARRAY['card', 'card', 'card', 'transfer', 'voucher'])[1 + id % 5], total,
       CASE WHEN id % 40 <> 0 THEN created_at + interval '1 hour' END
FROM orders ORDER BY id;

-- The newest twentieth is still on its way.
INSERT INTO shipments (order_id, carrier, tracking, shipped_at, delivered_at)
SELECT id, (ARRAY['post', 'post', 'post', 'express', 'freight'])[1 + id % 5], 'T' || upper(substr(md5(id::text), 1, 14)),
       created_at + interval '1 day', CASE WHEN id <= :orders * 0.98 THEN created_at + interval '3 days' END
FROM orders WHERE status IN ('shipped', 'done', 'returned') ORDER BY id;

INSERT INTO reviews (product_id, customer_id, rating, body, created_at)
SELECT 1 + floor(:products * random() ^ 2)::bigint, 1 + floor(:customers * random())::bigint,
       1 + (4 * random() ^ 0.5)::int, repeat('A fine thing. ', 1 + (random() * 8)::int),
       timestamptz '2025-01-01 00:00+00' + n * (interval '540 days' / :reviews)
FROM generate_series(1, :reviews) n;

INSERT INTO events (customer_id, session, kind, payload, created_at)
SELECT CASE WHEN n % 4 <> 0 THEN 1 + floor(:customers * random() ^ 2)::bigint END, md5((n / 20)::text)::uuid,
       (ARRAY['view', 'view', 'view', 'view', 'search', 'cart', 'checkout', 'error'])[1 + n % 8],
       jsonb_build_object('page', '/p/' || n % 5000, 'ms', (random() * 400)::int),
       timestamptz '2026-01-01 00:00+00' + n * (interval '180 days' / :events)
FROM generate_series(1, :events) n;
RESET session_replication_role;
VACUUM (ANALYZE);
