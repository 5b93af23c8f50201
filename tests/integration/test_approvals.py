# SPDX-License-Identifier: PostgreSQL
"""What may be changed on a target, by whom and when: the kill switch, classes of approval, windows, and changes that wait for them."""
import datetime
import json

import psycopg2
import pytest
from servers import wait_until
from test_recommendation_apply import BASE, SCHEMA, world_open


@pytest.fixture(scope="module")
def world():
    with world_open() as found:
        yield found


@pytest.fixture(autouse=True)
def clean(world):
    yield
    for table in ("pauses", "change_policies", "scheduled_changes", "optimization_recommendations", "index_recommendations", "index_changes"):
        world.store(f"DELETE FROM fettle.{table}")
    world.target("DROP INDEX IF EXISTS orders_note_idx")


def act(world, method, path, body=None, token="operator"):
    return world.service.request(method, BASE + path, body, token=token)


def window(world, begin, end):
    """A window in UTC, so many minutes from now."""
    now = datetime.datetime.now(datetime.timezone.utc)
    times = [(now + datetime.timedelta(minutes=minutes)).strftime("%H:%M") for minutes in (begin, end)]
    reply = act(world, "PUT", f"/targets/{world.target_id}/change-policy", {"windows": ["daily " + "-".join(times)]}, token="admin")
    assert reply.status == 200
    return reply.json


def test_a_pause_refuses_what_is_approved_and_outlives_the_service(world):
    number = world.advise("orders", "note")
    assert act(world, "POST", "/pauses", {"reason": "incident 12"}, token="viewer").status == 403
    paused = act(world, "POST", "/pauses", {"reason": "incident 12"})
    assert paused.status == 200 and paused.json["stopped"] == 0 and paused.json["pauses"][0]["target_id"] is None
    world.service.stop()
    world.service.start()
    refused = world.implement(number)
    assert refused.status == 409 and "incident 12" in refused.json["message"] and "fettle resume" in refused.json["details"]["hint"]
    direct = act(world, "POST", "/indexes/create", {"connection_id": world.target_id, "database_name": "shop", "table_name": "orders", "columns": ["note"],
                                                    "index_name": "orders_note_idx"})
    assert direct.status == 409 and "orders_note_idx" not in world.indexes()
    assert "incident 12" in world.fettle("apply", number, "--yes", status=5)
    assert "CREATE INDEX" in world.fettle("apply", number, "--dry-run")
    ready = world.service.request("GET", "/ready", token=None)
    assert ready.json["changes_paused"] is True
    assert "fettle_changes_paused 1" in world.service.request("GET", "/metrics", token=None).body.decode()
    assert "incident 12" in world.fettle("status")
    world.fettle("resume")
    assert act(world, "POST", "/pauses/end", {}).status == 409
    assert world.implement(number).status == 200 and "orders_note_idx" in world.indexes()
    lines = [(line["action"], line["outcome"]) for line in world.service.audit(limit=50) if line["action"].startswith("changes.")]
    assert lines == [("changes.resume", "conflict"), ("changes.resume", "ok"), ("changes.pause", "ok"), ("changes.pause", "denied")]


def test_an_undo_goes_on_within_a_pause_unless_all_is_stopped(world):
    implementation = world.implement(world.advise("orders", "note")).json["implementation_id"]
    world.fettle("pause", "--all", "--target", "shop", "--reason", "storage is moved")
    refused = world.revert(implementation)
    assert refused.status == 409 and "storage is moved" in refused.json["message"] and "--target shop" in refused.json["details"]["hint"]
    world.fettle("pause", "--target", "shop", "--reason", "release day")
    refused = world.revert(implementation)
    assert refused.status == 409 and "release day; before, by" in refused.json["message"] and "storage is moved" in refused.json["message"]
    world.fettle("resume", "--target", "shop")
    world.fettle("pause", "--target", "shop", "--reason", "release day")
    assert world.revert(implementation).json["status"] == "reverted"
    shown = json.loads(world.fettle("status", "--json"))
    assert [(pause["target"], pause["stops_undo"]) for pause in shown["pauses"]] == [("shop", False)]


def test_a_pause_cancels_a_build_that_runs_and_nothing_of_it_is_left(world):
    number = world.advise("orders", "note")
    holder = psycopg2.connect(world.server.dsn("shop"))
    with holder.cursor() as cursor:
        # a build waits for every transaction that wrote to the table before it
        cursor.execute("INSERT INTO orders VALUES (-1, 1, 'x', 1)")
        reply = world.implement(number)
        change = reply.json["index_change_id"] if reply.status == 200 else world.store("SELECT max(id) FROM fettle.index_changes")[0][0]
        assert world.store(f"SELECT state FROM fettle.index_changes WHERE id = {change}") == [("running",)]
        assert act(world, "POST", "/pauses", {"reason": "too much load"}).json["stopped"] == 1
        wait_until(lambda: world.target("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'CREATE INDEX%'") == [(0,)], 60)
    holder.close()
    wait_until(lambda: world.store(f"SELECT state FROM fettle.index_changes WHERE id = {change}") == [("cancelled",)], 60)
    assert "orders_note_idx" not in world.indexes()


def test_what_is_only_advised_is_refused_and_the_targets_own_class_decides(world):
    number = world.advise("orders", "note")
    world.service.json("PUT", f"{BASE}/settings/approval.create_index", {"value": "advise"})
    policy = f"/targets/{world.target_id}/change-policy"
    wait_until(lambda: act(world, "GET", policy, token="viewer").json["classes"]["create_index"]["class"] == "advise")
    try:
        refused = world.implement(number)
        assert refused.status == 409 and "only advised" in refused.json["message"] and "approval.create_index" in refused.json["details"]["hint"]
        assert "only advised" in world.fettle("apply", number, "--yes", status=5)
        # neither is it without a recommendation: it is the same change of the target
        direct = act(world, "POST", "/indexes/create", {"connection_id": world.target_id, "database_name": "shop", "table_name": "orders",
                                                        "columns": ["note"], "index_name": "orders_note_idx"})
        assert direct.status == 409 and "only advised" in direct.json["message"] and "orders_note_idx" not in world.indexes()
        assert "only advised" in world.fettle("index", "create", "shop", "orders", "note", "--yes", status=5)
        assert act(world, "PUT", policy, {"create_index": "ask"}).status == 403
        assert act(world, "PUT", policy, {"create_index": "sometimes"}, token="admin").status == 400
        assert act(world, "PUT", policy, {"windows": ["Someday 1-2"]}, token="admin").status == 400
        world.fettle("policy", "shop", "--create-index", "ask")
        shown = act(world, "GET", policy, token="viewer").json
        assert shown["classes"]["create_index"] == {"class": "ask", "is_own": True} and shown["window_is_open"] is True
        assert world.implement(number).status == 200
    finally:
        world.service.request("DELETE", f"{BASE}/settings/approval.create_index", token="admin")


def test_a_change_waits_for_its_window_and_is_made_when_it_opens(world):
    number = world.advise("orders", "note")
    assert world.implement(number, when="window").status == 409
    assert window(world, 120, 180)["window_is_open"] is False
    waiting = world.implement(number, when="window", notes="agreed")
    assert waiting.status == 202 and waiting.json["state"] == "waiting"
    assert [line["action"] for line in world.service.audit(limit=1)] == ["schedule.open"]
    assert world.get(number)["planned_at"] == waiting.json["planned_from"]
    assert waiting.json["planned_from"] in world.fettle("recommendations")
    assert world.implement(number, when="window").status == 409
    cancelled = act(world, "POST", f"/scheduled-changes/{waiting.json['id']}/cancel")
    assert cancelled.json["state"] == "cancelled" and act(world, "POST", f"/scheduled-changes/{waiting.json['id']}/cancel").status == 409
    world.fettle("schedule", "cancel", 4711, status=4)
    window(world, -60, 60)
    again = json.loads(world.fettle("apply", number, "--yes", "--when", "window", "--json"))
    wait_until(lambda: "orders_note_idx" in world.indexes(), 60)
    done = act(world, "GET", f"/scheduled-changes?state=done&target_id={world.target_id}", token="viewer").json["scheduled_changes"]
    assert [change["id"] for change in done] == [again["scheduled_change_id"]]
    assert world.result(number)["implementation_id"] == done[0]["implementation_id"]


def test_a_disabled_target_is_not_changed_by_what_was_approved_before(world):
    number = world.advise("orders", "note")
    window(world, 120, 180)
    waiting = world.implement(number, when="window").json
    act(world, "PATCH", f"/targets/{world.target_id}", {"enabled": False}, token="admin")
    try:
        world.store("UPDATE fettle.scheduled_changes SET planned_from = now() - interval '1 minute'")
        window(world, -60, 60)
        said = lambda: world.store(f"SELECT state, message FROM fettle.scheduled_changes WHERE id = {waiting['id']}")[0]  # noqa: E731
        assert wait_until(lambda: said()[1] is not None, 30), said()
        assert said()[0] == "waiting" and "the target is disabled" in said()[1] and "orders_note_idx" not in world.indexes()
    finally:
        act(world, "PATCH", f"/targets/{world.target_id}", {"enabled": True}, token="admin")


def test_what_changed_since_the_approval_is_refused_at_its_moment(world):
    number = world.advise("orders", "note")
    window(world, 120, 180)
    waiting = world.implement(number, when="window").json
    world.target("CREATE INDEX orders_note_idx ON orders (note)")
    world.store("UPDATE fettle.scheduled_changes SET planned_from = now() - interval '1 minute'")
    window(world, -60, 60)
    wait_until(lambda: world.store("SELECT state FROM fettle.scheduled_changes") != [("waiting",)], 60)
    listed = json.loads(world.fettle("schedule", "--all", "--json"))
    assert [(change["scheduled_change_id"], change["state"]) for change in listed] == [(waiting["id"], "refused")]
    assert "does not apply any more" in listed[0]["message"]
    assert "refused" in world.fettle("schedule", "list", "--all")


def test_the_report_is_the_same_by_the_api_and_the_command_line(world):
    assert "nothing was measured yet" in world.fettle("results", "--report")
    number = world.advise("orders", "note")
    world.store("INSERT INTO fettle.optimization_implementations (recommendation_id, status, predicted_percent, stated_confidence, accuracy_score, "
                f"actual_improvement_percent, measured_at) SELECT {number}, status, 70, 0.8, 0.5, gain, now() FROM "
                "(VALUES ('implemented', 60), ('implemented', 50), ('no_improvement', 0.2)) v (status, gain)")
    report = act(world, "GET", f"/optimization-results/report?target_id={world.target_id}", token="viewer").json
    assert (report["all"]["count"], report["all"]["held"], report["all"]["is_enough"]) == (3, 2, False)
    shown = json.loads(world.fettle("results", "--report", "--target", "shop", "--json"))
    assert shown["kinds"] == report["kinds"] and shown["calibration"] == report["calibration"]
    assert "not enough data" in world.fettle("results", "--report")
