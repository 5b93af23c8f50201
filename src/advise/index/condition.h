// SPDX-License-Identifier: PostgreSQL
/*
 * Condition: what the planner's estimate of a condition rests on, read from the condition as a plan shows it.
 *
 * How soon a scan that stops early meets its rows is the estimate of its conditions. Statistics stand behind
 * those that compare a column with a constant, and behind equality with any value (the mean over the values).
 * Behind others stands a constant of the planner's, whatever the data: a third for a range of one unknown
 * bound and for a function's answer, a half for a subplan's, 0.005 for a range of two, 0.005 for an
 * expression's equality, 0.01 or less for unknown patterns and contained values. A third is wrong by little
 * in most cases; the others are wrong by any factor. A value that is shown as $n is one that the planner did
 * not know: a generic plan's parameter, or what an InitPlan gives ("(InitPlan 1).col1" from 17 on). An
 * expression is taken for one without statistics, for a plan does not tell whether an index gathers some.
 *
 *     condition_basis("((fields ->> 'k'::text) = 'x'::text)")   CONDITION_BLIND
 */
#ifndef FETTLE_ADVISE_INDEX_CONDITION_H
#define FETTLE_ADVISE_INDEX_CONDITION_H

#include <stdbool.h>
#include <stddef.h>

/* Ascending by how little is known. */
typedef enum ConditionBasis {
    CONDITION_ESTIMATED, /* from statistics */
    CONDITION_RANGE,     /* a constant that is right within small factors most often */
    CONDITION_BLIND,     /* a constant that may be wrong by any factor */
} ConditionBasis;

/* The worst of a condition's parts. */
ConditionBasis condition_basis(const char *condition);

/*
 * Of what is looked up in a B-tree, the parts that do not bound the stretch of it that is read but only
 * choose within it, as "b = $1" does in an index on (a, b) that nothing is looked up by a in: the worst of
 * them; false when there are none. keys are the index's, columns or expressions, in order; none: unknown,
 * then those of the condition are taken for the first ones, in the order of the condition, which is the
 * index's.
 */
bool condition_beside_keys(const char *condition, const char *const *keys, size_t key_count,
                           ConditionBasis *ret_basis);

/* Is something taken out of a document (->, ->>, #>>)? */
bool condition_reads_document(const char *text, size_t length);
/* It looks for a pattern, an element or a part of a document, which takes longer than to read the row: the
 * planner's costs have one price for all operators. */
bool condition_searches(const char *condition);

#endif
