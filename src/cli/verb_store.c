// SPDX-License-Identifier: PostgreSQL
#include "cli/store_session.h"

#include "base/file.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "store/backup.h"
#include "store/migrate.h"

#include <string.h>

extern const CliVerb cli_verb_store;

static const CliOption store_options[] = {
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

static void
append_status(Text *text, const Store *store, const MigrationStatus *status)
{
    text_append_format(text, "store: %s\n", store_describe(store));
    if (status->version == 0)
        text_append(text, "schema: none yet\n");
    else
        text_append_format(text, "schema: version %d of %d%s\n", status->version, status->version_known,
                           status->version > status->version_known ? ": made by a newer Fettle"
                           : status->missing > 0                   ? ": run \"fettle store migrate\""
                                                                   : ", current");
    if (status->changed != NULL)
        text_append_format(text, "changed: migration %s is not this program's\n", status->changed);
    text_append_format(text, "size: %s\n", text_format_bytes(text->arena, (double)status->size_bytes));
    if (!status->has_roles)
        text_append(text,
                    "roles: fettle_reader and fettle_writer are missing, so nothing is granted to people "
                    "who work in SQL;\n       an administrator can make them (CREATE ROLE fettle_reader; "
                    "CREATE ROLE fettle_writer;), then run \"fettle store migrate\"\n");
}

static void
json_status(Text *text, const Store *store, const MigrationStatus *status)
{
    JsonWriter json = json_writer_new(text, true);
    json_object_begin(&json);
    json_key_string(&json, "store", store_describe(store));
    json_key_bool(&json, "private", store_is_private(store));
    json_key_int(&json, "version", status->version);
    json_key_int(&json, "version_known", status->version_known);
    json_key_int(&json, "missing", status->missing);
    json_key_string(&json, "changed", status->changed);
    json_key_int(&json, "size_bytes", status->size_bytes);
    json_key_bool(&json, "roles", status->has_roles);
    json_object_end(&json);
    text_append_char(text, '\n');
}

static bool
status_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    MigrationStatus status;
    Text text = text_new(input->arena);
    if (!cli_store_open(input, true, &store, error) ||
        !migration_status_read(store.connection, &status, error))
        return false;
    if (cli_option(input, "json") != NULL)
        json_status(&text, store.store, &status);
    else
        append_status(&text, store.store, &status);
    return cli_write(input, text.data, text.length, error);
}

/* What was done, in one line or one object. */
static bool
write_report(CliInput *input, const char *words, const char *name, int64_t number, Error *error)
{
    Text text = text_new(input->arena);
    if (cli_option(input, "json") != NULL) {
        JsonWriter json = json_writer_new(&text, true);
        json_object_begin(&json);
        json_key_int(&json, name, number);
        json_object_end(&json);
        text_append_char(&text, '\n');
    } else if (!input->is_quiet) {
        text_append_format(&text, "%s\n", words);
    }
    return cli_write(input, text.data, text.length, error);
}

static bool
migrate_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    int applied = 0;
    if (!cli_store_open(input, true, &store, error) || !migration_run(store.connection, &applied, error))
        return false;
    CliAct act = {.action = "store.migrate",
                  .object = "store",
                  .details = arena_printf(input->arena, "{\"applied\": %d}", applied)};
    if (!cli_store_audit(&store, &act, true, error))
        return false;
    return write_report(input,
                        applied == 0 ? "the store is current; nothing to do"
                                     : arena_printf(input->arena, "%d migrations applied", applied),
                        "applied", applied, error);
}

static void
show_progress(void *context, const char *table, int64_t done, int64_t total)
{
    (void)context;
    (void)table;
    progress_show("tables", done, total);
}

static bool
backup_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    BackupReport report = {0};
    BackupOptions options = {.path = input->arguments[1], .progress = show_progress};
    if (!cli_store_open(input, true, &store, error))
        return false;
    bool done = backup_write(store.connection, &options, &report, error);
    progress_clear();
    CliAct act = {.action = "store.backup",
                  .object = "store",
                  .details = arena_printf(input->arena, "{\"tables\": %lld, \"bytes\": %lld}",
                                          (long long)report.tables, (long long)report.file_bytes)};
    if (!cli_store_audit(&store, &act, done, error))
        return false;
    return write_report(input,
                        arena_printf(input->arena,
                                     "%s: %s, %lld tables, schema version %d; keep the key file with it",
                                     options.path, text_format_bytes(input->arena, (double)report.file_bytes),
                                     (long long)report.tables, report.migration),
                        "bytes", report.file_bytes, error);
}

static bool
restore_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    BackupReport report = {0};
    BackupOptions options = {.path = input->arguments[1], .progress = show_progress};
    if (!cli_store_open(input, true, &store, error) ||
        !backup_restore(store.connection, &options, &report, error))
        return false;
    progress_clear();
    CliAct act = {.action = "store.restore",
                  .object = "store",
                  .details = arena_printf(input->arena, "{\"tables\": %lld}", (long long)report.tables)};
    if (!cli_store_audit(&store, &act, true, error))
        return false;
    return write_report(input,
                        arena_printf(input->arena, "%lld tables restored from schema version %d",
                                     (long long)report.tables, report.migration),
                        "tables", report.tables, error);
}

static bool
store_run(CliInput *input, int *ret_exit_status, Error *error)
{
    static const CliAction actions[] = {
        {"status", 0, 0, status_run}, {"migrate", 0, 0, migrate_run},
        {"backup", 1, 1, backup_run}, {"restore", 1, 1, restore_run},
        {NULL, 0, 0, NULL},
    };
    *ret_exit_status = CLI_EXIT_NOTHING;
    return cli_action_run(input, actions, error);
}

const CliVerb cli_verb_store = {
    .name = "store",
    .arguments = "status|migrate|backup FILE|restore FILE",
    .arguments_least = 1,
    .arguments_most = 2,
    .summary = "what Fettle remembers: its state, migrations, backup and restore",
    .description =
        "The store is a private PostgreSQL cluster in the data directory, or the server that --store names.\n"
        "backup writes schema fettle, as of one moment, to one compressed file of mode 0600. Passwords of "
        "targets "
        "stay\nsealed in it: keep the key file too (\"key\" in the data directory). restore loads it into an "
        "unused "
        "store, all or\nnothing, and then applies later migrations.",
    .examples = "  fettle store status\n"
                "  fettle store migrate --store postgres://fettle@db/fettle\n"
                "  fettle store backup /var/backups/fettle.backup\n"
                "  fettle store restore /var/backups/fettle.backup\n",
    .options = store_options,
    .run = store_run,
};
