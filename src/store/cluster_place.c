// SPDX-License-Identifier: PostgreSQL
/*
 * Where the private cluster lives: looked at before anything is made, so that a place that cannot serve is
 * left as it was.
 */
#include "store/cluster_internal.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* sun_path has 108 bytes; PostgreSQL adds "/.s.PGSQL.5432". */
#define SOCKET_DIRECTORY_BYTES_MOST 90
/* Room for initdb and its write-ahead log; for a cluster that is there, to start and stop in good order. */
#define FREE_BYTES_TO_CREATE ((uint64_t)64 * 1024 * 1024)
#define FREE_BYTES_TO_START ((uint64_t)16 * 1024 * 1024)

/* The server changes to "/", so its paths must be whole. */
static bool
place_absolute(Arena *arena, const char *told, const char **ret_path, Error *error)
{
    char current[PATH_MAX];
    if (told[0] == '/') {
        *ret_path = arena_strdup(arena, told);
        return true;
    }
    if (getcwd(current, sizeof(current)) == NULL)
        return error_set_errno(error, errno, "could not tell the current directory");
    *ret_path = path_join(arena, current, told);
    return true;
}

static bool
user_may_pass(const ClusterUser *user, const struct stat *status)
{
    mode_t bit = status->st_uid == user->user ? S_IXUSR : status->st_gid == user->group ? S_IXGRP : S_IXOTH;
    return (status->st_mode & bit) != 0;
}

/* Every parent that is there must let the cluster's user through; those to come will. */
static bool
place_check_parents(const Cluster *cluster, Error *error)
{
    const char *path = cluster->data_directory;
    for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        const char *parent = arena_strndup(cluster->arena, path, (size_t)(slash - path));
        struct stat status;
        if (stat(parent, &status) != 0)
            return true;
        if (user_may_pass(&cluster->user, &status))
            continue;
        const struct passwd *entry = getpwuid(cluster->user.user);
        error_set(error, ERROR_SYSTEM, "the private cluster runs as user %s, who may not pass through %s",
                  entry == NULL ? "other than you" : entry->pw_name, parent);
        return error_set_hint(error, "run chmod o+x %s, or set FETTLE_DATA to another place", parent);
    }
    return true;
}

bool
cluster_free_bytes(Arena *arena, const char *path, uint64_t *ret_bytes)
{
    char *parent = arena_strdup(arena, path);
    struct statvfs status;
    while (statvfs(parent, &status) != 0) {
        char *slash = strrchr(parent, '/');
        if (errno != ENOENT || slash == NULL || slash == parent)
            return false;
        *slash = '\0';
    }
    *ret_bytes = (uint64_t)status.f_bavail * status.f_frsize;
    return true;
}

static bool
place_check_space(const Cluster *cluster, uint64_t least, Error *error)
{
    uint64_t bytes = 0;
    if (!cluster_free_bytes(cluster->arena, cluster->data_directory, &bytes) || bytes >= least)
        return true;
    error_set(error, ERROR_DISK_FULL, "the private cluster needs %s of free space in %s, which has %s",
              text_format_bytes(cluster->arena, (double)least), cluster->data_directory,
              text_format_bytes(cluster->arena, (double)bytes));
    return error_set_hint(error, "free some space there, or set FETTLE_DATA to a place with more");
}

bool
cluster_check_space(const Cluster *cluster, Error *error)
{
    return !file_exists(cluster->pgdata) || place_check_space(cluster, FREE_BYTES_TO_START, error);
}

/* In the cluster's directory, or, when its path is too long for a socket, in a short place that only we can
 * enter, named after it. */
static void
place_socket(Cluster *cluster)
{
    cluster->socket_directory = path_join(cluster->arena, cluster->directory, "socket");
    if (strlen(cluster->socket_directory) <= SOCKET_DIRECTORY_BYTES_MOST)
        return;
    cluster->is_socket_elsewhere = true;
    cluster->socket_directory = arena_printf(cluster->arena, "/tmp/fettle-%u-%016llx", (unsigned)geteuid(),
                                             (unsigned long long)hash_text(cluster->directory));
}

bool
cluster_place_name(Cluster *cluster, const char *told, Error *error)
{
    Arena *arena = cluster->arena;
    if (!place_absolute(arena, told, &cluster->data_directory, error))
        return false;
    cluster->directory =
        arena_printf(arena, "%s/%s-%d", cluster->data_directory,
                     cluster->purpose == CLUSTER_STORE ? "store" : "cluster", cluster->binaries.major);
    cluster->pgdata = path_join(arena, cluster->directory, "data");
    cluster->log_path = path_join(arena, cluster->directory, "log");
    place_socket(cluster);
    return true;
}

bool
cluster_place(Cluster *cluster, const char *told, Error *error)
{
    if (!cluster_place_name(cluster, told, error))
        return false;
    if ((cluster->user.change && !place_check_parents(cluster, error)) ||
        (!file_exists(cluster->pgdata) && !place_check_space(cluster, FREE_BYTES_TO_CREATE, error)) ||
        !directory_make(cluster->data_directory, cluster->user.change ? 0711 : 0700, error))
        return false;
    struct stat status;
    if (stat(cluster->data_directory, &status) != 0)
        return error_set_errno(error, errno, "could not look at %s", cluster->data_directory);
    bool is_closed = cluster->user.change && (status.st_mode & S_IXOTH) == 0;
    return !is_closed || chmod(cluster->data_directory, 0711) == 0 ||
           error_set_errno(error, errno, "could not open %s to the cluster's user", cluster->data_directory);
}

bool
cluster_check_socket(const Cluster *cluster, Error *error)
{
    struct stat status;
    if (!cluster->is_socket_elsewhere)
        return true;
    if (lstat(cluster->socket_directory, &status) == 0 && S_ISDIR(status.st_mode) &&
        (status.st_mode & 077) == 0 && (status.st_uid == geteuid() || status.st_uid == cluster->user.user))
        return true;
    error_set(error, ERROR_CONFLICT, "%s is not a private directory of ours", cluster->socket_directory);
    return error_set_hint(error, "remove it, or set FETTLE_DATA to a shorter path");
}
