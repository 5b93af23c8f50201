// SPDX-License-Identifier: PostgreSQL
/* Targets that are away when a change's moment comes: asked less and less often, and no longer than that
 * holds. */
#include "evening.h"

#include <stdlib.h>
#include <string.h>

static void
a_target_that_is_away_delays_its_changes_and_is_asked_once(void **state)
{
    Place place = place_of(state);
    ScheduledChange change = tonight(&place, recommended(&place));
    run_sql(&place, "UPDATE fettle.targets SET conninfo = 'host=/nonexistent dbname=x'");
    ChangeScheduleReport report = run_with(&place, NULL, change.from_us + 1);
    assert_true(report.waiting == 1 && report.ended == 0);
    change = again(&place, change.id);
    assert_string_equal(change.state, "waiting");
    assert_non_null(change.message);
}

static void
a_target_that_is_away_is_asked_less_often_from_run_to_run_and_made_when_it_is_back(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    ChangeScheduleMemory memory = {0};
    ScheduledChange change = tonight(&place, recommended(&place));
    const char *there =
        store_fixture_value(place.fixture, "SELECT quote_literal(conninfo) FROM fettle.targets");
    run_sql(&place, "UPDATE fettle.targets SET conninfo = 'host=/nonexistent dbname=x'");
    assert_int_equal(run_with(&place, &memory, change.from_us + 1).waiting, 1);
    assert_true(memory.away[0].target_id == place.target_id && memory.away[0].times == 1);
    int64_t until_us = memory.away[0].until_us;
    /* in its second moment it is back, but is not asked before its time */
    run_sql(&place, arena_printf(place.arena, "UPDATE fettle.targets SET conninfo = %s", there));
    assert_done(scheduled_change_move(place.fixture->connection, change.id, change.from_us, change.to_us,
                                      NULL, &error),
                &error);
    ChangeScheduleReport report = run_with(&place, &memory, change.from_us + 2);
    assert_true(report.waiting == 1 && handed_over == 0);
    assert_non_null(strstr(again(&place, change.id).message, "nonexistent"));
    /* still away when it is asked again: twice as long */
    run_sql(&place, "UPDATE fettle.targets SET conninfo = 'host=/nonexistent dbname=x'");
    /* the run before may have come to it some milliseconds later than the first did */
    assert_int_equal(run_with(&place, &memory, until_us + 60 * INT64_C(1000000)).waiting, 1);
    assert_int_equal(memory.away[0].times, 2);
    assert_true(memory.away[0].until_us - until_us > INT64_C(600) * 1000000);
    run_sql(&place, arena_printf(place.arena, "UPDATE fettle.targets SET conninfo = %s", there));
    assert_int_equal(run_with(&place, &memory, memory.away[0].until_us + 1).done, 1);
    assert_int_equal(memory.away[0].target_id, 0);
}

/* Away by what is remembered of it; its address is right again by now. */
static ChangeScheduleMemory
away_memory(const Place *place, int64_t until_us, int64_t revision)
{
    ChangeScheduleMemory memory = {0};
    memory.away[0] = (ChangeScheduleAway){.target_id = place->target_id,
                                          .revision = revision,
                                          .until_us = until_us,
                                          .times = 3,
                                          .message = "it was away"};
    return memory;
}

static int64_t
revision_of(const Place *place)
{
    return strtoll(store_fixture_value(place->fixture, "SELECT revision FROM fettle.targets"), NULL, 10);
}

static void
what_is_known_of_a_target_that_was_away_ends_with_a_change_of_it(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    ScheduledChange change = tonight(&place, recommended(&place));
    int64_t now_us = change.from_us + 1;
    ChangeScheduleMemory memory = away_memory(&place, now_us + HOUR_US / 6, revision_of(&place));
    assert_int_equal(run_with(&place, &memory, now_us).waiting, 1);
    assert_string_equal(again(&place, change.id).message, "it was away");
    run_sql(&place, "UPDATE fettle.targets SET revision = revision + 1");
    assert_done(scheduled_change_move(place.fixture->connection, change.id, change.from_us, change.to_us,
                                      NULL, &error),
                &error);
    assert_int_equal(run_with(&place, &memory, now_us + 1).done, 1);
    assert_int_equal(memory.away[0].target_id, 0);
}

static void
a_clock_that_was_set_back_holds_nothing_back(void **state)
{
    Place place = place_of(state);
    ScheduledChange change = tonight(&place, recommended(&place));
    ChangeScheduleMemory memory = away_memory(&place, change.from_us + HOUR_US, revision_of(&place));
    assert_int_equal(run_with(&place, &memory, change.from_us + 1).done, 1);
    assert_int_equal(memory.away[0].target_id, 0);
}

static void
a_target_that_is_away_again_after_a_while_is_asked_again_as_soon_as_the_first_time(void **state)
{
    Place place = place_of(state);
    ScheduledChange change = tonight(&place, recommended(&place));
    int64_t now_us = change.from_us + 1;
    ChangeScheduleMemory memory = away_memory(&place, now_us - HOUR_US / 3, revision_of(&place));
    run_sql(&place, "UPDATE fettle.targets SET conninfo = 'host=/nonexistent dbname=x'");
    assert_int_equal(run_with(&place, &memory, now_us).waiting, 1);
    assert_true(memory.away[0].times == 1 && memory.away[0].target_id == place.target_id);
}

static void
a_target_that_answers_with_a_refusal_is_not_away(void **state)
{
    Place place = place_of(state);
    ScheduledChange change = tonight(&place, recommended(&place));
    ChangeScheduleMemory memory = away_memory(&place, change.from_us, revision_of(&place));
    run_sql(&place, "DROP TABLE own.t");
    assert_int_equal(run_with(&place, &memory, change.from_us + 1).ended, 1);
    assert_int_equal(memory.away[0].target_id, 0);
}

static void
a_store_that_is_late_does_not_make_its_targets_away(void **state)
{
    Place place = place_of(state);
    ChangeScheduleMemory memory = {0};
    ScheduledChange change = tonight(&place, recommended(&place));
    run_sql(&place,
            "ALTER TABLE fettle.index_recommendations RENAME TO kept;"
            "CREATE FUNCTION fettle.late() RETURNS SETOF fettle.kept LANGUAGE plpgsql AS $$ BEGIN RAISE "
            "EXCEPTION 'the store is late' USING ERRCODE = '57014'; END $$;"
            "CREATE VIEW fettle.index_recommendations AS SELECT * FROM fettle.late()");
    assert_int_equal(run_with(&place, &memory, change.from_us + 1).waiting, 1);
    run_sql(&place, "DROP VIEW fettle.index_recommendations; DROP FUNCTION fettle.late();"
                    "ALTER TABLE fettle.kept RENAME TO index_recommendations");
    assert_non_null(strstr(again(&place, change.id).message, "the store is late"));
    assert_int_equal(memory.away[0].target_id, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_target_that_is_away_delays_its_changes_and_is_asked_once,
                               store_fixture_clear),
        cmocka_unit_test_setup(
            a_target_that_is_away_is_asked_less_often_from_run_to_run_and_made_when_it_is_back,
            store_fixture_clear),
        cmocka_unit_test_setup(what_is_known_of_a_target_that_was_away_ends_with_a_change_of_it,
                               store_fixture_clear),
        cmocka_unit_test_setup(a_clock_that_was_set_back_holds_nothing_back, store_fixture_clear),
        cmocka_unit_test_setup(
            a_target_that_is_away_again_after_a_while_is_asked_again_as_soon_as_the_first_time,
            store_fixture_clear),
        cmocka_unit_test_setup(a_target_that_answers_with_a_refusal_is_not_away, store_fixture_clear),
        cmocka_unit_test_setup(a_store_that_is_late_does_not_make_its_targets_away, store_fixture_clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
