// SPDX-License-Identifier: PostgreSQL
#include "whatif/index_estimate.h"

#include <math.h>
#include <string.h>

#define PAGE_BYTES 8152.0 /* without header and special space */
#define POINTER_BYTES 4.0 /* line pointer */
#define TUPLE_HEADER_BYTES 8.0
#define NULL_BITMAP_BYTES 8.0
#define ROW_POINTER_BYTES 6.0
#define POSTING_BYTES_MOST 812.0 /* a tenth of a page, less a line pointer */
#define BTREE_FILLFACTOR 90
#define INNER_FILL 0.7

static double
align(double bytes, double to)
{
    return ceil(bytes / to) * to;
}

static double
alignment_bytes(char alignment)
{
    return alignment == 'd' ? 8 : alignment == 'i' ? 4 : alignment == 's' ? 2 : 1;
}

/* Mean bytes of a tuple's columns, the one at `without` left out; short values of variable length are stored
 * unaligned. */
static double
columns_bytes(const IndexShape *shape, bool keys_only, int without)
{
    double size = 0;
    for (int i = 0; i < shape->column_count; i++) {
        const IndexEstimateColumn *column = &shape->columns[i];
        if (i == without || (keys_only && !column->is_key))
            continue;
        double width = column->length > 0 ? column->length : column->width;
        if (column->length > 0 || width > 126)
            size = align(size, alignment_bytes(column->alignment));
        size += width * (1 - column->null_fraction);
    }
    return size;
}

/* The column with most NULLs; -1: none has any. */
static int
nullest_column(const IndexShape *shape, bool keys_only)
{
    int found = -1;
    for (int i = 0; i < shape->column_count; i++)
        if ((shape->columns[i].is_key || !keys_only) && shape->columns[i].null_fraction > 0 &&
            (found < 0 || shape->columns[i].null_fraction > shape->columns[found].null_fraction))
            found = i;
    return found;
}

/* Tuples with a NULL have a bitmap, and lack the value: the column with most NULLs is told apart, others
 * count with their mean. */
static double
tuple_bytes(const IndexShape *shape, bool keys_only)
{
    int nullest = nullest_column(shape, keys_only);
    if (nullest < 0)
        return align(TUPLE_HEADER_BYTES + columns_bytes(shape, keys_only, -1), 8);
    IndexShape whole = *shape;
    double share = shape->columns[nullest].null_fraction;
    whole.columns[nullest].null_fraction = 0;
    double with = align(TUPLE_HEADER_BYTES + columns_bytes(&whole, keys_only, -1), 8);
    double bare =
        align(TUPLE_HEADER_BYTES + NULL_BITMAP_BYTES + columns_bytes(&whole, keys_only, nullest), 8);
    return share * bare + (1 - share) * with;
}

/* Bytes of the leaf level, line pointers included, and how many tuples they are. */
static double
btree_leaf_bytes(const IndexShape *shape, double tuple, double *ret_items)
{
    *ret_items = shape->rows;
    double groups = fmin(fmax(shape->groups, 1), shape->rows);
    double per_group = shape->rows / groups;
    double per_posting = floor((POSTING_BYTES_MOST - tuple) / ROW_POINTER_BYTES);
    if (!shape->can_dedup || per_group < 1.5 || per_posting < 2)
        return shape->rows * (tuple + POINTER_BYTES);
    double full = floor(per_group / per_posting);
    double rest = per_group - full * per_posting;
    double bytes = full * (align(tuple + per_posting * ROW_POINTER_BYTES, 8) + POINTER_BYTES);
    if (rest >= 1)
        bytes += align(tuple + rest * ROW_POINTER_BYTES, 8) + POINTER_BYTES;
    *ret_items = groups * (full + (rest >= 1));
    return groups * bytes;
}

static IndexEstimate
btree_estimate(const IndexShape *shape)
{
    IndexEstimate estimate = {.blocks = 1};
    if (shape->rows < 1)
        return estimate;
    int fillfactor = shape->fillfactor > 0 ? shape->fillfactor : BTREE_FILLFACTOR;
    double tuple = tuple_bytes(shape, false);
    double usable = PAGE_BYTES - 8192.0 * (100 - fillfactor) / 100 - 2 * POINTER_BYTES;
    double items;
    double bytes = btree_leaf_bytes(shape, tuple, &items);
    /* A tuple that does not fit goes to the next page: half of one is free on the mean. */
    double level = ceil(bytes / fmax(usable - bytes / items / 2, bytes / items));
    double fan_out = fmax(floor(PAGE_BYTES * INNER_FILL / (tuple_bytes(shape, true) + POINTER_BYTES)), 2);
    estimate.blocks += level;
    while (level > 1) {
        level = ceil(level / fan_out);
        estimate.blocks += level;
        estimate.height++;
    }
    return estimate;
}

/* Buckets of a page each: powers of two, quarters of them beyond 512; some overflow. */
static double
hash_blocks(const IndexShape *shape)
{
    double capacity = floor(PAGE_BYTES / 20);
    double wanted = fmax(ceil(shape->rows / floor(capacity * 0.75)), 2);
    double whole = exp2(floor(log2(wanted)));
    double steps = wanted > 512 ? 4 : 1;
    double buckets = whole * (1 + ceil((wanted / whole - 1) * steps) / steps);
    return 2 + buckets + fmax(shape->rows / capacity - buckets, 0);
}

static double
brin_blocks(const IndexShape *shape)
{
    double ranges = ceil(shape->table_blocks / (shape->pages_per_range > 0 ? shape->pages_per_range : 128));
    double summary = align(16 + 2 * columns_bytes(shape, true, -1), 8) + POINTER_BYTES;
    return 1 + fmax(ceil(ranges / 1360), 1) + fmax(ceil(ranges * summary / PAGE_BYTES), 1);
}

static double
filled_blocks(double rows, double tuple, double fill)
{
    return 1 + ceil(rows * (tuple + POINTER_BYTES) / (PAGE_BYTES * fill)) * 1.01;
}

/* Rows of short posting lists: about two and a half bytes per row and element. */
static double
gin_blocks(const IndexShape *shape)
{
    double elements = fmax(columns_bytes(shape, true, -1) / 9, 1);
    return 2 + ceil(shape->rows * elements * 2.5 / PAGE_BYTES) * 1.1;
}

IndexEstimate
index_estimate(const IndexShape *shape)
{
    IndexEstimate estimate = {.blocks = 1, .height = -1};
    if (strcmp(shape->method, "btree") == 0)
        return btree_estimate(shape);
    if (strcmp(shape->method, "hash") == 0)
        estimate.blocks = hash_blocks(shape);
    else if (strcmp(shape->method, "brin") == 0)
        estimate.blocks = brin_blocks(shape);
    else if (strcmp(shape->method, "gin") == 0)
        estimate.blocks = gin_blocks(shape);
    else if (strcmp(shape->method, "spgist") == 0)
        estimate.blocks = filled_blocks(shape->rows, tuple_bytes(shape, false) + 8, 0.7);
    else
        estimate.blocks = filled_blocks(shape->rows, tuple_bytes(shape, false), 0.6);
    estimate.blocks = ceil(estimate.blocks);
    return estimate;
}
