// SPDX-License-Identifier: PostgreSQL
#include "store/observation_internal.h"

#include <string.h>

#define ARENA_BYTES ((size_t)256 * 1024 * 1024)

/* Settings whose values may hold a password, a key, or a command line with one. */
static bool
setting_is_secret(const char *name)
{
    static const char *const words[] = {"conninfo", "password", "passphrase", "passwd",  "secret",
                                        "token",    "_key",     "credential", "command", "dsn"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(words); i++)
        if (strcasestr(name, words[i]) != NULL)
            return true;
    return false;
}

bool
target_settings_write(PgConnection *session, int64_t target_id, int64_t at_us, const SettingChange *now,
                      size_t count, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("settings", ARENA_BYTES);
    const char **names = ARENA_NEW_ARRAY(arena, const char *, count);
    const char **values = ARENA_NEW_ARRAY(arena, const char *, count);
    const char **sources = ARENA_NEW_ARRAY(arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        bool is_hidden = setting_is_secret(now[i].name) && now[i].new_value != NULL && now[i].new_value[0];
        names[i] = now[i].name;
        values[i] = is_hidden ? "(not stored)" : now[i].new_value;
        sources[i] = now[i].source;
    }
    StoreNumber target = store_number(target_id);
    StoreNumber at = store_number(at_us);
    const char *const parameters[] = {target.text, at.text, pg_array_literal(arena, names, count),
                                      pg_array_literal(arena, values, count),
                                      pg_array_literal(arena, sources, count)};
    return store_query(session, "target_settings_write", parameters, (int)FETTLE_COUNT_OF(parameters), NULL,
                       error) ||
           error_prefix(error, "could not write the target's settings");
}

bool
target_setting_read(PgConnection *session, Arena *arena, int64_t target_id, const char *name,
                    const char **ret_value, Error *error)
{
    StoreNumber target = store_number(target_id);
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    if (!store_query(session, "target_setting_read", STORE_PARAMETERS(target.text, name), &result, error))
        return error_prefix(error, "could not read the target's setting \"%s\"", name);
    *ret_value = pg_result_rows(result) == 0 ? NULL : arena_strdup(arena, pg_result_text(result, 0, 0));
    return true;
}

bool
setting_changes_read(PgConnection *session, Arena *arena, int64_t target_id, int64_t from_us, int64_t to_us,
                     SettingChanges *ret_changes, Error *error)
{
    StoreNumber target = store_number(target_id);
    StoreNumber from = store_number(from_us);
    StoreNumber to = store_number(to_us);
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    if (!store_query(session, "setting_changes_read", STORE_PARAMETERS(target.text, from.text, to.text),
                     &result, error))
        return error_prefix(error, "could not read changes of settings");
    ret_changes->count = (size_t)pg_result_rows(result);
    ret_changes->items = ARENA_NEW_ARRAY(arena, SettingChange, ret_changes->count);
    for (size_t i = 0; i < ret_changes->count; i++)
        ret_changes->items[i] =
            (SettingChange){.changed_at_us = pg_result_int(result, (int64_t)i, 0, 0),
                            .name = arena_strdup(arena, pg_result_text(result, (int64_t)i, 1)),
                            .old_value = arena_strdup(arena, pg_result_text(result, (int64_t)i, 2)),
                            .new_value = arena_strdup(arena, pg_result_text(result, (int64_t)i, 3)),
                            .source = arena_strdup(arena, pg_result_text(result, (int64_t)i, 4))};
    return true;
}
