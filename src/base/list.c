// SPDX-License-Identifier: PostgreSQL
#include "base/list.h"

#include <string.h>

#define VECTOR_FIRST_ITEMS 8

void *
vector_grow(Arena *arena, void *items, size_t count, size_t *capacity, size_t item_bytes)
{
    size_t wanted = *capacity == 0 ? VECTOR_FIRST_ITEMS : *capacity * 2;
    fettle_assert(wanted > count);
    void *grown = arena_alloc_array(arena, wanted, item_bytes);
    if (count > 0)
        memcpy(grown, items, count * item_bytes);
    *capacity = wanted;
    return grown;
}

bool
text_list_contains(const TextList *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], text) == 0)
            return true;
    return false;
}
