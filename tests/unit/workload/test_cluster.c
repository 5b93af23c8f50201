// SPDX-License-Identifier: PostgreSQL
#include "memory_shop.h"

#include "workload/cluster.h"

#include <math.h>
#include <string.h>

#define ARENA_BYTES ((size_t)512 << 20)

/* Three kinds of statements, one after another. */
static WorkloadTemplates
three_kinds(Arena *arena, size_t count)
{
    static const ShopStatement kinds[] = {
        {"look up", 240000, 0.3, 1}, {"list", 2400, 30, 50}, {"report", 24, 8000, 5000}};
    ShopStatement *statements = ARENA_NEW_ARRAY(arena, ShopStatement, count);
    for (size_t i = 0; i < count; i++) {
        statements[i] = kinds[i % 3];
        statements[i].mean_ms *= 1 + 0.01 * (double)(i % 7);
        statements[i].calls *= 1 + 0.01 * (double)(i % 5);
    }
    return shop_templates(arena, statements, count);
}

static void
statements_that_behave_alike_are_one_cluster_in_words(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("cluster", ARENA_BYTES);
    WorkloadTemplates templates = three_kinds(arena, 60);
    Error error = {0};
    for (int method = CLUSTER_KMEANS; method <= CLUSTER_DBSCAN; method++) {
        TemplateClusters found;
        assert_true(clusters_find(arena, &templates,
                                  &(ClusterOptions){.method = (ClusterMethod)method, .seed = 1}, &found,
                                  &error));
        assert_int_equal(found.count, 3);
        assert_true(found.noise_count == 0 && found.silhouette > 0.9 && found.note == NULL);
        for (size_t i = 0; i < templates.count; i++)
            assert_int_equal(found.labels[i], found.labels[i % 3]);
        const TemplateCluster *report = &found.items[found.labels[2]];
        assert_true(report->size == 20 && report->example % 3 == 2);
        assert_non_null(strstr(report->profile, "very slow"));
        assert_non_null(strstr(report->profile, "very many rows"));
        assert_non_null(strstr(found.items[found.labels[0]].profile, "very quick"));
    }
}

static void
few_or_equal_statements_are_not_cut(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("cluster", ARENA_BYTES);
    TemplateClusters found;
    Error error = {0};
    WorkloadTemplates few = three_kinds(arena, CLUSTER_TEMPLATES_LEAST - 1);
    assert_true(clusters_find(arena, &few, &(ClusterOptions){.seed = 1}, &found, &error));
    assert_true(found.count == 0 && found.labels[0] == -1 && found.note != NULL);
    ShopStatement equal[12];
    for (size_t i = 0; i < 12; i++)
        equal[i] = (ShopStatement){"same", 10, 1, 1};
    WorkloadTemplates same = shop_templates(arena, equal, 12);
    assert_true(clusters_find(arena, &same, &(ClusterOptions){.seed = 1}, &found, &error));
    assert_true(found.count == 1 && found.items[0].size == 12 && found.note != NULL);
    WorkloadTemplates none = {0};
    assert_true(clusters_find(arena, &none, &(ClusterOptions){.seed = 1}, &found, &error));
    assert_int_equal(found.count, 0);
}

static float
by_day(size_t hour)
{
    return hour % 24 >= 8 && hour % 24 < 18 ? 1000 : 50;
}

static float
by_night(size_t hour)
{
    return hour == 17 ? NAN : hour % 24 < 5 ? 400 : 4;
}

static float
level(size_t hour)
{
    (void)hour;
    return 60;
}

static float
unseen(size_t hour)
{
    return hour < 300 ? NAN : (float)(hour % 9);
}

static void
statements_that_come_together_are_one_cluster(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("cluster", ARENA_BYTES);
    static float (*const shapes[])(size_t) = {by_day, by_night, level, unseen};
    WorkloadTemplates templates = three_kinds(arena, 24);
    templates.hour_count = SHOP_HOURS;
    templates.from_hour = 24 * 20000;
    for (size_t i = 0; i < 20; i++)
        shop_hours(arena, &templates.items[i], shapes[i % 4]);
    ArrivalClusters found;
    arrivals_find(arena, &templates, &found);
    assert_int_equal(found.count, 2);
    for (size_t i = 0; i < templates.count; i++)
        assert_int_equal(found.labels[i], i < 20 && i % 4 < 2 ? found.labels[i % 4] : -1);
    assert_int_not_equal(found.labels[0], found.labels[1]);
    const ArrivalCluster *day = &found.items[found.labels[0]];
    assert_true(day->size == 5 && day->hourly[9] == 5000 && day->hourly[3] == 250);
    assert_true(found.items[0].share >= found.items[1].share);
    templates.hour_count = 0;
    for (size_t i = 0; i < templates.count; i++)
        templates.items[i].hours = NULL;
    arrivals_find(arena, &templates, &found);
    assert_true(found.count == 0 && found.labels[0] == -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_that_behave_alike_are_one_cluster_in_words),
        cmocka_unit_test(few_or_equal_statements_are_not_cut),
        cmocka_unit_test(statements_that_come_together_are_one_cluster),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
