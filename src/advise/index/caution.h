// SPDX-License-Identifier: PostgreSQL
/*
 * Caution: what a plan may cost when it cannot stop as early as the planner hopes.
 *
 * Under a LIMIT (or for min() and max(), which are planned as one) the planner may read rows in the order
 * wanted and throw away those that do not match, counting on matches to be spread evenly. Where they are not,
 * such a plan reads the whole index: the best known way for a new index to make a statement slower by orders
 * of magnitude. Errors of the planner's row counts are large where conditions are correlated (Leis et al.
 * 2015, "How good are query optimizers, really?"), so here matches may be CAUTION_FACTOR times rarer than
 * estimated. Where a generic plan compares by range with a value it does not know, its estimate is a
 * constant, and nothing is counted on.
 */
#ifndef FETTLE_ADVISE_INDEX_CAUTION_H
#define FETTLE_ADVISE_INDEX_CAUTION_H

#include "advise/workload.h"
#include "pg/plan.h"

#define CAUTION_FACTOR 20.0

/* Root total cost with each early stop taken cautiously: never less than the plan's own. is_generic: $n stand
 * for values that the planner did not know. */
double plan_cautious_cost(const PgPlan *plan, bool is_generic);

/* What a statement at a cost adds to the objective when its plan (NULL: unknown, no caution) is taken
 * cautiously: what comes on top weighs as much as it does in the workload's other statements, at least. */
double cautious_value(const Workload *workload, const WorkloadStatement *statement, double cost,
                      const PgPlan *plan, bool is_generic);

#endif
