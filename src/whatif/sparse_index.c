// SPDX-License-Identifier: PostgreSQL
#include "whatif/sparse_index.h"

#include "pg/query_text.h"
#include "pg/result.h"
#include "whatif/index_estimate.h"
#include "whatif/sparse_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

extern const PgQueryText twin_scripts[];

/* Columns of sparse_index_facts.sql. */
enum {
    FACT_INDEX,
    FACT_FILENODE,
    FACT_DATABASE,
    FACT_METHOD,
    FACT_IS_UNIQUE,
    FACT_IS_KEY,
    FACT_LENGTH,
    FACT_ALIGNMENT,
    FACT_WIDTH,
    FACT_NULL_FRACTION,
    FACT_IS_EQUAL_IMAGE,
    FACT_FILLFACTOR,
    FACT_PAGES_PER_RANGE,
    FACT_DEDUPLICATES,
    FACT_EXPRESSION,
    FACT_TABLE_NAME,
    FACT_PREDICATE,
    FACT_TABLE_BLOCKS,
    FACT_TABLE_ROWS,
    FACT_INPUT_TYPE,
    FACT_IS_PLAIN,
    FACT_CORRELATION,
    FACT_LIKENESS
};

/* As the planner has it: of several columns beside each other no more groups than a tenth of the table's
 * rows, or than the most diverse alone has. */
#define GROUPS_SHARE_MOST 0.1
#define PIECE_SHARE 0.25 /* distinct values of rows, where nothing is known */

SparseIndexes
sparse_indexes_new(Arena *arena, const Twin *twin, Explainer *explainer)
{
    return (SparseIndexes){.arena = arena,
                           .pgdata = twin_cluster_directory(twin),
                           .connection = explainer->connection,
                           .explainer = explainer,
                           .estimates = map_new(arena)};
}

bool
sparse_ddl_run(SparseIndexes *indexes, uint32_t table_id, const char *text, const char **ret_refusal,
               Error *error)
{
    char number[16];
    snprintf(number, sizeof(number), "%u", table_id);
    const char *parameters[] = {number};
    Error refusal = {0};
    *ret_refusal = NULL;
    if (!pg_execute_parameters(indexes->connection, "SELECT fettle_twin.sizes_hide($1)", parameters, 1,
                               &refusal) ||
        !pg_execute(indexes->connection, text, &refusal) ||
        !pg_execute_parameters(indexes->connection, "SELECT fettle_twin.sizes_show($1)", parameters, 1,
                               &refusal)) {
        if (pg_connection_is_broken(indexes->connection)) {
            *error = refusal;
            return false;
        }
        *ret_refusal = arena_strdup(indexes->arena, refusal.message);
    }
    return true;
}

static bool
facts_read(SparseIndexes *indexes, const char *qualified, PgResult **ret_facts, Error *error)
{
    PgQuery query = {.text = pg_query_text(twin_scripts, "sparse_index_facts",
                                           pg_connection_server_major(indexes->connection)),
                     .parameters = &qualified,
                     .parameter_count = 1};
    return pg_query(indexes->connection, &query, ret_facts, error);
}

/* The row after the last one of the index that begins here. */
static int64_t
index_end(const PgResult *facts, int64_t row)
{
    int64_t end = row + 1;
    while (end < pg_result_rows(facts) &&
           text_equals(pg_result_text(facts, end, FACT_INDEX), pg_result_text(facts, row, FACT_INDEX)))
        end++;
    return end;
}

static const char *
estimate_key(Arena *arena, const char *statement, const PgResult *facts, int64_t row)
{
    return arena_printf(arena, "%s\n%s", pg_result_text(facts, row, FACT_TABLE_NAME), statement);
}

/* Rows that the planner expects of SELECT FROM ONLY table ...; NAN when it refuses, with the reason. */
static bool
rows_expected(SparseIndexes *indexes, Arena *arena, const char *text, double *ret_rows,
              const char **ret_refusal, Error *error)
{
    PgPlan *plan = NULL;
    const char *reason = NULL;
    if (!explainer_ask(indexes->explainer, arena, text, &plan, &reason, error))
        return false;
    *ret_rows = plan == NULL ? NAN : plan->root->plan_rows;
    if (plan == NULL)
        *ret_refusal = arena_strdup(indexes->arena, reason);
    return true;
}

/* Something taken out of a document or an array, of which nothing is known: it may have three values or one
 * of its own in each row. A quarter of the rows makes an index that is at most three times as far from
 * either. */
static bool
is_piece(const char *expression)
{
    return strstr(expression, "->") != NULL || strstr(expression, "#>") != NULL ||
           strchr(expression, '[') != NULL;
}

/* An earlier key's values tell this one's. */
static bool
is_told(const PgResult *facts, int64_t row, int key)
{
    const char *likeness = pg_result_text(facts, row + key, FACT_LIKENESS);
    for (int i = 0; i < key && likeness != NULL; i++) {
        const char *other = pg_result_text(facts, row + i, FACT_LIKENESS);
        if (other != NULL && text_equals(likeness, other))
            return true;
    }
    return false;
}

/* Groups that keys have which know nothing of each other, but what columns in the rows' order know. */
static double
groups_possible(const PgResult *facts, int64_t row, const IndexShape *shape)
{
    double possible = 1;
    IndexOrdered ordered = {.groups = 1, .width = 1};
    for (int i = 0; i < shape->column_count; i++) {
        double distinct = fmax(shape->columns[i].distinct, 1);
        if (!shape->columns[i].is_key || is_told(facts, row, i))
            continue;
        double width =
            index_estimate_order_width(pg_result_double(facts, row + i, FACT_CORRELATION, 0), distinct);
        if (width < 0.5)
            index_estimate_order_add(&ordered, distinct, width);
        else
            possible = fmin(possible * distinct, 1e18);
    }
    return fmin(possible * ordered.groups, 1e18);
}

/* Groups of all keys together. The planner's own bound of them is for queries; in an index columns that know
 * nothing of each other have as many as chance makes, and such as do fewer than the bound: half way between
 * both is near either. Where the planner counts fewer than its bound it knows why: by extended statistics, or
 * because one key is made of another. */
static double
groups_together(const PgResult *facts, int64_t row, const IndexShape *shape, double asked)
{
    double possible = groups_possible(facts, row, shape);
    double most = 1;
    bool is_plain = true;
    bool has_piece = false;
    for (int i = 0; i < shape->column_count; i++) {
        if (!shape->columns[i].is_key)
            continue;
        most = fmax(most, shape->columns[i].distinct);
        is_plain &= pg_result_bool(facts, row + i, FACT_IS_PLAIN);
        has_piece |= is_piece(pg_result_text(facts, row + i, FACT_EXPRESSION));
    }
    if (has_piece)
        return fmin(most, shape->rows);
    double whole = fmax(shape->table_rows, shape->rows);
    double bound = fmax(GROUPS_SHARE_MOST * whole, most);
    if (shape->rows < whole) /* of the bound's groups, those with a row that the predicate leaves */
        bound *= -expm1(whole / bound * log1p(-shape->rows / whole));
    double drawn = fmax(index_estimate_drawn(possible, shape->rows), most);
    if (!is_plain || asked < 0.98 * bound || asked >= drawn)
        return fmin(fmin(asked, drawn), shape->rows);
    return fmin(sqrt(asked * drawn), shape->rows);
}

/* Distinct values of each key alone, and of all. A key that has no equality is left out. */
static bool
groups_ask(SparseIndexes *indexes, Arena *arena, const PgResult *facts, int64_t row, const char *part,
           IndexShape *shape, Error *error)
{
    Text keys = text_new(arena);
    const char *refusal = NULL;
    int count = 0;
    for (int i = 0; i < shape->column_count; i++) {
        const char *key = pg_result_text(facts, row + i, FACT_EXPRESSION);
        double groups = NAN;
        if (!shape->columns[i].is_key)
            continue;
        text_append_format(&keys, "%s%s", count++ == 0 ? "" : ", ", key);
        if (!rows_expected(indexes, arena, arena_printf(arena, "%s GROUP BY %s", part, key), &groups,
                           &refusal, error))
            return false;
        if (refusal != NULL)
            return true;
        shape->columns[i].distinct = is_piece(key) ? fmin(groups, PIECE_SHARE * shape->rows) : groups;
    }
    double asked = shape->columns[0].distinct;
    if (count > 1 && !rows_expected(indexes, arena, arena_printf(arena, "%s GROUP BY %s", part, keys.data),
                                    &asked, &refusal, error))
        return false;
    if (refusal == NULL)
        shape->groups = count > 1 ? groups_together(facts, row, shape, asked) : fmin(asked, shape->rows);
    return true;
}

/* GIN: a pair of a document takes about 24 bytes, and is two elements or, with its path, one; a text has
 * three letters at each of its places. Documents that differ have an element of their own. */
static void
elements_guess(const PgResult *facts, int64_t row, IndexShape *shape)
{
    for (int i = 0; i < shape->column_count; i++) {
        IndexEstimateColumn *column = &shape->columns[i];
        const char *type = pg_result_text(facts, row + i, FACT_INPUT_TYPE);
        if (text_equals(type, "jsonb")) {
            column->elements = fmax(column->width / (column->length > 0 ? 24 : 12), 1);
            if (column->distinct > 0.5 * shape->rows)
                column->own_elements = fmin(column->distinct / fmax(shape->rows, 1), 1);
        } else if (text_equals(type, "text")) {
            column->elements = fmax(column->width, 1);
        }
    }
}

/* Rows by the share of the table that the planner expects, so that row security does not matter. */
static bool
shape_ask(SparseIndexes *indexes, Arena *arena, const PgResult *facts, int64_t row, IndexShape *shape,
          const char **ret_refusal, Error *error)
{
    const char *table = pg_result_text(facts, row, FACT_TABLE_NAME);
    const char *predicate = pg_result_text(facts, row, FACT_PREDICATE);
    const char *all = arena_printf(arena, "SELECT FROM ONLY %s", table);
    const char *part = predicate == NULL ? all : arena_printf(arena, "%s WHERE %s", all, predicate);
    double whole = NAN;
    double kept = NAN;
    if (!rows_expected(indexes, arena, all, &whole, ret_refusal, error) || *ret_refusal != NULL ||
        !rows_expected(indexes, arena, part, &kept, ret_refusal, error) || *ret_refusal != NULL)
        return *ret_refusal != NULL;
    double table_rows = pg_result_double(facts, row, FACT_TABLE_ROWS, -1);
    shape->table_rows = table_rows < 0 ? whole : table_rows;
    shape->rows = predicate == NULL ? shape->table_rows : shape->table_rows * fmin(kept / fmax(whole, 1), 1);
    shape->groups = shape->rows;
    bool is_gin = text_equals(shape->method, "gin");
    if ((shape->can_dedup || is_gin || text_equals(shape->method, "hash")) &&
        !groups_ask(indexes, arena, facts, row, part, shape, error))
        return false;
    if (is_gin)
        elements_guess(facts, row, shape);
    return true;
}

/* Of a column that the predicate says is NULL, or is not, by the server's spelling of both. */
static double
null_fraction_of(const PgResult *facts, int64_t row)
{
    const char *predicate = pg_result_text(facts, row, FACT_PREDICATE);
    const char *key = pg_result_text(facts, row, FACT_EXPRESSION);
    size_t length = strlen(key);
    for (const char *at = predicate == NULL ? NULL : strstr(predicate, key); at != NULL;
         at = strstr(at + 1, key)) {
        if (at == predicate || at[-1] != '(')
            continue;
        if (strncmp(at + length, " IS NOT NULL)", strlen(" IS NOT NULL)")) == 0)
            return 0;
        if (strncmp(at + length, " IS NULL)", strlen(" IS NULL)")) == 0)
            return 1;
    }
    return pg_result_double(facts, row, FACT_NULL_FRACTION, 0);
}

static IndexShape
shape_of(const PgResult *facts, int64_t row, int64_t end)
{
    IndexShape shape = {.method = pg_result_text(facts, row, FACT_METHOD),
                        .can_dedup = !pg_result_bool(facts, row, FACT_IS_UNIQUE) &&
                                     text_equals(pg_result_text(facts, row, FACT_METHOD), "btree") &&
                                     !text_equals(pg_result_text(facts, row, FACT_DEDUPLICATES), "off") &&
                                     !text_equals(pg_result_text(facts, row, FACT_DEDUPLICATES), "false"),
                        .fillfactor = (int)pg_result_int(facts, row, FACT_FILLFACTOR, 0),
                        .table_blocks = pg_result_double(facts, row, FACT_TABLE_BLOCKS, 0),
                        .pages_per_range = (int)pg_result_int(facts, row, FACT_PAGES_PER_RANGE, 0)};
    for (int64_t i = row; i < end && shape.column_count < INDEX_ESTIMATE_COLUMNS_MOST; i++) {
        bool is_key = pg_result_bool(facts, i, FACT_IS_KEY);
        shape.can_dedup &= is_key && pg_result_bool(facts, i, FACT_IS_EQUAL_IMAGE);
        shape.columns[shape.column_count++] =
            (IndexEstimateColumn){.is_key = is_key,
                                  .length = (int)pg_result_int(facts, i, FACT_LENGTH, -1),
                                  .alignment = pg_result_text(facts, i, FACT_ALIGNMENT)[0],
                                  .width = pg_result_double(facts, i, FACT_WIDTH, 32),
                                  .null_fraction = null_fraction_of(facts, i)};
    }
    return shape;
}

/* Estimates what is not known yet; *ret_asked: the planner was asked, and has read the index. */
static bool
estimates_complete(SparseIndexes *indexes, const char *statement, const PgResult *facts, bool *ret_asked,
                   const char **ret_refusal, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("index estimates", (size_t)64 << 20);
    *ret_asked = false;
    for (int64_t row = 0; row < pg_result_rows(facts); row = index_end(facts, row)) {
        const char *key = estimate_key(arena, statement, facts, row);
        if (map_get(indexes->estimates, key) != NULL)
            continue;
        IndexShape shape = shape_of(facts, row, index_end(facts, row));
        *ret_asked = true;
        if (!shape_ask(indexes, arena, facts, row, &shape, ret_refusal, error))
            return false;
        if (*ret_refusal != NULL)
            return true;
        IndexEstimate *estimate = ARENA_NEW(indexes->arena, IndexEstimate);
        *estimate = index_estimate(&shape);
        map_put(indexes->estimates, key, estimate);
    }
    return true;
}

static bool
file_fit(const SparseFile *file, const IndexEstimate *estimate, Error *error)
{
    int64_t blocks;
    double wanted = fmin(estimate->blocks, (double)SPARSE_BLOCKS_MOST);
    if ((estimate->height > 0 && !sparse_file_raise_btree(file, estimate->height, error)) ||
        !sparse_file_blocks(file, &blocks, error))
        return false;
    return (int64_t)wanted <= blocks || sparse_file_set_blocks(file, (int64_t)wanted, error);
}

/* Gives the files of an index that nobody has read yet their sizes. */
static bool
files_fit(SparseIndexes *indexes, const char *statement, const PgResult *facts, double *ret_blocks,
          Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("index files", (size_t)64 << 20);
    *ret_blocks = 0;
    for (int64_t row = 0; row < pg_result_rows(facts); row = index_end(facts, row)) {
        const IndexEstimate *estimate =
            map_get(indexes->estimates, estimate_key(arena, statement, facts, row));
        SparseFile file = {.pgdata = indexes->pgdata,
                           .database = (uint32_t)pg_result_int(facts, row, FACT_DATABASE, 0),
                           .filenode = (uint32_t)pg_result_int(facts, row, FACT_FILENODE, 0)};
        if (!file_fit(&file, estimate, error))
            return false;
        *ret_blocks += estimate->blocks;
    }
    return true;
}

bool
sparse_index_create(SparseIndexes *indexes, uint32_t table_id, const char *statement, const char *qualified,
                    double *ret_blocks, const char **ret_refusal, Error *error)
{
    bool asked = true;
    for (int copy = 0; asked; copy++) {
        FETTLE_CLEANUP(pg_result_free_at) PgResult *facts = NULL;
        fettle_assert(copy < 2);
        if (!sparse_ddl_run(indexes, table_id, statement, ret_refusal, error))
            return false;
        if (*ret_refusal != NULL)
            return true;
        if (!facts_read(indexes, qualified, &facts, error) ||
            !estimates_complete(indexes, statement, facts, &asked, ret_refusal, error))
            return false;
        if (*ret_refusal != NULL)
            return true;
        if (asked ? !pg_execute(indexes->connection, "ROLLBACK TO SAVEPOINT fettle", error)
                  : !files_fit(indexes, statement, facts, ret_blocks, error))
            return false;
    }
    return true;
}
