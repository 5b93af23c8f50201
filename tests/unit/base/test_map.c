// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/map.h"
#include "base/random.h"

#include <stdio.h>
#include <string.h>

static void
an_empty_map_has_nothing(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Map *map = map_new(arena);
    assert_int_equal(map_count(map), 0);
    assert_null(map_get(map, ""));
    assert_null(map_get_id(map, 0));
}

static void
a_value_is_found_by_its_key_and_replaced(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Map *map = map_new(arena);
    int a = 1, b = 2, c = 3;
    char key[] = "orders";
    map_put(map, key, &a);
    map_put(map, "", &b);
    key[0] = 'x'; /* keys are copied */
    assert_ptr_equal(map_get(map, "orders"), &a);
    assert_ptr_equal(map_get(map, ""), &b);
    assert_null(map_get(map, "xrders"));
    assert_null(map_get(map, "order"));
    map_put(map, "orders", &c);
    assert_ptr_equal(map_get(map, "orders"), &c);
    assert_int_equal(map_count(map), 2);
    assert_string_equal(map_key_at(map, 0), "orders");
    assert_ptr_equal(map_value_at(map, 0), &c);
    assert_string_equal(map_key_at(map, 1), "");
}

/* Against a plain array: 20,000 puts over 5,000 keys. */
static void
a_map_of_many_keys_agrees_with_a_list(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    static char values[20000];
    static char *last[5000];
    static size_t first_at[5000];
    memset(last, 0, sizeof(last));
    Map *map = map_new(arena);
    Random random = random_new(5);
    size_t distinct = 0;
    for (size_t i = 0; i < 20000; i++) {
        size_t id = (size_t)random_below(&random, 5000);
        char key[32];
        snprintf(key, sizeof(key), "key %zu ключ", id);
        if (last[id] == NULL)
            first_at[id] = distinct++;
        last[id] = &values[i];
        map_put(map, key, &values[i]);
    }
    assert_int_equal(map_count(map), distinct);
    for (size_t id = 0; id < 5000; id++) {
        char key[32];
        snprintf(key, sizeof(key), "key %zu ключ", id);
        assert_ptr_equal(map_get(map, key), last[id]);
        if (last[id] == NULL)
            continue;
        assert_string_equal(map_key_at(map, first_at[id]), key);
        assert_ptr_equal(map_value_at(map, first_at[id]), last[id]);
    }
}

static void
ids_of_64_bits_are_keys(void **state)
{
    (void)state;
    static const uint64_t ids[] = {0, 1, UINT32_MAX, (uint64_t)UINT32_MAX + 1, UINT64_MAX, UINT64_C(1) << 63};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Map *map = map_new(arena);
    static char values[FETTLE_COUNT_OF(ids)];
    for (size_t i = 0; i < FETTLE_COUNT_OF(ids); i++)
        map_put_id(map, ids[i], &values[i]);
    for (size_t i = 0; i < FETTLE_COUNT_OF(ids); i++) {
        assert_ptr_equal(map_get_id(map, ids[i]), &values[i]);
        assert_true(map_id_at(map, i) == ids[i]);
    }
    assert_null(map_get_id(map, 2));
    assert_int_equal(map_count(map), FETTLE_COUNT_OF(ids));
}

static Map *
map_of_one(Arena *arena)
{
    static int value;
    Map *map = map_new(arena);
    map_put(map, "one", &value);
    return map;
}

static void
put_null(void *arena)
{
    map_put(map_of_one(arena), "two", NULL);
}

static void
key_beyond_the_end(void *arena)
{
    (void)map_key_at(map_of_one(arena), 1);
}

static void
value_beyond_the_end(void *arena)
{
    (void)map_value_at(map_of_one(arena), 1);
}

static void
id_of_a_text_key(void *arena)
{
    (void)map_id_at(map_of_one(arena), 0);
}

static void
misuse_is_a_bug(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    assert_dies(put_null, arena, "value != NULL");
    assert_dies(key_beyond_the_end, arena, "position < map->count");
    assert_dies(value_beyond_the_end, arena, "position < map->count");
    assert_dies(id_of_a_text_key, arena, "key_bytes");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_has_nothing),
        cmocka_unit_test(a_value_is_found_by_its_key_and_replaced),
        cmocka_unit_test(a_map_of_many_keys_agrees_with_a_list),
        cmocka_unit_test(ids_of_64_bits_are_keys),
        cmocka_unit_test(misuse_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
