# SPDX-License-Identifier: PostgreSQL
"""The API's HTTP: clients that are slow, many, malformed or too large; a store that goes away."""
import json
import re
import resource
import socket
import threading
import time

import pytest
from api import ApiFixture, ApiServer, check_reply, Reply
from servers import wait_until

BASE = "/api/v1"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def quick_timeout(api_on_store):
    """A server that cuts idle connections after a second and slow requests after two."""
    server = ApiServer(api_on_store.store.dsn(), server_idle_timeout="1s").start()
    server.tokens = api_on_store.api.tokens
    yield server
    server.close()


def head(api, method, target, *lines, token="admin"):
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: x", f"Authorization: Bearer {api.tokens[token]}", *lines, "", ""]).encode()


def parse(data):
    """The first reply of what came, and the rest."""
    start, _, rest = data.partition(b"\r\n\r\n")
    lines = start.decode("latin-1").split("\r\n")
    headers = [tuple(line.split(": ", 1)) for line in lines[1:]]
    length = int({name.lower(): value for name, value in headers}.get("content-length", 0))
    return Reply(int(lines[0].split()[1]), headers, rest[:length]), rest[length:]


def receive(connection):
    """One whole reply from a connection; None when it was closed."""
    data = b""
    while True:
        if b"\r\n\r\n" in data:
            length = int(re.search(rb"(?i)content-length: (\d+)", data).group(1))
            if len(data.partition(b"\r\n\r\n")[2]) >= length:
                return parse(data)[0]
        try:
            chunk = connection.recv(65536)
        except ConnectionResetError:
            return None
        if not chunk:
            return None
        data += chunk


def connection_count(api):
    return float(re.search(r"^fettle_http_connections (\S+)", api.get("/metrics", token=None).body.decode(), re.M).group(1))


def health_ms(api):
    start = time.monotonic()
    assert api.get("/health", token=None).status == 200
    return (time.monotonic() - start) * 1000


# --- requests as they should be, in every form

def test_requests_in_a_pipeline_are_answered_in_their_order(api):
    data = b"".join(head(api, "GET", f"{BASE}/queries/{number}", *(["Connection: close"] if number == 20 else [])) for number in range(1, 21))
    rest = api.raw(data)
    for number in range(1, 21):
        reply, rest = parse(rest)
        assert reply.json["query_hash"] == number
    assert rest == b""


def test_a_connection_is_kept_for_further_requests(api):
    with api.connect() as connection:
        for number in (1, 2, 3):
            connection.sendall(head(api, "GET", f"{BASE}/queries/{number}"))
            assert receive(connection).json["query_hash"] == number


def test_a_chunked_body_is_read(api):
    body = json.dumps({"name": "chunked"}).encode()
    with api.connect() as connection:
        connection.sendall(head(api, "POST", f"{BASE}/tokens", "Content-Type: application/json", "Transfer-Encoding: chunked"))
        for at in range(0, len(body), 3):
            part = body[at:at + 3]
            connection.sendall(b"%x\r\n%s\r\n" % (len(part), part))
            time.sleep(0.01)
        connection.sendall(b"0\r\n\r\n")
        assert receive(connection).json["name"] == "chunked"


def test_a_client_that_expects_100_gets_it_or_the_answer_at_once(api):
    lines = ("Content-Type: application/json", "Expect: 100-continue")
    with api.connect() as connection:
        connection.sendall(head(api, "POST", f"{BASE}/tokens", *lines, "Content-Length: 16"))
        assert connection.recv(1000).startswith(b"HTTP/1.1 100")
        connection.sendall(b'{"name":"asked"}')
        assert receive(connection).json["name"] == "asked"
    with api.connect() as connection:
        connection.sendall(b"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\nExpect: 100-continue\r\n\r\n")
        assert receive(connection).status == 401


def test_a_body_in_single_bytes_is_read(api):
    body = b'{"name":"bytes"}'
    with api.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in head(api, "POST", f"{BASE}/tokens", "Content-Type: application/json", f"Content-Length: {len(body)}") + body:
            connection.sendall(bytes([byte]))
        assert receive(connection).json["name"] == "bytes"


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/json;charset=UTF-8", "application/json ; x=y"])
def test_forms_of_the_content_type_are_understood(api, kind):
    assert api.request("POST", f"{BASE}/tokens", b'{"name":"typed"}', headers={"Content-Type": kind}).status == 201


@pytest.mark.parametrize("kind", ["text/plain", "application/jsonp", "application/x-www-form-urlencoded", "", "multipart/form-data; boundary=x"])
def test_other_content_types_are_refused(api, kind):
    assert api.request("POST", f"{BASE}/tokens", b'{"name":"typed"}', headers={"Content-Type": kind}).status == 415


# --- bodies and heads that are too large, or not what they say

def test_a_body_of_one_mebibyte_is_taken_and_one_byte_more_is_not(api):
    body = b'{"name":"large"}'
    for size, status in ((MIB, 201), (MIB + 1, 413)):
        reply = api.request("POST", f"{BASE}/tokens", body + b" " * (size - len(body)), headers={"Content-Type": "application/json"})
        assert reply.status == status
    assert reply.json["code"] == "body_too_large"


def test_a_chunked_body_that_is_too_large_is_refused(api):
    with api.connect() as connection:
        connection.sendall(head(api, "POST", f"{BASE}/tokens", "Content-Type: application/json", "Transfer-Encoding: chunked"))
        for _ in range(40):
            connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        assert receive(connection).status == 413


def test_a_body_declared_far_too_large_is_refused_before_it_is_sent(api):
    for length in (17 * MIB, 2 ** 62):
        with api.connect() as connection:
            connection.sendall(head(api, "POST", f"{BASE}/tokens", "Content-Type: application/json", f"Content-Length: {length}"))
            reply = receive(connection)
            check_reply("POST", f"{BASE}/tokens", reply)
            assert reply.status == 413


def test_a_chunked_body_without_end_is_cut_off(api):
    with api.connect() as connection:
        connection.sendall(head(api, "POST", f"{BASE}/tokens", "Content-Type: application/json", "Transfer-Encoding: chunked"))
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            for _ in range(2000):
                connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
    assert health_ms(api) < 1000


def test_a_head_that_is_too_large_is_refused(api):
    for lines in ((f"X-Long: {'y' * 17000}",), tuple(f"X-{n}: {'z' * 100}" for n in range(160))):
        with api.connect() as connection:
            connection.sendall(head(api, "GET", f"{BASE}/targets", *lines))
            reply = receive(connection)
            check_reply("GET", f"{BASE}/targets", reply)
            assert reply.status == 413
    with api.connect() as connection:
        connection.sendall(head(api, "GET", f"{BASE}/targets?" + "q" * 9000))
        assert receive(connection).status == 413


@pytest.mark.parametrize("size", [40_000, 1_000_000])
def test_a_head_beyond_all_measure_is_refused_too(api, size):
    received = api.raw(b"GET /health HTTP/1.1\r\nHost: x\r\nX-Long: " + b"y" * size + b"\r\n\r\n", timeout=3)
    assert received == b"" or received.startswith((b"HTTP/1.1 431", b"HTTP/1.1 413", b"HTTP/1.1 400", b"HTTP/1.1 414"))
    assert health_ms(api) < 1000


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\r\n\r\n\r\n", b"GET\r\n\r\n", b"GET /health\r\n\r\n", b"GET /health HTTP/9.9\r\n\r\n",
                                  b"GET  HTTP/1.1\r\nHost: x\r\n\r\n", b"\x00" * 1000, b"GET /health HTTP/1.1\r\n: x\r\n\r\n", b"GET /health HTTP/1.1\r\nHost x\r\n\r\n",
                                  b"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", b"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
                                  b"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"GET /health\x00/x HTTP/1.1\r\nHost: x\r\n\r\n",
                                  b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
                                  b"GET http://x/health HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /health HTTP/1.0\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_what_is_hardly_http_is_answered_or_closed_and_nothing_else_happens(api, data):
    received = api.raw(data, timeout=1.5)
    assert received == b"" or re.match(rb"HTTP/1\.[01] [245]\d\d ", received)
    assert not re.match(rb"HTTP/1\.[01] 5", received) or b" 505 " in received
    assert health_ms(api) < 1000


def test_a_request_without_host_is_refused(api):
    reply, rest = parse(api.raw(b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", timeout=3))
    check_reply("GET", "/health", reply)
    assert (reply.status, rest) == (400, b"")


# --- slow clients

def test_a_slow_head_and_a_slow_body_are_cut_and_pin_no_worker(quick_timeout):
    api = quick_timeout
    slow = []
    for _ in range(50):
        connection = api.connect()
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n")
        slow.append(connection)
        connection = api.connect()
        connection.sendall(head(api, "POST", f"{BASE}/tokens", "Content-Type: application/json", "Content-Length: 1000"))
        slow.append(connection)
    closed = set()
    started = time.monotonic()
    while len(closed) < len(slow):
        assert time.monotonic() - started < 15, f"{len(slow) - len(closed)} slow connections live on"
        for place, connection in enumerate(slow):
            if place in closed:
                continue
            try:
                connection.sendall(b"X" if place % 2 else b"X-A: b\r\n")
            except OSError:
                closed.add(place)
        assert health_ms(api) < 1000
        assert api.get(f"{BASE}/targets", token="viewer").status == 200
        time.sleep(0.3)
    assert time.monotonic() - started > 1
    for connection in slow:
        connection.close()
    figures = api.get("/metrics", token=None).body.decode()
    assert float(re.search(r"^fettle_http_connections_closed_slow_total (\S+)", figures, re.M).group(1)) >= 50


def test_a_client_that_does_not_take_its_reply_is_cut(quick_timeout):
    api = quick_timeout
    request = head(api, "GET", f"{BASE}/openapi.yaml")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", api.port))
        connection.settimeout(0.1)
        try:
            for _ in range(2000):
                connection.sendall(request)
        except TimeoutError:
            pass

        def is_gone():
            assert health_ms(api) < 1000
            try:
                connection.sendall(b"x" * 65536)
            except TimeoutError:
                return False
            except OSError:
                return True
            return False
        assert wait_until(is_gone, 15)


def test_half_requests_that_are_left_do_no_harm(api):
    request = head(api, "POST", f"{BASE}/tokens", "Content-Type: application/json", "Content-Length: 100") + b'{"name":'
    for length in range(0, len(request), 3):
        with api.connect() as connection:
            connection.sendall(request[:length])
    assert api.get(f"{BASE}/targets", token="viewer").status == 200
    assert all(token["name"] != "" for token in api.json("GET", f"{BASE}/tokens")["tokens"])


def test_a_client_that_leaves_while_its_request_runs_does_no_harm(api):
    for _ in range(30):
        with api.connect() as connection:
            connection.sendall(head(api, "GET", f"{BASE}/targets") * 3)
    assert api.get(f"{BASE}/targets", token="viewer").status == 200


def test_ten_thousand_idle_connections_leave_it_serving(api):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 11000:
        from conftest import missing
        missing("no 10,000 connections: the limit of open files is too low")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    idle = []
    try:
        for _ in range(10_000):
            idle.append(api.connect())
        assert wait_until(lambda: connection_count(api) > 10_000, 30), "some of them were not accepted"
        for _ in range(20):
            assert api.get("/health", token=None).status == 200
            assert api.get(f"{BASE}/targets", token="viewer").status == 200
    finally:
        for connection in idle:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert wait_until(lambda: connection_count(api) == 1, 60)


def test_slow_requests_do_not_delay_health_nor_the_quick_ones(api_on_store):
    """Eight tests of a server that does not answer hold their workers; others go on."""
    api = api_on_store.api
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        dsn = f"host=127.0.0.1 port={silent.getsockname()[1]} dbname=x user=y connect_timeout=8"
        replies = []
        threads = [threading.Thread(target=lambda: replies.append(api.request("POST", f"{BASE}/targets/test", {"dsn": dsn}))) for _ in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        for _ in range(20):
            assert api.get("/health", token=None).status == 200
            assert api.get(f"{BASE}/targets", token="viewer").status == 200
        assert not replies, "the quick requests waited for the slow ones"
        for thread in threads:
            thread.join(60)
        assert [reply.json["reachable"] for reply in replies] == [False] * 8


# --- a store that goes away

def test_without_its_store_the_api_says_so_and_works_again_after():
    fixture = ApiFixture()
    api, store = fixture.api, fixture.store
    try:
        assert api.get(f"{BASE}/targets", token="viewer").status == 200
        store.stop()
        for target, token in ((f"{BASE}/targets", "viewer"), (f"{BASE}/jobs", "viewer"), (f"{BASE}/auth/me", "fettle_" + "x" * 43)):
            reply = api.get(target, token=token)
            assert (reply.status, reply.json["code"]) in ((500, "store_error"), (503, "unavailable")), reply
            assert str(store.directory) not in reply.body.decode()
        reply = api.request("POST", f"{BASE}/auth/login", {"username": "a", "password": "b"}, token=None)
        assert reply.status == 500
        assert api.request("POST", f"{BASE}/users", {"username": "ada", "password": "a long pass phrase", "role": "viewer"}).status == 500
        assert api.get("/health", token=None).status == 200
        assert wait_until(lambda: api.get("/ready", token=None).status == 503, 10)
        assert api.get("/ready", token=None).json["details"] == {"part": "store"}
        assert b"fettle_store_up 0" in api.get("/metrics", token=None).body
        store.start()
        assert wait_until(lambda: api.get("/ready", token=None).status == 200, 20)
        assert api.get(f"{BASE}/targets", token="viewer").status == 200
        assert api.json("GET", f"{BASE}/users")["users"] == []
    finally:
        fixture.close()


def test_a_store_that_hangs_runs_into_the_time_limit_and_health_goes_on():
    fixture = ApiFixture()
    api, store = fixture.api, fixture.store
    try:
        assert api.get(f"{BASE}/targets", token="viewer").status == 200
        store.pause()
        started = time.monotonic()
        thread_reply = []
        thread = threading.Thread(target=lambda: thread_reply.append(api.get(f"{BASE}/targets", token="viewer")))
        thread.start()
        for _ in range(10):
            assert health_ms(api) < 1000
        thread.join(40)
        assert (thread_reply[0].status, thread_reply[0].json["code"]) == (503, "timeout")
        assert 9 < time.monotonic() - started < 20
        store.resume()
        assert wait_until(lambda: api.get(f"{BASE}/targets", token="viewer").status == 200, 30)
    finally:
        store.resume()
        fixture.close()


def test_a_store_of_another_schema_is_not_ready(api_on_store):
    store = api_on_store.store
    store.sql("CREATE TABLE kept AS SELECT * FROM fettle.migrations; INSERT INTO fettle.migrations (version, name, checksum) VALUES (9999, 'later', 'x')")
    try:
        assert wait_until(lambda: api_on_store.api.get("/ready", token=None).status == 503, 10)
        assert api_on_store.api.get("/ready", token=None).json["details"] == {"part": "schema"}
    finally:
        store.sql("DELETE FROM fettle.migrations WHERE version = 9999; DROP TABLE kept")
    assert wait_until(lambda: api_on_store.api.get("/ready", token=None).status == 200, 10)


# --- the end

def test_a_request_that_runs_is_finished_when_the_server_is_told_to_stop(api_on_store):
    server = ApiServer(api_on_store.store.dsn()).start()
    server.tokens = api_on_store.api.tokens
    replies = []

    def slow():
        replies.append(server.request("POST", f"{BASE}/auth/login", {"username": "nobody", "password": "x" * 20}, token=None))
    threads = [threading.Thread(target=slow) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.15)
    server.stop()
    for thread in threads:
        thread.join(30)
    assert [reply.status for reply in replies] == [401] * 4
    server.home.cleanup()
