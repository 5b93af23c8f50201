// SPDX-License-Identifier: PostgreSQL
/* Approved for later: planned, made at its moment by a clock that the test moves, refused, expired,
 * cancelled. */
#include "evening.h"

#include "pg/result.h"
#include "store/implementation.h"
#include "store/pause.h"
#include "store/scheduled_change.h"
#include "workflow/index_run.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static ChangeScheduleReport
run_at(const Place *place, int64_t now_us)
{
    return run_with(place, NULL, now_us);
}

static void
it_is_made_in_its_window_once_and_not_before(void **state)
{
    Place place = place_of(state);
    int64_t recommendation_id = recommended(&place);
    ScheduledChange change = tonight(&place, recommendation_id);
    RankedRecommendation shown;
    Error error = {0};
    assert_done(recommendation_get(place.fixture->connection, place.arena, recommendation_id, &shown, &error),
                &error);
    assert_int_equal(shown.planned_at_us, change.from_us);
    assert_string_equal(shown.planned_moment, "window");
    ChangeScheduleReport report = run_at(&place, change.from_us - 1);
    assert_true(report.done == 0 && report.waiting == 0 && handed_over == 0);
    report = run_at(&place, change.from_us + 1);
    assert_int_equal(report.done, 1);
    assert_true(handed_over > 0);
    change = again(&place, change.id);
    assert_string_equal(change.state, "done");
    Implementation made;
    assert_done(
        implementation_get(place.fixture->connection, place.arena, change.implementation_id, &made, &error),
        &error);
    assert_int_equal(made.index_change_id, handed_over);
    assert_string_equal(made.notes, "agreed");
    assert_string_equal(change_of(&place, handed_over).performed_by, "ann");
    report = run_at(&place, change.from_us + 2);
    assert_true(report.done == 0 && handed_over == 0);
    assert_string_equal(store_fixture_value(place.fixture,
                                            "SELECT action || ' ' || (details ->> 'requested_by') FROM "
                                            "fettle.audit_log ORDER BY id DESC LIMIT 1"),
                        "recommendation.implement ann");
}

static void
a_window_that_was_missed_is_followed_by_the_next_one(void **state)
{
    Place place = place_of(state);
    ScheduledChange change = tonight(&place, recommended(&place));
    ChangeScheduleReport report = run_at(&place, change.to_us + HOUR_US);
    assert_true(report.waiting == 1 && report.done == 0 && handed_over == 0);
    assert_int_equal(again(&place, change.id).from_us, change.from_us + DAY_US);
    /* a window that was moved since holds, not the one of the approval */
    window_set(&place, "daily 03:00-04:00");
    report = run_at(&place, change.from_us + DAY_US + 1);
    assert_true(report.waiting == 1 && handed_over == 0);
    assert_int_equal(again(&place, change.id).from_us, noon_us() + 15 * HOUR_US + DAY_US);
}

static void
what_does_not_apply_any_more_is_refused_with_the_reason(void **state)
{
    Place place = place_of(state);
    ScheduledChange change = tonight(&place, recommended(&place));
    run_sql(&place, "DROP TABLE own.t");
    ChangeScheduleReport report = run_at(&place, change.from_us + 1);
    assert_true(report.ended == 1 && handed_over == 0);
    change = again(&place, change.id);
    assert_string_equal(change.state, "refused");
    assert_non_null(strstr(change.message, "does not apply any more"));
    assert_string_equal(
        store_fixture_value(place.fixture, "SELECT action FROM fettle.audit_log ORDER BY id DESC LIMIT 1"),
        "schedule.refused");
}

static void
another_statement_than_the_one_approved_is_not_carried_out(void **state)
{
    Place place = place_of(state);
    ScheduledChange change = tonight(&place, recommended(&place));
    run_sql(&place, "UPDATE fettle.index_recommendations SET create_statement = "
                    "'CREATE INDEX t_a ON own.t (a) WHERE a > 5'");
    (void)run_at(&place, change.from_us + 1);
    change = again(&place, change.id);
    assert_string_equal(change.state, "refused");
    assert_non_null(strstr(change.message, "another statement than the one that was approved"));
}

static void
a_recommendation_that_was_taken_away_refuses_its_change(void **state)
{
    Place place = place_of(state);
    ScheduledChange change = tonight(&place, recommended(&place));
    run_sql(&place, "DELETE FROM fettle.optimization_recommendations");
    (void)run_at(&place, change.from_us + 1);
    change = again(&place, change.id);
    assert_string_equal(change.state, "refused");
    assert_string_equal(change.text, "Create");
    assert_int_equal(change.recommendation_id, 0);
}

static void
what_only_cannot_be_done_now_waits_and_expires_in_the_end(void **state)
{
    Place place = place_of(state);
    int64_t stopped = 0;
    Error error = {0};
    PgConnection *own = place.fixture->connection;
    ScheduledChange change = tonight(&place, recommended(&place));
    assert_done(pause_begin(own, &(PauseOrder){.reason = "incident 12", .actor = "bob"}, &stopped, &error),
                &error);
    ChangeScheduleReport report = run_at(&place, change.from_us + 1);
    assert_true(report.waiting == 1 && handed_over == 0);
    assert_non_null(strstr(again(&place, change.id).message, "incident 12"));
    /* tried again within its window, not at once */
    report = run_at(&place, change.from_us + 2);
    assert_true(report.waiting == 0 && report.done == 0);
    report = run_at(&place, change.expires_us);
    assert_int_equal(report.ended, 1);
    change = again(&place, change.id);
    assert_string_equal(change.state, "expired");
    assert_non_null(strstr(change.message, "incident 12"));
    assert_done(pause_end(own, 0, "bob", &error), &error);
}

static void
a_pause_that_ends_within_the_window_delays_it_only(void **state)
{
    Place place = place_of(state);
    int64_t stopped = 0;
    Error error = {0};
    PgConnection *own = place.fixture->connection;
    ScheduledChange change = tonight(&place, recommended(&place));
    assert_done(pause_begin(own, &(PauseOrder){.reason = "x", .actor = "bob"}, &stopped, &error), &error);
    (void)run_at(&place, change.from_us + 1);
    assert_done(pause_end(own, 0, "bob", &error), &error);
    assert_int_equal(run_at(&place, change.from_us + HOUR_US / 2).done, 1);
}

static void
a_cancelled_change_is_not_made(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    int64_t target_id = 0;
    int64_t recommendation_id = recommended(&place);
    ScheduledChange change = tonight(&place, recommendation_id);
    PgConnection *own = place.fixture->connection;
    ScheduledEnd end = {.state = "cancelled", .message = "by bob"};
    assert_done(scheduled_change_end(own, change.id, &end, &target_id, &error), &error);
    assert_int_equal(target_id, place.target_id);
    assert_int_equal(run_at(&place, change.from_us + 1).done, 0);
    assert_false(scheduled_change_end(own, change.id, &end, &target_id, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    /* it can be planned anew */
    error_clear(&error);
    assert_done(open_at(&place, recommendation_id, CHANGE_IN_WINDOW, &change, &error), &error);
    assert_false(open_at(&place, recommendation_id, CHANGE_IN_WINDOW, &change, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    ScheduledChanges list;
    ScheduledFilter filter = {.target_id = place.target_id, .limit = 10};
    error_clear(&error);
    assert_done(scheduled_change_list(own, place.arena, &filter, &list, &error), &error);
    assert_int_equal(list.count, 2);
    filter.state = "cancelled";
    assert_done(scheduled_change_list(own, place.arena, &filter, &list, &error), &error);
    assert_int_equal(list.count, 1);
}

static void
without_a_window_or_a_forecast_nothing_can_be_planned(void **state)
{
    Place place = place_of(state);
    ScheduledChange change = {0};
    Error error = {0};
    int64_t recommendation_id = recommended(&place);
    window_set(&place, NULL);
    assert_false(open_at(&place, recommendation_id, CHANGE_IN_WINDOW, &change, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    error_clear(&error);
    assert_false(open_at(&place, recommendation_id, CHANGE_WHEN_QUIET, &change, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_non_null(strstr(error.message, "cannot be forecast"));
    RecommendationApply by_hand = {.recommendation = {.target_id = place.target_id}};
    ChangeScheduleOrder order = {.moment = CHANGE_IN_WINDOW, .now_us = noon_us(), .requested_by = "ann"};
    assert_false(change_schedule_open(&place.manager, place.arena, &by_hand, &order, &change, &error));
    assert_int_equal(error.code, ERROR_UNSUPPORTED);
}

/* One that was approved for tonight, and handed over when its window opened. */
static ScheduledChange
handed_over_tonight(const Place *place)
{
    ScheduledChange change = tonight(place, recommended(place));
    assert_int_equal(run_at(place, change.from_us + 1).done, 1);
    assert_string_equal(again(place, change.id).state, "done");
    return change;
}

static void
assert_waits_again(const Place *place, const ScheduledChange *before, const char *message)
{
    ScheduledChange change = again(place, before->id);
    assert_string_equal(change.state, "waiting");
    assert_non_null(strstr(change.message, message));
    assert_int_equal(change.implementation_id, 0);
    assert_false(exists(place, "t_a"));
    /* it is not lost: made in the next window, as a change of its own */
    assert_int_equal(run_at(place, before->from_us + DAY_US).done, 1);
}

static void
a_change_whose_turn_comes_after_its_window_waits_for_the_next_one(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    ScheduledChange change = handed_over_tonight(&place);
    assert_string_equal(store_fixture_value(place.fixture,
                                            "SELECT to_char(begin_before AT TIME ZONE 'UTC', 'HH24:MI') FROM "
                                            "fettle.index_changes"),
                        "23:00");
    run_sql(&place, "UPDATE fettle.index_changes SET begin_before = now()");
    assert_done(index_run(&place.manager, handed_over, &error), &error);
    assert_waits_again(&place, &change, "its moment was over before its turn came");
}

static void
a_change_that_a_pause_stopped_waits_on_and_one_that_a_person_cancelled_does_not(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    int64_t stopped = 0;
    PgConnection *own = place.fixture->connection;
    ScheduledChange change = handed_over_tonight(&place);
    assert_done(pause_begin(own, &(PauseOrder){.reason = "x", .actor = "bob"}, &stopped, &error), &error);
    assert_done(index_run(&place.manager, handed_over, &error), &error);
    assert_done(pause_end(own, 0, "bob", &error), &error);
    assert_waits_again(&place, &change, "a pause stopped it");
    assert_done(index_change_cancel(own, handed_over, &error), &error);
    assert_done(index_run(&place.manager, handed_over, &error), &error);
    assert_string_equal(again(&place, change.id).state, "done");
    assert_string_equal(change_of(&place, handed_over).state, "cancelled");
}

static void
what_no_thread_takes_waits_on(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    ChangeScheduleReport report;
    ScheduledChange change = tonight(&place, recommended(&place));
    ChangeScheduleOptions options = {.store = place.fixture->store,
                                     .settings = place.fixture->settings,
                                     .carry_out = hand_over,
                                     .context = &change};
    assert_done(change_schedule_run(&options, change.from_us + 1, &report, &error), &error);
    assert_true(report.done == 0 && report.waiting == 1 && report.is_awaited);
    assert_waits_again(&place, &change, "no thread was free");
}

static bool
stops(void *context)
{
    return context != NULL;
}

static void
a_service_that_stops_begins_nothing(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    ChangeScheduleReport report;
    ScheduledChange change = tonight(&place, recommended(&place));
    ChangeScheduleOptions options = {.store = place.fixture->store,
                                     .settings = place.fixture->settings,
                                     .is_stopping = stops,
                                     .stop_context = &change};
    assert_done(change_schedule_run(&options, change.from_us + 1, &report, &error), &error);
    assert_true(report.done == 0 && report.waiting == 0);
    assert_string_equal(again(&place, change.id).state, "waiting");
    options.stop_context = NULL;
    assert_done(change_schedule_run(&options, change.from_us + 1, &report, &error), &error);
    assert_int_equal(report.done, 1);
    /* with nothing that waits there is nothing to come back for */
    assert_done(change_schedule_run(&options, change.from_us + 2, &report, &error), &error);
    assert_false(report.is_awaited);
}

static void
a_class_that_became_advise_refuses_what_was_approved_before(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    ScheduledChange change = tonight(&place, recommended(&place));
    assert_done(settings_set(place.fixture->settings, "approval.create_index", "advise", &error), &error);
    assert_int_equal(run_at(&place, change.from_us + 1).ended, 1);
    assert_done(settings_set(place.fixture->settings, "approval.create_index", "", &error), &error);
    change = again(&place, change.id);
    assert_string_equal(change.state, "refused");
    assert_non_null(strstr(change.message, "only advised"));
}

static void
a_disabled_target_is_not_changed_by_an_earlier_approval(void **state)
{
    Place place = place_of(state);
    ScheduledChange change = tonight(&place, recommended(&place));
    run_sql(&place, "UPDATE fettle.targets SET enabled = false");
    ChangeScheduleReport report = run_at(&place, change.from_us + 1);
    assert_true(report.waiting == 1 && handed_over == 0);
    assert_non_null(strstr(again(&place, change.id).message, "the target is disabled"));
    run_sql(&place, "UPDATE fettle.targets SET enabled = true");
    assert_int_equal(run_at(&place, change.from_us + HOUR_US / 2).done, 1);
}

/* A kill around the COMMIT leaves both or neither, for they are one transaction. */
static void
a_change_and_its_audit_line_are_recorded_together_or_not_at_all(void **state)
{
    Place place = place_of(state);
    ScheduledChange change = tonight(&place, recommended(&place));
    run_sql(&place, "ALTER TABLE fettle.audit_log ADD CONSTRAINT no_line CHECK (action NOT IN "
                    "('recommendation.implement', 'schedule.expired')) NOT VALID");
    ChangeScheduleReport report = run_at(&place, change.from_us + 1);
    assert_true(report.done == 0 && report.waiting == 1 && handed_over == 0);
    assert_string_equal(store_fixture_value(place.fixture, "SELECT count(*) FROM fettle.index_changes"), "0");
    assert_string_equal(
        store_fixture_value(place.fixture, "SELECT count(*) FROM fettle.optimization_implementations"), "0");
    Error error = {0};
    ChangeScheduleOptions options = {.store = place.fixture->store, .settings = place.fixture->settings};
    assert_false(change_schedule_run(&options, change.expires_us, &report, &error));
    assert_string_equal(again(&place, change.id).state, "waiting");
    run_sql(&place, "ALTER TABLE fettle.audit_log DROP CONSTRAINT no_line");
    assert_int_equal(run_at(&place, change.from_us + HOUR_US / 2).done, 1);
}

typedef struct Runner {
    const Place *place;
    int64_t now_us;
    pthread_barrier_t *start;
    ChangeScheduleReport report;
    bool is_good;
} Runner;

static atomic_int handovers;

static bool
count_handover(void *context, int64_t change_id)
{
    (void)context;
    (void)change_id;
    atomic_fetch_add(&handovers, 1);
    return true;
}

static void *
runner_run(void *argument)
{
    Runner *runner = argument;
    Error error = {0};
    ChangeScheduleOptions options = {.store = runner->place->fixture->store,
                                     .settings = runner->place->fixture->settings,
                                     .carry_out = count_handover};
    (void)pthread_barrier_wait(runner->start);
    runner->is_good = change_schedule_run(&options, runner->now_us, &runner->report, &error);
    return NULL;
}

static void
two_runners_at_once_make_it_once(void **state)
{
    Place place = place_of(state);
    pthread_barrier_t start;
    pthread_t threads[2];
    ScheduledChange change = tonight(&place, recommended(&place));
    Runner runners[2];
    atomic_store(&handovers, 0);
    assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
    for (int i = 0; i < 2; i++) {
        runners[i] = (Runner){.place = &place, .now_us = change.from_us + 1, .start = &start};
        assert_int_equal(pthread_create(&threads[i], NULL, runner_run, &runners[i]), 0);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    (void)pthread_barrier_destroy(&start);
    assert_true(runners[0].is_good && runners[1].is_good);
    assert_int_equal(runners[0].report.done + runners[1].report.done, 1);
    assert_int_equal(atomic_load(&handovers), 1);
    assert_string_equal(again(&place, change.id).state, "done");
    assert_string_equal(store_fixture_value(place.fixture, "SELECT count(*) FROM fettle.index_changes"), "1");
    const char *form = "SELECT count(*) FROM fettle.audit_log WHERE action = 'recommendation.implement' AND "
                       "details ->> 'scheduled_change_id' = '%lld' AND at > now() - interval '1 minute'";
    assert_string_equal(
        store_fixture_value(place.fixture, arena_printf(place.arena, form, (long long)change.id)), "1");
}

static void
a_change_is_planned_for_the_quietest_hours_of_the_forecast_and_made_then(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    ScheduledChange change = {0};
    const char *form =
        "INSERT INTO fettle.metrics_pg_stats_query (target_id, collected_at, interval_seconds, "
        "database_name, query_hash, query_text, calls, mean_exec_time_ms, \"rows\") "
        "SELECT %lld, at, 3600, 'shop', 1, 'SELECT 1', CASE WHEN extract(hour FROM at AT TIME "
        "ZONE 'UTC') IN (4, 5) THEN 10 ELSE 1000 END, 10, 1 FROM generate_series(timestamptz "
        "'epoch' + %lld * interval '1 s', timestamptz 'epoch' + %lld * interval '1 s', "
        "interval '1 hour') at";
    long long noon_seconds = (long long)(noon_us() / 1000000);
    run_sql(&place, arena_printf(place.arena, form, (long long)place.target_id,
                                 noon_seconds - 21 * 24 * 3600LL, noon_seconds));
    assert_done(open_at(&place, recommended(&place), CHANGE_WHEN_QUIET, &change, &error), &error);
    assert_int_equal(change.from_us, noon_us() + 16 * HOUR_US);
    assert_int_equal(change.to_us, noon_us() + 18 * HOUR_US);
    assert_string_equal(change.moment, "quiet");
    assert_int_equal(run_at(&place, change.from_us - 1).done, 0);
    assert_int_equal(run_at(&place, change.from_us + 1).done, 1);
}

static void
an_earlier_window_is_noticed(void **state)
{
    Place place = place_of(state);
    ScheduledChange change = tonight(&place, recommended(&place));
    run_sql(&place, "UPDATE fettle.scheduled_changes SET planned_from = planned_from + interval '3 days', "
                    "planned_to = planned_to + interval '3 days'");
    window_set(&place, "daily 14:00-15:00");
    assert_int_equal(run_at(&place, noon_us() + DAY_US).waiting, 1);
    assert_int_equal(again(&place, change.id).from_us, noon_us() + DAY_US + 2 * HOUR_US);
}

static void
a_moment_after_the_expiry_is_waited_for(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    assert_done(settings_set(place.fixture->settings, "approval.expiry", "1h", &error), &error);
    ScheduledChange change = tonight(&place, recommended(&place));
    assert_done(settings_set(place.fixture->settings, "approval.expiry", "7d", &error), &error);
    assert_int_equal(change.expires_us, change.to_us);
    assert_int_equal(run_at(&place, change.from_us + 1).done, 1);
}

static void
a_window_whose_zone_is_not_known_any_more_is_closed_and_said(void **state)
{
    Place place = place_of(state);
    ScheduledChange change = tonight(&place, recommended(&place));
    run_sql(&place, "UPDATE fettle.change_policies SET windows = '{daily 22:00-23:00 Europe/Atlantis}'");
    assert_int_equal(run_at(&place, change.from_us + 1).waiting, 1);
    assert_non_null(strstr(again(&place, change.id).message, "Europe/Atlantis"));
}

static void
the_figures_of_what_waits_are_bounded_and_not_in_lists(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    PgConnection *own = place.fixture->connection;
    ScheduledChange change = {.target_id = place.target_id,
                              .recommendation_id = recommended(&place),
                              .text = "Create",
                              .moment = "quiet",
                              .from_us = 1,
                              .to_us = 2,
                              .expires_us = 3,
                              .sql = "x",
                              .pre_stats = "{\"mean\": 1}",
                              .requested_by = "ann"};
    ScheduledChanges list;
    ScheduledFilter filter = {.limit = 10};
    bool is_awaited = false;
    assert_done(scheduled_change_open(own, &change, &change.id, &error), &error);
    assert_done(scheduled_change_is_awaited(own, &is_awaited, &error), &error);
    assert_true(is_awaited);
    assert_done(scheduled_change_list(own, place.arena, &filter, &list, &error), &error);
    assert_true(list.count == 1 && list.items[0].pre_stats == NULL);
    assert_string_equal(again(&place, change.id).pre_stats, "{\"mean\": 1}");
    char *long_text = arena_strdup(place.arena, arena_printf(place.arena, "%70000d", 1));
    change.pre_stats = long_text;
    assert_false(scheduled_change_open(own, &change, &change.id, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    /* what ended long ago goes */
    error_clear(&error);
    run_sql(&place, "UPDATE fettle.scheduled_changes SET state = 'expired', ended_at = now() - interval '2 "
                    "days'");
    assert_done(scheduled_change_expire(own, INT64_C(3) * DAY_US / 1000, &error), &error);
    assert_done(scheduled_change_list(own, place.arena, &filter, &list, &error), &error);
    assert_int_equal(list.count, 1);
    assert_done(scheduled_change_expire(own, DAY_US / 1000, &error), &error);
    assert_done(scheduled_change_list(own, place.arena, &filter, &list, &error), &error);
    assert_int_equal(list.count, 0);
    assert_done(scheduled_change_is_awaited(own, &is_awaited, &error), &error);
    assert_false(is_awaited);
}

static void
a_quiet_time_outside_of_the_targets_windows_is_not_used(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    int64_t recommendation_id = recommended(&place);
    ScheduledChange planned = tonight(&place, recommendation_id);
    ScheduledEnd end = {.state = "cancelled"};
    PgConnection *own = place.fixture->connection;
    assert_done(scheduled_change_end(own, planned.id, &end, &place.target_id, &error), &error);
    ScheduledChange change = {.target_id = place.target_id,
                              .recommendation_id = recommendation_id,
                              .text = "Create",
                              .moment = "quiet",
                              .from_us = noon_us(),
                              .to_us = noon_us() + 2 * HOUR_US,
                              .expires_us = noon_us() + 2 * DAY_US,
                              .sql = planned.sql,
                              .requested_by = "ann"};
    assert_done(scheduled_change_open(own, &change, &change.id, &error), &error);
    assert_int_equal(run_at(&place, noon_us() + 1).done, 0);
    assert_done(scheduled_change_move(own, change.id, noon_us(), noon_us() + 2 * HOUR_US, NULL, &error),
                &error);
    window_set(&place, "daily 11:00-13:00");
    assert_int_equal(run_at(&place, noon_us() + 1).done, 1);
}

static void
a_quiet_time_that_passed_without_a_forecast_says_why_it_waits(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    ScheduledChange change = {.target_id = place.target_id,
                              .recommendation_id = recommended(&place),
                              .text = "Create",
                              .moment = "quiet",
                              .from_us = noon_us() - 3 * HOUR_US,
                              .to_us = noon_us() - HOUR_US,
                              .expires_us = noon_us() + DAY_US,
                              .sql = "x",
                              .requested_by = "ann"};
    assert_done(scheduled_change_open(place.fixture->connection, &change, &change.id, &error), &error);
    assert_int_equal(run_at(&place, noon_us()).waiting, 1);
    change = again(&place, change.id);
    assert_non_null(strstr(change.message, "cannot be forecast"));
    /* the run's clock goes on while it runs */
    assert_in_range(change.from_us, noon_us() + HOUR_US, noon_us() + 2 * HOUR_US - 1);
    assert_done(scheduled_change_move(place.fixture->connection, change.id, 1, 2, NULL, &error), &error);
    assert_null(again(&place, change.id).message);
}

static void
moments_have_words(void **state)
{
    (void)state;
    ChangeMoment moment = CHANGE_NOW;
    assert_true(change_moment_parse("window", &moment) && moment == CHANGE_IN_WINDOW);
    assert_true(change_moment_parse("quiet", &moment) && moment == CHANGE_WHEN_QUIET);
    assert_true(change_moment_parse("now", &moment) && moment == CHANGE_NOW);
    assert_false(change_moment_parse("soon", &moment));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_is_made_in_its_window_once_and_not_before, store_fixture_clear),
        cmocka_unit_test_setup(a_window_that_was_missed_is_followed_by_the_next_one, store_fixture_clear),
        cmocka_unit_test_setup(what_does_not_apply_any_more_is_refused_with_the_reason, store_fixture_clear),
        cmocka_unit_test_setup(another_statement_than_the_one_approved_is_not_carried_out,
                               store_fixture_clear),
        cmocka_unit_test_setup(a_recommendation_that_was_taken_away_refuses_its_change, store_fixture_clear),
        cmocka_unit_test_setup(what_only_cannot_be_done_now_waits_and_expires_in_the_end,
                               store_fixture_clear),
        cmocka_unit_test_setup(a_pause_that_ends_within_the_window_delays_it_only, store_fixture_clear),
        cmocka_unit_test_setup(a_cancelled_change_is_not_made, store_fixture_clear),
        cmocka_unit_test_setup(without_a_window_or_a_forecast_nothing_can_be_planned, store_fixture_clear),
        cmocka_unit_test_setup(a_quiet_time_that_passed_without_a_forecast_says_why_it_waits,
                               store_fixture_clear),
        cmocka_unit_test_setup(a_change_whose_turn_comes_after_its_window_waits_for_the_next_one,
                               store_fixture_clear),
        cmocka_unit_test_setup(
            a_change_that_a_pause_stopped_waits_on_and_one_that_a_person_cancelled_does_not,
            store_fixture_clear),
        cmocka_unit_test_setup(what_no_thread_takes_waits_on, store_fixture_clear),
        cmocka_unit_test_setup(a_service_that_stops_begins_nothing, store_fixture_clear),
        cmocka_unit_test_setup(a_class_that_became_advise_refuses_what_was_approved_before,
                               store_fixture_clear),
        cmocka_unit_test_setup(a_disabled_target_is_not_changed_by_an_earlier_approval, store_fixture_clear),
        cmocka_unit_test_setup(a_change_and_its_audit_line_are_recorded_together_or_not_at_all,
                               store_fixture_clear),
        cmocka_unit_test_setup(two_runners_at_once_make_it_once, store_fixture_clear),
        cmocka_unit_test_setup(a_change_is_planned_for_the_quietest_hours_of_the_forecast_and_made_then,
                               store_fixture_clear),
        cmocka_unit_test_setup(an_earlier_window_is_noticed, store_fixture_clear),
        cmocka_unit_test_setup(a_moment_after_the_expiry_is_waited_for, store_fixture_clear),
        cmocka_unit_test_setup(a_window_whose_zone_is_not_known_any_more_is_closed_and_said,
                               store_fixture_clear),
        cmocka_unit_test_setup(the_figures_of_what_waits_are_bounded_and_not_in_lists, store_fixture_clear),
        cmocka_unit_test_setup(a_quiet_time_outside_of_the_targets_windows_is_not_used, store_fixture_clear),
        cmocka_unit_test(moments_have_words),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
