// SPDX-License-Identifier: PostgreSQL
/*
 * A workload from a file of SQL statements, for servers without pg_stat_statements.
 *
 * Statements are separated by ";". A comment line "-- calls: 1200" (optionally "mean_ms: 3.5") before a
 * statement gives its weight; without one each occurrence counts one call. Equal fingerprints become one
 * statement whose samples are the texts (at most 16 kept, spread over the file). What does not parse is kept
 * as a statement and reported later.
 */
#ifndef FETTLE_SNAPSHOT_WORKLOAD_FILE_H
#define FETTLE_SNAPSHOT_WORKLOAD_FILE_H

#include "snapshot/snapshot.h"

/* The snapshot with its workload replaced by the file's. */
bool snapshot_with_workload(Arena *arena, const Snapshot *snapshot, const char *text, size_t length,
                            const char *name, const Snapshot **ret_snapshot, Error *error) FETTLE_MUST_USE;

#endif
