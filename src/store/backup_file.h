// SPDX-License-Identifier: PostgreSQL
/*
 * The backup's file: records in one compressed stream with a checksum over all of it.
 *
 *   "FETTLEBK"  u32 format  |  zstd frame of records  |  BLAKE2b-256 of everything before
 *   record:     u8 kind, u32 length, payload          numbers little-endian
 *
 *   'H' header, JSON: migration version and checksums, time, program      once, first
 *   'T' a table, JSON: name, columns, for a partition its parent and bounds
 *   'D' a piece of the table's rows, as COPY's binary format gives them   any number
 *   'E' the end of the table
 *   'S' a sequence, JSON: name, value, whether it was given out
 *   'Z' the end                                                           once, last
 *
 * Writing and reading need memory for one piece and zstd's window, whatever the size of the store. The file
 * is written beside its place with mode 0600 and gets its name when it is whole. Reading looks at the
 * checksum of the whole file before the first record is given.
 */
#ifndef FETTLE_STORE_BACKUP_FILE_H
#define FETTLE_STORE_BACKUP_FILE_H

#include "base/arena.h"
#include "base/error.h"

#define BACKUP_FORMAT 1
#define BACKUP_PIECE_BYTES (256 * 1024)

typedef struct BackupWriter BackupWriter;

bool backup_writer_open(const char *path, BackupWriter **ret_writer, Error *error) FETTLE_MUST_USE;
/* length at most BACKUP_PIECE_BYTES. */
bool backup_writer_put(BackupWriter *writer, char kind, const char *data, size_t length, Error *error)
    FETTLE_MUST_USE;
/* Ends the file and gives it its name; *ret_bytes is its size. */
bool backup_writer_finish(BackupWriter *writer, int64_t *ret_bytes, Error *error) FETTLE_MUST_USE;
/* Without a finish nothing stays. */
void backup_writer_close_at(BackupWriter **writer);

typedef struct BackupReader BackupReader;

typedef struct BackupRecord {
    char kind;
    const char *data; /* NUL-terminated; to the next read */
    size_t length;
} BackupRecord;

bool backup_reader_open(const char *path, BackupReader **ret_reader, Error *error) FETTLE_MUST_USE;
bool backup_reader_next(BackupReader *reader, BackupRecord *ret_record, Error *error) FETTLE_MUST_USE;
void backup_reader_close_at(BackupReader **reader);

#endif
