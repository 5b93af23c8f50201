// SPDX-License-Identifier: PostgreSQL
/*
 * Map: hash map from a byte-string key to a pointer, in an arena.
 *
 * Keys are copied into the arena. Iteration is in order of insertion, so results do not depend on hash
 * values. There is no removal. 64-bit ids are keys through map_put_id()/map_get_id(); do not mix both kinds
 * in one map.
 */
#ifndef FETTLE_BASE_MAP_H
#define FETTLE_BASE_MAP_H

#include "base/arena.h"

typedef struct Map Map;

Map *map_new(Arena *arena);

/* Sets key to value (not NULL), replacing an earlier value. */
void map_put(Map *map, const char *key, void *value);
void map_put_id(Map *map, uint64_t key, void *value);

/* The value, or NULL. */
void *map_get(const Map *map, const char *key);
void *map_get_id(const Map *map, uint64_t key);

size_t map_count(const Map *map);

/* The entry at a position 0 .. map_count()-1, in order of first insertion. */
const char *map_key_at(const Map *map, size_t position);
uint64_t map_id_at(const Map *map, size_t position);
void *map_value_at(const Map *map, size_t position);

#endif
