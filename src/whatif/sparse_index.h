// SPDX-License-Identifier: PostgreSQL
/*
 * What-if indexes on a twin of a stock server.
 *
 * CREATE INDEX would read a table's file, hole by hole (a second for 439 MB), and write the rows it did not
 * find into the table's pg_class row, in place, which no rollback takes back. So the table's row is first
 * updated to point to an empty file, and updated back afterwards: the index is made in a millisecond, the
 * writing in place hits a row of our own transaction, and ROLLBACK forgets all of it. Only one session at a
 * time can so treat a table; a second one waits for the first one's transaction.
 *
 * The new index's file then gets the estimated length and height before the planner looks at it. What
 * estimates need from the planner itself (rows of a predicate, distinct keys) is asked of a first copy of the
 * index that is rolled back: a metapage that was read stays in the server's buffers. Estimates are kept per
 * statement and table, so later creations of the same index make one copy.
 */
#ifndef FETTLE_WHATIF_SPARSE_INDEX_H
#define FETTLE_WHATIF_SPARSE_INDEX_H

#include "whatif/explain.h"
#include "whatif/twin.h"

typedef struct SparseIndexes {
    Arena *arena;
    const char *pgdata;
    PgConnection *connection; /* not owned; a transaction is open */
    Explainer *explainer;
    Map *estimates; /* statement and table -> IndexEstimate */
} SparseIndexes;

SparseIndexes sparse_indexes_new(Arena *arena, const Twin *twin, Explainer *explainer);

/* Runs DDL while the table (twin's OID; 0: all) and what is below it look empty to this session.
 * *ret_refusal: the server's words, when it refused; the transaction is then aborted. */
bool sparse_ddl_run(SparseIndexes *indexes, uint32_t table_id, const char *text, const char **ret_refusal,
                    Error *error) FETTLE_MUST_USE;

/* Makes a what-if index with its size, inside a savepoint "fettle" of the caller, which it may roll back to.
 * qualified: the index's name; its parts on partitions are given sizes, too. *ret_blocks: all together. */
bool sparse_index_create(SparseIndexes *indexes, uint32_t table_id, const char *statement,
                         const char *qualified, double *ret_blocks, const char **ret_refusal, Error *error)
    FETTLE_MUST_USE;

#endif
