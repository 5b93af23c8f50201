// SPDX-License-Identifier: PostgreSQL
#include "snapshot/read_ends.h"

#include "base/text.h"

#define PROBES_PER_STATEMENT 20
#define TIMEOUT_MS 300

/* One statement for a run of probes; *ret_result is NULL when it was refused or took too long. */
static bool
ends_ask(Arena *arena, PgConnection *connection, const ReadEnds *ends, size_t first, size_t count,
         PgResult **ret_result, Error *error)
{
    Text text = text_new(arena);
    for (size_t i = 0; i < count; i++)
        text_append_format(&text, "%s%s", i == 0 ? "" : " union all ", ends->probes[first + i]);
    Error refusal = {0};
    *ret_result = NULL;
    if (!pg_execute(connection, "SAVEPOINT fettle_ends", error) ||
        !pg_execute(connection, arena_printf(arena, "SET LOCAL statement_timeout = %d", TIMEOUT_MS), error) ||
        (ends->is_uncounted && !pg_execute(connection, "SET LOCAL track_counts = off", error)))
        return false;
    if (pg_query_simple(connection, text.data, ret_result, &refusal))
        return pg_execute(connection, "ROLLBACK TO SAVEPOINT fettle_ends", error);
    if (pg_connection_is_broken(connection)) {
        *error = refusal;
        return false;
    }
    return pg_execute(connection, "ROLLBACK TO SAVEPOINT fettle_ends", error);
}

bool
read_ends(Arena *arena, PgConnection *connection, const ReadEnds *ends,
          void (*take)(void *context, const char *id, const char *low_value, const char *high_value),
          void *context, Error *error)
{
    size_t step = PROBES_PER_STATEMENT;
    for (size_t first = 0; first < ends->count && !deadline_passed(ends->deadline);) {
        size_t count = ends->count - first < step ? ends->count - first : step;
        FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
        if (!ends_ask(arena, connection, ends, first, count, &result, error))
            return false;
        if (result == NULL && count > 1) {
            /* One of them is the culprit: one at a time for this run. */
            step = 1;
            continue;
        }
        for (int64_t row = 0; result != NULL && row < pg_result_rows(result); row++)
            take(context, pg_result_text(result, row, 0), pg_result_text(result, row, 1),
                 pg_result_text(result, row, 2));
        first += count;
        if (first % PROBES_PER_STATEMENT == 0)
            step = PROBES_PER_STATEMENT;
    }
    return true;
}
