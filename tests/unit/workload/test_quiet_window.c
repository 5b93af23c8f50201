// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "workload/quiet_window.h"

#include <math.h>

/* A forecast of these values, with bands a tenth below and above. */
static Forecast
forecast_of(Arena *arena, const double *values, size_t count)
{
    Forecast forecast = {.count = count, .hours = ARENA_NEW_ARRAY(arena, ForecastHour, count)};
    for (size_t h = 0; h < count; h++) {
        forecast.hours[h].predicted = values[h];
        forecast.hours[h].lower[FORECAST_90] = 0.9 * values[h];
        forecast.hours[h].upper[FORECAST_90] = 1.1 * values[h];
    }
    return forecast;
}

static void
the_window_of_the_least_mean_is_found_with_its_band(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("window", 65536);
    Forecast forecast = forecast_of(arena, (double[]){9, 1, 9, 3, 3, 9, 9, 9}, 8);
    QuietWindow window;
    assert_true(quiet_window_find(&forecast, 1, 0, &window));
    assert_int_equal(window.from, 1);
    assert_true(quiet_window_find(&forecast, 2, 0, &window));
    assert_int_equal(window.from, 3);
    assert_int_equal(window.hours, 2);
    assert_true(fabs(window.predicted - 3) < 1e-9 && fabs(window.lower - 2.7) < 1e-9);
    assert_true(fabs(window.upper - 3.3) < 1e-9 && fabs(window.share - 3 / 6.5) < 1e-9);
}

static void
a_window_begins_in_time_and_may_end_later(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("window", 65536);
    Forecast forecast = forecast_of(arena, (double[]){9, 8, 7, 6, 5, 1}, 6);
    QuietWindow window;
    assert_true(quiet_window_find(&forecast, 2, 3, &window));
    assert_int_equal(window.from, 2);
    assert_true(quiet_window_find(&forecast, 6, 1, &window));
    assert_int_equal(window.from, 0);
    assert_true(fabs(window.share - 1) < 1e-9);
}

static void
of_windows_as_quiet_the_first_is_taken(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("window", 65536);
    Forecast forecast = forecast_of(arena, (double[]){100, 1.5, 100, 1, 100, 0.9}, 6);
    QuietWindow window;
    assert_true(quiet_window_find(&forecast, 1, 0, &window));
    assert_int_equal(window.from, 1);
    Forecast zeros = forecast_of(arena, (double[]){0, 0, 0}, 3);
    assert_true(quiet_window_find(&zeros, 2, 0, &window));
    assert_int_equal(window.from, 0);
    assert_true(window.share == 1);
}

static void
the_peak_is_the_greatest_hour_in_time(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("window", 65536);
    Forecast forecast = forecast_of(arena, (double[]){1, 5, 2, 9}, 4);
    QuietWindow peak;
    assert_true(quiet_window_peak(&forecast, 0, &peak));
    assert_int_equal(peak.from, 3);
    assert_true(quiet_window_peak(&forecast, 3, &peak));
    assert_int_equal(peak.from, 1);
}

static void
without_enough_hours_there_is_no_window(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("window", 65536);
    Forecast forecast = forecast_of(arena, (double[]){1, 5}, 2);
    Forecast none = {.verdict = FORECAST_TOO_SHORT};
    QuietWindow window;
    assert_false(quiet_window_find(&forecast, 3, 0, &window));
    assert_false(quiet_window_find(&forecast, 0, 0, &window));
    assert_false(quiet_window_find(&none, 1, 0, &window));
    assert_false(quiet_window_peak(&none, 0, &window));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_window_of_the_least_mean_is_found_with_its_band),
        cmocka_unit_test(a_window_begins_in_time_and_may_end_later),
        cmocka_unit_test(of_windows_as_quiet_the_first_is_taken),
        cmocka_unit_test(the_peak_is_the_greatest_hour_in_time),
        cmocka_unit_test(without_enough_hours_there_is_no_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
