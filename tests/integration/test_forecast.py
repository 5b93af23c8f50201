# SPDX-License-Identifier: PostgreSQL
"""Forecasts, quiet windows and capacity dates of what a store holds: through the API and the command line."""
import datetime

import pytest

BASE = "/api/v1"
GIGABYTE = 1 << 30
QUIET = (2, 3)


@pytest.fixture(scope="module")
def store(api_on_store):
    return api_on_store.store


def new_target(api_on_store, name):
    return api_on_store.api.json("POST", f"{BASE}/targets", {"name": name, "dsn": api_on_store.store.dsn()}, 201)["target_id"]


def insert_hours(store, target, database, days, calls):
    store.sql(f"""INSERT INTO fettle.metrics_pg_stats_query (target_id, collected_at, interval_seconds, database_name, query_hash, calls, mean_exec_time_ms)
                  SELECT {target}, h, 3600, '{database}', 1, {calls}, 10
                  FROM generate_series(date_trunc('hour', now()) - interval '{days} days', date_trunc('hour', now()), interval '1 hour') s,
                       LATERAL (SELECT s + interval '1 minute' AS h, extract(hour FROM s AT TIME ZONE 'UTC')::int AS hour,
                                       extract(epoch FROM s)::bigint / 3600 AS number) l""")


def insert_metrics(store, target, days, hours=24, **figures):
    """One round each so many hours; figures by name, as SQL over d (rounds ago)."""
    names = [name for name in store.metric_names]
    values = ", ".join(f"({figures[name]})::real" if name in figures else "NULL::real" for name in names)
    store.sql(f"""SELECT fettle.partition_make('metric_rounds', now() - n * interval '1 day') FROM generate_series(0, {days}) n""")
    store.sql(f"""INSERT INTO fettle.metric_rounds (target_id, collected_at, interval_ms, figures)
                  SELECT {target}, now() - d * interval '{hours} hours' - interval '5 minutes', 60000, ARRAY[{values}]
                  FROM generate_series(0::bigint, {days * 24 // hours - 1}) d""")


@pytest.fixture(scope="module")
def busy(api_on_store, store):
    """A target of five weeks: 1,000 calls an hour, 100 at night, a little scatter; another database that does as much; 40 days of sizes."""
    target = new_target(api_on_store, "busy")
    store.metric_names = [row["name"] for row in api_on_store.api.json("GET", f"{BASE}/targets/{target}/metrics")["series"]]
    for database in ("shop", "other"):
        insert_hours(store, target, database, 35, f"CASE WHEN hour IN {QUIET} THEN 100 ELSE 1000 END + number * 7919 % 41")
    insert_metrics(store, target, 40, disk_free_bytes=f"{50 * GIGABYTE}::bigint + d * {GIGABYTE} + d * 7919 % 5 * {GIGABYTE // 10}",
                   database_bytes=f"{200 * GIGABYTE}::bigint - d * {GIGABYTE}", connections="20 + d * 7 % 5", connections_most="100")
    return target


def hour_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).hour


def test_trends_of_a_daily_load_are_forecast_with_quiet_window_and_peak(api, busy):
    found = api.json("GET", f"{BASE}/workload/{busy}/trends?database_name=shop", token="viewer")
    assert found["connection_id"] == busy and len(found["series"]) == 168 and len(found["forecast"]) == 48
    assert (found["trend"], found["forecast_verdict"], found["shifts"], found["bottlenecks"]) == ("stable", "made", [], [])
    for row in found["forecast"]:
        expected = 100 if hour_of(row["hour"]) in QUIET else 1000
        assert expected - 10 <= row["predicted"] <= expected + 60
        assert row["lower_95"] <= row["lower"] <= row["lower_80"] <= row["predicted"] <= row["upper_80"] <= row["upper"] <= row["upper_95"]
        assert row["upper"] - row["lower"] < 100
    assert (hour_of(found["quiet_window"]["from"]), hour_of(found["quiet_window"]["to"])) == (2, 4)
    assert found["quiet_window"]["share"] < 0.2 and found["next_peak"]["share"] > 1
    assert 24 in found["parts"]["seasons"]
    level, day, week, rest = (found["parts"][name] for name in ("level", "day", "week", "rest"))
    for i, row in enumerate(found["series"]):
        assert level[i] + day[i] + week[i] + rest[i] == pytest.approx(row["queries"])


def test_all_databases_of_a_target_are_added_up(api, busy):
    one = api.json("GET", f"{BASE}/workload/{busy}/trends?database_name=shop&days=1&hours=24")
    both = api.json("GET", f"{BASE}/workload/{busy}/trends?days=1&hours=24")
    assert [row["queries"] for row in both["series"]] == [2 * row["queries"] for row in one["series"]]
    assert {row["avg_ms"] for row in both["series"]} == {10.0}
    assert len(both["forecast"]) == 24


def test_any_metric_can_be_forecast(api, api_on_store, store, busy):
    path = f"{BASE}/workload/{busy}/trends"
    found = api.json("GET", f"{path}?metric=exec_ms&database_name=shop")
    assert (found["metric"], found["unit"]) == ("exec_ms", "ms/h")
    assert all(row["predicted"] == pytest.approx(10500, rel=0.1) for row in found["forecast"] if hour_of(row["hour"]) not in QUIET)
    assert api.json("GET", f"{path}?metric=connections")["forecast_verdict"] == "too_short"
    pooled = new_target(api_on_store, "pooled")
    insert_metrics(store, pooled, 10, hours=1, connections="CASE WHEN d % 24 < 12 THEN 10 ELSE 30 END")
    found = api.json("GET", f"{BASE}/workload/{pooled}/trends?metric=connections")
    assert (found["forecast_verdict"], found["series"]) == ("made", [])
    assert sorted(round(row["predicted"]) for row in found["forecast"]) == [10] * 24 + [30] * 24
    for question in ("metric=nothing", "metric=connections&database_name=shop"):
        assert api.request("GET", f"{path}?{question}").json["code"] == "invalid_parameter"


def test_what_grows_has_a_date_and_what_does_not_has_none(api, busy):
    rows = {row["name"]: row for row in api.json("GET", f"{BASE}/workload/{busy}/trends")["capacity"]}
    disk = rows["disk"]
    assert disk["verdict"] == "dated" and 40 <= disk["days_lower"] <= disk["days"] <= disk["days_upper"] <= 60
    assert disk["growth_per_day"] == pytest.approx(GIGABYTE, rel=0.05) and "full in" in disk["description"]
    assert rows["databases"]["verdict"] == "no_limit" and rows["databases"]["days"] is None
    assert rows["connections"]["verdict"] == "not_soon" and rows["connections"]["limit"] == 100


def test_too_little_history_is_said_to_be_so_and_gives_no_figure(api, api_on_store, store):
    target = new_target(api_on_store, "young")
    empty = api.json("GET", f"{BASE}/workload/{target}/trends")
    assert (empty["series"], empty["forecast"], empty["trend"], empty["change_percent"]) == ([], [], "stable", None)
    assert (empty["quiet_window"], empty["next_peak"], empty["parts"], empty["capacity"]) == (None, None, None, [])
    insert_hours(store, target, "shop", 1, "1000")
    short = api.json("GET", f"{BASE}/workload/{target}/trends")
    assert (short["forecast"], short["forecast_verdict"]) == ([], "too_short")
    assert any("fewer than 48 hours" in text for text in short["insights"])
    insert_hours(store, target, "late", 4, "500")
    naive = api.json("GET", f"{BASE}/workload/{target}/trends?database_name=late")
    assert naive["forecast_verdict"] == "naive" and {row["predicted"] for row in naive["forecast"]} == {500.0}


def test_anomalies_of_the_days_stand_beside_the_load(api, store, busy):
    store.sql(f"""INSERT INTO fettle.query_anomalies (target_id, query_hash, anomaly_type, severity, metric_name, metric_value, detected_at)
                  VALUES ({busy}, 7, 'io_increase', 'high', 'blocks_read', 9, now() - interval '1 hour'),
                         ({busy}, 8, 'io_increase', 'low', 'blocks_read', 9, now() - interval '8 days')""")
    found, = api.json("GET", f"{BASE}/workload/{busy}/trends")["anomalies"]
    assert (found["query_hash"], found["severity"], found["metric_value"], found["resolved"], found["z_score"]) == (7, "high", 9.0, False, None)


def test_what_is_no_question_is_refused(api, busy):
    api.json("GET", f"{BASE}/workload/999999/trends", status=404)
    for question in ("days=0", "days=91", "days=x", "hours=0", "hours=169", "window_hours=0"):
        assert api.request("GET", f"{BASE}/workload/{busy}/trends?{question}").json["code"] == "invalid_parameter"
    assert api.json("GET", f"{BASE}/workload/{busy}/trends?database_name=nowhere")["series"] == []


def test_the_command_shows_the_same_with_charts(fettle, store, busy):
    environment = {"FETTLE_STORE_URL": store.dsn()}
    shown = fettle("forecast", "busy", "--database", "shop", "--limit", "220GB", **environment)
    assert shown.status == 0, shown.err
    lines = shown.out.splitlines()
    assert lines[0].startswith(f"busy (target {busy}): queries (1/h) of one database, ")
    chart = next(line for line in lines if line.startswith("  forecast   "))[13:61]
    assert sum(mark == "▂" for mark in chart) == 4 and sum(mark in "▇█" for mark in chart) == 44
    assert any(line.startswith("  quiet    ") and "02:00 to 04:00 UTC" in line for line in lines)
    assert any(line.startswith("  disk: full in ") for line in lines) and any(line.startswith("  databases: full in ") for line in lines)
    found = fettle("forecast", "busy", "--json", "--hours", "168", "--window", "1", **environment).json
    assert len(found["forecast"]) == 168 and found["unit"] == "1/h" and found["verdict"] == "made"
    assert fettle("forecast", "busy", "--metric", "avg_ms", "--json", **environment).json["forecast"][0]["predicted"] == pytest.approx(10)


def test_the_command_says_what_is_wrong_with_a_question(fettle, store, busy):
    environment = {"FETTLE_STORE_URL": store.dsn()}
    for words in (("--metric", "nothing"), ("--metric", "connections", "--database", "shop"), ("--hours", "169"), ("--window", "0"), ("--limit", "x")):
        assert fettle("forecast", "busy", *words, **environment).status == 2
    assert "queries, exec_ms" in fettle("forecast", "busy", "--metric", "nothing", **environment).err
    assert fettle("forecast", "nobody", **environment).status == 4
    assert "there is no forecast" in fettle("forecast", "busy", "--metric", "replicas", **environment).out
