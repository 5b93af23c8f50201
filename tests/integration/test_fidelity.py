# SPDX-License-Identifier: PostgreSQL
"""The twin plans as the target does, on a schema made to be awkward."""
import pathlib
import subprocess

import pytest
from conftest import BINARY
from statements import BY_HAND, generated

HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="module")
def awkward(server):
    server.sql("CREATE DATABASE awkward")
    server.psql("awkward", "-f", HERE / "awkward.sql")
    server.sql("CREATE ROLE app_owner LOGIN SUPERUSER")
    return server


@pytest.fixture(scope="module")
def workload(tmp_path_factory):
    file = tmp_path_factory.mktemp("work") / "workload.sql"
    file.write_text(";\n".join(BY_HAND + list(generated(1000))) + ";\n", encoding="utf-8")
    return file


def measured(fettle, server, workload, user):
    result = fettle("twin", "verify", "--json", "--workload", workload, server.dsn("awkward", user), timeout=300)
    assert result.status == 0, result.err
    fidelity = result.json["fidelity"]
    print(user, {key: fidelity[key] for key in ("compared", "same_plan", "identical", "not_compared")}, result.json["losses"])
    for difference in fidelity["differences"][:15]:
        print(difference["query"][:150], "|", difference["cause"])
    return result.json, fidelity


def test_with_full_rights_plans_are_identical(fettle, awkward, workload):
    report, fidelity = measured(fettle, awkward, workload, "app_owner")
    assert report["losses"] == []
    assert fidelity["compared"] >= 500
    assert fidelity["identical"] >= 0.99 * fidelity["compared"]
    assert fidelity["not_compared"] == 0, fidelity["not_compared_reason"]


def test_with_pg_read_all_data_plans_are_the_same(fettle, awkward, workload):
    awkward.sql("CREATE ROLE reads_all LOGIN; GRANT pg_monitor, pg_read_all_data TO reads_all")
    _, fidelity = measured(fettle, awkward, workload, "reads_all")
    assert fidelity["compared"] >= 400
    assert fidelity["same_plan"] >= 0.99 * fidelity["compared"]
    assert fidelity["identical"] >= 0.88 * fidelity["compared"]


def test_with_the_offered_function_plans_are_the_same(fettle, awkward, workload, tmp_path):
    """pg_monitor may not EXPLAIN on the target: its snapshot's twin is compared with plans that a superuser sees."""
    sql = subprocess.run([BINARY, "doctor", "--sql"], capture_output=True, text=True, check=True).stdout
    awkward.psql("awkward", "-c", sql)
    awkward.sql("CREATE ROLE function_only LOGIN; GRANT pg_monitor TO function_only")
    doctor = fettle("doctor", "--json", awkward.dsn("awkward", "function_only"))
    assert doctor.json["rights"] == "function"
    awkward.sql("GRANT pg_read_all_data TO function_only")
    _, fidelity = measured(fettle, awkward, workload, "function_only")
    assert fidelity["same_plan"] >= 0.99 * fidelity["compared"]
