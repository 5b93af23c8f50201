// SPDX-License-Identifier: PostgreSQL
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
file_close_at(FILE **file)
{
    if (*file != NULL)
        fclose(*file);
    *file = NULL;
}

void
descriptor_close_at(int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
}

bool
file_exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0;
}

char *
path_join(Arena *arena, const char *directory, const char *name)
{
    return arena_printf(arena, text_ends_with(directory, "/") ? "%s%s" : "%s/%s", directory, name);
}

bool
file_read(Arena *arena, const char *path, size_t limit_bytes, char **ret_data, size_t *ret_size, Error *error)
{
    bool is_standard_input = strcmp(path, "-") == 0;
    FETTLE_CLEANUP(file_close_at) FILE *file = is_standard_input ? fdopen(dup(0), "rb") : fopen(path, "rb");
    if (file == NULL) {
        bool missing = errno == ENOENT;
        error_set_errno(error, errno, "could not open %s", path);
        if (missing)
            error->code = ERROR_NOT_FOUND;
        return false;
    }
    struct stat status;
    if (fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode))
        return error_set(error, ERROR_INPUT, "%s is a directory", path);
    Text text = text_new(arena);
    char chunk[65536];
    size_t count;
    while ((count = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        if (text.length + count > limit_bytes)
            return error_set(error, ERROR_LIMIT, "%s is larger than %zu bytes", path, limit_bytes);
        text_append_bytes(&text, chunk, count);
    }
    if (ferror(file))
        return error_set_errno(error, errno, "could not read %s", path);
    *ret_data = text.data;
    *ret_size = text.length;
    return true;
}

static bool
descriptor_write_all(int descriptor, const char *data, size_t size_bytes)
{
    while (size_bytes > 0) {
        ssize_t written = write(descriptor, data, size_bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        data += written;
        size_bytes -= (size_t)written;
    }
    return true;
}

static void
directory_sync(const char *path)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - path);
    if (length >= sizeof(directory))
        return;
    memcpy(directory, path, length);
    directory[length] = '\0';
    FETTLE_CLEANUP(descriptor_close_at)
    int descriptor = open(slash == NULL ? "."
                          : length == 0 ? "/"
                                        : directory,
                          O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0)
        fsync(descriptor);
}

/* A device or a pipe is written as it stands: to replace /dev/null by a file would harm everyone. */
static bool
file_write_in_place(const char *path, const void *data, size_t size_bytes, Error *error)
{
    FETTLE_CLEANUP(descriptor_close_at) int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    return (descriptor >= 0 && descriptor_write_all(descriptor, data, size_bytes)) ||
           error_set_errno(error, errno, "could not write %s", path);
}

bool
file_write_atomic(const char *path, const void *data, size_t size_bytes, mode_t mode, Error *error)
{
    if (strcmp(path, "-") == 0)
        return descriptor_write_all(1, data, size_bytes) ||
               error_set_errno(error, errno, "could not write to standard output");
    struct stat status;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return file_write_in_place(path, data, size_bytes, error);
    char real[PATH_MAX];
    if (lstat(path, &status) == 0 && S_ISLNK(status.st_mode)) {
        if (realpath(path, real) == NULL)
            return error_set_errno(error, errno, "could not follow the symbolic link %s", path);
        path = real;
    }
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof(temporary))
        return error_set(error, ERROR_INPUT, "the path is too long: %.200s", path);
    FETTLE_CLEANUP(descriptor_close_at) int descriptor = mkostemp(temporary, O_CLOEXEC);
    if (descriptor < 0)
        return error_set_errno(error, errno, "could not create %s", path);
    bool written = descriptor_write_all(descriptor, data, size_bytes) && fchmod(descriptor, mode) == 0 &&
                   fsync(descriptor) == 0 && rename(temporary, path) == 0;
    if (!written) {
        int reason = errno;
        unlink(temporary);
        return error_set_errno(error, reason, "could not write %s", path);
    }
    directory_sync(path);
    return true;
}

bool
directory_make(const char *path, mode_t mode, Error *error)
{
    char partial[PATH_MAX];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof(partial))
        return error_set(error, ERROR_INPUT, "not a usable directory name: \"%.200s\"", path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    for (size_t at = 1; at <= length; at++) {
        if (path[at] != '/' && at != length)
            continue;
        memcpy(partial, path, at);
        partial[at] = '\0';
        if (mkdir(partial, at == length ? mode : 0755) != 0 && errno != EEXIST)
            return error_set_errno(error, errno, "could not create directory %s", partial);
    }
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
        return error_set(error, ERROR_INPUT, "%s is not a directory", path);
    return true;
}

bool
directory_remove(const char *path, Error *error)
{
    struct stat status;
    if (lstat(path, &status) != 0)
        return errno == ENOENT || error_set_errno(error, errno, "could not remove %s", path);
    char copy[PATH_MAX];
    int length = snprintf(copy, sizeof(copy), "%s", path);
    fettle_assert(length >= 0 && (size_t)length < sizeof(copy)); /* the system has just taken it */
    char *roots[] = {copy, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (tree == NULL)
        return error_set_errno(error, errno, "could not open directory %s", path);
    int reason = 0;
    for (FTSENT *entry = fts_read(tree); entry != NULL; entry = fts_read(tree)) {
        if (entry->fts_info == FTS_D)
            continue;
        bool is_unread = entry->fts_info == FTS_DNR;
        bool is_directory = is_unread || entry->fts_info == FTS_DP;
        int result = is_directory ? rmdir(entry->fts_accpath) : unlink(entry->fts_accpath);
        if (result != 0 && errno != ENOENT && reason == 0)
            reason = is_unread ? entry->fts_errno : errno;
    }
    fts_close(tree);
    return reason == 0 || error_set_errno(error, reason, "could not remove %s", path);
}

bool
path_data_directory(Arena *arena, char **ret_path, Error *error)
{
    const char *own = getenv("FETTLE_DATA");
    const char *shared = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");
    if (own != NULL && own[0] != '\0')
        *ret_path = arena_strdup(arena, own);
    else if (shared != NULL && shared[0] == '/')
        *ret_path = path_join(arena, shared, "fettle");
    else if (geteuid() == 0)
        *ret_path = arena_strdup(arena, "/var/lib/fettle");
    else if (home != NULL && home[0] == '/')
        *ret_path = path_join(arena, home, ".local/share/fettle");
    else {
        error_set(error, ERROR_INPUT, "there is no home directory to keep data in");
        return error_set_hint(error, "set FETTLE_DATA to a directory of your own");
    }
    return true;
}
