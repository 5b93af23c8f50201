// SPDX-License-Identifier: PostgreSQL
/*
 * What the files of index hygiene share: hygiene.c holds structure (protection, duplicates, sizes),
 * hygiene_use.c holds use over time.
 */
#ifndef FETTLE_ADVISE_INDEX_HYGIENE_INTERNAL_H
#define FETTLE_ADVISE_INDEX_HYGIENE_INTERNAL_H

#include "advise/index/hygiene.h"
#include "base/text.h"

typedef struct HygieneReview {
    Arena *arena;
    const HygieneInput *input;
    const SnapshotRelation *relation; /* that is looked at */
    HygieneFindings findings;
} HygieneReview;

static inline const char *
review_protection(const HygieneReview *review, const SnapshotIndex *index)
{
    return hygiene_protection(review->arena, review->input->primary.snapshot, review->relation, index);
}

/* NAN not known. */
double review_size_bytes(const HygieneReview *review, const SnapshotIndex *index);
const HygieneUse *review_use(const HygieneServer *server, uint32_t index_id);
/* Scans and last use on all servers. */
void review_use_sum(const HygieneReview *review, const SnapshotIndex *index, HygieneFinding *finding);
/* Unused or rarely used; false: neither. */
bool review_use_judge(const HygieneReview *review, HygieneFinding *finding);

#endif
