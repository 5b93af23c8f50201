// SPDX-License-Identifier: PostgreSQL
/*
 * Pages of a freshly built GIN index: a B-tree of entries, each with the rows that have it.
 *
 * Rows of an entry are packed: differences between row numbers (block * 2048 + offset) in 7-bit bytes. An
 * entry whose rows fit a third of a page keeps them beside its key; a more frequent one has a posting tree of
 * its own pages.
 *
 * Entries come from element statistics (most common elements of arrays and tsvector). Elements beyond that
 * list: of arrays as many as those in a sample of whole values tell, else as many as there are when
 * frequencies fall on with the rank. Types whose elements nobody counts (jsonb, trigrams of text), and
 * expressions, have whole values in their statistics, or their column's: documents are counted path by path
 * (estimate_json.c), others are taken apart by the operator class. How many entries there are in all is then
 * extended from how their number grows from a quarter of the sample to a half to the whole: each doubling
 * adds its share, and the share shrinks as it did. What has no statistics at all, as values of more than 1
 * kB, is guessed from its width. Expect a factor of 1.5, where it is guessed 5.
 */
#include "estimate.h"

#include "parser/parse_coerce.h"

#include <math.h>

#include "access/gin_private.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
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

#define SAMPLED_ENTRIES_MAX 100000
#define APPEARANCES_LEAST 30

typedef struct DocumentsSample {
    TwinDocuments documents;
    uint32 *hashes;
    int16 length;
    bool is_by_value;
} DocumentsSample;

/* Values that come twice are put together. */
static void
document_add(const Const *result, double share, TwinResultOrigin origin, void *context)
{
    DocumentsSample *sample = context;
    TwinDocuments *documents = &sample->documents;
    Datum value;
    uint32 hash;
    int i;
    if (result->constisnull || origin == TWIN_OF_NEXT)
        return;
    value = sample->length == -1 ? PointerGetDatum(PG_DETOAST_DATUM_COPY(result->constvalue))
                                 : datumCopy(result->constvalue, sample->is_by_value, sample->length);
    hash = sample->is_by_value
               ? DatumGetUInt32(hash_any((const unsigned char *)&value, sizeof(Datum)))
               : DatumGetUInt32(hash_any((const unsigned char *)DatumGetPointer(value),
                                         (int)datumGetSize(value, sample->is_by_value, sample->length)));
    for (i = 0; i < documents->count && sample->hashes[i] != hash; i++)
        ;
    if (i == documents->count) {
        documents->values[i] = value;
        sample->hashes[i] = hash;
        documents->count++;
    }
    documents->shares[i] += share;
}

/* Values in the rows that the index holds. */
static double
distinct_indexed(const TwinIndexShape *shape, const TwinColumn *column)
{
    double rows = Max(shape->rel->tuples, 1), share = Min(shape->rows / rows, 1);
    return column->distinct * (1 - pow(1 - share, Max(rows / column->distinct, 1)));
}

/* Whole values of a column, or of an expression, that statistics show; false: none. */
static bool
documents_sample(const TwinIndexShape *shape, const TwinColumn *column, TwinDocuments *ret_documents)
{
    DocumentsSample sample = {.hashes = palloc(sizeof(uint32) * TWIN_EVALUATED_MOST)};
    int i;
    sample.documents.distinct = distinct_indexed(shape, column);
    sample.documents.values = palloc(sizeof(Datum) * TWIN_EVALUATED_MOST);
    sample.documents.shares = palloc0(sizeof(double) * TWIN_EVALUATED_MOST);
    get_typlenbyval(column->type, &sample.length, &sample.is_by_value);
    if (!twin_expression_results(shape, column->expression, twin_expression_variable(column->expression),
                                 document_add, &sample))
        return false;
    for (i = 0; i < sample.documents.count; i++)
        sample.documents.shares[i] /= Max(1 - column->null_fraction, 1e-6);
    *ret_documents = sample.documents;
    return ret_documents->count > 0;
}

typedef struct SampledEntry {
    uint32 hash;
    int document;
} SampledEntry;

static int
fraction_compare(const void *left, const void *right)
{
    float4 a = *(const float4 *)left, b = *(const float4 *)right;
    return a > b ? -1 : a < b;
}

static int
entry_compare(const void *left, const void *right)
{
    const SampledEntry *a = left, *b = right;
    return a->hash != b->hash ? (a->hash < b->hash ? -1 : 1) : a->document - b->document;
}

static uint32
key_hash(Datum key, Form_pg_attribute attribute, double *ret_bytes)
{
    const void *bytes = &key;
    Size size = sizeof(Datum);
    *ret_bytes = attribute->attlen;
    if (attribute->attlen == -1) {
        bytes = VARDATA_ANY(DatumGetPointer(key));
        size = VARSIZE_ANY_EXHDR(DatumGetPointer(key));
        *ret_bytes = size + VARHDRSZ_SHORT;
    } else if (!attribute->attbyval) {
        bytes = DatumGetPointer(key);
        size = attribute->attlen == -2 ? strlen(DatumGetCString(key)) + 1 : (Size)attribute->attlen;
        *ret_bytes = size;
    }
    return DatumGetUInt32(hash_any(bytes, (int)size));
}

/* Entries of every stride-th document, sorted, each once a document, and the mean width of a key. */
static int
documents_take_apart(const TwinIndexShape *shape, const TwinDocuments *documents, int number, int stride,
                     SampledEntry **ret_entries, double *ret_key_bytes)
{
    FmgrInfo *extract = index_getprocinfo(shape->index, number, GIN_EXTRACTVALUE_PROC);
    Form_pg_attribute key = TupleDescAttr(RelationGetDescr(shape->index), number - 1);
    SampledEntry *entries = palloc(sizeof(SampledEntry) * SAMPLED_ENTRIES_MAX);
    double bytes_total = 0;
    int i, count = 0, kept = 0;
    for (i = 0; i < documents->count; i += stride) {
        int32 found = 0, j;
        bool *nulls = NULL;
        Datum *keys = (Datum *)DatumGetPointer(
            FunctionCall3Coll(extract, shape->index->rd_indcollation[number - 1], documents->values[i],
                              PointerGetDatum(&found), PointerGetDatum(&nulls)));
        for (j = 0; keys != NULL && j < found && count < SAMPLED_ENTRIES_MAX; j++) {
            double bytes;
            if (nulls != NULL && nulls[j])
                continue;
            entries[count++] = (SampledEntry){.hash = key_hash(keys[j], key, &bytes), .document = i};
            bytes_total += bytes;
        }
    }
    qsort(entries, count, sizeof(SampledEntry), entry_compare);
    *ret_key_bytes = count > 0 ? bytes_total / count : 4;
    for (i = 0; i < count; i++) {
        if (kept == 0 || entry_compare(&entries[kept - 1], &entries[i]) != 0)
            entries[kept++] = entries[i];
    }
    *ret_entries = entries;
    return kept;
}

static double
distinct_of(const SampledEntry *entries, int count, double *ret_once)
{
    double distinct = 0;
    int i, same;
    *ret_once = 0;
    for (i = 0; i < count; i += same) {
        for (same = 1; i + same < count && entries[i + same].hash == entries[i].hash; same++)
            ;
        distinct++;
        *ret_once += same == 1;
    }
    return distinct;
}

/* Times by which distinct entries grow from the sample to so many times as many documents. */
static double
distinct_growth(const TwinIndexShape *shape, const TwinDocuments *documents, int number, double distinct,
                double factor)
{
    double parts[2], share, decline, growth = 0, doublings = log2(Max(factor, 1)), key_bytes, once;
    int i;
    for (i = 0; i < 2; i++) {
        SampledEntry *entries;
        int count = documents_take_apart(shape, documents, number, i == 0 ? 4 : 2, &entries, &key_bytes);
        parts[i] = Max(distinct_of(entries, count, &once), 1);
        pfree(entries);
    }
    share = log2(Max(distinct / parts[1], 1));
    decline = Max(log2(Max(parts[1] / parts[0], 1)) - share, 0);
    for (i = 1; i <= doublings && share - decline * i > 0; i++)
        growth += Min(share - decline * i, 1);
    /* A few hundred values cannot tell a thousand distinct ones from all distinct: stay a little below the
     * straight line. */
    return exp2(0.9 * growth);
}

/* The least of the first so many of the list, which is not in their order. */
static double
fraction_of_rank(const TwinColumn *column, int rank)
{
    float4 *fractions = palloc(sizeof(float4) * column->element_count);
    double found;
    memcpy(fractions, column->element_fractions, sizeof(float4) * column->element_count);
    qsort(fractions, column->element_count, sizeof(float4), fraction_compare);
    found = fractions[rank];
    pfree(fractions);
    return found;
}

/* How many further elements share so many appearances, when frequencies go on to fall with the rank as they
 * do in the last nine tenths of the list: by the law rank^-steepness, which is Zipf's where that is 1. */
static double
elements_by_rank(const TwinColumn *column, double appearances, double rows)
{
    int listed = column->element_count, upper = listed / 10;
    double least = Max(fraction_of_rank(column, listed - 1), 1 / Max(rows, 1)),
           most = Max(fraction_of_rank(column, upper), least);
    double steepness = listed > upper + 1 ? log(most / least) / log((double)listed / (upper + 1)) : 0;
    double times = appearances / (rows * least * listed), flat = 1 - steepness, further;
    if (fabs(flat) < 1e-3)
        further = expm1(Min(times, 40));
    else if (1 + flat * times <= 0)
        return appearances; /* the law has no room for them */
    else
        further = pow(1 + flat * times, 1 / flat) - 1;
    return Min(Max(further * listed, appearances / (rows * least)), appearances);
}

/* As many as those in a sample of whole values tell, by Duj1; -1: too few to tell. */
static double
elements_by_documents(const TwinIndexShape *shape, const TwinColumn *column, int number, double appearances)
{
    Form_pg_attribute key = TupleDescAttr(RelationGetDescr(shape->index), number - 1);
    TwinDocuments documents;
    SampledEntry *entries, *listed;
    double bytes, seen = 0, distinct = 0, once = 0;
    int count, i, same;
    if (!documents_sample(shape, column, &documents))
        return -1;
    listed = palloc(sizeof(SampledEntry) * column->element_count);
    for (i = 0; i < column->element_count; i++)
        listed[i] = (SampledEntry){.hash = key_hash(column->elements[i], key, &bytes)};
    qsort(listed, column->element_count, sizeof(SampledEntry), entry_compare);
    count = documents_take_apart(shape, &documents, number, 1, &entries, &bytes);
    for (i = 0; i < count; i += same) {
        SampledEntry entry = {.hash = entries[i].hash};
        for (same = 1; i + same < count && entries[i + same].hash == entry.hash; same++)
            ;
        if (bsearch(&entry, listed, column->element_count, sizeof(SampledEntry), entry_compare) != NULL)
            continue;
        seen += same;
        distinct++;
        once += same == 1;
    }
    return seen < APPEARANCES_LEAST ? -1
                                    : seen * distinct / (seen - once + once * seen / Max(appearances, seen));
}

static void
listed_elements_add(const TwinIndexShape *shape, const TwinColumn *column, int number, GinSum *sum)
{
    double listed = 0, mean = column->element_mean, rows = shape->rows * (1 - column->null_fraction), rest;
    bool is_array = OidIsValid(get_base_element_type(column->type));
    int i;
    for (i = 0; i < column->element_count; i++) {
        entries_add(shape, sum, 1, rows * column->element_fractions[i], column->element_width);
        listed += rows * column->element_fractions[i];
    }
    if (mean <= 0) /* tsvector: an entry of 4 bytes, the lexeme, and positions */
        mean = column->width_mean / (4 + column->element_width + 4);
    rest = rows * mean - listed;
    if (rest > 0.01 * listed) {
        double elements = is_array ? elements_by_documents(shape, column, number, rest) : -1;
        if (elements < 0)
            elements = elements_by_rank(column, rest, rows);
        elements = Min(Max(elements, 1), rest);
        entries_add(shape, sum, elements, rest / elements, column->element_width);
    }
}

typedef struct ElementSum {
    const TwinIndexShape *shape;
    GinSum *sum;
} ElementSum;

static void
element_add(void *context, double count, double rows, double key_bytes)
{
    const ElementSum *elements = context;
    entries_add(elements->shape, elements->sum, count, rows, key_bytes);
}

static void
sampled_elements_add(const TwinIndexShape *shape, const TwinColumn *column, int number,
                     const TwinDocuments *documents, GinSum *sum)
{
    double rows = shape->rows * (1 - column->null_fraction);
    /* Documents that are not in the sample can bring new entries, more rows of the same cannot. */
    double factor = Max(documents->distinct / documents->count, 1);
    double key_bytes, once, once_share = 0, distinct, unseen;
    SampledEntry *entries;
    RegProcedure extract = index_getprocid(shape->index, number, GIN_EXTRACTVALUE_PROC);
    int count, i, same;
    if (extract == F_GIN_EXTRACT_JSONB || extract == F_GIN_EXTRACT_JSONB_PATH) {
        ElementSum elements = {.shape = shape, .sum = sum};
        twin_json_elements(documents, extract == F_GIN_EXTRACT_JSONB_PATH, rows, element_add, &elements);
        return;
    }
    count = documents_take_apart(shape, documents, number, 1, &entries, &key_bytes);
    for (i = 0; i < count; i += same) {
        double share = 0;
        for (same = 0; i + same < count && entries[i + same].hash == entries[i].hash; same++)
            share += documents->shares[entries[i + same].document];
        if (same > 1)
            entries_add(shape, sum, 1, Min(share, 1) * rows, key_bytes);
        else
            once_share += share;
    }
    distinct = distinct_of(entries, count, &once);
    if (once < 1)
        return;
    unseen = distinct * distinct_growth(shape, documents, number, distinct, factor) - (distinct - once);
    unseen = Min(Max(unseen, once), once * factor);
    entries_add(shape, sum, unseen, once_share * rows / unseen, key_bytes);
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
        TwinDocuments documents;
        if (shape->rows < 1)
            break;
        if (column->null_fraction > 0)
            entries_add(shape, &sum, 1, shape->rows * column->null_fraction, 1);
        if (column->element_count > 0)
            listed_elements_add(shape, column, i + 1, &sum);
        else if (!column->is_opaque && column->type != JSONBOID && column->type != TSVECTOROID &&
                 !OidIsValid(get_element_type(column->type)))
            scalars_add(shape, column, &sum);
        else if (documents_sample(shape, column, &documents))
            sampled_elements_add(shape, column, i + 1, &documents, &sum);
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
