// SPDX-License-Identifier: PostgreSQL
/*
 * The contract's fixtures and extra checks, on series made here.
 */
#include "../death.h"

#include "base/random.h"
#include "base/text.h"
#include "workload/pattern.h"

#include <math.h>
#include <string.h>

#define ARENA_BYTES ((size_t)256 * 1024 * 1024)
#define NOW_HOUR INT64_C(490000) /* 2025-11-24 16:00 UTC, a Monday */
#define ONE_BUSY_HOUR (UINT32_C(1) << 8)

typedef struct Load {
    int days;
    uint32_t busy; /* bits of hours */
    double calls_idle, calls_busy, ms_idle, ms_busy;
    double noise; /* relative standard deviation, normal */
    uint64_t seed;
} Load;

/* As the loader rule L5: from now - D days to now inclusive. */
static HourlySeries
load_series(Arena *arena, const Load *load)
{
    size_t count = (size_t)load->days * 24 + 1;
    HourlySeries series = series_new(arena, NOW_HOUR - load->days * 24, count);
    Random random = random_new(load->seed);
    for (size_t i = 0; i < count; i++) {
        bool is_busy = (load->busy >> series_date(series.from_hour + (int64_t)i).hour & 1) != 0;
        double calls = is_busy ? load->calls_busy : load->calls_idle;
        double ms = is_busy ? load->ms_busy : load->ms_idle;
        series.calls[i] = fmax(0, calls * (1 + load->noise * random_normal(&random)));
        series.time_ms[i] = fmax(0, ms * (1 + load->noise * random_normal(&random)));
        series.observed_seconds[i] = 3600;
    }
    return series;
}

static PatternList
patterns_of(Arena *arena, const Load *load)
{
    HourlySeries series = load_series(arena, load);
    PatternList patterns;
    pattern_detect(arena, &series, &patterns);
    return patterns;
}

static size_t
count_of(const PatternList *patterns, PatternType type)
{
    size_t count = 0;
    for (size_t i = 0; i < patterns->count; i++)
        count += patterns->items[i].type == type;
    return count;
}

static void
assert_near(double value, double wanted, double tolerance)
{
    if (!(fabs(value - wanted) <= tolerance))
        fail_msg("%.15g is not %.15g", value, wanted);
}

static void
one_busy_hour_is_one_peak_with_the_contracts_figures(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("pattern", ARENA_BYTES);
    PatternList patterns = patterns_of(arena, &(Load){30, ONE_BUSY_HOUR, 50, 500, 50, 250, 0, 0});
    assert_int_equal(patterns.count, 1);
    const Pattern *peak = &patterns.items[0];
    assert_int_equal(peak->type, PATTERN_HOURLY_PEAK);
    assert_string_equal(peak->key, "h08");
    assert_int_equal(peak->peak_hour, 8);
    assert_near(peak->confidence, 0.930, 0.005);
    assert_near(peak->z_score_count, 4.80, 0.01);
    assert_near(peak->z_score_time, 4.80, 0.01);
    assert_near(peak->variance, 0, 1e-12);
    assert_int_equal(peak->affected_queries, 500);
    assert_near(peak->consistency_score, 1, 1e-12);
    assert_near(peak->effect_ratio, 501.0 / 51, 1e-9);
    assert_true(peak->p_value == 0 && !peak->is_by_time);
    assert_string_equal(pattern_description(arena, peak),
                        "Peak load detected at hour 8 UTC (93% confidence)");
}

static void
the_metadata_has_the_nine_fields(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("pattern", ARENA_BYTES);
    PatternList patterns = patterns_of(arena, &(Load){30, ONE_BUSY_HOUR, 50, 500, 50, 250, 0, 0});
    const char *json = pattern_metadata(arena, &patterns.items[0]);
    static const char *const fields[] = {"peak_hour",        "variance",          "confidence",
                                         "affected_queries", "z_score_count",     "z_score_time",
                                         "days_observed",    "consistency_score", "recurrence_score"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(fields); i++)
        assert_non_null(strstr(json, arena_printf(arena, "\"%s\":", fields[i])));
    assert_null(strstr(json, "weekday"));
    assert_null(strstr(json, "hours"));
}

static void
three_busy_hours_are_three_sure_peaks(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("pattern", ARENA_BYTES);
    PatternList patterns = patterns_of(arena, &(Load){30, 1 << 2 | 1 << 8 | 1 << 15, 50, 500, 50, 250, 0, 0});
    assert_int_equal(patterns.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(patterns.items[i].type, PATTERN_HOURLY_PEAK);
        assert_true(patterns.items[i].confidence > 0.8);
        assert_near(patterns.items[i].z_score_count, 2.65, 0.01);
    }
}

static void
sureness_grows_with_the_days(void **state)
{
    (void)state;
    static const struct {
        int days;
        double confidence;
    } wanted[] = {{7, 0.757}, {10, 0.816}, {30, 0.930}, {90, 0.95}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(wanted); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("pattern", ARENA_BYTES);
        PatternList patterns =
            patterns_of(arena, &(Load){wanted[i].days, ONE_BUSY_HOUR, 50, 500, 50, 250, 0, 0});
        assert_int_equal(patterns.count, 1);
        assert_near(patterns.items[0].confidence, wanted[i].confidence, 0.001);
    }
}

static void
a_few_days_or_none_give_no_pattern(void **state)
{
    (void)state;
    for (int days = 0; days <= 6; days++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("pattern", ARENA_BYTES);
        assert_int_equal(patterns_of(arena, &(Load){days, ONE_BUSY_HOUR, 50, 500, 50, 250, 0, 0}).count, 0);
    }
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("pattern", ARENA_BYTES);
    HourlySeries empty = series_new(arena, NOW_HOUR, 0);
    HourlySeries gaps = series_new(arena, NOW_HOUR - 720, 720);
    PatternList patterns;
    pattern_detect(arena, &empty, &patterns);
    assert_int_equal(patterns.count, 0);
    pattern_detect(arena, &gaps, &patterns);
    assert_int_equal(patterns.count, 0);
}

/* Cells of weekdays and days of month are many and seen seldom: with noise of 40 % one of some thousands
 * passes. */
static void
flat_load_has_no_pattern_however_noisy(void **state)
{
    (void)state;
    static const double noises[] = {0, 0.05, 0.2, 0.4};
    size_t seldom = 0;
    for (size_t n = 0; n < FETTLE_COUNT_OF(noises); n++)
        for (uint64_t seed = 0; seed < 50; seed++) {
            FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("pattern", ARENA_BYTES);
            Load load = {seed % 2 == 0 ? 30 : 120, 0, 100, 100, 50, 50, noises[n], seed};
            PatternList patterns = patterns_of(arena, &load);
            size_t cells = count_of(&patterns, PATTERN_WEEKLY) + count_of(&patterns, PATTERN_MONTHLY);
            assert_int_equal(patterns.count, cells);
            if (noises[n] <= 0.2)
                assert_int_equal(cells, 0);
            seldom += cells;
        }
    assert_true(seldom <= 50 * 168 / 1000);
}

static void
wide_bands_are_found_whole_and_are_a_cycle(void **state)
{
    (void)state;
    static const struct {
        uint32_t busy;
        size_t hours;
        const char *key;
    } bands[] = {{0x0FFF00, 12, "d08-19"}, {0x0FFFF0, 16, "d04-19"}, {0xC0003F, 8, "d22-05"}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(bands); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("pattern", ARENA_BYTES);
        PatternList patterns = patterns_of(arena, &(Load){30, bands[i].busy, 50, 500, 50, 50, 0.1, i});
        assert_int_equal(count_of(&patterns, PATTERN_HOURLY_PEAK), bands[i].hours);
        assert_int_equal(count_of(&patterns, PATTERN_DAILY_CYCLE), 1);
        assert_int_equal(patterns.count, bands[i].hours + 1);
        const Pattern *cycle = &patterns.items[bands[i].hours];
        assert_string_equal(cycle->key, bands[i].key);
        assert_true(cycle->hours == bands[i].busy);
        assert_non_null(strstr(pattern_metadata(arena, cycle), "\"hours\""));
    }
}

static void
bumps_below_the_effect_and_lone_days_are_no_pattern(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("pattern", ARENA_BYTES);
    assert_int_equal(patterns_of(arena, &(Load){30, ONE_BUSY_HOUR, 100, 130, 50, 65, 0.05, 1}).count, 0);
    HourlySeries series = load_series(arena, &(Load){30, 0, 100, 100, 50, 50, 0, 0});
    for (size_t i = 0; i < series.count; i++)
        if (series_date(series.from_hour + (int64_t)i).day == NOW_HOUR / 24 - 10)
            series.calls[i] *= series_date(series.from_hour + (int64_t)i).hour == 9 ? 10000 : 100;
    PatternList patterns;
    pattern_detect(arena, &series, &patterns);
    assert_int_equal(patterns.count, 0);
}

static void
noisy_peaks_are_found(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("pattern", ARENA_BYTES);
        Load load = {30, ONE_BUSY_HOUR, 500, seed % 2 == 0 ? 5000 : 1000, 50, 50, 0.2, seed};
        PatternList patterns = patterns_of(arena, &load);
        assert_int_equal(patterns.count, 1);
        assert_true(patterns.items[0].confidence > 0.6 && patterns.items[0].confidence < 0.85);
    }
}

/* Office hours on five days of seven: too unsteady for a daily peak, and so found by weekday. */
static void
peaks_of_some_weekdays_are_weekly(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("pattern", ARENA_BYTES);
    HourlySeries series = load_series(arena, &(Load){60, 0, 100, 100, 50, 50, 0.02, 5});
    for (size_t i = 0; i < series.count; i++) {
        SeriesDate date = series_date(series.from_hour + (int64_t)i);
        if (date.weekday == 1 && date.hour >= 9 && date.hour <= 10)
            series.calls[i] *= 10;
    }
    PatternList patterns;
    pattern_detect(arena, &series, &patterns);
    assert_int_equal(patterns.count, 2);
    assert_string_equal(patterns.items[0].key, "dow1h09");
    assert_string_equal(patterns.items[1].key, "dow1h10");
    assert_int_equal(patterns.items[0].weekday, 1);
    assert_string_equal(pattern_description(arena, &patterns.items[0]),
                        "Peak load detected on Monday at hour 9 UTC (79% confidence)");
    assert_non_null(strstr(pattern_metadata(arena, &patterns.items[0]), "\"weekday\":1"));
}

static void
peaks_of_a_day_of_the_month_are_monthly(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("pattern", ARENA_BYTES);
    HourlySeries series = load_series(arena, &(Load){365, 0, 100, 100, 50, 50, 0.02, 6});
    for (size_t i = 0; i < series.count; i++) {
        SeriesDate date = series_date(series.from_hour + (int64_t)i);
        if (date.day_of_month == 1 && date.hour == 2)
            series.calls[i] *= 10;
    }
    PatternList patterns;
    pattern_detect(arena, &series, &patterns);
    assert_int_equal(patterns.count, 1);
    assert_string_equal(patterns.items[0].key, "dom01h02");
    assert_int_equal(patterns.items[0].type, PATTERN_MONTHLY);
}

/* Slow in two hours of every night, by a number of statements that differs from night to night. */
static void
slow_hours_with_unsteady_calls_are_a_batch_job(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("pattern", ARENA_BYTES);
    HourlySeries series = load_series(arena, &(Load){30, 1 << 2 | 1 << 3, 100, 100, 10, 900, 0.02, 7});
    for (size_t i = 0; i < series.count; i++) {
        SeriesDate date = series_date(series.from_hour + (int64_t)i);
        if (date.hour == 2 || date.hour == 3)
            series.calls[i] *= date.day % 3 == 0 ? 4 : 0.2;
    }
    PatternList patterns;
    pattern_detect(arena, &series, &patterns);
    assert_int_equal(patterns.count, 1);
    assert_int_equal(patterns.items[0].type, PATTERN_BATCH_JOB);
    assert_string_equal(patterns.items[0].key, "b02-03");
    assert_true(patterns.items[0].is_by_time && patterns.items[0].variance > 0.5);
    assert_string_equal(pattern_description(arena, &patterns.items[0]),
                        "Batch job detected in hours 02 to 03 UTC (92% confidence)");
}

static void
gaps_are_no_zeros(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("pattern", ARENA_BYTES);
    HourlySeries series = load_series(arena, &(Load){30, ONE_BUSY_HOUR, 50, 500, 50, 250, 0, 0});
    Random random = random_new(8);
    for (size_t i = 0; i < series.count; i++)
        if (random_below(&random, 3) == 0)
            series.calls[i] = series.time_ms[i] = NAN;
    PatternList patterns;
    pattern_detect(arena, &series, &patterns);
    assert_int_equal(patterns.count, 1);
    assert_int_equal(patterns.items[0].peak_hour, 8);
    assert_near(patterns.items[0].variance, 0, 1e-12);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_busy_hour_is_one_peak_with_the_contracts_figures),
        cmocka_unit_test(the_metadata_has_the_nine_fields),
        cmocka_unit_test(three_busy_hours_are_three_sure_peaks),
        cmocka_unit_test(sureness_grows_with_the_days),
        cmocka_unit_test(a_few_days_or_none_give_no_pattern),
        cmocka_unit_test(flat_load_has_no_pattern_however_noisy),
        cmocka_unit_test(wide_bands_are_found_whole_and_are_a_cycle),
        cmocka_unit_test(bumps_below_the_effect_and_lone_days_are_no_pattern),
        cmocka_unit_test(noisy_peaks_are_found),
        cmocka_unit_test(peaks_of_some_weekdays_are_weekly),
        cmocka_unit_test(peaks_of_a_day_of_the_month_are_monthly),
        cmocka_unit_test(slow_hours_with_unsteady_calls_are_a_batch_job),
        cmocka_unit_test(gaps_are_no_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
