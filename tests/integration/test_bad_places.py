# SPDX-License-Identifier: PostgreSQL
"""Places that cannot serve: full disks, read-only and odd directories, missing programs. Told in two lines; nothing is left."""
import contextlib
import os
import pathlib
import socket
import subprocess
import threading
import time

import pytest
from conftest import BINARY
from test_bad_input import is_clear
from test_life import processes_of


@contextlib.contextmanager
def small_disk(directory, size, *options):
    """A file system of its own, which only root can mount."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    directory.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join([f"size={size}", "mode=755", *options]), "fettle-test", directory],
                           capture_output=True, text=True, check=False)
    if mount.returncode != 0:
        pytest.skip("no file system can be mounted here: " + mount.stderr)
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", directory], check=True)


def test_a_snapshot_onto_a_full_disk_leaves_no_half_file(fettle, shop, tmp_path):
    with small_disk(tmp_path / "disk", "16k") as disk:
        is_clear(fettle("snapshot", shop.dsn("shop"), "-o", disk / "shop.fettle"), 31, "No space left on device", "free some space")
        assert not list(disk.iterdir())


def test_a_report_onto_a_full_disk_keeps_the_one_that_was_there(fettle, shop, tmp_path):
    with small_disk(tmp_path / "disk", "8k") as disk:
        report = disk / "advice.md"
        report.write_text("of yesterday", encoding="utf-8")
        is_clear(fettle("advise", "--no-verify", shop.dsn("shop"), "-o", report), 31, "No space left on device", "free some space")
        assert [path.read_text(encoding="utf-8") for path in disk.iterdir()] == ["of yesterday"]


def test_output_that_nobody_takes_is_told(fettle):
    run = subprocess.run(f"{BINARY} help > /dev/full", shell=True, capture_output=True, text=True, check=False)
    assert run.returncode == 31
    assert run.stderr.splitlines()[0] == "fettle: could not write to standard output: No space left on device"


def test_a_data_directory_without_room_is_refused_before_anything_is_made(fettle, open_path):
    with small_disk(open_path / "disk", "20m") as disk:
        is_clear(fettle("twin", "list", FETTLE_DATA=str(disk / "data")), 31, "needs 64.0 MB of free space", "FETTLE_DATA")
        assert not list(disk.iterdir())


def test_a_disk_that_fills_while_a_twin_is_built_is_told_and_the_cluster_recovers(fettle, server, open_path):
    """The twin of 1,500 tables takes more than is there."""
    server.sql("CREATE DATABASE several")
    server.sql("DO $$ BEGIN FOR i IN 1..1500 LOOP EXECUTE format('CREATE TABLE t_%s (id int PRIMARY KEY, k int)', i); END LOOP; END $$",
               "several")
    with small_disk(open_path / "disk", "70m") as disk:
        data = disk / "data"
        assert fettle("twin", "list", FETTLE_DATA=str(data)).status == 0
        is_clear(fettle("twin", "build", server.dsn("several"), FETTLE_DATA=str(data)), 31, f"the disk under {data} is full")
        assert not processes_of(data)
        subprocess.run(["mount", "-o", "remount,size=300m", disk], check=True)
        listed = fettle("twin", "list", FETTLE_DATA=str(data))
        assert listed.status == 0, listed.err
        assert "(unfinished)" in listed.out


def test_a_read_only_data_directory_is_told(fettle, open_path):
    if os.geteuid() != 0:
        (open_path / "data").mkdir(mode=0o500)
        is_clear(fettle("twin", "list", FETTLE_DATA=str(open_path / "data")), 32, "Permission denied", "owner and mode")
        return
    with small_disk(open_path / "disk", "100m") as disk:
        (disk / "data").mkdir()
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        is_clear(fettle("twin", "list", FETTLE_DATA=str(disk / "data")), 32, "Read-only file system", "another place")


def test_a_data_directory_that_the_clusters_user_cannot_reach_is_told(fettle, open_path):
    if os.geteuid() != 0:
        pytest.skip("only root runs the private cluster as another user")
    closed = open_path / "closed"
    closed.mkdir(mode=0o700)
    is_clear(fettle("twin", "list", FETTLE_DATA=str(closed / "data")), 32, f"may not pass through {closed}", f"chmod o+x {closed}")
    assert not list(closed.iterdir())


@pytest.mark.parametrize("length", [60, 120, 250])
def test_a_data_directory_with_a_path_too_long_for_a_socket_works(fettle, open_path, length):
    data = open_path / ("d" * length)
    before = set(pathlib.Path("/tmp").glob("fettle-[0-9]*"))
    result = fettle("twin", "list", FETTLE_DATA=str(data))
    assert result.status == 0, result.err
    assert (data / "lock").exists()
    assert set(pathlib.Path("/tmp").glob("fettle-[0-9]*")) == before


def test_a_relative_data_directory_is_taken_from_where_fettle_was_started(fettle):
    assert fettle("twin", "list", FETTLE_DATA="beside").status == 0
    assert (fettle.home / "beside" / "lock").exists()


def test_paths_that_no_system_takes_are_told(fettle, open_path):
    is_clear(fettle("twin", "list", FETTLE_DATA=str(open_path / ("x" * 300))), 32, "File name too long", "shorter")
    is_clear(fettle("twin", "list", FETTLE_DATA="/tmp" + "/x" * 3000), 3, "not a usable directory name")
    (open_path / "file").write_text("", encoding="utf-8")
    is_clear(fettle("twin", "list", FETTLE_DATA=str(open_path / "file")), 3, "is not a directory")


def test_missing_server_programs_name_the_package(fettle, open_path):
    """In a mount namespace where PostgreSQL's directory is empty."""
    script = f"mount -t tmpfs none /usr/lib/postgresql && exec {BINARY} twin list"
    space = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c"]
    if subprocess.run([*space, "mount -t tmpfs none /usr/lib/postgresql"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no mount namespace can be made here")
    run = subprocess.run([*space, script], capture_output=True, text=True, check=False, cwd=open_path,
                         env={**fettle.environment, "FETTLE_DATA": str(open_path / "data"), "PATH": "/usr/bin:/bin"})
    assert run.returncode == 33
    lines = run.stderr.splitlines()
    assert lines[0] == "fettle: no PostgreSQL server programs were found for the private cluster"
    assert "apt-get install postgresql-15" in lines[1] and len(lines) == 2
    assert not list(open_path.iterdir())


def test_a_setting_that_names_no_server_programs_is_told(fettle, open_path):
    is_clear(fettle("twin", "list", "--set", f"cluster.binaries={open_path}"), 3, f"{open_path} holds no server programs", "initdb")


def test_a_host_that_swallows_connections_ends_at_the_deadline(fettle):
    """A listener whose queue is full answers no further SYN, as a firewall that drops packets."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = []
    for _ in range(4):
        waiting.append(socket.socket())
        waiting[-1].setblocking(False)
        waiting[-1].connect_ex(listener.getsockname())
    begin = time.monotonic()
    result = fettle("advise", "--set", "target.connect_timeout=1s", f"host=127.0.0.1 port={listener.getsockname()[1]} dbname=x user=y")
    assert time.monotonic() - begin < 10
    for end in [*waiting, listener]:
        end.close()
    is_clear(result, 24, "no answer within the time allowed", "target.connect_timeout")


def message(kind, body):
    return kind + (len(body) + 4).to_bytes(4, "big") + body


def parameter(name, value):
    return message(b"S", f"{name}\0{value}\0".encode())


@pytest.mark.parametrize("version, told", [("9.6.24", "PostgreSQL 9.6"), ("12.22", "PostgreSQL 12.22"), ("8.2", "PostgreSQL 8.2")])
def test_a_server_too_old_is_told_its_version(fettle, version, told):
    listener = socket.create_server(("127.0.0.1", 0))
    greeting = message(b"R", (0).to_bytes(4, "big")) + parameter("server_version", version) + parameter("client_encoding", "UTF8") \
        + message(b"K", bytes(8)) + message(b"Z", b"I")

    def serve():
        peer, _ = listener.accept()
        peer.recv(1000)
        peer.sendall(greeting)
        while peer.recv(1000):
            pass
        peer.close()

    threading.Thread(target=serve, daemon=True).start()
    result = fettle("advise", f"host=127.0.0.1 port={listener.getsockname()[1]} dbname=x user=y sslmode=disable gssencmode=disable")
    listener.close()
    is_clear(result, 23, told, "Fettle needs 13 or later", "upgrade")
