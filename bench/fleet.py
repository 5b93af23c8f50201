# SPDX-License-Identifier: PostgreSQL
"""A fleet of a thousand targets, collected each minute by one `fettle serve`: its processor time, memory and punctuality; and what
the service costs that has nothing to do (`start`).

Servers, connections and protocol are real; what the statements did is made up: each database has an extension called
pg_stat_statements whose functions count up from the clock (500 statements, four in seven of which run in a minute), for a
thousand times five hundred real statements would need more machine than there is. FLEET_TARGETS, FLEET_MINUTES and
FLEET_SERVERS change the size. The targets' files lie in memory: their making is not what is measured. The store's are on the disk.
"""
import contextlib
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

from machine import autocommit, bar, cpu_of
from servers import Server, binaries_of, children_of, programs_with_extensions, wait_until
from service import Service

TARGETS = int(os.environ.get("FLEET_TARGETS", "1000"))
MINUTES = int(os.environ.get("FLEET_MINUTES", "3"))
SERVERS = int(os.environ.get("FLEET_SERVERS", "5"))
STATEMENTS = 500
FIRST_STARTS = 5
SETTLE_SECONDS = 110  # the store has vacuumed what making the schema left, twice at 30 s, and closed its sessions 20 s later
IDLE_SECONDS = 20
FIGURES = {"rounds": "fettle_rounds_total", "failed": "fettle_rounds_failed_total", "late": "fettle_rounds_late_total",
           "samples": "fettle_samples_total", "activity": "fettle_activity_samples_total",
           "skipped": "fettle_activity_samples_skipped_total", "bytes": "fettle_received_bytes_total"}

COUNTERS = """
CREATE FUNCTION pg_stat_statements(showtext boolean) RETURNS TABLE (
    userid oid, dbid oid, toplevel bool, queryid bigint, query text, plans bigint, total_plan_time float8, min_plan_time float8,
    max_plan_time float8, mean_plan_time float8, stddev_plan_time float8, calls bigint, total_exec_time float8, min_exec_time float8,
    max_exec_time float8, mean_exec_time float8, stddev_exec_time float8, rows bigint, shared_blks_hit bigint, shared_blks_read bigint,
    shared_blks_dirtied bigint, shared_blks_written bigint, local_blks_hit bigint, local_blks_read bigint, local_blks_dirtied bigint,
    local_blks_written bigint, temp_blks_read bigint, temp_blks_written bigint, blk_read_time float8, blk_write_time float8,
    temp_blk_read_time float8, temp_blk_write_time float8, wal_records bigint, wal_fpi bigint, wal_bytes numeric)
LANGUAGE sql STABLE AS $$
    SELECT 10::oid, d.oid, true, n::bigint * 7919 + d.oid::bigint, CASE WHEN showtext THEN 'SELECT a FROM t' || n || ' WHERE id = $1' END,
           0::bigint, 0.0::float8, 0.0::float8, 0.0::float8, 0.0::float8, 0.0::float8, c, (c * (0.1 + n % 13))::float8, 0.01::float8, 99.0::float8,
           (0.1 + n % 13)::float8, 0.7::float8, c * (1 + n % 3), c * (4 + n % 9), c * (n % 5) / 40, CASE WHEN n % 4 = 0 THEN c ELSE 0 END::bigint,
           0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, (c * (n % 5) * 0.002)::float8, 0.0::float8, 0.0::float8,
           0.0::float8, CASE WHEN n % 4 = 0 THEN c * 2 ELSE 0 END::bigint, 0::bigint, CASE WHEN n % 4 = 0 THEN c * 160 ELSE 0 END::numeric
      FROM pg_catalog.pg_database d, generate_series(1, @statements@) n,
           LATERAL (SELECT (CASE WHEN n % 7 < 4 THEN extract(epoch FROM clock_timestamp()) * (1 + 5000 / (n * n)) / (1 + n / 50) ELSE 7 END)::bigint AS c) v
     WHERE d.datname = current_database()
$$;
CREATE VIEW pg_stat_statements AS SELECT * FROM pg_stat_statements(true);
CREATE VIEW pg_stat_statements_info AS SELECT 0::bigint AS dealloc, '2026-01-01'::timestamptz AS stats_reset;
""".replace("@statements@", str(STATEMENTS))


def fleet_server(programs, numbers):
    """A server with one database for each number. The real module is loaded, as Fettle asks that it be, but counts nothing."""
    server = Server(15, tcp=True, binaries=programs, place="/dev/shm" if os.path.isdir("/dev/shm") else "/tmp",
                    conf=[f"max_connections = {len(numbers) + 30}", "shared_buffers = 64MB", "max_wal_size = 4GB",
                          "pg_stat_statements.track = none"])
    server.sql("CREATE EXTENSION pg_stat_statements", "template1")
    with contextlib.closing(autocommit(server.dsn())) as connection, connection.cursor() as cursor:
        for number in numbers:
            cursor.execute(f"CREATE DATABASE fleet{number} STRATEGY = file_copy")
    return server


@contextlib.contextmanager
def fleet_servers():
    programs = programs_with_extensions(15, {"pg_stat_statements": COUNTERS})
    with contextlib.ExitStack() as stack:
        edges = [number * TARGETS // SERVERS for number in range(SERVERS + 1)]
        yield [(stack.enter_context(fleet_server(programs, range(first, last))), range(first, last))
               for first, last in zip(edges, edges[1:])]


def family_cpu(postmaster):
    """CPU seconds of a cluster: its processes that live, and those that it has taken leave of."""
    fields = pathlib.Path(f"/proc/{postmaster}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    total = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    for pid in children_of(postmaster):
        with contextlib.suppress(OSError):
            total += sum(cpu_of(pid))
    return total


def memory_mb(pids, kind="Pss:"):
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith(kind))
    return total / 1024


def cluster_memory(postmaster):
    """(MB, what they are) of a server's processes."""
    pids = [postmaster, *children_of(postmaster)]
    words = {"Pss_File:": "programs", "Pss_Shmem:": "shared", "Pss_Anon:": "private"}
    return memory_mb(pids), ", ".join(f"{memory_mb(pids, kind):.1f} {word}" for kind, word in words.items())


def programs_of_their_own():
    """The server's programs, copied: of pages that other servers use too a share only would count."""
    programs = programs_with_extensions(15, {})
    shutil.copy(pathlib.Path(binaries_of(15)) / "initdb", programs / "initdb")
    return programs


def bare_memory(programs):
    """A server as Debian sets it up, with little shared memory and nobody in it."""
    with Server(15, binaries=programs, preload="", conf=["shared_buffers = 4MB", "autovacuum = on"]) as server:
        time.sleep(5)
        return cluster_memory(server.process.pid)


def memory_with_a_target(service, server):
    """Mean and least MB over a minute, at one target that is collected each minute."""
    service.tokens = {role: service.new_token(role) for role in ("viewer", "operator", "admin")}
    target = service.add_target("one", server.dsn())
    assert wait_until(lambda: service.target(target)["last_round_at"], 90)
    time.sleep(60)
    found = []
    for _ in range(30):
        found.append(cluster_memory(service.postmaster())[0])
        time.sleep(2)
    return sum(found) / len(found), min(found)


def size_mb(directory):
    return int(subprocess.run(["du", "-sk", str(directory)], capture_output=True, text=True, check=True).stdout.split()[0]) / 1024


def store_bytes(service):
    """What the tables of the store hold."""
    place = service.store_place()
    with contextlib.closing(autocommit(f"host={place / 'socket'} user=fettle_store dbname=postgres")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT sum(pg_table_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                       "WHERE n.nspname = 'fettle' AND c.relkind IN ('r', 'm')")
        return int(cursor.fetchone()[0])


class Measured:
    """What one stretch of time took: figures of /metrics, CPU of the process, of the store and of the targets."""

    def __init__(self, service, servers, seconds):
        pid, postmaster = service.process.pid, service.postmaster()
        watched = [pid, postmaster, *(server.process.pid for server, _ in servers)]

        def look():
            return [time.monotonic(), sum(cpu_of(pid)), *map(family_cpu, watched[1:])], figures(service), store_bytes(service)

        before, did_before, store_before = look()
        time.sleep(seconds)
        after, did_after, store_after = look()
        self.wall, self.cpu, self.store_cpu, *targets = (late - early for early, late in zip(before, after))
        self.targets_cpu = sum(targets)
        self.did = {name: did_after[name] - did_before[name] for name in FIGURES}
        self.store_bytes = store_after - store_before
        self.memory, self.store_memory = memory_mb([pid]), memory_mb([postmaster, *children_of(postmaster)])

    def show(self, title):
        did, rounds = self.did, max(self.did["rounds"], 1)
        print(f"  {title}: {did['rounds']:.0f} rounds in {self.wall / 60:.1f} min ({rounds / self.wall * 60 / TARGETS:.3f} per target and minute), "
              f"{did['failed']:.0f} failed, {did['late']:.0f} late; {did['activity'] / self.wall:.0f} activity samples "
              f"({did['skipped'] / self.wall:.0f} left out) and "
              f"{did['samples'] / self.wall:.0f} samples of statements a second, {did['bytes'] / rounds / 1024:.0f} kB a round")
        print(f"    CPU of one core: {self.cpu / self.wall:.3f} ({self.cpu / rounds * 1000:.1f} ms a round), the store's {self.store_cpu / self.wall:.3f} "
              f"({self.store_cpu / rounds * 1000:.1f} ms), the targets' {self.targets_cpu / self.wall:.3f}; "
              f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        print(f"    memory: {self.memory:.0f} MB ({self.memory * 1024 / TARGETS:.0f} kB a target), the store's {self.store_memory:.0f} MB; "
              f"the store's tables grew by {self.store_bytes / rounds:.0f} bytes a round", flush=True)


def figures(service):
    lines = service.get("/metrics", token=None).body.decode().splitlines()
    values = {line.split(" ")[0]: float(line.split(" ")[1]) for line in lines if line and line[0] != "#" and "{" not in line}
    return {name: values[metric] for name, metric in FIGURES.items()}


def measure(service, servers):
    while figures(service)["rounds"] < 2 * TARGETS:
        time.sleep(1)
    with_activity = Measured(service, servers, 60 * MINUTES)
    with_activity.show("activity each second")
    service.json("PUT", "/api/v1/settings/collect.activity", {"value": False})
    without = Measured(service, servers, 60)
    without.show("without activity")
    did, share = with_activity.did, with_activity.cpu / with_activity.wall
    samples = max(did["activity"] / with_activity.wall, 1)
    print(f"  an activity sample costs {(share - without.cpu / without.wall) / samples * 1e6:.0f} us of CPU here")
    rate = did["rounds"] / with_activity.wall * 60 / TARGETS
    bar(f"fleet of {TARGETS}, CPU", f"{share:.3f} of a core, bar 1", share <= 1)
    bar(f"fleet of {TARGETS}, memory", f"{with_activity.memory:.0f} MB, bar 400 MB", with_activity.memory <= 400)
    bar(f"fleet of {TARGETS}, punctuality", f"{rate:.3f} rounds per target and minute, {did['failed']:.0f} failed, {did['late']:.0f} late",
        rate >= 0.98 and did["failed"] + did["late"] == 0)


def bench(_, home):
    print(f"== a fleet of {TARGETS} targets on {SERVERS} servers, {STATEMENTS} statements each, every minute")
    with fleet_servers() as servers, tempfile.TemporaryDirectory(prefix="fleet", dir=home) as place:
        settings = {"collect__interval": "60s", "collect__activity_interval": "1s", "collect__load_percent": "5", "collect__plans": "0"}
        with Service(place, **settings) as service:
            for server, numbers in servers:
                for number in numbers:
                    service.add_target(f"fleet{number}", server.dsn(f"fleet{number}", host="127.0.0.1"), databases=[f"fleet{number}"])
            measure(service, servers)


def first_starts(home, settings):
    """Seconds until a service that has nothing serves, of some starts."""
    found = []
    for _ in range(FIRST_STARTS):
        with tempfile.TemporaryDirectory(prefix="first", dir=home) as place:
            service = Service(place, **settings)
            started = time.monotonic()
            service.start(expect_ready=False)
            try:
                assert wait_until(service.is_up, 60), service.errors()
                found.append(time.monotonic() - started)
            finally:
                service.close()
    return sorted(found)


def initdb_seconds(programs, home):
    """PostgreSQL's own part of a first start, by itself: how fast the machine is."""
    with tempfile.TemporaryDirectory(prefix="initdb", dir=home) as place:
        os.chmod(place, 0o777)
        command = [str(programs / "initdb"), "-D", f"{place}/data", "-U", "fettle", "-A", "trust", "-E", "UTF8", "--locale=C", "--wal-segsize=1", "--no-sync", "--data-checksums"]
        started = time.monotonic()
        subprocess.run(command, check=True, capture_output=True, user="postgres" if os.geteuid() == 0 else None)
        return time.monotonic() - started


def bench_start(server, home):
    """The service without targets: its first start, its memory and its place on the disk; then with one target."""
    print("== the service with nothing to do")
    programs = programs_of_their_own()
    settings = {"cluster__binaries": programs, "collect__interval": "60s", "collect__activity_interval": "1s", "collect__load_percent": "5"}
    firsts, initdb = first_starts(home, settings), initdb_seconds(programs, home)
    with tempfile.TemporaryDirectory(prefix="start", dir=home) as place:
        service = Service(place, **settings)
        service.start(expect_ready=False)
        try:
            assert wait_until(service.is_up, 60), service.errors()
            time.sleep(SETTLE_SECONDS)
            postmaster = service.postmaster()
            own, (cluster, words) = memory_mb([service.process.pid]), cluster_memory(postmaster)
            before, at = sum(cpu_of(service.process.pid)) + family_cpu(postmaster), time.monotonic()
            time.sleep(IDLE_SECONDS)
            idle = (sum(cpu_of(service.process.pid)) + family_cpu(postmaster) - before) / (time.monotonic() - at)
            disk = size_mb(service.directory / "data")
        finally:
            service.close()
        started = time.monotonic()
        service.start(expect_ready=False)
        try:
            assert wait_until(service.is_up, 60), service.errors()
            again = time.monotonic() - started
            mean, least = memory_with_a_target(service, server)
        finally:
            service.close()
    bare, bare_words = bare_memory(programs)
    print(f"  Fettle itself {own:.1f} MB, both {idle * 100:.2f} % of a core, a second start {again:.2f} s; load {os.getloadavg()[0]:.1f}")
    first = statistics.median(firsts)
    bar("store, first start until it serves", f"{first:.2f} s in the median of {FIRST_STARTS} ({firsts[0]:.2f} to {firsts[-1]:.2f}; PostgreSQL's initdb alone {initdb:.2f}), bar 2.5 s", first <= 2.5)
    print(f"  memory of the store: a bare server without a session {bare:.1f} MB ({bare_words}), the idle store {cluster / bare:.2f} times that; "
          f"with a target collected each minute {mean:.1f} MB in the mean of a minute, {least:.1f} MB between rounds")
    bar("store, idle memory", f"{cluster:.1f} MB (proportional share: {words}), bar 20 MB", cluster <= 20)
    bar("store, disk", f"{disk:.1f} MB, bar 40 MB", disk <= 40)
