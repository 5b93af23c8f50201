// SPDX-License-Identifier: PostgreSQL
#include "snapshot/file.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

static const char file_magic[8] = {'F', 'E', 'T', 'T', 'L', 'E', 'S', 'N'};

#define FILE_MAJOR 1
#define FILE_MINOR 0
#define FILE_HEADER_BYTES 28
#define FILE_COMPRESSION_LEVEL 9

static void
put_number(Text *text, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        text_append_char(text, (char)(value >> (8 * i)));
}

static uint64_t
get_number(const unsigned char *data, int bytes)
{
    uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; i--)
        value = (value << 8) | data[i];
    return value;
}

static void
put_varint(Text *text, uint64_t value)
{
    while (value >= 0x80) {
        text_append_char(text, (char)(value | 0x80));
        value >>= 7;
    }
    text_append_char(text, (char)value);
}

/* Length + 1, then the bytes; 0 alone is NULL. */
static void
put_text(Text *text, const char *value)
{
    if (value == NULL) {
        put_varint(text, 0);
        return;
    }
    size_t length = strlen(value);
    put_varint(text, length + 1);
    text_append_bytes(text, value, length);
}

static void
put_section(Text *text, const SnapshotSection *section)
{
    put_text(text, section->name);
    put_varint(text, section->column_count);
    put_varint(text, section->row_count);
    for (size_t i = 0; i < section->column_count; i++)
        put_text(text, section->columns[i]);
    /* Column by column: equal and near texts stand together, which compresses better. */
    for (size_t column = 0; column < section->column_count; column++)
        for (size_t row = 0; row < section->row_count; row++)
            put_text(text, section->values[row * section->column_count + column]);
}

bool
snapshot_encode(Arena *arena, const SnapshotSections *sections, char **ret_data, size_t *ret_size,
                Error *error)
{
    Text payload = text_new(arena);
    put_varint(&payload, sections->count);
    for (size_t i = 0; i < sections->count; i++)
        put_section(&payload, &sections->items[i]);
    if (payload.length > SNAPSHOT_FILE_BYTES_MOST)
        return error_set(error, ERROR_LIMIT, "the snapshot is larger than %zu bytes",
                         SNAPSHOT_FILE_BYTES_MOST);
    Text file = text_new(arena);
    text_append_bytes(&file, file_magic, sizeof(file_magic));
    put_number(&file, FILE_MAJOR, 2);
    put_number(&file, FILE_MINOR, 2);
    put_number(&file, payload.length, 8);
    put_number(&file, hash_bytes(payload.data, payload.length, 0), 8);
    size_t room = ZSTD_compressBound(payload.length);
    char *compressed = arena_alloc(arena, room);
    size_t size = ZSTD_compress(compressed, room, payload.data, payload.length, FILE_COMPRESSION_LEVEL);
    if (ZSTD_isError(size))
        return error_set(error, ERROR_INTERNAL, "could not compress the snapshot: %s",
                         ZSTD_getErrorName(size));
    text_append_bytes(&file, compressed, size);
    *ret_data = file.data;
    *ret_size = file.length;
    return true;
}

typedef struct Payload {
    Arena *arena;
    const char *data;
    size_t length;
    size_t at;
    Error *error;
} Payload;

static bool
payload_damaged(const Payload *payload, const char *what)
{
    return error_set(payload->error, ERROR_DAMAGED, "the snapshot is damaged at byte %zu of its content: %s",
                     payload->at, what);
}

static bool
get_varint(Payload *payload, uint64_t most, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 63; shift += 7) {
        if (payload->at >= payload->length)
            return payload_damaged(payload, "it ends too early");
        unsigned char byte = (unsigned char)payload->data[payload->at++];
        value |= (uint64_t)(byte & 0x7F) << shift;
        if ((byte & 0x80) == 0) {
            *ret_value = value;
            return value <= most || payload_damaged(payload, "a count is out of range");
        }
    }
    return payload_damaged(payload, "a count has no end");
}

static bool
get_text(Payload *payload, const char **ret_text)
{
    uint64_t size;
    if (!get_varint(payload, SNAPSHOT_TEXT_BYTES_MOST, &size))
        return false;
    *ret_text = NULL;
    if (size == 0)
        return true;
    size_t length = (size_t)size - 1;
    if (length > payload->length - payload->at)
        return payload_damaged(payload, "a text is longer than the content");
    const char *text = payload->data + payload->at;
    if (memchr(text, '\0', length) != NULL || !text_is_valid_utf8(text, length))
        return payload_damaged(payload, "a text is not UTF-8");
    *ret_text = arena_strndup(payload->arena, text, length);
    payload->at += length;
    return true;
}

static bool
get_name(Payload *payload, const char **ret_name)
{
    return get_text(payload, ret_name) &&
           (*ret_name != NULL || payload_damaged(payload, "a name is missing"));
}

static bool
get_section(Payload *payload, SnapshotSection *section)
{
    uint64_t columns;
    uint64_t rows;
    if (!get_name(payload, &section->name) || !get_varint(payload, SNAPSHOT_COLUMNS_MOST, &columns) ||
        !get_varint(payload, SNAPSHOT_ROWS_MOST, &rows))
        return false;
    /* Each value takes a byte at least: a count that the content cannot hold is refused before memory is. */
    if (columns * rows > payload->length - payload->at)
        return payload_damaged(payload, "more rows than the content can hold");
    const char **names = ARENA_NEW_ARRAY(payload->arena, const char *, columns);
    for (size_t i = 0; i < columns; i++)
        if (!get_name(payload, &names[i]))
            return false;
    section->columns = names;
    section->column_count = (size_t)columns;
    section->row_count = (size_t)rows;
    section->values = ARENA_NEW_ARRAY(payload->arena, const char *, columns *rows);
    for (size_t column = 0; column < columns; column++)
        for (size_t row = 0; row < rows; row++)
            if (!get_text(payload, &section->values[row * columns + column]))
                return false;
    return true;
}

static bool
get_sections(Payload *payload, SnapshotSections **ret_sections)
{
    uint64_t count;
    if (!get_varint(payload, SNAPSHOT_SECTIONS_MOST, &count))
        return false;
    SnapshotSections *sections = ARENA_NEW(payload->arena, SnapshotSections);
    sections->items = ARENA_NEW_ARRAY(payload->arena, SnapshotSection, count);
    sections->count = (size_t)count;
    for (size_t i = 0; i < sections->count; i++)
        if (!get_section(payload, &sections->items[i]))
            return false;
    if (payload->at != payload->length)
        return payload_damaged(payload, "bytes are left over");
    *ret_sections = sections;
    return true;
}

static bool
header_check(const unsigned char *bytes, size_t size_bytes, Error *error)
{
    if (size_bytes < sizeof(file_magic) || memcmp(bytes, file_magic, sizeof(file_magic)) != 0) {
        error_set(error, ERROR_INPUT, "not a Fettle snapshot");
        return error_set_hint(error, "make one with: fettle snapshot DSN -o FILE");
    }
    if (size_bytes < FILE_HEADER_BYTES)
        return error_set(error, ERROR_DAMAGED, "the snapshot is cut short");
    uint64_t major = get_number(bytes + 8, 2);
    if (major > FILE_MAJOR) {
        error_set(error, ERROR_UNSUPPORTED, "the snapshot has format %llu; this Fettle reads up to %d",
                  (unsigned long long)major, FILE_MAJOR);
        return error_set_hint(error, "it was written by a newer Fettle: upgrade this one");
    }
    return get_number(bytes + 12, 8) <= SNAPSHOT_FILE_BYTES_MOST ||
           error_set(error, ERROR_LIMIT, "the snapshot says it is larger than %zu bytes",
                     SNAPSHOT_FILE_BYTES_MOST);
}

/* Unpacks in steps, so that a false size in the header never takes memory that the data does not fill. */
static bool
payload_unpack(Arena *arena, const char *data, size_t size_bytes, size_t expected_bytes, Text *payload,
               Error *error)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    fettle_assert(context != NULL);
    *payload = text_new(arena);
    ZSTD_inBuffer input = {.src = data, .size = size_bytes};
    char chunk[65536];
    size_t left = 1;
    bool good = true;
    while (good && left != 0) {
        ZSTD_outBuffer output = {.dst = chunk, .size = sizeof(chunk)};
        size_t before = input.pos;
        left = ZSTD_decompressStream(context, &output, &input);
        good = !ZSTD_isError(left) && payload->length + output.pos <= expected_bytes &&
               (output.pos > 0 || input.pos > before || left == 0);
        if (good)
            text_append_bytes(payload, chunk, output.pos);
    }
    ZSTD_freeDCtx(context);
    if (good && payload->length == expected_bytes && input.pos == input.size)
        return true;
    error_set(error, ERROR_DAMAGED, "the snapshot is damaged or cut short");
    return error_set_hint(error, "copy it again, or take a new one");
}

bool
snapshot_decode_bytes(Arena *arena, const void *data, size_t size_bytes, SnapshotSections **ret_sections,
                      Error *error)
{
    const unsigned char *bytes = data;
    if (!header_check(bytes, size_bytes, error))
        return false;
    Text payload;
    if (!payload_unpack(arena, (const char *)data + FILE_HEADER_BYTES, size_bytes - FILE_HEADER_BYTES,
                        (size_t)get_number(bytes + 12, 8), &payload, error))
        return false;
    if (hash_bytes(payload.data, payload.length, 0) != get_number(bytes + 20, 8)) {
        error_set(error, ERROR_DAMAGED, "the snapshot is damaged: its checksum differs");
        return error_set_hint(error, "copy it again, or take a new one");
    }
    Payload reading = {.arena = arena, .data = payload.data, .length = payload.length, .error = error};
    return get_sections(&reading, ret_sections);
}

bool
snapshot_file_write(const SnapshotSections *sections, const char *path, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("snapshot file", (size_t)8 << 30);
    char *data;
    size_t size;
    return snapshot_encode(arena, sections, &data, &size, error) &&
           file_write_atomic(path, data, size, 0600, error);
}

bool
snapshot_file_read(Arena *arena, const char *path, const Snapshot **ret_snapshot, Error *error)
{
    char *data;
    size_t size;
    SnapshotSections *sections;
    if (!file_read(arena, path, SNAPSHOT_FILE_BYTES_MOST, &data, &size, error))
        return false;
    if (!snapshot_decode_bytes(arena, data, size, &sections, error) ||
        !snapshot_decode(arena, sections, ret_snapshot, error))
        return error_prefix(error, "%s", path);
    return true;
}

bool
snapshot_file_looks_like(const char *path)
{
    FETTLE_CLEANUP(file_close_at) FILE *file = fopen(path, "rb");
    char start[sizeof(file_magic)];
    return file != NULL && fread(start, 1, sizeof(start), file) == sizeof(start) &&
           memcmp(start, file_magic, sizeof(start)) == 0;
}
