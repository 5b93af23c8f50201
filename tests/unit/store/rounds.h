// SPDX-License-Identifier: PostgreSQL
/*
 * Rounds of a made-up target for tests, the same for the same seed: two databases, statements of different
 * habits, pauses, resets.
 */
#ifndef FETTLE_TESTS_STORE_ROUNDS_H
#define FETTLE_TESTS_STORE_ROUNDS_H

#include "fixture.h"

#include "base/random.h"
#include "store/sample.h"

#define ROUNDS_STATEMENTS 12 /* of each database */
#define ROUNDS_DATABASES 2

/* A target with its databases (1, 2: "shop", "blog") and statements (1 .. 24); query_hash = 1000 +
 * statement_id. */
int64_t rounds_target(StoreFixture *fixture, const char *name);

/* Rounds of one database from a time on, one each step; some are missing. */
SampleRound *rounds_make(Arena *arena, uint64_t seed, int64_t target_id, int32_t database_id, int64_t from_us,
                         int64_t to_us, int64_t step_us, size_t *ret_count);

#endif
