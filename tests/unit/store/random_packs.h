// SPDX-License-Identifier: PostgreSQL
/*
 * Packs of every shape for tests: all counters, gaps, numbers up to 2^62, no calls beside other counters,
 * multiples, constants, rare large ones.
 */
#ifndef FETTLE_TESTS_STORE_RANDOM_PACKS_H
#define FETTLE_TESTS_STORE_RANDOM_PACKS_H

#include "base/random.h"
#include "store/sample_codec.h"

/* Positions below limit, at most count_most of them, at least one. */
void random_pack(Arena *arena, Random *random, size_t limit, size_t count_most, SamplePack *ret_pack);

#endif
