// SPDX-License-Identifier: PostgreSQL
#include "../memory_workload.h"

#include "advise/index/permutation.h"

#include <string.h>

static const CandidateSet *
permutations(Arena *arena, const char *text, size_t width)
{
    Fixture fixture = memory_workload_of(arena, &text, 1);
    return candidates_permute(arena, &fixture.context, width);
}

static bool
has(const CandidateSet *set, const char *key_text)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->items[i]->key_text, key_text) == 0)
            return true;
    return false;
}

static void
every_order_of_the_columns_that_are_read_is_there_once(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    static const char text[] = "select total from orders where customer_id = 1 and status = 'x'";
    const CandidateSet *two = permutations(arena, text, 2);
    assert_int_equal(two->count, 3 + 3 * 2);
    assert_true(has(two, "status, total") && has(two, "total, status") && has(two, "customer_id"));
    assert_int_equal(permutations(arena, text, 1)->count, 3);
    assert_int_equal(permutations(arena, text, 3)->count, 3 + 6 + 6);
}

static void
a_permutation_is_relevant_only_where_each_key_serves_or_all_is_covered(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    static const char text[] = "select total from orders where customer_id = 1 and status = 'x'";
    const CandidateSet *two = permutations(arena, text, 2);
    assert_int_equal(two->relevant[0].count, 2 + 2);
    for (size_t i = 0; i < two->relevant[0].count; i++)
        assert_null(strstr(two->items[two->relevant[0].numbers[i]]->key_text, "total"));
    assert_int_equal(permutations(arena, text, 3)->relevant[0].count, 2 + 2 + 6);
    /* Nothing asks for an order of what a value is only kept away from. */
    static const char unequal[] = "select id from orders where status <> 'x' order by total";
    assert_int_equal(permutations(arena, unequal, 1)->relevant[0].count, 1);
}

static void
what_an_index_has_already_is_left_out(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    const CandidateSet *set = permutations(arena, "select id from orders where status = 'x'", 2);
    assert_true(has(set, "id, status") && has(set, "status, id") && !has(set, "id"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_of_the_columns_that_are_read_is_there_once),
        cmocka_unit_test(a_permutation_is_relevant_only_where_each_key_serves_or_all_is_covered),
        cmocka_unit_test(what_an_index_has_already_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
