// SPDX-License-Identifier: PostgreSQL
/*
 * Rows drawn from the statistics of an expression's columns, as if the columns knew nothing of each other,
 * which is what the planner assumes of a query's conditions.
 *
 * Each row takes of each column the value at some place in its distribution: NULL, then the common values,
 * then the histogram's. A column's places are the middles of equal parts (a Latin hypercube), in the order in
 * which the multiples of a prime's square root lie when cut to their fraction (Richtmyer's sequence): evenly
 * spread over all columns together, and the same for every call. Between the bounds of a column that has most
 * whole numbers between its ends any number is taken; of other columns a bound stands for its neighbours, and
 * comes once, for another time it would be another value. Rows that are equal are put together, so that what
 * an expression gives for different rows can be told from how often a row comes.
 */
#include "estimate.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"

#define COLUMNS_MOST 8
#define DENSE_LEAST 0.7 /* of the numbers between a column's ends: not every second one */
#define PLACE_NULL -1
#define VARIED_MOST 200

static const double turns[COLUMNS_MOST] = {1.4142135623730951, 1.7320508075688772, 2.23606797749979,
                                           2.6457513110645907, 3.3166247903554,    3.605551275463989,
                                           4.123105625617661,  4.358898943540674};

typedef struct Source {
    const Var *variable;
    double null_fraction;
    double distinct;
    AttStatsSlot common;
    AttStatsSlot histogram;
    bool is_dense;
} Source;

bool
twin_is_integer(Oid type)
{
    return type == INT2OID || type == INT4OID || type == INT8OID;
}

int64
twin_integer_read(Datum value, Oid type)
{
    return type == INT2OID   ? DatumGetInt16(value)
           : type == INT4OID ? DatumGetInt32(value)
                             : DatumGetInt64(value);
}

Datum
twin_integer_form(int64 value, Oid type)
{
    return type == INT2OID   ? Int16GetDatum((int16)value)
           : type == INT4OID ? Int32GetDatum((int32)value)
                             : Int64GetDatum(value);
}

bool
twin_histogram_is_dense(const AttStatsSlot *histogram, Oid type, double distinct)
{
    return twin_is_integer(type) && histogram->nvalues > 1 &&
           distinct >=
               DENSE_LEAST * ((double)twin_integer_read(histogram->values[histogram->nvalues - 1], type) -
                              (double)twin_integer_read(histogram->values[0], type));
}

bool
twin_slot_read(AttStatsSlot *slot, HeapTuple statistics, int kind, int flags, Oid type)
{
    if (!get_attstatsslot(slot, statistics, kind, InvalidOid, flags))
        return false;
    if (getBaseType(slot->valuetype) == getBaseType(type) &&
        (!(flags & ATTSTATSSLOT_NUMBERS) || slot->nnumbers == slot->nvalues))
        return true;
    free_attstatsslot(slot);
    memset(slot, 0, sizeof(*slot));
    return false;
}

/* The slots are not freed: the rows' values are theirs. */
static bool
source_read(const TwinIndexShape *shape, const Var *variable, Source *ret_source)
{
    VariableStatData data;
    bool is_default;
    Source source = {.variable = variable};
    examine_variable(shape->root, (Node *)variable, 0, &data);
    if (HeapTupleIsValid(data.statsTuple)) {
        double nulls = ((Form_pg_statistic)GETSTRUCT(data.statsTuple))->stanullfrac;
        source.null_fraction = isnan(nulls) ? 0 : Min(Max(nulls, 0), 1);
        source.distinct = Max(get_variable_numdistinct(&data, &is_default), 1);
        twin_slot_read(&source.common, data.statsTuple, STATISTIC_KIND_MCV,
                       ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS, variable->vartype);
        twin_slot_read(&source.histogram, data.statsTuple, STATISTIC_KIND_HISTOGRAM, ATTSTATSSLOT_VALUES,
                       variable->vartype);
        source.is_dense = twin_histogram_is_dense(&source.histogram, variable->vartype,
                                                  source.distinct - source.common.nvalues);
    }
    ReleaseVariableStats(data);
    *ret_source = source;
    return source.common.nvalues + source.histogram.nvalues > 0 || source.null_fraction >= 1;
}

static int
sources_read(const TwinIndexShape *shape, Node *expression, Source *ret_sources)
{
    List *variables = twin_expression_variables(expression);
    ListCell *cell;
    int count = 0;
    if (list_length(variables) > COLUMNS_MOST)
        return 0;
    foreach (cell, variables) {
        const Var *variable = lfirst_node(Var, cell);
        if (variable->varattno <= 0 || !source_read(shape, variable, &ret_sources[count++]))
            return 0;
    }
    return count;
}

/* The number at a place between two bounds. */
static int64
number_between(const Source *source, int at, double place)
{
    const Datum *bounds = source->histogram.values;
    Oid type = source->variable->vartype;
    int64 low = twin_integer_read(bounds[at], type);
    double distance = at + 1 < source->histogram.nvalues
                          ? (double)twin_integer_read(bounds[at + 1], type) - (double)low
                          : 0;
    return distance >= 1 && distance <= TWIN_DISTANCE_MOST ? low + (int64)(place * distance) : low;
}

/* The value at a place of the distribution, from 0 to 1; the number by which it differs from the column's
 * others. */
static TwinValue *
value_at(const Source *source, double place, int64 *ret_number)
{
    double reached = source->null_fraction;
    int bounds = source->histogram.nvalues, i;
    *ret_number = PLACE_NULL;
    if (place < reached)
        return twin_value_make(source->variable, (Datum)0, true);
    for (i = 0; i < source->common.nvalues; i++) {
        reached += Max(source->common.numbers[i], 0);
        *ret_number = i;
        if (place < reached || (bounds == 0 && i == source->common.nvalues - 1))
            return twin_value_make(source->variable, source->common.values[i], false);
    }
    if (bounds == 0)
        return twin_value_make(source->variable, (Datum)0, true);
    place = reached < 1 ? (place - reached) / (1 - reached) : 0;
    if (source->is_dense) {
        double inner = Min(Max(place, 0), 1) * (bounds - 1);
        int at = Min((int)inner, bounds - 1);
        int64 number = number_between(source, at, inner - at);
        *ret_number = number + source->common.nvalues;
        return twin_value_make(source->variable, twin_integer_form(number, source->variable->vartype), false);
    }
    i = Min((int)(Min(Max(place, 0), 1) * bounds), bounds - 1);
    *ret_number = source->common.nvalues + i;
    return twin_value_make(source->variable, source->histogram.values[i], false);
}

/* Of the rows drawn so far the one of the same values. */
static int
row_find(int64 (*numbers)[COLUMNS_MOST], int count, const int64 *wanted)
{
    int i;
    for (i = 0; i < count; i++) {
        if (memcmp(numbers[i], wanted, sizeof(int64) * COLUMNS_MOST) == 0)
            break;
    }
    return i;
}

static int
place_compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

/* So many places, in the middle of as many equal parts, in the order of the column's sequence. */
static double *
places_of_column(int column, int count)
{
    double *places = palloc(sizeof(double) * count), *sorted = palloc(sizeof(double) * count);
    int i;
    for (i = 0; i < count; i++) {
        double turn = (i + 0.5) * turns[column];
        places[i] = turn - floor(turn);
    }
    memcpy(sorted, places, sizeof(double) * count);
    qsort(sorted, count, sizeof(double), place_compare);
    for (i = 0; i < count; i++) {
        const double *found = bsearch(&places[i], sorted, count, sizeof(double), place_compare);
        places[i] = ((double)(found - sorted) + 0.5) / count;
    }
    pfree(sorted);
    return places;
}

/* Not so many that a bound would come twice: it stands for other values each time. */
static int
rows_wanted(const Source *sources, int width)
{
    int wanted = TWIN_EVALUATED_MOST, i, j;
    for (i = 0; i < width; i++) {
        const Source *source = &sources[i];
        double share = 1 - source->null_fraction;
        for (j = 0; j < source->common.nvalues; j++)
            share -= Max(source->common.numbers[j], 0);
        if (source->histogram.nvalues > 0 && !source->is_dense && share * wanted > source->histogram.nvalues)
            wanted = Max((int)(source->histogram.nvalues / share), 1);
    }
    return wanted;
}

int
twin_rows_draw(const TwinIndexShape *shape, Node *expression, TwinRow **ret_rows)
{
    Source sources[COLUMNS_MOST];
    int width = sources_read(shape, expression, sources), count = 0, wanted = rows_wanted(sources, width), i,
        j;
    int64(*numbers)[COLUMNS_MOST] = palloc0(sizeof(int64[COLUMNS_MOST]) * wanted);
    TwinRow *rows = palloc0(sizeof(TwinRow) * wanted);
    double *places[COLUMNS_MOST];
    for (j = 0; j < width; j++)
        places[j] = places_of_column(j, wanted);
    for (i = 0; width > 0 && i < wanted; i++) {
        int64 row[COLUMNS_MOST] = {0};
        List *values = NIL;
        int at;
        for (j = 0; j < width; j++)
            values = lappend(values, value_at(&sources[j], places[j][i], &row[j]));
        at = row_find(numbers, count, row);
        if (at == count) {
            memcpy(numbers[count], row, sizeof(row));
            rows[count++].values = values;
        }
        rows[at].share += 1.0 / wanted;
    }
    *ret_rows = rows;
    return count;
}

int
twin_rows_vary(const TwinIndexShape *shape, Node *expression, TwinRow **ret_rows, double *ret_distinct)
{
    Source sources[COLUMNS_MOST];
    int width = sources_read(shape, expression, sources), varied = 0, count = 0, i, j;
    int64(*numbers)[COLUMNS_MOST] = palloc0(sizeof(int64[COLUMNS_MOST]) * VARIED_MOST);
    TwinRow *rows = palloc0(sizeof(TwinRow) * VARIED_MOST);
    for (j = 1; j < width; j++)
        varied = sources[j].distinct > sources[varied].distinct ? j : varied;
    for (i = 0; width > 0 && i < VARIED_MOST; i++) {
        int64 row[COLUMNS_MOST] = {0};
        List *values = NIL;
        for (j = 0; j < width; j++) {
            double place = j == varied ? (i + 0.5) / VARIED_MOST : 0.5, nulls = sources[j].null_fraction;
            values = lappend(values, value_at(&sources[j], nulls + (1 - nulls) * place, &row[j]));
        }
        if (row_find(numbers, count, row) < count)
            continue;
        memcpy(numbers[count], row, sizeof(row));
        rows[count++].values = values;
    }
    *ret_rows = rows;
    *ret_distinct = width > 0 ? sources[varied].distinct : 0;
    return count;
}

double
twin_rows_possible(const TwinIndexShape *shape, Node *expression)
{
    Source sources[COLUMNS_MOST];
    int width = sources_read(shape, expression, sources), i;
    double possible = 1;
    for (i = 0; i < width; i++)
        possible = Min(possible * sources[i].distinct, 1e18);
    return possible;
}
