#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""A fleet of a thousand targets, collected each minute by one `fettle serve`: its processor time, memory and punctuality.

Servers, connections and protocol are real; what the statements did is made up: each database has an extension called
pg_stat_statements whose functions count up from the clock (500 statements, four in seven of which run in a minute), for a
thousand times five hundred real statements would need more machine than there is. FLEET_TARGETS, FLEET_MINUTES and
FLEET_SERVERS change the size.
"""
import os
import pathlib
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
os.environ.setdefault("FETTLE_BINARY", str(ROOT / "build" / "src" / "cli" / "fettle"))
import psycopg2  # noqa: E402
from servers import Server, programs_with_extensions  # noqa: E402  (the harness of the tests)
from service import Service  # noqa: E402

TARGETS = int(os.environ.get("FLEET_TARGETS", "1000"))
MINUTES = int(os.environ.get("FLEET_MINUTES", "6"))
SERVERS = int(os.environ.get("FLEET_SERVERS", "5"))
STATEMENTS = 500
TICK = os.sysconf("SC_CLK_TCK")

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


def fleet_server(programs, first, count):
    server = Server(15, tcp=True, binaries=programs, preload=None,
                    conf=[f"max_connections = {count + 30}", "shared_buffers = 64MB", "max_wal_size = 4GB"])
    server.sql("CREATE EXTENSION pg_stat_statements", "template1")
    for number in range(first, first + count):
        server.sql(f"CREATE DATABASE fleet{number} STRATEGY = file_copy")
    return server


class Usage:
    """What processes have used so far: processor seconds, and their memory now."""

    def __init__(self, pids):
        self.pids = pids

    def cpu(self):
        total = 0
        for pid in self.pids:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += sum(map(int, fields[11:13]))
        return total / TICK

    def memory_mb(self):
        return sum(int(line.split()[1]) for pid in self.pids for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                   if line.startswith("Pss:")) / 1024


def metric(service, name):
    text = service.get("/metrics", token=None).body.decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name) and line[len(name)] in " {")


def verdict(met):
    return "met" if met else "NOT MET"


def measure(service):
    usage = Usage([service.process.pid])
    names = ("fettle_rounds_total", "fettle_rounds_failed_total", "fettle_rounds_late_total", "fettle_samples_total", "fettle_received_bytes_total")
    while metric(service, "fettle_rounds_total") < 2 * TARGETS:
        time.sleep(1)
    before = {name: metric(service, name) for name in names}
    cpu, wall = usage.cpu(), time.monotonic()
    time.sleep(60 * MINUTES)
    cpu, wall = usage.cpu() - cpu, time.monotonic() - wall
    did = {name: metric(service, name) - before[name] for name in names}
    memory = usage.memory_mb()
    rounds = did["fettle_rounds_total"]
    print(f"  {rounds:.0f} rounds in {wall / 60:.1f} min ({rounds / wall * 60 / TARGETS:.3f} per target and minute), "
          f"{did['fettle_rounds_failed_total']:.0f} failed, {did['fettle_rounds_late_total']:.0f} late")
    print(f"  {did['fettle_samples_total'] / wall:.0f} samples a second, {did['fettle_received_bytes_total'] / rounds / 1024:.1f} kB a round")
    print(f"  processor: {cpu / wall:.3f} of a core (bar 1.000: {verdict(cpu / wall <= 1)})")
    print(f"  memory: {memory:.0f} MB, {memory * 1024 / TARGETS:.0f} kB a target (bar 400 MB: {verdict(memory <= 400)})")


def main():
    print(f"== a fleet of {TARGETS} targets on {SERVERS} servers, {STATEMENTS} statements each, every minute, activity each second")
    programs = programs_with_extensions(15, {"pg_stat_statements": COUNTERS})
    servers = []
    try:
        for number in range(SERVERS):
            servers.append(fleet_server(programs, number * TARGETS // SERVERS, (number + 1) * TARGETS // SERVERS - number * TARGETS // SERVERS))
        service = Service(collect__interval="60s", collect__activity_interval="1s", collect__load_percent="5", collect__plans="0")
        with service:
            for number in range(TARGETS):
                server = servers[number * SERVERS // TARGETS]
                service.add_target(f"fleet{number}", server.dsn(f"fleet{number}"), databases=[f"fleet{number}"])
            measure(service)
    finally:
        for server in servers:
            server.close()


main()
