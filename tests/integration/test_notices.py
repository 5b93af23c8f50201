# SPDX-License-Identifier: PostgreSQL
"""Telling people: what is recorded with an act, sent to webhooks that misbehave, and read as e-mail."""
import base64
import json
import mailbox
import os
import pathlib
import re
import signal
import time

import psycopg2
import pytest
from receiver import Receiver, make_certificate, until
from servers import Server, new_directory, remove_directory
from service import Service

ROOT = pathlib.Path(__file__).resolve().parents[2]
BASE = "/api/v1/webhooks"
SECRET = "whsec_" + base64.b64encode(b"a key of thirty-two bytes, really").decode()
RATE = 3
# What a database may call its things, to get out of where the name is put.
HOSTILE = 'x<!channel> <http://evil.example|click> *bold* `code`\r\nBcc: victim@example.com\r\n\r\nFrom evil\u2028\u202eabc\x1b[2J"};\\'


@pytest.fixture(scope="module")
def place():
    directory = new_directory("fettle-notices")
    yield directory
    remove_directory(directory)


@pytest.fixture(scope="module")
def store():
    with Server(15, tcp=True, conf=["max_connections = 60"]) as server:
        server.sql("CREATE DATABASE shop")
        server.sql("CREATE TABLE orders (id int, customer_id int); INSERT INTO orders SELECT 1, n FROM generate_series(1, 100) n", "shop")
        yield server


@pytest.fixture(scope="module")
def service(store, place):
    make_certificate(place / "known")
    service = Service(store_url=store.dsn(), notice__timeout="1s", notice__ca_file=str(place / "known.crt"), index__free_space_floor="0B")
    service.fettle("store", "migrate")
    with service:
        set_rate(service, 600)
        service.target_id = service.add_target("shop", store.dsn("shop"), enabled=False)
        yield service


def set_rate(service, rate):
    service.json("PUT", "/api/v1/settings/notice.messages_per_minute", {"value": rate})
    until(lambda: any(row["name"] == "notice.messages_per_minute" and row["value"] == str(rate)
                      for row in service.json("GET", "/api/v1/settings")["settings"]))


@pytest.fixture(scope="module")
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def hook(service, store):
    """hook(url, ...): the id of a webhook that is gone after the test, with all notices."""
    made = []

    def add(url, **fields):
        reply = service.json("POST", BASE, {"name": f"hook {len(made)}", "url": url, **fields}, 201)
        made.append(reply["webhook_id"])
        return reply["webhook_id"]

    yield add
    for webhook_id in made:
        service.request("DELETE", f"{BASE}/{webhook_id}")
    store.sql("DELETE FROM fettle.notices")


def record(store, service, event="incident.opened", **data):
    return store.sql(f"SELECT fettle.notice_record({service.target_id}, '{event}', $json${json.dumps(data)}$json$)")[0][0]


def deliveries(service, notice_id=None):
    notices = service.json("GET", "/api/v1/notices", token="viewer")["notices"]
    return [delivery for notice in notices if notice_id in (None, notice["id"]) for delivery in notice["deliveries"]]


def delivery(service, notice_id):
    found, = deliveries(service, notice_id)
    return found


def make_due(store):
    """As if the waits were over."""
    store.sql("UPDATE fettle.notice_deliveries SET next_attempt_at = now(), last_attempt_at = last_attempt_at - interval '1 day'")
    store.sql("UPDATE fettle.webhooks SET paused_until = NULL")


def signature_holds(request, secret=SECRET):
    """By what the documentation tells receivers to do."""
    example, = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "notices.md").read_text(encoding="utf-8"), re.S)
    names = {}
    exec(compile(example, "docs/notices.md", "exec"), names)
    return names["is_from_fettle"](secret, request.headers, request.body)


def create_index(service, name, status=200, **fields):
    body = {"connection_id": service.target_id, "table_name": "orders", "index_name": name, "columns": ["customer_id"], **fields}
    return service.json("POST", "/api/v1/indexes/create", body, status)


def test_an_index_change_that_is_done_is_told_once_and_signed(service, receiver, hook, store):
    hook(receiver.url("/done/ok"), secret=SECRET, events=["index.completed"], target_ids=[service.target_id])
    change_id = create_index(service, "orders_told")["change_id"]
    request, = until(lambda: receiver.got("/done/ok"))
    assert signature_holds(request) and not signature_holds(request, SECRET[:-8] + "AAAAAAA=")
    told = request.json
    assert (told["id"], told["event"], told["target"]) == (request.id, "index.completed", {"id": service.target_id, "name": "shop"})
    assert told["subject"] == "shop: index orders_told on public.orders was created"
    assert told["data"]["change_id"] == change_id and "CREATE INDEX CONCURRENTLY" in told["data"]["statement"]
    assert f"Undo: {told['data']['undo']}\n" in told["text"] and f"Index change: {change_id}\n" in told["text"]
    until(lambda: {d["state"] for d in deliveries(service)} == {"delivered"})
    store.sql(f"SELECT fettle.notice_record({service.target_id}, 'index.completed', '{{}}', 'index change {change_id}')")
    assert len(deliveries(service)) == 1


def test_an_index_change_that_fails_is_told_with_its_reason(service, receiver, hook, store):
    store.sql("TRUNCATE orders; INSERT INTO orders VALUES (1, 1), (2, 1)", "shop")
    hook(receiver.url("/failed/ok"))
    create_index(service, "orders_unique", status=422, unique=True)
    request, = until(lambda: receiver.got("/failed/ok"))
    assert request.json["event"] == "index.failed"
    assert request.json["subject"] == "shop: index orders_unique on public.orders could not be created"
    assert "unique" in request.json["data"]["error_message"] and request.json["data"]["error_message"] in request.json["text"]


def test_new_advice_worth_having_its_verdict_and_its_undo_are_told_once_each(service, store, receiver, hook):
    store.sql("DELETE FROM fettle.optimization_recommendations; DELETE FROM fettle.notices")  # of the index changes before
    hook(receiver.url("/loop/ok"))
    store.sql(f"""INSERT INTO fettle.optimization_recommendations (target_id, source_type, recommendation_text, roi_score, estimated_improvement_percent)
                  VALUES ({service.target_id}, 'index', 'Create index a', 0.4, 40), ({service.target_id}, 'index', 'Create index b', 0.0001, 40),
                         ({service.target_id}, 'vacuum', 'Vacuum c', NULL, 40);
                  INSERT INTO fettle.optimization_recommendations (target_id, source_type, recommendation_text, roi_score, is_dismissed)
                  VALUES ({service.target_id}, 'index', 'Create index d', 0.9, true)""")
    until(lambda: receiver.got("/loop/ok"))
    store.sql("""INSERT INTO fettle.optimization_implementations (recommendation_id)
                 SELECT id FROM fettle.optimization_recommendations WHERE recommendation_text = 'Create index a';
                 UPDATE fettle.optimization_recommendations SET roi_score = roi_score + 0.1 WHERE recommendation_text = 'Create index a';
                 UPDATE fettle.optimization_implementations SET status = 'pending', enough_data_at = '2026-01-03T09:30:00Z', detectable_percent = 34.5;
                 UPDATE fettle.optimization_implementations SET status = 'regressed', actual_improvement_percent = -20, actual_low = -30, actual_high = -10;
                 UPDATE fettle.optimization_implementations SET status = 'regressed', measured_at = now();
                 UPDATE fettle.optimization_implementations SET status = 'reverted', rolled_back_at = now()""")
    until(lambda: len(receiver.got("/loop/ok")) == 3)
    told = [request.json for request in receiver.got("/loop/ok")]
    assert [message["subject"] for message in told] == \
        ["shop: new advice: Create index a", "shop: it made things worse: Create index a", "shop: undone: Create index a"]
    assert "Measured gain: -20.0 %\n  at least: -30.0 %\n  at most: -10.0 %\n" in told[1]["text"]
    assert "that would show by now: 34.5 %\nEnough data for one of 20 %: since 2026-01-03T09:30:00Z\n" in told[1]["text"]
    assert told[1]["data"]["detectable_percent"] == 34.5
    assert "detectable_percent" not in told[2]["data"] and "enough_data_at" not in told[2]["data"] and "Enough data" not in told[2]["text"]
    assert len(service.json("GET", "/api/v1/notices")["notices"]) == 3
    store.sql("DELETE FROM fettle.optimization_recommendations")


def test_who_writes_verdicts_in_sql_needs_no_rights_on_notices(service, store):
    store.sql("CREATE ROLE judge LOGIN IN ROLE fettle_writer")
    store.sql(f"""INSERT INTO fettle.optimization_recommendations (target_id, source_type, recommendation_text) VALUES ({service.target_id}, 'index', 'e');
                  INSERT INTO fettle.optimization_implementations (recommendation_id) SELECT id FROM fettle.optimization_recommendations;
                  UPDATE fettle.optimization_implementations SET status = 'implemented'""", user="judge")
    assert [notice["subject"] for notice in service.json("GET", "/api/v1/notices")["notices"]] == ["shop: it helped: e"]
    store.sql("DELETE FROM fettle.optimization_recommendations; DELETE FROM fettle.notices")


def test_what_did_not_come_about_is_not_told(service, store, hook, receiver):
    hook(receiver.url("/rollback/ok"))
    connection = psycopg2.connect(store.dsn())
    connection.cursor().execute(f"SELECT fettle.notice_record({service.target_id}, 'incident.opened', '{{}}')")
    connection.rollback()
    connection.close()
    kept = record(store, service, title="kept")
    until(lambda: delivery(service, kept)["state"] == "delivered")
    assert [request.json["data"] for request in receiver.got("/rollback/ok")] == [{"title": "kept"}]


def test_nothing_in_a_payload_can_make_the_act_fail(store, service):
    huge = {f"key {number}": "é" * 100_000 for number in range(50)}
    notice_id = record(store, service, **huge, nested={"deep": ["x" * 50_000]})
    kept, = store.sql(f"SELECT payload FROM fettle.notices WHERE id = {notice_id}")[0]
    assert len(kept) == 40 and max(len(str(value)) for value in kept.values()) == 2000
    store.sql("DELETE FROM fettle.notices")


@pytest.mark.parametrize("way, delivered, status, words", [
    ("ok", True, 200, None), ("204", True, 204, None), ("500", False, 500, "the answer was 500"), ("404", False, 404, "the answer was 404"),
    ("redirect", False, 302, "redirects are not followed"), ("hang", False, None, "Timeout was reached"),
    ("close", False, None, "no data"), ("slow", True, 200, None), ("huge", True, 200, None)])
def test_an_answer_of_any_kind_is_met_within_the_limits(service, receiver, hook, way, delivered, status, words):
    webhook_id = hook(receiver.url(f"/test/{way}"))
    began = time.monotonic()
    reply = service.json("POST", f"{BASE}/{webhook_id}/test")
    assert time.monotonic() - began < 5
    assert (reply["delivered"], reply["status"]) == (delivered, status)
    assert reply["error"] is None if words is None else words in reply["error"]
    assert receiver.got(f"/test/{way}")[-1].json["event"] == "webhook.test"
    assert not receiver.got("/elsewhere") and not receiver.got("GET /elsewhere")


def test_only_a_server_that_an_authority_vouches_for_is_told(service, hook, place):
    stranger = make_certificate(place / "stranger")
    for certificate, delivered in ((place / "known.pem", True), (stranger, False)):
        with Receiver(certificate) as receiver:
            reply = service.json("POST", f"{BASE}/{hook(receiver.url('/ok'))}/test")
            assert reply["delivered"] is delivered and len(receiver.requests) == delivered, reply
    assert "certificate" in reply["error"]
    with Receiver(place / "known.pem") as receiver:
        named = service.json("POST", f"{BASE}/{hook(receiver.url('/ok').replace('127.0.0.1', 'localhost'))}/test")
        assert not named["delivered"] and not receiver.requests


def test_a_failure_is_tried_again_with_the_same_id_and_pauses_the_webhook(service, store, receiver, hook):
    webhook_id = hook(receiver.url("/again"))
    receiver.ways["/again"] = "500"
    first, second = (record(store, service, title=title) for title in ("one", "two"))
    until(lambda: delivery(service, first)["attempts"] == 1)
    shown = service.json("GET", f"{BASE}/{webhook_id}")
    assert (shown["failures"], shown["waiting"], shown["last_error"]) == (1, 2, "the answer was 500") and shown["paused_until"]
    assert delivery(service, first)["state"] == "pending" and delivery(service, second)["attempts"] == 0
    wait, = store.sql(f"SELECT extract(epoch FROM next_attempt_at - last_attempt_at) FROM fettle.notice_deliveries WHERE notice_id = {first}")[0]
    assert wait == pytest.approx(60, abs=1)
    receiver.ways["/again"] = "200"
    make_due(store)
    until(lambda: [d["state"] for d in deliveries(service)] == ["delivered"] * 2)
    ids = [request.id for request in receiver.got("/again")]
    assert len(ids) == 3 and ids[0] == ids[1] == delivery(service, first)["message_id"] != ids[2]
    assert service.json("GET", f"{BASE}/{webhook_id}")["failures"] == 0


def test_a_receiver_may_ask_for_more_time_and_may_be_gone(service, store, receiver, hook):
    hook(receiver.url("/patience/later"), events=["incident.opened"])
    hook(receiver.url("/gone/410"), events=["incident.closed"])
    later, gone = record(store, service), record(store, service, "incident.closed")
    until(lambda: delivery(service, later)["attempts"] == 1 and delivery(service, gone)["attempts"] == 1)
    wait, = store.sql(f"SELECT extract(epoch FROM next_attempt_at - last_attempt_at) FROM fettle.notice_deliveries WHERE notice_id = {later}")[0]
    assert wait == pytest.approx(7200, abs=1)
    assert (delivery(service, gone)["state"], delivery(service, gone)["last_status"]) == ("given_up", 410)


def test_after_the_last_attempt_a_message_is_given_up_for_all_to_see(service, store, receiver, hook):
    webhook_id = hook(receiver.url("/never/503"))
    notice_id = record(store, service)
    until(lambda: delivery(service, notice_id)["attempts"] == 1)
    store.sql("UPDATE fettle.notice_deliveries SET attempts = 6")
    make_due(store)
    until(lambda: delivery(service, notice_id)["state"] == "given_up")
    assert (delivery(service, notice_id)["attempts"], delivery(service, notice_id)["last_error"]) == (7, "the answer was 503")
    assert service.json("GET", f"{BASE}/{webhook_id}")["given_up"] == 1
    assert len(receiver.got("/never/503")) == 2


def test_one_that_hangs_does_not_keep_the_others_waiting(service, store, receiver, hook):
    hook(receiver.url("/stuck/hang"))
    hook(receiver.url("/beside/ok"))
    notices = [record(store, service, title=str(number)) for number in range(5)]
    until(lambda: len(receiver.got("/beside/ok")) == 5, 15)
    assert [request.json["data"]["title"] for request in receiver.got("/beside/ok")] == list("01234")
    assert len(receiver.got("/stuck/hang")) == 1 and len(deliveries(service, notices[0])) == 2


def test_a_webhook_gets_what_it_asked_for_and_nothing_else(service, store, receiver, hook):
    other = service.add_target("other", store.dsn("postgres"), enabled=False)
    hook(receiver.url("/picky/ok"), events=["incident.opened", "index.failed"], target_ids=[other])
    paused = hook(receiver.url("/paused/ok"))
    service.json("PATCH", f"{BASE}/{paused}", {"enabled": False})
    record(store, service, "incident.opened")
    store.sql(f"SELECT fettle.notice_record({other}, 'incident.closed', '{{}}')")
    wanted, = store.sql(f"SELECT fettle.notice_record({other}, 'incident.opened', '{{\"title\": \"x\"}}')")[0]
    until(lambda: delivery(service, wanted)["state"] == "delivered")
    assert [request.json["target"]["name"] for request in receiver.got("/picky/ok")] == ["other"] and not receiver.got("/paused/ok")
    service.request("DELETE", f"/api/v1/targets/{other}")
    assert wanted not in [notice["id"] for notice in service.json("GET", "/api/v1/notices")["notices"]]


def test_what_is_over_the_rate_is_told_together(service, store, receiver, hook):
    set_rate(service, RATE)
    try:
        hook(receiver.url("/flood/ok"))
        with_all = "; ".join(f"SELECT fettle.notice_record({service.target_id}, 'incident.opened', '{{\"title\": \"no. {n}\"}}')" for n in range(30))
        store.sql("BEGIN; " + with_all + "; COMMIT")
        until(lambda: [d["state"] for d in deliveries(service)].count("held") == 30 - RATE)
        until(lambda: [d["state"] for d in deliveries(service)].count("delivered") == RATE)
        assert [request.json["data"]["title"] for request in receiver.got("/flood/ok")] == ["no. 0", "no. 1", "no. 2"]
        make_due(store)
        until(lambda: len(receiver.got("/flood/ok")) == RATE + 1)
        digest = receiver.got("/flood/ok")[-1].json
        assert (digest["event"], digest["subject"]) == ("webhook.digest", "27 notices were held back")
        assert digest["data"]["by_event"] == {"incident.opened": 27} and len(digest["data"]["notices"]) == 20
        assert "- shop: new incident: no. 3\n" in digest["text"] and digest["text"].count("\n- ") == 21 and "- and 7 more\n" in digest["text"]
        states = [d["state"] for d in deliveries(service)]
        assert (states.count("delivered"), states.count("digested")) == (RATE, 27)
    finally:
        set_rate(service, 600)


def test_a_kill_between_sending_and_recording_sends_again_with_the_same_id(service, store, receiver, hook):
    def die():
        if len(receiver.got("/killed")) == 1:
            os.kill(service.process.pid, signal.SIGKILL)
        return "200"

    receiver.ways["/killed"] = die
    hook(receiver.url("/killed"))
    notice_id = record(store, service, title="once")
    until(lambda: receiver.got("/killed"))
    service.stop(signal.SIGKILL)
    service.start()
    until(lambda: delivery(service, notice_id)["state"] == "delivered")
    assert [request.id for request in receiver.got("/killed")] == [delivery(service, notice_id)["message_id"]] * 2


def test_neither_url_nor_secret_is_ever_shown(service, store, receiver, hook):
    hidden = "hidden-word-of-the-url"
    webhook_id = hook(f"http://user:{hidden}@127.0.0.1:{receiver.port}/services/{hidden}/500", secret="hidden-word-of-the-secret")
    reply = service.json("PATCH", f"{BASE}/{webhook_id}", {"secret": "another-hidden-word-of-it"})
    assert (reply["origin"], reply["has_secret"]) == (f"http://127.0.0.1:{receiver.port}", True)
    notice_id = record(store, service)
    until(lambda: delivery(service, notice_id)["attempts"] == 1)
    service.json("POST", f"{BASE}/{webhook_id}/test")
    shown = [service.fettle("webhook", "list", "--json"), service.fettle("webhook", "test", "hook 0", status=20, anyway=True), service.errors(),
             str(service.json("GET", BASE)), str(service.audit()), str(deliveries(service)),
             str(store.sql("SELECT w::text FROM fettle.webhooks w"))]
    assert not [text for text in shown if "hidden-word" in text]
    changed = service.json("PATCH", f"{BASE}/{webhook_id}", {"url": receiver.url("/new/ok")})
    assert not changed["has_secret"], "a new place inherits the secret of the one before"
    service.json("POST", f"{BASE}/{webhook_id}/test")
    assert "webhook-signature" not in receiver.got("/new/ok")[0].headers
    assert "webhook-signature" in receiver.got(f"/services/{hidden}/500")[0].headers


def test_a_place_that_is_changed_in_the_store_gets_nothing(service, store, receiver, hook):
    webhook_id = hook(receiver.url("/moved/ok"))
    store.sql("UPDATE fettle.webhooks SET origin = 'http://127.0.0.1:9'")
    record(store, service)
    until(lambda: service.json("GET", f"{BASE}/{webhook_id}")["paused_until"])
    assert "another connection string" in service.json("GET", f"{BASE}/{webhook_id}")["last_error"] and not receiver.got("/moved/ok")


@pytest.mark.parametrize("fields", [
    {"url": "ftp://h.example/x"}, {"url": "file:///etc/passwd"}, {"url": "http://"}, {"url": "https://h.example\\@evil/"},
    {"url": "https://a b/"}, {"url": "http://h.example:99999999/"}, {"url": "http://h.example/x\r\nHost: evil"}, {"url": "http://[::1"},
    {"kind": "mail"}, {"secret": "short"}, {"secret": "whsec_not base64, it is not"}, {"events": ["nothing.known"]}, {"target_ids": [0]},
    {"target_ids": ["1"]}, {"name": ""}, {"name": "a\nb"}])
def test_what_is_no_webhook_is_refused(service, fields):
    body = {"name": "refused", "url": "https://h.example/x", **fields}
    assert service.request("POST", BASE, body).status == 400


def test_webhooks_are_the_admins_and_each_act_is_in_the_audit_log(service, receiver):
    for token in ("viewer", "operator"):
        assert service.request("POST", BASE, {"name": "x", "url": "https://h.example"}, token=token).status == 403
        assert service.request("GET", BASE, token=token).status == 403
    webhook_id = service.json("POST", BASE, {"name": "audited", "url": receiver.url("/audited/ok")}, 201)["webhook_id"]
    assert service.request("POST", BASE, {"name": "audited", "url": receiver.url("/audited/ok")}).status == 409
    assert service.request("POST", BASE, {"name": "x", "url": "https://h.example", "target_ids": [999999]}).status == 404
    service.json("PATCH", f"{BASE}/{webhook_id}", {"events": ["index.failed"]})
    service.json("POST", f"{BASE}/{webhook_id}/test")
    service.json("DELETE", f"{BASE}/{webhook_id}", status=204)
    assert service.request("DELETE", f"{BASE}/{webhook_id}").status == 404
    lines = [(line["action"], line["outcome"]) for line in reversed(service.audit()) if line["object"] == f"webhook:{webhook_id}"]
    assert lines == [("webhook.create", "ok"), ("webhook.update", "ok"), ("webhook.test", "ok"), ("webhook.delete", "ok"),
                     ("webhook.delete", "not_found")]


def test_hostile_names_do_not_get_out_of_slack_json_or_mail(service, store, receiver, hook, place):
    hook(receiver.url("/slack/ok"), kind="slack")
    hook(receiver.url("/generic/ok"))
    record(store, service, "index.failed", index_name=HOSTILE, table_name=HOSTILE, schema_name="public", action="create", statement=HOSTILE,
           error_message=HOSTILE, database_name="Zürich " * 40)
    slack, = until(lambda: receiver.got("/slack/ok"))
    generic, = until(lambda: receiver.got("/generic/ok"))
    assert set(slack.json) == {"text", "mrkdwn", "parse", "link_names", "unfurl_links", "unfurl_media"} and slack.json["mrkdwn"] is False
    assert "<" not in slack.json["text"] and "&lt;!channel&gt;" in slack.json["text"]
    assert generic.json["data"]["index_name"] == HOSTILE
    for text in (slack.json["text"], generic.json["text"], generic.json["subject"]):
        assert not [c for c in text if c != "\n" and (ord(c) < 32 or c in "\u2028\u202e\x7f")]
    assert "\n" not in generic.json["subject"]
    (place / "box").write_text(service.fettle("notices", "--text", "--since", "1h"), encoding="utf-8")
    message, = mailbox.mbox(place / "box")
    assert set(message.keys()) == {"Subject", "Date", "Message-ID", "X-Fettle-Event", "Auto-Submitted", "MIME-Version", "Content-Type",
                                   "Content-Transfer-Encoding"}
    assert max(map(len, (place / "box").read_bytes().split(b"\n"))) < 998
    assert "Zürich" in message.get_payload(decode=True).decode()


def test_notices_are_read_by_time_event_target_and_limit(service, store):
    ids = [record(store, service, event, title="t") for event in ("incident.opened", "incident.closed", "incident.opened")]
    path = "/api/v1/notices"

    def listed(query):
        return [notice["id"] for notice in service.json("GET", f"{path}?{query}", token="viewer")["notices"]]

    assert listed("") == ids[::-1] and listed("event=incident.closed") == ids[1:2] and listed("limit=1") == ids[2:]
    assert listed(f"before_id={ids[2]}") == ids[1::-1] and listed(f"target_id={service.target_id}") == ids[::-1]
    assert listed("target_id=999999") == listed("from=2999-01-01T00:00:00Z") == []
    assert service.request("GET", f"{path}?event=webhook.digest").status == 400
    shown = json.loads(service.fettle("notices", "--json", "--event", "incident.closed", "--target", "shop"))
    assert [(notice["id"], notice["subject"]) for notice in shown] == [(ids[1], "shop: over: t")]
    assert "shop: over: t" in service.fettle("notices")
    assert "there is no event" in service.fettle("notices", "--event", "x", status=2)
    store.sql("UPDATE fettle.notices SET created_at = now() - interval '2 days'")
    assert "nothing was told" in service.fettle("notices") and "shop: over: t" in service.fettle("notices", "--since", "3d")
    store.sql("DELETE FROM fettle.notices")


def test_the_command_line_adds_tests_and_removes_webhooks(service, receiver, place):
    (place / "secret").write_text(SECRET + "\n", encoding="utf-8")
    service.fettle("webhook", "add", "ops", receiver.url("/cli/ok"), "--secret-file", place / "secret", "--target", "shop", "--event",
                   "index.failed,incident.opened")
    row, = json.loads(service.fettle("webhook", "list", "--json"))
    assert (row["name"], row["events"], row["target_ids"], row["has_secret"]) == \
        ("ops", "index.failed,incident.opened", str(service.target_id), True)
    assert "took the message" in service.fettle("webhook", "test", "ops")
    assert signature_holds(receiver.got("/cli/ok")[0])
    service.fettle("webhook", "disable", "ops")
    assert json.loads(service.fettle("webhook", "list", "--json"))[0]["enabled"] is False
    service.fettle("webhook", "remove", "ops")
    assert "there is no webhook" in service.fettle("webhook", "test", "ops", status=4)
    actions = [line["action"] for line in service.audit() if line["actor"].startswith("cli:") and line["action"].startswith("webhook.")]
    assert actions[:4] == ["webhook.delete", "webhook.disable", "webhook.test", "webhook.create"]
