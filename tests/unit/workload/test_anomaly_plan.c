// SPDX-License-Identifier: PostgreSQL
/* A changed plan as the cause of an incident: which incidents, which change, and in what words. */
#include "../store/fixture.h"
#include "../store/rounds.h"

#include "workload/anomaly_plan.h"

#include <math.h>
#include <string.h>

#define HOUR_US (INT64_C(3600) * 1000000)
#define BEGAN_US (1000 * HOUR_US)
#define SEQ_SCAN(table) "{\"Node Type\": \"Seq Scan\", \"Relation Name\": \"" table "\"}"
#define INDEX_SCAN(table, index)                                                                             \
    "{\"Node Type\": \"Index Scan\", \"Relation Name\": \"" table "\", \"Index Name\": \"" index "\"}"
#define PLAN(root) "[{\"Plan\": " root "}]"
#define JOIN(a, b) "{\"Node Type\": \"Nested Loop\", \"Plans\": [" a ", " b "]}"

static PgPlan *
plan_of(Arena *arena, const char *text)
{
    PgPlan *plan;
    Error error = {0};
    assert_done(pg_plan_parse(arena, text, strlen(text), &plan, &error), &error);
    return plan;
}

static Incident
incident_of(int64_t target_id, const char *type, int64_t *hashes, size_t count)
{
    return (Incident){.target_id = target_id,
                      .incident_type = type,
                      .severity = "high",
                      .first_at_us = BEGAN_US,
                      .last_at_us = BEGAN_US + HOUR_US,
                      .peak_at_us = BEGAN_US,
                      .peak_z = 9,
                      .peak_metric = "blocks_read",
                      .peak_value = 500,
                      .peak_baseline = 2,
                      .query_hashes = hashes,
                      .query_hash_count = count,
                      .probable_cause = "more is read"};
}

static void
plan_write(StoreFixture *fixture, int64_t target_id, int64_t query_hash, int64_t at_us, const char *text)
{
    Error error = {0};
    int64_t written;
    bool is_sequential = strstr(text, "Seq Scan") != NULL;
    PlanRow row = {.target_id = target_id,
                   .database_name = "shop",
                   .query_hash = query_hash,
                   .collected_at_us = at_us,
                   .plan_hash = is_sequential ? 2 : 1,
                   .plan_json = text,
                   .rows_expected = NAN,
                   .cost = NAN,
                   .change_cause =
                       is_sequential && query_hash == 7 ? "the index orders_customer is gone" : NULL};
    assert_done(plan_rows_write(fixture->connection, &row, 1, &written, &error), &error);
    assert_int_equal(written, 1);
}

static void
consult(StoreFixture *fixture, Incident *incident)
{
    Error error = {0};
    assert_done(anomaly_plan_consult(fixture->connection, fixture->arena, incident, &error), &error);
}

static void
the_words_name_what_is_now_scanned_and_was_not(void **state)
{
    StoreFixture *fixture = *state;
    Arena *arena = fixture->arena;
    const PgPlan *before =
        plan_of(arena, PLAN(JOIN(SEQ_SCAN("small"), INDEX_SCAN("orders", "orders_customer"))));
    const PgPlan *now = plan_of(arena, PLAN(JOIN(SEQ_SCAN("small"), SEQ_SCAN("orders"))));
    assert_string_equal(anomaly_plan_text(arena, "the index orders_customer is gone", before, now),
                        "the index orders_customer is gone, orders is now scanned sequentially");
    assert_string_equal(anomaly_plan_text(arena, NULL, now, before), "it has another plan");
    assert_string_equal(anomaly_plan_text(arena, "the index orders_customer is gone", before, NULL),
                        "the index orders_customer is gone");
}

/* A plan that scans so many partitions, p0 and so on. */
static const char *
partitions_plan(Arena *arena, int count)
{
    Text text = text_new(arena);
    text_append(&text, "[{\"Plan\": {\"Node Type\": \"Append\", \"Plans\": [");
    for (int i = 0; i < count; i++)
        text_append_format(&text, "%s{\"Node Type\": \"Seq Scan\", \"Relation Name\": \"p%d\"}",
                           i == 0 ? "" : ",", i);
    text_append(&text, "]}}]");
    return text.data;
}

static void
of_many_tables_that_are_now_scanned_the_first_are_named_and_the_others_counted(void **state)
{
    StoreFixture *fixture = *state;
    Arena *arena = fixture->arena;
    const PgPlan *before = plan_of(arena, PLAN(INDEX_SCAN("p0", "p0_pkey")));
    assert_string_equal(
        anomaly_plan_text(arena, NULL, before, plan_of(arena, partitions_plan(arena, 2))),
        "it has another plan, p0 is now scanned sequentially, p1 is now scanned sequentially");
    const char *many = anomaly_plan_text(arena, NULL, before, plan_of(arena, partitions_plan(arena, 300)));
    assert_non_null(strstr(many, ", p4 is now scanned sequentially, and so are 295 more tables"));
    assert_null(strstr(many, "p5 "));
}

static void
a_plan_of_thousands_of_partitions_is_not_read_and_its_known_cause_is_told(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target_id = rounds_target(fixture, "shop");
    int64_t hashes[2] = {5, 7};
    Incident incident = incident_of(target_id, "io_increase", hashes, 2);
    const char *before = PLAN(INDEX_SCAN("orders", "orders_customer"));
    const char *now = partitions_plan(fixture->arena, 25000);
    assert_true(strlen(now) > PLAN_PAIR_BYTES_MOST);
    for (int i = 0; i < 2; i++) {
        plan_write(fixture, target_id, hashes[i], BEGAN_US - 9 * HOUR_US, before);
        plan_write(fixture, target_id, hashes[i], BEGAN_US, now);
    }
    consult(fixture, &incident);
    assert_string_equal(incident.probable_cause,
                        "another plan: the index orders_customer is gone (blocks_read is 500, usually 2)");
}

static void
only_what_a_plan_can_bring_about_is_explained_by_one(void **state)
{
    (void)state;
    int64_t hashes[1] = {7};
    const char *const explained[] = {"plan_change", "bloat", "cache_degradation", "io_increase",
                                     "execution_time_spike"};
    const char *const others[] = {"lock_wait", "row_count_anomaly", "rate_change", "new_query",
                                  "of another version"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(explained); i++) {
        Incident incident = incident_of(1, explained[i], hashes, 1);
        assert_true(anomaly_plan_may_explain(&incident));
        incident.query_hash_count = 0;
        assert_false(anomaly_plan_may_explain(&incident));
        incident.query_hash_count = 1;
        incident.resolved = true;
        assert_false(anomaly_plan_may_explain(&incident));
    }
    for (size_t i = 0; i < FETTLE_COUNT_OF(others); i++) {
        Incident incident = incident_of(1, others[i], hashes, 1);
        assert_false(anomaly_plan_may_explain(&incident));
    }
}

static void
a_change_near_the_beginning_is_the_cause_and_the_known_one_goes_first(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target_id = rounds_target(fixture, "shop");
    int64_t hashes[2] = {5, 7};
    Incident incident = incident_of(target_id, "io_increase", hashes, 2);
    consult(fixture, &incident); /* nothing is known of any plan */
    assert_string_equal(incident.probable_cause, "more is read");
    plan_write(fixture, target_id, 5, BEGAN_US - 9 * HOUR_US, PLAN(INDEX_SCAN("lines", "lines_order")));
    plan_write(fixture, target_id, 7, BEGAN_US - 9 * HOUR_US, PLAN(INDEX_SCAN("orders", "orders_customer")));
    consult(fixture, &incident); /* first plans are no change */
    assert_string_equal(incident.incident_type, "io_increase");
    plan_write(fixture, target_id, 5, BEGAN_US + 1000000, PLAN(SEQ_SCAN("lines")));
    consult(fixture, &incident);
    assert_string_equal(incident.incident_type, "plan_change");
    assert_string_equal(incident.probable_cause, "another plan: it has another plan, lines is now scanned "
                                                 "sequentially (blocks_read is 500, usually 2)");
    plan_write(fixture, target_id, 7, BEGAN_US + 2000000, PLAN(SEQ_SCAN("orders")));
    for (int again = 0; again < 2; again++) {
        consult(fixture, &incident);
        assert_string_equal(incident.probable_cause,
                            "another plan: the index orders_customer is gone, orders is now scanned "
                            "sequentially (blocks_read is 500, usually 2)");
    }
}

static void
a_change_that_was_hours_away_and_a_plan_that_does_not_parse_are_no_cause(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target_id = rounds_target(fixture, "shop");
    int64_t hashes[2] = {7, 8};
    Incident incident = incident_of(target_id, "execution_time_spike", hashes, 2);
    plan_write(fixture, target_id, 7, BEGAN_US - 9 * HOUR_US, PLAN(INDEX_SCAN("orders", "orders_customer")));
    plan_write(fixture, target_id, 7, BEGAN_US - 2 * HOUR_US, PLAN(SEQ_SCAN("orders")));
    plan_write(fixture, target_id, 8, BEGAN_US - 2 * HOUR_US, "{\"of\": \"another version\"}");
    plan_write(fixture, target_id, 8, BEGAN_US, PLAN(SEQ_SCAN("orders")));
    consult(fixture, &incident);
    assert_string_equal(incident.incident_type, "execution_time_spike");
}

static void
plans_that_were_just_taken_explain_the_open_incidents_of_the_store(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target_id = rounds_target(fixture, "shop");
    int64_t hashes[1] = {7};
    int64_t explained;
    Error error = {0};
    Incident open = incident_of(target_id, "io_increase", hashes, 1);
    Incident over = open;
    over.resolved = true;
    over.resolved_at_us = BEGAN_US + HOUR_US;
    assert_done(incident_write(fixture->connection, &open, &error), &error);
    assert_done(incident_write(fixture->connection, &over, &error), &error);
    plan_write(fixture, target_id, 7, BEGAN_US - 9 * HOUR_US, PLAN(INDEX_SCAN("orders", "orders_customer")));
    plan_write(fixture, target_id, 7, BEGAN_US, PLAN(SEQ_SCAN("orders")));
    /* plans of so much later are not near where it began */
    assert_true(anomaly_plan_is_near(&open, BEGAN_US + HOUR_US));
    assert_false(anomaly_plan_is_near(&open, BEGAN_US + HOUR_US + 1));
    assert_done(
        anomaly_plans_explain(fixture->connection, target_id, BEGAN_US + 2 * HOUR_US, &explained, &error),
        &error);
    assert_int_equal(explained, 0);
    assert_done(anomaly_plans_explain(fixture->connection, target_id, BEGAN_US, &explained, &error), &error);
    assert_int_equal(explained, 1);
    assert_string_equal(
        store_fixture_value(fixture,
                            "SELECT string_agg(incident_type, ' ' ORDER BY id) FROM fettle.incidents"),
        "plan_change io_increase");
    over.probable_cause = "told too late";
    assert_done(incident_explain_write(fixture->connection, &over, &error), &error);
    assert_string_equal(
        store_fixture_value(fixture, "SELECT probable_cause FROM fettle.incidents WHERE resolved"),
        "more is read");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_words_name_what_is_now_scanned_and_was_not),
        cmocka_unit_test(of_many_tables_that_are_now_scanned_the_first_are_named_and_the_others_counted),
        cmocka_unit_test_setup(a_plan_of_thousands_of_partitions_is_not_read_and_its_known_cause_is_told,
                               store_fixture_clear),
        cmocka_unit_test(only_what_a_plan_can_bring_about_is_explained_by_one),
        cmocka_unit_test_setup(a_change_near_the_beginning_is_the_cause_and_the_known_one_goes_first,
                               store_fixture_clear),
        cmocka_unit_test_setup(a_change_that_was_hours_away_and_a_plan_that_does_not_parse_are_no_cause,
                               store_fixture_clear),
        cmocka_unit_test_setup(plans_that_were_just_taken_explain_the_open_incidents_of_the_store,
                               store_fixture_clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
