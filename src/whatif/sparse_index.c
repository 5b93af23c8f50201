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
    FACT_TABLE_ROWS
};

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
    if (table_rows < 0)
        table_rows = whole;
    shape->rows = predicate == NULL ? table_rows : table_rows * fmin(kept / fmax(whole, 1), 1);
    shape->groups = shape->rows;
    if (!shape->can_dedup)
        return true;
    Text keys = text_new(arena);
    for (int64_t i = row; i < index_end(facts, row); i++)
        text_append_format(&keys, "%s%s", i == row ? "" : ", ", pg_result_text(facts, i, FACT_EXPRESSION));
    double groups = NAN;
    if (!rows_expected(indexes, arena, arena_printf(arena, "%s GROUP BY %s", part, keys.data), &groups,
                       ret_refusal, error))
        return false;
    if (*ret_refusal == NULL)
        shape->groups = fmin(groups, shape->rows);
    return true;
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
                                  .null_fraction = pg_result_double(facts, i, FACT_NULL_FRACTION, 0)};
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
