// SPDX-License-Identifier: PostgreSQL
/*
 * Foreign keys whose own side has no index.
 *
 * Each row that is deleted from the referenced table, or whose key is changed, makes the server look for rows
 * that refer to it: a statement of its own, by default in no list of statements, though its time is in that
 * of the DELETE. Here it becomes one, so that the advisors weigh it like any other.
 */
#ifndef FETTLE_ADVISE_FOREIGN_KEY_H
#define FETTLE_ADVISE_FOREIGN_KEY_H

#include "snapshot/snapshot.h"
#include "sql/analysis.h"

/* A foreign key of a table or partitioned table (not a partition's part of one) that no valid, whole B-tree
 * begins with, in any order of its columns. */
bool foreign_key_lacks_index(const Snapshot *snapshot, const SnapshotConstraint *constraint);

/* True when the statement deletes rows that the key refers to, or sets a column that it refers to. */
bool foreign_key_is_checked_by(const SnapshotConstraint *constraint, const SqlAnalysis *analysis);

/* The look-up: "SELECT 1 FROM ONLY public.children x WHERE $1 = parent_id FOR KEY SHARE OF x". */
const char *foreign_key_lookup(Arena *arena, const Snapshot *snapshot, const SnapshotConstraint *constraint);

/* True when the server counts such look-ups itself (pg_stat_statements.track = all). */
bool foreign_key_lookups_are_counted(const Snapshot *snapshot);

#endif
