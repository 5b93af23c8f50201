// SPDX-License-Identifier: PostgreSQL
/*
 * Size of an index that exists nowhere, from what its columns' statistics say; for a server without our
 * module, whose own estimator (twin_module/estimate*.c) sees more: common values, extended statistics of
 * each prefix, element counts.
 *
 * A freshly built index of PostgreSQL's pages of 8 kB. B-tree: alignment, deduplication with groups of equal
 * size, rows with NULLs apart, fill factor, inner levels. Hash by buckets, and chains of pages where few
 * values fill them. BRIN by ranges. GiST, SP-GiST and GIN by mean fills: expect a factor of 2, for GIN 4.
 * Pure functions.
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
    double distinct;     /* of the column alone, NULL excluded; 0: unknown */
    double elements;     /* GIN: of a row's value */
    double own_elements; /* GIN: of these, such as no other row has */
} IndexEstimateColumn;

typedef struct IndexShape {
    const char *method;
    double rows;    /* that it holds */
    double groups;  /* distinct keys without a NULL among them; rows when not known */
    bool can_dedup; /* equal keys share a tuple */
    int fillfactor; /* 0: the method's default */
    double table_blocks;
    double table_rows;   /* 0: as many as the index has */
    int pages_per_range; /* BRIN; 0: 128 */
    IndexEstimateColumn columns[INDEX_ESTIMATE_COLUMNS_MOST];
    int column_count;
} IndexShape;

typedef struct IndexEstimate {
    double blocks; /* at least 1 */
    int height;    /* of a B-tree, levels below the root; else -1 */
} IndexEstimate;

/* Distinct combinations among so many rows, of so many possible ones that come by chance. */
double index_estimate_drawn(double possible, double rows);
/* Columns that lie in the rows' order meet near the same rows only (twin_module/estimate_distinct.c): the
 * share of the rows about its place in which a value lies, by the column's correlation with that order; and
 * the combinations with one more such column. */
typedef struct IndexOrdered {
    double groups; /* 1 at first */
    double width;  /* of the rows, that a combination lies in; 1 at first */
} IndexOrdered;
double index_estimate_order_width(double correlation, double distinct);
void index_estimate_order_add(IndexOrdered *ordered, double distinct, double width);
IndexEstimate index_estimate(const IndexShape *shape);

#endif
