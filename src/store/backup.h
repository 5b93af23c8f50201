// SPDX-License-Identifier: PostgreSQL
/*
 * Backup and restore of the store: schema fettle, as of one moment, in one file of one's own format
 * (backup_file.h), independent of PostgreSQL's major and of pg_dump.
 *
 * The key file is not in it: passwords of targets stay sealed, and a restored store needs the same key file.
 * A server's lease is not in it either.
 *
 * Restoring makes the schema as it was at the backup's migration and loads the rows, all in one transaction:
 * all or nothing. The store must be unused: no targets, users or tokens. Later migrations are applied after.
 */
#ifndef FETTLE_STORE_BACKUP_H
#define FETTLE_STORE_BACKUP_H

#include "store/store.h"

typedef void BackupProgress(void *context, const char *table, int64_t done, int64_t total);

typedef struct BackupOptions {
    const char *path;
    BackupProgress *progress; /* NULL: none; total 0: not known */
    void *context;
} BackupOptions;

typedef struct BackupReport {
    int migration;
    int64_t tables;
    int64_t file_bytes;
    int64_t row_bytes; /* as COPY gives them */
} BackupReport;

bool backup_write(PgConnection *session, const BackupOptions *options, BackupReport *ret_report, Error *error)
    FETTLE_MUST_USE;

/* ERROR_CONFLICT when the store is in use, ERROR_DAMAGED for a damaged file, ERROR_UNSUPPORTED for one of a
 * newer Fettle. */
bool backup_restore(PgConnection *session, const BackupOptions *options, BackupReport *ret_report,
                    Error *error) FETTLE_MUST_USE;

#endif
