# SPDX-License-Identifier: PostgreSQL
"""Do no harm: whatever the verb and the rights, the target sees read-only transactions and nothing else."""
import re

import pytest
from servers import Server
from service import Service

VERBS = {
    "advise": ["advise", "--rebuild"],
    "snapshot": ["snapshot", "-o", "harmless.fettle"],
    "redacted snapshot": ["snapshot", "--redact", "-o", "harmless.fettle"],
    "twin build": ["twin", "build"],
    "twin verify": ["twin", "verify"],
    "doctor": ["doctor"],
    "explain": ["explain", "-s", "SELECT * FROM orders WHERE customer_id = $1", "-i", "CREATE INDEX ON orders (customer_id)"],
}
SETTING = re.compile(r"(?:SET (?!default_transaction_read_only)[a-z_]+ (?:=|TO) [^;]*(?:; )?|SET default_transaction_read_only = on(?:; )?)+")
READING = re.compile(r"select |with |SELECT |WITH |EXPLAIN \(FORMAT JSON(, GENERIC_PLAN)?\) |PREPARE \w+ AS ")
BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
INSIDE = re.compile(r"SAVEPOINT \w+|RELEASE SAVEPOINT \w+|ROLLBACK TO SAVEPOINT \w+|SET (LOCAL )?(?!\w*read_only)[a-z_]+ = [^;]*")


def statements_since(server, size):
    """What sessions named fettle sent, each statement whole."""
    lines = server.log()[size:].splitlines()
    found, is_mine = [], False
    for line in lines:
        start = re.match(r"(\w*)\|\w*\|(?:LOG:  (?:statement|execute [^:]*): )?(.*)", line)
        if start:
            is_mine = start[1] == "fettle" and "|LOG:  " in line and not start[2].startswith(("LOG:", "DETAIL:"))
            if is_mine:
                found.append(start[2].strip())
        elif is_mine:
            found[-1] += " " + line.strip()
    return found


def faults_of(statements):
    """A session is read-only by default from its first statement on, and what it asks stands in read-only transactions."""
    is_read_only, is_inside = False, False
    for statement in statements:
        if SETTING.fullmatch(statement):
            is_read_only = is_read_only or "SET default_transaction_read_only = on" in statement
        elif statement == BEGIN:
            is_inside = True
        elif statement == "ROLLBACK":
            is_inside = False
        elif is_inside and (INSIDE.fullmatch(statement) or READING.match(statement)):
            continue
        elif is_read_only and statement.startswith("SELECT pg_catalog.set_config("):
            continue
        else:
            yield statement
    if is_inside:
        yield "the last transaction was left open"
    if not is_read_only:
        yield "the session was never set to read-only"


@pytest.mark.parametrize("user", ["postgres", "fettle_monitor"])
@pytest.mark.parametrize("verb", VERBS)
def test_the_target_sees_only_read_only_transactions_of(fettle, shop, verb, user):
    size = len(shop.log())
    before = shop.sql("SELECT pg_snapshot_xmax(pg_current_snapshot())::text", "shop")
    result = fettle(*VERBS[verb], shop.dsn("shop", user))
    assert result.status in (0, 10), result.err
    statements = statements_since(shop, size)
    assert len(statements) > 20
    assert not list(faults_of(statements))
    assert not [statement for statement in statements if re.search(r"\bANALYZE\b", statement)]
    assert shop.sql("SELECT pg_snapshot_xmax(pg_current_snapshot())::text", "shop") == before, "a transaction took an id: it wrote"


@pytest.fixture(scope="module")
def changing():
    """A table of which ANALYZE saw a part, and which changed since: its indexes' ends are worth looking up."""
    with Server(15) as server:
        server.sql("CREATE EXTENSION pg_stat_statements; CREATE ROLE watcher LOGIN; GRANT pg_monitor, pg_read_all_data TO watcher")
        server.sql("CREATE TABLE big (a int, b int); CREATE INDEX big_a ON big (a); CREATE INDEX big_b ON big (b)")
        server.sql("INSERT INTO big SELECT n, n FROM generate_series(1, 60000) n; ANALYZE big; INSERT INTO big VALUES (60001, 60001)")
        for _ in range(3):
            server.sql("SELECT count(*) FROM big WHERE a + b < 9")
        yield server


UNUSED = "SELECT sum(idx_scan) FROM pg_stat_user_indexes"


@pytest.mark.parametrize("user,verb", [(user, verb) for user in ("postgres", "watcher") for verb in ("index list", "index unused", "doctor")]
                         + [("postgres", verb) for verb in ("advise", "snapshot -o counted.fettle", "index trial")])
def test_reading_an_index_does_not_make_it_look_used(fettle, changing, user, verb):
    before = changing.sql(UNUSED)
    result = fettle(*verb.split(), changing.dsn(user=user), *(["big_a"] if verb == "index trial" else []))
    assert result.status in (0, 10), result.err
    assert changing.sql(UNUSED) == before


def test_what_the_service_reads_is_no_use_of_an_index(changing):
    with Service() as service:
        for user in ("postgres", "watcher"):
            before = changing.sql(UNUSED)
            target = service.add_target(user, changing.dsn(user=user), enabled=False)
            for kind in ("full", "unused"):
                done = service.json("POST", "/api/v1/indexes/analyze", {"connection_id": target, "analysis_type": kind}, token="operator")
                assert done["results"]["advice_failure"] is None, done
            service.json("GET", f"/api/v1/indexes/statistics/{target}", token="viewer")
            assert changing.sql(UNUSED) == before


def test_the_log_checker_finds_what_is_not_reading():
    head = ["SET statement_timeout = 1; SET default_transaction_read_only = on; SET jit = off", BEGIN]
    assert not list(faults_of([*head, "select 1", "SAVEPOINT fettle", "EXPLAIN (FORMAT JSON) SELECT 1", "ROLLBACK"]))
    for bad in ("DELETE FROM orders", "BEGIN", "SET default_transaction_read_only = off", "EXPLAIN (ANALYZE) SELECT 1", "COMMIT"):
        assert list(faults_of([*head, bad, "ROLLBACK"])) == [bad]
    assert list(faults_of([*head, "select 1"])) == ["the last transaction was left open"]
    assert list(faults_of(["SET jit = off", BEGIN, "ROLLBACK"])) == ["the session was never set to read-only"]


def test_the_time_on_the_target_is_printed_for_one_advise(fettle, shop):
    text = fettle("advise", shop.dsn("shop", "fettle_monitor"))
    assert re.search(r"time on the target: \d+(\.\d+)? (ms|s)\n", text.out), text.out
    report = fettle("advise", "--json", "--no-verify", shop.dsn("shop", "fettle_monitor")).json
    assert 0 < report["target_ms"] < report["elapsed_ms"]
    file = fettle.home / "offline.fettle"
    assert fettle("snapshot", shop.dsn("shop"), "-o", file).status == 0
    assert fettle("advise", "--json", file).json["target_ms"] is None
