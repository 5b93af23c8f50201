// SPDX-License-Identifier: PostgreSQL
/*
 * Targets: the PostgreSQL servers that Fettle looks after (fettle.targets).
 *
 * conninfo holds no secret: a password in the connection string given to target_create() is taken out and
 * sealed (libsodium secretbox under the key file) in a column of its own, from which only target_dsn() makes
 * a whole connection string again, in the caller's arena. The other way is none: no list, log or reply shows
 * it.
 */
#ifndef FETTLE_STORE_TARGET_H
#define FETTLE_STORE_TARGET_H

#include "store/store.h"

#define TARGET_NAME_BYTES 63
#define TARGET_DATABASES_MOST 1000

typedef struct Target {
    int64_t target_id;
    const char *name;     /* unique */
    const char *conninfo; /* key=value form, without secrets */
    bool is_enabled;
    const char *const *databases; /* only these databases' statements; none: all of the server */
    size_t database_count;
    int64_t interval_ms; /* 0: collect.interval */
    int64_t created_at_us;
    bool has_password;
    /* what the last round left; 0 / NULL before the first */
    int64_t last_round_at_us;
    const char *last_error;  /* NULL: it went well */
    const char *last_notice; /* what the owner should know, by the last round that went well; NULL: nothing */
    const char *server_version;
    int64_t system_identifier; /* 0 unknown */
    int64_t revision;          /* counts its changes */
} Target;

typedef struct TargetList {
    Target *items;
    size_t count;
} TargetList;

/* What target_create() and target_update() take; a NULL text leaves the field as it is (update). */
typedef struct TargetChange {
    const char *name;
    const char *dsn; /* URI or key=value list, may hold a password */
    const char *const *databases;
    size_t database_count;
    bool sets_databases;
    int enabled;         /* -1 as it is, 0, 1 */
    int64_t interval_ms; /* -1 as it is */
} TargetChange;

bool target_list(PgConnection *session, Arena *arena, TargetList *ret_list, Error *error) FETTLE_MUST_USE;
/* ERROR_NOT_FOUND when there is none. */
bool target_get(PgConnection *session, Arena *arena, int64_t target_id, Target *ret_target, Error *error)
    FETTLE_MUST_USE;
bool target_find(PgConnection *session, Arena *arena, const char *name, Target *ret_target, Error *error)
    FETTLE_MUST_USE;
/* ERROR_CONFLICT when the name is taken; ERROR_INPUT for what is no name or connection string. */
bool target_create(Store *store, PgConnection *session, const TargetChange *change, int64_t *ret_target_id,
                   Error *error) FETTLE_MUST_USE;
bool target_update(Store *store, PgConnection *session, int64_t target_id, const TargetChange *change,
                   Error *error) FETTLE_MUST_USE;
/* Removes the target and all that was collected of it. */
bool target_delete(PgConnection *session, int64_t target_id, Error *error) FETTLE_MUST_USE;
/* The connection string with its password, for pg_connection_open() only. */
bool target_dsn(Store *store, PgConnection *session, Arena *arena, int64_t target_id, const char **ret_dsn,
                Error *error) FETTLE_MUST_USE;
/* How a round went. */
typedef struct TargetOutcome {
    const char *failure; /* NULL: it went well */
    const char *notice;  /* of a round that went well; NULL: none. After a failure the last one stays */
    const char *server_version; /* NULL: as it was known */
    int64_t system_identifier;  /* 0: as it was known */
} TargetOutcome;

bool target_round_record(PgConnection *session, int64_t target_id, const TargetOutcome *outcome, Error *error)
    FETTLE_MUST_USE;

#endif
