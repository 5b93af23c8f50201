# SPDX-License-Identifier: PostgreSQL
"""Databases whose default collation is not C: the twin takes it over, for it decides what an index can serve."""
import pytest

DATABASES = {
    "ICU": (15, "LOCALE_PROVIDER icu ICU_LOCALE 'de' LOCALE 'C.UTF-8'", False),
    "ICU of a newer major": (18, "LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C.UTF-8'", False),
    "builtin": (18, "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C.UTF-8'", True),
    "C": (15, "LOCALE 'C'", True),
}
TABLE = "CREATE TABLE names AS SELECT n AS id, 'name' || n AS name, repeat('x', 60) AS pad FROM generate_series(1, 30000) n; ANALYZE names"


@pytest.mark.parametrize("provider", DATABASES)
def test_a_prefix_is_served_by_a_plain_index_only_in_byte_order(fettle, server_of, tmp_path, provider):
    major, words, is_byte_order = DATABASES[provider]
    server = server_of(major)
    database = "collation " + provider
    server.sql(f'CREATE DATABASE "{database}" TEMPLATE template0 ENCODING \'UTF8\' {words}')
    dsn = server.dsn(f"'{database}'")
    for statement in TABLE.split("; "):
        server.sql(statement, f"'{database}'")
    workload = tmp_path / "work.sql"
    workload.write_text("-- calls: 100\nSELECT pad FROM names WHERE name LIKE 'name777%';\n-- calls: 100\n"
                        "SELECT pad FROM names WHERE name = 'name7';\n", encoding="utf-8")
    result = fettle("twin", "verify", "--json", "--workload", workload, dsn)
    assert result.status == 0, result.err
    assert result.json["losses"] == []
    plan = fettle("explain", dsn, "-s", "SELECT pad FROM names WHERE name LIKE 'name777%'", "-i", "CREATE INDEX ON names (name)")
    assert plan.status == 0, plan.err
    assert ("Index Cond" in plan.out) == is_byte_order, plan.out
    advice = fettle("advise", "--json", "--workload", workload, dsn)
    assert advice.status == 10, advice.err
    server.sql(advice.json["recommendations"][0]["statement"], f"'{database}'")
    server.sql(advice.json["recommendations"][0]["undo"], f"'{database}'")
