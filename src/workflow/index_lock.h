// SPDX-License-Identifier: PostgreSQL
/*
 * IndexLocks: which index changes this process works on, or will: told to all others by advisory locks of the
 * store, held on one session however many changes there are, and on none while there is no change.
 *
 * A lock begins when the process takes a change on, not when it comes to it: a change that waits its turn has
 * somebody, too. A process that dies loses all of its locks. Where only the session dies, the locks go with
 * it; they are taken again by the next index_locks_take() or index_locks_keep(), and no work is stopped.
 *
 * The round of a target (index_auto.h) has a lock of its own, under the target's number made negative.
 *
 *     index_locks_take(locks, id, error)   ERROR_CONFLICT: another process has it
 *     ...
 *     index_locks_give(locks, id)          as often as it was taken
 *
 * Any thread may call. The store's session is taken and given back here.
 */
#ifndef FETTLE_WORKFLOW_INDEX_LOCK_H
#define FETTLE_WORKFLOW_INDEX_LOCK_H

#include "store/store.h"

#define INDEX_LOCKS_MOST 64

typedef struct IndexLocks IndexLocks;

IndexLocks *index_locks_new(Store *store);
void index_locks_free(IndexLocks *locks); /* NULL is allowed; all were given back */
void index_locks_free_at(IndexLocks **locks);

/* Of one process, again is allowed. Other failures than ERROR_CONFLICT are the store's. */
bool index_locks_take(IndexLocks *locks, int64_t change_id, Error *error) FETTLE_MUST_USE;
void index_locks_give(IndexLocks *locks, int64_t change_id);
/* Sees to it that what is held still is; to be called now and then. */
void index_locks_keep(IndexLocks *locks);

#endif
