# SPDX-License-Identifier: PostgreSQL
"""fettle advise on a real server."""
import pathlib
import re

import psycopg2
import pytest

HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="module")
def advice(fettle, shop):
    result = fettle("advise", "--json", shop.dsn("shop", "fettle_monitor"))
    assert result.status == 10, result.err
    return result.json


def keys_of(recommendation):
    return re.search(r"USING (?:btree|hash) \((.*)\)", recommendation["statement"]).group(1)


def test_the_missing_indexes_of_the_shop_are_found(advice):
    found = {(r["relation"], keys_of(r).split(",")[0]) for r in advice["recommendations"]}
    for expected in [("public.payments", "order_id"), ("public.reviews", "product_id"), ("public.customers", "email"),
                     ("public.orders", "customer_id")]:
        assert expected in found


def test_no_order_is_made_that_min_and_max_of_a_picking_list_would_be_read_along(advice):
    """A B-tree on order_items (product_id) made them a thousand times slower; equality is served by a hash index too."""
    assert not [r for r in advice["recommendations"] if r["relation"] == "public.order_items" and "btree (product_id" in r["statement"]]


def test_what_exists_is_not_advised_again(advice):
    there = ("created_at", "created_at, id", "id")
    assert not [r for r in advice["recommendations"] if r["relation"] == "public.orders" and keys_of(r) in there]


def test_the_twin_plans_as_the_target_does(advice):
    fidelity = advice["twin"]["fidelity"]
    assert fidelity["compared"] >= 10
    assert fidelity["same_plan"] == fidelity["identical"] == fidelity["compared"]


def test_each_recommendation_carries_its_proof(advice):
    for recommendation in advice["recommendations"]:
        assert recommendation["gains"], recommendation["title"]
        best = recommendation["gains"][0]
        assert best["cost_after"] < best["cost_before"]
        assert best["plan_before"] != best["plan_after"]
        assert recommendation["size_bytes"] > 0
        assert recommendation["reason"] and recommendation["undo"]


def test_what_was_weighed_is_told(advice):
    assert advice["rejections"]
    assert all(r["reason"] for r in advice["rejections"])


def test_the_statements_run_as_they_stand_and_are_undone(fettle, shop, advice):
    """And with the indexes there, none of them is advised again."""
    connection = psycopg2.connect(shop.dsn("shop"))
    connection.autocommit = True
    with connection.cursor() as cursor:
        for recommendation in advice["recommendations"]:
            for statement in filter(str.strip, recommendation["statement"].split(";")):
                cursor.execute(statement)
        cursor.execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid")
        assert cursor.fetchone()[0] == 0
        again = fettle("advise", "--json", "--no-verify", shop.dsn("shop", "fettle_monitor"))
        assert again.status in (0, 10), again.err
        titles = {r["title"] for r in advice["recommendations"]}
        assert not titles & {r["title"] for r in again.json["recommendations"]}
        for recommendation in advice["recommendations"]:
            cursor.execute(recommendation["undo"])
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname = ANY (%s)",
                       ([r["object_name"] for r in advice["recommendations"]],))
        assert cursor.fetchone()[0] == 0
    connection.close()


def test_a_budget_is_kept(fettle, shop):
    result = fettle("advise", "--json", "--no-verify", "--budget", "2MB", shop.dsn("shop", "fettle_monitor"))
    assert result.status == 10, result.err
    assert sum(r["size_bytes"] for r in result.json["recommendations"]) <= 2 * 1024 * 1024


def test_a_budget_of_each_table_is_kept(fettle, shop):
    result = fettle("advise", "--json", "--no-verify", "--table-budget", "1MB", shop.dsn("shop", "fettle_monitor"))
    assert result.status == 10, result.err
    by_table = {}
    for recommendation in result.json["recommendations"]:
        by_table[recommendation["relation"]] = by_table.get(recommendation["relation"], 0) + recommendation["size_bytes"]
    assert len(by_table) > 1 and max(by_table.values()) <= 1024 * 1024


def test_a_budget_that_buys_nothing_gives_no_advice(fettle, shop):
    result = fettle("advise", "--json", "--no-verify", "--budget", "8kB", shop.dsn("shop", "fettle_monitor"))
    assert result.status == 0, result.err
    assert result.json["recommendations"] == [] and result.json["cost_after"] == result.json["cost_before"]
    reasons = [row["reason"] for row in result.json["rejections"] if row["subject"].startswith("statement: ")]
    assert any("the budget has no room" in reason for reason in reasons), reasons
    assert not any("gains nothing that counts from the" in reason and "budget" not in reason for reason in reasons), reasons
    assert "that the budget has room for" in fettle("advise", "--no-verify", "--budget", "8kB", shop.dsn("shop", "fettle_monitor")).out


@pytest.mark.parametrize("option", ["--budget", "--table-budget"])
@pytest.mark.parametrize("size", ["0", "much", "-1MB"])
def test_what_is_no_budget_is_refused(fettle, shop, option, size):
    result = fettle("advise", f"{option}={size}", shop.dsn("shop", "fettle_monitor"))
    assert result.status == 2 and "is not a budget" in result.err and "500MB" in result.err


def test_the_set_is_proven_to_be_near_the_best(fettle, shop):
    """By times that do not hang on what else the machine does: what caution gives up is a share of what they weigh."""
    result = fettle("advise", "--json", "--no-verify", "--time", "60s", "--workload", HERE / "shop_workload.sql", shop.dsn("shop", "fettle_monitor"))
    assert result.status == 10, result.err
    advice = result.json
    assert not advice["stopped_early"] and advice["unreviewed_statements"] == 0
    # caution gives up a little of what the planner's costs promise (0.2 % here); the gap is of the set that is printed
    assert advice["cautious"] and 0 <= advice["gap_percent"] <= 0.5


def test_without_time_for_a_proof_the_best_so_far_is_given_and_said_to_be(fettle, shop):
    result = fettle("advise", "--json", "--no-verify", "--time", "1s", "--set", "advise.proof_percent=100", shop.dsn("shop", "fettle_monitor"))
    assert result.status in (0, 10), result.err
    assert result.json["gap_percent"] is None
    assert result.json["cost_after"] <= result.json["cost_before"]


def test_the_same_advice_comes_from_a_file(fettle, shop, tmp_path):
    file = tmp_path / "shop.fettle"
    taken = fettle("snapshot", shop.dsn("shop"), "-o", file)
    assert taken.status == 0, taken.err
    assert oct(file.stat().st_mode)[-3:] == "600"
    first = fettle("advise", "--json", file)
    second = fettle("advise", "--json", file)
    assert first.status == second.status == 10
    assert [r["statement"] for r in first.json["recommendations"]] == [r["statement"] for r in second.json["recommendations"]]


def test_a_redacted_file_holds_no_user_value(fettle, shop, tmp_path):
    file = tmp_path / "redacted.fettle"
    assert fettle("snapshot", "--redact", shop.dsn("shop"), "-o", file).status == 0
    result = fettle("advise", "--json", file)
    assert result.status == 10, result.err
    assert "SAVE" not in result.out


def test_the_report_is_text_and_markdown_too(fettle, shop, tmp_path):
    text = fettle("advise", "--no-verify", shop.dsn("shop", "fettle_monitor"))
    assert "CREATE INDEX CONCURRENTLY" in text.out and "Next:" in text.out and "\033" not in text.out
    file = tmp_path / "advice.md"
    assert fettle("advise", "--no-verify", shop.dsn("shop", "fettle_monitor"), "-o", file).status == 10
    assert file.read_text().startswith("# Advice for shop")


def test_explain_shows_a_supposed_index(fettle, shop):
    result = fettle("explain", shop.dsn("shop", "fettle_monitor"), "-s", "select * from payments where order_id = $1", "-i",
                    "create index on payments (order_id)")
    assert result.status == 0, result.err
    assert "Seq Scan on payments" in result.out
    assert "Index Scan using payments_order_id_idx on payments" in result.out
    assert shop.sql("SELECT count(*) FROM pg_indexes WHERE tablename = 'payments'", "shop") == [(1,)]


def test_what_a_scan_of_several_processes_finds_is_told_of_all_of_them(fettle, shop, tmp_path):
    shop.sql("CREATE DATABASE wide")
    for setting in ("min_parallel_table_scan_size", "parallel_setup_cost", "parallel_tuple_cost"):
        shop.sql(f"ALTER DATABASE wide SET {setting} = 0")
    shop.sql("CREATE TABLE t AS SELECT n % 500 AS k, repeat('x', 200) AS v FROM generate_series(1, 50000) n; "
             "ALTER TABLE t ALTER k SET STATISTICS 500; ANALYZE t", "wide")  # of all rows: a sample may take one value for more common than it is
    workload = tmp_path / "wide.sql"
    workload.write_text("-- calls: 500\nselect v from t where k = 7;\n")
    only = fettle("advise", "--json", "--workload", workload, shop.dsn("wide")).json["recommendations"][0]
    assert "Parallel Seq Scan on t" in only["gains"][0]["plan_before"]
    found = re.search(r"now reads all 50,000 rows of the table to find (\d+)", only["reason"])
    assert abs(int(found.group(1)) - 100) <= 2, only["reason"]  # a share is a whole number
