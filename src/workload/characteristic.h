// SPDX-License-Identifier: PostgreSQL
/*
 * Characteristics: what the columns of a database hold, by its statistics: distinct values, null share, skew,
 * correlation with the rows' order, whether there is a histogram; and how far the planner's row counts were
 * off where plans with actual rows are kept.
 *
 * skew is the share of the most common value over the share that each value would have if all were equally
 * frequent: 1 is no skew. A column without statistics is left out and counted. Of partitioned tables the
 * statistics of the whole tree are taken. The estimate's error is the mean over the stored scans of the table
 * whose condition names the column, 0 .. 1; from .2 on it is medium, from .5 on high. Pure.
 */
#ifndef FETTLE_WORKLOAD_CHARACTERISTIC_H
#define FETTLE_WORKLOAD_CHARACTERISTIC_H

#include "workload/plan_facts.h"

#define CHARACTERISTICS_MOST ((size_t)20000)

typedef struct ColumnCharacteristic {
    const char *database_name;
    const char *schema;
    const char *table;
    const char *column;
    const char *type;
    double row_count;      /* NAN: never analysed */
    double distinct_count; /* NAN: not known */
    double null_share;
    double width_bytes;
    double common_share;   /* of the most common value; NAN: none is kept */
    double skew;           /* NAN: not known */
    double correlation;    /* NAN: not known */
    int has_histogram;     /* 1 yes, 0 no, -1 not known: a redacted snapshot may not tell */
    double estimate_error; /* NAN: no plan tells */
    size_t estimate_count;
    const char *severity; /* of the error: "medium", "high"; NULL */
} ColumnCharacteristic;

typedef struct Characteristics {
    ColumnCharacteristic *items; /* by schema, table, column number */
    size_t count;
    size_t unknown_count; /* columns without statistics */
} Characteristics;

/* Of one column; NAN: not known. */
double characteristic_skew(const SnapshotRelation *relation, const SnapshotColumn *column);

/* Appends to *characteristics. only_table NULL: all tables. plans NULL: none. */
void characteristics_find(Arena *arena, const char *database_name, const Snapshot *snapshot,
                          const PlanBook *plans, Characteristics *characteristics);

#endif
