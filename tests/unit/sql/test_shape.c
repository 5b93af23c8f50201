// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "sql/shape.h"

#include <string.h>

static SqlShape
shape_of(Arena *arena, const char *text)
{
    return sql_shape(sql_statement_parse(arena, text, strlen(text)));
}

static void
parts_are_counted_at_all_levels(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("shape", (size_t)64 << 20);
    SqlShape shape = shape_of(
        arena, "WITH w AS (SELECT DISTINCT a FROM t1, t2, t3) SELECT w.a, row_number() OVER (ORDER BY 1) "
               "FROM w JOIN t4 ON true WHERE EXISTS (SELECT 1 FROM t5 LEFT JOIN t6 USING (x)) LIMIT 5");
    assert_int_equal(shape.join_count, 4);
    assert_int_equal(shape.subquery_count, 1);
    assert_int_equal(shape.cte_count, 1);
    assert_int_equal(shape.window_count, 1);
    assert_true(shape.has_distinct && shape.has_limit && !shape.has_group_by && !shape.has_aggregate);
}

static void
aggregates_are_known_by_name_and_by_form(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("shape", (size_t)64 << 20);
    const char *aggregates[] = {"SELECT sum(a) FROM t",
                                "SELECT count(*) FROM t",
                                "SELECT mine(DISTINCT a) FROM t",
                                "SELECT mine(a ORDER BY b) FROM t",
                                "SELECT mine(a) FILTER (WHERE b) FROM t",
                                "SELECT pg_catalog.max(a) FROM t"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(aggregates); i++)
        assert_true(shape_of(arena, aggregates[i]).has_aggregate);
    assert_false(shape_of(arena, "SELECT lower(a), sum(a) OVER () FROM t").has_aggregate);
    assert_true(shape_of(arena, "SELECT a FROM t GROUP BY a").has_group_by);
    SqlShape none = shape_of(arena, "SELECT FROM WHERE");
    assert_true(none.join_count == 0 && !none.has_aggregate && !none.has_limit);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_counted_at_all_levels),
        cmocka_unit_test(aggregates_are_known_by_name_and_by_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
