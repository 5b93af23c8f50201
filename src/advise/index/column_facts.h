// SPDX-License-Identifier: PostgreSQL
/*
 * What a column's planner statistics say to someone who thinks of an index on it. Pure functions over the
 * snapshot; NAN (or 0 where said) when the statistics do not tell, never a guess.
 */
#ifndef FETTLE_ADVISE_INDEX_COLUMN_FACTS_H
#define FETTLE_ADVISE_INDEX_COLUMN_FACTS_H

#include "snapshot/snapshot.h"

/* Whether the type has a B-tree order that queries use. */
bool column_is_indexable(const SnapshotColumn *column);

/* Distinct values; 0 when unknown. */
double column_distinct(const SnapshotRelation *relation, int attnum);

/* Mean bytes of a value that is not NULL; a general figure when unknown. */
double column_width_bytes(const SnapshotRelation *relation, int attnum);

/* Mean bytes of a row with its header, by the columns' widths. */
double relation_row_bytes(const SnapshotRelation *relation);

/* Between the values' order and that of the rows, -1 to 1; NAN unknown. */
double column_correlation(Arena *arena, const SnapshotRelation *relation, int attnum);

/*
 * How far the rows lie in the values' order, up or down, to 1; NAN unknown. It is the correlation less what
 * equal values give it: ANALYZE counts them as in order, so that values in no order at all have a correlation
 * of the sum of their shares squared (0.96 where 98 % are one value and 2 % another).
 */
double column_order(Arena *arena, const SnapshotRelation *relation, int attnum);

/* Part of the rows, 0 to 1, that equal a SQL literal ('done', 42, true); NAN unknown. */
double column_value_fraction(Arena *arena, const SnapshotRelation *relation, int attnum, const char *literal);

/* The least frequency among the known common values; NAN unknown. */
double column_least_fraction(Arena *arena, const SnapshotRelation *relation, int attnum);

/* Part of the rows that are NULL; NAN unknown. */
double column_null_fraction(const SnapshotRelation *relation, int attnum);

#endif
