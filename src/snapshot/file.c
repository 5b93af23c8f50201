// SPDX-License-Identifier: PostgreSQL
#include "snapshot/file.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"

#include <stdio.h>
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

/* Of the content, seeded with that of the minor and the packed bytes: zstd overlooks some changes of these.
 */
static uint64_t
file_checksum(const char *payload, size_t length, const char *packed, size_t packed_bytes, uint64_t minor)
{
    return hash_bytes(payload, length, hash_bytes(packed, packed_bytes, minor));
}

/* What keeps a section from being written or read; NULL when nothing does. Both sides ask it, so that nothing
 * is written that could not be read. */
static const char *
section_fault(const SnapshotSections *sections, size_t position)
{
    const SnapshotSection *section = &sections->items[position];
    if (section->name[0] == '\0')
        return "a section without a name";
    for (size_t i = 0; i < position; i++)
        if (strcmp(sections->items[i].name, section->name) == 0)
            return "a section stands twice";
    for (size_t i = 0; i < section->column_count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(section->columns[i], section->columns[k]) == 0)
                return "a column stands twice";
    /* Rows of nothing take no bytes of the file, but memory of the reader. */
    if (section->column_count == 0 && section->row_count > 0)
        return "rows without columns";
    return NULL;
}

static bool
section_check(const SnapshotSections *sections, size_t position, size_t *values, Error *error)
{
    const SnapshotSection *section = &sections->items[position];
    const char *fault = section_fault(sections, position);
    if (fault != NULL)
        return error_set(error, ERROR_INTERNAL, "could not write section \"%s\": %s", section->name, fault);
    *values += section->column_count * section->row_count;
    if (section->column_count > SNAPSHOT_COLUMNS_MOST || section->row_count > SNAPSHOT_ROWS_MOST ||
        *values > SNAPSHOT_VALUES_MOST)
        return error_set(error, ERROR_LIMIT,
                         "section \"%s\" is too large for a snapshot: %zu rows of %zu columns", section->name,
                         section->row_count, section->column_count);
    for (size_t i = 0; i < section->row_count * section->column_count; i++) {
        const char *value = section->values[i];
        size_t length = value == NULL ? 0 : strlen(value);
        if (length > SNAPSHOT_TEXT_BYTES_MOST)
            return error_set(error, ERROR_LIMIT, "a text of section \"%s\" is larger than %d bytes",
                             section->name, SNAPSHOT_TEXT_BYTES_MOST);
        if (value != NULL && !text_is_valid_utf8(value, length))
            return error_set(error, ERROR_INTERNAL, "a text of section \"%s\" is not UTF-8", section->name);
    }
    return true;
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

static bool
put_sections(Text *payload, const SnapshotSections *sections, Error *error)
{
    size_t values = 0;
    if (sections->count > SNAPSHOT_SECTIONS_MOST)
        return error_set(error, ERROR_LIMIT, "a snapshot has at most %d sections", SNAPSHOT_SECTIONS_MOST);
    put_varint(payload, sections->count);
    for (size_t i = 0; i < sections->count; i++) {
        if (!section_check(sections, i, &values, error))
            return false;
        put_section(payload, &sections->items[i]);
        if (payload->length > SNAPSHOT_FILE_BYTES_MOST)
            return error_set(error, ERROR_LIMIT, "the snapshot is larger than %zu bytes",
                             SNAPSHOT_FILE_BYTES_MOST);
    }
    return true;
}

bool
snapshot_encode(Arena *arena, const SnapshotSections *sections, char **ret_data, size_t *ret_size,
                Error *error)
{
    Text payload = text_new(arena);
    if (!put_sections(&payload, sections, error))
        return false;
    size_t room = ZSTD_compressBound(payload.length);
    char *file = arena_alloc(arena, FILE_HEADER_BYTES + room);
    char *packed = file + FILE_HEADER_BYTES;
    size_t size = ZSTD_compress(packed, room, payload.data, payload.length, FILE_COMPRESSION_LEVEL);
    if (ZSTD_isError(size))
        return error_set(error, ERROR_INTERNAL, "could not compress the snapshot: %s",
                         ZSTD_getErrorName(size));
    Text header = text_new(arena);
    text_append_bytes(&header, file_magic, sizeof(file_magic));
    put_number(&header, FILE_MAJOR, 2);
    put_number(&header, FILE_MINOR, 2);
    put_number(&header, payload.length, 8);
    put_number(&header, file_checksum(payload.data, payload.length, packed, size, FILE_MINOR), 8);
    fettle_assert(header.length == FILE_HEADER_BYTES);
    memcpy(file, header.data, FILE_HEADER_BYTES);
    *ret_data = file;
    *ret_size = FILE_HEADER_BYTES + size;
    return true;
}

typedef struct Payload {
    Arena *arena;
    const char *data;
    size_t length;
    size_t at;
    size_t values; /* of all sections so far */
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
    if (!get_varint(payload, (uint64_t)SNAPSHOT_TEXT_BYTES_MOST + 1, &size))
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
    payload->values += (size_t)(columns * rows);
    if (columns * rows > payload->length - payload->at)
        return payload_damaged(payload, "more rows than the content can hold");
    if (payload->values > SNAPSHOT_VALUES_MOST)
        return error_set(payload->error, ERROR_LIMIT, "the snapshot has more than %d values",
                         SNAPSHOT_VALUES_MOST);
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
    for (size_t i = 0; i < sections->count; i++) {
        if (!get_section(payload, &sections->items[i]))
            return false;
        const char *fault = section_fault(sections, i);
        if (fault != NULL)
            return payload_damaged(payload, fault);
    }
    if (payload->at != payload->length)
        return payload_damaged(payload, "bytes are left over");
    *ret_sections = sections;
    return true;
}

/* The message is set already; always false. */
static bool
damaged_hint(Error *error)
{
    return error_set_hint(error, "copy the file again, or take a new snapshot");
}

static bool
header_check_sizes(const unsigned char *bytes, size_t size_bytes, Error *error)
{
    if (size_bytes < FILE_HEADER_BYTES) {
        error_set(error, ERROR_DAMAGED, "the snapshot is cut short: it ends within its first %d bytes",
                  FILE_HEADER_BYTES);
        return damaged_hint(error);
    }
    unsigned major = (unsigned)get_number(bytes + 8, 2);
    if (major > FILE_MAJOR) {
        error_set(error, ERROR_UNSUPPORTED, "the snapshot has format %u; this Fettle reads up to %d", major,
                  FILE_MAJOR);
        return error_set_hint(error, "it was written by a newer Fettle: upgrade this one");
    }
    if (major == 0) {
        error_set(error, ERROR_DAMAGED, "the snapshot is damaged: there is no format 0");
        return damaged_hint(error);
    }
    if (get_number(bytes + 12, 8) <= SNAPSHOT_FILE_BYTES_MOST)
        return true;
    error_set(error, ERROR_LIMIT,
              "the snapshot is too large: it says that its content has %llu bytes, at most %zu are read",
              (unsigned long long)get_number(bytes + 12, 8), SNAPSHOT_FILE_BYTES_MOST);
    return error_set_hint(error, "if it should be smaller it is damaged: copy the file again");
}

static bool
header_check(const unsigned char *bytes, size_t size_bytes, Error *error)
{
    size_t shared = size_bytes < sizeof(file_magic) ? size_bytes : sizeof(file_magic);
    if (size_bytes > 0 && memcmp(bytes, file_magic, shared) == 0)
        return header_check_sizes(bytes, size_bytes, error);
    error_set(error, ERROR_INPUT,
              size_bytes == 0 ? "the file is empty: not a Fettle snapshot" : "not a Fettle snapshot");
    return error_set_hint(error, "make one with: fettle snapshot TARGET -o FILE");
}

/* Unpacks piece by piece without keeping anything: is there as much content as the header says, neither more
 * nor less? Only then does unpacking take memory, so that neither a bomb nor a false size can. */
static bool
payload_measure(ZSTD_DCtx *context, const char *data, size_t size_bytes, size_t expected_bytes, Error *error)
{
    ZSTD_inBuffer input = {.src = data, .size = size_bytes};
    char chunk[65536];
    size_t total = 0;
    size_t left = 1;
    bool goes_on = true;
    while (goes_on && total <= expected_bytes) {
        ZSTD_outBuffer output = {.dst = chunk, .size = sizeof(chunk)};
        size_t before = input.pos;
        left = ZSTD_decompressStream(context, &output, &input);
        if (ZSTD_isError(left))
            return error_set(error, ERROR_DAMAGED, "the snapshot is damaged: it does not unpack (%s)",
                             ZSTD_getErrorName(left));
        total += output.pos;
        /* At a frame's end more frames may follow, as long as content is missing. */
        goes_on = left == 0 ? input.pos < input.size && total < expected_bytes
                            : output.pos > 0 || input.pos > before;
    }
    if (total > expected_bytes)
        return error_set(error, ERROR_DAMAGED,
                         "the snapshot is damaged: its content is larger than the %zu bytes it says",
                         expected_bytes);
    if (left != 0)
        return error_set(error, ERROR_DAMAGED,
                         "the snapshot is cut short: %zu of %zu bytes of its content are there", total,
                         expected_bytes);
    if (total < expected_bytes)
        return error_set(error, ERROR_DAMAGED,
                         "the snapshot is damaged or cut short: its content has %zu bytes and says %zu",
                         total, expected_bytes);
    return input.pos == input.size ||
           error_set(error, ERROR_DAMAGED, "the snapshot is damaged: %zu bytes follow its end",
                     input.size - input.pos);
}

static void
unpacker_free_at(ZSTD_DCtx **context)
{
    ZSTD_freeDCtx(*context);
}

static bool
payload_unpack(Arena *arena, const char *data, size_t size_bytes, size_t expected_bytes, char **ret_payload,
               Error *error)
{
    FETTLE_CLEANUP(unpacker_free_at) ZSTD_DCtx *context = ZSTD_createDCtx();
    fettle_assert(context != NULL);
    if (!payload_measure(context, data, size_bytes, expected_bytes, error))
        return damaged_hint(error);
    char *payload = arena_alloc(arena, expected_bytes);
    size_t size = ZSTD_decompressDCtx(context, payload, expected_bytes, data, size_bytes);
    if (ZSTD_isError(size) || size != expected_bytes) {
        error_set(error, ERROR_DAMAGED, "the snapshot is damaged: it does not unpack");
        return damaged_hint(error);
    }
    *ret_payload = payload;
    return true;
}

bool
snapshot_decode_bytes(Arena *arena, const void *data, size_t size_bytes, SnapshotSections **ret_sections,
                      Error *error)
{
    const unsigned char *bytes = data;
    if (!header_check(bytes, size_bytes, error))
        return false;
    const char *packed = (const char *)data + FILE_HEADER_BYTES;
    size_t packed_bytes = size_bytes - FILE_HEADER_BYTES;
    size_t length = (size_t)get_number(bytes + 12, 8);
    char *payload;
    if (!payload_unpack(arena, packed, packed_bytes, length, &payload, error))
        return false;
    if (file_checksum(payload, length, packed, packed_bytes, get_number(bytes + 10, 2)) !=
        get_number(bytes + 20, 8)) {
        error_set(error, ERROR_DAMAGED, "the snapshot is damaged: its checksum differs");
        return damaged_hint(error);
    }
    Payload reading = {.arena = arena, .data = payload, .length = length, .error = error};
    return get_sections(&reading, ret_sections) || (error->hint[0] == '\0' && damaged_hint(error));
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
