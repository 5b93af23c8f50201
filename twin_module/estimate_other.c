// SPDX-License-Identifier: PostgreSQL
/*
 * Pages of freshly built hash, GiST, SP-GiST and BRIN indexes, and of those of unknown access methods.
 *
 * Hash follows hashbuild(): buckets come in quarters of powers of two for the expected rows, each a page, and
 * rows over a page's room go to overflow pages. BRIN is exact but for summaries of variable size. GiST and
 * SP-GiST depend on how pages split, so a mean fill measured on built indexes stands for it: expect a factor
 * of 1.5.
 */
#include "estimate.h"

#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include <math.h>

#include "access/brin.h"
#include "access/brin_internal.h"
#include "access/brin_page.h"
#include "access/brin_revmap.h"
#include "access/gist_private.h"
#include "access/hash.h"
#include "access/spgist_private.h"
#include "catalog/pg_type.h"
#include "utils/typcache.h"

static const double page_bytes =
    BLCKSZ - MAXALIGN(SizeOfPageHeaderData) - 16; /* every method's special space is 8 to 16 */

/* Pages beyond the first of buckets with this mean load; equal keys come in groups, by chance so many in a
 * bucket. */
static double
chain_pages(double buckets, double mean, double group, double capacity)
{
    double deviation = sqrt(mean * group), pages = 0, groups = mean / group, probability = exp(-groups);
    int i;
    if (groups < 30) {
        for (i = 1; i < groups + 8 * sqrt(groups) + 8; i++) {
            probability *= groups / i;
            pages += buckets * probability * Max(ceil(i * group / capacity) - 1, 0);
        }
        return pages;
    }
    for (i = -6; i <= 6; i++) {
        static const double weights[] = {0.1976, 0.1747, 0.1210, 0.0656, 0.0279, 0.0092, 0.0028};
        pages += buckets * weights[abs(i)] * Max(ceil(Max(mean + deviation * i / 2.0, 0) / capacity) - 1, 0);
    }
    return pages;
}

/* In whole groups; a fraction is cut off, as the server does. */
static double
buckets_made(double wanted)
{
    return _hash_get_totalbuckets(_hash_spareindex((uint32)Min(Max(wanted, 2), 1073741824.0)));
}

/* Buckets are made for all rows of the table, and split when those that are not NULL are too many for them.
 */
void
twin_estimate_hash(const TwinIndexShape *shape, TwinIndexEstimate *ret_estimate)
{
    const TwinColumn *column = &shape->columns[0];
    double item = MAXALIGN(sizeof(IndexTupleData)) + MAXALIGN(sizeof(uint32)) + sizeof(ItemIdData);
    double capacity = floor(page_bytes / item),
           fill = Max(floor(HashGetTargetPageUsage(shape->index) / item), 10);
    double rows = shape->rows * (1 - column->null_fraction), rest = rows, group, pages = 2;
    double whole = 1, buckets = Max(buckets_made(shape->rel->tuples / fill), buckets_made(ceil(rows / fill)));
    int i, common_count = shape->is_partial ? 0 : column->common_count;
    for (i = 0; i < common_count; i++) { /* a common value has a bucket, and a chain, nearly to itself */
        double equal = Min(shape->rows * column->common_fractions[i], rest);
        rest -= equal;
        pages += Max(ceil((equal + rest / buckets) / capacity) - 1, 0);
    }
    group = Max(rest / Max(column->distinct - common_count, 1), 1);
    while (whole * 2 <= buckets)
        whole *= 2;
    /* Of a power of two, as many buckets are split in halves as there are buckets beyond it. */
    pages += chain_pages(2 * (buckets - whole), rest / (2 * whole), group, capacity);
    pages += chain_pages(2 * whole - buckets, rest / whole, group, capacity);
    ret_estimate->pages = pages + buckets;
}

/* Bytes that an operator class keeps of a value it does not keep whole. */
static double
opaque_width(const TwinColumn *column, Oid stored_type)
{
    Oid type = column->type;
    double pieces;
    char *stored;
    if (column->length > 0)
        return column->length;
    if (type == TSVECTOROID) {
        /* Lexemes: an entry, letters and positions each; kept as a hash each, or as a signature when they are
         * many. */
        pieces = column->width_mean / (8 + (column->element_count > 0 ? column->element_width : 8));
        return pieces * sizeof(int32) > 480 ? 132 : 8 + pieces * sizeof(int32);
    }
    stored = format_type_be(stored_type);
    if (strstr(stored, "gtrgm") != NULL) /* three letters from each place */
        return 5 + 3 * Max(column->width_mean, 1);
    if (strstr(stored, "ghstore") != NULL)
        return 21;
    if (strstr(stored, "intbig_gkey") != NULL)
        return 260;
    return TypeCategory(type) == TYPCATEGORY_STRING ? 2 * column->width_mean + 8 : column->width_mean + 8;
}

static double
stored_tuple_size(const TwinIndexShape *shape, double header, double *ret_spread)
{
    double size = header;
    int i;
    *ret_spread = 0;
    for (i = 0; i < shape->column_count; i++) {
        const TwinColumn *column = &shape->columns[i];
        double width = column->is_opaque
                           ? opaque_width(column, TupleDescAttr(RelationGetDescr(shape->index), i)->atttypid)
                           : column->width_mean;
        size += (column->length > 0 ? MAXALIGN((uint64)column->length) : width) * (1 - column->null_fraction);
        if (column->length < 0)
            *ret_spread = 3.5; /* mean loss by alignment */
    }
    return size;
}

static double
pages_of_tuples(double rows, double tuple_bytes, double fill)
{
    double per_page = Max(floor(page_bytes * fill / (tuple_bytes + sizeof(ItemIdData))), 1);
    double level = ceil(rows / per_page), pages = 0;
    while (level > 1) {
        pages += level;
        level = ceil(level / Max(per_page, 2));
    }
    return pages + 1;
}

/* Whether every operator class can sort. */
static bool
gist_is_built_sorted(Relation index, int key_count)
{
#if PG_VERSION_NUM >= 140000
    int i;
    for (i = 1; i <= key_count; i++) {
        if (!OidIsValid(index_getprocid(index, i, GIST_SORTSUPPORT_PROC)))
            return false;
    }
    return true;
#else
    return false;
#endif
}

void
twin_estimate_gist(const TwinIndexShape *shape, TwinIndexEstimate *ret_estimate)
{
    double spread, size = stored_tuple_size(shape, sizeof(IndexTupleData), &spread);
    double fill = 0.55; /* by inserting row by row */
    if (gist_is_built_sorted(shape->index, shape->key_count)) {
#if PG_VERSION_NUM >= 150000
        fill = 0.66; /* splits pages by the operator class all the same */
#else
        GiSTOptions *options = (GiSTOptions *)shape->index->rd_options;
        fill = (options != NULL ? options->fillfactor : GIST_DEFAULT_FILLFACTOR) / 100.0;
#endif
    }
    ret_estimate->pages =
        pages_of_tuples(shape->rows, spread > 0 ? size + spread : MAXALIGN((uint64)size), fill);
}

void
twin_estimate_spgist(const TwinIndexShape *shape, TwinIndexEstimate *ret_estimate)
{
    double spread, size = stored_tuple_size(shape, MAXALIGN(sizeof(SpGistLeafTupleData)), &spread);
    double fill = 0.75;
    if (type_is_range(shape->columns[0].type)) { /* kept with the long header; their quadrants fill badly */
        size += VARHDRSZ - VARHDRSZ_SHORT;
        fill = 0.55;
    }
    size = spread > 0 ? size + spread : MAXALIGN((uint64)size);
    ret_estimate->pages =
        3 + shape->rows * (size + sizeof(ItemIdData)) / (page_bytes * fill); /* metapage and two roots */
}

/* One range's summary of one column. */
static double
brin_summary_size(const BrinOpcInfo *summary, const TwinColumn *column, double range_rows)
{
    double size = 0;
    int i;
    for (i = 0; i < summary->oi_nstored; i++) {
        TypeCacheEntry *type = summary->oi_typcache[i];
#if PG_VERSION_NUM >= 140000
        if (type->type_id == PG_BRIN_BLOOM_SUMMARYOID) {
            /* A tenth of the rows may differ, 1 % false positives; long filters are stored compressed. */
            double bits = 9.59 * Max(0.1 * Max(range_rows, 1), 16);
            double used = Min(column->distinct, 0.1 * range_rows) * 6;
            size += Min(bits / 8, 24 + used * 1.5) + 32;
            continue;
        }
        if (type->type_id == PG_BRIN_MINMAX_MULTI_SUMMARYOID) {
            size += 24 +
                    Min(column->distinct, 24) * /* of 32 values per range, after merging */ (
                                                    column->length > 0 ? column->length : column->width_mean);
            continue;
        }
#endif
        size += type->typlen > 0 ? type->typlen : column->width_mean;
    }
    return size;
}

void
twin_estimate_brin(const TwinIndexShape *shape, TwinIndexEstimate *ret_estimate)
{
    double range_pages = Max(BrinGetPagesPerRange(shape->index), 1);
    double ranges = Max(ceil(shape->table_pages / range_pages), 1);
    double range_rows =
        Min(shape->rows, range_pages * 291); /* MaxHeapTuplesPerPage, as the bloom class counts */
    double size = SizeOfBrinTuple + (shape->key_count > 4 ? 2 : 1), per_page;
    BrinDesc *description = brin_build_desc(shape->index);
    int i;
    for (i = 0; i < shape->key_count; i++)
        size += brin_summary_size(description->bd_info[i], &shape->columns[i], range_rows);
    brin_free_desc(description);
    size = MAXALIGN((uint64)(ceil(size) + 2)); /* the data begin aligned */
    per_page = Max(floor(page_bytes / (size + sizeof(ItemIdData))), 1);
    ret_estimate->pages = 1 + ceil(ranges / REVMAP_PAGE_MAXITEMS) + ceil(ranges / per_page);
}

void
twin_estimate_other(const TwinIndexShape *shape, TwinIndexEstimate *ret_estimate)
{
    double spread, size = stored_tuple_size(shape, sizeof(IndexTupleData), &spread);
    ret_estimate->pages = 1 + pages_of_tuples(shape->rows, size + spread, 0.75);
}
