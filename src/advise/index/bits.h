// SPDX-License-Identifier: PostgreSQL
/*
 * Bits: a set of small numbers (candidates), of one width per search.
 */
#ifndef FETTLE_ADVISE_INDEX_BITS_H
#define FETTLE_ADVISE_INDEX_BITS_H

#include "base/arena.h"
#include "base/hash.h"

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

static inline bool
bits_equal(Bits a, Bits b)
{
    return bits_is_subset(a, b) && bits_is_subset(b, a);
}

static inline bool
bits_meet(Bits a, Bits b)
{
    for (size_t i = 0; i < a.word_count; i++)
        if (a.words[i] & b.words[i])
            return true;
    return false;
}

/* The only member that both have; SIZE_MAX when they have none or several in common. */
static inline size_t
bits_only_common(Bits a, Bits b)
{
    size_t only = SIZE_MAX;
    for (size_t i = 0; i < a.word_count; i++) {
        uint64_t both = a.words[i] & b.words[i];
        if (both == 0)
            continue;
        if (only != SIZE_MAX || (both & (both - 1)) != 0)
            return SIZE_MAX;
        only = i * 64 + (size_t)__builtin_ctzll(both);
    }
    return only;
}

static inline size_t
bits_count(Bits bits)
{
    size_t count = 0;
    for (size_t i = 0; i < bits.word_count; i++)
        count += (size_t)__builtin_popcountll(bits.words[i]);
    return count;
}

/* Equal for equal sets of one size. */
static inline uint64_t
bits_hash(Bits bits)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < bits.word_count; i++)
        hash = hash_combine(hash, bits.words[i]);
    return hash;
}

/* The first member from a number on; SIZE_MAX when there is none:
 *     for (size_t i = bits_next(set, 0); i != SIZE_MAX; i = bits_next(set, i + 1))
 */
static inline size_t
bits_next(Bits bits, size_t from)
{
    for (size_t word = from / 64; word < bits.word_count; word++) {
        uint64_t left = bits.words[word];
        if (word == from / 64)
            left &= ~UINT64_C(0) << (from % 64);
        if (left != 0)
            return word * 64 + (size_t)__builtin_ctzll(left);
    }
    return SIZE_MAX;
}

/* To the first set, in place: what the other is, all of the other, only those of the other, none of the
 * other. */
static inline void
bits_set(Bits bits, Bits other)
{
    fettle_assert(bits.word_count == other.word_count);
    if (bits.word_count > 0)
        memcpy(bits.words, other.words, bits.word_count * sizeof(uint64_t));
}

static inline void
bits_join(Bits bits, Bits other)
{
    for (size_t i = 0; i < bits.word_count; i++)
        bits.words[i] |= other.words[i];
}

static inline void
bits_keep(Bits bits, Bits other)
{
    for (size_t i = 0; i < bits.word_count; i++)
        bits.words[i] &= other.words[i];
}

static inline void
bits_subtract(Bits bits, Bits other)
{
    for (size_t i = 0; i < bits.word_count; i++)
        bits.words[i] &= ~other.words[i];
}

#endif
