// SPDX-License-Identifier: PostgreSQL
/*
 * Restore. What stands in a backup is hostile until it is looked at: names are quoted and must be those of
 * tables that the migrations made, bounds of partitions are read as two literals and written anew, records
 * must come in order.
 */
#include "base/text.h"
#include "pg/identifier.h"
#include "store/backup.h"
#include "store/backup_file.h"
#include "store/migrate.h"
#include "store/store_internal.h"

#include <jansson.h>
#include <string.h>

#define COLUMNS_MOST 1600

typedef struct Restore {
    PgConnection *session;
    Arena *arena;
    BackupReader *reader;
    const BackupOptions *options;
    BackupReport report;
    BackupRecord record;
    size_t given; /* bytes of the record that COPY has had */
    bool is_table_over;
} Restore;

static void
json_close_at(json_t **json)
{
    json_decref(*json);
    *json = NULL;
}

static bool
refuse(Error *error, const char *what)
{
    error_set(error, ERROR_DAMAGED, "the backup cannot be read: %s", what);
    return error_set_hint(error, "use another backup; nothing was changed");
}

static bool
read_json(const Restore *restore, json_t **ret_json, Error *error)
{
    *ret_json = json_loadb(restore->record.data, restore->record.length, JSON_REJECT_DUPLICATES, NULL);
    return json_is_object(*ret_json) || refuse(error, "a record holds no JSON object");
}

/* A name as our migrations give them. */
static bool
is_name(const char *name)
{
    size_t length = name == NULL ? 0 : strlen(name);
    return length > 0 && length <= PG_IDENTIFIER_BYTES &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

static bool
check_migrations(Restore *restore, const json_t *migrations, Error *error)
{
    size_t position;
    json_t *migration;
    json_array_foreach((json_t *)migrations, position, migration)
    {
        const char *theirs = json_string_value(json_object_get(migration, "checksum"));
        int version = (int)json_integer_value(json_object_get(migration, "version"));
        const char *ours = migration_checksum(restore->arena, version);
        if (theirs == NULL || version <= restore->report.migration)
            return refuse(error, "the list of migrations is out of order");
        if (ours == NULL) {
            error_set(error, ERROR_UNSUPPORTED, "the backup is of a newer Fettle: its schema has version %d",
                      version);
            return error_set_hint(error, "restore it with that Fettle or a later one");
        }
        if (strcmp(ours, theirs) != 0) {
            error_set(error, ERROR_CONFLICT, "migration %d of the backup is not the one that this Fettle has",
                      version);
            return error_set_hint(error, "restore it with the build that made it");
        }
        restore->report.migration = version;
    }
    return restore->report.migration > 0 || refuse(error, "it names no migration");
}

static bool
read_header(Restore *restore, Error *error)
{
    FETTLE_CLEANUP(json_close_at) json_t *header = NULL;
    if (!backup_reader_next(restore->reader, &restore->record, error))
        return false;
    if (restore->record.kind != 'H')
        return refuse(error, "it does not begin with a header");
    return read_json(restore, &header, error) &&
           check_migrations(restore, json_object_get(header, "migrations"), error);
}

/* 'literal' at *at, whose end it moves to; only what a bound of time or number holds. */
static char *
bound_literal(Arena *arena, const char **at)
{
    if (**at != '\'')
        return NULL;
    const char *begin = *at + 1;
    size_t length = strspn(begin, "0123456789-: +.");
    if (length == 0 || length > 40 || begin[length] != '\'')
        return NULL;
    *at = begin + length + 1;
    return arena_strndup(arena, begin, length);
}

/* "FOR VALUES FROM ('2026-11-01 00:00:00+00') TO ('2026-12-01 00:00:00+00')", or DEFAULT. */
static char *
bounds_again(Arena *arena, const char *bounds)
{
    static const char from_words[] = "FOR VALUES FROM (";
    static const char to_words[] = ") TO (";
    if (text_equals(bounds, "DEFAULT"))
        return arena_strdup(arena, "DEFAULT");
    if (bounds == NULL || !text_starts_with(bounds, from_words))
        return NULL;
    const char *at = bounds + strlen(from_words);
    const char *from = bound_literal(arena, &at);
    if (from == NULL || !text_starts_with(at, to_words))
        return NULL;
    at += strlen(to_words);
    const char *to = bound_literal(arena, &at);
    if (to == NULL || strcmp(at, ")") != 0)
        return NULL;
    return arena_printf(arena, "FOR VALUES FROM (%s) TO (%s)", pg_literal_quote(arena, from),
                        pg_literal_quote(arena, to));
}

static bool
make_partition(Restore *restore, const char *name, const char *parent, const char *bounds, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *is_parent = NULL;
    const char *again = bounds_again(restore->arena, bounds);
    if (!is_name(parent) || again == NULL)
        return refuse(error, "the bounds of a partition are strange");
    if (!store_query(restore->session, "restore_parent", STORE_PARAMETERS(parent), &is_parent, error))
        return false;
    if (!pg_result_bool(is_parent, 0, 0))
        return refuse(error, "it holds a partition of a table that is not partitioned");
    return pg_execute(restore->session,
                      arena_printf(restore->arena, "CREATE TABLE %s PARTITION OF %s %s",
                                   pg_identifier_qualify(restore->arena, "fettle", name),
                                   pg_identifier_qualify(restore->arena, "fettle", parent), again),
                      error);
}

/* The table is there and empty: a partition is made, rows that a migration put in go. */
static bool
prepare_table(Restore *restore, const json_t *head, const char *name, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *kind = NULL;
    const char *parent = json_string_value(json_object_get(head, "parent"));
    const char *bounds = json_string_value(json_object_get(head, "bounds"));
    if (!store_query(restore->session, "restore_table", STORE_PARAMETERS(name), &kind, error))
        return false;
    if (pg_result_rows(kind) == 0 && parent == NULL)
        return refuse(error, "it holds a table that its migrations do not make");
    if (pg_result_rows(kind) == 0)
        return make_partition(restore, name, parent, bounds, error);
    if (strcmp(pg_result_text(kind, 0, 0), "partition") == 0)
        return parent != NULL || refuse(error, "a table is a partition here and none there");
    return pg_execute(
        restore->session,
        arena_printf(restore->arena, "DELETE FROM %s", pg_identifier_qualify(restore->arena, "fettle", name)),
        error);
}

static bool
column_list(Restore *restore, const json_t *columns, char **ret_list, Error *error)
{
    size_t position;
    json_t *column;
    Text list = text_new(restore->arena);
    if (json_array_size(columns) == 0 || json_array_size(columns) > COLUMNS_MOST)
        return refuse(error, "a table has no columns");
    json_array_foreach((json_t *)columns, position, column)
    {
        if (!is_name(json_string_value(column)))
            return refuse(error, "a column's name is strange");
        text_append_format(&list, "%s%s", position == 0 ? "" : ", ",
                           pg_identifier_quote(restore->arena, json_string_value(column)));
    }
    *ret_list = list.data;
    return true;
}

/* Rows for COPY, from one record after the other, to the table's end. */
static bool
give_rows(void *context, char *buffer, size_t size, size_t *ret_length, Error *error)
{
    Restore *restore = context;
    *ret_length = 0;
    while (!restore->is_table_over && restore->given == restore->record.length) {
        if (!backup_reader_next(restore->reader, &restore->record, error))
            return false;
        restore->given = 0;
        restore->is_table_over = restore->record.kind == 'E';
        if (!restore->is_table_over && restore->record.kind != 'D')
            return refuse(error, "a table has no end");
    }
    if (restore->is_table_over)
        return true;
    size_t left = restore->record.length - restore->given;
    *ret_length = left < size ? left : size;
    memcpy(buffer, restore->record.data + restore->given, *ret_length);
    restore->given += *ret_length;
    restore->report.row_bytes += (int64_t)*ret_length;
    return true;
}

static bool
load_table(Restore *restore, Error *error)
{
    FETTLE_CLEANUP(json_close_at) json_t *head = NULL;
    char *columns;
    if (!read_json(restore, &head, error))
        return false;
    const char *name = json_string_value(json_object_get(head, "table"));
    if (!is_name(name))
        return refuse(error, "a table's name is strange");
    if (!prepare_table(restore, head, name, error) ||
        !column_list(restore, json_object_get(head, "columns"), &columns, error))
        return false;
    const char *copy = arena_printf(restore->arena, "COPY %s (%s) FROM STDIN (FORMAT binary)",
                                    pg_identifier_qualify(restore->arena, "fettle", name), columns);
    restore->given = restore->record.length;
    restore->is_table_over = false;
    if (!pg_copy_in_stream(restore->session, copy, give_rows, restore, error))
        return error_prefix(error, "table %s", name);
    restore->report.tables++;
    if (restore->options->progress != NULL)
        restore->options->progress(restore->options->context, name, restore->report.tables, 0);
    return true;
}

static bool
set_sequence(Restore *restore, Error *error)
{
    FETTLE_CLEANUP(json_close_at) json_t *state = NULL;
    FETTLE_CLEANUP(pg_result_free_at) PgResult *set = NULL;
    if (!read_json(restore, &state, error))
        return false;
    const char *name = json_string_value(json_object_get(state, "sequence"));
    if (!is_name(name))
        return refuse(error, "a sequence's name is strange");
    StoreNumber value = store_number(json_integer_value(json_object_get(state, "value")));
    const char *is_called = json_is_true(json_object_get(state, "is_called")) ? "t" : "f";
    if (!store_query(restore->session, "restore_sequence", STORE_PARAMETERS(name, value.text, is_called),
                     &set, error))
        return false;
    return pg_result_rows(set) == 1 || refuse(error, "it holds a sequence that its migrations do not make");
}

static bool
load_all(Restore *restore, Error *error)
{
    for (;;) {
        ArenaMark mark = arena_mark(restore->arena);
        if (!backup_reader_next(restore->reader, &restore->record, error))
            return false;
        bool loaded = false;
        switch (restore->record.kind) {
            case 'T': loaded = load_table(restore, error); break;
            case 'S': loaded = set_sequence(restore, error); break;
            case 'Z': return true;
            default: return refuse(error, "a record is of an unknown kind");
        }
        if (!loaded)
            return false;
        arena_rewind(restore->arena, mark);
    }
}

/* Only over a store that nobody uses; its empty schema goes. */
static bool
make_room(Restore *restore, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *is_empty = NULL;
    MigrationStatus status;
    if (!migration_status_read(restore->session, &status, error) || !migration_status_check(&status, error))
        return false;
    if (status.version == 0)
        return true;
    if (status.missing > 0)
        return error_set(error, ERROR_CONFLICT, "the store to restore into is of an older Fettle") ||
               error_set_hint(error, "run \"fettle store migrate\" first");
    if (!store_query(restore->session, "restore_is_empty", NULL, 0, &is_empty, error))
        return false;
    if (pg_result_bool(is_empty, 0, 0))
        return pg_execute(restore->session, "DROP SCHEMA fettle CASCADE", error);
    error_set(error, ERROR_CONFLICT, "the store is in use: it has targets, users or tokens");
    return error_set_hint(error, "restore into a new store (another data directory, or an empty database)");
}

static bool
restore_run(Restore *restore, Error *error)
{
    return pg_execute_script(restore->session, store_query_text("migration_begin"), NULL, error) &&
           make_room(restore, error) && migration_make(restore->session, restore->report.migration, error) &&
           load_all(restore, error) && migration_grant(restore->session, error) &&
           pg_execute(restore->session, "COMMIT", error);
}

bool
backup_restore(PgConnection *session, const BackupOptions *options, BackupReport *ret_report, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("restore", 64 * 1024 * 1024);
    FETTLE_CLEANUP(backup_reader_close_at) BackupReader *reader = NULL;
    Error ignored = {0};
    int applied = 0;
    if (!backup_reader_open(options->path, &reader, error))
        return false;
    Restore restore = {.session = session, .arena = arena, .reader = reader, .options = options};
    if (!read_header(&restore, error))
        return false;
    if (!restore_run(&restore, error)) {
        if (!pg_connection_is_broken(session) && pg_connection_is_in_transaction(session) &&
            !pg_execute(session, "ROLLBACK", &ignored))
            error_clear(&ignored);
        return error_prefix(error, "could not restore the store");
    }
    *ret_report = restore.report;
    return migration_run(session, &applied, error);
}
