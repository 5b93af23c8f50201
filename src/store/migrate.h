// SPDX-License-Identifier: PostgreSQL
/*
 * Migrations: the schema's history, forward only, each in a transaction of its own, recorded with its
 * checksum in fettle.migrations. migrations/NNNN_words.sql are embedded in order; a file that was applied
 * never changes (its checksum is checked; comment lines do not count). One migration at a time runs on a
 * store (advisory lock, held to the end of the transaction): a second one waits and then finds nothing to do,
 * and one that is killed leaves nothing.
 */
#ifndef FETTLE_STORE_MIGRATE_H
#define FETTLE_STORE_MIGRATE_H

#include "pg/connection.h"

typedef struct MigrationStatus {
    int version;         /* newest applied; 0: none */
    int version_known;   /* newest this program has */
    int missing;         /* how many of ours are not applied */
    const char *changed; /* name of an applied one that has another checksum than ours; NULL: none */
    int64_t size_bytes;  /* of all relations in schema fettle */
    bool has_roles;      /* fettle_reader and fettle_writer exist */
} MigrationStatus;

bool migration_status_read(PgConnection *session, MigrationStatus *ret_status, Error *error) FETTLE_MUST_USE;

/* Refuses what this program must not touch: a store of a newer program (ERROR_UNSUPPORTED), one with a
 * changed migration (ERROR_CONFLICT). */
bool migration_status_check(const MigrationStatus *status, Error *error) FETTLE_MUST_USE;

/* Applies what is missing; *ret_applied is how many. */
bool migration_run(PgConnection *session, int *ret_applied, Error *error) FETTLE_MUST_USE;

/* Inside the caller's transaction: makes the schema as it was at a version, in a store that has none. The
 * checksums are those of a backup, by version from 1; another one than ours is ERROR_CONFLICT. For restore.
 */
bool migration_make(PgConnection *session, int version, Error *error) FETTLE_MUST_USE;

/* Inside the caller's transaction: people's roles get what the tables have to show; before the migration that
 * makes those roles there is nothing to do. */
bool migration_grant(PgConnection *session, Error *error) FETTLE_MUST_USE;

/* Checksum of one of ours as hexadecimal text in the arena; NULL when there is no such version. */
char *migration_checksum(Arena *arena, int version);

#endif
