// SPDX-License-Identifier: PostgreSQL
/*
 * WorkloadSnapshot: reads the schema and the statistics of a target's databases into the store, redacted, so
 * that analysis of the workload resolves names and tells what columns hold without asking the target again.
 *
 * A database that cannot be read (it is gone, the role may not connect, the target is down) is no failure of
 * the analysis: what was kept before stays, and why is told.
 */
#ifndef FETTLE_WORKFLOW_WORKLOAD_SNAPSHOT_H
#define FETTLE_WORKFLOW_WORKLOAD_SNAPSHOT_H

#include "base/list.h"
#include "workflow/index_session.h"

#define WORKLOAD_SNAPSHOTS_MOST 16 /* databases of one target */

/* Appends to *notes one line for each database that could not be read; false only when the store failed. */
bool workload_snapshots_keep(const IndexManager *manager, Arena *arena, int64_t target_id,
                             const TextList *databases, Deadline deadline, TextList *notes, Error *error)
    FETTLE_MUST_USE;

#endif
