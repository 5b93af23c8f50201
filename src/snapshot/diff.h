// SPDX-License-Identifier: PostgreSQL
/*
 * What changed between two snapshots of one database, as lists of relation ids by kind of change; used by the twin's
 * refresh, which touches only what changed.
 */
#ifndef FETTLE_SNAPSHOT_DIFF_H
#define FETTLE_SNAPSHOT_DIFF_H

#include "base/list.h"
#include "snapshot/snapshot.h"

VECTOR_DEFINE(SnapshotIdList, uint32_t);

typedef struct SnapshotDiff {
    bool is_schema_changed;       /* any DDL: relations, columns, indexes, constraints, types, functions, views, policies, statistics objects */
    bool is_settings_changed;     /* planner-relevant settings, role settings */
    SnapshotIdList sizes;         /* relations and indexes whose size, tuples, visibility or height differ */
    SnapshotIdList statistics;    /* relations and indexes whose column statistics differ */
    SnapshotIdList extended_statistics; /* ids of statistics objects whose data differ */
    SnapshotIdList ends;          /* indexes whose end points differ */
} SnapshotDiff;

SnapshotDiff snapshot_diff(Arena *arena, const Snapshot *older, const Snapshot *newer);

#endif
