// SPDX-License-Identifier: PostgreSQL
/*
 * Carrying out a recorded index change, and settling what was left behind.
 *
 * index_run() tries the change until it is done, refused or cancelled: each attempt has a session of its own
 * with a short lock_timeout; a lock that is not free in time, a deadlock and a lost session are tried again
 * with growing pauses (index.lock_attempts). Whatever an attempt leaves half done is removed before the next
 * one, and before the change's end is written: a row that says "failed" says also that nothing is left.
 *
 * index_settle() does the same for a change whose process died. Where the server still works on it, it waits
 * for that (the build of hours is not lost); then the index itself tells how it went: valid means completed,
 * invalid is removed and the change has failed, an interrupted drop is finished.
 *
 * Both return false, with the change left open for a later index_settle(), when the store or the target
 * cannot be reached. A change that modifies creates and then drops, each so; when it ends in between, its row
 * says so, and when its process dies in between, the drop is still done. What became of a change that ended
 * is in its row. They block for as long as it takes; manager->stop, and index_change_cancel() from any
 * process, end them early.
 */
#ifndef FETTLE_WORKFLOW_INDEX_RUN_H
#define FETTLE_WORKFLOW_INDEX_RUN_H

#include "store/index_change.h"
#include "workflow/index_session.h"

/* ERROR_CONFLICT: another process works on it. */
bool index_run(const IndexManager *manager, int64_t change_id, Error *error) FETTLE_MUST_USE;
bool index_settle(const IndexManager *manager, int64_t change_id, Error *error) FETTLE_MUST_USE;

/* Settles every open change that nobody works on, but those that their servers still work on; for a verb that
 * begins. Those that cannot be reached stay open and are logged. */
bool index_settle_all(const IndexManager *manager, int *ret_settled, Error *error) FETTLE_MUST_USE;

/* True for a change that was recorded a moment ago: whoever recorded it is about to begin. */
bool index_change_is_fresh(const IndexChange *change);

#endif
