// SPDX-License-Identifier: PostgreSQL
/* All index changes that a process which died left open. */
#include "base/log.h"
#include "store/index_change.h"
#include "workflow/index_run.h"

#include <string.h>

#define SETTLE_ARENA_BYTES ((size_t)64 * 1024 * 1024)
#define FRESH_US ((int64_t)60 * 1000000)

/* True when the target's server still works on it. */
static bool
is_adopted(const IndexManager *manager, Arena *arena, const IndexChange *change)
{
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
    Error error = {0};
    bool is_busy = false;
    return change->backend_pid != 0 &&
           index_session_read(manager, arena, change->target_id, change->database_name, &connection,
                              &error) &&
           index_backend_is_busy(connection, arena, change, &is_busy, &error) && is_busy;
}

bool
index_change_is_fresh(const IndexChange *change)
{
    return strcmp(change->state, "pending") == 0 && clock_wall_us() - change->performed_at_us < FRESH_US;
}

bool
index_settle_all(const IndexManager *manager, int *ret_settled, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("open index changes", SETTLE_ARENA_BYTES);
    IndexChanges open;
    *ret_settled = 0;
    {
        FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
        if (!store_session_take(manager->store, 0, &session, error) ||
            !index_change_list(session.connection, arena, 0, true, INDEX_CHANGES_MOST, &open, error))
            return false;
    }
    for (size_t i = 0; i < open.count && !(manager->stop != NULL && atomic_load(manager->stop)); i++) {
        Error failure = {0};
        if (index_change_is_fresh(&open.items[i]) || is_adopted(manager, arena, &open.items[i]))
            continue;
        if (index_settle(manager, open.items[i].id, &failure))
            (*ret_settled)++;
        else if (failure.code != ERROR_CONFLICT)
            log_write(LOG_LEVEL_WARNING, "%s", failure.message);
    }
    return true;
}
