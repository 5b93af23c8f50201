// SPDX-License-Identifier: PostgreSQL
#include "advise/index/column_facts.h"

#include "base/text.h"
#include "pg/identifier.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HEAP_ROW_BYTES 28 /* header and line pointer */
#define WIDTH_UNKNOWN_BYTES 16
#define WIDTH_LEAST_BYTES 1

bool
column_is_indexable(const SnapshotColumn *column)
{
    static const char *const refused[] = {"json",    "jsonb",    "xml",     "point",   "line",
                                          "lseg",    "box",      "path",    "polygon", "circle",
                                          "tsquery", "tsvector", "aclitem", "xid",     "refcursor"};
    if (column == NULL || column->base_type == NULL)
        return false;
    for (size_t i = 0; i < FETTLE_COUNT_OF(refused); i++)
        if (text_equals(column->base_type, refused[i]))
            return false;
    return true;
}

double
column_distinct(const SnapshotRelation *relation, int attnum)
{
    const SnapshotStatistics *statistics = snapshot_column_statistics(relation, attnum);
    if (statistics == NULL || isnan(statistics->n_distinct))
        return 0;
    double rows = relation->reltuples > 0 ? relation->reltuples : 1;
    return statistics->n_distinct < 0 ? -statistics->n_distinct * rows : statistics->n_distinct;
}

double
column_width_bytes(const SnapshotRelation *relation, int attnum)
{
    const SnapshotColumn *column = snapshot_column(relation, attnum);
    if (column != NULL && column->length_bytes > 0)
        return column->length_bytes;
    const SnapshotStatistics *statistics = snapshot_column_statistics(relation, attnum);
    if (statistics == NULL || isnan(statistics->average_width_bytes))
        return WIDTH_UNKNOWN_BYTES;
    return fmax(statistics->average_width_bytes, WIDTH_LEAST_BYTES);
}

double
relation_row_bytes(const SnapshotRelation *relation)
{
    double bytes = HEAP_ROW_BYTES;
    for (size_t i = 0; i < relation->column_count; i++)
        if (!relation->columns[i].is_dropped)
            bytes += column_width_bytes(relation, relation->columns[i].attnum);
    return bytes;
}

double
column_null_fraction(const SnapshotRelation *relation, int attnum)
{
    const SnapshotStatistics *statistics = snapshot_column_statistics(relation, attnum);
    return statistics == NULL ? NAN : statistics->null_fraction;
}

static const SnapshotStatisticsSlot *
numbered_slot(const SnapshotRelation *relation, int attnum, int kind)
{
    const SnapshotStatisticsSlot *slot = snapshot_column_slot(relation, attnum, kind);
    return slot == NULL || slot->numbers == NULL ? NULL : slot;
}

double
column_correlation(Arena *arena, const SnapshotRelation *relation, int attnum)
{
    const SnapshotStatisticsSlot *slot = numbered_slot(relation, attnum, SNAPSHOT_KIND_CORRELATION);
    const char **numbers;
    size_t count;
    if (slot == NULL || !pg_array_parse(arena, slot->numbers, &numbers, &count) || count != 1 ||
        numbers[0] == NULL)
        return NAN;
    return strtod(numbers[0], NULL);
}

/* The sum of the squares of the values' shares of what is not NULL. */
static double
shares_squared(Arena *arena, const SnapshotRelation *relation, int attnum)
{
    const SnapshotStatisticsSlot *slot = numbered_slot(relation, attnum, SNAPSHOT_KIND_COMMON_VALUES);
    const char **numbers;
    size_t count = 0;
    double present = 1 - column_null_fraction(relation, attnum);
    double rest = 1;
    double squares = 0;
    if (!(present > 0) || (slot != NULL && !pg_array_parse(arena, slot->numbers, &numbers, &count)))
        return NAN;
    for (size_t i = 0; i < count; i++) {
        double share = numbers[i] == NULL ? 0 : strtod(numbers[i], NULL) / present;
        squares += share * share;
        rest -= share;
    }
    double others = column_distinct(relation, attnum) - (double)count;
    return rest > 0 && others > 0 ? squares + rest * rest / fmax(others, 1) : squares;
}

double
column_order(Arena *arena, const SnapshotRelation *relation, int attnum)
{
    double correlation = column_correlation(arena, relation, attnum);
    double by_ties = shares_squared(arena, relation, attnum);
    if (isnan(by_ties) || !(correlation > 0))
        return fabs(correlation);
    return by_ties < 1 ? fmax(0, (correlation - by_ties) / (1 - by_ties)) : 0;
}

/* The value that a literal stands for, as an array's text shows it. */
static const char *
literal_value(Arena *arena, const char *literal)
{
    if (text_equals_ignoring_case(literal, "true"))
        return "t";
    if (text_equals_ignoring_case(literal, "false"))
        return "f";
    size_t length = strlen(literal);
    if (literal[0] != '\'' || length < 2)
        return literal;
    Text value = text_new(arena);
    for (size_t i = 1; i < length && !(literal[i] == '\'' && literal[i + 1] != '\''); i++) {
        text_append_char(&value, literal[i]);
        i += literal[i] == '\'';
    }
    return value.data;
}

double
column_value_fraction(Arena *arena, const SnapshotRelation *relation, int attnum, const char *literal)
{
    const SnapshotStatisticsSlot *slot = numbered_slot(relation, attnum, SNAPSHOT_KIND_COMMON_VALUES);
    const char **values;
    const char **numbers;
    size_t count;
    size_t number_count;
    if (slot == NULL || slot->values == NULL || !pg_array_parse(arena, slot->values, &values, &count) ||
        !pg_array_parse(arena, slot->numbers, &numbers, &number_count) || count != number_count)
        return NAN;
    const char *wanted = literal_value(arena, literal);
    double common = 0;
    for (size_t i = 0; i < count; i++) {
        double frequency = numbers[i] == NULL ? 0 : strtod(numbers[i], NULL);
        if (text_equals(values[i], wanted))
            return frequency;
        common += frequency;
    }
    double others = column_distinct(relation, attnum) - (double)count;
    double rest = fmax(0, 1 - common - column_null_fraction(relation, attnum));
    return others > 1 ? rest / others : rest;
}

double
column_least_fraction(Arena *arena, const SnapshotRelation *relation, int attnum)
{
    const SnapshotStatisticsSlot *slot = numbered_slot(relation, attnum, SNAPSHOT_KIND_COMMON_VALUES);
    const char **numbers;
    size_t count;
    double least = NAN;
    if (slot == NULL || !pg_array_parse(arena, slot->numbers, &numbers, &count))
        return NAN;
    for (size_t i = 0; i < count; i++)
        if (numbers[i] != NULL)
            least = fmin(least, strtod(numbers[i], NULL));
    return least;
}
