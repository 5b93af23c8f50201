// SPDX-License-Identifier: PostgreSQL
/*
 * Replacement: an index that a recommended, wider one makes needless, so that both are one act.
 *
 * The old index must be one that nothing else rests on: plain B-tree without a predicate, no constraint, no
 * uniqueness, no replica identity, no cluster order, no extension, no partition's part, no storage options.
 * The new one must begin with its keys and hold its INCLUDE columns. And the planner must do as well without
 * it: every statement on the table is asked about again with the recommended indexes there and the old one
 * gone, and none may lose what counts.
 */
#ifndef FETTLE_ADVISE_INDEX_REPLACEMENT_H
#define FETTLE_ADVISE_INDEX_REPLACEMENT_H

#include "advise/index/evidence_internal.h"

/* By definition alone: the candidate does all that the index does, and nothing else rests on the index. */
bool index_is_replaceable(const SnapshotIndex *index, const Candidate *candidate);

/* The index that the candidate, one of the chosen, replaces; NULL: none. */
bool index_replaced(Evidence *evidence, const Candidate *candidate, const SnapshotIndex **ret_index,
                    Error *error) FETTLE_MUST_USE;

/* What the index costs the writes of the workload. */
WriteCost index_existing_write_cost(const AdvisorContext *context, const SnapshotIndex *index);

/* "CREATE INDEX CONCURRENTLY ...;", as the server writes the definition. */
const char *index_create_again(Arena *arena, const SnapshotIndex *index);

#endif
