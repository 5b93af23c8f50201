// SPDX-License-Identifier: PostgreSQL
#include "store/token.h"

#include "base/text.h"
#include "store/store_internal.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define TOKEN_PREFIX "fettle_"
#define TOKEN_RANDOM_BYTES 32
#define TOKEN_RANDOM_TEXT 43 /* base64 of them without padding */
#define TOKEN_NAME_BYTES 63
#define HASH_TEXT_BYTES (crypto_hash_sha256_BYTES * 2 + 1)

static void
token_hash(const char *text, char ret_hash[HASH_TEXT_BYTES])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text));
    sodium_bin2hex(ret_hash, HASH_TEXT_BYTES, hash, sizeof(hash));
}

static void
token_make(char ret_text[TOKEN_TEXT_BYTES])
{
    unsigned char random[TOKEN_RANDOM_BYTES];
    snprintf(ret_text, TOKEN_TEXT_BYTES, "%s", TOKEN_PREFIX);
    store_sodium_begin();
    randombytes_buf(random, sizeof(random));
    sodium_bin2base64(ret_text + strlen(TOKEN_PREFIX), TOKEN_TEXT_BYTES - strlen(TOKEN_PREFIX), random,
                      sizeof(random), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(random, sizeof(random));
    fettle_assert(strlen(ret_text) == strlen(TOKEN_PREFIX) + TOKEN_RANDOM_TEXT);
}

static bool
order_check(const TokenOrder *order, Error *error)
{
    size_t length = strlen(order->name);
    if (length > TOKEN_NAME_BYTES || !text_is_valid_utf8(order->name, length) ||
        strpbrk(order->name, "\n\r\t\x1b") != NULL)
        return error_set(error, ERROR_INPUT, "a token's name has at most %d bytes and no control characters",
                         TOKEN_NAME_BYTES);
    if (order->role == ROLE_NONE)
        return error_set(error, ERROR_INPUT, "a token's role is viewer, operator or admin");
    return order->lifetime_ms >= 0 || error_set(error, ERROR_INPUT, "a token's lifetime is positive");
}

bool
token_create(PgConnection *session, const TokenOrder *order, char ret_text[TOKEN_TEXT_BYTES], int64_t *ret_id,
             int64_t *ret_expires_at_us, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *created = NULL;
    char text[TOKEN_TEXT_BYTES];
    char hash[HASH_TEXT_BYTES];
    if (!order_check(order, error))
        return false;
    token_make(text);
    token_hash(text, hash);
    StoreNumber user = store_number(order->user_id);
    StoreNumber lifetime = store_number(order->lifetime_ms);
    if (!store_query(session, "token_create",
                     STORE_PARAMETERS(order->user_id == 0 ? NULL : user.text, order->name,
                                      role_word(order->role), hash, lifetime.text),
                     &created, error))
        return error_prefix(error, "could not make the token");
    if (pg_result_rows(created) == 0)
        return error_set(error, ERROR_PERMISSION,
                         "the user is gone or disabled, or has a lesser role than %s",
                         role_word(order->role));
    memcpy(ret_text, text, sizeof(text));
    *ret_id = pg_result_int(created, 0, 0, 0);
    *ret_expires_at_us = pg_result_int(created, 0, 1, 0);
    return true;
}

static void
token_read_row(const PgResult *rows, int64_t row, Arena *arena, Token *token)
{
    *token = (Token){.id = pg_result_int(rows, row, 0, 0),
                     .user_id = pg_result_int(rows, row, 1, 0),
                     .username = arena_strdup(arena, pg_result_text(rows, row, 2)),
                     .name = arena_strdup(arena, pg_result_text(rows, row, 3)),
                     .role = role_from_word(pg_result_text(rows, row, 4)),
                     .created_at_us = pg_result_int(rows, row, 5, 0),
                     .expires_at_us = pg_result_int(rows, row, 6, 0),
                     .last_used_at_us = pg_result_int(rows, row, 7, 0),
                     .revoked_at_us = pg_result_int(rows, row, 8, 0)};
}

bool
token_list(PgConnection *session, Arena *arena, int64_t user_id, TokenList *ret_list, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber user = store_number(user_id);
    if (!store_query(session, "token_list", STORE_PARAMETERS(user_id == 0 ? NULL : user.text), &rows, error))
        return error_prefix(error, "could not read the tokens");
    ret_list->count = (size_t)pg_result_rows(rows);
    ret_list->items = ARENA_NEW_ARRAY(arena, Token, ret_list->count);
    for (size_t i = 0; i < ret_list->count; i++)
        token_read_row(rows, (int64_t)i, arena, &ret_list->items[i]);
    return true;
}

bool
token_revoke(PgConnection *session, int64_t id, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *revoked = NULL;
    StoreNumber number = store_number(id);
    if (!store_query(session, "token_revoke", STORE_PARAMETERS(number.text), &revoked, error))
        return error_prefix(error, "could not revoke the token");
    return pg_result_rows(revoked) == 1 ||
           error_set(error, ERROR_NOT_FOUND, "there is no token %" PRId64, id);
}

bool
token_check(PgConnection *session, Arena *arena, const char *text, bool *ret_is_valid, Token *ret_token,
            Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *found = NULL;
    char hash[HASH_TEXT_BYTES];
    *ret_is_valid = false;
    if (strlen(text) != strlen(TOKEN_PREFIX) + TOKEN_RANDOM_TEXT || !text_starts_with(text, TOKEN_PREFIX))
        return true;
    store_sodium_begin();
    token_hash(text, hash);
    if (!store_query_prepared(session, "token_check", STORE_PARAMETERS(hash), &found, error))
        return false;
    if (pg_result_rows(found) != 1)
        return true;
    token_read_row(found, 0, arena, ret_token);
    *ret_is_valid = true;
    return true;
}
