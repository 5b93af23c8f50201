# SPDX-License-Identifier: PostgreSQL
"""Who may do what over the API: tokens, logins, roles, the order of checks, limits, the audit log."""
import itertools
import re
import threading
import time

import pytest
from api import PASSWORD, ROLES, ApiServer, operations

BASE = "/api/v1"
numbers = itertools.count(1)


def fill(path):
    return re.sub(r"\{\w+_id\}", "999999", path).replace("{hash}", "1001").replace("{name}", "log.level")


def new_user(api, role="viewer"):
    name = f"user{next(numbers)}"
    user = api.json("POST", f"{BASE}/users", {"username": name, "password": PASSWORD, "role": role}, 201)
    return user


def login(api, username, password=PASSWORD):
    return api.request("POST", f"{BASE}/auth/login", {"username": username, "password": password}, token=None)


def new_token(api, role="admin", **fields):
    return api.json("POST", f"{BASE}/tokens", {"name": f"t{next(numbers)}", "role": role, **fields}, 201)


@pytest.mark.parametrize("method,path,operation", operations(), ids=lambda value: value.get("operationId") if isinstance(value, dict) else "")
def test_without_a_token_only_the_open_operations_answer(api, method, path, operation):
    reply = api.request(method, fill(path), token=None)
    if operation["security"]:
        assert reply.status == 401
        assert reply.json == {"error": "Unauthorized", "code": "unauthorized", "message": "Authentication required"}
    else:
        assert reply.status == (415 if method == "POST" else 200)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer x y", "Basic YTpi", "bearer-fettle", "Bearer fettle_" + "x" * 43,
                                    "Bearer " + "y" * 5000, "Bearer \u00e9\u00e9"])
def test_what_is_no_token_is_refused(api, header):
    reply = api.get(f"{BASE}/auth/me", token=None, headers={"Authorization": header})
    assert reply.status == 401


def test_an_expired_token_is_refused(api):
    token = new_token(api, lifetime_seconds=1)["token"]
    assert api.get(f"{BASE}/auth/me", token=token).status == 200
    time.sleep(1.3)
    assert api.get(f"{BASE}/auth/me", token=token).status == 401


def test_a_revoked_token_is_refused_at_once(api):
    made = new_token(api)
    for _ in range(3):
        assert api.get(f"{BASE}/auth/me", token=made["token"]).status == 200
    api.json("DELETE", f"{BASE}/tokens/{made['id']}", status=204)
    assert api.get(f"{BASE}/auth/me", token=made["token"]).status == 401


def test_a_token_revoked_behind_the_servers_back_is_refused_within_seconds(api, api_on_store):
    made = new_token(api)
    assert api.get(f"{BASE}/auth/me", token=made["token"]).status == 200
    api_on_store.store.sql(f"UPDATE fettle.tokens SET revoked_at = now() WHERE id = {made['id']}")
    deadline = time.monotonic() + 8
    while api.get(f"{BASE}/auth/me", token=made["token"]).status == 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.parametrize("method,path,operation", [o for o in operations() if o[2]["x-role"] in ("operator", "admin")],
                         ids=lambda value: value.get("operationId") if isinstance(value, dict) else "")
def test_a_lesser_role_is_denied_and_an_act_that_was_denied_is_in_the_audit_log(api, method, path, operation):
    for role in ROLES[:ROLES.index(operation["x-role"])]:
        reply = api.request(method, fill(path), token=role)
        assert reply.status == 403
        assert reply.json["code"] == "forbidden"
        lines = [line for line in api.audit() if line["request_id"] == reply.headers["x-request-id"]]
        assert [line["outcome"] for line in lines] == ([] if method == "GET" else ["denied"])


def test_login_gives_a_token_with_the_users_role_and_lifetime(api):
    user = new_user(api, "operator")
    made = login(api, user["username"]).json
    assert made["user"] == {"id": user["id"], "username": user["username"], "role": "operator"}
    me = api.json("GET", f"{BASE}/auth/me", token=made["token"])
    assert me["role"] == "operator" and me["user"]["username"] == user["username"]
    assert me["token_expires_at"] == made["expires_at"]
    assert api.get(f"{BASE}/users", token=made["token"]).status == 403


def test_logout_ends_the_token(api):
    user = new_user(api)
    token = login(api, user["username"]).json["token"]
    assert api.json("POST", f"{BASE}/auth/logout", token=token) == {"logged_out": True}
    assert api.get(f"{BASE}/auth/me", token=token).status == 401


def test_a_wrong_password_an_unknown_name_and_a_disabled_user_get_the_same_answer(api):
    user = new_user(api)
    disabled = new_user(api)
    api.json("PATCH", f"{BASE}/users/{disabled['id']}", {"disabled": True})
    replies = [login(api, user["username"], "wrong"), login(api, "nobody at all"), login(api, disabled["username"])]
    assert {(reply.status, reply.body) for reply in replies} == {
        (401, b'{"error":"Unauthorized","code":"unauthorized","message":"Authentication required"}')}


def test_ten_failed_logins_of_a_name_close_it_and_no_other_name(api):
    user, other = new_user(api), new_user(api)
    assert [login(api, user["username"], "wrong").status for _ in range(10)] == [401] * 10
    closed = login(api, user["username"])
    assert closed.status == 429 and 0 < int(closed.headers["retry-after"]) <= 300
    assert login(api, other["username"]).status == 200


def test_attempts_in_parallel_do_not_pass_the_limit_together(api):
    user = new_user(api)
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(login(api, user["username"], "wrong").status)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [401] * 10 + [429] * 6


def test_right_logins_do_not_count_as_failures(api):
    user = new_user(api)
    assert [login(api, user["username"]).status for _ in range(11)] == [200] * 11


def test_a_new_password_and_disabling_end_the_users_tokens_at_once(api):
    user = new_user(api)
    for change in ({"password": "another long pass phrase"}, {"disabled": True}):
        token = login(api, user["username"], PASSWORD if "password" in change else "another long pass phrase").json["token"]
        assert api.get(f"{BASE}/auth/me", token=token).status == 200
        api.json("PATCH", f"{BASE}/users/{user['id']}", change)
        assert api.get(f"{BASE}/auth/me", token=token).status == 401


def test_deleting_a_user_ends_their_tokens_at_once(api):
    user = new_user(api)
    token = login(api, user["username"]).json["token"]
    assert api.get(f"{BASE}/auth/me", token=token).status == 200
    api.json("DELETE", f"{BASE}/users/{user['id']}", status=204)
    assert api.get(f"{BASE}/auth/me", token=token).status == 401


def test_nobody_makes_a_token_above_their_own(api):
    for role, wanted in (("viewer", "operator"), ("viewer", "admin"), ("operator", "admin")):
        reply = api.request("POST", f"{BASE}/tokens", {"name": "up", "role": wanted}, token=role)
        assert reply.status == 403
    assert new_token(api, "viewer")["role"] == "viewer"


def test_one_sees_and_ends_only_ones_own_tokens_and_an_admin_all(api):
    one, other = new_user(api), new_user(api)
    mine, theirs = (login(api, user["username"]).json["token"] for user in (one, other))
    seen = api.json("GET", f"{BASE}/tokens", token=mine)["tokens"]
    assert {token["user_id"] for token in seen} == {one["id"]}
    foreign = api.json("GET", f"{BASE}/tokens", token=theirs)["tokens"][0]["id"]
    assert api.request("DELETE", f"{BASE}/tokens/{foreign}", token=mine).status == 404
    assert api.get(f"{BASE}/auth/me", token=theirs).status == 200
    assert {one["id"], other["id"]} <= {token["user_id"] for token in api.json("GET", f"{BASE}/tokens")["tokens"]}
    api.json("DELETE", f"{BASE}/tokens/{foreign}", status=204)
    assert api.get(f"{BASE}/auth/me", token=theirs).status == 401


def test_no_reply_and_no_log_holds_a_token_or_a_password(api):
    token = new_token(api)["token"]
    for target in ("/tokens", "/users", "/audit", "/targets", "/settings"):
        assert token.encode() not in api.get(BASE + target).body
        assert PASSWORD.encode() not in api.get(BASE + target).body
    assert token not in api.errors() and PASSWORD not in api.errors()


def test_the_order_of_checks_is_the_contracts(api):
    big = b"x" * (1024 * 1024 + 1)
    post = {"Content-Type": "text/plain"}
    path = f"{BASE}/targets"
    assert api.request("POST", f"{BASE}/nowhere", big, token=None, headers=post).status == 401
    assert api.request("POST", f"{BASE}/nowhere", big, token="viewer", headers=post).status == 404
    assert api.request("PUT", f"{BASE}/targets/zero", big, token="viewer", headers=post).status == 400
    assert api.request("PUT", f"{BASE}/targets/1", big, token="viewer", headers=post).status == 405
    assert api.request("POST", path, big, token="viewer", headers=post).status == 403
    assert api.request("POST", path, big, headers=post).status == 413
    assert api.request("POST", path, b"[", headers=post).status == 415
    assert api.request("POST", path + "?a=%zz", b"{}", headers={"Content-Type": "application/json"}).json["code"] == "invalid_parameter"
    assert api.request("POST", path, b"[", headers={"Content-Type": "application/json"}).json["code"] == "invalid_json"
    assert api.request("POST", path, {}).json["message"] == "name is required"
    assert api.request("PATCH", path + "/999999", {}).status == 404


@pytest.mark.parametrize("value,message", [("abc", "Invalid query_hash format"), ("-1", "query_hash must be positive"), ("0", "query_hash must be positive"),
                                           ("9223372036854775808", "Invalid query_hash format"), ("1.5", "Invalid query_hash format"),
                                           ("%31%30%zz", "Invalid query_hash format"), ("%00", "Invalid query_hash format"), ("1%20", "Invalid query_hash format"),
                                           ("%ff", "Invalid query_hash format"), ("+1", "Invalid query_hash format"), ("0x10", "Invalid query_hash format")])
def test_a_malformed_hash_is_named_whatever_the_method(api, value, message):
    for method in ("GET", "DELETE"):
        reply = api.request(method, f"{BASE}/queries/{value}", token="viewer")
        assert (reply.status, reply.json["code"], reply.json["message"]) == (400, "invalid_query_hash", message)


def test_percent_encoded_path_values_are_decoded(api):
    assert api.json("GET", f"{BASE}/queries/%31%32", token="viewer")["query_hash"] == 12
    assert api.get("/%68ealth", token=None).status == 200


@pytest.mark.parametrize("target", ["/api/v1", "/api/v1/", "/", "/api/v1/targets/", "//health", "/api/v1/targets/1/2", "/api/v2/targets", "/health/x",
                                    "/API/v1/targets", "/api/v1/%2e%2e/targets", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n", "/api/v1/queries//plans"])
def test_other_paths_are_not_found(api, target):
    assert api.get(target, token="viewer").status == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PURGE", "get"])
def test_other_methods_get_405_and_the_list_of_allowed_ones(api, method):
    reply = api.request(method, f"{BASE}/targets", token="viewer")
    assert reply.status == 405
    assert reply.headers["allow"] == "GET, HEAD, POST"


def test_head_is_answered_like_get_without_a_body(api):
    for target, token in (("/health", None), ("/ready", None), (f"{BASE}/targets", "viewer")):
        reply = api.request("HEAD", target, token=token)
        assert reply.status == 200
        assert int(reply.headers["content-length"]) > 2


def test_a_sane_request_id_is_repeated_and_another_is_replaced(api):
    assert api.get("/health", token=None, headers={"X-Request-Id": "a-B_9.c"}).headers["x-request-id"] == "a-B_9.c"
    for bad in ("x" * 65, "a b", "<script>", "é", ""):
        given = api.get("/health", token=None, headers={"X-Request-Id": bad}).headers["x-request-id"]
        assert given != bad and len(given) == 32


def test_an_act_leaves_one_line_with_who_what_and_outcome(api):
    made = api.request("POST", f"{BASE}/users", {"username": f"user{next(numbers)}", "password": PASSWORD, "role": "viewer"})
    again = api.request("DELETE", f"{BASE}/users/{made.json['id']}")
    missing = api.request("DELETE", f"{BASE}/users/{made.json['id']}")
    bad = api.request("POST", f"{BASE}/users", {"username": 5})
    lines = {line["request_id"]: line for line in api.audit()}
    for reply, action, outcome in ((made, "user.create", "ok"), (again, "user.delete", "ok"), (missing, "user.delete", "not_found"),
                                   (bad, "user.create", "missing_field")):
        line = lines[reply.headers["x-request-id"]]
        assert (line["action"], line["outcome"], line["actor"], line["role"]) == (action, outcome, "token:test-admin", "admin")
    assert lines[made.headers["x-request-id"]]["object"] == f"user:{made.json['id']}"


def test_logins_are_in_the_audit_log(api):
    user = new_user(api)
    good, wrong = login(api, user["username"]), login(api, user["username"], "wrong")
    lines = {line["request_id"]: line for line in api.audit(action="auth.login")}
    line = lines[good.headers["x-request-id"]]
    assert (line["actor"], line["outcome"], line["object"]) == (user["username"], "ok", f"user:{user['username']}")
    line = lines[wrong.headers["x-request-id"]]
    assert (line["actor"], line["outcome"], line["object"]) == ("anonymous", "unauthorized", f"user:{user['username']}")


def test_reading_leaves_no_line_in_the_audit_log(api):
    before = len(api.audit())
    api.get(f"{BASE}/targets")
    assert len(api.audit()) == before


def test_the_rate_limit_answers_429_and_lets_go_again(api_on_store):
    slow = ApiServer(api_on_store.store.dsn(), api_requests_per_second="5").start()
    try:
        slow.tokens = api_on_store.api.tokens
        statuses = [slow.get(f"{BASE}/auth/me", token="viewer").status for _ in range(12)]
        assert statuses[:5] == [200] * 5 and 429 in statuses
        # the token is known now and pays for itself: the address has its own bucket
        time.sleep(1.2)
        assert slow.get(f"{BASE}/auth/me", token="viewer").status == 200
    finally:
        slow.close()


def test_metrics_need_a_token_when_the_setting_says_so(api_on_store):
    closed = ApiServer(api_on_store.store.dsn(), metrics_require_token="on").start()
    try:
        closed.tokens = api_on_store.api.tokens
        for target in ("/metrics", f"{BASE}/metrics"):
            assert closed.get(target, token=None).status == 401
            assert closed.get(target, token="viewer").status == 200
        assert closed.get("/health", token=None).status == 200
    finally:
        closed.close()
