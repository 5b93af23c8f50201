// SPDX-License-Identifier: PostgreSQL
/*
 * Tables and indexes of one database: use, sizes, bloat.
 *
 * relpages costs nothing and waits for nobody, but is as old as the last VACUUM or ANALYZE.
 * pg_relation_size() is exact and waits behind ACCESS EXCLUSIVE, so it is asked for one relation per
 * statement, the largest first, within a number and a time, and no more once a few have run into
 * lock_timeout.
 *
 * Bloat is estimated from the planner's statistics where the role sees them. Expected bytes of a table's row:
 * 4 (line pointer) + header of 23 and the null bitmap, aligned to 8 + mean widths of the columns, aligned to
 * 8, over (block - 24) * fillfactor. Of a btree's entry: 4 + 8 and the bitmap and mean widths of the keys,
 * aligned to 8, over (block - 40) * fillfactor, with one page of meta and the inner pages. What the relation
 * has beyond that is bloat; padding between columns makes it too high, deduplication of indexes too low. A
 * few of moderate size are measured by pgstattuple when the extension is there and allowed.
 */
#include "collect/postgres_internal.h"

#include <math.h>

#define SIZES_MOST 500
#define SIZES_MS 2000
#define LOCKED_MOST 3
#define MEASURED_MOST 20
#define MEASURED_MS 2000
/* Larger ones would be a load of their own. */
#define MEASURED_TABLE_BYTES ((int64_t)64 * 1024 * 1024)
#define MEASURED_INDEX_BYTES ((int64_t)16 * 1024 * 1024)
#define NAME_BYTES 63
#define SQLSTATE_LOCK_TIMEOUT "55P03"

static RelationRow
relation_of(Arena *arena, const PgResult *result, int64_t row)
{
    return (RelationRow){
        .relation_oid = (uint32_t)pg_result_int(result, row, 0, 0),
        .table_oid = (uint32_t)pg_result_int(result, row, 1, 0),
        .schema_name = postgres_text(arena, result, row, 2, NAME_BYTES),
        .relation_name = postgres_text(arena, result, row, 3, NAME_BYTES),
        .kind = pg_result_text(result, row, 4)[0],
        .size_bytes = pg_result_int(result, row, 5, -1),
        .row_estimate = pg_result_double(result, row, 6, -1),
        .scans = pg_result_int(result, row, 7, 0),
        .rows_read = pg_result_int(result, row, 8, 0),
        .rows_inserted = pg_result_int(result, row, 9, 0),
        .rows_updated = pg_result_int(result, row, 10, 0),
        .rows_updated_hot = pg_result_int(result, row, 11, 0),
        .rows_deleted = pg_result_int(result, row, 12, 0),
        .live_rows = pg_result_int(result, row, 13, 0),
        .dead_rows = pg_result_int(result, row, 14, 0),
        .blocks_hit = pg_result_int(result, row, 15, 0),
        .blocks_read = pg_result_int(result, row, 16, 0),
        .vacuumed_at_us = postgres_time_us(result, row, 17),
        .analyzed_at_us = postgres_time_us(result, row, 18),
        .bloat_bytes = NAN,
    };
}

static Map *
relations_by_oid(Arena *arena, SourceRelations *relations)
{
    Map *by_oid = map_new(arena);
    for (size_t i = 0; i < relations->count; i++)
        map_put_id(by_oid, relations->items[i].relation_oid, &relations->items[i]);
    return by_oid;
}

/* A table's index scans are those of its indexes. */
static void
add_index_scans(SourceRelations *relations, const Map *by_oid)
{
    for (size_t i = 0; i < relations->count; i++) {
        const RelationRow *index = &relations->items[i];
        RelationRow *table = index->kind == 'i' ? map_get_id(by_oid, index->table_oid) : NULL;
        if (table != NULL)
            table->index_scans += index->scans;
    }
}

static bool
relations_list(PostgresSession *session, Arena *arena, SourceRelations *relations, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    PostgresQuestion question = {.text = postgres_query_text(session, arena, "relations", NULL),
                                 .rows_most = SOURCE_RELATIONS_MOST + 1};
    if (!postgres_ask(session, &question, &result, error))
        return error_prefix(error, "could not read the use of tables and indexes");
    size_t rows = (size_t)pg_result_rows(result);
    relations->is_cut = rows > SOURCE_RELATIONS_MOST;
    relations->count = relations->is_cut ? SOURCE_RELATIONS_MOST : rows;
    relations->items = ARENA_NEW_ARRAY(arena, RelationRow, relations->count);
    for (size_t i = 0; i < relations->count; i++)
        relations->items[i] = relation_of(arena, result, (int64_t)i);
    if (rows > 0)
        relations->statistics_reset_at_us = postgres_time_us(result, 0, 19);
    return true;
}

/* One figure of one relation. NAN when the target refuses; false only when the session broke or the time of
 * the round is over. */
static bool
ask_of_relation(PostgresSession *session, const char *text, uint32_t oid, double *ret_figure, Error *reason)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("relation", 65536);
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    const char *parameter = arena_printf(arena, "%u", oid);
    PostgresQuestion question = {
        .text = text, .parameters = &parameter, .parameter_count = 1, .rows_most = 1};
    *ret_figure = NAN;
    error_clear(reason);
    if (postgres_ask(session, &question, &result, reason)) {
        if (pg_result_rows(result) == 1)
            *ret_figure = pg_result_double(result, 0, 0, NAN);
        return true;
    }
    return !pg_connection_is_broken(session->connection) && !deadline_passed(session->deadline);
}

static bool
relations_read_sizes(PostgresSession *session, Arena *arena, SourceRelations *relations, Error *error)
{
    const char *text = postgres_query_text(session, arena, "relation_size", NULL);
    Deadline until = deadline_earlier(session->deadline, deadline_after_ms(SIZES_MS));
    int locked = 0;
    size_t asked = 0;
    for (size_t i = 0; i < relations->count && asked < SIZES_MOST && locked < LOCKED_MOST; i++) {
        RelationRow *row = &relations->items[i];
        double size;
        Error reason = {0};
        if (deadline_passed(until))
            break;
        if (row->kind == 'p')
            continue;
        asked++;
        if (!ask_of_relation(session, text, row->relation_oid, &size, &reason)) {
            *error = reason;
            return error_prefix(error, "could not read sizes");
        }
        locked += text_equals(reason.sqlstate, SQLSTATE_LOCK_TIMEOUT);
        if (isfinite(size))
            row->size_bytes = (int64_t)size;
    }
    return true;
}

static bool
relations_estimate_bloat(PostgresSession *session, Arena *arena, const char *name, const Map *by_oid,
                         Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    PostgresQuestion question = {.text = postgres_query_text(session, arena, name, NULL),
                                 .rows_most = SOURCE_RELATIONS_MOST};
    Error reason = {0};
    if (!postgres_ask(session, &question, &result, &reason)) {
        if (!pg_connection_is_broken(session->connection) && !deadline_passed(session->deadline))
            return true; /* no figure */
        *error = reason;
        return error_prefix(error, "could not estimate bloat");
    }
    for (int64_t i = 0; i < pg_result_rows(result); i++) {
        RelationRow *row = map_get_id(by_oid, (uint64_t)pg_result_int(result, i, 0, 0));
        if (row != NULL)
            row->bloat_bytes = pg_result_double(result, i, 1, NAN);
    }
    return true;
}

static bool
bloat_may_be_measured(const RelationRow *row)
{
    bool is_table = row->kind == 'r' || row->kind == 'm' || row->kind == 't';
    int64_t most = is_table ? MEASURED_TABLE_BYTES : MEASURED_INDEX_BYTES;
    return (is_table || row->kind == 'i') && row->size_bytes > 0 && row->size_bytes <= most;
}

/* The largest that are not too large. */
static bool
relations_measure_bloat(PostgresSession *session, Arena *arena, SourceRelations *relations, Error *error)
{
    if (session->pgstattuple == NULL)
        return true;
    const PostgresFill fills[] = {{"schema", session->pgstattuple}, {NULL, NULL}};
    const char *of_table = postgres_query_text(session, arena, "bloat_measure_table", fills);
    const char *of_index = postgres_query_text(session, arena, "bloat_measure_index", fills);
    Deadline until = deadline_earlier(session->deadline, deadline_after_ms(MEASURED_MS));
    size_t asked = 0, refused = 0;
    for (size_t i = 0; i < relations->count && asked < MEASURED_MOST && refused < LOCKED_MOST; i++) {
        RelationRow *row = &relations->items[i];
        double bytes;
        Error reason = {0};
        if (deadline_passed(until))
            break;
        if (!bloat_may_be_measured(row))
            continue;
        asked++;
        if (!ask_of_relation(session, row->kind == 'i' ? of_index : of_table, row->relation_oid, &bytes,
                             &reason)) {
            *error = reason;
            return error_prefix(error, "could not measure bloat");
        }
        /* Another kind of index than a btree is refused too. */
        refused += reason.code != ERROR_NONE && row->kind != 'i';
        row->bloat_is_measured = isfinite(bytes);
        if (isfinite(bytes))
            row->bloat_bytes = bytes;
    }
    return true;
}

bool
postgres_relations_read(SourceSession *base, Arena *arena, Deadline deadline, SourceRelations *ret_relations,
                        Error *error)
{
    PostgresSession *session = (PostgresSession *)base;
    session->deadline = deadline;
    *ret_relations = (SourceRelations){0};
    if (!relations_list(session, arena, ret_relations, error))
        return false;
    Map *by_oid = relations_by_oid(arena, ret_relations);
    add_index_scans(ret_relations, by_oid);
    return relations_read_sizes(session, arena, ret_relations, error) &&
           relations_estimate_bloat(session, arena, "bloat_tables", by_oid, error) &&
           relations_estimate_bloat(session, arena, "bloat_indexes", by_oid, error) &&
           relations_measure_bloat(session, arena, ret_relations, error);
}
