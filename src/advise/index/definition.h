// SPDX-License-Identifier: PostgreSQL
/*
 * What is to be run for a candidate: a good name, the statements that make it, and those that undo it.
 */
#ifndef FETTLE_ADVISE_INDEX_DEFINITION_H
#define FETTLE_ADVISE_INDEX_DEFINITION_H

#include "advise/index/candidate.h"

/* "<table>_<columns>_idx" ("_covering", "_partial" and the method before "_idx" where they apply) in at most
 * 63 bytes, with a number when taken in the schema or in `taken` (which
 * gets the name). */
char *index_name_choose(Arena *arena, const Snapshot *snapshot, const Candidate *candidate, Map *taken);

/*
 * CREATE INDEX CONCURRENTLY; on a partitioned table, which cannot be indexed CONCURRENTLY as a whole: the
 * empty parent index, one CONCURRENTLY per partition (leaves and in-between), and the attachments. Names of
 * the partitions' indexes are chosen as index_name_choose() does.
 */
char *index_create_script(Arena *arena, const Snapshot *snapshot, const Candidate *candidate,
                          const char *name, Map *taken);

/* DROP INDEX CONCURRENTLY, or DROP INDEX for a partitioned one. */
char *index_undo_script(Arena *arena, const Candidate *candidate, const char *name);

#endif
