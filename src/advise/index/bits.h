// SPDX-License-Identifier: PostgreSQL
/*
 * Bits: a set of small numbers (candidates), of one width per search.
 */
#ifndef FETTLE_ADVISE_INDEX_BITS_H
#define FETTLE_ADVISE_INDEX_BITS_H

#include "base/arena.h"

#include <string.h>

typedef struct Bits {
    uint64_t *words;
    size_t word_count;
} Bits;

static inline Bits
bits_new(Arena *arena, size_t size)
{
    size_t word_count = (size + 63) / 64;
    return (Bits){.words = ARENA_NEW_ARRAY(arena, uint64_t, word_count), .word_count = word_count};
}

static inline Bits
bits_copy(Arena *arena, Bits bits)
{
    Bits copy = {.words = ARENA_NEW_ARRAY(arena, uint64_t, bits.word_count), .word_count = bits.word_count};
    if (bits.word_count > 0)
        memcpy(copy.words, bits.words, bits.word_count * sizeof(uint64_t));
    return copy;
}

static inline void
bits_add(Bits bits, size_t number)
{
    fettle_assert(number / 64 < bits.word_count);
    bits.words[number / 64] |= UINT64_C(1) << (number % 64);
}

static inline void
bits_remove(Bits bits, size_t number)
{
    fettle_assert(number / 64 < bits.word_count);
    bits.words[number / 64] &= ~(UINT64_C(1) << (number % 64));
}

static inline bool
bits_has(Bits bits, size_t number)
{
    fettle_assert(number / 64 < bits.word_count);
    return (bits.words[number / 64] >> (number % 64)) & 1;
}

static inline bool
bits_is_subset(Bits inner, Bits outer)
{
    for (size_t i = 0; i < inner.word_count; i++)
        if (inner.words[i] & ~outer.words[i])
            return false;
    return true;
}

static inline bool
bits_is_empty(Bits bits)
{
    for (size_t i = 0; i < bits.word_count; i++)
        if (bits.words[i] != 0)
            return false;
    return true;
}

#endif
