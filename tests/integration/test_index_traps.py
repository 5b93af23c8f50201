# SPDX-License-Identifier: PostgreSQL
"""Indexes that must be advised, and those that make nothing faster once they are built; most statements are without their
constants, as a server counts them."""
import pathlib

import pytest
from servers import Server

HERE = pathlib.Path(__file__).parent
LATEST = "select * from {} where path like $1 order by made_at desc limit $2"
OF_A_DAY = "select path, count(*), avg(took_ms) from {} where made_at >= $1 and made_at < $2 group by path"
DEAREST = "select * from orders where status in ($1, $2) and country = $3 order by total desc, id limit $4"


@pytest.fixture(scope="module")
def server_of_traps():
    with Server(15) as server:
        server.sql("CREATE DATABASE traps")
        server.psql("traps", "-f", HERE / "index_traps.sql")
        yield server


@pytest.fixture(scope="module")
def advise(fettle, server_of_traps, tmp_path_factory):
    def of(*workload):
        """The advice on (calls, mean_ms, statement)."""
        file = tmp_path_factory.mktemp("traps") / "workload.sql"
        file.write_text("".join(f"-- calls: {calls}, mean_ms: {mean}\n{text};\n" for calls, mean, text in workload), encoding="utf-8")
        result = fettle("advise", "--json", "--no-verify", "--time", "60s", "--workload", file, server_of_traps.dsn("traps"), timeout=300)
        assert result.status in (0, 10), result.err
        return result.json

    return of


def indexes(advice):
    """What stands after USING of each index advised."""
    return [r["statement"].split(" USING ")[1].split(";")[0] for r in advice["recommendations"]]


def reasons(advice, *words):
    return [r["reason"] for r in advice["rejections"] if all(word in r["subject"] for word in words)]


def test_a_list_of_numbers_that_are_gone_is_planned_as_one(advise):
    advice = advise((1000, 5, "select * from readings where device_id = any(array[$1, $2, $3])"))
    assert indexes(advice) == ["btree (device_id)"], advice["rejections"]


def test_elements_that_are_gone_are_of_the_arrays_type(advise):
    advice = advise((1000, 5, "select * from readings where tags && array[$1, $2]"))
    assert indexes(advice) == ["gin (tags)"], advice["rejections"]


def test_what_serves_without_an_order_is_advised_where_the_order_tempts(advise):
    advice = advise((20, 20, OF_A_DAY.format("requests")), (60, 20, LATEST.format("requests")))
    assert indexes(advice) == ["brin (made_at) WITH (pages_per_range='32')"], advice["rejections"]
    assert all("may then be slower than it is today" in reason for reason in reasons(advice, "btree (made_at", "requests"))


def test_what_is_hoped_for_in_vain_is_no_gain(advise):
    advice = advise((2000, 20, OF_A_DAY.format("shuffled")), (20, 20, LATEST.format("shuffled")))
    recommendation = advice["recommendations"][0]
    assert "(made_at" in recommendation["title"], advice["rejections"]
    assert [gain["calls"] for gain in recommendation["gains"]] == [2000]
    assert [loss["calls"] for loss in recommendation["losses"]] == [20]
    assert recommendation["losses"][0]["cost_after"] > recommendation["losses"][0]["cost_before"]
    assert any(note.startswith("counted at cost") for note in recommendation["notes"]), recommendation["notes"]


def test_values_that_are_rarer_than_the_mean_one_are_not_sought_along_an_order(advise):
    rarely = advise((1000, 0.4, DEAREST), (1000, 5, "select * from orders where body = $1"), (1000, 5, "select * from orders where total = $1"))
    assert not [index for index in indexes(rarely) if "total DESC" in index], indexes(rarely)
    often = advise((1000, 5, DEAREST), (1000, 5, "select * from orders where body = $1"), (1000, 5, "select * from orders where total = $1"))
    assert [index for index in indexes(often) if "total DESC" in index], often["rejections"]


@pytest.mark.parametrize("lookup_ms", [0.01, 0.1])
def test_the_first_rows_in_an_order_get_their_index_however_long_lookups_take(advise, lookup_ms):
    """The time of a scan of the table does not say how rare its matches are."""
    advice = advise(*((30000, lookup_ms, f"select {columns} from {table} where id = $1") for columns, table in (("*", "orders"), ("id, status", "orders"), ("path, made_at", "requests"))),
                    (1500, 10.3, "select * from requests where path <> $1 and took_ms < $2 order by made_at desc limit $3"),
                    (1500, 6.8, "select * from orders where country = $1 and status <> $2 order by total desc limit $3"))
    assert any("(made_at)" in index for index in indexes(advice)), advice["rejections"]
    assert any("(country, total)" in index for index in indexes(advice)), advice["rejections"]


@pytest.mark.parametrize("condition", ["data ->> $1 = $2", "name like $1", "name ilike $1", "lower(name) like $1"])
def test_no_index_stands_for_a_table_in_which_something_is_searched(advise, condition):
    advice = advise((1000, 20, f"select id from documents where {condition}"))
    assert not [index for index in indexes(advice) if "INCLUDE" in index], indexes(advice)


def test_an_index_of_another_statement_is_not_praised_for_what_it_is_read_whole_for(advise):
    advice = advise((1000, 5, "select id, data from documents where name = $1"), (1000, 40, "select id from documents where data ->> $1 = $2"))
    assert [len(r["gains"]) for r in advice["recommendations"]] == [1], advice["recommendations"]
    assert not any("data" in index for index in indexes(advice)), indexes(advice)


def test_an_index_tells_what_the_others_would_not_do_without_it(advise):
    advice = advise((1000, 20, "select sum(total) from orders where customer_id = $1"), (1000, 20, "select * from orders where customer_id = $1 order by id limit 10"))
    assert len(advice["recommendations"]) == 2, indexes(advice)
    # of two that do each other's work only the lesser is told of: without both, all is lost
    told = [r for r in advice["recommendations"] if any(note.startswith("without it the other recommended indexes would give all of this but ") for note in r["notes"])]
    assert ["INCLUDE" in r["title"] for r in told] == [True], advice["recommendations"]


def test_why_a_pattern_that_is_gone_gets_no_index_is_told(advise):
    advice = advise((1000, 20, "select id from documents where name like $1"), (1000, 20, "select id from documents where body ilike $1"))
    assert any("begin with text" in reason for reason in reasons(advice, "btree (name text_pattern_ops)"))
    assert not reasons(advice, "btree (body text_pattern_ops)")


STATES = {
    "status in ('pending', 'packing')": "btree (customer_id) WHERE (status IN ('packing', 'pending'))",
    "status = any(array['pending', 'packing'])": "btree (customer_id) WHERE (status IN ('packing', 'pending'))",
    "status not in ('shipped', 'returned')": "btree (customer_id) WHERE (status NOT IN ('returned', 'shipped'))",
    "status <> 'shipped'": "btree (customer_id) WHERE (status <> 'shipped')",
    "status in ('pending')": "btree (customer_id) WHERE (status = 'pending')",
    "status in ('pending', 'pending')": "btree (customer_id) WHERE (status = 'pending')",
    "status not in ('shipped')": "btree (customer_id) WHERE (status <> 'shipped')",
}


@pytest.mark.parametrize("condition", STATES)
def test_few_of_the_states_get_an_index_of_their_rows(advise, condition):
    advice = advise((1000, 20, f"select * from orders where customer_id = 77 and {condition}"))
    assert indexes(advice) == [STATES[condition]], advice["rejections"]


def test_what_a_unique_index_finds_gets_no_index_of_few_rows(advise):
    advice = advise((1000, 0.1, "update orders set total = 5 where id = 77 and status = 'pending'"), (1, 20, "select * from orders where body = 'x'"))
    assert not [index for index in indexes(advice) if "WHERE" in index], indexes(advice)


def test_of_two_ranges_one_index_is_made(advise):
    advice = advise((1000, 20, "select id from shops where latitude between $1 and $2 and longitude between $3 and $4"))
    assert indexes(advice) in (["btree (latitude, longitude) INCLUDE (id)"], ["btree (longitude, latitude) INCLUDE (id)"]), advice["rejections"]


def test_what_else_is_asked_narrows_each_member_of_an_or(advise):
    advice = advise((1000, 20, "select * from tasks where tenant_id = $1 and (assignee_id = $2 or reviewer_id = $3)"))
    keys = sorted(sorted(index.split("(")[1].rstrip(")").split(", ")) for index in indexes(advice))
    assert keys == [["assignee_id", "tenant_id"], ["reviewer_id", "tenant_id"]], advice["rejections"]


def test_the_last_row_of_each_partner_is_at_the_end_of_its_index(advise):
    advice = advise((100, 200, """select d.id, s.made_at, s.body from devices d cross join lateral
        (select * from samples where device_id = d.id and kind = $1 order by made_at desc limit 1) s where d.site_id = $2"""))
    assert indexes(advice) in (["btree (device_id, kind, made_at)"], ["btree (kind, device_id, made_at)"]), advice["rejections"]


def test_of_two_indexes_that_serve_nearly_alike_the_much_smaller_is_advised(advise, fettle, server_of_traps, tmp_path):
    """Without a budget, in which space has no price; the gap tells of what was given away for it."""
    workload = [(1000, 20, "select * from orders where status = 'pending' order by total desc, customer_id limit 10"), (40000, 20, "select * from requests where path like '%a%'")]
    small = advise(*workload)
    assert indexes(small) == ["btree (total DESC, customer_id) WHERE (status = 'pending')"], small["rejections"]
    assert small["recommendations"][0]["size_bytes"] < 100000
    file = tmp_path / "workload.sql"
    file.write_text("".join(f"-- calls: {calls}, mean_ms: {mean}\n{text};\n" for calls, mean, text in workload), encoding="utf-8")
    large = fettle("advise", "--json", "--no-verify", "--time", "60s", "--budget", "1GB", "--workload", file, server_of_traps.dsn("traps"), timeout=300).json
    assert indexes(large) == ["btree (status, total DESC, customer_id)"]
    assert large["cost_after"] < small["cost_after"] <= large["cost_after"] * 1.002
    assert large["gap_percent"] < small["gap_percent"] <= 0.4
