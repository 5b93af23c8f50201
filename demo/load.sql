-- SPDX-License-Identifier: PostgreSQL
-- Fills the shop. psql variable "scale": 1 makes about 700 MB. The same scale always gives the same rows.
SELECT setseed(0.42);
INSERT INTO categories
SELECT n, CASE WHEN n > 8 THEN 1 + n % 8 END, 'Category ' || n FROM generate_series(1, 60) n;

-- City depends on country; a few countries have most customers; 3 % are deleted.
INSERT INTO customers (email, name, country, city, created_at, deleted_at)
SELECT 'user' || n || '@' || (ARRAY['example.com', 'example.org', 'mail.example'])[1 + n % 3],
       (ARRAY['Ada', 'Bob', 'Cleo', 'Dan', 'Eve', 'Finn', 'Gwen', 'Hal'])[1 + n % 8] || ' ' || 'Surname' || n % 997,
       (ARRAY['DE', 'FR', 'US', 'GB', 'PL'])[1 + place], 'City ' || place || '-' || n % (3 + place * 4),
       timestamptz '2024-01-01 00:00+00' + n * interval '1 minute',
       CASE WHEN n % 33 = 0 THEN timestamptz '2026-01-01 00:00+00' END
FROM (SELECT n, least(4, floor(-ln(1 - random()) * 1.2))::int AS place
      FROM generate_series(1, (200000 * :scale)::int) n) s;

INSERT INTO products (category_id, sku, name, price, stock, attributes, tags)
SELECT 1 + floor(60 * random() ^ 2)::int, 'SKU-' || lpad(n::text, 8, '0'), 'Product ' || n || ' ' || md5(n::text),
       round((5 + 500 * random() ^ 3)::numeric, 2), (random() * 1000)::int,
       jsonb_build_object('colour', (ARRAY['red', 'green', 'blue', 'black'])[1 + n % 4], 'weight', n % 50, 'brand', 'Brand ' || n % 200),
       ARRAY['tag' || n % 20, 'tag' || n % 7]
FROM generate_series(1, (20000 * :scale)::int) n;

-- A few customers order most; 95 % of the orders are done; new ones are young.
INSERT INTO orders (customer_id, status, total, coupon, created_at, updated_at)
SELECT 1 + floor((200000 * :scale)::int * random() ^ 3)::bigint,
       (CASE WHEN n > (1000000 * :scale) * 0.985 THEN (ARRAY['new', 'paid', 'packed', 'shipped'])[1 + n % 4]
             WHEN n % 50 = 0 THEN 'returned' WHEN n % 70 = 0 THEN 'cancelled' ELSE 'done' END)::order_status,
       round((10 + 900 * random() ^ 4)::numeric, 2), CASE WHEN n % 20 = 0 THEN 'SAVE' || n % 13 END,
       timestamptz '2025-01-01 00:00+00' + n * (interval '540 days' / (1000000 * :scale)),
       timestamptz '2025-01-01 00:00+00' + n * (interval '540 days' / (1000000 * :scale)) + interval '2 days'
FROM generate_series(1, (1000000 * :scale)::int) n;

INSERT INTO order_items (order_id, line, product_id, quantity, price)
SELECT o, l, 1 + floor((20000 * :scale)::int * random() ^ 3)::bigint, 1 + (random() * 3)::int, round((5 + 200 * random())::numeric, 2)
FROM generate_series(1, (1000000 * :scale)::int) o, generate_series(1, 1 + o % 4) l;

INSERT INTO payments (order_id, method, amount, paid_at)
SELECT n, (ARRAY['card', 'card', 'card', 'transfer', 'voucher'])[1 + n % 5], round((10 + 900 * random())::numeric, 2),
       CASE WHEN n % 40 <> 0 THEN timestamptz '2025-01-01 00:00+00' + n * (interval '540 days' / (1000000 * :scale)) END
FROM generate_series(1, (1000000 * :scale)::int) n;

INSERT INTO reviews (product_id, customer_id, rating, body, created_at)
SELECT 1 + floor((20000 * :scale)::int * random() ^ 2)::bigint, 1 + floor((200000 * :scale)::int * random())::bigint,
       1 + (4 * random() ^ 0.5)::int, repeat('A fine thing. ', 1 + (random() * 8)::int),
       timestamptz '2025-01-01 00:00+00' + n * (interval '540 days' / (300000 * :scale))
FROM generate_series(1, (300000 * :scale)::int) n;

INSERT INTO events (id, customer_id, session, kind, payload, created_at)
SELECT n, CASE WHEN n % 4 <> 0 THEN 1 + floor((200000 * :scale)::int * random() ^ 2)::bigint END, md5((n / 20)::text)::uuid,
       (ARRAY['view', 'view', 'view', 'view', 'search', 'cart', 'checkout', 'error'])[1 + n % 8],
       jsonb_build_object('page', '/p/' || n % 5000, 'ms', (random() * 400)::int),
       timestamptz '2026-01-01 00:00+00' + n * (interval '180 days' / (1500000 * :scale))
FROM generate_series(1, (1500000 * :scale)::int) n;
SELECT setval(pg_get_serial_sequence('orders', 'id'), (SELECT max(id) FROM orders));
VACUUM (ANALYZE);
