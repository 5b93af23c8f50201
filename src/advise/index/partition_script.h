// SPDX-License-Identifier: PostgreSQL
/*
 * The scripts of an index on a partitioned table, which cannot be made CONCURRENTLY as a whole: the empty
 * parent index, one CONCURRENTLY per partition (leaves and in-between), and the attachments.
 *
 * What is there is not built once more. A partition's own index of the same definition is attached, as the
 * server's own CREATE INDEX does; a partitioned index that is not valid, since it was made ON ONLY and lacks
 * parts, gets those that it lacks.
 *
 * PostgreSQL takes no index off its parent again, and drops all parts with it. So the undo makes those that
 * were there before once more, CONCURRENTLY, before it drops the parent, and gives them their names again.
 */
#ifndef FETTLE_ADVISE_INDEX_PARTITION_SCRIPT_H
#define FETTLE_ADVISE_INDEX_PARTITION_SCRIPT_H

#include "advise/index/definition.h"

/* Of a candidate on a partitioned table. name: of the parent index, where none is there. */
void partition_scripts(Arena *arena, const Snapshot *snapshot, const Candidate *candidate, const char *name,
                       Map *taken, IndexScripts *ret_scripts);

#endif
