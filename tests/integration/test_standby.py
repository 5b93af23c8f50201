# SPDX-License-Identifier: PostgreSQL
"""A hot standby as the target: read as any server, its own workload, and advice that says where to run it."""
import time

import psycopg2
import pytest
from servers import wait_until
from test_bad_input import is_clear


@pytest.fixture(scope="module")
def used(standby, shop):
    """The standby with some statements of its own: its pg_stat_statements is not the primary's."""
    standby.catch_up()
    for _ in range(20):
        standby.sql("SELECT * FROM payments WHERE order_id = 7", "shop", "shop_app")
    return standby


def test_doctor_says_that_it_is_a_standby(fettle, used):
    doctor = fettle("doctor", "--json", used.dsn("shop"))
    assert (doctor.status, doctor.json["standby"], doctor.json["rights"]) == (0, True, "full"), doctor.out
    assert "(standby)" in fettle("doctor", used.dsn("shop")).out


def test_a_standby_is_advised_from_its_own_workload_and_sent_to_the_primary(fettle, used, shop):
    result = fettle("advise", "--json", used.dsn("shop"))
    assert result.status == 10, result.err
    assert result.json["standby"] is True
    first = result.json["recommendations"][0]
    assert first["relation"] == "public.payments"
    assert "Next: run statement 1 on the primary" in fettle("advise", "--no-verify", used.dsn("shop")).out
    shop.sql(first["statement"], "shop")
    used.catch_up()
    again = fettle("advise", "--json", used.dsn("shop"))
    assert first["title"] not in [r["title"] for r in again.json["recommendations"]]
    shop.sql(first["undo"], "shop")


def test_the_twin_of_a_standby_plans_as_the_standby_does(fettle, used):
    fidelity = fettle("twin", "verify", "--json", used.dsn("shop")).json["fidelity"]
    assert fidelity["compared"] >= 1
    assert fidelity["identical"] == fidelity["compared"]


def test_a_snapshot_of_a_standby_gives_the_same_advice_offline(fettle, used, tmp_path):
    file = tmp_path / "standby.fettle"
    assert fettle("snapshot", used.dsn("shop"), "-o", file).status == 0
    assert fettle("advise", "--json", file).json["standby"] is True


def test_a_lock_that_recovery_holds_is_told_and_not_waited_for(fettle, used, shop, tmp_path):
    """ACCESS EXCLUSIVE on the primary is taken on the standby too, and the server's own functions wait for it."""
    connection = psycopg2.connect(shop.dsn("shop"))
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE payments IN ACCESS EXCLUSIVE MODE; SELECT pg_switch_wal()")
    assert wait_until(lambda: used.sql("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted") != [(0,)])
    begin = time.monotonic()
    result = fettle("snapshot", used.dsn("shop"), "-o", tmp_path / "locked.fettle")
    assert time.monotonic() - begin < 10
    connection.rollback()
    connection.close()
    is_clear(result, 24, "lock timeout", "try again when the other session is done")
    assert not list(tmp_path.iterdir())
    used.catch_up()
    assert fettle("snapshot", used.dsn("shop"), "-o", tmp_path / "free.fettle").status == 0
