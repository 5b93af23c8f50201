# SPDX-License-Identifier: PostgreSQL
"""Collection rounds on real servers of every major: what is stored is what happened, whatever happens to the target."""
import itertools
import math
import os
import re
import signal
import threading
import time

import psycopg2
import pytest
from conftest import ROOT
from faults import Proxy
from rounds import CUT, EVICTED, RESET, RESTART, THINNED, Rounds
from servers import Server, Standby, wait_until

numbers = itertools.count(1)


@pytest.fixture(scope="session")
def store():
    with Server(15, preload=None) as server:
        yield server


@pytest.fixture
def rounds_of(store, tmp_path):
    """rounds_of(dsn, databases...): a collector with a store of its own; all are closed at the end."""
    opened = []

    def make(dsn, *databases):
        number = next(numbers)
        store.sql(f"CREATE DATABASE store{number}")
        home = tmp_path / f"home{number}"
        home.mkdir(mode=0o700)
        rounds = Rounds(store, f"store{number}", home, dsn, *databases)
        opened.append(rounds)
        return rounds

    yield make
    for rounds in opened:
        rounds.__exit__(None)


def own_server(major=15, **options):
    server = Server(major, **options)
    server.sql("CREATE EXTENSION pg_stat_statements")
    return server


@pytest.fixture(scope="session")
def target_of_each(server_of_each):
    server_of_each.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    return server_of_each


@pytest.fixture(scope="session")
def target(server_of):
    server = server_of(15)
    server.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    return server


shapes = {}


def statement(name):
    """A statement of a shape that no other name has: the name itself, an alias, makes no other statement for the server."""
    number = shapes.setdefault(name, len(shapes) + 1)
    return f"SELECT relname AS {name} FROM pg_class WHERE oid = 1" + " OR oid = 1" * number


def filler(number):
    """One of 1,024 shapes."""
    columns = [name for bit, name in enumerate("oid relname relkind relpages reltuples relnatts relhasindex relowner relam reltype".split())
               if number >> bit & 1]
    return f"SELECT {', '.join(columns or ['1'])} FROM pg_class filler WHERE oid = 1"


def run(server, name, times, database="postgres"):
    """Runs the statement of a name so many times."""
    connection = psycopg2.connect(server.dsn(database))
    connection.autocommit = True
    for _ in range(times):
        connection.cursor().execute(statement(name))
    connection.close()


def run_fillers(server, first, count):
    connection = psycopg2.connect(server.dsn())
    connection.autocommit = True
    for number in range(first, first + count):
        connection.cursor().execute(filler(number))
    connection.close()


def test_exactly_the_calls_between_two_rounds_are_stored_on_every_major(target_of_each, rounds_of):
    rounds = rounds_of(target_of_each.dsn())
    run(target_of_each, "exact_calls", 3)
    first = rounds.round()
    assert first["is_baseline"] and first["samples_written"] == 0 and first["statements_read"] > 0
    run(target_of_each, "exact_calls", 7)
    second = rounds.round()
    assert rounds.calls("exact_calls") == 7 and second["interval_ms"] > 0 and second["texts_read"] > 0
    run(target_of_each, "exact_calls", 2)
    rounds.round()
    rounds.round()
    assert rounds.calls("exact_calls") == 9
    row = rounds.sql("SELECT rows, total_exec_time_ms, interval_seconds, database_name, user_name, shared_blks_hit + shared_blks_read, query_hash "
                     "FROM fettle.metrics_pg_stats_query WHERE query_text LIKE '%exact_calls%' ORDER BY collected_at LIMIT 1")[0]
    assert row[0] == 0 and row[1] > 0 and row[2] > 0 and row[3:5] == ("postgres", "postgres") and row[5] > 0 and row[6] > 0
    truth = target_of_each.sql("SELECT queryid FROM pg_stat_statements WHERE query LIKE '%exact_calls%'")[0][0]
    assert row[6] == truth & 0x7FFFFFFFFFFFFFFF


def test_metrics_of_every_major_are_those_of_its_views(target_of_each, rounds_of):
    rounds = rounds_of(target_of_each.dsn())
    rounds.round()
    target_of_each.sql("CREATE TABLE IF NOT EXISTS wal_maker AS SELECT generate_series(1, 20000) AS x; DROP TABLE wal_maker; CHECKPOINT")
    time.sleep(1.1 if target_of_each.major < 15 else 0)  # statistics come by messages there
    assert rounds.round()["flags"] == 0
    known = dict(rounds.sql("SELECT metric, value FROM fettle.v_metrics WHERE collected_at = (SELECT max(collected_at) FROM fettle.metric_rounds)"))
    unknown = {name for name, value in known.items() if value is None}
    allowed = {"replica_lag_bytes", "slot_bytes", "replay_lag_seconds", "database_bytes", "cache_hit_ratio", "disk_read_bytes",
               "disk_written_bytes"} | ({"statements_evicted"} if target_of_each.major == 13 else set())
    assert unknown <= allowed
    assert known["connections_most"] == float(target_of_each.sql("SHOW max_connections")[0][0])
    assert known["wal_bytes"] > 0 and known["commits"] > 0 and known["statements"] > 0 and known["round_ms"] > 0
    assert known["checkpoints_requested"] > 0 and 0 <= known["cpu_share"] <= 1 and known["memory_available_bytes"] > 1e6
    assert known["disk_free_bytes"] > 1e6
    assert rounds.value("SELECT max(value) FROM fettle.v_metrics WHERE metric = 'database_bytes'") > 1e6


def test_a_reset_loses_only_what_came_before_it(target_of_each, rounds_of):
    rounds = rounds_of(target_of_each.dsn())
    rounds.round()
    run(target_of_each, "before_reset", 5)
    rounds.round()
    run(target_of_each, "before_reset", 3)
    target_of_each.sql("SELECT pg_stat_statements_reset()")
    run(target_of_each, "before_reset", 4)
    assert rounds.round()["flags"] & RESET
    assert rounds.calls("before_reset") == 5 + 4


@pytest.mark.parametrize("major", (14, 15, 17))
def test_a_reset_that_the_counters_outrun_is_seen_where_the_server_states_it(server_of, rounds_of, major):
    server = server_of(major)
    server.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    rounds = rounds_of(server.dsn())
    rounds.round()
    run(server, "outrun_reset", 2)
    rounds.round()
    server.sql("SELECT pg_stat_statements_reset()")
    run(server, "outrun_reset", 6)
    assert rounds.round()["flags"] & RESET
    assert rounds.calls("outrun_reset") == 2 + 6


@pytest.mark.parametrize("major", (13, 15, 18))
def test_a_restart_between_rounds_costs_nothing_and_a_crash_only_what_it_forgot(rounds_of, major):
    with own_server(major) as server:
        rounds = rounds_of(server.dsn())
        rounds.round()
        run(server, "over_restart", 5)
        rounds.round()
        run(server, "over_restart", 3)
        server.restart()
        run(server, "over_restart", 2)
        assert "error" in rounds.send("round")
        assert rounds.round()["flags"] & RESTART
        assert rounds.calls("over_restart") == 10
        server.stop(signal.SIGQUIT)
        server.start()
        run(server, "over_restart", 4)
        rounds.send("round")
        rounds.send("round")
        assert rounds.calls("over_restart") == 14


@pytest.mark.parametrize("major", (13, 16, 18))
def test_evictions_are_flagged_and_never_count_too_much(rounds_of, major):
    with own_server(major, conf=["pg_stat_statements.max = 100"]) as server:
        rounds = rounds_of(server.dsn())
        rounds.round()
        truth = 0
        for part in range(4):
            run(server, "often_called", 30)
            truth += 30
            run_fillers(server, 150 * part, 150)
            report = rounds.round()
            assert major == 13 or report["flags"] & EVICTED
        assert 0 < rounds.calls("often_called") <= truth
        assert major == 13 or rounds.value("SELECT max(value) FROM fettle.v_metrics WHERE metric = 'statements_evicted'") > 0
        assert rounds.value("SELECT max(calls) FROM fettle.metrics_pg_stats_query WHERE query_text LIKE '%filler%'") == 1


def test_a_standby_is_read_like_any_other_server(rounds_of):
    with own_server() as primary, Standby(primary) as standby:
        standby.catch_up()
        rounds = rounds_of(standby.dsn())
        rounds.round()
        run(standby, "on_standby", 4)
        assert rounds.round()["notice"] == ""
        assert rounds.calls("on_standby") == 4
        assert rounds.metric("replay_lag_seconds") is not None
        on_primary = rounds_of(primary.dsn())
        on_primary.round()
        assert on_primary.metric("replicas") == 1 and on_primary.metric("replica_lag_bytes") is not None


def test_a_role_without_rights_sees_its_own_statements_and_is_told_what_to_grant(target, rounds_of):
    target.sql("DROP ROLE IF EXISTS nobody_special; CREATE ROLE nobody_special LOGIN")
    rounds = rounds_of(target.dsn(user="nobody_special"))
    assert "GRANT pg_read_all_stats TO nobody_special" in rounds.round()["notice"]
    run(target, "of_another_user", 3)
    connection = psycopg2.connect(target.dsn(user="nobody_special"))
    connection.cursor().execute(statement("of_my_own"))
    connection.commit()
    connection.close()
    rounds.round()
    assert rounds.calls("of_my_own") == 1 and rounds.calls("of_another_user") == 0
    assert rounds.value("SELECT count(*) FROM fettle.statements WHERE query_text LIKE '%insufficient%'") == 0
    assert rounds.metric("connections_active") is None and rounds.metric("connections") is not None
    assert "pg_read_all_stats" in rounds.value("SELECT last_notice FROM fettle.targets WHERE last_error IS NULL")


def test_without_the_extension_there_are_metrics_and_the_way_to_statements(rounds_of):
    with Server(15, preload=None) as server:
        rounds = rounds_of(server.dsn())
        rounds.round()
        report = rounds.round()
        assert "CREATE EXTENSION pg_stat_statements" in report["notice"] and "shared_preload_libraries" in report["notice"]
        assert report["samples_written"] == 0 and rounds.metric("commits") is not None
        assert rounds.value("SELECT count(*) FROM fettle.sample_rounds") == 0, "what was not observed is no round of zero"
        server.sql("CREATE EXTENSION pg_stat_statements")
        rounds.tell("reopen")
        assert "not loaded" in rounds.round()["notice"]


def test_nothing_is_prepared_where_a_pooler_may_hand_the_session_about(rounds_of):
    with own_server(tcp=True) as server:
        for is_pooler in (False, True):
            with Proxy(server.port) as proxy:
                proxy.is_pooler, proxy.keeps_asked = is_pooler, True
                rounds = rounds_of(proxy.dsn())
                rounds.round()
                run(server, f"pooled_{is_pooler}", 4)
                rounds.tell("sample")
                rounds.round()
                assert rounds.calls(f"pooled_{is_pooler}") == 4
                assert b"pg_stat_get_activity" in proxy.asked and (b"fettle_0" in proxy.asked) != is_pooler


def test_an_extension_that_is_updated_between_rounds_costs_one_round(rounds_of):
    with Server(17) as server:
        server.sql("CREATE EXTENSION pg_stat_statements VERSION '1.10'")
        rounds = rounds_of(server.dsn())
        rounds.round()
        server.sql("ALTER EXTENSION pg_stat_statements UPDATE TO '1.11'")
        run(server, "after_the_update", 3)
        assert rounds.send("round")["error"] == "query_failed"
        rounds.round()
        assert rounds.calls("after_the_update") == 3


def test_the_extension_is_found_in_a_schema_of_any_name(rounds_of):
    with Server(15) as server:
        server.sql('CREATE SCHEMA "Odd ""name"; CREATE EXTENSION pg_stat_statements SCHEMA "Odd ""name"')
        rounds = rounds_of(server.dsn())
        rounds.round()
        run(server, "in_odd_schema", 2)
        rounds.round()
        assert rounds.calls("in_odd_schema") == 2


def test_a_target_that_hangs_costs_no_more_than_the_deadline_and_is_counted_on(rounds_of):
    with own_server() as server:
        rounds = rounds_of(server.dsn())
        rounds.set("collect.deadline", "1s")
        rounds.round()
        run(server, "while_it_hangs", 3)
        server.pause()
        try:
            started = time.monotonic()
            answer = rounds.send("round")
            assert answer["error"] == "timeout" and not answer["store_failed"]
            assert time.monotonic() - started < 15
        finally:
            server.resume()
        assert rounds.value("SELECT last_error FROM fettle.targets") is not None
        run(server, "while_it_hangs", 2)
        rounds.round()
        assert rounds.calls("while_it_hangs") == 5
        assert rounds.value("SELECT last_error FROM fettle.targets") is None


def test_a_target_killed_in_the_middle_of_rounds_is_met_again(rounds_of):
    with own_server() as server:
        rounds = rounds_of(server.dsn())
        rounds.round()
        killer = threading.Timer(0.3, server.kill9)
        killer.start()
        answers = [rounds.send("round") for _ in range(60)]
        killer.join()
        answers += [rounds.send("round")]
        assert "error" in answers[-1] and not answers[-1]["store_failed"]
        server.start()
        rounds.round()
        run(server, "after_the_kill", 2)
        rounds.round()
        assert rounds.calls("after_the_kill") == 2


def test_a_target_is_only_read(store, rounds_of):
    with own_server(conf=["log_statement = 'all'"]) as server:
        server.sql("CREATE TABLE t AS SELECT generate_series(1, 100) AS x; CREATE EXTENSION pgstattuple; ANALYZE t")
        rounds = rounds_of(server.dsn())
        rounds.round()
        rounds.tell("sample")
        run(server, "new_text", 1)
        rounds.round()
        lines = [line.split("LOG:")[1] for line in server.log().splitlines() if line.startswith("fettle|") and "LOG:" in line]
        statements = [re.sub(r"^\s*(statement|execute [^:]*): (/\* fettle \*/ )*", "", line) for line in lines if re.match(r"\s*(statement|execute)", line)]
        assert len(statements) > 10
        allowed = re.compile(r"(select|begin isolation level repeatable read read only|rollback|savepoint|release savepoint|with|set) ?", re.I)
        assert not [text for text in statements if not allowed.match(text)]
        assert not [text for text in statements if re.search(r"\b(insert|update|delete|create|alter|drop|truncate|vacuum|analyze)\b\s+\w", text, re.I)]


def test_no_password_of_a_utility_statement_reaches_the_store(target, rounds_of):
    rounds = rounds_of(target.dsn())
    rounds.round()
    target.sql("DROP ROLE IF EXISTS somebody; CREATE ROLE somebody PASSWORD 'hunter2word'; ALTER ROLE somebody PASSWORD 'hunter2word'")
    target.sql("DO $$ BEGIN PERFORM 'hunter2word'; END $$")
    assert rounds.round()["texts_read"] > 0
    assert rounds.value("SELECT count(*) FROM fettle.statements WHERE query_text ILIKE '%role somebody%'") >= 2
    dump = rounds.sql("SELECT s::text FROM fettle.statements s") + rounds.sql("SELECT f::text FROM fettle.query_fingerprints f")
    assert not [row for row in dump if "hunter2word" in row[0]]


def test_secret_settings_are_not_stored_and_changes_of_others_are(rounds_of):
    with own_server(conf=["archive_mode = on", "archive_command = 'curl -u me:hunter2word %p'"]) as server:
        rounds = rounds_of(server.dsn())
        rounds.round()
        assert rounds.value("SELECT count(*) FROM fettle.setting_changes") == 0
        assert rounds.value("SELECT value FROM fettle.target_settings WHERE name = 'archive_command'") == "(not stored)"
        before = rounds.value("SELECT value FROM fettle.target_settings WHERE name = 'work_mem'")
        server.sql("ALTER SYSTEM SET work_mem = '7MB'")
        server.sql("SELECT pg_reload_conf()")
        assert wait_until(lambda: server.sql("SHOW work_mem")[0][0] == "7MB")
        rounds.tell("reopen")
        rounds.round()
        assert rounds.sql("SELECT name, old_value, new_value, source FROM fettle.setting_changes") == [
            ("work_mem", before, "7168", "configuration file")]
        assert rounds.value("SELECT value FROM fettle.target_settings WHERE name = 'default_transaction_read_only'") == "off"


def test_a_text_in_no_encoding_costs_texts_only_and_is_told(rounds_of):
    with own_server() as server:
        server.sql("CREATE DATABASE raw ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
        rounds = rounds_of(server.dsn())
        rounds.round()
        server.sql("""SELECT 'a', 1, 'b', 2 AS "quote''s \\ back$$slash {,}" """)
        connection = psycopg2.connect(server.dsn("raw"))
        connection.cursor().execute(b'SELECT 1, 2, 3, 4, 5, 6, 7 AS "\xff\xfe broken"')
        connection.commit()
        connection.close()
        # The server then refuses all texts: the figures stay, and the owner is told why.
        report = rounds.round()
        assert "texts of statements are not read: " in report["notice"] and "encoding" in report["notice"]
        assert report["samples_written"] > 2 and report["texts_read"] == 0
        server.sql("SELECT pg_stat_statements_reset()")
        server.sql("""SELECT 'a', 1, 'b', 2 AS "quote''s \\ back$$slash {,}" """)
        rounds.round()
        assert rounds.calls("back$$slash") == 2, "that of the round without texts too"


def test_a_store_that_is_away_loses_and_doubles_nothing(target, tmp_path):
    with Server(15, preload=None) as store, Rounds(store, "postgres", tmp_path, target.dsn()) as rounds:
        rounds.round()
        run(target, "store_is_away", 3)
        rounds.round()
        store.stop()
        run(target, "store_is_away", 4)
        assert rounds.send("round")["store_failed"]
        run(target, "store_is_away", 5)
        assert rounds.send("round")["store_failed"]
        store.start()
        for _ in range(3):
            rounds.send("round")
        rounds.round()
        assert rounds.calls("store_is_away") == 12


def test_a_store_that_goes_away_between_reading_and_writing_gets_the_round_later_and_once(target, rounds_of):
    rounds = rounds_of(target.dsn())
    rounds.round()
    rounds.sql("ALTER TABLE fettle.metric_rounds ADD CONSTRAINT stop CHECK (false) NOT VALID")
    run(target, "written_later", 3)
    assert rounds.send("round")["store_failed"]
    run(target, "written_later", 4)
    assert rounds.send("round")["store_failed"]
    rounds.sql("ALTER TABLE fettle.metric_rounds DROP CONSTRAINT stop")
    rounds.round()
    assert rounds.calls("written_later") == 7
    assert rounds.value("SELECT count(*) = count(DISTINCT collected_at) FROM fettle.metric_rounds") is True


def test_after_a_short_stop_only_statements_known_to_be_new_are_counted(server_of, rounds_of):
    for major, expected in ((15, 0), (18, 3)):
        server = server_of(major)
        server.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        run(server, "long_known", 3)
        rounds = rounds_of(server.dsn())
        rounds.round()
        run(server, "new_while_stopped", 3)
        run(server, "long_known", 3)
        rounds.tell("reopen")
        rounds.round()
        rounds.round()
        assert rounds.calls("new_while_stopped") == expected and rounds.calls("long_known") == 0


def test_rounds_that_cost_too_much_are_thinned_and_say_so(target, rounds_of):
    types = ["bool", "int2", "int4", "int8", "numeric", "float4", "float8", "text", "varchar", "name", "bytea", "date", "time", "timetz",
             "timestamp", "timestamptz", "interval", "uuid", "json", "jsonb", "xml", "inet", "cidr", "macaddr", "point", "box", "circle",
             "line", "path", "polygon"]
    # so many statements that no machine reads them in a thousandth of a second
    target.sql("; ".join(f"SELECT NULL::{a}, NULL::{b}, NULL::{c}" for a in types for b in types for c in types[:5]))
    rounds = rounds_of(target.dsn())
    rounds.set("collect.interval", "1s")
    rounds.set("collect.load_percent", "0.01")
    reports = [rounds.round() for _ in range(4)]
    assert [report["thinned"] for report in reports] == [2, 4, 8, 16]
    assert not reports[0]["flags"] & THINNED and reports[1]["flags"] & THINNED
    assert reports[-1]["due_in_us"] > 10e6 and "every 16 s" in reports[-1]["notice"]
    assert "thinned" in rounds.value("SELECT last_notice FROM fettle.targets WHERE last_error IS NULL")
    # never more seldom; a fast machine may be within its share now, and then is read more often again
    at = [rounds.round()["thinned"] for _ in range(2)][-1]
    assert at in (16, 8, 4)
    rounds.set("collect.load_percent", "100")
    assert [rounds.round()["thinned"] for _ in range(5)] == [max(1, at // 2**n) for n in range(1, 6)]


def test_only_the_databases_asked_for_are_collected(target, rounds_of):
    target.sql("DROP DATABASE IF EXISTS wanted")
    target.sql("CREATE DATABASE wanted")
    rounds = rounds_of(target.dsn(), "wanted")
    rounds.round()
    run(target, "in_wanted", 2, "wanted")
    run(target, "in_postgres", 2)
    rounds.round()
    assert rounds.calls("in_wanted") == 2 and rounds.calls("in_postgres") == 0
    assert rounds.sql("SELECT DISTINCT database_name FROM fettle.databases") == [("wanted",)]
    # Another choice begins anew: nothing of the past is counted.
    rounds.sql("UPDATE fettle.targets SET databases = '{postgres}'")
    assert rounds.round()["is_baseline"]
    run(target, "in_postgres", 1)
    rounds.round()
    assert rounds.calls("in_postgres") == 1


def test_a_database_made_again_or_renamed_keeps_its_history(target, rounds_of):
    target.sql("DROP DATABASE IF EXISTS again")
    target.sql("DROP DATABASE IF EXISTS again_renamed")
    target.sql("CREATE DATABASE again")
    rounds = rounds_of(target.dsn())
    rounds.round()
    run(target, "made_again", 2, "again")
    rounds.round()
    target.sql("DROP DATABASE again")
    target.sql("CREATE DATABASE again")
    run(target, "made_again", 3, "again")
    rounds.round()
    target.sql("ALTER DATABASE again RENAME TO again_renamed")
    run(target, "made_again", 4, "again_renamed")
    rounds.round()
    assert rounds.calls("made_again") == 9
    assert rounds.value("SELECT count(*) FROM fettle.databases WHERE database_name LIKE 'again%'") == 1


def test_beyond_the_limit_the_busiest_are_read_and_nothing_old_is_taken_for_new(rounds_of):
    with own_server() as server:
        run_fillers(server, 0, 40)
        rounds = rounds_of(server.dsn())
        rounds.set("collect.statements", "10")
        rounds.round()
        for _ in range(3):
            run_fillers(server, 0, 40)
            report = rounds.round()
            assert report["flags"] & CUT and report["statements_read"] == 10 and "collect.statements" in report["notice"]
        assert rounds.value("SELECT coalesce(max(calls), 0) FROM fettle.metrics_pg_stats_query WHERE query_text LIKE '%filler%'") <= 3


def test_texts_beyond_the_limit_are_left_alone_and_numbers_kept(rounds_of):
    with own_server() as server:
        rounds = rounds_of(server.dsn())
        rounds.set("collect.texts_bytes", "64kB")
        rounds.round()
        for number in range(4):
            server.sql(f"{filler(number + 1)} /* {'y' * 30000} */")
        report = rounds.round()
        assert report["texts_read"] == 0 and report["samples_written"] >= 4
        assert rounds.value("SELECT count(*) FROM fettle.statements WHERE query_text IS NOT NULL") == 0


def test_what_sessions_wait_for_is_known_by_statement(target_of_each, rounds_of):
    rounds = rounds_of(target_of_each.dsn())
    rounds.round()
    run(target_of_each, "unrelated", 1)
    sleeper = "SELECT pg_sleep(1) AS sleeping_beauty"
    target_of_each.sql(sleeper)
    rounds.round()
    threads = [threading.Thread(target=target_of_each.sql, args=(sleeper,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert wait_until(lambda: target_of_each.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")[0][0] == 2)
    for _ in range(3):
        rounds.tell("sample")
    for thread in threads:
        thread.join()
    rounds.tell("flush")
    samples, seen, text, state = rounds.sql("SELECT samples, seen, query_text, state FROM fettle.v_activity WHERE wait_event = 'PgSleep'")[0]
    assert samples == 3 and 3 <= seen <= 6 and state == "active"
    assert ("sleeping_beauty" in text) if target_of_each.major >= 14 else text is None


def test_tables_and_indexes_have_sizes_use_and_bloat(target_of_each, rounds_of):
    target_of_each.sql("DROP DATABASE IF EXISTS resources")
    target_of_each.sql("CREATE DATABASE resources")
    target_of_each.sql("CREATE TABLE big (id int PRIMARY KEY, word text); "
                       "INSERT INTO big SELECT g, repeat('x', 60) FROM generate_series(1, 20000) g; "
                       "DELETE FROM big WHERE id % 2 = 0; SET enable_seqscan = off; SELECT * FROM big WHERE id = 7; VACUUM ANALYZE big; "
                       "SELECT pg_sleep(0.6)".replace("VACUUM ANALYZE big; ", ""), "resources")
    target_of_each.sql("VACUUM ANALYZE big", "resources")
    rounds = rounds_of(target_of_each.dsn(), "resources")
    assert wait_until(lambda: target_of_each.sql("SELECT idx_scan FROM pg_stat_user_indexes", "resources")[0][0] >= 1)
    report = rounds.round()
    assert report["relations_read"] >= 2 and report["notice"] == ""
    rows = {row[0]: row[1:] for row in rounds.sql("SELECT relation_name, kind, size_bytes, row_estimate, scans, index_scans, rows_deleted, "
                                                 "bloat_bytes, bloat_basis FROM fettle.v_relations")}
    size = target_of_each.sql("SELECT pg_relation_size('big')", "resources")[0][0]
    kind, size_bytes, estimate, _, index_scans, deleted, bloat, basis = rows["big"]
    assert (kind, size_bytes, deleted, basis) == ("r", size, 10000, "estimated") and estimate == 10000 and index_scans >= 1
    assert 0.3 * size < bloat < 0.6 * size
    assert rows["big_pkey"][0] == "i" and rows["big_pkey"][3] >= 1 and rows["big_pkey"][6] > 0
    target_of_each.sql("CREATE EXTENSION pgstattuple", "resources")
    rounds.tell("reopen")
    rounds.round()
    measured = dict(rounds.sql("SELECT relation_name, bloat_bytes FROM fettle.v_relations WHERE bloat_basis = 'measured'"))
    truth = target_of_each.sql("SELECT dead_tuple_len + approx_free_space FROM pgstattuple_approx('big')", "resources")[0][0]
    assert math.isclose(measured["big"], truth, rel_tol=0.01) and math.isclose(measured["big"], bloat, rel_tol=0.3)
    assert measured["big_pkey"] > 0


def test_sizes_do_not_wait_behind_an_exclusive_lock(target, rounds_of):
    target.sql("DROP TABLE IF EXISTS locked; CREATE TABLE locked AS SELECT generate_series(1, 10000) AS x; ANALYZE locked")
    connection = psycopg2.connect(target.dsn())
    connection.cursor().execute("LOCK TABLE locked IN ACCESS EXCLUSIVE MODE")
    try:
        rounds = rounds_of(target.dsn(), "postgres")
        rounds.set("target.lock_timeout", "100ms")
        started = time.monotonic()
        assert rounds.round()["relations_read"] > 0
        assert time.monotonic() - started < 10
        assert rounds.value("SELECT size_bytes FROM fettle.v_relations WHERE relation_name = 'locked'") > 0
    finally:
        connection.close()
    target.sql("DROP TABLE locked")


def test_the_catalogue_of_metrics_in_the_store_is_the_programs(target, rounds_of):
    header = (ROOT / "src" / "store" / "observation.h").read_text(encoding="utf-8").replace("\\\n", " ")
    known = [(name, kind.lower(), unit) for name, kind, unit in re.findall(r'X\(METRIC_\w+, "(\w+)", METRIC_(GAUGE|RATE), "([^"]+)"', header)]
    rounds = rounds_of(target.dsn())
    rounds.round()
    assert rounds.sql("SELECT name, kind, unit FROM fettle.metrics ORDER BY position") == known
    assert rounds.value("SELECT cardinality(figures) FROM fettle.metric_rounds LIMIT 1") == len(known)


def test_hours_of_metrics_are_added_up_once_and_completely(target, rounds_of):
    rounds = rounds_of(target.dsn())
    rounds.round()
    rounds.sql("SELECT fettle.partition_make('metric_rounds', now() - interval '5 hours'), fettle.partition_make('metric_rounds', now() - interval '3 hours')")
    rounds.sql("INSERT INTO fettle.metric_rounds SELECT target_id, date_trunc('hour', now()) - interval '4 hours' + m * interval '1 minute', 60000, "
               "ARRAY[m, NULL]::real[] FROM fettle.targets, generate_series(1, 119) m")
    for _ in range(2):
        rounds.tell("hours")
    hours = rounds.sql("SELECT rounds, means[1], least[1], greatest[1], means[2] FROM fettle.metric_hours WHERE hour < now() - interval '2 hours' ORDER BY hour")
    assert hours == [(59, 30.0, 1.0, 59.0, None), (60, 89.5, 60.0, 119.0, None)]


def test_a_plan_is_kept_when_it_differs_from_the_one_before(target, rounds_of):
    rounds = rounds_of(target.dsn())
    answers = [rounds.tell("plan", 77, plan) for plan in (18446744073709551615, 18446744073709551615, 5, 5, 18446744073709551615)]
    assert [answer["written"] for answer in answers] == [1, 0, 1, 0, 1]
    assert [answer["kept"] for answer in answers] == [1, 1, 2, 2, 3]
    assert answers[0]["cause"] is None and answers[2]["cause"] == "an index was dropped" and answers[2]["cost"] == 1.5


def test_partitions_that_are_missing_are_made(target, rounds_of):
    rounds = rounds_of(target.dsn())
    for table, in rounds.sql("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent::regclass::text ~ 'metric_rounds|relation_rounds|activity_minutes'"):
        rounds.sql(f"DROP TABLE {table}")
    rounds.round()
    rounds.tell("sample")
    rounds.tell("flush")
    assert rounds.value("SELECT count(*) FROM fettle.metric_rounds") == 1 and rounds.value("SELECT count(*) FROM fettle.activity_minutes") == 1
    assert rounds.value("SELECT count(*) FROM fettle.relation_rounds") >= 1


def test_a_fleet_of_rounds_leaves_no_session_behind(target, rounds_of):
    rounds = rounds_of(target.dsn())
    for _ in range(3):
        rounds.round()
    assert target.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'fettle'")[0][0] == 1
    rounds.tell("reopen")
    assert wait_until(lambda: target.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'fettle'")[0][0] == 0)
