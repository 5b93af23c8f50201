// SPDX-License-Identifier: PostgreSQL
#include "store/cluster_internal.h"

#include "base/file.h"
#include "base/list.h"
#include "base/process.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#define MAJOR_LEAST 13

VECTOR_DEFINE(BinariesList, ClusterBinaries);

/* "postgres (PostgreSQL) 15.20 (Debian ...)" */
static bool
version_parse(Arena *arena, const char *output, ClusterBinaries *binaries)
{
    const char *number = strstr(output, "(PostgreSQL) ");
    if (number == NULL)
        return false;
    number += strlen("(PostgreSQL) ");
    size_t length = strcspn(number, " \n");
    binaries->version = arena_strndup(arena, number, length);
    binaries->major = (int)strtol(number, NULL, 10);
    return binaries->major >= MAJOR_LEAST && binaries->major < 100;
}

/* False when the directory holds no server programs that serve. */
static bool
binaries_look(Arena *arena, const char *directory, ClusterBinaries *ret_binaries)
{
    const char *postgres = path_join(arena, directory, "postgres");
    if (!file_exists(postgres) || !file_exists(path_join(arena, directory, "initdb")))
        return false;
    const char *const arguments[] = {postgres, "--version", NULL};
    ProcessOptions options = {.arguments = arguments, .deadline = deadline_after_ms(10000)};
    ProcessResult result;
    Error ignored = {0};
    *ret_binaries = (ClusterBinaries){.directory = arena_strdup(arena, directory)};
    return process_run(arena, &options, &result, &ignored) && result.exit_status == 0 &&
           version_parse(arena, result.output, ret_binaries);
}

static void
binaries_try(Arena *arena, const char *directory, BinariesList *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (text_equals(list->items[i].directory, directory))
            return;
    ClusterBinaries binaries;
    if (binaries_look(arena, directory, &binaries))
        vector_push(arena, list, binaries);
}

/* A directory that was named is the one that is used, or an error: never silently another. */
bool
cluster_binaries_at(Arena *arena, const char *directory, ClusterBinaries *ret_binaries, Error *error)
{
    if (binaries_look(arena, directory, ret_binaries))
        return true;
    error_set(error, ERROR_INPUT,
              "cluster.binaries: %.200s holds no server programs of PostgreSQL %d or later", directory,
              MAJOR_LEAST);
    return error_set_hint(error, "give the directory of postgres and initdb, such as "
                                 "/usr/lib/postgresql/15/bin, or leave it empty");
}

static int
binaries_compare(const void *left, const void *right)
{
    const ClusterBinaries *a = left;
    const ClusterBinaries *b = right;
    return b->major - a->major;
}

static void
binaries_search_path(Arena *arena, BinariesList *list)
{
    const char *path = getenv("PATH");
    char *copy = arena_strdup(arena, path == NULL ? "" : path);
    char *state = NULL;
    for (char *part = strtok_r(copy, ":", &state); part != NULL; part = strtok_r(NULL, ":", &state))
        if (part[0] == '/')
            binaries_try(arena, part, list);
}

bool
cluster_binaries_list(Arena *arena, ClusterBinaries **ret_list, size_t *ret_count, Error *error)
{
    static const char *const patterns[] = {"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin",
                                           "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql@*/bin"};
    BinariesList list = {0};
    for (size_t i = 0; i < FETTLE_COUNT_OF(patterns); i++) {
        glob_t found;
        if (glob(patterns[i], 0, NULL, &found) != 0)
            continue;
        for (size_t k = 0; k < found.gl_pathc; k++)
            binaries_try(arena, found.gl_pathv[k], &list);
        globfree(&found);
    }
    binaries_search_path(arena, &list);
    if (list.count == 0) {
        error_set(error, ERROR_MISSING_DEPENDENCY,
                  "no PostgreSQL server programs were found for the private cluster");
        return error_set_hint(error, "install them: apt-get install postgresql-15 (or set cluster.binaries)");
    }
    qsort(list.items, list.count, sizeof(*list.items), binaries_compare);
    *ret_list = list.items;
    *ret_count = list.count;
    return true;
}

/* Smaller is better: the same major, then newer ones by distance, then older ones. */
static int
major_distance(int major, int preferred)
{
    if (preferred == 0)
        return -major;
    return major >= preferred ? major - preferred : 100 + preferred - major;
}

bool
cluster_binaries_find(Arena *arena, int preferred_major, ClusterBinaries *ret_binaries, Error *error)
{
    ClusterBinaries *list;
    size_t count;
    if (!cluster_binaries_list(arena, &list, &count, error))
        return false;
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (major_distance(list[i].major, preferred_major) <
            major_distance(list[best].major, preferred_major))
            best = i;
    *ret_binaries = list[best];
    return true;
}
