// SPDX-License-Identifier: PostgreSQL
/*
 * Pages and height of a freshly built B-tree, by the rules of nbtsort.c and nbtdedup.c.
 *
 * Leaf level. _bt_buildadd() takes tuples while the page is not past its fill factor, then moves the last one
 * over to be the next page's first; its key stays as the high key:
 *
 *     | header 24 | line pointers 4 each | ... free: 8192 * (100 - fillfactor) / 100 | tuples | special 16 |
 *
 * Duplicates of a key become posting lists of at most a tenth of a page: tuple + 6 bytes per row. How many
 * rows share a key comes from the statistics: NULLs and most common values each by their own count, the rest
 * spread as chance would (Poisson without zero) over the remaining distinct values.
 *
 * Inner levels are 70 % full of keys cut after the column that tells two neighbours apart, with a row pointer
 * if none does.
 */
#include "estimate.h"

#include <math.h>

#include "access/nbtree.h"

/* Key columns whose NULLs are told apart; of more, the others' are not NULL. */
#define NULLABLE_MOST 6

/* What is on the leaf level, row pointers' share and line pointers included. */
typedef struct Leaf {
    double items;
    double bytes;
    double posting_bytes; /* of bytes, those that a high key does not need */
    double widest_class;  /* items of the class of equal size that has the most bytes */
} Leaf;

static const double page_bytes = BLCKSZ - MAXALIGN(SizeOfPageHeaderData) - MAXALIGN(sizeof(BTPageOpaqueData));

static void
leaf_add(Leaf *leaf, double items, double tuple_bytes, double posting_bytes)
{
    leaf->items += items;
    leaf->bytes += items * (tuple_bytes + sizeof(ItemIdData));
    leaf->posting_bytes += items * posting_bytes;
}

static double
maxalign_of(double bytes)
{
    return ceil(bytes / MAXIMUM_ALIGNOF) * MAXIMUM_ALIGNOF;
}

/* Groups of this many equal keys each. */
static void
leaf_add_equal(Leaf *leaf, double groups, double rows, double tuple_bytes)
{
    double posting_max = MAXALIGN_DOWN(BLCKSZ * 10 / 100) - sizeof(ItemIdData);
    double rows_max = floor((MAXIMUM_ALIGNOF * floor(posting_max / MAXIMUM_ALIGNOF) - tuple_bytes) /
                            sizeof(ItemPointerData));
    double full, rest;
    if (groups <= 0 || rows <= 0)
        return;
    if (rows_max < 2) {
        leaf_add(leaf, groups * rows, tuple_bytes, 0);
        return;
    }
    full = floor(rows / rows_max);
    rest = rows - full * rows_max;
    if (full > 0)
        leaf_add(leaf, groups * full, maxalign_of(tuple_bytes + rows_max * sizeof(ItemPointerData)),
                 rows_max * sizeof(ItemPointerData));
    if (rest > 1)
        leaf_add(leaf, groups, maxalign_of(tuple_bytes + rest * sizeof(ItemPointerData)),
                 rest * sizeof(ItemPointerData));
    else if (rest > 0)
        leaf_add(leaf, groups * rest, tuple_bytes, 0);
}

/* Groups whose sizes vary by chance around a mean. */
static void
leaf_add_spread(Leaf *leaf, double groups, double mean, double tuple_bytes)
{
    int i;
    if (groups <= 0 || mean <= 0)
        return;
    if (mean <= 1.001) {
        leaf_add(leaf, groups * mean, tuple_bytes, 0);
    } else if (mean < 40) {
        double lambda = mean, probability;
        for (i = 0; i < 60; i++)
            lambda = mean * (1 - exp(-lambda)); /* the Poisson whose mean without zero is ours */
        probability = lambda / Max(expm1(lambda), 1e-12);
        for (i = 1; i < mean + 8 * sqrt(mean) + 8; i++) {
            leaf_add_equal(leaf, groups * probability, i, tuple_bytes);
            probability *= lambda / (i + 1);
        }
    } else {
        for (i = -4; i <= 4; i++) {
            static const double weights[] = {0.2042, 0.1802, 0.1238, 0.0663, 0.0276};
            leaf_add_equal(leaf, groups * weights[abs(i)], Max(rint(mean + sqrt(mean) * i / 2.0), 1),
                           tuple_bytes);
        }
    }
}

/* An only key: its NULLs and its common values are known one by one. */
static void
leaf_fill_column(const TwinIndexShape *shape, Leaf *leaf)
{
    double tuple_bytes = twin_shape_tuple_size_where(shape, 1, 0);
    double rows = shape->rows, groups = twin_shape_distinct(shape, 1);
    const TwinColumn *column = &shape->columns[0];
    double nulls = rows * column->null_fraction;
    int i;
    leaf_add_equal(leaf, 1, rint(nulls), MAXALIGN(sizeof(IndexTupleData) + sizeof(IndexAttributeBitMapData)));
    rows -= nulls;
    for (i = 0; !shape->is_partial && i < column->common_count; i++) {
        double common = rint(shape->rows * column->common_fractions[i]);
        leaf_add_equal(leaf, 1, Min(common, rows), tuple_bytes);
        rows -= Min(common, rows);
        groups--;
    }
    groups = Min(Max(groups, 1), rows);
    if (rows >= 1)
        leaf_add_spread(leaf, groups, rows / groups, tuple_bytes);
}

/* Rows in which these of the columns are NULL: the others alone tell them apart. */
static void
leaf_fill_where(const TwinIndexShape *shape, Leaf *leaf, uint32 nulls, double share)
{
    double rows = shape->rows * share,
           groups = Min(twin_shape_distinct_where(shape, shape->key_count, nulls, share), rows);
    if (groups > 0)
        leaf_add_spread(leaf, groups, rows / groups,
                        twin_shape_tuple_size_where(shape, shape->column_count, nulls));
}

/* This column and those after it that are NULL together with it. */
static uint32
nulls_beside(const TwinIndexShape *shape, int column)
{
    uint32 set = (uint32)1 << column;
    int i;
    for (i = column + 1; i < shape->key_count; i++) {
        if (twin_columns_are_null_together(&shape->columns[column], &shape->columns[i]))
            set |= (uint32)1 << i;
    }
    return set;
}

/* Each set of columns that can be NULL together, independently of each other where nothing else is known. */
static void
leaf_fill_columns(const TwinIndexShape *shape, Leaf *leaf)
{
    uint32 sets[1 << NULLABLE_MOST] = {0};
    double shares[1 << NULLABLE_MOST] = {1};
    uint32 seen = 0;
    int count = 1, nullable = 0, i, j;
    for (i = 0; i < shape->key_count && nullable < NULLABLE_MOST; i++) {
        double null_fraction = shape->columns[i].null_fraction;
        uint32 beside = nulls_beside(shape, i);
        if (null_fraction <= 0 || (shape->is_partial && null_fraction < 1) || (seen >> i & 1) != 0)
            continue;
        seen |= beside;
        for (j = 0; j < count; j++) {
            sets[count + j] = sets[j] | beside;
            shares[count + j] = shares[j] * null_fraction;
            shares[j] *= 1 - null_fraction;
        }
        count *= 2;
        nullable++;
    }
    for (i = 0; i < count; i++)
        leaf_fill_where(shape, leaf, sets[i], shares[i]);
}

static bool
is_deduplicated(Relation index)
{
    return !index->rd_index->indisunique && BTGetDeduplicateItems(index) && _bt_allequalimage(index, false);
}

/* Items that remain on a leaf page; see the drawing above. */
static double
leaf_items_per_page(Relation index, const Leaf *leaf, bool is_uniform)
{
    double item = leaf->bytes / leaf->items, posting = leaf->posting_bytes / leaf->items;
    double usable = page_bytes - 2 * sizeof(ItemIdData) - BTGetTargetPageFreeSpace(index);
    double soft = (usable + posting) / item, hard = (page_bytes - sizeof(ItemIdData) - 8) / item - 1;
    double kept = Min(soft, hard);
    return Max(is_uniform ? floor(kept) : kept - 0.5, 2);
}

/* Mean size of an inner tuple: the leading columns that differ between neighbours. */
static double
pivot_size(const TwinIndexShape *shape, double leaf_items)
{
    double told_apart = 0, size = 0;
    int i;
    for (i = 1; i <= shape->key_count && told_apart < 1; i++) {
        double share = Min(twin_shape_distinct(shape, i) / Max(leaf_items, 1), 1);
        if (share > told_apart) {
            size += (share - told_apart) * twin_shape_tuple_size(shape, i);
            told_apart = share;
        }
    }
    if (told_apart < 1)
        size += (1 - told_apart) *
                (twin_shape_tuple_size(shape, shape->key_count) + MAXALIGN(sizeof(ItemPointerData)));
    return size;
}

void
twin_estimate_btree(const TwinIndexShape *shape, TwinIndexEstimate *ret_estimate)
{
    Leaf leaf = {0};
    double level_pages, pages, fan_out, tuple_bytes;
    bool is_uniform = false;
    ret_estimate->height = 0;
    if (shape->rows < 1) {
        ret_estimate->pages = 1;
        return;
    }
    if (is_deduplicated(shape->index)) {
        if (shape->key_count == 1)
            leaf_fill_column(shape, &leaf);
        else
            leaf_fill_columns(shape, &leaf);
        is_uniform = shape->key_count == 1 && leaf.posting_bytes > 0.9 * leaf.bytes;
    } else {
        tuple_bytes = twin_shape_tuple_size(shape, shape->column_count);
        leaf_add(&leaf, shape->rows, tuple_bytes, 0);
    }
    tuple_bytes = leaf.bytes / leaf.items - sizeof(ItemIdData);
    is_uniform |= fabs(tuple_bytes - rint(tuple_bytes)) < 1e-9;
    level_pages = ceil(leaf.items / leaf_items_per_page(shape->index, &leaf, is_uniform));
    /* The first tuple of an inner page has no key. */
    fan_out = page_bytes - 2 * sizeof(ItemIdData) - BLCKSZ * (100 - BTREE_NONLEAF_FILLFACTOR) / 100 -
              sizeof(IndexTupleData) - sizeof(ItemIdData);
    fan_out = Max(1 + floor(fan_out / (pivot_size(shape, leaf.items) + sizeof(ItemIdData))), 2);
    for (pages = 1 + level_pages; level_pages > 1; pages += level_pages) {
        level_pages = ceil(level_pages / fan_out);
        ret_estimate->height++;
    }
    ret_estimate->pages = pages;
}
