// SPDX-License-Identifier: PostgreSQL
/*
 * Fidelity: does the twin plan as the target does?
 *
 * EXPLAIN (never ANALYZE) of the workload's statements on the target and on the twin, compared node by node:
 * share of equal plan shapes, share of plans with every cost identical, and for each difference its likely
 * cause (the first node that differs, its figures on both sides, and what the snapshot lacks for it).
 * A whole measurement asks for every sample of a statement and for its generic plan, a quick one
 * (statements_most above 0) for the first sample. Statements that the role may not EXPLAIN on the target are
 * counted apart. The session on the target uses the application role's planner settings, is read-only and has
 * its timeouts.
 */
#ifndef FETTLE_WHATIF_FIDELITY_H
#define FETTLE_WHATIF_FIDELITY_H

#include "whatif/twin.h"

typedef struct FidelityDifference {
    uint64_t query_hash;
    const char *text;
    bool is_same_shape; /* only costs differ */
    double cost_target;
    double cost_twin;
    const char *cause;
} FidelityDifference;

VECTOR_DEFINE(FidelityDifferenceList, FidelityDifference);

typedef struct Fidelity {
    int64_t compared;
    int64_t same_shape;
    int64_t identical;                /* same shape and every figure equal */
    int64_t not_explained;            /* neither side, or one side, could plan it */
    const char *not_explained_reason; /* the first; NULL when none */
    FidelityDifferenceList differences;
    double target_ms; /* spent on the target */
} Fidelity;

/* target: a session on the target. statements_most 0: all of the snapshot's, each in all its forms. */
bool fidelity_measure(Arena *arena, Twin *twin, PgConnection *target, int64_t statements_most,
                      Fidelity *ret_fidelity, Error *error) FETTLE_MUST_USE;

#endif
