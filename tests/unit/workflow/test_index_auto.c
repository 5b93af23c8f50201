// SPDX-License-Identifier: PostgreSQL
/* What may be done without being asked, and when. */
#include "place.h"

#include "pg/result.h"
#include "store/job.h"
#include "store/pause.h"
#include "workflow/index_auto.h"
#include "workflow/index_run.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static IndexAutoRules
rules_standard(const Settings *settings)
{
    Approval approval;
    Error error = {0};
    assert_done(approval_standard(settings, &approval, &error), &error);
    return index_auto_rules(settings, &approval);
}

static IndexAutoRules
rules_of(StoreFixture *fixture, const char *create, const char *drop, const char *class)
{
    Error error = {0};
    assert_done(settings_set(fixture->settings, "index.auto_create", create, &error), &error);
    assert_done(settings_set(fixture->settings, "index.auto_drop", drop, &error), &error);
    assert_done(settings_set(fixture->settings, "index.auto_class", class, &error), &error);
    return rules_standard(fixture->settings);
}

static void
nothing_is_done_unasked_unless_it_and_its_class_are_allowed(void **state)
{
    StoreFixture *fixture = *state;
    Approval approval;
    Error error = {0};
    Settings *standard = settings_new(fixture->arena);
    IndexAutoRules rules = rules_standard(standard);
    assert_false(rules.may_create || rules.may_drop);
    rules = rules_of(fixture, "on", "on", "low");
    assert_true(rules.may_create && !rules.may_drop);
    rules = rules_of(fixture, "off", "on", "medium");
    assert_true(!rules.may_create && rules.may_drop);
    assert_done(settings_set(fixture->settings, "index.auto_class", "all", &error), &error);
    assert_false(approval_standard(fixture->settings, &approval, &error));
    assert_int_equal(error.code, ERROR_INPUT);
}

static void
quiet_hours_may_pass_midnight(void **state)
{
    (void)state;
    static const struct {
        const char *hours;
        int minute;
        bool is_quiet;
    } cases[] = {
        {"", 720, true},           {"22:00-05:30", 22 * 60 - 1, false}, {"22:00-05:30", 22 * 60, true},
        {"22:00-05:30", 0, true},  {"22:00-05:30", 5 * 60 + 29, true},  {"22:00-05:30", 5 * 60 + 30, false},
        {"01:00-02:00", 90, true}, {"01:00-02:00", 120, false},         {"01:00-01:00", 60, false}};
    Error error = {0};
    bool is_quiet = false;
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        int64_t at_us = (INT64_C(20000) * 24 * 60 + cases[i].minute) * 60 * 1000000;
        assert_true(index_auto_is_quiet(cases[i].hours, at_us, &is_quiet, &error));
        if (is_quiet != cases[i].is_quiet)
            fail_msg("%s at minute %d", cases[i].hours, cases[i].minute);
    }
    static const char *const wrong[] = {"22:00", "22:00-24:00", "22:0x-05:00", "22:00-05:000", "22:00 05:00"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(wrong); i++) {
        error_clear(&error);
        assert_false(index_auto_is_quiet(wrong[i], 0, &is_quiet, &error));
        assert_int_equal(error.code, ERROR_INPUT);
    }
}

static void
the_best_that_passes_every_threshold_is_chosen(void **state)
{
    (void)state;
    IndexRecommendation items[] = {
        {.id = 1, .type = "create", .estimated_benefit = 60, .estimated_cost = 40, .confidence_score = 0.8},
        {.id = 2, .type = "create", .estimated_benefit = 50, .estimated_cost = 1, .confidence_score = 0.7},
        {.id = 3,
         .type = "modify",
         .estimated_benefit = 40,
         .confidence_score = 0.9,
         .create_statement = "REINDEX INDEX CONCURRENTLY a"},
        {.id = 4,
         .type = "modify",
         .estimated_benefit = 35,
         .confidence_score = 0.9,
         .create_statement = "CREATE INDEX a ON t (b)"},
        {.id = 5, .type = "create", .estimated_benefit = 30, .estimated_cost = 15, .confidence_score = 0.8},
        {.id = 6, .type = "drop", .estimated_benefit = NAN, .confidence_score = 0.95},
        {.id = 7, .type = "create", .estimated_benefit = 9, .estimated_cost = 0, .confidence_score = 0.8}};
    IndexRecommendations list = {.items = items, .count = FETTLE_COUNT_OF(items)};
    IndexAutoRules rules = {.may_create = true, .benefit_least = 10, .confidence_least = 0.8};
    assert_int_equal(index_auto_choose(&list, &rules)->id, 5);
    rules.may_replace = true;
    assert_int_equal(index_auto_choose(&list, &rules)->id, 4);
    rules.may_replace = false;
    rules.may_drop = true;
    rules.may_create = false;
    assert_int_equal(index_auto_choose(&list, &rules)->id, 6);
    assert_true(index_recommendation_is_successor(&items[3]) &&
                !index_recommendation_is_successor(&items[2]));
    rules = (IndexAutoRules){.may_create = true, .benefit_least = 31, .confidence_least = 0.8};
    assert_null(index_auto_choose(&list, &rules));
    IndexOrder order;
    Error error = {0};
    assert_false(index_order_of_recommendation(&items[2], &order, &error));
    assert_int_equal(error.code, ERROR_UNSUPPORTED);
}

static void
how_long_it_is_until_quiet_hours_begin_is_known(void **state)
{
    (void)state;
    Error error = {0};
    int64_t wait_ms;
    int64_t minute_us = INT64_C(60) * 1000000;
    int64_t at_us = 20000 * 1440 * minute_us + 1320 * minute_us; /* 22:00 of a day */
    assert_true(index_auto_quiet_wait("", at_us, &wait_ms, &error) && wait_ms == INT64_MAX);
    assert_true(index_auto_quiet_wait("22:05-22:10", at_us, &wait_ms, &error));
    assert_in_range(wait_ms, 300000, 300001);
    assert_true(index_auto_quiet_wait("21:59-22:10", at_us, &wait_ms, &error));
    assert_in_range(wait_ms, 1439 * 60000, 1439 * 60000 + 1);
    assert_true(index_auto_quiet_wait("22:00-05:30", at_us, &wait_ms, &error));
    assert_in_range(wait_ms, 1440 * 60000, 1440 * 60000 + 1);
    assert_false(index_auto_quiet_wait("late", at_us, &wait_ms, &error));
    assert_int_equal(error.code, ERROR_INPUT);
}

static int64_t
wait_of(const Place *place)
{
    int64_t wait_ms = -1;
    Error error = {0};
    assert_done(index_auto_wait(&place->manager, &wait_ms, &error), &error);
    return wait_ms;
}

static size_t
due_count(const Place *place)
{
    int64_t *targets;
    size_t count;
    Error error = {0};
    assert_done(index_auto_due(&place->manager, place->arena, 10, &targets, &count, &error), &error);
    assert_true(count == 0 || targets[0] == place->target_id);
    return count;
}

/* Two indexes that do the same: one of them goes, as a recorded change that names who did it. */
static void
a_round_carries_out_one_recommendation_as_an_approval_would(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    StoreFixture *fixture = place.fixture;
    assert_done(pg_execute_script(fixture->connection,
                                  "CREATE INDEX t_one ON own.t (a); CREATE INDEX t_two ON own.t (a); CREATE "
                                  "INDEX t_three ON own.t (a)",
                                  NULL, &error),
                &error);
    (void)rules_of(fixture, "off", "on", "low");
    assert_int_equal(due_count(&place), 0);
    (void)rules_of(fixture, "off", "on", "medium");
    assert_int_equal(due_count(&place), 1);
    assert_done(index_auto_round(&place.manager, place.target_id, &error), &error);
    static const char left[] =
        "SELECT count(*) FROM pg_index WHERE indrelid = 'own.t'::regclass AND NOT indisprimary";
    assert_string_equal(store_fixture_value(fixture, left), "2");
    IndexChanges changes;
    assert_done(
        index_change_list(fixture->connection, place.arena, place.target_id, false, 10, &changes, &error),
        &error);
    assert_true(changes.count == 1 && changes.items[0].success == 1 &&
                changes.items[0].recommendation_id > 0);
    assert_string_equal(changes.items[0].action, "drop");
    assert_string_equal(changes.items[0].performed_by, "fettle");
    assert_string_equal(store_fixture_value(fixture, "SELECT actor || ' ' || action || ' ' || outcome FROM "
                                                     "fettle.audit_log ORDER BY id DESC LIMIT 1"),
                        "fettle index.drop ok");
    /* not again today, and not before what was done is measured */
    assert_int_equal(due_count(&place), 0);
    bool is_free = true;
    assert_done(index_auto_is_free(fixture->connection, place.target_id, &is_free, &error), &error);
    assert_false(is_free);
    assert_done(index_auto_round(&place.manager, place.target_id, &error), &error);
    assert_string_equal(store_fixture_value(fixture, left), "2");
    Job like = {.kind = INDEX_AUTO_JOB};
    JobList jobs;
    assert_done(job_list(fixture->connection, place.arena, &like, 0, 10, &jobs, &error), &error);
    assert_int_equal(jobs.count, 2);
    assert_non_null(strstr(jobs.items[0].result, "not measured yet"));
    assert_non_null(strstr(jobs.items[1].result, "the index is dropped"));
    int64_t *targets;
    size_t count;
    IndexAutoOrder order = {.most = 10, .classes = {"ask", "auto", "ask"}};
    assert_done(index_auto_targets(fixture->connection, place.arena, &order, &targets, &count, &error),
                &error);
    assert_int_equal(count, 1);
}

static void
policy_set(const Place *place, const char *create, const char *drop, const char *window)
{
    Error error = {0};
    const char *windows[] = {window};
    ChangePolicy policy = {
        .classes = {create, drop, NULL}, .windows = windows, .window_count = window != NULL};
    assert_done(change_policy_write(place->fixture->connection, place->arena, place->target_id, &policy,
                                    "ann", &error),
                &error);
}

static void
a_targets_own_class_windows_and_pauses_decide_whether_it_has_rounds(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    int64_t stopped = 0;
    PgConnection *own = place.fixture->connection;
    (void)rules_of(place.fixture, "off", "off", "low");
    assert_int_equal(due_count(&place), 0);
    policy_set(&place, NULL, "auto", NULL);
    assert_int_equal(due_count(&place), 1);
    assert_done(pause_begin(own, &(PauseOrder){.reason = "x", .actor = "ann"}, &stopped, &error), &error);
    assert_int_equal(due_count(&place), 0);
    assert_done(pause_end(own, 0, "ann", &error), &error);
    const char *closed = store_fixture_value(
        place.fixture, "SELECT 'daily ' || to_char(now() AT TIME ZONE 'UTC' + interval '2 hours', 'HH24:MI') "
                       "|| '-' || to_char(now() AT TIME ZONE 'UTC' + interval '3 hours', 'HH24:MI')");
    assert_true(wait_of(&place) == INT64_MAX);
    policy_set(&place, NULL, "auto", closed);
    assert_int_equal(due_count(&place), 0);
    assert_in_range(wait_of(&place), 119 * 60000 - 1, 120 * 60000);
    IndexAutoOrder order = {.classes = {"ask", "ask", "ask"}};
    int64_t opens_ms = -1;
    assert_done(index_auto_opens(own, &order, &opens_ms, &error), &error);
    assert_in_range(opens_ms, 119 * 60000 - 1, 120 * 60000);
    policy_set(&place, NULL, "ask", closed);
    assert_true(wait_of(&place) == INT64_MAX);
    policy_set(&place, NULL, "auto", "daily 00:00-24:00");
    assert_int_equal(due_count(&place), 1);
    assert_true(wait_of(&place) == INT64_MAX);
    (void)rules_of(place.fixture, "on", "off", "low");
    policy_set(&place, "ask", NULL, NULL);
    assert_int_equal(due_count(&place), 0);
}

/* The number of a recommendation to create an index on own.t, as an earlier analysis left it. */
static int64_t
advised(const Place *place, const char *database, const char *column)
{
    static const char form[] =
        "INSERT INTO fettle.index_recommendations (target_id, database_name, schema_name, table_name, "
        "columns, index_type, recommendation_type, estimated_benefit, estimated_cost, confidence_score, "
        "index_name, create_statement) VALUES (%" PRId64 ", '%s', 'own', 't', '{%s}', 'btree', 'create', "
        "90, 1, 0.9, 't_%s', 'CREATE INDEX t_%s ON own.t (%s)') RETURNING id";
    return strtoll(
        store_fixture_value(place->fixture, arena_printf(place->arena, form, place->target_id, database,
                                                         column, column, column, column)),
        NULL, 10);
}

static void
what_a_person_dismissed_or_is_of_another_database_is_no_candidate(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    IndexRecommendations list;
    PgConnection *own = place.fixture->connection;
    const char *database = pg_connection_database(own);
    int64_t own_dismissed = advised(&place, database, "a");
    (void)advised(&place, database, "b");
    int64_t implemented = advised(&place, database, "c");
    (void)advised(&place, "elsewhere", "a");
    static const char form[] =
        "INSERT INTO fettle.optimization_recommendations (target_id, source_type, source_id, "
        "recommendation_text, change_key, is_dismissed, dismissal_reason) "
        "VALUES (%" PRId64 ", 'index', %" PRId64 ", 'x', NULL, true, NULL), "
        "(%" PRId64 ", 'rewrite', 1, 'x', 'index %s.own.t btree (b)', true, 'not on this table'), "
        "(%" PRId64 ", 'index', %" PRId64 ", 'x', NULL, true, 'implemented')";
    const char *rows = arena_printf(place.arena, form, place.target_id, own_dismissed, place.target_id,
                                    database, place.target_id, implemented);
    assert_done(pg_execute(own, rows, &error), &error);
    assert_done(index_auto_candidates(own, place.arena, place.target_id, database, &list, &error), &error);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].id, implemented);
}

static void
nothing_is_created_by_an_earlier_advice_when_the_advisor_does_not_work(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    StoreFixture *fixture = place.fixture;
    (void)rules_of(fixture, "on", "on", "medium");
    (void)advised(&place, pg_connection_database(fixture->connection), "a");
    (void)advised(&place, pg_connection_database(fixture->connection), "id");
    assert_done(pg_execute_script(fixture->connection,
                                  "CREATE INDEX t_old ON own.t (\"B b\"); UPDATE "
                                  "fettle.index_recommendations SET recommendation_type = 'modify', "
                                  "index_name = 't_old' WHERE columns = '{id}'",
                                  NULL, &error),
                &error);
    assert_done(index_auto_round(&place.manager, place.target_id, &error), &error);
    assert_false(exists(&place, "t_a") || exists(&place, "t_id"));
    assert_true(exists(&place, "t_old"));
    assert_non_null(
        strstr(store_fixture_value(fixture, "SELECT result FROM fettle.jobs WHERE kind = 'index_auto'"),
               "pg_stat_statements cannot be read"));
    assert_string_equal(store_fixture_value(fixture, "SELECT count(*) FROM fettle.index_recommendations"),
                        "2");
}

static void
a_round_that_fails_says_why_in_its_job(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    StoreFixture *fixture = place.fixture;
    (void)rules_of(fixture, "off", "on", "medium");
    assert_done(pg_execute(fixture->connection,
                           "UPDATE fettle.targets SET conninfo = 'host=/nonexistent dbname=x'", &error),
                &error);
    assert_false(index_auto_round(&place.manager, place.target_id, &error));
    assert_string_equal(
        store_fixture_value(fixture, "SELECT status FROM fettle.jobs WHERE kind = 'index_auto'"), "failed");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_done_unasked_unless_it_and_its_class_are_allowed),
        cmocka_unit_test(quiet_hours_may_pass_midnight),
        cmocka_unit_test(how_long_it_is_until_quiet_hours_begin_is_known),
        cmocka_unit_test(the_best_that_passes_every_threshold_is_chosen),
        cmocka_unit_test_setup(a_round_carries_out_one_recommendation_as_an_approval_would,
                               store_fixture_clear),
        cmocka_unit_test_setup(what_a_person_dismissed_or_is_of_another_database_is_no_candidate,
                               store_fixture_clear),
        cmocka_unit_test_setup(nothing_is_created_by_an_earlier_advice_when_the_advisor_does_not_work,
                               store_fixture_clear),
        cmocka_unit_test_setup(a_targets_own_class_windows_and_pauses_decide_whether_it_has_rounds,
                               store_fixture_clear),
        cmocka_unit_test_setup(a_round_that_fails_says_why_in_its_job, store_fixture_clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
