# SPDX-License-Identifier: PostgreSQL
"""Every kind of relation, column and name: advice that runs as it stands, or words that say what was left out."""
import os
import pathlib
import re

import psycopg2
import pytest
from servers import Server, programs_with_extensions, unprivileged

HERE = pathlib.Path(__file__).parent
ODD = '"Schéma ""x"" y"."Täble; with \'quotes\' and exactly sixty-three bytes in its name"'
LONG_COLUMN = '"a column whose name has sixty-three bytes, no more and no less "'

# What is asked, of which relation, and the key that is to be advised.
ADVISED = {
    "a quoted, unicode name of 63 bytes": (f'SELECT "order" FROM {ODD} WHERE "Größe $1" = 7', ODD, '"Größe $1"'),
    "a column name of 63 bytes": (f'SELECT "order" FROM {ODD} WHERE {LONG_COLUMN} = 7', ODD, LONG_COLUMN),
    "a partitioned table with sub-partitions and a default": ("SELECT count(pad) FROM parted WHERE k = 7", "public.parted", "k"),
    "its partitions with names of 63 bytes, once more": ("SELECT count(pad) FROM parted WHERE j = 7", "public.parted", "j"),
    "a partitioned table with a foreign partition": ("SELECT count(pad) FROM half_foreign WHERE k = 7", "public.half_foreign", "k"),
    "a table with children": ("SELECT count(pad) FROM parent WHERE k = 7", "public.parent", "k"),
    "dropped columns": ("SELECT count(pad) FROM dropped WHERE k = 7", "public.dropped", "k"),
    "a domain": ("SELECT count(pad) FROM typed WHERE c = 'c7'", "public.typed", "c"),
    "an enum": ("SELECT count(pad) FROM typed WHERE m = 'happy'", "public.typed", "m"),
    "a composite type": ("SELECT count(pad) FROM typed WHERE p = ROW(7, 'x')::pair", "public.typed", "p"),
    "an extension's type": ("SELECT count(pad) FROM typed WHERE ci = 'CI7'", "public.typed", "ci"),
    "a generated column": ("SELECT count(pad) FROM typed WHERE g = 7", "public.typed", "g"),
    "a collation that is not deterministic": ("SELECT count(pad) FROM collated WHERE d = 'NAME7'", "public.collated", "d"),
    "a collation of ICU": ("SELECT count(pad) FROM collated WHERE g = 'Straße7'", "public.collated", "g"),
    "a tablespace": ("SELECT count(pad) FROM placed WHERE k = 7", "public.placed", "k"),
    "an unlogged table": ("SELECT count(pad) FROM unlogged WHERE k = 7", "public.unlogged", "k"),
    "row security": ("SELECT count(pad) FROM secret WHERE k = 7", "public.secret", "k"),
    "a view": ("SELECT id FROM seen WHERE k = 7", "public.behind_view", "k"),
    "a view with a security barrier": ("SELECT id FROM guarded WHERE id = 7", "public.behind_view", "id"),
    "a materialized view": ("SELECT count(pad) FROM summed WHERE k = 7", "public.summed", "k"),
}

# What is asked, and the words that say why it gets nothing.
LEFT_OUT = {
    "a temporary table": ("SELECT count(*) FROM only_mine WHERE k = 7", "no table called only_mine was found"),
    "a foreign table": ("SELECT count(pad) FROM far WHERE k = 7", "the twin lacks public.far: a foreign table"),
    "an extension that is not installed here": ("SELECT count(pad) FROM has_semver WHERE k = 7", 'type "public.semver" does not exist'),
    "an extension that no twin loads": ("SELECT count(pad) FROM has_strange WHERE k = 7", 'type "public.strange" does not exist'),
    "a function in a language that no twin runs": ("SELECT count(pad) FROM dropped WHERE made_in_c(a) = 7",
                                                  "function made_in_c(integer) does not exist"),
}

LOSSES = {
    "extension semver": "is its package for PostgreSQL 15 installed here?",
    "extension strange": "not among the extensions that a twin loads",
    "table public.has_semver": "does not exist",
    "table public.has_strange": "does not exist",
    "function public.made_in_c": "language internal is not run on a twin",
    "table public.half_there": "a foreign table",
    "table public.far": "a foreign table",
}


@pytest.fixture(scope="module")
def kinds():
    """The database of kinds.sql, on a server that knows two extensions which the private cluster does not."""
    programs = programs_with_extensions(15, {"strange": "CREATE TYPE strange AS (a int);", "semver": "CREATE TYPE semver AS (a int);"})
    with Server(15, binaries=programs) as server:
        space, csv = server.directory / "space", server.directory / "far.csv"
        space.mkdir()
        if unprivileged():
            os.chown(space, *unprivileged())
        csv.write_text("".join(f"2,{n % 900},xxxx\n" for n in range(2000)), encoding="utf-8")
        server.sql("CREATE DATABASE kinds")
        server.psql("kinds", "-v", f"space={space}", "-v", f"csv={csv}", "-f", HERE / "kinds.sql")
        connection = psycopg2.connect(server.dsn("kinds"))
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE only_mine AS SELECT 7 AS k; SELECT stats.pg_stat_statements_reset()")
            for statement, *_ in [*ADVISED.values(), *LEFT_OUT.values()]:
                for _ in range(20):
                    cursor.execute(statement)
        yield server
        connection.close()


@pytest.fixture(scope="module")
def advice(fettle, kinds):
    result = fettle("advise", "--json", kinds.dsn("kinds"))
    assert result.status == 10, result.err
    return result.json


@pytest.mark.parametrize("case", ADVISED)
def test_an_index_is_advised_for(advice, case):
    _, relation, key = ADVISED[case]
    titles = [r["title"] for r in advice["recommendations"] if r["relation"] == relation]
    assert any(re.search(rf"[( ]{re.escape(key)}[,)]", title) for title in titles), (titles, advice["rejections"])


@pytest.mark.parametrize("case", LEFT_OUT)
def test_it_is_said_why_nothing_is_advised_for(advice, case):
    statement, words = LEFT_OUT[case]
    reasons = [r["reason"] for r in advice["rejections"] if r["subject"] == "statement: " + statement.replace("7", "$1")]
    assert len(reasons) == 1 and words in reasons[0], (reasons, advice["rejections"])


def test_what_the_twin_lacks_is_named_and_nothing_else(advice):
    losses = {loss["object"]: loss["reason"] for loss in advice["twin"]["losses"]}
    assert set(losses) == set(LOSSES)
    for name, words in LOSSES.items():
        assert words in losses[name], (name, losses[name])


def test_a_twin_that_is_refreshed_still_names_what_it_lacks(fettle, kinds, advice):
    again = fettle("twin", "build", "--json", kinds.dsn("kinds")).json
    assert again["refreshed"] is True
    assert sorted(loss["object"] for loss in again["losses"]) == sorted(LOSSES)


def test_plans_are_the_targets_but_for_the_foreign_partition(fettle, kinds):
    fidelity = fettle("twin", "verify", "--json", kinds.dsn("kinds")).json["fidelity"]
    assert fidelity["compared"] >= len(ADVISED) - 1
    assert ["half_foreign" in difference["query"] for difference in fidelity["differences"]] == [True]
    assert fidelity["identical"] == fidelity["compared"] - 1


def test_reading_the_target_adds_nothing_to_its_workload(fettle, kinds, advice):
    """Its own probes of index ends touch user tables: they must not come back as the application's statements."""
    again = fettle("advise", "--json", "--no-verify", kinds.dsn("kinds"))
    assert again.json["workload"]["statements"] == advice["workload"]["statements"]
    assert not [r for r in again.json["rejections"] if "::oid" in r["subject"]]


def test_an_index_of_the_whole_is_not_advised_once_more_for_its_partition(fettle, kinds, tmp_path):
    partition = "a_partition_with_a_name_of_exactly_sixty_three_bytes_no_more_01"
    file = tmp_path / "both.sql"
    file.write_text(f"SELECT count(pad) FROM parted WHERE k = 7;\nSELECT count(pad) FROM {partition} WHERE k = 8;\n", encoding="utf-8")
    both = fettle("advise", "--json", "--no-verify", "--workload", file, kinds.dsn("kinds")).json
    assert [r["relation"] for r in both["recommendations"]] == ["public.parted"], both["recommendations"]
    assert len(both["recommendations"][0]["gains"]) == 2


def test_the_statements_run_as_they_stand_and_so_do_their_undos(kinds, advice):
    """Only the parent of the foreign partition keeps an index that is not valid, and a note says so."""
    for recommendation in advice["recommendations"]:
        for statement in recommendation["statement"].split(";\n"):
            kinds.sql(statement, "kinds")
    invalid = kinds.sql("SELECT indrelid::regclass::text FROM pg_index WHERE NOT indisvalid", "kinds")
    assert invalid == [("half_foreign",)]
    noted = [r["relation"] for r in advice["recommendations"] if any("foreign table" in note for note in r["notes"])]
    assert noted == ["public.half_foreign"]
    for recommendation in advice["recommendations"]:
        kinds.sql(recommendation["undo"], "kinds")
    assert kinds.sql("SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname LIKE '%\\_idx%'",
                     "kinds") == [(0,)]


def test_a_plan_is_explained_for_a_quoted_name(fettle, kinds):
    result = fettle("explain", kinds.dsn("kinds"), "-s", f"SELECT * FROM {ODD} WHERE {LONG_COLUMN} = $1", "-i",
                    f"CREATE INDEX ON {ODD} ({LONG_COLUMN})")
    assert result.status == 0, result.err
    assert "Seq Scan on" in result.out and "Index Scan" in result.out


def test_a_role_bound_by_row_security_is_told_that_statistics_are_hidden(fettle, kinds):
    kinds.sql("GRANT SELECT ON ALL TABLES IN SCHEMA public, \"Schéma \"\"x\"\" y\", stats TO kinds_monitor;"
              "GRANT USAGE ON SCHEMA \"Schéma \"\"x\"\" y\", stats TO kinds_monitor", "kinds")
    doctor = fettle("doctor", "--json", kinds.dsn("kinds", "kinds_monitor"))
    assert [gap["subject"] for gap in doctor.json["missing"]] == ["column statistics under row security"]
    kinds.sql(doctor.json["missing"][0]["remedy"], "kinds")
    doctor = fettle("doctor", "--json", kinds.dsn("kinds", "kinds_monitor"))
    assert (doctor.status, doctor.json["missing"], doctor.json["rights"]) == (0, [], "view")
