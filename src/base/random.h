// SPDX-License-Identifier: PostgreSQL
/*
 * Random: a seeded, reproducible generator (xoshiro256**, Blackman and Vigna 2018, seeded by splitmix64), and
 * unpredictable bytes from the system for names and secrets.
 */
#ifndef FETTLE_BASE_RANDOM_H
#define FETTLE_BASE_RANDOM_H

#include "base/attributes.h"

typedef struct Random {
    uint64_t state[4];
} Random;

Random random_new(uint64_t seed);
uint64_t random_next(Random *random);
uint64_t random_below(Random *random,
                      uint64_t bound); /* uniform in [0, bound), bound > 0, without modulo bias */
double random_unit(Random *random);    /* uniform in [0, 1), 53 bits */
double random_normal(Random *random);  /* mean 0, deviation 1; Box and Muller 1958 */

/* Bytes from getrandom(2); ends the process when the system has none. */
void random_system_bytes(void *data, size_t size_bytes);

#endif
