// SPDX-License-Identifier: PostgreSQL
/*
 * Tokens: opaque random texts ("fettle_" and 43 characters of base64url of 32 random bytes); only their
 * SHA-256 is kept.
 */
#ifndef FETTLE_STORE_TOKEN_H
#define FETTLE_STORE_TOKEN_H

#include "store/user.h"

#define TOKEN_TEXT_BYTES 64 /* the text with its terminator fits */

typedef struct Token {
    int64_t id;
    int64_t user_id;      /* 0: of no user (made on the command line) */
    const char *username; /* NULL: of no user */
    const char *name;
    Role role; /* not above its user's */
    int64_t created_at_us;
    int64_t expires_at_us;   /* 0: never */
    int64_t last_used_at_us; /* to the minute; 0 never */
    int64_t revoked_at_us;   /* 0: it holds */
} Token;

typedef struct TokenList {
    Token *items;
    size_t count;
} TokenList;

typedef struct TokenOrder {
    int64_t user_id; /* 0: none */
    const char *name;
    Role role;
    int64_t lifetime_ms; /* 0: it never expires */
} TokenOrder;

bool token_create(PgConnection *session, const TokenOrder *order, char ret_text[TOKEN_TEXT_BYTES],
                  int64_t *ret_id, int64_t *ret_expires_at_us, Error *error) FETTLE_MUST_USE;
bool token_list(PgConnection *session, Arena *arena, int64_t user_id, TokenList *ret_list, Error *error)
    FETTLE_MUST_USE;
/* ERROR_NOT_FOUND when there is none; revoking twice is success. */
bool token_revoke(PgConnection *session, int64_t id, Error *error) FETTLE_MUST_USE;
/* *ret_is_valid false: unknown, expired, revoked, or its user is disabled. Any text may be given. */
bool token_check(PgConnection *session, Arena *arena, const char *text, bool *ret_is_valid, Token *ret_token,
                 Error *error) FETTLE_MUST_USE;

#endif
