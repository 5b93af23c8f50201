// SPDX-License-Identifier: PostgreSQL
#include "plan_read.h"

#include <string.h>

/* The same plan but for one thing each; %s is where it differs. */
static const char base_root[] =
    "{\"Node Type\": \"Hash Join\", \"Join Type\": \"Inner\", \"Startup Cost\": 1, \"Total Cost\": 10, "
    "\"Plan Rows\": 5,"
    " \"Plan Width\": 8, \"Plans\": [{\"Node Type\": \"Seq Scan\", \"Parent Relationship\": \"Outer\","
    " \"Relation Name\": \"a\", \"Alias\": \"a\", \"Total Cost\": 4}, {\"Node Type\": \"Index Scan\","
    " \"Relation Name\": \"b\", \"Alias\": \"b\", \"Index Name\": \"i\", \"Scan Direction\": \"Forward\"}]}";

static const char *
replaced(Arena *arena, const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    assert_non_null(at);
    return arena_printf(arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void
a_change_of_shape_changes_the_hash(void **state)
{
    (void)state;
    static const char *const changes[][2] = {
        {"Hash Join", "Merge Join"},
        {"Inner", "Left"},
        {"\"a\", \"Alias\"", "\"c\", \"Alias\""},
        {"\"Alias\": \"b\"", "\"Alias\": \"b1\""},
        {"\"i\"", "\"j\""},
        {"Forward", "Backward"},
        {"Outer", "Inner"},
        {"\"Alias\": \"a\"", "\"Strategy\": \"Plain\", \"Alias\": \"a\""},
        {"\"Alias\": \"a\"", "\"Partial Mode\": \"Partial\", \"Alias\": \"a\""}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    const PgPlan *base = plan_read_root(arena, base_root);
    for (size_t i = 0; i < FETTLE_COUNT_OF(changes); i++) {
        const PgPlan *other = plan_read_root(arena, replaced(arena, base_root, changes[i][0], changes[i][1]));
        assert_true(pg_plan_shape_hash(base) != pg_plan_shape_hash(other));
        assert_false(pg_plan_is_identical(base, other));
    }
}

static void
a_change_of_figures_keeps_the_hash_and_ends_identity(void **state)
{
    (void)state;
    static const char *const changes[][2] = {
        {"\"Startup Cost\": 1", "\"Startup Cost\": 1.01"},
        {"\"Total Cost\": 10", "\"Total Cost\": 10.01"},
        {"\"Plan Rows\": 5", "\"Plan Rows\": 6"},
        {"\"Plan Width\": 8", "\"Plan Width\": 9"},
        {"\"Total Cost\": 4", "\"Total Cost\": 5"},
        {"\"Total Cost\": 4", "\"Filter\": \"x\""},
        {"\"Total Cost\": 4", "\"Workers Planned\": 2, \"Total Cost\": 4"}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    const PgPlan *base = plan_read_root(arena, base_root);
    for (size_t i = 0; i < FETTLE_COUNT_OF(changes); i++) {
        const PgPlan *other = plan_read_root(arena, replaced(arena, base_root, changes[i][0], changes[i][1]));
        assert_true(pg_plan_shape_hash(base) == pg_plan_shape_hash(other));
        assert_false(pg_plan_is_identical(base, other));
        assert_false(pg_plan_is_identical(other, base));
    }
}

static void
what_was_measured_and_conditions_do_not_count(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    const PgPlan *base = plan_read_root(arena, base_root);
    const PgPlan *other = plan_read_root(
        arena,
        replaced(
            arena, base_root, "\"Plan Width\": 8",
            "\"Plan Width\": 8, \"Actual Rows\": 7, \"Actual Total Time\": 3, \"Filter\": \"(x = $1)\""));
    assert_true(pg_plan_is_identical(base, other));
    assert_true(pg_plan_is_identical(base, base));
    assert_true(pg_plan_is_identical(plan_read_root(arena, base_root), base));
}

static void
nesting_and_order_count(void **state)
{
    (void)state;
    static const char *const roots[] = {
        "{\"Node Type\": \"a\", \"Plans\": [{\"Node Type\": \"b\"}, {\"Node Type\": \"c\"}]}",
        "{\"Node Type\": \"a\", \"Plans\": [{\"Node Type\": \"c\"}, {\"Node Type\": \"b\"}]}",
        "{\"Node Type\": \"a\", \"Plans\": [{\"Node Type\": \"b\", \"Plans\": [{\"Node Type\": \"c\"}]}]}",
        "{\"Node Type\": \"a\", \"Plans\": [{\"Node Type\": \"b\"}]}", "{\"Node Type\": \"a\"}"};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    for (size_t i = 0; i < FETTLE_COUNT_OF(roots); i++)
        for (size_t k = 0; k < FETTLE_COUNT_OF(roots); k++) {
            const PgPlan *a = plan_read_root(arena, roots[i]);
            const PgPlan *b = plan_read_root(arena, roots[k]);
            assert_int_equal(pg_plan_shape_hash(a) == pg_plan_shape_hash(b), i == k);
            assert_int_equal(pg_plan_is_identical(a, b), i == k);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_of_shape_changes_the_hash),
        cmocka_unit_test(a_change_of_figures_keeps_the_hash_and_ends_identity),
        cmocka_unit_test(what_was_measured_and_conditions_do_not_count),
        cmocka_unit_test(nesting_and_order_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
