// SPDX-License-Identifier: PostgreSQL
/*
 * Caution: what a plan may cost when it cannot stop as early as the planner hopes.
 *
 * Under a LIMIT (or for min() and max(), which are planned as one) the planner may read rows in the order
 * wanted and throw away those that do not match, counting on matches to be spread evenly. Where they are not,
 * such a plan reads the whole index: the best known way for a new index to make a statement slower by orders
 * of magnitude. Errors of the planner's row counts are large where conditions are correlated (Leis et al.
 * 2015, "How good are query optimizers, really?"), so at worst matches are CAUTION_FACTOR times rarer than
 * estimated. Where the planner's estimate is a constant of its own (condition.h), all is read at worst; and
 * likely too, unless it is that of a range of one bound, which is right within small factors most often.
 *
 * The price of a plan is what is likely, CAUTION_CHANCE of the way from there to its worst, and all of what
 * that is beyond CAUTION_HARM_TIMES the worst of the plan as it is today: a statement that gains less is a
 * pity, one that gets far slower is harm. A baseline plan that may be slow today already is no new risk.
 */
#ifndef FETTLE_ADVISE_INDEX_CAUTION_H
#define FETTLE_ADVISE_INDEX_CAUTION_H

#include "advise/workload.h"
#include "pg/plan.h"

#define CAUTION_FACTOR 20.0

#define CAUTION_CHANCE 0.2
#define CAUTION_HARM_TIMES 2.0

/* Neither is less than the planner's own cost. */
typedef struct CautiousCost {
    double likely;
    double worst;
} CautiousCost;

/* Of the root, with each early stop taken cautiously. is_generic: $n stand for values that the planner did
 * not know. */
CautiousCost plan_cautious_cost(const PgPlan *plan, bool is_generic);

/* In the objective's unit. */
typedef struct CautiousValue {
    double priced; /* what the choice of indexes reckons with */
    double worst;
} CautiousValue;

/* What a statement at a cost adds to the objective when its plan (NULL: unknown, no caution) is taken
 * cautiously: what comes on top weighs as much as it does in the workload's other statements, at least. */
CautiousValue cautious_value(const Workload *workload, const WorkloadStatement *statement, double cost,
                             const PgPlan *plan, bool is_generic);

#endif
