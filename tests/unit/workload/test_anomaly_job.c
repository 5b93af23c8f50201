// SPDX-License-Identifier: PostgreSQL
/* Jobs that run every so often in a noisy series, and that are missed when they stop to. */
#include "../death.h"

#include "base/random.h"
#include "workload/anomaly_past.h"
#include "workload/anomaly_job.h"

#include <math.h>

#define WEEK ((size_t)2016)
#define STEP_US (INT64_C(300) * 1000000)
#define FIRST 1234567

typedef struct Fixture {
    Arena *arena;
    Random random;
    float deviations[WEEK];
    AnomalyJobSeries series;
} Fixture;

static int
setup(void **state)
{
    Arena *arena = arena_new("test", 1 << 24);
    Fixture *fixture = ARENA_NEW(arena, Fixture);
    *fixture = (Fixture){.arena = arena, .random = random_new(7)};
    fixture->series = (AnomalyJobSeries){.deviations = fixture->deviations, .count = WEEK, .first = FIRST};
    *state = fixture;
    return 0;
}

static int
teardown(void **state)
{
    arena_free(((Fixture *)*state)->arena);
    return 0;
}

/* Noise, and a job of four steps every so often until it stops. */
static void
fill(Fixture *fixture, size_t period, size_t stops)
{
    for (size_t i = 0; i < WEEK; i++) {
        bool is_on = period > 0 && (FIRST + i) % period < 4 && i < stops;
        fixture->deviations[i] = (float)(random_normal(&fixture->random) + (is_on ? 6 : 0));
    }
}

static bool
is_missing(Fixture *fixture)
{
    AnomalyJob job = anomaly_job_find(fixture->arena, &fixture->series);
    return anomaly_job_is_missing(fixture->arena, &job, &fixture->series);
}

static void
a_job_of_any_period_is_found_and_missed_when_it_stops(void **state)
{
    static const size_t periods[] = {12, 36, 60, 72, 100};
    Fixture *fixture = *state;
    for (size_t i = 0; i < FETTLE_COUNT_OF(periods); i++) {
        fill(fixture, periods[i], WEEK);
        AnomalyJob job = anomaly_job_find(fixture->arena, &fixture->series);
        assert_int_equal(job.period, periods[i]);
        assert_true(job.is_on[0] && job.is_on[3] && !job.is_on[4] && !job.is_on[periods[i] - 1]);
        assert_int_equal(job.misses, 0);
        assert_false(anomaly_job_is_missing(fixture->arena, &job, &fixture->series));
        fill(fixture, periods[i], WEEK - periods[i] + 4);
        assert_false(is_missing(fixture)); /* once is no news */
        fill(fixture, periods[i], periods[i] < 72 ? WEEK - 4 * periods[i] : WEEK - ANOMALY_JOB_DAY);
        assert_true(is_missing(fixture));
    }
}

static void
noise_has_no_job(void **state)
{
    Fixture *fixture = *state;
    for (int i = 0; i < 60; i++) {
        fill(fixture, 0, 0);
        double kept = 0;
        for (size_t k = 0; k < WEEK && i % 2 == 0; k++) { /* and noise that remembers */
            kept = 0.9 * kept + (double)fixture->deviations[k];
            fixture->deviations[k] = (float)kept;
        }
        assert_int_equal(anomaly_job_find(fixture->arena, &fixture->series).period, 0);
        assert_false(is_missing(fixture));
    }
}

static void
another_level_is_no_missing_job(void **state)
{
    Fixture *fixture = *state;
    fill(fixture, 36, WEEK);
    for (size_t i = WEEK - 200; i < WEEK; i++)
        fixture->deviations[i] -= 5;
    assert_int_equal(anomaly_job_find(fixture->arena, &fixture->series).period, 36);
    assert_false(is_missing(fixture));
}

static void
a_job_that_often_paused_is_missed_only_after_a_longer_pause(void **state)
{
    Fixture *fixture = *state;
    fill(fixture, 24, WEEK);
    for (size_t i = 600; i < 600 + 5 * 24; i++)
        fixture->deviations[i] = (float)random_normal(&fixture->random);
    AnomalyJob job = anomaly_job_find(fixture->arena, &fixture->series);
    assert_true(job.misses >= 4 && job.misses_in_a_row == job.misses);
    for (size_t pause = 1; pause <= 11; pause += 5) {
        fill(fixture, 24, WEEK - pause * 24 - 24);
        assert_int_equal(anomaly_job_is_missing(fixture->arena, &job, &fixture->series), pause > 6);
    }
}

static void
gaps_move_nothing_and_what_is_not_known_is_not_missed(void **state)
{
    Fixture *fixture = *state;
    fill(fixture, 36, WEEK - 150);
    for (size_t i = 300; i < 700; i++)
        fixture->deviations[i] = NAN;
    assert_true(is_missing(fixture));
    for (size_t i = WEEK - 160; i < WEEK; i++)
        fixture->deviations[i] = NAN;
    assert_false(is_missing(fixture));
    for (size_t i = 0; i < WEEK; i++)
        fixture->deviations[i] = NAN;
    assert_false(is_missing(fixture));
}

static void
little_history_one_value_and_none_at_all_have_no_job(void **state)
{
    Fixture *fixture = *state;
    fill(fixture, 36, WEEK);
    for (size_t count = 0; count <= ANOMALY_JOB_DAY + 80; count += 23) {
        fixture->series.count = count;
        assert_false(is_missing(fixture));
    }
    fixture->series.count = WEEK;
    for (size_t i = 0; i < WEEK; i++)
        fixture->deviations[i] = 0;
    assert_false(is_missing(fixture));
}

static void
the_past_of_a_target_tells_it_in_steps_of_a_minute_or_more(void **state)
{
    Fixture *fixture = *state;
    StepFigures *steps = ARENA_NEW_ARRAY(fixture->arena, StepFigures, WEEK);
    StepList past = {.items = steps};
    AnomalyBaseline baseline = {.points = WEEK, .scale = 1};
    fill(fixture, 36, WEEK - 150);
    for (size_t i = 0; i < WEEK; i++) {
        StepFigures *step = &steps[past.count];
        *step = (StepFigures){.ended_at_us = (int64_t)(FIRST + i) * STEP_US};
        step->figures[ANOMALY_CALLS] = anomaly_restore(ANOMALY_CALLS, (double)fixture->deviations[i] + 0.001);
        past.count += i % 10 != 9; /* some were not observed */
    }
    AnomalyPoint newest = {.at_us = (int64_t)(FIRST + WEEK) * STEP_US, .value = 0};
    assert_true(anomaly_past_misses_job(fixture->arena, &past, STEP_US, ANOMALY_CALLS, &baseline, &newest));
    assert_false(
        anomaly_past_misses_job(fixture->arena, &past, STEP_US / 300, ANOMALY_CALLS, &baseline, &newest));
    past.count = 0;
    assert_false(anomaly_past_misses_job(fixture->arena, &past, STEP_US, ANOMALY_CALLS, &baseline, &newest));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_job_of_any_period_is_found_and_missed_when_it_stops, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(noise_has_no_job, setup, teardown),
        cmocka_unit_test_setup_teardown(another_level_is_no_missing_job, setup, teardown),
        cmocka_unit_test_setup_teardown(a_job_that_often_paused_is_missed_only_after_a_longer_pause, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(gaps_move_nothing_and_what_is_not_known_is_not_missed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(little_history_one_value_and_none_at_all_have_no_job, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_past_of_a_target_tells_it_in_steps_of_a_minute_or_more, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
