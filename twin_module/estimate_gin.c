// SPDX-License-Identifier: PostgreSQL
/*
 * Pages of a freshly built GIN index: a B-tree of entries, each with the rows that have it.
 *
 * Rows of an entry are packed: differences between row numbers (block * 2048 + offset) in 7-bit bytes. An
 * entry whose rows fit a third of a page keeps them beside its key; a more frequent one has a posting tree of
 * its own pages.
 *
 * Entries come from element statistics (most common elements of arrays and tsvector). Elements beyond that
 * list: as many as a Zipf law through its ends, or an even spread when it is flat, would have. Types whose
 * elements nobody counts (jsonb, trigrams of text) have whole values in their statistics: the operator class
 * takes these apart. How many entries there are in all is extended from how their number grows from a quarter
 * of the sample to a half to the whole: each doubling adds its share, and the share shrinks as it did. What
 * has no statistics at all is guessed from its width. Expect a factor of 1.5, and of 3 to 4 for documents
 * with unique values.
 */
#include "estimate.h"

#include "parser/parse_coerce.h"

#include <math.h>

#include "access/gin_private.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/lsyscache.h"

typedef struct GinSum {
    double entries;
    double entry_bytes;
    double data_pages;
} GinSum;

static const double segment_bytes = 256; /* of packed rows, after each a header of 8 */
static const double entry_fill = 0.6;    /* splits of a page in halves, sometimes filled up later */

static double
difference_bytes(double difference)
{
    double bits = log2(Max(difference, 1)) + 1;
    return Min(Max(ceil(bits / 7), 1), 6);
}

/* Packed bytes of the rows of one entry. */
static double
posting_bytes(const TwinIndexShape *shape, double rows)
{
    double page_rows = Max(shape->rows / Max(shape->table_pages, 1), 1);
    double per_page = page_rows * rows / Max(shape->rows, 1); /* of this entry's rows on a table page */
    if (rows < 1)
        return 0;
    if (per_page >= 1)
        return rows * ((per_page - 1) + 2) / per_page;
    return rows * difference_bytes(MaxHeapTuplesPerPage > 0 ? 2048 / per_page : 0);
}

static void
entries_add(const TwinIndexShape *shape, GinSum *sum, double count, double rows, double key_bytes)
{
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
static double
unlisted_elements(const TwinColumn *column, double appearances, double rows)
{
    double most = 0, least = 1;
    int i;
    for (i = 0; i < column->element_count; i++) {
        most = Max(most, column->element_fractions[i]);
        least = Min(least, column->element_fractions[i]);
    }
    least = Max(least, 1 / Max(rows, 1));
    if (most < 4 * least)
        return Min(Max(appearances / (rows * least), 1), appearances);
    return Min(column->element_count * expm1(Min(appearances / (rows * least * column->element_count), 20)),
               appearances);
}

static void
listed_elements_add(const TwinIndexShape *shape, const TwinColumn *column, GinSum *sum)
{
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
static void
scalars_add(const TwinIndexShape *shape, const TwinColumn *column, GinSum *sum)
{
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

static int
hash_compare(const void *left, const void *right)
{
    uint32 a = *(const uint32 *)left, b = *(const uint32 *)right;
    return a < b ? -1 : a > b;
}

#define SAMPLED_ENTRIES_MAX 100000

/* Entries of every stride-th sampled value as hashes, sorted, and the mean width of a key. */
static int
documents_take_apart(const TwinIndexShape *shape, const TwinColumn *column, int number, int stride,
                     uint32 **ret_entries, double *ret_key_bytes)
{
    FmgrInfo *extract = index_getprocinfo(shape->index, number, GIN_EXTRACTVALUE_PROC);
    Form_pg_attribute key = TupleDescAttr(RelationGetDescr(shape->index), number - 1);
    uint32 *entries = palloc(sizeof(uint32) * SAMPLED_ENTRIES_MAX);
    double bytes_total = 0;
    int i, count = 0;
    for (i = 0; i < column->document_count; i += stride) {
        int32 found = 0, j;
        bool *nulls = NULL;
        Datum *keys = (Datum *)DatumGetPointer(
            FunctionCall3Coll(extract, shape->index->rd_indcollation[number - 1], column->documents[i],
                              PointerGetDatum(&found), PointerGetDatum(&nulls)));
        for (j = 0; keys != NULL && j < found && count < SAMPLED_ENTRIES_MAX; j++) {
            double bytes = key->attlen;
            if (nulls != NULL && nulls[j])
                continue;
            if (key->attbyval) {
                entries[count] = DatumGetUInt32(hash_any((const unsigned char *)&keys[j], sizeof(Datum)));
            } else if (key->attlen == -1) {
                bytes = VARSIZE_ANY_EXHDR(DatumGetPointer(keys[j])) + VARHDRSZ_SHORT;
                entries[count] =
                    DatumGetUInt32(hash_any((const unsigned char *)VARDATA_ANY(DatumGetPointer(keys[j])),
                                            VARSIZE_ANY_EXHDR(DatumGetPointer(keys[j]))));
            } else {
                bytes = key->attlen == -2 ? strlen(DatumGetCString(keys[j])) + 1.0 : key->attlen;
                entries[count] =
                    DatumGetUInt32(hash_any((const unsigned char *)DatumGetPointer(keys[j]), (int)bytes));
            }
            bytes_total += bytes;
            count++;
        }
    }
    qsort(entries, count, sizeof(uint32), hash_compare);
    *ret_entries = entries;
    *ret_key_bytes = count > 0 ? bytes_total / count : 4;
    return count;
}

static double
distinct_of(const uint32 *entries, int count, double *ret_once)
{
    double distinct = 0;
    int i, same;
    *ret_once = 0;
    for (i = 0; i < count; i += same) {
        for (same = 1; i + same < count && entries[i + same] == entries[i]; same++)
            ;
        distinct++;
        *ret_once += same == 1;
    }
    return distinct;
}

/* Times by which distinct entries grow from the sample to so many times as many rows. */
static double
distinct_growth(const TwinIndexShape *shape, const TwinColumn *column, int number, double distinct,
                double row_factor)
{
    double parts[2], share, decline, growth = 0, doublings = log2(Max(row_factor, 1)), key_bytes, once;
    int i;
    for (i = 0; i < 2; i++) {
        uint32 *entries;
        int count = documents_take_apart(shape, column, number, i == 0 ? 4 : 2, &entries, &key_bytes);
        parts[i] = Max(distinct_of(entries, count, &once), 1);
        pfree(entries);
    }
    share = log2(Max(distinct / parts[1], 1));
    decline = Max(log2(Max(parts[1] / parts[0], 1)) - share, 0);
    for (i = 1; i <= doublings && share - decline * i > 0; i++)
        growth += Min(share - decline * i, 1);
    /* A hundred values cannot tell a thousand distinct ones from all distinct: stay a little below the
     * straight line. */
    return exp2(0.9 * growth);
}

static void
sampled_elements_add(const TwinIndexShape *shape, const TwinColumn *column, int number, GinSum *sum)
{
    double rows = shape->rows * (1 - column->null_fraction), row_factor = rows / column->document_count;
    /* Values that are not in the sample can bring new entries, more rows of the same values cannot. */
    double value_factor = Min(row_factor, column->distinct / column->document_count);
    double key_bytes, once, distinct, unseen;
    uint32 *entries;
    int count = documents_take_apart(shape, column, number, 1, &entries, &key_bytes), i, same;
    for (i = 0; i < count; i += same) {
        for (same = 1; i + same < count && entries[i + same] == entries[i]; same++)
            ;
        if (same > 1)
            entries_add(shape, sum, 1, Min(same * row_factor, rows), key_bytes);
    }
    distinct = distinct_of(entries, count, &once);
    if (once < 1)
        return;
    unseen = distinct * distinct_growth(shape, column, number, distinct, value_factor) - (distinct - once);
    unseen = Min(Max(unseen, once), once * Max(value_factor, 1));
    entries_add(shape, sum, unseen, once * row_factor / unseen, key_bytes);
}

/* No statistics: so many entries of so many bytes, from words or numbers in use. */
static void
guessed_elements_add(const TwinIndexShape *shape, const TwinColumn *column, GinSum *sum)
{
    double rows = shape->rows * (1 - column->null_fraction);
    double per_row = Max(column->type == TSVECTOROID ? column->width_mean / 16 : column->width_mean / 12, 1);
    double appearances = rows * per_row, distinct = Min(appearances, 20000);
    entries_add(shape, sum, distinct, appearances / Max(distinct, 1), 8);
}

void
twin_estimate_gin(const TwinIndexShape *shape, TwinIndexEstimate *ret_estimate)
{
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
        else if (!column->is_opaque && column->type != JSONBOID && column->type != TSVECTOROID &&
                 !OidIsValid(get_element_type(column->type)))
            scalars_add(shape, column, &sum);
        else if (column->document_count > 0)
            sampled_elements_add(shape, column, i + 1, &sum);
        else
            guessed_elements_add(shape, column, &sum);
    }
    ret_estimate->gin_entries = sum.entries;
    ret_estimate->gin_entry_pages = Max(ceil(sum.entry_bytes / ((BLCKSZ - 40) * entry_fill)), 1);
    if (sum.entry_bytes <= BLCKSZ - 40)
        ret_estimate->gin_entry_pages = 1; /* never split */
    if (ret_estimate->gin_entry_pages > 1)
        ret_estimate->gin_entry_pages += ceil(ret_estimate->gin_entry_pages / 150);
    ret_estimate->gin_data_pages = ceil(sum.data_pages);
    ret_estimate->pages = 1 + ret_estimate->gin_entry_pages + ret_estimate->gin_data_pages;
}
