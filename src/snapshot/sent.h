// SPDX-License-Identifier: PostgreSQL
/*
 * Constants as they are sent: pg_stat_statements shows "$n" for every constant, so that nothing is known of
 * a status that is always 'pending', of data ->> 'key', of LIMIT 20. What sessions were seen to send
 * (read_sent.h) tells, for the constants that do not vary.
 *
 * Nothing private may get into a snapshot that is not in it anyway. So a constant is filled in only
 *  - where names stand (data ->> $1, date_trunc($1, ...)) when it looks like one and was sent at least five
 *    times (a field, as in extract(year from ...), once);
 *  - where a number of rows stands (LIMIT), of a page's size;
 *  - when it was sent at least five times and is a boolean, NULL, or one of the most common values of the
 *    column that it is compared with, which the snapshot has in its statistics, and the column has few: five
 *    calls in a row may be one customer's;
 * and in each case only when no execution that was seen sent another one, or a parameter. The rest stays $n,
 * and no text that was sent is kept.
 *
 * The outcome is the section statements_sent (query_id, text), which decoding takes for the statements'
 * texts. A workload that sends another constant rarely is taken for one that never does.
 */
#ifndef FETTLE_SNAPSHOT_SENT_H
#define FETTLE_SNAPSHOT_SENT_H

#include "snapshot/snapshot.h"

typedef struct SnapshotSent {
    const char *text; /* as it was sent, one statement or several */
    int64_t query_id; /* 0: unknown */
    size_t executions;
} SnapshotSent;

VECTOR_DEFINE(SnapshotSentList, SnapshotSent);

/* Whether any statement's text has a $n. */
bool snapshot_needs_sent(const Snapshot *snapshot);

/* *ret_snapshot is the snapshot itself when nothing is to be filled in. */
bool snapshot_with_sent(Arena *arena, const Snapshot *snapshot, const SnapshotSentList *sent,
                        const Snapshot **ret_snapshot, Error *error) FETTLE_MUST_USE;

#endif
