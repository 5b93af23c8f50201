// SPDX-License-Identifier: PostgreSQL
#include "workflow/index_session.h"

#include "base/log.h"
#include "base/text.h"
#include "pg/identifier.h"
#include "pg/query_text.h"
#include "pg/result.h"
#include "store/target.h"
#include "workflow/workflow_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* A small entry takes so many times its size while it is sorted in memory. */
#define SORT_MEMORY_FACTOR 3
#define SQLSTATE_WRONG_KIND "42809" /* LOCK TABLE knows tables and views only */
#define SQLSTATE_LOCKED "55P03"
#define NAME_HINT "check the name, upper and lower case too"
#define NO_STATEMENT_LIMITS                                                                                  \
    "SET statement_timeout = 0; "                                                                            \
    "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout'" /* of 17 */

extern const PgQueryText workflow_queries[];

bool
workflow_query(PgConnection *connection, const char *name, const char *const *parameters, int parameter_count,
               PgResult **ret_result, Error *error)
{
    PgQuery query = {.text = pg_query_text(workflow_queries, name, pg_connection_server_major(connection)),
                     .parameters = parameters,
                     .parameter_count = parameter_count};
    fettle_assert(query.text != NULL);
    return pg_query(connection, &query, ret_result, error);
}

char *
index_session_name(Arena *arena, int64_t change_id)
{
    return arena_printf(arena, "fettle index change %" PRId64, change_id);
}

static bool
session_open(const IndexManager *manager, Arena *arena, int64_t target_id, PgConnectOptions *options,
             PgConnection **ret_connection, Error *error)
{
    const char *dsn = NULL;
    options->connect_timeout_ms = (int)settings_get_int(manager->settings, SETTING_TARGET_CONNECT_TIMEOUT);
    options->statement_timeout_ms =
        (int)settings_get_int(manager->settings, SETTING_TARGET_STATEMENT_TIMEOUT);
    {
        FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
        if (!store_session_take(manager->store, 0, &session, error) ||
            !target_dsn(manager->store, session.connection, arena, target_id, &dsn, error))
            return false;
    }
    if (manager->is_asked != NULL)
        *manager->is_asked = true;
    return pg_connection_open(dsn, options, ret_connection, error);
}

bool
index_session_read(const IndexManager *manager, Arena *arena, int64_t target_id, const char *database,
                   PgConnection **ret_connection, Error *error)
{
    PgConnectOptions options = {.purpose = PG_PURPOSE_TARGET,
                                .database = database,
                                .lock_timeout_ms =
                                    (int)settings_get_int(manager->settings, SETTING_TARGET_LOCK_TIMEOUT)};
    return session_open(manager, arena, target_id, &options, ret_connection, error);
}

bool
index_session_change(const IndexManager *manager, Arena *arena, int64_t target_id, const char *database,
                     int64_t change_id, PgConnection **ret_connection, Error *error)
{
    PgConnectOptions options = {.purpose = PG_PURPOSE_CHANGE,
                                .database = database,
                                .application_name = index_session_name(arena, change_id),
                                .lock_timeout_ms =
                                    (int)settings_get_int(manager->settings, SETTING_INDEX_LOCK_TIMEOUT)};
    return session_open(manager, arena, target_id, &options, ret_connection, error);
}

static bool
refuse_ambiguous(const PgResult *rows, const char *what, const char *name, Error *error)
{
    error_set(error, ERROR_INPUT, "%s %s exists in several schemas: %s, %s%s", what, name,
              pg_result_text(rows, 0, 1), pg_result_text(rows, 1, 1),
              pg_result_rows(rows) > 2 ? " and others" : "");
    return error_set_hint(error, "say which by schema_name (on the command line: --schema)");
}

/* Where a table of the name is, if not in the schema that was given, or meant by giving none. */
static bool
refuse_unknown(PgConnection *connection, Arena *arena, const char *schema, const char *name, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    Error ignored = {0};
    const char *anywhere[] = {name, NULL};
    error_set(error, ERROR_INPUT, "there is no table %s in database %s",
              pg_identifier_qualify(arena, schema, name), pg_connection_database(connection));
    if (strpbrk(name, ".\"") != NULL)
        return error_set_hint(error, "give the table's name alone, without quotes, and its schema apart");
    if (schema == NULL || !workflow_query(connection, "index_table", anywhere, 2, &rows, &ignored) ||
        pg_result_rows(rows) == 0)
        return error_set_hint(error, NAME_HINT);
    return error_set_hint(
        error, "there is %s",
        pg_identifier_qualify(arena, pg_result_text(rows, 0, 1), pg_result_text(rows, 0, 2)));
}

bool
index_table_find(PgConnection *connection, Arena *arena, const char *schema, const char *name,
                 IndexTable *ret_table, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    const char *parameters[] = {name, schema};
    if (!workflow_query(connection, "index_table", parameters, 2, &rows, error))
        return error_prefix(error, "could not look for the table");
    if (pg_result_rows(rows) == 0)
        return refuse_unknown(connection, arena, schema, name, error);
    if (pg_result_rows(rows) > 1)
        return refuse_ambiguous(rows, "table", name, error);
    *ret_table = (IndexTable){.oid = (uint32_t)pg_result_int(rows, 0, 0, 0),
                              .schema = arena_strdup(arena, pg_result_text(rows, 0, 1)),
                              .name = arena_strdup(arena, pg_result_text(rows, 0, 2)),
                              .kind = pg_result_text(rows, 0, 3)[0],
                              .is_owned = pg_result_bool(rows, 0, 4),
                              .can_create = pg_result_bool(rows, 0, 5),
                              .row_count = pg_result_double(rows, 0, 6, -1),
                              .size_bytes = pg_result_int(rows, 0, 7, 0),
                              .is_standby = pg_result_bool(rows, 0, 8),
                              .role = arena_strdup(arena, pg_result_text(rows, 0, 9)),
                              .is_read_only = pg_result_bool(rows, 0, 10),
                              .can_use = pg_result_bool(rows, 0, 11)};
    return true;
}

bool
index_columns_check(PgConnection *connection, Arena *arena, const IndexTable *table,
                    const char *const *columns, size_t count, double *ret_width, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    const char *parameters[] = {arena_printf(arena, "%u", table->oid),
                                pg_array_literal(arena, columns, count)};
    if (!workflow_query(connection, "index_columns", parameters, 2, &rows, error))
        return error_prefix(error, "could not look for the columns");
    *ret_width = 0;
    for (int64_t i = 0; i < pg_result_rows(rows); i++) {
        if (!pg_result_bool(rows, i, 1)) {
            error_set(error, ERROR_INPUT, "table %s has no column %s",
                      pg_identifier_qualify(arena, table->schema, table->name), pg_result_text(rows, i, 0));
            return error_set_hint(error, "%s",
                                  strpbrk(pg_result_text(rows, i, 0), "( \"") == NULL
                                      ? NAME_HINT
                                      : "an expression, an order, or a name with a comma is given to "
                                        "\"fettle index create\" in a whole CREATE INDEX statement");
        }
        *ret_width += pg_result_double(rows, i, 2, 16);
    }
    return true;
}

static void
facts_read(const PgResult *rows, Arena *arena, IndexFacts *facts)
{
    *facts = (IndexFacts){.oid = (uint32_t)pg_result_int(rows, 0, 0, 0),
                          .schema = arena_strdup(arena, pg_result_text(rows, 0, 1)),
                          .name = arena_strdup(arena, pg_result_text(rows, 0, 2)),
                          .kind = pg_result_text(rows, 0, 3)[0],
                          .table = arena_strdup(arena, pg_result_text(rows, 0, 4)),
                          .is_valid = pg_result_bool(rows, 0, 5),
                          .is_replica_identity = pg_result_bool(rows, 0, 6),
                          .constraint = arena_strdup(arena, pg_result_text(rows, 0, 7)),
                          .referenced = arena_strdup(arena, pg_result_text(rows, 0, 8)),
                          .extension = arena_strdup(arena, pg_result_text(rows, 0, 9)),
                          .lookup = arena_strdup(arena, pg_result_text(rows, 0, 10)),
                          .is_partition = pg_result_bool(rows, 0, 11),
                          .is_owned = pg_result_bool(rows, 0, 12),
                          .definition = arena_strdup(arena, pg_result_text(rows, 0, 13)),
                          .is_being_built = pg_result_bool(rows, 0, 14),
                          .is_standby = pg_result_bool(rows, 0, 15),
                          .role = arena_strdup(arena, pg_result_text(rows, 0, 16)),
                          .method = arena_strdup(arena, pg_result_text(rows, 0, 17)),
                          .is_clustered = pg_result_bool(rows, 0, 18),
                          .can_use = pg_result_bool(rows, 0, 19),
                          .can_create = pg_result_bool(rows, 0, 20),
                          .can_place = pg_result_bool(rows, 0, 21),
                          .is_read_only = pg_result_bool(rows, 0, 22),
                          .marks = arena_strdup(arena, pg_result_text(rows, 0, 23))};
}

bool
index_facts_find(PgConnection *connection, Arena *arena, const char *schema, const char *name,
                 bool *ret_found, IndexFacts *ret_facts, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    const char *parameters[] = {name, schema};
    if (!workflow_query(connection, "index_named", parameters, 2, &rows, error))
        return error_prefix(error, "could not look for the index");
    *ret_found = pg_result_rows(rows) > 0;
    if (pg_result_rows(rows) > 1)
        return refuse_ambiguous(rows, "relation", name, error);
    if (*ret_found)
        facts_read(rows, arena, ret_facts);
    return true;
}

bool
index_backend_is_busy(PgConnection *connection, Arena *arena, const IndexChange *change, bool *ret_busy,
                      Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    bool is_sender = change->sent.backend_start_us != 0 && change->sent.pid == change->backend_pid;
    const char *parameters[] = {
        arena_printf(arena, "%" PRId64, change->backend_pid), index_session_name(arena, change->id),
        is_sender ? arena_printf(arena, "%" PRId64, change->sent.backend_start_us) : NULL};
    if (!workflow_query(connection, "index_backend", parameters, 3, &rows, error))
        return error_prefix(error, "could not look for the session that builds the index");
    *ret_busy = pg_result_rows(rows) > 0;
    return true;
}

static bool
lock_try(PgConnection *connection, int64_t timeout_ms, const char *locking, const char *end, Error *error)
{
    char begin[80];
    snprintf(begin, sizeof(begin), "BEGIN; SET LOCAL lock_timeout = %" PRId64, timeout_ms);
    PgQuery query = {.text = locking, .deadline = DEADLINE_NEVER};
    Error ignored = {0};
    /* the other limits first: a shorter one would end the wait in the lock's place */
    if (pg_execute_script(connection, NO_STATEMENT_LIMITS, NULL, error) &&
        pg_execute_script(connection, begin, NULL, error) && pg_query(connection, &query, NULL, error) &&
        pg_execute(connection, end, error) && pg_execute(connection, "SET lock_timeout = 0", error))
        return true;
    /* what comes next looks at what there is, outside of the transaction that failed */
    if (!pg_execute(connection, "ROLLBACK", &ignored))
        log_write(LOG_LEVEL_DEBUG, "%s", ignored.message);
    return false;
}

const char *
index_holders(PgConnection *connection, Arena *arena, const char *table, bool only_of_lock)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    Error ignored = {0};
    const char *parameters[] = {table, only_of_lock ? "t" : "f"};
    if (!workflow_query(connection, "index_holders", parameters, 2, &rows, &ignored))
        return NULL;
    return arena_strdup(arena, pg_result_text(rows, 0, 0));
}

bool
index_table_lock_try(const IndexManager *manager, PgConnection *connection, const char *schema,
                     const char *name, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("table lock", 65536);
    int64_t timeout_ms = settings_get_int(manager->settings, SETTING_INDEX_LOCK_TIMEOUT);
    const char *table = pg_identifier_qualify(arena, schema, name);
    const char *locking = arena_printf(arena, "LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE", table);
    bool is_free = lock_try(connection, timeout_ms, locking, "COMMIT", error);
    if (!is_free && strcmp(error->sqlstate, SQLSTATE_WRONG_KIND) == 0) {
        error_clear(error);
        locking = arena_printf(arena, "COMMENT ON MATERIALIZED VIEW %s IS NULL", table);
        is_free = lock_try(connection, timeout_ms, locking, "ROLLBACK", error);
    }
    if (is_free || strcmp(error->sqlstate, SQLSTATE_LOCKED) != 0)
        return is_free;
    const char *holders = index_holders(connection, arena, table, true);
    error_set(error, error->code, "the lock of %s was not free within index.lock_timeout (%s): %s", table,
              settings_get_text(manager->settings, SETTING_INDEX_LOCK_TIMEOUT),
              holders != NULL ? arena_printf(arena, "it was held by %s", holders)
                              : arena_strdup(arena, error->message));
    memcpy(error->sqlstate, SQLSTATE_LOCKED, sizeof(SQLSTATE_LOCKED)); /* by which it is tried again */
    return false;
}

bool
index_place_find(PgConnection *connection, Arena *arena, const char *tablespace, IndexPlace *ret_place,
                 Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    if (!workflow_query(connection, "index_place", &tablespace, 1, &rows, error))
        return error_prefix(error, "could not ask where the index goes");
    if (pg_result_rows(rows) != 1 || !pg_result_bool(rows, 0, 1)) {
        error_set(error, ERROR_INPUT, "there is no tablespace %s", tablespace == NULL ? "" : tablespace);
        return error_set_hint(error, "list the tablespaces with: psql -c '\\db'");
    }
    if (!pg_result_bool(rows, 0, 2)) {
        const char *name = pg_identifier_quote(arena, pg_result_text(rows, 0, 0));
        error_set(error, ERROR_PERMISSION, "role %s may not put an index into tablespace %s",
                  pg_connection_user(connection), name);
        return error_set_hint(error, "GRANT CREATE ON TABLESPACE %s TO %s", name,
                              pg_identifier_quote(arena, pg_connection_user(connection)));
    }
    *ret_place = (IndexPlace){.tablespace = arena_strdup(arena, pg_result_text(rows, 0, 0)),
                              .directory = arena_strdup(arena, pg_result_text(rows, 0, 3)),
                              .sort_directory = arena_strdup(arena, pg_result_text(rows, 0, 4)),
                              .is_sort_elsewhere = pg_result_bool(rows, 0, 5),
                              .sort_memory_bytes = pg_result_int(rows, 0, 6, 0)};
    return true;
}

/* Of the disk that a directory is on: -1 where that cannot be told. */
static double
free_space(const char *directory)
{
    struct statvfs disk;
    return directory == NULL || statvfs(directory, &disk) != 0
               ? -1
               : (double)disk.f_bavail * (double)disk.f_frsize;
}

static bool
are_on_one_disk(const char *one, const char *other)
{
    struct stat of_one;
    struct stat of_other;
    return one != NULL && other != NULL && stat(one, &of_one) == 0 && stat(other, &of_other) == 0 &&
           of_one.st_dev == of_other.st_dev;
}

/* wanted: what needs the bytes, with its verb. */
static bool
room_check(const IndexManager *manager, double free_bytes, double wanted_bytes, const char *wanted,
           const char *where, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("free space", 65536);
    double floor_bytes = (double)settings_get_int(manager->settings, SETTING_INDEX_FREE_SPACE_FLOOR);
    if (free_bytes < 0 || free_bytes - wanted_bytes >= floor_bytes)
        return true;
    error_set(error, ERROR_DISK_FULL, "%s about %s while it is built, and %s are free on the disk of %s",
              wanted, text_format_bytes(arena, wanted_bytes), text_format_bytes(arena, free_bytes), where);
    return error_set_hint(error, "make room, or lower index.free_space_floor (now %s)",
                          settings_get_text(manager->settings, SETTING_INDEX_FREE_SPACE_FLOOR));
}

/* What the sort of an index spills that takes so much: about as much again, and nothing where it fits into
 * memory. */
static double
sort_bytes_of(const IndexPlace *place, double index_bytes)
{
    return index_bytes * SORT_MEMORY_FACTOR <= (double)place->sort_memory_bytes ? 0 : index_bytes;
}

bool
index_space_check(const IndexManager *manager, const IndexPlace *place, double index_bytes,
                  int64_t *ret_free_bytes, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("tablespace", 65536);
    double sort_bytes = sort_bytes_of(place, index_bytes);
    double free_bytes = free_space(place->directory);
    /* one that spills where temp_tablespaces say may do so here */
    bool is_one = place->is_sort_elsewhere || are_on_one_disk(place->directory, place->sort_directory);
    *ret_free_bytes = free_bytes > 9e18 ? INT64_MAX : (int64_t)free_bytes;
    return room_check(manager, free_bytes, is_one ? index_bytes + sort_bytes : index_bytes, "the index needs",
                      arena_printf(arena, "tablespace %s", place->tablespace), error) &&
           (is_one || sort_bytes <= 0 ||
            room_check(manager, free_space(place->sort_directory), sort_bytes, "the index's sort may need",
                       "the database's own tablespace", error));
}
