// SPDX-License-Identifier: PostgreSQL
/*
 * Settings that were changed while the service ran (fettle.settings); they win over the file and the
 * environment, not over the command line. Settings that name files, addresses or the store itself cannot be
 * set this way.
 */
#ifndef FETTLE_STORE_SETTING_ROW_H
#define FETTLE_STORE_SETTING_ROW_H

#include "base/settings.h"
#include "pg/connection.h"

typedef struct SettingRow {
    const char *name;
    const char *value;
    const char *changed_by;
    int64_t changed_at_us;
} SettingRow;

typedef struct SettingRows {
    SettingRow *items;
    size_t count;
} SettingRows;

/* True for a setting that may be changed through the store. */
bool setting_row_is_allowed(SettingId id);

bool setting_rows_read(PgConnection *session, Arena *arena, SettingRows *ret_rows, Error *error)
    FETTLE_MUST_USE;
/* Checks the value as settings_set() does; ERROR_NOT_FOUND for an unknown name, ERROR_PERMISSION for one not
 * allowed. */
bool setting_row_set(PgConnection *session, const char *name, const char *value, const char *changed_by,
                     Error *error) FETTLE_MUST_USE;
bool setting_row_reset(PgConnection *session, const char *name, Error *error) FETTLE_MUST_USE;
/* Applies the rows over settings; one that no longer parses is skipped and counted. */
bool setting_rows_apply(PgConnection *session, Settings *settings, int *ret_skipped, Error *error)
    FETTLE_MUST_USE;

#endif
