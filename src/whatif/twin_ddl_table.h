// SPDX-License-Identifier: PostgreSQL
/*
 * DDL of one table, its columns, and one index for a twin.
 */
#ifndef FETTLE_WHATIF_TWIN_DDL_TABLE_H
#define FETTLE_WHATIF_TWIN_DDL_TABLE_H

#include "base/list.h"
#include "snapshot/snapshot.h"

/* CREATE TABLE with its columns in attnum order (dropped ones as fillers), partition key and options. */
char *twin_ddl_table(Arena *arena, const SnapshotRelation *relation);

/* Statements that follow it: drop the fillers, set defaults and per-column options. */
TextList twin_ddl_columns(Arena *arena, const SnapshotRelation *relation);

/* The index's own definition, ON ONLY for a partitioned one, without CONCURRENTLY. */
char *twin_ddl_index(Arena *arena, const SnapshotIndex *index);

#endif
