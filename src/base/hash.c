// SPDX-License-Identifier: PostgreSQL
/*
 * XXH64, written from its public specification: four lanes of 8 bytes over 32-byte stripes, merged, then the
 * tail by 8, 4 and 1 bytes, then an avalanche. Words are read as little-endian on every machine.
 */
#include "base/hash.h"

#include <endian.h>
#include <string.h>

#define PRIME_1 UINT64_C(0x9E3779B185EBCA87)
#define PRIME_2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define PRIME_3 UINT64_C(0x165667B19E3779F9)
#define PRIME_4 UINT64_C(0x85EBCA77C2B2AE63)
#define PRIME_5 UINT64_C(0x27D4EB2F165667C5)

static uint64_t
rotate_left(uint64_t value, int bits)
{
    return (value << bits) | (value >> (64 - bits));
}

static uint64_t
read_little_endian(const unsigned char *data, size_t bytes)
{
    uint64_t value = 0;
    memcpy(&value, data, bytes);
    return bytes == 4 ? le32toh((uint32_t)value) : le64toh(value);
}

static uint64_t
lane_round(uint64_t lane, uint64_t input)
{
    return rotate_left(lane + input * PRIME_2, 31) * PRIME_1;
}

static uint64_t
lane_merge(uint64_t hash, uint64_t lane)
{
    return (hash ^ lane_round(0, lane)) * PRIME_1 + PRIME_4;
}

static uint64_t
hash_stripes(const unsigned char **data, size_t *left, uint64_t seed)
{
    uint64_t lanes[4] = {seed + PRIME_1 + PRIME_2, seed + PRIME_2, seed, seed - PRIME_1};
    while (*left >= 32) {
        for (int i = 0; i < 4; i++)
            lanes[i] = lane_round(lanes[i], read_little_endian(*data + i * 8, 8));
        *data += 32;
        *left -= 32;
    }
    uint64_t hash = rotate_left(lanes[0], 1) + rotate_left(lanes[1], 7) + rotate_left(lanes[2], 12) +
                    rotate_left(lanes[3], 18);
    for (int i = 0; i < 4; i++)
        hash = lane_merge(hash, lanes[i]);
    return hash;
}

uint64_t
hash_bytes(const void *data, size_t size_bytes, uint64_t seed)
{
    const unsigned char *at = data;
    size_t left = size_bytes;
    uint64_t hash = size_bytes >= 32 ? hash_stripes(&at, &left, seed) : seed + PRIME_5;
    hash += size_bytes;
    for (; left >= 8; at += 8, left -= 8)
        hash = rotate_left(hash ^ lane_round(0, read_little_endian(at, 8)), 27) * PRIME_1 + PRIME_4;
    if (left >= 4) {
        hash = rotate_left(hash ^ (read_little_endian(at, 4) * PRIME_1), 23) * PRIME_2 + PRIME_3;
        at += 4;
        left -= 4;
    }
    for (; left > 0; at++, left--)
        hash = rotate_left(hash ^ (*at * PRIME_5), 11) * PRIME_1;
    hash = (hash ^ (hash >> 33)) * PRIME_2;
    hash = (hash ^ (hash >> 29)) * PRIME_3;
    return hash ^ (hash >> 32);
}

uint64_t
hash_text(const char *text)
{
    return hash_bytes(text, strlen(text), 0);
}

uint64_t
hash_combine(uint64_t a, uint64_t b)
{
    uint64_t pair[2] = {a, b};
    return hash_bytes(pair, sizeof(pair), PRIME_3);
}
