# SPDX-License-Identifier: PostgreSQL
"""`fettle serve` under test: started, asked, killed, started again."""
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

from api import ApiServer
from conftest import BINARY, SANITIZER_SIGNS
from servers import free_port, wait_until

# As often as it goes: tests wait for rounds.
QUICK = {"collect.interval": "1s", "collect.load_percent": "100", "collect.texts_interval": "1s", "collect.activity_interval": "200ms"}


class Service(ApiServer):
    """The program with a home of its own (or, with home, where it is told); the API's client and checks are ApiServer's."""

    def __init__(self, home=None, store_url="", **settings):
        self.home = home or tempfile.TemporaryDirectory(prefix="fettle-serve")
        self.directory = pathlib.Path(home or self.home.name)
        os.chmod(self.directory, 0o755)
        self.port = free_port()
        self.process = None
        self.tokens = {}
        self.said = ""
        self.settings = {**QUICK, "server.listen": f"127.0.0.1:{self.port}", "api.requests_per_second": "100000",
                         **{name.replace("__", "."): str(value) for name, value in settings.items()}}
        self.extra = {"FETTLE_ADVISE_TIME": "5min", "FETTLE_DATA": str(self.directory / "data"), "TERM": "dumb"}
        if store_url:
            self.extra["FETTLE_STORE_URL"] = store_url

    def environment(self):
        inherited = {name: value for name, value in os.environ.items()
                     if name == "FETTLE_MODULES" or not name.startswith(("PG", "FETTLE_", "XDG_"))}
        return {**inherited, "HOME": str(self.directory), **self.extra}

    def fettle(self, *words, status=0, stdin="", anyway=False):
        """What it wrote: to standard output when all is well (or anyway), else to standard error."""
        run = subprocess.run([BINARY, *map(str, words)], env=self.environment(), capture_output=True, text=True, timeout=120,
                             input=stdin, check=False)
        assert run.returncode == status, f"{run.returncode}: {run.stdout}{run.stderr}"
        return run.stdout if status == 0 or anyway else run.stderr

    def start(self, expect_ready=True):
        sets = [word for name, value in self.settings.items() for word in ("--set", f"{name}={value}")]
        self.log = open(self.directory / "serve.log", "ab")
        self.process = subprocess.Popen([BINARY, "serve", *sets], env=self.environment(), stdout=self.log, stderr=self.log,
                                        stdin=subprocess.DEVNULL)
        if expect_ready:
            assert wait_until(self.is_up, 60), self.errors()
            if not self.tokens:
                for role in ("viewer", "operator", "admin"):
                    self.tokens[role] = self.new_token(role)
        return self

    def new_token(self, role):
        return self.fettle("token", "create", "--role", role, "--name", f"test-{role}", "--json").split('"token": "')[1].split('"')[0]

    def is_up(self):
        assert self.process.poll() is None, self.errors()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                return b" 200 " in connection.recv(100)
        except OSError:
            return False

    def errors(self):
        return (self.directory / "serve.log").read_text(encoding="utf-8", errors="replace")

    def stop(self, how=signal.SIGTERM, seconds=60):
        """By SIGTERM it ends well and in time; by SIGKILL it just ends."""
        if self.process is None:
            return
        self.process.send_signal(how)
        status = self.process.wait(seconds)
        self.process = None
        self.log.close()
        for sign in SANITIZER_SIGNS:
            assert sign not in self.errors(), self.errors()
        assert how == signal.SIGKILL or status == 0, f"{status}: {self.errors()}"

    def close(self):
        try:
            self.stop()
        finally:
            if hasattr(self.home, "cleanup"):
                self.home.cleanup()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def add_target(self, name, dsn, **fields):
        return self.json("POST", "/api/v1/targets", {"name": name, "dsn": dsn, **fields}, 201)["target_id"]

    def calls(self, target_id, like, hours=24):
        """How often statements whose text holds `like` ran, by all samples of the target."""
        now = time.time()
        stamps = {"from": now - hours * 3600, "to": now + 60}
        window = {name: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(value)) for name, value in stamps.items()}
        reply = self.json("GET", f"/api/v1/targets/{target_id}/queries?" + urllib.parse.urlencode({**window, "limit": 200}))
        return sum(query["calls"] for query in reply["queries"] if like in (query["query_text"] or ""))

    def target(self, target_id):
        return self.json("GET", f"/api/v1/targets/{target_id}")

    def store_place(self):
        """Where the store's own server is: its data/ and socket/."""
        place, = self.directory.glob("data/store-*/data/postmaster.pid")
        return place.parents[1]

    def postmaster(self):
        """Process id of the store's own server."""
        return int((self.store_place() / "data" / "postmaster.pid").read_text().splitlines()[0])
