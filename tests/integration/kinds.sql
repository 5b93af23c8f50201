-- SPDX-License-Identifier: PostgreSQL
-- A database with every kind of relation, column and name that advice may meet (test_relation_kinds.py).
-- psql variables: space, an empty directory of the server's user; csv, a file it can read. Extensions strange and semver are made by the test.
CREATE SCHEMA stats; CREATE EXTENSION pg_stat_statements SCHEMA stats;
CREATE EXTENSION file_fdw; CREATE EXTENSION citext; CREATE EXTENSION strange; CREATE EXTENSION semver;
CREATE TABLESPACE "Fast disk" LOCATION :'space';
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); CREATE DOMAIN code AS text CHECK (VALUE <> '');
CREATE TYPE pair AS (a int, b text);
CREATE COLLATION ignores_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE COLLATION german (provider = icu, locale = 'de');
CREATE FUNCTION made_in_c(int) RETURNS int LANGUAGE internal IMMUTABLE STRICT AS 'int4abs';

CREATE SCHEMA "Schéma ""x"" y";
CREATE TABLE "Schéma ""x"" y"."Täble; with 'quotes' and exactly sixty-three bytes in its name"
    ("order" int, "Größe $1" int, "a column whose name has sixty-three bytes, no more and no less " int, pad text);
INSERT INTO "Schéma ""x"" y"."Täble; with 'quotes' and exactly sixty-three bytes in its name"
    SELECT n, n % 20000, n % 15000, repeat('x', 60) FROM generate_series(1, 40000) n;

CREATE TABLE parted (at date, k int, j int, pad text) PARTITION BY RANGE (at);
CREATE TABLE "a_partition_with_a_name_of_exactly_sixty_three_bytes_no_more_01" PARTITION OF parted FOR VALUES FROM ('2025-01-01') TO ('2025-03-01');
CREATE TABLE "a_partition_with_a_name_of_exactly_sixty_three_bytes_no_more_02" PARTITION OF parted FOR VALUES FROM ('2025-03-01') TO ('2025-06-01')
    PARTITION BY LIST (k);
CREATE TABLE parted_sub_a PARTITION OF "a_partition_with_a_name_of_exactly_sixty_three_bytes_no_more_02" FOR VALUES IN (1, 2, 3);
CREATE TABLE parted_sub_default PARTITION OF "a_partition_with_a_name_of_exactly_sixty_three_bytes_no_more_02" DEFAULT;
CREATE TABLE parted_default PARTITION OF parted DEFAULT;
INSERT INTO parted SELECT date '2025-01-01' + n % 300, n % 9000, n % 9001, repeat('x', 40) FROM generate_series(1, 60000) n;

CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE TABLE half_foreign (day int, k int, pad text) PARTITION BY LIST (day);
CREATE TABLE half_here PARTITION OF half_foreign FOR VALUES IN (1);
CREATE FOREIGN TABLE half_there PARTITION OF half_foreign FOR VALUES IN (2) SERVER files OPTIONS (filename :'csv', format 'csv');
INSERT INTO half_foreign SELECT 1, n % 9000, repeat('x', 40) FROM generate_series(1, 40000) n;
CREATE FOREIGN TABLE far (day int, k int, pad text) SERVER files OPTIONS (filename :'csv', format 'csv');

CREATE TABLE parent (id int, k int, pad text); CREATE TABLE child (more int) INHERITS (parent);
INSERT INTO parent SELECT n, n % 9000, repeat('x', 40) FROM generate_series(1, 20000) n;
INSERT INTO child SELECT n, n % 9000, repeat('x', 40), n FROM generate_series(1, 20000) n;

CREATE TABLE dropped (gone1 int, a int, gone2 text, k int, gone3 numeric, pad text);
INSERT INTO dropped SELECT n, n, 'x', n % 9000, 1, repeat('x', 60) FROM generate_series(1, 30000) n;
ALTER TABLE dropped DROP COLUMN gone1; ALTER TABLE dropped DROP COLUMN gone2; ALTER TABLE dropped DROP COLUMN gone3;

CREATE TABLE typed (m mood, c code, p pair, r int4range, ci citext, pad text, g int GENERATED ALWAYS AS (upper(r)) STORED,
                    id int GENERATED ALWAYS AS IDENTITY);
INSERT INTO typed (m, c, p, r, ci, pad) SELECT CASE n % 5000 WHEN 0 THEN 'happy' ELSE 'ok' END::mood, 'c' || n % 9000, ROW(n % 9000, 'x')::pair,
    int4range(n % 9000, n % 9000 + 1), 'Ci' || n % 9000, repeat('x', 60) FROM generate_series(1, 30000) n;

CREATE TABLE collated (d text COLLATE ignores_case, g text COLLATE german, plain text, pad text);
INSERT INTO collated SELECT 'Name' || n % 9000, 'Straße' || n % 9000, 'p' || n % 9000, repeat('x', 60) FROM generate_series(1, 30000) n;

CREATE TABLE placed (id int PRIMARY KEY USING INDEX TABLESPACE "Fast disk", k int, pad text) TABLESPACE "Fast disk";
INSERT INTO placed SELECT n, n % 9000, repeat('x', 60) FROM generate_series(1, 30000) n;
CREATE UNLOGGED TABLE unlogged (k int, pad text); INSERT INTO unlogged SELECT n % 9000, repeat('x', 60) FROM generate_series(1, 30000) n;

CREATE TABLE secret (tenant int, k int, pad text); ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON secret USING (tenant = current_setting('app.tenant', true)::int);
INSERT INTO secret SELECT n % 7, n % 9000, repeat('x', 60) FROM generate_series(1, 30000) n;

CREATE TABLE behind_view (id int, k int, hidden boolean, pad text);
INSERT INTO behind_view SELECT n, n % 9000, n % 50 = 0, repeat('x', 60) FROM generate_series(1, 30000) n;
CREATE VIEW seen AS SELECT id, k FROM behind_view WHERE NOT hidden;
CREATE VIEW guarded WITH (security_barrier) AS SELECT id, k FROM behind_view WHERE NOT hidden;
CREATE MATERIALIZED VIEW summed AS SELECT id AS k, count(*) AS n, repeat('x', 60) AS pad FROM behind_view GROUP BY id;

CREATE TABLE has_strange (id int, s strange, k int, pad text);
INSERT INTO has_strange SELECT n, ROW(1)::strange, n % 9000, repeat('x', 60) FROM generate_series(1, 30000) n;
CREATE TABLE has_semver (id int, s semver, k int, pad text);
INSERT INTO has_semver SELECT n, ROW(1)::semver, n % 9000, repeat('x', 60) FROM generate_series(1, 30000) n;

CREATE ROLE kinds_app LOGIN; GRANT pg_read_all_data TO kinds_app;
CREATE ROLE kinds_monitor LOGIN; GRANT pg_monitor TO kinds_monitor;
VACUUM ANALYZE;
