# SPDX-License-Identifier: PostgreSQL
"""Constants as sessions send them: what is watched makes advice that pg_stat_statements alone cannot, and gives nothing private away."""
import contextlib
import json
import subprocess
import threading

import psycopg2
import pytest

from servers import Server, client_program

SECRET = "alice.secret@example.com"
TABLE = """
CREATE EXTENSION pg_stat_statements;
CREATE ROLE app LOGIN; CREATE ROLE watcher LOGIN; CREATE ROLE stranger LOGIN;
GRANT pg_monitor, pg_read_all_data TO watcher;
CREATE TABLE tasks (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, status text NOT NULL, owner text NOT NULL,
                    created_at timestamptz NOT NULL, data jsonb NOT NULL);
INSERT INTO tasks (status, owner, created_at, data)
SELECT CASE WHEN i % 200 = 0 THEN 'pending' WHEN i % 3 = 0 THEN 'failed' ELSE 'done' END, 'user' || i || '@example.com',
       timestamptz '2026-01-01' + (i * 7919 % 200000) * interval '1 minute',
       jsonb_build_object('kind', 'k' || i % 5000, 'size', i)
FROM generate_series(1, 200000) i;
GRANT SELECT ON tasks TO app, watcher;
GRANT USAGE ON SCHEMA public TO app;
VACUUM ANALYZE tasks"""
PENDING = "SELECT id, owner FROM tasks WHERE status = 'pending' AND created_at > '2026-03-01' ORDER BY created_at"


@pytest.fixture(scope="module")
def tasks():
    with Server(15) as server:
        for statement in TABLE.split(";"):
            server.sql(statement)
        yield server


@pytest.fixture
def fresh(tasks):
    tasks.sql("SELECT pg_stat_statements_reset()")
    return tasks


@contextlib.contextmanager
def sending(server, *texts, sessions=3):
    """Sessions that send texts, one after the other, by the simple protocol, until the block ends; the block begins when each was sent."""
    stop, begun, faults = threading.Event(), threading.Barrier(sessions + 1), []

    def work(first):
        try:
            connection = psycopg2.connect(server.dsn(user="app"))
            connection.autocommit = True
            with connection.cursor() as cursor:
                for number in range(1000000):
                    cursor.execute(texts[(first + number) % len(texts)])
                    if number == len(texts):
                        begun.wait(60)
                    if stop.wait(0.01):
                        break
            connection.close()
        except Exception as error:  # pylint: disable=broad-except
            faults.append(error)
            begun.abort()

    threads = [threading.Thread(target=work, args=(first,)) for first in range(sessions)]
    for thread in threads:
        thread.start()
    try:
        begun.wait(60)
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not faults, faults


@contextlib.contextmanager
def pgbench(server, tmp_path, text, **values):
    """The same by the extended protocol: :name is a real parameter."""
    script = tmp_path / "script.sql"
    script.write_text(text + ";\n", encoding="utf-8")
    script.chmod(0o644)
    with subprocess.Popen([client_program("pgbench"), "-n", "-M", "extended", "-c", "3", "-T", "600", "-R", "100", "-f", str(script), "-h",
                           str(server.directory), "-p", str(server.port), "-U", "app",
                           *[f"-D{name}={value}" for name, value in values.items()], "postgres"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            threading.Event().wait(1.5)
            assert process.poll() is None, process.stderr.read()
            yield
        finally:
            process.terminate()


def advise(fettle, server, *options, user="watcher"):
    result = fettle("advise", "--json", "--no-verify", *options, server.dsn(user=user))
    assert result.status in (0, 10), result.err
    return result


def statements_of(result):
    return [r["statement"] for r in result.json["recommendations"]]


def test_a_constant_status_gets_a_partial_index(fettle, fresh):
    with sending(fresh, PENDING):
        # an index on (status, created_at) does the same; here it is too large
        result = fettle("advise", "--json", "--budget", "1MB", fresh.dsn(user="watcher"))
    fidelity = result.json["twin"]["fidelity"]
    assert fidelity["identical"] == fidelity["compared"] > 0
    assert any("WHERE (status = 'pending')" in text for text in statements_of(result)), result.out


def test_a_parameter_does_not_and_the_reason_is_told(fettle, fresh, open_path):
    with pgbench(fresh, open_path, PENDING.replace("'pending'", ":status"), status="pending"):
        result = advise(fettle, fresh)
    assert not any("'pending'" in text for text in statements_of(result)), result.out
    assert any("the value is a parameter" in row["reason"] for row in result.json["rejections"]), result.out


def test_a_value_that_varies_does_not(fettle, fresh):
    with sending(fresh, PENDING, PENDING.replace("pending", "failed")):
        result = advise(fettle, fresh)
    assert not any("WHERE" in text for text in statements_of(result)), result.out


def test_a_json_key_gets_an_expression_index(fettle, fresh):
    texts = [f"SELECT id FROM tasks WHERE data ->> 'kind' = 'k{number}'" for number in range(50)]
    with sending(fresh, *texts):
        result = advise(fettle, fresh)
    assert any("(data ->> 'kind'" in text for text in statements_of(result)), result.out


def test_without_watching_nothing_is_known(fettle, fresh):
    texts = [f"SELECT id FROM tasks WHERE data ->> 'kind' = 'k{number}'" for number in range(50)]
    with sending(fresh, PENDING, *texts):
        for off in (("--set", "advise.watch=0"), ("--watch", "0")):
            result = advise(fettle, fresh, *off)
            assert not any("WHERE" in text or "->>" in text for text in statements_of(result)), result.out


def test_a_look_that_takes_too_long_is_told(fettle, fresh, open_path):
    """A view that takes too long, in a database of its own."""
    fresh.sql("CREATE DATABASE slow TEMPLATE postgres")
    shown = fresh.sql("SELECT pg_get_viewdef('pg_stat_activity'::regclass)", "slow")[0][0].rstrip(";")
    with contextlib.closing(psycopg2.connect(fresh.dsn("slow"))) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SET allow_system_table_mods = on")
        cursor.execute(f"CREATE OR REPLACE VIEW pg_catalog.pg_stat_activity AS SELECT * FROM ({shown}) activity WHERE (SELECT count(*) FROM pg_sleep(30)) = 1")
        cursor.execute("SET ROLE app")
        cursor.execute("SELECT id, owner FROM tasks WHERE status = 'pending'")
    advice = fettle("advise", "--no-verify", "--set", "target.statement_timeout=1s", fresh.dsn("slow", "watcher"))
    told = next(line for line in advice.out.splitlines() if "constants that sessions send are not all known" in line)
    assert "could not watch what sessions send" in told and "statement timeout" in told and "--watch 0" in told
    file = open_path / "slow.fettle"
    taken = fettle("snapshot", "--set", "target.statement_timeout=1s", "-o", str(file), fresh.dsn("slow", "watcher"))
    assert "missing: what sessions send: could not watch" in taken.err, taken.err
    again = fettle("advise", "--no-verify", str(file)).out
    assert "a snapshot taken anew may have them" in again and "--watch 0" not in again
    missing = fettle("advise", "--json", "--no-verify", str(file)).json["missing"]
    assert any(gap["subject"] == "what sessions send" and "--watch 0" in gap["remedy"] for gap in missing)
    fresh.sql("DROP DATABASE slow")


def test_a_number_of_rows_makes_an_order_worth_an_index(fettle, fresh):
    texts = [f"SELECT id, owner FROM tasks WHERE created_at < '2026-03-{day:02}' ORDER BY created_at DESC LIMIT 20" for day in range(1, 29)]
    with sending(fresh, *texts):
        result = advise(fettle, fresh)
    assert any("(created_at" in text for text in statements_of(result)), result.out
    shown = json.dumps(result.json)
    assert "LIMIT 20" in shown and "2026-03" not in shown


def payload_of(file):
    """A snapshot's sections as they stand in its file."""
    packed = file.read_bytes()
    return subprocess.run(["zstd", "-dcq"], input=packed[packed.index(b"\x28\xb5\x2f\xfd"):], capture_output=True, check=True).stdout


def test_what_is_private_stays_out(fettle, fresh, open_path):
    text = f"SELECT id FROM tasks WHERE owner = '{SECRET}' AND data ->> 'kind' IS NULL AND owner NOT LIKE '{SECRET}%' LIMIT 7"
    file = open_path / "shop.fettle"
    with sending(fresh, text):
        result = advise(fettle, fresh)
        taken = fettle("snapshot", "-o", str(file), fresh.dsn(user="watcher"))
    assert taken.status == 0, taken.err
    assert SECRET not in result.out + result.err
    payload = payload_of(file)
    assert b"statements_sent" in payload and SECRET.encode() not in payload
    again = fettle("advise", "--json", "--no-verify", str(file))
    assert "LIMIT 7" in again.out and "data ->> 'kind'" in again.out and SECRET not in again.out
    redacted = open_path / "redacted.fettle"
    with sending(fresh, text):
        assert fettle("snapshot", "--redact", "-o", str(redacted), fresh.dsn(user="watcher")).status == 0
    assert b"LIMIT 7" not in payload_of(redacted)


def test_a_role_that_may_not_see_others_texts_reads_all_the_same(fettle, fresh, open_path):
    file = open_path / "shop.fettle"
    with sending(fresh, PENDING):
        taken = fettle("snapshot", "-o", str(file), fresh.dsn(user="stranger"))
    assert taken.status == 0, taken.err
    payload = payload_of(file)
    assert b"statements of other roles" in payload and b"status = 'pending'" not in payload and b"statements_sent" not in payload


def test_constants_are_seen_on_each_major(fettle, server_of_each, open_path):
    """18 writes a list as "$1 /*, ... */"; 13 knows no query ids there."""
    server = server_of_each
    server.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    server.sql("CREATE TABLE IF NOT EXISTS sent (a int, data jsonb)")
    if not server.sql("SELECT FROM pg_roles WHERE rolname = 'app'"):
        server.sql("CREATE ROLE app LOGIN")
    server.sql("GRANT SELECT ON sent TO app")
    server.sql("SELECT pg_stat_statements_reset()")
    file = open_path / "sent.fettle"
    with sending(server, "SELECT extract(year from now()), data -> 'kind' ->> 'name' FROM sent WHERE a IN (1, 2, 3) AND a > -5 LIMIT 7"):
        taken = fettle("snapshot", "--watch", "500ms", "-o", str(file), server.dsn())
    server.sql("DROP TABLE sent")
    assert taken.status == 0, taken.err
    text = payload_of(file).decode(errors="replace")
    assert "extract(year from now()), data -> 'kind' ->> 'name' FROM sent WHERE a IN ($1" in text and "LIMIT 7" in text


@pytest.mark.parametrize("time", ["soon", "-1s", "2h"])
def test_what_is_no_time_to_watch_is_refused(fettle, fresh, time):
    result = fettle("advise", f"--watch={time}", fresh.dsn(user="watcher"))
    assert result.status == 3 and "--watch" in result.err, result.err
