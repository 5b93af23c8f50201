# SPDX-License-Identifier: PostgreSQL
"""Fixtures of the integration tests; README.md beside this file says what each is for."""
import json
import os
import pathlib
import subprocess

import pytest
from api import ApiFixture
from servers import MAJORS, Server, Standby, binaries_of, new_directory, remove_directory
from workloads import load_shop

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("FETTLE_BINARY", str(ROOT / "build" / "src" / "cli" / "fettle"))
SHOP_SCALE = "0.05"
SANITIZER_SIGNS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "MemorySanitizer", "runtime error:",
                   "internal error:", "Sanitizer:DEADLYSIGNAL")


def missing(reason):
    """A test that cannot run here is skipped, and says why; where all must run, it fails."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


class Result:
    def __init__(self, run):
        self.status = run.returncode
        self.out = run.stdout
        self.err = run.stderr

    @property
    def json(self):
        return json.loads(self.out)


class Fettle:
    """Runs the program with a home of its own; no run may leak a secret, crash or show a sanitizer's report.

    Whatever is added to `secrets` must not stand in any output from then on."""

    def __init__(self, home):
        self.home = home
        self.secrets = []
        inherited = {name: value for name, value in os.environ.items()
                     if name == "FETTLE_MODULES" or not name.startswith(("PG", "FETTLE_", "XDG_"))}
        # The sanitizers' slowness must not cut searches short.
        self.environment = {**inherited, "FETTLE_ADVISE_TIME": "5min", "HOME": str(home), "FETTLE_DATA": str(home / "data"), "TERM": "dumb",
                            "PGPASSFILE": str(home / "none"), "PGSERVICEFILE": str(home / "none"),
                            "XDG_CONFIG_HOME": str(home / "config"), "XDG_DATA_HOME": str(home / "share"),
                            "XDG_STATE_HOME": str(home / "state"), "XDG_CACHE_HOME": str(home / "cache")}

    def __call__(self, *arguments, timeout=120, stdin="", **environment):
        run = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=timeout, input=stdin,
                             env={**self.environment, **environment}, cwd=self.home, check=False)
        self.check(run.returncode, run.stdout + run.stderr)
        return Result(run)

    def start(self, *arguments, **environment):
        """Runs it in the background: a Popen with pipes. Give its output to check() at the end."""
        return subprocess.Popen([BINARY, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                stdin=subprocess.DEVNULL, env={**self.environment, **environment}, cwd=self.home)

    def check(self, status, output):
        for sign in SANITIZER_SIGNS:
            assert sign not in output, output
        assert status >= 0, f"ended by signal {-status}: {output}"
        for secret in self.secrets:
            assert secret not in output, "a secret is in the output"


@pytest.fixture(scope="session")
def fettle():
    # Not in pytest's own directories: as root the private cluster's user is another one, who may not pass through them.
    home = new_directory("fettle-home")
    yield Fettle(home)
    remove_directory(home)


@pytest.fixture
def open_path():
    """An empty directory that the private cluster's user can reach."""
    directory = new_directory("fettle-open")
    yield directory
    remove_directory(directory)


@pytest.fixture(scope="session")
def server_of():
    """server_of(major): a running server of that major, one per run."""
    running = {}

    def get(major):
        if not binaries_of(major):
            missing(f"no server programs of PostgreSQL {major}: run scripts/test-servers")
        if major not in running:
            running[major] = Server(major)
        return running[major]

    yield get
    for server in running.values():
        server.close()


@pytest.fixture(scope="session", params=MAJORS)
def server_of_each(request, server_of):
    """The test runs once for each major from 13 to 18."""
    return server_of(request.param)


@pytest.fixture(scope="session")
def server():
    """PostgreSQL 15 that logs every statement."""
    server = Server(15, conf=["log_statement = 'all'"])
    yield server
    server.close()


@pytest.fixture(scope="session")
def server15(server):
    return server


@pytest.fixture(scope="session")
def tcp_server():
    """PostgreSQL 15 on 127.0.0.1 with the shop, for faults of the network (faults.py)."""
    with Server(15, tcp=True) as server:
        load_shop(server, "0.02")
        yield server


@pytest.fixture(scope="session")
def many_tables():
    """10,000 tables in database "many"; one of them is asked for what it has no index for."""
    with Server(15, conf=["max_locks_per_transaction = 2000"]) as server:
        server.sql("CREATE DATABASE many")
        server.sql("CREATE EXTENSION pg_stat_statements", "many")
        server.sql("""DO $$ BEGIN FOR i IN 1..10000 LOOP
            EXECUTE format('CREATE TABLE t_%s (id int%s, k int)', i, CASE WHEN i % 5 = 0 THEN ' PRIMARY KEY' END); END LOOP; END $$""", "many")
        server.sql("INSERT INTO t_7 SELECT n, n FROM generate_series(1, 30000) n; ANALYZE t_7; SELECT pg_stat_statements_reset()", "many")
        for _ in range(20):
            server.sql("SELECT * FROM t_7 WHERE k = 7", "many")
        yield server


@pytest.fixture(scope="session")
def standby(shop):
    """A hot standby of the server with the shop."""
    with Standby(shop) as server:
        yield server


@pytest.fixture(scope="session")
def shop(server):
    """The demonstration shop, small, with a load already run."""
    load_shop(server, SHOP_SCALE, 3)
    return server


@pytest.fixture(scope="session")
def api_on_store():
    """The API over a store of its own: .api and .store; tests may stop and start the store."""
    fixture = ApiFixture()
    yield fixture
    fixture.close()


@pytest.fixture
def api(api_on_store):
    """The API, each reply checked against openapi.yaml."""
    return api_on_store.api
