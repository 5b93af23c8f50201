// SPDX-License-Identifier: PostgreSQL
#include "base/map.h"

#include "base/hash.h"

#include <string.h>

#define MAP_FIRST_SLOTS 16

typedef struct MapEntry {
    uint64_t hash;
    char *key;
    size_t key_bytes;
    void *value;
} MapEntry;

/* Open addressing over positions: slots hold entry index + 1, so that entries keep their order. */
struct Map {
    Arena *arena;
    MapEntry *entries;
    size_t count;
    uint32_t *slots;
    size_t slot_count; /* a power of two; entries has room for half of it */
};

Map *
map_new(Arena *arena)
{
    Map *map = ARENA_NEW(arena, Map);
    map->arena = arena;
    map->slot_count = MAP_FIRST_SLOTS;
    map->slots = ARENA_NEW_ARRAY(arena, uint32_t, map->slot_count);
    map->entries = ARENA_NEW_ARRAY(arena, MapEntry, map->slot_count / 2);
    return map;
}

static size_t
map_slot_find(const Map *map, const void *key, size_t key_bytes, uint64_t hash)
{
    size_t slot = (size_t)hash & (map->slot_count - 1);
    while (map->slots[slot] != 0) {
        const MapEntry *entry = &map->entries[map->slots[slot] - 1];
        if (entry->hash == hash && entry->key_bytes == key_bytes && memcmp(entry->key, key, key_bytes) == 0)
            break;
        slot = (slot + 1) & (map->slot_count - 1);
    }
    return slot;
}

static void
map_grow(Map *map)
{
    size_t slot_count = map->slot_count * 2;
    fettle_assert(slot_count < UINT32_MAX);
    MapEntry *entries = ARENA_NEW_ARRAY(map->arena, MapEntry, slot_count / 2);
    memcpy(entries, map->entries, map->count * sizeof(*entries));
    map->entries = entries;
    map->slots = ARENA_NEW_ARRAY(map->arena, uint32_t, slot_count);
    map->slot_count = slot_count;
    for (size_t i = 0; i < map->count; i++)
        map->slots[map_slot_find(map, entries[i].key, entries[i].key_bytes, entries[i].hash)] =
            (uint32_t)i + 1;
}

static void
map_put_bytes(Map *map, const void *key, size_t key_bytes, void *value)
{
    fettle_assert(value != NULL);
    uint64_t hash = hash_bytes(key, key_bytes, 0);
    size_t slot = map_slot_find(map, key, key_bytes, hash);
    if (map->slots[slot] != 0) {
        map->entries[map->slots[slot] - 1].value = value;
        return;
    }
    if (map->count == map->slot_count / 2) {
        map_grow(map);
        slot = map_slot_find(map, key, key_bytes, hash);
    }
    char *copy = arena_alloc(map->arena, key_bytes + 1);
    memcpy(copy, key, key_bytes);
    map->entries[map->count] = (MapEntry){.hash = hash, .key = copy, .key_bytes = key_bytes, .value = value};
    map->slots[slot] = (uint32_t)++map->count;
}

static void *
map_get_bytes(const Map *map, const void *key, size_t key_bytes)
{
    size_t slot = map_slot_find(map, key, key_bytes, hash_bytes(key, key_bytes, 0));
    return map->slots[slot] == 0 ? NULL : map->entries[map->slots[slot] - 1].value;
}

void
map_put(Map *map, const char *key, void *value)
{
    map_put_bytes(map, key, strlen(key), value);
}

void
map_put_id(Map *map, uint64_t key, void *value)
{
    map_put_bytes(map, &key, sizeof(key), value);
}

void *
map_get(const Map *map, const char *key)
{
    return map_get_bytes(map, key, strlen(key));
}

void *
map_get_id(const Map *map, uint64_t key)
{
    return map_get_bytes(map, &key, sizeof(key));
}

size_t
map_count(const Map *map)
{
    return map->count;
}

const char *
map_key_at(const Map *map, size_t position)
{
    fettle_assert(position < map->count);
    return map->entries[position].key;
}

uint64_t
map_id_at(const Map *map, size_t position)
{
    fettle_assert(position < map->count && map->entries[position].key_bytes == sizeof(uint64_t));
    uint64_t id;
    memcpy(&id, map->entries[position].key, sizeof(id));
    return id;
}

void *
map_value_at(const Map *map, size_t position)
{
    fettle_assert(position < map->count);
    return map->entries[position].value;
}
