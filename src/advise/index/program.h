// SPDX-License-Identifier: PostgreSQL
/*
 * Program: the choice of indexes as a 0/1 program over what is known of the planner, from above and from
 * below.
 *
 * From above (program_choose): a statement has plans (the indexes a plan uses, its cost); it takes one whose
 * indexes are all chosen. Any choice is real: the planner can do no worse than the plans listed (Dash,
 * Polyzotis and Ailamaki 2011, "CoPhy").
 *
 * From below (program_bound): a chain of a statement says what it costs at least as long as nothing of a
 * growing row of sets is chosen:
 *
 *     cost ≥ c0;  ≥ c1 unless an index of R1 is chosen;  ≥ c2 unless one of R2 ⊇ R1 is;  ...
 *
 * With the costs of all chains of the statement in order, c0 < c1 < ..., z_k is 1 when it is spared the rise
 * from c_{k−1} to c_k: cost ≥ c0 + Σ_k (c_k − c_{k−1}) (1 − z_k), where z_k ≤ z_{k+1} ≤ 1 and z_k ≤ Σ_{i ∈ R}
 * x_i for each step (R, c_k) (logic-based Benders cuts: Hooker and Ottosson 2003). What the program chooses
 * is what would be best if the planner were as cheap as nothing yet forbids; its value is a lower bound for
 * every set of indexes. More indexes may do harm, though: a statement with all of W costs c unless one of R
 * is chosen, z_k ≤ Σ_{i ∈ R} x_i + Σ_{i ∈ W} (1 − x_i).
 *
 * What several indexes of a set pay once together is a column y with x_i ≤ y for each of them, in both.
 *
 * Costs are of the objective (weighted); both programs scale them. Pure: no planner, no clock but the
 * deadline.
 */
#ifndef FETTLE_ADVISE_INDEX_PROGRAM_H
#define FETTLE_ADVISE_INDEX_PROGRAM_H

#include "advise/index/bits.h"
#include "advise/index/mip.h"
#include "base/clock.h"
#include "base/list.h"

typedef struct ProgramPlan {
    Bits used;
    double cost;
} ProgramPlan;

VECTOR_DEFINE(ProgramPlanList, ProgramPlan);

typedef struct ProgramStep {
    Bits unless; /* a superset of the step's before */
    double cost; /* no less than the step's before */
} ProgramStep;

typedef struct ProgramChain {
    double cost_least; /* whatever is chosen */
    ProgramStep *steps;
    size_t count;
} ProgramChain;

VECTOR_DEFINE(ProgramChainList, ProgramChain);

/* More indexes can do harm: with all of `with` chosen and none of `unless` the statement costs this much,
 * though with fewer it may cost less. */
typedef struct ProgramHarm {
    Bits with;
    Bits unless;
    double cost;
} ProgramHarm;

VECTOR_DEFINE(ProgramHarmList, ProgramHarm);

typedef struct ProgramStatement {
    double cost_without; /* with none of the indexes */
    ProgramPlanList plans;
    double cost_least; /* 0 when nothing is known */
    ProgramChainList chains;
    ProgramHarmList harms;
} ProgramStatement;

typedef struct ProgramIndex {
    double size_bytes;
    double cost; /* of having it, whatever it serves; ≥ 0 */
    const void *table;
    bool is_forbidden; /* too large, refused */
} ProgramIndex;

/* What a set pays once that has any of these. */
typedef struct ProgramShared {
    Bits any;
    double cost; /* ≥ 0 */
} ProgramShared;

typedef struct Program {
    const ProgramIndex *indexes;
    size_t index_count;
    const ProgramShared *shared;
    size_t shared_count;
    const ProgramStatement *statements;
    size_t statement_count;
    double budget_bytes;       /* INFINITY: none */
    double table_budget_bytes; /* of each table; INFINITY: none */
    double gap;                /* good enough, as a share of the whole */
    double below;              /* any choice that costs less will do; 0: the least is wanted */
    int nodes_most;
    bool is_quick; /* as in mip.h */
    MipSolver *solver;
    Deadline deadline;
} Program;

typedef struct ProgramAnswer {
    Bits chosen;
    double cost;  /* of what was chosen, as the program knows it */
    double bound; /* of the program: nothing it allows costs less; -INFINITY unknown */
} ProgramAnswer;

/* False when nothing was found in the time given, or nothing costs less than below: the bound is that then,
 * less rounding. */
bool program_choose(Arena *arena, const Program *program, ProgramAnswer *ret_answer);
bool program_bound(Arena *arena, const Program *program, ProgramAnswer *ret_answer);

/* What the program from below is worth when a part of an index may be chosen: a bound too, though a lower
 * one, at a hundredth of the time. chosen: the indexes that some part is chosen of; they need not fit. */
bool program_relax(Arena *arena, const Program *program, ProgramAnswer *ret_answer);

/* What a proof that nothing costs less than `below` may fall short of it by. */
double program_rounding(const Program *program);

/* None of the set is forbidden. */
bool program_may_choose(const Program *program, Bits set);

/* Sizes within the budget and each table's. */
bool program_fits(const Program *program, Bits chosen);

/* Of a set's indexes on a table (NULL: on all); what has no size yet counts as none. */
double program_bytes(const Program *program, Bits set, const void *table);

/* The indexes' own costs, and what they share. */
double program_cost_of_having(const Program *program, Bits set);

#endif
