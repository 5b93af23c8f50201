// SPDX-License-Identifier: PostgreSQL
#include "store/setting_row.h"

#include "store/store_internal.h"

#include <string.h>

/* What a stored setting must not change: where things are, and who can reach them. */
static const SettingId fixed_settings[] = {
    SETTING_DATA_DIRECTORY,         SETTING_CLUSTER_BINARIES,
    SETTING_CLUSTER_SHARED_BUFFERS, SETTING_STORE_URL,
    SETTING_STORE_SESSIONS,         SETTING_STORE_SHARED_BUFFERS,
    SETTING_STORE_KEY_FILE,         SETTING_SERVER_LISTEN,
    SETTING_SERVER_TLS_KEY,         SETTING_SERVER_TLS_CERTIFICATE,
    SETTING_NOTICE_CA_FILE,
};

bool
setting_row_is_allowed(SettingId id)
{
    for (size_t i = 0; i < FETTLE_COUNT_OF(fixed_settings); i++)
        if (fixed_settings[i] == id)
            return false;
    return true;
}

bool
setting_rows_read(PgConnection *session, Arena *arena, SettingRows *ret_rows, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    if (!store_query(session, "setting_rows", NULL, 0, &rows, error))
        return error_prefix(error, "could not read the stored settings");
    ret_rows->count = (size_t)pg_result_rows(rows);
    ret_rows->items = ARENA_NEW_ARRAY(arena, SettingRow, ret_rows->count);
    for (size_t i = 0; i < ret_rows->count; i++) {
        const char *value = pg_result_text(rows, (int64_t)i, 1);
        ret_rows->items[i] =
            (SettingRow){.name = arena_strdup(arena, pg_result_text(rows, (int64_t)i, 0)),
                         .value = arena_strdup(arena, value == NULL ? "" : value),
                         .changed_by = arena_strdup(arena, pg_result_text(rows, (int64_t)i, 2)),
                         .changed_at_us = pg_result_int(rows, (int64_t)i, 3, 0)};
    }
    return true;
}

static bool
setting_check(const char *name, Error *error)
{
    for (int id = 0; id < SETTING_COUNT; id++) {
        if (strcmp(setting_info((SettingId)id)->name, name) != 0)
            continue;
        if (setting_row_is_allowed((SettingId)id))
            return true;
        error_set(error, ERROR_PERMISSION, "%s cannot be changed in the store", name);
        return error_set_hint(error, "set it in the settings file, the environment or on the command line");
    }
    return error_set(error, ERROR_NOT_FOUND, "there is no setting called \"%.100s\"", name);
}

bool
setting_row_set(PgConnection *session, const char *name, const char *value, const char *changed_by,
                Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("setting", 1 << 20);
    if (!setting_check(name, error))
        return false;
    if (strlen(value) > SETTINGS_LINE_BYTES)
        return error_set(error, ERROR_INPUT, "the value is longer than %d bytes", SETTINGS_LINE_BYTES);
    return settings_set(settings_new(arena), name, value, error) &&
           store_query(session, "setting_set", STORE_PARAMETERS(name, value, changed_by), NULL, error);
}

bool
setting_row_reset(PgConnection *session, const char *name, Error *error)
{
    return setting_check(name, error) &&
           store_query(session, "setting_reset", STORE_PARAMETERS(name), NULL, error);
}

bool
setting_rows_apply(PgConnection *session, Settings *settings, int *ret_skipped, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("settings", 16 << 20);
    SettingRows rows;
    if (!setting_rows_read(session, arena, &rows, error))
        return false;
    *ret_skipped = 0;
    for (size_t i = 0; i < rows.count; i++) {
        Error refused = {0};
        if (!setting_check(rows.items[i].name, &refused) ||
            !settings_set_from(settings, rows.items[i].name, rows.items[i].value, "store", &refused))
            (*ret_skipped)++;
    }
    return true;
}
