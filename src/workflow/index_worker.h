// SPDX-License-Identifier: PostgreSQL
/*
 * IndexWorker: the threads of the service that carry out recorded index changes, longer than any request.
 *
 * index_worker_submit() hands over a recorded change; index_worker_wait() waits for its end for as long as a
 * request can. A keeper looks at once, and then every ten seconds, for open changes that nobody works on
 * (the service was killed, the target was away) and has them settled; and, where that is allowed, for targets
 * whose indexes are due for a look (index_auto.h). It rests while there was none and nothing is written to
 * the store, for ten minutes at most, and no longer than until quiet hours begin or a window opens.
 *
 * index_worker_stop() cancels what runs; what cannot be cleaned up until the deadline stays open in the store
 * and is settled by the next start. Functions may be called from any thread, but stop from one only.
 */
#ifndef FETTLE_WORKFLOW_INDEX_WORKER_H
#define FETTLE_WORKFLOW_INDEX_WORKER_H

#include "base/settings_holder.h"
#include "workflow/index_session.h"

typedef struct IndexWorker IndexWorker;

bool index_worker_new(Store *store, SettingsHolder *settings, IndexWorker **ret_worker, Error *error)
    FETTLE_MUST_USE;
/* False when too many wait already, or the worker stops: then the change stays open, and the keeper comes to
 * it. From its return on no other process takes the change for one that was left behind. */
bool index_worker_submit(IndexWorker *worker, int64_t change_id) FETTLE_MUST_USE;
/* The keeper's next turn looks, also when nothing was written: settings have changed. */
void index_worker_want(IndexWorker *worker);
/* True when the change is not worked on here (any more). */
bool index_worker_wait(IndexWorker *worker, int64_t change_id, Deadline deadline);
/* False when threads still ran at the deadline: nothing is freed, and the process should end. NULL is
 * allowed. */
bool index_worker_stop(IndexWorker *worker, Deadline deadline);

#endif
