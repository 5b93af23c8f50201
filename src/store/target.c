// SPDX-License-Identifier: PostgreSQL
#include "store/target.h"

#include "base/text.h"
#include "pg/identifier.h"
#include "store/seal.h"
#include "store/store_internal.h"

#include <string.h>

#define CONNINFO_BYTES_MOST 16384

static bool
name_check(const char *name, Error *error)
{
    size_t length = strlen(name);
    bool is_plain = length > 0 && length <= TARGET_NAME_BYTES && text_is_valid_utf8(name, length);
    for (size_t i = 0; i < length; i++)
        is_plain = is_plain && (unsigned char)name[i] >= 0x20 && name[i] != 0x7f;
    return is_plain ||
           error_set(error, ERROR_INPUT, "a target's name has 1 to %d bytes and no control characters",
                     TARGET_NAME_BYTES);
}

static bool
change_check(const TargetChange *change, Error *error)
{
    if (change->name != NULL && !name_check(change->name, error))
        return false;
    if (change->dsn != NULL && strlen(change->dsn) > CONNINFO_BYTES_MOST)
        return error_set(error, ERROR_INPUT, "a connection string has at most %d bytes", CONNINFO_BYTES_MOST);
    if (change->database_count > TARGET_DATABASES_MOST)
        return error_set(error, ERROR_INPUT, "a target has a list of at most %d databases",
                         TARGET_DATABASES_MOST);
    for (size_t i = 0; i < change->database_count; i++) {
        size_t length = strlen(change->databases[i]);
        if (length == 0 || length > PG_IDENTIFIER_BYTES || !text_is_valid_utf8(change->databases[i], length))
            return error_set(error, ERROR_INPUT, "a database's name has 1 to %d bytes", PG_IDENTIFIER_BYTES);
    }
    return true;
}

static bool
target_read_row(const PgResult *rows, int64_t row, Arena *arena, Target *target, Error *error)
{
    const char **databases = NULL;
    *target = (Target){.target_id = pg_result_int(rows, row, 0, 0),
                       .name = arena_strdup(arena, pg_result_text(rows, row, 1)),
                       .conninfo = arena_strdup(arena, pg_result_text(rows, row, 2)),
                       .is_enabled = pg_result_bool(rows, row, 3),
                       .interval_ms = pg_result_int(rows, row, 5, 0),
                       .created_at_us = pg_result_int(rows, row, 6, 0),
                       .has_password = pg_result_bool(rows, row, 7),
                       .last_round_at_us = pg_result_int(rows, row, 8, 0),
                       .last_error = arena_strdup(arena, pg_result_text(rows, row, 9)),
                       .server_version = arena_strdup(arena, pg_result_text(rows, row, 10)),
                       .system_identifier = pg_result_int(rows, row, 11, 0),
                       .revision = pg_result_int(rows, row, 12, 0),
                       .last_notice = arena_strdup(arena, pg_result_text(rows, row, 13))};
    if (!pg_array_parse(arena, pg_result_text(rows, row, 4), &databases, &target->database_count))
        return error_set(error, ERROR_DAMAGED, "the databases of target %s cannot be read", target->name);
    target->databases = databases;
    return true;
}

static bool
targets_read(PgConnection *session, Arena *arena, const char *id, const char *name, TargetList *ret_list,
             Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    if (!store_query_prepared(session, "target_list", STORE_PARAMETERS(id, name), &rows, error))
        return error_prefix(error, "could not read the targets");
    TargetList list = {.items = ARENA_NEW_ARRAY(arena, Target, (size_t)pg_result_rows(rows)),
                       .count = (size_t)pg_result_rows(rows)};
    for (size_t i = 0; i < list.count; i++)
        if (!target_read_row(rows, (int64_t)i, arena, &list.items[i], error))
            return false;
    *ret_list = list;
    return true;
}

bool
target_list(PgConnection *session, Arena *arena, TargetList *ret_list, Error *error)
{
    return targets_read(session, arena, NULL, NULL, ret_list, error);
}

static bool
target_refuse_unknown(int64_t target_id, Error *error)
{
    return error_set(error, ERROR_NOT_FOUND, "there is no target %" PRId64, target_id);
}

bool
target_get(PgConnection *session, Arena *arena, int64_t target_id, Target *ret_target, Error *error)
{
    TargetList list;
    if (!targets_read(session, arena, store_number(target_id).text, NULL, &list, error))
        return false;
    if (list.count == 0)
        return target_refuse_unknown(target_id, error);
    *ret_target = list.items[0];
    return true;
}

bool
target_find(PgConnection *session, Arena *arena, const char *name, Target *ret_target, Error *error)
{
    TargetList list;
    if (!targets_read(session, arena, NULL, name, &list, error))
        return false;
    if (list.count == 0 && pg_dsn_looks_like(name)) {
        /* it may hold a password: nothing of it is repeated */
        error_set(error, ERROR_NOT_FOUND, "a connection string is no target of the store");
        return error_set_hint(error, "add it with \"fettle target add NAME CONNECTION\", then give the name");
    }
    if (list.count == 0)
        return error_set(error, ERROR_NOT_FOUND, "there is no target \"%.100s\"", name);
    *ret_target = list.items[0];
    return true;
}

/* What a connection string is stored as; both NULL when it is left as it is. */
typedef struct TargetDsn {
    const char *conninfo;
    char *sealed; /* hexadecimal; NULL: no secret */
} TargetDsn;

static bool
dsn_store(Store *store, PgConnection *session, Arena *arena, const char *dsn, TargetDsn *ret_dsn,
          Error *error)
{
    PgDsnParts parts;
    TargetDsn stored = {0};
    if (dsn == NULL) {
        *ret_dsn = stored;
        return true;
    }
    if (!pg_dsn_split(arena, dsn, &parts, error)) {
        error->code = ERROR_INPUT;
        return false;
    }
    if (parts.conninfo[0] == '\0')
        return error_set(error, ERROR_INPUT, "the connection string names no server");
    stored.conninfo = parts.conninfo;
    if (parts.secrets[0] != '\0' &&
        !seal_close(store, session, arena, parts.conninfo, parts.secrets, &stored.sealed, error))
        return false;
    *ret_dsn = stored;
    return true;
}

static bool
target_name_taken(const char *name, Error *error)
{
    if (strcmp(error->sqlstate, "23505") != 0)
        return error_prefix(error, "could not write the target");
    return error_set(error, ERROR_CONFLICT, "there is a target called \"%.100s\" already", name);
}

bool
target_create(Store *store, PgConnection *session, const TargetChange *change, int64_t *ret_target_id,
              Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("target", 4 * 1024 * 1024);
    FETTLE_CLEANUP(pg_result_free_at) PgResult *created = NULL;
    TargetDsn dsn;
    if (change->name == NULL || change->dsn == NULL)
        return error_set(error, ERROR_INPUT, "a target needs a name and a connection string");
    if (!change_check(change, error) || !dsn_store(store, session, arena, change->dsn, &dsn, error))
        return false;
    const char *databases = pg_array_literal(arena, change->databases, change->database_count);
    StoreNumber interval = store_number(change->interval_ms);
    if (!store_query(session, "target_create",
                     STORE_PARAMETERS(change->name, dsn.conninfo, dsn.sealed,
                                      change->enabled == 0 ? "f" : "t", databases,
                                      change->interval_ms > 0 ? interval.text : NULL),
                     &created, error))
        return target_name_taken(change->name, error);
    *ret_target_id = pg_result_int(created, 0, 0, 0);
    return true;
}

bool
target_update(Store *store, PgConnection *session, int64_t target_id, const TargetChange *change,
              Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("target", 4 * 1024 * 1024);
    FETTLE_CLEANUP(pg_result_free_at) PgResult *updated = NULL;
    TargetDsn dsn;
    if (!change_check(change, error) || !dsn_store(store, session, arena, change->dsn, &dsn, error))
        return false;
    const char *databases =
        change->sets_databases ? pg_array_literal(arena, change->databases, change->database_count) : NULL;
    const char *enabled = change->enabled < 0 ? NULL : change->enabled == 0 ? "f" : "t";
    StoreNumber id = store_number(target_id);
    StoreNumber interval = store_number(change->interval_ms);
    if (!store_query(session, "target_update",
                     STORE_PARAMETERS(id.text, change->name, dsn.conninfo, dsn.sealed, enabled, databases,
                                      change->interval_ms < 0 ? NULL : interval.text),
                     &updated, error))
        return target_name_taken(change->name == NULL ? "" : change->name, error);
    return pg_result_rows(updated) == 1 || target_refuse_unknown(target_id, error);
}

bool
target_delete(PgConnection *session, int64_t target_id, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *removed = NULL;
    StoreNumber id = store_number(target_id);
    if (!store_query(session, "target_delete", STORE_PARAMETERS(id.text), &removed, error))
        return error_prefix(error, "could not remove the target");
    return pg_result_bool(removed, 0, 0) || target_refuse_unknown(target_id, error);
}

bool
target_dsn(Store *store, PgConnection *session, Arena *arena, int64_t target_id, const char **ret_dsn,
           Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *row = NULL;
    StoreNumber id = store_number(target_id);
    if (!store_query(session, "target_secret", STORE_PARAMETERS(id.text), &row, error))
        return false;
    if (pg_result_rows(row) == 0)
        return target_refuse_unknown(target_id, error);
    const char *conninfo = pg_result_text(row, 0, 1);
    const char *sealed = pg_result_text(row, 0, 2);
    const char *secrets = "";
    if (sealed != NULL && !seal_open(store, arena, conninfo, sealed, &secrets, error))
        return error_prefix(error, "target %s", pg_result_text(row, 0, 0));
    *ret_dsn = arena_printf(arena, "%s %s", conninfo, secrets);
    return true;
}

bool
target_round_record(PgConnection *session, int64_t target_id, const TargetOutcome *outcome, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *updated = NULL;
    StoreNumber id = store_number(target_id);
    StoreNumber system = store_number(outcome->system_identifier);
    if (!store_query(session, "target_round",
                     STORE_PARAMETERS(id.text, outcome->failure, outcome->server_version, system.text,
                                      outcome->notice),
                     &updated, error))
        return false;
    return pg_result_rows(updated) == 1 || target_refuse_unknown(target_id, error);
}
