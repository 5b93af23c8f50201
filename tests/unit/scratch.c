// SPDX-License-Identifier: PostgreSQL
#include "scratch.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATHS_MOST 8

static char directory[64];

int
scratch_make(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/fettle-unit-XXXXXX");
    return mkdtemp(directory) == NULL ? -1 : 0;
}

static int
remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

int
scratch_remove(void **state)
{
    (void)state;
    return nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *
scratch_path(const char *name)
{
    static char paths[PATHS_MOST][4200];
    static int next;
    char *path = paths[next++ % PATHS_MOST];
    snprintf(path, sizeof(paths[0]), name[0] == '\0' ? "%s%s" : "%s/%s", directory, name);
    return path;
}

int
scratch_count(void)
{
    DIR *listing = opendir(directory);
    assert_non_null(listing);
    int count = -2; /* . and .. */
    while (readdir(listing) != NULL)
        count++;
    closedir(listing);
    return count;
}

void
scratch_write(const char *name, const void *data, size_t size_bytes)
{
    FILE *file = fopen(scratch_path(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size_bytes, file), size_bytes);
    assert_int_equal(fclose(file), 0);
}
