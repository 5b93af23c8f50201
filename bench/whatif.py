# SPDX-License-Identifier: PostgreSQL
"""What-if questions a second, per CPU second of the backend that answers, beside HypoPG on the target in the same run.

The questions are asked by the same client over the same kind of socket, the twin's as Fettle asks them: an index is made, EXPLAIN,
ROLLBACK (HypoPG: create, EXPLAIN, reset). Then the same EXPLAIN while the index stands, as when many statements are asked about one set
of indexes. Rounds of both take turns, so that a busy machine treats them alike.
"""
import pathlib
import statistics
import time

from machine import PrivateCluster, Run, autocommit, bar, cpu_of

def chain(tables):
    """A join along foreign keys: each table's k is the next one's id."""
    return "SELECT * FROM " + ", ".join(f"a{n}" for n in range(tables)) + " WHERE a0.k = 7" + "".join(
        f" AND a{n}.k = a{n + 1}.id" for n in range(tables - 1))


QUERIES = {"one table": chain(1), "four tables": chain(4), "eight tables": chain(8)}
BARS = {"one table": 1500, "eight tables": 300}
ROUNDS, SECONDS = 5, 1.5


def on_twin(cursor, query):
    cursor.execute("BEGIN; CREATE INDEX w ON a0 (k)")
    cursor.execute("EXPLAIN (FORMAT JSON) " + query)
    cursor.execute("ROLLBACK")


def on_target(cursor, query):
    cursor.execute("SELECT hypopg_create_index('CREATE INDEX ON a0 (k)')")
    cursor.execute("EXPLAIN (FORMAT JSON) " + query)
    cursor.execute("SELECT hypopg_reset()")


def standing(cursor, query):
    cursor.execute("EXPLAIN (FORMAT JSON) " + query)


def on_cpu(pid):
    """Seconds that a process ran, to the nanosecond: ticks are too coarse where a loaded machine lets it run for a few."""
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


def rate(connection, ask, query):
    """(questions per wall second, per CPU second of the session's backend, share of that CPU spent in the kernel)"""
    pid = connection.info.backend_pid
    count, start, before, ran = 0, time.monotonic(), cpu_of(pid), on_cpu(pid)
    with connection.cursor() as cursor:
        while time.monotonic() - start < SECONDS:
            ask(cursor, query)
            count += 1
    user, kernel = (after - earlier for after, earlier in zip(cpu_of(pid), before))
    return count / (time.monotonic() - start), count / (on_cpu(pid) - ran), kernel / max(user + kernel, 0.01)


def compare(twin, target, asks, bars_of):
    for name, query in QUERIES.items():
        rounds = [(rate(twin, asks[0], query), rate(target, asks[1], query)) for _ in range(ROUNDS)]
        ours, theirs = ([statistics.median(side[k] for side in column) for k in range(3)] for column in zip(*rounds))
        ratio = statistics.median(a[1] / b[1] for a, b in rounds)
        print(f"  {name:13s} twin {ours[0]:5.0f}/s wall, {ours[1]:5.0f} per CPU s ({100 * ours[2]:.0f} % in the kernel)   HypoPG on the target "
              f"{theirs[0]:5.0f}/s wall, {theirs[1]:5.0f} per CPU s ({100 * theirs[2]:.0f} %)   ratio of CPU {ratio:.2f}")
        if name in bars_of:
            bar(f"what-if, {name}", f"{ours[1]:.0f} per CPU s, bar {bars_of[name]}; {ratio:.2f} of HypoPG's", ours[1] >= bars_of[name])


def compare_standing(twin, target):
    with twin.cursor() as ours, target.cursor() as theirs:
        ours.execute("BEGIN; CREATE INDEX w ON a0 (k)")
        theirs.execute("SELECT hypopg_create_index('CREATE INDEX ON a0 (k)')")
        compare(twin, target, (standing, standing), {})
        ours.execute("ROLLBACK")
        theirs.execute("SELECT hypopg_reset()")


def bench(server, home):
    print("== what-if questions a second: an index made, EXPLAIN, undone")
    server.sql("CREATE DATABASE work")
    for n in range(8):
        server.sql(f"CREATE TABLE a{n} AS SELECT g AS id, g % 1000 AS k FROM generate_series(1, 20000) g; "
                   f"ALTER TABLE a{n} ADD PRIMARY KEY (id); ANALYZE a{n}", "work")
    server.sql("CREATE EXTENSION hypopg", "work")
    Run(home, server, "twin", "build", server.dsn("work"))
    with PrivateCluster(home, server) as cluster:
        time.sleep(1)  # its start-up process is gone, the others have settled
        memory = cluster.memory_mb()
        bar("idle private cluster", f"{memory:.1f} MB (proportional share), bar 30 MB", memory <= 30)
        twin, target = cluster.connect(cluster.twin_of("work"), "fettle_twin"), autocommit(server.dsn("work"))
        for connection in (twin, target):
            with connection.cursor() as cursor:
                cursor.execute("SET jit = off")
        with twin.cursor() as cursor:
            cursor.execute("SET fettle_twin.suppose_indexes = on; SET fettle_twin.hypothetical_indexes = on")  # as WhatIf does
        compare(twin, target, (on_twin, on_target), BARS)
        print("== the same questions while the index stands")
        compare_standing(twin, target)
        twin.close()
        target.close()
