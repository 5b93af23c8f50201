# SPDX-License-Identifier: PostgreSQL
"""The table of routes and openapi.yaml say the same."""
import re
import subprocess

import jsonschema
import pytest
from api import SPECIFICATION, operations, program, resolve, validate


@pytest.fixture(scope="module")
def routes():
    out = subprocess.run([str(program("api_server")), "routes"], capture_output=True, text=True, check=True).stdout
    return [line.split() for line in out.splitlines()]


def test_every_route_is_in_the_specification_and_the_other_way_round(routes):
    served = {(method, path) for method, path, *_ in routes}
    described = {(method, path) for method, path, _ in operations()}
    assert served == described
    assert len(routes) == len(served) > 30


def test_operation_role_and_status_of_each_route_are_the_described_ones(routes):
    described = {(method, path): operation for method, path, operation in operations()}
    for method, path, role, _, name, action in routes:
        operation = described[method, path]
        assert operation["operationId"] == name
        assert operation["x-role"] == ("none" if role == "-" else role)
        assert bool(operation["security"]) == (role != "-")
        assert ("401" in operation["responses"]) == (role != "-" or "metrics" in path or name == "login")
        assert ("403" in operation["responses"]) == (role in ("operator", "admin") or name == "tokenCreate"), name
        assert ("415" in operation["responses"]) == ("requestBody" in operation)
        assert (action != "-") == (method != "GET")
        assert {"400", "413", "429", "500", "503"} <= set(operation["responses"])


def test_rows_of_one_path_stand_together(routes):
    paths = [path for _, path, *_ in routes]
    groups = [path for place, path in enumerate(paths) if place == 0 or paths[place - 1] != path]
    assert len(groups) == len(set(groups))


def test_operation_ids_are_unique_and_path_parameters_are_described():
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names))
    for _, path, operation in operations():
        described = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert described == set(re.findall(r"{(\w+)}", path))


def test_every_schema_is_sound_and_every_example_fits_its_schema():
    for schema in SPECIFICATION["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    seen = 0
    for _, _, operation in operations():
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        for content in [c for body in [*bodies, *map(resolve, operation["responses"].values())] for c in body.get("content", {}).values()]:
            assert "example" in content, operation["operationId"]
            validate(content["schema"], content["example"])
            seen += 1
    assert seen > 100


def test_every_reference_leads_somewhere():
    def walk(node):
        if isinstance(node, dict):
            if "$ref" in node:
                resolve(node)
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)
    walk(SPECIFICATION)
