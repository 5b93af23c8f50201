# SPDX-License-Identifier: PostgreSQL
"""Targets and networks that fail while they are read: a clear error in time, never half a result shown as a whole."""
import threading
import time

import pytest
from faults import Proxy

TIMES = ("--set", "target.connect_timeout=2s", "--set", "target.statement_timeout=3s")


@pytest.fixture
def proxy(tcp_server):
    with Proxy(tcp_server.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def read_size(fettle, tcp_server, tmp_path_factory):
    """How many bytes one undisturbed snapshot takes from the server."""
    with Proxy(tcp_server.port) as proxy:
        result = fettle("snapshot", proxy.dsn("shop"), "-o", tmp_path_factory.mktemp("whole") / "whole.fettle")
        assert result.status == 0, result.err
        return proxy.passed


def is_clear_failure(result, file):
    assert result.status not in (0, 10), result.out
    assert result.err.startswith("fettle: "), result.err
    assert len(result.err.strip().splitlines()) <= 2, result.err
    assert not file.exists() and not list(file.parent.iterdir()), "half a file is left"


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_a_network_that_stalls_in_mid_read_ends_at_the_deadline(fettle, proxy, read_size, tmp_path, share):
    file = tmp_path / "shop.fettle"
    proxy.stall_after(int(read_size * share))
    begin = time.monotonic()
    result = fettle("snapshot", *TIMES, proxy.dsn("shop"), "-o", file, timeout=60)
    assert time.monotonic() - begin < 30
    is_clear_failure(result, file)
    assert result.status == 24, result.err


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_a_connection_that_is_cut_in_mid_read_is_told(fettle, proxy, read_size, tmp_path, share):
    file = tmp_path / "shop.fettle"
    proxy.cut_after(int(read_size * share))
    is_clear_failure(fettle("snapshot", *TIMES, proxy.dsn("shop"), "-o", file, timeout=60), file)


def test_a_slow_network_is_only_slow(fettle, proxy, tmp_path):
    file = tmp_path / "shop.fettle"
    proxy.delay = 0.02
    result = fettle("snapshot", proxy.dsn("shop"), "-o", file)
    assert result.status == 0, result.err
    assert file.stat().st_size > 1000


def disturb(fettle, proxy, server, tmp_path, action):
    """Takes a snapshot over a slowed network and does something to the server in the middle of it."""
    file = tmp_path / "shop.fettle"
    proxy.delay = 0.1
    before = proxy.connections
    results = []
    reading = threading.Thread(target=lambda: results.append(fettle("snapshot", *TIMES, proxy.dsn("shop"), "-o", file, timeout=60)))
    reading.start()
    while proxy.connections == before:
        time.sleep(0.01)
    time.sleep(0.8)
    action(server)
    reading.join()
    return results[0], file


def test_a_session_that_is_killed_is_told(fettle, proxy, tcp_server, tmp_path):
    def kill(server):
        assert server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'fettle'")
    result, file = disturb(fettle, proxy, tcp_server, tmp_path, kill)
    is_clear_failure(result, file)


def test_a_server_that_restarts_is_told(fettle, proxy, tcp_server, tmp_path):
    result, file = disturb(fettle, proxy, tcp_server, tmp_path, lambda server: server.restart())
    is_clear_failure(result, file)


def test_a_server_that_crashes_is_told_and_works_again_afterwards(fettle, proxy, tcp_server, tmp_path):
    def crash(server):
        server.kill9()
        server.start()
    result, file = disturb(fettle, proxy, tcp_server, tmp_path, crash)
    is_clear_failure(result, file)
    proxy.heal()
    again = fettle("snapshot", proxy.dsn("shop"), "-o", file)
    assert again.status == 0, again.err
