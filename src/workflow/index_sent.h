// SPDX-License-Identifier: PostgreSQL
/*
 * IndexSent: what a change has sent to its target, and what that says when its index is gone.
 *
 * Just before a statement is sent the store's row gets which one it is, the OID of the index that it drops,
 * the server and the server's process. A process that was killed leaves that to the next one: an OID that was
 * there then and is not now was dropped, and while the statement was under way nobody else could, for it held
 * the table's lock. What stopped the statement leaves the index there, and somebody else may have dropped it
 * after that: a restart of the server since then is such a doubt, and told. Not told apart is who cancels the
 * statement on the server and drops the index by hand.
 */
#ifndef FETTLE_WORKFLOW_INDEX_SENT_H
#define FETTLE_WORKFLOW_INDEX_SENT_H

#include "store/index_change.h"
#include "workflow/index_session.h"

/* Durable when it returns true; change->sent is what was recorded. action: "create" or "drop", of the index
 * with the OID (0: of one to be created). */
bool index_sent_record(const IndexManager *manager, PgConnection *connection, IndexChange *change,
                       const char *action, uint32_t index_oid, Error *error) FETTLE_MUST_USE;
/* Nothing was sent after all: what was recorded before holds. A store that does not answer keeps the record.
 */
void index_sent_take_back(const IndexManager *manager, IndexChange *change, const IndexSent *before);

/* Whether the statement that creates, or the one that drops, may have been sent. */
bool index_sent_create(const IndexChange *change);
bool index_sent_drop(const IndexChange *change);

typedef struct IndexGone {
    const char *renamed; /* the name that the index that was to be dropped has now; NULL: it is gone */
    bool is_valid;       /* of a renamed one */
    bool is_proven;      /* that it is gone: its OID is none any more, on the server it was sent to */
    const char *doubt;   /* why it is not known who dropped it; NULL: the change did */
} IndexGone;

/* Of an index whose drop was sent and whose name is free, or another index's, now; no process of the server
 * works on it any more. */
bool index_sent_judge(PgConnection *connection, Arena *arena, const IndexSent *sent, IndexGone *ret_gone,
                      Error *error) FETTLE_MUST_USE;

/* Of an index that is there, and whose CREATE INDEX was sent: why it is not known that this made it; NULL: it
 * did. */
bool index_sent_judge_made(PgConnection *connection, const IndexSent *sent, const char **ret_doubt,
                           Error *error) FETTLE_MUST_USE;
/* The change ends with such a doubt: its undo drops nothing. */
void index_sent_doubt(const IndexManager *manager, IndexChange *change);
bool index_sent_is_doubted(const IndexChange *change);

#endif
