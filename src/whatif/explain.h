// SPDX-License-Identifier: PostgreSQL
/*
 * EXPLAIN of one statement on a session, parameterised ones by their generic plan; never ANALYZE.
 *
 * Before PostgreSQL 16 the generic plan comes from PREPARE and EXPLAIN EXECUTE with NULLs under
 * plan_cache_mode = force_generic_plan. NULLs prune partitions at start-up: a plan that lost some that way is
 * asked for again without pruning. An Explainer remembers what it has prepared on its session.
 */
#ifndef FETTLE_WHATIF_EXPLAIN_H
#define FETTLE_WHATIF_EXPLAIN_H

#include "base/map.h"
#include "pg/connection.h"
#include "pg/plan.h"

typedef struct Explainer {
    Arena *arena;
    PgConnection *connection; /* not owned */
    Map *prepared;            /* statement text -> what was prepared for it */
    Map *read;                /* statement text -> what was read from it */
    int64_t count;            /* questions that reached the planner */
    bool keeps_text;          /* plans keep the JSON they were read from */
} Explainer;

Explainer explainer_new(Arena *arena, PgConnection *connection);

/* Parameters ($n) of the statement; its text is parsed once. */
int explainer_parameter_count(Explainer *explainer, const char *text);

/*
 * *ret_plan is NULL with *ret_reason set when the server refuses the statement; the session's transaction, if
 * one is open, is then aborted. False means that the session itself failed.
 */
bool explainer_ask(Explainer *explainer, Arena *arena, const char *text, PgPlan **ret_plan,
                   const char **ret_reason, Error *error) FETTLE_MUST_USE;

#endif
