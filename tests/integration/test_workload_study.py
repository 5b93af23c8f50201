# SPDX-License-Identifier: PostgreSQL
"""A target's workload through the API and the command line: kind, hot objects, classes, groups, bottlenecks, columns; on a store with ten
days of inserted history of a database whose statements and schema are known."""
import pytest

BASE = "/api/v1"
# hash, text, calls and ms an hour when busy (8 to 10 UTC), else; rows a call
STATEMENTS = (
    (1, "SELECT * FROM customers WHERE id = $1", 9000, 0.2, 3000, 0.2, 1),
    (2, "SELECT o.*, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.status = $1", 2000, 40, 600, 2, 5),
    (3, "UPDATE orders SET status = $1 WHERE id = $2", 900, 1, 300, 1, 1),
    (4, "SELECT date_trunc($1, o.placed_at), sum(o.total) FROM orders o GROUP BY 1 ORDER BY 1", 2, 4000, 0, 0, 900),
    (5, "SELECT name FROM customers WHERE name LIKE $1 ORDER BY name LIMIT 10", 60, 5, 20, 5, 10),
    *((100 + n, f"SELECT {n}, note FROM notes WHERE owner = $1", 30 + n, 0.5, 30 + n, 0.5, 2) for n in range(8)),
    (200, "SELECT count(*) FROM pg_class", 60, 1, 60, 1, 1),
    (201, "SELECT FROM WHERE", 1, 1, 1, 1, 0),
)
SCHEMA = """
CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL, tier text);
CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer REFERENCES customers, status text, placed_at timestamptz, total numeric);
CREATE TABLE notes (owner integer, note text);
INSERT INTO customers SELECT n, 'customer ' || n, CASE WHEN n % 10 = 0 THEN 'gold' END FROM generate_series(1, 2000) n;
INSERT INTO orders SELECT n, 1 + n % 2000, CASE WHEN n % 100 = 0 THEN 'open' ELSE 'done' END, now() - n * interval '1 minute', n FROM generate_series(1, 20000) n;
INSERT INTO notes SELECT n % 50, 'note' FROM generate_series(1, 1000) n;
ANALYZE customers, orders, notes;
"""


@pytest.fixture(scope="module")
def store(api_on_store):
    return api_on_store.store


@pytest.fixture(scope="module")
def target(api_on_store, store):
    store.sql("CREATE DATABASE studied")
    store.sql(SCHEMA, database="studied")
    identifier = api_on_store.api.json("POST", f"{BASE}/targets", {"name": "study", "dsn": store.dsn("studied")}, 201)["target_id"]
    rows = ", ".join(f"({number}, '{text}', {busy}, {busy_ms}, {idle}, {idle_ms}, {count})"
                     for number, text, busy, busy_ms, idle, idle_ms, count in STATEMENTS)
    store.sql(f"""INSERT INTO fettle.metrics_pg_stats_query (target_id, collected_at, interval_seconds, database_name, query_hash, query_text, calls,
                      mean_exec_time_ms, "rows", shared_blks_hit, shared_blks_read)
                  SELECT {identifier}, h, 3600, 'studied', s.hash, s.text, k.calls, k.ms, k.calls * s.count, k.calls * 10, k.calls
                  FROM generate_series(date_trunc('hour', now()) - interval '10 days', now(), interval '1 hour') h,
                       (VALUES {rows}) s(hash, text, busy, busy_ms, idle, idle_ms, count),
                       LATERAL (SELECT extract(hour FROM h AT TIME ZONE 'UTC') BETWEEN 8 AND 10 AS busy) b,
                       LATERAL (SELECT CASE WHEN b.busy THEN s.busy ELSE s.idle END AS calls, CASE WHEN b.busy THEN s.busy_ms ELSE s.idle_ms END AS ms) k
                  WHERE k.calls > 0""")
    store.sql(f"""SELECT fettle.partition_make(name, now() - n * interval '1 day') FROM generate_series(0, 11) n,
                         unnest('{{metric_hours,activity_minutes}}'::name[]) name;
                  INSERT INTO fettle.metric_hours (target_id, hour, rounds, means, least, greatest)
                  SELECT {identifier}, h, 60, m.figures, m.figures, m.figures
                  FROM generate_series(date_trunc('hour', now()) - interval '10 days', now() - interval '1 hour', interval '1 hour') h,
                       LATERAL (SELECT array_agg(CASE p WHEN 1 THEN 40 WHEN 2 THEN 10 WHEN 5 THEN CASE WHEN extract(hour FROM h AT TIME ZONE 'UTC') BETWEEN 8 AND 10
                                                        THEN 3 ELSE 0 END WHEN 6 THEN 100 WHEN 38 THEN 0.3 END::real ORDER BY p) AS figures
                                FROM generate_series(1, 43) p) m;
                  INSERT INTO fettle.activity_minutes
                  SELECT {identifier}, h, 60, '{{1,1,1}}', '{{1,1,1}}', '{{1,1,1}}', '{{active,active,active}}', '{{Lock,CPU,IO}}', '{{transactionid,"",DataFileRead}}',
                         CASE WHEN extract(hour FROM h AT TIME ZONE 'UTC') BETWEEN 8 AND 10 THEN '{{300,600,100}}'::bigint[] ELSE '{{0,90,10}}' END
                  FROM generate_series(date_trunc('hour', now()) - interval '10 days', now() - interval '1 hour', interval '1 hour') h""")
    yield identifier
    assert api_on_store.api.request("DELETE", f"{BASE}/targets/{identifier}").status == 204
    store.sql("DROP DATABASE studied WITH (FORCE)")


@pytest.fixture
def get(api, target):
    return lambda part, status=200, **options: api.json("GET", f"{BASE}/workload/{target}/{part}", None, status, **options)


def test_the_analysis_tells_kind_peaks_and_what_to_do(get, target):
    found = get("analysis", token="viewer")
    assert (found["connection_id"], found["workload_type"], found["peak_hours"], found["analysis_period_days"]) == (target, "oltp", [8, 9, 10], 7)
    assert found["slow_queries_count"] in (2 * 3 * 7, 2 * (3 * 7 + 1)) and 0 < found["slow_query_percentage"] < 1
    kinds = {row["type"]: row for row in reversed(found["recommendations"])}
    assert {"peak_load", "slow_queries", "resource", "scheduling"} <= set(kinds)
    assert "sum(o.total)" in kinds["slow_queries"]["action_steps"][0]
    assert kinds["resource"]["title"].endswith("lock")
    assert found["recommendations"] == get("recommendations")


def test_days_and_targets_that_are_none_are_refused(api, target, get):
    for part in ("analysis", "patterns", "recommendations", "hot", "classes", "clusters", "bottlenecks", "columns"):
        for days in ("0", "91", "-1", "x", "1.5"):
            assert get(f"{part}?days={days}", 400)["code"] == "invalid_parameter"
        api.json("GET", f"{BASE}/workload/999999/{part}", None, 404)
        assert get(f"{part}?days=90")["analysis_period_days"] == 90 if part != "recommendations" else True
    assert api.request("POST", f"{BASE}/workload/{target}/analyze", token="viewer").status == 403
    assert api.request("POST", f"{BASE}/workload/{target}/analyze?days=0").status == 400
    assert api.request("POST", f"{BASE}/workload/999999/analyze").status == 404
    assert api.request("GET", f"{BASE}/workload/{target}/analysis", token=None).status == 401


def test_a_database_without_history_has_an_empty_workload(get):
    found = get("analysis?database_name=nowhere")
    assert (found["total_queries"], found["peak_hours"], found["recommendations"]) == (0, [], [])
    assert "nothing was collected" in found["insights"][0]
    assert get("hot?database_name=nowhere")["tables"] == []
    assert get("clusters?database_name=nowhere")["clusters"] == []
    assert get("patterns?database_name=nowhere")["hourly"] == [None] * 24


def test_the_rhythm_has_the_hours_the_week_and_the_day_long_period(get):
    found = get("patterns?days=10")
    assert [hour for hour in range(24) if found["hourly"][hour] > 8000] == [8, 9, 10]
    assert found["periods"][0]["hours"] == 24 and found["seasonality"]["daily"] > 0.9
    assert found["shifts"] == [] and found["patterns"] == []


def test_before_a_schema_is_read_names_are_as_written_and_columns_unknown(get, store, target):
    store.sql(f"DELETE FROM fettle.target_snapshots WHERE target_id = {target}")
    hot = get("hot")
    assert hot["is_guessed"] and {row["name"] for row in hot["tables"]} == {"customers", "orders", "notes"}
    assert hot["joins"][0]["name"] == "customers.id = orders.customer_id"
    assert (get("columns")["columns"], get("columns")["schema_read_at"]) == ([], None)


def test_an_analysis_reads_the_schema_and_names_become_whole(api, get, store, target):
    found = api.json("POST", f"{BASE}/workload/{target}/analyze?days=7")
    assert found["workload_type"] == "oltp" and not [line for line in found["insights"] if "could not be read" in line]
    hot = get("hot")
    assert not hot["is_guessed"] and hot["unparsed_count"] == 1 and hot["schema_read_at"] is not None
    tables = {row["name"]: row for row in hot["tables"]}
    assert set(tables) == {"public.customers", "public.orders", "public.notes"}
    assert hot["tables"][0]["name"] == "public.orders" and hot["tables"][0]["evidence"] == "split evenly"
    assert hot["columns"][0]["name"] in ("public.orders.status", "public.customers.id", "public.orders.customer_id")
    assert [row["name"] for row in hot["joins"]] == ["public.customers.id = public.orders.customer_id"]
    assert not [row for row in hot["statements"] if "pg_class" in row["name"]]
    # the planner's own statistics, and no value of a row
    columns = {f"{row['table_name']}.{row['column_name']}": row for row in get("columns")["columns"]}
    assert columns["customers.tier"]["null_share"] == pytest.approx(0.9, abs=0.01) and columns["customers.id"]["distinct"] == 2000
    assert columns["orders.status"]["skew"] == pytest.approx(1.98, abs=0.03) and columns["orders.id"]["correlation"] == pytest.approx(1)
    (data,), = store.sql(f"SELECT data FROM fettle.target_snapshots WHERE target_id = {target}")
    assert bytes(data).startswith(b"FETTLESN") and store.sql("SELECT count(*) FROM fettle.audit_log WHERE action = 'workload.study'")[0][0] >= 1


def test_a_plan_with_actual_rows_splits_the_time_and_tells_the_estimates_error(api, get, store, target):
    (plan,), = store.sql("EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) SELECT o.*, c.name FROM orders o JOIN customers c ON c.id = o.customer_id "
                         "WHERE o.status = 'done' AND o.id % 7 = 3", database="studied")
    import json
    # an older plan of the statement, and one that is too long, are not looked at
    store.sql(f"""INSERT INTO fettle.explain_plans (target_id, database_name, query_hash, plan_json, collected_at)
                  VALUES ({target}, 'studied', 2, $plan${json.dumps(plan)}$plan$, now()),
                         ({target}, 'studied', 2, '[{{"Plan": {{"Node Type": "Seq Scan", "Relation Name": "notes"}}}}]', now() - interval '1 day'),
                         ({target}, 'studied', 3, jsonb_build_array(repeat('x', 300000)), now())""")
    try:
        tables = {row["name"]: row for row in get("hot")["tables"]}
        assert tables["public.orders"]["evidence"] == "mixed"
        status = next(row for row in get("columns")["columns"] if row["column_name"] == "status")
        assert status["estimates"] == 1 and status["estimate_error"] > 0.5 and status["severity"] == "high"
    finally:
        store.sql(f"DELETE FROM fettle.explain_plans WHERE target_id = {target}")


def test_issues_have_figures_and_what_could_not_be_looked_at(api, get, shown, store, target):
    import json
    api.json("POST", f"{BASE}/workload/{target}/analyze")
    (plan,), = store.sql("EXPLAIN (FORMAT JSON) SELECT o.*, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.status = 'open'", database="studied")
    store.sql(f"""INSERT INTO fettle.explain_plans (target_id, database_name, query_hash, plan_json, collected_at) VALUES ({target}, 'studied', 2, $plan${json.dumps(plan)}$plan$, now());
                  INSERT INTO fettle.target_settings (target_id, name, value, seen_at) VALUES ({target}, 'shared_buffers', '16', now()), ({target}, 'block_size', '8192', now())""")
    try:
        found = get("analysis")
        issues = {row["type"]: row for row in reversed(found["issues"])}
        missing = issues["missing_index"]
        assert (missing["severity"], missing["value"], missing["threshold"], missing["tables"]) == ("high", 20000, 1000, ["public.orders"])
        assert [row["query_hash"] for row in missing["statements"]] == [2] and "(status)" in missing["action"] and missing["time_share"] > 0.5
        assert issues["inefficient_reporting"]["value"] == pytest.approx(4000) and "sum(o.total)" in issues["inefficient_reporting"]["description"]
        assert found["issue_coverage"] == {"statements": len(STATEMENTS) - 1, "without_plan": len(STATEMENTS) - 2, "without_text": 1, "without_schema": 0,
                                           "tables_unknown": found["issue_coverage"]["tables_unknown"], "has_all_relations": True}
        assert found["issue_count"] == len(found["issues"])
        told = shown("study", "issues")
        assert told.status == 0 and "[high] missing_index" in told.out and f"{len(STATEMENTS) - 2} of {len(STATEMENTS) - 1} statements have no plan" in told.out
        assert shown("study", "issues", "--json").json["issues"] == found["issues"]
    finally:
        store.sql(f"DELETE FROM fettle.explain_plans WHERE target_id = {target}; DELETE FROM fettle.target_settings WHERE target_id = {target}")


def test_classes_follow_the_statements_and_change_only_the_second_time(api, get, store, target):
    classes = {row["query_hash"]: row for row in get("classes?limit=1000")["statements"]}
    assert (classes[1]["class"], classes[1]["weight"], classes[1]["cadence"]) == ("OLTP", "LIGHT", "AD_HOC")
    assert (classes[3]["class"], classes[4]["class"], classes[4]["weight"]) == ("OLTP", "OLAP", "HEAVY")
    summary = get("classes")["summary"]
    assert sum(row["statements"] for row in summary["class"]) == len(STATEMENTS)
    store.sql("UPDATE fettle.workload_classes SET class = 'MIXED' WHERE query_hash = 1")
    for expected in ("MIXED", "OLTP"):
        api.json("POST", f"{BASE}/workload/{target}/analyze")
        assert store.sql("SELECT class FROM fettle.workload_classes WHERE query_hash = 1") == [(expected,)]


def test_statements_are_grouped_by_behaviour_and_by_arrival(get):
    for method in ("kmeans", "dbscan"):
        found = get(f"clusters?method={method}")
        assert found["method"] == method and len(found["labels"]) == len(STATEMENTS)
        assert sum(row["size"] for row in found["clusters"]) + found["noise_count"] == len(STATEMENTS)
        arrival = {row["query_hash"]: row["arrival_label"] for row in found["labels"]}
        assert arrival[1] == arrival[2] == arrival[3] >= 0 and arrival[200] == -1
    assert get("clusters?method=magic", 400)["code"] == "invalid_parameter"


def test_the_lock_is_the_bottleneck_with_its_evidence(get):
    found = get("bottlenecks")
    first = found["bottlenecks"][0]
    assert (first["type"], first["load"], first["limit"]) == ("lock", pytest.approx(0.28, abs=0.02), pytest.approx(0.1))
    assert first["evidence"][0] == {"figure": "active sessions that wait for a lock", "unit": "1", "busy": first["load"], "otherwise": 0}
    loads = {row["type"]: row["load"] for row in found["resources"]}
    assert loads["cpu"] == pytest.approx(0.3) and loads["connection"] == pytest.approx(0.4) and loads["wal"] == 0


def test_an_analysis_of_a_target_that_is_down_says_so_and_still_answers(api, store, get):
    gone = api.json("POST", f"{BASE}/targets", {"name": "gone", "dsn": "postgres://nobody@127.0.0.1:1/shop"}, 201)["target_id"]
    store.sql(f"""INSERT INTO fettle.metrics_pg_stats_query (target_id, collected_at, interval_seconds, database_name, query_hash, calls, mean_exec_time_ms)
                  VALUES ({gone}, now() - interval '1 hour', 3600, 'shop', 1, 10, 1)""")
    found = api.json("POST", f"{BASE}/workload/{gone}/analyze")
    api.request("DELETE", f"{BASE}/targets/{gone}")
    assert found["total_queries"] == 10 and [line for line in found["insights"] if 'schema of database "shop" could not be read' in line]


# --- command line

@pytest.fixture
def shown(fettle, store, target):
    return lambda *words: fettle("workload", *words, FETTLE_STORE_URL=store.dsn())


def test_every_part_is_shown_and_is_the_apis_json(shown, get):
    for part, words in (("analysis", "kind   oltp"), ("patterns", "the fullest hour has"), ("hot", "public.orders"), ("classes", "OLTP"),
                        ("clusters", "come and go together"), ("bottlenecks", "locks: 28%"), ("columns", "public.customers")):
        out = shown("study", part)
        assert out.status == 0 and words in out.out, out.err
        assert "\x1b" not in out.out
        for _ in range(2):  # the window is of whole hours: both must be of the same one
            found, answer = shown("study", part, "--json", "--limit", "100").json, get(part)
            if found.pop("analyzed_at")[:13] == answer.pop("analyzed_at")[:13]:
                break
        assert found == answer
    assert shown("study").out == shown("study", "analysis").out
    assert shown("study", "analyze", "--days", "3").status == 0


def test_the_map_has_a_row_for_each_weekday(shown):
    lines = shown("study", "patterns", "--days", "10").out.splitlines()
    for day in ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"):
        row = next(line for line in lines if line.startswith(f"  {day}  "))[7:]
        assert len(row) == 48 and row[16:22] == "██████" and "██" not in row[:16] + row[22:]


def test_what_is_no_part_no_target_and_no_number_is_refused(shown):
    assert shown("study", "dance").status == 2 and shown("nobody").status == 4
    for words in (("--days", "0"), ("--days", "91"), ("--limit", "x"), ("--method", "magic")):
        assert shown("study", "clusters", *words).status == 2
