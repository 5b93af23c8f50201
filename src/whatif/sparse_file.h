// SPDX-License-Identifier: PostgreSQL
/*
 * Files of the private cluster's relations, made as long as the target's without writing what is in them.
 *
 * A relation is a row of segment files of 1 GB: N, N.1, N.2 ... All but the last are full. A hole in a file
 * takes no room on disk and reads as zero pages, which the server takes for unused ones. Growing and
 * shrinking go segment by segment in an order in which every state in between is a shorter relation, so a
 * crash leaves something that the next call sets right.
 *
 * Only the main fork, and only files below the cluster's own base directory: database and file are numbers.
 * The server may run: it asks the length of a file anew each time. New segments get the owner of the first.
 */
#ifndef FETTLE_WHATIF_SPARSE_FILE_H
#define FETTLE_WHATIF_SPARSE_FILE_H

#include "base/arena.h"
#include "base/error.h"

#define SPARSE_SEGMENT_BLOCKS INT64_C(131072)
#define SPARSE_BLOCKS_MOST INT64_C(4294967294)

typedef struct SparseFile {
    const char *pgdata;
    uint32_t database;
    uint32_t filenode;
} SparseFile;

/* Blocks that the server sees. */
bool sparse_file_blocks(const SparseFile *file, int64_t *ret_blocks, Error *error) FETTLE_MUST_USE;
bool sparse_file_set_blocks(const SparseFile *file, int64_t blocks, Error *error) FETTLE_MUST_USE;

/* Gives an empty B-tree a height of at least 1: writes its first height + 2 pages. No session may have read
 * the index since it was made. */
bool sparse_file_raise_btree(const SparseFile *file, int height, Error *error) FETTLE_MUST_USE;

/* What all files of a database take on disk, holes not counted. */
int64_t sparse_disk_bytes(const char *pgdata, uint32_t database);

#endif
