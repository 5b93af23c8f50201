// SPDX-License-Identifier: PostgreSQL
/*
 * Condition: what the planner's estimate of a condition rests on, read from the condition as a plan shows it.
 *
 * How soon a scan that stops early meets its rows is the estimate of its conditions. Statistics stand behind
 * those that compare a column with a constant, and behind equality with any value (the mean over the values).
 * Behind others stands a constant of the planner's, whatever the data: a third for a range of one unknown
 * bound, 0.005 for a range of two, 0.005 for an expression's equality, 0.01 or less for unknown patterns and
 * contained values. A third is wrong by little in most cases; the others are wrong by any factor.
 *
 *     condition_basis("((fields ->> 'k'::text) = 'x'::text)", NULL, 0, false)   CONDITION_BLIND
 */
#ifndef FETTLE_ADVISE_INDEX_CONDITION_H
#define FETTLE_ADVISE_INDEX_CONDITION_H

#include <stdbool.h>
#include <stddef.h>

/* Ascending by how little is known. */
typedef enum ConditionBasis {
    CONDITION_ESTIMATED, /* from statistics */
    CONDITION_RANGE,     /* a range whose one bound is not known */
    CONDITION_BLIND,     /* a constant that may be wrong by any factor */
} ConditionBasis;

/* The worst of a condition's parts; those that compare the column named (length bytes; NULL: none) are left
 * out. is_generic: $n stand for values that the planner did not know. */
ConditionBasis condition_basis(const char *condition, const char *column, size_t length, bool is_generic);

#endif
