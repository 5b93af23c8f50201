// SPDX-License-Identifier: PostgreSQL
/* The schedule over a real store; its targets are of the store's own cluster, or dead. */
#include "../store/fixture.h"

#include "jobs/plans.h"
#include "jobs/schedule_internal.h"
#include "pg/result.h"
#include "server/figures.h"
#include "store/target.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIT_MS 60000

/* One schedule over the fixture's store. */
typedef struct Bench {
    StoreFixture *fixture;
    SettingsHolder *settings;
    Schedule *schedule;
} Bench;

static Bench
bench_open(StoreFixture *fixture)
{
    Bench bench = {.fixture = fixture};
    Error error = {0};
    Arena *arena = arena_new("settings", 1 << 20);
    Settings *settings = settings_new(arena);
    assert_done(settings_set(settings, "data.directory", fixture->directory, &error), &error);
    assert_done(settings_set(settings, "collect.interval", "1s", &error), &error);
    bench.settings = settings_holder_new(arena, settings);
    ScheduleOptions options = {.store = fixture->store, .settings = bench.settings, .holder = "test:1"};
    assert_done(schedule_new(&options, &bench.schedule, &error), &error);
    return bench;
}

static void
bench_close(Bench *bench)
{
    size_t unwritten = 0;
    assert_true(schedule_stop(bench->schedule, deadline_after_ms(WAIT_MS), &unwritten));
    assert_int_equal(unwritten, 0);
    store_lease_release(bench->fixture->store);
    settings_holder_free(bench->settings);
}

static int64_t
target_add(StoreFixture *fixture, const char *name, const char *dsn)
{
    Error error = {0};
    int64_t id = 0;
    TargetChange change = {.name = name, .dsn = dsn, .enabled = -1, .interval_ms = -1};
    assert_done(target_create(fixture->store, fixture->connection, &change, &id, &error), &error);
    return id;
}

typedef bool Condition(const ScheduleState *state);

static bool
has_one_target(const ScheduleState *state)
{
    return state->targets == 1;
}

static bool
has_two_targets(const ScheduleState *state)
{
    return state->targets == 2;
}

static bool
has_no_target(const ScheduleState *state)
{
    return state->targets == 0;
}

static bool
has_failed(const ScheduleState *state)
{
    return state->targets_failing == 1 && state->rounds_failed > 0;
}

static bool
has_no_lease(const ScheduleState *state)
{
    return state->store == STORE_STATE_NO_LEASE;
}

static bool
is_well(const ScheduleState *state)
{
    return state->store == STORE_STATE_OK;
}

/* Ticks as the main thread does until the condition holds. */
static void
tick_until(Bench *bench, Condition *condition, const char *what)
{
    Deadline deadline = deadline_after_ms(WAIT_MS);
    ScheduleState state = schedule_state(bench->schedule);
    while (!condition(&state)) {
        if (deadline_left_ms(deadline) <= 0)
            fail_msg("waited in vain: %s (%s)", what, state.store_reason);
        int wait_ms = schedule_tick(bench->schedule);
        assert_in_range(wait_ms, 1, 100);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        state = schedule_state(bench->schedule);
    }
}

static void
each_state_of_the_store_has_a_word_of_its_own(void **state)
{
    (void)state;
    static const StoreState states[] = {STORE_STATE_OK, STORE_STATE_NO_LEASE, STORE_STATE_DOWN,
                                        STORE_STATE_FULL};
    static const char *const words[] = {"ok", "no_lease", "down", "full"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(states); i++)
        assert_string_equal(store_state_word(states[i]), words[i]);
}

static void
a_new_schedule_has_done_nothing_and_stops_at_once(void **state)
{
    Bench bench = bench_open(*state);
    ScheduleState found = schedule_state(bench.schedule);
    assert_int_equal(found.store, STORE_STATE_OK);
    assert_true(found.targets == 0 && found.rounds == 0 && found.samples == 0 && found.queue_waiting == 0);
    assert_string_equal(found.store_reason, "");
    bench_close(&bench);
    size_t unwritten = 7;
    assert_true(schedule_stop(NULL, deadline_after_ms(1), &unwritten));
    assert_int_equal(unwritten, 0);
}

static void
targets_that_are_added_disabled_and_removed_are_seen_when_told(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    Bench bench = bench_open(fixture);
    int64_t first = target_add(fixture, "first", "host=/nowhere");
    tick_until(&bench, has_one_target, "the first target");
    int64_t second = target_add(fixture, "second", "host=/nowhere");
    schedule_targets_changed(bench.schedule);
    tick_until(&bench, has_two_targets, "the second target");
    TargetChange change = {.enabled = 0, .interval_ms = -1};
    assert_done(target_update(fixture->store, fixture->connection, second, &change, &error), &error);
    schedule_targets_changed(bench.schedule);
    tick_until(&bench, has_one_target, "the second target's end");
    assert_done(target_delete(fixture->connection, first, &error), &error);
    schedule_targets_changed(bench.schedule);
    tick_until(&bench, has_no_target, "the first target's end");
    bench_close(&bench);
}

static void
a_change_told_while_the_targets_are_read_has_them_read_again_at_once(void **state)
{
    Bench bench = bench_open(*state);
    UpkeepTask *task = &bench.schedule->tasks[UPKEEP_TARGETS];
    /* handed out as a tick does; its reading may be over when the change is told, its end is not */
    task->is_busy = true;
    schedule_targets_changed(bench.schedule);
    upkeep_run(task);
    assert_false(task->is_busy);
    assert_true(task->due_ms <= clock_monotonic_ms());
    task->is_busy = true;
    task->is_wanted = false;
    upkeep_run(task);
    assert_true(task->due_ms > clock_monotonic_ms());
    bench_close(&bench);
}

static bool
are_results_at_rest(Schedule *schedule)
{
    UpkeepTask *lease = &schedule->tasks[UPKEEP_LEASE];
    const UpkeepTask *results = &schedule->tasks[UPKEEP_RESULTS];
    pthread_mutex_lock(&schedule->mutex);
    bool are_at_rest = !lease->is_busy && !results->is_busy && results->changes == schedule->changes;
    /* from now on nobody asks what was written */
    lease->is_busy = are_at_rest;
    pthread_mutex_unlock(&schedule->mutex);
    return are_at_rest;
}

/* Whether a tick hands the results out, that are due; waits for their end. */
static bool
are_results_handed_out(Schedule *schedule)
{
    UpkeepTask *results = &schedule->tasks[UPKEEP_RESULTS];
    pthread_mutex_lock(&schedule->mutex);
    results->due_ms = 0;
    pthread_mutex_unlock(&schedule->mutex);
    (void)schedule_tick(schedule);
    bool is_busy = true;
    bool was_busy = false;
    while (is_busy) {
        pthread_mutex_lock(&schedule->mutex);
        is_busy = results->is_busy;
        was_busy = was_busy || is_busy || results->due_ms != 0;
        pthread_mutex_unlock(&schedule->mutex);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return was_busy;
}

static void
what_only_a_write_can_bring_about_is_not_looked_for_while_nothing_is_written(void **state)
{
    Bench bench = bench_open(*state);
    Schedule *schedule = bench.schedule;
    UpkeepTask *results = &schedule->tasks[UPKEEP_RESULTS];
    Deadline deadline = deadline_after_ms(WAIT_MS);
    while (!are_results_at_rest(schedule)) {
        assert_false(deadline_passed(deadline));
        (void)schedule_tick(schedule);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    assert_false(are_results_handed_out(schedule));
    schedule->changes++;
    assert_true(are_results_handed_out(schedule));
    assert_false(are_results_handed_out(schedule));
    results->is_awaited = true;
    assert_true(are_results_handed_out(schedule));
    results->is_awaited = false;
    results->begun_ms -= (int64_t)3600 * 1000;
    assert_true(are_results_handed_out(schedule));
    schedule_task_want(schedule, UPKEEP_RESULTS);
    assert_true(are_results_handed_out(schedule));
    assert_false(are_results_handed_out(schedule));
    assert_true(upkeep_rests(UPKEEP_RESULTS) && !upkeep_rests(UPKEEP_LEASE));
    bench_close(&bench);
}

/* Nothing but the lease and the results is due from now on, and what was handed out is over. */
static void
others_rest(Bench *bench)
{
    Schedule *schedule = bench->schedule;
    bool are_busy = true;
    while (are_busy) {
        pthread_mutex_lock(&schedule->mutex);
        are_busy = false;
        for (size_t i = 0; i < UPKEEP_COUNT; i++) {
            are_busy |= schedule->tasks[i].is_busy;
            if (i != UPKEEP_LEASE && i != UPKEEP_RESULTS)
                schedule->tasks[i].due_ms = INT64_MAX;
        }
        pthread_mutex_unlock(&schedule->mutex);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

static int64_t
changes_seen(Schedule *schedule)
{
    pthread_mutex_lock(&schedule->mutex);
    int64_t changes = schedule->changes;
    pthread_mutex_unlock(&schedule->mutex);
    return changes;
}

static void
something_is_written(StoreFixture *fixture)
{
    Error error = {0};
    assert_done(pg_execute_script(fixture->connection,
                                  "CREATE TABLE fettle.written (); DROP TABLE fettle.written", NULL, &error),
                &error);
}

static void
a_write_by_anyone_wakes_what_rests(void **state)
{
    Bench bench = bench_open(*state);
    Schedule *schedule = bench.schedule;
    UpkeepTask *results = &schedule->tasks[UPKEEP_RESULTS];
    tick_until(&bench, is_well, "the lease");
    Deadline deadline = deadline_after_ms(WAIT_MS);
    for (bool are_at_rest = false; !are_at_rest;) {
        assert_false(deadline_passed(deadline));
        (void)schedule_tick(schedule);
        others_rest(&bench);
        are_at_rest = are_results_at_rest(schedule);
    }
    schedule->tasks[UPKEEP_LEASE].is_busy = false;
    int64_t before = changes_seen(schedule);
    something_is_written(bench.fixture);
    while (changes_seen(schedule) == before || results->changes == before) {
        assert_false(deadline_passed(deadline));
        (void)schedule_tick(schedule);
        others_rest(&bench);
    }
    bench_close(&bench);
}

static void
gate_pass(void *argument)
{
    pthread_mutex_lock(argument);
    pthread_mutex_unlock(argument);
}

static void
what_was_written_is_asked_also_while_all_threads_of_upkeep_are_held_up(void **state)
{
    Bench bench = bench_open(*state);
    Schedule *schedule = bench.schedule;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&gate);
    for (int i = 0; i < 8; i++)
        assert_true(worker_pool_submit(schedule->upkeep, gate_pass, &gate));
    for (int turn = 0; turn < 2; turn++) {
        int64_t before = changes_seen(schedule);
        Deadline deadline = deadline_after_ms(WAIT_MS);
        something_is_written(bench.fixture);
        while (changes_seen(schedule) == before) {
            if (deadline_passed(deadline)) {
                pthread_mutex_unlock(&gate);
                fail_msg("nobody asked the lease");
            }
            (void)schedule_tick(schedule);
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        }
    }
    pthread_mutex_unlock(&gate);
    bench_close(&bench);
}

static void
what_takes_long_leaves_a_thread_to_the_rest(void **state)
{
    Bench bench = bench_open(*state);
    Schedule *schedule = bench.schedule;
    static const UpkeepId held[] = {UPKEEP_ANALYSES, UPKEEP_PLANS, UPKEEP_COMPACT};
    for (size_t i = 0; i < FETTLE_COUNT_OF(held); i++) {
        assert_true(upkeep_is_long(held[i]));
        schedule->tasks[held[i]].is_busy = true; /* as if a thread were at it */
    }
    for (int i = 0; i < 5; i++)
        (void)schedule_tick(schedule);
    assert_int_equal(schedule->tasks[UPKEEP_ANOMALIES].begun_ms, 0);
    assert_true(schedule->tasks[UPKEEP_TARGETS].begun_ms > 0);
    schedule->tasks[UPKEEP_PLANS].is_busy = false;
    schedule->tasks[UPKEEP_PLANS].due_ms = INT64_MAX;
    (void)schedule_tick(schedule);
    assert_true(schedule->tasks[UPKEEP_ANOMALIES].begun_ms > 0);
    bench_close(&bench);
}

static void
settings_that_were_read_again_wake_what_rests(void **state)
{
    Bench bench = bench_open(*state);
    schedule_settings_changed(bench.schedule);
    for (size_t i = 0; i < UPKEEP_COUNT; i++)
        assert_int_equal(bench.schedule->tasks[i].is_wanted, upkeep_rests((UpkeepId)i));
    bench_close(&bench);
}

/* A target that answers: the store's own cluster. */
static const char *
living_dsn(StoreFixture *fixture)
{
    return arena_printf(fixture->arena, "host=%s dbname=postgres user=%s", store_fixture_socket(fixture),
                        pg_connection_user(fixture->connection));
}

static bool
has_sampled(const ScheduleState *state)
{
    return state->rounds > 0 && state->activity_samples > 0;
}

static bool
watches_are_idle(Schedule *schedule)
{
    bool are_idle = true;
    pthread_mutex_lock(&schedule->mutex);
    for (size_t i = 0; i < schedule->watch_count; i++)
        are_idle = are_idle && !schedule->watches[i]->is_busy;
    pthread_mutex_unlock(&schedule->mutex);
    return are_idle;
}

static void
a_stop_ends_by_its_deadline_when_the_store_hangs_and_counts_what_was_not_written(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    (void)target_add(fixture, "first", living_dsn(fixture));
    Bench bench = bench_open(fixture);
    tick_until(&bench, has_sampled, "a sample of activity");
    while (!watches_are_idle(bench.schedule))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_done(pg_execute_script(fixture->connection,
                                  "BEGIN; LOCK TABLE fettle.activity_minutes IN ACCESS EXCLUSIVE MODE", NULL,
                                  &error),
                &error);
    size_t unwritten = 0;
    Deadline deadline = deadline_after_ms(1000);
    assert_true(schedule_stop(bench.schedule, deadline, &unwritten));
    assert_int_equal(unwritten, 1);
    /* the statement's own time-out is ten times as long */
    assert_true(clock_monotonic_ms() - deadline < 5000);
    assert_done(pg_execute(fixture->connection, "ROLLBACK", &error), &error);
    store_lease_release(fixture->store);
    settings_holder_free(bench.settings);
}

/* One target that was reached, whose round is not due for long but whose sample has been for a while. */
static Watch *
watch_with_sample_due(Bench *bench, int64_t since_ms)
{
    Target target = {.target_id = 7, .name = "made up", .is_enabled = true, .revision = 1};
    schedule_targets_set(bench->schedule, &(TargetList){.items = &target, .count = 1}, 1000);
    for (size_t i = 0; i < UPKEEP_COUNT; i++) /* the store knows of no such target */
        bench->schedule->tasks[i].due_ms = INT64_MAX;
    Watch *watch = bench->schedule->watches[0];
    watch->is_reached = true;
    watch->due_ms = clock_monotonic_ms() + WAIT_MS;
    watch->sample_due_ms = clock_monotonic_ms() - since_ms;
    return watch;
}

static void
samples_that_were_due_while_nobody_had_time_are_counted_as_left_out(void **state)
{
    Bench bench = bench_open(*state);
    Watch *watch = watch_with_sample_due(&bench, 3400);
    schedule_tick(bench.schedule);
    assert_int_equal(schedule_state(bench.schedule).activity_skipped, 3);
    while (!watches_are_idle(bench.schedule))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    /* there was no collector to take one with: the next round is to tell why */
    assert_true(!watch->is_reached && watch->sample_due_ms == 0);
    bench_close(&bench);
}

static void
no_sample_is_taken_while_more_rounds_wait_than_are_worked_on(void **state)
{
    Bench bench = bench_open(*state);
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&gate);
    Watch *watch = watch_with_sample_due(&bench, 0);
    for (size_t i = 0; i < 2 * bench.schedule->workers + 1; i++)
        assert_true(worker_pool_submit(bench.schedule->collect, gate_pass, &gate));
    while (worker_pool_state(bench.schedule->collect).running < bench.schedule->workers)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    schedule_tick(bench.schedule);
    assert_false(watch->is_busy);
    assert_int_equal(schedule_state(bench.schedule).activity_skipped, 1);
    pthread_mutex_unlock(&gate);
    while (worker_pool_state(bench.schedule->collect).waiting > 0)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    watch->sample_due_ms = clock_monotonic_ms();
    schedule_tick(bench.schedule);
    assert_int_equal(schedule_state(bench.schedule).activity_skipped, 1);
    bench_close(&bench);
}

static void
a_target_that_cannot_be_reached_fails_and_the_store_stays_well(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    Target target;
    int64_t id = target_add(fixture, "dead", "host=/nowhere");
    Bench bench = bench_open(fixture);
    tick_until(&bench, has_failed, "the failure");
    assert_int_equal(schedule_state(bench.schedule).store, STORE_STATE_OK);
    assert_done(target_get(fixture->connection, fixture->arena, id, &target, &error), &error);
    assert_non_null(target.last_error);
    bench_close(&bench);
}

static void
a_second_server_on_one_store_waits_for_the_lease_and_takes_it_over(void **state)
{
    StoreFixture *fixture = *state;
    Store *other = NULL;
    Error error = {0};
    assert_done(store_open(&(StoreOptions){.settings = fixture->settings}, &other, &error), &error);
    assert_done(store_lease_take(other, "other:2", &error), &error);
    Bench bench = bench_open(fixture);
    tick_until(&bench, has_no_lease, "the refusal");
    assert_non_null(strstr(schedule_state(bench.schedule).store_reason, "other:2"));
    store_lease_release(other);
    tick_until(&bench, is_well, "the lease");
    assert_true(store_lease_is_held(fixture->store));
    bench_close(&bench);
    store_close(other);
}

static void
the_figures_of_the_server_are_those_of_its_schedule(void **state)
{
    StoreFixture *fixture = *state;
    (void)target_add(fixture, "dead", "host=/nowhere");
    Bench bench = bench_open(fixture);
    MetricsRegistry *registry = metrics_registry_new();
    ServerFigures figures;
    server_figures_add(&figures, bench.schedule, registry);
    tick_until(&bench, has_failed, "the failure");
    Text text = text_new(fixture->arena);
    metrics_write(registry, &text);
    assert_non_null(strstr(text.data, "\nfettle_collecting 1\n"));
    assert_non_null(strstr(text.data, "\nfettle_samples_total 0\n"));
    metrics_registry_free(registry);
    bench_close(&bench);
}

static void
plans_of_a_target_that_is_not_there_are_refused_and_of_one_without_statements_are_none(void **state)
{
    StoreFixture *fixture = *state;
    PlansReport report = {.written = -1};
    Error error = {0};
    assert_false(plans_take(fixture->store, fixture->settings, 4711, &report, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    error = (Error){0};
    int64_t id = target_add(fixture, "idle", "host=/nowhere");
    assert_done(plans_take(fixture->store, fixture->settings, id, &report, &error), &error);
    assert_true(report.planned == 0 && report.written == 0 && report.databases == 0);
}

#define WITH_STORE(test) cmocka_unit_test_setup(test, store_fixture_clear)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(each_state_of_the_store_has_a_word_of_its_own),
        WITH_STORE(a_new_schedule_has_done_nothing_and_stops_at_once),
        WITH_STORE(targets_that_are_added_disabled_and_removed_are_seen_when_told),
        WITH_STORE(a_change_told_while_the_targets_are_read_has_them_read_again_at_once),
        WITH_STORE(what_only_a_write_can_bring_about_is_not_looked_for_while_nothing_is_written),
        WITH_STORE(a_write_by_anyone_wakes_what_rests),
        WITH_STORE(what_was_written_is_asked_also_while_all_threads_of_upkeep_are_held_up),
        WITH_STORE(what_takes_long_leaves_a_thread_to_the_rest),
        WITH_STORE(settings_that_were_read_again_wake_what_rests),
        WITH_STORE(a_stop_ends_by_its_deadline_when_the_store_hangs_and_counts_what_was_not_written),
        WITH_STORE(samples_that_were_due_while_nobody_had_time_are_counted_as_left_out),
        WITH_STORE(no_sample_is_taken_while_more_rounds_wait_than_are_worked_on),
        WITH_STORE(a_target_that_cannot_be_reached_fails_and_the_store_stays_well),
        WITH_STORE(a_second_server_on_one_store_waits_for_the_lease_and_takes_it_over),
        WITH_STORE(the_figures_of_the_server_are_those_of_its_schedule),
        WITH_STORE(plans_of_a_target_that_is_not_there_are_refused_and_of_one_without_statements_are_none),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
