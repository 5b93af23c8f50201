// SPDX-License-Identifier: PostgreSQL
/* Why a plan changed: each cause that can be told, their order, and that the rest is unknown. */
#include "../pg/plan_read.h"

#include "jobs/plan_cause.h"

#define SEQ_SCAN "{\"Node Type\": \"Seq Scan\", \"Relation Name\": \"orders\"}"
#define INDEX_SCAN(index)                                                                                    \
    "{\"Node Type\": \"Index Scan\", \"Relation Name\": \"orders\", \"Index Name\": \"" index "\"}"

/* A shop of one table with one index; before, it had the rows that a test says. */
typedef struct Shop {
    Arena *arena;
    SnapshotIndex index;
    SnapshotRelation relation;
    Snapshot snapshot;
    SettingChange change;
    SettingChanges changes;
    RelationRow rows[2];
    RelationRound before;
    PlanCauseInput input;
} Shop;

static int
shop_open(void **state)
{
    Arena *arena = arena_new("test", (size_t)1 << 20);
    Shop *shop = ARENA_NEW(arena, Shop);
    shop->arena = arena;
    shop->index = (SnapshotIndex){.schema = "public", .name = "orders_a"};
    shop->relation = (SnapshotRelation){.schema = "public", .name = "orders", .kind = 'r', .reltuples = 1000};
    shop->snapshot = (Snapshot){
        .indexes = &shop->index, .index_count = 1, .relations = &shop->relation, .relation_count = 1};
    shop->rows[0] =
        (RelationRow){.schema_name = "public", .relation_name = "orders", .kind = 'r', .row_estimate = 1000};
    shop->rows[1] = (RelationRow){
        .schema_name = "public", .relation_name = "orders_a", .kind = 'i', .row_estimate = 1000};
    shop->before = (RelationRound){.rows = shop->rows, .row_count = 2};
    shop->changes = (SettingChanges){.items = &shop->change, .count = 0};
    shop->input = (PlanCauseInput){.before = plan_read_root(arena, INDEX_SCAN("orders_a")),
                                   .now = plan_read_root(arena, SEQ_SCAN),
                                   .snapshot = &shop->snapshot,
                                   .changes = &shop->changes,
                                   .relations_before = &shop->before};
    *state = shop;
    return 0;
}

static int
shop_close(void **state)
{
    Shop *shop = *state;
    arena_free(shop->arena);
    return 0;
}

static const char *
cause(Shop *shop)
{
    return plan_cause_find(shop->arena, &shop->input);
}

static void
setting_changed(Shop *shop, const char *name, const char *from, const char *to)
{
    shop->change = (SettingChange){.name = name, .old_value = from, .new_value = to};
    shop->changes.count = 1;
}

static void
a_change_without_a_cause_in_sight_is_unknown(void **state)
{
    Shop *shop = *state;
    assert_null(cause(shop));
    shop->input.relations_before = NULL;
    assert_null(cause(shop));
}

static void
an_index_that_the_former_plan_used_and_that_is_gone_is_the_cause(void **state)
{
    Shop *shop = *state;
    shop->snapshot.index_count = 0;
    assert_string_equal(cause(shop), "the index orders_a is gone");
}

static void
an_index_that_was_not_there_before_is_the_cause_when_the_plan_uses_it(void **state)
{
    Shop *shop = *state;
    shop->input.before = plan_read_root(shop->arena, SEQ_SCAN);
    shop->input.now = plan_read_root(shop->arena, INDEX_SCAN("orders_a"));
    assert_null(cause(shop));
    shop->before.row_count = 1;
    assert_string_equal(cause(shop), "the index orders_a is new");
    shop->input.relations_before = NULL;
    assert_null(cause(shop));
}

static void
an_index_below_the_root_is_seen(void **state)
{
    Shop *shop = *state;
    shop->snapshot.index_count = 0;
    shop->input.before =
        plan_read_root(shop->arena, "{\"Node Type\": \"Sort\", \"Plans\": [" INDEX_SCAN("deep_one") "]}");
    assert_string_equal(cause(shop), "the index deep_one is gone");
}

static void
a_planner_setting_that_was_changed_is_the_cause_and_others_are_not(void **state)
{
    Shop *shop = *state;
    setting_changed(shop, "random_page_cost", "4", "1.1");
    assert_string_equal(cause(shop), "the setting random_page_cost was changed from 4 to 1.1");
    setting_changed(shop, "enable_indexscan", "on", "off");
    assert_string_equal(cause(shop), "the setting enable_indexscan was changed from on to off");
    setting_changed(shop, "log_min_duration_statement", "1", "2");
    assert_null(cause(shop));
    /* first seen, or gone: no change that is known */
    setting_changed(shop, "work_mem", NULL, "64MB");
    assert_null(cause(shop));
    setting_changed(shop, "work_mem", "64MB", NULL);
    assert_null(cause(shop));
}

static void
a_table_is_the_cause_when_it_grew_or_shrank_by_a_third(void **state)
{
    Shop *shop = *state;
    shop->relation.reltuples = 1300;
    assert_null(cause(shop));
    shop->relation.reltuples = 1334;
    assert_string_equal(cause(shop), "the table orders went from about 1000 to 1334 rows");
    shop->relation.reltuples = 760;
    assert_null(cause(shop));
    shop->relation.reltuples = 749;
    assert_string_equal(cause(shop), "the table orders went from about 1000 to 749 rows");
}

static void
sizes_that_are_not_known_or_of_another_schema_are_no_cause(void **state)
{
    Shop *shop = *state;
    shop->relation.reltuples = -1;
    assert_null(cause(shop));
    shop->relation.reltuples = 5000;
    shop->rows[0].row_estimate = -1;
    assert_null(cause(shop));
    shop->rows[0].row_estimate = 1000;
    shop->relation.schema = "archive";
    assert_null(cause(shop));
}

static void
the_first_cause_found_is_told_indexes_before_settings_before_sizes(void **state)
{
    Shop *shop = *state;
    shop->relation.reltuples = 5000;
    assert_string_equal(cause(shop), "the table orders went from about 1000 to 5000 rows");
    setting_changed(shop, "work_mem", "4MB", "64MB");
    assert_string_equal(cause(shop), "the setting work_mem was changed from 4MB to 64MB");
    shop->input.now = plan_read_root(shop->arena, INDEX_SCAN("orders_b"));
    assert_string_equal(cause(shop), "the index orders_b is new");
    shop->snapshot.index_count = 0;
    assert_string_equal(cause(shop), "the index orders_a is gone");
}

#define WITH_SHOP(test) cmocka_unit_test_setup_teardown(test, shop_open, shop_close)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SHOP(a_change_without_a_cause_in_sight_is_unknown),
        WITH_SHOP(an_index_that_the_former_plan_used_and_that_is_gone_is_the_cause),
        WITH_SHOP(an_index_that_was_not_there_before_is_the_cause_when_the_plan_uses_it),
        WITH_SHOP(an_index_below_the_root_is_seen),
        WITH_SHOP(a_planner_setting_that_was_changed_is_the_cause_and_others_are_not),
        WITH_SHOP(a_table_is_the_cause_when_it_grew_or_shrank_by_a_third),
        WITH_SHOP(sizes_that_are_not_known_or_of_another_schema_are_no_cause),
        WITH_SHOP(the_first_cause_found_is_told_indexes_before_settings_before_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
