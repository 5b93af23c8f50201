// SPDX-License-Identifier: PostgreSQL
#include "workload/refresh.h"

#include "workload/pattern.h"

#include <math.h>

#define HOUR_US (INT64_C(3600) * 1000000)
#define SCRATCH_BYTES ((size_t)1 << 30)

VECTOR_DEFINE(FoundList, WorkloadPattern);

static HourlySeries
series_of(Arena *arena, const DatabaseHours *database, int64_t from_hour, size_t count)
{
    HourlySeries series = series_new(arena, from_hour, count);
    series.target_id = database->target_id;
    series.database_name = database->database_name;
    for (size_t i = 0; i < count; i++) {
        const DatabaseHour *hour = &database->hours[i];
        if (hour->observed_ms == 0)
            continue;
        series.calls[i] = (double)hour->calls;
        series.time_ms[i] = hour->calls == 0 ? 0 : (double)hour->exec_us / 1000 / (double)hour->calls;
        series.observed_seconds[i] = (double)hour->observed_ms / 1000;
        series.blocks_hit[i] = (double)hour->blocks_hit;
        series.blocks_read[i] = (double)hour->blocks_read;
        series.temp_blocks[i] = (double)hour->temp_blocks;
    }
    return series;
}

bool
series_read(PgConnection *session, Arena *arena, const PatternRefresh *what, HourlySeries **ret_series,
            size_t *ret_count, Error *error)
{
    fettle_assert(what->target_count <= REFRESH_TARGETS_MOST);
    DatabaseHours *databases;
    int64_t to_hour = what->now_us / HOUR_US + 1;
    int64_t from_hour = to_hour - 1 - (int64_t)what->lookback_days * SERIES_DAY_HOURS;
    DatabaseHoursRange range = {.target_ids = what->target_ids,
                                .target_count = what->target_count,
                                .database_name = what->database_name,
                                .from_us = from_hour * HOUR_US,
                                .to_us = to_hour * HOUR_US,
                                .only_calls = what->only_calls};
    *ret_count = 0;
    if (what->target_count == 0)
        return true;
    if (!database_hours_read(session, arena, &range, &databases, ret_count, error))
        return false;
    *ret_series = ARENA_NEW_ARRAY(arena, HourlySeries, *ret_count);
    for (size_t i = 0; i < *ret_count; i++) {
        (*ret_series)[i] = series_of(arena, &databases[i], from_hour, (size_t)(to_hour - from_hour));
        if (!series_check(&(*ret_series)[i], error))
            return false;
    }
    return true;
}

static WorkloadPattern
row_of(Arena *arena, const HourlySeries *series, const Pattern *pattern)
{
    return (WorkloadPattern){.target_id = series->target_id,
                             .database_name = series->database_name,
                             .pattern_type = pattern_type_word(pattern->type),
                             .pattern_key = arena_strdup(arena, pattern->key),
                             .pattern_metadata = pattern_metadata(arena, pattern),
                             .description = pattern_description(arena, pattern),
                             .affected_query_count = pattern->affected_queries};
}

bool
pattern_refresh_find(PgConnection *session, Arena *arena, const PatternRefresh *what,
                     WorkloadPatterns *ret_found, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("pattern detection", SCRATCH_BYTES);
    HourlySeries *series = NULL;
    size_t count;
    FoundList list = {0};
    PatternRefresh calls = *what;
    calls.only_calls = true;
    if (!series_read(session, arena, &calls, &series, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        ArenaMark mark = arena_mark(scratch);
        PatternList patterns;
        pattern_detect(scratch, &series[i], &patterns);
        for (size_t p = 0; p < patterns.count; p++)
            vector_push(arena, &list, row_of(arena, &series[i], &patterns.items[p]));
        arena_rewind(scratch, mark);
    }
    *ret_found = (WorkloadPatterns){.items = list.items, .count = list.count};
    return true;
}

bool
pattern_refresh_keep(PgConnection *session, const PatternRefresh *what, const WorkloadPatterns *found,
                     Error *error)
{
    WorkloadPatternScope scope = {.target_ids = what->target_ids,
                                  .target_count = what->target_count,
                                  .database_name = what->database_name};
    return workload_patterns_write(session, &scope, found, error);
}
