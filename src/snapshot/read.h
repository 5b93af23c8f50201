// SPDX-License-Identifier: PostgreSQL
/*
 * Reading a snapshot from a live target.
 *
 * One session, one REPEATABLE READ READ ONLY transaction for the catalog; sizes one relation at a time with a
 * short lock_timeout, since pg_relation_size() waits behind an ACCESS EXCLUSIVE lock: a relation that stays
 * locked keeps its relpages and becomes a gap. What the role may not read becomes a gap with its remedy, not
 * a failure. What fails for any other reason (cancel, restart, stall, deadline) fails the whole read: never a
 * part presented as whole.
 */
#ifndef FETTLE_SNAPSHOT_READ_H
#define FETTLE_SNAPSHOT_READ_H

#include "pg/connection.h"
#include "snapshot/snapshot.h"

/*
 * The ends of B-trees (read_ends.h) make a twin exact. Each costs the index two scans on the target's
 * counters, by which unused indexes are known, unless the role may turn counting off: as a superuser, or from
 * PostgreSQL 15 on by GRANT SET ON PARAMETER track_counts.
 */
typedef enum SnapshotEnds {
    SNAPSHOT_ENDS_READ,      /* counted where it cannot be helped: for what a person asks for now and then */
    SNAPSHOT_ENDS_UNCOUNTED, /* or not read: for what is done by itself, again and again */
    SNAPSHOT_ENDS_NONE,      /* no twin is built of it */
} SnapshotEnds;

/* Whether the session's role may turn counting off. */
bool snapshot_may_stop_counting(PgConnection *connection, bool *ret_may, Error *error) FETTLE_MUST_USE;

typedef struct SnapshotReadOptions {
    const char *application_role; /* NULL: the role with the most time in pg_stat_statements, else none */
    int64_t statements_most;      /* 0: 1000; the costliest by total time */
    bool without_workload;
    /* So long sessions are watched for constants that they send (read_sent.h), behind the transaction; 0: not
     * at all. Not when no statement has any, and not so long that the deadline passes. */
    int64_t watch_ms;
    SnapshotEnds ends;
    Deadline deadline; /* 0: 5 min */
    /* Called with each step for progress; may be NULL. */
    void (*progress)(void *context, const char *step, int64_t done, int64_t total);
    void *context;
} SnapshotReadOptions;

bool snapshot_read(Arena *arena, PgConnection *connection, const SnapshotReadOptions *options,
                   const Snapshot **ret_snapshot, Error *error) FETTLE_MUST_USE;

/* The SECURITY DEFINER function that `fettle doctor` offers, to be run by a superuser or the database's admin
 * role. */
char *snapshot_helper_function_sql(Arena *arena);

#endif
