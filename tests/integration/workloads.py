# SPDX-License-Identifier: PostgreSQL
"""Four schemas with their statements, on which twins are compared with their targets: TPC-H, pgbench, the shop, the awkward one."""
import itertools
import os
import pathlib
import re
import subprocess

from servers import client_program
from statements import AWKWARD, BY_HAND, PGBENCH, SHOP, SHOP_JOINS, TPCH, TPCH_JOINS, generated

ROOT = pathlib.Path(__file__).resolve().parents[2]
OF_BENCH = ROOT / "bench" / "workloads"
VALUES = {"c": 77, "o": 4321, "p": 55, "k": 7, "b": 3, "n": 5, "f": 48, "a": 41, "id": 4321, "s": 1234}


def load_shop(server, scale, seconds=0, seed=None):
    """The demonstration's shop in database "shop"; with seconds its load is run too. seed (0 to 1): other rows than always."""
    server.sql("CREATE DATABASE shop")
    server.psql("shop", "-f", ROOT / "demo" / "schema.sql")
    server.psql("shop", "-v", f"scale={scale}", *([] if seed is None else ["-v", f"seed={seed}"]), "-f", ROOT / "demo" / "load.sql")
    server.sql("SELECT pg_stat_statements_reset()", "shop")
    if seconds:
        subprocess.run([str(ROOT / "demo" / "run"), server.dsn("shop", "shop_app"), str(seconds), str(scale)], check=True,
                       capture_output=True, env={**os.environ, "PGBIN": os.path.dirname(client_program("pgbench"))})


def load_tpch(server, scale="0.02", keys=True, database="tpch"):
    server.sql(f"CREATE DATABASE {database}")
    server.psql(database, "-f", OF_BENCH / "tpch" / "schema.sql")
    server.psql(database, "-v", f"scale={scale}", "-f", OF_BENCH / "tpch" / "load.sql")
    if keys:
        server.psql(database, "-f", OF_BENCH / "tpch" / "keys.sql")


def load_pgbench(server, scale=1, database="pgbench"):
    """The tables of pgbench -i, with some history, as after a while of use."""
    server.sql(f"CREATE DATABASE {database}")
    pgbench = [client_program("pgbench"), "-h", str(server.directory), "-p", str(server.port), "-U", "postgres"]
    for arguments in (["-i", "-q", "-s", str(scale)], ["-n", "-t", "2000", "--random-seed=1"]):
        subprocess.run([*pgbench, *arguments, database], check=True, capture_output=True)
    server.sql("VACUUM ANALYZE pgbench_accounts, pgbench_branches, pgbench_tellers, pgbench_history", database)


def load_awkward(server):
    server.sql("CREATE DATABASE awkward")
    server.psql("awkward", "-f", pathlib.Path(__file__).with_name("awkward.sql"))


def split(text):
    """The statements of a file of ours: each ends with a semicolon at the end of a line."""
    text = re.sub(r"^--.*\n", "", text, flags=re.MULTILINE)
    return [part.strip() for part in re.split(r";\s*$", text, flags=re.MULTILINE) if part.strip()]


def of_file(path):
    return split(path.read_text(encoding="utf-8"))


def of_shop():
    """The shop's pages as the server is asked for them (pgbench makes each use of a variable a parameter), and with values."""
    for file in sorted((ROOT / "demo" / "load").glob("*.sql")):
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not re.match(r"\\|--|(BEGIN|END);", line)]
        for statement in split(re.sub(r" *\\gset", ";", "\n".join(lines))):
            count = itertools.count(1)
            yield re.sub(r"(?<!:):[a-z]+", lambda _, count=count: f"${next(count)}", statement)
            if next(count) > 1:
                yield re.sub(r"(?<!:):([a-z]+)", lambda match: str(VALUES[match[1]]), statement)


def statements_of(schema):
    """(by hand, generated) for "awkward", "tpch", "pgbench" or "shop"."""
    return {
        "awkward": lambda: (BY_HAND, list(generated(1000))),
        "tpch": lambda: (of_file(OF_BENCH / "tpch" / "queries.sql"), list(generated(150, TPCH, TPCH_JOINS))),
        "pgbench": lambda: (of_file(OF_BENCH / "pgbench" / "statements.sql"), list(generated(50, PGBENCH, ["aid = aid", "bid = bid"]))),
        "shop": lambda: (list(of_shop()), list(generated(150, SHOP, SHOP_JOINS))),
    }[schema]()


def workload_file(schema, directory):
    """A file for --workload. Those with parameters come first: a template's first text is the one that is kept beside samples."""
    by_hand, made = statements_of(schema)
    file = pathlib.Path(directory) / f"{schema}.sql"
    ordered = sorted(by_hand, key=lambda text: "$1" not in text) + made
    file.write_text("".join(f"{text};\n" for text in ordered), encoding="utf-8")
    return file
