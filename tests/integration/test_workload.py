# SPDX-License-Identifier: PostgreSQL
"""Patterns of workload through the API, SQL and the command line: the contract's fixtures P1.1 to P3."""
import itertools

import psycopg2
import pytest
from servers import wait_until

BASE = "/api/v1"
FIELDS = ("peak_hour", "variance", "confidence", "affected_queries", "z_score_count", "z_score_time", "days_observed", "consistency_score",
          "recurrence_score")
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def store(api_on_store):
    return api_on_store.store


@pytest.fixture(scope="module")
def target(api_on_store):
    return api_on_store.api.json("POST", f"{BASE}/targets", {"name": f"workload{next(numbers)}", "dsn": api_on_store.store.dsn()}, 201)["target_id"]


@pytest.fixture(scope="module")
def load(store, target):
    """load(database, days, busy hours, (calls, ms) when busy, otherwise): the loader's rules L1 and L5."""
    def insert(database, days, hours, busy, idle):
        store.sql(f"""INSERT INTO fettle.metrics_pg_stats_query (target_id, collected_at, interval_seconds, database_name, query_hash, calls,
                          mean_exec_time_ms, "rows")
                      SELECT {target}, h, 3600, '{database}', 1, CASE WHEN b.busy THEN {busy[0]} ELSE {idle[0]} END,
                             CASE WHEN b.busy THEN {busy[1]} ELSE {idle[1]} END, 100
                      FROM generate_series(now() - interval '{days} days', now(), interval '1 hour') h,
                           LATERAL (SELECT extract(hour FROM h AT TIME ZONE 'UTC') = ANY (ARRAY{hours}::int[]) AS busy) b""")
    insert("testdb", 30, [8], (500, 250), (50, 50))
    insert("multidb", 30, [2, 8, 15], (500, 250), (50, 50))
    insert("shortdb", 3, [8], (500, 250), (50, 50))
    insert("uniformdb", 30, [], (100, 50), (100, 50))
    insert("integration_test_db", 30, [9], (600, 300), (60, 60))
    return insert


def analyze(api, database, status=200, token="operator", **fields):
    return api.json("POST", f"{BASE}/workload-patterns/analyze", {"database_name": database, **fields}, status, token=token)


def by_api(api, database):
    found = analyze(api, database)
    rows = api.json("GET", f"{BASE}/workload-patterns?database_name={database}")
    assert found["patterns_detected"] == len(rows)
    return [(row["pattern_type"], row["pattern_key"], row["pattern_metadata"]) for row in rows]


def by_sql(store, database):
    store.sql(f"SELECT fettle.detect_workload_patterns('{database}', 30)")
    return store.sql(f"SELECT pattern_type, pattern_key, pattern_metadata FROM fettle.workload_patterns WHERE database_name = '{database}' ORDER BY id")


@pytest.fixture(params=["api", "sql"])
def detect(request, api, store, load):
    return (lambda database: by_api(api, database)) if request.param == "api" else (lambda database: by_sql(store, database))


def test_one_busy_hour_is_one_peak(detect):
    (kind, key, metadata), = detect("testdb")
    assert (kind, key, metadata["peak_hour"], metadata["affected_queries"], metadata["variance"]) == ("hourly_peak", "h08", 8, 500, 0)
    assert metadata["confidence"] == pytest.approx(0.930, abs=0.005)
    assert metadata["z_score_count"] == pytest.approx(4.80, abs=0.01)
    assert set(FIELDS) <= set(metadata)


def test_three_busy_hours_are_three_sure_peaks(detect):
    rows = detect("multidb")
    assert [(kind, metadata["peak_hour"]) for kind, _, metadata in rows] == [("hourly_peak", hour) for hour in (2, 8, 15)]
    assert all(metadata["confidence"] > 0.8 for _, _, metadata in rows)


@pytest.mark.parametrize("database", ["shortdb", "uniformdb", "nowhere"])
def test_short_flat_and_unknown_databases_have_no_pattern(detect, database):
    assert detect(database) == []


def test_analysis_names_what_it_did_and_doing_it_again_doubles_nothing(api, load):
    first = analyze(api, "testdb", lookback_days=30)
    assert (first["patterns_detected"], first["database_name"], first["lookback_days"]) == (1, "testdb", 30)
    before = api.json("GET", f"{BASE}/workload-patterns?database_name=testdb", token="viewer")
    analyze(api, "testdb")
    after = api.json("GET", f"{BASE}/workload-patterns?database_name=testdb", token="viewer")
    assert [row["id"] for row in after] == [row["id"] for row in before]
    assert after[0]["detection_timestamp"] >= before[0]["detection_timestamp"]
    assert after[0]["description"] == "Peak load detected at hour 8 UTC (93% confidence)"
    assert 0.7 <= after[0]["pattern_metadata"]["confidence"] <= 1


def test_patterns_are_listed_by_type_target_and_limit(api, load, target):
    analyze(api, "multidb")
    path = f"{BASE}/workload-patterns"
    assert {row["pattern_type"] for row in api.json("GET", f"{path}?pattern_type=hourly_peak")} == {"hourly_peak"}
    assert api.json("GET", f"{path}?pattern_type=batch_job") == []
    assert len(api.json("GET", f"{path}?limit=1")) == 1
    whole = api.json("GET", path)
    for limit in ("", "1000", "1001", "0", "x", "-1"):
        assert api.json("GET", f"{path}?limit={limit}") == whole
    assert api.json("GET", f"{path}?target_id={target}") == whole
    assert api.json("GET", f"{path}?target_id=999999") == []


def test_what_is_no_analysis_is_refused_and_named(api, load):
    for body, code in (({}, "missing_field"), ({"database_name": ""}, "missing_field"), ({"database_name": None}, "missing_field")):
        reply = api.request("POST", f"{BASE}/workload-patterns/analyze", body)
        assert (reply.status, reply.json["code"], reply.json["message"]) == (400, code, "database_name is required")
    for days in (3, -5, 6):
        reply = api.request("POST", f"{BASE}/workload-patterns/analyze", {"database_name": "testdb", "lookback_days": days})
        assert (reply.status, reply.json["code"], reply.json["message"]) == (400, "lookback_too_short", "lookback_days must be at least 7")
    assert analyze(api, "testdb", lookback_days=400)["lookback_days"] == 365
    assert analyze(api, "testdb", lookback_days=0)["lookback_days"] == 30
    analyze(api, "testdb", 404, target_id=999999)
    analyze(api, "testdb", 403, token="viewer")
    for method, path in (("POST", "/analyze"), ("GET", "")):
        assert api.request(method, f"{BASE}/workload-patterns{path}", {"database_name": "testdb"} if method == "POST" else None, token=None).status == 401
    words = api.request("GET", f"{BASE}/workload-patterns?pattern_type=yearly")
    assert words.status == 400 and "hourly_peak, daily_cycle, weekly_pattern, monthly_pattern, batch_job" in words.json["message"]


def test_an_analysis_is_in_the_audit_log(api, load):
    analyze(api, "integration_test_db")
    rows = api.json("GET", f"{BASE}/workload-patterns?database_name=integration_test_db")
    assert rows[0]["pattern_metadata"]["peak_hour"] == 9 and rows[0]["pattern_metadata"]["confidence"] >= 0.8
    line = api.json("GET", f"{BASE}/audit?limit=1")["lines"][0]
    assert (line["action"], line["object"], line["outcome"]) == ("workload.analyze", "database:integration_test_db", "ok")


def test_a_name_with_quotes_is_only_a_name(api, store, load):
    name = 'we"ird\'db\\'
    load(name.replace("'", "''"), 10, [8], (500, 250), (50, 50))
    assert analyze(api, name)["patterns_detected"] == 1
    assert store.sql("SELECT count(*) FROM fettle.workload_patterns WHERE database_name = E'we\"ird\\'db\\\\'") == [(1,)]


def test_who_may_not_write_may_not_detect(store, load):
    store.sql("DO $$ BEGIN CREATE ROLE pattern_reader LOGIN IN ROLE fettle_reader; CREATE ROLE pattern_writer LOGIN IN ROLE fettle_writer; END $$")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        store.sql("SET ROLE pattern_reader; SELECT fettle.detect_workload_patterns('testdb')")
    assert len(store.sql("SET ROLE pattern_writer; SELECT fettle.detect_workload_patterns('testdb')")) == 1


# --- command line and night

def test_the_command_shows_a_map_and_the_patterns(fettle, store, load, target):
    environment = {"FETTLE_STORE_URL": store.dsn()}
    shown = fettle("patterns", "analyze", "--database", "multidb", "--target", target, **environment)
    assert shown.status == 0, shown.err
    lines = shown.out.splitlines()
    assert lines[0].startswith(f"multidb (target {target}): ")
    for day in ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"):
        row = next(line for line in lines if line.startswith(f"  {day}  "))[7:]
        assert len(row) == 24 and [hour for hour in range(24) if row[hour] == "█"] == [2, 8, 15]
    assert next(line for line in lines if line.startswith("calls"))[7:] == "".join("█" if hour in (2, 8, 15) else "▂" for hour in range(24))
    assert any(line.startswith("  the load repeats every 24 h (") for line in lines)
    assert [line.split()[0] for line in lines if "Peak load" in line] == ["h02", "h08", "h15"]
    assert store.sql("SELECT outcome FROM fettle.audit_log WHERE action = 'workload.analyze' AND object = 'database:multidb' AND actor LIKE 'cli:%'") == [("ok",)]
    found, = fettle("patterns", "--json", "--database", "multidb", **environment).json
    assert found["hourly"][8] == 500 and found["hourly_ms"][9] == 50 and len(found["weekly"]) == 7
    assert [period["hours"] for period in found["periods"]] == [24]
    assert [row["pattern_key"] for row in found["patterns"]] == ["h02", "h08", "h15"]


def test_the_command_says_when_there_is_nothing_and_what_is_wrong(fettle, store, load):
    environment = {"FETTLE_STORE_URL": store.dsn()}
    assert "nothing was collected" in fettle("patterns", "--database", "nowhere", **environment).out
    assert "no pattern is kept" in fettle("patterns", "--database", "shortdb", **environment).out
    assert "repeats after no fixed time" in fettle("patterns", "--database", "uniformdb", **environment).out
    assert "no period of up to 67 h shows in 7 days; one of a week would in 18" in fettle("patterns", "--database", "uniformdb", "--days", "7", **environment).out
    for words in (("dance",), ("--days", "6"), ("--days", "366"), ("--days", "x")):
        assert fettle("patterns", *words, **environment).status == 2
    assert fettle("patterns", "--target", "nobody", **environment).status == 4


def test_patterns_are_detected_every_night(fettle, store, load):
    store.sql("DELETE FROM fettle.workload_patterns")
    server = fettle.start("serve", FETTLE_STORE_URL=store.dsn(), FETTLE_SERVER_LISTEN="127.0.0.1:0")
    try:
        assert wait_until(lambda: store.sql("SELECT status FROM fettle.jobs WHERE kind = 'patterns'") == [("completed",)], 60)
    finally:
        server.terminate()
        out, err = server.communicate(timeout=60)
    fettle.check(server.returncode, out + err)
    found = dict(store.sql("SELECT database_name, count(*) FROM fettle.workload_patterns GROUP BY 1"))
    assert (found["testdb"], found["multidb"], found["integration_test_db"]) == (1, 3, 1)
    (result,), = store.sql("SELECT result FROM fettle.jobs WHERE kind = 'patterns'")
    assert result["patterns"] == sum(found.values())
