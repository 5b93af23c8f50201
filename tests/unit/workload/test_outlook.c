// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "workload/outlook_text.h"

#include <math.h>
#include <string.h>

#define ARENA_BYTES ((size_t)256 * 1024 * 1024)
#define HOURS ((size_t)24 * 21)
#define FIRST_HOUR INT64_C(490008)       /* 2025-11-25 00:00 UTC */
#define NOW_US INT64_C(1771597800000000) /* 2026-02-20T14:30:00Z */

/* Three weeks of 100 calls of 10 ms an hour, 10 at night; the last week so many times as many. */
static HourlySeries
three_weeks(Arena *arena, double last_week)
{
    HourlySeries series = series_new(arena, FIRST_HOUR, HOURS);
    for (size_t i = 0; i < HOURS; i++) {
        series.calls[i] = (i % 24 < 6 ? 10 : 100) * (i >= HOURS - 168 ? last_week : 1);
        series.time_ms[i] = 10;
        series.observed_seconds[i] = 3600;
        series.blocks_read[i] = 7;
    }
    return series;
}

static Outlook
outlook_of(Arena *arena, const char *metric, const HourlySeries *series)
{
    OutlookRequest request = {.metric = metric, .hours = 24};
    return outlook_of_series(arena, &request, series);
}

static void
metrics_of_statements_and_of_the_catalogue_are_known(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("outlook", ARENA_BYTES);
    assert_true(outlook_metric_is_known("queries") && outlook_metric_is_of_statements("queries"));
    assert_true(outlook_metric_is_known("connections") && !outlook_metric_is_of_statements("connections"));
    assert_false(outlook_metric_is_known("nothing") || outlook_metric_is_known(""));
    const char *names = outlook_metric_names(arena);
    assert_non_null(strstr(names, "queries, exec_ms, avg_ms"));
    assert_non_null(strstr(names, ", database_bytes"));
}

static void
each_metric_of_statements_is_what_it_says(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("outlook", ARENA_BYTES);
    HourlySeries series = three_weeks(arena, 1);
    series.calls[0] = series.time_ms[0] = NAN;
    series.calls[30] = 0;
    Outlook queries = outlook_of(arena, "queries", &series);
    assert_int_equal(queries.from_hour, FIRST_HOUR + 1); /* what is not known before the first goes */
    assert_int_equal(queries.count, HOURS - 1);
    assert_true(fabs(queries.forecast.hours[0].predicted - 10) < 0.1);
    assert_true(outlook_of(arena, "exec_ms", &series).values[9] == 1000);
    assert_true(isnan(outlook_of(arena, "avg_ms", &series).values[29])); /* of no calls there is no mean */
    assert_true(outlook_of(arena, "read_blocks", &series).values[5] == 7);
    assert_true(outlook_of(arena, "temp_blocks", &series).values[5] == 0);
}

static void
a_forecast_in_json_has_its_hours_and_bands(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("outlook", ARENA_BYTES);
    HourlySeries series = three_weeks(arena, 1);
    Outlook outlook = outlook_of(arena, "queries", &series);
    Text text = text_new(arena);
    JsonWriter json = json_writer_new(&text, false);
    json_array_begin(&json);
    outlook_json_forecast(&json, &outlook);
    QuietWindow window;
    outlook_json_window(&json, &outlook, &window, quiet_window_find(&outlook.forecast, 2, 0, &window));
    outlook_json_window(&json, &outlook, &window, false);
    outlook_json_parts(&json, &outlook, 2);
    json_array_end(&json);
    assert_non_null(strstr(text.data, "\"hour\":\"2025-12-16T00:00:00Z\",\"predicted\":"));
    assert_non_null(strstr(text.data, "\"upper_95\":"));
    assert_non_null(strstr(text.data, "{\"from\":\"2025-12-16T00:00:00Z\",\"to\":\"2025-12-16T02:00:00Z\""));
    assert_non_null(strstr(text.data, ",null,{\"from\":\"2025-12-15T22:00:00Z\",\"seasons\":[24"));
}

static void
a_rise_is_measured_against_the_same_hours_of_the_week(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("outlook", ARENA_BYTES);
    HourlySeries steady = three_weeks(arena, 1);
    Outlook outlook = outlook_of(arena, "queries", &steady);
    assert_true(fabs(outlook_rise_percent(&outlook)) < 1);
    for (size_t h = 0; h < outlook.forecast.count; h++)
        outlook.forecast.hours[h].predicted *= 1.5;
    assert_true(fabs(outlook_rise_percent(&outlook) - 50) < 1);
    outlook.count = 100;
    assert_true(isnan(outlook_rise_percent(&outlook)));
}

static const char *
sentence(Arena *arena, Capacity capacity)
{
    OutlookCapacity what = {.name = "disk", .unit = "bytes", .capacity = capacity};
    return outlook_capacity_sentence(arena, &what, NOW_US);
}

static void
a_date_is_told_with_its_range_and_its_growth(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("outlook", ARENA_BYTES);
    Capacity dated = {.verdict = CAPACITY_DATED,
                      .days = 41,
                      .days_low = 33,
                      .days_high = 60,
                      .growth = 2048,
                      .horizon_days = 365};
    assert_string_equal(sentence(arena, dated),
                        "disk: full in 41 days (2026-04-02), 95 % between 33 and 60; +2.0 kB a day");
    dated.days_high = INFINITY;
    assert_non_null(strstr(sentence(arena, dated), "95 % between 33 and more than 365;"));
    Capacity late = {.verdict = CAPACITY_NOT_SOON,
                     .days = INFINITY,
                     .days_low = 300,
                     .chance = 0.04,
                     .growth = NAN,
                     .horizon_days = 365};
    assert_string_equal(sentence(arena, late), "disk: not full within 365 days, but in 4 of 100 cases; the "
                                               "earliest 2.5 % in 300 days");
    Capacity few = {.verdict = CAPACITY_CANNOT_TELL, .known_days = 1};
    assert_string_equal(sentence(arena, few), "disk: cannot tell from 1 day, 7 are needed");
    Capacity reached = {.verdict = CAPACITY_REACHED, .growth = NAN};
    assert_string_equal(sentence(arena, reached), "disk: the limit is reached");
    Capacity free = {.verdict = CAPACITY_NO_LIMIT, .now = 1024 * 1024 * 1024.0, .growth = -1};
    assert_string_equal(sentence(arena, free), "disk: 1.0 GB, no limit is known; -1 bytes a day");
}

static void
capacities_in_json_have_null_for_what_is_not_known(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("outlook", ARENA_BYTES);
    OutlookCapacity late = {
        .name = "disk", .unit = "bytes", .capacity = {.verdict = CAPACITY_NOT_SOON, .days = INFINITY}};
    Text text = text_new(arena);
    JsonWriter json = json_writer_new(&text, false);
    outlook_json_capacities(&json, &late, 1, NOW_US);
    assert_non_null(strstr(text.data, "\"name\":\"disk\",\"unit\":\"bytes\",\"verdict\":\"not_soon\""));
    assert_non_null(strstr(text.data, "\"days\":null"));
}

static void
values_and_verdicts_are_in_words(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("outlook", ARENA_BYTES);
    assert_string_equal(outlook_value_text(arena, "1/h", 1234), "1,234");
    assert_string_equal(outlook_value_text(arena, "1", 0.25), "0.25");
    assert_string_equal(outlook_value_text(arena, "bytes", -1024.0 * 1024 * 20), "-20.0 MB");
    assert_string_equal(outlook_value_text(arena, "ms", NAN), "not known");
    assert_null(outlook_verdict_sentence(FORECAST_MADE));
    assert_non_null(strstr(outlook_verdict_sentence(FORECAST_NAIVE), "the day before again"));
    assert_non_null(strstr(outlook_verdict_sentence(FORECAST_TOO_SHORT), "48 hours"));
    assert_non_null(strstr(outlook_verdict_sentence(FORECAST_TOO_FEW), "last days"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_of_statements_and_of_the_catalogue_are_known),
        cmocka_unit_test(each_metric_of_statements_is_what_it_says),
        cmocka_unit_test(a_forecast_in_json_has_its_hours_and_bands),
        cmocka_unit_test(a_rise_is_measured_against_the_same_hours_of_the_week),
        cmocka_unit_test(a_date_is_told_with_its_range_and_its_growth),
        cmocka_unit_test(capacities_in_json_have_null_for_what_is_not_known),
        cmocka_unit_test(values_and_verdicts_are_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
