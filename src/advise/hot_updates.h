// SPDX-License-Identifier: PostgreSQL
/*
 * HOT updates: which part of what an UPDATE writes goes into no index.
 *
 * An update is HOT when it sets no column that some index of its table holds (BRIN apart from 16 on) and the
 * new version finds room on the old one's page. How often there is room the table's figures say. Pure
 * functions over the snapshot; they allocate nothing.
 */
#ifndef FETTLE_ADVISE_HOT_UPDATES_H
#define FETTLE_ADVISE_HOT_UPDATES_H

#include "snapshot/snapshot.h"
#include "sql/analysis.h"

/* From here on an update of columns that only BRIN holds is HOT. */
#define HOT_BRIN_MAJOR 16

/* 0 to 1, of the updates of one statement; unknown: what is answered where nothing counts them. */
double hot_updates_share(const Snapshot *snapshot, const SqlRelationUse *use,
                         const SnapshotRelation *relation, double unknown);

#endif
