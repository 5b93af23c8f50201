// SPDX-License-Identifier: PostgreSQL
/*
 * IndexAnalysis: one look at a database's indexes, and the recommendations that it leaves in the store: what
 * the index advisor would create (proven on the twin), what hygiene would drop or rebuild.
 *
 * Where the advisor cannot work (no statements can be read, no local server for a twin) the reason is told
 * and hygiene's part stands alone; recommendations to create are then left as they were.
 */
#ifndef FETTLE_WORKFLOW_INDEX_ANALYSIS_H
#define FETTLE_WORKFLOW_INDEX_ANALYSIS_H

#include "advise/advisor.h"
#include "store/index_recommendation.h"
#include "workflow/index_review.h"

typedef enum IndexAnalysisKind {
    INDEX_ANALYSIS_FULL,
    INDEX_ANALYSIS_MISSING, /* what to create only */
    INDEX_ANALYSIS_UNUSED,  /* what to drop or rebuild only */
} IndexAnalysisKind;

typedef struct IndexAnalysis {
    IndexReview review;
    IndexRecommendations recommendations; /* as they were written */
    const Advice *advice;                 /* NULL: the advisor did not work */
    const char *advice_failure;           /* why; NULL: it did, or was not asked */
    size_t skipped_count;                 /* advised, but not to be made by one statement */
} IndexAnalysis;

/* deadline: the best answer at this time; 0: advise.time from now. */
bool index_analyze(const IndexManager *manager, Arena *arena, int64_t target_id, const char *database,
                   IndexAnalysisKind kind, Deadline deadline, IndexAnalysis *ret_analysis, Error *error)
    FETTLE_MUST_USE;

/* What an advised index becomes; one that replaces another modifies that. False: it is not worth its upkeep,
 * or not made by one statement. */
bool index_recommendation_of_advice(Arena *arena, const Snapshot *snapshot, const Recommendation *advised,
                                    IndexRecommendation *ret_recommendation);
/* The recommendation that a finding makes; false: it proposes nothing. */
bool index_recommendation_of_finding(Arena *arena, const HygieneFinding *finding,
                                     IndexRecommendation *ret_recommendation);

#endif
