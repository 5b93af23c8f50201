// SPDX-License-Identifier: PostgreSQL
#include "api/auth.h"

#include "base/clock.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETS 512
#define PLACES 8
#define BEARER "Bearer "

typedef struct Remembered {
    unsigned char token_hash[crypto_hash_sha256_BYTES];
    int64_t until_ms; /* 0: free */
    Caller caller;
} Remembered;

struct Auth {
    pthread_mutex_t mutex;
    uint64_t generation; /* grows with auth_forget() */
    Remembered places[SETS][PLACES];
};

Auth *
auth_new(void)
{
    fettle_assert(sodium_init() >= 0);
    Auth *auth = calloc(1, sizeof(*auth));
    fettle_assert(auth != NULL);
    pthread_mutex_init(&auth->mutex, NULL);
    return auth;
}

void
auth_free(Auth *auth)
{
    if (auth == NULL)
        return;
    pthread_mutex_destroy(&auth->mutex);
    free(auth);
}

const char *
auth_bearer(Arena *arena, const char *header)
{
    if (header == NULL || strncasecmp(header, BEARER, strlen(BEARER)) != 0)
        return NULL;
    const char *token = header + strlen(BEARER);
    while (*token == ' ')
        token++;
    size_t length = strcspn(token, " \t");
    if (length == 0 || token[length + strspn(token + length, " \t")] != '\0')
        return NULL;
    return arena_strndup(arena, token, length);
}

static Remembered *
set_of(Auth *auth, const unsigned char *token_hash)
{
    /* A SHA-256 is as good as random: two of its bytes choose the set. */
    return auth->places[(size_t)(token_hash[0] | token_hash[1] << 8) % SETS];
}

bool
auth_find(Auth *auth, const char *token, Caller *ret_caller)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, (const unsigned char *)token, strlen(token));
    int64_t now_ms = clock_monotonic_ms();
    bool is_found = false;
    pthread_mutex_lock(&auth->mutex);
    const Remembered *set = set_of(auth, hash);
    for (size_t i = 0; i < PLACES && !is_found; i++) {
        is_found = set[i].until_ms > now_ms && memcmp(set[i].token_hash, hash, sizeof(hash)) == 0;
        if (is_found)
            *ret_caller = set[i].caller;
    }
    pthread_mutex_unlock(&auth->mutex);
    if (is_found && ret_caller->token_expires_at_us != 0 &&
        ret_caller->token_expires_at_us <= clock_wall_us())
        ret_caller->role = ROLE_NONE;
    return is_found;
}

static void
remember(Auth *auth, const char *token, uint64_t generation, const Caller *caller)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, (const unsigned char *)token, strlen(token));
    pthread_mutex_lock(&auth->mutex);
    /* What was read before a token was revoked must not outlive the revocation. */
    if (auth->generation == generation) {
        Remembered *set = set_of(auth, hash);
        Remembered *place = &set[0];
        for (size_t i = 1; i < PLACES; i++)
            if (set[i].until_ms < place->until_ms)
                place = &set[i];
        memcpy(place->token_hash, hash, sizeof(hash));
        place->until_ms = clock_monotonic_ms() + AUTH_CACHE_MS;
        place->caller = *caller;
    }
    pthread_mutex_unlock(&auth->mutex);
}

static Caller
caller_of(const Token *token)
{
    Caller caller = {.role = token->role,
                     .token_id = token->id,
                     .user_id = token->user_id,
                     .token_expires_at_us = token->expires_at_us};
    if (token->username != NULL) {
        snprintf(caller.username, sizeof(caller.username), "%s", token->username);
        snprintf(caller.actor, sizeof(caller.actor), "%s", token->username);
    } else {
        snprintf(caller.actor, sizeof(caller.actor), "token:%.64s", token->name == NULL ? "" : token->name);
    }
    return caller;
}

bool
auth_check(Auth *auth, PgConnection *session, Arena *arena, const char *token, Caller *ret_caller,
           Error *error)
{
    pthread_mutex_lock(&auth->mutex);
    uint64_t generation = auth->generation;
    pthread_mutex_unlock(&auth->mutex);
    bool is_valid = false;
    Token found = {0};
    if (!token_check(session, arena, token, &is_valid, &found, error))
        return false;
    *ret_caller = is_valid ? caller_of(&found) : (Caller){0};
    remember(auth, token, generation, ret_caller);
    return true;
}

void
auth_forget(Auth *auth)
{
    pthread_mutex_lock(&auth->mutex);
    auth->generation++;
    memset(auth->places, 0, sizeof(auth->places));
    pthread_mutex_unlock(&auth->mutex);
}
