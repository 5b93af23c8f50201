// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/arena.h"
#include "base/random.h"

#include <string.h>

static void
memory_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    Random random = random_new(1);
    unsigned char *pieces[500];
    size_t sizes[500];
    for (size_t i = 0; i < 500; i++) {
        sizes[i] = (size_t)random_below(&random, i % 50 == 0 ? 200000 : 300);
        pieces[i] = arena_alloc(arena, sizes[i]);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(pieces[i][k], 0);
        memset(pieces[i], (int)(i % 255) + 1, sizes[i]);
    }
    for (size_t i = 0; i < 500; i++)
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(pieces[i][k], i % 255 + 1);
}

static void
nothing_is_a_valid_size(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1024);
    char *a = arena_alloc(arena, 0);
    char *b = arena_alloc_array(arena, 0, SIZE_MAX);
    assert_true(a != NULL && b != NULL && a != b);
    assert_non_null(arena_memdup(arena, NULL, 0));
}

static void
copies_end_where_they_should(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 4096);
    assert_null(arena_strdup(arena, NULL));
    assert_null(arena_strndup(arena, NULL, 5));
    const char *text = "köln";
    char *copy = arena_strdup(arena, text);
    assert_string_equal(copy, text);
    assert_ptr_not_equal(copy, text);
    assert_string_equal(arena_strndup(arena, "abc", 2), "ab");
    assert_string_equal(arena_strndup(arena, "abc", 100), "abc");
    assert_string_equal(arena_strndup(arena, "abc", 0), "");
    assert_string_equal(arena_strndup(arena, "a\0b", 3), "a");
    assert_memory_equal(arena_memdup(arena, "a\0b", 4), "a\0b", 4);
}

static char *format_list(Arena *arena, const char *format, ...) FETTLE_PRINTF(2, 3);

static char *
format_list(Arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = arena_vprintf(arena, format, arguments);
    va_end(arguments);
    return text;
}

static void
formatting_takes_any_length(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    assert_string_equal(arena_printf(arena, "%s_%d_idx", "orders", 7), "orders_7_idx");
    assert_string_equal(format_list(arena, "%c%s", 'x', ""), "x");
    assert_string_equal(arena_printf(arena, "%s", ""), "");
    char *wide = arena_printf(arena, "%*d", 100000, 5);
    assert_int_equal(strlen(wide), 100000);
    assert_int_equal(wide[99999], '5');
}

static void
used_bytes_cover_what_was_asked_for(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    assert_int_equal(arena_used_bytes(arena), 0);
    size_t asked = 0;
    for (size_t i = 1; i < 200; i++) {
        arena_alloc(arena, i);
        asked += i;
        assert_true(arena_used_bytes(arena) >= asked);
    }
    assert_true(arena_used_bytes(arena) <= asked + 199 * 3 * _Alignof(max_align_t));
}

static void
rewinding_gives_back_what_came_after_and_keeps_the_rest(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    ArenaMark empty = arena_mark(arena);
    char *kept = arena_strdup(arena, "kept");
    size_t used = arena_used_bytes(arena);
    Random random = random_new(2);
    for (int round = 0; round < 200; round++) {
        ArenaMark outer = arena_mark(arena);
        memset(arena_alloc(arena, (size_t)random_below(&random, 60000)), 0xFF, 1);
        ArenaMark inner = arena_mark(arena);
        arena_alloc(arena, (size_t)random_below(&random, 60000));
        arena_rewind(arena, inner);
        arena_rewind(arena, outer);
        assert_int_equal(arena_used_bytes(arena), used);
        char *zeroed = arena_alloc(arena, 64);
        for (int i = 0; i < 64; i++)
            assert_int_equal(zeroed[i], 0);
        arena_rewind(arena, outer);
    }
    assert_string_equal(kept, "kept");
    arena_rewind(arena, empty);
    assert_int_equal(arena_used_bytes(arena), 0);
}

static void
rewinding_frees_the_limit(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 100000);
    for (int i = 0; i < 50; i++) {
        ArenaMark mark = arena_mark(arena);
        arena_alloc(arena, 90000);
        arena_rewind(arena, mark);
    }
    assert_int_equal(arena_used_bytes(arena), 0);
}

static void
allocate_bytes(void *size_bytes)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("small", 1000);
    arena_alloc(arena, 100);
    arena_alloc(arena, *(size_t *)size_bytes);
}

static void
running_past_the_limit_ends_the_process_with_the_arenas_name(void **state)
{
    (void)state;
    size_t sizes[] = {901, 1000, 1001, SIZE_MAX / 2, SIZE_MAX - 15, SIZE_MAX};
    for (size_t i = 0; i < FETTLE_COUNT_OF(sizes); i++)
        assert_dies(allocate_bytes, &sizes[i], "out of memory in \"small\"");
}

static void
allocate_array(void *ignored)
{
    (void)ignored;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("array", ARENA_LIMIT_BYTES_MOST);
    arena_alloc_array(arena, SIZE_MAX / 8 + 2, 8);
}

/* AddressSanitizer refuses such a size by itself instead of giving NULL. */
#ifndef __SANITIZE_ADDRESS__
static void
allocate_more_than_there_is(void *ignored)
{
    (void)ignored;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("huge", ARENA_LIMIT_BYTES_MOST);
    arena_alloc(arena, (size_t)1 << 61);
}

static void
memory_that_the_system_does_not_have_ends_the_process(void **state)
{
    (void)state;
    assert_dies(allocate_more_than_there_is, NULL, "out of memory in \"huge\"");
}
#endif

static void
make_without_a_limit(void *limit_bytes)
{
    arena_free(arena_new("limitless", *(size_t *)limit_bytes));
}

static void
a_product_that_overflows_ends_the_process(void **state)
{
    (void)state;
    assert_dies(allocate_array, NULL, "out of memory in \"array\"");
}

static void
a_limit_is_asked_for(void **state)
{
    (void)state;
    size_t limits[] = {0, ARENA_LIMIT_BYTES_MOST + 1, SIZE_MAX};
    for (size_t i = 0; i < FETTLE_COUNT_OF(limits); i++)
        assert_dies(make_without_a_limit, &limits[i], "limit_bytes");
}

static void
freeing_nothing_is_allowed(void **state)
{
    (void)state;
    arena_free(NULL);
    Arena *arena = NULL;
    arena_free_at(&arena);
    arena = arena_new("test", 100);
    arena_free_at(&arena);
    assert_null(arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(nothing_is_a_valid_size),
        cmocka_unit_test(copies_end_where_they_should),
        cmocka_unit_test(formatting_takes_any_length),
        cmocka_unit_test(used_bytes_cover_what_was_asked_for),
        cmocka_unit_test(rewinding_gives_back_what_came_after_and_keeps_the_rest),
        cmocka_unit_test(rewinding_frees_the_limit),
        cmocka_unit_test(running_past_the_limit_ends_the_process_with_the_arenas_name),
        cmocka_unit_test(a_product_that_overflows_ends_the_process),
#ifndef __SANITIZE_ADDRESS__
        cmocka_unit_test(memory_that_the_system_does_not_have_ends_the_process),
#endif
        cmocka_unit_test(a_limit_is_asked_for),
        cmocka_unit_test(freeing_nothing_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
