// SPDX-License-Identifier: PostgreSQL
#include "store/migrate.h"

#include "store/store_internal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define CHECKSUM_BYTES (crypto_hash_sha256_BYTES * 2 + 1)
#define VERSIONS_MOST 9999

extern const PgQueryText store_migrations[];

/* "0001_foundation" is version 1. */
static int
version_of(const PgQueryText *migration)
{
    return (int)strtol(migration->name, NULL, 10);
}

static void
checksum_of(const PgQueryText *migration, char ret_checksum[CHECKSUM_BYTES])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, (const unsigned char *)migration->text, strlen(migration->text));
    sodium_bin2hex(ret_checksum, CHECKSUM_BYTES, hash, sizeof(hash));
}

char *
migration_checksum(Arena *arena, int version)
{
    char checksum[CHECKSUM_BYTES];
    for (const PgQueryText *migration = store_migrations; migration->name != NULL; migration++) {
        if (version_of(migration) != version)
            continue;
        checksum_of(migration, checksum);
        return arena_strdup(arena, checksum);
    }
    return NULL;
}

/* The checksum that the store has of a version; NULL when it was not applied. */
static const char *
applied_checksum(const PgResult *applied, int version)
{
    for (int64_t row = 0; row < pg_result_rows(applied); row++)
        if (pg_result_int(applied, row, 0, 0) == version)
            return pg_result_text(applied, row, 1);
    return NULL;
}

/* What was applied; without a store, an answer without rows. */
static bool
applied_read(PgConnection *session, PgResult **ret_applied, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *exists = NULL;
    if (!store_query(session, "migration_exists", NULL, 0, &exists, error))
        return false;
    bool is_there = pg_result_bool(exists, 0, 0);
    return is_there ? store_query(session, "migration_read", NULL, 0, ret_applied, error)
                    : pg_query_simple(session, "SELECT 0, '' WHERE false", ret_applied, error);
}

static void
status_fill(const PgResult *applied, MigrationStatus *status)
{
    for (int64_t row = 0; row < pg_result_rows(applied); row++) {
        int version = (int)pg_result_int(applied, row, 0, 0);
        status->version = version > status->version ? version : status->version;
    }
    for (const PgQueryText *migration = store_migrations; migration->name != NULL; migration++) {
        char checksum[CHECKSUM_BYTES];
        checksum_of(migration, checksum);
        const char *theirs = applied_checksum(applied, version_of(migration));
        status->version_known = version_of(migration);
        status->missing += theirs == NULL ? 1 : 0;
        if (theirs != NULL && strcmp(theirs, checksum) != 0)
            status->changed = migration->name;
    }
}

bool
migration_status_read(PgConnection *session, MigrationStatus *ret_status, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *applied = NULL;
    FETTLE_CLEANUP(pg_result_free_at) PgResult *size = NULL;
    FETTLE_CLEANUP(pg_result_free_at) PgResult *roles = NULL;
    if (!applied_read(session, &applied, error) ||
        !store_query(session, "migration_size", NULL, 0, &size, error) ||
        !store_query(session, "store_roles", NULL, 0, &roles, error))
        return error_prefix(error, "could not read the state of the store");
    MigrationStatus status = {.size_bytes = pg_result_int(size, 0, 0, 0),
                              .has_roles = pg_result_bool(roles, 0, 0)};
    status_fill(applied, &status);
    *ret_status = status;
    return true;
}

bool
migration_status_check(const MigrationStatus *status, Error *error)
{
    if (status->version > status->version_known) {
        error_set(error, ERROR_UNSUPPORTED,
                  "the store is of a newer Fettle: its schema is version %d, this one knows %d",
                  status->version, status->version_known);
        return error_set_hint(error, "use that Fettle or a later one; an older one must not write here");
    }
    if (status->changed == NULL)
        return true;
    error_set(error, ERROR_CONFLICT, "migration %s of the store is not the one that this Fettle has",
              status->changed);
    return error_set_hint(error,
                          "the store was made by another build; use that one, or restore a backup into a "
                          "new store");
}

static bool
migration_apply(PgConnection *session, const PgQueryText *migration, Error *error)
{
    char checksum[CHECKSUM_BYTES];
    checksum_of(migration, checksum);
    StoreNumber version = store_number(version_of(migration));
    return (pg_execute_script(session, migration->text, NULL, error) &&
            store_query(session, "migration_record",
                        STORE_PARAMETERS(version.text, migration->name, checksum), NULL, error)) ||
           error_prefix(error, "could not apply migration %s to the store", migration->name);
}

/* Under the lock: looks again, for another process may have been quicker. */
static bool
migration_step(PgConnection *session, bool *ret_applied, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *applied = NULL;
    MigrationStatus status = {0};
    if (!pg_execute_script(session, store_query_text("migration_begin"), NULL, error) ||
        !applied_read(session, &applied, error))
        return false;
    status_fill(applied, &status);
    if (!migration_status_check(&status, error))
        return false;
    *ret_applied = false;
    if (status.missing == 0)
        return pg_execute(session, "ROLLBACK", error);
    if (pg_result_rows(applied) == 0 &&
        !pg_execute_script(session, store_query_text("migration_table"), NULL, error))
        return false;
    const PgQueryText *next = store_migrations;
    while (applied_checksum(applied, version_of(next)) != NULL)
        next++;
    if (!migration_apply(session, next, error) || !pg_execute(session, "COMMIT", error))
        return false;
    *ret_applied = true;
    return true;
}

bool
migration_grant(PgConnection *session, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *exists = NULL;
    if (!store_query(session, "access_exists", NULL, 0, &exists, error))
        return false;
    return !pg_result_bool(exists, 0, 0) || store_query(session, "access_grant", NULL, 0, NULL, error);
}

bool
migration_run(PgConnection *session, int *ret_applied, Error *error)
{
    int applied = 0;
    bool goes_on = true;
    while (goes_on) {
        if (!migration_step(session, &goes_on, error)) {
            Error ignored = {0};
            if (!pg_connection_is_broken(session) && pg_connection_is_in_transaction(session) &&
                !pg_execute(session, "ROLLBACK", &ignored))
                error_clear(&ignored);
            return false;
        }
        applied += goes_on ? 1 : 0;
        fettle_assert(applied <= VERSIONS_MOST);
    }
    *ret_applied = applied;
    return applied == 0 || (pg_execute_script(session, store_query_text("migration_begin"), NULL, error) &&
                            migration_grant(session, error) && pg_execute(session, "COMMIT", error));
}

bool
migration_make(PgConnection *session, int version, Error *error)
{
    if (!pg_execute_script(session, store_query_text("migration_table"), NULL, error))
        return false;
    for (const PgQueryText *migration = store_migrations; migration->name != NULL; migration++)
        if (version_of(migration) <= version && !migration_apply(session, migration, error))
            return false;
    return migration_grant(session, error);
}
