// SPDX-License-Identifier: PostgreSQL
/*
 * Arena: memory by lifetime.
 *
 * A unit of work (a request, a snapshot, an advisor run) owns one arena; everything it makes lives there and
 * is freed at once. Allocation is a pointer bump. Memory is zeroed and aligned for any type. An arena has a
 * name and a limit: running past the limit or out of memory ends the process with the arena's name, so no
 * caller checks for NULL. Input that could reach the limit must be bounded before it is copied in.
 *
 * Not thread-safe: one arena belongs to one thread at a time.
 *
 *     FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("advise", 1 << 30);
 *     char *name = arena_printf(arena, "%s_%s_idx", table, column);
 */
#ifndef FETTLE_BASE_ARENA_H
#define FETTLE_BASE_ARENA_H

#include "base/attributes.h"

#include <stdarg.h>

typedef struct Arena Arena;

/* A new, empty arena. name must outlive it (a literal); limit_bytes bounds the sum of all allocations, each
 * rounded up to the alignment. */
#define ARENA_LIMIT_BYTES_MOST (SIZE_MAX / 2)
Arena *arena_new(const char *name, size_t limit_bytes);

/* Frees the arena and all in it; NULL is allowed. */
void arena_free(Arena *arena);

/* For FETTLE_CLEANUP: frees *arena. */
void arena_free_at(Arena **arena);

/* size_bytes zeroed bytes (a size of 0 gives a valid pointer). */
void *arena_alloc(Arena *arena, size_t size_bytes);

/* count × size_bytes zeroed bytes; an overflowing product ends the process like an exhausted limit. */
void *arena_alloc_array(Arena *arena, size_t count, size_t size_bytes);

#define ARENA_NEW(arena, Type) ((Type *)arena_alloc((arena), sizeof(Type)))
#define ARENA_NEW_ARRAY(arena, Type, count) ((Type *)arena_alloc_array((arena), (count), sizeof(Type)))

/* Copies of text; NULL in gives NULL out. arena_strndup copies at most length bytes and terminates. */
char *arena_strdup(Arena *arena, const char *text);
char *arena_strndup(Arena *arena, const char *text, size_t length);
void *arena_memdup(Arena *arena, const void *data, size_t size_bytes);

char *arena_printf(Arena *arena, const char *format, ...) FETTLE_PRINTF(2, 3);
char *arena_vprintf(Arena *arena, const char *format, va_list arguments) FETTLE_PRINTF(2, 0);

/* Bytes handed out so far. */
size_t arena_used_bytes(const Arena *arena);

/* Rewinding: everything allocated after the mark is released at once. Marks nest like a stack. */
typedef struct ArenaMark {
    void *block;
    size_t block_used_bytes;
    size_t used_bytes;
} ArenaMark;

ArenaMark arena_mark(const Arena *arena);
void arena_rewind(Arena *arena, ArenaMark mark);

#endif
