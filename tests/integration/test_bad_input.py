# SPDX-License-Identifier: PostgreSQL
"""Bad input: one line saying what, a hint saying what to do, a status of its own, nothing left behind."""
import socket
import threading

import pytest
from servers import Server


def is_clear(result, status, *words):
    assert result.status == status, (result.status, result.err)
    assert result.out == ""
    lines = result.err.splitlines()
    assert [line.split(": ")[0] for line in lines] == ["fettle", "hint"] and len(lines[1]) > len("hint: "), result.err
    for word in words:
        assert word in result.err, (word, result.err)


@pytest.mark.parametrize("arguments, status, word", [
    (["advize"], 2, "unknown verb"),
    (["advise", "--fast"], 2, "unknown option"),
    (["advise", "a", "b"], 2, "too many arguments"),
    (["advise", "--budget", "much", "host=x"], 2, "is not a budget"),
    (["advise", "--format", "xml", "host=x"], 2, "is not a format"),
    (["advise", "--output"], 2, "needs a value"),
    (["advise", "--set", "advise.time=soon", "host=x"], 3, "advise.time"),
    (["advise", "--set", "no.such=1", "host=x"], 3, "no setting called"),
    (["twin", "fly", "x"], 2, "does not know"),
    (["twin", "build"], 2, "needs a target"),
    (["help", "nothing"], 2, "no help on"),
    (["advise", "/no/such/file"], 4, "there is no file"),
])
def test_words_that_make_no_sense_are_named(fettle, arguments, status, word):
    is_clear(fettle(*arguments), status, word)


def test_no_target_is_told(fettle):
    is_clear(fettle("advise", FETTLE_TARGET=""), 2, "no target")


def test_a_refused_connection_says_so(fettle):
    is_clear(fettle("advise", "postgres://me:s3cr3t@127.0.0.1:1/db"), 20, "Connection refused", "is the server running")


def test_a_socket_directory_without_server_says_so(fettle):
    is_clear(fettle("advise", "host=/nowhere dbname=x"), 20, "No such file or directory")


def test_a_malformed_connection_string_hides_its_password(fettle):
    fettle.secrets.append("s3cr3tpass")
    result = fettle("advise", "postgres://me:s3cr3tpass@[::1/db")
    assert result.status != 0


def test_a_missing_database_is_named(fettle, server):
    is_clear(fettle("advise", server.dsn("nosuch")), 4, 'database "nosuch" does not exist', "psql -l")


def test_a_wrong_password_is_told_and_not_repeated(fettle):
    server = Server(15, tcp=True, hba="local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
    try:
        server.sql("CREATE ROLE careful LOGIN PASSWORD 'right'")
        fettle.secrets.append("wr0ngpass")
        is_clear(fettle("advise", f"postgres://careful:wr0ngpass@127.0.0.1:{server.port}/postgres"), 21,
                 "password authentication failed", ".pgpass")
    finally:
        server.close()


def test_a_listener_that_is_no_postgresql_is_recognised(fettle):
    listener = socket.create_server(("127.0.0.1", 0))

    def answer():
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            peer.recv(100)
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            peer.close()

    threading.Thread(target=answer, daemon=True).start()
    result = fettle("advise", f"host=127.0.0.1 port={listener.getsockname()[1]} dbname=x user=y sslmode=disable")
    listener.close()
    is_clear(result, 20)


def test_a_silent_listener_ends_at_the_deadline(fettle):
    listener = socket.create_server(("127.0.0.1", 0))
    result = fettle("advise", "--set", "target.connect_timeout=1s",
                    f"host=127.0.0.1 port={listener.getsockname()[1]} dbname=x user=y", timeout=20)
    listener.close()
    is_clear(result, 24, "no answer within the time allowed")


def test_an_empty_workload_is_told(fettle, server):
    server.sql("CREATE DATABASE empty")
    server.sql("CREATE EXTENSION pg_stat_statements", "empty")
    is_clear(fettle("advise", server.dsn("empty")), 3, "workload is empty", "--workload")


def test_a_damaged_file_is_told(fettle, server, tmp_path):
    file = tmp_path / "x.fettle"
    assert fettle("snapshot", server.dsn("postgres"), "-o", file).status == 0
    whole = file.read_bytes()
    file.write_bytes(whole[:-10])
    is_clear(fettle("advise", file), 26, "is cut short")
    file.write_bytes(whole[:60] + bytes([whole[60] ^ 1]) + whole[61:])
    is_clear(fettle("advise", file), 26, "damaged")
    file.write_bytes(whole[:8] + b"\x09\x00" + whole[10:])
    is_clear(fettle("advise", file), 23, "newer Fettle")
    file.write_bytes(b"something else")
    is_clear(fettle("advise", file), 3, "not a Fettle snapshot")


def test_an_output_that_cannot_be_written_is_told(fettle, server):
    result = fettle("snapshot", server.dsn("postgres"), "-o", "/nowhere/x.fettle")
    is_clear(result, 32, "could not create /nowhere/x.fettle")


def test_a_settings_file_with_a_fault_names_file_and_line(fettle, tmp_path):
    file = tmp_path / "fettle.conf"
    file.write_text("[advise]\n# fine\ntime = 10s\nstatements = many\n")
    is_clear(fettle("advise", "--config", file, "host=x"), 3, f"{file}:4", "advise.statements")
    file.write_text("advise.time = 10s\n")
    is_clear(fettle("advise", "--config", file, "host=x"), 3, f"{file}:1", "before the first [section]", "[advise]", "time = ...")


def test_help_and_version_are_told_whatever_the_settings_are(fettle, tmp_path):
    """The message on a bad settings file sends people to "fettle help settings"."""
    file = tmp_path / "fettle.conf"
    file.write_text("[advise]\nbogus = 1\n")
    bad = {"FETTLE_CONFIG": str(file), "FETTLE_ADVISE_TIME": "never"}
    is_clear(fettle("advise", "host=x", **bad), 3, "fettle help settings")
    for words in (["help"], ["help", "settings"], ["help", "man"], ["version"], []):
        assert fettle(*words, **bad).status == 0, words
