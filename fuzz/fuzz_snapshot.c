// SPDX-License-Identifier: PostgreSQL
/*
 * Snapshot files from anywhere: reading, redacting and resolving names must neither crash nor run on, and
 * what was read is written and read as the same again. The input is taken as a file, and as the content of
 * one, since no change of a file passes its checksum.
 *
 *     fuzz_snapshot fuzz/corpus/snapshot
 */
#include "base/hash.h"
#include "snapshot/catalog.h"
#include "snapshot/file.h"
#include "snapshot/redact.h"

#include <string.h>
#include <zstd.h>

#define HEADER_BYTES 28

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
number_put(char *data, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        data[i] = (char)(value >> (8 * i));
}

static char *
file_of_payload(Arena *arena, const uint8_t *payload, size_t length, size_t *ret_size)
{
    size_t room = ZSTD_compressBound(length);
    char *file = arena_alloc(arena, HEADER_BYTES + room);
    size_t packed = ZSTD_compress(file + HEADER_BYTES, room, payload, length, 1);
    fettle_assert(!ZSTD_isError(packed));
    memcpy(file, "FETTLESN", 8);
    number_put(file + 8, 1, 2);
    number_put(file + 12, length, 8);
    number_put(file + 20, hash_bytes(payload, length, hash_bytes(file + HEADER_BYTES, packed, 0)), 8);
    *ret_size = HEADER_BYTES + packed;
    return file;
}

static void
sections_check(Arena *arena, const SnapshotSections *sections)
{
    Error error = {0};
    char *data = NULL;
    size_t size = 0;
    SnapshotSections *again = NULL;
    fettle_assert(snapshot_encode(arena, sections, &data, &size, &error));
    fettle_assert(snapshot_decode_bytes(arena, data, size, &again, &error));
    fettle_assert(snapshot_sections_equal(sections, again));
}

static void
snapshot_check(Arena *arena, const SnapshotSections *sections)
{
    Error error = {0};
    const Snapshot *snapshot = NULL;
    size_t definitions = 0;
    if (!snapshot_decode(arena, sections, &snapshot, &error)) {
        fettle_assert(error.code != ERROR_NONE && error.message[0] != '\0');
        return;
    }
    SqlCatalog catalog = snapshot_catalog(arena, snapshot);
    for (size_t i = 0; i < snapshot->relation_count && i < 8; i++)
        (void)catalog.relation_find(catalog.context, NULL, snapshot->relations[i].name);
    SnapshotSections *redacted = snapshot_redact(arena, sections, &definitions);
    fettle_assert(snapshot_decode(arena, redacted, &snapshot, &error));
    fettle_assert(snapshot->is_redacted);
    for (size_t i = 0; i < snapshot->statement_count; i++)
        fettle_assert(snapshot->statements[i].sample_count == 0);
}

static void
file_check(Arena *arena, const void *data, size_t size)
{
    Error error = {0};
    SnapshotSections *sections = NULL;
    if (!snapshot_decode_bytes(arena, data, size, &sections, &error)) {
        fettle_assert(error.code != ERROR_NONE && error.message[0] != '\0' && error.hint[0] != '\0');
        return;
    }
    sections_check(arena, sections);
    snapshot_check(arena, sections);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("fuzz", (size_t)2 << 30);
    file_check(arena, data, size);
    size_t file_size;
    const char *file = file_of_payload(arena, data, size, &file_size);
    file_check(arena, file, file_size);
    return 0;
}
