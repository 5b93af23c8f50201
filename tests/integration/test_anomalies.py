# SPDX-License-Identifier: PostgreSQL
"""Faults on a live server: each is one incident of the right type within two rounds, and over when it is over."""
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time

import psycopg2
import pytest
from conftest import BINARY
from rounds import Rounds
from servers import Server, wait_until

LOOKUPS, COUNTS, SUMS, WRITES = 40, 6, 6, 6  # a second
CALM_ROUNDS = 40  # at most: on a busy machine single rounds still stand out, and an incident ends after two that do not
MADE_UP_MOST = 12


class Load:
    """A steady load: as many calls as belong to the time since the round before read the counters, so that rates hold on a slow machine too.
    What passed between the last call and that is not made up for: those calls would be counted over the next round's time, which it is no part of."""

    def __init__(self, server):
        self.server = server
        self.connection = psycopg2.connect(server.dsn())
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()
        self.started = self.last_run = self.read_at = time.time()
        self.lost = self.interval = 0
        self.factor = 1
        self.done = {}
        self.before_sum = None

    def build(self):
        self.server.sql("""
            CREATE EXTENSION pg_stat_statements;
            CREATE TABLE orders AS SELECT n AS id, n % 2000 AS customer, repeat('x', 60) AS note FROM generate_series(1, 20000) n;
            CREATE INDEX orders_customer ON orders (customer);
            CREATE TABLE events (id int, note text);
            INSERT INTO events SELECT n, repeat('y', 1500) FROM generate_series(1, 1000) n;
            CREATE TABLE hot (id int, note text);
            INSERT INTO hot SELECT n, repeat('z', 1500) FROM generate_series(1, 500) n;
            CREATE TABLE cold (id int PRIMARY KEY, note text);
            INSERT INTO cold SELECT n, repeat('c', 1900) FROM generate_series(1, 12000) n;
            CREATE TABLE counters (id int PRIMARY KEY, n int);
            INSERT INTO counters VALUES (1, 0), (2, 0)""")
        self.server.sql("VACUUM ANALYZE")
        self.cursor.execute("SET enable_bitmapscan = off")

    def call(self, name, text, rate, factor=1, before=None):
        due = int(rate * factor * (self.last_run - self.started - self.lost))
        for number in range(self.done.get(name, 0), due):
            if before:
                before()
            self.cursor.execute(text, (number % 2000,) if "%s" in text else None)
        self.done[name] = max(due, self.done.get(name, 0))

    def run(self):
        """What belongs to the time since the run before."""
        self.last_run = time.time()
        self.call("count", "SELECT count(*) FROM events", COUNTS, self.factor)
        self.call("sum", "SELECT sum(length(note)) FROM hot", SUMS, self.factor, self.before_sum)
        self.call("write", "UPDATE counters SET n = n + 1 WHERE id = 2", WRITES, self.factor)
        self.call("lookup", "SELECT note FROM orders WHERE customer = %s", LOOKUPS, self.factor)
        self.cursor.execute("SELECT pg_stat_force_next_flush()")

    def was_read(self, report):
        self.read_at = report["collected_at_us"] / 1e6
        self.interval = report["interval_ms"] / 1000
        self.lost += max(0, self.read_at - self.last_run)

    def restart(self, factor=1):
        self.started, self.lost, self.done, self.factor = self.read_at, 0, {}, factor

    def evict(self):
        self.cursor.execute("SET enable_seqscan = off; SELECT count(note) FROM cold WHERE id > 0; RESET enable_seqscan")


class Watched:
    def __init__(self, rounds, load):
        self.rounds = rounds
        self.load = load

    def look(self, times=1, with_plans=False):
        for _ in range(times):
            time.sleep(0.3)
            for _ in range(MADE_UP_MOST):  # each makes up for the time that the one before took: rates hold on a busy machine too
                before = time.monotonic()
                self.load.run()
                if time.monotonic() - before < 0.02:
                    break
            self.load.was_read(self.rounds.round())
            report = self.rounds.tell("anomalies")
            if with_plans and report["wants_plans"]:  # as the server does
                self.rounds.tell("plans")
        return report

    def open(self):
        return [row[0] for row in self.rounds.sql("SELECT incident_type FROM fettle.incidents WHERE NOT resolved ORDER BY id")]

    def told(self, which="true"):
        return self.rounds.sql(f"""
            SELECT incident_type, peak_metric, peak_z, probable_cause, (SELECT array_agg(query_text) FROM fettle.statements WHERE query_hash = ANY (query_hashes))
            FROM fettle.incidents WHERE {which} ORDER BY id""")

    def within_two_rounds(self, wanted, with_plans=False):
        for _ in range(2):
            self.look(with_plans=with_plans)
            if wanted in self.open():
                break
        assert self.open() == [wanted], self.told()
        self.look(with_plans=with_plans)  # the target as a whole may have been told before its statements, which join
        return self.rounds.sql("SELECT severity, query_hashes, probable_cause FROM fettle.incidents WHERE NOT resolved")[0]

    def calm_down(self):
        self.load.restart()
        for _ in range(CALM_ROUNDS):
            self.look()
            if not self.open():
                break
        assert self.told("NOT resolved") == []

    def hash_of(self, part):
        return self.rounds.value(f"SELECT query_hash FROM fettle.statements WHERE query_text LIKE '%{part}%' ORDER BY statement_id LIMIT 1")


@pytest.fixture(scope="module")
def watched():
    conf = ["shared_buffers = 16MB", "track_io_timing = on", "jit = off", "timezone = 'Pacific/Chatham'"]
    with tempfile.TemporaryDirectory(prefix="fettle-anomalies") as home, Server(15, conf=conf) as target, \
            Server(15, preload=None, conf=["timezone = 'America/St_Johns'"]) as store:
        store.sql("CREATE DATABASE store")
        load = Load(target)
        load.build()
        with Rounds(store, "store", pathlib.Path(home), target.dsn()) as rounds:
            rounds.set("collect.texts_interval", "1s")
            load.was_read(rounds.round())
            load.restart()
            watch = Watched(rounds, load)
            watch.look(18)
            assert rounds.tell("plans")["written"] >= 4
            yield watch
        load.connection.close()


def test_a_steady_load_has_baselines_and_no_incident(watched):
    assert watched.told() == []
    rows = dict(watched.rounds.sql("SELECT metric_name, points FROM fettle.query_baselines WHERE query_hash = 0"))
    assert rows["calls_per_second"] >= 10 and rows["locks_waited_for"] >= 10
    assert watched.rounds.value(f"SELECT baseline_value FROM fettle.query_baselines WHERE query_hash = {watched.hash_of('FROM orders')}"
                                " AND metric_name = 'calls_per_second'") == pytest.approx(LOOKUPS, rel=0.5)


def test_a_round_that_comes_late_doubles_no_rate(watched):
    """Of the load itself: what the tests after it rest on."""
    load = watched.load
    load.restart()
    load.run()
    time.sleep(1.5)
    load.was_read(watched.rounds.round())
    before = load.done["lookup"]
    watched.look()
    assert load.done["lookup"] - before <= 1.5 * LOOKUPS * load.interval + 2
    watched.calm_down()


def test_twice_the_calls_are_a_change_of_rate(watched):
    watched.load.restart(2)
    severity, hashes, cause = watched.within_two_rounds("rate_change")
    assert severity in ("high", "critical") and "calls a second" in cause
    assert hashes and set(hashes) <= {watched.hash_of(part) for part in ("FROM orders", "FROM hot", "FROM events", "UPDATE counters")}
    watched.calm_down()


def test_sessions_that_queue_for_a_lock_are_waiting_for_locks(watched):
    holder = psycopg2.connect(watched.load.server.dsn())
    holder.cursor().execute("UPDATE counters SET n = n + 1 WHERE id = 1")
    waiters = [threading.Thread(target=watched.load.server.sql, args=("UPDATE counters SET n = n + 1 WHERE id = 1",)) for _ in range(8)]
    for waiter in waiters:
        waiter.start()
    try:
        watched.load.restart()
        _, _, cause = watched.within_two_rounds("lock_wait")
        assert "locks are waited for, usually 0" in cause
    finally:
        holder.rollback()
        holder.close()
        for waiter in waiters:
            waiter.join(30)
    watched.calm_down()


def test_a_dropped_index_is_another_plan_and_named(watched):
    watched.load.server.sql("DROP INDEX orders_customer")
    watched.load.restart()
    _, hashes, cause = watched.within_two_rounds("plan_change", with_plans=True)
    assert watched.hash_of("FROM orders") in hashes
    assert "another plan: the index orders_customer is gone, orders is now scanned sequentially" in cause
    watched.load.server.sql("CREATE INDEX orders_customer ON orders (customer)")
    watched.calm_down()


def test_a_table_full_of_dead_rows_is_bloat(watched):
    reader = psycopg2.connect(watched.load.server.dsn())
    reader.set_session(isolation_level="REPEATABLE READ")
    reader.cursor().execute("SELECT 1 FROM counters")
    for _ in range(8):
        watched.load.server.sql("UPDATE events SET id = id + 1")
    watched.load.restart()
    _, hashes, cause = watched.within_two_rounds("bloat", with_plans=True)
    assert watched.hash_of("FROM events") in hashes and "bloat" in cause
    reader.close()
    watched.load.server.sql("VACUUM FULL events")
    watched.calm_down()


def test_blocks_pushed_out_of_the_cache_are_a_degraded_cache(watched):
    watched.load.restart()
    watched.load.before_sum = watched.load.evict
    _, hashes, cause = watched.within_two_rounds("cache_degradation")
    assert watched.hash_of("FROM hot") in hashes and "shared buffers" in cause
    watched.load.before_sum = None
    watched.calm_down()


def test_counters_that_were_reset_are_no_incident(watched):
    told = watched.told()
    watched.load.restart()
    watched.load.server.sql("SELECT pg_stat_statements_reset(); SELECT pg_stat_reset()")
    watched.look(3)
    assert watched.told() == told


def test_findings_end_with_what_they_are_of_and_a_look_again_changes_nothing(watched):
    watched.look(2)
    rows = watched.rounds.sql("SELECT count(*) FILTER (WHERE resolved), count(*) FILTER (WHERE incident_id IS NOT NULL) FROM fettle.query_anomalies")[0]
    assert min(rows) > 3
    before = watched.rounds.sql("SELECT * FROM fettle.query_anomalies ORDER BY id"), watched.rounds.sql("SELECT * FROM fettle.incidents ORDER BY id")
    watched.rounds.tell("anomalies")
    assert (watched.rounds.sql("SELECT * FROM fettle.query_anomalies ORDER BY id"),
            watched.rounds.sql("SELECT * FROM fettle.incidents ORDER BY id")) == before


def shown(watched, *arguments):
    environment = {**os.environ, "FETTLE_STORE_URL": watched.rounds.store.dsn("store")}
    return subprocess.run([BINARY, "anomalies", *arguments], env=environment, capture_output=True, text=True, check=True).stdout


def test_the_command_shows_incidents_and_findings(watched):
    assert shown(watched) == "there are no incidents\n"
    rows = json.loads(shown(watched, "target", "--all", "--json"))
    assert {"rate_change", "lock_wait", "plan_change", "bloat", "cache_degradation"} <= {row["incident_type"] for row in rows}
    assert "locks are waited for" in shown(watched, "--all")
    findings = json.loads(shown(watched, "--all", "--findings", "--json"))
    assert {"calls_per_second", "blocks_touched"} <= {row["metric_name"] for row in findings}
    with pytest.raises(subprocess.CalledProcessError):
        shown(watched, "nobody")


def test_the_server_looks_by_itself_and_names_a_dropped_index(watched, fettle):
    watched.rounds.tell("plans")  # the index is there again
    named = "SELECT count(*) FROM fettle.incidents WHERE NOT resolved AND probable_cause LIKE '%the index orders_customer is gone%'"

    def is_named():
        watched.load.run()
        return watched.rounds.value(named) > 0

    with tempfile.TemporaryDirectory(prefix="fettle-anomalies") as data:
        server = fettle.start("serve", FETTLE_STORE_URL=watched.rounds.store.dsn("store"), FETTLE_SERVER_LISTEN="127.0.0.1:0", FETTLE_DATA=data,
                              FETTLE_COLLECT_INTERVAL="1s", FETTLE_ANOMALIES_INTERVAL="1s", FETTLE_COLLECT_PLANS_INTERVAL="1h")
        try:
            watched.load.restart()
            watched.load.server.sql("DROP INDEX orders_customer")
            assert wait_until(is_named, 180), watched.told()
        finally:
            server.terminate()
            out, err = server.communicate(timeout=60)
        fettle.check(server.returncode, out + err)


@pytest.fixture(scope="module")
def listed(api_on_store):
    """A target with an anomaly and an incident of each severity, those of low severity over."""
    dsn = {"name": "anomalous", "dsn": api_on_store.store.dsn()}
    target = api_on_store.api.json("POST", "/api/v1/targets", dsn, 201)["target_id"]
    api_on_store.store.sql(f"""
        INSERT INTO fettle.query_anomalies (target_id, query_hash, anomaly_type, severity, metric_name, metric_value, baseline_value, z_score,
                                            detected_at, resolved, resolved_at)
        SELECT {target}, CASE s WHEN 'high' THEN 0 ELSE 5 END, CASE s WHEN 'high' THEN 'lock_wait' ELSE 'io_increase' END, s, 'blocks_read', 9, 1, n,
               now() - n * interval '1 hour', s = 'low', CASE s WHEN 'low' THEN now() END
        FROM unnest(ARRAY['low', 'medium', 'high', 'critical']) WITH ORDINALITY u(s, n);
        INSERT INTO fettle.incidents (target_id, incident_type, severity, first_at, last_at, peak_at, peak_z, peak_metric, query_hashes,
                                      probable_cause, resolved, resolved_at)
        SELECT {target}, CASE s WHEN 'high' THEN 'lock_wait' ELSE 'io_increase' END, s, now() - n * interval '1 hour', now() - n * interval '1 hour',
               now(), n, 'blocks_read', '{{5,9223372036854775807}}', 'more is read', s = 'low', CASE s WHEN 'low' THEN now() END
        FROM unnest(ARRAY['low', 'medium', 'high', 'critical']) WITH ORDINALITY u(s, n)""")
    yield target
    api_on_store.api.request("DELETE", f"/api/v1/targets/{target}")


@pytest.mark.parametrize("key", ["anomalies", "incidents"])
def test_anomalies_and_incidents_are_listed_by_the_same_filters(api, listed, key):
    def severities(query=""):
        return [row["severity"] for row in api.json("GET", f"/api/v1/{key}?target_id={listed}{query}", token="viewer")[key]]
    assert severities() == ["low", "medium", "high", "critical"]
    assert severities("&severity=high") == ["high"]
    assert severities("&type=lock_wait") == ["high"]
    assert severities("&resolved=true") == ["low"]
    assert severities("&resolved=false&limit=2") == ["medium", "high"]
    hours_ago = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 2.5 * 3600))
    assert severities(f"&since={hours_ago}") == ["low", "medium"]
    assert api.json("GET", f"/api/v1/{key}?target_id=999999")[key] == []
    assert api.json("GET", f"/api/v1/{key}?target_id={listed}")["count"] == 4


def test_what_is_of_the_whole_target_has_no_statement_and_hashes_keep_all_their_digits(api, listed):
    rows = api.json("GET", f"/api/v1/anomalies?target_id={listed}")["anomalies"]
    assert [row["query_hash"] for row in rows] == [5, 5, None, 5]
    assert api.json("GET", f"/api/v1/incidents?target_id={listed}")["incidents"][0]["query_hashes"] == [5, 9223372036854775807]


@pytest.mark.parametrize("query", ["severity=none", "type=noise", "resolved=maybe", "since=yesterday", "limit=0", "limit=1001", "target_id=0"])
def test_a_filter_that_is_none_is_refused(api, query):
    for key in ("anomalies", "incidents"):
        assert api.request("GET", f"/api/v1/{key}?{query}").status == 400
