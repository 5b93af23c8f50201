// SPDX-License-Identifier: PostgreSQL
/*
 * The newest snapshot of a target's database that is kept, as the bytes of a snapshot file; what the bytes
 * mean is the snapshot floor's. They must be redacted before they come here.
 */
#ifndef FETTLE_STORE_TARGET_SNAPSHOT_H
#define FETTLE_STORE_TARGET_SNAPSHOT_H

#include "pg/connection.h"

#define TARGET_SNAPSHOT_BYTES_MOST ((size_t)64 * 1024 * 1024)

typedef struct TargetSnapshot {
    int64_t target_id;
    const char *database_name;
    int64_t taken_at_us;
    const void *data; /* NULL: none is kept */
    size_t size_bytes;
} TargetSnapshot;

/* ERROR_LIMIT above TARGET_SNAPSHOT_BYTES_MOST. */
bool target_snapshot_write(PgConnection *session, const TargetSnapshot *snapshot, Error *error)
    FETTLE_MUST_USE;
bool target_snapshot_read(PgConnection *session, Arena *arena, int64_t target_id, const char *database_name,
                          TargetSnapshot *ret_snapshot, Error *error) FETTLE_MUST_USE;

#endif
