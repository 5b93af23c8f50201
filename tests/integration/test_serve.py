# SPDX-License-Identifier: PostgreSQL
"""The service from start to stop: what is collected, what it survives, what it refuses."""
import contextlib
import os
import pathlib
import random
import signal
import socket
import subprocess
import tempfile
import threading
import time

import psycopg2
import pytest
from conftest import missing
from servers import Server, wait_until
from service import Service

KNOWN = "known_to_the_test"


def prepare(server):
    server.sql(f"CREATE EXTENSION pg_stat_statements; CREATE TABLE {KNOWN} AS SELECT n AS id FROM generate_series(1, 1000) n")


@pytest.fixture(scope="module")
def target():
    with Server(15, tcp=True, conf=["max_connections = 50"]) as server:
        prepare(server)
        yield server


@pytest.fixture(scope="module")
def service():
    with Service() as service:
        yield service


def run_known(server, times):
    connection = psycopg2.connect(server.dsn())
    connection.autocommit = True
    with connection.cursor() as cursor:
        for number in range(times):
            cursor.execute(f"SELECT id FROM {KNOWN} WHERE id = %s", (number,))
    connection.close()


def rounds(service, target_id):
    return service.target(target_id)["last_round_at"]


def wait_for_round(service, target_id, seconds=30):
    before = rounds(service, target_id)
    assert wait_until(lambda: rounds(service, target_id) not in (None, before), seconds), service.target(target_id)


def test_the_store_of_a_server_that_made_it_is_started_anew_with_little_memory_touched(service):
    connection = psycopg2.connect(f"host={service.store_place() / 'socket'} user=fettle_store dbname=postgres")
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute("SELECT pg_postmaster_start_time() > max(applied_at) FROM fettle.migrations")
        assert cursor.fetchone()[0]


def test_every_call_between_two_rounds_is_counted_once(service, target):
    target_id = service.add_target("counted", target.dsn())
    run_known(target, 1)
    wait_for_round(service, target_id)
    wait_for_round(service, target_id)
    before = service.calls(target_id, KNOWN)
    for _ in range(5):
        run_known(target, 20)
        time.sleep(0.4)
    assert wait_until(lambda: service.calls(target_id, KNOWN) >= before + 100, 20)
    time.sleep(2.5)
    assert service.calls(target_id, KNOWN) == before + 100
    service.request("DELETE", f"/api/v1/targets/{target_id}")


def test_a_target_that_is_removed_is_left_alone_and_one_that_is_disabled_too(service, target):
    target_id = service.add_target("comes_and_goes", target.dsn(), enabled=True)
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'fettle%'"
    assert wait_until(lambda: target.sql(sessions)[0][0] == 1)
    service.json("PATCH", f"/api/v1/targets/{target_id}", {"enabled": False})
    assert wait_until(lambda: target.sql(sessions)[0][0] == 0)
    service.json("PATCH", f"/api/v1/targets/{target_id}", {"enabled": True})
    assert wait_until(lambda: target.sql(sessions)[0][0] == 1)
    service.request("DELETE", f"/api/v1/targets/{target_id}")
    assert wait_until(lambda: target.sql(sessions)[0][0] == 0)


def test_a_target_that_is_down_is_told_and_read_again_when_it_is_back(service):
    with Server(15, tcp=True) as server:
        prepare(server)
        target_id = service.add_target("down", server.dsn())
        wait_for_round(service, target_id)
        server.kill9()
        assert wait_until(lambda: service.target(target_id)["last_error"], 20)
        server.start()
        assert wait_until(lambda: service.target(target_id)["last_error"] is None, 40), service.target(target_id)
        service.request("DELETE", f"/api/v1/targets/{target_id}")


def test_dead_targets_do_not_delay_the_living(service, target):
    """Listeners that never answer cost their time-out each; the others keep their rhythm."""
    listeners = [socket.create_server(("127.0.0.1", 0), backlog=16) for _ in range(12)]
    dead = [service.add_target(f"dead{n}", f"host=127.0.0.1 port={listener.getsockname()[1]} dbname=x user=x")
            for n, listener in enumerate(listeners)]
    living = service.add_target("living", target.dsn())
    wait_for_round(service, living, 60)
    begin = time.monotonic()
    for _ in range(5):
        wait_for_round(service, living, 10)
    assert time.monotonic() - begin < 15
    for target_id in [*dead, living]:
        service.request("DELETE", f"/api/v1/targets/{target_id}")
    for listener in listeners:
        listener.close()


def test_the_plans_of_the_costliest_statements_are_kept_and_a_change_is_explained(target):
    target.sql("CREATE TABLE planned AS SELECT n AS id, n % 100 AS k FROM generate_series(1, 50000) n; CREATE INDEX planned_id ON planned (id);"
               "ANALYZE planned")
    with Service(collect__plans_interval="3s", collect__resources_interval="1min") as service:
        target_id = service.add_target("planned", target.dsn())
        wait_for_round(service, target_id)
        stop = threading.Event()

        def ask():
            while not stop.is_set():
                target.sql("SELECT k FROM planned WHERE id = 77")
                time.sleep(0.05)

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            def query_hash():
                queries = service.json("GET", f"/api/v1/targets/{target_id}/queries?limit=200")["queries"]
                return next((query["query_hash"] for query in queries if "planned WHERE id" in (query["query_text"] or "")), None)

            assert wait_until(query_hash, 30)
            plans = lambda: service.json("GET", f"/api/v1/queries/{query_hash()}/plans?target_id={target_id}")["plans"]
            assert wait_until(plans, 60), service.errors()
            assert plans()[0]["has_index_scan"] and "planned_id" in plans()[0]["plan_text"]
            target.sql("DROP INDEX planned_id")
            assert wait_until(lambda: len(plans()) == 2, 60), service.errors()
            assert plans()[0]["has_seq_scan"]
            assert plans()[0]["change_cause"] == "the index planned_id is gone"
        finally:
            stop.set()
            thread.join()


def test_a_reload_takes_the_settings_file_again_and_a_bad_one_changes_nothing():
    with tempfile.TemporaryDirectory(prefix="fettle-serve") as home:
        config = pathlib.Path(home) / "fettle.conf"
        config.write_text("[collect]\nplans = 7\n", encoding="utf-8")
        service = Service(home)
        service.extra["FETTLE_CONFIG"] = str(config)
        with service:
            plans = lambda: next(row["value"] for row in service.json("GET", "/api/v1/settings")["settings"]
                                 if row["name"] == "collect.plans")
            assert str(plans()) == "7"
            config.write_text("[collect]\nplans = 9\n", encoding="utf-8")
            service.process.send_signal(signal.SIGHUP)
            assert wait_until(lambda: str(plans()) == "9")
            config.write_text("[collect]\nplans = many\n", encoding="utf-8")
            service.process.send_signal(signal.SIGHUP)
            assert wait_until(lambda: "settings stay as they are" in service.errors())
            assert str(plans()) == "9"


def test_a_second_server_in_the_same_directory_is_told_who_has_it(service):
    other = Service(service.directory)
    words = other.fettle("serve", "--listen", "127.0.0.1:0", status=5)
    assert words.startswith("fettle: ") and "\nhint: " in words, words


def test_a_second_server_on_a_shared_store_is_refused_until_the_first_is_gone():
    with Server(15, tcp=True) as store:
        store.sql("CREATE DATABASE history")
        first = Service(store_url=store.dsn("history"))
        first.fettle("store", "migrate")
        second = Service(store_url=store.dsn("history"))
        with first:
            words = second.fettle("serve", "--listen", "127.0.0.1:0", status=5)
            assert str(first.process.pid) in words, words
            first.stop(signal.SIGKILL)
            with second:
                assert second.get("/health", token=None).status == 200


def test_a_service_manager_is_told_of_readiness_life_and_stopping(tmp_path):
    address = f"{tempfile.mkdtemp(prefix='fettle-notify', dir='/tmp')}/socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(30)
        service = Service()
        service.extra.update({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "600000"})
        with service:
            heard = manager.recv(4096).decode()
            assert "READY=1" in heard
            assert [manager.recv(4096).decode() for _ in range(3)] == ["WATCHDOG=1"] * 3
        heard = ""
        while "STOPPING=1" not in heard:
            heard = manager.recv(4096).decode()
    os.unlink(address)


def test_it_stops_in_time_and_leaves_no_process():
    service = Service().start()
    postmaster = service.postmaster()
    begin = time.monotonic()
    service.stop()
    assert time.monotonic() - begin < 20
    assert wait_until(lambda: not pathlib.Path(f"/proc/{postmaster}").exists())
    service.close()


class Counted:
    """A load that knows how often it ran its statement."""

    def __init__(self, server):
        self.server = server
        self.ran = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.work)

    def work(self):
        connection = None
        while not self.stopping.is_set():
            try:
                connection = connection or psycopg2.connect(self.server.dsn())
                connection.autocommit = True
                with connection.cursor() as cursor:
                    cursor.execute(f"SELECT id FROM {KNOWN} WHERE id = %s", (self.ran,))
                self.ran += 1
            except psycopg2.Error:
                connection = None
                time.sleep(0.05)
            time.sleep(0.002)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()


def seen(service, target_id):
    """All points that the API has acknowledged of the known statement: its round to calls. Times are told in full seconds, and two rounds
    may end in one, so their length belongs to what tells them apart."""
    queries = service.json("GET", f"/api/v1/targets/{target_id}/queries?limit=200")["queries"]
    points = {}
    for query in queries:
        if KNOWN in (query["query_text"] or ""):
            history = service.json("GET", f"/api/v1/queries/{query['query_hash']}/history?target_id={target_id}&step=0")
            points.update({(point["from"], point["to"], point["observed_seconds"]): point["calls"] for series in history["series"] for point in series["points"]})
    return points


def kill_store(service):
    """Its sessions go on for a moment, in which all seems well: it is over when there is a new postmaster."""
    dead = service.postmaster()
    os.kill(dead, signal.SIGKILL)

    def is_replaced():
        with contextlib.suppress(OSError, ValueError, IndexError):
            return service.postmaster() != dead
        return False

    assert wait_until(is_replaced, 30), service.errors()


def crash_often(times, seed):
    """Kills server, store and target at random moments; what was acknowledged stays, nothing is doubled."""
    chance = random.Random(seed)
    with Server(15, tcp=True) as server:
        prepare(server)
        service = Service()
        try:
            service.start()
            target_id = service.add_target("crashed", server.dsn())
            wait_for_round(service, target_id)
            acknowledged = {}
            with Counted(server) as load:
                for _ in range(times):
                    time.sleep(chance.uniform(0.2, 2.5))
                    now = seen(service, target_id)
                    assert acknowledged.items() <= now.items()
                    acknowledged = now
                    victim = chance.choice(("serve", "store", "target"))
                    if victim == "serve":
                        service.stop(signal.SIGKILL)
                        service.start()
                    elif victim == "store":
                        kill_store(service)
                    else:
                        server.kill9()
                        server.start()
                    # /ready remembers its answer for two seconds
                    assert wait_until(lambda: service.get("/api/v1/targets").status == 200, 30), service.errors()
                before = rounds(service, target_id)
                assert wait_until(lambda: rounds(service, target_id) != before, 60), service.target(target_id)
                assert wait_until(lambda: len(seen(service, target_id)) > len(acknowledged), 30)
            final = seen(service, target_id)
            assert acknowledged.items() <= final.items()
            assert 0 < sum(final.values()) <= load.ran + 1
        finally:
            service.close()


def test_killed_at_random_moments_nothing_acknowledged_is_lost_or_doubled():
    crash_often(int(os.environ.get("FETTLE_SOAK_KILLS", "6")), seed=7)


def test_a_full_disk_stops_writing_and_nothing_else():
    if os.geteuid() != 0:
        missing("mounting a small disk needs root")
    home = tempfile.mkdtemp(prefix="fettle-full", dir="/tmp")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m,mode=0755", "tmpfs", home], check=True)
    try:
        with Server(15, tcp=True) as server:
            prepare(server)
            with Service(home) as service:
                target_id = service.add_target("full", server.dsn())
                wait_for_round(service, target_id)
                run_known(server, 10)
                assert wait_until(lambda: service.calls(target_id, KNOWN) >= 10, 20)
                with open(f"{home}/ballast", "wb") as ballast:
                    try:
                        while True:
                            ballast.write(b"\0" * 65536)
                    except OSError:
                        pass
                up = lambda: "\nfettle_collecting 1" in service.get("/metrics", token=None).body.decode()
                assert wait_until(lambda: run_known(server, 5) or not up(), 60), service.errors()
                assert service.calls(target_id, KNOWN) >= 10
                assert service.get("/health", token=None).status == 200
                assert "No space left" in service.errors()
                # a verb beside the server starts no cluster, so it needs no room for one
                assert "full" in service.fettle("target", "list")
                os.unlink(f"{home}/ballast")
                assert wait_until(up, 60), service.errors()
                before = service.calls(target_id, KNOWN)
                run_known(server, 10)
                assert wait_until(lambda: service.calls(target_id, KNOWN) >= before + 10, 60), service.errors()
    finally:
        subprocess.run(["umount", "-l", home], check=True)
        os.rmdir(home)
