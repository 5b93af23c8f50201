// SPDX-License-Identifier: PostgreSQL
/*
 * Why a statement's plan has changed, when that can be told.
 *
 * Looked for in this order, the first found is told:
 *   an index that the plan before used is gone; an index that the plan now uses is new; a planner setting was
 *   changed between the two; a table of the plan grew or shrank by a third or more.
 * Everything else is an unknown cause (NULL), never a guess.
 */
#ifndef FETTLE_JOBS_PLAN_CAUSE_H
#define FETTLE_JOBS_PLAN_CAUSE_H

#include "pg/plan.h"
#include "snapshot/snapshot.h"
#include "store/observation.h"

typedef struct PlanCauseInput {
    const PgPlan *before;
    const PgPlan *now;
    const Snapshot *snapshot;      /* as the database is now */
    const SettingChanges *changes; /* of the time between */
    const RelationRound
        *relations_before; /* of this database at the time of the plan before; NULL: not known */
} PlanCauseInput;

const char *plan_cause_find(Arena *arena, const PlanCauseInput *input);

#endif
