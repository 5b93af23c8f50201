// SPDX-License-Identifier: PostgreSQL
/*
 * A workload from a file of SQL statements, for servers without pg_stat_statements.
 *
 * Statements are separated by ";". Comment lines before a statement give its weight:
 *
 *     -- calls: 1200, mean_ms: 3.5
 *     select * from orders where customer_id = 42;
 *
 * Without one each occurrence counts one call, and nothing is known of its time; a figure that is no number
 * is an error that names its line. Equal fingerprints become one statement whose samples are the texts (at
 * most 16 kept, spread over the file); calls add up, and those without a mean are taken to be like those with
 * one. What does not parse is kept as a statement and reported later.
 *
 * The application role stays what it was. The file has to be UTF-8, of at most 100,000 statements.
 */
#ifndef FETTLE_SNAPSHOT_WORKLOAD_FILE_H
#define FETTLE_SNAPSHOT_WORKLOAD_FILE_H

#include "snapshot/snapshot.h"

/* The snapshot with its workload replaced by the file's. */
bool snapshot_with_workload(Arena *arena, const Snapshot *snapshot, const char *text, size_t length,
                            const char *name, const Snapshot **ret_snapshot, Error *error) FETTLE_MUST_USE;

#endif
