// SPDX-License-Identifier: PostgreSQL
/*
 * Vector: a typed, growing array in an arena.
 *
 *     VECTOR_DEFINE(IndexList, const SnapshotIndex *);
 *     IndexList list = {0};
 *     vector_push(arena, &list, index);
 *     for (size_t i = 0; i < list.count; i++) use(list.items[i]);
 *
 * Zero-initialised is empty. Growing leaves the old array to the arena.
 */
#ifndef FETTLE_BASE_LIST_H
#define FETTLE_BASE_LIST_H

#include "base/arena.h"

#define VECTOR_DEFINE(Name, Type)                                                                            \
    typedef struct Name {                                                                                    \
        Type *items;                                                                                         \
        size_t count;                                                                                        \
        size_t capacity;                                                                                     \
    } Name

/* Room for one more item; returns the items' new place. Used through vector_push(). */
void *vector_grow(Arena *arena, void *items, size_t count, size_t *capacity, size_t item_bytes);

#define vector_push(arena, vector, item)                                                                     \
    do {                                                                                                     \
        if ((vector)->count == (vector)->capacity)                                                           \
            (vector)->items = vector_grow((arena), (vector)->items, (vector)->count, &(vector)->capacity,    \
                                          sizeof(*(vector)->items));                                         \
        (vector)->items[(vector)->count++] = (item);                                                         \
    } while (0)

VECTOR_DEFINE(TextList, const char *);

/* True when the list holds an equal text. */
bool text_list_contains(const TextList *list, const char *text);

#endif
