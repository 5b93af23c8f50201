// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/random.h"
#include "workload/anomaly_alert.h"

#include <math.h>

#define STEP_US (INT64_C(300) * 1000000)
#define DAY ((size_t)288)
#define WEEK (7 * DAY)

static const AnomalyThresholds thresholds = {.z = {0, 1, 1.5, 2.5, 3}};

/* A week of 100 calls a second, ten times as many from 8 to 12, with a noise of 5 %. */
static AnomalyPoint *
week_of_calls(Arena *arena)
{
    Random random = random_new(1);
    AnomalyPoint *points = ARENA_NEW_ARRAY(arena, AnomalyPoint, WEEK);
    for (size_t i = 0; i < WEEK; i++) {
        size_t hour = i % DAY / 12;
        double level = hour >= 8 && hour < 12 ? 1000 : 100;
        points[i] = (AnomalyPoint){.at_us = (int64_t)(i + 1) * STEP_US,
                                   .value = level * exp(0.05 * random_normal(&random))};
    }
    return points;
}

static AnomalyFinding
judge(const AnomalyBaseline *baseline, AnomalyMetric metric, size_t hour, double before, double now)
{
    int64_t at_us = (int64_t)(WEEK + hour * 12 + 6) * STEP_US;
    AnomalyPoint points[2] = {{.at_us = at_us - STEP_US, .value = before}, {.at_us = at_us, .value = now}};
    return anomaly_judge(metric, baseline, &thresholds, points, 2, NULL);
}

static void
what_is_usual_depends_on_the_hour(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 24);
    AnomalyBaseline baseline;
    assert_true(anomaly_baseline_of(arena, ANOMALY_CALLS, week_of_calls(arena), WEEK, &baseline));
    assert_int_equal(baseline.points, WEEK);
    int64_t at_us = (int64_t)(WEEK + 10 * 12) * STEP_US;
    assert_true(fabs(anomaly_usual(&baseline, ANOMALY_CALLS, at_us) - 1000) < 20);
    assert_true(fabs(anomaly_usual(&baseline, ANOMALY_CALLS, at_us + 6 * 12 * STEP_US) - 100) < 2);
    assert_false(judge(&baseline, ANOMALY_CALLS, 10, 1000, 1000).is_alert);
    assert_true(judge(&baseline, ANOMALY_CALLS, 16, 1e5, 1e5).is_alert);
    assert_true(judge(&baseline, ANOMALY_CALLS, 10, 0, 0).is_alert);
}

static void
one_bad_point_is_a_finding_and_two_in_a_row_are_an_alert(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 24);
    AnomalyBaseline baseline;
    AnomalyPoint points[40];
    for (size_t i = 0; i < 40; i++)
        points[i] = (AnomalyPoint){.at_us = (int64_t)(i + 1) * STEP_US, .value = 100 + (double)(i % 3)};
    assert_true(anomaly_baseline_of(arena, ANOMALY_CALLS, points, 40, &baseline));
    AnomalyFinding first = judge(&baseline, ANOMALY_CALLS, 1, 101, 210);
    assert_int_equal(first.severity, ANOMALY_CRITICAL);
    assert_false(first.is_alert);
    AnomalyFinding second = judge(&baseline, ANOMALY_CALLS, 1, 205, 210);
    assert_true(second.is_alert);
    assert_int_equal(second.since_us, (int64_t)(WEEK + 12 + 6) * STEP_US - STEP_US);
    assert_false(judge(&baseline, ANOMALY_CALLS, 1, 40, 210).is_alert); /* to both sides is noise */
    /* far by the scale of so steady a load, but nobody would mind */
    AnomalyFinding little = judge(&baseline, ANOMALY_CALLS, 1, 130, 130);
    assert_int_equal(little.severity, ANOMALY_CRITICAL);
    assert_false(little.matters || little.is_alert);
}

static void
only_the_bad_side_of_a_metric_is_bad(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 24);
    AnomalyBaseline times;
    AnomalyBaseline hits;
    AnomalyPoint points[40];
    for (size_t i = 0; i < 40; i++)
        points[i] = (AnomalyPoint){.at_us = (int64_t)(i + 1) * STEP_US, .value = 0.9};
    assert_true(anomaly_baseline_of(arena, ANOMALY_MEAN_MS, points, 40, &times));
    assert_true(anomaly_baseline_of(arena, ANOMALY_HIT_RATIO, points, 40, &hits));
    assert_true(judge(&times, ANOMALY_MEAN_MS, 1, 90, 90).is_alert);
    assert_int_equal(judge(&times, ANOMALY_MEAN_MS, 1, 0, 0).severity, ANOMALY_NONE);
    assert_true(judge(&hits, ANOMALY_HIT_RATIO, 1, 0.2, 0.2).is_alert);
    assert_int_equal(judge(&hits, ANOMALY_HIT_RATIO, 1, 1, 1).severity, ANOMALY_NONE);
}

static void
what_was_seen_before_is_no_news(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 24);
    AnomalyPoint *points = week_of_calls(arena);
    AnomalyBaseline baseline;
    for (size_t i = 20; i < WEEK; i += 300) /* a job at odd times */
        points[i].value = 9000;
    assert_true(anomaly_baseline_of(arena, ANOMALY_CALLS, points, WEEK, &baseline));
    AnomalyFinding job = judge(&baseline, ANOMALY_CALLS, 16, 9000, 9000);
    assert_int_equal(job.severity, ANOMALY_CRITICAL);
    assert_false(job.is_beyond || job.is_alert);
    AnomalyPoint point = {.at_us = (int64_t)(WEEK + 16 * 12 + 6) * STEP_US, .value = 9000};
    double z = anomaly_deviation(&baseline, ANOMALY_CALLS, &point);
    assert_true(z == job.z && !anomaly_is_beyond(&baseline, z, 2.5));
    assert_true(anomaly_is_beyond(&baseline, 2 * z, 2.5) && !anomaly_is_beyond(&baseline, 2 * z, 3 * z));
    assert_true(baseline.greatest > 8999 && baseline.greatest < 9001);
}

static void
too_few_and_unknown_points_are_no_baseline_and_equal_ones_are(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 24);
    AnomalyBaseline baseline;
    AnomalyPoint points[40];
    for (size_t i = 0; i < 40; i++)
        points[i] = (AnomalyPoint){.at_us = (int64_t)(i + 1) * STEP_US, .value = i < 9 ? 5 : NAN};
    assert_false(anomaly_baseline_of(arena, ANOMALY_ROWS, points, 40, &baseline));
    assert_false(anomaly_baseline_of(arena, ANOMALY_ROWS, points, 0, &baseline));
    points[20].value = 5;
    assert_true(anomaly_baseline_of(arena, ANOMALY_ROWS, points, 40, &baseline));
    assert_int_equal(baseline.points, 10);
    AnomalyFinding same = judge(&baseline, ANOMALY_ROWS, 1, 5, 5);
    assert_true(same.z == 0 && same.severity == ANOMALY_NONE);
    AnomalyFinding unknown = judge(&baseline, ANOMALY_ROWS, 1, 5, NAN);
    assert_true(isnan(unknown.z) && !unknown.is_alert && unknown.severity == ANOMALY_NONE);
    assert_true(isfinite(judge(&baseline, ANOMALY_ROWS, 1, 0, 1e18).z));
}

static void
a_stretch_that_was_never_seen_has_a_low_p_and_a_usual_one_has_not(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 24);
    AnomalyStream *stream = anomaly_stream_new(arena, true);
    Random random = random_new(3);
    size_t low = 0;
    for (size_t i = 0; i < WEEK; i++) {
        AnomalyStrangeness usual = anomaly_stream_add(stream, random_normal(&random));
        assert_true(usual.shape_p > 0 && usual.shape_p <= 1 && usual.level_p > 0 && usual.level_p <= 1);
        low += usual.level_p <= ANOMALY_ALERT_P && fabs(usual.level) >= ANOMALY_LEVEL_LEAST;
    }
    assert_int_equal(low, 0);
    AnomalyStrangeness strange = {0};
    for (size_t i = 0; i < 30; i++) {
        strange = anomaly_stream_add(stream, 3 + random_normal(&random));
        (void)anomaly_stream_add(stream, NAN); /* is left out */
    }
    assert_true(strange.level_p <= ANOMALY_ALERT_P && strange.level >= ANOMALY_LEVEL_LEAST);
    assert_true(anomaly_strangeness_p(&strange) <= 2 * strange.level_p);
    AnomalyStream *spiked = anomaly_stream_new(arena, true);
    for (size_t i = 0; i < WEEK; i++)
        anomaly_stream_feed(spiked, random_normal(&random));
    AnomalyStrangeness spike = anomaly_stream_add(spiked, 8);
    assert_true(spike.shape_p <= ANOMALY_ALERT_P && spike.level_p > ANOMALY_ALERT_P);
}

static void
a_job_that_always_ran_and_does_not_run_is_missed(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 24);
    AnomalyStream *stream = anomaly_stream_new(arena, false);
    AnomalyStream *without = anomaly_stream_new(arena, false);
    Random random = random_new(5);
    size_t missed = 0;
    for (size_t i = 0; i < WEEK; i++) {
        double noise = random_normal(&random);
        missed += anomaly_stream_add(stream, i % 40 < 4 ? 9 + noise : noise).is_missing;
        missed += anomaly_stream_add(without, noise).is_missing;
    }
    assert_int_equal(missed, 0);
    for (size_t i = 0; i < 100; i++) {
        double noise = random_normal(&random);
        missed += anomaly_stream_add(stream, noise).is_missing;
        assert_false(anomaly_stream_add(without, noise).is_missing);
    }
    assert_true(missed > 0 && missed < 40); /* not before eight hours without it */
}

static void
words_lead_to_what_they_name_and_back(void **state)
{
    (void)state;
    AnomalyMetric metric;
    AnomalyType type;
    for (size_t i = 0; i < ANOMALY_METRIC_COUNT; i++) {
        assert_true(anomaly_metric_find(anomaly_metric_info((AnomalyMetric)i)->name, &metric));
        assert_int_equal(metric, i);
        double value = anomaly_restore(metric, anomaly_transform(metric, 0.75));
        assert_true(fabs(value - 0.75) < 1e-9);
    }
    for (size_t i = 0; i < ANOMALY_TYPE_COUNT; i++) {
        assert_true(anomaly_type_find(anomaly_type_word((AnomalyType)i), &type));
        assert_int_equal(type, i);
    }
    assert_true(anomaly_badness(ANOMALY_HIT_RATIO, -2) == 2 && anomaly_badness(ANOMALY_HIT_RATIO, 2) == 0);
    assert_true(anomaly_badness(ANOMALY_CALLS, -2) == 2 && anomaly_badness(ANOMALY_MEAN_MS, -2) == 0);
    assert_string_equal(anomaly_severity_word(ANOMALY_CRITICAL), "critical");
    assert_int_equal(anomaly_hour_of(INT64_C(3600000000)), 0); /* the hour that ends then */
    assert_int_equal(anomaly_hour_of(INT64_C(3600000001)), 1);
    assert_false(anomaly_metric_find("luck", &metric) || anomaly_type_find("luck", &type));
    assert_int_equal(anomaly_severity_find("luck"), ANOMALY_NONE);
    assert_int_equal(anomaly_severity_find("high"), ANOMALY_HIGH);
    assert_int_equal(anomaly_severity_of(&thresholds, 2.49), ANOMALY_MEDIUM);
    assert_int_equal(anomaly_severity_of(&thresholds, NAN), ANOMALY_NONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_usual_depends_on_the_hour),
        cmocka_unit_test(one_bad_point_is_a_finding_and_two_in_a_row_are_an_alert),
        cmocka_unit_test(only_the_bad_side_of_a_metric_is_bad),
        cmocka_unit_test(what_was_seen_before_is_no_news),
        cmocka_unit_test(too_few_and_unknown_points_are_no_baseline_and_equal_ones_are),
        cmocka_unit_test(a_stretch_that_was_never_seen_has_a_low_p_and_a_usual_one_has_not),
        cmocka_unit_test(a_job_that_always_ran_and_does_not_run_is_missed),
        cmocka_unit_test(words_lead_to_what_they_name_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
