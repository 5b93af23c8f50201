# SPDX-License-Identifier: PostgreSQL
"""Each resource of the API over a real store: the good path, and what its own rules refuse."""
import datetime
import itertools
import urllib.parse

import pytest
from api import PASSWORD, ApiServer, program

BASE = "/api/v1"
numbers = itertools.count(1)


def new_target(api, dsn, **fields):
    return api.json("POST", f"{BASE}/targets", {"name": f"target{next(numbers)}", "dsn": dsn, **fields}, 201)


@pytest.fixture(scope="module")
def target(api_on_store):
    return new_target(api_on_store.api, api_on_store.store.dsn())


def message_of(reply, status=400, code="invalid_parameter"):
    assert (reply.status, reply.json["code"]) == (status, code), reply
    return reply.json["message"]


# --- service

def test_health_and_ready_answer_at_both_places(api):
    for base in ("", BASE):
        assert api.json("GET", base + "/health", token=None)["service"] == "fettle"
        assert api.json("GET", base + "/ready", token=None)["schema_version"] >= 4


def test_metrics_count_requests_by_operation(api):
    def count():
        lines = api.get("/metrics", token=None).body.decode().splitlines()
        return float(next(line for line in lines if line.startswith('fettle_http_requests_total{operation="me",method="GET",status="2xx"}')).split()[1])
    before = count()
    api.get(f"{BASE}/auth/me")
    assert count() == before + 1


def test_metrics_are_sound_prometheus_text(api):
    names = set()
    for line in api.get("/metrics", token=None).body.decode().splitlines():
        if line.startswith("# TYPE "):
            name = line.split()[2]
            assert name not in names, f"{name} is described twice"
            names.add(name)
        elif not line.startswith("#"):
            float(line.rsplit(" ", 1)[1])
    assert {"process_cpu_seconds_total", "process_resident_memory_bytes", "fettle_http_connections", "fettle_store_up", "fettle_store_bytes",
            "fettle_http_request_seconds"} <= names


def test_the_specification_is_served_as_it_is_written(api):
    import pathlib
    text = (pathlib.Path(__file__).resolve().parents[2] / "src/api/openapi.yaml").read_bytes()
    assert api.get(f"{BASE}/openapi.yaml", token="viewer").body == text


# --- targets

def test_a_target_is_made_read_changed_and_removed(api, api_on_store):
    dsn = api_on_store.store.dsn(password="hidden-word")
    made = new_target(api, dsn, databases=["a", "b"], enabled=False, interval_ms=5000)
    path = f"{BASE}/targets/{made['target_id']}"
    assert made["has_password"] and "hidden-word" not in str(made)
    assert (made["databases"], made["enabled"], made["interval_ms"]) == (["a", "b"], False, 5000)
    assert api.json("GET", path, token="viewer") == made
    assert made in api.json("GET", f"{BASE}/targets", token="viewer")["targets"]
    changed = api.json("PATCH", path, {"enabled": True, "databases": [], "unknown field": 1})
    assert changed == {**made, "enabled": True, "databases": []}
    assert api.json("PATCH", path, {"name": None, "interval_ms": None}) == changed
    api.json("DELETE", path, status=204)
    assert api.get(path).status == 404


def test_a_created_target_says_where_it_is(api, api_on_store):
    reply = api.request("POST", f"{BASE}/targets", {"name": f"target{next(numbers)}", "dsn": api_on_store.store.dsn()})
    assert reply.headers["location"] == f"{BASE}/targets/{reply.json['target_id']}"


def test_a_target_name_that_is_taken_is_a_conflict(api, target, api_on_store):
    message_of(api.request("POST", f"{BASE}/targets", {"name": target["name"], "dsn": api_on_store.store.dsn()}), 409, "conflict")


@pytest.mark.parametrize("body,word", [({"name": "x", "dsn": "postgres://[bad"}, ""), ({"name": "", "dsn": "host=a"}, ""), ({"name": 5, "dsn": "host=a"}, "name"),
                                       ({"name": "x" * 64, "dsn": "host=a"}, "name"), ({"name": "x", "dsn": ["a"]}, "dsn"),
                                       ({"name": "x", "dsn": "host=a", "databases": "a"}, "databases"), ({"name": "x", "dsn": "host=a", "databases": [1]}, "databases"),
                                       ({"name": "x", "dsn": "host=a", "enabled": 1}, "enabled"), ({"name": "x", "dsn": "host=a", "interval_ms": 0}, "interval_ms"),
                                       ({"name": "x", "dsn": "host=a", "interval_ms": 1.5}, "interval_ms"),
                                       ({"name": "x", "dsn": "host=a", "interval_ms": 2 ** 62}, "interval_ms")])
def test_a_target_that_is_none_is_refused_and_named(api, body, word):
    assert word in message_of(api.request("POST", f"{BASE}/targets", body))


def test_the_test_of_a_target_says_what_can_be_read(api, target):
    found = api.json("POST", f"{BASE}/targets/{target['target_id']}/test", token="operator")
    assert found["reachable"] and found["is_superuser"] and found["server_version"].startswith("15")
    checks = {check["name"]: check for check in found["checks"]}
    assert checks["statistics"]["ok"] and checks["version"]["ok"]
    assert not checks["pg_stat_statements"]["ok"] and "CREATE EXTENSION" in checks["pg_stat_statements"]["remedy"]


def test_a_role_without_rights_is_told_which_grant_it_needs(api, api_on_store):
    api_on_store.store.sql("CREATE ROLE poor LOGIN")
    found = api.json("POST", f"{BASE}/targets/test", {"dsn": api_on_store.store.dsn(user="poor")})
    checks = {check["name"]: check for check in found["checks"]}
    assert found["reachable"] and not found["is_superuser"]
    assert not checks["statistics"]["ok"] and "pg_monitor" in checks["statistics"]["remedy"]


@pytest.mark.parametrize("dsn", ["host=127.0.0.1 port=1 password=hidden-word", "postgres://u:hidden-word@127.0.0.1:1/x", "hidden-word", "host=nowhere.invalid"])
def test_a_connection_that_cannot_be_made_is_a_result_without_secrets(api, dsn):
    reply = api.request("POST", f"{BASE}/targets/test", {"dsn": dsn})
    assert reply.status == 200 and not reply.json["reachable"] and reply.json["error_message"]
    assert b"hidden-word" not in reply.body
    assert "hidden-word" not in str(api.audit()) and "hidden-word" not in api.errors()


# --- observations and queries

@pytest.mark.parametrize("what", ["metrics", "activity", "relations", "setting-changes", "queries"])
def test_an_unknown_target_is_not_found_and_a_new_one_has_empty_answers(api, target, what):
    assert api.get(f"{BASE}/targets/999999/{what}", token="viewer").status == 404
    reply = api.get(f"{BASE}/targets/{target['target_id']}/{what}", token="viewer")
    assert reply.status == 200
    lists = [value for value in reply.json.values() if isinstance(value, list)]
    assert len(lists) == 1


@pytest.mark.parametrize("query,word", [("from=yesterday", "from"), ("to=2026-02-30T00:00:00Z", "to"), ("from=2026-02-20T14:30:00", "from"),
                                        ("from=2026-02-21T00:00:00Z&to=2026-02-20T00:00:00Z", "from must be before to"), ("step=-1", "step"), ("step=a", "step"),
                                        ("names=nothing", "names"), ("names=locks,locks", "names"), ("names=", "names"), ("step=60&step=60", "step is given more than once"),
                                        ("step=9223372036854775808", "step")])
def test_parameters_of_metrics_that_are_none_are_refused_and_named(api, target, query, word):
    assert word in message_of(api.get(f"{BASE}/targets/{target['target_id']}/metrics?{query}", token="viewer"))


@pytest.mark.parametrize("query", ["order=size", "limit=0", "limit=201", "limit=x", "limit="])
def test_parameters_of_the_top_queries_that_are_none_are_refused(api, target, query):
    assert query.split("=")[0] in message_of(api.get(f"{BASE}/targets/{target['target_id']}/queries?{query}", token="viewer"))


def test_an_unknown_word_of_a_filter_lists_the_known_ones(api, target):
    assert message_of(api.get(f"{BASE}/targets/{target['target_id']}/queries?order=size", token="viewer")) == (
        "order must be one of time, calls, io, mean, rows, temp, wal")


def test_times_with_offsets_and_fractions_are_understood(api, target):
    span = urllib.parse.urlencode({"from": "2026-02-20T16:00:00.25+02:00", "to": "2026-02-20T09:30:00-05:00"})
    found = api.json("GET", f"{BASE}/targets/{target['target_id']}/metrics?{span}&names=locks", token="viewer")
    assert (found["from"], found["to"]) == ("2026-02-20T14:00:00Z", "2026-02-20T14:30:00Z")


def test_a_metric_series_is_read_as_it_was_written(api, api_on_store, target):
    store, target_id = api_on_store.store, target["target_id"]
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    columns = {row[0] for row in store.sql("SELECT attname FROM pg_attribute WHERE attrelid = 'fettle.metric_rounds'::regclass AND attnum > 0")}
    assert {"target_id", "collected_at"} <= columns
    found = api.json("GET", f"{BASE}/targets/{target_id}/metrics?names=connections,locks&step=3600&to={now.strftime('%Y-%m-%dT%H:%M:%SZ')}", token="viewer")
    assert [series["name"] for series in found["series"]] == ["connections", "locks"]
    assert found["step_seconds"] == 3600


def test_a_hash_of_64_bits_is_exact(api):
    assert api.json("GET", f"{BASE}/queries/9223372036854775807", token="viewer")["query_hash"] == 9223372036854775807


def test_an_unknown_query_has_empty_answers(api):
    assert api.json("GET", f"{BASE}/queries/99999", token="viewer") == {"query_hash": 99999, "fingerprint_hash": None, "query_text": None, "places": [], "count": 0}
    assert api.json("GET", f"{BASE}/queries/99999/history", token="viewer")["series"] == []
    assert api.json("GET", f"{BASE}/queries/99999/plans", token="viewer")["plans"] == []


def test_a_query_is_found_on_all_its_targets_or_on_the_named_one(api, api_on_store):
    store = api_on_store.store
    ids = [new_target(api, store.dsn())["target_id"] for _ in range(2)]
    for target_id in ids:
        store.sql(f"INSERT INTO fettle.databases VALUES ({target_id}, 1, 5, 'shop'); INSERT INTO fettle.statements (target_id, statement_id, database_id, "
                  f"user_oid, user_name, queryid, query_hash, query_text) VALUES ({target_id}, 1, 1, 10, 'app', -9223372036854770000, 5808, 'SELECT ''é\"\\'', $1')")
    found = api.json("GET", f"{BASE}/queries/5808", token="viewer")
    assert found["query_text"] == "SELECT 'é\"\\', $1"
    assert [place["target_id"] for place in found["places"]] == ids
    assert {(place["database_name"], place["queryid"]) for place in found["places"]} == {("shop", -9223372036854770000)}
    assert [place["target_id"] for place in api.json("GET", f"{BASE}/queries/5808?target_id={ids[1]}", token="viewer")["places"]] == ids[1:]
    assert api.get(f"{BASE}/queries/5808?target_id=x", token="viewer").status == 400


@pytest.fixture(scope="module")
def filled(api_on_store):
    """A target with two hours of samples: statement i of three is called i times a minute, for i ms, with 2 i rows."""
    target = new_target(api_on_store.api, api_on_store.store.dsn())
    api_on_store.api.tool("fill", target["target_id"], 3, 120)
    return target


@pytest.mark.parametrize("order", ["time", "calls", "io", "rows"])
def test_the_top_queries_of_a_window_are_the_samples_added_up(api, filled, order):
    found = api.json("GET", f"{BASE}/targets/{filled['target_id']}/queries?order={order}", token="viewer")
    assert [query["query_hash"] for query in found["queries"]] == [1002, 1001, 1000]
    top = found["queries"][0]
    assert (top["calls"], top["rows"], top["total_exec_time_ms"], top["shared_blks_hit"]) == (360, 720, 360, 3240)
    assert (top["mean_exec_time_ms"], top["rows_per_call"], top["cache_hit_ratio"]) == (1, 2, 0.9)
    assert (top["query_text"], top["query_text_is_cut"], top["database_name"], top["user_name"]) == ("SELECT * FROM t2 WHERE id = $1", False, "filled", "app")


def test_the_top_is_cut_to_the_limit_and_to_the_database(api, filled):
    path = f"{BASE}/targets/{filled['target_id']}/queries"
    assert [query["query_hash"] for query in api.json("GET", path + "?limit=1", token="viewer")["queries"]] == [1002]
    assert len(api.json("GET", path + "?database_name=filled", token="viewer")["queries"]) == 3
    assert api.json("GET", path + "?database_name=other", token="viewer")["queries"] == []


@pytest.mark.parametrize("step,most", [(0, 120), (600, 14), (3600, 4)])
def test_the_history_of_a_query_is_the_same_sum_at_any_step(api, filled, step, most):
    found = api.json("GET", f"{BASE}/queries/1002/history?target_id={filled['target_id']}&step={step}", token="viewer")
    series, = found["series"]
    assert (series["target_id"], series["database_name"], series["user_name"]) == (filled["target_id"], "filled", "app")
    assert sum(point["calls"] for point in series["points"]) == 360
    assert 2 <= len(series["points"]) <= most
    starts = [point["from"] for point in series["points"]]
    assert starts == sorted(starts) and len(set(starts)) == len(starts)


@pytest.fixture(scope="module")
def collected(api_on_store, tmp_path_factory):
    """A target that the collector has really read: the store's own server, in two rounds a second apart."""
    import subprocess
    import time
    store = api_on_store.store
    store.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    home = tmp_path_factory.mktemp("collect")
    process = subprocess.Popen([str(program("collect_rounds")), store.dsn(), str(home), "collected", store.dsn()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for command in ("round", "sample", "round", "sample", "sample", "flush", "plan 424242 7"):
        process.stdin.write(command + "\n")
        process.stdin.flush()
        assert process.stdout.readline()
        time.sleep(1.1)
    process.stdin.close()
    assert process.wait(60) == 0
    targets = api_on_store.api.json("GET", f"{BASE}/targets")["targets"]
    return next(target for target in targets if target["name"] == "collected")


def test_what_the_collector_saw_is_read_back(api, api_on_store, collected):
    path = f"{BASE}/targets/{collected['target_id']}"
    found = api.json("GET", path + "/metrics?names=connections_most,commits", token="viewer")
    series = {one["name"]: one for one in found["series"]}
    assert {point["mean"] for point in series["connections_most"]["points"]} == {60}
    assert (series["commits"]["kind"], series["commits"]["unit"]) == ("rate", "1/s")
    assert any(point["mean"] for point in series["commits"]["points"])
    relations = api.json("GET", path + "/relations?limit=5", token="viewer")
    sizes = [relation["size_bytes"] for relation in relations["relations"]]
    assert len(sizes) == 5 < relations["total"] and sizes == sorted(sizes, reverse=True)
    api_on_store.store.sql("INSERT INTO fettle.setting_changes (target_id, changed_at, name, old_value, new_value, source) "
                           f"VALUES ({collected['target_id']}, now(), 'work_mem', '4MB', '16MB', 'configuration file')")
    changes = api.json("GET", path + "/setting-changes", token="viewer")["changes"]
    assert ("work_mem", "4MB", "16MB", "configuration file") in [(c["name"], c["old_value"], c["new_value"], c["source"]) for c in changes]


# --- settings

def test_settings_say_value_source_and_effect_and_hide_secrets(api, api_on_store):
    settings = {setting["name"]: setting for setting in api.json("GET", f"{BASE}/settings")["settings"]}
    assert settings["store.url"]["value"] == "***" and settings["store.url"]["source"] == "environment"
    assert settings["server.listen"]["effect"] == "restart" and not settings["server.listen"]["can_be_set"]
    assert settings["collect.interval"]["effect"] == "reload"
    assert str(api_on_store.store.directory) not in str(settings)


def test_a_setting_is_set_takes_effect_and_is_taken_back(api):
    path = f"{BASE}/settings/api.token_lifetime"
    done = api.json("PUT", path, {"value": "90s"})
    assert (done["stored_value"], done["effect"], done["message"]) == ("90s", "reload", "takes effect now")
    listed = next(s for s in api.json("GET", f"{BASE}/settings")["settings"] if s["name"] == "api.token_lifetime")
    assert (listed["value"], listed["source"], listed["changed_by"]) == ("90s", "store", "token:test-admin")
    assert api.json("DELETE", path)["stored_value"] is None
    listed = next(s for s in api.json("GET", f"{BASE}/settings")["settings"] if s["name"] == "api.token_lifetime")
    assert (listed["value"], listed["stored_value"]) == (listed["default"], None)


@pytest.mark.parametrize("value", [45, 45.0, "45s", True])
def test_a_setting_takes_texts_numbers_and_booleans(api, value):
    name = "collect.activity" if value is True else "collect.load_percent" if value == 45.0 and isinstance(value, float) else "collect.plans" if value == 45 else "collect.interval"
    api.json("PUT", f"{BASE}/settings/{name}", {"value": value})
    api.json("DELETE", f"{BASE}/settings/{name}")


def test_a_setting_that_is_none_or_may_not_be_set_or_a_value_that_is_none_is_refused(api):
    assert api.request("PUT", f"{BASE}/settings/no.such", {"value": 1}).status == 404
    assert api.request("DELETE", f"{BASE}/settings/no.such").status == 404
    message_of(api.request("PUT", f"{BASE}/settings/server.listen", {"value": "0.0.0.0:80"}), 422, "not_applicable")
    message_of(api.request("PUT", f"{BASE}/settings/collect.interval", {"value": "soon"}))
    message_of(api.request("PUT", f"{BASE}/settings/collect.interval", {"value": {}}))
    message_of(api.request("PUT", f"{BASE}/settings/collect.interval", {}), 400, "missing_field")


# --- users, tokens, jobs, audit

def test_a_user_is_made_read_changed_and_removed(api):
    name = f"person{next(numbers)}"
    reply = api.request("POST", f"{BASE}/users", {"username": name, "password": PASSWORD, "role": "operator"})
    made = reply.json
    path = f"{BASE}/users/{made['id']}"
    assert reply.headers["location"] == path
    assert api.json("GET", path) == made
    assert made in api.json("GET", f"{BASE}/users")["users"]
    assert api.json("PATCH", path, {"role": "viewer"})["role"] == "viewer"
    message_of(api.request("POST", f"{BASE}/users", {"username": name, "password": PASSWORD, "role": "viewer"}), 409, "conflict")
    api.json("DELETE", path, status=204)
    assert api.get(path).status == 404


@pytest.mark.parametrize("change,word", [({"password": "short"}, ""), ({"role": "god"}, "role"), ({"disabled": "yes"}, "disabled"), ({"password": "x" * 1025}, "password")])
def test_a_user_that_is_none_is_refused_and_named(api, change, word):
    user = api.json("POST", f"{BASE}/users", {"username": f"person{next(numbers)}", "password": PASSWORD, "role": "viewer"}, 201)
    assert word in message_of(api.request("PATCH", f"{BASE}/users/{user['id']}", change))


def test_a_token_lives_as_long_as_it_was_ordered(api):
    made = api.json("POST", f"{BASE}/tokens", {"name": "hour", "role": "viewer", "lifetime_seconds": 3600}, 201)
    expires = datetime.datetime.fromisoformat(made["expires_at"].replace("Z", "+00:00"))
    assert abs((expires - datetime.datetime.now(datetime.timezone.utc)).total_seconds() - 3600) < 60
    assert api.json("POST", f"{BASE}/tokens", {"name": "for ever"}, 201)["expires_at"] is None


def test_jobs_are_listed_filtered_and_read(api, api_on_store):
    store = api_on_store.store
    store.sql("INSERT INTO fettle.jobs (kind, status, result, completed_at) VALUES ('compact', 'completed', '{\"blocks\": 9007199254740993}', now()), "
              "('plans', 'failed', NULL, now())")
    jobs = api.json("GET", f"{BASE}/jobs", token="viewer")["jobs"]
    assert [job["kind"] for job in jobs[:2]] == ["plans", "compact"]
    assert jobs[1]["result"] == {"blocks": 9007199254740993}
    assert api.json("GET", f"{BASE}/jobs/{jobs[1]['id']}", token="viewer") == jobs[1]
    assert {job["status"] for job in api.json("GET", f"{BASE}/jobs?status=failed", token="viewer")["jobs"]} == {"failed"}
    assert [job["id"] for job in api.json("GET", f"{BASE}/jobs?before_id={jobs[0]['id']}&limit=1", token="viewer")["jobs"]] == [jobs[1]["id"]]
    assert api.get(f"{BASE}/jobs/999999", token="viewer").status == 404


def test_the_audit_log_is_paged_and_filtered(api, target):
    everything = api.audit()
    assert [line["id"] for line in everything] == sorted((line["id"] for line in everything), reverse=True)
    assert api.audit(limit=2, before_id=everything[1]["id"]) == everything[2:4]
    assert {line["action"] for line in api.audit(action="target.create")} == {"target.create"}
    assert api.audit(actor="nobody at all") == []
    assert {line["target_id"] for line in api.audit(target_id=target["target_id"])} == {target["target_id"]}


# --- TLS

def test_the_api_speaks_tls_with_a_certificate(api_on_store, tmp_path):
    import ssl
    import subprocess
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", certificate,
                    "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    secure = ApiServer(api_on_store.store.dsn(), server_tls_certificate=certificate, server_tls_key=key).start()
    try:
        context = ssl.create_default_context(cafile=str(certificate))
        with secure.connect() as plain, context.wrap_socket(plain, server_hostname="localhost") as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
        assert received.startswith(b"HTTP/1.1 200") and b"Strict-Transport-Security" in received
        assert b"HTTP/1.1 200" not in secure.raw(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", timeout=2)
    finally:
        secure.close()
