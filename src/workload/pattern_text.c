// SPDX-License-Identifier: PostgreSQL
#include "workload/pattern.h"

#include "base/json_writer.h"

#include <math.h>
#include <string.h>

/* "02 to 04": the first and the last hour of a run, as its key has them. */
static const char *
run_words(Arena *arena, const Pattern *pattern)
{
    return arena_printf(arena, "%.2s to %.2s", pattern->key + 1, pattern->key + 4);
}

const char *
pattern_description(Arena *arena, const Pattern *pattern)
{
    static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                           "Thursday", "Friday", "Saturday"};
    int percent = (int)lround(pattern->confidence * 100);
    int hour = pattern->peak_hour;
    switch (pattern->type) {
        case PATTERN_DAILY_CYCLE:
            return arena_printf(arena, "Daily busy hours %s UTC detected (%d%% confidence)",
                                run_words(arena, pattern), percent);
        case PATTERN_WEEKLY:
            return arena_printf(arena, "Peak load detected on %s at hour %d UTC (%d%% confidence)",
                                weekdays[pattern->weekday], hour, percent);
        case PATTERN_MONTHLY:
            return arena_printf(arena,
                                "Peak load detected on day %d of the month at hour %d UTC (%d%% confidence)",
                                pattern->day_of_month, hour, percent);
        case PATTERN_BATCH_JOB:
            return arena_printf(arena, "Batch job detected in hours %s UTC (%d%% confidence)",
                                run_words(arena, pattern), percent);
        default:
            return arena_printf(arena, "Peak load detected at hour %d UTC (%d%% confidence)", hour, percent);
    }
}

const char *
pattern_metadata(Arena *arena, const Pattern *pattern)
{
    Text text = text_new(arena);
    JsonWriter json = json_writer_new(&text, false);
    json_object_begin(&json);
    json_key_int(&json, "peak_hour", pattern->peak_hour);
    json_key_double(&json, "variance", round(pattern->variance * 1e4) / 1e4);
    json_key_double(&json, "confidence", pattern->confidence);
    json_key_int(&json, "affected_queries", pattern->affected_queries);
    json_key_double(&json, "z_score_count", pattern->z_score_count);
    json_key_double(&json, "z_score_time", pattern->z_score_time);
    json_key_int(&json, "days_observed", pattern->days_observed);
    json_key_double(&json, "consistency_score", pattern->consistency_score);
    json_key_double(&json, "recurrence_score", pattern->recurrence_score);
    json_key_string(&json, "metric", pattern->is_by_time ? "time" : "count");
    if (pattern->weekday >= 0)
        json_key_int(&json, "weekday", pattern->weekday);
    if (pattern->day_of_month > 0)
        json_key_int(&json, "day_of_month", pattern->day_of_month);
    if (pattern->hours != 0) {
        json_key(&json, "hours");
        json_array_begin(&json);
        for (int h = 0; h < SERIES_DAY_HOURS; h++)
            if ((pattern->hours >> h & 1) != 0)
                json_int(&json, h);
        json_array_end(&json);
    }
    json_key_double(&json, "effect_ratio", pattern->effect_ratio);
    json_key_double(&json, "p_value", pattern->p_value);
    json_object_end(&json);
    return text.data;
}
