// SPDX-License-Identifier: PostgreSQL
#include "whatif/sparse_file.h"

#include "base/file.h"
#include "whatif/sparse_page.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define SEGMENTS_MOST (SPARSE_BLOCKS_MOST / SPARSE_SEGMENT_BLOCKS + 1)

static void
segment_path(const SparseFile *file, int64_t segment, char *path)
{
    char suffix[32] = "";
    if (segment > 0)
        snprintf(suffix, sizeof(suffix), ".%lld", (long long)segment);
    snprintf(path, PATH_BYTES, "%s/base/%u/%u%s", file->pgdata, file->database, file->filenode, suffix);
}

/* Whole blocks of a segment; -1: there is no such file. */
static bool
segment_blocks(const SparseFile *file, int64_t segment, int64_t *ret_blocks, Error *error)
{
    char path[PATH_BYTES];
    struct stat status;
    segment_path(file, segment, path);
    if (lstat(path, &status) == 0) {
        *ret_blocks = status.st_size / SPARSE_PAGE_BYTES;
        return true;
    }
    *ret_blocks = -1;
    return errno == ENOENT || error_set_errno(error, errno, "could not look at %s", path);
}

bool
sparse_file_blocks(const SparseFile *file, int64_t *ret_blocks, Error *error)
{
    int64_t sum = 0;
    for (int64_t segment = 0; segment < SEGMENTS_MOST; segment++) {
        int64_t blocks;
        if (!segment_blocks(file, segment, &blocks, error))
            return false;
        sum += blocks > 0 ? blocks : 0;
        if (blocks < SPARSE_SEGMENT_BLOCKS)
            break;
    }
    *ret_blocks = sum;
    return true;
}

/* Opens a segment, made when it is missing with the first one's owner. */
static int
segment_open(const SparseFile *file, int64_t segment, Error *error)
{
    char path[PATH_BYTES];
    struct stat first;
    segment_path(file, 0, path);
    if (lstat(path, &first) != 0 || !S_ISREG(first.st_mode)) {
        (void)error_set_errno(error, errno, "could not look at %s", path);
        return -1;
    }
    segment_path(file, segment, path);
    int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (segment > 0 ? O_CREAT : 0);
    int descriptor = open(path, flags, 0600);
    if (descriptor < 0 || (geteuid() == 0 && fchown(descriptor, first.st_uid, first.st_gid) != 0)) {
        (void)error_set_errno(error, errno, "could not open %s", path);
        descriptor_close_at(&descriptor);
        return -1;
    }
    return descriptor;
}

static bool
segment_set_blocks(const SparseFile *file, int64_t segment, int64_t blocks, Error *error)
{
    FETTLE_CLEANUP(descriptor_close_at) int descriptor = segment_open(file, segment, error);
    if (descriptor < 0)
        return false;
    return ftruncate(descriptor, (off_t)(blocks * SPARSE_PAGE_BYTES)) == 0 ||
           error_set_errno(error, errno, "could not give relation file %u %lld pages", file->filenode,
                           (long long)blocks);
}

/* Takes away the segments from this one on, the last one first. */
static bool
segments_remove(const SparseFile *file, int64_t from, Error *error)
{
    int64_t end = from;
    int64_t blocks = 0;
    while (end < SEGMENTS_MOST && blocks >= 0) {
        if (!segment_blocks(file, end, &blocks, error))
            return false;
        end += blocks >= 0;
    }
    while (end > from) {
        char path[PATH_BYTES];
        segment_path(file, --end, path);
        if (unlink(path) != 0 && errno != ENOENT)
            return error_set_errno(error, errno, "could not remove %s", path);
    }
    return true;
}

bool
sparse_file_set_blocks(const SparseFile *file, int64_t blocks, Error *error)
{
    fettle_assert(blocks >= 0 && blocks <= SPARSE_BLOCKS_MOST);
    int64_t full = blocks / SPARSE_SEGMENT_BLOCKS;
    int64_t rest = blocks % SPARSE_SEGMENT_BLOCKS;
    bool has_rest = rest > 0 || full == 0;
    if (!segments_remove(file, full + has_rest, error))
        return false;
    for (int64_t segment = 0; segment < full; segment++) {
        int64_t there;
        if (!segment_blocks(file, segment, &there, error) ||
            (there != SPARSE_SEGMENT_BLOCKS &&
             !segment_set_blocks(file, segment, SPARSE_SEGMENT_BLOCKS, error)))
            return false;
    }
    return !has_rest || segment_set_blocks(file, full, rest, error);
}

static bool
page_write(int descriptor, const SparsePage *page, int block, Error *error)
{
    ssize_t count = pwrite(descriptor, page->bytes, SPARSE_PAGE_BYTES, (off_t)block * SPARSE_PAGE_BYTES);
    return count == SPARSE_PAGE_BYTES ||
           error_set_errno(error, count < 0 ? errno : ENOSPC, "could not write a page of the twin's index");
}

bool
sparse_file_raise_btree(const SparseFile *file, int height, Error *error)
{
    fettle_assert(height >= 1 && height <= SPARSE_HEIGHT_MOST);
    FETTLE_CLEANUP(descriptor_close_at) int descriptor = segment_open(file, 0, error);
    SparsePage meta;
    SparsePage page;
    if (descriptor < 0)
        return false;
    if (pread(descriptor, meta.bytes, SPARSE_PAGE_BYTES, 0) != SPARSE_PAGE_BYTES ||
        !sparse_page_meta_raise(&meta, height))
        return error_set(error, ERROR_CLUSTER, "relation file %u is not an empty B-tree as Fettle knows it",
                         file->filenode);
    for (int level = 0; level <= height; level++) {
        sparse_page_level(&page, level, height);
        if (!page_write(descriptor, &page, level + 1, error))
            return false;
    }
    return page_write(descriptor, &meta, 0, error);
}

int64_t
sparse_disk_bytes(const char *pgdata, uint32_t database)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/base/%u", pgdata, database);
    DIR *directory = opendir(path);
    if (directory == NULL)
        return -1;
    int64_t bytes = 0;
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        struct stat status;
        if (fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode))
            bytes += (int64_t)status.st_blocks * 512;
    }
    closedir(directory);
    return bytes;
}
