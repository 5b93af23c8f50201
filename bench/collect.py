# SPDX-License-Identifier: PostgreSQL
"""What collection costs the target: CPU of the backend that serves it, per round, with 5,000 statements.

CPU is the scheduler's nanoseconds of that one backend (/proc/PID/schedstat), over many rounds. Beside it are the queries that other
collectors send each time, from the same target in the same run, in turns. Their shares are at their own default intervals.
"""
import pathlib
import statistics
import tempfile

import psycopg2
from machine import autocommit, bar
from rounds import Rounds
from servers import Server, remove_directory

STATEMENTS, ROUNDS, SAMPLES = 5000, 30, 100
ALL_COLUMNS = "SELECT * FROM pg_stat_statements({})"
# What each sends for statements, cut to that: the shape of the query, its columns and its texts, each at the tool's interval.
RIVALS = {
    "all columns, no texts": (60, ALL_COLUMNS.format("false")),
    "texts each round, all columns (like PMM)": (60, ALL_COLUMNS.format("true")),
    "like Datadog": (10, "SELECT s.*, d.datname, r.rolname FROM pg_stat_statements s LEFT JOIN pg_database d ON s.dbid = d.oid "
                         "LEFT JOIN pg_roles r ON s.userid = r.oid WHERE s.query != '<insufficient privilege>' LIMIT 10000"),
    "like pgwatch": (60, "SELECT queryid::text, ltrim(regexp_replace(max(query), E'[ \\\\t\\\\n\\\\r]+', ' ', 'g')) AS query, sum(calls), "
                         "round(sum(total_exec_time)::numeric, 3), sum(shared_blks_hit), sum(shared_blks_read), sum(shared_blks_written), "
                         "sum(shared_blks_dirtied), sum(temp_blks_read), sum(temp_blks_written), round(sum(blk_read_time)::numeric, 3), "
                         "round(sum(blk_write_time)::numeric, 3), sum(wal_fpi), sum(wal_bytes), round(sum(total_plan_time)::numeric, 3), "
                         "max(r.rolname) FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid "
                         "WHERE calls > 0 AND NOT upper(query) LIKE ANY ('{DEALLOCATE%,SET %,RESET %,BEGIN%,COMMIT%,END%,ROLLBACK%,SHOW%}') "
                         "GROUP BY queryid"),
}


def cpu_ms(pid):
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e6


def fill(server):
    """Statements of many shapes and texts of about 330 bytes."""
    connection = autocommit(server.dsn())
    cursor = connection.cursor()
    columns = "oid relname relkind relpages reltuples relnatts relhasindex relowner relam reltype relfilenode reltablespace relrowsecurity".split()
    for number in range(STATEMENTS):
        picked = [name for bit, name in enumerate(columns) if number >> bit & 1] or ["1"]
        padding = " AND relname IS NOT NULL" * 8
        cursor.execute(f"SELECT {', '.join(picked)} FROM pg_class WHERE oid = 1{padding}")
    connection.close()


class Rival:
    """One connection that runs a query over and over."""

    def __init__(self, server, query):
        self.connection = autocommit(server.dsn())
        as_text = psycopg2.extensions.new_type((16, 20, 23, 25, 26, 700, 701, 1700, 1184), "TEXT", lambda value, cursor: value)
        psycopg2.extensions.register_type(as_text, self.connection)
        self.query = query
        self.costs = []
        self.bytes = 0

    def run(self):
        pid = self.connection.info.backend_pid
        before = cpu_ms(pid)
        with self.connection.cursor() as cursor:
            cursor.execute(self.query)
            rows = cursor.fetchall()
        self.costs.append(cpu_ms(pid) - before)
        self.bytes = sum(7 + sum(4 + len(str(value or "").encode()) for value in row) for row in rows)


def print_line(name, cost, wire, interval, ours):
    share = cost / (interval * 10)
    print(f"  {name:42s} {cost:6.1f} ms CPU a round, {wire / 1e6:5.2f} MB   {share:.3f} % of a core at {interval} s   {cost / ours:4.1f} x ours", flush=True)


def measure(server, rounds):
    """(cost of a round, its bytes, cost of an activity sample, cost of the first round) in ms of the backend."""
    first = rounds.round()
    pid, = server.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'fettle'")[0]
    first_cost = cpu_ms(pid)
    rivals = {name: Rival(server, query) for name, (_, query) in RIVALS.items()}
    costs, sizes = [], []
    for _ in range(ROUNDS):
        before = cpu_ms(pid)
        sizes.append(rounds.round()["bytes_received"])
        costs.append(cpu_ms(pid) - before)
        for rival in rivals.values():
            rival.run()
    before = cpu_ms(pid)
    for _ in range(SAMPLES):
        rounds.tell("sample")
    sample = (cpu_ms(pid) - before) / SAMPLES
    assert first["statements_read"] >= STATEMENTS * 0.98, first
    return statistics.mean(costs), statistics.mean(sizes), sample, first_cost, rivals


def bench(_, home):
    print(f"== collection: CPU on the target of one round, {STATEMENTS:,} statements, PostgreSQL 15")
    place = pathlib.Path(tempfile.mkdtemp(prefix="collect", dir=home))
    with Server(15, conf=["pg_stat_statements.max = 6000"]) as target, Server(15, preload=None) as store:
        target.sql("CREATE EXTENSION pg_stat_statements")
        fill(target)
        with Rounds(store, "postgres", place, target.dsn()) as rounds:
            ours, wire, sample, first, rivals = measure(target, rounds)
    print_line("Fettle, statements and metrics", ours, wire, 60, ours)
    for name, rival in rivals.items():
        print_line(name, statistics.mean(rival.costs), rival.bytes, RIVALS[name][0], ours)
    print(f"  an activity sample {sample:.2f} ms; connecting and the first round, with texts' and settings' own queries, {first:.1f} ms")
    at_60, at_10 = ours / 600, (ours + 10 * sample) / 100
    bar("collection at 60 s", f"{at_60:.4f} % of one core, bar 0.05 %", at_60 <= 0.05)
    bar("collection at 10 s with activity at 1 Hz", f"{at_10:.4f} % of one core, bar 0.3 %", at_10 <= 0.3)
    remove_directory(place)
