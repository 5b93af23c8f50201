// SPDX-License-Identifier: PostgreSQL
#include "cli/session.h"

#include "base/file.h"
#include "base/log.h"
#include "snapshot/file.h"
#include "snapshot/read.h"
#include "snapshot/workload_file.h"

#include <stdlib.h>
#include <string.h>

#define WORKLOAD_BYTES_MOST (64 * 1024 * 1024)

void
session_progress(void *context, const char *step, int64_t done, int64_t total)
{
    (void)context;
    progress_show(step, done, total);
}

/* The value of an option that only some verbs have. */
static const char *
option_if_any(const CliInput *input, const char *name)
{
    const char *const *place = cli_option_place(input, name);
    return place == NULL ? NULL : *place;
}

static bool
session_target_name(CliInput *input, const char **ret_target, Error *error)
{
    const char *target =
        input->argument_count > 0 ? input->arguments[input->argument_count - 1] : getenv("FETTLE_TARGET");
    if (target == NULL || target[0] == '\0') {
        error_set(error, ERROR_USAGE, "no target was given");
        return error_set_hint(
            error, "give a connection string such as postgres://user@host/database, or a snapshot file");
    }
    *ret_target = target;
    return true;
}

static bool
session_connect(CliInput *input, CliSession *session, const char *target, Error *error)
{
    PgConnectOptions options = {
        .purpose = PG_PURPOSE_TARGET,
        .connect_timeout_ms = (int)settings_get_int(input->settings, SETTING_TARGET_CONNECT_TIMEOUT),
        .statement_timeout_ms = (int)settings_get_int(input->settings, SETTING_TARGET_STATEMENT_TIMEOUT),
        .lock_timeout_ms = (int)settings_get_int(input->settings, SETTING_TARGET_LOCK_TIMEOUT)};
    session->source = pg_dsn_describe(input->arena, target);
    progress_show("connecting", 0, 0);
    return pg_connection_open(target, &options, &session->target, error);
}

bool
session_open_target(CliInput *input, CliSession *session, Error *error)
{
    const char *target;
    if (!session_target_name(input, &target, error))
        return false;
    if (file_exists(target) || !pg_dsn_looks_like(target)) {
        error_set(error, ERROR_USAGE, "\"fettle %s\" needs a database, not a file", input->verb->name);
        return error_set_hint(error, "give a connection string such as postgres://user@host/database");
    }
    return session_connect(input, session, target, error);
}

/* Only for verbs that have the option; what a workload file replaces need not be known. */
static bool
session_watch_ms(const CliInput *input, int64_t *ret_watch_ms, Error *error)
{
    *ret_watch_ms = 0;
    if (cli_option_place(input, "watch") != NULL &&
        !cli_option_duration(input, "watch", SETTING_ADVISE_WATCH, ret_watch_ms, error))
        return false;
    if (option_if_any(input, "workload") != NULL)
        *ret_watch_ms = 0;
    return true;
}

static bool
session_read_target(CliInput *input, CliSession *session, const char *target, Error *error)
{
    SnapshotReadOptions options = {
        .application_role = option_if_any(input, "role"),
        .statements_most = settings_get_int(input->settings, SETTING_ADVISE_STATEMENTS),
        .ends = session->ends,
        .deadline = deadline_after_ms(settings_get_int(input->settings, SETTING_TARGET_DEADLINE)),
        .progress = session_progress};
    return session_watch_ms(input, &options.watch_ms, error) &&
           (session->target != NULL || session_connect(input, session, target, error)) &&
           snapshot_read(input->arena, session->target, &options, &session->snapshot, error);
}

static bool
session_read_workload(CliInput *input, CliSession *session, Error *error)
{
    const char *path = option_if_any(input, "workload");
    if (path == NULL)
        return true;
    char *text;
    size_t length;
    return file_read(input->arena, path, WORKLOAD_BYTES_MOST, &text, &length, error) &&
           snapshot_with_workload(input->arena, session->snapshot, text, length, path, &session->snapshot,
                                  error);
}

bool
session_read(CliInput *input, CliSession *session, Error *error)
{
    const char *target = option_if_any(input, "snapshot");
    bool is_file = target != NULL;
    if (!is_file && !session_target_name(input, &target, error))
        return false;
    is_file = is_file || !pg_dsn_looks_like(target);
    if (is_file) {
        session->source = target;
        if (!file_exists(target)) {
            error_set(error, ERROR_NOT_FOUND, "there is no file \"%.200s\", and it is no connection string",
                      target);
            return error_set_hint(error,
                                  "a connection string is postgres://user@host/database or \"host=... "
                                  "dbname=...\"; a target of the store is advised on by \"fettle index "
                                  "advise NAME\"");
        }
        if (option_if_any(input, "role") != NULL) {
            error_set(error, ERROR_USAGE, "the role of a snapshot file is settled when it is taken");
            return error_set_hint(error, "take it with: fettle snapshot --role ROLE");
        }
        if (!snapshot_file_read(input->arena, target, &session->snapshot, error))
            return false;
    } else if (!session_read_target(input, session, target, error)) {
        return false;
    }
    return session_read_workload(input, session, error);
}

/* major: of the server that it is to be like; 0: any. */
static bool
cluster_options(CliInput *input, int major, ClusterOptions *ret_options, Error *error)
{
    const char *told = settings_get_text(input->settings, SETTING_DATA_DIRECTORY);
    char *directory = arena_strdup(input->arena, told);
    if (told[0] == '\0' && !path_data_directory(input->arena, &directory, error))
        return false;
    *ret_options = (ClusterOptions){
        .data_directory = directory,
        .binaries_directory = settings_get_text(input->settings, SETTING_CLUSTER_BINARIES),
        .preferred_major = major,
        .shared_buffers_bytes = settings_get_int(input->settings, SETTING_CLUSTER_SHARED_BUFFERS)};
    return true;
}

bool
session_cluster_is_made(CliInput *input, const CliSession *session)
{
    ClusterOptions options;
    Error error = {0};
    bool is_made = false;
    return cluster_options(input, pg_connection_server_major(session->target), &options, &error) &&
           cluster_is_made(input->arena, &options, &is_made, &error) && is_made;
}

bool
session_open_cluster(CliInput *input, CliSession *session, Error *error)
{
    ClusterOptions options;
    int major = session->snapshot == NULL ? 0 : session->snapshot->server_major;
    if (!cluster_options(input, major, &options, error))
        return false;
    progress_show("starting the private cluster", 0, 0);
    return cluster_open(&options, &session->cluster, error);
}

static bool
twin_open_as(CliInput *input, CliSession *session, TwinOptions options, Error *error)
{
    options.statement_timeout_ms = (int)settings_get_int(input->settings, SETTING_TWIN_STATEMENT_TIMEOUT);
    options.progress = session_progress;
    return session_open_cluster(input, session, error) &&
           (twin_open(input->arena, session->cluster, session->snapshot, &options, &session->twin, error) ||
            cluster_explain_failure(session->cluster, error));
}

bool
session_open_twin(CliInput *input, CliSession *session, bool rebuild, Error *error)
{
    return twin_open_as(input, session, (TwinOptions){.rebuild = rebuild}, error);
}

bool
session_open_made_twin(CliInput *input, CliSession *session, Error *error)
{
    return twin_open_as(input, session, (TwinOptions){.only_made = true}, error);
}

void
session_close(CliSession *session)
{
    twin_close(session->twin);
    cluster_close(session->cluster);
    pg_connection_close(session->target);
    *session = (CliSession){0};
}

void
session_close_at(CliSession *session)
{
    session_close(session);
}
