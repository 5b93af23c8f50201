// SPDX-License-Identifier: PostgreSQL
#include "store/cluster_internal.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define SHARED_BUFFERS_BYTES (8 * 1024 * 1024)
#define SESSIONS_MOST 20
#define START_MS 60000

bool
cluster_lock_take(Cluster *cluster, const char *data_directory, Error *error)
{
    bool is_store = cluster->purpose == CLUSTER_STORE;
    const char *path = path_join(cluster->arena, data_directory, is_store ? "store-lock" : "lock");
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0)
        return error_set_errno(error, errno, "could not open %s", path);
    char text[32] = "";
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        ssize_t length = pread(lock, text, sizeof(text) - 1, 0);
        text[length > 0 ? length : 0] = '\0';
        close(lock);
        error_set(error, ERROR_CONFLICT, "the %s %s is in use by another Fettle (process %ld)",
                  is_store ? "store in" : "data directory", data_directory, strtol(text, NULL, 10));
        return error_set_hint(error, "wait until it is done, or set FETTLE_DATA to another directory");
    }
    int length = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (ftruncate(lock, 0) != 0 || pwrite(lock, text, (size_t)length, 0) != length) {
        int reason = errno;
        close(lock);
        return error_set_errno(error, reason, "could not write %s", path);
    }
    cluster->lock = lock;
    return true;
}

/* The named directory's, or the best found. A store stays with the major that made it. */
static bool
cluster_take_binaries(Cluster *cluster, const ClusterOptions *options, Error *error)
{
    const char *told = options->binaries_directory;
    int made_by = options->purpose == CLUSTER_STORE ? cluster_store_major(options->data_directory) : 0;
    int wanted = made_by != 0 ? made_by : options->preferred_major;
    bool found = told != NULL && told[0] != '\0'
                     ? cluster_binaries_at(cluster->arena, told, &cluster->binaries, error)
                     : cluster_binaries_find(cluster->arena, wanted, &cluster->binaries, error);
    if (!found || made_by == 0 || cluster->binaries.major == made_by)
        return found;
    error_set(error, ERROR_MISSING_DEPENDENCY,
              "the store in %s is of PostgreSQL %d, whose server programs are missing",
              options->data_directory, made_by);
    return error_set_hint(error, "install them: apt-get install postgresql-%d (or set cluster.binaries)",
                          made_by);
}

static bool
cluster_prepare(Cluster *cluster, const ClusterOptions *options, Error *error)
{
    cluster->purpose = options->purpose;
    cluster->sessions_most = options->sessions_most > 0 ? options->sessions_most : SESSIONS_MOST;
    cluster->shared_buffers_bytes =
        options->shared_buffers_bytes > 0 ? options->shared_buffers_bytes : SHARED_BUFFERS_BYTES;
    cluster->has_many_locks = options->has_many_locks;
    cluster->keep_out = options->keep_out;
    cluster->keep_out_context = options->keep_out_context;
    return cluster_take_binaries(cluster, options, error) &&
           cluster_user_find(options->run_as_user, &cluster->user, error) &&
           cluster_place(cluster, options->data_directory, error);
}

bool
cluster_locate(Arena *arena, const ClusterOptions *options, const char **ret_socket_directory, Error *error)
{
    Cluster cluster = {.arena = arena, .lock = -1};
    if (!cluster_prepare(&cluster, options, error) || !cluster_check_socket(&cluster, error))
        return false;
    *ret_socket_directory = cluster.socket_directory;
    return true;
}

bool
cluster_is_made(Arena *arena, const ClusterOptions *options, bool *ret_is_made, Error *error)
{
    fettle_assert(options->purpose == CLUSTER_TWIN);
    Cluster cluster = {.arena = arena, .purpose = options->purpose, .lock = -1};
    if (!cluster_take_binaries(&cluster, options, error) ||
        !cluster_place_name(&cluster, options->data_directory, error))
        return false;
    *ret_is_made = cluster_is_whole(&cluster);
    return true;
}

bool
cluster_open(const ClusterOptions *options, Cluster **ret_cluster, Error *error)
{
    Arena *arena = arena_new("cluster", 64 * 1024 * 1024);
    Cluster *cluster = ARENA_NEW(arena, Cluster);
    *cluster = (Cluster){.arena = arena, .lock = -1, .watchdog_pipe = -1};
    Deadline deadline = options->deadline != 0 ? options->deadline : deadline_after_ms(START_MS);
    if (!cluster_prepare(cluster, options, error) ||
        !cluster_lock_take(cluster, cluster->data_directory, error) || !cluster_check_space(cluster, error) ||
        !cluster_create(cluster, deadline, error) || !cluster_check_socket(cluster, error) ||
        !cluster_orphan_stop(cluster, deadline, error) || !cluster_configure(cluster, error) ||
        !cluster_process_start(cluster, deadline, error)) {
        cluster_close(cluster);
        return false;
    }
    *ret_cluster = cluster;
    return true;
}

void
cluster_close(Cluster *cluster)
{
    if (cluster == NULL)
        return;
    cluster_process_stop(cluster);
    if (cluster->is_socket_elsewhere)
        rmdir(cluster->socket_directory);
    if (cluster->lock >= 0)
        close(cluster->lock);
    arena_free(cluster->arena);
}

void
cluster_close_at(Cluster **cluster)
{
    cluster_close(*cluster);
    *cluster = NULL;
}

bool
cluster_restart(Cluster *cluster, Error *error)
{
    Deadline deadline = deadline_after_ms(START_MS);
    cluster_process_stop(cluster);
    return cluster_orphan_stop(cluster, deadline, error) &&
           (!cluster->is_unsynced ||
            (cluster_complete(cluster, error) && cluster_configure(cluster, error))) &&
           cluster_process_start(cluster, deadline, error);
}

int
cluster_major(const Cluster *cluster)
{
    return cluster->binaries.major;
}

const char *
cluster_socket_directory(const Cluster *cluster)
{
    return cluster->socket_directory;
}

const char *
cluster_data_directory(const Cluster *cluster)
{
    return cluster->pgdata;
}

const char *
cluster_binaries_directory(const Cluster *cluster)
{
    return cluster->binaries.directory;
}

int
cluster_postmaster_pid(const Cluster *cluster)
{
    return (int)cluster->postmaster;
}

uint32_t
cluster_user(const Cluster *cluster)
{
    return (uint32_t)cluster->user.user;
}

/* Bytes of "Pss: N kB"; 0 when the process is gone. */
static int64_t
process_pss_bytes(const char *pid)
{
    char path[300];
    snprintf(path, sizeof(path), "/proc/%s/smaps_rollup", pid);
    FETTLE_CLEANUP(file_close_at) FILE *file = fopen(path, "r");
    char line[256];
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, "Pss:", 4) == 0)
            return strtoll(line + 4, NULL, 10) * 1024;
    return 0;
}

static bool
process_is_child_of(const char *pid, int parent)
{
    char path[300];
    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    FETTLE_CLEANUP(file_close_at) FILE *file = fopen(path, "r");
    char line[1024];
    if (file == NULL || fgets(line, sizeof(line), file) == NULL)
        return false;
    const char *after_name = strrchr(line, ')');
    return after_name != NULL && strlen(after_name) > 4 && strtol(after_name + 4, NULL, 10) == parent;
}

int64_t
cluster_memory_bytes(const Cluster *cluster)
{
    DIR *directory = opendir("/proc");
    if (directory == NULL || cluster->postmaster == 0) {
        if (directory != NULL)
            closedir(directory);
        return -1;
    }
    char own[32];
    snprintf(own, sizeof(own), "%d", (int)cluster->postmaster);
    int64_t bytes = process_pss_bytes(own);
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
            process_is_child_of(entry->d_name, (int)cluster->postmaster))
            bytes += process_pss_bytes(entry->d_name);
    closedir(directory);
    return bytes;
}

bool
cluster_connect(Cluster *cluster, const char *database, const char *user, PgConnection **ret_connection,
                Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("cluster dsn", 65536);
    const char *dsn = arena_printf(
        arena, "host='%s' port=5432 sslmode=disable gssencmode=disable user=fettle dbname=postgres",
        cluster->socket_directory);
    PgConnectOptions options = {.purpose = PG_PURPOSE_OWN,
                                .database = database,
                                .user = user,
                                .statement_timeout_ms = 600000,
                                .lock_timeout_ms = 60000};
    return pg_connection_open(dsn, &options, ret_connection, error);
}

bool
cluster_destroy(const char *data_directory, int major, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("destroy", 1 << 20);
    Cluster cluster = {.arena = arena, .lock = -1};
    if (!file_exists(data_directory))
        return true;
    if (!cluster_lock_take(&cluster, data_directory, error))
        return false;
    bool removed = directory_remove(arena_printf(arena, "%s/cluster-%d", data_directory, major), error);
    close(cluster.lock);
    return removed;
}
