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

static void
databases_are_added_up_by_their_calls(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("series", ARENA_BYTES);
    HourlySeries two[] = {series_new(arena, 100, 3), series_new(arena, 100, 3)};
    for (size_t s = 0; s < 2; s++) {
        two[s].calls[0] = s == 0 ? 10 : 30;
        two[s].time_ms[0] = s == 0 ? 8 : 4;
        two[s].observed_seconds[0] = s == 0 ? 1800 : 3600;
        two[s].blocks_read[0] = 5;
    }
    two[1].calls[1] = two[1].time_ms[1] = 0;
    HourlySeries sum = series_sum(arena, two, 2);
    assert_int_equal(sum.from_hour, 100);
    assert_true(sum.calls[0] == 40 && sum.time_ms[0] == 5 && sum.blocks_read[0] == 10);
    assert_true(sum.observed_seconds[0] == 3600);
    assert_true(sum.calls[1] == 0 && sum.time_ms[1] == 0); /* one database idle, the other not there */
    assert_true(isnan(sum.calls[2]) && isnan(sum.time_ms[2]));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_those_of_the_calendar),
        cmocka_unit_test(a_new_series_is_all_gaps),
        cmocka_unit_test(values_that_no_samples_give_are_refused),
        cmocka_unit_test(hours_seen_by_half_are_scaled_and_by_less_are_gaps),
        cmocka_unit_test(databases_are_added_up_by_their_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
