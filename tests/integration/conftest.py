# SPDX-License-Identifier: PostgreSQL
import json
import os
import pathlib
import subprocess

import pytest
from servers import Server

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("FETTLE_BINARY", str(ROOT / "build" / "src" / "cli" / "fettle"))
SANITIZER_SIGNS = ("AddressSanitizer", "LeakSanitizer", "runtime error:", "internal error:")


class Result:
    def __init__(self, run):
        self.status = run.returncode
        self.out = run.stdout
        self.err = run.stderr

    @property
    def json(self):
        return json.loads(self.out)


class Fettle:
    """Runs the program with a home of its own; no run may leak a secret or a sanitizer's report."""

    def __init__(self, home):
        self.home = home
        self.secrets = []
        self.environment = {**os.environ, "HOME": str(home), "FETTLE_DATA": str(home / "data"), "TERM": "dumb",
                            "PGPASSFILE": str(home / "none")}

    def __call__(self, *arguments, timeout=120, stdin="", **environment):
        run = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=timeout, input=stdin,
                             env={**self.environment, **environment}, cwd=self.home, check=False)
        for sign in SANITIZER_SIGNS:
            assert sign not in run.stderr, run.stderr
        for secret in self.secrets:
            assert secret not in run.stdout + run.stderr
        return Result(run)


@pytest.fixture(scope="session")
def fettle(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    os.chmod(home, 0o755)
    # The private cluster's user must be able to pass through.
    for parent in home.parents:
        if str(parent).startswith("/tmp/"):
            os.chmod(parent, 0o755)
    return Fettle(home)


@pytest.fixture(scope="session")
def server():
    server = Server(15, conf=["log_statement = 'all'"])
    yield server
    server.close()


@pytest.fixture(scope="session")
def shop(server):
    """The demonstration shop, small, with a load already run."""
    server.sql("CREATE DATABASE shop")
    server.psql("shop", "-f", ROOT / "demo" / "schema.sql")
    server.psql("shop", "-v", "scale=0.05", "-f", ROOT / "demo" / "load.sql")
    server.sql("SELECT pg_stat_statements_reset()", "shop")
    subprocess.run([str(ROOT / "demo" / "run"), server.dsn("shop", "shop_app"), "3", "0.05"], check=True, capture_output=True,
                   env={**os.environ, "PGBIN": server.binaries})
    return server
