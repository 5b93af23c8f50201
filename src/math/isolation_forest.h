// SPDX-License-Identifier: PostgreSQL
/*
 * IsolationForest: how easily a row is told apart from the others (Liu, Ting and Zhou 2008).
 *
 * A tree is grown from a few rows drawn without replacement: each node takes one of the features that vary in
 * it, at random, and a threshold between that feature's least and greatest value, at random, until a row is
 * alone, all rows are equal, or the tree is log2(sample) high. What is odd ends up alone after few steps:
 *
 *     score = 2^(-E[depth] / c(sample)),   c(n) = 2 (ln(n - 1) + .5772...) - 2 (n - 1) / n
 *
 * About .5 is usual, towards 1 is odd. A leaf of n rows counts c(n) more steps. The feature is drawn among
 * those that vary (drawing some with replacement can miss the only one). Thresholds are floats, and rows are
 * compared with them as floats by x < threshold both when fitting and when scoring. A value that is not
 * finite is the median of its column. The same seed and rows give the same forest, bit by bit.
 *
 * The forest lives in the arena and is read-only after the fit: any thread may score. Counts and times should
 * be logarithms; scales of features do not matter.
 *
 *     IsolationForestOptions options = {.values = rows, .row_count = n, .column_count = d, .seed = 1};
 *     const IsolationForest *forest = isolation_forest_fit(arena, &options);
 *     double score = isolation_forest_score(forest, row);
 */
#ifndef FETTLE_MATH_ISOLATION_FOREST_H
#define FETTLE_MATH_ISOLATION_FOREST_H

#include "base/arena.h"

#define ISOLATION_FOREST_TREES 100
#define ISOLATION_FOREST_SAMPLE 256
#define ISOLATION_FOREST_TREES_MOST 1000
#define ISOLATION_FOREST_COLUMNS_MOST 256

typedef struct IsolationForest IsolationForest;

typedef struct IsolationForestOptions {
    const float *values; /* row by row */
    size_t row_count;    /* at least 2 */
    size_t column_count; /* 1 .. ISOLATION_FOREST_COLUMNS_MOST */
    size_t trees;        /* 0: ISOLATION_FOREST_TREES */
    uint64_t seed;
} IsolationForestOptions;

const IsolationForest *isolation_forest_fit(Arena *arena, const IsolationForestOptions *options);
/* Over 0 .. 1; the row has as many values as the forest has columns. */
double isolation_forest_score(const IsolationForest *forest, const float *row);
/* The column whose value, replaced by its median, lowers the score most; *ret_drop: by how much, 0 when none
 * does. */
size_t isolation_forest_cause(const IsolationForest *forest, const float *row, double *ret_drop);

#endif
