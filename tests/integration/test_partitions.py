# SPDX-License-Identifier: PostgreSQL
"""Indexes of partitioned tables of which a part is there already: it is used, not built once more, and the undo leaves what was there."""
import pytest
from conftest import missing
from servers import binaries_of

SCHEMA = """
CREATE TABLE events (day int NOT NULL, kind int NOT NULL, pad text) PARTITION BY RANGE (day);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (100);
CREATE TABLE events_2 (pad text, kind int NOT NULL, day int NOT NULL);
ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES FROM (100) TO (200);
CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM (200) TO (300) PARTITION BY LIST (kind);
CREATE TABLE events_3_few PARTITION OF events_3 FOR VALUES IN (0, 1, 2);
CREATE TABLE events_3_rest PARTITION OF events_3 DEFAULT;
INSERT INTO events SELECT n % 300, n % 5000, repeat('x', 80) FROM generate_series(1, 120000) n;
ANALYZE events;
ANALYZE events_1;
"""
STATEMENT = "SELECT count(pad) FROM events WHERE kind = 7"
# case: what is there, how many statements build, of how many parts of the size there is to be
CASES = {
    "nothing": ("", 6, 1.0),
    "a part of its own": ("CREATE INDEX mine ON events_2 (kind)", 5, 0.66),
    "one in other directions, which does not count": ("CREATE INDEX mine ON events_2 (kind DESC NULLS LAST)", 6, 1.0),
    "one of some rows, which does not count": ("CREATE INDEX mine ON events_2 (kind) WHERE day > 7", 6, None),
    "a part that its table is clustered by, which stays": ("CREATE INDEX mine ON events_2 (kind); ALTER TABLE events_2 CLUSTER ON mine", 6, 1.0),
    "the whole of what is below, of which a table is clustered by a part": ("CREATE INDEX below ON events_3 (kind); ALTER TABLE events_3_few CLUSTER ON events_3_few_kind_idx", 6, 1.0),
    "half of the whole": ("CREATE INDEX whole ON ONLY events (kind); CREATE INDEX part ON events_1 (kind); ALTER INDEX whole ATTACH PARTITION part;"
                          "CREATE INDEX below ON ONLY events_3 (kind); CREATE INDEX few ON events_3_few (kind); ALTER INDEX below ATTACH PARTITION few;"
                          "ALTER INDEX whole ATTACH PARTITION below", 2, 0.66),
    "half of the whole and a part of its own": ("CREATE INDEX whole ON ONLY events (kind); CREATE INDEX part ON events_1 (kind); ALTER INDEX whole ATTACH PARTITION part;"
                                                "CREATE INDEX mine ON events_2 (kind)", 3, 0.33),
    "the whole of what is below": ("CREATE INDEX below ON events_3 (kind)", 3, 0.66),
}


@pytest.fixture(scope="module")
def whole_bytes():
    return {}


def state(server, database):
    return server.sql("""SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid), i.indisvalid, h.inhparent::regclass::text
                           FROM pg_index i LEFT JOIN pg_inherits h ON h.inhrelid = i.indexrelid
                          WHERE i.indrelid >= 16384 AND i.indrelid::regclass::text LIKE 'events%' ORDER BY 1""", database)


@pytest.mark.parametrize("twin_major", [15, 16], ids=["module", "sparse files"])
@pytest.mark.parametrize("case", CASES)
def test_only_what_lacks_is_built_and_the_undo_leaves_what_was_there(fettle, server_of, tmp_path, whole_bytes, case, twin_major):
    if not binaries_of(twin_major):
        missing(f"no server programs of PostgreSQL {twin_major}: run scripts/test-servers")
    there, built, share = CASES[case]
    server = server_of(15)
    database = f"parts_{twin_major}_{list(CASES).index(case)}"
    server.sql(f"CREATE DATABASE {database}")
    for statement in (SCHEMA + there).split(";"):
        if statement.strip():
            server.sql(statement, database)
    workload = tmp_path / "work.sql"
    workload.write_text(f"-- calls: 1000\n{STATEMENT};\n", encoding="utf-8")
    result = fettle("advise", "--json", "--no-verify", "--set", f"cluster.binaries={binaries_of(twin_major)}", "--workload", workload, server.dsn(database))
    assert result.status == 10, result.err
    advised, = result.json["recommendations"]
    assert (advised["object_name"] == "whole") == case.startswith("half of the whole")
    before = state(server, database)
    for statement in advised["statement"].split(";\n"):
        server.sql(statement, database)
    made = state(server, database)
    assert all(valid for _, _, valid, _ in made), made
    assert len(set(made) - set(before)) >= 1 and {name for name, *_ in before} <= {name for name, *_ in made}
    assert advised["statement"].count("CREATE INDEX") == built, advised["statement"]
    sizes = dict(server.sql("SELECT c.relname, pg_relation_size(c.oid)::float8 FROM pg_class c WHERE c.relkind = 'i'", database))
    grown = sum(sizes[name] for name, *_ in made if name not in dict((row[0], row) for row in before) and name in sizes)
    # also where the twin's server took an index of another direction, or a clustered one, for a part
    assert advised["size_bytes"] == pytest.approx(grown, rel=0.2), (grown, advised)
    whole_bytes.setdefault(twin_major, advised["size_bytes"])
    if share:
        assert advised["size_bytes"] / whole_bytes[twin_major] == pytest.approx(share, abs=0.12)
    plan = "\n".join(line for line, in server.sql("EXPLAIN " + STATEMENT, database))
    assert "Seq Scan" not in plan, plan
    for statement in advised["undo"].split(";\n"):
        server.sql(statement, database)
    assert state(server, database) == before, advised["undo"]
