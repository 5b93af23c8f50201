// SPDX-License-Identifier: PostgreSQL
/*
 * Migrations: the schema's history, forward only, each in a transaction of its own, recorded with its
 * checksum in fettle.migrations. migrations/NNNN_words.sql are embedded in order; a file that was applied
 * never changes (its checksum is checked). One migration at a time runs on a store (advisory lock).
 */
#ifndef FETTLE_STORE_MIGRATE_H
#define FETTLE_STORE_MIGRATE_H

#include "pg/connection.h"

typedef struct MigrationStatus {
    int version;        /* newest applied; 0: none */
    int version_known;  /* newest this program has */
    bool is_changed;    /* an applied one has another checksum than ours */
    int64_t size_bytes; /* of all relations in schema fettle */
} MigrationStatus;

bool migration_status_read(PgConnection *session, MigrationStatus *ret_status, Error *error) FETTLE_MUST_USE;

/* Applies what is missing; *ret_applied is how many. */
bool migration_run(PgConnection *session, int *ret_applied, Error *error) FETTLE_MUST_USE;

#endif
