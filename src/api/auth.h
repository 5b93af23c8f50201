// SPDX-License-Identifier: PostgreSQL
/*
 * Auth: who makes a request.
 *
 * A bearer token is looked up in the store once and remembered for AUTH_CACHE_MS, by its SHA-256, whether it
 * holds or not; so a token revoked elsewhere is refused within that time, and one revoked here at once: every
 * act that ends tokens calls auth_forget(). The cache has a fixed size. Thread-safe.
 */
#ifndef FETTLE_API_AUTH_H
#define FETTLE_API_AUTH_H

#include "store/token.h"

#define AUTH_CACHE_MS 5000

typedef struct Caller {
    Role role; /* ROLE_NONE: nobody */
    int64_t token_id;
    int64_t user_id;             /* 0: none */
    char username[64];           /* "": none */
    char actor[80];              /* for the audit log: the user's name, or "token:NAME" */
    int64_t token_expires_at_us; /* 0: never */
} Caller;

typedef struct Auth Auth;

Auth *auth_new(void);
void auth_free(Auth *auth); /* NULL is allowed */

/* The token in an Authorization header, NULL when it has none: "Bearer " and one word. */
const char *auth_bearer(Arena *arena, const char *header);

/* What is remembered of a token: false when nothing is. ret_caller has ROLE_NONE for one that does not hold.
 */
bool auth_find(Auth *auth, const char *token, Caller *ret_caller);

/* Asks the store and remembers the answer. */
bool auth_check(Auth *auth, PgConnection *session, Arena *arena, const char *token, Caller *ret_caller,
                Error *error) FETTLE_MUST_USE;

/* Forgets all: tokens may have ended. */
void auth_forget(Auth *auth);

#endif
