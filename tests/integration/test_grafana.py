# SPDX-License-Identifier: PostgreSQL
"""packaging/grafana/fettle.json: its structure, every statement of it run by a reader against a store with data, every metric served."""
import datetime
import json
import pathlib
import re

import psycopg2
import pytest
from servers import Server, wait_until
from service import Service

ROOT = pathlib.Path(__file__).resolve().parents[2]
DASHBOARD = json.loads((ROOT / "packaging" / "grafana" / "fettle.json").read_text(encoding="utf-8"))
READER = "grafana"
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
VARIABLES = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}


def statements():
    """(name, text) of all SQL."""
    found = [(panel["title"], target["rawSql"]) for panel in PANELS for target in panel["targets"] if "rawSql" in target]
    found += [(entry["name"], entry["target"]["rawSql"]) for entry in DASHBOARD["annotations"]["list"] if "target" in entry]
    return found + [("variable " + name, variable["query"]) for name, variable in VARIABLES.items() if variable["type"] == "query"]


def expressions():
    return [target["expr"] for panel in PANELS for target in panel["targets"] if "expr" in target]


def expanded(text, target_id, databases=("shop", "it's")):
    """As Grafana fills in its macros and variables."""
    begin, end = (f"'{(datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)).strftime('%Y-%m-%dT%H:%M:%SZ')}'"
                  for hours in (-6, 1))
    text = text.replace("$__timeFrom()", begin).replace("$__timeTo()", end)
    text = re.sub(r"\$__timeFilter\(([^)]+)\)", rf"\1 BETWEEN {begin} AND {end}", text)
    text = text.replace("${target:sqlstring}", f"'{target_id}'")
    text = text.replace("${database:sqlstring}", ",".join("'" + name.replace("'", "''") + "'" for name in databases))
    assert "$" not in text, text
    return text


@pytest.fixture(scope="module")
def store():
    """The store's server; one of its databases is the target too."""
    with Server(15, tcp=True, conf=["max_connections = 60"]) as server:
        server.sql("CREATE DATABASE shop")
        server.sql("CREATE EXTENSION pg_stat_statements; CREATE TABLE orders AS SELECT n AS id FROM generate_series(1, 1000) n", "shop")
        yield server


@pytest.fixture(scope="module")
def service(store):
    service = Service(store_url=store.dsn(), collect__plans="0")
    service.fettle("store", "migrate")
    store.sql(f"CREATE ROLE {READER} LOGIN IN ROLE fettle_reader; ALTER ROLE {READER} SET default_transaction_read_only = on")
    with service:
        service.target_id = service.add_target("shop", store.dsn("shop"), databases=["shop"])
        fill(store, service.target_id)
        # the first round has only counters; each later one brings what ran in between
        assert wait_until(lambda: store.sql("SELECT count(*) FROM orders", "shop") and service.calls(service.target_id, "orders") >= 3, 60)
        yield service


def fill(store, target_id):
    """What comes about in longer than a test: a minute of activity, an anomaly, an incident, a recommendation with its implementation."""
    store.sql(f"""
        INSERT INTO fettle.activity_minutes (target_id, starts_at, samples, database_ids, statement_ids, queryids, states, wait_types,
                                             wait_events, seen)
        VALUES ({target_id}, date_trunc('minute', now()), 60, '{{1,1,1}}', '{{1,1,1}}', '{{1,1,1}}', '{{active,active,idle}}',
                '{{IO,NULL,Client}}', '{{DataFileRead,NULL,ClientRead}}', '{{30,90,600}}');
        INSERT INTO fettle.query_anomalies (target_id, query_hash, anomaly_type, severity, metric_name)
        VALUES ({target_id}, 17, 'execution_time_spike', 'high', 'mean_exec_time_ms');
        SELECT fettle.notice_record({target_id}, 'incident.opened', '{{"title": "slow", "severity": "high"}}');
        INSERT INTO fettle.optimization_recommendations (target_id, source_type, recommendation_text, roi_score, estimated_improvement_percent)
        VALUES ({target_id}, 'index', 'Create index', 0.4, 40), ({target_id}, 'vacuum', 'Vacuum', 0.2, 10);
        INSERT INTO fettle.optimization_implementations (recommendation_id, status, actual_improvement_percent, actual_low, actual_high)
        SELECT id, 'implemented', 38, 30, 45 FROM fettle.optimization_recommendations WHERE source_type = 'index';
        INSERT INTO fettle.index_changes (target_id, action, table_name, index_name, sql, performed_by)
        VALUES ({target_id}, 'create', 'orders', 'orders_x', 'CREATE INDEX', 'ada');
        INSERT INTO fettle.webhooks (name, kind, origin, sealed_url) VALUES ('gone', 'generic', 'http://h.invalid', '');
        INSERT INTO fettle.notice_deliveries (webhook_id, notice_id, state) SELECT w.webhook_id, n.id, 'given_up' FROM fettle.webhooks w, fettle.notices n;
        UPDATE fettle.webhooks SET enabled = false""")


def rows_of(store, name, text, target_id, **variables):
    connection = psycopg2.connect(store.dsn(user=READER))
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '20s'")
            cursor.execute(expanded(text, target_id, **variables))
            return [column.name for column in cursor.description], cursor.fetchall()
    except psycopg2.Error as failure:
        raise AssertionError(f"{name}: {failure}") from failure
    finally:
        connection.close()


def series_of(panel):
    target, = panel["targets"]
    return target["format"] == "time_series"


@pytest.mark.parametrize("name, text", [pytest.param(name, text, id=name) for name, text in statements()])
def test_every_statement_runs_for_a_reader_and_finds_what_is_there(service, store, name, text):
    columns, rows = [], []

    def found():
        nonlocal columns, rows
        columns, rows = rows_of(store, name, text, service.target_id)
        return rows

    assert wait_until(found, 20), f"{name} shows nothing"
    assert len(set(columns)) == len(columns) and "?column?" not in columns
    # a dashboard that is opened before a target is chosen, or over an empty range, shows nothing and no error
    rows_of(store, name, text, "", databases=("",))


@pytest.mark.parametrize("panel", [panel for panel in PANELS if "rawSql" in panel["targets"][0]], ids=lambda panel: panel["title"])
def test_series_have_a_time_a_name_and_a_value_and_units_are_of_columns_that_are_there(service, store, panel):
    text = panel["targets"][0]["rawSql"]
    columns, rows = rows_of(store, panel["title"], text, service.target_id)
    if series_of(panel):
        assert columns == ["time", "metric", "value"] and "ORDER BY 1" in text
        assert all(isinstance(row[0], datetime.datetime) and isinstance(row[1], str) and isinstance(row[2], (float, type(None))) for row in rows)
        assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    else:
        assert "LIMIT" in text or "GROUP BY" in text, "a table without a limit"
        assert {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]} <= set(columns)


def test_the_figures_are_right(service, store):
    texts = dict(statements())
    waits = rows_of(store, "waits", texts["What sessions wait for"], service.target_id)[1]
    # the service samples its target meanwhile: what it may have met comes later than what was written by hand
    assert [(name, value) for at, name, value in waits if at == waits[0][0]] == [("IO", 0.5), ("running", 1.5)]
    top = rows_of(store, "top", texts["Top queries by time"], service.target_id)[1]
    assert any("orders" in (row[1] or "") for row in top) and sum(row[6] for row in top) == pytest.approx(1)
    advice = rows_of(store, "advice", texts["Recommendations by return"], service.target_id)[1]
    assert [row[2] for row in advice] == ["Create index", "Vacuum"]
    assert [row[0] for row in rows_of(store, "targets", VARIABLES["target"]["query"], service.target_id)[1]] == ["shop"]


def test_a_reader_sees_no_secrets_and_changes_nothing(service, store):
    assert store.sql("SELECT count(*) > 0 FROM fettle.v_query_latest", user=READER) == [(True,)]
    for text in ("SELECT sealed_password FROM fettle.targets", "SELECT * FROM fettle.webhooks", "SELECT * FROM fettle.tokens",
                 "SELECT fettle.notice_record(1, 'incident.opened', '{}')", "DELETE FROM fettle.notices",
                 "SET default_transaction_read_only = off; DELETE FROM fettle.notices"):
        with pytest.raises(psycopg2.Error) as failure:
            store.sql(text, user=READER)
        assert failure.value.pgcode in ("42501", "25006")


def test_every_metric_is_served(service):
    served = set(re.findall(r"^([a-z_]+)(?:{| )", service.get("/metrics", token=None).body.decode(), re.M))
    named = {name for expression in expressions() for name in re.findall(r"\b(?:fettle|process)_[a-z_]+", re.sub(r'"[^"]*"', "", expression))}
    assert len(named) > 10 and named <= served, named - served


def test_the_dashboard_is_of_sound_structure():
    assert DASHBOARD["schemaVersion"] >= 39 and DASHBOARD["uid"] == "fettle-overview" and DASHBOARD["id"] is None
    assert list(VARIABLES) == ["store", "metrics", "target", "database"]
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    cells = [(x, y) for panel in DASHBOARD["panels"] for p in [panel["gridPos"]] for x in range(p["x"], p["x"] + p["w"])
             for y in range(p["y"], p["y"] + p["h"])]
    assert len(set(cells)) == len(cells) and max(x for x, _ in cells) == 23
    for panel in PANELS:
        assert panel["datasource"]["uid"] in ("${store}", "${metrics}") and panel["title"] and panel["description"]
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)
        assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])
    # a dashboard of another machine would point to that machine's data sources
    assert not re.search(r'"uid": "(?!\$\{|-- Grafana|fettle-overview)', json.dumps(DASHBOARD))
