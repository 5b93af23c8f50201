# SPDX-License-Identifier: PostgreSQL
"""The whole loop on a live server under load: advised, approved, built, measured; what harms the writes is undone by the service alone.

Real are the load, the advice, the approvals, the indexes, what each round counted (before the change and after it), the verdicts and
the undo. Nothing is generated; the calendar alone is stretched: a round of one second is put down as one of a quarter of an hour, for
a measurement needs hours: of the time before many times as many as of the time after. The machine's speed does not matter, for rounds
are waited for, not seconds. `make soak` runs it (FETTLE_LOOP_SECONDS: how many rounds before, 230: two days and more, so that hours
are told apart). It is no part of the check, whose tests are quick."""
import json
import os
import random
import threading
import time

import psycopg2
import pytest
from servers import wait_until
from test_recommendation_apply import BASE, world_open

SECONDS = int(os.environ.get("FETTLE_LOOP_SECONDS", "230"))
SCHEMA = """
CREATE EXTENSION pg_stat_statements;
CREATE TABLE orders (id int PRIMARY KEY, note text, total numeric);
INSERT INTO orders SELECT n, 'note ' || n % 20000, n FROM generate_series(1, 40000) n;
CREATE TABLE events (id serial PRIMARY KEY, body text);
INSERT INTO events (body) SELECT 'event ' || n FROM generate_series(1, 20000) n;
CREATE TABLE customers (id int PRIMARY KEY, city text, total int);
INSERT INTO customers SELECT n, 'city ' || n % 50, n FROM generate_series(1, 3000) n;
ANALYZE;
"""
BY_NOTE = "SELECT id, total FROM orders WHERE note = %s"
WRITE = "INSERT INTO events (body) SELECT %s || ' ' || n || ' word' || n * 7 FROM generate_series(1, 20) n"
OF_EVENTS = "SELECT body FROM events WHERE id = %s"
OTHERS = ["SELECT sum(total) FROM customers WHERE city = %s", "SELECT max(total), %s FROM customers", "SELECT count(*) FROM customers WHERE city <> %s",
          "SELECT avg(total) FROM customers WHERE city > %s", "SELECT min(city), %s FROM customers WHERE total > 100",
          "SELECT count(DISTINCT city) FROM customers WHERE city <> %s", "SELECT city FROM customers WHERE city = %s ORDER BY total LIMIT 3"]


class Load:
    """Three sessions that ask and write, with a little time between."""

    def __init__(self, server):
        self.server = server
        self.stopping = threading.Event()
        self.failures = []
        work = [[(BY_NOTE, lambda n: f"note {n}")], [(WRITE, lambda n: f"event {n} of the day was noticed by everybody"), (OF_EVENTS, lambda n: n % 50 + 1)],
                [(text, lambda n: f"city {n % 50}") for text in OTHERS]]
        self.threads = [threading.Thread(target=self.work, args=(statements,)) for statements in work]

    def work(self, statements):
        chance, connection = random.Random(1), None
        try:
            connection = psycopg2.connect(self.server.dsn("shop"))
            connection.autocommit = True
            while not self.stopping.wait(0.015):
                with connection.cursor() as cursor:
                    for text, value in statements:
                        cursor.execute(text, (value(chance.randrange(20000)),))
        except psycopg2.Error as failure:
            self.failures.append(failure)
        finally:
            if connection is not None:
                connection.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


@pytest.fixture(scope="module")
def world():
    with world_open(SCHEMA, settings={}, databases=["shop"]) as found:
        yield found


def rounds(world):
    return world.store(f"SELECT count(DISTINCT collected_at) FROM fettle.samples({world.target_id}, now() - interval '1 hour', now() + interval '1 hour')")[0][0]


def rounds_more(world, count):
    """Waits for so many more rounds, without being a load itself."""
    wanted, until = rounds(world) + count, time.monotonic() + 60 + 10 * count
    while rounds(world) < wanted:
        assert time.monotonic() < until, world.service.errors()
        time.sleep(1)


def query_hash(world, text):
    like = text.split("%s")[0].replace("'", "''")
    (found,), = world.store(f"SELECT query_hash FROM fettle.statements WHERE target_id = {world.target_id} AND query_text LIKE '{like}%'")
    return found


def analyse(world):
    return world.service.json("POST", f"{BASE}/indexes/analyze", {"connection_id": world.target_id}, token="operator")


def advised(world):
    """The number of what the analysis of the load advises."""
    found, analysed = [], None
    for _ in range(3):  # a busy machine may take longer than an analysis waits
        analysed = analyse(world)
        world.service.json("POST", f"{BASE}/recommendations/aggregate", {})
        found = world.store("SELECT o.id FROM fettle.optimization_recommendations o JOIN fettle.index_recommendations x ON x.id = o.source_id "
                            "WHERE o.source_type = 'index' AND x.table_name = 'orders' AND x.columns[1] = 'note' AND x.recommendation_type = 'create'")
        if found:
            break
    assert len(found) == 1, analysed
    return found[0][0]


def stretch_calendar(world):
    """Rounds before the first change began and after the last one ended, a quarter of an hour each; the changes fall between them."""
    connection = psycopg2.connect(world.server.dsn("store"))
    with connection, connection.cursor() as cursor:
        cursor.execute(f"""
            CREATE TEMP TABLE real AS SELECT * FROM fettle.samples({world.target_id}, now() - interval '1 hour', now() + interval '1 hour');
            CREATE TEMP TABLE edges AS SELECT min(started_at) AS begun, max(completed_at) AS ended FROM fettle.index_changes;
            CREATE TEMP TABLE every AS
            SELECT r.*, CASE WHEN collected_at <= begun THEN -dense_rank() OVER (PARTITION BY collected_at <= begun ORDER BY collected_at DESC)
                             ELSE dense_rank() OVER (PARTITION BY collected_at <= begun ORDER BY collected_at) END AS place
              FROM real r, edges e WHERE collected_at <= begun OR collected_at - interval_seconds * interval '1 s' >= ended;
            -- those of the load's first moments go
            CREATE TEMP TABLE placed AS SELECT * FROM every WHERE place >= -{SECONDS};
            SELECT count(*) FILTER (WHERE place < 0), max(place) FROM (SELECT DISTINCT place FROM placed) p""")
        before, after = cursor.fetchone()
        for table in ("sample_rows", "sample_blocks", "sample_times", "sample_days", "sample_day_times"):
            cursor.execute(f"DELETE FROM fettle.{table} WHERE target_id = {world.target_id}")
        cursor.execute(f"""
            CREATE TEMP TABLE change AS SELECT date_trunc('minute', now()) - {after} * interval '15 minutes' AS at;
            INSERT INTO fettle.metrics_pg_stats_query (target_id, collected_at, interval_seconds, database_name, query_hash, query_text, calls,
                   mean_exec_time_ms, "rows", shared_blks_hit, shared_blks_read)
            SELECT target_id, at + (place + CASE WHEN place < 0 THEN 1 ELSE 0 END) * interval '15 minutes', 900, database_name, query_hash, query_text,
                   calls, mean_exec_time_ms, "rows", shared_blks_hit, shared_blks_read
              FROM placed, change WHERE query_hash IS NOT NULL AND database_name = 'shop';
            UPDATE fettle.index_changes SET performed_at = at, started_at = at, completed_at = at FROM change;
            UPDATE fettle.optimization_implementations SET implementation_timestamp = at, asked_at = NULL FROM change""")
    connection.close()
    return before, after


def failure(world, number, before, after):
    """What there is to see of one that should have been undone."""
    asked = world.service.request("POST", f"{BASE}/optimization-results/{world.result(number)['implementation_id']}/measure", token="operator")
    return f"{before} rounds before, {after} after: {json.dumps(asked.json, indent=1)}"


def figure(value):
    return "-" if value is None else f"{value:.1f}"


def print_table(before, after, results):
    print(f"\n{before} rounds before, {after} after\n{'index':10} {'status':12} {'predicted':>9} {'measured %':>11} {'95 % interval':>22} {'all on table %':>14} {'controls':>8}")
    for name, result in results.items():
        interval = f"{figure(result['actual_low'])} .. {figure(result['actual_high'])}"
        print(f"{name:10} {result['status']:12} {figure(result['estimated_improvement_percent']):>9} {figure(result['actual_improvement_percent']):>11} {interval:>22} "
              f"{figure(result['post_metrics']['total']['improvement_percent']):>14} {result['post_metrics']['control_count']:8}  {result['undo_reason'] or ''}")


def test_what_is_advised_under_load_is_built_measured_and_kept_and_what_harms_is_undone_by_the_service(world):
    service = world.service
    analyse(world)  # the first one makes the cluster of the twins
    with Load(world.server) as load:
        rounds_more(world, SECONDS + 5)
        good = advised(world)
        # one that no advisor gives: of what nobody asks for, and dear for each row that is written
        bad = world.advise("events", "body", index_name="events_digest", query_hashes=f"{{{query_hash(world, OF_EVENTS)}}}",
                           create_statement="CREATE INDEX events_digest ON public.events (md5(repeat(body, 500)))")
        # approved, and built while the load goes on
        replies = [world.implement(number, query_hash=world.get(number)["query_hash"]) for number in (good, bad)]
        assert [reply.status for reply in replies] == [200, 200], replies
        kept, harmful = (reply.json for reply in replies)
        assert wait_until(lambda: world.store("SELECT count(*) FROM fettle.index_changes WHERE state = 'completed'") == [(2,)], 120)
        rounds_more(world, SECONDS // 10 + 2)
        assert not load.failures
        assert world.target("SELECT count(*) FROM pg_index WHERE indisvalid AND indexrelid = ANY (ARRAY['events_digest'::regclass])") == [(1,)]
        service.json("PUT", f"{BASE}/settings/collect.enabled", {"value": "off"})
        time.sleep(2)  # a round that has begun is written before the samples are replaced
        before, after = stretch_calendar(world)
        # the load still runs when the service takes the harmful one back
        service.json("POST", f"{BASE}/recommendations/aggregate", {})
        assert wait_until(lambda: world.result(bad)["status"] == "reverted", 90), failure(world, bad, before, after)
    undone = world.result(bad)
    assert "events_digest" not in world.indexes() and undone["harm"] == undone["undo_reason"]
    line = next(line for line in service.audit(limit=20) if line["action"] == "result.revert")
    assert line["actor"] == "fettle" and line["details"]["reason"] == undone["undo_reason"]
    measured = service.json("POST", f"{BASE}/optimization-results/{kept['implementation_id']}/measure", token="operator")
    assert measured["status"] == "implemented" and 0 < measured["actual_low"] <= measured["actual_improvement_percent"]
    assert kept["implementation_id"] != harmful["implementation_id"] and measured["index_change_id"] == kept["index_change_id"]
    assert world.get(good)["dismissal_reason"] == "implemented" and world.get(bad)["dismissal_reason"] == "reverted"
    print_table(before, after, {"advised": measured, "harmful": undone})
