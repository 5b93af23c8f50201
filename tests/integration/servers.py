# SPDX-License-Identifier: PostgreSQL
"""Real PostgreSQL servers for tests: one directory each, on a unix socket, as an unprivileged user, always cleaned up."""
import ctypes
import glob
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import psycopg2

PR_SET_PDEATHSIG = 1


def binaries_of(major):
    """The directory of a major's server programs; None when it is not installed."""
    cache = "/var/cache" if os.geteuid() == 0 else os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    places = [f"/usr/lib/postgresql/{major}/bin", f"{cache}/fettle/servers/{major}/bin"]
    for place in places:
        if os.path.exists(os.path.join(place, "initdb")):
            return place
    return None


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
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, major=15, conf=(), preload="pg_stat_statements", tcp=False, hba=None):
        self.major = major
        self.binaries = binaries_of(major)
        assert self.binaries, f"no server programs of PostgreSQL {major}"
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="fettle-pg", dir="/tmp"))
        os.chmod(self.directory, 0o755)
        who = unprivileged()
        if who:
            os.chown(self.directory, *who)
        self.data = self.directory / "data"
        self.port = free_port() if tcp else 5432
        self.process = None
        self._run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        lines = [f"unix_socket_directories = '{self.directory}'", f"port = {self.port}", "fsync = off",
                 f"listen_addresses = '{'127.0.0.1' if tcp else ''}'", "autovacuum = off", "log_line_prefix = '%a|%u|'",
                 "max_wal_size = 1GB", *conf]
        if preload:
            lines.append(f"shared_preload_libraries = '{preload}'")
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        if hba:
            (self.data / "pg_hba.conf").write_text(hba, encoding="utf-8")
        self.start()

    def _run(self, program, *arguments):
        result = subprocess.run([os.path.join(self.binaries, program), *map(str, arguments)], cwd="/", capture_output=True,
                                text=True, preexec_fn=drop_rights, check=False)
        assert result.returncode == 0, result.stderr + result.stdout

    def start(self):
        log = open(self.directory / "log", "ab")
        self.process = subprocess.Popen([os.path.join(self.binaries, "postgres"), "-D", str(self.data)], cwd="/",
                                        stdout=log, stderr=log, stdin=subprocess.DEVNULL, preexec_fn=drop_rights)
        log.close()
        for _ in range(300):
            try:
                psycopg2.connect(self.dsn("postgres")).close()
                return
            except psycopg2.OperationalError:
                assert self.process.poll() is None, self.log()
                time.sleep(0.05)
        raise RuntimeError("the server did not start: " + self.log())

    def stop(self, how=signal.SIGINT):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(30)

    def close(self):
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)

    def dsn(self, database="postgres", user="postgres"):
        return f"host={self.directory} port={self.port} dbname={database} user={user}"

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
        psql = shutil.which("psql") or glob.glob("/usr/lib/postgresql/*/bin/psql")[-1]
        result = subprocess.run([psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(self.directory), "-p", str(self.port), "-U",
                                 "postgres", "-d", database, *map(str, arguments)], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        return result.stdout
