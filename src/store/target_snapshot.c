// SPDX-License-Identifier: PostgreSQL
#include "store/target_snapshot.h"

#include "store/sample_internal.h"

#define WRITE_BYTES ((size_t)1 << 30)

bool
target_snapshot_write(PgConnection *session, const TargetSnapshot *snapshot, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("snapshot for the store", WRITE_BYTES);
    if (snapshot->size_bytes > TARGET_SNAPSHOT_BYTES_MOST)
        return error_set(error, ERROR_LIMIT, "the snapshot of database \"%s\" has %zu bytes, more than %zu",
                         snapshot->database_name, snapshot->size_bytes, TARGET_SNAPSHOT_BYTES_MOST);
    StoreNumber target = store_number(snapshot->target_id);
    SampleTime taken_at = sample_time_text(snapshot->taken_at_us);
    SampleBytes bytes = {.data = snapshot->data, .size = snapshot->size_bytes};
    return store_query(session, "target_snapshot_write",
                       STORE_PARAMETERS(target.text, snapshot->database_name, taken_at.text,
                                        sample_bytes_text(arena, bytes)),
                       NULL, error) ||
           error_prefix(error, "could not keep the snapshot of database \"%s\"", snapshot->database_name);
}

bool
target_snapshot_read(PgConnection *session, Arena *arena, int64_t target_id, const char *database_name,
                     TargetSnapshot *ret_snapshot, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber target = store_number(target_id);
    TargetSnapshot snapshot = {.target_id = target_id, .database_name = database_name};
    if (!store_query_binary(session, "target_snapshot_read", STORE_PARAMETERS(target.text, database_name),
                            &rows, error))
        return error_prefix(error, "could not read the snapshot of database \"%s\"", database_name);
    if (pg_result_rows(rows) > 0) {
        SampleBytes bytes;
        if (!sample_bytes_of(rows, 0, 2, &bytes, error))
            return false;
        snapshot.taken_at_us = pg_result_int(rows, 0, 1, 0);
        snapshot.size_bytes = bytes.size;
        snapshot.data = arena_memdup(arena, bytes.data, bytes.size);
    }
    *ret_snapshot = snapshot;
    return true;
}
