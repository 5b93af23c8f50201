# SPDX-License-Identifier: PostgreSQL
"""A database with 10,000 tables: read, built and advised within the limits that are set."""


def test_ten_thousand_tables_are_advised(fettle, many_tables):
    result = fettle("advise", "--json", many_tables.dsn("many"), timeout=300)
    assert result.status == 10, result.err
    assert [r["statement"] for r in result.json["recommendations"]] == ["CREATE INDEX CONCURRENTLY t_7_k_idx ON public.t_7 USING btree (k);"]
    assert result.json["twin"]["losses"] == []
    assert result.json["twin"]["fidelity"]["identical"] == result.json["twin"]["fidelity"]["compared"] == 1
    print(f"10,000 tables: {result.json['target_ms']:.0f} ms on the target, twin built in {result.json['twin']['build_ms']:.0f} ms")


def test_their_twin_is_refreshed_without_touching_what_is_the_same(fettle, many_tables):
    again = fettle("twin", "build", "--json", many_tables.dsn("many")).json
    assert (again["refreshed"], again["objects"]) == (True, 0)
    fettle("twin", "drop", again["database"])


def test_a_time_limit_on_the_read_is_kept(fettle, many_tables, tmp_path):
    result = fettle("snapshot", "--set", "target.deadline=1s", "--set", "target.statement_timeout=100ms", many_tables.dsn("many"), "-o",
                    tmp_path / "late.fettle")
    assert result.status == 24, result.err
    assert not list(tmp_path.iterdir())
