// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "workload/series.h"

#include <math.h>
#include <string.h>
#include <time.h>

#define ARENA_BYTES ((size_t)64 * 1024 * 1024)

static void
dates_are_those_of_the_calendar(void **state)
{
    (void)state;
    for (int64_t hour = -2000000; hour < 2000000; hour += 7) {
        time_t seconds = (time_t)(hour * 3600);
        struct tm wanted;
        assert_non_null(gmtime_r(&seconds, &wanted));
        SeriesDate date = series_date(hour);
        assert_int_equal(date.hour, wanted.tm_hour);
        assert_int_equal(date.weekday, wanted.tm_wday);
        assert_int_equal(date.day_of_month, wanted.tm_mday);
        assert_int_equal(date.day * 24 + date.hour, hour);
    }
}

static void
a_new_series_is_all_gaps(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("series", ARENA_BYTES);
    HourlySeries series = series_new(arena, 100, 3);
    Error error = {0};
    for (size_t i = 0; i < 3; i++)
        assert_true(isnan(series.calls[i]) && isnan(series.time_ms[i]));
    assert_true(series_check(&series, &error));
}

static void
values_that_no_samples_give_are_refused(void **state)
{
    (void)state;
    static const double bad[][2] = {{-1, 5}, {5, -1}, {INFINITY, 5}, {5, INFINITY}, {NAN, 5}, {5, NAN}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(bad); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("series", ARENA_BYTES);
        HourlySeries series = series_new(arena, 100, 3);
        Error error = {0};
        series.database_name = "shop";
        series.calls[1] = bad[i][0];
        series.time_ms[1] = bad[i][1];
        assert_false(series_check(&series, &error));
        assert_int_equal(error.code, ERROR_DAMAGED);
        assert_non_null(strstr(error.message, "hour 101 of database \"shop\""));
    }
}

static void
hours_seen_by_half_are_scaled_and_by_less_are_gaps(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("series", ARENA_BYTES);
    HourlySeries series = series_new(arena, 100, 5);
    const double observed[] = {3600, 1800, 1799, 3700, 3600};
    for (size_t i = 0; i < 5; i++) {
        series.calls[i] = 10;
        series.time_ms[i] = 2;
        series.observed_seconds[i] = observed[i];
    }
    HourlySeries clean = series_clean(arena, &series, 104);
    assert_int_equal(clean.count, 4);
    assert_true(clean.calls[0] == 10 && clean.calls[1] == 20 && isnan(clean.calls[2]) &&
                clean.calls[3] == 10);
    assert_true(clean.time_ms[1] == 2);
    assert_int_equal(series_clean(arena, &series, 100).count, 0);
    assert_int_equal(series_clean(arena, &series, 90).count, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_those_of_the_calendar),
        cmocka_unit_test(a_new_series_is_all_gaps),
        cmocka_unit_test(values_that_no_samples_give_are_refused),
        cmocka_unit_test(hours_seen_by_half_are_scaled_and_by_less_are_gaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
