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

/* base with suffix in at most 63 bytes, with a number when taken, as above. */
char *index_name_free(Arena *arena, const Snapshot *snapshot, const char *schema, const char *base,
                      const char *suffix, Map *taken);

typedef struct IndexScripts {
    const char *create;
    const char *undo;
    const char *attached;  /* names of the indexes that become part of a partitioned one; NULL: none */
    const char *completed; /* name of the partitioned index that is there and lacks parts; NULL: a new one */
    const char *completed_name; /* the same, without its schema and quotes */
} IndexScripts;

/* CREATE INDEX CONCURRENTLY and its DROP; of a partitioned table partition_script.h. Names of further indexes
 * are chosen as index_name_choose() does. */
void index_scripts(Arena *arena, const Snapshot *snapshot, const Candidate *candidate, const char *name,
                   Map *taken, IndexScripts *ret_scripts);

#endif
