// SPDX-License-Identifier: PostgreSQL
#include "../memory_workload.h"

#include "advise/index/write_cost.h"

#include <math.h>

/* What an index on customer_id costs one statement that writes. */
static double
cost_of(Arena *arena, MemoryStatement statement, int attnum)
{
    Fixture fixture = memory_workload(arena, memory_shop, &statement, 1);
    Candidate candidate = {.relation = snapshot_relation_named(fixture.context.snapshot, "public", "orders"),
                           .keys = {{.attnum = attnum, .expression = attnum == 0 ? "lower(note)" : NULL}},
                           .key_count = 1};
    return index_write_cost(&fixture.context, &candidate);
}

static void
rows_written_cost_by_kind_of_statement(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    const MemoryStatement select = {"select * from orders where customer_id = 1", 100, 50, 100, 10};
    const MemoryStatement insert = {"insert into orders (id) values ($1)", 100, 50, 1000, 10};
    const MemoryStatement touch = {"update orders set customer_id = $1 where id = $2", 100, 50, 1000, 10};
    const MemoryStatement other = {"update orders set total = $1 where id = $2", 100, 50, 1000, 10};
    const MemoryStatement elsewhere = {"insert into small values (1, 2)", 100, 50, 1000, 10};
    const MemoryStatement remove = {"delete from orders where id = $1", 100, 50, 1000, 10};
    assert_true(cost_of(arena, select, 2) == 0);
    assert_true(cost_of(arena, elsewhere, 2) == 0);
    assert_true(cost_of(arena, remove, 2) == 0);
    assert_true(fabs(cost_of(arena, insert, 2) - 1000 * 0.004) < 1e-9);
    /* an update of the key ends being HOT, for the other indexes of the table too */
    assert_true(cost_of(arena, touch, 2) > cost_of(arena, insert, 2));
    assert_true(cost_of(arena, other, 2) > 0 && cost_of(arena, other, 2) < cost_of(arena, insert, 2));
    /* an expression may read any column */
    assert_true(cost_of(arena, other, 0) == cost_of(arena, touch, 2));
}

static void
the_cost_grows_with_the_rows_and_falls_back_on_the_calls(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    MemoryStatement insert = {"insert into orders (id) values ($1)", 100, 50, 1000, 10};
    double once = cost_of(arena, insert, 2);
    insert.rows = 2000;
    assert_true(fabs(cost_of(arena, insert, 2) - 2 * once) < 1e-9);
    static const double unknown[] = {NAN, 0, -5};
    for (int i = 0; i < 3; i++) {
        insert.rows = unknown[i];
        assert_true(fabs(cost_of(arena, insert, 2) - 100 * 0.004) < 1e-9);
    }
    insert.calls = NAN;
    insert.rows = NAN;
    assert_true(cost_of(arena, insert, 2) == 0);
}

static void
without_times_the_cost_is_in_the_planners_units(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    MemoryStatement insert = {"insert into orders (id) values ($1)", 100, 50, 1000, 10};
    double in_ms = cost_of(arena, insert, 2);
    insert.total_ms = NAN;
    assert_true(fabs(cost_of(arena, insert, 2) - 400 * in_ms) < 1e-6);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_written_cost_by_kind_of_statement),
        cmocka_unit_test(the_cost_grows_with_the_rows_and_falls_back_on_the_calls),
        cmocka_unit_test(without_times_the_cost_is_in_the_planners_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
