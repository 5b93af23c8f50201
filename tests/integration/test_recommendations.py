# SPDX-License-Identifier: PostgreSQL
"""Recommendations through the API and SQL: the contract's fixtures W0 to W15 and the extra ones; ranking, dismissal, learning."""
import itertools
import json
import threading

import psycopg2
import pytest
from servers import wait_until

BASE = "/api/v1"
numbers = itertools.count(1)
TABLES = ("optimization_recommendations", "query_rewrite_suggestions", "parameter_tuning_suggestions", "index_recommendations", "workload_patterns",
          "calibration", "sample_rows")


class Loader:
    """The contract's loader rules L1 to L4 over the store."""

    def __init__(self, fixture, target):
        self.sql = fixture.store.sql
        self.dsn = fixture.store.dsn
        self.api = fixture.api
        self.target = target

    def clean(self):
        for table in TABLES:
            self.sql(f"DELETE FROM fettle.{table} WHERE target_id = {self.target}")

    def sample(self, query_hash, ms, calls, rows=1, at="date_trunc('hour', now())", database="shop"):
        self.sql(f"""INSERT INTO fettle.metrics_pg_stats_query (target_id, collected_at, interval_seconds, database_name, query_hash, query_text, calls,
                         mean_exec_time_ms, "rows")
                     VALUES ({self.target}, {at}, 3600, '{database}', {query_hash}, 'SELECT {query_hash}', {calls}, {ms}, {rows * calls})""")

    def rewrite(self, query_hash, kind, improvement, confidence, text="one query for each row", suggested="SELECT 1", basis="time"):
        (found,), = self.sql(f"""INSERT INTO fettle.query_rewrite_suggestions (target_id, query_hash, suggestion_type, description, suggested_rewrite,
                                     reasoning, estimated_improvement_percent, confidence_score, evidence)
                                 VALUES ({self.target}, {query_hash}, '{kind}', '{text}', '{suggested}', 'Query called 500 times', {improvement},
                                     {confidence}, '{{"improvement_basis": "{basis}"}}') RETURNING id""")
        return found

    def parameter(self, query_hash, name, value, improvement, confidence):
        (found,), = self.sql(f"""INSERT INTO fettle.parameter_tuning_suggestions (target_id, query_hash, parameter_name, recommended_value,
                                     estimated_improvement_percent, confidence_score)
                                 VALUES ({self.target}, {query_hash}, '{name}', '{value}', {improvement}, {confidence}) RETURNING id""")
        return found

    def index(self, **fields):
        row = {"database_name": "shop", "table_name": "orders", "columns": "{a,b}", "recommendation_type": "create", "estimated_benefit": 70,
               "confidence_score": .8, "index_name": "orders_a_b_idx", "reason": "it finds rows", **fields}
        names = ", ".join(row)
        values = ", ".join(f"'{value}'" for value in row.values())
        (found,), = self.sql(f"INSERT INTO fettle.index_recommendations (target_id, {names}) VALUES ({self.target}, {values}) RETURNING id")
        return found

    def recommendation(self, query_hash, source, improvement, confidence, urgency, roi, text="text", complexity="medium", dismissed=False):
        (found,), = self.sql(f"""INSERT INTO fettle.optimization_recommendations (target_id, query_hash, source_type, recommendation_text,
                                     estimated_improvement_percent, confidence_score, urgency_score, roi_score, implementation_complexity, is_dismissed)
                                 VALUES ({self.target}, {query_hash}, '{source}', '{text}', {improvement}, {confidence}, {urgency}, {roi},
                                     '{complexity}', {dismissed}) RETURNING id""")
        return found

    def aggregate(self, status=200, **body):
        return self.api.json("POST", f"{BASE}/recommendations/aggregate", {"target_id": self.target, **body}, status, token="operator")

    def list(self, query="", **arguments):
        return self.api.json("GET", f"{BASE}/optimization-recommendations?target_id={self.target}{query}", token="viewer", **arguments)

    def rows(self, query=""):
        return self.list(query)["recommendations"]

    def get(self, number):
        return self.api.json("GET", f"{BASE}/optimization-recommendations/{number}", token="viewer")

    def implement(self, number, query_hash, status=200, **fields):
        return self.api.json("POST", f"{BASE}/optimization-recommendations/{number}/implement", {"query_hash": query_hash, **fields}, status, token="operator")

    def measure(self, number, status=200):
        return self.api.json("POST", f"{BASE}/optimization-results/{number}/measure", None, status, token="operator")

    def results(self, query=""):
        return self.api.json("GET", f"{BASE}/optimization-results?{query}", token="viewer")

    def opened_before(self, number, hours=1):
        """As if an implementation had been recorded some hours ago."""
        self.sql(f"UPDATE fettle.optimization_implementations SET implementation_timestamp = now() - interval '{hours} hours' WHERE id = {number}")


@pytest.fixture(scope="module")
def loader_of_module(api_on_store):
    target = api_on_store.api.json("POST", f"{BASE}/targets", {"name": "recommendations", "dsn": "host=nowhere"}, 201)["target_id"]
    return Loader(api_on_store, target)


@pytest.fixture
def load(loader_of_module):
    loader_of_module.clean()
    yield loader_of_module
    loader_of_module.clean()


def w0(load):
    return [load.recommendation(4001, "rewrite", 95, .92, .5, .437, "Rewrite N+1 query to use IN clause"),
            load.recommendation(4001, "parameter", 85, .95, .5, .401, "Set LIMIT = LIMIT 2000", "low"),
            load.recommendation(4001, "parameter", 25, .85, .5, .106, "Set work_mem = 6MB")]


def w1(load):
    load.sample(4101, 450, 500, 10000)
    load.rewrite(4101, "n_plus_one_detected", 95, .92)
    load.parameter(4101, "LIMIT", "LIMIT 1000", 85, .95)


# --- the contract's fixtures

def test_w0_what_returns_most_comes_first(load):
    ids = w0(load)
    assert [row["id"] for row in load.rows("&query_hash=4001")] == ids
    assert [row[0] for row in load.sql("SELECT rec_id FROM fettle.get_top_recommendations_for_query(4001)")] == ids
    assert [row[0] for row in load.sql("SELECT rec_id FROM fettle.get_top_recommendations_for_query(4001, 2)")] == ids[:2]


@pytest.mark.parametrize("way", ["sql", "api"])
def test_w1_findings_of_two_sources_are_aggregated_and_ranked(load, way):
    w1(load)
    if way == "sql":
        assert load.sql("SELECT * FROM fettle.aggregate_recommendations_for_query(4101)") == [(2, ["parameter", "rewrite"])]
    else:
        reply = load.aggregate(query_hash=4101)
        assert (reply["recommendations_aggregated"], reply["source_types"], reply["message"]) == (2, ["parameter", "rewrite"], "Aggregated 2 recommendations")
    first, second = load.rows("&query_hash=4101")
    assert (first["source_type"], first["recommendation_text"], first["implementation_complexity"]) == (
        "rewrite", "n_plus_one_detected: one query for each row", "medium")
    assert (second["source_type"], second["recommendation_text"], second["implementation_complexity"]) == ("parameter", "Set LIMIT = LIMIT 1000", "low")
    assert first["roi_score"] == pytest.approx(.00019665, rel=1e-12) and second["roi_score"] == pytest.approx(.0001816875, rel=1e-12)
    assert first["expected_saving_ms_per_hour"] == pytest.approx(500 * 450 * .95 * .92)
    assert first["expected_saving_low"] == 0 and first["expected_saving_high"] == pytest.approx(500 * 450 * .95)


def test_w2_high_impact_comes_first(load):
    ids = [load.recommendation(4201, "rewrite", 80, .8, 1.0, .64), load.recommendation(4202, "parameter", 50, .7, .1, .035),
           load.recommendation(4203, "parameter", 30, .6, .01, .0018, complexity="low")]
    assert [row["id"] for row in load.rows()] == ids
    assert [row[0] for row in load.sql("SELECT rec_id FROM fettle.get_top_recommendations()")] == ids


@pytest.mark.parametrize("way", ["sql", "api", "sql_optimization"])
def test_w3_an_implementation_is_recorded_with_what_was_before(load, way):
    number = load.recommendation(4301, "rewrite", 80, .9, .5, .36)
    load.sample(4301, 300, 100, 1000)
    if way == "sql":
        (implementation, status, before), = load.sql(f"SELECT * FROM fettle.record_recommendation_implementation({number}, 4301)")
    elif way == "api":
        reply = load.implement(number, 4301)
        implementation, status, before = reply["implementation_id"], reply["status"], reply["pre_metrics"]
    else:
        (implementation, status), = load.sql(f"""SELECT * FROM fettle.record_optimization_implementation({number}, 4301, 'by hand',
                                                     '{{"mean_exec_time_ms": 300, "calls": 100}}')""")
        (before,), = load.sql(f"SELECT pre_optimization_stats FROM fettle.optimization_implementations WHERE id = {implementation}")
    assert status == "pending" and (before["mean_exec_time_ms"], before["calls"]) == (300, 100)
    if way != "sql_optimization":
        assert before["rows"] == 100000 and before["calls_per_hour"] == 100 and before["collected_at"].endswith("Z")
    row = load.get(number)
    assert (row["is_dismissed"], row["dismissal_reason"]) == (True, "implemented")
    assert row["implementations"][0]["implementation_id"] == implementation and load.rows() == []


@pytest.mark.parametrize("way", ["sql", "api"])
@pytest.mark.parametrize("before,after,predicted,actual,accuracy,status", [
    (400, 200, 95, 50.0, .5263, "implemented"), (300, 600, 95, -100.0, 0, "regressed"), (1000, 644, 95, 35.6, .375, "implemented"),
    (100, 99.5, 50, .5, .01, "no_improvement"), (100, 50, 0, 50, .5, "implemented")])
def test_w4_and_the_extras_a_later_sample_is_the_measure(load, way, before, after, predicted, actual, accuracy, status):
    number = load.recommendation(4001, "rewrite", predicted, .92, .5, .437)
    (implementation, _), = load.sql(f"""SELECT * FROM fettle.record_optimization_implementation({number}, 4401, NULL,
                                            '{{"mean_exec_time_ms": {before}, "calls": 100}}')""")
    load.opened_before(implementation)
    load.sample(4401, after, 100)
    if way == "sql":
        (found, percent, expected, word, exact), = load.sql(f"SELECT * FROM fettle.measure_implementation_results({implementation})")
        assert (found, expected) == (implementation, predicted)
    else:
        reply = load.measure(implementation)
        percent, word, exact = reply["actual_improvement_percent"], reply["status"], reply["accuracy_score"]
    assert percent == pytest.approx(actual) and word == status and exact == pytest.approx(accuracy, abs=5e-4)
    row, = load.get(number)["implementations"]
    assert row["post_metrics"]["mean_exec_time_ms"] == after and row["actual_low"] is None
    assert row["actual_improvement_seconds"] == pytest.approx((before - after) / 1000)
    assert row["prediction_error_percent"] == (pytest.approx((actual - predicted) / predicted * 100) if predicted else None)


def test_w5_what_was_dismissed_is_absent(load):
    ids = [load.recommendation(4501, "rewrite", 80, .9, .5, .36), load.recommendation(4502, "parameter", 10, .6, .1, .006),
           load.recommendation(4503, "rewrite", 50, .8, .25, .1), load.recommendation(4504, "parameter", 70, .85, .4, .238, dismissed=True)]
    assert [row["id"] for row in load.rows()] == [ids[0], ids[2], ids[1]]
    assert [row[0] for row in load.sql("SELECT query_hash FROM fettle.get_top_recommendations(10, 0)")] == [4501, 4503, 4502]


def test_w6_only_what_is_sure_enough_is_aggregated(load):
    load.rewrite(4001, "n_plus_one_detected", 95, .92)
    load.parameter(4001, "LIMIT", "LIMIT 2000", 85, .95)
    reply = load.aggregate(query_hash=4001, min_confidence=.7)
    assert (reply["recommendations_aggregated"], reply["source_types"]) == (2, ["parameter", "rewrite"])
    assert load.aggregate(query_hash=4001, min_confidence=.93)["source_types"] == ["parameter"]
    assert len(load.rows()) == 2  # what is less sure than was asked for now is not gone


def test_w7_w12_w15_the_list_is_filtered_limited_and_summed(load):
    for n in range(8):
        load.recommendation(4600 + n, "rewrite", 20 + 10 * n, .8, .5, .1 * n)
        load.recommendation(4700 + n, "parameter", 95, .8, .5, .05 * n)
    found = load.list("&limit=5&min_impact=30&source_type=rewrite")
    rows = found["recommendations"]
    assert found["count"] == len(rows) == 5 and {row["source_type"] for row in rows} == {"rewrite"}
    assert min(row["estimated_improvement_percent"] for row in rows) >= 30
    assert [row["roi_score"] for row in rows] == sorted((row["roi_score"] for row in rows), reverse=True)
    assert found["total_roi_potential"] == pytest.approx(sum(row["roi_score"] for row in rows))
    assert {row["source_type"] for row in load.rows("&source_type=parameter")} == {"parameter"}
    assert all(row["estimated_improvement_percent"] >= 50 for row in load.rows("&min_impact=50"))
    assert len(load.rows("&limit=3")) == 3 and len(load.rows("&min_impact=-4")) == 16
    assert all(row["estimated_improvement_percent"] >= 80 for row in load.rows("&source_type=rewrite&min_impact=80&limit=5"))
    empty = load.list("&min_impact=99999")
    assert (empty["recommendations"], empty["count"], empty["total_roi_potential"], empty["message"]) == ([], 0, 0.0, "No recommendations available")
    for limit in ("0", "101", "x", ""):
        assert len(load.rows(f"&limit={limit}")) == 16
    assert load.api.get(f"{BASE}/optimization-recommendations?min_impact=much").status == 400
    reply = load.api.get(f"{BASE}/optimization-recommendations?source_type=magic")
    assert reply.status == 400 and "rewrite" in reply.json["message"]


def test_w8_implementing_answers_and_takes_it_off_the_list(load):
    number = w0(load)[0]
    reply = load.implement(number, 4001, implementation_notes="released")
    assert reply["recommendation_id"] == number and reply["status"] == "pending" and reply["pre_metrics"] is None
    assert reply["message"] == "Implementation recorded. Check results after 24-48 hours."
    assert load.get(number)["implementations"][0]["implementation_notes"] == "released"
    assert number not in [row["id"] for row in load.rows()]


def test_w9_results_are_listed_and_summed(load):
    number = w0(load)[0]
    load.sql(f"""INSERT INTO fettle.optimization_implementations (recommendation_id, query_hash, status, pre_optimization_stats, post_optimization_stats,
                     actual_improvement_percent, measured_at)
                 VALUES ({number}, 4001, 'implemented', '{{"mean_exec_time_ms": 450}}', '{{"mean_exec_time_ms": 225}}', 50, now())""")
    found = load.results(f"status=implemented&limit=5&recommendation_id={number}")
    row, = found["results"]
    assert (found["count"], found["total_actual_improvement"], row["actual_improvement_percent"]) == (1, 50.0, 50.0)
    assert row["estimated_improvement_percent"] == 95 and row["time_to_measurement_seconds"] == 0
    none = load.results(f"status=failed&recommendation_id={number}")
    assert (none["results"], none["message"], none["total_actual_improvement"]) == ([], "No results available", 0)
    assert load.api.get(f"{BASE}/optimization-results?status=great").status == 400


def test_w10_the_whole_way(load):
    w1(load)
    load.aggregate(query_hash=4101)
    first = load.rows()[0]
    implementation = load.implement(first["id"], 4101)["implementation_id"]
    load.measure(implementation, 409)
    load.sample(4101, 200, 500, at="now() + interval '1 second'")
    measured = load.measure(implementation)
    assert measured["actual_improvement_percent"] == pytest.approx((450 - 200) / 450 * 100) and measured["status"] == "implemented"
    assert load.results(f"recommendation_id={first['id']}")["results"] == [measured]


def test_w11_return_is_what_is_frequent_slow_sure_and_much(load):
    for query_hash, calls, ms, improvement in ((6201, 50000, 800, 40), (6202, 100, 9000, 90), (6203, 50000, 2, 90)):
        load.sample(query_hash, ms, calls)
        load.rewrite(query_hash, "subquery_optimization", improvement, .8)
    load.aggregate()
    rows = load.rows()
    assert [row["query_hash"] for row in rows] == [6201, 6202, 6203]
    assert [row["roi_score"] for row in rows] == [pytest.approx(.0128), pytest.approx(.000648), pytest.approx(.000072)]
    assert rows[2]["urgency_score"] == pytest.approx(.0001)


def test_w13_w14_what_is_no_order_is_refused_and_named(load):
    for value in ("0", "abc", "-1", "1.5"):
        reply = load.api.request("POST", f"{BASE}/optimization-recommendations/{value}/implement", {"query_hash": 1})
        assert (reply.status, reply.json["message"]) == (400, "Invalid recommendation_id format")
    number = w0(load)[0]
    path = f"{BASE}/optimization-recommendations/{number}/implement"
    reply = load.api.request("POST", path, {})
    assert (reply.status, reply.json["code"], reply.json["message"]) == (400, "missing_field", "query_hash is required")
    assert load.api.request("POST", path, {"query_hash": 4002}).status == 409
    assert load.api.request("POST", path, {"query_hash": 4001, "pre_stats": 5}).status == 400
    assert load.api.request("POST", path, {"query_hash": 4001}, token="viewer").status == 403
    assert load.api.request("POST", path, {"query_hash": 4001}, token=None).status == 401
    assert load.api.request("POST", f"{BASE}/optimization-recommendations/999999/implement", {"query_hash": 1}).status == 404
    for body in ({"min_confidence": 2}, {"min_confidence": "much"}, {"query_hash": 0}, {"target_id": "x"}):
        assert load.api.request("POST", f"{BASE}/recommendations/aggregate", body).status == 400
    assert load.api.request("POST", f"{BASE}/recommendations/aggregate", {"target_id": 999999}).status == 404


# --- aggregation

def test_aggregating_again_adds_nothing_and_refreshes_in_place(load):
    w1(load)
    load.aggregate(query_hash=4101)
    before = load.rows()
    load.sql(f"UPDATE fettle.query_rewrite_suggestions SET confidence_score = .8 WHERE target_id = {load.target}")
    assert load.aggregate()["recommendations_aggregated"] == 2
    after = load.rows()
    assert {row["id"] for row in after} == {row["id"] for row in before}
    assert next(row for row in after if row["source_type"] == "rewrite")["confidence_score"] == .8


def test_what_was_dismissed_stays_dismissed_and_what_is_not_found_any_more_goes(load):
    w1(load)
    load.aggregate()
    rewrite, parameter = load.rows()
    reply = load.api.json("POST", f"{BASE}/optimization-recommendations/{rewrite['id']}/dismiss", {"reason": "not now"}, token="operator")
    assert (reply["id"], reply["is_dismissed"], reply["dismissal_reason"]) == (rewrite["id"], True, "not now")
    load.aggregate()
    assert [row["id"] for row in load.rows()] == [parameter["id"]] and load.get(rewrite["id"])["dismissal_reason"] == "not now"
    load.sql(f"DELETE FROM fettle.parameter_tuning_suggestions WHERE target_id = {load.target}")
    load.aggregate()
    assert load.rows() == [] and load.api.get(f"{BASE}/optimization-recommendations/{parameter['id']}").status == 404
    assert load.api.request("POST", f"{BASE}/optimization-recommendations/999999/dismiss").status == 404
    line = load.api.audit(limit=3)[0]
    assert line["action"] == "recommendation.dismiss" and line["outcome"] == "not_found"


def test_the_same_index_from_two_sources_is_one_recommendation_that_names_both(load):
    load.sample(4801, 450, 500)
    load.rewrite(4801, "missing_index_detected", 80, .83, suggested="CREATE INDEX CONCURRENTLY idx_orders_a_b ON orders (a, b)")
    assert load.aggregate()["source_types"] == ["rewrite"]
    before, = load.rows()
    index = load.index(query_hashes="{4801}")
    for _ in range(2):
        reply = load.aggregate()
        assert (reply["recommendations_aggregated"], reply["source_types"]) == (1, ["index"])
        row, = load.rows()
        assert row["id"] == before["id"] and load.get(row["id"])["suggestion"]["id"] == index
        assert "rewrite (missing_index_detected" in row["detailed_explanation"] and "index (Create index" in row["detailed_explanation"]
    load.sql(f"UPDATE fettle.index_recommendations SET status = 'rejected' WHERE id = {index}")
    assert load.aggregate()["source_types"] == ["rewrite"]
    assert [row["id"] for row in load.rows()] == [before["id"]]


def test_a_row_that_another_one_has_come_to_stand_for_goes(load):
    load.sample(4801, 450, 500)
    load.rewrite(4801, "missing_index_detected", 80, .83, suggested="CREATE INDEX CONCURRENTLY idx_orders_a_b ON orders (a, b)")
    index = load.index(columns="{c}", query_hashes="{4801}")
    assert load.aggregate()["recommendations_aggregated"] == 2
    load.sql(f"UPDATE fettle.index_recommendations SET columns = '{{a,b}}' WHERE id = {index}")
    assert load.aggregate()["recommendations_aggregated"] == 1
    assert [row["source_type"] for row in load.rows()] == ["index"]


def test_equal_tables_of_two_databases_are_not_the_same_change(load):
    load.sample(4801, 450, 500)
    load.sample(4802, 450, 500, database="other")
    for query_hash in (4801, 4802):
        load.rewrite(query_hash, "missing_index_detected", 80, .83, suggested="CREATE INDEX CONCURRENTLY idx ON orders (a)")
    assert load.aggregate()["recommendations_aggregated"] == 2


def test_a_pattern_of_workload_ranks_by_the_query_that_is_asked_for_else_by_the_most_urgent_one(load):
    load.sample(4901, 450, 500)
    load.sample(4902, 900, 5000)
    load.sample(4903, 900, 5000, database="other")
    load.sql(f"""INSERT INTO fettle.workload_patterns (target_id, database_name, pattern_type, pattern_key, pattern_metadata)
                 VALUES ({load.target}, 'shop', 'hourly_peak', 'h08', '{{"peak_hour": 8, "confidence": 0.9}}')""")
    for _ in range(2):
        assert load.aggregate()["recommendations_aggregated"] == 1
    row, = load.rows()
    assert (row["query_hash"], row["recommendation_text"], row["source_type"]) == (4902, "Scale resources at peak hour 8", "workload")
    assert row["roi_score"] == pytest.approx(.9 * .1 * row["urgency_score"])
    assert load.aggregate(query_hash=4901)["source_types"] == ["workload"]
    assert load.aggregate(query_hash=4903)["source_types"] == []
    assert {row["query_hash"] for row in load.rows("&source_type=workload_pattern")} == {4901, 4902}


def test_what_saves_no_time_says_so_and_round_trips_are_an_upper_bound(load):
    load.sample(5001, 450, 500)
    load.rewrite(5001, "in_vs_any_optimization", 15, .65, basis="convention")
    load.rewrite(5001, "n_plus_one_detected", 95, .92, basis="round_trips")
    load.aggregate()
    trips, convention = load.rows()
    assert (convention["expected_saving_ms_per_hour"], convention["expected_saving_high"], convention["improvement_basis"]) == (0, 0, "convention")
    assert convention["implementation_complexity"] == "low"
    assert "upper bound" in trips["detailed_explanation"] and trips["improvement_basis"] == "round_trips"


def test_an_index_saves_of_its_whole_database_and_a_drop_saves_no_time(load):
    load.sample(5101, 100, 1000)
    load.sample(5102, 100, 3000)
    load.sample(5103, 100, 9000, database="other")
    load.index(query_hashes="{5101}", estimated_benefit=50)
    load.index(recommendation_type="drop", index_name="old", columns="{c}", estimated_benefit=20)
    load.aggregate()
    create, drop = load.rows()
    assert create["expected_saving_ms_per_hour"] == pytest.approx(4000 * 100 * .5 * .8)
    assert (create["query_hash"], create["implementation_complexity"]) == (5101, "high")
    assert (drop["query_hash"], drop["roi_score"], drop["expected_saving_ms_per_hour"], drop["implementation_complexity"]) == (None, 0, 0, "medium")
    assert drop["recommendation_text"] == "Drop index old on public.orders (c)"


def test_two_who_aggregate_at_once_make_no_double(load):
    w1(load)
    threads = [threading.Thread(target=load.aggregate) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(load.rows()) == 2


# --- carrying out, measuring, learning

def test_of_two_who_implement_at_once_one_wins(load):
    number = w0(load)[0]
    replies = []
    def act():
        replies.append(load.api.request("POST", f"{BASE}/optimization-recommendations/{number}/implement", {"query_hash": 4001}))
    threads = [threading.Thread(target=act) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(reply.status for reply in replies) == [200] + [409] * 5
    assert next(reply for reply in replies if reply.status == 409).json["message"].endswith("is pending")
    with pytest.raises(psycopg2.errors.ObjectInUse):
        load.sql(f"SELECT fettle.record_recommendation_implementation({number}, 4001)")


def test_measuring_again_takes_the_place_of_what_was_measured_before(load):
    number = load.recommendation(5201, "rewrite", 50, .8, .5, .2)
    load.sample(5201, 400, 100)
    implementation = load.implement(number, 5201)["implementation_id"]
    load.sample(5201, 200, 100, at="now() + interval '1 second'")
    for _ in range(3):
        assert load.measure(implementation)["confidence_score"] == pytest.approx(.8 + .2 * (1 - .8))
    load.sample(5201, 300, 100, at="now() + interval '2 seconds'")
    assert load.measure(implementation)["confidence_score"] == pytest.approx(.8 + .2 * (.5 - .8))
    assert load.sql(f"SELECT results, mean_accuracy FROM fettle.calibration WHERE target_id = {load.target}") == [(1, pytest.approx(.5))]
    (done,), = load.sql(f"""SELECT fettle.update_implementation_results({implementation}, '{{"mean_exec_time_ms": 100}}', 75, .3)""")
    assert done is True and load.results(f"recommendation_id={number}")["results"][0]["accuracy_score"] == pytest.approx(.5)
    assert load.sql("SELECT fettle.update_implementation_results(999999, '{}', 1, 1)") == [(False,)]


def test_five_results_of_a_kind_calibrate_the_next_prediction_and_its_range(load):
    for n, after in enumerate((300, 320, 340, 360, 380)):
        load.sample(5300 + n, 400, 100)
        load.rewrite(5300 + n, "subquery_optimization", 50, .75)
    load.aggregate()
    for n, after in enumerate((300, 320, 340, 360, 380)):
        row, = load.rows(f"&query_hash={5300 + n}")
        implementation = load.implement(row["id"], 5300 + n)["implementation_id"]
        load.sample(5300 + n, after, 100, at="now() + interval '1 second'")
        load.measure(implementation)
    accuracies = [(400 - after) / 400 * 100 / 50 for after in (300, 320, 340, 360, 380)]
    mean = sum(accuracies) / 5
    rows = load.sql(f"SELECT kind, results, mean_accuracy, factor FROM fettle.calibration WHERE target_id = {load.target}")
    assert rows == [("subquery_optimization", 5, pytest.approx(mean), pytest.approx(max(.5, mean / .75)))]
    load.sample(5310, 400, 100)
    load.rewrite(5310, "subquery_optimization", 50, .9)
    load.rewrite(5310, "n_plus_one_detected", 50, .9)
    load.aggregate(query_hash=5310, min_confidence=0)
    known, other = sorted(load.rows("&query_hash=5310"), key=lambda row: row["confidence_score"])
    assert known["kind"] == "subquery_optimization" and known["confidence_score"] == pytest.approx(.9 * max(.5, mean / .75))
    assert other["confidence_score"] == .9
    assert known["expected_saving_high"] < other["expected_saving_high"] and known["expected_saving_low"] > 0


def test_a_calibration_that_is_right_stays_when_it_was_applied(load):
    load.sql(f"INSERT INTO fettle.calibration (target_id, source_type, kind, results, mean_accuracy, factor) VALUES ({load.target}, 'rewrite', 'subquery_optimization', 5, .5, .6)")
    for n in range(5):
        load.sample(5320 + n, 400, 100)
        load.rewrite(5320 + n, "subquery_optimization", 50, .8)
    load.aggregate(min_confidence=0)
    for n in range(5):
        row, = load.rows(f"&query_hash={5320 + n}")
        assert row["confidence_score"] == pytest.approx(.8 * .6)
        implementation = load.implement(row["id"], 5320 + n)["implementation_id"]
        load.sample(5320 + n, 300, 100, at="now() + interval '1 second'")
        assert load.measure(implementation)["confidence_score"] == pytest.approx(.48 + .2 * (.5 - .48))
    assert load.sql(f"SELECT results, mean_accuracy, factor FROM fettle.calibration WHERE target_id = {load.target}") == [
        (5, pytest.approx(.5), pytest.approx(.5 / .8))]


def test_figures_before_a_change_must_be_numbers(load):
    number = w0(load)[0]
    for figures, name in (({"calls": "many"}, "calls"), ({"mean_exec_time_ms": [1]}, "mean_exec_time_ms"), ({"mean": True}, "mean"), ({"rows": {}}, "rows")):
        reply = load.implement(number, 4001, 400, pre_stats=figures)
        assert reply["code"] == "invalid_parameter" and f"pre_stats.{name} must be a number" in reply["message"]
    assert load.get(number)["implementations"] == []
    assert load.implement(number, 4001, pre_stats={"calls": None, "mean": 1.5, "note": "by hand"})["pre_metrics"] == {"calls": None, "mean": 1.5, "note": "by hand"}


def test_the_newest_sample_is_found_without_reading_all_since_the_change(load):
    load.sql(f"""INSERT INTO fettle.metrics_pg_stats_query (target_id, collected_at, interval_seconds, database_name, query_hash, query_text, calls,
                     mean_exec_time_ms, "rows")
                 SELECT {load.target}, date_trunc('hour', now()) - n * interval '1 hour', 3600, 'shop', 5400 + q, 'SELECT ' || q, 10, 100 + n + q, 10
                   FROM generate_series(1, 240) n, generate_series(1, 10) q""")
    def latest(query_hash, since):
        call = f"SELECT fettle.implementation_latest({load.target}, {query_hash}, 'shop', now() - interval '{since}')"
        (found,), = load.sql(call)
        (plan,), = load.sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {call}")
        return found, plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"]
    latest("NULL", "5 hours")
    near, few = latest("NULL", "5 hours")
    far, blocks = latest("NULL", "30 days")
    assert near == far and near["mean_exec_time_ms"] == pytest.approx(106.5) and near["calls"] == 100
    assert blocks <= 2 * few
    assert latest("5403", "30 days")[0]["mean_exec_time_ms"] == 104 and latest("5999", "30 days")[0] is None and latest("NULL", "10 minutes")[0] is None
    load.sql(f"DELETE FROM fettle.sample_rows WHERE target_id = {load.target} AND collected_at > now() - interval '9 days'")
    old, _ = latest("NULL", "30 days")
    assert old["calls"] == 100 and old["mean_exec_time_ms"] > 106.5 + 24 * 9 - 2


def test_a_dismissal_waits_for_the_end_of_an_index_change_with_nothing_in_hand(load):
    load.sample(5450, 100, 1000)
    load.index(query_hashes="{5450}")
    load.aggregate()
    row, = load.rows()
    holder = psycopg2.connect(load.dsn())
    holder.cursor().execute(f"UPDATE fettle.index_recommendations SET status = 'created' WHERE target_id = {load.target}")
    replies = []
    def dismiss():
        replies.append(load.api.request("POST", f"{BASE}/optimization-recommendations/{row['id']}/dismiss", {}, token="operator"))
    thread = threading.Thread(target=dismiss)
    thread.start()
    try:
        assert wait_until(lambda: load.sql("SELECT count(*) FROM pg_locks WHERE NOT granted") != [(0,)], 20)
        holder.cursor().execute(f"SELECT FROM fettle.optimization_recommendations WHERE id = {row['id']} FOR UPDATE NOWAIT")
        holder.commit()
    finally:
        holder.close()
        thread.join()
    assert replies[0].status == 200 and load.sql(f"SELECT status FROM fettle.index_recommendations WHERE target_id = {load.target}") == [("created",)]


def test_what_was_carried_out_keeps_its_prediction_and_is_open_again_a_month_later(load):
    w1(load)
    load.aggregate()
    row = next(row for row in load.rows() if row["source_type"] == "parameter")
    implementation = load.implement(row["id"], 4101)["implementation_id"]
    load.sql(f"UPDATE fettle.parameter_tuning_suggestions SET estimated_improvement_percent = 10 WHERE target_id = {load.target}")
    load.aggregate()
    assert load.get(row["id"])["estimated_improvement_percent"] == 85 and load.get(row["id"])["is_dismissed"]
    load.opened_before(implementation, 24 * 31)
    load.sql(f"UPDATE fettle.optimization_implementations SET status = 'no_improvement' WHERE id = {implementation}")
    load.aggregate()
    again = load.get(row["id"])
    assert (again["is_dismissed"], again["estimated_improvement_percent"]) == (False, 10)
    assert again["implementations"][0]["estimated_improvement_percent"] == 85


def test_there_is_nothing_to_undo_of_what_fettle_did_not_do(load):
    number = w0(load)[0]
    implementation = load.implement(number, 4001)["implementation_id"]
    reply = load.api.request("POST", f"{BASE}/optimization-results/{implementation}/revert", {"reason": "x"}, token="operator")
    assert (reply.status, reply.json["code"]) == (422, "not_applicable") and "nothing to undo" in reply.json["message"]
    assert load.api.request("POST", f"{BASE}/optimization-results/999999/revert").status == 404
    assert load.api.request("POST", f"{BASE}/optimization-results/999999/measure").status == 404
    assert load.api.request("POST", f"{BASE}/optimization-results/{implementation}/measure", token="viewer").status == 403
    reply = load.api.request("POST", f"{BASE}/optimization-results/{implementation}/measure", token="operator")
    assert reply.status == 409 and "nothing is known of the time before" in reply.json["message"] and "CONTEXT" not in reply.json["message"]


def test_readers_rank_and_only_writers_write(load):
    w0(load)
    load.sql("DO $$ BEGIN CREATE ROLE recommendation_reader IN ROLE fettle_reader; CREATE ROLE recommendation_writer IN ROLE fettle_writer; END $$")
    assert len(load.sql("SET ROLE recommendation_reader; SELECT * FROM fettle.get_top_recommendations()")) == 3
    for call in ("aggregate_recommendations_for_query(4001)", "measure_implementation_results(1)", "record_recommendation_implementation(1, 1)"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            load.sql(f"SET ROLE recommendation_reader; SELECT * FROM fettle.{call}")
    load.sample(4001, 450, 500)
    load.rewrite(4001, "n_plus_one_detected", 95, .92)
    assert load.sql("SET ROLE recommendation_writer; SELECT * FROM fettle.aggregate_recommendations_for_query(4001)") == [(1, ["rewrite"])]


def test_hostile_texts_are_only_texts(load):
    text = "it''s \"quoted\"; DROP TABLE x; -- <script> \\"
    load.sample(5401, 450, 500)
    load.rewrite(5401, "missing_index_detected", 80, .83, text=text, suggested="CREATE INDEX ((((( ON (")
    load.index(table_name="we\"ird", columns="{\"a, b\",\"c(\"}", query_hashes="{5401}")
    load.aggregate()
    rows = load.rows()
    assert len(rows) == 2 and any(text.replace("''", "'") in row["recommendation_text"] for row in rows)
    assert json.dumps(rows)
