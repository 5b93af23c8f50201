// SPDX-License-Identifier: PostgreSQL
#include "store/backup.h"

#include "base/clock.h"
#include "base/json_writer.h"
#include "pg/identifier.h"
#include "store/backup_file.h"
#include "store/migrate.h"
#include "store/store_internal.h"

#include <stdlib.h>
#include <string.h>

/* One backup while it is written. */
typedef struct Backup {
    PgConnection *session;
    Arena *arena;
    BackupWriter *writer;
    const BackupOptions *options;
    BackupReport report;
    char *piece; /* rows that wait for a record to be full */
    size_t piece_bytes;
} Backup;

static bool
put_text(Backup *backup, char kind, const Text *text, Error *error)
{
    if (text->length > BACKUP_PIECE_BYTES)
        return error_set(error, ERROR_LIMIT, "could not write the backup: a table has too many columns");
    return backup_writer_put(backup->writer, kind, text->data, text->length, error);
}

static bool
put_header(Backup *backup, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *applied = NULL;
    if (!store_query(backup->session, "migration_read", NULL, 0, &applied, error))
        return false;
    Text text = text_new(backup->arena);
    JsonWriter json = json_writer_new(&text, false);
    json_object_begin(&json);
    json_key_string(&json, "program", "fettle " FETTLE_VERSION);
    json_key_string(&json, "made_at", clock_format_utc(backup->arena, clock_wall_us()));
    json_key_int(&json, "server_version", pg_connection_server_version(backup->session));
    json_key(&json, "migrations");
    json_array_begin(&json);
    for (int64_t row = 0; row < pg_result_rows(applied); row++) {
        backup->report.migration = (int)pg_result_int(applied, row, 0, 0);
        json_object_begin(&json);
        json_key_int(&json, "version", backup->report.migration);
        json_key_string(&json, "checksum", pg_result_text(applied, row, 1));
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    return put_text(backup, 'H', &text, error);
}

static bool
flush_rows(Backup *backup, Error *error)
{
    bool written = backup->piece_bytes == 0 ||
                   backup_writer_put(backup->writer, 'D', backup->piece, backup->piece_bytes, error);
    backup->piece_bytes = 0;
    return written;
}

static bool
take_rows(void *context, const char *data, size_t length, Error *error)
{
    Backup *backup = context;
    backup->report.row_bytes += (int64_t)length;
    while (length > 0) {
        size_t room = BACKUP_PIECE_BYTES - backup->piece_bytes;
        size_t count = length < room ? length : room;
        memcpy(backup->piece + backup->piece_bytes, data, count);
        backup->piece_bytes += count;
        data += count;
        length -= count;
        if (backup->piece_bytes == BACKUP_PIECE_BYTES && !flush_rows(backup, error))
            return false;
    }
    return true;
}

static bool
put_table_head(Backup *backup, const PgResult *tables, int64_t row, char **ret_columns, Error *error)
{
    const char **columns;
    size_t count;
    if (!pg_array_parse(backup->arena, pg_result_text(tables, row, 3), &columns, &count))
        return error_set(error, ERROR_INTERNAL, "the columns of %s cannot be read",
                         pg_result_text(tables, row, 0));
    Text text = text_new(backup->arena);
    Text list = text_new(backup->arena);
    JsonWriter json = json_writer_new(&text, false);
    json_object_begin(&json);
    json_key_string(&json, "table", pg_result_text(tables, row, 0));
    json_key_string(&json, "parent", pg_result_text(tables, row, 1));
    json_key_string(&json, "bounds", pg_result_text(tables, row, 2));
    json_key(&json, "columns");
    json_array_begin(&json);
    for (size_t i = 0; i < count; i++) {
        json_write_string(&json, columns[i]);
        text_append_format(&list, "%s%s", i == 0 ? "" : ", ", pg_identifier_quote(backup->arena, columns[i]));
    }
    json_array_end(&json);
    json_object_end(&json);
    *ret_columns = list.data;
    return put_text(backup, 'T', &text, error);
}

static bool
put_table(Backup *backup, const PgResult *tables, int64_t row, Error *error)
{
    ArenaMark mark = arena_mark(backup->arena);
    const char *name = pg_result_text(tables, row, 0);
    char *columns;
    if (!put_table_head(backup, tables, row, &columns, error))
        return false;
    const char *copy = arena_printf(backup->arena, "COPY (SELECT %s FROM ONLY %s) TO STDOUT (FORMAT binary)",
                                    columns, pg_identifier_qualify(backup->arena, "fettle", name));
    if (!pg_copy_out(backup->session, copy, take_rows, backup, error) || !flush_rows(backup, error) ||
        !backup_writer_put(backup->writer, 'E', "", 0, error))
        return error_prefix(error, "table %s", name);
    backup->report.tables++;
    if (backup->options->progress != NULL)
        backup->options->progress(backup->options->context, name, backup->report.tables,
                                  pg_result_rows(tables));
    arena_rewind(backup->arena, mark);
    return true;
}

static bool
put_tables(Backup *backup, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *tables = NULL;
    if (!store_query(backup->session, "backup_tables", NULL, 0, &tables, error))
        return false;
    for (int64_t row = 0; row < pg_result_rows(tables); row++)
        if (!put_table(backup, tables, row, error))
            return false;
    return true;
}

static bool
put_sequence(Backup *backup, const char *name, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *state = NULL;
    const char *query = arena_printf(backup->arena, "SELECT last_value, is_called FROM %s",
                                     pg_identifier_qualify(backup->arena, "fettle", name));
    if (!pg_query_simple(backup->session, query, &state, error))
        return false;
    Text text = text_new(backup->arena);
    JsonWriter json = json_writer_new(&text, false);
    json_object_begin(&json);
    json_key_string(&json, "sequence", name);
    json_key_int(&json, "value", pg_result_int(state, 0, 0, 1));
    json_key_bool(&json, "is_called", pg_result_bool(state, 0, 1));
    json_object_end(&json);
    return put_text(backup, 'S', &text, error);
}

static bool
put_sequences(Backup *backup, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *sequences = NULL;
    if (!store_query(backup->session, "backup_sequences", NULL, 0, &sequences, error))
        return false;
    for (int64_t row = 0; row < pg_result_rows(sequences); row++)
        if (!put_sequence(backup, pg_result_text(sequences, row, 0), error))
            return false;
    return backup_writer_put(backup->writer, 'Z', "", 0, error);
}

static bool
backup_run(Backup *backup, Error *error)
{
    static const char begin[] =
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0";
    return pg_execute_script(backup->session, begin, NULL, error) &&
           pg_execute_script(backup->session, store_query_text("backup_lock"), NULL, error) &&
           put_header(backup, error) && put_tables(backup, error) && put_sequences(backup, error);
}

bool
backup_write(PgConnection *session, const BackupOptions *options, BackupReport *ret_report, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("backup", 64 * 1024 * 1024);
    FETTLE_CLEANUP(backup_writer_close_at) BackupWriter *writer = NULL;
    MigrationStatus status;
    if (!migration_status_read(session, &status, error) || !migration_status_check(&status, error))
        return false;
    if (status.version == 0)
        return error_set(error, ERROR_NOT_FOUND, "there is no store to back up");
    if (!backup_writer_open(options->path, &writer, error))
        return false;
    Backup backup = {.session = session,
                     .arena = arena,
                     .writer = writer,
                     .options = options,
                     .piece = arena_alloc(arena, BACKUP_PIECE_BYTES)};
    bool written =
        backup_run(&backup, error) && backup_writer_finish(writer, &backup.report.file_bytes, error);
    Error ignored = {0};
    if (!pg_connection_is_broken(session) && pg_connection_is_in_transaction(session) &&
        !pg_execute(session, "ROLLBACK", &ignored))
        error_clear(&ignored);
    *ret_report = backup.report;
    return written || error_prefix(error, "could not back up the store");
}
