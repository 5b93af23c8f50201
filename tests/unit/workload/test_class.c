// SPDX-License-Identifier: PostgreSQL
#include "memory_shop.h"

#include "base/random.h"
#include "workload/class.h"

#include <math.h>

#define ARENA_BYTES ((size_t)256 << 20)

static ClassFound
found_of(Arena *arena, ShopStatement statement, int reads_much)
{
    WorkloadTemplates templates = shop_templates(arena, &statement, 1);
    FactCatalog catalog = {.database_name = "shop", .snapshot = shop_snapshot(arena)};
    StatementFacts *facts;
    facts_read(arena, &templates, &catalog, 1, &facts);
    ClassEvidence evidence = {.facts = facts, .reads_much = reads_much, .scans_sequentially = -1};
    return class_find(arena, &templates.items[0], &templates, &evidence);
}

static void
signals_give_the_class_and_the_mean_the_weight(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("class", ARENA_BYTES);
    ClassFound look_up =
        found_of(arena, (ShopStatement){"SELECT * FROM orders WHERE id = $1", 50000, 0.2, 1}, -1);
    assert_string_equal(query_class_word(look_up.class), "OLTP");
    assert_string_equal(query_weight_word(look_up.weight), "LIGHT");
    assert_string_equal(query_cadence_word(look_up.cadence), "AD_HOC");
    assert_true(look_up.oltp_share == 1 && look_up.olap_share == 0);
    ClassFound report = found_of(
        arena, (ShopStatement){"SELECT status, count(*) FROM orders GROUP BY status", 5, 4000, 500}, 1);
    assert_true(report.class == QUERY_OLAP && report.weight == QUERY_HEAVY && report.oltp_share == 0);
    ClassFound both = found_of(arena, (ShopStatement){"SELECT count(*) FROM orders", 30, 500, 1}, -1);
    assert_true(both.class == QUERY_MIXED && both.weight == QUERY_MEDIUM);
}

static void
signals_that_cannot_be_observed_count_on_neither_side(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("class", ARENA_BYTES);
    ShopStatement statement = {"SELECT count(*) FROM orders", 2400, 50, 1};
    assert_true(found_of(arena, statement, -1).olap_share == 0.25);
    assert_true(found_of(arena, statement, 0).olap_share == 0.2);
    assert_true(found_of(arena, statement, 1).olap_share == 0.4);
    ClassFound unknown = found_of(arena, (ShopStatement){NULL, 2400, 50, 1}, -1);
    assert_true(unknown.class == QUERY_OLTP && unknown.olap_share == 0);
}

static void
figures_are_by_call_and_by_observed_hour(void **state)
{
    (void)state;
    WorkloadTemplate template = {.observed_seconds = 7200, .calls = 10, .total_ms = 50, .rows = 40};
    assert_true(template_mean_ms(&template) == 5 && template_calls_per_hour(&template) == 5);
    assert_true(template_rows_per_call(&template) == 4);
    WorkloadTemplate none = {0};
    assert_true(template_mean_ms(&none) == 0 && template_calls_per_hour(&none) == 0 &&
                template_rows_per_call(&none) == 0);
}

static float
nightly(size_t hour)
{
    return hour % 24 == 2 ? 300 : 0;
}

static float
each_six_hours(size_t hour)
{
    return hour % 6 == 1 ? 60 : 0;
}

static float
always(size_t hour)
{
    return hour % 24 >= 8 && hour % 24 < 20 ? 900 : 100;
}

static float
now_and_then(size_t hour)
{
    Random random = random_new(hour);
    return random_unit(&random) < 0.12 ? 70 : 0;
}

static float
too_rare(size_t hour)
{
    return hour % 24 == 2 ? 1 : 0;
}

static void
only_what_comes_regularly_and_else_rests_is_scheduled(void **state)
{
    (void)state;
    static const struct {
        float (*calls_at)(size_t hour);
        QueryCadence cadence;
    } cases[] = {{nightly, QUERY_SCHEDULED},
                 {each_six_hours, QUERY_SCHEDULED},
                 {always, QUERY_AD_HOC},
                 {now_and_then, QUERY_AD_HOC},
                 {too_rare, QUERY_AD_HOC}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("class", ARENA_BYTES);
        WorkloadTemplates templates =
            shop_templates(arena, &(ShopStatement){"SELECT 1 FROM orders", 100, 1, 1}, 1);
        templates.hour_count = SHOP_HOURS;
        templates.from_hour = 24 * 20000;
        shop_hours(arena, &templates.items[0], cases[i].calls_at);
        StatementFacts facts = {.is_unique_lookup = -1};
        ClassEvidence evidence = {.facts = &facts, .reads_much = -1, .scans_sequentially = -1};
        if (class_find(arena, &templates.items[0], &templates, &evidence).cadence != cases[i].cadence)
            fail_msg("case %zu", i);
    }
}

static void
a_class_changes_when_two_analyses_in_a_row_find_another(void **state)
{
    (void)state;
    WorkloadTemplate template = {.database_name = "shop", .query_hash = 7};
    ClassFound oltp = {.class = QUERY_OLTP};
    ClassFound olap = {.class = QUERY_OLAP};
    ClassFound mixed = {.class = QUERY_MIXED};
    WorkloadClass kept = class_settle(NULL, &template, &oltp);
    assert_string_equal(kept.class, "OLTP");
    kept = class_settle(&kept, &template, &olap);
    assert_string_equal(kept.class, "OLTP");
    assert_string_equal(kept.next_class, "OLAP");
    WorkloadClass back = class_settle(&kept, &template, &oltp);
    assert_true(back.next_class == NULL);
    WorkloadClass third = class_settle(&kept, &template, &mixed);
    assert_string_equal(third.class, "OLTP");
    kept = class_settle(&kept, &template, &olap);
    assert_string_equal(kept.class, "OLAP");
    assert_true(kept.next_class == NULL && kept.query_hash == 7);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_give_the_class_and_the_mean_the_weight),
        cmocka_unit_test(signals_that_cannot_be_observed_count_on_neither_side),
        cmocka_unit_test(figures_are_by_call_and_by_observed_hour),
        cmocka_unit_test(only_what_comes_regularly_and_else_rests_is_scheduled),
        cmocka_unit_test(a_class_changes_when_two_analyses_in_a_row_find_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
