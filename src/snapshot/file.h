// SPDX-License-Identifier: PostgreSQL
/*
 * The snapshot file (*.fettle): deterministic, compressed, versioned, checksummed.
 *
 *     "FETTLESN" | u16 major | u16 minor | u64 payload bytes | u64 XXH64 of payload | zstd frame(s) of
 * payload
 *
 * all integers little-endian. The checksum is XXH64 of the payload, seeded with XXH64 of the frames, seeded
 * with the minor: no byte of the file changes unseen. The payload is the sections in their order, column by
 * column; counts are LEB128, a text is its length + 1 and its bytes, NULL is 0. The same sections always give
 * the same bytes (with one libzstd).
 *
 * A reader takes any minor of its major. A newer major, a wrong magic, a cut, a changed byte, texts that are
 * not UTF-8 and a bomb (payload over SNAPSHOT_FILE_BYTES_MOST or SNAPSHOT_VALUES_MOST) each have an error of
 * their own; no memory is taken for content that is not there. What could not be read is not written either:
 * snapshot_encode() holds to the same limits.
 *
 * Thread-safe. Results live in the arena and do not point into the data.
 */
#ifndef FETTLE_SNAPSHOT_FILE_H
#define FETTLE_SNAPSHOT_FILE_H

#include "snapshot/section.h"
#include "snapshot/snapshot.h"

#define SNAPSHOT_FILE_BYTES_MOST ((size_t)2 * 1024 * 1024 * 1024)

bool snapshot_encode(Arena *arena, const SnapshotSections *sections, char **ret_data, size_t *ret_size,
                     Error *error) FETTLE_MUST_USE;
/* Hostile input; texts that are not UTF-8 are refused. */
bool snapshot_decode_bytes(Arena *arena, const void *data, size_t size_bytes, SnapshotSections **ret_sections,
                           Error *error) FETTLE_MUST_USE;

/* Mode 0600: statistics hold user values. */
bool snapshot_file_write(const SnapshotSections *sections, const char *path, Error *error) FETTLE_MUST_USE;
bool snapshot_file_read(Arena *arena, const char *path, const Snapshot **ret_snapshot, Error *error)
    FETTLE_MUST_USE;

/* True when the file begins with the magic. */
bool snapshot_file_looks_like(const char *path);

#endif
