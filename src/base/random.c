// SPDX-License-Identifier: PostgreSQL
#include "base/random.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static uint64_t
rotate_left(uint64_t value, int bits)
{
    return (value << bits) | (value >> (64 - bits));
}

Random
random_new(uint64_t seed)
{
    Random random;
    for (int i = 0; i < 4; i++) {
        seed += UINT64_C(0x9E3779B97F4A7C15);
        uint64_t mixed = (seed ^ (seed >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94D049BB133111EB);
        random.state[i] = mixed ^ (mixed >> 31);
    }
    return random;
}

uint64_t
random_next(Random *random)
{
    uint64_t *state = random->state;
    uint64_t result = rotate_left(state[1] * 5, 7) * 9;
    uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate_left(state[3], 45);
    return result;
}

uint64_t
random_below(Random *random, uint64_t bound)
{
    fettle_assert(bound > 0);
    uint64_t reject_under = (0 - bound) % bound;
    for (;;) {
        uint64_t value = random_next(random);
        if (value >= reject_under)
            return value % bound;
    }
}

double
random_unit(Random *random)
{
    return (double)(random_next(random) >> 11) * 0x1.0p-53;
}

double
random_normal(Random *random)
{
    double radius = sqrt(-2 * log(1 - random_unit(random)));
    return radius * cos(2 * M_PI * random_unit(random));
}

void
random_system_bytes(void *data, size_t size_bytes)
{
    char *at = data;
    while (size_bytes > 0) {
        ssize_t count = getrandom(at, size_bytes, 0);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            fputs("fettle: the system gives no random bytes\n", stderr);
            exit(70);
        }
        at += count;
        size_bytes -= (size_t)count;
    }
}
