// SPDX-License-Identifier: PostgreSQL
/*
 * IndexReview: what there is to say of one database's indexes now: a snapshot of its catalog and counters,
 * those of every known replica, the use that the store has on record, and hygiene's findings over all of it
 * (advise/index/hygiene.h).
 *
 * Replicas are the other enabled targets with the same system identifier. One that cannot be reached, or is
 * one of more than 32, is a replica of which nothing is known, so nothing is proposed as unused.
 */
#ifndef FETTLE_WORKFLOW_INDEX_REVIEW_H
#define FETTLE_WORKFLOW_INDEX_REVIEW_H

#include "advise/index/hygiene.h"
#include "workflow/index_session.h"

#define INDEX_MISSING_MOST 100

typedef struct IndexReviewOptions {
    const char *database; /* NULL: that of the target's connection string */
    int64_t rare_scans;   /* -1: the setting index.rare_scans */
    bool with_workload;   /* reads statements too */
    Deadline deadline;    /* 0: the setting target.deadline */
} IndexReviewOptions;

/* A table that is read from end to end so often that an index may be missing. */
typedef struct IndexMissing {
    const SnapshotRelation *relation;
    int64_t sequential_scans;
    int64_t sequential_tuples;
    int64_t index_scans;
} IndexMissing;

typedef struct IndexReview {
    int64_t target_id;
    const char *database;
    const Snapshot *snapshot;
    HygieneInput input;
    HygieneFindings findings;
} IndexReview;

bool index_review_take(const IndexManager *manager, Arena *arena, int64_t target_id,
                       const IndexReviewOptions *options, IndexReview *ret_review, Error *error)
    FETTLE_MUST_USE;

/* Tables with more than 1,000 sequential scans of more than 100,000 rows in all that outnumber index scans,
 * most rows read first. */
size_t index_missing_find(Arena *arena, const Snapshot *snapshot, IndexMissing **ret_missing);

#endif
