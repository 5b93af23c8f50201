// SPDX-License-Identifier: PostgreSQL
/* The kill switch: what it stops, what it lets go on, how it ends. */
#include "fixture.h"

#include "pg/result.h"
#include "store/index_change.h"
#include "store/pause.h"
#include "store/target.h"

#include <inttypes.h>
#include <string.h>

static int64_t
target_new(StoreFixture *fixture, const char *name)
{
    int64_t id = 0;
    Error error = {0};
    TargetChange target = {.name = name, .dsn = "host=h", .enabled = -1, .interval_ms = -1};
    assert_done(target_create(fixture->store, fixture->connection, &target, &id, &error), &error);
    return id;
}

static int64_t
paused(StoreFixture *fixture, const PauseOrder *order)
{
    int64_t stopped = 0;
    Error error = {0};
    assert_done(pause_begin(fixture->connection, order, &stopped, &error), &error);
    return stopped;
}

static bool
change_begin(StoreFixture *fixture, int64_t target_id, bool is_undo, int64_t *ret_id, Error *error)
{
    static int number;
    IndexChange change = {.target_id = target_id,
                          .database_name = "shop",
                          .action = "create",
                          .schema_name = "public",
                          .table_name = arena_printf(fixture->arena, "t%d", number++),
                          .index_name = "i",
                          .index_type = "btree",
                          .sql = "CREATE",
                          .undo_sql = "DROP",
                          .performed_by = "ann",
                          .is_undo = is_undo};
    return index_change_begin(fixture->connection, fixture->arena, &change, ret_id, error);
}

static void
assert_begins(StoreFixture *fixture, int64_t target_id, bool is_undo, bool expected)
{
    int64_t id = 0;
    Error error = {0};
    bool begins = change_begin(fixture, target_id, is_undo, &id, &error);
    assert_int_equal(begins, expected);
    assert_int_equal(error.code, expected ? ERROR_NONE : ERROR_CONFLICT);
}

static void
a_paused_target_is_not_changed_and_the_refusal_says_by_whom_and_why(void **state)
{
    StoreFixture *fixture = *state;
    int64_t shop = target_new(fixture, "shop");
    int64_t bank = target_new(fixture, "bank");
    int64_t id = 0;
    Error error = {0};
    paused(fixture, &(PauseOrder){.target_id = shop, .reason = "release day", .actor = "ann"});
    assert_false(change_begin(fixture, shop, false, &id, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_non_null(strstr(error.message, "changes of target shop are paused since "));
    assert_non_null(strstr(error.message, " by ann: release day"));
    assert_string_equal(error.hint, "go on with \"fettle resume --target shop\"");
    assert_begins(fixture, bank, false, true);
    assert_done(pause_end(fixture->connection, shop, "bob", &error), &error);
    assert_begins(fixture, shop, false, true);
    assert_string_equal(store_fixture_value(fixture, "SELECT resumed_by FROM fettle.pauses"), "bob");
}

static void
undoing_goes_on_unless_the_pause_stops_it_too(void **state)
{
    StoreFixture *fixture = *state;
    int64_t shop = target_new(fixture, "shop");
    Error error = {0};
    paused(fixture, &(PauseOrder){.reason = "incident", .actor = "ann"});
    assert_begins(fixture, shop, false, false);
    assert_begins(fixture, shop, true, true);
    assert_done(pause_check(fixture->connection, shop, true, &error), &error);
    paused(fixture, &(PauseOrder){.reason = "incident", .actor = "ann", .stops_undo = true});
    assert_begins(fixture, shop, true, false);
    assert_false(pause_check(fixture->connection, shop, true, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
}

static void
what_waits_or_runs_is_asked_to_stop_unless_it_may_finish_or_undoes(void **state)
{
    StoreFixture *fixture = *state;
    int64_t shop = target_new(fixture, "shop");
    int64_t bank = target_new(fixture, "bank");
    int64_t forward = 0;
    int64_t undo = 0;
    int64_t other = 0;
    IndexChange change;
    Error error = {0};
    assert_done(change_begin(fixture, shop, false, &forward, &error), &error);
    assert_done(change_begin(fixture, shop, true, &undo, &error), &error);
    assert_done(change_begin(fixture, bank, false, &other, &error), &error);
    PauseOrder order = {.target_id = shop, .reason = "incident", .actor = "ann", .lets_finish = true};
    assert_int_equal(paused(fixture, &order), 0);
    order.lets_finish = false;
    assert_int_equal(paused(fixture, &order), 1);
    assert_done(index_change_get(fixture->connection, fixture->arena, forward, &change, &error), &error);
    assert_true(change.wants_cancel && !change.is_undo);
    assert_done(index_change_get(fixture->connection, fixture->arena, undo, &change, &error), &error);
    assert_true(!change.wants_cancel && change.is_undo);
    order.stops_undo = true;
    assert_int_equal(paused(fixture, &order), 2);
    assert_done(index_change_get(fixture->connection, fixture->arena, other, &change, &error), &error);
    assert_false(change.wants_cancel);
}

static void
a_change_that_was_recorded_before_a_pause_does_not_begin_within_it(void **state)
{
    StoreFixture *fixture = *state;
    int64_t shop = target_new(fixture, "shop");
    int64_t id = 0;
    bool is_unwanted = false;
    Error error = {0};
    assert_done(change_begin(fixture, shop, false, &id, &error), &error);
    paused(fixture, &(PauseOrder){.reason = "incident", .actor = "ann", .lets_finish = true});
    assert_done(index_change_attempt(fixture->connection, id, 1, false, &is_unwanted, &error), &error);
    assert_true(is_unwanted);
    /* half of a drop is worse than either end */
    assert_done(index_change_attempt(fixture->connection, id, 1, true, &is_unwanted, &error), &error);
    assert_false(is_unwanted);
}

static void
a_change_that_may_finish_is_not_stopped_by_a_further_attempt(void **state)
{
    StoreFixture *fixture = *state;
    int64_t shop = target_new(fixture, "shop");
    int64_t id = 0;
    bool is_unwanted = true;
    Error error = {0};
    assert_done(change_begin(fixture, shop, false, &id, &error), &error);
    assert_done(index_change_attempt(fixture->connection, id, 1, false, &is_unwanted, &error), &error);
    assert_false(is_unwanted);
    paused(fixture, &(PauseOrder){.reason = "release day", .actor = "ann", .lets_finish = true});
    assert_done(index_change_attempt(fixture->connection, id, 2, false, &is_unwanted, &error), &error);
    assert_false(is_unwanted);
}

static void
a_change_whose_moment_is_over_does_not_begin(void **state)
{
    StoreFixture *fixture = *state;
    int64_t shop = target_new(fixture, "shop");
    int64_t id = 0;
    bool is_unwanted = false;
    Error error = {0};
    assert_done(change_begin(fixture, shop, false, &id, &error), &error);
    assert_done(pg_execute(fixture->connection,
                           "UPDATE fettle.index_changes SET begin_before = now() - interval '1 second'",
                           &error),
                &error);
    assert_done(index_change_attempt(fixture->connection, id, 1, false, &is_unwanted, &error), &error);
    assert_true(is_unwanted);
    assert_string_equal(store_fixture_value(fixture, "SELECT held_by FROM fettle.index_changes"), "moment");
}

static int64_t
started_at(StoreFixture *fixture, int64_t id)
{
    IndexChange change;
    Error error = {0};
    assert_done(index_change_get(fixture->connection, fixture->arena, id, &change, &error), &error);
    return change.started_at_us;
}

static void
a_change_whose_first_attempt_sent_nothing_has_not_started(void **state)
{
    StoreFixture *fixture = *state;
    int64_t shop = target_new(fixture, "shop");
    int64_t id = 0;
    bool is_unwanted = false;
    Error error = {0};
    assert_done(change_begin(fixture, shop, false, &id, &error), &error);
    assert_done(index_change_attempt(fixture->connection, id, 1, false, &is_unwanted, &error), &error);
    assert_true(started_at(fixture, id) > 0);
    assert_done(index_change_not_begun(fixture->connection, id, &error), &error);
    assert_int_equal(started_at(fixture, id), 0);
    /* a later one's beginning may be that of what was sent */
    assert_done(index_change_attempt(fixture->connection, id, 2, false, &is_unwanted, &error), &error);
    int64_t started = started_at(fixture, id);
    assert_done(index_change_not_begun(fixture->connection, id, &error), &error);
    assert_true(started > 0 && started_at(fixture, id) == started);
}

/* When the service may try an undo again that was cancelled. */
static const char *
undo_after(StoreFixture *fixture, int64_t undo)
{
    Error error = {0};
    assert_done(
        pg_execute_script(
            fixture->connection,
            arena_printf(fixture->arena,
                         "INSERT INTO fettle.optimization_recommendations (id, source_type, "
                         "recommendation_text) VALUES (7, 'index', 'x') ON CONFLICT DO NOTHING; DELETE FROM "
                         "fettle.optimization_implementations; INSERT INTO "
                         "fettle.optimization_implementations (recommendation_id, status, undo_change_id) "
                         "VALUES (7, 'regressed', %" PRId64 ")",
                         undo),
            NULL, &error),
        &error);
    assert_done(index_change_end(fixture->connection, undo, "cancelled", "stopped", &error), &error);
    return store_fixture_value(fixture,
                               "SELECT coalesce(undo_after::text, 'at once') || ' ' || undo_failures "
                               "FROM fettle.optimization_implementations");
}

static void
an_undo_that_a_pause_or_the_services_end_stopped_is_tried_again_and_a_persons_is_theirs(void **state)
{
    StoreFixture *fixture = *state;
    int64_t shop = target_new(fixture, "shop");
    int64_t by_pause = 0;
    int64_t by_person = 0;
    int64_t by_end = 0;
    Error error = {0};
    assert_done(change_begin(fixture, shop, true, &by_pause, &error), &error);
    assert_done(change_begin(fixture, shop, true, &by_person, &error), &error);
    assert_done(index_change_cancel(fixture->connection, by_person, &error), &error);
    assert_done(index_change_stop(fixture->connection, by_person, &error), &error); /* a wish stays one */
    assert_done(change_begin(fixture, shop, true, &by_end, &error), &error);
    assert_done(index_change_stop(fixture->connection, by_end, &error), &error);
    paused(fixture, &(PauseOrder){.reason = "storage", .actor = "ann", .stops_undo = true});
    assert_string_equal(undo_after(fixture, by_pause), "at once 0");
    assert_string_equal(undo_after(fixture, by_person), "infinity 1");
    assert_string_equal(undo_after(fixture, by_end), "at once 0");
}

static void
a_pause_waits_for_a_change_that_is_just_being_recorded(void **state)
{
    StoreFixture *fixture = *state;
    int64_t shop = target_new(fixture, "shop");
    int64_t stopped = 0;
    FETTLE_CLEANUP(store_session_close_at) StoreSession other = {0};
    Error error = {0};
    assert_done(store_session_take(fixture->store, 0, &other, &error), &error);
    assert_done(pg_execute(other.connection, "BEGIN", &error), &error);
    assert_done(pause_check(other.connection, shop, false, &error), &error);
    assert_done(pg_execute(fixture->connection, "SET lock_timeout = '50ms'", &error), &error);
    PauseOrder order = {.reason = "incident", .actor = "ann"};
    assert_false(pause_begin(fixture->connection, &order, &stopped, &error));
    assert_int_equal(error.code, ERROR_TIMEOUT);
    assert_done(pg_execute(other.connection, "COMMIT", &error), &error);
    assert_int_equal(paused(fixture, &order), 0);
    assert_done(pg_execute(fixture->connection, "RESET lock_timeout", &error), &error);
}

static void
a_pause_needs_a_reason_and_a_target_that_is_there(void **state)
{
    StoreFixture *fixture = *state;
    int64_t stopped = 0;
    Pauses pauses;
    Error error = {0};
    assert_false(pause_begin(fixture->connection, &(PauseOrder){.actor = "ann"}, &stopped, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_false(
        pause_begin(fixture->connection, &(PauseOrder){.reason = "", .actor = "ann"}, &stopped, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    PauseOrder nowhere = {.target_id = 4711, .reason = "incident", .actor = "ann"};
    assert_false(pause_begin(fixture->connection, &nowhere, &stopped, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_false(pause_end(fixture->connection, 0, "ann", &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_done(pause_list(fixture->connection, fixture->arena, &pauses, &error), &error);
    assert_int_equal(pauses.count, 0);
}

static void
a_pause_that_is_repeated_takes_the_place_of_the_one_in_force(void **state)
{
    StoreFixture *fixture = *state;
    int64_t shop = target_new(fixture, "shop");
    Pauses pauses;
    Error error = {0};
    paused(fixture, &(PauseOrder){.reason = "first", .actor = "ann", .stops_undo = true});
    paused(fixture, &(PauseOrder){.target_id = shop, .reason = "its own", .actor = "ann"});
    paused(fixture, &(PauseOrder){.reason = "second", .actor = "bob"});
    assert_done(pause_list(fixture->connection, fixture->arena, &pauses, &error), &error);
    assert_int_equal(pauses.count, 2);
    assert_true(pauses.items[0].target_id == 0 && pauses.items[0].target_name == NULL);
    assert_string_equal(pauses.items[0].reason, "second; before, by ann: first");
    assert_string_equal(pauses.items[0].paused_by, "bob");
    assert_true(pauses.items[0].stops_undo); /* it is no weaker than the one before, which is kept */
    assert_string_equal(store_fixture_value(fixture, "SELECT reason || ' ' || resumed_by FROM fettle.pauses "
                                                     "WHERE resumed_at IS NOT NULL"),
                        "first bob");
    assert_string_equal(pauses.items[1].target_name, "shop");
    /* that of all ends by itself, and leaves the target's */
    assert_done(pause_end(fixture->connection, 0, "ann", &error), &error);
    assert_begins(fixture, shop, false, false);
}

static void
only_the_refusal_of_a_pause_is_taken_for_one(void **state)
{
    (void)state;
    Error refusal = {.code = ERROR_QUERY, .sqlstate = "55000"};
    Error other = {.code = ERROR_QUERY, .sqlstate = "23505"};
    assert_true(pause_refusal_take(&refusal));
    assert_int_equal(refusal.code, ERROR_CONFLICT);
    assert_false(pause_refusal_take(&other));
    assert_int_equal(other.code, ERROR_QUERY);
}

static int
clear(void **state)
{
    StoreFixture *fixture;
    Error error = {0};
    if (store_fixture_clear(state) != 0)
        return -1;
    fixture = *state;
    return pg_execute(fixture->connection, "DELETE FROM fettle.pauses", &error) ? 0 : -1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_paused_target_is_not_changed_and_the_refusal_says_by_whom_and_why, clear),
        cmocka_unit_test_setup(undoing_goes_on_unless_the_pause_stops_it_too, clear),
        cmocka_unit_test_setup(what_waits_or_runs_is_asked_to_stop_unless_it_may_finish_or_undoes, clear),
        cmocka_unit_test_setup(a_change_that_was_recorded_before_a_pause_does_not_begin_within_it, clear),
        cmocka_unit_test_setup(a_change_that_may_finish_is_not_stopped_by_a_further_attempt, clear),
        cmocka_unit_test_setup(a_change_whose_moment_is_over_does_not_begin, clear),
        cmocka_unit_test_setup(a_change_whose_first_attempt_sent_nothing_has_not_started, clear),
        cmocka_unit_test_setup(
            an_undo_that_a_pause_or_the_services_end_stopped_is_tried_again_and_a_persons_is_theirs, clear),
        cmocka_unit_test_setup(a_pause_waits_for_a_change_that_is_just_being_recorded, clear),
        cmocka_unit_test_setup(a_pause_needs_a_reason_and_a_target_that_is_there, clear),
        cmocka_unit_test_setup(a_pause_that_is_repeated_takes_the_place_of_the_one_in_force, clear),
        cmocka_unit_test_setup(only_the_refusal_of_a_pause_is_taken_for_one, clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
