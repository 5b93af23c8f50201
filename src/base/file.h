// SPDX-License-Identifier: PostgreSQL
/*
 * Files: whole-file reading and crash-safe writing, directories, paths.
 *
 * file_write_atomic() writes beside the target, syncs, renames and syncs the directory: after a crash the old
 * or the new content is there, never half of it; on any failure nothing is left behind.
 */
#ifndef FETTLE_BASE_FILE_H
#define FETTLE_BASE_FILE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#include <stdio.h>
#include <sys/types.h>

/* Reads a file, pipe or device of at most limit_bytes; *ret_data is NUL-terminated one past its size. "-" is
 * standard input. */
bool file_read(Arena *arena, const char *path, size_t limit_bytes, char **ret_data, size_t *ret_size,
               Error *error) FETTLE_MUST_USE;

/* mode is the new file's permission bits. "-" writes to standard output. What a symbolic link names is
 * replaced, not the link; into what is no regular file (a device, a pipe) is written, without replacing it.
 */
bool file_write_atomic(const char *path, const void *data, size_t size_bytes, mode_t mode, Error *error)
    FETTLE_MUST_USE;

/* Makes path and its missing parents; an existing directory is success (its mode is left). */
bool directory_make(const char *path, mode_t mode, Error *error) FETTLE_MUST_USE;

/* Removes a tree without following symbolic links; a missing path is success. */
bool directory_remove(const char *path, Error *error) FETTLE_MUST_USE;

bool file_exists(const char *path);
char *path_join(Arena *arena, const char *directory, const char *name);

/* The directory for Fettle's own data: $FETTLE_DATA, else $XDG_DATA_HOME/fettle, else ~/.local/share/fettle;
 * as root /var/lib/fettle. */
bool path_data_directory(Arena *arena, char **ret_path, Error *error) FETTLE_MUST_USE;

/* Cleanup helpers for FETTLE_CLEANUP. */
void file_close_at(FILE **file);
void descriptor_close_at(int *descriptor);

#endif
