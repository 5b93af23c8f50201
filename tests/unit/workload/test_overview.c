// SPDX-License-Identifier: PostgreSQL
#include "memory_shop.h"

#include "workload/overview.h"

#include <math.h>
#include <string.h>

#define ARENA_BYTES ((size_t)256 << 20)
#define MONDAY INT64_C(20052) /* 2024-11-25 */

/* days of hours; calls and time by a rule. */
static HourlySeries
series_of(Arena *arena, size_t days, double (*calls_at)(size_t hour), double (*ms_at)(size_t hour))
{
    HourlySeries series = series_new(arena, MONDAY * 24, days * 24);
    for (size_t i = 0; i < series.count; i++) {
        series.calls[i] = calls_at(i);
        series.time_ms[i] = isnan(series.calls[i]) ? NAN : ms_at(i);
        series.observed_seconds[i] = 3600;
        series.blocks_hit[i] = 900;
        series.blocks_read[i] = 100;
    }
    return series;
}

static double
office(size_t hour)
{
    return hour % 24 == 9 || hour % 24 == 10 ? 8000 : 2000;
}

static double
rare(size_t hour)
{
    (void)hour;
    return 10;
}

static double
doubled_from_the_eighth_day(size_t hour)
{
    return (hour < 8 * 24 ? 1000 : 2000) * (hour % 24 > 12 ? 1.5 : 1) *
           (1 + 0.03 * (double)(hour * 7919 % 11));
}

static double
weekdays(size_t hour)
{
    return hour / 24 % 7 < 5 ? 2000 : 500;
}

static double
quick(size_t hour)
{
    (void)hour;
    return 5;
}

static double
slow(size_t hour)
{
    (void)hour;
    return 3000;
}

static double
slow_at_night(size_t hour)
{
    return hour % 24 < 3 ? 40 : 5;
}

static double
slow_when_busy(size_t hour)
{
    return office(hour) > 2000 ? 40 : 5;
}

static Overview
overview_of(Arena *arena, const HourlySeries *series, const ShopStatement *statements, size_t count)
{
    WorkloadTemplates templates = shop_templates(arena, statements, count);
    OverviewInput input = {.series = series, .templates = &templates};
    Overview overview;
    overview_make(arena, &input, &overview);
    return overview;
}

static void
the_type_is_by_rate_time_and_slow_share(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("overview", ARENA_BYTES);
    HourlySeries series = series_of(arena, 7, office, quick);
    Overview overview = overview_of(arena, &series, &(ShopStatement){"SELECT 1", 420000, 5, 1}, 1);
    assert_string_equal(workload_type_word(overview.type), "oltp");
    assert_true(overview.peak_hour_count == 2 && overview.peak_hours[0] == 9 && overview.peak_hours[1] == 10);
    assert_true(overview.query_count == 420000 && overview.queries_per_hour == 2500 && overview.mean_ms == 5);
    assert_string_equal(overview.advice.items[0].type, "peak_load");
    series = series_of(arena, 7, rare, slow);
    overview = overview_of(arena, &series, &(ShopStatement){"SELECT 1", 1680, 3000, 1}, 1);
    assert_string_equal(workload_type_word(overview.type), "olap");
    assert_true(overview.slow_percent == 100 && overview.slow_count == 1680 && overview.peak_hour_count == 0);
    assert_string_equal(overview.advice.items[0].type, "slow_queries");
    assert_string_equal(overview.advice.items[0].priority, "high");
    series = series_of(arena, 7, rare, quick);
    assert_int_equal(overview_of(arena, &series, NULL, 0).type, WORKLOAD_MIXED);
    HourlySeries none = series_new(arena, 0, 0);
    overview = overview_of(arena, &none, NULL, 0);
    assert_true(overview.queries_per_hour == 0 && overview.quiet_hour == -1 && overview.insights.count == 1);
}

static void
databases_are_summed_by_their_work(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("overview", ARENA_BYTES);
    HourlySeries both[] = {series_of(arena, 1, rare, quick), series_of(arena, 1, rare, slow)};
    both[1].calls[3] = both[1].time_ms[3] = NAN;
    both[0].calls[4] = both[0].time_ms[4] = both[1].calls[4] = both[1].time_ms[4] = NAN;
    HourlySeries sum = series_sum(arena, both, 2);
    assert_true(sum.calls[0] == 20 && sum.time_ms[0] == 1502.5 && sum.blocks_hit[0] == 1800);
    assert_true(sum.calls[3] == 10 && sum.time_ms[3] == 5 && isnan(sum.calls[4]));
    assert_int_equal(series_sum(arena, NULL, 0).count, 0);
}

static void
a_new_level_is_a_shift_and_noise_is_none(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("overview", ARENA_BYTES);
    WorkloadShift shifts[2];
    HourlySeries series = series_of(arena, 14, doubled_from_the_eighth_day, quick);
    assert_int_equal(shifts_find(arena, &series, shifts), 1);
    assert_string_equal(shifts[0].metric, "queries");
    assert_true(shifts[0].day == MONDAY + 8 && fabs(shifts[0].change - 1) < 0.1);
    assert_string_equal(shifts[0].severity, "high");
    series = series_of(arena, 14, office, quick);
    assert_int_equal(shifts_find(arena, &series, shifts), 0);
    for (size_t days = 9; days < 40; days++) {
        series = series_of(arena, days, weekdays, quick);
        assert_int_equal(shifts_find(arena, &series, shifts), 0);
    }
    series = series_of(arena, 3, doubled_from_the_eighth_day, quick);
    assert_int_equal(shifts_find(arena, &series, shifts), 0);
}

static Bottlenecks
bottlenecks_of(Arena *arena, BottleneckInput input)
{
    Bottlenecks found;
    bottlenecks_find(arena, &input, &found);
    return found;
}

static void
the_resource_over_its_limit_is_named_with_its_figures(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("overview", ARENA_BYTES);
    HourlySeries series = series_of(arena, 7, office, quick);
    double cpu[7 * 24];
    for (size_t i = 0; i < 7 * 24; i++)
        cpu[i] = office(i) > 2000 ? 0.9 : 0.2;
    BottleneckInput input = {.series = &series};
    input.metrics[METRIC_CPU] = cpu;
    input.busy = (BottleneckWaits){.active = 100, .lock = 50, .io = 20, .wal = 5, .cpu = 25};
    Bottlenecks found = bottlenecks_of(arena, input);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.items[0].type, "lock");
    assert_string_equal(found.items[0].severity, "critical");
    assert_true(found.items[0].load == 0.5 && found.items[0].evidence[0].busy == 0.5);
    assert_true(found.loads[BOTTLENECK_IO] == 0.2 && isnan(found.loads[BOTTLENECK_CONNECTION]));
    assert_string_equal(bottleneck_resource_word(BOTTLENECK_WAL), "wal");
    bool *is_busy;
    assert_int_equal(bottleneck_busy_hours(arena, &series, &is_busy), 34);
    assert_true(is_busy[9] && !is_busy[12 + 24 * 6]);
    input.busy = (BottleneckWaits){0};
    found = bottlenecks_of(arena, input);
    assert_true(found.count == 0 && found.note != NULL && isnan(found.loads[BOTTLENECK_LOCK]));
}

static void
slow_hours_tell_why_by_what_else_rises(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("overview", ARENA_BYTES);
    HourlySeries series = series_of(arena, 7, rare, slow_at_night);
    assert_string_equal(bottlenecks_of(arena, (BottleneckInput){.series = &series}).items[0].type,
                        "contention");
    series = series_of(arena, 7, office, slow_when_busy);
    assert_string_equal(bottlenecks_of(arena, (BottleneckInput){.series = &series}).items[0].type,
                        "capacity");
    for (size_t i = 0; i < series.count; i++)
        series.blocks_read[i] = slow_when_busy(i) > 5 ? 900 : 100;
    Bottlenecks found = bottlenecks_of(arena, (BottleneckInput){.series = &series});
    assert_string_equal(found.items[0].type, "cache");
    assert_true(found.items[0].evidence[0].busy == 40 && isnan(found.items[0].load));
    HourlySeries short_series = series_new(arena, 0, 5);
    assert_int_equal(bottlenecks_of(arena, (BottleneckInput){.series = &short_series}).busy_hours, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_type_is_by_rate_time_and_slow_share),
        cmocka_unit_test(databases_are_summed_by_their_work),
        cmocka_unit_test(a_new_level_is_a_shift_and_noise_is_none),
        cmocka_unit_test(the_resource_over_its_limit_is_named_with_its_figures),
        cmocka_unit_test(slow_hours_tell_why_by_what_else_rises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
