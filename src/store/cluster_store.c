// SPDX-License-Identifier: PostgreSQL
/*
 * What the store's cluster has of its own: durable settings, and the major that it stays with.
 *
 * synchronous_commit stays on: what was acknowledged must outlive a crash of the postmaster, and a service
 * for a thousand databases commits about twenty times a second, so the price is some waiting for the disk and
 * no processor time. Work that can be repeated may turn it off for its own transaction.
 *
 * wal_compression is "on" (pglz) and not lz4, which a build of PostgreSQL may lack. Checksums of pages are
 * on: a small machine that runs for years has a disk that fails one day, and that must be seen.
 */
#include "store/cluster_internal.h"

#include "base/file.h"

#include <dirent.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

/* Beside the pool: the lease, "fettle" verbs that join in, psql, and the superuser's three. */
#define SESSIONS_BESIDE 12
#define LOCKS_LEAST 128
#define LOCKS_MANY 1024
#define FILES_MOST 1000000

/* 0 when it is not there. */
static int
files_in(const char *directory)
{
    DIR *files = opendir(directory);
    int count = 0;
    while (files != NULL && count < FILES_MOST && readdir(files) != NULL)
        count++;
    if (files != NULL)
        closedir(files);
    return count;
}

/* Files of the database that has the most; 0 before there are any. */
static int
files_of_largest(const Cluster *cluster)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("store files", 1 << 20);
    const char *base = path_join(arena, cluster->pgdata, "base");
    DIR *databases = opendir(base);
    int most = 0;
    for (const struct dirent *entry; databases != NULL && (entry = readdir(databases)) != NULL;) {
        int count = entry->d_name[0] == '.' ? 0 : files_in(path_join(arena, base, entry->d_name));
        most = count > most ? count : most;
    }
    if (databases != NULL)
        closedir(databases);
    return most;
}

/*
 * A backup locks every relation at once, and each lock that there is room for is memory that is touched at
 * the start: there is room for twice what is there now, and at least for some months of days more.
 */
static int
locks_per_session(const Cluster *cluster, int sessions)
{
    int least = cluster->has_many_locks ? LOCKS_MANY : LOCKS_LEAST;
    int wanted = 2 * files_of_largest(cluster) / sessions;
    return wanted < least ? least : wanted;
}

void
cluster_store_settings(const Cluster *cluster, Text *text)
{
    text_append(text, "# Written by Fettle at each start.\n"
                      "listen_addresses = ''\n"
                      "unix_socket_permissions = 0700\n"
                      "max_pred_locks_per_transaction = 10\n"
                      "max_worker_processes = 0\n"
                      "max_parallel_workers = 0\n"
                      "max_parallel_workers_per_gather = 0\n"
                      "max_parallel_maintenance_workers = 0\n"
                      "max_prepared_transactions = 0\n"
                      "autovacuum = on\n"
                      "autovacuum_max_workers = 1\n"
                      "track_counts = on\n"
                      "jit = off\n"
                      "wal_level = minimal\n"
                      "wal_buffers = 256kB\n"
                      "max_wal_senders = 0\n"
                      "max_wal_size = 256MB\n"
                      "min_wal_size = 4MB\n"
                      "wal_compression = on\n"
                      "checkpoint_timeout = 15min\n"
                      "full_page_writes = on\n"
                      "synchronous_commit = on\n"
                      "huge_pages = off\n"
                      "logging_collector = off\n"
                      "log_min_messages = fatal\n"
                      "log_min_error_statement = panic\n"
                      "log_statement = none\n"
                      "log_checkpoints = off\n");
    int sessions = cluster->sessions_most + SESSIONS_BESIDE;
    text_append_format(text, "max_connections = %d\nmax_locks_per_transaction = %d\nfsync = %s\n", sessions,
                       locks_per_session(cluster, sessions), cluster->is_unsynced ? "off" : "on");
}

int
cluster_store_major(const char *data_directory)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("store major", 1 << 20);
    glob_t found;
    int newest = 0;
    if (strpbrk(data_directory, "*?[\\") != NULL ||
        glob(arena_printf(arena, "%s/store-*/fettle-cluster", data_directory), 0, NULL, &found) != 0)
        return 0;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *number = found.gl_pathv[i] + strlen(data_directory) + strlen("/store-");
        long major = strtol(number, NULL, 10);
        if (major > newest && major < 100)
            newest = (int)major;
    }
    globfree(&found);
    return newest;
}
