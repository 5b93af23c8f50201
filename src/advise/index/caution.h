// SPDX-License-Identifier: PostgreSQL
/*
 * Caution: what a plan may cost when it cannot stop as early as the planner hopes, or crosses indexes for
 * less than it says.
 *
 * Under a LIMIT (or for min() and max(), which are planned as one) the planner may read rows in the order
 * wanted and throw away those that do not match, counting on matches to be spread evenly. Where they are not,
 * such a plan reads the whole index: the best known way for a new index to make a statement slower by orders
 * of magnitude. Errors of the planner's row counts are large where conditions are correlated (Leis et al.
 * 2015, "How good are query optimizers, really?"), so at worst matches are CAUTION_FACTOR times rarer than
 * estimated. Where the planner's estimate is a constant of its own (condition.h), all is read at worst; and
 * likely too, unless it is that of a range of one bound, which is right within small factors most often.
 *
 * What part of its rows a LIMIT takes is read from costs, which know of an OFFSET. "LIMIT $1" is planned as a
 * tenth of the rows; when each call of the statement gave the same number, that many are what it asks for. A
 * LIMIT within another's reach, in a lateral join or a subplan, is run for the rows that the outer one
 * fetches.
 *
 * A generic plan that takes far less time for its cost than the workload's other statements finds fewer rows
 * than it was planned for: the values that are asked for are rarer than the mean one. Then matches are as
 * much rarer along an order too, and reading on to them takes what reading takes elsewhere.
 *
 * An index that is read whole instead of its table, because it has all columns, saves pages; where each row
 * is searched for a pattern or a part of a document, that is not what takes the time, and nothing is gained.
 *
 * A BitmapAnd is priced by the product of its parts' selectivities, even where extended statistics tell that
 * the columns go together: then the scan above it shows more rows than the BitmapAnd finds. Each of these
 * is fetched, at most as many as the least of the parts, so two indexes that are crossed so are worth no more
 * than the better of them. That is reckoned for candidates, whose table's size is known.
 *
 * The price of a plan is what is likely, CAUTION_CHANCE of the way from there to its worst, and all of what
 * that is beyond CAUTION_HARM_TIMES the worst of the plan as it is today: a statement that gains less is a
 * pity, one that gets far slower is harm. A baseline plan that may be slow today already is no new risk.
 */
#ifndef FETTLE_ADVISE_INDEX_CAUTION_H
#define FETTLE_ADVISE_INDEX_CAUTION_H

#include "advise/index/candidate.h"
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

/* What is known of a plan beside itself. */
typedef struct CautionView {
    bool is_generic;       /* planned without the values of its $n */
    double rows_each_call; /* that the statement gave; 0: unknown. cautious_value() fills it */
    double rarer_times;    /* than estimated are its matches, by its time; 0: as estimated. Likewise */
    const CandidateSet *candidates; /* whose indexes the plan may use; NULL: unknown */
    const char *const *names;       /* by candidate, of those that the plan shows by another name; or NULL */
} CautionView;

/* Of the root, with each early stop and each crossing of indexes taken cautiously. */
CautiousCost plan_cautious_cost(const PgPlan *plan, const CautionView *view);

/* Whether an index is what a LIMIT of the plan stops reading along, and not one that rows are looked up in
 * beside. */
bool plan_stops_along(const PgPlan *plan, const char *index);

/* Whether an index is crossed with one that leaves no more rows, and leaves out fewer than the planner
 * prices. */
bool plan_crosses_in_vain(const PgPlan *plan, const char *index);

typedef struct CautiousValue {
    double priced;      /* in the objective's unit: what the choice of indexes reckons with */
    double likely;      /* planner cost, with what the planner likely hopes for in vain; of the plan as it is
                           today no more than what that hopes for already */
    double worst_times; /* its worst cost for the worst of the plan as it is today; NAN when that is none */
} CautiousValue;

/* What a statement at a cost adds to the objective when its plan (NULL: unknown, no caution) is taken
 * cautiously. Up to the worst that the plan of today may cost, a cost weighs what the statement's does; what
 * is beyond weighs as much as it does in the workload's other statements, at least. */
CautiousValue cautious_value(const Workload *workload, const WorkloadStatement *statement, double cost,
                             const PgPlan *plan, const CautionView *view);

#endif
