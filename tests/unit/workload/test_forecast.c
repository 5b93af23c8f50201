// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/random.h"
#include "workload/forecast.h"

#include <math.h>
#include <string.h>

#define ARENA_BYTES ((size_t)256 * 1024 * 1024)
#define HOURS ((size_t)24 * 42)
#define AHEAD ((size_t)48)

static const ForecastOptions two_days = {.hours = AHEAD, .ceiling = INFINITY};

/* Office hours of five days a week. */
static double
office(size_t hour)
{
    bool is_weekend = hour / 24 % 7 >= 5;
    return hour % 24 >= 8 && hour % 24 < 18 && !is_weekend ? 1000 : 200;
}

static double *
office_hours(Arena *arena, Random *random, double noise, size_t count)
{
    double *values = ARENA_NEW_ARRAY(arena, double, count);
    for (size_t i = 0; i < count; i++)
        values[i] = office(i) * exp(noise * random_normal(random));
    return values;
}

static void
assert_bands_are_in_order(const Forecast *forecast)
{
    for (size_t h = 0; h < forecast->count; h++) {
        const ForecastHour *hour = &forecast->hours[h];
        assert_true(hour->lower[FORECAST_95] >= 0 && isfinite(hour->upper[FORECAST_95]));
        assert_true(hour->lower[FORECAST_95] <= hour->lower[FORECAST_90]);
        assert_true(hour->lower[FORECAST_90] <= hour->lower[FORECAST_80]);
        assert_true(hour->lower[FORECAST_80] <= hour->predicted);
        assert_true(hour->predicted <= hour->upper[FORECAST_80]);
        assert_true(hour->upper[FORECAST_80] <= hour->upper[FORECAST_90]);
        assert_true(hour->upper[FORECAST_90] <= hour->upper[FORECAST_95]);
    }
}

static void
what_never_changes_is_forecast_to_stay_so(void **state)
{
    (void)state;
    for (int level = 0; level < 3; level++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("forecast", ARENA_BYTES);
        double *values = ARENA_NEW_ARRAY(arena, double, HOURS);
        for (size_t i = 0; i < HOURS; i++)
            values[i] = level * 5e5;
        Forecast forecast = forecast_make(arena, values, HOURS, &two_days);
        assert_int_equal(forecast.verdict, FORECAST_MADE);
        assert_int_equal(forecast.count, AHEAD);
        for (size_t h = 0; h < AHEAD; h++) {
            assert_true(fabs(forecast.hours[h].predicted - level * 5e5) <= 1e-3);
            assert_true(forecast.hours[h].upper[FORECAST_95] - forecast.hours[h].lower[FORECAST_95] <= 1e-2);
        }
    }
}

static void
days_and_weekends_are_forecast_within_the_noise(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < 168; shift += 41) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("forecast", ARENA_BYTES);
        Random random = random_new(shift);
        size_t count = HOURS - shift;
        double *values = office_hours(arena, &random, 0.1, count);
        ForecastOptions options = {.hours = FORECAST_HOURS_MOST, .ceiling = INFINITY};
        Forecast forecast = forecast_make(arena, values, count, &options);
        assert_int_equal(forecast.verdict, FORECAST_MADE);
        assert_int_equal(forecast.count, FORECAST_HOURS_MOST);
        assert_true(forecast.error_ratio < 0.8);
        assert_bands_are_in_order(&forecast);
        double sum = 0;
        for (size_t h = 0; h < forecast.count; h++) {
            double away = fabs(log(forecast.hours[h].predicted / office(count + h)));
            sum += away;
            assert_true(away < 0.25);
        }
        assert_true(sum / (double)forecast.count < 0.05);
    }
}

static void
a_job_of_an_odd_period_is_forecast_in_its_hour(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("forecast", ARENA_BYTES);
    double *values = ARENA_NEW_ARRAY(arena, double, HOURS);
    for (size_t i = 0; i < HOURS; i++)
        values[i] = i % 37 == 5 ? 500 : 0;
    Forecast forecast = forecast_make(arena, values, HOURS, &two_days);
    assert_int_equal(forecast.seasons[0], 37);
    for (size_t h = 0; h < AHEAD; h++)
        assert_true(fabs(forecast.hours[h].predicted - ((HOURS + h) % 37 == 5 ? 500 : 0)) < 1);
}

static void
bands_hold_as_often_as_they_say(void **state)
{
    (void)state;
    double held[FORECAST_BANDS] = {0};
    double hours = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("forecast", ARENA_BYTES);
        Random random = random_new(seed);
        double *values = office_hours(arena, &random, 0.2, HOURS);
        double red = 0;
        for (size_t i = 0; i < HOURS; i++) {
            red = 0.9 * red + 0.05 * random_normal(&random);
            values[i] *= exp(red);
        }
        Forecast forecast = forecast_make(arena, values, HOURS - AHEAD, &two_days);
        for (size_t h = 0; h < AHEAD; h++, hours++)
            for (int band = 0; band < FORECAST_BANDS; band++)
                held[band] += values[HOURS - AHEAD + h] >= forecast.hours[h].lower[band] &&
                              values[HOURS - AHEAD + h] <= forecast.hours[h].upper[band];
    }
    assert_true(fabs(held[FORECAST_80] / hours - 0.80) < 0.04);
    assert_true(fabs(held[FORECAST_90] / hours - 0.90) < 0.03);
    assert_true(fabs(held[FORECAST_95] / hours - 0.95) < 0.025);
}

static void
a_spike_of_yesterday_is_not_tomorrows_forecast(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("forecast", ARENA_BYTES);
    Random random = random_new(5);
    double *values = office_hours(arena, &random, 0.05, HOURS);
    values[HOURS - 10] *= 100;
    Forecast forecast = forecast_make(arena, values, HOURS, &two_days);
    for (size_t h = 0; h < AHEAD; h++)
        assert_true(forecast.hours[h].predicted < 1300);
}

static void
a_level_that_changed_is_forecast_at_its_new_height(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("forecast", ARENA_BYTES);
    Random random = random_new(6);
    double *values = office_hours(arena, &random, 0.05, HOURS);
    for (size_t i = HOURS - 96; i < HOURS; i++)
        values[i] *= 2;
    Forecast forecast = forecast_make(arena, values, HOURS, &two_days);
    double expected = 0;
    double predicted = 0;
    for (size_t h = 0; h < AHEAD; h++) {
        expected += 2 * office(HOURS + h);
        predicted += forecast.hours[h].predicted;
    }
    assert_true(fabs(predicted / expected - 1) < 0.15);
}

static void
a_size_that_grows_is_forecast_to_go_on(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("forecast", ARENA_BYTES);
    Random random = random_new(10);
    double *values = ARENA_NEW_ARRAY(arena, double, HOURS);
    for (size_t i = 0; i < HOURS; i++)
        values[i] = 1e9 + 1e6 * (double)i + 1e6 * random_normal(&random);
    Forecast forecast = forecast_make(arena, values, HOURS, &two_days);
    assert_true(forecast.error_ratio < 0.2);
    for (size_t h = 0; h < AHEAD; h++)
        assert_true(fabs(forecast.hours[h].predicted - 1e9 - 1e6 * (double)(HOURS + h)) < 3e6);
}

static void
gaps_are_left_out_and_do_not_become_zeros(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("forecast", ARENA_BYTES);
    Random random = random_new(7);
    double *values = office_hours(arena, &random, 0.05, HOURS);
    for (size_t i = 0; i < HOURS; i++)
        if (random_below(&random, 5) == 0 || (i > 400 && i < 470) || i + 10 > HOURS)
            values[i] = NAN;
    Forecast forecast = forecast_make(arena, values, HOURS, &two_days);
    assert_int_equal(forecast.verdict, FORECAST_MADE);
    assert_bands_are_in_order(&forecast);
    for (size_t h = 0; h < AHEAD; h++)
        assert_true(fabs(log(forecast.hours[h].predicted / office(HOURS + h))) < 0.2);
}

static void
too_little_gives_the_day_before_or_nothing(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("forecast", ARENA_BYTES);
    Random random = random_new(8);
    double *values = office_hours(arena, &random, 0, HOURS);
    assert_int_equal(forecast_make(arena, values, 0, &two_days).verdict, FORECAST_TOO_SHORT);
    assert_int_equal(forecast_make(arena, values, 1, &two_days).verdict, FORECAST_TOO_SHORT);
    Forecast none = forecast_make(arena, values, FORECAST_KNOWN_LEAST - 1, &two_days);
    assert_int_equal(none.verdict, FORECAST_TOO_SHORT);
    assert_int_equal(none.count, 0);
    for (size_t count = FORECAST_KNOWN_LEAST; count < 168; count += 17) {
        Forecast naive = forecast_make(arena, values, count, &two_days);
        assert_int_equal(naive.verdict, FORECAST_NAIVE);
        assert_bands_are_in_order(&naive);
        for (size_t h = 0; h < AHEAD; h++)
            assert_true(naive.hours[h].predicted == values[count - 24 + h % 24]);
    }
    assert_int_equal(forecast_make(arena, values, 168, &two_days).verdict, FORECAST_MADE);
    for (size_t i = HOURS - 168; i < HOURS; i++)
        values[i] = NAN;
    assert_int_equal(forecast_make(arena, values, HOURS, &two_days).verdict, FORECAST_TOO_FEW);
    values[HOURS - 1] = 200; /* one hour tells nothing of the errors */
    for (size_t i = 200; i < HOURS - 1; i++)
        values[i] = NAN;
    Forecast lone = forecast_make(arena, values, HOURS, &two_days);
    assert_int_equal(lone.verdict, FORECAST_TOO_FEW);
    assert_int_equal(lone.count, 0);
    for (size_t i = 0; i < HOURS; i++)
        values[i] = NAN;
    assert_int_equal(forecast_make(arena, values, HOURS, &two_days).verdict, FORECAST_TOO_SHORT);
}

/* Values of some shape, with gaps. */
static double
strange(Random *random, uint64_t shape, size_t hour)
{
    switch (shape) {
        case 0: return random_below(random, 2) == 0 ? NAN : 1e15 * random_unit(random);
        case 1: return random_below(random, 50) == 0 ? 1e-9 : 0;
        case 2: return hour % 24 < 2 ? exp(20 * random_unit(random)) : NAN;
        case 3: return hour % 168 == 7 ? 1e6 : 3;
        case 4: return exp((double)hour / 40);
        default: return hour == 60 ? 1e12 : NAN;
    }
}

static void
whatever_the_hours_are_figures_are_finite_and_in_order(void **state)
{
    (void)state;
    for (uint64_t shape = 0; shape < 6; shape++)
        for (size_t count = 40; count < 700; count += 1 + count / 3) {
            FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("forecast", ARENA_BYTES);
            Random random = random_new(shape * 1000 + count);
            double *values = ARENA_NEW_ARRAY(arena, double, count);
            for (size_t i = 0; i < count; i++)
                values[i] = strange(&random, shape, i);
            ForecastOptions options = {.hours = 1 + count % FORECAST_HOURS_MOST, .ceiling = INFINITY};
            Forecast forecast = forecast_make(arena, values, count, &options);
            assert_bands_are_in_order(&forecast);
        }
}

static void
the_same_hours_give_the_same_bytes_and_none_above_the_ceiling(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("forecast", ARENA_BYTES);
    Random random = random_new(9);
    double *walk = ARENA_NEW_ARRAY(arena, double, FORECAST_HISTORY_MOST + 500);
    double at = 0;
    for (size_t i = 0; i < FORECAST_HISTORY_MOST + 500; i++) {
        at += 0.1 * random_normal(&random);
        walk[i] = fmin(1, 0.5 * exp(at));
    }
    ForecastOptions options = {.hours = FORECAST_HOURS_MOST, .ceiling = 1};
    Forecast first = forecast_make(arena, walk, FORECAST_HISTORY_MOST + 500, &options);
    Forecast second = forecast_make(arena, walk, FORECAST_HISTORY_MOST + 500, &options);
    /* what is older than the history is not looked at */
    Forecast third = forecast_make(arena, walk + 500, FORECAST_HISTORY_MOST, &options);
    assert_memory_equal(first.hours, second.hours, first.count * sizeof(ForecastHour));
    assert_memory_equal(first.hours, third.hours, first.count * sizeof(ForecastHour));
    assert_bands_are_in_order(&first);
    for (size_t h = 0; h < first.count; h++)
        assert_true(first.hours[h].upper[FORECAST_95] <= 1);
    assert_string_equal(forecast_verdict_word(first.verdict), "made");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_never_changes_is_forecast_to_stay_so),
        cmocka_unit_test(days_and_weekends_are_forecast_within_the_noise),
        cmocka_unit_test(a_job_of_an_odd_period_is_forecast_in_its_hour),
        cmocka_unit_test(bands_hold_as_often_as_they_say),
        cmocka_unit_test(a_spike_of_yesterday_is_not_tomorrows_forecast),
        cmocka_unit_test(a_level_that_changed_is_forecast_at_its_new_height),
        cmocka_unit_test(a_size_that_grows_is_forecast_to_go_on),
        cmocka_unit_test(gaps_are_left_out_and_do_not_become_zeros),
        cmocka_unit_test(too_little_gives_the_day_before_or_nothing),
        cmocka_unit_test(whatever_the_hours_are_figures_are_finite_and_in_order),
        cmocka_unit_test(the_same_hours_give_the_same_bytes_and_none_above_the_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
