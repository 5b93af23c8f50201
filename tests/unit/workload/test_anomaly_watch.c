// SPDX-License-Identifier: PostgreSQL
/*
 * Looks for anomalies in a real store, with rounds that are written as a collector does.
 */
#include "../store/rounds.h"

#include "base/clock.h"
#include "pg/result.h"
#include "store/observation.h"
#include "store/sample_read.h"
#include "workload/anomaly_past.h"
#include "workload/anomaly_series.h"
#include "workload/anomaly_watch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUND_US INT64_C(10000000)
#define HISTORY 240
#define STATEMENTS 3

typedef struct Case {
    StoreFixture *fixture;
    int64_t target_id;
    int64_t at_us; /* of the newest round */
    AnomalyReport report;
} Case;

/* A round in which each statement is called so often; 0: the round is not seen at all. */
static void
round_write(Case *what, int64_t calls)
{
    Error error = {0};
    Sample samples[STATEMENTS];
    what->at_us += ROUND_US;
    if (calls == 0)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        samples[i] = (Sample){.statement_id = i + 1,
                              .counters = {[SAMPLE_CALLS] = calls,
                                           [SAMPLE_ROWS] = 2 * calls,
                                           [SAMPLE_EXEC_US] = 3000 * calls,
                                           [SAMPLE_SHARED_HIT] = 9 * calls,
                                           [SAMPLE_SHARED_READ] = calls,
                                           [SAMPLE_READ_US] = 500 * calls}};
    SampleRound round = {.target_id = what->target_id,
                         .database_id = 1,
                         .collected_at_us = what->at_us,
                         .interval_ms = ROUND_US / 1000,
                         .samples = samples,
                         .sample_count = STATEMENTS};
    MetricRound metrics = {
        .target_id = what->target_id, .collected_at_us = what->at_us, .interval_ms = ROUND_US / 1000};
    for (size_t i = 0; i < METRIC_COUNT; i++)
        metrics.values[i] = NAN;
    metrics.values[METRIC_LOCKS_WAITED_FOR] = 0;
    metrics.values[METRIC_ROWS_RETURNED] = 10 * (double)calls;
    assert_done(sample_rounds_write(what->fixture->connection, &round, 1, &error), &error);
    assert_done(metric_rounds_write(what->fixture->connection, &metrics, 1, &error), &error);
}

static void
look(Case *what, int64_t now_us)
{
    Error error = {0};
    AnomalyWatchOptions options = anomaly_watch_options(what->fixture->settings, what->target_id, now_us);
    assert_done(anomaly_watch(what->fixture->connection, &options, &what->report, &error), &error);
}

static void
round_and_look(Case *what, int64_t calls)
{
    round_write(what, calls);
    look(what, what->at_us + ROUND_US);
}

static Case
case_new(StoreFixture *fixture)
{
    Case what = {.fixture = fixture, .target_id = rounds_target(fixture, "shop")};
    what.at_us = (clock_wall_us() / ROUND_US - HISTORY - 100) * ROUND_US + 1000;
    return what;
}

static Case
case_with_history(StoreFixture *fixture)
{
    Case what = case_new(fixture);
    for (int i = 0; i < HISTORY; i++)
        round_write(&what, 100 + i % 7);
    return what;
}

static Incidents
incidents_of(const Case *what)
{
    Error error = {0};
    Incidents incidents;
    AnomalyFilter filter = {.target_id = what->target_id, .resolved = -1, .most = 10};
    assert_done(incidents_read(what->fixture->connection, what->fixture->arena, &filter, &incidents, &error),
                &error);
    return incidents;
}

static void
twice_the_calls_are_an_incident_from_its_first_step_until_two_looks_after_its_last(void **state)
{
    Case what = case_with_history(*state);
    look(&what, what.at_us + ROUND_US);
    assert_true(what.report.made_baselines && what.report.step_ms == 10000);
    assert_int_equal(what.report.incidents_new, 0);
    assert_true(what.report.series > 3 * 5);
    for (int i = 0; i < 5; i++)
        round_and_look(&what, 100 + i);
    int64_t first_us = what.at_us;
    round_and_look(&what, 210);
    assert_int_equal(what.report.incidents_open, 0);
    round_and_look(&what, 210);
    assert_int_equal(what.report.incidents_new, 1);
    Incidents incidents = incidents_of(&what);
    assert_int_equal(incidents.count, 1);
    assert_string_equal(incidents.items[0].incident_type, "rate_change");
    assert_int_equal(incidents.items[0].query_hash_count, STATEMENTS);
    assert_true(incidents.items[0].first_at_us > first_us &&
                incidents.items[0].first_at_us <= first_us + 2 * ROUND_US);
    round_and_look(&what, 103);
    assert_int_equal(what.report.incidents_open, 1);
    round_and_look(&what, 103);
    assert_int_equal(what.report.incidents_resolved, 1);
    assert_true(incidents_of(&what).items[0].resolved);
    assert_string_equal(
        store_fixture_value(what.fixture, "SELECT count(*) FROM fettle.query_anomalies WHERE NOT resolved"),
        "0");
}

static void
a_look_again_and_a_clock_that_was_set_back_change_nothing(void **state)
{
    Case what = case_with_history(*state);
    look(&what, what.at_us + ROUND_US);
    round_and_look(&what, 500);
    assert_true(what.report.rows_written > 0);
    const char *before = store_fixture_value(
        what.fixture, "SELECT string_agg(a::text, ' ' ORDER BY id) FROM fettle.query_anomalies a");
    look(&what, what.at_us + ROUND_US);
    assert_int_equal(what.report.rows_written, 0);
    look(&what, what.at_us - 20 * ROUND_US);
    assert_int_equal(what.report.rows_written, 0);
    assert_string_equal(before,
                        store_fixture_value(what.fixture, "SELECT string_agg(a::text, ' ' ORDER BY id) FROM "
                                                          "fettle.query_anomalies a"));
    assert_int_equal(incidents_of(&what).count, 0);
}

static void
a_round_written_twice_counts_once_and_a_clock_that_jumps_ahead_leaves_a_gap(void **state)
{
    Case what = case_with_history(*state);
    look(&what, what.at_us + ROUND_US);
    for (int again = 0; again < 2; again++) {
        what.at_us -= ROUND_US; /* the newest round once more, as if it had been quite another */
        round_write(&what, 900);
    }
    for (int i = 0; i < 3; i++) {
        round_and_look(&what, 104);
        what.at_us -= ROUND_US;
        round_and_look(&what, 900);
    }
    assert_int_equal(incidents_of(&what).count, 0);
    what.at_us += 60 * ROUND_US;
    for (int i = 0; i < 4; i++)
        round_and_look(&what, 103);
    assert_int_equal(incidents_of(&what).count, 0);
    assert_string_equal(store_fixture_value(what.fixture, "SELECT count(*) FROM fettle.query_anomalies"),
                        "0");
    round_and_look(&what, 210);
    round_and_look(&what, 210);
    assert_int_equal(incidents_of(&what).count, 1); /* and what is really new is still seen */
}

/* Baselines by hours, steps and incidents are in UTC, whatever the sessions' time zone is. */
static void
another_time_zone_moves_no_hour_and_no_incident(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    int64_t begin_us = 0;
    int64_t first_us[2];
    const char *centres[2];
    static const char *const zones[] = {"UTC", "Pacific/Chatham"}; /* twelve and three quarters of hours */
    for (size_t zone = 0; zone < FETTLE_COUNT_OF(zones); zone++) {
        assert_int_equal(store_fixture_clear(state), 0);
        assert_done(pg_execute(fixture->connection,
                               arena_printf(fixture->arena, "SET timezone = '%s'", zones[zone]), &error),
                    &error);
        Case what = case_new(fixture);
        begin_us = begin_us == 0 ? what.at_us : begin_us; /* the same rounds both times */
        what.at_us = begin_us;
        for (int i = 0; i < HISTORY; i++)
            round_write(&what, 100 + i % 7);
        look(&what, what.at_us + ROUND_US);
        round_and_look(&what, 210);
        round_and_look(&what, 210);
        Incidents incidents = incidents_of(&what);
        assert_int_equal(incidents.count, 1);
        first_us[zone] = incidents.items[0].first_at_us;
        centres[zone] = store_fixture_value(
            fixture, "SELECT string_agg(metric_name || centres::text, ' ' ORDER BY metric_name) FROM "
                     "fettle.query_baselines WHERE query_hash = 1001");
    }
    assert_done(pg_execute(fixture->connection, "SET timezone = 'UTC'", &error), &error);
    assert_int_equal(first_us[0], first_us[1]);
    assert_string_equal(centres[0], centres[1]);
}

static void
gaps_are_no_zeros_and_a_target_without_rounds_has_nothing(void **state)
{
    Case what = case_new(*state);
    look(&what, clock_wall_us());
    assert_int_equal(what.report.step_ms, 0);
    for (int i = 0; i < HISTORY; i++)
        round_write(&what, i % 5 == 0 ? 0 : 100);
    look(&what, what.at_us + ROUND_US);
    for (int i = 0; i < 10; i++)
        round_and_look(&what, i % 3 == 0 ? 100 : 0);
    assert_int_equal(incidents_of(&what).count, 0);
    assert_string_equal(store_fixture_value(what.fixture, "SELECT count(*) FROM fettle.query_anomalies"),
                        "0");
    const char *usual = store_fixture_value(
        what.fixture,
        "SELECT baseline_value FROM fettle.query_baselines WHERE query_hash = 1001 AND metric_name "
        "= 'calls_per_second'");
    assert_true(fabs(strtod(usual, NULL) - 10) < 0.01);
}

static void
steps_hold_what_statements_and_the_target_did_in_them(void **state)
{
    Case what = case_new(*state);
    Error error = {0};
    for (int i = 0; i < 6; i++)
        round_write(&what, i == 3 ? 0 : 50);
    const int64_t hashes[1] = {1002};
    int64_t from_us = (what.at_us / ROUND_US - 5) * ROUND_US;
    AnomalySeriesOptions options = {.range = {.target_id = what.target_id,
                                              .step_ms = ROUND_US / 1000,
                                              .from_us = from_us,
                                              .to_us = from_us + 6 * ROUND_US},
                                    .hashes = hashes,
                                    .hash_count = 1};
    AnomalySeries series;
    AnomalyPoint points[6];
    assert_done(anomaly_series_read(what.fixture->connection, what.fixture->arena, &options, &series, &error),
                &error);
    assert_int_equal(series.step_count, 6);
    assert_int_equal(series.statement_count, 1);
    assert_int_equal(anomaly_series_points(&series, &series.statements[0], ANOMALY_MEAN_MS, points), 5);
    assert_true(fabs(points[0].value - 3) < 1e-6);
    assert_int_equal(points[0].at_us, from_us + ROUND_US);
    assert_int_equal(points[3].at_us, from_us + 5 * ROUND_US);
    assert_int_equal(anomaly_series_points(&series, &series.target, ANOMALY_CALLS, points), 5);
    assert_true(fabs(points[0].value - 15) < 1e-6);
    assert_int_equal(anomaly_series_points(&series, &series.target, ANOMALY_HIT_RATIO, points), 5);
    assert_true(fabs(points[0].value - 0.9) < 1e-6);
    assert_int_equal(anomaly_series_points(&series, &series.target, ANOMALY_LOCKS, points), 5);
    assert_int_equal(anomaly_series_points(&series, &series.target, ANOMALY_WAL, points), 0);
}

typedef struct Visits {
    size_t series;
    size_t points;
    int64_t calls;
} Visits;

static void
visit(const SampleSeries *series, void *context)
{
    Visits *visits = context;
    visits->series++;
    visits->points += series->count;
    for (size_t i = 0; i < series->count; i++)
        visits->calls += series->points[i].counters[SAMPLE_CALLS];
}

static void
walking_gives_the_series_that_reading_gives(void **state)
{
    Case what = case_new(*state);
    Error error = {0};
    for (int i = 0; i < 20; i++)
        round_write(&what, 10 + i);
    SampleRange range = {.target_id = what.target_id,
                         .from_us = what.at_us - 30 * ROUND_US,
                         .to_us = what.at_us + ROUND_US,
                         .step_ms = 60000};
    SampleSeries *series;
    size_t count;
    Visits walked = {0};
    Visits read = {0};
    assert_done(
        sample_series_read(what.fixture->connection, what.fixture->arena, &range, &series, &count, &error),
        &error);
    for (size_t i = 0; i < count; i++)
        visit(&series[i], &read);
    assert_done(sample_series_walk(what.fixture->connection, &range, visit, &walked, &error), &error);
    assert_true(walked.series == 3 && walked.series == read.series && walked.points == read.points);
    assert_true(walked.calls == read.calls && walked.calls == 3 * (200 + 190));
    range.points_most = 2;
    assert_false(sample_series_walk(what.fixture->connection, &range, visit, &walked, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
}

static void
findings_and_incidents_come_back_as_they_were_written(void **state)
{
    Case what = case_new(*state);
    PgConnection *session = what.fixture->connection;
    Arena *arena = what.fixture->arena;
    Error error = {0};
    int64_t hashes[2] = {INT64_MAX, 3};
    Incident incident = {.target_id = what.target_id,
                         .incident_type = "bloat",
                         .severity = "high",
                         .first_at_us = 1000000,
                         .last_at_us = 3000000,
                         .peak_at_us = 2000000,
                         .peak_z = -4.5,
                         .peak_metric = "blocks_touched",
                         .peak_value = NAN,
                         .peak_baseline = 2,
                         .query_hashes = hashes,
                         .query_hash_count = 2,
                         .probable_cause = "it's \"bloat\", \\ {so}"};
    AnomalyRow row = {.query_hash = 3,
                      .anomaly_type = "bloat",
                      .severity = "medium",
                      .metric_name = "blocks_touched",
                      .metric_value = 9,
                      .baseline_value = NAN,
                      .z_score = 4,
                      .raw_metrics_json = "{\"a\": 1}"};
    AnomalyRows rows = {.items = &row, .count = 1};
    AnomalyFilter filter = {.target_id = what.target_id, .resolved = 0, .type = "bloat", .most = 5};
    assert_done(incident_write(session, &incident, &error), &error);
    assert_true(incident.id > 0);
    row.incident_id = incident.id;
    assert_done(anomalies_write(session, what.target_id, 5000000, &rows, &error), &error);
    Incidents incidents;
    AnomalyRows read;
    assert_done(incidents_read(session, arena, &filter, &incidents, &error), &error);
    assert_int_equal(incidents.count, 1);
    assert_string_equal(incidents.items[0].probable_cause, incident.probable_cause);
    assert_true(isnan(incidents.items[0].peak_value) && incidents.items[0].peak_z == -4.5);
    assert_true(incidents.items[0].query_hashes[0] == INT64_MAX && incidents.items[0].last_at_us == 3000000);
    assert_done(anomalies_read(session, arena, &filter, &read, &error), &error);
    assert_int_equal(read.count, 1);
    assert_true(read.items[0].detected_at_us == 5000000 && isnan(read.items[0].baseline_value));
    assert_true(read.items[0].incident_id == incident.id && !read.items[0].resolved);
    read.items[0].resolved = true;
    assert_done(anomalies_write(session, what.target_id, 6000000, &read, &error), &error);
    incident.resolved = true;
    incident.resolved_at_us = 6000000;
    assert_done(incident_write(session, &incident, &error), &error);
    assert_done(anomalies_read(session, arena, &filter, &read, &error), &error);
    assert_int_equal(read.count, 0);
    assert_done(anomalies_drop(session, what.target_id, 5000000, 3000000, &error), &error);
    filter.resolved = 1;
    assert_done(anomalies_read(session, arena, &filter, &read, &error), &error);
    assert_done(incidents_read(session, arena, &filter, &incidents, &error), &error);
    assert_true(read.count == 1 && incidents.count == 1 && read.items[0].resolved_at_us == 6000000);
    assert_done(anomalies_drop(session, what.target_id, 5000001, 3000001, &error), &error);
    assert_done(anomalies_read(session, arena, &filter, &read, &error), &error);
    assert_done(incidents_read(session, arena, &filter, &incidents, &error), &error);
    assert_true(read.count == 0 && incidents.count == 0);
}

static void
baselines_steps_and_states_come_back_as_they_were_written(void **state)
{
    Case what = case_new(*state);
    PgConnection *session = what.fixture->connection;
    Arena *arena = what.fixture->arena;
    Error error = {0};
    BaselineRow rows[2] = {{.query_hash = 0, .metric_name = "calls_per_second", .points = 12, .scale = 0.5},
                           {.query_hash = 9, .metric_name = "blocks_read", .points = 13, .tail_low = -2}};
    for (int h = 0; h < ANOMALY_DAY_HOURS; h++)
        rows[0].centres[h] = rows[1].centres[h] = h;
    BaselineRows written = {.items = rows, .count = 2};
    BaselineRows read;
    const int hours[2] = {3, 23};
    assert_done(baselines_write(session, what.target_id, 60000, &written, &error), &error);
    assert_done(baselines_read(session, arena, what.target_id, 60000, hours, &read, &error), &error);
    assert_int_equal(read.count, 2);
    const BaselineRow *statement = &read.items[read.items[0].query_hash == 9 ? 0 : 1];
    const BaselineRow *whole = &read.items[read.items[0].query_hash == 9 ? 1 : 0];
    assert_true(statement->centres[3] == 3 && statement->centres[23] == 23 && isnan(statement->centres[4]));
    assert_true(whole->centres[4] == 4 && whole->scale == 0.5 && statement->tail_low == -2);
    written.count = 1;
    assert_done(baselines_write(session, what.target_id, 60000, &written, &error), &error);
    assert_done(baselines_read(session, arena, what.target_id, 60000, hours, &read, &error), &error);
    assert_int_equal(read.count, 1);
    assert_done(baselines_read(session, arena, what.target_id, 1000, hours, &read, &error), &error);
    assert_int_equal(read.count, 0); /* of other steps */
    StepFigures figures = {.ended_at_us = 60000000};
    for (int f = 0; f < ANOMALY_FIGURES; f++)
        figures.figures[f] = f == 2 ? NAN : f + 0.5;
    StepList steps = {.items = &figures, .count = 1};
    StepRange range = {.target_id = what.target_id, .step_ms = 60000, .from_us = 1, .to_us = 60000001};
    assert_done(anomaly_points_write(session, what.target_id, 60000, &steps, &error), &error);
    assert_done(anomaly_points_read(session, arena, &range, &steps, &error), &error);
    assert_true(steps.count == 1 && isnan(steps.items[0].figures[2]) && steps.items[0].figures[14] == 14.5);
    range.step_ms = 1000;
    assert_done(anomaly_points_delete(session, &range, &error), &error);
    range.step_ms = 60000;
    assert_done(anomaly_points_read(session, arena, &range, &steps, &error), &error);
    assert_int_equal(steps.count, 0);
    AnomalyState kept = {.step_ms = 250, .evaluated_to_us = 7, .baseline_points = 3};
    AnomalyState found;
    int64_t since_us;
    assert_done(anomaly_state_write(session, what.target_id, &kept, &error), &error);
    assert_done(anomaly_state_read(session, what.target_id, 0, &found, &since_us, &error), &error);
    assert_true(found.step_ms == 250 && found.evaluated_to_us == 7 && found.baselines_at_us == 0);
    assert_int_equal(since_us, 0);
    assert_done(anomaly_metric_steps_read(session, arena, &range, &steps, &error), &error);
    assert_int_equal(steps.count, 0);
    double reals[3];
    anomaly_reals_parse("{1.5,NULL}", reals, 3);
    assert_true(reals[0] == 1.5 && isnan(reals[1]) && isnan(reals[2]));
    anomaly_reals_parse(NULL, reals, 1);
    assert_true(isnan(reals[0]));
}

static void
thresholds_are_settings_within_their_bounds(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    AnomalyThresholds standard = anomaly_thresholds_of(fixture->settings);
    assert_true(standard.z[ANOMALY_LOW] == 1 && standard.z[ANOMALY_CRITICAL] == 3);
    Settings *settings = settings_new(fixture->arena);
    assert_done(settings_set(settings, "anomalies.z_high", "4.5", &error), &error);
    assert_true(anomaly_thresholds_of(settings).z[ANOMALY_HIGH] == 4.5);
    assert_false(settings_set(settings, "anomalies.z_high", "5.1", &error));
    assert_false(settings_set(settings, "anomalies.z_low", "0.4", &error));
}

static void
a_stretch_of_the_target_is_strange_by_its_past(void **state)
{
    StoreFixture *fixture = *state;
    static StepFigures steps[2016];
    Random random = random_new(1);
    AnomalyBaseline baseline = {.points = 2016, .scale = 1};
    for (size_t i = 0; i < FETTLE_COUNT_OF(steps); i++) {
        bool is_new = i + 20 >= FETTLE_COUNT_OF(steps);
        double deviation = 2 * random_unit(&random) - 1 + (is_new ? 3 : 0);
        steps[i] = (StepFigures){.ended_at_us = (int64_t)(i + 1) * 300000000};
        steps[i].figures[ANOMALY_CPU] = deviation;
    }
    StepList past = {.items = steps, .count = FETTLE_COUNT_OF(steps)};
    AnomalyStrangeness strange =
        anomaly_past_strangeness(fixture->arena, &past, ANOMALY_CPU, &baseline, 3, true);
    assert_true(strange.level_p <= 0.001 && strange.level > 1.5);
    past.count -= 21;
    AnomalyStrangeness usual =
        anomaly_past_strangeness(fixture->arena, &past, ANOMALY_CPU, &baseline, 0.1, false);
    assert_true(usual.level_p > 0.001 && usual.shape_p == 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(
            twice_the_calls_are_an_incident_from_its_first_step_until_two_looks_after_its_last,
            store_fixture_clear),
        cmocka_unit_test_setup(a_look_again_and_a_clock_that_was_set_back_change_nothing,
                               store_fixture_clear),
        cmocka_unit_test_setup(a_round_written_twice_counts_once_and_a_clock_that_jumps_ahead_leaves_a_gap,
                               store_fixture_clear),
        cmocka_unit_test_setup(another_time_zone_moves_no_hour_and_no_incident, store_fixture_clear),
        cmocka_unit_test_setup(gaps_are_no_zeros_and_a_target_without_rounds_has_nothing,
                               store_fixture_clear),
        cmocka_unit_test_setup(steps_hold_what_statements_and_the_target_did_in_them, store_fixture_clear),
        cmocka_unit_test_setup(walking_gives_the_series_that_reading_gives, store_fixture_clear),
        cmocka_unit_test_setup(findings_and_incidents_come_back_as_they_were_written, store_fixture_clear),
        cmocka_unit_test_setup(baselines_steps_and_states_come_back_as_they_were_written,
                               store_fixture_clear),
        cmocka_unit_test_setup(thresholds_are_settings_within_their_bounds, store_fixture_clear),
        cmocka_unit_test_setup(a_stretch_of_the_target_is_strange_by_its_past, store_fixture_clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
