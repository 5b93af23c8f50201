# SPDX-License-Identifier: PostgreSQL
"""Requests made from openapi.yaml, right and wrong: the answer is a documented one, never a failure of the server, and what acts
leaves exactly one line in the audit log."""
import itertools
import json
import urllib.parse

import psycopg2
import pytest
from api import ApiFixture, operations, resolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

KEPT_TOKENS = 3  # the tests' own: nothing may end them
request_ids = itertools.count(1)

HUGE = st.sampled_from([0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -2**63, 2**64, 10**30, -10**30])
WORDS = st.sampled_from(["", "x", "null", "true", "NaN", "-0", "1e400", "1e5", " 1", "1 ", "١", "\x00", "é", "\ud7ff", "'; DROP TABLE fettle.users; --", "%s%n", "../..",
                         "${jndi:x}", "2026-02-20T14:30:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-02-29T00:00:00Z", "*" * 5000])
TEXT = st.one_of(WORDS, st.text(max_size=40))
SCALAR = st.one_of(st.none(), st.booleans(), HUGE, st.floats(allow_nan=False, allow_infinity=False), TEXT)
ANYTHING = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4), max_leaves=8)
RAW_BODIES = st.sampled_from([b"", b"{", b"[]", b"null", b'"x"', b"{}x", b"\xff\xfe{}", b'{"name":"\xff"}', b'{"name":"\\u0000"}', b'{"name":"\\ud800"}', b'{"a":1,"a":2}',
                              b"[" * 100_000, b'{"a":' * 5000 + b"1" + b"}" * 5000, b'{"name":' + b"9" * 5000 + b"}", b'{"name":1e999}', b"\x00" * 10, b'{"name":"x\x00y"}',
                              b'{"username":"a","password":"b","extra":{"deep":[[[[1]]]]}}', b"{\"name\": 'x'}", b"\xef\xbb\xbf{}"])
RAW_VALUES = st.sampled_from(["%00", "%ff", "%zz", "%", "%e2%82", "%c0%80", "a%2fb", "%2e%2e", "1%00", "-9223372036854775809", "99999999999999999999", "0", "-1", "1.0", "1e3", "0x1"])


def values_of(schema):
    """Values of a schema, for the most part: right types, and sometimes right values."""
    schema = resolve(schema)
    kinds = schema.get("type", "string")
    kind = (kinds if isinstance(kinds, str) else kinds[0])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if kind == "integer":
        return st.integers(schema.get("minimum", -5), min(schema.get("maximum", 2**62), 2**62))
    if kind == "boolean":
        return st.booleans()
    if kind == "number":
        return st.floats(allow_nan=False, allow_infinity=False)
    if kind == "array":
        return st.lists(values_of(schema["items"]), max_size=4)
    if kind == "object":
        return objects_of(schema)
    if schema.get("format") == "date-time":
        return st.datetimes().map(lambda value: value.isoformat() + "Z")
    return st.text(min_size=schema.get("minLength", 0), max_size=min(schema.get("maxLength", 30), 30))


def objects_of(schema):
    known = {name: st.one_of(values_of(field), values_of(field), ANYTHING) for name, field in schema.get("properties", {}).items()}
    required = {name: known[name] for name in schema.get("required", [])}
    whole = st.fixed_dictionaries(required, optional={name: value for name, value in known.items() if name not in required})
    partial = st.fixed_dictionaries({}, optional=known)
    return st.one_of(whole, whole, partial)


def quoted(value):
    return urllib.parse.quote(str(value), safe="", errors="surrogatepass")


@st.composite
def targets_of(draw, path, operation):
    """A target of the operation; with it, whether its path value was made to be a sound one."""
    parameters = [resolve(parameter) for parameter in operation.get("parameters", [])]
    for parameter in parameters:
        if parameter["in"] == "path":
            low = KEPT_TOKENS + 1 if parameter["name"] == "token_id" else 1
            if parameter["name"] == "name":
                right = st.sampled_from(["log.level", "collect.plans", "server.listen", "store.url", "no.such"])
            else:
                right = st.integers(low, low + 30) | st.integers(low, 2**63 - 1)
            value = draw(st.one_of(right.map(quoted), right.map(quoted), RAW_VALUES, st.text(min_size=1, max_size=20).map(quoted)))
            if parameter["name"] == "token_id" and value.strip("+").isdigit() and 0 < int(value) <= KEPT_TOKENS:
                value = "999"
            path = path.replace("{" + parameter["name"] + "}", value)
    pairs = []
    for parameter in parameters:
        if parameter["in"] == "query" and draw(st.booleans()):
            value = draw(st.one_of(values_of(parameter["schema"]).map(quoted), RAW_VALUES, TEXT.map(quoted), HUGE.map(str)))
            pairs += [f"{parameter['name']}={value}"] * draw(st.sampled_from([1, 1, 1, 2]))
    pairs += draw(st.lists(st.sampled_from(["unknown=1", "%zz", "a", "=", "&&", "limit=%00", "x=%ff"]), max_size=1))
    return path + ("?" + "&".join(pairs) if pairs else "")


def bodies_of(operation):
    if "requestBody" not in operation:
        return st.sampled_from([None, None, b"", b"{}", b"x" * 1000])
    schema = resolve(operation["requestBody"]["content"]["application/json"]["schema"])
    right = objects_of(schema).map(encoded)
    return st.one_of(right, right, right, ANYTHING.map(encoded), RAW_BODIES)


def encoded(value):
    return json.dumps(value).encode()


HEADERS = st.fixed_dictionaries({}, optional={
    "Content-Type": st.sampled_from(["application/json", "application/json", "application/json", "text/plain", "application/json; charset=utf-8", "application/x-www-form-urlencoded"]),
    "Accept": st.sampled_from(["*/*", "text/html"]), "X-Forwarded-For": st.just("1.2.3.4")})
TOKENS = st.sampled_from(["admin", "admin", "admin", "admin", "operator", "viewer", None, "expired", "fettle_" + "x" * 43, "'"])


@pytest.fixture(scope="module")
def own():
    """A store of its own: these requests change and remove what they find."""
    fixture = ApiFixture()
    fixture.api.tokens["expired"] = fixture.api.tool("token", "expired", "admin", "0.001")
    fixture.audit = psycopg2.connect(fixture.store.dsn())
    fixture.audit.autocommit = True
    yield fixture
    fixture.audit.close()
    fixture.close()


def audit_lines(own, request_id):
    with own.audit.cursor() as cursor:
        cursor.execute("SELECT action, outcome FROM fettle.audit_log WHERE request_id = %s", (request_id,))
        return cursor.fetchall()


def expected_lines(operation, reply):
    """How many lines the request must have left."""
    code = reply.json["code"] if reply.status >= 400 and reply.body else "ok"
    before_the_act = code in ("invalid_id", "invalid_query_hash", "method_not_allowed") or (
        reply.status == 400 and reply.json["message"].startswith("Invalid ") and reply.json["message"].endswith(" format"))
    if operation["x-role"] == "none":
        return 0 if reply.status in (429, 413) else 1
    if reply.status == 413 and "line and headers" in reply.json["message"]:
        return 0  # nobody knows yet what it asks for
    return 0 if reply.status in (401, 429) or before_the_act else 1


EXAMPLES = {"login": 6, "userCreate": 12, "userUpdate": 12, "connectionTest": 15}


@pytest.mark.parametrize("method,path,operation", operations(), ids=lambda value: value.get("operationId") if isinstance(value, dict) else "")
def test_any_request_gets_a_documented_answer(own, method, path, operation):
    name = operation["operationId"]

    @settings(max_examples=EXAMPLES.get(name, 40), deadline=None, derandomize=True, database=None,
              suppress_health_check=list(HealthCheck))
    @given(target=targets_of(path, operation), body=bodies_of(operation), headers=HEADERS, token=TOKENS)
    def check(target, body, headers, token):
        if name == "logout" and token in own.api.tokens and token != "expired":
            token = own.api.json("POST", "/api/v1/tokens", {"name": "to end", "role": own.api.json("GET", "/api/v1/auth/me", token=token)["role"]}, 201)["token"]
        request_id = f"property-{next(request_ids)}"
        reply = own.api.request(method, target, body, token=token, headers={**headers, "X-Request-Id": request_id})
        assert reply.headers["x-request-id"] == request_id
        assert reply.status < 500, reply
        if method != "GET":
            lines = audit_lines(own, request_id)
            assert len(lines) == expected_lines(operation, reply), (reply, lines)
            if lines:
                assert lines[0][1] == ("ok" if reply.status < 400 else "denied" if reply.status == 403 and "needs the role" in reply.json["message"] else reply.json["code"])
        else:
            assert audit_lines(own, request_id) == []

    check()


@settings(max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(target=st.one_of(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60).map(lambda text: "/" + text),
                        st.lists(st.sampled_from(["api", "v1", "targets", "1", "queries", "%31", "..", "", "health", "%2f", "{hash}"]), max_size=6).map(lambda parts: "/" + "/".join(parts))),
       method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"]))
def test_any_path_and_method_get_an_answer(own, target, method):
    reply = own.api.request(method, target, token="viewer")
    assert reply.status < 500
