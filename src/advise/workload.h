// SPDX-License-Identifier: PostgreSQL
/*
 * Workload: the snapshot's statements, parsed, analysed, costed as they are, and weighted.
 *
 * weight is what one unit of planner cost of this statement stands for in the objective: total measured time
 * divided by baseline cost (ms per cost unit), so that a statement whose cost the planner misjudges does not
 * own the objective; without measured times it is the number of calls. A statement that cannot be costed has
 * weight 0 and a reason, and is reported, not forgotten.
 *
 * Look-ups that the server makes for foreign keys without an index (advise/foreign_key.h) are statements too,
 * with a part of the time of the statement that causes them.
 */
#ifndef FETTLE_ADVISE_WORKLOAD_H
#define FETTLE_ADVISE_WORKLOAD_H

#include "snapshot/snapshot.h"
#include "sql/analysis.h"
#include "whatif/whatif.h"

typedef struct WorkloadStatement {
    size_t position; /* in Workload.statements */
    const SnapshotStatement *source;
    SqlStatement *parsed;
    const SqlAnalysis *analysis;
    WhatIfStatement question;
    const char *label; /* short text for people: one line, at most 100 bytes */
    bool is_costed;
    const char *reason; /* why not, when it is not */
    double baseline_cost;
    uint32_t baseline_sample_mask; /* of WhatIfAnswer: a cost of other samples is not to be compared */
    bool is_generic;
    const PgPlan *baseline_plan; /* NULL when not costed */
    double weight;               /* objective per unit of cost; 0 when not costed */
    double total_ms;             /* measured; NAN when unknown */
} WorkloadStatement;

/* How long the server takes to write (advise/write_pace.h). */
typedef struct WritePace {
    double times;           /* what is written takes on the machine of the prices; 0: not measured */
    double deviation;       /* of its logarithm */
    size_t statement_count; /* that tell of it */
} WritePace;

typedef struct Workload {
    WorkloadStatement *statements; /* heaviest first */
    size_t count;
    size_t costed_count;
    size_t unparsed_count;     /* did not parse */
    size_t utility_count;      /* nothing to plan */
    size_t internal_count;     /* touch only system catalogs, left out */
    double weighted_cost;      /* Σ weight × baseline cost */
    double typical_ms;         /* of a unit of cost, the median of the statements; NAN unknown */
    double covered_time_share; /* measured time of costed statements / of all; NAN without times */
    bool has_times;
    WritePace write_pace;
} Workload;

typedef struct WorkloadOptions {
    int64_t statements_most;
    void (*progress)(void *context, const char *step, int64_t done, int64_t total); /* may be NULL */
    void *context;
} WorkloadOptions;

/* True when the statement may use an index of the relation: it reads or writes it, a table that it is a part
 * of, or a part of it. */
bool workload_statement_may_use(const Snapshot *snapshot, const WorkloadStatement *statement,
                                uint32_t relation_id);

/* Whether an answer was planned as the baseline was: a mean over other samples says nothing of what a change
 * does. */
bool workload_statement_compares(const WorkloadStatement *statement, const WhatIfAnswer *answer);

/* Objective of a unit of cost that the planner does not expect. Where a statement costs less time than its
 * estimate says, because the estimate is too high, what is read beyond it still takes the time that reading
 * takes. */
double workload_risk_weight(const Workload *workload, const WorkloadStatement *statement);

bool workload_prepare(Arena *arena, const Snapshot *snapshot, WhatIf *whatif, const WorkloadOptions *options,
                      const Workload **ret_workload, Error *error) FETTLE_MUST_USE;

#endif
