// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/list.h"

typedef struct Point {
    int64_t x;
    char y;
} Point;

VECTOR_DEFINE(PointList, Point);

static void
a_vector_keeps_what_is_pushed_in_order(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    PointList list = {0};
    for (int i = 0; i < 10000; i++) {
        vector_push(arena, &list, ((Point){.x = i, .y = (char)(i % 100)}));
        assert_int_equal(list.count, (size_t)i + 1);
        assert_true(list.capacity >= list.count);
    }
    for (int i = 0; i < 10000; i++)
        assert_true(list.items[i].x == i && list.items[i].y == i % 100);
    /* growth doubles: the memory in all stays under four times that of the items */
    assert_true(arena_used_bytes(arena) < 4 * 10000 * sizeof(Point));
}

static void
growing_leaves_the_old_array_as_it_was(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    int first[] = {1, 2, 3};
    size_t capacity = 3;
    int *grown = vector_grow(arena, first, 3, &capacity, sizeof(int));
    assert_ptr_not_equal(grown, first);
    assert_int_equal(capacity, 6);
    grown[0] = 9;
    assert_int_equal(first[0], 1);
    assert_true(grown[1] == 2 && grown[2] == 3 && grown[5] == 0);
}

static void
grow_beyond_all_memory(void *ignored)
{
    (void)ignored;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("vector", 1000);
    int item = 0;
    size_t capacity = SIZE_MAX / 4;
    vector_grow(arena, &item, 1, &capacity, sizeof(int64_t));
}

static void
overflow_doubled(void *ignored)
{
    (void)ignored;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("vector", 1000);
    int item = 0;
    size_t capacity = SIZE_MAX / 2 + 1;
    vector_grow(arena, &item, SIZE_MAX / 2 + 1, &capacity, 1);
}

static void
growth_that_overflows_ends_the_process(void **state)
{
    (void)state;
    assert_dies(grow_beyond_all_memory, NULL, "out of memory in \"vector\"");
    assert_dies(overflow_doubled, NULL, "wanted > count");
}

static void
a_text_is_found_by_its_bytes(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 4096);
    TextList list = {0};
    assert_false(text_list_contains(&list, ""));
    char first[] = "orders";
    vector_push(arena, &list, first);
    vector_push(arena, &list, "");
    assert_true(text_list_contains(&list, "orders"));
    assert_true(text_list_contains(&list, ""));
    assert_false(text_list_contains(&list, "Orders"));
    assert_false(text_list_contains(&list, "order"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vector_keeps_what_is_pushed_in_order),
        cmocka_unit_test(growing_leaves_the_old_array_as_it_was),
        cmocka_unit_test(growth_that_overflows_ends_the_process),
        cmocka_unit_test(a_text_is_found_by_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
