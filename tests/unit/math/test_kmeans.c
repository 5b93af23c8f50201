// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/random.h"
#include "math/kmeans.h"

#include <math.h>
#include <string.h>

#define ARENA_BYTES ((size_t)512 * 1024 * 1024)

/* Blobs of deviation 1 around centres that are 20 apart; row i is of blob i % blobs. */
static MathRows
blobs_make(Arena *arena, size_t blobs, size_t each, size_t width, uint64_t seed)
{
    Random random = random_new(seed);
    double *values = ARENA_NEW_ARRAY(arena, double, blobs *each *width);
    for (size_t i = 0; i < blobs * each; i++)
        for (size_t j = 0; j < width; j++)
            values[i * width + j] =
                random_normal(&random) + (j == i % blobs % width ? 20.0 * (double)(1 + i % blobs) : 0);
    return (MathRows){values, blobs * each, width};
}

static void
assert_labels_are_blobs(const int32_t *labels, size_t count, size_t blobs)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(labels[i], labels[i % blobs]);
    for (size_t a = 0; a < blobs; a++)
        for (size_t b = a + 1; b < blobs; b++)
            assert_int_not_equal(labels[a], labels[b]);
}

static void
separate_blobs_are_found_whatever_the_width(void **state)
{
    (void)state;
    for (size_t width = 1; width <= 9; width++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("kmeans", ARENA_BYTES);
        MathRows rows = blobs_make(arena, 4, 50, width, 1 + width);
        Kmeans found;
        kmeans(arena, &rows, &(KmeansOptions){.clusters = 4, .seed = 3}, &found);
        assert_int_equal(found.clusters, 4);
        assert_labels_are_blobs(found.labels, rows.count, 4);
        double inertia = 0;
        for (size_t i = 0; i < rows.count; i++)
            for (size_t j = 0; j < width; j++)
                inertia +=
                    pow(rows.values[i * width + j] - found.centres[(size_t)found.labels[i] * width + j], 2);
        assert_true(fabs(inertia - found.inertia) < 1e-3 * inertia);
    }
}

/* Lloyd's rule without any bound: no row of a finished cut may be nearer to another centre. */
static void
the_bounds_spare_distances_and_change_nothing(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("kmeans", ARENA_BYTES);
    Random random = random_new(7);
    enum { COUNT = 2000, WIDTH = 5, CLUSTERS = 12 };
    double *values = ARENA_NEW_ARRAY(arena, double, COUNT *WIDTH);
    for (size_t i = 0; i < COUNT * WIDTH; i++)
        values[i] = random_unit(&random);
    Kmeans found;
    kmeans(arena, &(MathRows){values, COUNT, WIDTH}, &(KmeansOptions){.clusters = CLUSTERS, .seed = 1},
           &found);
    size_t elsewhere = 0;
    for (size_t i = 0; i < COUNT; i++) {
        double own = 0;
        double least = INFINITY;
        for (size_t c = 0; c < CLUSTERS; c++) {
            double distance = 0;
            for (size_t j = 0; j < WIDTH; j++)
                distance += pow(values[i * WIDTH + j] - found.centres[c * WIDTH + j], 2);
            least = fmin(least, distance);
            if ((size_t)found.labels[i] == c)
                own = distance;
        }
        elsewhere += own > least + 1e-3; /* the last step moved the centres within the tolerance */
    }
    assert_true(elsewhere <= COUNT / 100);
}

static void
labels_are_by_size_and_the_same_each_time(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("kmeans", ARENA_BYTES);
    double values[] = {50, 50.5, 0, 0.1, 0.2, 100, 100.1, 100.2, 100.3};
    MathRows rows = {values, 9, 1};
    Kmeans found;
    Kmeans again;
    kmeans(arena, &rows, &(KmeansOptions){.clusters = 3, .seed = 5}, &found);
    kmeans(arena, &rows, &(KmeansOptions){.clusters = 3, .seed = 6}, &again);
    assert_memory_equal(found.labels, ((int32_t[]){2, 2, 1, 1, 1, 0, 0, 0, 0}), sizeof(int32_t) * 9);
    assert_memory_equal(found.labels, again.labels, sizeof(int32_t) * 9);
    assert_true(found.sizes[0] == 4 && found.sizes[1] == 3 && found.sizes[2] == 2);
    assert_true(fabs(found.centres[2] - 50.25) < 1e-9);
}

static void
equal_rows_and_few_rows_make_fewer_clusters(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("kmeans", ARENA_BYTES);
    double equal[] = {1, 2, 1, 2, 1, 2, 1, 2};
    Kmeans found;
    kmeans(arena, &(MathRows){equal, 4, 2}, &(KmeansOptions){.clusters = 3, .seed = 1}, &found);
    size_t sum = 0;
    for (size_t c = 0; c < found.clusters; c++)
        sum += found.sizes[c];
    assert_true(sum == 4 && found.inertia == 0);
    kmeans(arena, &(MathRows){equal, 1, 2}, &(KmeansOptions){.clusters = 5, .seed = 1}, &found);
    assert_true(found.clusters == 1 && found.labels[0] == 0);
}

/* By the definition, without the tables of distances. */
static double
silhouette_plain(const MathRows *rows, const int32_t *labels, int32_t clusters)
{
    double total = 0;
    double counted = 0;
    for (size_t i = 0; i < rows->count; i++) {
        double own = 0;
        double nearest = INFINITY;
        size_t own_size = 0;
        if (labels[i] < 0)
            continue;
        for (int32_t c = 0; c < clusters; c++) {
            double sum = 0;
            size_t size = 0;
            for (size_t k = 0; k < rows->count; k++)
                if (labels[k] == c && k != i) {
                    double square = 0;
                    for (size_t j = 0; j < rows->width; j++)
                        square +=
                            pow(rows->values[i * rows->width + j] - rows->values[k * rows->width + j], 2);
                    sum += sqrt(square);
                    size++;
                }
            if (c == labels[i]) {
                own = size == 0 ? 0 : sum / (double)size;
                own_size = size;
            } else if (size > 0) {
                nearest = fmin(nearest, sum / (double)size);
            }
        }
        total += own_size == 0 ? 0 : (nearest - own) / fmax(own, nearest);
        counted++;
    }
    return total / counted;
}

static void
the_silhouette_is_rousseeuws(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("kmeans", ARENA_BYTES);
    Random random = random_new(11);
    enum { COUNT = 120, WIDTH = 3 };
    double values[COUNT * WIDTH];
    int32_t labels[COUNT];
    for (size_t i = 0; i < COUNT * WIDTH; i++)
        values[i] = random_unit(&random);
    for (size_t i = 0; i < COUNT; i++)
        labels[i] = i == 0 ? 4 : (int32_t)random_below(&random, 5) - 1; /* noise, and one row alone */
    MathRows rows = {values, COUNT, WIDTH};
    assert_true(fabs(silhouette(arena, &rows, labels, 5, 1) - silhouette_plain(&rows, labels, 5)) < 1e-6);
    memset(labels, 0, sizeof(labels));
    assert_true(isnan(silhouette(arena, &rows, labels, 1, 1)));
}

static void
the_number_of_clusters_is_chosen_and_none_is_made_up(void **state)
{
    (void)state;
    for (size_t blobs = 2; blobs <= 9; blobs++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("kmeans", ARENA_BYTES);
        MathRows rows = blobs_make(arena, blobs, 40, 9, 20 + blobs);
        Kmeans found;
        double fit;
        kmeans_choose(arena, &rows, 1, &found, &fit);
        assert_int_equal(found.clusters, blobs);
        assert_true(fit > 0.7);
        assert_labels_are_blobs(found.labels, rows.count, blobs);
    }
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("kmeans", ARENA_BYTES);
    MathRows one = blobs_make(arena, 1, 300, 6, 99);
    Kmeans found;
    double fit;
    kmeans_choose(arena, &one, 1, &found, &fit);
    assert_true(found.clusters == 1 && fit < SILHOUETTE_LEAST);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(separate_blobs_are_found_whatever_the_width),
        cmocka_unit_test(the_bounds_spare_distances_and_change_nothing),
        cmocka_unit_test(labels_are_by_size_and_the_same_each_time),
        cmocka_unit_test(equal_rows_and_few_rows_make_fewer_clusters),
        cmocka_unit_test(the_silhouette_is_rousseeuws),
        cmocka_unit_test(the_number_of_clusters_is_chosen_and_none_is_made_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
