# SPDX-License-Identifier: PostgreSQL
"""What the advised indexes really do to a workload: four schemas, each twice, without and with the indexes, run in turns.

A database is loaded, its load is run for the server's statistics, Fettle advises. A copy of the database gets the indexes. Then the
same transactions (same seed) run on both in turns, `BLOCKS` times, and the server's own execution times are compared statement by
statement. A ratio is time with the indexes / time without, over all blocks; its 95 % interval comes from drawing whole blocks again
(bootstrap), so noise that lasts longer than a statement is in it. Both databases lie in memory whole, as what is in use does: else the
one whose statements read all of a table would warm it for its others.

Of a hundred statements some look slower by chance. Those that do are measured once more, by as many blocks of other transactions, and
count when they are slower in these too. `IMPROVEMENT_SCALE` changes the size, `IMPROVEMENT_ONLY` names one, with each of
`IMPROVEMENT_SEEDS` (0,1,...) all is done, with other transactions and other rows as far as they are drawn (of pgbench only its history).

What writes lose is measured apart, on equal ground: the planner of the copy is kept from its new indexes (they are marked as not valid,
and are written all the same), so that both databases run the same plans in the same company, and only the pages that write are run.
Else the database without the indexes writes with caches that its own scans emptied, and the loss hides behind that. A write that itself
gains by an index would be a scan of milliseconds on both sides, in whose noise the entry is lost: it is not run, and its
table is left out of both sides. What is printed is a part of the time that statements took when they were learnt, among scans and with
colder caches; what is lost is a part of the time that they take now, often half as long. So parts are compared: throughput lost, in percent
of the writes' own time, printed for the calls measured, table by table; milliseconds of either are told beside it. Blocks in turns are added
until the interval of what is lost is at most half as wide as the printed one, `LOSS_BLOCKS` at most. The point must lie within the printed one.
"""
import contextlib
import os
import random
import re
import subprocess

import psycopg2
from machine import ROOT, Run, autocommit, bar
from servers import Server, client_program
from workloads import load_shop

BLOCKS = 8
LOSS_BLOCKS = 48
LEARNT = 5  # blocks that run before the advice
ADVICE_TIME = "60s"  # enough on a machine that others use: what is measured are the indexes, not how fast they are found
SEED = 20_000
SEEDS = [int(word) for word in os.environ.get("IMPROVEMENT_SEEDS", "0").split(",")]
SCALE = float(os.environ.get("IMPROVEMENT_SCALE", "0.1"))
WORKLOADS = ROOT / "bench" / "workloads"
STATISTICS = """SELECT regexp_replace(query, '\\s+', ' ', 'g'), sum(calls)::float8, sum(total_exec_time), sum(shared_blks_hit + shared_blks_read)::float8
FROM pg_stat_statements JOIN pg_database d ON d.oid = dbid
WHERE datname = current_database() AND query ~* '^(SELECT|INSERT|UPDATE|DELETE)' AND query !~ 'pg_stat_statements|pg_prewarm' GROUP BY 1"""
WARM = """SELECT sum(pg_prewarm(c.oid)) FROM pg_class c WHERE relkind IN ('r', 'i', 't', 'm') AND relpersistence <> 't'"""


def rows(count, least=10):
    return max(least, -(-int(count * SCALE * 10) // 10))


def seed_of(seed):
    """What psql gets; nothing for 0, the rows as always."""
    return (0.1 + 0.137 * seed) % 1 if seed else None


def load_own(name):
    def load(server, seed):
        given = ["-v", f"seed={seed_of(seed)}"] if seed else []
        server.sql(f"CREATE DATABASE {name}")
        server.psql(name, "-f", WORKLOADS / name / "schema.sql")
        server.psql(name, "-v", f"scale={SCALE}", *given, "-f", WORKLOADS / name / "load.sql")
    return load


def load_pgbench(server, seed):
    """The tables of pgbench -i with a history, as after some weeks."""
    server.sql("CREATE DATABASE pgbench")
    pgbench = [client_program("pgbench"), "-h", str(server.directory), "-p", str(server.port), "-U", "postgres"]
    subprocess.run([*pgbench, "-i", "-q", "-s", str(rows(100)), "pgbench"], check=True, capture_output=True)
    server.sql("CREATE EXTENSION pg_stat_statements; INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) "
               f"SELECT 1 + n % {rows(1000)}, 1 + n % {rows(100)}, 1 + (n + {seed * 1_000_003}) * 7919::bigint % {rows(10_000_000)}, n % 5000 - 2500, "
               f"timestamp '2026-06-01' + n * interval '1 second' FROM generate_series(1, {rows(3_000_000)}) n", "pgbench")
    server.sql("VACUUM ANALYZE", "pgbench")


# name: (loader, pages with how often each comes up, variables of the pages, transactions in a block)
SETS = {
    "shop": (lambda server, seed: load_shop(server, SCALE, seed=seed_of(seed)), ROOT / "demo" / "load", re.findall(r"(\w+)@(\d+)", (ROOT / "demo" / "run").read_text(encoding="utf-8")),
             {"customers": rows(200_000), "orders": rows(1_000_000), "products": rows(20_000), "sessions": rows(250_000)}, 400),
    "pgbench": (load_pgbench, WORKLOADS / "pgbench" / "load",
                [("transfer", 60), ("history", 20), ("teller", 5), ("branch", 1), ("poorest", 1)], {"scale": rows(100)}, 400),
    "saas": (load_own("saas"), WORKLOADS / "saas" / "load",
             [("board", 20), ("my_issues", 15), ("issue_page", 20), ("inbox", 20), ("login", 10), ("people", 5), ("labels", 3), ("customer", 3),
              ("overdue", 1), ("report", 1), ("audit_trail", 2), ("comment", 8), ("move", 6), ("read_all", 4), ("audit_write", 20)],
             {"tenants": max(20, rows(400)), "members": rows(40_000), "projects": rows(4_000), "issues": rows(1_000_000)}, 300),
    "events": (load_own("events"), WORKLOADS / "events" / "load",
               [("latest", 10), ("curve", 5), ("last_hour", 5), ("bad_readings", 1), ("open_alarms", 4), ("device_alarms", 6), ("active_at", 3),
                ("serial", 6), ("session", 6), ("campaign", 2), ("daily", 1), ("measure", 40), ("view", 20), ("alarm", 5)],
               {"sites": max(20, rows(200)), "devices": rows(5_000), "views": rows(1_000_000), "alarms": rows(300_000)}, 200),
}


def pages_of(name):
    _, folder, pages, *_ = SETS[name]
    return [(folder / f"{page}.sql", weight) for page, weight in pages]


def run_load(server, database, name, seed, reset=True, pages=None):
    """One block of transactions on a database; what each statement cost there: {text: (calls, ms, pages)}."""
    *_, variables, transactions = SETS[name]
    scripts = [argument for path, weight in pages or pages_of(name) for argument in ("-f", f"{path}@{weight}")]
    given = [argument for variable, value in variables.items() for argument in ("-D", f"{variable}={value}")]
    with contextlib.closing(autocommit(server.dsn(database))) as connection, connection.cursor() as cursor:
        if reset:
            cursor.execute("SELECT pg_stat_statements_reset()")
        subprocess.run([client_program("pgbench"), "-n", "-M", "prepared", "-t", str(transactions), f"--random-seed={seed}", *given, *scripts,
                        server.dsn(database)], check=True, capture_output=True)
        cursor.execute(STATISTICS)
        return {text: figures for text, *figures in cursor.fetchall()}


def apply(server, database, advice):
    """Builds what was advised, as it stands; what the server refuses is a fault of the advice and is shown."""
    with contextlib.closing(autocommit(server.dsn(database))) as connection, connection.cursor() as cursor:
        for recommendation in advice["recommendations"]:
            for statement in filter(str.strip, recommendation["statement"].split(";")):
                try:
                    cursor.execute(statement)
                except psycopg2.Error as error:
                    print(f"    refused: {statement.strip()}: {str(error).splitlines()[0]}")
        cursor.execute("VACUUM ANALYZE")


def warm(server, database):
    server.sql("CREATE EXTENSION pg_prewarm", database)
    server.sql(WARM, database)


def total(blocks, texts, figure=1):
    return sum(block[text][figure] for block in blocks for text in texts if text in block)


def ratio_of(before, after, texts):
    """(ratio, low, high): time with the indexes / time without of these statements, 95 % by drawing blocks again."""
    generator = random.Random(len(before))
    drawn = []
    for _ in range(1000):
        picked = [generator.randrange(len(before)) for _ in before]
        drawn.append(total([after[i] for i in picked], texts) / max(1e-9, total([before[i] for i in picked], texts)))
    drawn.sort()
    return total(after, texts) / max(1e-9, total(before, texts)), drawn[25], drawn[974]


def run_in_turns(server, name, seed, pages=None):
    """(before, after): what each statement cost in each of BLOCKS blocks without and with the indexes."""
    before, after = [], []
    for block in range(-1, BLOCKS):  # the first is for the caches
        order = [(name, before), (f"{name}_advised", after)]
        for database, blocks in order if block % 2 else reversed(order):
            cost = run_load(server, database, name, seed + block, pages=pages)
            if block >= 0:
                blocks.append(cost)
    return before, after


def measure(server, home, name, seed):
    for block in range(LEARNT):
        learnt = run_load(server, name, name, seed - 2 - block, reset=block == 0)
    advice_run = Run(home, server, "advise", "--json", "--no-verify", "--time", ADVICE_TIME, server.dsn(name))
    advice = advice_run.json
    size = sum(r["size_bytes"] or 0 for r in advice["recommendations"]) / 2**20
    print(f"  {name}, seed {seed}: {len(advice['recommendations'])} recommendations, {size:.0f} MB, planner cost "
          f"{advice['cost_after'] / advice['cost_before']:.3f} of before, {advice['planner_questions']} questions, {advice_run.wall:.1f} s")
    for recommendation in advice["recommendations"]:
        print(f"    {recommendation['title']}")
    server.sql("VACUUM ANALYZE", name)
    server.sql(f"CREATE DATABASE {name}_advised TEMPLATE {name}")
    apply(server, f"{name}_advised", advice)
    for database in (name, f"{name}_advised"):
        warm(server, database)
    before, after = run_in_turns(server, name, seed)
    texts = sorted({text for block in before + after for text in block})
    report_whole(name, before, after, texts)
    slower = slower_reads(before, after, texts)
    if slower:
        print(f"    {len(slower)} reads look slower, and are measured again")
        before, after = run_in_turns(server, name, seed + 1000)
        slower = slower_reads(before, after, slower)
    report_slower(name, before, after, slower, advice)
    measure_writes(server, home, name, seed + 2000, learnt, advice)
    server.sql(f"DROP DATABASE {name}_advised")
    server.sql(f"DROP DATABASE {name}")


def is_write(text):
    return not text.upper().startswith("SELECT")


def report_whole(name, before, after, texts):
    whole = ratio_of(before, after, texts)
    print("    workload {:.3f} [{:.3f}, {:.3f}] of its time without ({:.0f} -> {:.0f} ms)".format(*whole, total(before, texts), total(after, texts)))
    bar(f"improvement, {name}", f"{100 * (1 - whole[0]):.0f} % less time [{100 * (1 - whole[2]):.0f}, {100 * (1 - whole[1]):.0f}], bar 30 %",
        whole[2] <= 0.7)
    writes = [text for text in texts if is_write(text)]
    print("    its writes {:.3f} [{:.3f}, {:.3f}] ({:.0f} -> {:.0f} ms)".format(*ratio_of(before, after, writes), total(before, writes), total(after, writes)))


def table_written(text):
    """"orders" of "UPDATE orders SET ..."; None: of no write."""
    match = re.match(r"(?:INSERT INTO|UPDATE|DELETE FROM)\s+(?:ONLY\s+)?(?:\w+\.)?(\w+)", text, re.IGNORECASE)
    return match and match.group(1)


def gains(text, advice):
    """It looks up rows by a recommended index, or a check of a foreign key that it causes does."""
    gaining = {" ".join(gain["query"].split()) for r in advice["recommendations"] for gain in r["gains"]}
    return any(text == query or query.endswith(" for: " + text[:40]) for query in gaining)


def writing_pages(home, name, without):
    """The pages that write, less the writes to some tables (where no later one needs what they return)."""
    kept = []
    for path, weight in pages_of(name):
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if table_written(line) not in without or "\\gset" in line]
        if any(map(table_written, lines)):
            (home / path.name).write_text("\n".join(lines) + "\n", encoding="utf-8")
            kept.append((home / path.name, weight))
    return kept


def calls_on(blocks, table):
    return sum(figures[0] for block in blocks for text, figures in block.items() if is_write(text) and table_written(text) == table)


def printed_for(advice, learnt, measured, tables):
    """(point, low, high): ms that the advice prints for writes to the tables, by how often each was written in the blocks measured."""
    printed = [0, 0, 0]
    for r in advice["recommendations"]:
        table = r["relation"].rpartition(".")[2]
        if table not in tables:
            continue
        times = calls_on(measured, table) / max(1, calls_on([learnt], table))
        for i, side in enumerate(("percent", "low", "high")):
            printed[i] += (r[f"write_cost_{side}"] or 0) / 100 * advice["cost_before"] * times
    return printed


def learnt_ms(learnt, measured, texts):
    """What the calls measured took, at the pace at which these statements were learnt; one that was not counts at the pace of the others."""
    known = [text for text in texts if text in learnt]
    then = sum(learnt[text][1] / max(1, learnt[text][0]) * total(measured, [text], 0) for text in known)
    return then * total(measured, texts) / max(1e-9, total(measured, known))


def loss_of(before, after, texts):
    """(ms, low, high) lost in all blocks: 95 % by drawing pairs of blocks again."""
    pairs = [total([with_them], texts) - total([without], texts) for without, with_them in zip(before, after)]
    generator = random.Random(len(pairs))
    drawn = sorted(sum(generator.choices(pairs, k=len(pairs))) for _ in range(1000))
    return sum(pairs), drawn[25], drawn[974]


def hide_indexes(server, name):
    """Keeps the planner of the copy from what only the copy has; the indexes that it lacks."""
    indexes = "SELECT string_agg(indexrelid::regclass::text, ',' ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indexrelid >= 16384"
    without, with_them = (set(((server.sql(indexes, database) or [("",)])[0][0] or "").split(",")) for database in (name, f"{name}_advised"))
    for index in with_them - without:
        server.sql(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{index}'::regclass", f"{name}_advised")
    return without - with_them


def measure_writes(server, home, name, seed, learnt, advice):
    """What writes lose by the indexes, on equal ground, beside what is printed for it."""
    replaced = hide_indexes(server, name)
    if replaced:
        print(f"    write loss: the copy lacks {', '.join(sorted(replaced))}, which the planner of the other uses")
    mixed = {table_written(text) for text in learnt if is_write(text) and gains(text, advice)}
    tables = {table_written(text) for text in learnt if is_write(text)} - mixed
    if mixed:
        print(f"    write loss: not compared, since a write to them gains too: {', '.join(sorted(map(str, mixed)))}")
    if not tables:
        bar(f"improvement, {name}, write loss", "each written table has a write that gains too: not to be told", False)
        return
    pages = writing_pages(home, name, mixed)
    before, after = [], []
    while len(before) < LOSS_BLOCKS:
        blocks = run_in_turns(server, name, seed + len(before), pages)
        before += blocks[0]
        after += blocks[1]
        texts = sorted({text for block in before + after for text in block if is_write(text) and table_written(text) in tables})
        lost, printed = loss_of(before, after, texts), printed_for(advice, learnt, before, tables)
        now, then = max(1e-9, total(before, texts)), max(1e-9, learnt_ms(learnt, before, texts))
        lost_part, printed_part = [100 * ms / now for ms in lost], [100 * ms / then for ms in printed]
        if lost_part[2] - lost_part[1] <= (printed_part[2] - printed_part[1]) / 2:
            break
    for text in texts:
        calls = max(1, total(before, [text], 0))
        print(f"      {total(before, [text]) / calls * 1e3:.0f} -> {total(after, [text]) / calls * 1e3:.0f} us a call, {calls:.0f} calls: {text[:90]}")
    print(f"      {lost[0]:+.1f} ms [{lost[1]:+.1f}, {lost[2]:+.1f}] of {now:.0f} in {len(before)} blocks; printed for the same calls "
          f"{printed[0]:.1f} [{printed[1]:.1f}, {printed[2]:.1f}] of the {then:.0f} that they took when they were learnt")
    bar(f"improvement, {name}, write loss", f"{lost_part[0]:+.1f} % [{lost_part[1]:+.1f}, {lost_part[2]:+.1f}] of the writes' time, printed "
        f"{printed_part[0]:.1f} [{printed_part[1]:.1f}, {printed_part[2]:.1f}]", printed_part[1] <= lost_part[0] <= printed_part[2])


def slower_reads(before, after, texts):
    return [text for text in texts if not is_write(text) and ratio_of(before, after, [text])[1] > 1.1]


def report_slower(name, before, after, slower, advice):
    same = 0
    for text in slower:
        ratio, low, high = ratio_of(before, after, [text])
        pages = [total(blocks, [text], 2) / max(1, total(blocks, [text], 0)) for blocks in (before, after)]
        same += abs(pages[1] - pages[0]) < 0.02 * pages[0]
        named = any("times slower: " + text[:60] in note for r in advice["recommendations"] for note in r["notes"])
        print(f"    slower: {ratio:.2f} [{low:.2f}, {high:.2f}], {total(before, [text]):.1f} -> {total(after, [text]):.1f} ms, {pages[0]:.0f} -> {pages[1]:.0f} "
              f"pages a call{', as the advice warns' if named else ''}: {text[:110]}")
    bar(f"improvement, {name}, slower reads", f"{len(slower)}, bar 0{f' ({same} of them on as many pages as before)' if same else ''}", not slower)


def bench(_, home):
    print("== workloads without and with the advised indexes, executed in turns")
    for seed in SEEDS:
        for name, (load, *_) in SETS.items():
            if os.environ.get("IMPROVEMENT_ONLY", name) != name:
                continue
            server = Server(15, conf=["shared_buffers = 2GB", "max_wal_size = 4GB"])
            try:
                load(server, seed)
                measure(server, home, name, SEED + 10_000 * seed)
            finally:
                server.close()
