# SPDX-License-Identifier: PostgreSQL
"""Roles with few rights, and databases that lack something: a stated behaviour each."""
import subprocess

import pytest
from conftest import BINARY
from servers import Server
from test_bad_input import is_clear


def test_pg_monitor_alone_works_and_doctor_says_what_is_missing(fettle, shop):
    shop.sql("CREATE ROLE only_monitor LOGIN; GRANT pg_monitor TO only_monitor")
    doctor = fettle("doctor", shop.dsn("shop", "only_monitor"))
    assert doctor.status == 10, doctor.err
    assert "statistics rights: catalog" in doctor.out
    assert "GRANT pg_read_all_data TO only_monitor" in doctor.out
    advice = fettle("advise", "--json", shop.dsn("shop", "only_monitor"))
    assert advice.status in (0, 10), advice.err


def test_the_offered_function_gives_full_statistics_to_pg_monitor(fettle, shop):
    sql = subprocess.run([BINARY, "doctor", "--sql"], capture_output=True, text=True, check=True).stdout
    shop.psql("shop", "-c", sql)
    try:
        doctor = fettle("doctor", "--json", shop.dsn("shop", "only_monitor"))
        assert doctor.json["rights"] == "function"
        advice = fettle("advise", "--json", shop.dsn("shop", "only_monitor"))
        assert advice.status == 10, advice.err
    finally:
        shop.sql("DROP SCHEMA fettle CASCADE", "shop")


def test_a_role_with_nothing_gets_the_grants_it_lacks(fettle, shop):
    shop.sql("CREATE ROLE nothing LOGIN")
    doctor = fettle("doctor", shop.dsn("shop", "nothing"))
    assert doctor.status == 10, doctor.err
    assert "GRANT pg_read_all_stats TO nothing" in doctor.out
    assert "GRANT pg_read_all_data TO nothing" in doctor.out
    is_clear(fettle("advise", shop.dsn("shop", "nothing")), 3, "sees its own statements only", "GRANT pg_read_all_stats TO nothing;")


def test_an_advice_says_what_the_role_did_not_see_and_what_its_look_counts_as(fettle, shop):
    shop.sql("CREATE ROLE some_own LOGIN; GRANT pg_read_all_data TO some_own")
    shop.psql("shop", "-c", "SET ROLE some_own", "-c", "SELECT count(*) FROM orders WHERE total > 5")
    own = fettle("advise", shop.dsn("shop", "some_own"))
    assert "statements of other roles are hidden from this one: GRANT pg_read_all_stats TO some_own;" in own.out, own.err
    assert "counts as scans of its indexes" in own.out
    assert fettle("advise", "--json", shop.dsn("shop", "some_own")).json["adds_scans"] is True
    shop.sql("GRANT pg_read_all_stats TO some_own; GRANT SET ON PARAMETER track_counts TO some_own")
    for user in ("some_own", None):
        whole = fettle("advise", shop.dsn("shop", user) if user else shop.dsn("shop"))
        assert whole.status == 10 and "hidden from this one" not in whole.out and "counts as scans" not in whole.out
    assert fettle("advise", "--json", shop.dsn("shop", "some_own")).json["adds_scans"] is False


def test_without_pg_stat_statements_a_file_gives_the_workload(fettle, shop, tmp_path):
    shop.sql("CREATE DATABASE bare")
    shop.sql("CREATE TABLE t AS SELECT n AS id, n % 1000 AS k, repeat('x', 50) AS v FROM generate_series(1, 50000) n; ANALYZE t",
             "bare")
    without = fettle("advise", shop.dsn("bare"))
    assert without.status == 3
    assert "the workload is empty" in without.err and "--workload" in without.err
    workload = tmp_path / "work.sql"
    workload.write_text("-- calls: 500\nselect * from t where k = 7;\nselect * from t where k = 8;\nselect broken from;\n")
    advice = fettle("advise", "--json", "--workload", workload, shop.dsn("bare"))
    assert advice.status == 10, advice.err
    assert advice.json["recommendations"][0]["statement"].endswith("ON public.t USING btree (k);")
    assert advice.json["workload"]["not_parsed"] == 1


SCHEMA = """
CREATE SCHEMA "Sta ts"; CREATE EXTENSION pg_stat_statements SCHEMA "Sta ts"; CREATE SCHEMA "Own ""er";
CREATE TABLE "Own ""er"."T" AS SELECT n AS id, n % 5000 AS k, repeat('x', 50) AS v FROM generate_series(1, 20000) n;
CREATE TABLE open AS SELECT n AS id FROM generate_series(1, 1000) n; CREATE ROLE "no one" LOGIN;
REVOKE CONNECT ON DATABASE closed FROM PUBLIC; ANALYZE
"""


def run_remedies(server, database, missing):
    """As a superuser, each as it stands."""
    for gap in missing:
        server.psql(database, "-c", gap["remedy"])


@pytest.mark.parametrize("major", [13, 15, 18])
def test_the_grants_that_a_role_with_nothing_is_told_are_all_it_needs(fettle, server_of, major):
    server = server_of(major)
    server.sql("CREATE DATABASE closed")
    server.psql("closed", "-c", SCHEMA.replace("\n", " "))
    for _ in range(20):
        server.sql('SELECT v FROM "Own ""er"."T" WHERE k = 7', "closed")
    refused = fettle("doctor", server.dsn("closed", "'no one'"))
    is_clear(refused, 22, 'permission denied for database "closed"')
    server.sql(refused.err.splitlines()[1].removeprefix("hint: "))
    doctor = fettle("doctor", "--json", server.dsn("closed", "'no one'"))
    assert doctor.status == 10, doctor.err
    assert {gap["subject"] for gap in doctor.json["missing"]} == {"column statistics", "pg_stat_statements", "statements of other roles"}
    assert all(gap["remedy"].startswith("GRANT ") for gap in doctor.json["missing"])
    run_remedies(server, "closed", doctor.json["missing"])
    after = fettle("doctor", "--json", server.dsn("closed", "'no one'"))
    assert (after.status, after.json["missing"]) == (0, [])
    advice = fettle("advise", "--json", server.dsn("closed", "'no one'"))
    assert advice.status == 10, advice.err
    assert advice.json["recommendations"][0]["relation"] == '"Own ""er"."T"'


@pytest.mark.parametrize("major", [14, 15, 18])
def test_doctor_names_the_right_to_look_up_ends_of_indexes_uncounted(fettle, server_of, major):
    server = server_of(major)
    server.sql("CREATE DATABASE uncounted")
    server.sql('CREATE ROLE "plain one" LOGIN; GRANT pg_monitor TO "plain one"')
    server.sql("CREATE EXTENSION pg_stat_statements", "uncounted")
    assert fettle("doctor", "--json", server.dsn("uncounted")).json["better_with"] == []
    doctor = fettle("doctor", "--json", server.dsn("uncounted", "'plain one'"))
    assert (doctor.status, doctor.json["missing"]) == (0, []), "nothing is missing without"
    wish, = doctor.json["better_with"]
    assert "track_counts" in wish["reason"] and "looks used" in wish["reason"]
    text = fettle("doctor", server.dsn("uncounted", "'plain one'")).out
    assert "nothing is missing" in text and f"better with: {wish['subject']}" in text
    if major < 15:
        assert wish["remedy"] == "" and "only a superuser" in wish["reason"] and "do:" not in text
        return
    assert f"  do:  {wish['remedy']}\n" in text
    run_remedies(server, "uncounted", [wish])
    assert fettle("doctor", "--json", server.dsn("uncounted", "'plain one'")).json["better_with"] == []


def statements_gap(fettle, server, database):
    """What doctor says of pg_stat_statements; advise says the same in its error."""
    doctor = fettle("doctor", "--json", server.dsn(database))
    gaps = [gap for gap in doctor.json["missing"] if gap["subject"] == "pg_stat_statements"]
    assert len(gaps) == 1, doctor.out
    is_clear(fettle("advise", server.dsn(database)), 3, "the workload is empty", gaps[0]["reason"], gaps[0]["remedy"], "--workload")
    return gaps[0]


def test_an_extension_that_is_only_not_created_here_is_told(fettle, server):
    server.sql("CREATE DATABASE not_created")
    gap = statements_gap(fettle, server, "not_created")
    assert "the library is loaded" in gap["reason"]
    run_remedies(server, "not_created", [gap])
    assert fettle("doctor", server.dsn("not_created")).status == 0


def test_an_extension_as_an_older_server_made_it_is_told(fettle, server):
    server.sql("CREATE DATABASE old_extension")
    server.sql("CREATE EXTENSION pg_stat_statements VERSION '1.7'", "old_extension")
    gap = statements_gap(fettle, server, "old_extension")
    run_remedies(server, "old_extension", [gap])
    assert fettle("doctor", server.dsn("old_extension")).status == 0


def test_a_library_that_is_not_loaded_is_told_with_and_without_the_extension(fettle):
    with Server(15, preload="") as server:
        gap = statements_gap(fettle, server, "postgres")
        assert "not installed" in gap["reason"]
        assert "shared_preload_libraries" in gap["remedy"] and "CREATE EXTENSION" in gap["remedy"]
        server.sql("CREATE EXTENSION pg_stat_statements")
        gap = statements_gap(fettle, server, "postgres")
        assert "its library is not loaded" in gap["reason"]
        assert "shared_preload_libraries" in gap["remedy"] and "CREATE EXTENSION" not in gap["remedy"]
