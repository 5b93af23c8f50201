// SPDX-License-Identifier: PostgreSQL
#include "store/user.h"

#include "base/text.h"
#include "store/password.h"
#include "store/store_internal.h"

#include <string.h>

static const char *const role_words[] = {
    [ROLE_NONE] = "none", [ROLE_VIEWER] = "viewer", [ROLE_OPERATOR] = "operator", [ROLE_ADMIN] = "admin"};

const char *
role_word(Role role)
{
    fettle_assert((size_t)role < FETTLE_COUNT_OF(role_words));
    return role_words[role];
}

Role
role_from_word(const char *word)
{
    for (size_t i = ROLE_VIEWER; i < FETTLE_COUNT_OF(role_words); i++)
        if (text_equals(word, role_words[i]))
            return (Role)i;
    return ROLE_NONE;
}

/* Letters, digits and what addresses hold: a name stands in logs and in the audit. */
static bool
name_check(const char *name, Error *error)
{
    size_t length = strlen(name);
    if (length > 0 && length <= USER_NAME_BYTES &&
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@+-") == length)
        return true;
    return error_set(error, ERROR_INPUT, "a user's name has 1 to %d letters, digits or . _ @ + -",
                     USER_NAME_BYTES);
}

static bool
password_check(const char *password, Error *error)
{
    size_t length = strlen(password);
    if (length >= USER_PASSWORD_BYTES_LEAST && length <= USER_PASSWORD_BYTES_MOST)
        return true;
    return error_set(error, ERROR_INPUT, "a password has %d to %d bytes", USER_PASSWORD_BYTES_LEAST,
                     USER_PASSWORD_BYTES_MOST);
}

static void
user_read_row(const PgResult *rows, int64_t row, Arena *arena, User *user)
{
    *user = (User){.id = pg_result_int(rows, row, 0, 0),
                   .username = arena_strdup(arena, pg_result_text(rows, row, 1)),
                   .role = role_from_word(pg_result_text(rows, row, 2)),
                   .is_disabled = pg_result_bool(rows, row, 3),
                   .created_at_us = pg_result_int(rows, row, 4, 0),
                   .last_login_at_us = pg_result_int(rows, row, 5, 0)};
}

static bool
users_read(PgConnection *session, Arena *arena, const char *id, const char *username, UserList *ret_list,
           Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    if (!store_query(session, "user_list", STORE_PARAMETERS(id, username, "f"), &rows, error))
        return error_prefix(error, "could not read the users");
    ret_list->count = (size_t)pg_result_rows(rows);
    ret_list->items = ARENA_NEW_ARRAY(arena, User, ret_list->count);
    for (size_t i = 0; i < ret_list->count; i++)
        user_read_row(rows, (int64_t)i, arena, &ret_list->items[i]);
    return true;
}

bool
user_list(PgConnection *session, Arena *arena, UserList *ret_list, Error *error)
{
    return users_read(session, arena, NULL, NULL, ret_list, error);
}

static bool
user_refuse_unknown(int64_t id, Error *error)
{
    return error_set(error, ERROR_NOT_FOUND, "there is no user %" PRId64, id);
}

bool
user_get(PgConnection *session, Arena *arena, int64_t id, User *ret_user, Error *error)
{
    UserList list;
    if (!users_read(session, arena, store_number(id).text, NULL, &list, error))
        return false;
    if (list.count == 0)
        return user_refuse_unknown(id, error);
    *ret_user = list.items[0];
    return true;
}

bool
user_find(PgConnection *session, Arena *arena, const char *username, User *ret_user, Error *error)
{
    UserList list;
    if (!users_read(session, arena, NULL, username, &list, error))
        return false;
    if (list.count == 0)
        return error_set(error, ERROR_NOT_FOUND, "there is no user \"%.100s\"", username);
    *ret_user = list.items[0];
    return true;
}

bool
user_create(PgConnection *session, const char *username, const char *password, Role role, int64_t *ret_id,
            Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *created = NULL;
    char hash[PASSWORD_HASH_BYTES];
    if (!name_check(username, error) || !password_check(password, error))
        return false;
    if (role == ROLE_NONE)
        return error_set(error, ERROR_INPUT, "a user's role is viewer, operator or admin");
    if (!password_hash(password, hash, error))
        return false;
    if (!store_query(session, "user_create", STORE_PARAMETERS(username, hash, role_word(role)), &created,
                     error)) {
        if (strcmp(error->sqlstate, "23505") == 0)
            return error_set(error, ERROR_CONFLICT, "there is a user called \"%s\" already", username);
        return error_prefix(error, "could not make the user");
    }
    *ret_id = pg_result_int(created, 0, 0, 0);
    return true;
}

/* What user_update and user_delete answer: is it the last admin, was it done. */
static bool
user_verdict(const PgResult *verdict, int64_t id, Error *error)
{
    if (pg_result_bool(verdict, 0, 0)) {
        error_set(error, ERROR_CONFLICT, "no enabled admin would be left");
        return error_set_hint(error, "make another user an admin first");
    }
    return pg_result_bool(verdict, 0, 1) || user_refuse_unknown(id, error);
}

bool
user_update(PgConnection *session, int64_t id, const UserChange *change, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *verdict = NULL;
    char hash[PASSWORD_HASH_BYTES];
    bool has_password = change->password != NULL;
    if (has_password &&
        (!password_check(change->password, error) || !password_hash(change->password, hash, error)))
        return false;
    StoreNumber number = store_number(id);
    if (!store_query(session, "user_update",
                     STORE_PARAMETERS(number.text, has_password ? hash : NULL,
                                      change->role == ROLE_NONE ? NULL : role_word(change->role),
                                      change->disabled < 0    ? NULL
                                      : change->disabled == 0 ? "f"
                                                              : "t"),
                     &verdict, error))
        return error_prefix(error, "could not change the user");
    return user_verdict(verdict, id, error);
}

bool
user_delete(PgConnection *session, int64_t id, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *verdict = NULL;
    StoreNumber number = store_number(id);
    if (!store_query(session, "user_delete", STORE_PARAMETERS(number.text), &verdict, error))
        return error_prefix(error, "could not remove the user");
    return user_verdict(verdict, id, error);
}

bool
user_check_password(PgConnection *session, Arena *arena, const char *username, const char *password,
                    bool *ret_is_right, User *ret_user, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    FETTLE_CLEANUP(pg_result_free_at) PgResult *login = NULL;
    /* what cannot be a name is looked up as one that nobody has, so that it takes as long */
    bool is_name = strlen(username) <= USER_NAME_BYTES && text_is_valid_utf8(username, strlen(username));
    if (!store_query(session, "user_list", STORE_PARAMETERS(NULL, is_name ? username : "", "t"), &rows,
                     error))
        return false;
    bool is_known = pg_result_rows(rows) == 1;
    bool is_right = password_verify(is_known ? pg_result_text(rows, 0, 6) : NULL, password);
    *ret_is_right = false;
    if (!is_right || !is_known || pg_result_bool(rows, 0, 3))
        return true;
    user_read_row(rows, 0, arena, ret_user);
    StoreNumber id = store_number(ret_user->id);
    if (!store_query(session, "user_login", STORE_PARAMETERS(id.text), &login, error))
        return false;
    *ret_is_right = pg_result_rows(login) == 1;
    return true;
}
