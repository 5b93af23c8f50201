// SPDX-License-Identifier: PostgreSQL
#include "workflow/workload_snapshot.h"

#include "base/clock.h"
#include "snapshot/file.h"
#include "snapshot/read.h"
#include "snapshot/redact.h"
#include "store/target_snapshot.h"

#define SCRATCH_BYTES ((size_t)4 << 30)

/* Reads one database and makes the bytes to keep. */
static bool
snapshot_take(const IndexManager *manager, Arena *arena, int64_t target_id, const char *database,
              Deadline deadline, TargetSnapshot *ret_kept, Error *error)
{
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
    SnapshotReadOptions options = {
        .without_workload = true, .ends = SNAPSHOT_ENDS_NONE, .deadline = deadline};
    const Snapshot *snapshot;
    size_t definitions;
    char *data;
    if (!index_session_read(manager, arena, target_id, database, &connection, error))
        return false;
    pg_connection_set_deadline(connection, deadline);
    if (!snapshot_read(arena, connection, &options, &snapshot, error))
        return false;
    *ret_kept =
        (TargetSnapshot){.target_id = target_id, .database_name = database, .taken_at_us = clock_wall_us()};
    if (!snapshot_encode(arena, snapshot_redact(arena, snapshot->sections, &definitions), &data,
                         &ret_kept->size_bytes, error))
        return false;
    ret_kept->data = data;
    return true;
}

bool
workload_snapshots_keep(const IndexManager *manager, Arena *arena, int64_t target_id,
                        const TextList *databases, Deadline deadline, TextList *notes, Error *error)
{
    for (size_t i = 0; i < databases->count; i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("snapshot of a workload", SCRATCH_BYTES);
        FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
        TargetSnapshot kept;
        Error unreadable = {0};
        const char *name = databases->items[i];
        if (i >= WORKLOAD_SNAPSHOTS_MOST) {
            vector_push(
                arena, notes,
                arena_printf(arena, "the schemas of %zu more databases were not read", databases->count - i));
            return true;
        }
        if (!snapshot_take(manager, scratch, target_id, name, deadline, &kept, &unreadable)) {
            vector_push(arena, notes,
                        arena_printf(arena, "the schema of database \"%s\" could not be read: %s", name,
                                     unreadable.message));
            continue;
        }
        if (!store_session_take(manager->store, 0, &session, error))
            return false;
        if (target_snapshot_write(session.connection, &kept, &unreadable))
            continue;
        if (unreadable.code != ERROR_LIMIT) {
            *error = unreadable;
            return false;
        }
        vector_push(
            arena, notes,
            arena_printf(arena, "the schema of database \"%s\" is not kept: %s", name, unreadable.message));
    }
    return true;
}
