# SPDX-License-Identifier: PostgreSQL
"""The twin module against a private server: database "real" has rows, database "twin" has its sizes and statistics.

Run: /usr/bin/python3 -m pytest -q twin_module/test_twin_module.py [-s]
Environment: PG_CONFIG (default: the newest under /usr/lib/postgresql), FETTLE_TWIN_SERVER_USER (who runs the server when root; postgres).
Every warning of the server is an error here, unless a test expects it.
"""
import contextlib
import glob
import json
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import tempfile
import time

import psycopg2
import psycopg2.errors
import pytest

HERE = pathlib.Path(__file__).resolve().parent


def newest_pg_config():
    found = glob.glob("/usr/lib/postgresql/*/bin/pg_config")
    return os.environ.get("PG_CONFIG") or max(found, key=lambda path: int(path.split("/")[4]))


PG_CONFIG = newest_pg_config()
BINARIES = subprocess.check_output([PG_CONFIG, "--bindir"], text=True).strip()
SERVER_USER = os.environ.get("FETTLE_TWIN_SERVER_USER", "postgres")


def as_server_user(*command):
    if os.geteuid() == 0:
        command = ("runuser", "-u", SERVER_USER, "--", *command)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/")


@contextlib.contextmanager
def connection(server, database, user=None):
    handle = psycopg2.connect(host=server["socket"], dbname=database, user=user or "postgres")
    handle.autocommit = True
    try:
        yield handle
    finally:
        handle.close()


def run(handle, statement, parameters=None):
    with handle.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows = cursor.fetchall() if cursor.description else []
    warnings = [notice for notice in handle.notices if notice.startswith("WARNING")]
    assert not warnings, warnings
    return rows


def one(handle, statement, parameters=None):
    return run(handle, statement, parameters)[0][0]


def plan(handle, statement):
    return one(handle, "EXPLAIN (FORMAT JSON) " + statement)[0]["Plan"]


@pytest.fixture(scope="session")
def module():
    # Not under a user's private temporary directory: the server's user has to reach it.
    out = tempfile.mkdtemp(prefix="fettle-twin-module-")
    os.chmod(out, 0o755)
    subprocess.run(["make", "-s", "-C", str(HERE), f"PG_CONFIG={PG_CONFIG}", f"OUT={out}"], check=True)
    yield os.path.join(out, "fettle_twin.so")
    shutil.rmtree(out)


@pytest.fixture(scope="session")
def server():
    directory = tempfile.mkdtemp(prefix="fettle-twin-server-")
    if os.geteuid() == 0:
        os.chown(directory, pwd.getpwnam(SERVER_USER).pw_uid, -1)
    data = os.path.join(directory, "data")
    as_server_user(f"{BINARIES}/initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "--wal-segsize=1", "-E", "UTF8", "--locale=C.UTF-8")
    with open(os.path.join(data, "postgresql.conf"), "a", encoding="utf-8") as settings:
        settings.write(
            f"listen_addresses=''\nunix_socket_directories='{directory}'\nfsync=off\nautovacuum=off\nshared_buffers=64MB\n"
            "max_connections=20\nrestart_after_crash=off\nmax_parallel_maintenance_workers=2\n"
        )
    log = os.path.join(directory, "log")
    as_server_user(f"{BINARIES}/pg_ctl", "-D", data, "-l", log, "-w", "start")
    yield {"socket": directory, "log": log}
    subprocess.call(["runuser", "-u", SERVER_USER, "--", f"{BINARIES}/pg_ctl", "-D", data, "-m", "immediate", "stop"] if os.geteuid() == 0
                    else [f"{BINARIES}/pg_ctl", "-D", data, "-m", "immediate", "stop"], stdout=subprocess.DEVNULL)
    text = pathlib.Path(log).read_text(encoding="utf-8")
    shutil.rmtree(directory)
    assert "terminated by signal" not in text and "TRAP" not in text and "PANIC" not in text, text


def install(server, database, module):
    with connection(server, "postgres") as handle:
        run(handle, f"CREATE DATABASE {database}")
    with connection(server, database) as handle:
        run(handle, (HERE / "install.sql").read_text(encoding="utf-8").replace("@MODULE@", module))
        run(handle, f"ALTER DATABASE {database} SET session_preload_libraries = '{module}'")
        run(handle, f"ALTER DATABASE {database} SET default_table_access_method = twin")


SCHEMA = """
CREATE EXTENSION pg_trgm;
CREATE EXTENSION citext;
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE customer (id int PRIMARY KEY, name text NOT NULL, city text, mood mood, born date, score numeric(10,2), note varchar(60),
    short name, mail citext, flag boolean, tags int[], words tsvector, spot point, span int4range, doc jsonb, code uuid, address inet);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int NOT NULL REFERENCES customer, status char(1), placed timestamptz NOT NULL,
    total float8, shipped date, quantity positive, region int, country int, line text);
CREATE TABLE event (id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz NOT NULL, kind int) PARTITION BY RANGE (at);
CREATE TABLE event_2025 PARTITION OF event FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE event_2026 PARTITION OF event FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE INDEX ON event (at);
CREATE INDEX orders_customer ON orders (customer_id);
CREATE INDEX orders_placed ON orders (placed DESC);
CREATE INDEX orders_open ON orders (placed) WHERE status = 'o';
CREATE INDEX orders_total ON orders (total, id);
CREATE INDEX orders_line_lower ON orders (lower(line));
CREATE INDEX customer_tags ON customer USING gin (tags);
CREATE INDEX customer_words ON customer USING gin (words);
CREATE INDEX customer_spot ON customer USING gist (spot);
CREATE INDEX customer_span ON customer USING gist (span);
CREATE INDEX customer_city_hash ON customer USING hash (city);
CREATE INDEX customer_name_spgist ON customer USING spgist (name);
CREATE INDEX orders_placed_brin ON orders USING brin (placed);
CREATE STATISTICS orders_area ON region, country FROM orders;
CREATE STATISTICS orders_area_more (ndistinct, dependencies, mcv) ON country, (quantity % 7), region FROM orders;
"""
DATA = """
SELECT setseed(0.5);
INSERT INTO customer SELECT i, 'Customer ' || md5(i::text), 'city' || (random() ^ 3 * 500)::int, (ARRAY['sad','ok','happy'])[1 + i % 3]::mood,
    '1950-01-01'::date + (random() * 20000)::int, random() * 1000, CASE WHEN random() < 0.4 THEN NULL ELSE repeat('n', (random() * 50)::int) END,
    'short' || i % 1000, 'Mail' || i || '@example.org', random() < 0.1, ARRAY(SELECT (random() ^ 2 * 300)::int FROM generate_series(1, 1 + i % 6)),
    to_tsvector('simple', (SELECT string_agg('word' || (random() ^ 4 * 3000)::int, ' ') FROM generate_series(1, 5 + i % 5))),
    point(random() * 100, random() * 100), int4range(i, i + 1 + (random() * 100)::int),
    jsonb_build_object('kind', i % 7, 'value', (random() * 1000)::int, 'text', 't' || i % 99), md5(i::text)::uuid,
    ('10.' || i % 250 || '.' || (i / 250) % 250 || '.7')::inet
    FROM generate_series(1, 30000) i;
INSERT INTO orders SELECT i, 1 + (random() ^ 2 * 29999)::int, substr('ooddddddddddcx', 1 + (random() * 13)::int, 1), '2025-01-01'::timestamptz + i * interval '3 min',
    (random() * 10000)::float8, CASE WHEN random() < 0.3 THEN NULL ELSE '2025-01-01'::date + (random() * 600)::int END, 1 + (random() * 20)::int, i % 40, (i % 40) / 8,
    'Line ' || md5((i % 5000)::text) FROM generate_series(1, 200000) i;
INSERT INTO event (at, kind) SELECT '2025-01-01'::timestamptz + i * interval '10 min', i % 50 FROM generate_series(1, 100000) i;
VACUUM (ANALYZE) customer;
VACUUM (ANALYZE) event;
ANALYZE orders;
DELETE FROM orders WHERE id % 50 = 0 AND id < 20000;
INSERT INTO orders SELECT i, 7, 'o', '2027-01-01'::timestamptz, 1e6, NULL, 3, 1, 1, 'late' FROM generate_series(300001, 303000) i;
"""

# Sizes of a relation as the planner of "real" sees them.
SIZES = """
SELECT c.oid::regclass::text, c.relkind, pg_relation_size(c.oid) / current_setting('block_size')::int, c.relpages, c.reltuples, c.relallvisible,
       CASE WHEN a.amname = 'btree' AND c.relkind = 'i' THEN (SELECT fastlevel FROM bt_metap(c.oid::regclass::text)) END
FROM pg_class c LEFT JOIN pg_am a ON a.oid = c.relam
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'i', 'm') ORDER BY c.oid
"""
SIZES_SET = """
UPDATE pg_class SET relrewrite = %s, relpages = %s, reltuples = %s, relallvisible = %s WHERE oid = %s::regclass
"""
SLOTS = ["stakind", "staop", "stacoll", "stanumbers", "stavalues"]


def copy_sizes(real, twin):
    for name, kind, blocks, pages, tuples, visible, height in run(real, SIZES):
        if kind == "i":
            visible = 0 if height is None else height + 1
        run(twin, SIZES_SET, (blocks + 1, pages, tuples, visible, name))


def copy_statistics(real, twin):
    # array_send() shows an anyarray's element type in its third word.
    slots = ", ".join(
        f"stakind{i}, staop{i}::regoperator::text, (SELECT quote_ident(collname) FROM pg_collation c WHERE c.oid = stacoll{i}), stanumbers{i}::text, "
        f"stavalues{i}::text, format_type(('x' || encode(substr(array_send(stavalues{i}), 9, 4), 'hex'))::bit(32)::int::oid, -1)"
        for i in range(1, 6)
    )
    rows = run(real, f"SELECT starelid::regclass::text, staattnum, stainherit, stanullfrac, stawidth, stadistinct, {slots} FROM pg_statistic s "
               "WHERE starelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)")
    for row in rows:
        kinds, operators, collations, numbers, values = [], [], [], [], []
        for kind, operator, collation, number, value, element in zip(*[iter(row[6:])] * 6):
            kinds.append(kind)
            operators.append(operator)
            collations.append(collation)
            numbers.append(number)
            values.append((value, element))
        run(twin, "INSERT INTO pg_statistic VALUES (%s::regclass, %s, %s, %s, %s, %s, "
            + ", ".join(["%s"] * 5) + ", " + ", ".join(["%s::regoperator::oid" if operator not in ("0", "-") else "replace(%s, '-', '0')::oid" for operator in operators])
            + ", " + ", ".join(["coalesce((SELECT oid FROM pg_collation WHERE quote_ident(collname) = %s LIMIT 1), 0)"] * 5)
            + ", " + ", ".join(["%s::real[]"] * 5)
            + ", " + ", ".join(["fettle_twin.untrusted_array(%s, %s::regtype, 'untrusted'::regrole)"] * 5) + ")",
            (*row[:6], *kinds, *operators, *collations, *numbers, *[field for pair in values for field in pair]))
    return len(rows)


BTREES = """
SELECT i.indexrelid::regclass::text, i.indrelid::regclass::text, pg_get_indexdef(i.indexrelid, 1, true), pg_get_expr(i.indpred, i.indrelid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
WHERE c.relnamespace = 'public'::regnamespace AND a.amname = 'btree' AND c.relkind = 'i'
"""


def copy_ends(real, twin):
    for index, table, key, predicate in run(real, BTREES):
        where = f"WHERE {key} IS NOT NULL AND ({predicate or 'true'})"
        ends = [run(real, f"SELECT (key)::text FROM (SELECT {key} AS key FROM {table} {where} ORDER BY {key} {order} LIMIT 1) s") for order in ("", "DESC")]
        low, high = (end[0][0] if end else None for end in ends)
        assert one(twin, "SELECT fettle_twin.index_ends_set(%s, %s, %s)", (index, low, high)), index


def copy_gin_counts(real, twin):
    for (index,) in run(real, "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'i' AND relam = (SELECT oid FROM pg_am WHERE amname = 'gin')"):
        counts = run(real, "SELECT n_total_pages, n_entry_pages, n_data_pages, n_entries FROM gin_metapage_info(get_raw_page(%s, 0))", (index,))[0]
        assert one(twin, "SELECT fettle_twin.gin_counts_set(%s, %s, %s, %s, %s)", (index, *counts))


def copy_extended_statistics(real, twin):
    rows = run(real, """
        SELECT e.stxname, e.stxkeys::int2[], (SELECT array_agg(attname::text ORDER BY k.at) FROM unnest(e.stxkeys) WITH ORDINALITY k(number, at)
            JOIN pg_attribute a ON a.attrelid = e.stxrelid AND a.attnum = k.number), s.n_distinct::text, s.dependencies::text,
            s.most_common_vals, s.most_common_val_nulls, s.most_common_freqs, s.most_common_base_freqs, s.inherited
        FROM pg_statistic_ext e JOIN pg_stats_ext s ON s.statistics_schemaname = 'public' AND s.statistics_name = e.stxname""")
    for name, numbers, names, distinct, dependencies, values, nulls, frequencies, base, inherited in rows:
        run(twin, """
            INSERT INTO pg_statistic_ext_data (stxoid, stxdinherit, stxdndistinct, stxddependencies, stxdmcv, stxdexpr)
            SELECT oid, %(inherited)s, fettle_twin.ndistinct_build(oid, %(names)s, %(numbers)s::int2[], %(distinct)s),
                fettle_twin.dependencies_build(oid, %(names)s, %(numbers)s::int2[], %(dependencies)s),
                fettle_twin.mcv_build(oid, %(names)s, %(values)s::text[], %(nulls)s::boolean[], %(frequencies)s::float8[], %(base)s::float8[], 'untrusted'::regrole),
                NULL
            FROM pg_statistic_ext WHERE stxname = %(name)s""",
            {"inherited": inherited, "names": names, "numbers": numbers, "distinct": distinct, "dependencies": dependencies, "values": values,
             "nulls": nulls, "frequencies": frequencies, "base": base, "name": name})
    return len(rows)


# One pg_statistic row per expression of a statistics object, as pg_stats_ext cannot show them and unnest() can.
EXPRESSIONS = """
SELECT e.stxname, x.at, x.stanullfrac, x.stawidth, x.stadistinct, {slots}
FROM pg_statistic_ext e JOIN pg_statistic_ext_data d ON d.stxoid = e.oid, unnest(d.stxdexpr) WITH ORDINALITY
    AS x(starelid, staattnum, stainherit, stanullfrac, stawidth, stadistinct, k1, k2, k3, k4, k5, o1, o2, o3, o4, o5, c1, c2, c3, c4, c5,
         n1, n2, n3, n4, n5, v1, v2, v3, v4, v5, at) ORDER BY 1, 2
"""


def copy_expression_statistics(real, twin):
    slots = ", ".join(f"k{i}, o{i}::regoperator::text, n{i}::text, v{i}::text, format_type(('x' || encode(substr(array_send(v{i}), 9, 4), 'hex'))::bit(32)::int::oid, -1)"
                      for i in range(1, 6))
    for name, _, null_fraction, width, distinct, *slots in run(real, EXPRESSIONS.format(slots=slots)):
        kinds, operators, numbers, values, types = zip(*zip(*[iter(slots)] * 5))
        run(twin, "UPDATE pg_statistic_ext_data SET stxdexpr = stxdexpr || ROW(0, 0, false, %s, %s, %s, " + ", ".join(["%s"] * 5) + ", "
            + ", ".join(["0" if operator == "0" else f"'{operator}'::regoperator::oid" for operator in operators]) + ", 0, 0, 0, 0, 0, "
            + ", ".join(["%s::real[]"] * 5) + ", " + ", ".join(["fettle_twin.untrusted_array(%s, %s::regtype, 'untrusted'::regrole)"] * 5) + ")::pg_statistic "
            "WHERE stxoid = (SELECT oid FROM pg_statistic_ext WHERE stxname = %s)",
            (null_fraction, width, distinct, *kinds, *numbers, *[field for pair in zip(values, types) for field in pair], name))


@pytest.fixture(scope="session")
def databases(server, module):
    with connection(server, "postgres") as handle:
        run(handle, "CREATE DATABASE real")
        run(handle, "CREATE ROLE untrusted NOLOGIN")
    install(server, "twin", module)
    with connection(server, "real") as real, connection(server, "twin") as twin:
        run(real, "CREATE EXTENSION pageinspect")
        for statement in (SCHEMA + DATA).split(";\n"):
            if statement.strip():
                run(real, statement)
        for statement in SCHEMA.split(";\n"):
            if statement.strip():
                run(twin, statement)
        copy_ends(real, twin)
        copy_gin_counts(real, twin)
        copy_sizes(real, twin)
        assert copy_extended_statistics(real, twin) == 2
        copy_expression_statistics(real, twin)
        assert copy_statistics(real, twin) > 30
    return "real", "twin"


@pytest.fixture
def real(server, databases):
    with connection(server, "real") as handle:
        yield handle


@pytest.fixture
def twin(server, databases):
    with connection(server, "twin") as handle:
        yield handle


QUERIES = {
    "seq scan": "SELECT * FROM orders WHERE total > 100",
    "index scan": "SELECT * FROM orders WHERE id = 17",
    "index scan backwards": "SELECT * FROM orders ORDER BY placed DESC LIMIT 10",
    "index-only scan": "SELECT count(*) FROM customer WHERE id BETWEEN 100 AND 900",
    "bitmap scan": "SELECT * FROM orders WHERE customer_id BETWEEN 100 AND 110",
    "bitmap and": "SELECT * FROM orders WHERE total < 300 AND customer_id < 300",
    "partial index": "SELECT id FROM orders WHERE status = 'o' ORDER BY placed LIMIT 5",
    "expression index": "SELECT * FROM orders WHERE lower(line) = 'line abc'",
    "hash index": "SELECT * FROM customer WHERE city = 'city77'",
    "gin of an array": "SELECT * FROM customer WHERE tags @> ARRAY[290]",
    "gin of words": "SELECT * FROM customer WHERE words @@ 'word2500'",
    "gist of points": "SELECT * FROM customer WHERE spot <@ box '(1,1),(4,4)'",
    "gist of ranges": "SELECT * FROM customer WHERE span && int4range(50, 60)",
    "spgist": "SELECT * FROM customer WHERE name = 'Customer 77'",
    "brin": "SELECT count(*) FROM orders WHERE placed > '2026-02-01'",
    "nested loop": "SELECT * FROM customer c JOIN orders o ON o.customer_id = c.id WHERE c.id < 20",
    "hash join": "SELECT c.city, sum(o.total) FROM customer c JOIN orders o ON o.customer_id = c.id GROUP BY c.city",
    "partitions": "SELECT count(*) FROM event WHERE at > '2026-05-01' AND kind = 3",
    "many groups": "SELECT region, country, count(*) FROM orders GROUP BY region, country",
    "merge join by the ends": "SELECT * FROM customer c JOIN orders o ON o.customer_id = c.id ORDER BY c.id",
    "rows beyond the histogram": "SELECT * FROM orders WHERE placed > '2026-12-01'",
    "rows beyond the ends": "SELECT * FROM orders WHERE placed > '2028-12-01'",
    "correlated columns": "SELECT * FROM orders WHERE region = 3 AND country = 0",
    "groups of an expression": "SELECT quantity % 7, country, count(*) FROM orders GROUP BY 1, 2",
    "filter on an expression": "SELECT * FROM orders WHERE (quantity % 7) = 3",
    "inherited": "SELECT at, count(*) FROM event GROUP BY at",
    "update": "UPDATE orders SET total = 0 WHERE id < 100",
    "delete": "DELETE FROM customer WHERE city = 'city1'",
}


@pytest.mark.parametrize("kind", QUERIES)
def test_a_twin_plans_like_its_target(real, twin, kind):
    assert plan(twin, QUERIES[kind]) == plan(real, QUERIES[kind])


def test_selects_on_a_twin_return_no_rows(twin):
    assert one(twin, "SELECT count(*) FROM orders WHERE id = 17") == 0
    assert one(twin, "SELECT count(*) FROM orders") == 0
