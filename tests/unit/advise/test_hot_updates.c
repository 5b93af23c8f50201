// SPDX-License-Identifier: PostgreSQL
#include "memory_workload.h"

#include "advise/hot_updates.h"

#include <string.h>

/* Of one UPDATE of orders, 0.3 where it is unknown. */
static double
share_of(Arena *arena, const char *snapshot, const char *text)
{
    const MemoryStatement statement = {text, 1, 1, 1, 8};
    Fixture fixture = memory_workload(arena, snapshot, &statement, 1);
    const SqlRelationUse *use = &fixture.workload->statements[0].analysis->uses[0];
    return hot_updates_share(fixture.context.snapshot, use,
                             snapshot_relation(fixture.context.snapshot, use->relation_id), 0.3);
}

static void
an_update_is_hot_as_often_as_the_tables_figures_say(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    static const char text[] = "update orders set total = $1 where id = $2";
    static const char activity[] = "@activity relation_id tuples_updated tuples_hot_updated\n1|%d|%d\n";
    static const struct {
        int updated, hot;
        double share;
    } cases[] = {{1000, 900, 0.9}, {1000, 0, 0}, {0, 0, 0.3}, {10, 20, 1}};
    assert_true(share_of(arena, memory_shop, text) == 0.3);
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++)
        assert_true(share_of(arena,
                             arena_printf(arena, "%s%s", memory_shop,
                                          arena_printf(arena, activity, cases[i].updated, cases[i].hot)),
                             text) == cases[i].share);
}

static void
none_is_hot_that_sets_what_an_index_holds(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    assert_true(share_of(arena, memory_shop, "update orders set id = $1 where id = $2") == 0);
    assert_true(share_of(arena, memory_shop, "update orders set total = 1, id = $1 where id = $2") == 0);
}

static void
a_brin_index_leaves_them_hot_from_16(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    const char *brin = arena_printf(
        arena, "%.*s%s%s", (int)(strstr(memory_shop, "@index_columns") - memory_shop), memory_shop,
        "11|1|public|orders_total|brin|CREATE INDEX orders_total ON public.orders USING brin "
        "(total)|f|f|t\n",
        arena_printf(arena,
                     "@index_columns id attnum expression operator_class "
                     "is_default_operator_class\n10|1|\\N|int4_ops|t\n11|4|\\N|numeric_minmax_ops|t\n%s",
                     strstr(memory_shop, "@sizes")));
    const char *newer =
        arena_printf(arena, "@meta key value\nserver_version_num|160004\ncollate|en_US.UTF-8\n%s",
                     strstr(brin, "@relations"));
    static const char text[] = "update orders set total = $1 where id = $2";
    assert_true(share_of(arena, brin, text) == 0);
    assert_true(share_of(arena, newer, text) == 0.3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_update_is_hot_as_often_as_the_tables_figures_say),
        cmocka_unit_test(none_is_hot_that_sets_what_an_index_holds),
        cmocka_unit_test(a_brin_index_leaves_them_hot_from_16),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
