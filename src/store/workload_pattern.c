// SPDX-License-Identifier: PostgreSQL
#include "store/workload_pattern.h"

#include "pg/identifier.h"
#include "store/sample_internal.h"

#include <string.h>

#define WRITE_BYTES ((size_t)1 << 30)

enum { DATABASE, TYPE, KEY, METADATA, DESCRIPTION, TEXTS };

bool
workload_patterns_write(PgConnection *session, const WorkloadPatternScope *scope,
                        const WorkloadPatterns *found, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("workload patterns", WRITE_BYTES);
    const char **texts[TEXTS];
    int64_t *target_ids = ARENA_NEW_ARRAY(arena, int64_t, found->count);
    int64_t *affected = ARENA_NEW_ARRAY(arena, int64_t, found->count);
    for (size_t t = 0; t < TEXTS; t++)
        texts[t] = ARENA_NEW_ARRAY(arena, const char *, found->count);
    for (size_t i = 0; i < found->count; i++) {
        const WorkloadPattern *pattern = &found->items[i];
        texts[DATABASE][i] = pattern->database_name;
        texts[TYPE][i] = pattern->pattern_type;
        texts[KEY][i] = pattern->pattern_key;
        texts[METADATA][i] = pattern->pattern_metadata;
        texts[DESCRIPTION][i] = pattern->description;
        target_ids[i] = pattern->target_id;
        affected[i] = pattern->affected_query_count;
    }
    return store_query(session, "workload_patterns_write",
                       STORE_PARAMETERS(sample_numbers_text(arena, scope->target_ids, scope->target_count),
                                        scope->database_name,
                                        sample_numbers_text(arena, target_ids, found->count),
                                        pg_array_literal(arena, texts[DATABASE], found->count),
                                        pg_array_literal(arena, texts[TYPE], found->count),
                                        pg_array_literal(arena, texts[KEY], found->count),
                                        pg_array_literal(arena, texts[METADATA], found->count),
                                        pg_array_literal(arena, texts[DESCRIPTION], found->count),
                                        sample_numbers_text(arena, affected, found->count)),
                       NULL, error) ||
           error_prefix(error, "could not write the patterns of workload");
}

bool
workload_patterns_read(PgConnection *session, Arena *arena, const WorkloadPattern *like, size_t most,
                       WorkloadPatterns *ret_patterns, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    fettle_assert(most >= 1 && most <= WORKLOAD_PATTERNS_MOST);
    StoreNumber target = store_number(like->target_id);
    StoreNumber limit = store_number((int64_t)most);
    if (!store_query(session, "workload_patterns_read",
                     STORE_PARAMETERS(like->target_id == 0 ? NULL : target.text, like->database_name,
                                      like->pattern_type, limit.text),
                     &rows, error))
        return error_prefix(error, "could not read the patterns of workload");
    WorkloadPatterns patterns = {.count = (size_t)pg_result_rows(rows)};
    patterns.items = ARENA_NEW_ARRAY(arena, WorkloadPattern, patterns.count);
    for (int64_t row = 0; row < pg_result_rows(rows); row++)
        patterns.items[row] =
            (WorkloadPattern){.id = pg_result_int(rows, row, 0, 0),
                              .target_id = pg_result_int(rows, row, 1, 0),
                              .database_name = arena_strdup(arena, pg_result_text(rows, row, 2)),
                              .pattern_type = arena_strdup(arena, pg_result_text(rows, row, 3)),
                              .pattern_key = arena_strdup(arena, pg_result_text(rows, row, 4)),
                              .pattern_metadata = arena_strdup(arena, pg_result_text(rows, row, 5)),
                              .detected_at_us = pg_result_int(rows, row, 6, 0),
                              .description = arena_strdup(arena, pg_result_text(rows, row, 7)),
                              .affected_query_count = pg_result_int(rows, row, 8, 0)};
    *ret_patterns = patterns;
    return true;
}

bool
workload_targets_read(PgConnection *session, Arena *arena, const char *database_name,
                      int64_t **ret_target_ids, size_t *ret_count, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    if (!store_query(session, "database_targets", STORE_PARAMETERS(database_name), &rows, error))
        return error_prefix(error, "could not read the targets' databases");
    *ret_count = (size_t)pg_result_rows(rows);
    *ret_target_ids = ARENA_NEW_ARRAY(arena, int64_t, *ret_count);
    for (int64_t row = 0; row < pg_result_rows(rows); row++)
        (*ret_target_ids)[row] = pg_result_int(rows, row, 0, 0);
    return true;
}
