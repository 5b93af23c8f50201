# SPDX-License-Identifier: PostgreSQL
"""The private cluster's life: no orphans, one user at a time, recovery; and targets that fail in mid-read."""
import os
import pathlib
import signal
import subprocess
import time

from conftest import BINARY


def processes_of(data):
    """Pids whose command line or working directory names the data directory."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            line = (entry / "cmdline").read_bytes().decode(errors="replace")
            cwd = os.readlink(entry / "cwd")
        except OSError:
            continue
        if str(data) in line or str(data) in cwd:
            found.append(int(entry.name))
    return [pid for pid in found if pid != os.getpid()]


def wait_until(condition, seconds=20):
    for _ in range(seconds * 20):
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_nothing_runs_on_after_a_verb(fettle, shop):
    assert fettle("twin", "build", shop.dsn("shop")).status == 0
    assert wait_until(lambda: not processes_of(fettle.home / "data"))


def test_kill_9_of_fettle_leaves_no_postmaster_and_the_next_run_works(fettle, shop):
    environment = {**fettle.environment}
    run = subprocess.Popen([BINARY, "twin", "build", "--rebuild", shop.dsn("shop")], env=environment, cwd=fettle.home,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    data = fettle.home / "data"
    assert wait_until(lambda: any("postgres" in (pathlib.Path("/proc") / str(p) / "cmdline").read_text(errors="replace")
                                  for p in processes_of(data)) or run.poll() is not None)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert wait_until(lambda: not processes_of(data)), processes_of(data)
    assert fettle("twin", "build", shop.dsn("shop")).status == 0


def test_a_second_fettle_in_the_same_directory_is_told_who_has_it(fettle, shop):
    lock = fettle.home / "data" / "lock"
    assert fettle("twin", "list").status == 0
    holder = subprocess.Popen(["flock", "--no-fork", str(lock), "sleep", "30"])
    try:
        assert wait_until(lambda: fettle("twin", "list").status == 5)
        result = fettle("twin", "list")
        assert "in use by another Fettle" in result.err and "FETTLE_DATA" in result.err
    finally:
        holder.kill()
        holder.wait()


def test_twins_are_listed_and_dropped(fettle, shop):
    assert fettle("twin", "build", shop.dsn("shop")).status == 0
    listing = fettle("twin", "list").out
    name = next(line.split()[0] for line in listing.splitlines() if " shop " in line)
    assert fettle("twin", "drop", name).status == 0
    assert name not in fettle("twin", "list").out
    assert fettle("twin", "drop", "postgres").status == 3


def test_a_refresh_writes_only_what_changed(fettle, shop):
    first = fettle("twin", "build", "--json", "--rebuild", shop.dsn("shop")).json
    assert first["refreshed"] is False and first["objects"] > 30
    second = fettle("twin", "build", "--json", shop.dsn("shop")).json
    assert second["refreshed"] is True and second["objects"] == 0
    shop.sql("INSERT INTO payments (order_id, method, amount) SELECT 1, 'card', 1 FROM generate_series(1, 5000); ANALYZE payments",
             "shop")
    third = fettle("twin", "build", "--json", shop.dsn("shop")).json
    assert third["refreshed"] is True and 0 < third["objects"] < first["objects"] * 3


def test_a_server_that_stalls_in_mid_read_ends_at_the_deadline(fettle, shop):
    shop.sql("BEGIN", "shop")
    for pid in (shop.process.pid,):
        os.kill(pid, signal.SIGSTOP)
    try:
        result = fettle("advise", "--set", "target.connect_timeout=1s", shop.dsn("shop"), timeout=30)
        assert result.status == 24, result.err
    finally:
        os.kill(shop.process.pid, signal.SIGCONT)


def test_a_data_directory_of_another_major_is_left_alone(fettle, open_path):
    data = open_path / "data"
    assert fettle("twin", "list", FETTLE_DATA=str(data)).status == 0
    version = data / "cluster-15" / "data" / "PG_VERSION"
    version.write_text("12\n")
    result = fettle("twin", "list", FETTLE_DATA=str(data))
    assert result.status == 5 and "is of PostgreSQL 12" in result.err
    assert version.exists()
