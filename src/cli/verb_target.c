// SPDX-License-Identifier: PostgreSQL
#include "cli/secret_input.h"
#include "cli/store_session.h"
#include "cli/table.h"

#include "base/json_writer.h"
#include "base/log.h"
#include "snapshot/read.h"

#include <string.h>

extern const CliVerb cli_verb_target;

static const CliOption target_options[] = {
    {"json", 0, NULL, "as JSON"},
    {"database", 'd', "NAMES", "only these databases, separated by commas (default: all of the server)"},
    {"interval", 0, "TIME", "time between two rounds (default: collect.interval)"},
    {"password", 'W', NULL, "ask for the password"},
    {"password-file", 0, "FILE", "the password is the first line of this file (\"-\": standard input)"},
    {"name", 0, "NAME", "the new name (change)"},
    {NULL, 0, NULL, NULL},
};

static bool
list_run(CliInput *input, Error *error)
{
    static const CliColumn columns[] = {
        {"ID", "target_id", CLI_NUMBER},
        {"NAME", "name", CLI_TEXT},
        {"ENABLED", "enabled", CLI_BOOL},
        {"SERVER", "server_version", CLI_TEXT},
        {"LAST ROUND", "last_round_at", CLI_TIME},
        {"CONNECTION", "connection", CLI_TEXT},
        {"ERROR", "last_error", CLI_TEXT},
        {"NOTICE", "last_notice", CLI_TEXT},
        {NULL, "conninfo", CLI_TEXT},
        {NULL, "has_password", CLI_BOOL},
        {NULL, "interval_ms", CLI_ID},
        {NULL, "created_at", CLI_TIME},
    };
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    TargetList list;
    if (!cli_store_open(input, false, &store, error) ||
        !target_list(store.connection, input->arena, &list, error))
        return false;
    CliTable table = cli_table_new(input->arena, columns, FETTLE_COUNT_OF(columns));
    table.screen_columns = input->screen_columns;
    for (size_t i = 0; i < list.count; i++) {
        const Target *target = &list.items[i];
        cli_table_number(&table, target->target_id);
        cli_table_text(&table, target->name);
        cli_table_number(&table, target->is_enabled);
        cli_table_text(&table, target->server_version);
        cli_table_number(&table, target->last_round_at_us);
        cli_table_text(&table, pg_dsn_describe(input->arena, target->conninfo));
        cli_table_text(&table, target->last_error);
        cli_table_text(&table, target->last_notice);
        cli_table_text(&table, target->conninfo);
        cli_table_number(&table, target->has_password);
        cli_table_number(&table, target->interval_ms);
        cli_table_number(&table, target->created_at_us);
    }
    Text text = text_new(input->arena);
    cli_table_append(&table, &text, cli_option(input, "json") != NULL,
                     "there is no target yet: add one with \"fettle target add NAME CONNECTION\"\n");
    return cli_write(input, text.data, text.length, error);
}

/* A password given beside the connection string goes after it, where libpq lets it win. */
static bool
add_password(CliInput *input, const char **dsn, Error *error)
{
    const char *file = cli_option(input, "password-file");
    PgDsnParts parts;
    char *password = NULL;
    if (file == NULL && cli_option(input, "password") == NULL)
        return true;
    if (!pg_dsn_split(input->arena, *dsn, &parts, error) ||
        !secret_input_read(input->arena, file, "password of the target", false, &password, error))
        return false;
    *dsn = arena_printf(input->arena, "%s %s %s", parts.conninfo, parts.secrets,
                        pg_dsn_password_option(input->arena, password));
    return true;
}

static bool
read_change(CliInput *input, TargetChange *change, Error *error)
{
    const char *databases = cli_option(input, "database");
    const char *interval = cli_option(input, "interval");
    if (interval != NULL && (!setting_duration_parse(interval, &change->interval_ms) ||
                             change->interval_ms < 1000 || change->interval_ms > 3600000))
        return error_set(error, ERROR_USAGE, "--interval takes a time from 1s to 1h");
    if (databases == NULL)
        return true;
    TextList list = cli_words_split(input->arena, databases);
    change->databases = list.items;
    change->database_count = list.count;
    change->sets_databases = true;
    return true;
}

static bool
add_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    TargetChange change = {.name = input->arguments[1], .enabled = 1, .interval_ms = -1};
    int64_t id = 0;
    change.dsn = secret_input_take_argument(input->arena, input->arguments[2]);
    if (!add_password(input, &change.dsn, error) || !read_change(input, &change, error) ||
        !cli_store_open(input, false, &store, error))
        return false;
    bool done = target_create(store.store, store.connection, &change, &id, error);
    CliSubject subject = {"target", id, change.name};
    CliAct act = cli_subject_act(input, &subject, "create");
    return cli_store_audit(&store, &act, done, error) &&
           cli_subject_say(input, &subject, "added; try it with \"fettle target test\"", error);
}

static bool
change_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    TargetChange change = {.name = cli_option(input, "name"), .enabled = -1, .interval_ms = -1};
    Target target;
    bool has_dsn = input->argument_count > 2;
    if (has_dsn)
        change.dsn = secret_input_take_argument(input->arena, input->arguments[2]);
    if (!read_change(input, &change, error) || !cli_store_open(input, false, &store, error) ||
        !cli_target_find(&store, input->arguments[1], &target, error))
        return false;
    bool sets_password = cli_option(input, "password") != NULL || cli_option(input, "password-file") != NULL;
    if (sets_password && !has_dsn)
        change.dsn = target.conninfo;
    if (sets_password && !add_password(input, &change.dsn, error))
        return false;
    bool done = target_update(store.store, store.connection, target.target_id, &change, error);
    CliSubject subject = {"target", target.target_id, target.name};
    CliAct act = cli_subject_act(input, &subject, "update");
    if (change.name != NULL)
        subject.name = change.name;
    return cli_store_audit(&store, &act, done, error) && cli_subject_say(input, &subject, "changed", error);
}

static bool
switch_run(CliInput *input, bool enabled, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    TargetChange change = {.enabled = enabled ? 1 : 0, .interval_ms = -1};
    Target target;
    if (!cli_store_open(input, false, &store, error) ||
        !cli_target_find(&store, input->arguments[1], &target, error))
        return false;
    bool done = target_update(store.store, store.connection, target.target_id, &change, error);
    CliSubject subject = {"target", target.target_id, target.name};
    CliAct act = cli_subject_act(input, &subject, enabled ? "enable" : "disable");
    return cli_store_audit(&store, &act, done, error) &&
           cli_subject_say(input, &subject, enabled ? "enabled" : "disabled", error);
}

static bool
enable_run(CliInput *input, Error *error)
{
    return switch_run(input, true, error);
}

static bool
disable_run(CliInput *input, Error *error)
{
    return switch_run(input, false, error);
}

static bool
remove_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    Target target;
    if (!cli_store_open(input, false, &store, error) ||
        !cli_target_find(&store, input->arguments[1], &target, error))
        return false;
    bool done = target_delete(store.connection, target.target_id, error);
    CliSubject subject = {"target", target.target_id, target.name};
    CliAct act = cli_subject_act(input, &subject, "delete");
    return cli_store_audit(&store, &act, done, error) &&
           cli_subject_say(input, &subject, "removed, with all that was collected of it", error);
}

static void
append_test(Text *text, const Target *target, const Snapshot *snapshot)
{
    text_append_format(text, "%s: connected, PostgreSQL %s, database %s, as %s%s\n", target->name,
                       snapshot->server_version, snapshot->database, snapshot->reader,
                       snapshot->is_standby ? " (standby)" : "");
    text_append_format(text, "  statistics rights: %s\n", snapshot_rights_word(snapshot->rights));
    for (size_t i = 0; i < snapshot->gap_count; i++)
        text_append_format(text, "  missing: %s%s%s\n", snapshot->gaps[i].subject,
                           snapshot->gaps[i].remedy[0] == '\0' ? "" : "; do: ", snapshot->gaps[i].remedy);
    if (snapshot->gap_count == 0)
        text_append(text, "  nothing is missing\n");
}

static void
json_test(Text *text, const Target *target, const Snapshot *snapshot)
{
    JsonWriter json = json_writer_new(text, true);
    json_object_begin(&json);
    json_key_int(&json, "target_id", target->target_id);
    json_key_string(&json, "name", target->name);
    json_key_string(&json, "server_version", snapshot->server_version);
    json_key_string(&json, "database", snapshot->database);
    json_key_string(&json, "read_as", snapshot->reader);
    json_key_bool(&json, "standby", snapshot->is_standby);
    json_key_string(&json, "rights", snapshot_rights_word(snapshot->rights));
    json_key(&json, "missing");
    json_array_begin(&json);
    for (size_t i = 0; i < snapshot->gap_count; i++) {
        json_object_begin(&json);
        json_key_string(&json, "subject", snapshot->gaps[i].subject);
        json_key_string(&json, "remedy", snapshot->gaps[i].remedy);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    text_append_char(text, '\n');
}

static bool
connect_and_read(CliInput *input, const char *dsn, const Snapshot **ret_snapshot, Error *error)
{
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
    PgConnectOptions options = {
        .purpose = PG_PURPOSE_TARGET,
        .connect_timeout_ms = (int)settings_get_int(input->settings, SETTING_TARGET_CONNECT_TIMEOUT),
        .statement_timeout_ms = (int)settings_get_int(input->settings, SETTING_TARGET_STATEMENT_TIMEOUT),
        .lock_timeout_ms = (int)settings_get_int(input->settings, SETTING_TARGET_LOCK_TIMEOUT)};
    SnapshotReadOptions reading = {
        .statements_most = 1,
        .ends = SNAPSHOT_ENDS_NONE,
        .deadline = deadline_after_ms(settings_get_int(input->settings, SETTING_TARGET_DEADLINE))};
    progress_show("connecting to the target", 0, 0);
    return pg_connection_open(dsn, &options, &connection, error) &&
           snapshot_read(input->arena, connection, &reading, ret_snapshot, error);
}

/* The store is left before the target is read, which may take long. */
static bool
test_prepare(CliInput *input, Target *ret_target, const char **ret_dsn, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    return cli_store_open(input, false, &store, error) &&
           cli_target_find(&store, input->arguments[1], ret_target, error) &&
           target_dsn(store.store, store.connection, input->arena, ret_target->target_id, ret_dsn, error);
}

static bool
test_run(CliInput *input, Error *error)
{
    Target target;
    const char *dsn = NULL;
    const Snapshot *snapshot = NULL;
    if (!test_prepare(input, &target, &dsn, error) || !connect_and_read(input, dsn, &snapshot, error))
        return false;
    progress_clear();
    Text text = text_new(input->arena);
    if (cli_option(input, "json") != NULL)
        json_test(&text, &target, snapshot);
    else
        append_test(&text, &target, snapshot);
    return cli_write(input, text.data, text.length, error);
}

static bool
target_run(CliInput *input, int *ret_exit_status, Error *error)
{
    static const CliAction actions[] = {
        {"add", 2, 2, add_run},         {"list", 0, 0, list_run},     {"test", 1, 1, test_run},
        {"change", 1, 2, change_run},   {"remove", 1, 1, remove_run}, {"enable", 1, 1, enable_run},
        {"disable", 1, 1, disable_run}, {NULL, 0, 0, NULL},
    };
    *ret_exit_status = CLI_EXIT_NOTHING;
    return cli_action_run(input, actions, error);
}

const CliVerb cli_verb_target = {
    .name = "target",
    .arguments =
        "add NAME CONNECTION|list|test NAME|change NAME [CONNECTION]|remove NAME|enable NAME|disable NAME",
    .arguments_least = 1,
    .arguments_most = 3,
    .summary = "the servers that the service looks after",
    .description =
        "A target is one PostgreSQL server. A password, in the connection string or given apart, is sealed "
        "with the "
        "key file\nand shown by nothing. A connection string on the command line is taken off the process "
        "list at "
        "once; --password\nand --password-file never put a password there. A new connection string does not "
        "inherit "
        "the old password.\ntest connects and says what its role may not read; \"fettle doctor\" tells more.",
    .examples = "  fettle target add shop postgres://fettle@db.example/shop --password\n"
                "  fettle target add shop \"host=a,b user=fettle dbname=shop target_session_attrs=any\" "
                "--password-file pw\n"
                "  fettle target test shop\n"
                "  fettle target change shop --interval 30s --database shop,billing\n"
                "  fettle target list --json\n",
    .options = target_options,
    .run = target_run,
};
