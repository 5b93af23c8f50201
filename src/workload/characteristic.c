// SPDX-License-Identifier: PostgreSQL
#include "workload/characteristic.h"

#include "pg/identifier.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* pg_statistic's kinds of slots. */
#define KIND_MCV 1
#define KIND_HISTOGRAM 2
#define KIND_CORRELATION 3
#define ERROR_MEDIUM 0.2
#define ERROR_HIGH 0.5

VECTOR_DEFINE(CharacteristicList, ColumnCharacteristic);

/* Redaction takes the values, and with them the kind, of most common values and histograms, but leaves
 * frequencies and operators: "=" of the former, "<" of the latter. */
static bool
slot_is(const SnapshotStatisticsSlot *slot, int kind)
{
    if (slot->kind != 0)
        return slot->kind == kind;
    const char *operator_name = slot->operator_name == NULL ? "" : slot->operator_name;
    if (kind == KIND_MCV)
        return slot->numbers != NULL && (operator_name[0] == '\0' || strstr(operator_name, "=(") != NULL);
    return kind == KIND_HISTOGRAM && strstr(operator_name, "<(") != NULL;
}

static const SnapshotStatisticsSlot *
slot_of(const SnapshotStatistics *statistics, int kind)
{
    for (size_t s = 0; s < SNAPSHOT_STATISTICS_SLOTS; s++)
        if (slot_is(&statistics->slots[s], kind))
            return &statistics->slots[s];
    return NULL;
}

/* Whether there is a histogram; -1 when redaction left nothing to tell by. */
static int
histogram_of(const SnapshotStatistics *statistics)
{
    bool has_operators = false;
    for (size_t s = 0; s < SNAPSHOT_STATISTICS_SLOTS; s++)
        has_operators = has_operators || statistics->slots[s].operator_name != NULL;
    if (slot_of(statistics, KIND_HISTOGRAM) != NULL)
        return 1;
    return has_operators || statistics->n_distinct == 0 ? 0 : -1;
}

/* The first number of "{0.5,0.25}"; NAN: there is none. */
static double
first_number(const char *numbers)
{
    char digits[40];
    size_t length = 0;
    double value;
    if (numbers == NULL || numbers[0] != '{')
        return NAN;
    for (const char *at = numbers + 1; *at != ',' && *at != '}' && *at != '\0'; at++)
        if (length + 1 < sizeof(digits))
            digits[length++] = *at;
    digits[length] = '\0';
    return text_parse_double(digits, &value) && isfinite(value) ? value : NAN;
}

/* Negative counts are shares of the rows. */
static double
distinct_of(const SnapshotRelation *relation, const SnapshotStatistics *statistics)
{
    double distinct = statistics->n_distinct;
    if (isnan(distinct) || distinct == 0)
        return NAN;
    if (distinct > 0)
        return distinct;
    return relation->reltuples >= 0 ? -distinct * relation->reltuples : NAN;
}

/* Sums up the errors of one column. */
static void
errors_take(const PlanBook *plans, const SnapshotRelation *relation, ColumnCharacteristic *column)
{
    double sum = 0;
    for (size_t p = 0; plans != NULL && p < map_count(plans->plans); p++) {
        const PlanFacts *facts = map_value_at(plans->plans, p);
        for (size_t e = 0; e < facts->errors.count; e++) {
            const PlanError *error = &facts->errors.items[e];
            if (strcmp(error->table, relation->name) != 0 ||
                !plan_condition_names(error->condition, column->column))
                continue;
            sum += plan_error_of(error);
            column->estimate_count++;
        }
    }
    if (column->estimate_count == 0)
        return;
    column->estimate_error = sum / (double)column->estimate_count;
    column->severity = column->estimate_error >= ERROR_HIGH     ? "high"
                       : column->estimate_error >= ERROR_MEDIUM ? "medium"
                                                                : NULL;
}

static ColumnCharacteristic
characteristic_of(const SnapshotRelation *relation, const SnapshotColumn *column,
                  const SnapshotStatistics *statistics)
{
    /* of an array the most common elements have frequencies too */
    bool is_array = text_ends_with(column->type_name, "[]");
    const SnapshotStatisticsSlot *common = is_array ? NULL : slot_of(statistics, KIND_MCV);
    const SnapshotStatisticsSlot *correlation = slot_of(statistics, KIND_CORRELATION);
    ColumnCharacteristic found = {.schema = relation->schema,
                                  .table = relation->name,
                                  .column = column->name,
                                  .type = column->type_name,
                                  .row_count = relation->reltuples >= 0 ? relation->reltuples : NAN,
                                  .distinct_count = distinct_of(relation, statistics),
                                  .null_share = statistics->null_fraction,
                                  .width_bytes = statistics->average_width_bytes,
                                  .common_share = common == NULL ? NAN : first_number(common->numbers),
                                  .skew = NAN,
                                  .correlation =
                                      correlation == NULL ? NAN : first_number(correlation->numbers),
                                  .has_histogram = histogram_of(statistics),
                                  .estimate_error = NAN};
    double known = 1 - found.null_share;
    if (!isnan(found.common_share) && found.distinct_count >= 1 && known > 0)
        found.skew = fmax(1, found.common_share * found.distinct_count / known);
    else if (common == NULL && !is_array && found.distinct_count >= 1)
        found.skew = 1; /* no value is so frequent that it would be kept */
    return found;
}

/* Of the whole tree where it is partitioned, else of the table alone. */
static const SnapshotStatistics *
statistics_of(const SnapshotRelation *relation, int attnum)
{
    const SnapshotStatistics *found = NULL;
    for (size_t i = 0; i < relation->statistics.count; i++) {
        const SnapshotStatistics *statistics = relation->statistics.items[i];
        if (statistics->attnum == attnum &&
            (found == NULL || statistics->is_inherited == (relation->kind == 'p')))
            found = statistics;
    }
    return found;
}

double
characteristic_skew(const SnapshotRelation *relation, const SnapshotColumn *column)
{
    const SnapshotStatistics *statistics = statistics_of(relation, column->attnum);
    return statistics == NULL ? NAN : characteristic_of(relation, column, statistics).skew;
}

void
characteristics_find(Arena *arena, const char *database_name, const Snapshot *snapshot, const PlanBook *plans,
                     Characteristics *characteristics)
{
    CharacteristicList list = {
        .items = characteristics->items, .count = characteristics->count, .capacity = characteristics->count};
    for (size_t r = 0; r < snapshot->relation_count && list.count < CHARACTERISTICS_MOST; r++) {
        const SnapshotRelation *relation = &snapshot->relations[r];
        if (strchr("rpm", relation->kind) == NULL || relation->is_partition)
            continue;
        for (size_t c = 0; c < relation->column_count && list.count < CHARACTERISTICS_MOST; c++) {
            const SnapshotColumn *column = &relation->columns[c];
            const SnapshotStatistics *statistics = statistics_of(relation, column->attnum);
            if (column->is_dropped)
                continue;
            if (statistics == NULL) {
                characteristics->unknown_count++;
                continue;
            }
            ColumnCharacteristic found = characteristic_of(relation, column, statistics);
            found.database_name = database_name;
            errors_take(plans, relation, &found);
            vector_push(arena, &list, found);
        }
    }
    characteristics->items = list.items;
    characteristics->count = list.count;
}
