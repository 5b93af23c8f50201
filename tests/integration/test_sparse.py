# SPDX-License-Identifier: PostgreSQL
"""Twins on a stock server, whose major has no twin module: sparse files, statistics without C, what-if indexes."""
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest
from conftest import BINARY, load_shop, missing
from servers import Server, binaries_of
from statements import BY_HAND, generated

HERE = pathlib.Path(__file__).parent
STOCK = 16


@pytest.fixture(scope="module")
def stock(fettle):
    """Runs a verb with the private cluster on a server without a module; stock("twin", "verify", dsn)."""
    if not binaries_of(STOCK):
        missing(f"no server programs of PostgreSQL {STOCK}: run scripts/test-servers")

    def run(*arguments, major=STOCK, **options):
        return fettle(*arguments, "--set", f"cluster.binaries={binaries_of(major)}", timeout=300, **options)

    return run


@pytest.fixture(scope="module")
def target(stock):
    """A server of the stock server's major with the awkward schema and the shop."""
    with Server(STOCK) as server:
        server.sql("CREATE DATABASE awkward")
        server.psql("awkward", "-f", HERE / "awkward.sql")
        load_shop(server, "0.02", 2)
        yield server


@pytest.fixture(scope="module")
def workload(tmp_path_factory):
    file = tmp_path_factory.mktemp("work") / "workload.sql"
    file.write_text(";\n".join(BY_HAND + list(generated(1000))) + ";\n", encoding="utf-8")
    return file


def cluster_files(fettle, major=STOCK):
    """Relation files of the private cluster's databases with their lengths."""
    found = {}
    for directory, _, names in os.walk(fettle.home / "data" / f"cluster-{major}" / "data" / "base"):
        for name in names:
            try:
                found[os.path.join(directory, name)] = os.stat(os.path.join(directory, name)).st_size
            except OSError:
                continue  # a running server removes files
    return found


def table_sizes(fettle):
    """Of the files that are not the catalogs', which keep the rows that were rolled back until they are vacuumed."""
    files = ((os.path.basename(path), size) for path, size in cluster_files(fettle).items())
    return sorted(size for name, size in files if name[0].isdigit() and int(re.match(r"\d+", name)[0]) >= 16384 and size >= 1 << 20)


def verified(stock, target, workload, *options, major=STOCK):
    result = stock("twin", "verify", "--json", "--workload", workload, *options, target.dsn("awkward"), major=major)
    assert result.status == 0, result.err
    fidelity = result.json["fidelity"]
    print({key: fidelity[key] for key in ("compared", "same_plan", "identical", "not_compared")}, result.json["losses"])
    for difference in fidelity["differences"][:15]:
        print(difference["query"][:150], "|", difference["cause"])
    return result.json


def test_plans_are_the_same_and_what_is_lost_is_said(stock, target, workload):
    report = verified(stock, target, workload)
    fidelity = report["fidelity"]
    assert report["method"] == "sparse_files" and report["twin_major"] == STOCK
    assert fidelity["compared"] >= 1000 and fidelity["not_compared"] == 0, fidelity["not_compared_reason"]
    assert fidelity["same_plan"] >= 0.99 * fidelity["compared"]
    assert fidelity["identical"] >= 0.94 * fidelity["compared"]
    assert sorted(loss["object"] for loss in report["losses"]) == [
        "live ends of indexes", "most common values of statistics public.s_all",
        "most common values of statistics public.s_expression"]


def test_the_method_stands_in_the_report_for_people(stock, target):
    report = stock("twin", "build", target.dsn("awkward")).out
    assert f"by sparse files: there is no twin module for PostgreSQL {STOCK}" in report
    assert "without live ends of indexes" in report


def test_a_target_of_another_major_is_planned_by_the_server_that_was_named(stock, server, workload):
    server.sql("DROP DATABASE IF EXISTS awkward_16")
    server.sql("CREATE DATABASE awkward_16")
    server.psql("awkward_16", "-f", HERE / "awkward.sql")
    result = stock("twin", "verify", "--json", "--workload", workload, server.dsn("awkward_16"))
    assert result.status == 0, result.err
    fidelity = result.json["fidelity"]
    assert result.json["twin_major"] == STOCK and server.major == 15
    assert fidelity["same_plan"] >= 0.97 * fidelity["compared"]


def test_files_have_the_targets_sizes_and_take_no_room(fettle, stock, target):
    assert stock("twin", "build", "--rebuild", target.dsn("shop")).status == 0
    largest = max(target.sql("SELECT max(pg_relation_size(oid)) FROM pg_class WHERE relkind = 'r'", "shop")[0][0], 1 << 20)
    assert largest in cluster_files(fettle).values()
    listed = next(line for line in stock("twin", "list").out.splitlines() if " shop " in line)
    amount, unit = listed.split()[-2:]
    assert unit == "kB" or (unit == "MB" and float(amount) < 25), listed


def test_advice_is_that_of_a_twin_with_the_module(fettle, stock, target):
    with_module = fettle("advise", "--json", target.dsn("shop"))
    without = stock("advise", "--json", target.dsn("shop"))
    assert without.status == 10, without.err
    assert with_module.json["twin"]["method"] == "module" and without.json["twin"]["method"] == "sparse_files"
    told = [{entry["statement"] for entry in report.json["recommendations"]} for report in (with_module, without)]
    assert len(told[0] & told[1]) >= 0.7 * len(told[0] | told[1]), told[0] ^ told[1]


def test_supposed_indexes_have_the_size_of_real_ones(stock, target):
    report = stock("advise", "--json", "--no-verify", target.dsn("shop")).json
    compared = 0
    for entry in report["recommendations"]:
        statement = entry["statement"].replace("CONCURRENTLY ", "")
        if "ON ONLY" in statement:
            continue
        name = statement.split(" ON ")[0].split()[-1]
        target.sql(statement, "shop")
        real = target.sql(f"SELECT pg_relation_size('{name}')", "shop")[0][0]
        target.sql(f"DROP INDEX {name}", "shop")
        assert real / 1.5 <= entry["size_bytes"] <= real * 1.5, (statement, real, entry["size_bytes"])
        compared += 1
    assert compared >= 5


def test_what_if_leaves_the_twin_as_it_was(fettle, stock, target):
    """A stock server's CREATE INDEX writes the table's pg_class row in place: here it must be a row that is rolled back."""
    assert stock("twin", "build", "--rebuild", target.dsn("shop")).status == 0
    before = table_sizes(fettle)
    advice = stock("advise", "--json", "--no-verify", target.dsn("shop")).json
    assert advice["twin"]["refreshed"] and advice["recommendations"]
    again = stock("twin", "build", "--json", target.dsn("shop")).json
    assert again["refreshed"] and again["objects"] == 0
    assert table_sizes(fettle) == before


def test_a_supposed_index_on_a_large_table_reads_no_holes(stock, tmp_path):
    """2 TB: reading it would take hours, and is what CREATE INDEX does."""
    with Server(STOCK, preload=None) as server:
        server.sql("CREATE TABLE large (id bigint PRIMARY KEY, k int)")
        server.sql("INSERT INTO large SELECT n, n % 1000 FROM generate_series(1, 20000) n")
        server.sql("ANALYZE large")
        snapshot = tmp_path / "large.fettle"
        # The target itself is given the size: its files are as sparse as the twin's.
        server.sql("UPDATE pg_class SET relpages = 268435456, reltuples = 4e10 WHERE relname = 'large'")
        path = server.data / server.sql("SELECT pg_relation_filepath('large')")[0][0]
        server.stop()
        for segment in range(2048):
            name = f"{path}.{segment}" if segment else path
            with open(name, "ab") as file:
                file.truncate(1 << 30)
            os.chown(name, os.stat(server.data).st_uid, os.stat(server.data).st_gid)
        server.start()
        workload = tmp_path / "large.sql"
        workload.write_text("SELECT * FROM large WHERE k = 7;\n", encoding="utf-8")
        assert stock("snapshot", server.dsn(), "--output", snapshot).status == 0
    result = stock("advise", "--json", "--workload", workload, snapshot)
    assert result.status == 10, result.err
    entry = result.json["recommendations"][0]
    assert "(k)" in entry["statement"] and 100e9 < entry["size_bytes"] < 1.5e12
    assert result.json["twin"]["build_ms"] < 60000


def test_a_refresh_follows_the_target(stock, target, workload):
    first = verified(stock, target, workload)
    target.sql("INSERT INTO t_plain SELECT n + 20000, n % 100, n % 1000, md5(n::text) FROM generate_series(1, 200000) n", "awkward")
    target.sql("ANALYZE t_plain", "awkward")
    grown = verified(stock, target, workload)
    assert grown["refreshed"] and grown["objects"] > 0
    assert grown["fidelity"]["same_plan"] >= 0.99 * grown["fidelity"]["compared"]
    target.sql("DELETE FROM t_plain WHERE id > 20000", "awkward")
    target.sql("VACUUM ANALYZE t_plain", "awkward")
    target.sql("REINDEX TABLE t_plain", "awkward")
    shrunk = verified(stock, target, workload)
    assert shrunk["refreshed"]
    assert shrunk["fidelity"]["identical"] >= first["fidelity"]["identical"] - 10


def test_files_that_a_crash_left_short_are_mended(fettle, stock, target, workload):
    before = verified(stock, target, workload)["fidelity"]
    for path, size in cluster_files(fettle).items():
        if size >= 1 << 20:
            os.truncate(path, 8192 if size % 3 else 0)
    again = verified(stock, target, workload)
    assert again["refreshed"]
    assert again["fidelity"]["identical"] == before["identical"]


def killed_while_sizing(fettle, arguments, before):
    """True when the program was killed after it had given some file its size, and before it was done."""
    run = subprocess.Popen([BINARY, *map(str, arguments)], env=fettle.environment, cwd=fettle.home, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    while run.poll() is None:
        # Files of a database in the making; the catalogs' own are smaller.
        if any(size >= 1 << 20 for path, size in cluster_files(fettle).items() if path not in before):
            run.send_signal(signal.SIGKILL)
            break
    return run.wait() == -signal.SIGKILL


def test_kill_9_in_the_middle_of_sizing_is_recovered_on_the_next_open(fettle, stock, target, workload):
    before = verified(stock, target, workload, "--rebuild")["fidelity"]
    arguments = ["twin", "build", "--rebuild", "--set", f"cluster.binaries={binaries_of(STOCK)}", target.dsn("awkward")]
    # a fast machine may be done before it is seen at it
    assert any(killed_while_sizing(fettle, arguments, cluster_files(fettle)) for _ in range(10))
    # Sizes come last: killed a moment later the twin was whole and is taken as it is, else it is built anew. Never a half one.
    again = verified(stock, target, workload)
    assert {key: again["fidelity"][key] for key in ("compared", "same_plan", "identical")} == \
        {key: before[key] for key in ("compared", "same_plan", "identical")}


def test_a_domain_s_checks_run_without_rights_and_what_they_refuse_is_left_out(stock, tmp_path):
    """Reading values runs the target's own checks. One domain takes values from nobody with rights but the target's
    superuser, the other from nobody else at all: only the latter's list is lost."""
    with Server(STOCK, preload=None) as server:
        server.sql("CREATE DOMAIN humble AS int CHECK (current_user = 'postgres' OR current_setting('is_superuser') = 'off')")
        server.sql("CREATE DOMAIN proud AS int CHECK (current_user = 'postgres')")
        server.sql("CREATE TABLE t AS SELECT (n % 50)::humble AS h, (n % 40)::proud AS p, n % 20 AS k"
                   " FROM generate_series(1, 5000) n")
        server.sql("ANALYZE t")
        work = tmp_path / "work.sql"
        work.write_text("SELECT * FROM t WHERE k = 7; SELECT * FROM t WHERE h = 7;\n", encoding="utf-8")
        result = stock("twin", "verify", "--json", "--workload", work, server.dsn())
        assert result.status == 0, result.err
        losses = {loss["object"]: loss["reason"] for loss in result.json["losses"]}
        assert losses == {"values of column statistics": f"1 lists cannot be read by PostgreSQL {STOCK}"}
        assert result.json["fidelity"]["identical"] == 2, result.json["fidelity"]


def test_a_directory_without_server_programs_is_refused(fettle, target, tmp_path):
    result = fettle("twin", "build", "--set", f"cluster.binaries={tmp_path}", target.dsn("shop"))
    assert result.status not in (0, 10)
    assert "holds no server programs of PostgreSQL" in result.err and "cluster.binaries" in result.err


@pytest.mark.parametrize("major", [13, 14, 17, 18])
def test_every_major_has_the_fallback(stock, server_of, workload, major):
    server = server_of(major)
    server.sql("DROP DATABASE IF EXISTS small")
    server.sql("CREATE DATABASE small")
    server.sql("CREATE TABLE t AS SELECT n AS id, n % 90 AS k, md5(n::text) AS h FROM generate_series(1, 90000) n", "small")
    server.sql("CREATE UNIQUE INDEX ON t (id)", "small")
    server.sql("CREATE STATISTICS s (ndistinct, dependencies) ON id, k FROM t", "small")
    server.sql("VACUUM ANALYZE t", "small")
    work = workload.parent / f"small-{major}.sql"
    work.write_text("SELECT * FROM t WHERE id = 5; SELECT * FROM t WHERE k = 7; SELECT k, count(*) FROM t GROUP BY k;\n"
                    "SELECT id, k, count(*) FROM t GROUP BY id, k; SELECT * FROM t WHERE h = 'x';\n", encoding="utf-8")
    result = stock("twin", "verify", "--json", "--workload", work, server.dsn("small"), major=major)
    assert result.status == 0, result.err
    assert result.json["method"] == "sparse_files" and result.json["twin_major"] == major
    assert result.json["fidelity"]["identical"] == 5, result.json["fidelity"]["differences"]
    advice = stock("advise", "--json", "--workload", work, server.dsn("small"), major=major)
    assert any("(h)" in entry["statement"] for entry in advice.json["recommendations"]), advice.out
