# SPDX-License-Identifier: PostgreSQL
"""Plans on twin and target: four schemas, three levels of rights. The statements and roles are those of the tests."""
import subprocess

from machine import FETTLE, Run, bar
from workloads import load_awkward, load_pgbench, load_shop, load_tpch, workload_file

LOADERS = {"awkward": load_awkward, "tpch": lambda server: load_tpch(server, "0.05"), "pgbench": load_pgbench,
           "shop": lambda server: load_shop(server, "0.1")}
# rights: least share of equal plans, and of plans with every figure identical, in percent
LEVELS = {"full": (99, 99), "pg_read_all_data": (99, 88), "pg_monitor and the function": (99, None)}


def taken_by_function(server, home, database):
    """A snapshot taken with pg_monitor and the function that doctor offers: such a role may EXPLAIN nothing itself."""
    server.psql(database, "-c", subprocess.run([FETTLE, "doctor", "--sql"], capture_output=True, text=True, check=True).stdout)
    file = home / f"{database}.fettle"
    Run(home, server, "snapshot", "--output", file, server.dsn(database, "function_only"))
    server.sql("DROP SCHEMA fettle CASCADE", database)
    return file


def compared(server, home, database, level):
    arguments, user = [], "reads_all" if level == "pg_read_all_data" else "postgres"
    if level == "pg_monitor and the function":
        arguments = ["--snapshot", taken_by_function(server, home, database)]
    run = Run(home, server, "twin", "verify", "--json", "--workload", workload_file(database, home), *arguments, server.dsn(database, user))
    return run.json["fidelity"]


def bench(server, home):
    print("== fidelity: plans of target and twin (same plan, every figure identical; not compared: the role may not write)")
    server.sql("CREATE ROLE reads_all LOGIN; CREATE ROLE function_only LOGIN; GRANT pg_monitor, pg_read_all_data TO reads_all;"
               "GRANT pg_monitor TO function_only")
    existing = {row[0] for row in server.sql("SELECT datname FROM pg_database")}
    for database, load in LOADERS.items():
        if database not in existing:
            load(server)
    for level, (least_same, least_identical) in LEVELS.items():
        totals = {"compared": 0, "same_plan": 0, "identical": 0}
        for database in LOADERS:
            found = compared(server, home, database, level)
            totals = {key: totals[key] + found[key] for key in totals}
            print(f"  {level:28s} {database:8s} {found['compared']:5d} compared, {found['not_compared']:2d} not; same plan "
                  f"{100 * found['same_plan'] / found['compared']:6.2f} %, identical {100 * found['identical'] / found['compared']:6.2f} %")
        same, identical = (100 * totals[key] / totals["compared"] for key in ("same_plan", "identical"))
        text = f"same plan {same:.2f} %, bar {least_same} %"
        if least_identical is not None:
            text += f"; identical {identical:.2f} %, bar {least_identical} %"
        bar(f"fidelity, {level}", text, same >= least_same and (least_identical is None or identical >= least_identical))
