# SPDX-License-Identifier: PostgreSQL
"""Real PostgreSQL servers for tests: one directory each, on a unix socket, as an unprivileged user, always cleaned up.

Nothing outlives the tests, however they end: the postmaster is told by the kernel when its parent dies, and a watchdog
process removes the directories of a test run that was killed.
"""
import atexit
import contextlib
import ctypes
import glob
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import psycopg2

MAJORS = (13, 14, 15, 16, 17, 18)
PR_SET_PDEATHSIG = 1
SOCKET_PATH_MOST = 100  # PostgreSQL allows 107 bytes, ".s.PGSQL.<port>" included

# Reads "+directory" and "-directory" lines; at the end of its input removes what was added and not taken off again.
WATCHDOG = r"""
import shutil, sys, time
directories = set()
for line in sys.stdin:
    (directories.add if line[0] == "+" else directories.discard)(line[1:].rstrip("\n"))
for attempt in range(20 if directories else 0):
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)
    time.sleep(0.1)
"""
_watchdog = None
_templates = {}


def binaries_of(major):
    """The directory of a major's server programs; None when it is not installed."""
    cache = "/var/cache" if os.geteuid() == 0 else os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    places = [f"/usr/lib/postgresql/{major}/bin", f"{cache}/fettle/servers/{major}/bin"]
    for place in places:
        if os.path.exists(os.path.join(place, "initdb")):
            return place
    return None


def client_program(name):
    """A client program (psql, pg_basebackup, pgbench) of the newest installed Debian major."""
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), key=lambda path: int(path.split("/")[4]))
    return found[-1] if found else shutil.which(name)


def unprivileged():
    """uid and gid to run servers as; None when we are unprivileged already."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
        except KeyError:
            continue
    raise RuntimeError("there is no unprivileged user to run a server as")


def drop_rights():
    """In the child: become unprivileged, and die with the parent."""
    who = unprivileged()
    if who:
        os.setgroups([])
        os.setresgid(who[1], who[1], who[1])
        os.setresuid(who[0], who[0], who[0])
    # After the change of user, which would clear it. A postmaster takes SIGQUIT as "stop at once".
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds=20):
    """True as soon as the condition holds, False when it never did."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _tell_watchdog(line):
    global _watchdog
    if _watchdog is None:
        _watchdog = subprocess.Popen([sys.executable, "-c", WATCHDOG], stdin=subprocess.PIPE, text=True, start_new_session=True,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
    _watchdog.stdin.write(line + "\n")
    _watchdog.stdin.flush()


def new_directory(prefix="fettle-pg", place="/tmp"):
    """A short directory that the server's user owns; removed at the end of the run at the latest."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix=prefix, dir=place))
    _tell_watchdog(f"+{directory}")
    os.chmod(directory, 0o755)
    if unprivileged():
        os.chown(directory, *unprivileged())
    return directory


def remove_directory(directory):
    shutil.rmtree(directory, ignore_errors=True)
    _tell_watchdog(f"-{directory}")


def run_as_server(program, *arguments):
    result = subprocess.run([str(program), *map(str, arguments)], cwd="/", capture_output=True, text=True,
                            preexec_fn=drop_rights, check=False)
    assert result.returncode == 0, result.stderr + result.stdout
    return result.stdout


def template_of(major):
    """A fresh cluster of the major, made once per run; every server begins as a copy of it."""
    if major not in _templates:
        directory = new_directory("fettle-template")
        run_as_server(f"{binaries_of(major)}/initdb", "-D", directory / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8",
                      "--locale=C.UTF-8", "--no-sync")
        _templates[major] = directory / "data"
        atexit.register(remove_directory, directory)
    return _templates[major]


def children_of(pid):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def programs_with_extensions(major, scripts):
    """A copy of a major's Debian programs that knows further extensions ({name: SQL}), as a directory to give to Server.

    PostgreSQL looks for its libraries and its share directory from where its program lies."""
    root = new_directory("fettle-programs")
    programs, share = root / f"lib/postgresql/{major}", root / f"share/postgresql/{major}"
    (programs / "bin").mkdir(parents=True)
    (share / "extension").mkdir(parents=True)
    installed, shared = pathlib.Path(binaries_of(major)), pathlib.Path(f"/usr/share/postgresql/{major}")
    shutil.copy(installed / "postgres", programs / "bin" / "postgres")
    (programs / "lib").symlink_to(installed.parent / "lib")
    own = {f"{name}.control": "default_version = '1'\nrelocatable = true\n" for name in scripts}
    own |= {f"{name}--1.sql": script for name, script in scripts.items()}
    for entry in [*shared.iterdir(), *(shared / "extension").iterdir()]:
        if entry.name != "extension" and entry.name not in own:
            (share / entry.relative_to(shared)).symlink_to(entry)
    for name, text in own.items():
        # "x": never through a link into the system's own files.
        with open(share / "extension" / name, "x", encoding="utf-8") as file:
            file.write(text)
    atexit.register(remove_directory, root)
    return programs / "bin"


class Server:
    """One PostgreSQL server. `conf` is lines of postgresql.conf, `hba` a whole pg_hba.conf, `tcp` listens on 127.0.0.1 too.

    `binaries` are server programs of that major in another place (programs_with_extensions()); `place` is where its directory goes."""

    def __init__(self, major=15, conf=(), preload="pg_stat_statements", tcp=False, hba=None, start=True, binaries=None, place="/tmp"):
        self.major = major
        self.binaries = binaries or binaries_of(major)
        assert self.binaries, f"no server programs of PostgreSQL {major}"
        self.directory = new_directory(place=place)
        self.data = self.directory / "data"
        self.port = free_port() if tcp else 5432
        self.process = None
        assert len(f"{self.directory}/.s.PGSQL.{self.port}") < SOCKET_PATH_MOST
        self._make_data()
        lines = [f"unix_socket_directories = '{self.directory}'", f"port = {self.port}", "fsync = off",
                 f"listen_addresses = '{'127.0.0.1' if tcp else ''}'", "autovacuum = off", "log_line_prefix = '%a|%u|'",
                 "max_wal_size = 1GB", *conf]
        if preload:
            lines.append(f"shared_preload_libraries = '{preload}'")
        self.configure(*lines)
        if hba:
            (self.data / "pg_hba.conf").write_text(hba, encoding="utf-8")
        if start:
            self.start()

    def _make_data(self):
        run_as_server("cp", "-R", template_of(self.major), self.data)
        os.chmod(self.data, 0o700)

    def configure(self, *lines):
        """Adds lines to postgresql.conf; the next start reads them."""
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def start(self):
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen([os.path.join(self.binaries, "postgres"), "-D", str(self.data)], cwd="/",
                                            stdout=log, stderr=log, stdin=subprocess.DEVNULL, preexec_fn=drop_rights)
        for _ in range(600):
            try:
                psycopg2.connect(self.dsn("postgres")).close()
                return
            except psycopg2.OperationalError:
                assert self.process.poll() is None, self.log()
                time.sleep(0.03)
        raise RuntimeError("the server did not start: " + self.log())

    def stop(self, how=signal.SIGINT):
        """SIGINT: fast, SIGTERM: waits for the clients, SIGQUIT: at once, without a checkpoint."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(30)

    def restart(self, how=signal.SIGINT):
        self.stop(how)
        self.start()

    def kill9(self):
        """A crash: the postmaster is killed, and is gone with all its children when this returns."""
        family = children_of(self.process.pid)
        self.process.kill()
        self.process.wait(30)
        assert wait_until(lambda: not [pid for pid in family if os.path.exists(f"/proc/{pid}")], 30), "backends live on"

    def pause(self):
        """The server is there and says nothing any more, like a machine that hangs. resume() ends it.

        The postmaster stops first, so that it starts nobody; a child may still end by itself meanwhile."""
        os.kill(self.process.pid, signal.SIGSTOP)
        for pid in children_of(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def resume(self):
        for pid in [*children_of(self.process.pid), self.process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def close(self):
        if self.process and self.process.poll() is None:
            self.resume()  # a test may have failed while the server was paused
        self.stop(signal.SIGQUIT)
        remove_directory(self.directory)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def dsn(self, database="postgres", user="postgres", password=None, host=None):
        """A connection string; host="127.0.0.1" for a server made with tcp=True."""
        secret = f" password={password}" if password else ""
        return f"host={host or self.directory} port={self.port} dbname={database} user={user}{secret}"

    def log(self):
        return (self.directory / "log").read_text(encoding="utf-8", errors="replace")

    def sql(self, text, database="postgres", user="postgres"):
        """Runs statements, each committed by itself; the last one's rows."""
        connection = psycopg2.connect(self.dsn(database, user))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(text)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def psql(self, database, *arguments):
        result = subprocess.run([client_program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(self.directory), "-p",
                                 str(self.port), "-U", "postgres", "-d", database, *map(str, arguments)], capture_output=True,
                                text=True, check=False)
        assert result.returncode == 0, result.stderr
        return result.stdout


class Standby(Server):
    """A streaming standby of a server (of major 15 or older: pg_basebackup is Debian's)."""

    def __init__(self, primary, conf=()):
        self.primary = primary
        super().__init__(primary.major, conf=conf, preload="pg_stat_statements")

    def _make_data(self):
        run_as_server(client_program("pg_basebackup"), "-D", self.data, "-R", "-X", "stream", "-c", "fast", "--no-sync", "-h",
                      self.primary.directory, "-p", self.primary.port, "-U", "postgres")

    def catch_up(self):
        """Waits until everything that the primary has written is here."""
        position = self.primary.sql("SELECT pg_current_wal_lsn()")[0][0]
        assert wait_until(lambda: self.sql(f"SELECT pg_last_wal_replay_lsn() >= '{position}'")[0][0]), self.log()
