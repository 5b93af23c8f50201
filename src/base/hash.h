// SPDX-License-Identifier: PostgreSQL
/*
 * hash_bytes: a fast 64-bit hash (the XXH64 algorithm of Yann Collet's specification), stable across machines
 * and versions, so it may be stored. Not for secrets.
 */
#ifndef FETTLE_BASE_HASH_H
#define FETTLE_BASE_HASH_H

#include "base/attributes.h"

uint64_t hash_bytes(const void *data, size_t size_bytes, uint64_t seed);
uint64_t hash_text(const char *text);

/* Order-dependent combination of two hashes. */
uint64_t hash_combine(uint64_t a, uint64_t b);

#endif
