// SPDX-License-Identifier: PostgreSQL
/*
 * Pages of a freshly built GIN index: a B-tree of entries, each with the rows that have it.
 *
 * Rows of an entry are packed: differences between row numbers (block * 2048 + offset) in 7-bit bytes. An entry whose
 * rows fit a third of a page keeps them beside its key; a more frequent one has a posting tree of its own pages.
 *
 * Entries come from element statistics (most common elements of arrays and tsvector). Elements beyond that list: as
 * many as a Zipf law through its ends, or an even spread when it is flat, would have. Types whose elements nobody
 * counts (jsonb, trigrams) are guessed from their width. Expect a factor of 3.
 */
#include "estimate.h"
#include "parser/parse_coerce.h"

#include <math.h>

#include "access/gin_private.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"

typedef struct GinSum {
    double entries;
    double entry_bytes;
    double data_pages;
} GinSum;

static const double segment_bytes = 256; /* of packed rows, after each a header of 8 */
static const double entry_fill = 0.6; /* splits of a page in halves, sometimes filled up later */

static double difference_bytes(double difference) {
    double bits = log2(Max(difference, 1)) + 1;
    return Min(Max(ceil(bits / 7), 1), 6);
}

/* Packed bytes of the rows of one entry. */
static double posting_bytes(const TwinIndexShape *shape, double rows) {
    double page_rows = Max(shape->rows / Max(shape->table_pages, 1), 1);
    double per_page = page_rows * rows / Max(shape->rows, 1); /* of this entry's rows on a table page */
    if (rows < 1)
        return 0;
    if (per_page >= 1)
        return rows * ((per_page - 1) + 2) / per_page;
    return rows * difference_bytes(MaxHeapTuplesPerPage > 0 ? 2048 / per_page : 0);
}

static void entries_add(const TwinIndexShape *shape, GinSum *sum, double count, double rows, double key_bytes) {
    double header = MAXALIGN(sizeof(IndexTupleData)), bytes;
    if (count <= 0)
        return;
    rows = Max(rows, 1);
    bytes = posting_bytes(shape, rows);
    sum->entries += count;
    header += key_bytes + (shape->key_count > 1 ? sizeof(uint16) : 0);
    if (header + bytes + 8 <= GinMaxItemSize) {
        sum->entry_bytes += count * (MAXALIGN((uint64)ceil(header + bytes + 8)) + sizeof(ItemIdData));
    } else {
        double leaves = ceil(bytes * (1 + 8 / segment_bytes) / GinDataPageMaxDataSize);
        sum->entry_bytes += count * (MAXALIGN((uint64)header) + sizeof(ItemIdData));
        sum->data_pages += count * (leaves + (leaves > 1 ? 1 : 0));
    }
}

/* How many further elements share so many appearances, when the rarest listed one has so many. */
static double unlisted_elements(const TwinColumn *column, double appearances, double rows) {
    double most = 0, least = 1;
    int i;
    for (i = 0; i < column->element_count; i++) {
        most = Max(most, column->element_fractions[i]);
        least = Min(least, column->element_fractions[i]);
    }
    least = Max(least, 1 / Max(rows, 1));
    if (most < 4 * least)
        return Min(Max(appearances / (rows * least), 1), appearances);
    return Min(column->element_count * expm1(Min(appearances / (rows * least * column->element_count), 20)), appearances);
}

static void listed_elements_add(const TwinIndexShape *shape, const TwinColumn *column, GinSum *sum) {
    double listed = 0, mean = column->element_mean, rows = shape->rows * (1 - column->null_fraction), rest;
    int i;
    for (i = 0; i < column->element_count; i++) {
        entries_add(shape, sum, 1, rows * column->element_fractions[i], column->element_width);
        listed += rows * column->element_fractions[i];
    }
    if (mean <= 0) /* tsvector: an entry of 4 bytes, the lexeme, and positions */
        mean = column->width_mean / (4 + column->element_width + 4);
    rest = rows * mean - listed;
    if (rest > 0.01 * listed) {
        double elements = unlisted_elements(column, rest, rows);
        entries_add(shape, sum, elements, rest / Max(elements, 1), column->element_width);
    }
}

/* One entry per value, as btree_gin makes. */
static void scalars_add(const TwinIndexShape *shape, const TwinColumn *column, GinSum *sum) {
    double rest = shape->rows * (1 - column->null_fraction);
    double distinct = Min(column->distinct, Max(rest, 1));
    int i;
    for (i = 0; i < column->common_count && rest > 0; i++) {
        double rows = Min(shape->rows * column->common_fractions[i], rest);
        entries_add(shape, sum, 1, rows, column->width_mean);
        rest -= rows;
        distinct--;
    }
    if (rest >= 1)
        entries_add(shape, sum, Max(distinct, 1), rest / Max(distinct, 1), column->width_mean);
}

static void guessed_elements_add(const TwinIndexShape *shape, const TwinColumn *column, GinSum *sum) {
    double rows = shape->rows * (1 - column->null_fraction), appearances, distinct;
    if (column->type == JSONBOID) {
        double values = Max((column->width_mean - 8) / 28, 1);
        bool has_keys = column->length == -1; /* jsonb_path_ops keeps 4-byte hashes of paths with values only */
        if (has_keys)
            entries_add(shape, sum, values, rows, 12);
        distinct = Max(rows * values * 0.1, values);
        entries_add(shape, sum, distinct, rows * values / distinct, column->length == -1 ? 10 : 4);
    } else if (TypeCategory(column->type) == TYPCATEGORY_STRING) {
        appearances = rows * (column->width_mean + 1);
        distinct = Min(appearances, 20000); /* trigrams in use in one language */
        entries_add(shape, sum, distinct, appearances / Max(distinct, 1), 4);
    } else {
        appearances = rows * Max(column->width_mean / 12, 1);
        distinct = Min(Max(column->distinct, 1), appearances);
        entries_add(shape, sum, distinct, appearances / Max(distinct, 1), 8);
    }
}

void twin_estimate_gin(const TwinIndexShape *shape, TwinIndexEstimate *ret_estimate) {
    GinSum sum = {0};
    int i;
    for (i = 0; i < shape->key_count; i++) {
        const TwinColumn *column = &shape->columns[i];
        if (shape->rows < 1)
            break;
        if (column->null_fraction > 0)
            entries_add(shape, &sum, 1, shape->rows * column->null_fraction, 1);
        if (column->element_count > 0)
            listed_elements_add(shape, column, &sum);
        else if (!column->is_opaque && column->type != JSONBOID && !OidIsValid(get_element_type(column->type)))
            scalars_add(shape, column, &sum);
        else
            guessed_elements_add(shape, column, &sum);
    }
    ret_estimate->gin_entries = sum.entries;
    ret_estimate->gin_entry_pages = Max(ceil(sum.entry_bytes / ((BLCKSZ - 40) * entry_fill)), 1);
    if (ret_estimate->gin_entry_pages > 1)
        ret_estimate->gin_entry_pages += ceil(ret_estimate->gin_entry_pages / 150);
    ret_estimate->gin_data_pages = ceil(sum.data_pages);
    ret_estimate->pages = 1 + ret_estimate->gin_entry_pages + ret_estimate->gin_data_pages;
}
