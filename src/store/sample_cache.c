// SPDX-License-Identifier: PostgreSQL
#include "store/sample_cache.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define PLACES 32
#define GROUPS_MOST 256
#define IDS_MOST 4096
#define KEPT_MS 600000
#define ANSWER_BYTES_MOST ((size_t)1 << 20)

typedef struct Place {
    SampleCacheKey key;
    int64_t used_at_ms;
    Arena *arena; /* NULL: free */
    SampleCacheAnswer answer;
} Place;

struct SampleCache {
    pthread_mutex_t mutex; /* for what follows */
    Place places[PLACES];
    int64_t hits;
};

SampleCache *
sample_cache_new(void)
{
    SampleCache *cache = calloc(1, sizeof(*cache));
    fettle_assert(cache != NULL);
    pthread_mutex_init(&cache->mutex, NULL);
    return cache;
}

static void
place_clear(Place *place)
{
    arena_free(place->arena);
    *place = (Place){0};
}

void
sample_cache_free(SampleCache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < PLACES; i++)
        place_clear(&cache->places[i]);
    pthread_mutex_destroy(&cache->mutex);
    free(cache);
}

static bool
key_is(const SampleCacheKey *a, const SampleCacheKey *b)
{
    return a->target_id == b->target_id && a->question == b->question && a->signature == b->signature;
}

static SampleCacheAnswer
answer_copy(Arena *arena, const SampleCacheAnswer *answer)
{
    SampleCacheAnswer copy = *answer;
    copy.groups = arena_memdup(arena, answer->groups, answer->group_count * sizeof(*answer->groups));
    copy.ids = arena_memdup(arena, answer->ids, answer->id_count * sizeof(*answer->ids));
    return copy;
}

bool
sample_cache_get(SampleCache *cache, const SampleCacheKey *key, Arena *arena, SampleCacheAnswer *ret_answer)
{
    bool is_found = false;
    pthread_mutex_lock(&cache->mutex);
    for (size_t i = 0; i < PLACES && !is_found; i++) {
        Place *place = &cache->places[i];
        if (place->arena == NULL || !key_is(&place->key, key))
            continue;
        place->used_at_ms = clock_monotonic_ms();
        *ret_answer = answer_copy(arena, &place->answer);
        is_found = true;
    }
    cache->hits += is_found;
    pthread_mutex_unlock(&cache->mutex);
    return is_found;
}

/* The place of the key, else a free one, else the one that was used longest ago. */
static Place *
cache_place(SampleCache *cache, const SampleCacheKey *key)
{
    int64_t now_ms = clock_monotonic_ms();
    Place *best = &cache->places[0];
    for (size_t i = 0; i < PLACES; i++) {
        Place *place = &cache->places[i];
        if (place->arena != NULL && now_ms - place->used_at_ms > KEPT_MS)
            place_clear(place);
        if (place->arena != NULL && key_is(&place->key, key))
            return place;
        if (place->arena == NULL ? best->arena != NULL
                                 : best->arena != NULL && place->used_at_ms < best->used_at_ms)
            best = place;
    }
    return best;
}

void
sample_cache_put(SampleCache *cache, const SampleCacheKey *key, const SampleCacheAnswer *answer)
{
    if (answer->group_count > GROUPS_MOST || answer->id_count > IDS_MOST)
        return;
    Arena *arena = arena_new("sample cache", ANSWER_BYTES_MOST);
    Place filled = {.key = *key,
                    .used_at_ms = clock_monotonic_ms(),
                    .arena = arena,
                    .answer = answer_copy(arena, answer)};
    pthread_mutex_lock(&cache->mutex);
    Place *place = cache_place(cache, key);
    place_clear(place);
    *place = filled;
    pthread_mutex_unlock(&cache->mutex);
}

int64_t
sample_cache_hits(SampleCache *cache)
{
    pthread_mutex_lock(&cache->mutex);
    int64_t hits = cache->hits;
    pthread_mutex_unlock(&cache->mutex);
    return hits;
}
