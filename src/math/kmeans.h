// SPDX-License-Identifier: PostgreSQL
/*
 * Kmeans: rows cut into a given number of groups around their means, and how well a cut fits.
 *
 * Lloyd's iteration with Hamerly's bounds (2010), which spare most distances, from greedy k-means++ starts
 * (Arthur and Vassilvitskii 2007); the best of several runs. An empty cluster takes the row that is farthest
 * from its centre. Labels are in descending order of size, ties by the first row, so that runs on the same
 * rows and seed give the same bytes. Rows are centred before they are cut to floats: distances are those of
 * seven digits within the data's own spread.
 *
 * silhouette() is Rousseeuw's (1987) mean over a sample of the rows. kmeans_choose() tries 2 to 15 clusters
 * by it and keeps 5 unless another number is better by .02; below .25 there are no clusters to speak of.
 *
 * Values are finite, row-major. Pure; all memory from the arena.
 *
 *     Kmeans found;
 *     kmeans(arena, &(MathRows){values, count, width}, &(KmeansOptions){.clusters = 5, .seed = 1}, &found);
 */
#ifndef FETTLE_MATH_KMEANS_H
#define FETTLE_MATH_KMEANS_H

#include "base/arena.h"

#define KMEANS_RUNS 10
#define KMEANS_ROUNDS_MOST 300
#define KMEANS_TOLERANCE 1e-4 /* of the mean variance of the columns, by which the centres move */
#define KMEANS_CLUSTERS_STANDARD ((size_t)5)
#define KMEANS_CLUSTERS_MOST ((size_t)256)
#define KMEANS_GAIN_LEAST 0.02
#define SILHOUETTE_LEAST 0.25
#define SILHOUETTE_ROWS_MOST ((size_t)1500)

typedef struct MathRows {
    const double *values;
    size_t count;
    size_t width;
} MathRows;

typedef struct KmeansOptions {
    size_t clusters; /* 1 .. KMEANS_CLUSTERS_MOST; no more than rows are made */
    int runs;        /* 0: KMEANS_RUNS */
    uint64_t seed;
} KmeansOptions;

typedef struct Kmeans {
    size_t clusters;
    int32_t *labels;
    double *centres; /* clusters × width */
    size_t *sizes;
    double inertia; /* sum of the squared distances to the own centre */
    int rounds;
} Kmeans;

/* At least one row. */
void kmeans(Arena *arena, const MathRows *rows, const KmeansOptions *options, Kmeans *ret_kmeans);

/* -1 .. 1; NAN when fewer than two clusters have rows. Labels below 0 are noise and left out. */
double silhouette(Arena *arena, const MathRows *rows, const int32_t *labels, size_t clusters, uint64_t seed);

/* One cluster, and *ret_silhouette what the best cut would have had, when none is worth the name. */
void kmeans_choose(Arena *arena, const MathRows *rows, uint64_t seed, Kmeans *ret_kmeans,
                   double *ret_silhouette);

#endif
