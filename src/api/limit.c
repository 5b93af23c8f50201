// SPDX-License-Identifier: PostgreSQL
#include "api/limit.h"

#include "base/random.h"

#include <math.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SETS 1024
#define PLACES 8

typedef struct Bucket {
    uint64_t key; /* 0: free */
    int64_t at_us;
    double left;
} Bucket;

typedef struct Failures {
    uint64_t key;
    int64_t at_ms; /* of the newest */
    int count;
    int64_t times_ms[LIMIT_FAILURES_MOST]; /* oldest first */
} Failures;

struct Limits {
    pthread_mutex_t mutex;
    unsigned char hash_key[crypto_shorthash_KEYBYTES];
    Bucket buckets[SETS][PLACES];
    Failures failures[SETS][PLACES];
};

Limits *
limits_new(void)
{
    fettle_assert(sodium_init() >= 0);
    Limits *limits = calloc(1, sizeof(*limits));
    fettle_assert(limits != NULL);
    pthread_mutex_init(&limits->mutex, NULL);
    random_system_bytes(limits->hash_key, sizeof(limits->hash_key));
    return limits;
}

void
limits_free(Limits *limits)
{
    if (limits == NULL)
        return;
    pthread_mutex_destroy(&limits->mutex);
    free(limits);
}

static uint64_t
key_of(const Limits *limits, const char *text, size_t length)
{
    uint64_t key;
    _Static_assert(sizeof(key) == crypto_shorthash_BYTES, "a key is one hash");
    crypto_shorthash((unsigned char *)&key, (const unsigned char *)text, length, limits->hash_key);
    return key == 0 ? 1 : key;
}

bool
limits_take_request(Limits *limits, const char *text, double per_second, int *ret_seconds)
{
    uint64_t key = key_of(limits, text, strlen(text));
    double most = per_second > 1 ? per_second : 1;
    int64_t now_us = clock_monotonic_us();
    pthread_mutex_lock(&limits->mutex);
    Bucket *set = limits->buckets[key % SETS];
    Bucket *bucket = &set[0];
    for (size_t i = 0; i < PLACES && bucket->key != key; i++)
        if (set[i].key == key || set[i].at_us < bucket->at_us)
            bucket = &set[i];
    if (bucket->key != key)
        *bucket = (Bucket){.key = key, .at_us = now_us, .left = most};
    bucket->left += (double)(now_us - bucket->at_us) / 1e6 * per_second;
    if (bucket->left > most)
        bucket->left = most;
    bucket->at_us = now_us;
    bool has_one = bucket->left >= 1;
    if (has_one)
        bucket->left -= 1;
    else
        *ret_seconds = (int)ceil((1 - bucket->left) / per_second);
    pthread_mutex_unlock(&limits->mutex);
    return has_one;
}

/* One key of both, which no other pair gives. */
static uint64_t
login_key(const Limits *limits, const char *name, const char *address)
{
    uint64_t parts[2] = {key_of(limits, name, strlen(name)), key_of(limits, address, strlen(address))};
    return key_of(limits, (const char *)parts, sizeof(parts));
}

/* The key's place, or the one it may take. The mutex is held. */
static Failures *
failures_find(Limits *limits, uint64_t key)
{
    Failures *set = limits->failures[key % SETS];
    Failures *found = &set[0];
    for (size_t i = 0; i < PLACES && found->key != key; i++)
        if (set[i].key == key || set[i].at_ms < found->at_ms)
            found = &set[i];
    return found;
}

bool
limits_take_login(Limits *limits, const char *name, const char *address, int *ret_seconds)
{
    uint64_t key = login_key(limits, name, address);
    int64_t now_ms = clock_monotonic_ms();
    int64_t window_ms = (int64_t)LIMIT_FAILURES_SECONDS * 1000;
    pthread_mutex_lock(&limits->mutex);
    Failures *failures = failures_find(limits, key);
    if (failures->key != key)
        *failures = (Failures){.key = key};
    int old = 0;
    while (old < failures->count && now_ms - failures->times_ms[old] >= window_ms)
        old++;
    failures->count -= old;
    memmove(failures->times_ms, failures->times_ms + old,
            (size_t)failures->count * sizeof(failures->times_ms[0]));
    bool is_allowed = failures->count < LIMIT_FAILURES_MOST;
    failures->at_ms = now_ms;
    if (is_allowed)
        failures->times_ms[failures->count++] = now_ms;
    else
        *ret_seconds = (int)((failures->times_ms[0] + window_ms - now_ms + 999) / 1000);
    pthread_mutex_unlock(&limits->mutex);
    return is_allowed;
}

void
limits_forgive_login(Limits *limits, const char *name, const char *address)
{
    uint64_t key = login_key(limits, name, address);
    pthread_mutex_lock(&limits->mutex);
    Failures *failures = failures_find(limits, key);
    if (failures->key == key && failures->count > 0)
        failures->count--;
    pthread_mutex_unlock(&limits->mutex);
}
