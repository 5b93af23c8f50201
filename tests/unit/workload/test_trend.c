// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/random.h"
#include "workload/trend.h"

#include <math.h>

#define ARENA_BYTES ((size_t)32 * 1024 * 1024)
#define HOURS ((size_t)24 * 28)

static double *
noisy(Arena *arena, uint64_t seed, double growth, size_t step_at, double step)
{
    Random random = random_new(seed);
    double *values = ARENA_NEW_ARRAY(arena, double, HOURS);
    for (size_t i = 0; i < HOURS; i++)
        values[i] = 1000 * exp(growth * (double)i / (double)HOURS + 0.1 * random_normal(&random)) *
                    (i % 24 > 8 ? 3 : 1) * (i >= step_at ? step : 1);
    return values;
}

static void
growth_decline_and_neither_are_told_apart(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("trend", ARENA_BYTES);
    Trend up = trend_find(arena, noisy(arena, 1, 0.6, HOURS, 1), HOURS, 0);
    Trend down = trend_find(arena, noisy(arena, 2, -0.6, HOURS, 1), HOURS, 0);
    Trend flat = trend_find(arena, noisy(arena, 3, 0, HOURS, 1), HOURS, 0);
    assert_int_equal(up.word, TREND_INCREASING);
    assert_true(up.change_percent > 25 && up.change_percent < 45 && up.chance < 1e-4);
    assert_int_equal(down.word, TREND_DECREASING);
    assert_true(down.chance < 1e-4);
    assert_int_equal(flat.word, TREND_STABLE);
    assert_true(fabs(flat.change_percent) < 5 && flat.chance > 0.01);
    assert_string_equal(trend_word(up.word), "increasing");
}

static void
a_weekend_in_one_half_is_no_trend(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("trend", ARENA_BYTES);
    double values[24 * 19];
    for (size_t i = 0; i < 24 * 19; i++)
        values[i] = i / 24 % 7 >= 5 ? 100 : 1000;
    Trend trend = trend_find(arena, values, 24 * 19, 0);
    assert_int_equal(trend.hours, 336);
    assert_true(fabs(trend.change_percent) < 1e-9);
}

static void
what_is_not_known_is_stable_without_a_figure(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("trend", ARENA_BYTES);
    double values[48];
    for (size_t i = 0; i < 48; i++)
        values[i] = i < 24 ? NAN : 5;
    Trend half = trend_find(arena, values, 48, 7);
    Trend none = trend_find(arena, values, 0, 0);
    Trend zero = trend_find(arena, (double[]){0, 5}, 2, 0);
    assert_true(half.word == TREND_STABLE && isnan(half.change_percent) && isnan(half.chance));
    assert_true(none.word == TREND_STABLE && isnan(none.change_percent));
    assert_true(zero.word == TREND_STABLE && isnan(zero.change_percent));
}

static void
a_step_is_a_shift_on_its_day_and_a_slope_is_none(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("trend", ARENA_BYTES);
    const size_t seasons[] = {24, 168};
    Shift shift;
    for (uint64_t seed = 0; seed < 20; seed++) {
        assert_true(trend_shift(arena, noisy(arena, seed, 0, 24 * 17, 1.4), HOURS, seasons, &shift));
        assert_int_equal(shift.at, 24 * 17);
        assert_true(fabs(shift.change_percent - 40) < 8 && !shift.is_high);
        assert_true(trend_shift(arena, noisy(arena, seed, 0, 24 * 17, 0.4), HOURS, seasons, &shift));
        assert_true(fabs(shift.change_percent + 60) < 5 && shift.is_high);
        assert_false(trend_shift(arena, noisy(arena, seed, 1, HOURS, 1), HOURS, seasons, &shift));
        assert_false(trend_shift(arena, noisy(arena, seed, 0, HOURS, 1), HOURS, seasons, &shift));
    }
    assert_false(trend_shift(arena, NULL, 0, seasons, &shift));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growth_decline_and_neither_are_told_apart),
        cmocka_unit_test(a_weekend_in_one_half_is_no_trend),
        cmocka_unit_test(what_is_not_known_is_stable_without_a_figure),
        cmocka_unit_test(a_step_is_a_shift_on_its_day_and_a_slope_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
