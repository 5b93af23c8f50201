// SPDX-License-Identifier: PostgreSQL
/* What is observed besides statements: written, read back, repeated, and what is unknown stays unknown. */
#include "rounds.h"

#include "pg/result.h"
#include "store/observation.h"
#include "store/statement.h"
#include "store/query_place.h"

#include <math.h>
#include <string.h>

#define SECOND_US ((int64_t)1000000)
#define HOUR_US (3600 * SECOND_US)
/* 2026-03-02T10:00:00Z */
#define TEN_US (1772445600 * SECOND_US)

static MetricRound
metric_round(int64_t target_id, int64_t at_us, double connections)
{
    MetricRound round = {.target_id = target_id, .collected_at_us = at_us, .interval_ms = 10000};
    for (size_t i = 0; i < METRIC_COUNT; i++)
        round.values[i] = NAN;
    round.values[METRIC_CONNECTIONS] = connections;
    return round;
}

static void
metrics_write_all(StoreFixture *fixture, const MetricRound *rounds, size_t count)
{
    Error error = {0};
    assert_done(metric_rounds_write(fixture->connection, rounds, count, &error), &error);
}

static size_t
series(StoreFixture *fixture, int64_t target_id, int64_t step_ms, MetricId id, MetricPoint **ret_points)
{
    Error error = {0};
    size_t count = 0;
    MetricRange range = {.target_id = target_id,
                         .from_us = TEN_US - HOUR_US,
                         .to_us = TEN_US + 2 * HOUR_US,
                         .step_ms = step_ms};
    assert_done(
        metric_series_read(fixture->connection, fixture->arena, &range, id, ret_points, &count, &error),
        &error);
    return count;
}

static void
each_metric_is_found_by_its_name_and_no_other_word_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        MetricId found = METRIC_COUNT;
        assert_true(metric_find(metric_info((MetricId)i)->name, &found));
        assert_int_equal(found, i);
        assert_true(metric_info(found)->documentation[0] != '\0' && metric_info(found)->unit[0] != '\0');
    }
    MetricId untouched = METRIC_LOCKS;
    assert_false(metric_find("no_such", &untouched));
    assert_false(metric_find("", &untouched));
    assert_int_equal(untouched, METRIC_LOCKS);
}

static void
metrics_come_back_and_what_is_unknown_is_no_zero(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target = rounds_target(fixture, "metrics");
    MetricRound rounds[] = {metric_round(target, TEN_US, 5),
                            metric_round(target, TEN_US + 10 * SECOND_US, 7)};
    metrics_write_all(fixture, rounds, 2);
    MetricPoint *points;
    assert_int_equal(series(fixture, target, 0, METRIC_CONNECTIONS, &points), 2);
    assert_true(points[0].mean == 5 && points[1].mean == 7 && points[1].to_us == TEN_US + 10 * SECOND_US);
    size_t unknown = series(fixture, target, 0, METRIC_LOCKS, &points);
    for (size_t i = 0; i < unknown; i++)
        assert_true(isnan(points[i].mean));
}

static void
a_round_that_is_there_already_is_left_as_it_is(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target = rounds_target(fixture, "metrics");
    MetricRound first = metric_round(target, TEN_US, 5);
    MetricRound again = metric_round(target, TEN_US, 99);
    metrics_write_all(fixture, &first, 1);
    metrics_write_all(fixture, &again, 1);
    MetricPoint *points;
    assert_int_equal(series(fixture, target, 0, METRIC_CONNECTIONS, &points), 1);
    assert_true(points[0].mean == 5);
}

static void
hours_have_mean_least_and_greatest_and_are_added_up_once_complete(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target = rounds_target(fixture, "metrics");
    MetricRound rounds[4];
    for (int i = 0; i < 4; i++)
        rounds[i] = metric_round(target, TEN_US + (i + 1) * 60 * SECOND_US, i < 3 ? i + 1 : 10);
    metrics_write_all(fixture, rounds, 4);
    Error error = {0};
    const char *hours = arena_printf(
        fixture->arena, "SELECT count(*) FROM fettle.metric_hours WHERE target_id = %lld", (long long)target);
    assert_done(metric_hours_write(fixture->connection, target, TEN_US + HOUR_US, &error), &error);
    assert_string_equal(store_fixture_value(fixture, hours), "0");
    for (int i = 0; i < 2; i++) {
        assert_done(metric_hours_write(fixture->connection, target, TEN_US + 2 * HOUR_US, &error), &error);
        assert_string_equal(store_fixture_value(fixture, hours), "1");
    }
    MetricPoint *points;
    assert_int_equal(series(fixture, target, 3600000, METRIC_CONNECTIONS, &points), 1);
    assert_true(points[0].from_us == TEN_US && points[0].to_us == TEN_US + HOUR_US);
    assert_true(points[0].mean == 4 && points[0].least == 1 && points[0].greatest == 10);
}

static void
a_series_of_more_points_than_allowed_is_an_error_and_no_cut(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target = rounds_target(fixture, "metrics");
    MetricRound rounds[3];
    for (int i = 0; i < 3; i++)
        rounds[i] = metric_round(target, TEN_US + i * 10 * SECOND_US, i);
    metrics_write_all(fixture, rounds, 3);
    Error error = {0};
    MetricPoint *points;
    size_t count;
    MetricRange range = {
        .target_id = target, .from_us = TEN_US - HOUR_US, .to_us = TEN_US + HOUR_US, .points_most = 2};
    assert_false(metric_series_read(fixture->connection, fixture->arena, &range, METRIC_CONNECTIONS, &points,
                                    &count, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
}

static void
activity_is_summed_over_the_range_the_most_seen_first(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target = rounds_target(fixture, "activity");
    ActivityRow first[] = {{1, 1, 1001, "active", "CPU", "", 3}, {1, 2, 1002, "active", "Lock", "tuple", 2}};
    ActivityRow second[] = {{1, 2, 1002, "active", "Lock", "tuple", 4}};
    ActivityRow outside[] = {{2, 3, 1003, "idle", "Client", "ClientRead", 100}};
    ActivityMinute minutes[] = {{target, TEN_US, 6, first, 2},
                                {target, TEN_US + 60 * SECOND_US, 5, second, 1},
                                {target, TEN_US + HOUR_US, 7, outside, 1}};
    Error error = {0};
    /* the second time changes nothing */
    for (int i = 0; i < 2; i++)
        assert_done(activity_minutes_write(fixture->connection, minutes, 3, &error), &error);
    ActivityMinute sum;
    assert_done(
        activity_read(fixture->connection, fixture->arena, target, TEN_US, TEN_US + HOUR_US, &sum, &error),
        &error);
    assert_true(sum.samples == 11 && sum.row_count == 2 && sum.starts_at_us == TEN_US);
    assert_true(sum.rows[0].seen == 6 && sum.rows[0].statement_id == 2);
    assert_string_equal(sum.rows[0].wait_type, "Lock");
    assert_string_equal(sum.rows[0].wait_event, "tuple");
    assert_true(sum.rows[1].seen == 3 && sum.rows[1].queryid == 1001);
    assert_string_equal(sum.rows[1].wait_event, "");
}

static RelationRow
relation_row(const char *name, int64_t live_rows)
{
    return (RelationRow){.relation_oid = 16400,
                         .table_oid = 16400,
                         .schema_name = "a \"b\",{}",
                         .relation_name = name,
                         .kind = 'r',
                         .size_bytes = -1,
                         .row_estimate = -1,
                         .live_rows = live_rows,
                         .vacuumed_at_us = TEN_US,
                         .bloat_bytes = NAN};
}

static void
the_newest_round_of_relations_at_a_time_comes_back_of_each_database(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target = rounds_target(fixture, "relations");
    RelationRow early = relation_row("orders", 1);
    RelationRow late = relation_row("orders", 2);
    RelationRow other = relation_row("posts", 3);
    RelationRound rounds[] = {{target, 1, TEN_US, 0, &early, 1},
                              {target, 1, TEN_US + HOUR_US, TEN_US, &late, 1},
                              {target, 2, TEN_US + HOUR_US, 0, &other, 1}};
    Error error = {0};
    for (size_t i = 0; i < FETTLE_COUNT_OF(rounds); i++)
        assert_done(relation_round_write(fixture->connection, &rounds[i], &error), &error);
    RelationRound *found;
    size_t count;
    assert_done(
        relation_rounds_read(fixture->connection, fixture->arena, target, 0, 0, &found, &count, &error),
        &error);
    assert_int_equal(count, 2);
    assert_true(found[0].database_id == 1 && found[0].row_count == 1 && found[0].rows[0].live_rows == 2);
    assert_true(found[0].statistics_reset_at_us == TEN_US && found[1].statistics_reset_at_us == 0);
    assert_string_equal(found[0].rows[0].schema_name, "a \"b\",{}");
    assert_true(found[0].rows[0].size_bytes == -1 && found[0].rows[0].row_estimate == -1);
    assert_true(isnan(found[0].rows[0].bloat_bytes) && found[0].rows[0].kind == 'r');
    assert_true(found[0].rows[0].vacuumed_at_us == TEN_US && found[0].rows[0].analyzed_at_us == 0);
    assert_string_equal(found[1].rows[0].relation_name, "posts");
    assert_done(relation_rounds_read(fixture->connection, fixture->arena, target, 1, TEN_US + HOUR_US - 1,
                                     &found, &count, &error),
                &error);
    assert_true(count == 1 && found[0].rows[0].live_rows == 1);
}

static void
the_greatest_relations_of_named_databases_come_back_up_to_a_limit(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target = rounds_target(fixture, "uses");
    DatabaseRow databases[] = {{1, 16384, "uses_a"}, {2, 16385, "uses_b"}};
    RelationRow early = relation_row("gone", 1);
    RelationRow rows[] = {relation_row("small", 2), relation_row("great", 3), relation_row("middle", 4)};
    RelationRow other = relation_row("elsewhere", 5);
    rows[0].size_bytes = 10;
    rows[1].size_bytes = 1000;
    rows[2].size_bytes = 100;
    rows[1].rows_read = 7;
    rows[1].analyzed_at_us = TEN_US;
    RelationRound rounds[] = {{target, 1, TEN_US, 0, &early, 1},
                              {target, 1, TEN_US + HOUR_US, 0, rows, 3},
                              {target, 2, TEN_US, 0, &other, 1}};
    const char *const names[] = {"uses_a", "no such"};
    RelationUsesOf of = {.target_id = target, .database_names = names, .database_count = 2, .row_limit = 2};
    RelationUses uses;
    Error error = {0};
    assert_done(database_rows_write(fixture->connection, target, databases, 2, &error), &error);
    for (size_t i = 0; i < FETTLE_COUNT_OF(rounds); i++)
        assert_done(relation_round_write(fixture->connection, &rounds[i], &error), &error);
    assert_done(relation_uses_read(fixture->connection, fixture->arena, &of, &uses, &error), &error);
    assert_true(uses.is_cut && uses.count == 1 && uses.rounds[0].row_count == 3);
    of.row_limit = 3;
    assert_done(relation_uses_read(fixture->connection, fixture->arena, &of, &uses, &error), &error);
    assert_true(!uses.is_cut && uses.count == 1 && uses.rounds[0].row_count == 3);
    const RelationRow *great = &uses.rounds[0].rows[0];
    assert_string_equal(great->relation_name, "great");
    assert_string_equal(great->schema_name, "a \"b\",{}");
    assert_true(great->kind == 'r' && great->size_bytes == 1000 && great->rows_read == 7);
    assert_true(great->live_rows == 3 && great->analyzed_at_us == TEN_US && great->row_estimate == -1);
}

static void
only_changes_of_settings_are_kept_and_no_secret_value(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target = rounds_target(fixture, "settings");
    SettingChange first[] = {{.name = "work_mem", .new_value = "4MB", .source = "default"},
                             {.name = "primary_conninfo", .new_value = "password=hush", .source = "file"}};
    SettingChange second[] = {{.name = "work_mem", .new_value = "64MB", .source = "configuration file"}};
    SettingChanges changes;
    Error error = {0};
    assert_done(target_settings_write(fixture->connection, target, TEN_US, first, 2, &error), &error);
    assert_done(target_settings_write(fixture->connection, target, TEN_US + HOUR_US, second, 1, &error),
                &error);
    assert_done(target_settings_write(fixture->connection, target, TEN_US + 2 * HOUR_US, second, 1, &error),
                &error);
    assert_done(setting_changes_read(fixture->connection, fixture->arena, target, TEN_US,
                                     TEN_US + 3 * HOUR_US, &changes, &error),
                &error);
    assert_int_equal(changes.count, 2);
    const char *value;
    assert_done(target_setting_read(fixture->connection, fixture->arena, target, "work_mem", &value, &error),
                &error);
    assert_string_equal(value, "64MB");
    assert_done(
        target_setting_read(fixture->connection, fixture->arena, target, "primary_conninfo", &value, &error),
        &error);
    assert_null(value);
    for (size_t i = 0; i < changes.count; i++) {
        const SettingChange *change = &changes.items[i];
        assert_true(change->changed_at_us == TEN_US + HOUR_US);
        if (strcmp(change->name, "work_mem") == 0) {
            assert_string_equal(change->old_value, "4MB");
            assert_string_equal(change->new_value, "64MB");
        } else {
            assert_string_equal(change->old_value, "(not stored)");
            assert_null(change->new_value);
        }
    }
    assert_string_equal(
        store_fixture_value(fixture,
                            "SELECT count(*) FROM fettle.target_settings t WHERE t::text LIKE '%hush%'"),
        "0");
}

static PlanRows
plans_of(StoreFixture *fixture, int64_t target_id, int64_t query_hash, size_t most)
{
    PlanRange range = {
        .target_id = target_id, .query_hash = query_hash, .most = most, .bytes_most = PLANS_BYTES_MOST};
    PlanRows found;
    Error error = {0};
    assert_done(plan_rows_read(fixture->connection, fixture->arena, &range, &found, &error), &error);
    return found;
}

static void
a_plan_is_kept_when_its_shape_differs_from_the_newest(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target = rounds_target(fixture, "plans");
    PlanRow row = {.target_id = target,
                   .database_name = "shop",
                   .query_hash = 1001,
                   .fingerprint_hash = 77,
                   .collected_at_us = TEN_US,
                   .plan_hash = UINT64_MAX,
                   .plan_json = "[{\"Plan\": {\"Node Type\": \"Seq Scan\"}}]",
                   .plan_text = "Seq Scan",
                   .rows_expected = 12,
                   .cost = NAN,
                   .has_seq_scan = true};
    int64_t written = -1;
    PlanRows found;
    Error error = {0};
    assert_done(plan_rows_write(fixture->connection, &row, 1, &written, &error), &error);
    assert_int_equal(written, 1);
    row.collected_at_us += HOUR_US;
    assert_done(plan_rows_write(fixture->connection, &row, 1, &written, &error), &error);
    assert_int_equal(written, 0);
    row.plan_hash = 2;
    row.change_cause = "the index a is gone";
    assert_done(plan_rows_write(fixture->connection, &row, 1, &written, &error), &error);
    assert_int_equal(written, 1);
    found = plans_of(fixture, target, 0, 10);
    assert_int_equal(found.count, 2);
    assert_true(found.items[0].plan_hash == 2 && found.items[1].plan_hash == UINT64_MAX);
    assert_string_equal(found.items[0].change_cause, "the index a is gone");
    assert_null(found.items[1].change_cause);
    assert_true(found.items[1].rows_expected == 12 && isnan(found.items[1].cost));
    assert_true(found.items[1].has_seq_scan && !found.items[1].has_index_scan);
    found = plans_of(fixture, target, 1001, 1);
    assert_int_equal(found.count, 1);
    found = plans_of(fixture, target, 1002, 9);
    assert_int_equal(found.count, 0);
}

static void
a_plan_that_is_too_long_is_left_out_of_its_row(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target = rounds_target(fixture, "long plans");
    Error error = {0};
    PlanRows found;
    const char *form = "INSERT INTO fettle.explain_plans (target_id, database_name, query_hash, plan_hash, "
                       "plan_json, plan_text) VALUES (%lld, 'shop', 1003, 1, to_jsonb(repeat('x', %d)), "
                       "repeat('y', 10))";
    const char *script =
        arena_printf(fixture->arena, form, (long long)target, PLAN_BYTES_MOST); /* two quotes more */
    assert_done(pg_execute_script(fixture->connection, script, NULL, &error), &error);
    found = plans_of(fixture, target, 1003, 9);
    assert_int_equal(found.count, 1);
    assert_null(found.items[0].plan_json);
    assert_string_equal(found.items[0].plan_text, "yyyyyyyyyy");
}

static void
plans_that_are_too_much_together_are_left_out_from_the_oldest(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target = rounds_target(fixture, "many plans");
    Error error = {0};
    PlanRows found;
    PlanRange range = {.target_id = target, .query_hash = 1004, .most = 9, .bytes_most = 200};
    const char *form =
        "INSERT INTO fettle.explain_plans (target_id, query_hash, collected_at, plan_json, plan_text) "
        "SELECT %lld, 1004, now() - n * interval '1 hour', to_jsonb(repeat('x', 58)), repeat('y', 40) "
        "FROM generate_series(1, 4) n";
    const char *script = arena_printf(fixture->arena, form, (long long)target);
    assert_done(pg_execute_script(fixture->connection, script, NULL, &error), &error);
    assert_done(plan_rows_read(fixture->connection, fixture->arena, &range, &found, &error), &error);
    assert_true(found.count == 4 && found.bytes == 200);
    for (size_t i = 0; i < found.count; i++) {
        assert_true((found.items[i].plan_json != NULL) == (i < 2));
        assert_true((found.items[i].plan_text != NULL) == (i < 2));
    }
    range.bytes_most = 0;
    assert_done(plan_rows_read(fixture->connection, fixture->arena, &range, &found, &error), &error);
    assert_true(found.count == 4 && found.bytes == 0);
}

static void
of_each_statement_the_change_of_plan_nearest_to_a_moment_is_found_and_both_its_plans(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target = rounds_target(fixture, "changes");
    static const char *const plans[] = {"[1]", "[2]", "[3]", "[4]"};
    int64_t wanted[] = {1003, 1002, 1001};
    int64_t written;
    PlanChange *changes;
    size_t count;
    Error error = {0};
    for (int64_t hash = 1001; hash <= 1002; hash++)
        for (int i = 0; i < 4; i++) {
            PlanRow row = {.target_id = target,
                           .database_name = i == 3 ? "other" : "shop",
                           .query_hash = hash,
                           .collected_at_us = TEN_US + i * HOUR_US,
                           .plan_hash = (uint64_t)i + 1,
                           .plan_json = plans[i],
                           .rows_expected = NAN,
                           .cost = NAN,
                           .change_cause = hash == 1001 && i == 2 ? "the index a is gone" : NULL};
            assert_done(plan_rows_write(fixture->connection, &row, 1, &written, &error), &error);
        }
    PlanChangeRange range = {.target_id = target,
                             .query_hashes = wanted,
                             .query_hash_count = FETTLE_COUNT_OF(wanted),
                             .at_us = TEN_US + 2 * HOUR_US + 1,
                             .near_us = HOUR_US};
    assert_done(plan_changes_read(fixture->connection, fixture->arena, &range, &changes, &count, &error),
                &error);
    assert_int_equal(count, 2);
    assert_true(changes[0].query_hash == 1001 && changes[1].query_hash == 1002);
    assert_string_equal(changes[0].change_cause, "the index a is gone");
    const char *pair[2];
    for (size_t i = 0; i < count; i++) {
        assert_done(plan_pair_read(fixture->connection, fixture->arena, target, &changes[i], pair, &error),
                    &error);
        assert_true(strcmp(pair[0], "[2]") == 0 && strcmp(pair[1], "[3]") == 0);
    }
    PlanChange gone = {.id = 4711, .replaced_id = changes[0].id};
    assert_done(plan_pair_read(fixture->connection, fixture->arena, target, &gone, pair, &error), &error);
    assert_true(strcmp(pair[0], "[3]") == 0 && pair[1] == NULL);
    /* a first plan, also of another database, is no change */
    range.at_us = TEN_US + 4 * HOUR_US;
    assert_done(plan_changes_read(fixture->connection, fixture->arena, &range, &changes, &count, &error),
                &error);
    assert_int_equal(count, 0);
}

static void
a_query_is_found_on_every_target_that_knows_it_or_on_one(void **state)
{
    StoreFixture *fixture = *state;
    int64_t first = rounds_target(fixture, "first");
    int64_t second = rounds_target(fixture, "second");
    QueryPlaces places;
    Error error = {0};
    assert_done(query_places_read(fixture->connection, fixture->arena, 0, 1003, true, &places, &error),
                &error);
    assert_int_equal(places.count, 2);
    assert_true(places.items[0].target_id == first && places.items[1].target_id == second);
    assert_string_equal(places.items[0].target_name, "first");
    assert_string_equal(places.items[0].query_text, "SELECT 3");
    assert_string_equal(places.items[0].database_name, "shop");
    assert_true(places.items[0].statement_id == 3 && places.items[0].fingerprint_hash == 79);
    assert_done(query_places_read(fixture->connection, fixture->arena, second, 1003, false, &places, &error),
                &error);
    assert_true(places.count == 1 && places.items[0].target_id == second);
    assert_null(places.items[0].query_text);
    assert_done(query_places_read(fixture->connection, fixture->arena, 0, 4711, true, &places, &error),
                &error);
    assert_int_equal(places.count, 0);
}

#define WITH_STORE(test) cmocka_unit_test_setup(test, store_fixture_clear)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_that_is_too_long_is_left_out_of_its_row),
        cmocka_unit_test(plans_that_are_too_much_together_are_left_out_from_the_oldest),
        cmocka_unit_test(each_metric_is_found_by_its_name_and_no_other_word_is),
        WITH_STORE(metrics_come_back_and_what_is_unknown_is_no_zero),
        WITH_STORE(a_round_that_is_there_already_is_left_as_it_is),
        WITH_STORE(hours_have_mean_least_and_greatest_and_are_added_up_once_complete),
        WITH_STORE(a_series_of_more_points_than_allowed_is_an_error_and_no_cut),
        WITH_STORE(activity_is_summed_over_the_range_the_most_seen_first),
        WITH_STORE(the_newest_round_of_relations_at_a_time_comes_back_of_each_database),
        WITH_STORE(the_greatest_relations_of_named_databases_come_back_up_to_a_limit),
        WITH_STORE(only_changes_of_settings_are_kept_and_no_secret_value),
        WITH_STORE(a_plan_is_kept_when_its_shape_differs_from_the_newest),
        WITH_STORE(of_each_statement_the_change_of_plan_nearest_to_a_moment_is_found_and_both_its_plans),
        WITH_STORE(a_query_is_found_on_every_target_that_knows_it_or_on_one),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
