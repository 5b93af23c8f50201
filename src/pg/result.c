// SPDX-License-Identifier: PostgreSQL
/*
 * PgResult keeps its rows itself: libpq hands them over one by one, so that the limits hold before memory is
 * used. One block of the arena a row, and one array of cells for all.
 */
#include "pg/connection_internal.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* Types by their numbers, which pg_type.dat fixes for ever. */
#define BYTEA_OID 17
#define INT8_OID 20
#define INT2_OID 21
#define INT4_OID 23
#define DATE_OID 1082
#define TIMESTAMPTZ_OID 1184
#define INT2_ARRAY_OID 1005
#define INT4_ARRAY_OID 1007
#define INT8_ARRAY_OID 1016
#define TIMESTAMPTZ_ARRAY_OID 1185

#define DAY_US INT64_C(86400000000)
/* 2000-01-01 UTC, where PostgreSQL counts from. */
#define EPOCH_US INT64_C(946684800000000)

/* Of an array in binary format: dimensions, "has NULLs", type; then, for each dimension, size and first
 * number; then each item with its length. */
#define ARRAY_HEAD_BYTES 12
#define ARRAY_DIMENSION_BYTES 8

typedef struct ResultCell {
    const char *text; /* NULL for SQL NULL */
    size_t length;
} ResultCell;

struct PgResult {
    PGresult *shape; /* names and types, no rows; NULL when there are no columns */
    int columns;
    bool is_binary;
    int64_t rows;
    int64_t bytes; /* cells and their texts */
    ResultCell *cells;
    size_t cell_capacity;
    Arena *arena;
};

PgResult *
pg_result_new(const PGresult *shape)
{
    PgResult *result = calloc(1, sizeof(*result));
    fettle_assert(result != NULL);
    if (shape != NULL && PQnfields(shape) > 0) {
        result->columns = PQnfields(shape);
        result->is_binary = PQfformat(shape, 0) == 1;
        result->shape = PQcopyResult(shape, PG_COPYRES_ATTRS);
        fettle_assert(result->shape != NULL);
    }
    /* bounded by the caller's bytes_most, row by row */
    result->arena = arena_new("result", SIZE_MAX / 2);
    return result;
}

static void
result_reserve_row(PgResult *result)
{
    size_t wanted = (size_t)(result->rows + 1) * (size_t)result->columns;
    if (wanted <= result->cell_capacity)
        return;
    size_t capacity = result->cell_capacity * 2 > wanted ? result->cell_capacity * 2 : wanted;
    result->cells = realloc(result->cells, capacity * sizeof(*result->cells));
    fettle_assert(result->cells != NULL);
    result->cell_capacity = capacity;
}

static size_t
row_text_bytes(const PGresult *more, int row, int columns)
{
    size_t bytes = 0;
    for (int column = 0; column < columns; column++)
        if (!PQgetisnull(more, row, column))
            bytes += (size_t)PQgetlength(more, row, column) + 1;
    return bytes;
}

static void
result_add_row(PgResult *result, const PGresult *more, int row, size_t text_bytes)
{
    result_reserve_row(result);
    ResultCell *cells =
        result->cells == NULL ? NULL : result->cells + (size_t)result->rows * (size_t)result->columns;
    char *text = arena_alloc(result->arena, text_bytes);
    for (int column = 0; column < result->columns; column++) {
        fettle_assert(cells != NULL);
        cells[column] = (ResultCell){0};
        if (PQgetisnull(more, row, column))
            continue;
        size_t length = (size_t)PQgetlength(more, row, column);
        memcpy(text, PQgetvalue(more, row, column), length);
        text[length] = '\0';
        cells[column] = (ResultCell){.text = text, .length = length};
        text += length + 1;
    }
    result->rows++;
}

bool
pg_result_add_rows(PgResult *result, const PGresult *more, int64_t rows_most, int64_t bytes_most)
{
    fettle_assert(PQnfields(more) == result->columns);
    for (int row = 0; row < PQntuples(more); row++) {
        size_t text_bytes = row_text_bytes(more, row, result->columns);
        int64_t row_bytes = (int64_t)(text_bytes + (size_t)result->columns * sizeof(ResultCell));
        if (result->rows >= rows_most || row_bytes > bytes_most - result->bytes)
            return false;
        result_add_row(result, more, row, text_bytes);
        result->bytes += row_bytes;
    }
    return true;
}

void
pg_result_free(PgResult *result)
{
    if (result == NULL)
        return;
    PQclear(result->shape);
    arena_free(result->arena);
    free(result->cells);
    free(result);
}

void
pg_result_free_at(PgResult **result)
{
    pg_result_free(*result);
    *result = NULL;
}

int64_t
pg_result_rows(const PgResult *result)
{
    return result->rows;
}

int
pg_result_columns(const PgResult *result)
{
    return result->columns;
}

const char *
pg_result_column_name(const PgResult *result, int column)
{
    fettle_assert(column >= 0 && column < result->columns);
    return PQfname(result->shape, column);
}

int
pg_result_column_find(const PgResult *result, const char *name)
{
    for (int column = 0; column < result->columns; column++)
        if (strcmp(PQfname(result->shape, column), name) == 0)
            return column;
    return -1;
}

uint32_t
pg_result_column_type(const PgResult *result, int column)
{
    fettle_assert(column >= 0 && column < result->columns);
    return PQftype(result->shape, column);
}

static const ResultCell *
result_cell(const PgResult *result, int64_t row, int column)
{
    fettle_assert(row >= 0 && row < result->rows && column >= 0 && column < result->columns);
    return &result->cells[(size_t)row * (size_t)result->columns + (size_t)column];
}

const char *
pg_result_text(const PgResult *result, int64_t row, int column)
{
    return result_cell(result, row, column)->text;
}

size_t
pg_result_length(const PgResult *result, int64_t row, int column)
{
    return result_cell(result, row, column)->length;
}

const uint8_t *
pg_result_bytes(const PgResult *result, int64_t row, int column, size_t *ret_size)
{
    const ResultCell *cell = result_cell(result, row, column);
    *ret_size = cell->length;
    return result->is_binary && PQftype(result->shape, column) == BYTEA_OID ? (const uint8_t *)cell->text
                                                                            : NULL;
}

/* Big-endian, of 2, 4 or 8 bytes. */
static bool
bytes_int(const char *bytes, size_t length, int64_t *ret_value)
{
    uint64_t value = 0;
    if (length != 2 && length != 4 && length != 8)
        return false;
    for (size_t i = 0; i < length; i++)
        value = value << 8 | (uint8_t)bytes[i];
    *ret_value = (int64_t)value;
    if (length == sizeof(int16_t))
        *ret_value = (int16_t)value;
    if (length == sizeof(int32_t))
        *ret_value = (int32_t)value;
    return true;
}

static bool
cell_int(const ResultCell *cell, int64_t *ret_value)
{
    return cell->text != NULL && bytes_int(cell->text, cell->length, ret_value);
}

static int64_t
binary_int(const PgResult *result, int64_t row, int column, int64_t fallback)
{
    int64_t value;
    Oid type = PQftype(result->shape, column);
    bool is_int = type == INT2_OID || type == INT4_OID || type == INT8_OID;
    return is_int && cell_int(result_cell(result, row, column), &value) ? value : fallback;
}

int64_t
pg_result_time_us(const PgResult *result, int64_t row, int column)
{
    int64_t value;
    int64_t at_us;
    const ResultCell *cell = result_cell(result, row, column);
    Oid type = PQftype(result->shape, column);
    if (!result->is_binary || (type != DATE_OID && type != TIMESTAMPTZ_OID) || !cell_int(cell, &value))
        return 0;
    bool is_over = __builtin_mul_overflow(value, type == DATE_OID ? DAY_US : 1, &at_us) ||
                   __builtin_add_overflow(at_us, EPOCH_US, &at_us);
    return is_over ? 0 : at_us;
}

/* The items of an array of one dimension, each of so many bytes. */
static bool
array_items(const ResultCell *cell, size_t item_bytes, int64_t *items, size_t count)
{
    const char *at = cell->text + ARRAY_HEAD_BYTES + ARRAY_DIMENSION_BYTES;
    for (size_t i = 0; i < count; i++, at += sizeof(int32_t) + item_bytes) {
        int64_t length = 0;
        if (!bytes_int(at, sizeof(int32_t), &length) || length != (int64_t)item_bytes ||
            !bytes_int(at + sizeof(int32_t), item_bytes, &items[i]))
            return false;
    }
    return true;
}

static size_t
array_item_bytes(Oid type)
{
    switch (type) {
        case INT2_ARRAY_OID: return sizeof(int16_t);
        case INT4_ARRAY_OID: return sizeof(int32_t);
        case INT8_ARRAY_OID:
        case TIMESTAMPTZ_ARRAY_OID: return sizeof(int64_t);
        default: return 0;
    }
}

/* The size of an array that has one dimension, or none and no items; -1 for another, and when its bytes are
 * not as many as that takes. */
static int64_t
array_count(const ResultCell *cell, size_t item_bytes)
{
    int64_t dimensions = -1;
    int64_t count = -1;
    if (cell->text == NULL || item_bytes == 0 || cell->length < ARRAY_HEAD_BYTES ||
        !bytes_int(cell->text, sizeof(int32_t), &dimensions))
        return -1;
    if (dimensions == 0)
        return 0;
    size_t head = ARRAY_HEAD_BYTES + ARRAY_DIMENSION_BYTES;
    if (dimensions != 1 || cell->length < head ||
        !bytes_int(cell->text + ARRAY_HEAD_BYTES, sizeof(int32_t), &count) || count < 0 ||
        (size_t)count * (sizeof(int32_t) + item_bytes) != cell->length - head)
        return -1;
    return count;
}

bool
pg_result_ints(const PgResult *result, int64_t row, int column, Arena *arena, int64_t **ret_items,
               size_t *ret_count)
{
    const ResultCell *cell = result_cell(result, row, column);
    Oid type = PQftype(result->shape, column);
    size_t item_bytes = array_item_bytes(type);
    int64_t count = result->is_binary ? array_count(cell, item_bytes) : -1;
    if (count < 0)
        return false;
    int64_t *items = ARENA_NEW_ARRAY(arena, int64_t, (size_t)count);
    if (!array_items(cell, item_bytes, items, (size_t)count))
        return false;
    for (int64_t i = 0; type == TIMESTAMPTZ_ARRAY_OID && i < count; i++)
        if (__builtin_add_overflow(items[i], EPOCH_US, &items[i]))
            return false;
    *ret_items = items;
    *ret_count = (size_t)count;
    return true;
}

int64_t
pg_result_int(const PgResult *result, int64_t row, int column, int64_t fallback)
{
    int64_t value;
    if (result->is_binary)
        return binary_int(result, row, column, fallback);
    const char *text = pg_result_text(result, row, column);
    return text != NULL && text_parse_int64(text, &value) ? value : fallback;
}

double
pg_result_double(const PgResult *result, int64_t row, int column, double fallback)
{
    double value;
    const char *text = pg_result_text(result, row, column);
    return text != NULL && text_parse_double(text, &value) ? value : fallback;
}

bool
pg_result_bool(const PgResult *result, int64_t row, int column)
{
    return text_equals(pg_result_text(result, row, column), "t");
}
