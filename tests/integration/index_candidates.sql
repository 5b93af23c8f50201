-- SPDX-License-Identifier: PostgreSQL
-- Tables of test_index_candidates.py: for each family of indexes one where it is right and one where it is a trap.
CREATE EXTENSION pg_trgm;
CREATE FUNCTION filler(n integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT repeat(md5(n::text), 4) $$;

-- B-tree keys: equality first, then the range or the order.
CREATE TABLE visits AS SELECT n AS id, n % 500 AS person_id, timestamptz '2024-01-01' + n * interval '1 minute' AS seen_at,
    filler(n) AS body FROM generate_series(1, 40000) n;
CREATE TABLE scores AS SELECT n AS id, (n * 7919) % 1000 AS game, (n * 31337) % 10007 AS points, filler(n) AS body
    FROM generate_series(1, 40000) n;

-- INCLUDE: half of the point is that the table is visible; unseen is the same table, never vacuumed.
CREATE TABLE sales AS SELECT n AS id, n % 200 AS region_id, n % 997 AS total, filler(n) AS body FROM generate_series(1, 40000) n;
CREATE TABLE unseen (LIKE sales) WITH (autovacuum_enabled = off);

-- Partial: one job in a hundred waits. In halves a half of the rows do; in asked the value is a parameter.
CREATE TABLE jobs AS SELECT n AS id, CASE WHEN n % 100 = 0 THEN 'waiting' ELSE 'done' END AS status, (n * 7919) % 40009 AS priority,
    filler(n) AS body FROM generate_series(1, 40000) n;
CREATE TABLE halves AS SELECT id, CASE WHEN id % 2 = 0 THEN 'waiting' ELSE 'done' END AS status, id % 20 AS priority, body FROM jobs;
CREATE TABLE asked AS SELECT * FROM jobs;
CREATE TABLE tickets AS SELECT n AS id, n % 300 AS owner_id, CASE WHEN n % 50 <> 0 THEN now() END AS closed_at, filler(n) AS body
    FROM generate_series(1, 40000) n;

-- Expressions: lower() is immutable; date_trunc() of a timestamptz depends on the time zone; a function may be volatile.
CREATE TABLE people AS SELECT n AS id, 'Person' || n || '@Example.com' AS email, timestamptz '2024-01-01' + n * interval '1 hour' AS born_at,
    filler(n) AS body FROM generate_series(1, 40000) n;
CREATE FUNCTION shuffled(n integer) RETURNS integer LANGUAGE sql VOLATILE AS $$ SELECT n + (random() * 0)::integer $$;
CREATE TABLE dice AS SELECT n AS id, n % 5000 AS pips, filler(n) AS body FROM generate_series(1, 40000) n;
CREATE TABLE documents AS SELECT n AS id, jsonb_build_object('code', 'c' || n % 8000, 'size', n % 10) AS data, filler(n) AS body
    FROM generate_series(1, 40000) n;

CREATE TABLE meters AS SELECT n AS id, timestamp '2024-01-01' + n * interval '10 minutes' AS read_at, filler(n) AS body FROM generate_series(1, 20000) n;
-- What an expression has at most, its column's statistics tell: three values, fifty; and of a document's key what its values give.
CREATE TABLE parcels AS SELECT n AS id, (ARRAY['Paid', 'New', 'Sent'])[1 + n % 3] AS status, 'City' || n % 50 AS city,
    jsonb_build_object('n', n, 'kind', CASE WHEN hashint4(n) % 20 = 0 THEN 'rare' ELSE 'usual' END) AS data, filler(n) AS body FROM generate_series(1, 20000) n;
CREATE TABLE packets AS SELECT * FROM parcels;

-- Soft deletion: in messages nearly all are deleted, in threads nearly none.
CREATE TABLE messages AS SELECT n AS id, n % 300 AS author_id, n % 20 <> 0 AS is_deleted, filler(n) AS body FROM generate_series(1, 20000) n;
CREATE TABLE threads AS SELECT id, author_id, NOT is_deleted AS is_deleted, body FROM messages;

-- A prefix search: the pattern operator class where the collation is not C, none where it is.
CREATE TABLE words AS SELECT n AS id, md5(n::text) AS word, md5(n::text) COLLATE "C" AS plain, filler(n) AS body
    FROM generate_series(1, 40000) n;

-- GIN.
CREATE TABLE events AS SELECT n AS id, jsonb_build_object('user', n % 9000, 'kind', 'k' || n % 5) AS data, filler(n) AS body
    FROM generate_series(1, 40000) n;
CREATE TABLE flags AS SELECT n AS id, jsonb_build_object('flag' || n % 3000, true) AS data, filler(n) AS body FROM generate_series(1, 40000) n;
CREATE TABLE posts AS SELECT n AS id, ARRAY[n % 4000, n % 3000 + 5000] AS tags, filler(n) AS body FROM generate_series(1, 40000) n;
CREATE TABLE articles AS SELECT n AS id, to_tsvector('english', 'word' || n % 5000 || ' and word' || n % 3000 || ' about something') AS search,
    filler(n) AS body FROM generate_series(1, 40000) n;
CREATE TABLE places AS SELECT n AS id, 'the house number ' || n || ' in ' || md5(n::text) || ' street' AS name, filler(n) AS body
    FROM generate_series(1, 40000) n;

-- No GIN: an element that is compared, a configuration that may change, a pattern without three letters.
CREATE TABLE labels AS SELECT id, tags, body FROM posts WHERE id <= 20000;
CREATE TABLE essays AS SELECT n AS id, 'word' || n % 5000 || ' and word' || n % 3000 || ' about something' AS content FROM generate_series(1, 20000) n;
CREATE TABLE reports AS SELECT * FROM essays;
CREATE TABLE streets AS SELECT id, name, body FROM places WHERE id <= 20000;

-- GiST and SP-GiST; in stays all that is there is asked for.
CREATE TABLE stays AS SELECT n AS id, tstzrange(timestamptz '2024-01-01' + n * interval '1 hour', timestamptz '2024-01-01' + (n + 2) * interval '1 hour') AS during,
    filler(n) AS body FROM generate_series(1, 20000) n;
CREATE TABLE bookings AS SELECT n AS id, tstzrange(timestamptz '2024-01-01' + n * interval '1 hour', timestamptz '2024-01-01' + (n + 2) * interval '1 hour') AS during,
    filler(n) AS body FROM generate_series(1, 40000) n;
CREATE TABLE hosts AS SELECT n AS id, ('10.' || n % 200 || '.' || n % 253 || '.' || n % 251)::inet AS address, filler(n) AS body
    FROM generate_series(1, 40000) n;

-- BRIN: rows come in order and many are written; in mixed the column's order is not the rows'.
CREATE TABLE log AS SELECT n AS id, timestamptz '2024-01-01' + n * interval '1 second' AS logged_at, filler(n) AS body
    FROM generate_series(1, 120000) n;
CREATE TABLE mixed AS SELECT n AS id, timestamptz '2024-01-01' + ((n * 7919::bigint) % 120011) * interval '1 second' AS logged_at, filler(n) AS body
    FROM generate_series(1, 120000) n;

-- Hash: long values, looked up whole; and a column that is looked up by some and sought the least of by others. In shelves it is only looked up.
CREATE TABLE pages AS SELECT n AS id, 'https://example.com/' || filler(n) || n AS address FROM generate_series(1, 40000) n;
CREATE TABLE picks AS SELECT n * 31337::bigint % 13001 AS order_id, n * 7919::bigint % 2000 AS product_id, filler(n) AS body FROM generate_series(1, 40000) n;
CREATE INDEX picks_order_id ON picks (order_id);
CREATE TABLE shelves AS SELECT * FROM picks;

-- Under a LIMIT: in letters what is sought may be anywhere along the order; in notes each tenth row will do.
CREATE TABLE letters AS SELECT n AS id, n * 7919::bigint % 40009 AS sent_at, jsonb_build_object('customer', 'c' || n % 4000) AS data, filler(n) AS body
    FROM generate_series(1, 40000) n;
CREATE TABLE notes AS SELECT id, sent_at, id % 10 AS kind, body FROM letters;

-- A foreign key without an index on its own side.
CREATE TABLE parents AS SELECT n AS id FROM generate_series(1, 20000) n;
ALTER TABLE parents ADD PRIMARY KEY (id);
CREATE TABLE children AS SELECT n AS id, n % 19000 + 1 AS parent_id, filler(n) AS body FROM generate_series(1, 40000) n;
ALTER TABLE children ADD FOREIGN KEY (parent_id) REFERENCES parents;
CREATE TABLE orphans AS SELECT * FROM children;
CREATE TABLE guardians AS SELECT * FROM parents;
ALTER TABLE guardians ADD PRIMARY KEY (id);
ALTER TABLE orphans ADD FOREIGN KEY (parent_id) REFERENCES guardians;

-- An index that a wider one replaces, and one that a constraint rests on.
CREATE TABLE orders AS SELECT n AS id, n % 50 AS account_id, (n * 7919) % 40009 AS total, filler(n) AS body FROM generate_series(1, 40000) n;
CREATE INDEX orders_account_id ON orders (account_id);
CREATE TABLE bills AS SELECT n AS id, n % 50 AS account_id, n AS number, filler(n) AS body FROM generate_series(1, 40000) n;
CREATE UNIQUE INDEX bills_account_number ON bills (account_id, number);

-- A table that only the plan shows.
CREATE TABLE hidden AS SELECT n AS id, n % 900 AS kind, filler(n) AS body FROM generate_series(1, 40000) n;
CREATE FUNCTION hidden_of(wanted integer) RETURNS SETOF hidden LANGUAGE sql STABLE AS $$ SELECT * FROM hidden WHERE kind = wanted $$;

-- Traps of the whole.
CREATE TABLE tiny AS SELECT n AS id, n % 7 AS kind FROM generate_series(1, 500) n;
CREATE TABLE sexes AS SELECT n AS id, n % 3 AS sex, filler(n) AS body FROM generate_series(1, 40000) n;
CREATE TABLE inbox AS SELECT n AS id, n % 400 AS topic, filler(n) AS body FROM generate_series(1, 40000) n;
CREATE TABLE counters AS SELECT n AS id, n % 2000 AS hits, filler(n) AS body FROM generate_series(1, 40000) n;
ALTER TABLE counters ADD PRIMARY KEY (id);
CREATE TABLE absent AS SELECT n AS id, CASE WHEN n % 20 = 0 THEN n END AS reference, filler(n) AS body FROM generate_series(1, 40000) n;
CREATE TABLE towns AS SELECT n AS id, n % 2000 AS postcode, n % 2000 / 20 AS county, filler(n) AS body FROM generate_series(1, 40000) n;
CREATE STATISTICS towns_postcode_county (dependencies, ndistinct) ON postcode, county FROM towns;

VACUUM ANALYZE;
INSERT INTO unseen SELECT * FROM sales;
ANALYZE unseen;
