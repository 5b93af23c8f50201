# SPDX-License-Identifier: PostgreSQL
"""Roles with few rights, and databases that lack something: a stated behaviour each."""
import subprocess

from conftest import BINARY


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
