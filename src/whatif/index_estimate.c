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
#define NULLABLE_MOST 4 /* columns whose NULLs are told apart */
#define HASH_ITEM_BYTES 20.0
#define HASH_FILL 307.0 /* tuples of a bucket, three quarters of a page */
#define GIN_FILL 0.6

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

static bool
is_null_in(uint32_t nulls, int column)
{
    return (nulls >> column & 1) != 0;
}

/* Bytes of a tuple's columns but those that are NULL; short values of variable length are stored unaligned.
 */
static double
columns_bytes(const IndexShape *shape, bool keys_only, uint32_t nulls)
{
    double size = 0;
    for (int i = 0; i < shape->column_count; i++) {
        const IndexEstimateColumn *column = &shape->columns[i];
        if (is_null_in(nulls, i) || (keys_only && !column->is_key))
            continue;
        double width = column->length > 0 ? column->length : column->width;
        if (column->length > 0 || width > 126)
            size = align(size, alignment_bytes(column->alignment));
        size += width;
    }
    return size;
}

/* A tuple with a NULL has a bitmap, and lacks the value. */
static double
tuple_bytes(const IndexShape *shape, bool keys_only, uint32_t nulls)
{
    return align(TUPLE_HEADER_BYTES + (nulls != 0 ? NULL_BITMAP_BYTES : 0) +
                     columns_bytes(shape, keys_only, nulls),
                 8);
}

typedef struct NullSets {
    int count;
    uint32_t nulls[1 << NULLABLE_MOST]; /* a bit for each column */
    double share[1 << NULLABLE_MOST];   /* of the rows */
} NullSets;

/* Each set of columns that can be NULL together, independently of each other; of many the others have none.
 */
static NullSets
null_sets(const IndexShape *shape, bool keys_only)
{
    NullSets sets = {.count = 1, .share = {1}};
    int nullable = 0;
    for (int i = 0; i < shape->column_count && nullable < NULLABLE_MOST; i++) {
        double fraction = shape->columns[i].null_fraction;
        if (fraction <= 0 || (keys_only && !shape->columns[i].is_key))
            continue;
        for (int j = 0; j < sets.count; j++) {
            sets.nulls[sets.count + j] = sets.nulls[j] | (uint32_t)1 << i;
            sets.share[sets.count + j] = sets.share[j] * fraction;
            sets.share[j] *= 1 - fraction;
        }
        sets.count *= 2;
        nullable++;
    }
    return sets;
}

static double
tuple_bytes_mean(const IndexShape *shape, bool keys_only)
{
    NullSets sets = null_sets(shape, keys_only);
    double mean = 0;
    for (int i = 0; i < sets.count; i++)
        mean += sets.share[i] * tuple_bytes(shape, keys_only, sets.nulls[i]);
    return mean;
}

double
index_estimate_drawn(double possible, double rows)
{
    return possible > 0 ? possible * -expm1(-rows / possible) : 0;
}

double
index_estimate_order_width(double correlation, double distinct)
{
    return fmin(sqrt(2 * fmax(1 - fabs(correlation), 0) / fmax(1 - 1 / distinct, 1e-7)), 1);
}

void
index_estimate_order_add(IndexOrdered *ordered, double distinct, double width)
{
    ordered->groups *= fmin(distinct, distinct * (ordered->width + width) + 1);
    ordered->width = fmin(ordered->width, 1 / distinct + width);
}

/* Distinct keys of the rows in which these columns are NULL: the others alone tell them apart. */
static double
groups_where(const IndexShape *shape, uint32_t nulls, double rows)
{
    if (nulls == 0)
        return fmin(shape->groups, rows);
    double possible = 1;
    for (int i = 0; i < shape->column_count; i++) {
        if (shape->columns[i].is_key && !is_null_in(nulls, i))
            possible *= shape->columns[i].distinct > 0 ? shape->columns[i].distinct : shape->groups;
    }
    return possible <= 1 ? 1 : index_estimate_drawn(fmin(possible, 1e18), rows);
}

/* Adds the leaf level's bytes, line pointers included, and tuples of rows in so many groups. */
static void
leaf_add(bool can_dedup, double rows, double groups, double tuple, double *bytes, double *items)
{
    double per_group = rows / fmin(fmax(groups, 1), fmax(rows, 1));
    double per_posting = floor((POSTING_BYTES_MOST - tuple) / ROW_POINTER_BYTES);
    if (!can_dedup || per_group < 1.5 || per_posting < 2) {
        *bytes += rows * (tuple + POINTER_BYTES);
        *items += rows;
        return;
    }
    groups = rows / per_group;
    double full = floor(per_group / per_posting);
    double rest = per_group - full * per_posting;
    *bytes += groups * full * (align(tuple + per_posting * ROW_POINTER_BYTES, 8) + POINTER_BYTES);
    if (rest >= 1)
        *bytes += groups * (align(tuple + rest * ROW_POINTER_BYTES, 8) + POINTER_BYTES);
    *items += groups * (full + (rest >= 1));
}

static double
btree_leaf_bytes(const IndexShape *shape, double *ret_items)
{
    NullSets sets = null_sets(shape, false);
    double bytes = 0;
    *ret_items = 0;
    for (int i = 0; i < sets.count; i++) {
        double rows = shape->rows * sets.share[i];
        if (rows > 0)
            leaf_add(shape->can_dedup, rows, groups_where(shape, sets.nulls[i], rows),
                     tuple_bytes(shape, false, sets.nulls[i]), &bytes, ret_items);
    }
    *ret_items = fmax(*ret_items, 1);
    return bytes;
}

static IndexEstimate
btree_estimate(const IndexShape *shape)
{
    IndexEstimate estimate = {.blocks = 1};
    if (shape->rows < 1)
        return estimate;
    int fillfactor = shape->fillfactor > 0 ? shape->fillfactor : BTREE_FILLFACTOR;
    double usable = PAGE_BYTES - 8192.0 * (100 - fillfactor) / 100 - 2 * POINTER_BYTES;
    double items;
    double bytes = btree_leaf_bytes(shape, &items);
    /* A tuple that does not fit goes to the next page: half of one is free on the mean. */
    double level = ceil(bytes / fmax(usable - bytes / items / 2, bytes / items));
    double fan_out =
        fmax(floor(PAGE_BYTES * INNER_FILL / (tuple_bytes_mean(shape, true) + POINTER_BYTES)), 2);
    estimate.blocks += level;
    while (level > 1) {
        level = ceil(level / fan_out);
        estimate.blocks += level;
        estimate.height++;
    }
    return estimate;
}

/* Buckets of a page each: powers of two, quarters of them beyond 512. */
static double
hash_buckets(double wanted)
{
    wanted = fmax(wanted, 2);
    double whole = exp2(floor(log2(wanted)));
    double steps = wanted > 512 ? 4 : 1;
    return whole * (1 + ceil((wanted / whole - 1) * steps) / steps);
}

/* Pages beyond the first of buckets to which groups of equal keys come by chance. */
static double
hash_chain_blocks(double buckets, double groups, double group_rows)
{
    double capacity = floor(PAGE_BYTES / HASH_ITEM_BYTES);
    double mean = groups / buckets;
    double deviation = sqrt(mean);
    double blocks = 0;
    if (mean < 30) {
        double probability = exp(-mean);
        for (int i = 1; i < mean + 8 * deviation + 8; i++) {
            probability *= mean / i;
            blocks += buckets * probability * fmax(ceil(i * group_rows / capacity) - 1, 0);
        }
        return blocks;
    }
    for (int i = -6; i <= 6; i++) { /* near to normal, in halves of its deviation */
        static const double weights[] = {0.1976, 0.1747, 0.1210, 0.0656, 0.0279, 0.0092, 0.0028};
        double load = (mean + deviation * i / 2) * group_rows;
        blocks += buckets * weights[i < 0 ? -i : i] * fmax(ceil(load / capacity) - 1, 0);
    }
    return blocks;
}

/* Buckets are made for all rows of the table, and split when those that are not NULL are too many. */
static double
hash_blocks(const IndexShape *shape)
{
    const IndexEstimateColumn *column = &shape->columns[0];
    double rows = shape->rows * (1 - column->null_fraction);
    double groups = fmin(fmax(column->distinct > 0 ? column->distinct : shape->groups, 1), fmax(rows, 1));
    double made = hash_buckets(floor(fmax(shape->table_rows, shape->rows) / HASH_FILL));
    double buckets = fmax(made, hash_buckets(ceil(rows / HASH_FILL)));
    double whole = exp2(floor(log2(buckets)));
    double split = buckets - whole; /* in halves, of a power of two */
    return 2 + buckets + hash_chain_blocks(2 * split, groups * split / whole, rows / groups) * (split > 0) +
           hash_chain_blocks(whole - split, groups * (whole - split) / whole, rows / groups) *
               (whole > split);
}

static double
brin_blocks(const IndexShape *shape)
{
    double ranges = ceil(shape->table_blocks / (shape->pages_per_range > 0 ? shape->pages_per_range : 128));
    double summary = align(16 + 2 * columns_bytes(shape, true, 0), 8) + POINTER_BYTES;
    return 1 + fmax(ceil(ranges / 1360), 1) + fmax(ceil(ranges * summary / PAGE_BYTES), 1);
}

static double
filled_blocks(double rows, double tuple, double fill)
{
    return 1 + ceil(rows * (tuple + POINTER_BYTES) / (PAGE_BYTES * fill)) * 1.01;
}

/* Rows of short posting lists: about two and a half bytes per row and element; an element that no other row
 * has is a tuple of its own. */
static double
gin_blocks(const IndexShape *shape)
{
    double bytes = 0;
    for (int i = 0; i < shape->column_count; i++) {
        const IndexEstimateColumn *column = &shape->columns[i];
        double width = column->length > 0 ? column->length : column->width;
        double elements = column->elements > 0 ? column->elements : fmax(width / 9, 1);
        double key = column->length > 0 ? column->length : fmin(column->width / elements, width);
        double own = align(TUPLE_HEADER_BYTES + key + ROW_POINTER_BYTES, 8) + POINTER_BYTES;
        double rows = shape->rows * (1 - column->null_fraction);
        bytes +=
            rows * (fmax(elements - column->own_elements, 0) * 2.5 + column->own_elements * own / GIN_FILL);
    }
    return 2 + ceil(bytes / PAGE_BYTES) * 1.1;
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
        estimate.blocks = filled_blocks(shape->rows, tuple_bytes_mean(shape, false) + 8, 0.7);
    else
        estimate.blocks = filled_blocks(shape->rows, tuple_bytes_mean(shape, false), 0.6);
    estimate.blocks = ceil(estimate.blocks);
    return estimate;
}
