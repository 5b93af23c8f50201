// SPDX-License-Identifier: PostgreSQL
#include "snapshot/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("fuzz", (size_t)1 << 30);
    Error error = {0};
    SnapshotSections *sections = NULL;
    const Snapshot *snapshot = NULL;
    if (snapshot_decode_bytes(arena, data, size, &sections, &error) &&
        !snapshot_decode(arena, sections, &snapshot, &error))
        fettle_assert(error.code != ERROR_NONE);
    return 0;
}
