// SPDX-License-Identifier: PostgreSQL
/*
 * Dbscan: groups of rows that lie dense, of any shape, and the rows that lie in none (Ester et al. 1996).
 *
 * A row with points_least rows (itself among them) within the radius is a core; cores within the radius of
 * each other are one cluster; a row near a core but none itself goes to the first such cluster in the order
 * of rows, all others are noise (-1). Neighbours come from a k-d tree, with distances given up as soon as
 * they are too long: O(n log n) where rows are spread out, O(n²) where all lie within one radius or the width
 * is great.
 *
 * dbscan_radius() finds a radius: the knee of the sorted distances to the points_least-th row. In more than 8
 * dimensions that curve has no knee to speak of, and it refuses.
 *
 * Pure; all memory from the arena. Rows are finite.
 */
#ifndef FETTLE_MATH_DBSCAN_H
#define FETTLE_MATH_DBSCAN_H

#include "base/error.h"
#include "math/kmeans.h"

#define DBSCAN_RADIUS 0.5
#define DBSCAN_POINTS_LEAST ((size_t)5)
#define DBSCAN_POINTS_MOST ((size_t)256)
#define DBSCAN_KNEE_WIDTH_MOST ((size_t)8)

typedef struct Dbscan {
    size_t clusters;
    int32_t *labels; /* -1: noise */
    size_t noise_count;
} Dbscan;

void dbscan(Arena *arena, const MathRows *rows, double radius, size_t points_least, Dbscan *ret_dbscan);

/* ERROR_INPUT: too wide, or too few rows. */
bool dbscan_radius(Arena *arena, const MathRows *rows, size_t points_least, double *ret_radius, Error *error)
    FETTLE_MUST_USE;

#endif
