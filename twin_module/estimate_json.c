// SPDX-License-Identifier: PostgreSQL
/*
 * Entries of a GIN index on documents (jsonb), from a sample of them.
 *
 * A document is a row of columns that nobody declared. Of its paths one has five values (a status), another a
 * value of its own in each row (an address of mail), and entries counted over all paths at once tell neither:
 * many that were seen once beside many that were seen often look like few that are yet to come. So each path
 * is counted as ANALYZE counts a column, by Haas and Stokes' estimator Duj1: the documents are the rows that
 * were drawn, those that differ in the table the rows in all. A path whose every value was different counts
 * as unique.
 *
 * Numbers have no more values than their range has room for (estimate_range.c). That bounds what looks unique
 * because of the order: a histogram's documents lie evenly by the values of their first path.
 *
 * jsonb_ops has an entry for each key and each value, of whatever path; jsonb_path_ops a number for each
 * value with its path.
 */
#include "estimate.h"

#include <math.h>

#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#define PIECES_MOST 100000
#define DEPTH_MOST 32

typedef struct Piece {
    uint32 path;
    uint32 value;
    int document;
    float4 width;
    const char *text; /* of a number, or NULL */
    int length;
} Piece;

typedef struct Pieces {
    bool is_path_ops;
    int document;
    int count;
    Piece *items;
} Pieces;

static void
piece_add(Pieces *pieces, uint32 path, uint32 value, double width, const char *text, int length)
{
    Piece *piece;
    if (pieces->count >= PIECES_MOST)
        return;
    piece = &pieces->items[pieces->count++];
    *piece = (Piece){.path = path,
                     .value = value,
                     .document = pieces->document,
                     .width = pieces->is_path_ops ? sizeof(uint32) : VARHDRSZ_SHORT + 1 + width,
                     .text = text,
                     .length = length};
}

static uint32
text_hash(const char *text, int length, uint32 seed)
{
    return hash_combine(seed, DatumGetUInt32(hash_any((const unsigned char *)text, length)));
}

/* Long ones are kept as a hash. */
static double
text_width(int length)
{
    return length > JGIN_MAXLENGTH ? 2 * sizeof(uint32) : (double)length;
}

static void
scalar_add(Pieces *pieces, uint32 path, const JsonbValue *value)
{
    const char *text;
    int length;
    switch (value->type) {
        case jbvString:
            text = value->val.string.val; /* the document's, which stays */
            length = value->val.string.len;
            break;
        case jbvNumeric:
            text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
            length = (int)strlen(text);
            break;
        case jbvBool: piece_add(pieces, path, value->val.boolean ? 1 : 2, 1, NULL, 0); return;
        default: piece_add(pieces, path, 0, 0, NULL, 0); return;
    }
    piece_add(pieces, path, text_hash(text, length, (uint32)value->type), text_width(length), text, length);
}

/* A key is a value of the path that all keys are of. */
static void
key_add(Pieces *pieces, const JsonbValue *key)
{
    if (!pieces->is_path_ops)
        piece_add(pieces, 0, text_hash(key->val.string.val, key->val.string.len, 0),
                  text_width(key->val.string.len), NULL, 0);
}

static void
document_take_apart(Pieces *pieces, Jsonb *document)
{
    JsonbIterator *iterator = JsonbIteratorInit(&document->root);
    JsonbIteratorToken token;
    JsonbValue value;
    uint32 paths[DEPTH_MOST] = {1};
    int depth = 0;
    while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE) {
        uint32 path = paths[Min(depth, DEPTH_MOST - 1)];
        switch (token) {
            case WJB_BEGIN_ARRAY:
            case WJB_BEGIN_OBJECT:
                depth++;
                if (depth < DEPTH_MOST)
                    paths[depth] = path;
                break;
            case WJB_END_ARRAY:
            case WJB_END_OBJECT: depth--; break;
            case WJB_KEY:
                key_add(pieces, &value);
                if (depth > 0 && depth < DEPTH_MOST)
                    paths[depth] = text_hash(value.val.string.val, value.val.string.len, paths[depth - 1]);
                break;
            case WJB_ELEM:
            case WJB_VALUE: scalar_add(pieces, path, &value); break;
            default: break;
        }
    }
}

static int
piece_compare(const void *left, const void *right)
{
    const Piece *a = left, *b = right;
    if (a->path != b->path)
        return a->path < b->path ? -1 : 1;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return a->document - b->document;
}

/* A value twice in a document is one. Sorted. */
static void
pieces_unite(Pieces *pieces)
{
    int i, kept = 0;
    qsort(pieces->items, pieces->count, sizeof(Piece), piece_compare);
    for (i = 0; i < pieces->count; i++) {
        if (kept == 0 || piece_compare(&pieces->items[kept - 1], &pieces->items[i]) != 0)
            pieces->items[kept++] = pieces->items[i];
    }
    pieces->count = kept;
}

/* One path's values. Those seen in several documents have their rows, the others share theirs. */
static void
values_add(const TwinDocuments *documents, const Piece *pieces, int count, double rows, TwinElementAdd *add,
           void *context)
{
    double distinct = 0, once = 0, once_share = 0, once_bytes = 0, population, total, unseen;
    TwinRange range;
    int i, j, same;
    twin_range_begin(&range);
    for (i = 0; i < count; i += same) {
        double share = 0;
        for (same = 0; i + same < count && pieces[i + same].value == pieces[i].value; same++)
            share += documents->shares[pieces[i + same].document];
        distinct++;
        twin_range_add(&range, pieces[i].text, pieces[i].length);
        if (same > 1) {
            add(context, 1, share * rows, pieces[i].width);
            continue;
        }
        once++;
        once_share += share;
        for (j = 0; j < same; j++)
            once_bytes += pieces[i + j].width;
    }
    if (once < 1)
        return;
    population = Max(documents->distinct * count / Max(documents->count, 1), count);
    total = count * distinct / (count - once + once * count / population);
    total = Min(total, twin_range_values(&range, distinct));
    unseen = Max(total - (distinct - once), once);
    add(context, unseen, once_share * rows / unseen, once_bytes / once);
}

void
twin_json_elements(const TwinDocuments *documents, bool is_path_ops, double rows, TwinElementAdd *add,
                   void *context)
{
    Pieces pieces = {.is_path_ops = is_path_ops, .items = palloc(sizeof(Piece) * PIECES_MOST)};
    int i, same;
    for (i = 0; i < documents->count; i++) {
        pieces.document = i;
        document_take_apart(&pieces, DatumGetJsonbP(documents->values[i]));
    }
    pieces_unite(&pieces);
    for (i = 0; i < pieces.count; i += same) {
        for (same = 1; i + same < pieces.count && pieces.items[i + same].path == pieces.items[i].path; same++)
            ;
        values_add(documents, &pieces.items[i], same, rows, add, context);
    }
    pfree(pieces.items);
}
