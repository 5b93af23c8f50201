// SPDX-License-Identifier: PostgreSQL
/*
 * Carrying a recommendation out, and undoing it.
 *
 * What Fettle can do itself is an index: it goes through the index manager, whose change is recorded with its
 * undo before the first statement is sent (index_plan.h, index_run.h); the implementation is opened in the
 * same transaction as the change's row. Every other recommendation is somebody's own doing, which is only
 * recorded, to be measured.
 *
 *     recommendation_apply_plan(&manager, arena, id, &apply, error)     asks store and target, changes
 * nothing recommendation_apply_record(&manager, arena, &apply, error)       all of it durable, or nothing
 *     index_run(&manager, apply.plan.change.id, error)                  when apply.is_acting
 *
 * The approval of yesterday is not that of today: what no longer applies (the table is gone, an index of the
 * name exists, the index to drop was replaced) is ERROR_CONFLICT, as is a table whose last change is not
 * measured yet, for the two could not be told apart.
 *
 * Undoing is the same with the stored statement, and refuses (ERROR_CONFLICT) when what would be dropped is
 * not what was made.
 *
 * What the service does by itself has its audit line in the transaction that records it, so that no kill
 * leaves one without the other. What a person asked for is told by whoever they asked, with how it ended.
 */
#ifndef FETTLE_WORKFLOW_RECOMMENDATION_APPLY_H
#define FETTLE_WORKFLOW_RECOMMENDATION_APPLY_H

#include "store/implementation.h"
#include "store/recommendation.h"
#include "store/scheduled_change.h"
#include "workflow/index_plan.h"

typedef struct RecommendationApply {
    RankedRecommendation recommendation;
    bool is_acting; /* Fettle carries it out: the plan tells what will be done */
    IndexPlan plan; /* its change has an id once it is recorded */
    ImplementationOpening opening;
    /* what waited for this moment: it ends, and the audit line tells so, in the transaction that records the
     * change; NULL: nothing did, and the audit line is the caller's */
    const ScheduledChange *scheduled;
    int64_t implementation_id; /* once it is recorded */
} RecommendationApply;

/* Whether Fettle can carry out a recommendation of this source. */
bool recommendation_can_act(const RankedRecommendation *recommendation);

/* ret_apply->is_acting tells whether Fettle is to carry it out; wants_act false: it was done by hand. */
bool recommendation_apply_plan(const IndexManager *manager, Arena *arena, int64_t recommendation_id,
                               bool wants_act, const char *performed_by, RecommendationApply *ret_apply,
                               Error *error) FETTLE_MUST_USE;
/* ERROR_CONFLICT: its class is advise, or changes are paused; recording refuses the same, so that this is for
 * whoever wants to know before a person is asked. */
bool recommendation_apply_check(const IndexManager *manager, Arena *arena, const RecommendationApply *apply,
                                Error *error) FETTLE_MUST_USE;
/* apply->opening: what to record beside (hash, notes, figures). */
bool recommendation_apply_record(const IndexManager *manager, Arena *arena, RecommendationApply *apply,
                                 Error *error) FETTLE_MUST_USE;

typedef struct RecommendationUndo {
    Implementation implementation;
    IndexPlan plan; /* is_done: the target is as before already */
    /* who undoes it without having been asked: the audit line is written in the transaction that records the
     * undo; NULL: it is the caller's */
    const char *unasked_by;
} RecommendationUndo;

/* ERROR_UNSUPPORTED: Fettle did not carry it out, or it failed and left nothing (what replaces an index may
 * fail when the new one is there); ERROR_CONFLICT: it was undone, is being built, or something else stands in
 * its place. */
bool recommendation_undo_plan(const IndexManager *manager, Arena *arena, int64_t implementation_id,
                              const char *performed_by, RecommendationUndo *ret_undo, Error *error)
    FETTLE_MUST_USE;
/* With plan.is_done the implementation is reverted at once, else when the change is completed. */
bool recommendation_undo_record(const IndexManager *manager, Arena *arena, RecommendationUndo *undo,
                                const char *reason, Error *error) FETTLE_MUST_USE;

#endif
