// SPDX-License-Identifier: PostgreSQL
/* When an implementation is measured, what of it is undone, and how it follows its index change. */
#include "fixture.h"

#include "base/text.h"
#include "pg/result.h"
#include "store/implementation.h"
#include "store/index_change.h"
#include "store/target.h"

#include <math.h>
#include <string.h>

static void
run(StoreFixture *fixture, const char *sql)
{
    Error error = {0};
    assert_done(pg_execute_script(fixture->connection, sql, NULL, &error), &error);
}

/* One recommendation, of an index that a change made; returns the implementation's id. */
static int64_t
implementation_new(StoreFixture *fixture)
{
    int64_t target_id = 0;
    int64_t id = 0;
    Error error = {0};
    TargetChange target = {.name = "shop", .dsn = "host=h", .enabled = -1, .interval_ms = -1};
    assert_done(target_create(fixture->store, fixture->connection, &target, &target_id, &error), &error);
    run(fixture,
        "INSERT INTO fettle.index_recommendations (id, database_name, table_name, columns, "
        "recommendation_type, index_name) VALUES (7, 'shop', 'orders', '{a}', 'create', 'orders_a_idx') "
        "ON CONFLICT DO NOTHING; "
        "INSERT INTO fettle.optimization_recommendations (query_hash, source_type, source_id, kind, "
        "recommendation_text, estimated_improvement_percent, confidence_score, urgency_score) VALUES (4001, "
        "'index', 7, 'create', 'Create index orders_a_idx', 50, .8, .5); "
        "INSERT INTO fettle.index_changes (recommendation_id, database_name, action, table_name, index_name, "
        "sql, undo_sql, state) VALUES (7, 'shop', 'create', 'orders', 'orders_a_idx', 'CREATE', 'DROP', "
        "'pending')");
    ImplementationOpening opening = {.pre_stats = "{\"mean_exec_time_ms\": 100, \"calls\": 100}"};
    assert_true(text_parse_int64(
        store_fixture_value(fixture, "SELECT max(id) FROM fettle.optimization_recommendations"),
        &opening.recommendation_id));
    assert_true(text_parse_int64(store_fixture_value(fixture, "SELECT max(id) FROM fettle.index_changes"),
                                 &opening.change_id));
    assert_done(implementation_open(fixture->connection, &opening, &id, &error), &error);
    return id;
}

static void
age(StoreFixture *fixture, int64_t id, const char *implemented, const char *measured, const char *asked)
{
    run(fixture,
        arena_printf(fixture->arena,
                     "UPDATE fettle.index_changes SET state = 'completed' WHERE state = 'pending'; "
                     "UPDATE fettle.optimization_implementations SET implementation_timestamp = now() - "
                     "interval '%s', measured_at = now() - CAST(%s AS interval), asked_at = now() - CAST(%s "
                     "AS interval) "
                     "WHERE id = %lld",
                     implemented, measured, asked, (long long)id));
}

/* 0: not named; 1: to be measured; 2: to be looked at for harm. */
static int
due(StoreFixture *fixture)
{
    ImplementationDue *list = NULL;
    size_t count = 0;
    Error error = {0};
    assert_done(implementations_due(fixture->connection, fixture->arena, &list, &count, &error), &error);
    assert_true(count <= 1);
    return count == 0 ? 0 : list[0].is_due ? 1 : 2;
}

static void
it_is_measured_after_one_day_and_after_two_and_looked_at_every_hour_between(void **state)
{
    StoreFixture *fixture = *state;
    int64_t id = implementation_new(fixture);
    static const struct {
        const char *implemented;
        const char *measured;
        const char *asked;
        int expected;
    } cases[] = {
        {"10 minutes", "NULL", "NULL", 0},
        {"61 minutes", "NULL", "NULL", 2},
        {"3 hours", "NULL", "'30 minutes'", 0},
        {"3 hours", "NULL", "'61 minutes'", 2},
        {"25 hours", "NULL", "'11 minutes'", 1},
        {"25 hours", "NULL", "'9 minutes'", 0},
        {"25 hours", "'30 minutes'", "'30 minutes'", 0},
        {"25 hours", "'2 hours'", "'30 minutes'", 1}, /* by hand, before its day was over */
        {"49 hours", "'24 hours'", "'30 minutes'", 1},
        {"49 hours", "'30 minutes'", "'30 minutes'", 0},
        {"6 days", "'4 days'", "'61 minutes'", 2},
        {"8 days", "'6 days'", "'61 minutes'", 0},
        {"31 days", "NULL", "NULL", 0},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        age(fixture, id, cases[i].implemented, cases[i].measured, cases[i].asked);
        int found = due(fixture);
        if (found != cases[i].expected)
            fail_msg("%s after, measured before %s, asked before %s: %d, not %d", cases[i].implemented,
                     cases[i].measured, cases[i].asked, found, cases[i].expected);
        assert_int_equal(due(fixture), 0); /* it was named a moment ago */
    }
}

static void
what_is_being_built_is_not_measured(void **state)
{
    StoreFixture *fixture = *state;
    int64_t id = implementation_new(fixture);
    run(fixture,
        arena_printf(fixture->arena,
                     "UPDATE fettle.optimization_implementations SET implementation_timestamp = now() - "
                     "interval '2 days' WHERE id = %lld",
                     (long long)id));
    assert_int_equal(due(fixture), 0);
}

static bool
is_harmful(StoreFixture *fixture)
{
    int64_t *ids = NULL;
    size_t count = 0;
    Error error = {0};
    assert_done(implementations_harmful(fixture->connection, fixture->arena, &ids, &count, &error), &error);
    return count == 1;
}

static void
only_certain_harm_by_fettle_itself_is_undone(void **state)
{
    StoreFixture *fixture = *state;
    int64_t id = implementation_new(fixture);
    static const struct {
        ImplementationResult result;
        bool expected;
    } cases[] = {
        {{"{\"calls\": 100}", -50, -60, -40, NAN, "regressed", NULL}, true},
        {{"{\"calls\": 100}", -4, -6, -2, NAN, "regressed", NULL}, false},
        {{"{\"calls\": 100}", -20, -36, -4, NAN, "regressed", NULL}, false}, /* not certain to be 5 % */
        {{"{\"calls\": 100}", -20, -34, -6, NAN, "regressed", NULL}, true},
        {{"{\"calls\": 100}", 30, 20, 40, NAN, "regressed", "writes are slower"}, true},
        {{"{\"calls\": 100}", -25, NAN, NAN, NAN, "regressed", NULL}, true},
        {{"{\"calls\": 100}", -19, NAN, NAN, NAN, "regressed", NULL}, false}, /* could be chance */
        {{"{\"calls\": 29}", -90, NAN, NAN, NAN, "regressed", NULL}, false},
        {{"{\"calls\": 100}", 40, 30, 50, NAN, "implemented", NULL}, false},
        {{"{\"calls\": 100, \"lacks_controls\": false}", -50, -60, -40, NAN, "regressed", NULL}, true},
        /* what slows everything down looks like this */
        {{"{\"calls\": 100, \"lacks_controls\": true}", -50, -60, -40, NAN, "regressed", NULL}, false},
        {{"{\"calls\": 100, \"lacks_controls\": true}", -150, -160, -140, NAN, "regressed", "twice"}, true},
    };
    age(fixture, id, "25 hours", "NULL", "NULL");
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        int64_t *ids = NULL;
        size_t count = 0;
        Error error = {0};
        assert_done(
            implementation_measured(fixture->connection, fixture->arena, id, &cases[i].result, &error),
            &error);
        assert_done(implementations_harmful(fixture->connection, fixture->arena, &ids, &count, &error),
                    &error);
        if ((count == 1) != cases[i].expected)
            fail_msg("case %zu", i);
    }
    run(fixture, "UPDATE fettle.optimization_implementations SET status = 'regressed', harm = 'much'");
    assert_true(is_harmful(fixture));
    run(fixture, "UPDATE fettle.optimization_recommendations SET source_id = NULL");
    assert_false(is_harmful(fixture)); /* as of an index that a person ordered without one */
    run(fixture, "UPDATE fettle.optimization_recommendations SET source_id = 1");
    run(fixture, "UPDATE fettle.targets SET enabled = false");
    assert_false(is_harmful(fixture));
    const char *said = "SELECT error_message FROM fettle.optimization_implementations";
    assert_non_null(strstr(store_fixture_value(fixture, said), "not undone: the target is disabled"));
    run(fixture, "UPDATE fettle.targets SET enabled = true; INSERT INTO fettle.pauses (stops_undo, reason, "
                 "paused_by) VALUES (true, 'a freeze', 'ann')");
    assert_false(is_harmful(fixture)); /* and says until when it waits */
    assert_non_null(strstr(store_fixture_value(fixture, said), "not undone: undoing is paused"));
    assert_non_null(strstr(store_fixture_value(fixture, said), " UTC"));
    run(fixture, "DELETE FROM fettle.pauses");
    assert_true(is_harmful(fixture));
    assert_string_equal(store_fixture_value(fixture, "SELECT coalesce(error_message, 'nothing') FROM "
                                                     "fettle.optimization_implementations"),
                        "nothing");
    run(fixture, "UPDATE fettle.optimization_implementations SET error_message = 'it could not be undone: it "
                 "is locked'; UPDATE fettle.targets SET enabled = false");
    assert_false(is_harmful(fixture));
    assert_string_equal(store_fixture_value(fixture, said), "it could not be undone: it is locked");
    run(fixture, "UPDATE fettle.targets SET enabled = true");
    run(fixture, "UPDATE fettle.optimization_implementations SET index_change_id = NULL, error_message = "
                 "'not undone: '");
    assert_false(is_harmful(fixture));
    assert_string_equal(store_fixture_value(fixture, "SELECT coalesce(error_message, 'nothing') FROM "
                                                     "fettle.optimization_implementations"),
                        "nothing");
}

static Implementation
now_of(StoreFixture *fixture, int64_t id)
{
    Implementation found;
    Error error = {0};
    assert_done(implementation_get(fixture->connection, fixture->arena, id, &found, &error), &error);
    return found;
}

static const char *
dismissal(StoreFixture *fixture)
{
    return store_fixture_value(fixture, "SELECT is_dismissed || ' ' || coalesce(dismissal_reason, '-') FROM "
                                        "fettle.optimization_recommendations");
}

static void
a_change_that_fails_is_a_failed_implementation_of_an_open_recommendation(void **state)
{
    StoreFixture *fixture = *state;
    int64_t id = implementation_new(fixture);
    Error error = {0};
    assert_string_equal(dismissal(fixture), "true implemented");
    assert_done(index_change_end(fixture->connection, now_of(fixture, id).index_change_id, "failed",
                                 "no room on the disk", &error),
                &error);
    Implementation found = now_of(fixture, id);
    assert_string_equal(found.status, "failed");
    assert_string_equal(found.error_message, "no room on the disk");
    assert_string_equal(dismissal(fixture), "false -");
}

static void
a_change_that_completes_opens_no_second_implementation_and_its_undo_reverts_it(void **state)
{
    StoreFixture *fixture = *state;
    int64_t id = implementation_new(fixture);
    Error error = {0};
    assert_done(
        index_change_end(fixture->connection, now_of(fixture, id).index_change_id, "completed", NULL, &error),
        &error);
    assert_string_equal(now_of(fixture, id).status, "pending");
    IndexChange undo = {.target_id = now_of(fixture, id).target_id,
                        .database_name = "shop",
                        .action = "drop",
                        .schema_name = "public",
                        .table_name = "orders",
                        .index_name = "orders_a_idx",
                        .index_type = "btree",
                        .sql = "DROP",
                        .undo_sql = "CREATE"};
    int64_t failing = 0;
    assert_done(index_change_begin(fixture->connection, fixture->arena, &undo, &failing, &error), &error);
    assert_done(implementation_undo_begin(fixture->connection, id, failing, "slow", &error), &error);
    assert_false(implementation_undo_begin(fixture->connection, id, failing, "twice", &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    error_clear(&error);
    assert_done(index_change_end(fixture->connection, failing, "failed", "in use", &error), &error);
    assert_int_equal(now_of(fixture, id).undo_change_id, 0); /* it can be tried again */
    assert_string_equal(now_of(fixture, id).error_message, "it could not be undone: in use");
    assert_done(index_change_begin(fixture->connection, fixture->arena, &undo, &undo.id, &error), &error);
    assert_done(implementation_undo_begin(fixture->connection, id, undo.id, "slow", &error), &error);
    assert_done(index_change_end(fixture->connection, undo.id, "completed", NULL, &error), &error);
    Implementation found = now_of(fixture, id);
    assert_string_equal(found.status, "reverted");
    assert_true(found.rolled_back_at_us > 0);
    assert_string_equal(dismissal(fixture), "true reverted");
    assert_string_equal(
        store_fixture_value(fixture, "SELECT count(*) FROM fettle.optimization_implementations"), "1");
    assert_string_equal(store_fixture_value(fixture, "SELECT status FROM fettle.index_recommendations"),
                        "rejected");
}

static const ImplementationResult harm = {"{\"calls\": 100}", -50, -60, -40, NAN, "regressed", NULL};

/* An undo is ordered and ends in this state. */
static void
undo_end(StoreFixture *fixture, int64_t id, const char *state, bool by_person)
{
    Error error = {0};
    IndexChange undo = {.target_id = now_of(fixture, id).target_id,
                        .database_name = "shop",
                        .action = "drop",
                        .schema_name = "public",
                        .table_name = "orders",
                        .index_name = "orders_a_idx",
                        .index_type = "btree",
                        .sql = "DROP",
                        .undo_sql = "CREATE"};
    assert_done(index_change_begin(fixture->connection, fixture->arena, &undo, &undo.id, &error), &error);
    assert_done(implementation_undo_begin(fixture->connection, id, undo.id, "slow", &error), &error);
    if (by_person)
        run(fixture, "UPDATE fettle.index_changes SET cancel_requested = true WHERE state = 'pending'");
    if (state != NULL)
        assert_done(index_change_end(fixture->connection, undo.id, state, NULL, &error), &error);
}

static void
an_undo_that_fails_is_tried_again_later_and_later_and_a_cancelled_one_never(void **state)
{
    StoreFixture *fixture = *state;
    int64_t id = implementation_new(fixture);
    Error error = {0};
    static const char *const waits[] = {"01:00:00", "02:00:00", "04:00:00", "08:00:00"};
    age(fixture, id, "25 hours", "NULL", "NULL");
    assert_done(implementation_measured(fixture->connection, fixture->arena, id, &harm, &error), &error);
    for (size_t i = 0; i < FETTLE_COUNT_OF(waits); i++) {
        assert_true(is_harmful(fixture));
        if (i == 2)
            assert_done(implementation_undo_failed(fixture->connection, id, "the target is away", &error),
                        &error);
        else
            undo_end(fixture, id, i == 1 ? "cancelled" : "failed", false); /* as when the service stops */
        assert_false(is_harmful(fixture));
        assert_string_equal(store_fixture_value(fixture, "SELECT date_trunc('minute', undo_after - now() + "
                                                         "interval '30 seconds') FROM "
                                                         "fettle.optimization_implementations"),
                            waits[i]);
        if (i == 2)
            assert_string_equal(now_of(fixture, id).error_message,
                                "it could not be undone: the target is away");
        run(fixture, "UPDATE fettle.optimization_implementations SET undo_after = now()");
    }
    undo_end(fixture, id, "cancelled", true);
    assert_false(is_harmful(fixture));
    assert_string_equal(
        store_fixture_value(fixture, "SELECT undo_after FROM fettle.optimization_implementations"),
        "infinity");
    undo_end(fixture, id, "failed", false);
    assert_false(is_harmful(fixture)); /* a person tried again; the service does not */
    undo_end(fixture, id, NULL, false);
    assert_done(implementation_undo_failed(fixture->connection, id, "somebody was quicker", &error), &error);
    assert_true(now_of(fixture, id).undo_change_id != 0); /* it is being undone by them */
}

static void
measure_is_refused(StoreFixture *fixture, int64_t id, const char *words)
{
    Error error = {0};
    const char *before = now_of(fixture, id).status;
    assert_false(implementation_measured(fixture->connection, fixture->arena, id, &harm, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_non_null(strstr(error.message, words));
    error_clear(&error);
    assert_false(implementation_measure_simply(fixture->connection, id, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_non_null(strstr(error.message, words));
    assert_string_equal(now_of(fixture, id).status, before);
}

static void
a_measurement_never_takes_the_place_of_an_undo_or_a_failure_or_comes_before_the_change(void **state)
{
    StoreFixture *fixture = *state;
    int64_t id = implementation_new(fixture);
    measure_is_refused(fixture, id, "is not carried out yet: index change");
    run(fixture, "UPDATE fettle.index_changes SET state = 'running'");
    measure_is_refused(fixture, id, "is running");
    run(fixture, "UPDATE fettle.index_changes SET state = 'completed'");
    undo_end(fixture, id, NULL, false);
    measure_is_refused(fixture, id, "is being undone");
    run(fixture, "UPDATE fettle.index_changes SET state = 'completed' WHERE state = 'pending'");
    assert_string_equal(now_of(fixture, id).status, "reverted");
    measure_is_refused(fixture, id, "is reverted");
    run(fixture, "UPDATE fettle.optimization_implementations SET status = 'failed', undo_change_id = NULL");
    measure_is_refused(fixture, id, "is failed");
}

static void
a_change_that_fails_is_a_failed_implementation_whatever_was_measured(void **state)
{
    StoreFixture *fixture = *state;
    int64_t id = implementation_new(fixture);
    Error error = {0};
    run(fixture, "UPDATE fettle.optimization_implementations SET status = 'implemented'");
    assert_done(
        index_change_end(fixture->connection, now_of(fixture, id).index_change_id, "failed", NULL, &error),
        &error);
    assert_string_equal(now_of(fixture, id).status, "failed");
    assert_string_equal(dismissal(fixture), "false -");
}

static void
what_nobody_could_measure_in_a_month_stands_in_nobodys_way(void **state)
{
    StoreFixture *fixture = *state;
    int64_t id = implementation_new(fixture);
    int64_t next = 0;
    Error error = {0};
    ImplementationOpening opening = {.recommendation_id = now_of(fixture, id).recommendation_id};
    age(fixture, id, "29 days", "NULL", "NULL");
    assert_false(implementation_open(fixture->connection, &opening, &next, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    error_clear(&error);
    run(fixture, "UPDATE fettle.optimization_implementations SET implementation_timestamp = now() - interval "
                 "'31 days'; UPDATE fettle.index_changes SET state = 'running'");
    assert_false(implementation_open(fixture->connection, &opening, &next, &error));
    error_clear(&error);
    run(fixture, "UPDATE fettle.index_changes SET state = 'completed'; UPDATE "
                 "fettle.optimization_implementations SET implementation_timestamp = now() - interval '31 "
                 "days'");
    assert_done(implementation_open(fixture->connection, &opening, &next, &error), &error);
    assert_true(next > id);
}

static void
when_there_is_enough_data_is_kept_until_it_is_said_anew(void **state)
{
    StoreFixture *fixture = *state;
    int64_t id = implementation_new(fixture);
    Error error = {0};
    Implementation found = now_of(fixture, id);
    assert_true(found.enough_data_at_us == 0 && isnan(found.detectable_percent));
    static const ImplementationEnough said[] = {
        {1764252000000001, NAN}, {1764255600000000, 19.5}, {0, 31}, {0, NAN}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(said); i++) {
        assert_done(implementation_enough(fixture->connection, fixture->arena, id, &said[i], &error), &error);
        found = now_of(fixture, id);
        assert_int_equal(found.enough_data_at_us, said[i].at_us);
        assert_true(isnan(said[i].detectable_percent)
                        ? isnan(found.detectable_percent)
                        : found.detectable_percent == said[i].detectable_percent);
    }
    assert_done(implementation_enough(fixture->connection, fixture->arena, id + 99, &said[0], &error),
                &error);
    assert_int_equal(now_of(fixture, id).enough_data_at_us, 0);
}

static void
statistics_that_are_no_numbers_are_unknown_and_stop_nobody_elses_undo(void **state)
{
    StoreFixture *fixture = *state;
    int64_t id = implementation_new(fixture);
    Error error = {0};
    static const char *const figures[] = {"\"many\"", "1e400", "[1]", "null", "{}", "1e-400"};
    ImplementationResult result = {"{\"calls\": 100}", -25, NAN, NAN, NAN, "regressed", NULL};
    age(fixture, id, "25 hours", "NULL", "NULL");
    assert_done(implementation_measured(fixture->connection, fixture->arena, id, &result, &error), &error);
    for (size_t i = 0; i < FETTLE_COUNT_OF(figures); i++) {
        run(fixture, arena_printf(fixture->arena,
                                  "UPDATE fettle.optimization_implementations SET query_hash = 4001, "
                                  "pre_optimization_stats = '{\"calls\": %s, \"mean\": %s}'",
                                  figures[i], figures[i]));
        assert_false(is_harmful(fixture));
        assert_false(implementation_measure_simply(fixture->connection, id, &error));
        assert_non_null(strstr(error.message, "nothing is known of the time before"));
        error_clear(&error);
    }
    run(fixture, "UPDATE fettle.optimization_implementations SET pre_optimization_stats = '{\"calls\": 30}'");
    assert_true(is_harmful(fixture));
}

static void
accuracy_and_verdict_are_the_contracts(void **state)
{
    StoreFixture *fixture = *state;
    static const struct {
        const char *sql;
        const char *expected;
    } cases[] = {
        {"round(fettle.prediction_accuracy(35.6, 95)::numeric, 3)", "0.375"},
        {"round(fettle.prediction_accuracy(50, 95)::numeric, 4)", "0.5263"},
        {"fettle.prediction_accuracy(-100, 95)", "0"},
        {"fettle.prediction_accuracy(10, 0)", "0.5"},
        {"fettle.prediction_accuracy(10, NULL)", "0.5"},
        {"fettle.implementation_verdict(1, NULL, NULL)", "implemented"},
        {"fettle.implementation_verdict(.99, NULL, NULL)", "no_improvement"},
        {"fettle.implementation_verdict(-1, NULL, NULL)", "regressed"},
        {"fettle.implementation_verdict(20, -1, 41)", "no_improvement"},
        {"fettle.implementation_verdict(20, .1, 41)", "implemented"},
        {"fettle.implementation_verdict(-20, -41, .1)", "no_improvement"},
        {"fettle.implementation_verdict(-20, -41, -.1)", "regressed"},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        const char *found =
            store_fixture_value(fixture, arena_printf(fixture->arena, "SELECT %s", cases[i].sql));
        if (strcmp(found, cases[i].expected) != 0)
            fail_msg("%s is %s, not %s", cases[i].sql, found, cases[i].expected);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accuracy_and_verdict_are_the_contracts),
        cmocka_unit_test_setup(it_is_measured_after_one_day_and_after_two_and_looked_at_every_hour_between,
                               store_fixture_clear),
        cmocka_unit_test_setup(what_is_being_built_is_not_measured, store_fixture_clear),
        cmocka_unit_test_setup(only_certain_harm_by_fettle_itself_is_undone, store_fixture_clear),
        cmocka_unit_test_setup(a_change_that_fails_is_a_failed_implementation_of_an_open_recommendation,
                               store_fixture_clear),
        cmocka_unit_test_setup(a_change_that_completes_opens_no_second_implementation_and_its_undo_reverts_it,
                               store_fixture_clear),
        cmocka_unit_test_setup(an_undo_that_fails_is_tried_again_later_and_later_and_a_cancelled_one_never,
                               store_fixture_clear),
        cmocka_unit_test_setup(
            a_measurement_never_takes_the_place_of_an_undo_or_a_failure_or_comes_before_the_change,
            store_fixture_clear),
        cmocka_unit_test_setup(a_change_that_fails_is_a_failed_implementation_whatever_was_measured,
                               store_fixture_clear),
        cmocka_unit_test_setup(what_nobody_could_measure_in_a_month_stands_in_nobodys_way,
                               store_fixture_clear),
        cmocka_unit_test_setup(when_there_is_enough_data_is_kept_until_it_is_said_anew, store_fixture_clear),
        cmocka_unit_test_setup(statistics_that_are_no_numbers_are_unknown_and_stop_nobody_elses_undo,
                               store_fixture_clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
