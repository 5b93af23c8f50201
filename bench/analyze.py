# SPDX-License-Identifier: PostgreSQL
"""Index advice for a database of a thousand tables, with 500 statements: how long with the default time limit, how good, how much memory.

A tenth of the tables hold 20,000 rows, the rest 200. The statements filter, join, sort and group as an application's do; most of them
ask the large tables. The twin is there already (`twin.py` measures making it), as it is for a service that runs.
"""
import json
import os
import random
import subprocess
import time

from machine import FETTLE, autocommit, bar

TABLES = int(os.environ.get("BENCH_TABLES", "1000"))
STATEMENTS = 500
LARGE = 10  # every tenth table


def tables(server):
    server.sql("CREATE DATABASE broad")
    connection = autocommit(server.dsn("broad"))
    with connection.cursor() as cursor:
        for n in range(TABLES):
            rows = 20_000 if n % LARGE == 0 else 200
            cursor.execute(f"CREATE TABLE b{n} (id int PRIMARY KEY, parent int, state text, amount numeric, made timestamptz, owner int, note text, flag bool);"
                           f"INSERT INTO b{n} SELECT g, g % 1000, (ARRAY['new', 'paid', 'sent', 'done'])[1 + (g % 40) / 13], g % 977, "
                           f"timestamptz '2026-01-01' + g * interval '1 minute', g * 7 % 5000, md5(g::text), g % 50 = 0 FROM generate_series(1, {rows}) g")
        cursor.execute("VACUUM ANALYZE")
    connection.close()


def statement(rng):
    large = rng.random() < 0.8
    n = rng.randrange(0, TABLES, LARGE) if large else rng.randrange(TABLES)
    m = rng.randrange(0, TABLES, LARGE)
    condition = rng.choice([f"a.owner = {rng.randrange(5000)}", f"a.parent = {rng.randrange(1000)} AND a.state = 'paid'",
                            f"a.made >= timestamptz '2026-01-0{rng.randrange(1, 9)}' AND a.made < timestamptz '2026-01-0{rng.randrange(1, 9)}' + interval '1 hour'",
                            "a.flag AND a.state = 'new'", f"a.amount > {rng.randrange(900, 977)} AND a.owner < 500", f"a.note = md5('{rng.randrange(20000)}')"])
    return rng.choice([f"SELECT * FROM b{n} a WHERE {condition}", f"SELECT a.id, a.note FROM b{n} a WHERE {condition} ORDER BY a.made DESC LIMIT 20",
                       f"SELECT a.state, count(*), sum(a.amount) FROM b{n} a WHERE {condition} GROUP BY a.state",
                       f"SELECT a.id, c.note FROM b{n} a JOIN b{m} c ON c.parent = a.id WHERE {condition}",
                       f"UPDATE b{n} a SET amount = amount + 1 WHERE {condition}"])


def advise(home, *arguments):
    """(report, wall seconds, peak memory in MB of Fettle itself)"""
    started = time.monotonic()
    process = subprocess.Popen([FETTLE, "advise", "--json", "--no-verify", *map(str, arguments)], stdout=subprocess.PIPE,
                               env={**os.environ, "FETTLE_DATA": str(home), "TERM": "dumb"})
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, 10), out
    return json.loads(out), time.monotonic() - started, usage.ru_maxrss / 1024


def bench(server, home):
    print(f"== index advice for {TABLES} tables and {STATEMENTS} statements")
    tables(server)
    rng = random.Random(STATEMENTS)
    file = home / "broad.sql"
    file.write_text("".join(f"{text};\n" for text in dict.fromkeys(statement(rng) for _ in range(STATEMENTS))), encoding="utf-8")
    target = server.dsn("broad")
    subprocess.run([FETTLE, "twin", "build", "--json", "--rebuild", target], check=True, capture_output=True,
                   env={**os.environ, "FETTLE_DATA": str(home)})
    report, wall, memory = advise(home, "--workload", file, target)
    print(f"  {wall:.1f} s wall, {memory:.0f} MB of Fettle; {report['workload']['statements']} statements, {report['workload']['costed']} costed, "
          f"{report['planner_questions']} questions, {len(report['recommendations'])} recommendations, planner cost "
          f"{report['cost_after'] / report['cost_before']:.3f} of before{', stopped by the limit' if report['stopped_early'] else ''}")
    full, long_wall, _ = advise(home, "--workload", file, "--time", "10min", target)
    print(f"  without the limit {long_wall:.1f} s: {full['planner_questions']} questions, {full['cost_after'] / full['cost_before']:.3f} of before")
    bar("advice of 500 statements", f"{wall:.1f} s, bar 10 s; {100 * (report['cost_before'] - report['cost_after']) / max(1e-9, full['cost_before'] - full['cost_after']):.0f} % "
        "of the gain without a limit, bar 80 %", wall < 10 and report["cost_before"] - report["cost_after"] >= 0.8 * (full["cost_before"] - full["cost_after"]))
