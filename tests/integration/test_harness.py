# SPDX-License-Identifier: PostgreSQL
"""The tests' own tools: what the other tests rely on."""
import pathlib
import signal
import subprocess
import sys
import threading

import psycopg2
import pytest
from faults import Proxy
from servers import Server, wait_until

HERE = pathlib.Path(__file__).parent

LONELY = """
import sys
sys.path.insert(0, sys.argv[1])
from servers import Server
server = Server(15)
print(server.directory, server.process.pid, flush=True)
sys.stdin.read()
"""


def test_a_killed_test_run_leaves_no_server_and_no_directory():
    run = subprocess.Popen([sys.executable, "-c", LONELY, HERE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    directory, pid = run.stdout.readline().split()
    assert pathlib.Path(directory).exists()
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists())
    assert wait_until(lambda: not pathlib.Path(directory).exists())


def test_a_server_comes_back_after_a_crash_with_what_was_committed():
    with Server(15) as server:
        server.sql("CREATE TABLE kept (x int); INSERT INTO kept VALUES (7)")
        server.kill9()
        with pytest.raises(psycopg2.OperationalError):
            server.sql("SELECT 1")
        server.start()
        assert server.sql("SELECT x FROM kept") == [(7,)]
        assert "database system was not properly shut down" in server.log()


def test_a_paused_server_answers_again_when_resumed():
    with Server(15) as server:
        server.pause()
        answers = []
        asking = threading.Thread(target=lambda: answers.extend(server.sql("SELECT 1")))
        asking.start()
        asking.join(0.5)
        assert not answers
        server.resume()
        asking.join(10)
        assert answers == [(1,)]


def test_a_standby_follows_and_refuses_to_write(standby, shop):
    standby.catch_up()
    assert standby.sql("SELECT pg_is_in_recovery()") == [(True,)]
    assert standby.sql("SELECT count(*) FROM orders", "shop") == shop.sql("SELECT count(*) FROM orders", "shop")
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        standby.sql("CREATE TABLE no (x int)", "shop")


def test_a_proxy_cuts_and_stalls_in_the_middle_of_an_answer(tcp_server):
    with Proxy(tcp_server.port) as proxy:
        connection = psycopg2.connect(proxy.dsn("shop"))
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM orders")
        assert cursor.fetchone() == (20000,)
        proxy.cut_after(10000)
        with pytest.raises(psycopg2.OperationalError):
            cursor.execute("SELECT * FROM orders")
        proxy.heal()
        slow = psycopg2.connect(proxy.dsn("shop"))
        proxy.stall_after(10000)
        asking = threading.Thread(target=lambda: pytest.raises(psycopg2.OperationalError, slow.cursor().execute, "SELECT * FROM orders"))
        asking.start()
        asking.join(0.5)
        assert asking.is_alive()
        proxy.cut()
        asking.join(10)
        assert not asking.is_alive()


def test_the_shop_keeps_its_foreign_keys_and_is_the_same_each_time(shop, tcp_server):
    """It is loaded without checks row by row; here each key is checked, and two loads are compared."""
    keys = shop.sql("""SELECT conname, conrelid::regclass, a.attname, confrelid::regclass, b.attname FROM pg_constraint
        JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = conkey[1]
        JOIN pg_attribute b ON b.attrelid = confrelid AND b.attnum = confkey[1] WHERE contype = 'f'""", "shop")
    assert len(keys) >= 12
    for name, table, column, target, key in keys:
        lost = shop.sql(f"SELECT count(*) FROM {table} t WHERE {column} IS NOT NULL"
                        f" AND NOT EXISTS (SELECT FROM {target} r WHERE r.{key} = t.{column})", "shop")
        assert lost == [(0,)], name
    with Server(15) as other:
        from conftest import load_shop
        load_shop(other, "0.02")
        for table in ("customers", "orders", "order_items", "products", "events", "sessions"):
            digest = f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table} t"
            assert other.sql(digest, "shop") == tcp_server.sql(digest, "shop"), table
