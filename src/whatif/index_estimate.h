// SPDX-License-Identifier: PostgreSQL
/*
 * Size of an index that exists nowhere, from what its columns' statistics say; for a server without our
 * module, whose own estimator (twin_module/estimate*.c) sees more: common values, extended statistics of
 * each prefix, element counts.
 *
 * A freshly built index of PostgreSQL's pages of 8 kB. B-tree: alignment, deduplication with groups of equal
 * size, fill factor, inner levels. Hash by buckets, BRIN by ranges. GiST, SP-GiST and GIN by mean fills:
 * expect a factor of 2, for GIN 4. Pure functions.
 */
#ifndef FETTLE_WHATIF_INDEX_ESTIMATE_H
#define FETTLE_WHATIF_INDEX_ESTIMATE_H

#include "base/attributes.h"

#include <stdbool.h>
#include <stdint.h>

#define INDEX_ESTIMATE_COLUMNS_MOST 32

typedef struct IndexEstimateColumn {
    bool is_key;
    int length;     /* of the type; negative: variable */
    char alignment; /* pg_type.typalign */
    double width;   /* mean, bytes, of values that are not NULL */
    double null_fraction;
} IndexEstimateColumn;

typedef struct IndexShape {
    const char *method;
    double rows;    /* that it holds */
    double groups;  /* distinct keys among them; rows when not known */
    bool can_dedup; /* equal keys share a tuple */
    int fillfactor; /* 0: the method's default */
    double table_blocks;
    int pages_per_range; /* BRIN; 0: 128 */
    IndexEstimateColumn columns[INDEX_ESTIMATE_COLUMNS_MOST];
    int column_count;
} IndexShape;

typedef struct IndexEstimate {
    double blocks; /* at least 1 */
    int height;    /* of a B-tree, levels below the root; else -1 */
} IndexEstimate;

IndexEstimate index_estimate(const IndexShape *shape);

#endif
