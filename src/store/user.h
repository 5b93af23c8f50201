// SPDX-License-Identifier: PostgreSQL
/*
 * Users and their passwords (fettle.users). Passwords are argon2id (libsodium, interactive limits, 64 MiB): a
 * hash costs about 0.3 s, so at most two are computed at a time in the process; more wait their turn.
 */
#ifndef FETTLE_STORE_USER_H
#define FETTLE_STORE_USER_H

#include "pg/connection.h"

typedef enum Role { ROLE_NONE, ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMIN } Role;

const char *role_word(Role role);      /* "viewer" ... */
Role role_from_word(const char *word); /* ROLE_NONE for no role's word */

#define USER_NAME_BYTES 63
#define USER_PASSWORD_BYTES_LEAST 10
#define USER_PASSWORD_BYTES_MOST 1024

typedef struct User {
    int64_t id;
    const char *username;
    Role role;
    bool is_disabled;
    int64_t created_at_us;
    int64_t last_login_at_us; /* 0 never */
} User;

typedef struct UserList {
    User *items;
    size_t count;
} UserList;

bool user_list(PgConnection *session, Arena *arena, UserList *ret_list, Error *error) FETTLE_MUST_USE;
bool user_get(PgConnection *session, Arena *arena, int64_t id, User *ret_user, Error *error) FETTLE_MUST_USE;
bool user_find(PgConnection *session, Arena *arena, const char *username, User *ret_user, Error *error)
    FETTLE_MUST_USE;
/* ERROR_CONFLICT when the name is taken; ERROR_INPUT for a bad name or password. */
bool user_create(PgConnection *session, const char *username, const char *password, Role role,
                 int64_t *ret_id, Error *error) FETTLE_MUST_USE;

typedef struct UserChange {
    const char *password; /* NULL: as it is; a new one revokes the user's tokens */
    Role role;            /* ROLE_NONE: as it is */
    int disabled;         /* -1 as it is; 1 also revokes the user's tokens */
} UserChange;

/* ERROR_CONFLICT when no enabled admin would be left although there is one now. */
bool user_update(PgConnection *session, int64_t id, const UserChange *change, Error *error) FETTLE_MUST_USE;
bool user_delete(PgConnection *session, int64_t id, Error *error) FETTLE_MUST_USE;

/* Whether the pair is right and the user enabled; takes the same time for a name that does not exist. Sets
 * last_login. */
bool user_check_password(PgConnection *session, Arena *arena, const char *username, const char *password,
                         bool *ret_is_right, User *ret_user, Error *error) FETTLE_MUST_USE;

#endif
