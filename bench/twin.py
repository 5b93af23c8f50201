# SPDX-License-Identifier: PostgreSQL
"""Making a twin of many tables, and refreshing it when few of them have changed; what that costs the target."""
import os

from machine import Run, autocommit, bar

TABLES = int(os.environ.get("BENCH_TABLES", "1000"))


def many_tables(server):
    server.sql("CREATE DATABASE many")
    connection = autocommit(server.dsn("many"))
    with connection.cursor() as cursor:
        for n in range(TABLES):
            columns = ", ".join(f"c{k} {('int', 'text', 'numeric', 'timestamptz')[k % 4]}" for k in range(1, 10))
            cursor.execute(f"CREATE TABLE t{n} (id int PRIMARY KEY, {columns}); CREATE INDEX ON t{n} (c1, c2); CREATE INDEX ON t{n} (c3);"
                           f"INSERT INTO t{n} SELECT g, 'x' || g, g / 7, now(), g % 9, 'y', 1, now(), g, 'z' FROM generate_series(1, 200) g")
        cursor.execute("ANALYZE")
    connection.close()


def change(server, tables):
    for n in tables:
        server.sql(f"INSERT INTO t{n} SELECT g, 'n', 1, now(), 1, 'y', 1, now(), 1, 'z' FROM generate_series(1000, 3000) g; ANALYZE t{n}", "many")


def bench(server, home):
    print(f"== twin of {TABLES} tables, {3 * TABLES} indexes, {10 * TABLES} columns")
    many_tables(server)
    target = server.dsn("many")
    built = Run(home, server, "twin", "build", "--json", "--rebuild", target)
    print(f"  build     {built.json['build_ms'] / 1000:5.1f} s of a command of {built.wall:.1f} s wall; CPU: Fettle and its cluster {built.cpu:.1f} s, "
          f"target {built.cpu_target:.2f} s")
    change(server, range(10))
    refreshed = Run(home, server, "twin", "build", "--json", target)
    assert refreshed.json["refreshed"]
    print(f"  refresh   {refreshed.json['build_ms'] / 1000:5.1f} s of a command of {refreshed.wall:.1f} s wall after changes to ten tables; "
          f"CPU: Fettle and its cluster {refreshed.cpu:.1f} s, target {refreshed.cpu_target:.2f} s")
    bar("twin, build", f"{built.cpu:.1f} s of CPU ({built.wall:.1f} s wall), bar 20 s", built.cpu <= 20)
    bar("twin, refresh", f"{refreshed.cpu:.1f} s of CPU ({refreshed.wall:.1f} s wall), bar 5 s", refreshed.cpu <= 5)
    bar("twin, refresh, the target's CPU", f"{refreshed.cpu_target:.2f} s, bar 1 s", refreshed.cpu_target <= 1)
