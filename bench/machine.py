# SPDX-License-Identifier: PostgreSQL
"""What every measurement here uses: a server, Fettle with a home of its own, its private cluster, CPU times, bars.

A bar is a figure that the project holds itself to. It is judged by CPU time where the two differ, for wall time is the machine's
of the moment; both are printed.
"""
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
from servers import Server, children_of, drop_rights, wait_until  # noqa: E402  (the harness of the tests)

import psycopg2  # noqa: E402

FETTLE = os.environ.get("FETTLE_BINARY", str(ROOT / "build" / "src" / "cli" / "fettle"))
TICKS = os.sysconf("SC_CLK_TCK")
bars = []


def bar(name, text, is_met):
    """Prints one line, and keeps it for the list at the end."""
    line = f"{name}: {text}: {'met' if is_met else 'NOT MET'}"
    bars.append((line, is_met))
    print("  bar: " + line, flush=True)


def at_percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def cpu_of(pid):
    """CPU seconds of a process: (in user code, in the kernel)."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return int(fields[11]) / TICKS, int(fields[12]) / TICKS


def cpu_of_finished_backends(server):
    """CPU seconds of a server's sessions that have ended; the work of its checkpointer and its like is nobody's fault here."""
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(map(int, fields[13:15])) / TICKS


class Run:
    """One run of Fettle: what it printed, its wall time, the CPU of it and of its private cluster, and of the target."""

    def __init__(self, home, server, *arguments):
        backends = set(children_of(server.process.pid))
        before, target, started = os.times(), cpu_of_finished_backends(server), time.monotonic()
        run = subprocess.run([FETTLE, *map(str, arguments)], capture_output=True, text=True, check=False,
                             env={**os.environ, "FETTLE_DATA": str(home), "TERM": "dumb"})
        after = os.times()
        assert run.returncode in (0, 10), run.stderr
        self.out = run.stdout
        self.wall = time.monotonic() - started
        self.cpu = after.children_user + after.children_system - before.children_user - before.children_system
        # The postmaster knows the CPU of a backend that is gone only once it has taken leave of it.
        wait_until(lambda: set(children_of(server.process.pid)) <= backends)
        self.cpu_target = cpu_of_finished_backends(server) - target

    @property
    def json(self):
        return json.loads(self.out)


class PrivateCluster:
    """Fettle's own cluster, started as Fettle starts it, to be asked from here."""

    def __init__(self, home, server):
        place = home / f"cluster-{server.major}"
        self.socket = place / "socket"
        self.process = subprocess.Popen([f"{server.binaries}/postgres", "-D", str(place / "data")], cwd="/", preexec_fn=drop_rights,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        for _ in range(200):
            try:
                self.connect("postgres", "fettle").close()
                return self
            except psycopg2.OperationalError:
                time.sleep(0.05)
        raise RuntimeError("the private cluster did not start")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()

    def connect(self, database, user):
        connection = psycopg2.connect(f"host={self.socket} user={user} dbname={database}")
        connection.autocommit = True
        return connection

    def twin_of(self, database):
        """The name of the twin of the target's database."""
        with contextlib.closing(self.connect("postgres", "fettle")) as admin, admin.cursor() as cursor:
            cursor.execute("SELECT datname FROM pg_database WHERE shobj_description(oid, 'pg_database') LIKE %s", (f"% {database}",))
            return cursor.fetchone()[0]

    def memory_mb(self):
        """Proportional share of memory of all its processes."""
        lines = [line for pid in (self.process.pid, *children_of(self.process.pid))
                 for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()]
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


@contextlib.contextmanager
def bench_server():
    """(server, home): PostgreSQL 15 with room for the workloads, and an empty directory for Fettle."""
    home = pathlib.Path(tempfile.mkdtemp(prefix="fettle-bench", dir="/tmp"))
    os.chmod(home, 0o755)
    server = Server(15, conf=["shared_buffers = 256MB", "max_wal_size = 4GB"])
    try:
        yield server, home
    finally:
        server.close()
        subprocess.run(["rm", "-rf", str(home)], check=False)


def autocommit(dsn):
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    return connection
