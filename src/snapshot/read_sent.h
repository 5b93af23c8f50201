// SPDX-License-Identifier: PostgreSQL
/*
 * Watching what a target's sessions send: a look at pg_stat_activity about ten times a second, each a
 * read-only transaction of its own. A short statement is seen when it is running at a look, or is the last
 * one that its session ran; enough of those that make up the workload are.
 *
 * What is seen stays in the arena: only snapshot_with_sent() says what of it may be kept.
 */
#ifndef FETTLE_SNAPSHOT_READ_SENT_H
#define FETTLE_SNAPSHOT_READ_SENT_H

#include "pg/connection.h"
#include "snapshot/sent.h"

typedef struct ReadSent {
    const Snapshot *snapshot; /* of the same target: its settings */
    int64_t watch_ms;
    void (*progress)(void *context, const char *step, int64_t done, int64_t total); /* may be NULL */
    void *context;
} ReadSent;

/* A look that the server refuses ends the watching and is told in *ret_refusal; false only when the
 * connection is broken. */
bool snapshot_read_sent(Arena *arena, PgConnection *connection, const ReadSent *watch,
                        SnapshotSentList *ret_sent, Error *ret_refusal, Error *error) FETTLE_MUST_USE;

#endif
