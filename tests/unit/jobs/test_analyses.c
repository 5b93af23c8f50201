// SPDX-License-Identifier: PostgreSQL
/* Analyses over a real store, whose own cluster is the target. */
#include "../store/fixture.h"

#include "jobs/analyses.h"
#include "jobs/schedule_internal.h"
#include "pg/result.h"
#include "store/target.h"

#include <string.h>

#define INTERVAL_MS 60000
#define STOP_MS 60000

/* The store's own cluster as a target of which an hour of one statement was collected. */
static int64_t
target_add(StoreFixture *fixture, const char *name)
{
    Error error = {0};
    int64_t id = 0;
    TargetChange change = {.name = name,
                           .dsn = arena_printf(fixture->arena, "host=%s dbname=postgres user=%s",
                                               store_fixture_socket(fixture),
                                               pg_connection_user(fixture->connection)),
                           .enabled = -1,
                           .interval_ms = -1};
    assert_done(target_create(fixture->store, fixture->connection, &change, &id, &error), &error);
    return id;
}

static void
hour_add(StoreFixture *fixture, int64_t target_id)
{
    Error error = {0};
    const char *script = arena_printf(fixture->arena,
                                      "INSERT INTO fettle.metrics_pg_stats_query (target_id, collected_at, "
                                      "interval_seconds, database_name, "
                                      "query_hash, query_text, calls, mean_exec_time_ms, \"rows\") VALUES "
                                      "(%lld, now() - interval '1 hour', "
                                      "3600, 'postgres', 7, 'SELECT 1 FROM a WHERE id = $1', 1000, 1, 1000)",
                                      (long long)target_id);
    assert_done(pg_execute_script(fixture->connection, script, NULL, &error), &error);
}

static const char *
count_of(StoreFixture *fixture, const char *table, int64_t target_id)
{
    return store_fixture_value(
        fixture,
        arena_printf(fixture->arena, "SELECT count(*) FROM fettle.%s WHERE target_id = %lld%s", table,
                     (long long)target_id, strcmp(table, "jobs") == 0 ? " AND kind = 'analysis'" : ""));
}

/* One schedule that watches the target, which was reached; nothing is handed out by itself. */
static Schedule *
schedule_with(StoreFixture *fixture, int64_t target_id, SettingsHolder **ret_holder)
{
    Error error = {0};
    Schedule *schedule;
    Arena *arena = arena_new("settings", 1 << 20);
    Settings *settings = settings_new(arena);
    assert_done(settings_set(settings, "data.directory", fixture->directory, &error), &error);
    *ret_holder = settings_holder_new(arena, settings);
    ScheduleOptions options = {.store = fixture->store, .settings = *ret_holder, .holder = "test:1"};
    assert_done(schedule_new(&options, &schedule, &error), &error);
    Target target = {.target_id = target_id, .name = "watched", .is_enabled = true, .revision = 1};
    schedule_targets_set(schedule, &(TargetList){.items = &target, .count = 1}, INTERVAL_MS);
    schedule->watches[0]->is_reached = true;
    schedule->watches[0]->analysis_look_ms = 0;
    return schedule;
}

static void
analyses_run(Schedule *schedule)
{
    UpkeepTask *task = &schedule->tasks[UPKEEP_ANALYSES];
    task->is_busy = true;
    upkeep_run(task);
    assert_int_equal(task->failures, 0);
}

static void
schedule_end(StoreFixture *fixture, Schedule *schedule, SettingsHolder *holder)
{
    size_t unwritten = 0;
    assert_true(schedule_stop(schedule, deadline_after_ms(STOP_MS), &unwritten));
    store_lease_release(fixture->store);
    settings_holder_free(holder);
}

static void
a_target_is_analysed_once_after_its_time_and_not_before_it_did_something(void **state)
{
    StoreFixture *fixture = *state;
    int64_t id = target_add(fixture, "busy");
    SettingsHolder *holder;
    Schedule *schedule = schedule_with(fixture, id, &holder);
    analyses_run(schedule);
    assert_string_equal(count_of(fixture, "jobs", id), "0");
    assert_true(schedule->watches[0]->analyzed_at_us == 0);
    hour_add(fixture, id);
    analyses_run(schedule); /* not yet: it was looked at just now */
    assert_string_equal(count_of(fixture, "jobs", id), "0");
    for (int times = 0; times < 2; times++) {
        schedule->watches[0]->analysis_look_ms = 0;
        analyses_run(schedule);
        assert_string_equal(count_of(fixture, "jobs", id), "1");
    }
    assert_string_equal(count_of(fixture, "workload_classes", id), "1");
    assert_string_equal(count_of(fixture, "target_snapshots", id), "1");
    assert_string_equal(
        store_fixture_value(fixture,
                            "SELECT status || result::text FROM fettle.jobs WHERE kind = 'analysis'"),
        "completed{\"issues\": 0, \"refused\": 0, \"schemas\": 1, \"statements\": 1}");
    schedule_end(fixture, schedule, holder);
    /* the server after it knows by the job that it was done */
    schedule = schedule_with(fixture, id, &holder);
    analyses_run(schedule);
    assert_string_equal(count_of(fixture, "jobs", id), "1");
    assert_true(schedule->watches[0]->analyzed_at_us > 0);
    schedule_end(fixture, schedule, holder);
}

static const char *
ends_after_one(void *context)
{
    int *asked = context;
    return ++*asked > 1 ? "the target is not watched any more" : NULL; /* after the first database */
}

static void
an_analysis_ends_between_two_databases_when_it_is_to_and_says_why(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    AnalysisDone done = {0};
    int asked = 0;
    int64_t last_us = -1;
    int64_t id = target_add(fixture, "stopped");
    hour_add(fixture, id);
    const char *names[] = {"postgres", "template1"};
    TextList databases = {.items = names, .count = 2};
    AnalysisRun run = {.store = fixture->store,
                       .settings = fixture->settings,
                       .target_id = id,
                       .now_us = clock_wall_us(),
                       .ends_for = ends_after_one,
                       .context = &asked};
    assert_false(analysis_take(&run, &databases, &done, &error));
    assert_int_equal(error.code, ERROR_CANCELLED);
    assert_string_equal(error.message, "the target is not watched any more");
    assert_int_equal(asked, 2);
    assert_string_equal(count_of(fixture, "target_snapshots", id), "1");
    assert_string_equal(count_of(fixture, "workload_classes", id), "0");
    assert_done(analysis_last(fixture->store, id, &last_us, &error), &error);
    assert_int_equal(last_us, 0);
    run.ends_for = NULL;
    assert_done(analysis_databases(&run, fixture->arena, &databases, &error), &error);
    assert_int_equal(databases.count, 1);
    assert_string_equal(databases.items[0], "postgres");
}

static void
a_database_that_cannot_be_read_is_counted_and_the_rest_is_analysed(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    AnalysisDone done = {0};
    int64_t id = target_add(fixture, "half");
    hour_add(fixture, id);
    const char *names[] = {"nowhere", "postgres"};
    TextList databases = {.items = names, .count = 2};
    AnalysisRun run = {
        .store = fixture->store, .settings = fixture->settings, .target_id = id, .now_us = clock_wall_us()};
    assert_done(analysis_take(&run, &databases, &done, &error), &error);
    assert_true(done.schemas == 1 && done.refused == 1 && done.statements == 1);
}

#define WITH_STORE(test) cmocka_unit_test_setup(test, store_fixture_clear)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_target_is_analysed_once_after_its_time_and_not_before_it_did_something),
        WITH_STORE(an_analysis_ends_between_two_databases_when_it_is_to_and_says_why),
        WITH_STORE(a_database_that_cannot_be_read_is_counted_and_the_rest_is_analysed),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
