#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Twin build and refresh, load on the target, memory, what-if speed beside HypoPG, what-if indexes beside really built ones.

Wall times are the machine's of the moment; ratios and CPU times are what to quote.
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
from servers import Server  # noqa: E402  (the harness of the tests)

import psycopg2  # noqa: E402

FETTLE = str(ROOT / "build" / "src" / "cli" / "fettle")
TABLES = int(os.environ.get("BENCH_TABLES", "1000"))


def fettle(home, *arguments):
    environment = {**os.environ, "FETTLE_DATA": str(home), "TERM": "dumb"}
    before = os.times()
    started = time.monotonic()
    run = subprocess.run([FETTLE, *map(str, arguments)], capture_output=True, text=True, env=environment, check=False)
    after = os.times()
    assert run.returncode in (0, 10), run.stderr
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return run.stdout, time.monotonic() - started, cpu


def backend_cpu(server):
    """CPU seconds of all processes of a server so far, the finished ones included by way of the postmaster."""
    total = 0
    for entry in pathlib.Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if entry.name == str(server.process.pid):
            total += sum(map(int, fields[11:15]))
        elif fields[1] == str(server.process.pid):
            total += sum(map(int, fields[11:13]))
    return total / os.sysconf("SC_CLK_TCK")


def many_tables(server):
    server.sql("CREATE DATABASE many")
    connection = psycopg2.connect(server.dsn("many"))
    connection.autocommit = True
    cursor = connection.cursor()
    for n in range(TABLES):
        columns = ", ".join(f"c{k} {('int', 'text', 'numeric', 'timestamptz')[k % 4]}" for k in range(1, 10))
        cursor.execute(f"CREATE TABLE t{n} (id int PRIMARY KEY, {columns}); CREATE INDEX ON t{n} (c1, c2); CREATE INDEX ON t{n} (c3);"
                       f"INSERT INTO t{n} SELECT g, 'x' || g, g / 7, now(), g % 9, 'y', 1, now(), g, 'z' FROM generate_series(1, 200) g")
    cursor.execute("ANALYZE")
    connection.close()


def bench_twin(server, home):
    print(f"== twin of {TABLES} tables, {3 * TABLES} indexes, {10 * TABLES} columns")
    many_tables(server)
    target = server.dsn("many")
    before = backend_cpu(server)
    out, _, cpu = fettle(home, "twin", "build", "--json", "--rebuild", target)
    print(f"  build    {json.loads(out)['build_ms'] / 1000:6.1f} s   (CPU of Fettle and its cluster {cpu:.1f} s)")
    print(f"  CPU on the target for one read: {backend_cpu(server) - before:.2f} s")
    server.sql("INSERT INTO t1 SELECT g, 'n', 1, now(), 1, 'y', 1, now(), 1, 'z' FROM generate_series(1000, 3000) g; ANALYZE t1", "many")
    before = backend_cpu(server)
    out, wall, cpu = fettle(home, "twin", "build", "--json", target)
    report = json.loads(out)
    assert report["refreshed"]
    print(f"  refresh  {report['build_ms'] / 1000:6.1f} s   (whole command {wall:.1f} s, CPU {cpu:.1f} s, on the target {backend_cpu(server) - before:.2f} s)")


def rate(cursor, questions, seconds=3):
    """Questions per second and per CPU-second of this session's backend."""
    cursor.execute("SELECT pg_backend_pid()")
    stat = pathlib.Path(f"/proc/{cursor.fetchone()[0]}/stat")
    ticks = lambda: sum(map(int, stat.read_text().rsplit(")", 1)[1].split()[11:13]))
    count, start, cpu = 0, time.monotonic(), ticks()
    while time.monotonic() - start < seconds:
        questions(cursor)
        count += 1
    return count / (time.monotonic() - start), count / max(0.01, (ticks() - cpu) / os.sysconf("SC_CLK_TCK"))


QUERIES = {
    "one table": "SELECT * FROM a0 WHERE k = 7",
    "four tables": "SELECT * FROM a0, a1, a2, a3 WHERE a0.k = 7 AND a1.id = a0.id AND a2.id = a1.id AND a3.id = a2.id",
    "eight tables": "SELECT * FROM " + ", ".join(f"a{n}" for n in range(8)) + " WHERE a0.k = 7 AND "
                    + " AND ".join(f"a{n + 1}.id = a{n}.id" for n in range(7)),
}


def bench_whatif(server, home):
    print("== what-if questions a second: an index made, EXPLAIN, undone")
    server.sql("CREATE DATABASE work")
    for n in range(8):
        server.sql(f"CREATE TABLE a{n} AS SELECT g AS id, g % 1000 AS k FROM generate_series(1, 20000) g; "
                   f"ALTER TABLE a{n} ADD PRIMARY KEY (id); ANALYZE a{n}", "work")
    server.sql("CREATE EXTENSION hypopg", "work")
    fettle(home, "twin", "build", server.dsn("work"))
    # The twin's cluster is started as Fettle starts it, to be asked from here.
    binaries = server.binaries
    data = home / "cluster-15" / "data"
    socket = home / "cluster-15" / "socket"
    from servers import drop_rights
    process = subprocess.Popen([f"{binaries}/postgres", "-D", str(data)], cwd="/", preexec_fn=drop_rights, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                admin = psycopg2.connect(f"host={socket} user=fettle dbname=postgres")
                break
            except psycopg2.OperationalError:
                time.sleep(0.05)
        memory = sum(int(line.split()[1]) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit()
                     and (entry.name == str(process.pid) or is_child(entry, process.pid))
                     for line in (entry / "smaps_rollup").read_text().splitlines() if line.startswith("Pss:"))
        print(f"  idle private cluster: {memory / 1024:.1f} MB (proportional share)")
        with admin.cursor() as cursor:
            cursor.execute("SELECT datname FROM pg_database WHERE shobj_description(oid, 'pg_database') LIKE '% work'")
            twin = cursor.fetchone()[0]
        admin.close()
        ask_both(server, f"host={socket} user=fettle_twin dbname={twin}")
    finally:
        process.send_signal(2)
        process.wait()


def is_child(entry, parent):
    try:
        return (entry / "stat").read_text().rsplit(")", 1)[1].split()[1] == str(parent)
    except (OSError, IndexError):
        return False


def ask_both(server, twin_dsn):
    twin = psycopg2.connect(twin_dsn)
    twin.autocommit = True
    target = psycopg2.connect(server.dsn("work"))
    target.autocommit = True
    for name, query in QUERIES.items():
        def on_twin(cursor, query=query):
            cursor.execute("BEGIN; CREATE INDEX w ON a0 (k)")
            cursor.execute("EXPLAIN (FORMAT JSON) " + query)
            cursor.execute("ROLLBACK")

        def on_target(cursor, query=query):
            cursor.execute("SELECT hypopg_create_index('CREATE INDEX ON a0 (k)')")
            cursor.execute("EXPLAIN (FORMAT JSON) " + query)
            cursor.execute("SELECT hypopg_reset()")

        with twin.cursor() as cursor:
            cursor.execute("SET jit = off")
            ours = rate(cursor, on_twin)
        with target.cursor() as cursor:
            cursor.execute("SET jit = off")
            theirs = rate(cursor, on_target)
        print(f"  {name:13s} twin {ours[0]:6.0f}/s ({ours[1]:6.0f} per CPU s)   HypoPG on the target {theirs[0]:6.0f}/s "
              f"({theirs[1]:6.0f} per CPU s)   ratio {ours[1] / theirs[1]:.2f}")
    twin.close()
    target.close()


CANDIDATES = [("orders", "customer_id"), ("orders", "customer_id, created_at"), ("orders", "status, created_at"), ("orders", "coupon"),
              ("orders", "total"), ("orders", "updated_at"), ("order_items", "product_id"), ("order_items", "product_id, order_id"),
              ("order_items", "price"), ("payments", "order_id"), ("payments", "method"), ("payments", "paid_at"),
              ("payments", "amount, method"), ("reviews", "product_id"), ("reviews", "product_id, created_at"),
              ("reviews", "customer_id"), ("reviews", "rating"), ("customers", "email"), ("customers", "country, city"),
              ("customers", "name"), ("customers", "created_at"), ("products", "category_id, price"), ("products", "stock"),
              ("events", "customer_id, created_at"), ("events", "kind"), ("events", "session")]


def bench_sizes(server, home):
    print("== a what-if index beside the same index really built (26 B-trees on the shop)")
    server.sql("CREATE DATABASE shop")
    server.psql("shop", "-f", ROOT / "demo" / "schema.sql")
    server.psql("shop", "-v", "scale=0.1", "-f", ROOT / "demo" / "load.sql")
    server.sql("CREATE EXTENSION hypopg", "shop")
    ours, theirs, costs = [], [], []
    for table, columns in CANDIDATES:
        first = columns.split(",")[0]
        query = f"SELECT {first} FROM {table} ORDER BY {columns} LIMIT 1000"
        out, _, _ = fettle(home, "explain", "--json", server.dsn("shop"), "-s", query, "-i", f"CREATE INDEX w ON {table} ({columns})")
        assumed = json.loads(out)["cost_after"]
        work = psycopg2.connect(server.dsn("shop"))
        work.autocommit = True
        with work.cursor() as cursor:
            cursor.execute("SELECT indexrelid FROM hypopg_create_index(%s)", (f"CREATE INDEX ON {table} ({columns})",))
            cursor.execute("SELECT coalesce(sum(hypopg_relation_size(indexrelid)), 0) FROM hypopg_list_indexes")
            hypo = float(cursor.fetchone()[0])
            cursor.execute("SELECT hypopg_reset()")
            cursor.execute(f"CREATE INDEX w ON {table} ({columns})")
            cursor.execute("SELECT coalesce(sum(pg_relation_size(relid)), pg_relation_size('w')) FROM pg_partition_tree('w') WHERE isleaf")
            real = float(cursor.fetchone()[0])
            cursor.execute("SET jit = off; EXPLAIN (FORMAT JSON) " + query)
            built = cursor.fetchone()[0][0]["Plan"]["Total Cost"]
            cursor.execute("DROP INDEX w")
        work.close()
        if hypo > 0:
            theirs.append(max(hypo / real, real / hypo))
        costs.append(abs(assumed - built) / built)
        ours.append((table, columns, real))
    costs.sort()
    print(f"  cost with the supposed index against the built one: median error {statistics.median(costs) * 100:.2f} %, "
          f"90th percentile {costs[int(0.9 * len(costs))] * 100:.2f} %")
    sizes = sizes_of_advice(server, home, ours)
    print(f"  size factor: twin median {statistics.median(sizes):.2f}, 90th percentile {sizes[int(0.9 * len(sizes))]:.2f}; "
          f"HypoPG median {statistics.median(theirs):.2f}, 90th percentile {sorted(theirs)[int(0.9 * len(theirs))]:.2f}")


def sizes_of_advice(server, home, built):
    """The module's own estimate for each candidate, asked through the twin's cluster as Fettle does."""
    from servers import drop_rights
    process = subprocess.Popen([f"{server.binaries}/postgres", "-D", str(home / "cluster-15" / "data")], cwd="/",
                               preexec_fn=drop_rights, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1)
    factors = []
    try:
        socket = home / "cluster-15" / "socket"
        with psycopg2.connect(f"host={socket} user=fettle dbname=postgres") as admin, admin.cursor() as cursor:
            cursor.execute("SELECT datname FROM pg_database WHERE shobj_description(oid, 'pg_database') LIKE '% shop'")
            twin = cursor.fetchone()[0]
        connection = psycopg2.connect(f"host={socket} user=fettle dbname={twin}")
        connection.autocommit = True
        with connection.cursor() as cursor:
            for table, columns, real in built:
                cursor.execute(f"BEGIN; CREATE INDEX w ON {table} ({columns})")
                cursor.execute("SELECT coalesce((SELECT sum((fettle_twin.index_estimate(relid)).blocks) FROM pg_partition_tree('w') WHERE isleaf), "
                               "(fettle_twin.index_estimate('w')).blocks) WHERE EXISTS (SELECT FROM pg_class WHERE relname = 'w' AND relkind = 'i') "
                               "UNION ALL SELECT sum((fettle_twin.index_estimate(relid)).blocks) FROM pg_partition_tree('w') WHERE isleaf "
                               "HAVING count(*) > 0")
                estimate = float(cursor.fetchone()[0]) * 8192
                cursor.execute("ROLLBACK")
                factors.append(max(estimate / real, real / estimate))
        connection.close()
    finally:
        process.send_signal(2)
        process.wait()
    return sorted(factors)


def main():
    server = Server(15, conf=["shared_buffers = 256MB"])
    home = pathlib.Path(tempfile.mkdtemp(prefix="fettle-bench", dir="/tmp"))
    os.chmod(home, 0o755)
    try:
        wanted = sys.argv[1:] or ["whatif", "sizes", "twin"]
        for name, bench in (("whatif", bench_whatif), ("sizes", bench_sizes), ("twin", bench_twin)):
            if name in wanted:
                bench(server, home)
    finally:
        server.close()
        subprocess.run(["rm", "-rf", str(home)], check=False)


main()
