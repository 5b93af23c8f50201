// SPDX-License-Identifier: PostgreSQL
#include "memory_shop.h"

#include "workload/characteristic.h"

#include <math.h>
#include <string.h>

#define ARENA_BYTES ((size_t)256 << 20)

static const char plan_text[] =
    "[{\"Plan\": {\"Node Type\": \"Hash Join\", \"Total Cost\": 100, \"Plan Rows\": 10, \"Actual Rows\": 10, "
    "\"Actual Loops\": 1, \"Plans\": ["
    "{\"Node Type\": \"Seq Scan\", \"Relation Name\": \"orders\", \"Filter\": \"(status = $1)\", \"Total "
    "Cost\": 75, \"Plan Rows\": 5, "
    "\"Actual Rows\": 100, \"Actual Loops\": 1, \"Rows Removed by Filter\": 20000},"
    "{\"Node Type\": \"Index Scan\", \"Relation Name\": \"customers\", \"Total Cost\": 25, \"Plan Rows\": 1, "
    "\"Actual Rows\": 1, "
    "\"Actual Loops\": 1}]}}]";

static const HotObject *
object_of(const HotObjects *hot, HotKind kind, const char *name)
{
    for (size_t i = 0; i < hot->counts[kind]; i++)
        if (strcmp(hot->items[kind][i].name, name) == 0)
            return &hot->items[kind][i];
    fail_msg("no %s %s", hot_kind_word(kind), name);
    return NULL;
}

static HotObjects
hot_of(Arena *arena, const WorkloadTemplates *now, const WorkloadTemplates *before, const PlanBook *plans)
{
    FactCatalog catalog = {.database_name = "shop", .snapshot = shop_snapshot(arena)};
    HotInput input = {.now = now, .before = before, .plans = plans};
    StatementFacts *facts;
    StatementFacts *facts_before;
    HotObjects hot;
    facts_read(arena, now, &catalog, 1, &facts);
    input.facts = facts;
    if (before != NULL) {
        facts_read(arena, before, &catalog, 1, &facts_before);
        input.facts_before = facts_before;
    }
    hot_find(arena, &input, HOT_MOST, &hot);
    return hot;
}

static const ShopStatement joined[] = {
    {"SELECT 1 FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.status = $1", 100, 8, 1},
    {"SELECT name FROM customers WHERE id = $1", 200, 1, 1},
    {"SELECT count(*) FROM pg_class", 1000, 100, 1},
};

static void
time_is_split_evenly_or_as_the_plan_says(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("hot", ARENA_BYTES);
    WorkloadTemplates now = shop_templates(arena, joined, FETTLE_COUNT_OF(joined));
    HotObjects hot = hot_of(arena, &now, NULL, NULL);
    assert_true(hot.total_ms == 1000 && hot.covered_share == 1);
    assert_true(object_of(&hot, HOT_TABLE, "public.orders")->heat_ms == 400);
    assert_string_equal(object_of(&hot, HOT_TABLE, "public.orders")->evidence, "split evenly");
    assert_true(object_of(&hot, HOT_TABLE, "public.customers")->share == 0.6);
    assert_true(object_of(&hot, HOT_COLUMN, "public.customers.id")->heat_ms == 1000);
    assert_true(object_of(&hot, HOT_JOIN, "public.customers.id = public.orders.customer_id")->heat_ms == 800);
    assert_int_equal(hot.counts[HOT_STATEMENT], 2);
    assert_true(hot.items[HOT_STATEMENT][0].query_hash == 1 && hot.concentration == 0.8);
    assert_true(isnan(hot.items[HOT_TABLE][0].share_before) && isnan(hot.items[HOT_TABLE][0].change));

    PlanBook plans = {.plans = map_new(arena), .arena = arena};
    plan_book_add(&plans, "shop", 1, plan_text);
    plan_book_add(&plans, "shop", 2, "[{\"Plan\": 7}]");
    assert_int_equal(plans.unreadable_count, 1);
    hot = hot_of(arena, &now, NULL, &plans);
    assert_true(fabs(object_of(&hot, HOT_TABLE, "public.orders")->heat_ms - 600) < 1e-9);
    assert_string_equal(object_of(&hot, HOT_TABLE, "public.orders")->evidence, "plan");
    assert_string_equal(object_of(&hot, HOT_TABLE, "public.customers")->evidence, "mixed");
}

static void
a_rise_is_told_from_a_share_of_one_percent_on(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("hot", ARENA_BYTES);
    const ShopStatement now_statements[] = {{"SELECT 1 FROM orders WHERE id = $1", 600, 1, 1},
                                            {"SELECT 1 FROM customers WHERE id = $1", 390, 1, 1},
                                            {"SELECT 1 FROM events WHERE kind = $1", 9, 1, 1}};
    const ShopStatement then_statements[] = {{"SELECT 1 FROM orders WHERE id = $1", 300, 1, 1},
                                             {"SELECT 1 FROM customers WHERE id = $1", 700, 1, 1},
                                             {"SELECT 1 FROM events WHERE kind = $1", 1, 1, 1}};
    WorkloadTemplates now = shop_templates(arena, now_statements, 3);
    WorkloadTemplates then = shop_templates(arena, then_statements, 3);
    HotObjects hot = hot_of(arena, &now, &then, NULL);
    const HotObject *orders = object_of(&hot, HOT_TABLE, "public.orders");
    assert_string_equal(orders->severity, "high");
    assert_true(orders->change > 1 && orders->change < 1.01);
    assert_null(object_of(&hot, HOT_TABLE, "public.customers")->severity);
    assert_true(object_of(&hot, HOT_TABLE, "public.events")->change > 7);
    assert_null(object_of(&hot, HOT_TABLE, "public.events")->severity);
    WorkloadTemplates without = {0};
    hot = hot_of(arena, &without, &then, NULL);
    assert_true(hot.total_ms == 0 && hot.counts[HOT_TABLE] == 0 && hot.concentration == 0);
}

static void
a_plan_tells_what_was_read_and_how_far_off_it_was(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("hot", ARENA_BYTES);
    PlanBook plans = {.plans = map_new(arena), .arena = arena};
    plan_book_add(&plans, "shop", 1, plan_text);
    const PlanFacts *facts = plan_facts_find(&plans, "shop", 1);
    assert_true(facts->rows_sequential == 20100 && facts->rows_read == 20101 && facts->rows_returned == 10);
    assert_int_equal(facts->errors.count, 2);
    assert_true(plan_error_of(&facts->errors.items[0]) == 0.95);
    assert_true(plan_error_of(&(PlanError){0}) == 0);
    assert_null(plan_facts_find(&plans, "other", 1));

    Characteristics found = {0};
    characteristics_find(arena, "shop", shop_snapshot(arena), &plans, &found);
    assert_true(found.count == 6 && found.unknown_count == 2);
    const ColumnCharacteristic *id = &found.items[0];
    const ColumnCharacteristic *status = &found.items[1];
    assert_string_equal(status->column, "status");
    assert_true(id->distinct_count == 100000 && id->correlation == 0.5 && id->has_histogram == 1 &&
                id->skew == 1);
    assert_true(status->estimate_error == 0.95 && status->estimate_count == 1 && isnan(id->estimate_error));
    assert_string_equal(status->severity, "high");
    assert_true(fabs(status->skew - 0.6 * 4 / 0.8) < 1e-9 && status->null_share == 0.2);
    const SnapshotRelation *orders = snapshot_relation_named(shop_snapshot(arena), "public", "orders");
    assert_true(characteristic_skew(orders, snapshot_column_named(orders, "status")) == status->skew);
    assert_true(isnan(characteristic_skew(orders, snapshot_column_named(orders, "customer_id"))));
}

static void
redacted_statistics_are_told_by_their_operators(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("hot", ARENA_BYTES);
    Characteristics found = {0};
    characteristics_find(arena, "shop", shop_snapshot(arena), NULL, &found);
    const ColumnCharacteristic *id = &found.items[2];
    const ColumnCharacteristic *name = &found.items[3];
    const ColumnCharacteristic *tags = &found.items[4];
    const ColumnCharacteristic *kind = &found.items[5];
    assert_true(id->has_histogram == 1 && isnan(id->common_share));
    assert_true(name->common_share == 0.1 && fabs(name->skew - 10) < 1e-9 && name->has_histogram == 0);
    assert_true(isnan(tags->common_share) && isnan(tags->skew)); /* an array's elements are no values */
    assert_string_equal(kind->table, "events");
    assert_true(kind->distinct_count == 7 && kind->has_histogram == -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_is_split_evenly_or_as_the_plan_says),
        cmocka_unit_test(a_rise_is_told_from_a_share_of_one_percent_on),
        cmocka_unit_test(a_plan_tells_what_was_read_and_how_far_off_it_was),
        cmocka_unit_test(redacted_statistics_are_told_by_their_operators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
