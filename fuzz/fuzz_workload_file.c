// SPDX-License-Identifier: PostgreSQL
/*
 * Workload files of users: read into an empty snapshot, refused with a line, never more.
 *
 *     fuzz_workload_file fuzz/corpus/workload_file
 */
#include "base/text.h"
#include "snapshot/section.h"
#include "snapshot/workload_file.h"

#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const Snapshot *
snapshot_empty(Arena *arena)
{
    static const char *const columns[] = {"key", "value"};
    static const char *values[] = {"server_version_num", "150004"};
    SnapshotSections *sections = ARENA_NEW(arena, SnapshotSections);
    sections->items = ARENA_NEW(arena, SnapshotSection);
    sections->items[0] = (SnapshotSection){
        .name = "meta", .columns = columns, .column_count = 2, .values = values, .row_count = 1};
    sections->count = 1;
    const Snapshot *snapshot = NULL;
    Error error = {0};
    bool decoded = snapshot_decode(arena, sections, &snapshot, &error);
    fettle_assert(decoded);
    return snapshot;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("fuzz", (size_t)1 << 30);
    const Snapshot *snapshot = NULL;
    Error error = {0};
    if (!snapshot_with_workload(arena, snapshot_empty(arena), (const char *)data, size, "fuzz", &snapshot,
                                &error)) {
        fettle_assert(error.code != ERROR_NONE && error.hint[0] != '\0' &&
                      text_starts_with(error.message, "fuzz"));
        return 0;
    }
    fettle_assert(snapshot->has_statements && snapshot->statement_count > 0);
    for (size_t i = 0; i < snapshot->statement_count; i++) {
        const SnapshotStatement *statement = &snapshot->statements[i];
        fettle_assert(statement->text != NULL && statement->query_hash != 0 && statement->calls >= 0);
        fettle_assert(isnan(statement->mean_ms) || statement->mean_ms >= 0);
        fettle_assert(statement->sample_count <= 16);
    }
    return 0;
}
