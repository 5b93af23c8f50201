# SPDX-License-Identifier: PostgreSQL
"""The API under test: a server over a real store, a client, and the specification that every reply is checked against."""
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import urllib.parse

import jsonschema
import yaml
from servers import Server

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPECIFICATION = yaml.safe_load((ROOT / "src" / "api" / "openapi.yaml").read_text(encoding="utf-8"))
PASSWORD = "a long pass phrase"
ROLES = ("viewer", "operator", "admin")
SECURITY_HEADERS = ("x-content-type-options", "x-frame-options", "content-security-policy", "referrer-policy", "cache-control")


def program(name):
    """A program of the tests, from the build that FETTLE_BINARY is of."""
    binary = pathlib.Path(os.environ.get("FETTLE_BINARY", ROOT / "build" / "src" / "cli" / "fettle"))
    return binary.parents[2] / "tests" / "tools" / name


def operations():
    """(method, path template, operation) of the whole specification."""
    return [(method.upper(), path, operation) for path, item in SPECIFICATION["paths"].items() for method, operation in item.items()]


def resolve(node):
    while "$ref" in node:
        target = SPECIFICATION
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def find_operation(method, target):
    """The operation that serves a target; None when there is none."""
    path = urllib.parse.unquote(target.split("?")[0].split("#")[0])
    found = None
    for candidate, template, operation in operations():
        if candidate != ("GET" if method == "HEAD" else method):
            continue
        if template == path:
            return operation
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path):
            found = operation
    return found


_validators = {}


def validate(schema, value):
    key = json.dumps(schema, sort_keys=True)
    if key not in _validators:
        whole = {**schema, "components": SPECIFICATION["components"]}
        jsonschema.Draft202012Validator.check_schema(whole)
        _validators[key] = jsonschema.Draft202012Validator(whole)
    _validators[key].validate(value)


class Reply:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


def check_reply(method, target, reply):
    """The status is documented for the operation, the body is of the schema, the headers are there."""
    assert reply.headers.get("x-request-id"), reply
    for name in SECURITY_HEADERS:
        assert name in reply.headers, f"no {name} in {reply.headers}"
    operation = find_operation(method, target)
    if operation is None:
        assert reply.status in (400, 401, 404, 405, 413, 429, 503), reply
        schema = {"$ref": "#/components/schemas/Error"}
        assert ("allow" in reply.headers) == (reply.status == 405), reply
    else:
        assert str(reply.status) in operation["responses"], f"{reply.status} of {operation['operationId']} is not documented: {reply}"
        documented = resolve(operation["responses"][str(reply.status)])
        if "content" not in documented:
            assert reply.body == b"", reply
            return
        (kind, content), = documented["content"].items()
        assert reply.headers["content-type"].split(";")[0] == kind, reply.headers
        schema = content["schema"]
        if kind != "application/json":
            assert method == "HEAD" or reply.body.decode("utf-8")
            return
    if reply.status == 401:
        assert reply.headers["www-authenticate"] == "Bearer"
    if reply.status == 429:
        assert int(reply.headers["retry-after"]) > 0
    if method == "HEAD":
        assert reply.body == b""
        return
    validate(schema, reply.json)
    if reply.status >= 400:
        assert reply.json["error"] == ("Unauthorized" if reply.status == 401 else reply.json["message"])


class ApiServer:
    """api_server over a store; every reply to request() is checked against the specification."""

    def __init__(self, store_url, **settings):
        self.home = tempfile.TemporaryDirectory(prefix="fettle-api")
        self.store_url = store_url
        self.settings = {"FETTLE_STORE_URL": store_url, "FETTLE_SERVER_LISTEN": "127.0.0.1:0", "FETTLE_DATA_DIRECTORY": self.home.name,
                         "FETTLE_API_REQUESTS_PER_SECOND": "100000",
                         **{"FETTLE_" + name.upper(): str(value) for name, value in settings.items()}}
        self.process = None
        self.port = None
        self.tokens = {}

    def environment(self):
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "FETTLE_"))}
        return {**inherited, "TSAN_OPTIONS": os.environ.get("TSAN_OPTIONS", "halt_on_error=0"), **self.settings}

    def tool(self, *words, check=True):
        run = subprocess.run([str(program("api_server")), *map(str, words)], env=self.environment(), capture_output=True, text=True,
                             timeout=600, check=False)
        assert not check or run.returncode == 0, run.stderr
        return run.stdout.strip()

    def prepare(self):
        self.tool("migrate")
        for role in ROLES:
            self.tokens[role] = self.tool("token", f"test-{role}", role, 0)
        return self

    def start(self):
        self.error_file = open(pathlib.Path(self.home.name) / "stderr", "ab")
        self.process = subprocess.Popen([str(program("api_server")), "run"], env=self.environment(), stdout=subprocess.PIPE,
                                        stderr=self.error_file, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("port "), self.errors()
        self.port = int(line.split()[1])
        return self

    def errors(self):
        return (pathlib.Path(self.home.name) / "stderr").read_text(encoding="utf-8", errors="replace")

    def stop(self, how=signal.SIGTERM):
        if self.process is None:
            return
        self.process.send_signal(how)
        status = self.process.wait(60)
        self.process.stdout.close()
        self.error_file.close()
        self.process = None
        words = self.errors()
        for sign in ("Sanitizer", "runtime error:", "internal error:", "assert"):
            assert sign not in words, words
        assert status == 0, words

    def close(self):
        self.stop()
        self.home.cleanup()

    def connect(self, timeout=60):
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def request(self, method, target, body=None, token="admin", headers=None, timeout=60):
        """token: a role's word, a token, or None. body: bytes as they are, anything else as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        sent = dict(headers or {})
        if token is not None:
            sent.setdefault("Authorization", f"Bearer {self.tokens.get(token, token)}")
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, target, body=body, headers=sent)
            response = connection.getresponse()
            reply = Reply(response.status, response.getheaders(), response.read())
        finally:
            connection.close()
        check_reply(method, target, reply)
        return reply

    def get(self, target, **arguments):
        return self.request("GET", target, **arguments)

    def json(self, method, target, body=None, status=200, **arguments):
        reply = self.request(method, target, body, **arguments)
        assert reply.status == status, reply
        return reply.json if reply.body else None

    def raw(self, data, timeout=10):
        """Sends bytes as they are; everything that comes until the other side closes or says nothing for the timeout."""
        with self.connect(timeout) as connection:
            connection.sendall(data)
            received = b""
            try:
                while chunk := connection.recv(65536):
                    received += chunk
            except (TimeoutError, ConnectionResetError):
                pass
            return received

    def audit(self, **parameters):
        return self.json("GET", "/api/v1/audit?" + urllib.parse.urlencode({"limit": 1000, **parameters}))["lines"]


class ApiFixture:
    """A store of its own, and the API over it."""

    def __init__(self, **settings):
        self.store = Server(15, conf=["max_connections = 60"], tcp=True)
        self.api = ApiServer(self.store.dsn(), **settings).prepare().start()

    def close(self):
        try:
            self.api.close()
        finally:
            self.store.close()
