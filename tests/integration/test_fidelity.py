# SPDX-License-Identifier: PostgreSQL
"""The twin plans as the target does: on a schema made to be awkward, on TPC-H, pgbench and the shop, by what the role may read.

Roles: app_owner sees all; reads_all has pg_read_all_data; function_only has pg_monitor and the function that "fettle doctor
--sql" prints, and may EXPLAIN nothing: it takes a snapshot, and what that gives is compared by one who may.
"""
import subprocess

import pytest
from conftest import BINARY, load_shop
from workloads import load_awkward, load_pgbench, load_tpch, statements_of, workload_file

SCHEMAS = ["awkward", "tpch", "pgbench", "shop"]
LOADERS = {"awkward": load_awkward, "tpch": load_tpch, "pgbench": load_pgbench}


@pytest.fixture(scope="session")
def schema_of(server, request):
    """schema_of(name): the server, with that schema loaded in the database of its name, and the roles."""
    loaded = set()
    function = subprocess.run([BINARY, "doctor", "--sql"], capture_output=True, text=True, check=True).stdout

    def get(name):
        if not loaded:
            server.sql("CREATE ROLE app_owner LOGIN SUPERUSER; CREATE ROLE reads_all LOGIN; CREATE ROLE function_only LOGIN;"
                       "GRANT pg_monitor, pg_read_all_data TO reads_all; GRANT pg_monitor TO function_only")
        if name not in loaded:
            if name == "shop":
                request.getfixturevalue("shop")
            else:
                LOADERS[name](server)
            loaded.add(name)
        return server

    get.function = function
    return get


def measured(fettle, server, schema, tmp_path, user, *arguments):
    result = fettle("twin", "verify", "--json", "--workload", workload_file(schema, tmp_path), *arguments,
                    server.dsn(schema, user), timeout=300)
    assert result.status == 0, result.err
    fidelity = result.json["fidelity"]
    print(schema, user, {key: fidelity[key] for key in ("compared", "same_plan", "identical", "not_compared", "not_compared_reason")},
          result.json["losses"])
    for difference in fidelity["differences"][:15]:
        print(difference["query"][:150], "|", difference["cause"])
    return result.json, fidelity


def test_the_workloads_hold_as_many_statements_as_they_should():
    by_hand = sum(len(statements_of(schema)[0]) for schema in SCHEMAS)
    made = sum(len(set(statements_of(schema)[1])) for schema in SCHEMAS)
    assert by_hand >= 150 and made >= 1000


@pytest.mark.parametrize("schema", SCHEMAS)
def test_with_full_rights_plans_are_identical(fettle, schema_of, tmp_path, schema):
    server = schema_of(schema)
    report, fidelity = measured(fettle, server, schema, tmp_path, "app_owner")
    assert report["losses"] == []
    assert fidelity["compared"] >= 0.97 * sum(len(set(part)) for part in statements_of(schema))
    assert fidelity["identical"] >= 0.99 * fidelity["compared"]
    assert fidelity["not_compared"] == 0, fidelity["not_compared_reason"]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_with_pg_read_all_data_plans_are_the_same(fettle, schema_of, tmp_path, schema):
    _, fidelity = measured(fettle, schema_of(schema), schema, tmp_path, "reads_all")
    assert fidelity["same_plan"] >= 0.99 * fidelity["compared"]
    assert fidelity["identical"] >= 0.88 * fidelity["compared"]
    # It may not write, and EXPLAIN of a statement that writes asks for that right.
    writing = sum(text.split()[0].lower() in ("insert", "update", "delete") for text in statements_of(schema)[0])
    assert fidelity["not_compared"] <= writing, fidelity["not_compared_reason"]
    assert writing == 0 or "permission denied" in fidelity["not_compared_reason"]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_with_the_offered_function_plans_are_the_same(fettle, schema_of, tmp_path, schema):
    server = schema_of(schema)
    server.psql(schema, "-c", schema_of.function)
    assert fettle("doctor", "--json", server.dsn(schema, "function_only")).json["rights"] == "function"
    taken = fettle("snapshot", "--output", tmp_path / "taken.fettle", server.dsn(schema, "function_only"))
    server.sql("DROP SCHEMA fettle CASCADE", schema)
    assert taken.status == 0, taken.err
    _, fidelity = measured(fettle, server, schema, tmp_path, "app_owner", "--snapshot", tmp_path / "taken.fettle")
    assert fidelity["same_plan"] >= 0.99 * fidelity["compared"]
    assert fidelity["not_compared"] == 0, fidelity["not_compared_reason"]
