// SPDX-License-Identifier: PostgreSQL
#include "memory_shop.h"

#include <string.h>

static const StatementFacts *
facts_of(Arena *arena, const char *text, const Snapshot *snapshot)
{
    WorkloadTemplates templates = shop_templates(arena, &(ShopStatement){text, 1, 1, 1}, 1);
    FactCatalog catalog = {.database_name = "shop", .snapshot = snapshot};
    StatementFacts *facts;
    facts_read(arena, &templates, &catalog, 1, &facts);
    return facts;
}

static double
role_of_column(const StatementFacts *facts, const char *table, const char *column)
{
    for (size_t i = 0; i < facts->columns.count; i++)
        if (strcmp(facts->columns.items[i].table, table) == 0 &&
            strcmp(facts->columns.items[i].column, column) == 0)
            return facts->columns.items[i].role;
    return 0;
}

static void
columns_have_their_heaviest_role(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("facts", (size_t)256 << 20);
    const StatementFacts *facts = facts_of(
        arena,
        "SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.status IN ($1, $2) "
        "AND c.name LIKE $3 ORDER BY o.status, o.id",
        shop_snapshot(arena));
    assert_int_equal(facts->tables.count, 2);
    assert_string_equal(facts->tables.items[0].schema, "public");
    assert_true(role_of_column(facts, "orders", "customer_id") == 1 &&
                role_of_column(facts, "customers", "id") == 1);
    assert_true(role_of_column(facts, "orders", "status") == 0.8 &&
                role_of_column(facts, "customers", "name") == 0.3);
    assert_true(role_of_column(facts, "orders", "id") == 0.5);
    assert_int_equal(facts->joins.count, 1);
    assert_string_equal(facts->joins.items[0].left.table, "customers");
    assert_true(!facts->is_guessed && facts->is_unique_lookup == 0 && facts->kind == SQL_KIND_SELECT);
}

static void
a_join_is_one_pair_in_either_order(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("facts", (size_t)256 << 20);
    const Snapshot *snapshot = shop_snapshot(arena);
    const StatementFacts *one =
        facts_of(arena, "SELECT 1 FROM orders o, customers c WHERE o.customer_id = c.id", snapshot);
    const StatementFacts *other =
        facts_of(arena, "SELECT 1 FROM customers c, orders o WHERE c.id = o.customer_id", snapshot);
    assert_true(one->joins.count == 1 && other->joins.count == 1);
    assert_string_equal(one->joins.items[0].left.column, other->joins.items[0].left.column);
    assert_string_equal(one->joins.items[0].right.column, "customer_id");
}

static void
views_and_partitions_are_their_tables(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("facts", (size_t)256 << 20);
    const Snapshot *snapshot = shop_snapshot(arena);
    const StatementFacts *view = facts_of(arena, "SELECT id FROM open_orders WHERE id = $1", snapshot);
    assert_int_equal(view->tables.count, 1);
    assert_string_equal(view->tables.items[0].table, "orders");
    assert_int_equal(view->is_unique_lookup, 1);
    const StatementFacts *partition = facts_of(arena, "SELECT 1 FROM events_1 WHERE kind = $1", snapshot);
    assert_string_equal(partition->tables.items[0].table, "events");
    assert_true(role_of_column(partition, "events", "kind") == 1);
}

static void
without_a_snapshot_names_are_as_written(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("facts", (size_t)256 << 20);
    const StatementFacts *facts = facts_of(arena, "SELECT 1 FROM things WHERE size = $1", NULL);
    assert_true(facts->is_guessed && facts->is_unique_lookup == -1);
    assert_string_equal(facts->tables.items[0].table, "things");
    assert_string_equal(facts->tables.items[0].schema, "");
    assert_true(role_of_column(facts, "things", "size") == 1);
}

static void
what_has_no_tables_says_why(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("facts", (size_t)256 << 20);
    const Snapshot *snapshot = shop_snapshot(arena);
    assert_non_null(facts_of(arena, "SELECT FROM WHERE", snapshot)->unparsed);
    assert_true(facts_of(arena, "SELECT relname FROM pg_class", snapshot)->is_internal);
    assert_true(facts_of(arena, "SELECT x FROM nowhere", snapshot)->unresolved_count > 0);
    const StatementFacts *none = facts_of(arena, NULL, snapshot);
    assert_true(none->unparsed == NULL && none->tables.count == 0 && none->is_unique_lookup == -1);
    assert_string_equal(template_label(arena, NULL, 20), "(text not known)");
    assert_string_equal(template_label(arena,
                                       " SELECT\n\t1\x1b[2J \xC2\x9B"
                                       "a",
                                       40),
                        "SELECT 1 [2J a");
    assert_string_equal(template_label(arena, "SELECT a_very_long_name", 16), "SELECT a_…");
}

static void
the_root_of_a_partition_is_its_table(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("facts", (size_t)64 << 20);
    const Snapshot *snapshot = shop_snapshot(arena);
    const SnapshotRelation *orders = snapshot_relation_named(snapshot, "public", "orders");
    assert_ptr_equal(snapshot_relation_root(snapshot, orders), orders);
    assert_ptr_equal(
        snapshot_relation_root(snapshot, snapshot_relation_named(snapshot, "public", "events_1")),
        snapshot_relation_named(snapshot, "public", "events"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_have_their_heaviest_role),
        cmocka_unit_test(a_join_is_one_pair_in_either_order),
        cmocka_unit_test(views_and_partitions_are_their_tables),
        cmocka_unit_test(without_a_snapshot_names_are_as_written),
        cmocka_unit_test(what_has_no_tables_says_why),
        cmocka_unit_test(the_root_of_a_partition_is_its_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
