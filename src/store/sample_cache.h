// SPDX-License-Identifier: PostgreSQL
/*
 * SampleCache: the last tops that were read, for whoever asks again before a new round has landed: pages ask
 * every few seconds, rounds come once a minute.
 *
 * An answer is known by its question and by the signature of the samples that it was made of
 * (sample_source.h), which the reader learns from the store each time, in the snapshot it would read in. So
 * nothing has to tell the cache of a write, by whichever process; an answer is found exactly when reading
 * would make the same one. What is not a matter of samples (texts, users) is not kept here.
 *
 * It holds at most 32 answers of at most 256 statements, some 2 MB, and drops what is older than ten minutes
 * when it takes another. It may be used by any number of threads; what is found is a copy in the caller's
 * arena.
 */
#ifndef FETTLE_STORE_SAMPLE_CACHE_H
#define FETTLE_STORE_SAMPLE_CACHE_H

#include "store/sample.h"

typedef struct SampleCache SampleCache;

typedef struct SampleCacheKey {
    int64_t target_id;
    uint64_t question; /* a hash of what was asked beside the range */
    uint64_t signature;
} SampleCacheKey;

/* A statement's sums over the window; finished. */
typedef struct SampleCacheGroup {
    int64_t query_hash;
    int64_t observed_ms;
    int64_t counters[SAMPLE_COUNTER_COUNT];
    size_t id_count; /* of its statements, in SampleCacheAnswer.ids, one group's after the other's */
} SampleCacheGroup;

typedef struct SampleCacheAnswer {
    SampleCacheGroup *groups;
    size_t group_count;
    int64_t *ids;
    size_t id_count;
} SampleCacheAnswer;

SampleCache *sample_cache_new(void);
void sample_cache_free(SampleCache *cache); /* NULL is allowed */

bool sample_cache_get(SampleCache *cache, const SampleCacheKey *key, Arena *arena,
                      SampleCacheAnswer *ret_answer);
/* An answer that is too large is not kept. */
void sample_cache_put(SampleCache *cache, const SampleCacheKey *key, const SampleCacheAnswer *answer);

/* How often an answer was found so far. */
int64_t sample_cache_hits(SampleCache *cache);

#endif
