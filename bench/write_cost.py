# SPDX-License-Identifier: PostgreSQL
"""What an index costs the statements that write its table: the figures behind src/advise/index/write_cost.h.

Two tables that are the same but for the indexes are written by the same statements in turns, `BLOCKS` times; the median difference of what
pg_stat_statements counts is the index's, with its 95 % interval by drawing blocks again. None of the tables is one of the workloads of `improvement.py`, by which the formula is judged.
Each case is measured warm (nothing else runs) and cold (each call after one that reads 4 MB of something else, as calls among others
find the processor's caches), with and without a checkpoint just before (then each page's first change is logged whole).

First, what statements of one row take as they are, by indexes, foreign keys and expressions, all of them in turns and so with the caches
as in a mix (`WRITE_COST_KIND=pace` alone): src/advise/write_pace.h compares a server's own statements with these.
"""
import contextlib
import os
import random
import statistics
import subprocess

from machine import autocommit
from servers import Server, client_program

BLOCKS = int(os.environ.get("WRITE_COST_BLOCKS", "12"))
CALLS = int(os.environ.get("WRITE_COST_CALLS", "600"))
ROWS = int(os.environ.get("WRITE_COST_ROWS", "200000"))
ONLY = os.environ.get("WRITE_COST_ONLY", "")
KINDS = os.environ.get("WRITE_COST_KIND", "")
MAJOR = int(os.environ.get("WRITE_COST_MAJOR", "15"))

COLUMNS = """id bigint PRIMARY KEY, number int, moment timestamptz, word text, code uuid, flag bool, note text, tags text[], period tstzrange"""
VALUES = """{n}, {r}, timestamptz '2026-01-01' + {n} * interval '1 second', md5({r}::text), md5({r}::text)::uuid, {r} % 10 = 0, repeat('x', 40),
 ARRAY['a' || {r} % 10, 'b' || {r} % 50, 'c' || {r} % 500], tstzrange(timestamptz '2026-01-01' + {r} * interval '1 second', NULL)"""
INSERT = "INSERT INTO {table} SELECT " + VALUES.format(n=":n", r="(:r::int)")
MANY = "INSERT INTO {table} SELECT " + VALUES.format(n="(:n + i)", r="((:r + i * 7919) % 1000000)") + " FROM generate_series(1, 100) i"
SPREAD = [("number", "number"), ("moment", "moment"), ("word", "word"), ("code", "code"), ("pair", "flag, number")]
# name: (statement, rows a call, indexes of both tables, indexes of the second alone)
CASES = {
    **{f"insert, {name}": (INSERT, 1, [], [f"({keys})"]) for name, keys in SPREAD},
    "insert, number, 4 others": (INSERT, 1, ["(moment)", "(word)", "(code)", "(flag, number)"], ["(number)"]),
    "insert, 4 at once": (INSERT, 1, [], ["(moment)", "(word)", "(code)", "(number)"]),
    "insert, partial tenth": (INSERT, 1, [], ["(number) WHERE flag"]),
    "insert, gin": (INSERT, 1, [], ["USING gin (tags)"]),
    "insert, gist range": (INSERT, 1, [], ["USING gist (period)"]),
    "insert, brin": (INSERT, 1, [], ["USING brin (moment)"]),
    "insert of 100, number": (MANY, 100, [], ["(number)"]),
    "insert of 100, moment": (MANY, 100, [], ["(moment)"]),
    "insert of 100, word": (MANY, 100, [], ["(word)"]),
    "update, already not hot": ("UPDATE {table} SET number = :r WHERE id = :old", 1, ["(number)"], ["(moment)"]),
    "update, already not hot, both": ("UPDATE {table} SET number = :r WHERE id = :old", 1, ["(number)"], ["(flag, number)"]),
    "update, hot ended, key alone": ("UPDATE {table} SET number = :r WHERE id = :old", 1, [], ["(number)"]),
    "update, hot ended, 2 others": ("UPDATE {table} SET number = :r WHERE id = :old", 1, ["(moment)", "(code)"], ["(number)"]),
    "update, hot ended, 4 others": ("UPDATE {table} SET number = :r WHERE id = :old", 1, ["(moment)", "(code)", "(word)", "(flag)"], ["(number)"]),
    "update of 100, hot ended, 2 others": ("UPDATE {table} SET number = number + 1 WHERE id BETWEEN :old AND :old + 99", 100, ["(moment)", "(code)"], ["(number)"]),
    "delete": ("DELETE FROM {table} WHERE id = :old", 1, [], ["(number)", "(word)"]),
}
# table: (has a primary key, its other indexes, foreign keys, identity, statement)
BARE = "INSERT INTO {table} VALUES (:n, :r, :q, 5, :w)"
RICH = ("INSERT INTO {table} SELECT :n, :r, (:q::int), length(repeat('x', 40)), md5(:w::text) || ARRAY['a' || :r % 10, 'b' || :q % 50]::text "
        "|| jsonb_build_object('kind', 'k' || :r % 5, 'at', now())::text")
BY_KEY = "UPDATE {table} SET a = :r WHERE id = :old"
PACES = {
    "insert, bare": (False, [], 0, False, BARE),
    "insert, key": (True, [], 0, False, BARE),
    "insert, key and 1": (True, ["(a)"], 0, False, BARE),
    "insert, key and 3": (True, ["(a)", "(b)", "(w)"], 0, False, BARE),
    "insert, key, 1 foreign": (True, [], 1, False, BARE),
    "insert, key, 2 foreign": (True, [], 2, False, BARE),
    "insert, identity": (True, [], 0, True, "INSERT INTO {table} (a, b, c, w) VALUES (:r, :q, 5, :w)"),
    "insert, expressions": (True, [], 0, False, RICH),
    "update by key, hot": (True, [], 0, False, BY_KEY),
    "update by key, hot, 3 others": (True, ["(b)", "(w)", "(c)"], 0, False, BY_KEY),
    "update by key, key and 3 written": (True, ["(a)", "(w)", "(c)"], 0, False, BY_KEY),
}
STATISTICS = """SELECT sum(total_exec_time) / sum(calls) * 1000, sum(wal_bytes) / sum(calls), sum(wal_fpi)::float8 / sum(calls)
FROM pg_stat_statements WHERE query ~ '^(INSERT|UPDATE|DELETE)' AND query ~ '{table}'"""


def build(cursor, table, indexes):
    cursor.execute(f"DROP TABLE IF EXISTS {table}")
    cursor.execute(f"CREATE TABLE {table} ({COLUMNS}) WITH (fillfactor = 80)")
    cursor.execute(f"INSERT INTO {table} SELECT " + VALUES.format(n="i", r="(i * 7919::bigint % 1000000)") + f" FROM generate_series(1, {ROWS}) i")
    for index in indexes:
        cursor.execute(f"CREATE INDEX ON {table} {index}")
    cursor.execute(f"VACUUM ANALYZE {table}")
    cursor.execute(f"SELECT pg_prewarm('{table}'), sum(pg_prewarm(indexrelid)) FROM pg_index WHERE indrelid = '{table}'::regclass")


def script(home, table, statement, rows, first, is_cold):
    path = home / f"{table}.sql"
    lines = ["SELECT sum(length(body)) FROM other WHERE id BETWEEN :c AND :c + 1999;"] if is_cold else []
    path.write_text(f"\\set r random(0, 999999)\n\\set old random(1, {ROWS - 100})\n\\set c random(1, 18000)\n"
                    f"\\set n {first} + :step * {rows}\n\\set step :step + 1\n" + "\n".join([*lines, statement.format(table=table) + ";"]) + "\n", encoding="utf-8")
    return path


def block(server, cursor, home, table, statement, rows, first, seed, is_cold, calls):
    cursor.execute("SELECT pg_stat_statements_reset()")
    subprocess.run([client_program("pgbench"), "-n", "-M", "prepared", "-t", str(calls), "-D", "step=0", f"--random-seed={seed}",
                    "-f", str(script(home, table, statement, rows, first, is_cold)), server.dsn("postgres")], check=True, capture_output=True)
    cursor.execute(STATISTICS.format(table=table))
    return cursor.fetchone()


def interval(differences):
    generator = random.Random(1)
    drawn = sorted(statistics.median(generator.choices(differences, k=len(differences))) for _ in range(1000))
    return statistics.median(differences), drawn[25], drawn[974]


def measure(server, cursor, home, name, is_cold, is_after_checkpoint):
    statement, rows, shared, further = CASES[name]
    build(cursor, "lean", shared)
    build(cursor, "laden", shared + further)
    calls = CALLS // 10 if rows > 1 else CALLS // 3 if is_cold or is_after_checkpoint else CALLS
    base, differences, wal, images = [], [], [], []
    for number in range(-1, BLOCKS):
        figures = {}
        for table in ("lean", "laden") if number % 2 else ("laden", "lean"):
            if is_after_checkpoint:
                cursor.execute("CHECKPOINT")
            figures[table] = block(server, cursor, home, table, statement, rows, ROWS + (number + 2) * calls * rows, number + 2, is_cold, calls)
        if number >= 0:
            base.append(figures["lean"][0])
            differences.append(figures["laden"][0] - figures["lean"][0])
            wal.append(float(figures["laden"][1] - figures["lean"][1]))
            images.append(figures["laden"][2] - figures["lean"][2])
    point, low, high = interval(differences)
    kind = ("cold" if is_cold else "warm") + (", after a checkpoint" if is_after_checkpoint else "")
    print(f"    {name:36s} {kind:24s} {statistics.median(base):7.1f} us a call {point:+7.1f} [{low:+7.1f}, {high:+7.1f}]   "
          f"WAL {statistics.mean(wal):+7.0f} bytes, {statistics.mean(images):+5.2f} page images", flush=True)


def build_paces(cursor):
    for number in range(2):
        cursor.execute(f"CREATE TABLE parent{number} (id int PRIMARY KEY); INSERT INTO parent{number} SELECT generate_series(1, 100000)")
    for number, (has_key, indexes, foreign, is_identity, _) in enumerate(PACES.values()):
        references = ["REFERENCES parent0" if foreign > 0 else "", "REFERENCES parent1" if foreign > 1 else ""]
        cursor.execute(f"CREATE TABLE pace{number} (id bigint {'GENERATED BY DEFAULT AS IDENTITY' if is_identity else ''} {'PRIMARY KEY' if has_key else ''}, "
                       f"a int {references[0]}, b int {references[1]}, c int, w text) WITH (fillfactor = 80)")
        cursor.execute(f"INSERT INTO pace{number} SELECT i, 1 + i * 7919::bigint % 100000, 1 + i * 31337::bigint % 100000, i % 1000, md5(i::text) "
                       f"FROM generate_series(1, {ROWS}) i")
        if is_identity:
            cursor.execute(f"ALTER TABLE pace{number} ALTER id RESTART WITH {ROWS + 1}")
        for index in indexes:
            cursor.execute(f"CREATE INDEX ON pace{number} {index}")
    cursor.execute("VACUUM ANALYZE")
    cursor.execute("SELECT sum(pg_prewarm(oid)) FROM pg_class WHERE relkind IN ('r', 'i') AND relname ~ '^(pace|parent)'")


def paces(server, cursor, home):
    """What each statement takes among the others, and what it takes at its quickest."""
    build_paces(cursor)
    for block_number, (kind, calls) in enumerate((("mixed", 2000), ("cold", 250)) * 2):
        lines = [f"\\set n {(block_number + 2) * 1_000_000} + :step", "\\set step :step + 1"]
        for number, (*_, statement) in enumerate(PACES.values()):
            lines += ["\\set r random(1, 100000)", "\\set q random(1, 100000)", "\\set w random(1, 1000000000)", f"\\set old random(1, {ROWS})",
                      "\\set c random(1, 18000)"]
            lines += ["SELECT sum(length(body)) FROM other WHERE id BETWEEN :c AND :c + 1999;"] if kind == "cold" else []
            lines.append(statement.format(table=f"pace{number}") + ";")
        path = home / "paces.sql"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        cursor.execute("SELECT pg_stat_statements_reset()")
        subprocess.run([client_program("pgbench"), "-n", "-M", "prepared", "-t", str(calls), "-D", "step=0", f"--random-seed={block_number}",
                        "-f", str(path), server.dsn("postgres")], check=True, capture_output=True)
        for number, name in enumerate(PACES):
            cursor.execute("SELECT sum(total_exec_time) / sum(calls) * 1000, min(min_exec_time) * 1000 FROM pg_stat_statements "
                           f"WHERE query ~ '^(INSERT|UPDATE) .*pace{number} '")
            print("    {:36s} {:24s} {:7.1f} us a call, {:6.1f} at the quickest".format(name, kind, *cursor.fetchone()), flush=True)


def bench(_, home):
    print(f"== what indexes cost writes: {ROWS} rows, {BLOCKS} blocks in turns")
    server = Server(MAJOR, conf=["shared_buffers = 1GB", "max_wal_size = 8GB", "checkpoint_timeout = 1h", "autovacuum = off"])
    try:
        with contextlib.closing(autocommit(server.dsn("postgres"))) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements; CREATE EXTENSION pg_prewarm")
            cursor.execute("CREATE TABLE other (id int PRIMARY KEY, body text); ALTER TABLE other ALTER body SET STORAGE PLAIN; "
                           "INSERT INTO other SELECT i, repeat('x', 2000) FROM generate_series(1, 20000) i")
            cursor.execute("VACUUM ANALYZE other")
            if KINDS in ("", "pace") and ONLY == "":
                paces(server, cursor, home)
            for name in CASES:
                if ONLY in name:
                    for is_cold, is_after_checkpoint in ((False, False), (True, False), (False, True)):
                        if KINDS == "" or KINDS == ("cold" if is_cold else "images" if is_after_checkpoint else "warm"):
                            measure(server, cursor, home, name, is_cold, is_after_checkpoint)
    finally:
        server.close()
