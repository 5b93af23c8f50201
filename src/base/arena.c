// SPDX-License-Identifier: PostgreSQL
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONS 1
#endif
#endif

#ifdef ARENA_POISONS
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

#define ARENA_ALIGNMENT _Alignof(max_align_t)
#define ARENA_BLOCK_FIRST_BYTES ((size_t)8 * 1024)
#define ARENA_BLOCK_MOST_BYTES ((size_t)1024 * 1024)
/* Under AddressSanitizer a gap after each allocation catches writes past its end. */
#ifdef ARENA_POISONS
#define ARENA_RED_ZONE_BYTES ARENA_ALIGNMENT
#else
#define ARENA_RED_ZONE_BYTES ((size_t)0)
#endif

typedef struct ArenaBlock {
    struct ArenaBlock *previous;
    size_t size_bytes;
    size_t used_bytes;
    _Alignas(max_align_t) char data[];
} ArenaBlock;

struct Arena {
    const char *name;
    size_t limit_bytes;
    size_t used_bytes;
    ArenaBlock *block;
};

static void FETTLE_NORETURN
arena_exhausted(const Arena *arena, size_t size_bytes)
{
    fprintf(stderr, "fettle: out of memory in \"%s\": %zu bytes more than the %zu of %zu in use\n",
            arena->name, size_bytes, arena->used_bytes, arena->limit_bytes);
    exit(70);
}

Arena *
arena_new(const char *name, size_t limit_bytes)
{
    fettle_assert(name != NULL && limit_bytes > 0 && limit_bytes <= ARENA_LIMIT_BYTES_MOST);
    Arena *arena = calloc(1, sizeof(*arena));
    if (arena == NULL) {
        fprintf(stderr, "fettle: out of memory in \"%s\"\n", name);
        exit(70);
    }
    arena->name = name;
    arena->limit_bytes = limit_bytes;
    return arena;
}

static void
arena_block_release(ArenaBlock *block)
{
    ASAN_UNPOISON_MEMORY_REGION(block->data, block->size_bytes);
    free(block);
}

void
arena_free(Arena *arena)
{
    if (arena == NULL)
        return;
    while (arena->block != NULL) {
        ArenaBlock *previous = arena->block->previous;
        arena_block_release(arena->block);
        arena->block = previous;
    }
    free(arena);
}

void
arena_free_at(Arena **arena)
{
    arena_free(*arena);
    *arena = NULL;
}

static void
arena_block_add(Arena *arena, size_t need_bytes)
{
    size_t size_bytes = arena->block == NULL ? ARENA_BLOCK_FIRST_BYTES : arena->block->size_bytes * 2;
    if (size_bytes > ARENA_BLOCK_MOST_BYTES)
        size_bytes = ARENA_BLOCK_MOST_BYTES;
    if (size_bytes < need_bytes)
        size_bytes = need_bytes;
    ArenaBlock *block = malloc(sizeof(*block) + size_bytes);
    if (block == NULL)
        arena_exhausted(arena, need_bytes);
    block->previous = arena->block;
    block->size_bytes = size_bytes;
    block->used_bytes = 0;
    ASAN_POISON_MEMORY_REGION(block->data, size_bytes);
    arena->block = block;
}

void *
arena_alloc(Arena *arena, size_t size_bytes)
{
    fettle_assert(arena != NULL);
    if (size_bytes > arena->limit_bytes)
        arena_exhausted(arena, size_bytes);
    size_t rounded = (size_bytes + ARENA_ALIGNMENT - 1) & ~(ARENA_ALIGNMENT - 1);
    size_t need_bytes = (rounded == 0 ? ARENA_ALIGNMENT : rounded) + ARENA_RED_ZONE_BYTES;
    if (need_bytes > arena->limit_bytes - arena->used_bytes)
        arena_exhausted(arena, size_bytes);
    if (arena->block == NULL || arena->block->size_bytes - arena->block->used_bytes < need_bytes)
        arena_block_add(arena, need_bytes);
    char *memory = arena->block->data + arena->block->used_bytes;
    arena->block->used_bytes += need_bytes;
    arena->used_bytes += need_bytes;
    ASAN_UNPOISON_MEMORY_REGION(memory, size_bytes);
    memset(memory, 0, size_bytes);
    return memory;
}

void *
arena_alloc_array(Arena *arena, size_t count, size_t size_bytes)
{
    size_t total_bytes;
    if (__builtin_mul_overflow(count, size_bytes, &total_bytes))
        arena_exhausted(arena, SIZE_MAX);
    return arena_alloc(arena, total_bytes);
}

char *
arena_strdup(Arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_memdup(arena, text, strlen(text) + 1);
}

char *
arena_strndup(Arena *arena, const char *text, size_t length)
{
    if (text == NULL)
        return NULL;
    size_t found = strnlen(text, length);
    char *copy = arena_alloc(arena, found + 1);
    memcpy(copy, text, found);
    return copy;
}

void *
arena_memdup(Arena *arena, const void *data, size_t size_bytes)
{
    void *copy = arena_alloc(arena, size_bytes);
    if (size_bytes > 0)
        memcpy(copy, data, size_bytes);
    return copy;
}

char *
arena_printf(Arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = arena_vprintf(arena, format, arguments);
    va_end(arguments);
    return text;
}

char *
arena_vprintf(Arena *arena, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    fettle_assert(length >= 0);
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    return text;
}

size_t
arena_used_bytes(const Arena *arena)
{
    return arena->used_bytes;
}

ArenaMark
arena_mark(const Arena *arena)
{
    return (ArenaMark){.block = arena->block,
                       .block_used_bytes = arena->block == NULL ? 0 : arena->block->used_bytes,
                       .used_bytes = arena->used_bytes};
}

void
arena_rewind(Arena *arena, ArenaMark mark)
{
    while (arena->block != mark.block) {
        fettle_assert(arena->block != NULL);
        ArenaBlock *previous = arena->block->previous;
        arena_block_release(arena->block);
        arena->block = previous;
    }
    if (arena->block != NULL) {
        ASAN_POISON_MEMORY_REGION(arena->block->data + mark.block_used_bytes,
                                  arena->block->size_bytes - mark.block_used_bytes);
        arena->block->used_bytes = mark.block_used_bytes;
    }
    arena->used_bytes = mark.used_bytes;
}
