-- SPDX-License-Identifier: PostgreSQL
-- Tables of test_index_traps.py.
ALTER DATABASE :"DBNAME" SET random_page_cost = 1.1;
CREATE FUNCTION filler(n integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT repeat(md5(n::text), 4) $$;

-- A list of numbers that the server has as ARRAY[$1, $2]; and elements of an array.
CREATE TABLE readings AS SELECT n AS id, n % 2000 AS device_id, ARRAY[n % 3000, n % 4000 + 5000] AS tags, filler(n) AS body FROM generate_series(1, 40000) n;

-- Rows come in the order of made_at, and some statement wants the last of those that match a pattern. In shuffled they come in none.
CREATE TABLE requests AS SELECT n AS id, timestamptz '2026-01-01' + n * interval '1 second' AS made_at, '/api/' || n % 400 || '/' || md5((n % 9000)::text) AS path,
    n % 3000 AS took_ms, filler(n) AS body FROM generate_series(1, 60000) n;
CREATE TABLE shuffled AS SELECT id, timestamptz '2026-01-01' + ((id * 7919::bigint) % 60013) * interval '1 second' AS made_at, path, took_ms, body FROM requests;

-- One state in a hundred is asked for, and the mean one is a fourth of the rows.
CREATE TABLE orders AS SELECT n AS id, n % 997 AS customer_id, CASE WHEN n % 100 = 0 THEN 'pending' WHEN n % 150 = 1 THEN 'packing' WHEN n % 30 = 2 THEN 'returned' ELSE 'shipped' END AS status,
    (ARRAY['DE', 'FR', 'US', 'GB', 'NL'])[1 + n % 5] AS country, (n * 7919) % 60013 AS total, filler(n) AS body FROM generate_series(1, 60000) n;
ALTER TABLE orders ADD PRIMARY KEY (id);
CREATE INDEX orders_status ON orders (status);

-- What no index that stands for the table makes faster: a part of a document, a pattern.
CREATE TABLE documents AS SELECT n AS id, jsonb_build_object('code', 'c' || n % 8000) AS data, 'Product ' || md5(n::text) AS name, filler(n) || filler(n + 1) AS body
    FROM generate_series(1, 40000) n;

-- Two ranges; an OR of two columns beside a third; the last row of each partner.
CREATE TABLE shops AS SELECT n AS id, (n * 7919::bigint % 60013) / 600.13 AS latitude, (n * 31337::bigint % 60013) / 600.13 AS longitude, filler(n) AS body
    FROM generate_series(1, 60000) n;
CREATE TABLE tasks AS SELECT n AS id, n % 41 AS tenant_id, n % 37 AS assignee_id, n % 43 AS reviewer_id, filler(n) AS body FROM generate_series(1, 60000) n;
CREATE TABLE devices AS SELECT n AS id, n % 10 AS site_id FROM generate_series(1, 500) n;
CREATE TABLE samples AS SELECT n AS id, n * 7919::bigint % 500 AS device_id, n % 23 AS kind, timestamptz '2026-01-01' + n * interval '1 second' AS made_at,
    filler(n) AS body FROM generate_series(1, 60000) n;

VACUUM ANALYZE;
