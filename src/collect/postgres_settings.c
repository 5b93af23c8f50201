// SPDX-License-Identifier: PostgreSQL
#include "collect/postgres_internal.h"

#define NAME_BYTES 200
#define VALUE_BYTES 8192

bool
postgres_settings_read(SourceSession *base, Arena *arena, SourceSettings *ret_settings, Error *error)
{
    PostgresSession *session = (PostgresSession *)base;
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    PostgresQuestion question = {.text = postgres_query_text(session, arena, "settings", NULL),
                                 .rows_most = SOURCE_SETTINGS_MOST};
    if (!postgres_ask(session, &question, &result, error))
        return error_prefix(error, "could not read the target's settings");
    ret_settings->count = (size_t)pg_result_rows(result);
    ret_settings->items = ARENA_NEW_ARRAY(arena, SettingChange, ret_settings->count);
    for (size_t i = 0; i < ret_settings->count; i++)
        ret_settings->items[i] =
            (SettingChange){.name = postgres_text(arena, result, (int64_t)i, 0, NAME_BYTES),
                            .new_value = postgres_text(arena, result, (int64_t)i, 1, VALUE_BYTES),
                            .source = postgres_text(arena, result, (int64_t)i, 2, NAME_BYTES)};
    return true;
}
