# SPDX-License-Identifier: PostgreSQL
"""The store and its verbs: private and foreign, migrations, backups, who holds it, and secrets that stay secret."""
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import time

import psycopg2
import pytest
from conftest import BINARY, missing
from servers import binaries_of, children_of, new_directory, remove_directory, wait_until

PASSWORD = "Xq7-unlikely-secret-9vT"
SSL_PASSWORD = "Zk3-unlikely-sslsecret-2pL"


class Home:
    """Fettle with a data directory of its own."""

    def __init__(self, fettle):
        self.fettle = fettle
        self.directory = new_directory("fettle-store")
        self.data = self.directory / "data"
        (self.directory / "password").write_text(PASSWORD + "\n")
        self.password = self.directory / "password"

    def __call__(self, *arguments, **keywords):
        return self.fettle(*arguments, FETTLE_DATA=str(self.data), **keywords)

    def good(self, *arguments, **keywords):
        result = self(*arguments, **keywords)
        assert result.status == 0, result.err
        return result

    def start(self, *arguments):
        return self.fettle.start(*arguments, FETTLE_DATA=str(self.data))

    @property
    def cluster(self):
        return next(self.data.glob("store-[0-9]*"))

    def postmaster(self):
        """Pid of the running postmaster, None when none runs or it is not ready."""
        try:
            lines = (self.cluster / "data" / "postmaster.pid").read_text().splitlines()
            os.kill(int(lines[0]), 0)
            return int(lines[0]) if len(lines) > 7 and lines[7].strip() == "ready" else None
        except (OSError, StopIteration, ValueError, IndexError):
            return None

    def audit(self, store):
        return store.sql("SELECT action, outcome FROM fettle.audit_log ORDER BY id")


@pytest.fixture
def home(fettle):
    home = Home(fettle)
    yield home
    assert wait_until(lambda: home.postmaster() is None), "a postmaster was left"
    remove_directory(home.directory)


class Foreign:
    """An empty database on a server of somebody else's, with an owner that is no superuser."""
    count = 0

    def __init__(self, server, creates_roles=False):
        Foreign.count += 1
        self.server = server
        self.name = f"store_{Foreign.count}"
        server.sql(f"CREATE ROLE {self.name} LOGIN {'CREATEROLE' if creates_roles else ''}")
        server.sql(f"CREATE DATABASE {self.name} OWNER {self.name}")
        self.dsn = server.dsn(self.name, self.name)

    def sql(self, text, user=None):
        return self.server.sql(text, self.name, user or self.name)


@pytest.fixture
def foreign(server_of):
    return Foreign(server_of(15))


def contents(connection):
    """Every table's rows, as text, in order; but for who holds the lease."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relnamespace = 'fettle'::regnamespace AND relkind = 'r'"
                       " AND relname <> 'servers' ORDER BY 1")
        tables = [row[0] for row in cursor.fetchall()]
        found = {}
        for table in tables:
            cursor.execute(f"SELECT t::text FROM fettle.{table} t ORDER BY 1")
            found[table] = [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'fettle' ORDER BY 1")
        return found, cursor.fetchall()


def contents_of(foreign):
    connection = psycopg2.connect(foreign.server.dsn(foreign.name, "postgres"))
    try:
        return contents(connection)
    finally:
        connection.close()


def fill(home, *store):
    home.good("target", "add", "shop", f"postgres://app:{PASSWORD}@a.example:1,b.example:2/shop", *store)
    home.good("target", "add", "plain", "host=h dbname=d", "--database", "a,b", "--interval", "30s", *store)
    home.good("user", "add", "ann", "--role", "admin", "--password-file", home.password, *store)
    home.good("token", "create", "--role", "viewer", "--user", "ann", "--ttl", "12h", *store)


# The private store

def test_the_first_verb_makes_the_store_and_nothing_runs_on_after_it(home):
    assert "no target yet" in home.good("target", "list").out
    status = home.good("store", "status", "--json").json
    assert status["private"] and status["version"] == status["version_known"] and status["missing"] == 0 and status["roles"]
    assert home.cluster.name.startswith("store-") and home.cluster.stat().st_mode & 0o777 == 0o700
    assert wait_until(lambda: home.postmaster() is None)


def test_targets_are_added_listed_changed_switched_and_removed(home):
    home.good("target", "add", "shop", f"postgres://app:{PASSWORD}@db.example:5433/shop?sslmode=require")
    [target] = home.good("target", "list", "--json").json
    assert target["name"] == "shop" and target["enabled"] and target["has_password"]
    assert target["connection"] == "app@db.example:5433/shop" and "sslmode='require'" in target["conninfo"]
    assert home("target", "add", "shop", "host=h").status == 5
    assert home("target", "add", "", "host=h").status == 3
    home.good("target", "disable", "shop")
    assert home.good("target", "list", "--json").json[0]["enabled"] is False
    home.good("target", "enable", "1")
    home.good("target", "change", "shop", "--name", "store", "--interval", "2min")
    [target] = home.good("target", "list", "--json").json
    assert target["name"] == "store" and target["interval_ms"] == 120000 and target["enabled"] and target["has_password"]
    home.good("target", "change", "store", "host=elsewhere")
    assert home.good("target", "list", "--json").json[0]["has_password"] is False
    home.good("target", "remove", "store")
    assert home.good("target", "list", "--json").json == []
    assert home("target", "remove", "store").status == 4


def test_a_target_is_tested_with_its_sealed_password(home, server_of):
    from servers import Server
    hba = "local all postgres trust\nhost all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
    with Server(15, tcp=True, hba=hba) as server:
        server.sql(f"CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'")
        home.good("target", "add", "shop", server.dsn("postgres", "app", host="127.0.0.1"), "--password-file", home.password)
        report = home.good("target", "test", "shop", "--json").json
        assert report["read_as"] == "app" and report["database"] == "postgres" and report["missing"]
        assert "missing: pg_stat_statements" in home.good("target", "test", "shop").out
        (home.directory / "wrong").write_text("not the password\n")
        home.good("target", "change", "shop", "--password-file", home.directory / "wrong")
        assert home("target", "test", "shop").status == 21
    assert home("target", "test", "shop").status == 20


def test_users_and_tokens_live_and_end(home):
    home.good("user", "add", "ann", "--role", "admin", "--password-file", home.password)
    home.good("user", "add", "bob", "--password-file", "-", stdin="another-password\n")
    assert [(u["username"], u["role"]) for u in home.good("user", "list", "--json").json] == [("ann", "admin"), ("bob", "viewer")]
    assert home("user", "disable", "ann").status == 5
    assert home("user", "role", "ann", "viewer").status == 5
    assert home("user", "role", "bob", "king").status == 2
    assert home("user", "add", "ann", "--password-file", home.password).status == 5
    assert home("user", "add", "eve", "--password-file", "-", stdin="short\n").status == 3
    made = home.good("token", "create", "--role", "viewer", "--user", "bob", "--ttl", "90d", "--json").json
    assert re.fullmatch(r"fettle_[A-Za-z0-9_-]{43}", made["token"]) and made["expires_at"]
    assert home("token", "create", "--role", "admin", "--user", "bob").status == 22
    assert home("token", "create").status == 2
    assert made["token"] not in home.good("token", "list", "--json").out
    home.good("user", "passwd", "bob", "--password-file", home.password)
    assert home.good("token", "list", "--user", "bob", "--json").json[0]["revoked_at"]
    plain = home.good("token", "create", "--role", "operator", "--name", "ci").out.strip()
    assert plain.startswith("fettle_")
    home.good("token", "revoke", "2")
    home.good("token", "revoke", "2")
    assert home("token", "revoke", "99").status == 4
    home.good("user", "role", "bob", "admin")
    home.good("user", "remove", "ann")
    assert [u["username"] for u in home.good("user", "list", "--json").json] == ["bob"]


def test_a_password_is_asked_for_twice_at_the_terminal_without_echo(home):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(BINARY, [BINARY, "user", "add", "ann", "--role", "admin"],
                  {**home.fettle.environment, "FETTLE_DATA": str(home.data)})
    shown = b""

    def read_until(words):
        nonlocal shown
        deadline = time.monotonic() + 60
        while words not in shown:
            assert time.monotonic() < deadline, shown
            if select.select([terminal], [], [], 1)[0]:
                shown += os.read(terminal, 4096)

    read_until(b"new password: ")
    os.write(terminal, b"wrong\x15" + PASSWORD.encode() + b"!\x7f\r")
    read_until(b"once more: ")
    os.write(terminal, PASSWORD.encode() + b"\r")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown
    os.close(terminal)
    assert PASSWORD.encode() not in shown and b"wrong" not in shown
    assert home.good("user", "list", "--json").json[0]["username"] == "ann"


def test_without_a_terminal_a_password_needs_a_file(home):
    run = subprocess.run([BINARY, "user", "add", "ann"], env={**home.fettle.environment, "FETTLE_DATA": str(home.data)},
                         capture_output=True, text=True, stdin=subprocess.DEVNULL, start_new_session=True, check=False)
    assert run.returncode == 2 and "--password-file" in run.stderr


def test_every_act_leaves_a_line_in_the_audit_log_also_one_that_failed(home, foreign):
    store = ("--store", foreign.dsn)
    home.good("store", "migrate", *store)
    fill(home, *store)
    assert home("user", "disable", "ann", *store).status == 5
    home.good("token", "revoke", "1", *store)
    home.good("target", "disable", "plain", *store)
    home.good("target", "remove", "plain", *store)
    home.good("store", "backup", home.directory / "x", *store)
    lines = foreign.sql("SELECT action, outcome, actor FROM fettle.audit_log ORDER BY id")
    assert [line[:2] for line in lines] == [
        ("store.migrate", "ok"), ("target.create", "ok"), ("target.create", "ok"), ("user.create", "ok"), ("token.create", "ok"),
        ("user.disable", "conflict"), ("token.revoke", "ok"), ("target.disable", "ok"), ("target.delete", "ok"),
        ("store.backup", "ok")]
    assert all(line[2].startswith("cli:") for line in lines)
    assert PASSWORD not in str(foreign.sql("SELECT * FROM fettle.audit_log"))


# Who holds it

def stopped_holder(home):
    """A verb that runs the private cluster and is stopped in the middle, while its postmaster goes on."""
    for _ in range(20):
        holder = home.start("store", "backup", str(home.directory / "held"))
        while holder.poll() is None:
            lock = (home.data / "store-lock").read_text().strip()
            if lock == str(holder.pid) and home.postmaster():
                holder.send_signal(signal.SIGSTOP)
                if holder.poll() is None and home.postmaster():
                    return holder
                holder.send_signal(signal.SIGCONT)
            time.sleep(0.002)
    raise AssertionError("the verb was always too quick")


def test_a_verb_joins_the_cluster_that_another_process_runs(home):
    home.good("target", "add", "one", "host=h")
    holder = stopped_holder(home)
    try:
        home.good("target", "add", "two", "host=h")
        assert "run by another process" in home.good("store", "status").out
        assert [t["name"] for t in home.good("target", "list", "--json").json] == ["one", "two"]
    finally:
        holder.send_signal(signal.SIGCONT)
    assert holder.wait(60) == 0
    assert wait_until(lambda: home.postmaster() is None)


def test_verbs_at_the_same_time_all_succeed_and_the_first_of_them_makes_the_store(home):
    runs = [home.start("target", "add", f"t{number}", "host=h") for number in range(8)]
    for run in runs:
        out, err = run.communicate(timeout=120)
        home.fettle.check(run.returncode, out + err)
        assert run.returncode == 0, err
    assert len(home.good("target", "list", "--json").json) == 8


def test_kill_9_of_the_holder_leaves_no_postmaster_and_what_was_committed_is_there(home):
    for number in range(5):
        home.good("target", "add", f"t{number}", "host=h")
        holder = stopped_holder(home)
        postmaster = home.postmaster()
        holder.kill()
        holder.wait()
        assert wait_until(lambda: home.postmaster() is None), postmaster
        assert len(home.good("target", "list", "--json").json) == number + 1


def test_kill_9_of_the_postmaster_is_mended_by_the_next_verb(home):
    home.good("target", "add", "one", "host=h")
    holder = stopped_holder(home)
    postmaster = home.postmaster()
    family = children_of(postmaster)
    os.kill(postmaster, signal.SIGKILL)
    holder.send_signal(signal.SIGCONT)
    assert holder.wait(60) != 0
    assert wait_until(lambda: not [pid for pid in family if os.path.exists(f"/proc/{pid}")])
    assert len(home.good("target", "list", "--json").json) == 1


def test_a_store_whose_data_are_lost_is_not_made_anew(home):
    home.good("target", "add", "one", "host=h")
    data = home.cluster / "data"
    data.rename(home.cluster / "elsewhere")
    result = home("target", "list")
    assert result.status == 26 and "lost its data directory" in result.err
    (home.cluster / "elsewhere").rename(data)
    (home.cluster / "fettle-cluster").unlink()
    assert len(home.good("target", "list", "--json").json) == 1


@pytest.mark.parametrize("reached", ["data/PG_VERSION", "data/postmaster.pid"])
def test_a_store_whose_making_was_cut_is_made_anew_and_writes_to_the_disk(home, reached):
    run = home.start("target", "list")
    assert wait_until(lambda: list(home.data.glob(f"store-[0-9]*/{reached}")), 60)
    run.kill()
    run.communicate()
    assert (home.cluster / "fettle-making").exists() and not (home.cluster / "fettle-cluster").exists()
    home.good("target", "add", "after", "host=h")
    assert sorted(path.name for path in home.cluster.iterdir() if path.name.startswith("fettle-")) == ["fettle-cluster"]
    assert "fsync = on" in (home.cluster / "data" / "postgresql.auto.conf").read_text()


def test_a_store_that_was_in_use_is_never_taken_for_one_whose_making_was_cut(home):
    home.good("target", "add", "one", "host=h")
    (home.cluster / "fettle-making").write_text("1\n")
    assert len(home.good("target", "list", "--json").json) == 1
    (home.cluster / "fettle-cluster").rename(home.cluster / "elsewhere")
    result = home("target", "list")
    assert result.status == 26 and "half made" in result.err and "fettle-making" in result.err
    (home.cluster / "fettle-making").unlink()
    assert len(home.good("target", "list", "--json").json) == 1


# Secrets

def test_no_password_is_in_the_store_in_clear(home):
    home.good("target", "add", "shop", f"postgres://app:{PASSWORD}@db.example/shop?sslpassword={SSL_PASSWORD}")
    home.good("target", "add", "other", "host=h", "--password-file", home.password)
    home.good("user", "add", "ann", "--password-file", home.password)
    token = home.good("token", "create", "--role", "admin").out.strip()
    home.good("store", "backup", home.directory / "backup")
    seen = 0
    for path in [*home.data.rglob("*"), home.directory / "backup"]:
        if path.is_file():
            seen += 1
            content = path.read_bytes()
            for secret in (PASSWORD, SSL_PASSWORD, token, PASSWORD.encode().hex()):
                needle = secret if isinstance(secret, bytes) else secret.encode()
                assert needle not in content, path
    assert seen > 900
    key = home.data / "key"
    assert key.stat().st_mode & 0o7777 == 0o600


def test_no_password_is_shown_by_any_verb(home):
    home.fettle.secrets += [PASSWORD, SSL_PASSWORD]
    try:
        home.good("target", "add", "shop", f"postgres://app:{PASSWORD}@127.0.0.1:1/shop?sslpassword={SSL_PASSWORD}")
        for verb in (["target", "list"], ["target", "list", "--json"], ["target", "test", "shop"], ["store", "status"],
                     ["target", "change", "shop", f"postgres://app:{PASSWORD}@h@i/shop"], ["target", "remove", "none"]):
            home(*verb)
        shown = home("config", "show", "--store", f"postgres://app:{PASSWORD}@h/d").out
        assert "***" in shown and "command line" in shown
        assert home("target", "list", "--store", f"postgres://app:{PASSWORD}@127.0.0.1:1/d").status == 20
    finally:
        home.fettle.secrets.clear()


def test_a_password_on_the_command_line_leaves_the_process_list(home):
    home.good("target", "list")
    run = home.start("target", "add", "shop", f"postgres://app:{PASSWORD}@db.example/shop")
    looked = False
    while run.poll() is None and not looked:
        if (home.data / "store-lock").read_text().strip() == str(run.pid):
            line = pathlib.Path(f"/proc/{run.pid}/cmdline").read_bytes()
            looked = b"target" in line
            assert PASSWORD.encode() not in line
    run.communicate(timeout=60)
    assert run.returncode == 0 and looked


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_key_file_that_others_may_use_is_refused(home, mode):
    home.good("target", "add", "shop", f"postgres://app:{PASSWORD}@127.0.0.1:1/shop")
    key = home.data / "key"
    key.chmod(mode)
    result = home("target", "test", "shop")
    assert result.status == 22 and "chmod 600" in result.err
    assert home("target", "add", "two", f"postgres://app:{PASSWORD}@h/d").status == 22
    home.good("target", "list")


def test_a_lost_or_wrong_key_is_said_and_no_new_one_is_made(home):
    home.good("target", "add", "shop", f"postgres://app:{PASSWORD}@127.0.0.1:1/shop")
    key = home.data / "key"
    kept = key.read_text()
    key.unlink()
    assert home("target", "test", "shop").status == 4
    assert home("target", "add", "two", f"postgres://app:{PASSWORD}@h/d").status == 4
    assert not key.exists()
    key.write_text("0" * 64 + "\n")
    key.chmod(0o600)
    assert home("target", "test", "shop").status == 26
    key.write_text(kept)
    assert home("target", "test", "shop").status == 20


# A store on another server

@pytest.mark.parametrize("major", [13, 15, 18])
def test_a_store_on_a_foreign_server_serves_every_verb(home, server_of, major):
    foreign = Foreign(server_of(major), creates_roles=True)
    store = ("--store", foreign.dsn)
    result = home("target", "list", *store)
    assert result.status == 5 and "fettle store migrate" in result.err
    assert home.good("store", "migrate", "--json", *store).json["applied"] > 0
    assert home.good("store", "migrate", "--json", *store).json["applied"] == 0
    fill(home, *store)
    assert len(home.good("target", "list", "--json", *store).json) == 2
    status = home.good("store", "status", "--json", *store).json
    assert status["private"] is False and status["missing"] == 0 and status["roles"]
    assert not list(home.data.glob("store-[0-9]*"))
    assert PASSWORD not in str(contents_of(foreign))
    for text in ("UPDATE fettle.audit_log SET actor = 'x'", "DELETE FROM fettle.audit_log", "TRUNCATE fettle.audit_log"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            foreign.sql(text)


def test_a_role_that_may_not_make_roles_gets_a_store_without_them(home, server_of):
    from servers import Server
    if not binaries_of(16):
        missing("no server programs of PostgreSQL 16: run scripts/test-servers")
    with Server(16) as server:
        foreign = Foreign(server)
        home.good("store", "migrate", "--store", foreign.dsn)
        status = home.good("store", "status", "--store", foreign.dsn)
        assert "fettle_reader" in status.out
        fill(home, "--store", foreign.dsn)


def test_two_migrations_at_once_apply_each_once(home, server_of):
    foreign = Foreign(server_of(15))
    runs = [home.start("store", "migrate", "--json", "--store", foreign.dsn) for _ in range(3)]
    applied = 0
    for run in runs:
        out, err = run.communicate(timeout=120)
        assert run.returncode == 0, err
        applied += json.loads(out)["applied"]
    assert applied == foreign.sql("SELECT count(*) FROM fettle.migrations")[0][0]


def test_kill_9_in_the_middle_of_a_migration_leaves_whole_migrations_only(home, foreign):
    blocker = psycopg2.connect(foreign.server.dsn(foreign.name, "postgres"))
    blocker.autocommit = True
    cursor = blocker.cursor()
    cursor.execute("CREATE FUNCTION public.wait() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_advisory_xact_lock(1);"
                   " END$$; CREATE EVENT TRIGGER wait ON ddl_command_end WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION public.wait()")
    cursor.execute("SELECT pg_advisory_lock(1)")
    run = home.start("store", "migrate", "--store", foreign.dsn)
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()"
    assert wait_until(lambda: foreign.sql(waits, "postgres")[0][0] == 1)
    run.kill()
    run.wait()
    cursor.execute("DROP EVENT TRIGGER wait")
    blocker.close()
    sessions = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{foreign.name}'"
    assert wait_until(lambda: foreign.server.sql(sessions)[0][0] == 0)
    status = home.good("store", "status", "--json", "--store", foreign.dsn).json
    assert 0 < status["version"] < status["version_known"]
    assert foreign.sql("SELECT to_regclass('fettle.workload_patterns')") == [(None,)] or status["version"] >= 2
    home.good("store", "migrate", "--store", foreign.dsn)
    fill(home, "--store", foreign.dsn)


def test_a_newer_store_is_refused_by_every_verb(home, foreign):
    store = ("--store", foreign.dsn)
    home.good("store", "migrate", *store)
    foreign.sql("INSERT INTO fettle.migrations VALUES (9000, '9000_future', 'x')")
    for verb in (["target", "list"], ["store", "migrate"], ["store", "backup", str(home.directory / "b")]):
        result = home(*verb, *store)
        assert result.status == 23 and "newer Fettle" in result.err
    assert "newer Fettle" in home.good("store", "status", *store).out


def test_a_changed_migration_is_refused(home, foreign):
    store = ("--store", foreign.dsn)
    home.good("store", "migrate", *store)
    foreign.sql("UPDATE fettle.migrations SET checksum = repeat('0', 64) WHERE version = 4")
    for verb in (["target", "list"], ["store", "migrate"]):
        result = home(*verb, *store)
        assert result.status == 5 and "0004_workflow" in result.err


# Backup and restore

@pytest.mark.parametrize("major", [13, 15, 18])
def test_a_backup_restores_to_equal_contents_on_another_major(home, server_of, major):
    source = Foreign(server_of(15))
    target = Foreign(server_of(major))
    home.good("store", "migrate", "--store", source.dsn)
    fill(home, "--store", source.dsn)
    source.sql("INSERT INTO fettle.optimization_recommendations (target_id, source_type, recommendation_text, roi_score)"
               " SELECT 1, 'index', repeat('long text ', 2000) || n, n / 7.0 FROM generate_series(1, 3000) n;"
               " INSERT INTO fettle.optimization_implementations (recommendation_id, pre_optimization_stats)"
               " SELECT id, '{\"calls\": 1e3, \"x\": [null, \"\\u00e4\"]}' FROM fettle.optimization_recommendations LIMIT 10;"
               " SELECT fettle.audit_month_make('2025-03-04')")
    home.good("store", "backup", home.directory / "b", "--store", source.dsn)
    assert (home.directory / "b").stat().st_mode & 0o7777 == 0o600
    before = contents_of(source)
    report = home.good("store", "restore", home.directory / "b", "--json", "--store", target.dsn).json
    after = contents_of(target)
    assert report["tables"] == len(before[0])
    assert before[0].keys() == after[0].keys()
    for table, rows in before[0].items():
        # the audit log has since got a line of the backup there, of the restore here
        if table.startswith("audit_log"):
            restored = [row for row in after[0][table] if "store.restore" not in row]
            assert [row for row in rows if "store.backup" not in row] == restored
        else:
            assert rows == after[0][table], table
    counted = {name: value for name, value in before[1] if name != "audit_log_id_seq"}
    assert counted == {name: value for name, value in after[1] if name != "audit_log_id_seq"}
    assert len(home.good("target", "list", "--json", "--store", target.dsn).json) == 2
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        target.sql("DELETE FROM fettle.audit_log_202503")
    assert home("target", "test", "shop", "--store", target.dsn).status in (20, 24)


def test_a_private_store_moves_by_backup_and_key_file(home, fettle):
    fill(home)
    home.good("store", "backup", home.directory / "b")
    second = Home(fettle)
    second.good("store", "restore", home.directory / "b")
    # it makes every partition of it in one transaction
    assert "max_locks_per_transaction = 1024" in (second.cluster / "data" / "postgresql.auto.conf").read_text()
    assert second("target", "test", "shop").status == 4
    (second.data / "key").write_text((home.data / "key").read_text())
    (second.data / "key").chmod(0o600)
    second.good("target", "change", "shop", "--name", "moved")
    assert second("target", "test", "moved", timeout=60).status in (20, 24)
    remove_directory(second.directory)


def test_a_store_in_use_is_not_restored_over(home):
    fill(home)
    home.good("store", "backup", home.directory / "b")
    result = home("store", "restore", home.directory / "b")
    assert result.status == 5 and "in use" in result.err
    assert len(home.good("target", "list", "--json").json) == 2


def test_a_damaged_or_foreign_or_newer_backup_changes_nothing(home, foreign, server_of):
    source = Foreign(server_of(15))
    home.good("store", "migrate", "--store", source.dsn)
    fill(home, "--store", source.dsn)
    path = home.directory / "b"
    home.good("store", "backup", path, "--store", source.dsn)
    whole = path.read_bytes()
    bad = home.directory / "bad"
    damaged = [whole[:length] for length in (0, 5, 12, 43, 44, 100, len(whole) // 2, len(whole) - 1)]
    damaged += [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:] for at in (0, 13, 60, len(whole) // 2, len(whole) - 1)]
    damaged += [whole + b"x", os.urandom(5000)]
    for content in damaged:
        bad.write_bytes(content)
        result = home("store", "restore", bad, "--store", foreign.dsn)
        assert result.status == 26, (len(content), result.err)
    bad.write_bytes(whole[:8] + b"\x02" + whole[9:])
    assert home("store", "restore", bad, "--store", foreign.dsn).status == 23
    assert home("store", "restore", home.directory / "none", "--store", foreign.dsn).status == 4
    assert foreign.sql("SELECT to_regclass('fettle.targets')") == [(None,)]
    home.good("store", "restore", path, "--store", foreign.dsn)


def test_a_backup_is_of_one_moment_while_others_write(home, foreign):
    store = ("--store", foreign.dsn)
    home.good("store", "migrate", *store)
    home.good("target", "add", "shop", "host=h", *store)
    foreign.sql("INSERT INTO fettle.jobs (kind) SELECT 'filler ' || repeat(md5(n::text), 20) FROM generate_series(1, 100000) n")
    run = home.start("store", "backup", str(home.directory / "b"), *store)
    number = 0
    while run.poll() is None:
        number += 1
        foreign.sql(f"BEGIN; INSERT INTO fettle.query_features (target_id, query_hash, parsed) VALUES (1, {number}, true);"
                    f" INSERT INTO fettle.statements (target_id, statement_id, database_id, user_oid, queryid, query_hash)"
                    f" VALUES (1, {number}, 1, 10, {number}, {number}); COMMIT")
    assert run.returncode == 0, run.stderr.read()
    target = Foreign(foreign.server)
    home.good("store", "restore", home.directory / "b", "--store", target.dsn)
    counts = target.sql("SELECT (SELECT count(*) FROM fettle.query_features), (SELECT count(*) FROM fettle.statements)")[0]
    assert counts[0] == counts[1] <= number


def test_kill_9_of_a_restore_leaves_the_store_empty(home, server_of):
    source, target = Foreign(server_of(15)), Foreign(server_of(15))
    home.good("store", "migrate", "--store", source.dsn)
    fill(home, "--store", source.dsn)
    source.sql("INSERT INTO fettle.jobs (kind) SELECT repeat(md5(n::text), 20) FROM generate_series(1, 200000) n")
    home.good("store", "backup", home.directory / "b", "--store", source.dsn)
    run = home.start("store", "restore", str(home.directory / "b"), "--store", target.dsn)
    copies = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY fettle.jobs%' AND state = 'active'"
    assert wait_until(lambda: target.sql(copies, "postgres")[0][0] > 0)
    run.kill()
    run.wait()
    assert wait_until(lambda: target.sql("SELECT to_regclass('fettle.targets')") == [(None,)])
    home.good("store", "restore", home.directory / "b", "--store", target.dsn)


# Settings

def test_config_check_names_file_and_line(home):
    path = home.directory / "fettle.conf"
    cases = {"[collect]\ninterval = soon\n": ":2", "[nonsense]\nx = 1\n": ":2", "interval\n": ":1",
             "[server]\nlisten = nowhere\n": ":2", "[log]\nlevel = loud\n": ":2",
             "[server]\ntls_key = /etc/hostname\n": ":2", "[store]\nurl = postgres://a:b@c@d/e\n": ":2"}
    for text, place in cases.items():
        path.write_text(text)
        result = home("config", "check", path)
        assert result.status in (2, 3) and f"{path}{place}" in result.err, (text, result.err)
    path.write_text("# good\n[collect]\ninterval = 30s\n")
    assert "is good" in home.good("config", "check", path).out
    assert home("config", "check", home.directory / "none").status == 4


def test_config_show_says_where_each_value_comes_from_and_hides_secrets(home):
    path = home.directory / "fettle.conf"
    path.write_text("[collect]\ninterval = 30s\n[store]\nurl = postgres://a:" + PASSWORD + "@h/d\n")
    rows = home.good("config", "show", "--json", "--config", path, "--set", "log.level=debug", FETTLE_COLLECT_WORKERS="3").json
    by_name = {row["name"]: row for row in rows}
    assert by_name["collect.interval"]["value"] == "30s" and by_name["collect.interval"]["source"] == f"{path}:2"
    assert by_name["store.url"]["value"] == "***" and by_name["store.url"]["source"] == f"{path}:4"
    assert by_name["log.level"]["source"] == "command line" and by_name["collect.workers"]["source"] == "environment"
    assert by_name["target.deadline"]["source"] == "default" and by_name["store.key_file"]["effect"] == "restart"
    assert PASSWORD not in json.dumps(rows)
