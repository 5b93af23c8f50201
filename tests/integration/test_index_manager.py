# SPDX-License-Identifier: PostgreSQL
"""The index manager: what it creates and drops, what it refuses, and that no kill leaves an invalid index or a lie behind."""
import contextlib
import http.client
import json
import os
import pty
import re
import signal
import subprocess
import termios
import threading
import time

import psycopg2
import pytest
from conftest import BINARY
from servers import Server, Standby, new_directory, remove_directory, wait_until
from service import Service

BASE = "/api/v1/indexes"
SCHEMA = """
CREATE EXTENSION pg_stat_statements;
CREATE TABLE customers (id int PRIMARY KEY, email text UNIQUE, city text);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customers, note text, total numeric NOT NULL);
CREATE INDEX orders_customer ON orders (customer_id);
CREATE INDEX orders_customer_again ON orders (customer_id);
CREATE UNIQUE INDEX orders_identity ON orders (total);
CREATE TABLE "Odd ""t" ("Col, 1" int, b int);
CREATE TABLE parts (day date, n int) PARTITION BY RANGE (day);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE INDEX parts_n ON parts (n);
CREATE VIEW seen AS SELECT * FROM orders;
CREATE MATERIALIZED VIEW kept AS SELECT note, count(*) AS n FROM orders GROUP BY note;
CREATE SCHEMA other; CREATE TABLE other.customers (id int);
INSERT INTO customers SELECT n, 'a' || n, 'x' FROM generate_series(1, 100) n;
INSERT INTO orders SELECT n, n % 100 + 1, 'same', n FROM generate_series(1, 20000) n;
ALTER TABLE orders REPLICA IDENTITY USING INDEX orders_identity;
ANALYZE;
"""


@pytest.fixture(scope="module")
def target():
    with Server(15, tcp=True, conf=["max_connections = 60", "wal_level = replica"]) as server:
        server.sql(SCHEMA)
        yield server


@pytest.fixture(scope="module")
def service(target):
    with Service() as service:
        set_to(service, "index.free_space_floor", "0B")
        set_to(service, "index.lock_timeout", "60s")
        service.target_id = service.add_target("shop", target.dsn(), enabled=False)
        yield service


def set_to(service, name, value):
    """By the API, which --set would win over; it holds once it is listed."""
    service.json("PUT", f"/api/v1/settings/{name}", {"value": value})
    assert wait_until(lambda: any(row["name"] == name and row["value"] == value for row in service.json("GET", "/api/v1/settings")["settings"]))


def order(service, **fields):
    return {"connection_id": service.target_id, "table_name": "orders", "index_name": "orders_note", "columns": ["note"], **fields}


def create(service, status=200, **fields):
    return service.json("POST", f"{BASE}/create", order(service, **fields), status, token="operator")


def drop(service, status=200, **fields):
    body = order(service, **fields)
    del body["columns"]
    return service.json("POST", f"{BASE}/drop", body, status, token="operator")


def history(service, change_id=None):
    changes = service.json("GET", f"{BASE}/history/{service.target_id}?limit=500", token="viewer")["changes"]
    return changes if change_id is None else next(change for change in changes if change["id"] == change_id)


def indexes(target, where="true"):
    return dict(target.sql(f"SELECT indexrelid::regclass::text, indisvalid FROM pg_index WHERE indexrelid >= 16384 AND {where}"))


def is_over(service, change_id):
    return history(service, change_id)["status"] not in ("pending", "running")


@contextlib.contextmanager
def writer(target, statement="UPDATE orders SET note = note WHERE id = 1"):
    """A transaction that has written: a build of the table's index waits for it with the index made and invalid."""
    connection = psycopg2.connect(target.dsn())
    try:
        connection.cursor().execute(statement)
        yield connection
    finally:
        with contextlib.suppress(psycopg2.Error):
            connection.rollback()
        connection.close()


def backend_of(target, change_id):
    rows = target.sql(f"SELECT pid FROM pg_stat_activity WHERE application_name = 'fettle index change {change_id}' AND state <> 'idle'")
    return rows[0][0] if rows else None


def background(act):
    """In a thread; that the service dies meanwhile is what the test is about."""
    def run():
        with contextlib.suppress(OSError, AssertionError, http.client.HTTPException):
            act()
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def held_build(service, target, name):
    """A build that has begun and waits; the reply says so only after its ten seconds, so it is asked for in the background."""
    replies = []
    before = {change["id"] for change in history(service)}
    thread = background(lambda: replies.append(service.request("POST", f"{BASE}/create", order(service, index_name=name), token="operator")))
    assert wait_until(lambda: indexes(target).get(name) is False, 20), history(service)[:1]
    change_id, = {change["id"] for change in history(service)} - before
    return change_id, thread, replies


@pytest.fixture(autouse=True)
def nothing_invalid_is_left(request, target):
    yield
    assert not [name for name, valid in indexes(target).items() if not valid]


# --- what it does

def test_an_index_is_created_recorded_with_its_undo_and_dropped_again(service, target):
    made = create(service)
    assert (made["success"], made["status"], made["columns"]) == (True, "completed", ["note"])
    assert "CONCURRENTLY IF NOT EXISTS" in made["sql"] and indexes(target)["orders_note"]
    change = history(service, made["change_id"])
    assert change["success"] is True and change["duration_ms"] > 0 and change["attempts"] == 1 and change["performed_by"].startswith("token")
    target.sql(change["undo_sql"])
    assert "orders_note" not in indexes(target)
    target.sql(change["sql"])
    dropped = drop(service)
    assert "orders_note" not in indexes(target) and dropped["sql"].startswith("DROP INDEX CONCURRENTLY IF EXISTS")
    target.sql(history(service, dropped["change_id"])["undo_sql"])
    assert indexes(target)["orders_note"]
    drop(service)


def test_creating_what_exists_is_success_and_another_definition_a_conflict(service, target):
    assert create(service, index_name="orders_customer", columns=["customer_id"])["change_id"] is None
    reply = service.request("POST", f"{BASE}/create", order(service, index_name="orders_customer", columns=["note"]), token="operator")
    assert (reply.status, reply.json["code"]) == (409, "conflict") and "orders_customer" in reply.json["details"]["hint"]
    assert drop(service, index_name="never_was")["message"] == "there is no such index"


def test_names_are_quoted_and_every_kind_of_index_is_made(service, target):
    create(service, table_name='Odd "t', index_name='An "index; --', columns=["Col, 1"], index_type="hash")
    create(service, table_name='Odd "t', index_name="incl", columns=["b"], include_columns=["Col, 1"], unique=True)
    made = indexes(target)
    assert made['"An ""index; --"'] and made["incl"]
    drop(service, table_name='Odd "t', index_name='An "index; --')
    drop(service, table_name='Odd "t', index_name="incl")


def test_a_materialized_view_which_no_lock_table_takes_has_its_indexes_made_and_dropped(service, target):
    create(service, table_name="kept", index_name="kept_n", columns=["n"])
    assert indexes(target)["kept_n"]
    drop(service, table_name="kept", index_name="kept_n")
    assert "kept_n" not in indexes(target)


@pytest.mark.parametrize("fields,word", [
    ({"table_name": "no_such"}, "no table"), ({"columns": ["note", "note"]}, "named twice"), ({"include_columns": ["note"]}, "named twice"),
    ({"columns": ["no_such"]}, "no column"), ({"columns": []}, "columns"), ({"columns": "note"}, "columns"),
    ({"columns": [""]}, "columns"), ({"index_type": "rtree"}, "index_type"), ({"index_name": ""}, "index_name"), ({"index_name": "x" * 64}, "index_name"),
    ({"table_name": "customers", "columns": ["id"]}, "several schemas"), ({"unique": "yes"}, "unique"), ({"connection_id": 0}, "connection_id"),
    ({"columns": ["note"] * 33}, "columns"), ({"database_name": "no_such"}, "no_such"), ({"schema_name": "no_such"}, "no table")])
def test_wrong_input_is_refused_and_named(service, fields, word):
    before = len(history(service))
    reply = service.request("POST", f"{BASE}/create", order(service, **fields), token="operator")
    assert reply.status == 400 and word in reply.json["message"], reply
    assert len(history(service)) == before


def test_missing_fields_unknown_connections_and_roles_are_refused(service):
    for field in ("connection_id", "table_name", "index_name", "columns"):
        body = order(service)
        del body[field]
        reply = service.request("POST", f"{BASE}/create", body, token="operator")
        assert (reply.status, reply.json["code"]) == (400, "missing_field") and field in reply.json["message"]
    assert service.request("POST", f"{BASE}/create", order(service, connection_id=999), token="operator").status == 404
    assert service.request("POST", f"{BASE}/create", order(service), token="viewer").status == 403
    for path in ("recommendations", "unused", "missing", "statistics", "history"):
        assert service.get(f"{BASE}/{path}/999").status == 404
        assert service.get(f"{BASE}/{path}/abc").status == 400
    assert service.request("POST", f"{BASE}/analyze?connection_id=999", token="operator").status == 404
    assert service.request("POST", f"{BASE}/cancel", {"change_id": 999}, token="operator").status == 404


@pytest.mark.parametrize("table,name,word", [
    ("orders", "orders_pkey", "constraint orders_pkey"), ("customers", "customers_email_key", "constraint customers_email_key"),
    ("orders", "orders_identity", "replica identity"), ("parts", "parts_n", "partitioned"), ("parts_1", "parts_1_n_idx", "partitioned")])
def test_what_something_else_needs_is_never_dropped(service, target, table, name, word):
    reply = service.request("POST", f"{BASE}/drop", {"connection_id": service.target_id, "schema_name": "public", "table_name": table, "index_name": name}, token="operator")
    assert (reply.status, reply.json["code"]) == (422, "not_applicable") and word in reply.json["message"]
    assert name in indexes(target)


def test_an_index_that_its_table_is_clustered_by_stays(service, target):
    target.sql("CREATE TABLE heaped (a int); CREATE INDEX heaped_a ON heaped (a); ALTER TABLE heaped CLUSTER ON heaped_a")
    said = cli(service, "drop", "shop", "heaped_a", "--yes", status=23)
    assert "clustered by" in said and "SET WITHOUT CLUSTER" in said
    assert indexes(target)["heaped_a"]
    target.sql("DROP TABLE heaped")


ASIDE = '''SELECT pg_get_indexdef(i.oid), obj_description(i.oid, 'pg_class'), array_agg(a.attstattarget ORDER BY a.attnum), i.reloptions
           FROM pg_class i JOIN pg_attribute a ON a.attrelid = i.oid WHERE i.relname = 'aside_one' GROUP BY i.oid'''


def test_what_an_index_has_beside_its_definition_comes_back_with_an_undo(service, target):
    target.sql('''CREATE TABLE aside (a text, b int); INSERT INTO aside SELECT n, n FROM generate_series(1, 100) n;
                  CREATE INDEX aside_one ON aside (lower(a), (b + 1) DESC NULLS LAST) WITH (fillfactor = 70) WHERE b > 5;
                  ALTER INDEX aside_one ALTER COLUMN 1 SET STATISTICS 700; ALTER INDEX aside_one ALTER COLUMN 2 SET STATISTICS 0''')
    target.sql("COMMENT ON INDEX aside_one IS E'it''s \\\\ \"mine\";\\nDROP TABLE aside; -- \u00e9'")
    before = target.sql(ASIDE)
    assert "DROP TABLE" in before[0][1] and before[0][2] == [700, 0]
    cli(service, "drop", "shop", "aside_one", "--yes")
    undone = history(service)[0]
    assert [word in undone["undo_sql"] for word in ("COMMENT ON INDEX", "SET STATISTICS 700", "SET STATISTICS 0")] == [True] * 3
    assert "until an ANALYZE of public.aside" in cli(service, "undo", "shop", str(undone["id"]), "--yes")
    assert target.sql(ASIDE) == before
    # the undo's own undo, and that one's; then one that is replaced
    cli(service, "undo", "shop", str(history(service)[0]["id"]), "--yes")
    assert "aside_one" not in indexes(target)
    cli(service, "undo", "shop", str(history(service)[0]["id"]), "--yes")
    assert target.sql(ASIDE) == before
    made = create(service, table_name="aside", index_name="aside_two", columns=["a", "b"])
    drop(service, table_name="aside", index_name="aside_two")
    cli(service, "create", "shop", "aside", "b", "--name", "aside_two", "--replaces", "aside_one", "--yes")
    assert made["success"] and list(indexes(target, "indrelid = 'aside'::regclass")) == ["aside_two"]
    cli(service, "undo", "shop", str(history(service)[0]["id"]), "--yes")
    assert target.sql(ASIDE) == before and list(indexes(target, "indrelid = 'aside'::regclass")) == ["aside_one"]
    target.sql("DROP TABLE aside")


def test_what_of_an_index_could_not_be_said_again_is_told(service, target):
    target.sql("CREATE TABLE mute (a int); CREATE INDEX mute_a ON mute (abs(a)); COMMENT ON INDEX mute_a IS 'kept'; "
               "ALTER INDEX mute_a ALTER COLUMN 1 SET STATISTICS 700")
    cli(service, "drop", "shop", "mute_a", "--yes")
    target.sql("CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no comment'; END $$; "
               "CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('COMMENT') EXECUTE FUNCTION refuse()")
    cli(service, "undo", "shop", str(history(service)[0]["id"]), "--yes")
    change = history(service)[0]
    assert change["status"] == "completed" and "no comment" in change["error_message"] and indexes(target)["mute_a"]
    assert target.sql("SELECT attstattarget FROM pg_attribute WHERE attrelid = 'mute_a'::regclass") == [(700,)], "the rest is set all the same"
    target.sql("DROP EVENT TRIGGER refuse; DROP FUNCTION refuse(); DROP TABLE mute")


def test_what_an_index_that_was_made_again_by_hand_lacks_is_told_by_the_undo(service, target):
    target.sql("CREATE TABLE again (a int); CREATE INDEX again_a ON again (abs(a)); COMMENT ON INDEX again_a IS 'one; two'; "
               "ALTER INDEX again_a ALTER COLUMN 1 SET STATISTICS 700")
    cli(service, "drop", "shop", "again_a", "--yes")
    dropped = str(history(service)[0]["id"])
    target.sql("CREATE INDEX again_a ON again (abs(a)); ALTER INDEX again_a ALTER COLUMN 1 SET STATISTICS 700")
    said = cli(service, "undo", "shop", dropped, "--yes")
    assert said.startswith("the index exists with this definition, without all") and "STATISTICS" not in said
    target.sql(said.split("run: ")[1])
    assert cli(service, "undo", "shop", dropped, "--yes") == "the index exists with this definition\n"
    assert target.sql("SELECT obj_description('again_a'::regclass)") == [("one; two",)] and str(history(service)[0]["id"]) == dropped
    target.sql("DROP TABLE again")


def test_the_last_index_that_finds_rows_for_a_foreign_key_stays(service, target):
    drop(service, index_name="orders_customer_again")
    reply = service.request("POST", f"{BASE}/drop", {**order(service), "index_name": "orders_customer"}, token="operator")
    assert reply.status == 422 and "foreign key orders_customer_id_fkey" in reply.json["message"]
    create(service, index_name="orders_customer_again", columns=["customer_id"])


def test_partitioned_tables_and_views_are_refused_with_a_way_out(service):
    reply = service.request("POST", f"{BASE}/create", order(service, table_name="parts", columns=["day"]), token="operator")
    assert reply.status == 422 and "each partition" in reply.json["details"]["hint"]
    assert service.request("POST", f"{BASE}/create", order(service, table_name="seen"), token="operator").status == 422


def test_a_role_without_rights_and_a_standby_are_told_so(service, target):
    target.sql("CREATE ROLE poor LOGIN; GRANT pg_monitor TO poor")
    poor = service.add_target("poor", target.dsn(user="poor"), enabled=False)
    reply = service.request("POST", f"{BASE}/create", order(service, connection_id=poor), token="operator")
    assert reply.status == 422 and "poor" in reply.json["message"]
    with Standby(target) as standby:
        there = service.add_target("standby", standby.dsn(), enabled=False)
        reply = service.request("POST", f"{BASE}/create", order(service, connection_id=there), token="operator")
        assert reply.status == 422 and "standby" in reply.json["message"]
    gone = service.request("POST", f"{BASE}/create", order(service, connection_id=there), token="operator")
    assert (gone.status, gone.json["code"]) == (503, "unavailable")


def test_an_index_that_its_owner_could_not_make_again_is_not_dropped_and_each_right_is_named(service, target):
    target.sql("CREATE ROLE owner LOGIN; GRANT pg_monitor TO owner; CREATE SCHEMA strict; CREATE TABLE strict.t (a int, b int); "
               "CREATE INDEX strict_a ON strict.t (a); ALTER TABLE strict.t OWNER TO owner")
    service.add_target("owner", target.dsn(user="owner"), enabled=False)
    before = len(history(service))
    words = {"drop": ["strict_a"], "create": ["t", "b"]}
    def refused(act, *said):
        refusal = cli(service, act, "owner", *words[act], "--schema", "strict", "--yes", status=22)
        assert all(word in refusal for word in said), refusal
        assert "strict.strict_a" in indexes(target)
    refused("drop", "may not use schema strict", "GRANT USAGE ON SCHEMA strict TO owner")
    refused("create", "may not use schema strict")
    target.sql("GRANT USAGE ON SCHEMA strict TO owner")
    refused("drop", "could not be made again", "GRANT CREATE ON SCHEMA strict TO owner")
    refused("create", "GRANT CREATE ON SCHEMA strict TO owner")
    target.sql("GRANT CREATE ON SCHEMA strict TO owner; ALTER ROLE owner SET default_transaction_read_only = on")
    refused("drop", "default_transaction_read_only", "ALTER ROLE owner")
    refused("create", "default_transaction_read_only")
    target.sql("ALTER ROLE owner RESET default_transaction_read_only")
    with tablespace(target, "foreign_space"):
        target.sql("ALTER INDEX strict.strict_a SET TABLESPACE foreign_space")
        refused("drop", "could not be made again", "GRANT CREATE ON TABLESPACE")
        target.sql("ALTER INDEX strict.strict_a SET TABLESPACE pg_default")
    assert "no index was created" in cli(service, "history", "owner") and len(history(service)) == before
    # what Fettle made is taken back, whatever rights are gone since
    cli(service, "create", "owner", *words["create"], "--schema", "strict", "--yes")
    target.sql("REVOKE CREATE ON SCHEMA strict FROM owner")
    undone, = json.loads(cli(service, "history", "owner", "--json"))
    cli(service, "undo", "owner", str(undone["id"]), "--yes")
    assert "strict.t_b_idx" not in indexes(target) and "strict.strict_a" in indexes(target)
    target.sql("DROP SCHEMA strict CASCADE")


def test_a_build_without_room_on_the_disk_is_not_begun(service, target):
    disk = os.statvfs(target.data)
    if disk.f_bavail * disk.f_frsize > 2 ** 40:
        pytest.skip("this disk has more than 1 TB free")
    set_to(service, "index.free_space_floor", "1TB")
    try:
        reply = service.request("POST", f"{BASE}/create", order(service), token="operator")
        assert reply.status == 422 and "are free on the disk of tablespace pg_default" in reply.json["message"], reply
    finally:
        set_to(service, "index.free_space_floor", "0B")


@contextlib.contextmanager
def tablespace(target, name, disk="/tmp"):
    directory = new_directory("fettle-space", disk)
    target.sql(f"CREATE TABLESPACE {name} LOCATION '{directory}'")
    try:
        yield
    finally:
        target.sql(f"DROP TABLESPACE {name}")
        remove_directory(directory)


@contextlib.contextmanager
def default_tablespace(target, name):
    target.sql(f"ALTER DATABASE postgres SET default_tablespace = '{name}'")
    try:
        yield
    finally:
        target.sql("ALTER DATABASE postgres RESET default_tablespace")


def free_bytes(directory):
    disk = os.statvfs(directory)
    return disk.f_bavail * disk.f_frsize


def test_the_room_is_that_of_the_tablespace_that_the_index_goes_to(service, target):
    other = "/dev/shm"
    if not os.path.isdir(other) or os.stat(other).st_dev == os.stat(target.data).st_dev:
        pytest.skip("there is no second disk")
    home, there = free_bytes(target.data), free_bytes(other)
    # more than one of them has, and less than the other
    set_to(service, "index.free_space_floor", f"{(home + there) // 2 // 2 ** 20}MB")
    statement = "CREATE INDEX orders_placed ON public.orders (note)"
    try:
        with tablespace(target, "second", other):
            wide, narrow = ("pg_default", "second") if home > there else ("second", "pg_default")
            full = f"are free on the disk of tablespace {narrow}"
            assert full in cli(service, "create", "shop", f"{statement} TABLESPACE {narrow}", "--dry-run", status=31)
            with default_tablespace(target, narrow):
                assert full in cli(service, "create", "shop", "orders", "note", "--dry-run", status=31)
            if wide == "second":
                target.sql("ALTER DATABASE postgres SET temp_tablespaces = 'second'")
                assert "CREATE INDEX" in cli(service, "create", "shop", f"{statement} TABLESPACE second", "--dry-run")
                target.sql("ALTER DATABASE postgres RESET temp_tablespaces")
            with default_tablespace(target, wide):
                if wide == "pg_default":
                    assert "CREATE INDEX" in cli(service, "create", "shop", "orders", "note", "--dry-run")
                else:
                    # of 20000 rows it fits into maintenance_work_mem
                    assert "CREATE INDEX" in cli(service, "create", "shop", "orders", "note", "--dry-run")
                    target.sql("ALTER DATABASE postgres SET maintenance_work_mem = '1MB'")
                    assert "sort may need" in cli(service, "create", "shop", "orders", "note", "--dry-run", status=31)
                    target.sql("ALTER DATABASE postgres RESET maintenance_work_mem")
    finally:
        set_to(service, "index.free_space_floor", "0B")


def test_a_tablespace_that_is_none_or_not_the_roles_is_refused_before_anything_is_recorded(service, target):
    before = len(history(service))
    statement = "CREATE INDEX orders_placed ON public.orders (note) TABLESPACE "
    assert "there is no tablespace no_such" in cli(service, "create", "shop", statement + "no_such", "--yes", status=3)
    target.sql("CREATE ROLE tenant LOGIN; CREATE TABLE rented (a int); ALTER TABLE rented OWNER TO tenant; GRANT CREATE ON SCHEMA public TO tenant")
    service.add_target("tenant", target.dsn(user="tenant"), enabled=False)
    with tablespace(target, "owners"):
        refusal = cli(service, "create", "tenant", "CREATE INDEX rented_a ON public.rented (a) TABLESPACE owners", "--yes", status=22)
        assert "may not put an index into tablespace owners" in refusal and "GRANT CREATE ON TABLESPACE owners TO tenant" in refusal
    assert "no index was created" in cli(service, "history", "tenant")
    assert len(history(service)) == before


def test_a_role_whose_statements_and_transactions_are_limited_builds_as_long_as_it_takes(service, server_of):
    server = server_of(17)
    server.sql("DROP TABLE IF EXISTS slow; DROP ROLE IF EXISTS hasty; CREATE ROLE hasty LOGIN; GRANT pg_monitor TO hasty; GRANT CREATE ON SCHEMA public TO hasty")
    server.sql("CREATE TABLE slow AS SELECT n AS a FROM generate_series(1, 30) n; ALTER TABLE slow OWNER TO hasty; "
               "CREATE OR REPLACE FUNCTION slowly(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.1); RETURN $1; END $$")
    for setting in ("statement_timeout", "transaction_timeout", "idle_in_transaction_session_timeout"):
        server.sql(f"ALTER ROLE hasty SET {setting} = '1s'")
    server.sql("ALTER ROLE hasty SET lock_timeout = '10ms'")
    service.add_target("hasty", server.dsn(user="hasty"), enabled=False)
    cli(service, "create", "hasty", "CREATE INDEX slow_a ON public.slow (public.slowly(a))", "--yes")
    change, = json.loads(cli(service, "history", "hasty", "--json"))
    assert change["status"] == "completed" and change["attempts"] == 1
    server.sql("DROP TABLE slow; DROP FUNCTION slowly(int)")


def test_every_major_is_served(service, server_of_each):
    server_of_each.sql("DROP DATABASE IF EXISTS managed")
    server_of_each.sql("CREATE DATABASE managed")
    server_of_each.sql("CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t SELECT n, n FROM generate_series(1, 1000) n", "managed")
    connection = service.add_target(f"major{server_of_each.major}", server_of_each.dsn("managed"), enabled=False)
    made = create(service, connection_id=connection, table_name="t", index_name="t_a", columns=["a"])
    create(service, connection_id=connection, table_name="t", index_name="t_a_again", columns=["a"])
    assert made["status"] == "completed"
    found = service.json("GET", f"{BASE}/unused/{connection}", token="viewer")
    assert [row["class"] for row in found if row["is_proposed"]] == ["duplicate"]
    assert service.json("GET", f"{BASE}/statistics/{connection}", token="viewer")["total_indexes"] == 3
    drop(service, connection_id=connection, table_name="t", index_name="t_a")
    assert server_of_each.sql("SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass", "managed") == [(2,)]


# --- what can go wrong on the way

def test_a_build_that_fails_leaves_nothing_and_says_why(service, target):
    reply = service.request("POST", f"{BASE}/create", order(service, unique=True), token="operator")
    assert reply.status == 422 and "unique" in reply.json["message"] and reply.json["message"].endswith("rows have equal values")
    change = history(service, reply.json["details"]["change_id"])
    assert (change["status"], change["success"]) == ("failed", False) and "orders_note" not in indexes(target)


def test_an_index_that_default_tablespace_puts_elsewhere_is_known_again_and_a_failed_one_is_removed(service, target):
    with tablespace(target, "elsewhere"), default_tablespace(target, "elsewhere"):
        create(service, index_name="orders_elsewhere")
        assert "exists with this definition" in create(service, index_name="orders_elsewhere")["message"]
        assert target.sql("SELECT indexdef FROM pg_indexes WHERE indexname = 'orders_elsewhere'")[0][0].endswith("(note)")
        create(service, 422, index_name="orders_twice", columns=["customer_id"], unique=True)
        assert "orders_twice" not in indexes(target)
        statement = "CREATE INDEX orders_elsewhere ON public.orders (note) TABLESPACE {}"
        assert cli(service, "create", "shop", statement.format("elsewhere"), "--yes") == "the index exists with this definition\n"
        assert "another definition" in cli(service, "create", "shop", statement.format("pg_default"), "--yes", status=5)
        drop(service, index_name="orders_elsewhere")
        target.sql("CREATE INDEX orders_home ON orders (note) TABLESPACE pg_default")
        gone = drop(service, index_name="orders_home")
        cli(service, "undo", "shop", str(gone["change_id"]), "--yes")
        assert target.sql("SELECT reltablespace FROM pg_class WHERE relname = 'orders_home'") == [(0,)], "it is back where it was"
        drop(service, index_name="orders_home")


def test_an_invalid_leftover_of_the_same_definition_is_replaced(service, target):
    with pytest.raises(psycopg2.Error):
        target.sql("CREATE UNIQUE INDEX CONCURRENTLY orders_left ON orders (note)")
    assert indexes(target)["orders_left"] is False
    other = service.request("POST", f"{BASE}/create", order(service, index_name="orders_left"), token="operator")
    assert other.status == 409
    target.sql("UPDATE orders SET note = id::text")
    assert create(service, index_name="orders_left", unique=True)["success"] and indexes(target)["orders_left"]
    drop(service, index_name="orders_left")


def test_a_build_that_waits_is_reported_as_running_and_can_be_cancelled(service, target):
    with writer(target):
        running = create(service, 202, index_name="orders_held")
        assert (running["status"], running["success"]) == ("running", True)
        assert wait_until(lambda: "waiting" in (history(service, running["change_id"])["progress"] or {}).get("phase", ""))
        told = json.loads(cli(service, "history", "shop", "--limit", "1", "--json"))[0]["doing"]
        assert told.startswith("waiting for writers before build, for process "), told
        found = {row["index_name"]: row for row in json.loads(service.fettle("index", "unused", "shop", "--json", status=10, anyway=True))}
        assert "being built" in found["orders_held"]["reason"] and found["orders_held"]["is_proposed"] is False
        second = service.request("POST", f"{BASE}/create", order(service, index_name="orders_more"), token="operator")
        assert (second.status, second.json["code"]) == (409, "conflict")
        service.json("POST", f"{BASE}/cancel", {"change_id": running["change_id"]}, 202, token="operator")
        assert wait_until(lambda: not target.sql("SELECT 1 FROM pg_stat_progress_create_index"), 30)
    # what is left of it could not go while the table was in use
    assert wait_until(lambda: is_over(service, running["change_id"]), 30)
    change = history(service, running["change_id"])
    assert change["status"] == "cancelled" and change["success"] is False and "orders_held" not in indexes(target)


def test_a_lock_that_stays_taken_is_tried_again_and_then_given_up(service, target):
    set_to(service, "index.lock_timeout", "100ms")
    set_to(service, "index.lock_attempts", "2")
    try:
        with writer(target, "LOCK TABLE orders IN SHARE UPDATE EXCLUSIVE MODE"):
            reply = service.request("POST", f"{BASE}/create", order(service, index_name="orders_locked"), token="operator")
        assert reply.status == 422 and "lock of public.orders was not free within index.lock_timeout (100ms): " in reply.json["message"], reply
        assert re.search(r"held by process \d+ \(role postgres, .*idle in transaction for 00:00:0", reply.json["message"]), reply
        assert history(service, reply.json["details"]["change_id"])["attempts"] == 2
        target.sql("COMMENT ON MATERIALIZED VIEW kept IS 'kept'")
        with writer(target, "REFRESH MATERIALIZED VIEW kept"):
            view = order(service, table_name="kept", index_name="kept_n", columns=["n"])
            reply = service.request("POST", f"{BASE}/create", view, token="operator")
        assert reply.status == 422 and "lock of public.kept was not free" in reply.json["message"], reply
        create(service, table_name="kept", index_name="kept_n", columns=["n"])
        drop(service, table_name="kept", index_name="kept_n")
        assert target.sql("SELECT obj_description('kept'::regclass)") == [("kept",)]
        with writer(target):
            change_id, thread, _ = held_build(service, target, "orders_locked")
            time.sleep(0.5)  # a build that has begun is not thrown away for who holds it up, however long
            assert backend_builds(target, change_id)
        thread.join()
        assert wait_until(lambda: is_over(service, change_id), 60)
        assert history(service, change_id)["status"] == "completed"
        assert history(service, change_id)["attempts"] == 1
        drop(service, index_name="orders_locked")
    finally:
        set_to(service, "index.lock_timeout", "60s")
        set_to(service, "index.lock_attempts", "5")


def test_only_its_own_limit_ends_the_wait_for_a_lock(service, server_of):
    server = server_of(17)
    server.sql("DROP TABLE IF EXISTS held; DROP ROLE IF EXISTS brief; CREATE ROLE brief LOGIN; GRANT pg_monitor TO brief; "
               "GRANT CREATE ON SCHEMA public TO brief; CREATE TABLE held (a int); ALTER TABLE held OWNER TO brief; "
               "ALTER ROLE brief SET transaction_timeout = '500ms'")
    connection = service.add_target("brief", server.dsn(user="brief"), enabled=False)
    body = order(service, connection_id=connection, table_name="held", index_name="held_a", columns=["a"])
    # beyond the slack of 5 s that the client gives a statement, too
    waits = {"target.statement_timeout": "500ms", "index.lock_timeout": "6s", "index.lock_attempts": "2"}
    before = {row["name"]: row["value"] for row in service.json("GET", "/api/v1/settings")["settings"]}
    try:
        for name, value in waits.items():
            set_to(service, name, value)
        with writer(server, "LOCK TABLE held IN SHARE UPDATE EXCLUSIVE MODE"):
            thread = background(lambda: service.request("POST", f"{BASE}/create", body, token="operator"))
            of_it = lambda: service.json("GET", f"{BASE}/history/{connection}", token="viewer")["changes"]  # noqa: E731
            assert wait_until(lambda: of_it() and of_it()[0]["status"] == "failed", 40), of_it()
        thread.join()
        change, = of_it()
        assert change["attempts"] == 2 and "was not free within index.lock_timeout (6s)" in change["error_message"], change
    finally:
        for name in waits:
            set_to(service, name, before[name])
        server.sql("DROP TABLE held")


def backend_builds(target, change_id):
    return target.sql(f"""SELECT 1 FROM pg_stat_activity WHERE application_name = 'fettle index change {change_id}' AND query LIKE 'CREATE%'
                          AND state <> 'idle'""")


def test_a_crash_of_the_server_in_the_middle_of_a_build_is_got_over(service, target):
    with writer(target):
        change_id, thread, _ = held_build(service, target, "orders_crash")
        os.kill(backend_of(target, change_id), signal.SIGKILL)
    thread.join()
    assert wait_until(lambda: is_over(service, change_id), 60)
    change = history(service, change_id)
    assert change["status"] == "completed" and change["attempts"] >= 2 and indexes(target)["orders_crash"]
    drop(service, index_name="orders_crash")


def test_a_killed_service_finds_the_build_that_the_server_went_on_with(service, target):
    with writer(target):
        change_id, thread, _ = held_build(service, target, "orders_adopted")
        service.stop(signal.SIGKILL)
        thread.join()
        assert backend_of(target, change_id)
        service.start()
        assert history(service, change_id)["status"] == "running"
        assert backend_of(target, change_id)
    assert wait_until(lambda: is_over(service, change_id), 60)
    assert history(service, change_id)["status"] == "completed" and indexes(target)["orders_adopted"]
    drop(service, index_name="orders_adopted")


def test_a_killed_service_cleans_up_a_build_that_died_too(service, target):
    with writer(target):
        change_id, thread, _ = held_build(service, target, "orders_dead")
        service.stop(signal.SIGKILL)
        thread.join()
        target.sql(f"SELECT pg_terminate_backend({backend_of(target, change_id)})")
        assert wait_until(lambda: backend_of(target, change_id) is None) and indexes(target)["orders_dead"] is False
    service.start()
    assert wait_until(lambda: is_over(service, change_id), 60)
    change = history(service, change_id)
    assert change["status"] == "failed" and "interrupted" in change["error_message"] and "orders_dead" not in indexes(target)


def test_a_person_who_cancels_a_build_that_was_adopted_has_it_cancelled(service, target):
    with writer(target):
        change_id, thread, _ = held_build(service, target, "orders_adopted_late")
        service.stop(signal.SIGKILL)
        thread.join()
        service.start()
        time.sleep(12)  # the keeper has come by: it waits for the server
        service.json("POST", f"{BASE}/cancel", {"change_id": change_id}, 202, token="operator")
        assert wait_until(lambda: backend_of(target, change_id) is None, 30)
    assert wait_until(lambda: is_over(service, change_id), 60)
    assert history(service, change_id)["status"] == "cancelled" and "orders_adopted_late" not in indexes(target)


def test_a_build_whose_session_was_lost_says_so_and_warns_once_while_its_leftover_is_in_use(service, target):
    with writer(target):
        change_id, thread, _ = held_build(service, target, "orders_lost")
        target.sql(f"SELECT pg_terminate_backend({backend_of(target, change_id)})")
        assert wait_until(lambda: history(service, change_id)["error_message"], 120)
        thread.join()
        change = history(service, change_id)
        assert change["attempts"] == 1 and change["error_message"].startswith("its session was lost; its invalid index orders_lost"), change
        stays = f"index change {change_id} stays open"
        assert wait_until(lambda: stays in service.errors(), 5)
        told = service.errors().count(stays)
        time.sleep(25)
        assert service.errors().count(stays) == told == 1
    assert wait_until(lambda: is_over(service, change_id), 90)
    assert "orders_lost" not in indexes(target)


def test_an_interrupted_drop_is_finished(service, target):
    create(service, index_name="orders_going")
    with writer(target):
        change_id, thread = held_drop(service, target)
        service.stop(signal.SIGKILL)
        thread.join()
        target.sql(f"SELECT pg_terminate_backend({backend_of(target, change_id)})")
        assert wait_until(lambda: backend_of(target, change_id) is None)
    service.start()
    assert wait_until(lambda: is_over(service, change_id), 60)
    assert history(service, change_id)["status"] == "completed" and "orders_going" not in indexes(target)


def test_a_drop_that_has_begun_cannot_be_cancelled_and_is_finished(service, target):
    create(service, index_name="orders_going")
    with writer(target):
        change_id, thread = held_drop(service, target)
        service.json("POST", f"{BASE}/cancel", {"change_id": change_id}, 202, token="operator")
        assert wait_until(lambda: "cancel" in (history(service, change_id)["error_message"] or ""), 30)
    thread.join()
    assert wait_until(lambda: is_over(service, change_id), 60)
    assert history(service, change_id)["status"] == "completed" and "orders_going" not in indexes(target)


def held_drop(service, target):
    before = {change["id"] for change in history(service)}
    thread = background(lambda: drop(service, index_name="orders_going"))
    assert wait_until(lambda: indexes(target).get("orders_going") is False)
    change_id, = {change["id"] for change in history(service)} - before
    return change_id, thread


@pytest.mark.parametrize("meanwhile,word,left", [
    ("ALTER INDEX moved_a RENAME TO moved_c; ALTER INDEX moved_b RENAME TO moved_a", "renamed", {"moved_a", "moved_c"}),
    ("ALTER INDEX moved_a SET (fillfactor = 50)", "changed", {"moved_a", "moved_b"}),
    ("DROP INDEX moved_a", "dropped", {"moved_b"}), ("DROP TABLE moved", "does not exist", set())])
def test_what_comes_to_have_the_name_while_a_drop_waits_for_its_lock_stays(service, target, meanwhile, word, left):
    target.sql("CREATE TABLE moved (a int, b int); CREATE INDEX moved_a ON moved (a); CREATE INDEX moved_b ON moved (b)")
    with contextlib.closing(psycopg2.connect(target.dsn())) as blocker:
        blocker.cursor().execute("LOCK TABLE moved IN SHARE UPDATE EXCLUSIVE MODE")
        thread = background(lambda: drop(service, table_name="moved", index_name="moved_a"))
        assert wait_until(lambda: target.sql("SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'fettle index change%' AND wait_event_type = 'Lock'"), 30)
        blocker.cursor().execute(meanwhile)
        blocker.commit()
    thread.join()
    change = history(service)[0]
    assert wait_until(lambda: is_over(service, change["id"]), 30)
    change = history(service, change["id"])
    assert change["status"] == "failed" and word in change["error_message"], change
    assert {name for name in indexes(target) if name.startswith("moved")} == left
    target.sql("DROP TABLE IF EXISTS moved")


def test_what_someone_else_dropped_between_two_attempts_is_not_called_dropped_by_fettle(service, target):
    target.sql("CREATE TABLE apart (a int); CREATE INDEX apart_a ON apart (a)")
    set_to(service, "index.lock_timeout", "100ms")
    try:
        with contextlib.closing(psycopg2.connect(target.dsn())) as blocker:
            blocker.cursor().execute("LOCK TABLE apart IN SHARE UPDATE EXCLUSIVE MODE")
            thread = background(lambda: drop(service, table_name="apart", index_name="apart_a"))
            assert wait_until(lambda: history(service)[0]["index_name"] == "apart_a" and history(service)[0]["attempts"] == 1, 30)
            assert wait_until(lambda: not backend_of(target, history(service)[0]["id"]), 30)
            blocker.cursor().execute("DROP INDEX apart_a")
            blocker.commit()
        thread.join()
        change = history(service)[0]
        assert wait_until(lambda: is_over(service, change["id"]), 30)
        change = history(service, change["id"])
        assert change["status"] == "failed" and "somebody else dropped or renamed it" in change["error_message"], change
    finally:
        set_to(service, "index.lock_timeout", "60s")
        target.sql("DROP TABLE apart")


def test_an_invalid_index_that_is_rebuilt_with_its_table_is_not_dropped_under_it(service, target):
    target.sql("CREATE ROLE blind LOGIN; CREATE TABLE rebuilt (n int, m int); CREATE INDEX rebuilt_n ON rebuilt (n); CREATE INDEX rebuilt_m ON rebuilt (m); "
               "INSERT INTO rebuilt SELECT n, n FROM generate_series(1, 1000) n; ALTER TABLE rebuilt OWNER TO blind; GRANT CREATE ON SCHEMA public TO blind")
    service.add_target("blind", target.dsn(user="blind"), enabled=False)
    def rebuild():
        with contextlib.suppress(psycopg2.Error):
            target.sql("REINDEX TABLE CONCURRENTLY rebuilt")
    thread = threading.Thread(target=rebuild)
    with writer(target, "INSERT INTO rebuilt VALUES (0, 0)"):
        thread.start()
        assert wait_until(lambda: [indexes(target).get(f"rebuilt_{column}_ccnew") for column in "nm"] == [False] * 2)
        for column in "nm":
            # a role without pg_read_all_stats is not told of which index another one builds
            for name in ("shop", "blind"):
                listed = subprocess.run([BINARY, "index", "unused", name, "--json"], env=service.environment(), capture_output=True, text=True, check=False)
                found = next(row for row in json.loads(listed.stdout) if row["index_name"] == f"rebuilt_{column}_ccnew")
                assert not found["is_proposed"] and "being built" in found["reason"], found
                assert "is being built at this moment" in cli(service, "drop", name, f"rebuilt_{column}_ccnew", "--yes", status=5)
    thread.join()
    assert indexes(target)["rebuilt_n"] and indexes(target)["rebuilt_m"] and "rebuilt_n_ccnew" not in indexes(target)
    target.sql("DROP TABLE rebuilt")


def test_a_service_that_stops_cancels_its_build_and_says_so(service, target):
    with writer(target):
        change_id, thread, _ = held_build(service, target, "orders_stopped")
        service.stop()
        thread.join()
        assert backend_of(target, change_id) is None
    service.start()
    assert wait_until(lambda: is_over(service, change_id), 60)
    change = history(service, change_id)
    assert change["status"] == "cancelled" and "stopped" in change["error_message"] and "orders_stopped" not in indexes(target)


# --- what it knows

def test_duplicates_are_found_and_what_is_needed_is_not(service, target):
    found = {row["index_name"]: row for row in service.json("GET", f"{BASE}/unused/{service.target_id}", token="viewer")}
    assert found["orders_customer_again"]["class"] == "duplicate" and found["orders_customer_again"]["is_proposed"]
    assert found["orders_customer_again"]["in_its_place"] == "orders_customer"
    assert not {"orders_pkey", "customers_pkey", "customers_email_key", "orders_identity", "parts_1_n_idx"} & set(found)
    assert [name for name, row in found.items() if row["is_proposed"]] == ["orders_customer_again"]
    target.sql(found["orders_customer_again"]["drop_sql"])
    target.sql(found["orders_customer_again"]["recreate_sql"])


def test_statistics_count_what_there_is(service, target):
    found = service.json("GET", f"{BASE}/statistics/{service.target_id}", token="viewer")
    assert found["total_indexes"] == len(found["indexes"]) == len([name for name in indexes(target) if "pg_toast" not in name])
    assert found["total_size_bytes"] == sum(index["size_bytes"] or 0 for index in found["indexes"])
    assert found["missing_indexes"] == 0 == len(service.json("GET", f"{BASE}/missing/{service.target_id}", token="viewer"))


def test_an_analysis_recommends_and_a_recommendation_is_carried_out(service, target):
    target.sql("UPDATE orders SET note = id::text; ANALYZE orders; SELECT pg_stat_statements_reset()")
    for number in range(30):
        target.sql(f"SELECT * FROM orders WHERE note = '{number}'")
    done = service.json("POST", f"{BASE}/analyze", {"connection_id": service.target_id}, token="operator")
    assert done["results"]["advice_failure"] is None, done
    listed = service.json("GET", f"{BASE}/recommendations/{service.target_id}?status=recommended", token="viewer")
    wanted = next(row for row in listed if row["recommendation_type"] == "create" and row["columns"][0] == "note")
    assert wanted["estimated_benefit"] > 10 and wanted["affected_query_count"] >= 1
    doubled = next(row for row in listed if row["recommendation_type"] == "drop")
    assert doubled["index_name"] in ("orders_customer", "orders_customer_again") and doubled["create_statement"].startswith("CREATE INDEX")
    wrong = service.request("POST", f"{BASE}/create", order(service, index_name=wanted["index_name"], columns=["total"], recommendation_id=wanted["id"]), token="operator")
    assert wrong.status == 409
    made = create(service, index_name=wanted["index_name"], columns=wanted["columns"], recommendation_id=wanted["id"])
    again = {row["id"]: row for row in service.json("GET", f"{BASE}/recommendations/{service.target_id}", token="viewer")}
    assert again[wanted["id"]]["status"] == "created" and again[wanted["id"]]["applied_at"]
    drop(service, index_name=doubled["index_name"], recommendation_id=doubled["id"])
    assert history(service, made["change_id"])["recommendation_id"] == wanted["id"]
    drop(service, index_name=wanted["index_name"])


def test_an_invalid_index_that_became_valid_is_not_dropped_as_advised(service, target):
    target.sql("CREATE TABLE twice AS SELECT 1 AS n FROM generate_series(1, 2)")
    with pytest.raises(psycopg2.Error):
        target.sql("CREATE UNIQUE INDEX CONCURRENTLY twice_n ON twice (n)")
    done = service.json("POST", f"{BASE}/analyze", {"connection_id": service.target_id}, token="operator")
    advised = next(row for row in done["results"]["recommendations"] if row["index_name"] == "twice_n")
    target.sql("DELETE FROM twice WHERE ctid = '(0,1)'")
    target.sql("REINDEX INDEX CONCURRENTLY twice_n")
    refusal = service.request("POST", f"{BASE}/drop", {"connection_id": service.target_id, "recommendation_id": advised["id"],
                                                       "table_name": "twice", "index_name": "twice_n"}, token="operator")
    assert refusal.status == 409 and "it is valid now" in refusal.json["message"], refusal
    assert indexes(target)["twice_n"]
    target.sql("DROP TABLE twice")


def test_an_index_that_is_being_rebuilt_is_not_proposed_to_be_dropped(service, target):
    target.sql("CREATE TABLE rebuilt AS SELECT n FROM generate_series(1, 1000) n")
    target.sql("CREATE INDEX rebuilt_n ON rebuilt (n)")
    def rebuild():
        with contextlib.suppress(psycopg2.Error):
            target.sql("REINDEX INDEX CONCURRENTLY rebuilt_n")
    thread = threading.Thread(target=rebuild)
    with writer(target, "INSERT INTO rebuilt VALUES (0)"):
        thread.start()
        assert wait_until(lambda: indexes(target).get("rebuilt_n_ccnew") is False)
        # its status says whether another index is proposed
        listed = subprocess.run([BINARY, "index", "unused", "shop", "--json"], env=service.environment(), capture_output=True, text=True, check=False)
        found = next(row for row in json.loads(listed.stdout) if row["index_name"] == "rebuilt_n_ccnew")
        assert not found["is_proposed"] and "being built" in found["reason"], found
    thread.join()
    target.sql("DROP TABLE rebuilt")


def test_advice_to_replace_an_index_is_carried_out_by_the_api_and_undone_by_the_command_line(service, target):
    target.sql("CREATE TABLE movements AS SELECT n AS id, n % 50 AS account_id, (n * 7919) % 40009 AS total, repeat('x', 80) AS body "
               "FROM generate_series(1, 40000) n; CREATE INDEX movements_account ON movements (account_id); ANALYZE movements; "
               "SELECT pg_stat_statements_reset()")
    for number in range(30):
        target.sql(f"SELECT * FROM movements WHERE account_id = {number} ORDER BY total LIMIT 5")
    done = service.json("POST", f"{BASE}/analyze", {"connection_id": service.target_id}, token="operator")
    assert done["results"]["advice_failure"] is None, done
    listed = service.json("GET", f"{BASE}/recommendations/{service.target_id}?status=recommended", token="viewer")
    wanted = next(row for row in listed if row["table_name"] == "movements")
    assert (wanted["recommendation_type"], wanted["index_name"], wanted["columns"]) == ("modify", "movements_account", ["account_id", "total"])
    assert wanted["create_statement"].startswith("CREATE INDEX CONCURRENTLY IF NOT EXISTS")
    # An analysis that looks for what is unused leaves it, and rebuilding is not what it asks for.
    service.json("POST", f"{BASE}/analyze", {"connection_id": service.target_id, "analysis_type": "unused"}, token="operator")
    made = create(service, table_name="movements", index_name="movements_account", columns=wanted["columns"], recommendation_id=wanted["id"])
    change = history(service, made["change_id"])
    assert (change["action"], change["status"]) == ("modify", "completed") and change["recommendation_id"] == wanted["id"]
    ours = indexes(target, "indrelid = 'movements'::regclass")
    assert list(ours) == [made["index_name"]] and made["index_name"] != "movements_account"
    rows = {row["id"]: row for row in service.json("GET", f"{BASE}/recommendations/{service.target_id}", token="viewer")}
    assert (rows[wanted["id"]]["status"], rows[wanted["id"]]["index_name"]) == ("created", "movements_account")
    planned = cli(service, "undo", "shop", str(made["change_id"]), "--dry-run")
    assert '"movements_account"' in planned.splitlines()[0] and "DROP INDEX CONCURRENTLY" in planned.splitlines()[1]
    cli(service, "undo", "shop", str(made["change_id"]), "--yes")
    assert indexes(target, "indrelid = 'movements'::regclass") == {"movements_account": True}
    cli(service, "create", "shop", "movements", "account_id,id", "--name", "movements_by_hand", "--replaces", "movements_account", "--yes")
    assert indexes(target, "indrelid = 'movements'::regclass") == {"movements_by_hand": True}
    assert "has no index" in cli(service, "create", "shop", "movements", "id", "--replaces", "orders_pkey", "--yes", status=3)
    assert "no number of a change" in cli(service, "undo", "shop", "x", status=2)
    target.sql("DROP TABLE movements")


def test_the_service_drops_a_duplicate_without_being_asked_only_when_it_may(service, target):
    target.sql("CREATE DATABASE unasked")
    target.sql("CREATE ROLE keeper LOGIN; GRANT pg_monitor TO keeper")
    target.sql("CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t SELECT n, n FROM generate_series(1, 1000) n; "
               "CREATE INDEX t_a ON t (a); CREATE INDEX t_a_again ON t (a); ALTER TABLE t OWNER TO keeper; GRANT CREATE ON SCHEMA public TO keeper; "
               # that of another owner comes first, is refused, and does not stand in the way
               "CREATE TABLE others (a int); CREATE INDEX others_a ON others (a); CREATE INDEX others_a_again ON others (a)", "unasked")
    count = "SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass"
    set_to(service, "index.auto_class", "medium")
    connection = service.add_target("unasked", target.dsn("unasked", user="keeper"))
    try:
        set_to(service, "index.auto_drop", "on")
        assert wait_until(lambda: target.sql(count, "unasked") == [(2,)], 60)
        rounds = lambda: service.json("GET", f"{BASE}/history/{connection}", token="viewer")["changes"]  # noqa: E731
        assert wait_until(lambda: rounds()[0]["status"] == "completed", 20), rounds()
        change, = rounds()
        assert (change["action"], change["performed_by"]) == ("drop", "fettle") and change["undo_sql"].startswith("CREATE INDEX")
    finally:
        set_to(service, "index.auto_drop", "off")
        service.json("DELETE", f"/api/v1/targets/{connection}", status=204)


def test_each_act_has_its_line_in_the_audit_log(service):
    create(service, index_name="orders_pkey", status=409)
    create(service, table_name="parts", columns=["day"], status=422)
    create(service, columns=[], status=400)
    create(service, index_name="orders_audited")
    drop(service, index_name="orders_audited")
    lines = service.audit(action="index.create")
    assert {"ok", "conflict", "not_applicable", "invalid_parameter"} <= {line["outcome"] for line in lines}
    good = next(line for line in lines if line["outcome"] == "ok" and line["details"]["change_id"])
    assert good["details"]["undo_sql"].startswith("DROP INDEX") and good["target_id"] == service.target_id


# --- the command line

def cli(service, *words, status=0):
    return service.fettle("index", *words, status=status)


def test_the_command_line_shows_before_it_changes_and_asks_for_approval(service, target):
    before = indexes(target)
    planned = cli(service, "create", "shop", "orders", "total,note", "--dry-run")
    assert 'CREATE INDEX CONCURRENTLY IF NOT EXISTS "orders_total_note_idx"' in planned and "DROP INDEX CONCURRENTLY" in planned
    assert "--yes" in cli(service, "create", "shop", "orders", "total,note", status=2)
    assert indexes(target) == before
    assert "to undo it: DROP INDEX" in cli(service, "create", "shop", "orders", "total,note", "--yes")
    assert indexes(target)["orders_total_note_idx"]
    assert cli(service, "create", "shop", "orders", "total,note", "--yes") == "the index exists with this definition\n"
    cli(service, "drop", "shop", "orders_total_note_idx", "--yes")
    assert indexes(target) == before
    history = json.loads(cli(service, "history", "shop", "--json"))
    assert [(row["action"], row["status"]) for row in history[:2]] == [("drop", "completed"), ("create", "completed")]
    assert history[0]["performed_by"].startswith("cli:")


@pytest.mark.parametrize("signals", [1, 2])
def test_an_interrupt_of_the_command_line_is_a_cancellation_also_where_the_leftover_is_in_use(service, target, signals):
    name = f"orders_interrupted_{signals}"
    with writer(target):
        build = subprocess.Popen([BINARY, "index", "create", "shop", "orders", "note", "--name", name, "--yes"],
                                 env=service.environment(), stderr=subprocess.PIPE, text=True)
        assert wait_until(lambda: indexes(target).get(name) is False)
        change_id = history(service)[0]["id"]
        build.send_signal(signal.SIGINT)
        if signals == 2:
            assert wait_until(lambda: not backend_builds(target, change_id), 20)
            time.sleep(0.3)  # it cleans up: a second one ends it there
            build.send_signal(signal.SIGINT)
        said = build.communicate(timeout=60)[1]
        assert indexes(target)[name] is False
        change = history(service, change_id)
        assert change["status"] == "running", change
        if signals == 1:
            assert build.returncode == 27 and "Fettle was stopped" in said and "cleans up" in said and f"{name} could not be dropped" in said, said
            assert f"its invalid index {name} could not be dropped at once" in change["error_message"], change
    assert wait_until(lambda: is_over(service, change_id), 90)
    change = history(service, change_id)
    assert change["status"] == "cancelled" and name not in indexes(target), change
    assert ("interrupted" if signals == 2 else "Fettle was stopped") in change["error_message"], change


@pytest.mark.parametrize("how,held_by", [(signal.SIGINT, None), (signal.SIGTERM, "stop")])
def test_only_an_interrupt_of_the_command_line_is_a_persons_wish(service, target, how, held_by):
    with writer(target):
        build = subprocess.Popen([BINARY, "index", "create", "shop", "orders", "note", "--name", "orders_ended", "--yes"],
                                 env=service.environment(), stderr=subprocess.PIPE, text=True)
        assert wait_until(lambda: indexes(target).get("orders_ended") is False)
        change_id = history(service)[0]["id"]
        build.send_signal(how)
        assert wait_until(lambda: history(service, change_id)["cancel_requested"], 30)
        with contextlib.closing(psycopg2.connect(f"host={service.store_place() / 'socket'} user=fettle_store dbname=postgres")) as store:
            cursor = store.cursor()
            cursor.execute("SELECT held_by FROM fettle.index_changes WHERE id = %s", (change_id,))
            assert cursor.fetchone() == (held_by,)
    build.communicate(timeout=60)
    assert wait_until(lambda: is_over(service, change_id), 90)
    assert history(service, change_id)["status"] == "cancelled" and "orders_ended" not in indexes(target)


def test_a_leftover_in_use_holds_up_nobody_who_looks_at_the_history(service, target):
    with writer(target):
        running = create(service, 202, index_name="orders_looked")
        service.json("POST", f"{BASE}/cancel", {"change_id": running["change_id"]}, 202, token="operator")
        assert wait_until(lambda: not target.sql("SELECT 1 FROM pg_stat_progress_create_index"), 30)
        service.stop(signal.SIGKILL)
        began = time.monotonic()
        assert "running" in service.fettle("index", "history", "shop", "--limit", "1")
        assert time.monotonic() - began < 20
    assert "cancelled" in service.fettle("index", "history", "shop", "--limit", "1")
    service.start()


def test_an_index_that_does_what_another_one_does_is_made_with_a_warning(service, target):
    def said(*words, approval="--dry-run"):
        return subprocess.run([BINARY, "index", "create", "shop", *words, approval], env=service.environment(), capture_output=True,
                              text=True, timeout=60, check=True).stderr
    words = "is there already and does all that this one would"
    assert f"index public.orders_pkey {words}" in said("orders", "id")
    assert f"index public.orders_pkey {words}" in said("create unique index other on orders using btree (\"id\" ASC)")
    cli(service, "create", "shop", "orders", "note,total", "--yes")
    assert f"index public.orders_note_total_idx {words}" in said("orders", "note,total", "--name", "other")
    shown = json.loads(cli(service, "create", "shop", "orders", "note,total", "--name", "other", "--dry-run", "--json"))
    assert shown["status"] == "planned" and shown["note"] == f"index public.orders_note_total_idx {words}"
    assert json.loads(cli(service, "create", "shop", "orders", "total,note", "--dry-run", "--json"))["note"] is None
    made = create(service, index_name="other", columns=["note", "total"])
    assert made["status"] == "completed" and made["note"] == shown["note"]
    assert create(service, index_name="other", columns=["note", "total"])["note"] is None and drop(service, index_name="other")["note"] is None
    for different in (["orders", "total,note"], ["orders", "note,total", "--name", "other", "--unique"],
                      ["orders", "note,total", "--name", "other", "--method", "brin"],
                      ["orders", "note", "--name", "other", "--include", "total"], ["create index other on orders (note, total) where total > 5"],
                      ["orders", "note,total", "--name", "other", "--replaces", "orders_note_total_idx"]):
        assert words not in said(*different), different
    assert words in said("orders", "note,total", "--name", "other", approval="--yes")
    cli(service, "drop", "shop", "other", "--yes")
    cli(service, "drop", "shop", "orders_note_total_idx", "--yes")


def test_the_command_line_takes_a_whole_statement(service, target):
    statement = "create index partial_one on public.orders (lower(note)) where total > 5"
    cli(service, "create", "shop", statement, "--yes")
    assert "WHERE (total > (5)::numeric)" in target.sql("SELECT pg_get_indexdef('partial_one'::regclass)")[0][0]
    refusal = cli(service, "create", "shop", statement, "--yes", status=5)
    assert "or with this one in other words" in refusal and "WHERE (total > (5)::numeric)" in refusal
    assert "another definition" in cli(service, "create", "shop", statement.replace("> 5", "> 6"), "--yes", status=5)
    cli(service, "drop", "shop", "partial_one", "--yes")
    assert "not one CREATE INDEX" in cli(service, "create", "shop", "drop table orders", "--yes", status=3)


def test_the_command_line_refuses_what_is_needed_or_unknown(service, target):
    longest = "x" * 63
    target.sql(f"CREATE INDEX {longest} ON orders (note)")
    assert "no such index" in cli(service, "drop", "shop", longest + "zzz", "--yes")
    assert indexes(target)[longest]
    assert "no table" in cli(service, "create", "shop", "orders" + "y" * 60, "note", "--yes", status=3)
    cli(service, "drop", "shop", longest, "--yes")
    assert "constraint" in cli(service, "drop", "shop", "orders_pkey", "--yes", status=23)
    assert "no column" in cli(service, "create", "shop", "orders", "nothing", "--yes", status=3)
    assert "nowhere" in cli(service, "list", "nowhere", status=4)
    assert "another definition" in cli(service, "create", "shop", "orders", "note", "--unique", "--name", "orders_pkey", "--yes", status=5)
    assert "does not know" in cli(service, "shuffle", "shop", status=2)
    assert "target and an index" in cli(service, "trial", "shop", status=2)
    refusal = cli(service, "cancel", "99999", status=4)
    assert "no open index change" in refusal and "the history lists them" in refusal
    assert "the history lists them" in cli(service, "undo", "shop", "99999", "--yes", status=4)
    assert "schema apart" in cli(service, "drop", "shop", "public.orders_customer", "--yes")
    assert "--schema" in cli(service, "trial", target.dsn(), "public.orders_customer", status=4)


@pytest.mark.parametrize("words", [
    ["help", "host=h\npassword=hunter2"], ["index", "history", "host=h\npassword=hunter2"], ["advise", "--time", "host=h\npassword=hunter2"],
    ["index", "postgres://joe:h\udce9hunter2@h/d"], ["apply", "hostaddr=1.2.3.4\tpassword=hunter2"], ["help", "Postgres://me:hunter2@h/d"],
    ["workload", "postgresql+psycopg2://me:hunter2@h/d"], ["index", "drop", "shop", 'host="h password=hunter2', "--yes"],
    ["index", "create", "shop", 'host="h password=hunter2', "note", "--yes"], ["help", "host = h password = 'hunter2'"],
    ["advise", "--set", "advise.time=postgresql+psycopg2://me:hunter2@h/d"], ["advise", "postgresql+psycopg2://me:hunter2@h/d"]])
def test_a_password_in_any_word_of_any_form_is_not_repeated(service, words):
    said = subprocess.run([BINARY, *words], env=service.environment(), capture_output=True, text=True, errors="surrogateescape", timeout=100)
    assert "hunter2" not in said.stdout + said.stderr, said


@pytest.mark.parametrize("connection", ["postgresql+psycopg2://me:hunter2@h/d", "host=h password=hunter2"])
@pytest.mark.parametrize("words", [["drop", "shop"], ["drop", "shop", "--json"], ["create", "shop", "orders", "note", "--name"]])
@pytest.mark.parametrize("approval", ["--dry-run", "--yes"])
def test_a_connection_string_is_no_name_of_an_index_and_its_password_is_kept_nowhere(service, words, connection, approval):
    before = len(history(service))
    said = cli(service, *words[:2], connection, *words[2:], approval, status=2) if words[0] == "drop" else cli(service, *words, connection, approval, status=2)
    assert "connection string" in said and "hunter2" not in said
    assert len(history(service)) == before


def test_an_equals_sign_makes_no_connection_string_of_a_name(service, target):
    cli(service, "create", "shop", "orders", "note", "--name", "status=open", "--yes")
    cli(service, "drop", "shop", "status=open", "--yes")
    assert '"status=open"' not in indexes(target)


@pytest.mark.parametrize("connection", ["postgres://joe:hunter2@nowhere/shop", "host=nowhere password=hunter2", " postgresql://joe:hunter2@"])
def test_a_connection_string_in_place_of_a_target_is_refused_without_repeating_its_password(service, connection):
    for words in (["index", "history"], ["target", "test"], ["workload"], ["forecast"], ["top"]):
        said = service.fettle(*words, connection, status=4)
        assert "hunter2" not in said, said
    assert "fettle target add" in cli(service, "drop", connection, "orders_pkey", "--yes", status=4)


@pytest.mark.parametrize("words,word", [
    (["--name", "x" * 64], "1 to 63 bytes"), (["--name", "é" * 32], "1 to 63 bytes"), (["--name", ""], "1 to 63 bytes"),
    (["--method", "rtree"], "btree, hash")])
def test_the_command_line_refuses_a_name_that_would_be_cut_and_a_method_that_is_none(service, words, word):
    before = len(history(service))
    assert word in cli(service, "create", "shop", "orders", "note", "--yes", *words, status=2)
    assert len(history(service)) == before


@pytest.mark.parametrize("status,words,hint", [
    (3, ["orderz", "note"], "check the name, upper and lower case too"), (3, ["Orders", "note"], "check the name, upper and lower case too"),
    (3, ["orders", "Note"], "check the name, upper and lower case too"), (3, ["create index x on orderz (note)"], "check the name"),
    (3, ["orders", "note", "--replaces", "nothing"], '"fettle help index" says what is expected'), (2, ["orders", "note", "--method", "rtree"], 'run "fettle help index"')])
def test_a_hint_names_what_to_look_at(service, status, words, hint):
    assert f"hint: {hint}" in cli(service, "create", "shop", *words, "--yes", status=status).replace("correct what was given; ", "")


@pytest.mark.parametrize("status,words,said", [
    (2, ["orders"], "the columns of the index on orders are not given"), (3, ["orders", "lower(note)"], "whole CREATE INDEX statement"),
    (3, ["create index on orders (note)"], "does not name the index"), (3, ["orders", "note,note"], "named twice"),
    *((2, ["create index x on orders (note)", *words], f"{words[0]} goes with columns") for words in (["--method", "hash"], ["--unique"], ["--include", "total"]))])
def test_what_a_newcomer_may_get_wrong_is_told_before_anything_is_recorded(service, status, words, said):
    before = len(history(service))
    assert said in cli(service, "create", "shop", *words, "--yes", status=status)
    assert len(history(service)) == before


FAULTS = '''CREATE EXTENSION citext; CREATE EXTENSION pg_trgm; CREATE TYPE mood AS ENUM ('sad'); CREATE DOMAIN tiny AS int; CREATE DOMAIN tinier AS tiny;
CREATE TYPE pair AS (a int, b int);
CREATE TABLE typed (id int, "lower(id)" text, enumerated mood, domained tinier, insensitive citext, varying varchar(5), js json, doc xml, listed int[],
                    ranged int4range, place point, cornered box, composite pair, pairs pair[], address cidr, stamp timestamptz, note text)'''


def test_what_the_server_would_refuse_is_refused_at_the_dry_run_and_nothing_else(service, target):
    target.sql(FAULTS)
    before = len(history(service))
    def fault(*words):
        return cli(service, "create", "shop", *words, "--dry-run", status=3)
    assert "one column" in fault("typed", "id,stamp", "--method", "hash")
    assert "cannot include" in fault("typed", "listed", "--method", "gin", "--include", "id")
    assert "cannot be unique" in fault("typed", "id", "--method", "brin", "--unique")
    assert "no index method bloom" in fault("CREATE INDEX f ON typed USING bloom (id)")
    assert 'column "nothing" does not exist' in fault("CREATE INDEX f ON typed (id) WHERE nothing > 3")
    assert "invalid input syntax" in fault("CREATE INDEX f ON typed (id) WHERE stamp > 'never'")
    assert "written with their schema" in fault("CREATE INDEX f ON typed (similarity(note, 'x'))")
    assert len(history(service)) == before
    names = [row[0] for row in target.sql("SELECT attname FROM pg_attribute WHERE attrelid = 'typed'::regclass AND attnum > 0")]
    for method in ("btree", "hash", "gist", "spgist", "gin", "brin"):
        for name in names:
            statement = f'CREATE INDEX typed_one ON public.typed USING {method} ("{name}")'
            try:
                target.sql(f"BEGIN; {statement}; ROLLBACK")
                is_taken = True
            except psycopg2.Error as refusal:
                assert "default operator class" in str(refusal)
                is_taken = False
            run = subprocess.run([BINARY, "index", "create", "shop", "typed", name, "--method", method, "--dry-run"], env=service.environment(), capture_output=True, text=True)
            assert run.returncode == (0 if is_taken else 3), (method, name, run.stderr)
    cli(service, "create", "shop", '''CREATE INDEX typed_odd ON typed ("lower(id)" DESC, (id + 1), lower("lower(id)") COLLATE "C" text_pattern_ops DESC NULLS LAST,
        coalesce(varying, ')')) WHERE typed.insensitive > '(' ''', "--yes")
    assert "written with their schema" in fault("CREATE INDEX f ON typed USING gin (note gin_trgm_ops)")
    assert 'column "nothing" does not exist' in fault("CREATE INDEX f ON typed (id, nothing)")
    assert 'column "nothing" does not exist' in fault("CREATE INDEX f ON typed (id) INCLUDE (nothing)")
    refusal = cli(service, "create", "shop", "CREATE INDEX typed_collated ON typed (note COLLATE nowhere)", "--yes", status=25)
    assert "written with their schema" in refusal
    assert "written with their schema" in history(service)[0]["error_message"]
    cli(service, "create", "shop", "CREATE INDEX typed_trigrams ON typed USING gin (note public.gin_trgm_ops)", "--yes")
    target.sql("DROP TABLE typed; DROP EXTENSION citext; DROP EXTENSION pg_trgm; DROP TYPE mood; DROP DOMAIN tinier; DROP DOMAIN tiny; DROP TYPE pair")


def test_an_operator_of_an_extensions_type_is_not_silently_another_one(service, target):
    target.sql("CREATE EXTENSION citext; CREATE TABLE cased (id int, state citext, plain text)")
    def planned(condition):
        run = subprocess.run([BINARY, "index", "create", "shop", f"CREATE INDEX c ON cased (id) WHERE {condition}", "--dry-run"],
                             env=service.environment(), capture_output=True, text=True, check=False)
        assert run.returncode == 0, run
        return run.stderr
    assert "OPERATOR(public.=)" in planned("state = 'open'") and "OPERATOR(public.=)" in planned("'open' <> state AND id > 3")
    # || is no operator of citext's own
    assert [planned(condition) for condition in ("state OPERATOR(public.=) 'open'", "plain = 'open'", "state IS NOT NULL", "(state || 'x') IS NOT NULL")] == [""] * 4
    target.sql("DROP TABLE cased; DROP EXTENSION citext")


def test_a_twin_that_is_there_is_asked_at_the_dry_run_and_warns(service, target):
    target.sql("CREATE DATABASE twinned")
    target.sql("CREATE EXTENSION pg_stat_statements; CREATE TABLE t (a int, b text); INSERT INTO t SELECT n, n FROM generate_series(1, 1000) n; ANALYZE t", "twinned")
    service.add_target("twinned", target.dsn("twinned"), enabled=False)
    def planned(statement):
        run = subprocess.run([BINARY, "index", "create", "twinned", statement, "--dry-run"], env=service.environment(), capture_output=True, text=True, check=False)
        assert run.returncode == 0 and "INDEX CONCURRENTLY" in run.stdout, run
        return run.stderr
    faulty = ["CREATE INDEX f ON t (a) WHERE b < now()::text", "CREATE INDEX f ON t (a) WITH (fillfactor = 5)", "CREATE INDEX f ON t ((sum(a)))"]
    assert [planned(statement) for statement in faulty] == [""] * 3
    service.fettle("twin", "build", target.dsn("twinned"))
    said = [planned(statement) for statement in faulty]
    assert all("the planner twin refuses this index" in word for word in said) and "IMMUTABLE" in said[0] and "fillfactor" in said[1], said
    assert planned("CREATE UNIQUE INDEX f ON t (lower(b) text_pattern_ops DESC) INCLUDE (a) WITH (fillfactor = 50) WHERE a > 5") == ""
    # the target's tablespaces are no twin's
    assert planned("CREATE INDEX f ON t (a) TABLESPACE pg_default") == ""
    # a twin of what the database was is none
    target.sql("ALTER TABLE t ADD COLUMN c int", "twinned")
    assert planned(faulty[0]) == ""
    assert target.sql("SELECT count(*) FROM pg_index WHERE indexrelid >= 16384 AND indrelid = 't'::regclass", "twinned") == [(0,)]


@pytest.mark.parametrize("letter", ["x", "\u00e9", "\u65e5", "\U0001f600"])
@pytest.mark.parametrize("table_bytes,column_bytes", [(63, 1), (63, 63), (5, 63), (29, 30)])
def test_an_index_without_a_name_is_named_as_the_server_names_it(service, target, letter, table_bytes, column_bytes):
    width = len(letter.encode())
    # a letter of several bytes falls on each side of where the name is cut
    for shift in range(width):
        table, column = ("a" * shift + letter * ((size - shift) // width) or "a" for size in (table_bytes, column_bytes))
        target.sql(f'CREATE TABLE "{table}" ("{column}" int, "k" int); CREATE INDEX ON "{table}" ("{column}", k)')
        (named,), = target.sql(f"""SELECT relname FROM pg_class WHERE relkind = 'i' AND oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = '"{table}"'::regclass)""")
        target.sql(f'DROP INDEX "{named}"')
        planned = [cli(service, "create", "shop", table, *columns, "--dry-run") for columns in ([f"{column},k"], [column, "--include", "k"])]
        target.sql(f'DROP TABLE "{table}"')
        assert all(f'IF NOT EXISTS "{named}" ON' in plan for plan in planned), (named, planned)


def test_row_security_refuses_no_index(service, target):
    target.sql("CREATE ROLE guarded LOGIN; GRANT pg_monitor TO guarded; CREATE SCHEMA secured AUTHORIZATION guarded; CREATE TABLE secured.t (a int, b text); "
               "ALTER TABLE secured.t OWNER TO guarded; ALTER TABLE secured.t ENABLE ROW LEVEL SECURITY; ALTER TABLE secured.t FORCE ROW LEVEL SECURITY; "
               "CREATE POLICY itself ON secured.t USING (a IN (SELECT a FROM secured.t))")
    service.add_target("guarded", target.dsn(user="guarded"), enabled=False)
    for name, setting in (("recursive", "on"), ("refused", "off")):
        target.sql(f"ALTER ROLE guarded SET row_security = {setting}")
        cli(service, "create", "guarded", f"CREATE INDEX {name} ON secured.t (lower(b)) WHERE a > 3", "--yes")
        assert f"secured.{name}" in indexes(target)
        target.sql(f"DROP INDEX secured.{name}")
    target.sql("DROP SCHEMA secured CASCADE; ALTER ROLE guarded RESET row_security")


def test_an_index_that_depends_on_an_extension_is_neither_proposed_nor_dropped(service, target):
    target.sql("CREATE EXTENSION citext; CREATE TABLE tied (a int); CREATE INDEX tied_a ON tied (a); CREATE INDEX tied_b ON tied (a); "
               "ALTER INDEX tied_b DEPENDS ON EXTENSION citext")
    found = json.loads(service.fettle("index", "unused", "shop", "--json", status=10, anyway=True))
    assert not [index for index in found if index["index_name"] == "tied_b" and index["is_proposed"]], found
    assert "depends on it" in cli(service, "drop", "shop", "tied_b", "--yes", status=23)
    target.sql("DROP TABLE tied; DROP EXTENSION citext")


def test_a_refusal_is_not_called_something_to_report(service, target):
    refused = [(23, ["drop", "shop", "orders_pkey", "--yes"]), (3, ["create", "shop", "orders", "note", "--method", "gin", "--yes"]),
               (3, ["create", "shop", "public.orders", "note", "--yes"]), (5, ["create", "shop", "orders", "note", "--name", "customers_pkey", "--yes"])]
    for status, words in refused:
        said = cli(service, *words, status=status)
        assert "hint: " in said and "report it" not in said, said
    assert "schema apart" in cli(service, "create", "shop", "public.orders", "note", "--yes", status=3)
    target.sql("CREATE TABLE other.elsewhere (a int)")
    assert "hint: there is other.elsewhere" in cli(service, "create", "shop", "CREATE INDEX e ON elsewhere (a)", "--yes", status=3)
    target.sql("DROP TABLE other.elsewhere")


def test_list_and_unused_tell_what_is_needed_and_what_is_not(service, target):
    cli(service, "create", "shop", "orders", "customer_id", "--name", "orders_third", "--yes")
    rows = {row["index_name"]: row for row in json.loads(cli(service, "list", "shop", "--json"))}
    assert rows["orders_pkey"]["class"] in ("needed", "used") and "constraint" in rows["orders_pkey"]["needed_because"]
    out = service.fettle("index", "unused", target.dsn(), "--json", status=10, anyway=True)
    found = {row["index_name"]: row for row in json.loads(out)}
    same = {name for name, row in rows.items() if row["columns"] == "customer_id"}
    doubled = [row for row in found.values() if row["index_name"] in same and row["is_proposed"]]
    assert len(doubled) == len(same) - 1 > 0
    assert all(row["class"] == "duplicate" and row["act_sql"].startswith("DROP INDEX CONCURRENTLY") for row in doubled)
    cli(service, "drop", "shop", "orders_third", "--yes")
    target.sql("CREATE INDEX parts_only ON ONLY parts (day)")
    only = next(row for row in json.loads(cli(service, "list", "shop", "--json")) if row["index_name"] == "parts_only")
    assert only["class"] == "invalid" and "partitioned" in only["needed_because"]
    target.sql("DROP INDEX parts_only")


def test_on_a_terminal_reasons_are_broken_between_words(service, target):
    cli(service, "create", "shop", "orders", "customer_id", "--name", "orders_fourth", "--yes")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    with subprocess.Popen([BINARY, "index", "unused", target.dsn()], env=service.environment(), stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE) as run:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # the terminal has nobody at its other end any more
            while True:
                shown += os.read(ours, 65536)
        assert run.wait(60) == 10, run.stderr.read()
    os.close(ours)
    rows = json.loads(service.fettle("index", "unused", target.dsn(), "--json", anyway=True, status=10))
    cli(service, "drop", "shop", "orders_fourth", "--yes")
    words = {word for row in rows for word in row["reason"].split()}
    reasons = [line for line in shown.decode().splitlines() if line.startswith("    ")]
    assert reasons[0].strip() == "REASON" and len(reasons) > 2
    assert max(map(len, reasons)) <= 80
    assert {word for line in reasons[1:] for word in line.split()} >= words


def test_a_trial_of_a_partitions_own_index_asks_for_the_statements_of_the_whole_table(service, target):
    target.sql("INSERT INTO parts SELECT '2026-01-01', n FROM generate_series(1, 20000) n")
    target.sql("CREATE INDEX parts_1_own ON parts_1 (abs(n)); ANALYZE parts; SELECT pg_stat_statements_reset()")
    for number in range(5):
        target.sql(f"SELECT count(*) FROM parts WHERE abs(n) = {number}")
    rows = json.loads(service.fettle("index", "trial", target.dsn(), "parts_1_own", "--json", status=10, anyway=True))
    assert ["parts" in row["statement"] and float(row["times_more"]) > 2 for row in rows] == [True], rows
    target.sql("DROP INDEX parts_1_own; TRUNCATE parts")


def test_a_trial_shows_on_the_twin_what_would_become_slower(service, target):
    cli(service, "create", "shop", "orders", "note", "--name", "orders_tried", "--yes")
    target.sql("UPDATE orders SET note = id::text; ANALYZE orders; SELECT pg_stat_statements_reset()")
    for number in range(5):
        target.sql(f"SELECT * FROM orders WHERE note = '{number}'")
    rows = json.loads(service.fettle("index", "trial", target.dsn(), "orders_tried", "--json", status=10, anyway=True))
    assert any("note" in row["statement"] and float(row["times_more"]) > 2 for row in rows), rows
    assert "there is no index" in cli(service, "trial", target.dsn(), "nothing", status=4)
    target.sql("SELECT pg_stat_statements_reset()")
    target.sql("SELECT count(*) FROM customers")
    unasked = cli(service, "trial", target.dsn(), "orders_tried")
    assert "over 0 statements" in unasked and "what orders_tried is worth is not known" in unasked and "would cost more" not in unasked
    assert indexes(target)["orders_tried"]
    cli(service, "drop", "shop", "orders_tried", "--yes")
