// SPDX-License-Identifier: PostgreSQL
#include "store/password.h"

#include "store/store_internal.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t turn_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_over = PTHREAD_COND_INITIALIZER;
static int turns_taken;

static void
turn_take(void)
{
    store_sodium_begin();
    pthread_mutex_lock(&turn_mutex);
    while (turns_taken == PASSWORD_HASHES_AT_ONCE)
        pthread_cond_wait(&turn_over, &turn_mutex);
    turns_taken++;
    pthread_mutex_unlock(&turn_mutex);
}

static void
turn_give(void)
{
    pthread_mutex_lock(&turn_mutex);
    turns_taken--;
    pthread_cond_signal(&turn_over);
    pthread_mutex_unlock(&turn_mutex);
}

bool
password_hash(const char *password, char ret_hash[PASSWORD_HASH_BYTES], Error *error)
{
    _Static_assert(PASSWORD_HASH_BYTES >= crypto_pwhash_STRBYTES, "a hash fits");
    turn_take();
    int failed = crypto_pwhash_str(ret_hash, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                   crypto_pwhash_MEMLIMIT_INTERACTIVE);
    turn_give();
    return failed == 0 ||
           error_set(error, ERROR_SYSTEM, "could not hash the password: it takes 64 MB of memory");
}

static char nobody_hash[PASSWORD_HASH_BYTES];

static void
nobody_make(void)
{
    unsigned char random[32];
    char text[sizeof(random) * 2 + 1];
    Error ignored = {0};
    randombytes_buf(random, sizeof(random));
    sodium_bin2hex(text, sizeof(text), random, sizeof(random));
    if (!password_hash(text, nobody_hash, &ignored))
        nobody_hash[0] = '\0';
}

bool
password_verify(const char *hash, const char *password)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, nobody_make);
    /* libsodium reads as many bytes as its own hashes have */
    char padded[PASSWORD_HASH_BYTES] = "";
    snprintf(padded, sizeof(padded), "%s", hash == NULL ? nobody_hash : hash);
    turn_take();
    int failed = crypto_pwhash_str_verify(padded, password, strlen(password));
    turn_give();
    return failed == 0 && hash != NULL;
}
