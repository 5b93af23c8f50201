// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/random.h"
#include "math/dbscan.h"

#include <math.h>
#include <string.h>

#define ARENA_BYTES ((size_t)256 * 1024 * 1024)

static bool
are_near(const MathRows *rows, size_t a, size_t b, double radius)
{
    double sum = 0;
    for (size_t j = 0; j < rows->width; j++)
        sum += pow(rows->values[a * rows->width + j] - rows->values[b * rows->width + j], 2);
    return sum <= radius * radius;
}

static size_t
near_count(const MathRows *rows, size_t row, double radius)
{
    size_t count = 0;
    for (size_t i = 0; i < rows->count; i++)
        count += are_near(rows, row, i, radius);
    return count;
}

/* Ester's rule by brute force: cores spread their label until nothing changes. */
static void
dbscan_plain(const MathRows *rows, double radius, size_t points_least, int32_t *labels)
{
    int32_t clusters = 0;
    for (size_t i = 0; i < rows->count; i++)
        labels[i] = -1;
    for (size_t i = 0; i < rows->count; i++) {
        if (labels[i] >= 0 || near_count(rows, i, radius) < points_least)
            continue;
        labels[i] = clusters;
        for (bool grows = true; grows;) {
            grows = false;
            for (size_t a = 0; a < rows->count; a++)
                for (size_t b = 0; labels[a] == clusters && b < rows->count; b++)
                    if (labels[b] < 0 && are_near(rows, a, b, radius) &&
                        near_count(rows, a, radius) >= points_least) {
                        labels[b] = clusters;
                        grows = true;
                    }
        }
        clusters++;
    }
}

static void
the_tree_finds_what_brute_force_finds(void **state)
{
    (void)state;
    Random random = random_new(3);
    for (size_t round = 0; round < 24; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("dbscan", ARENA_BYTES);
        size_t width = 1 + round % 6;
        size_t count = 100 + random_below(&random, 100);
        double *values = ARENA_NEW_ARRAY(arena, double, count *width);
        int32_t *labels = ARENA_NEW_ARRAY(arena, int32_t, count);
        for (size_t i = 0; i < count * width; i++)
            values[i] = round % 2 == 0 ? random_unit(&random) : (double)random_below(&random, 6) / 6;
        MathRows rows = {values, count, width};
        double radius = 0.04 * (double)(width * width);
        Dbscan found;
        dbscan(arena, &rows, radius, 4, &found);
        dbscan_plain(&rows, radius, 4, labels);
        assert_memory_equal(found.labels, labels, count * sizeof(*labels));
        size_t noise = 0;
        for (size_t i = 0; i < count; i++)
            noise += labels[i] < 0;
        assert_int_equal(found.noise_count, noise);
    }
}

static void
two_moons_are_two_clusters(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("dbscan", ARENA_BYTES);
    enum { COUNT = 400 };
    double values[COUNT * 2];
    for (size_t i = 0; i < COUNT; i++) {
        double angle = M_PI * (double)(i / 2) / (COUNT / 2.0);
        values[2 * i] = i % 2 == 0 ? cos(angle) : 1 - cos(angle);
        values[2 * i + 1] = i % 2 == 0 ? sin(angle) : 0.5 - sin(angle);
    }
    Dbscan found;
    dbscan(arena, &(MathRows){values, COUNT, 2}, 0.1, 5, &found);
    assert_int_equal(found.clusters, 2);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(found.labels[i], i % 2);
}

static void
equal_rows_are_one_cluster_and_lone_rows_noise(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("dbscan", ARENA_BYTES);
    double values[200] = {0};
    Dbscan found;
    values[199] = 100;
    dbscan(arena, &(MathRows){values, 200, 1}, 0.5, 5, &found);
    assert_true(found.clusters == 1 && found.noise_count == 1 && found.labels[199] == -1);
}

static void
the_radius_is_at_the_knee_or_refused(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("dbscan", ARENA_BYTES);
    Random random = random_new(9);
    enum { COUNT = 600 };
    double values[COUNT * 2];
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < 2; j++) /* three squares, and 20 rows far from all */
            values[2 * i + j] = i < COUNT - 20 ? random_unit(&random) + 10.0 * (double)(i % 3)
                                               : 40 + 60 * random_unit(&random);
    MathRows rows = {values, COUNT, 2};
    Error error = {0};
    double radius = 0;
    Dbscan found;
    assert_true(dbscan_radius(arena, &rows, 5, &radius, &error));
    assert_true(radius > 0.05 && radius < 5);
    dbscan(arena, &rows, radius, 5, &found);
    for (size_t i = 0; i < COUNT - 20; i++)
        assert_int_equal(found.labels[i] < 0 ? (int32_t)(i % 3) : found.labels[i], i % 3);
    MathRows wide = {values, 60, 9};
    assert_false(dbscan_radius(arena, &wide, 5, &radius, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_false(dbscan_radius(arena, &(MathRows){values, 5, 2}, 5, &radius, &error));
    memset(values, 0, sizeof(values));
    assert_false(dbscan_radius(arena, &rows, 5, &radius, &error));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tree_finds_what_brute_force_finds),
        cmocka_unit_test(two_moons_are_two_clusters),
        cmocka_unit_test(equal_rows_are_one_cluster_and_lone_rows_noise),
        cmocka_unit_test(the_radius_is_at_the_knee_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
