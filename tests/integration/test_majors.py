# SPDX-License-Identifier: PostgreSQL
"""PostgreSQL 13 to 18: real servers of each major are read and advised."""
import os

import pytest
from servers import Server, binaries_of

SCHEMA = """
CREATE EXTENSION pg_stat_statements;
CREATE TYPE state AS ENUM ('new', 'done');
CREATE DOMAIN amount AS numeric CHECK (VALUE >= 0);
CREATE TABLE customers (id int PRIMARY KEY, email text NOT NULL, created date);
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int REFERENCES customers, state state, total amount);
INSERT INTO customers SELECT n, 'u' || n || '@x', date '2025-01-01' + n % 300 FROM generate_series(1, 20000) n;
INSERT INTO orders (customer_id, state, total) SELECT 1 + n % 5000, 'done', n % 90 FROM generate_series(1, 60000) n;
CREATE TABLE log (at date, k int) PARTITION BY RANGE (at);
CREATE TABLE log_a PARTITION OF log FOR VALUES FROM ('2025-01-01') TO ('2025-07-01');
CREATE TABLE log_b PARTITION OF log FOR VALUES FROM ('2025-07-01') TO ('2026-01-01');
INSERT INTO log SELECT date '2025-01-01' + n % 360, n % 700 FROM generate_series(1, 40000) n;
CREATE STATISTICS both_columns ON customer_id, total FROM orders;
CREATE VIEW open_orders AS SELECT * FROM orders WHERE state = 'new';
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
"""
WORK = """
SELECT count(*) FROM orders WHERE customer_id = 7;
SELECT * FROM customers WHERE email = 'u7@x';
SELECT count(*) FROM log WHERE k = 7;
SELECT count(*) FROM open_orders;
"""


@pytest.fixture(scope="module", params=[13, 14, 15, 16, 17, 18])
def target(request):
    if not binaries_of(request.param):
        reason = f"no server programs of PostgreSQL {request.param}: run scripts/test-servers"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    server = Server(request.param)
    server.sql("CREATE DATABASE work")
    server.psql("work", "-c", SCHEMA.replace("\n", " "))
    server.sql("VACUUM ANALYZE", "work")
    server.sql("SELECT pg_stat_statements_reset()", "work")
    for _ in range(30):
        for statement in filter(str.strip, WORK.split(";")):
            server.sql(statement, "work")
    yield server
    server.close()


def test_a_snapshot_is_whole(fettle, target):
    doctor = fettle("doctor", "--json", target.dsn("work"))
    assert doctor.status == 0, doctor.err + doctor.out
    assert doctor.json["rights"] == "full" and doctor.json["missing"] == []
    assert doctor.json["server_version"].startswith(str(target.major))


def test_the_missing_indexes_are_advised(fettle, target):
    """The twin is of the local major; another major's plans are near enough for that."""
    result = fettle("advise", "--json", target.dsn("work"))
    assert result.status == 10, result.err
    statements = " ".join(r["statement"] for r in result.json["recommendations"])
    assert "ON public.orders USING btree (customer_id)" in statements
    assert "ON public.customers USING btree (email)" in statements
    assert "ON ONLY public.log USING btree (k)" in statements
    assert result.json["twin"]["losses"] == [], result.json["twin"]["losses"]


def test_the_advice_runs_on_that_major(fettle, target):
    result = fettle("advise", "--json", "--no-verify", target.dsn("work"))
    for recommendation in result.json["recommendations"]:
        for statement in filter(str.strip, recommendation["statement"].split(";")):
            target.sql(statement, "work")
    assert target.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid", "work") == [(0,)]
    for recommendation in result.json["recommendations"]:
        target.sql(recommendation["undo"], "work")
