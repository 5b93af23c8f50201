// SPDX-License-Identifier: PostgreSQL
#include "store/observation_internal.h"

#include <math.h>
#include <stddef.h>

#define ARENA_BYTES ((size_t)512 * 1024 * 1024)
#define FIRST_COLUMN 3 /* of the row's columns in relation_rounds_read */

/* The columns of arrays behind sizes and estimates, in the order of the table. */
static const size_t counter_offsets[] = {
    offsetof(RelationRow, scans),          offsetof(RelationRow, rows_read),
    offsetof(RelationRow, index_scans),    offsetof(RelationRow, rows_inserted),
    offsetof(RelationRow, rows_updated),   offsetof(RelationRow, rows_updated_hot),
    offsetof(RelationRow, rows_deleted),   offsetof(RelationRow, live_rows),
    offsetof(RelationRow, dead_rows),      offsetof(RelationRow, blocks_hit),
    offsetof(RelationRow, blocks_read),    offsetof(RelationRow, vacuumed_at_us),
    offsetof(RelationRow, analyzed_at_us),
};

#define COUNTER_COLUMNS FETTLE_COUNT_OF(counter_offsets)
#define PARAMETER_COUNT (4 + 7 + COUNTER_COLUMNS + 2)

static int64_t *
row_counter(RelationRow *row, size_t counter)
{
    return (int64_t *)(void *)((char *)row + counter_offsets[counter]);
}

static const char *
counters_array(Arena *arena, const RelationRound *round, size_t counter)
{
    Text array = observation_array_begin(arena);
    for (size_t i = 0; i < round->row_count; i++) {
        RelationRow row = round->rows[i];
        observation_array_int(&array, *row_counter(&row, counter));
    }
    return observation_array_end(&array);
}

static void
fill_names(Arena *arena, const RelationRound *round, const char **parameters)
{
    Text oids = observation_array_begin(arena);
    Text tables = observation_array_begin(arena);
    Text kinds = text_new(arena);
    const char **schemas = ARENA_NEW_ARRAY(arena, const char *, round->row_count);
    const char **names = ARENA_NEW_ARRAY(arena, const char *, round->row_count);
    for (size_t i = 0; i < round->row_count; i++) {
        const RelationRow *row = &round->rows[i];
        observation_array_int(&oids, row->relation_oid);
        observation_array_int(&tables, row->table_oid);
        text_append_char(&kinds, row->kind);
        schemas[i] = row->schema_name;
        names[i] = row->relation_name;
    }
    parameters[0] = observation_array_end(&oids);
    parameters[1] = observation_array_end(&tables);
    parameters[2] = pg_array_literal(arena, schemas, round->row_count);
    parameters[3] = pg_array_literal(arena, names, round->row_count);
    parameters[4] = kinds.data;
}

static void
fill_figures(Arena *arena, const RelationRound *round, const char **parameters)
{
    Text sizes = observation_array_begin(arena);
    Text estimates = observation_array_begin(arena);
    Text bloat = observation_array_begin(arena);
    Text measured = observation_array_begin(arena);
    for (size_t i = 0; i < round->row_count; i++) {
        const RelationRow *row = &round->rows[i];
        observation_array_int(&sizes, row->size_bytes);
        observation_array_real(&estimates, row->row_estimate);
        observation_array_real(&bloat, row->bloat_bytes);
        observation_array_bool(&measured, row->bloat_is_measured);
    }
    parameters[0] = observation_array_end(&sizes);
    parameters[1] = observation_array_end(&estimates);
    for (size_t i = 0; i < COUNTER_COLUMNS; i++)
        parameters[2 + i] = counters_array(arena, round, i);
    parameters[2 + COUNTER_COLUMNS] = observation_array_end(&bloat);
    parameters[3 + COUNTER_COLUMNS] = observation_array_end(&measured);
}

bool
relation_round_write(PgConnection *session, const RelationRound *round, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("relation round", ARENA_BYTES);
    StoreNumber target = store_number(round->target_id);
    StoreNumber database = store_number(round->database_id);
    StoreNumber at = store_number(round->collected_at_us);
    StoreNumber reset = store_number(round->statistics_reset_at_us);
    const char *parameters[PARAMETER_COUNT] = {target.text, database.text, at.text,
                                               round->statistics_reset_at_us == 0 ? NULL : reset.text};
    fill_names(arena, round, parameters + 4);
    fill_figures(arena, round, parameters + 9);
    ObservationInsert insert = {.query = "relation_round_write",
                                .table = "relation_rounds",
                                .at_us = round->collected_at_us,
                                .parameters = parameters,
                                .parameter_count = (int)PARAMETER_COUNT};
    if (!pg_execute(session, "BEGIN", error))
        return false;
    if (!observation_insert(session, &insert, error)) {
        Error ignored = {0};
        (void)!pg_transaction_end(session, &ignored);
        return error_prefix(error, "could not write the use of tables and indexes");
    }
    return pg_execute(session, "COMMIT", error);
}

static RelationRow
relation_of(Arena *arena, const PgResult *result, int64_t at)
{
    int column = FIRST_COLUMN;
    RelationRow row = {.relation_oid = (uint32_t)pg_result_int(result, at, column, 0),
                       .table_oid = (uint32_t)pg_result_int(result, at, column + 1, 0),
                       .schema_name = arena_strdup(arena, pg_result_text(result, at, column + 2)),
                       .relation_name = arena_strdup(arena, pg_result_text(result, at, column + 3)),
                       .kind = pg_result_text(result, at, column + 4)[0],
                       .size_bytes = pg_result_int(result, at, column + 5, -1),
                       .row_estimate = pg_result_double(result, at, column + 6, -1)};
    column += 7;
    for (size_t i = 0; i < COUNTER_COLUMNS; i++)
        *row_counter(&row, i) = pg_result_int(result, at, column++, 0);
    row.bloat_bytes = pg_result_double(result, at, column, NAN);
    row.bloat_is_measured = pg_result_bool(result, at, column + 1);
    return row;
}

/* Rows of one database stand together. */
static void
rounds_take(Arena *arena, const PgResult *result, int64_t target_id, RelationRound *rounds, size_t *ret_count)
{
    size_t total = (size_t)pg_result_rows(result);
    RelationRow *rows = ARENA_NEW_ARRAY(arena, RelationRow, total);
    size_t count = 0, used = 0;
    for (size_t i = 0; i < total; i++) {
        int32_t database_id = (int32_t)pg_result_int(result, (int64_t)i, 0, 0);
        if (count == 0 || rounds[count - 1].database_id != database_id)
            rounds[count++] =
                (RelationRound){.target_id = target_id,
                                .database_id = database_id,
                                .collected_at_us = pg_result_int(result, (int64_t)i, 1, 0),
                                .statistics_reset_at_us = pg_result_int(result, (int64_t)i, 2, 0),
                                .rows = rows + used};
        if (pg_result_text(result, (int64_t)i, FIRST_COLUMN) == NULL)
            continue; /* a database without any table */
        rows[used++] = relation_of(arena, result, (int64_t)i);
        rounds[count - 1].row_count++;
    }
    *ret_count = count;
}

bool
relation_rounds_read(PgConnection *session, Arena *arena, int64_t target_id, int32_t database_id,
                     int64_t at_us, RelationRound **ret_rounds, size_t *ret_count, Error *error)
{
    StoreNumber target = store_number(target_id);
    StoreNumber database = store_number(database_id);
    StoreNumber at = store_number(at_us == 0 ? clock_wall_us() : at_us);
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    if (!store_query(session, "relation_rounds_read", STORE_PARAMETERS(target.text, database.text, at.text),
                     &result, error))
        return error_prefix(error, "could not read the use of tables and indexes");
    *ret_rounds = ARENA_NEW_ARRAY(arena, RelationRound, (size_t)pg_result_rows(result));
    rounds_take(arena, result, target_id, *ret_rounds, ret_count);
    return true;
}

static RelationRow
use_of(Arena *arena, const PgResult *result, int64_t at)
{
    return (RelationRow){.schema_name = arena_strdup(arena, pg_result_text(result, at, 1)),
                         .relation_name = arena_strdup(arena, pg_result_text(result, at, 2)),
                         .kind = pg_result_text(result, at, 3)[0],
                         .size_bytes = pg_result_int(result, at, 4, -1),
                         .row_estimate = pg_result_double(result, at, 5, -1),
                         .scans = pg_result_int(result, at, 6, 0),
                         .rows_read = pg_result_int(result, at, 7, 0),
                         .live_rows = pg_result_int(result, at, 8, 0),
                         .analyzed_at_us = pg_result_int(result, at, 9, 0),
                         .bloat_bytes = NAN};
}

bool
relation_uses_read(PgConnection *session, Arena *arena, const RelationUsesOf *of, RelationUses *ret_uses,
                   Error *error)
{
    StoreNumber target = store_number(of->target_id);
    StoreNumber limit = store_number((int64_t)of->row_limit + 1);
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    const char *names = pg_array_literal(arena, of->database_names, of->database_count);
    if (!store_query(session, "relation_uses_read", STORE_PARAMETERS(target.text, names, limit.text), &result,
                     error))
        return error_prefix(error, "could not read the use of tables and indexes");
    size_t total = (size_t)pg_result_rows(result);
    RelationUses uses = {.rounds = ARENA_NEW_ARRAY(arena, RelationRound, total),
                         .is_cut = total > of->row_limit};
    RelationRow *rows = ARENA_NEW_ARRAY(arena, RelationRow, total);
    for (size_t i = 0; i < total; i++) {
        int32_t database_id = (int32_t)pg_result_int(result, (int64_t)i, 0, 0);
        if (uses.count == 0 || uses.rounds[uses.count - 1].database_id != database_id)
            uses.rounds[uses.count++] =
                (RelationRound){.target_id = of->target_id, .database_id = database_id, .rows = rows + i};
        rows[i] = use_of(arena, result, (int64_t)i);
        uses.rounds[uses.count - 1].row_count++;
    }
    *ret_uses = uses;
    return true;
}
