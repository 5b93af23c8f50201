// SPDX-License-Identifier: PostgreSQL
#include "store/cluster_internal.h"

#include "base/file.h"
#include "base/process.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Written when PGDATA is whole; without it the directory is a failed attempt and is made again. */
#define MARKER_NAME "fettle-cluster"
/* Without the marker: a store that nobody but its maker has been in. */
#define MAKING_NAME "fettle-making"
#define SETTINGS_NAME "postgresql.auto.conf"
#define CUT_POLL_MS 20

bool
cluster_user_find(const char *name, ClusterUser *ret_user, Error *error)
{
    if (geteuid() != 0) {
        *ret_user = (ClusterUser){.user = geteuid(), .group = getegid()};
        return true;
    }
    const struct passwd *entry = NULL;
    if (name != NULL && name[0] != '\0') {
        entry = getpwnam(name);
        if (entry == NULL)
            return error_set(error, ERROR_INPUT, "there is no user \"%s\" to run the private cluster as",
                             name);
    }
    if (entry == NULL)
        entry = getpwnam("postgres");
    if (entry == NULL)
        entry = getpwnam("nobody");
    if (entry == NULL || entry->pw_uid == 0) {
        error_set(error, ERROR_SYSTEM, "there is no unprivileged user to run the private cluster as");
        return error_set_hint(error, "run Fettle as an ordinary user");
    }
    *ret_user = (ClusterUser){.change = true, .user = entry->pw_uid, .group = entry->pw_gid};
    return true;
}

/* initdb's complaint in one line: the first that says error, else its first line. */
static const char *
initdb_reason(Arena *arena, const char *output)
{
    const char *line = strstr(output, "error: ");
    if (line == NULL)
        line = strstr(output, "could not");
    if (line == NULL)
        line = output[0] != '\0' ? output : "no reason was given";
    return arena_strndup(arena, line, strcspn(line, "\n"));
}

static bool
cluster_initdb(Cluster *cluster, const char *directory, Deadline deadline, Error *error)
{
    const char *const arguments[] = {path_join(cluster->arena, cluster->binaries.directory, "initdb"),
                                     "-D",
                                     directory,
                                     "-U",
                                     "fettle",
                                     "-A",
                                     "trust",
                                     "-E",
                                     "UTF8",
                                     "--locale=C",
                                     "--wal-segsize=1",
                                     "--no-sync",
                                     cluster->purpose == CLUSTER_STORE ? "--data-checksums" : NULL,
                                     NULL};
    /* or it compares the machine's zone with all there are; sessions set their own */
    static const char *const environment[] = {"TZ=UTC", NULL};
    ProcessOptions options = {.arguments = arguments,
                              .environment = environment,
                              .change_user = cluster->user.change,
                              .user = cluster->user.user,
                              .group = cluster->user.group,
                              .deadline = deadline};
    ProcessResult result;
    if (!process_run(cluster->arena, &options, &result, error))
        return error_prefix(error, "could not create the private cluster");
    if (result.exit_status == 0)
        return true;
    bool full = strstr(result.output, "No space left") != NULL;
    error_set(error, full ? ERROR_DISK_FULL : ERROR_CLUSTER, "could not create the private cluster in %s: %s",
              cluster->directory, initdb_reason(cluster->arena, result.output));
    return !full ? false : error_set_hint(error, "it needs about 50 MB: free some space or set FETTLE_DATA");
}

static bool
cluster_make_directory(const Cluster *cluster, const char *path, Error *error)
{
    if (!directory_make(path, 0700, error))
        return false;
    if (cluster->user.change && chown(path, cluster->user.user, cluster->user.group) != 0)
        return error_set_errno(error, errno, "could not give %s to the user that runs the private cluster",
                               path);
    return true;
}

/* A data directory of another major is never touched. */
static bool
cluster_check_major(const Cluster *cluster, Error *error)
{
    char *text;
    size_t length;
    const char *path = path_join(cluster->arena, cluster->pgdata, "PG_VERSION");
    if (!file_read(cluster->arena, path, 64, &text, &length, error))
        return false;
    long major = strtol(text, NULL, 10);
    if (major == cluster->binaries.major)
        return true;
    error_set(error, ERROR_CONFLICT, "the data directory %s is of PostgreSQL %ld, the server programs are %d",
              cluster->pgdata, major, cluster->binaries.major);
    return error_set_hint(
        error, "install postgresql-%ld%s", major,
        cluster->purpose == CLUSTER_STORE ? "" : ", or remove the directory: it can be made anew");
}

/* A store is never made over what may hold data, nor beside what is lost: only a directory in which no
 * postmaster ever ran is a failed attempt. *ret_is_whole: it is there. */
static bool
cluster_store_check(const Cluster *cluster, const char *marker, bool *ret_is_whole, Error *error)
{
    bool has_run = file_exists(path_join(cluster->arena, cluster->pgdata, "postmaster.opts"));
    if (file_exists(marker) && !file_exists(cluster->pgdata)) {
        error_set(error, ERROR_DAMAGED, "the store in %s has lost its data directory", cluster->directory);
        return error_set_hint(error,
                              "mount or restore %s; or remove %s, start anew and restore a backup with "
                              "\"fettle store restore\"",
                              cluster->pgdata, cluster->directory);
    }
    *ret_is_whole = has_run || file_exists(marker);
    return true;
}

/* One call for the file system, where initdb would wait for a thousand files one by one. */
static bool
cluster_store_sync(const Cluster *cluster, Error *error)
{
    FETTLE_CLEANUP(descriptor_close_at)
    int directory = open(cluster->pgdata, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return (directory >= 0 && syncfs(directory) == 0) ||
           error_set_errno(error, errno, "could not write the new store to the disk");
}

bool
cluster_complete(Cluster *cluster, Error *error)
{
    const char *marker = path_join(cluster->arena, cluster->directory, MARKER_NAME);
    if ((cluster->purpose == CLUSTER_STORE && !cluster_store_sync(cluster, error)) ||
        !file_write_atomic(marker, "1\n", 2, 0600, error))
        return false;
    /* beside the marker it means nothing */
    (void)unlink(path_join(cluster->arena, cluster->directory, MAKING_NAME));
    cluster->is_unsynced = false;
    return true;
}

/* Out of the way first: what is left of a maker that was killed may write in it until it sees its end. */
static bool
cluster_remove_cut(const Cluster *cluster, Deadline deadline, Error *error)
{
    const char *cut = path_join(cluster->arena, cluster->directory, "cut");
    for (bool is_moved = false;;) {
        Error reason = {0};
        is_moved = is_moved || !file_exists(cluster->pgdata);
        if (directory_remove(cut, &reason)) {
            if (is_moved)
                return true;
            is_moved = rename(cluster->pgdata, cut) == 0;
            if (!is_moved)
                return error_set_errno(error, errno, "could not move %s", cluster->pgdata);
        } else if (deadline_passed(deadline)) {
            *error = reason;
            return false;
        } else {
            (void)poll(NULL, 0, CUT_POLL_MS);
        }
    }
}

static bool
cluster_make(Cluster *cluster, Deadline deadline, Error *error)
{
    const char *making = path_join(cluster->arena, cluster->directory, MAKING_NAME);
    bool is_later = cluster->purpose == CLUSTER_STORE && cluster->keep_out != NULL &&
                    cluster->keep_out(cluster->keep_out_context);
    if (!cluster_remove_cut(cluster, deadline, error) ||
        (is_later && !file_write_atomic(making, "1\n", 2, 0600, error)))
        return false;
    if (!cluster_initdb(cluster, cluster->pgdata, deadline, error)) {
        Error ignored = {0};
        if (!cluster_remove_cut(cluster, deadline, &ignored))
            error_clear(&ignored);
        return false;
    }
    cluster->is_unsynced = is_later;
    return cluster->is_unsynced || cluster_complete(cluster, error);
}

/* A store that was made turns on fsync before anybody is let in. */
static bool
cluster_was_used(const Cluster *cluster)
{
    char *text;
    size_t length;
    Error ignored = {0};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("store settings", 1 << 20);
    return file_read(arena, path_join(arena, cluster->pgdata, SETTINGS_NAME), 65536, &text, &length,
                     &ignored) &&
           strstr(text, "fsync = on") != NULL;
}

static bool
cluster_make_again(Cluster *cluster, Deadline deadline, Error *error)
{
    if (!cluster_was_used(cluster))
        return cluster_orphan_stop(cluster, deadline, error) && cluster_make(cluster, deadline, error);
    error_set(error, ERROR_DAMAGED, "the store in %s is marked as half made, but it was in use",
              cluster->directory);
    return error_set_hint(error, "if its files are whole, remove %s/%s", cluster->directory, MAKING_NAME);
}

bool
cluster_is_whole(const Cluster *cluster)
{
    return file_exists(path_join(cluster->arena, cluster->directory, MARKER_NAME)) &&
           file_exists(cluster->pgdata);
}

bool
cluster_create(Cluster *cluster, Deadline deadline, Error *error)
{
    bool is_whole = false;
    const char *marker = path_join(cluster->arena, cluster->directory, MARKER_NAME);
    if (!cluster_make_directory(cluster, cluster->directory, error) ||
        !cluster_make_directory(cluster, cluster->socket_directory, error))
        return false;
    bool was_cut = cluster->purpose == CLUSTER_STORE && !file_exists(marker) &&
                   file_exists(path_join(cluster->arena, cluster->directory, MAKING_NAME));
    if (was_cut)
        return cluster_make_again(cluster, deadline, error);
    if (cluster->purpose == CLUSTER_STORE && !cluster_store_check(cluster, marker, &is_whole, error))
        return false;
    if (is_whole || cluster_is_whole(cluster))
        return cluster_check_major(cluster, error);
    return cluster_make(cluster, deadline, error);
}

bool
cluster_configure(const Cluster *cluster, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("cluster settings", 1 << 20);
    Text text = text_new(arena);
    if (cluster->purpose == CLUSTER_STORE)
        cluster_store_settings(cluster, &text);
    else
        text_append(&text, "# Written by Fettle at each start.\n"
                           "listen_addresses = ''\n"
                           "unix_socket_permissions = 0700\n"
                           "max_connections = 40\n"
                           "max_locks_per_transaction = 1024\n"
                           "max_pred_locks_per_transaction = 10\n"
                           "max_worker_processes = 0\n"
                           "max_parallel_maintenance_workers = 0\n"
                           "max_prepared_transactions = 0\n"
                           "restart_after_crash = off\n"
                           "autovacuum = off\n"
                           "jit = off\n"
                           "wal_level = minimal\n"
                           "max_wal_senders = 0\n"
                           "max_wal_size = 64MB\n"
                           "min_wal_size = 4MB\n"
                           "checkpoint_timeout = 1h\n"
                           "fsync = off\n"
                           "full_page_writes = off\n"
                           "synchronous_commit = off\n"
                           "wal_buffers = 256kB\n"
                           "huge_pages = off\n"
                           "logging_collector = off\n"
                           "log_min_messages = fatal\n"
                           "log_min_error_statement = panic\n"
                           "log_statement = none\n"
                           "log_checkpoints = off\n"
                           "track_activities = off\n"
                           "track_counts = off\n");
    text_append_format(&text, "port = 5432\nunix_socket_directories = '%s'\n", cluster->socket_directory);
    text_append_format(&text, "shared_buffers = %lldkB\n", (long long)(cluster->shared_buffers_bytes / 1024));
    const char *path = path_join(arena, cluster->pgdata, SETTINGS_NAME);
    if (!file_write_atomic(path, text.data, text.length, 0600, error))
        return false;
    if (cluster->user.change && chown(path, cluster->user.user, cluster->user.group) != 0)
        return error_set_errno(error, errno, "could not give %s to the user that runs the private cluster",
                               path);
    return true;
}
