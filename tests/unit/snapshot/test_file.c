// SPDX-License-Identifier: PostgreSQL
#include "memory_sections.h"

#include "base/file.h"
#include "base/hash.h"
#include "snapshot/file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define HEADER_BYTES 28

static Arena *
test_arena(void **state)
{
    return *state;
}

static int
arena_setup(void **state)
{
    *state = arena_new("test", (size_t)1 << 30);
    return 0;
}

static int
arena_teardown(void **state)
{
    arena_free(*state);
    return 0;
}

typedef struct Bytes {
    char *data;
    size_t size;
} Bytes;

static Bytes
encoded(Arena *arena, const SnapshotSections *sections)
{
    Bytes bytes = {0};
    Error error = {0};
    if (!snapshot_encode(arena, sections, &bytes.data, &bytes.size, &error))
        fail_msg("%s", error.message);
    return bytes;
}

static void
number_put(char *data, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        data[i] = (char)(value >> (8 * i));
}

/* A whole file with any content, right in all that surrounds it. */
static Bytes
file_of_payload(Arena *arena, const char *payload, size_t length, unsigned minor)
{
    size_t room = ZSTD_compressBound(length);
    Bytes bytes = {.data = arena_alloc(arena, HEADER_BYTES + room)};
    size_t size = ZSTD_compress(bytes.data + HEADER_BYTES, room, payload, length, 3);
    memcpy(bytes.data, "FETTLESN", 8);
    number_put(bytes.data + 8, 1, 2);
    number_put(bytes.data + 10, minor, 2);
    number_put(bytes.data + 12, length, 8);
    uint64_t seed = hash_bytes(bytes.data + HEADER_BYTES, size, minor);
    number_put(bytes.data + 20, hash_bytes(payload, length, seed), 8);
    bytes.size = HEADER_BYTES + size;
    return bytes;
}

static Error
refusal(Bytes bytes)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("refused", (size_t)256 << 20);
    Error error = {0};
    SnapshotSections *untouched = (SnapshotSections *)&error;
    if (snapshot_decode_bytes(arena, bytes.data, bytes.size, &untouched, &error))
        fail_msg("a bad file was read");
    assert_ptr_equal(untouched, &error);
    assert_int_not_equal(error.code, ERROR_NONE);
    assert_true(error.message[0] != '\0' && error.hint[0] != '\0');
    return error;
}

static void
assert_refused(Bytes bytes, ErrorCode code, const char *words)
{
    Error error = refusal(bytes);
    assert_int_equal(error.code, code);
    if (strstr(error.message, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.message, words);
}

static void
what_is_written_is_read_again(void **state)
{
    SnapshotSections *sections = memory_sections(test_arena(state), memory_sections_shop());
    Bytes bytes = encoded(test_arena(state), sections);
    SnapshotSections *again = NULL;
    Error error = {0};
    assert_true(snapshot_decode_bytes(test_arena(state), bytes.data, bytes.size, &again, &error));
    assert_true(snapshot_sections_equal(sections, again));
}

static void
the_same_sections_give_the_same_bytes(void **state)
{
    Bytes one = encoded(test_arena(state), memory_sections(test_arena(state), memory_sections_shop()));
    Bytes other = encoded(test_arena(state), memory_sections(test_arena(state), memory_sections_shop()));
    assert_int_equal(one.size, other.size);
    assert_memory_equal(one.data, other.data, one.size);
    assert_memory_equal(one.data, "FETTLESN\1\0\0\0", 12);
}

static void
what_is_no_snapshot_is_called_so(void **state)
{
    (void)state;
    assert_refused((Bytes){(char *)"", 0}, ERROR_INPUT, "empty");
    assert_refused((Bytes){(char *)"PGDMP and more of a dump", 24}, ERROR_INPUT, "not a Fettle snapshot");
    assert_refused((Bytes){(char *)"FETTLE", 6}, ERROR_DAMAGED, "cut short");
}

static void
a_newer_format_asks_for_an_upgrade_and_a_newer_minor_is_read(void **state)
{
    Bytes bytes = encoded(test_arena(state), memory_sections(test_arena(state), "@meta key value\na|b\n"));
    number_put(bytes.data + 8, 2, 2);
    assert_refused(bytes, ERROR_UNSUPPORTED, "format 2");
    assert_non_null(strstr(refusal(bytes).hint, "newer Fettle: upgrade"));
    number_put(bytes.data + 8, 0, 2);
    assert_refused(bytes, ERROR_DAMAGED, "format 0");
    number_put(bytes.data + 8, 1, 2);

    static const char payload[] = {0};
    Bytes newer = file_of_payload(test_arena(state), payload, sizeof(payload), 7);
    SnapshotSections *sections = NULL;
    Error error = {0};
    assert_true(snapshot_decode_bytes(test_arena(state), newer.data, newer.size, &sections, &error));
    assert_int_equal(sections->count, 0);
    number_put(newer.data + 10, 8, 2);
    assert_refused(newer, ERROR_DAMAGED, "checksum");
}

static void
a_cut_a_changed_byte_and_bytes_too_many_have_words_of_their_own(void **state)
{
    Arena *arena = test_arena(state);
    Bytes bytes = encoded(arena, memory_sections(arena, memory_sections_shop()));
    assert_refused((Bytes){bytes.data, bytes.size - 1}, ERROR_DAMAGED, "cut short");
    assert_refused((Bytes){bytes.data, HEADER_BYTES}, ERROR_DAMAGED, "cut short");
    assert_refused((Bytes){bytes.data, HEADER_BYTES - 1}, ERROR_DAMAGED, "cut short");
    Bytes longer = {arena_alloc(arena, bytes.size + 3), bytes.size + 3};
    memcpy(longer.data, bytes.data, bytes.size);
    assert_refused(longer, ERROR_DAMAGED, "3 bytes follow its end");
    bytes.data[20] ^= 1;
    assert_refused(bytes, ERROR_DAMAGED, "checksum differs");
    bytes.data[20] ^= 1;
    bytes.data[12] ^= 1;
    assert_refused(bytes, ERROR_DAMAGED, "content");
    bytes.data[12] ^= 1;
    bytes.data[HEADER_BYTES] ^= 1;
    assert_refused(bytes, ERROR_DAMAGED, "does not unpack");
}

static void
a_bomb_is_refused_before_it_takes_memory(void **state)
{
    /* 200 MB of zeros in a few kB; the refusing arena has room for 256 MB. */
    Arena *arena = test_arena(state);
    size_t length = (size_t)200 << 20;
    char *zeros = calloc(1, length);
    assert_non_null(zeros);
    Bytes bomb = file_of_payload(arena, zeros, length, 0);
    free(zeros);
    assert_true(bomb.size < 64 * 1024);
    number_put(bomb.data + 12, 1000, 8);
    assert_refused(bomb, ERROR_DAMAGED, "larger than the 1000 bytes it says");
    number_put(bomb.data + 12, SNAPSHOT_FILE_BYTES_MOST, 8);
    assert_refused(bomb, ERROR_DAMAGED, "says");
    number_put(bomb.data + 12, (uint64_t)SNAPSHOT_FILE_BYTES_MOST + 1, 8);
    assert_refused(bomb, ERROR_LIMIT, "too large");
    number_put(bomb.data + 12, UINT64_MAX, 8);
    assert_refused(bomb, ERROR_LIMIT, "too large");
}

static void
content_that_contradicts_itself_is_refused(void **state)
{
    static const struct {
        const char *payload;
        size_t length;
        const char *words;
    } cases[] = {
        {"", 0, "ends too early"},
        {"\x01", 1, "ends too early"},
        {"\x41", 1, "out of range"}, /* 65 sections */
        {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 10, "no end"},
        {"\x01\x00\x00\x00", 4, "name is missing"},
        {"\x01\x01\x00\x00", 4, "section without a name"},
        {"\x01\x02s\x00\x05", 5, "rows without columns"},
        {"\x01\x02s\x01\x7f\x02k", 7, "more rows"},
        {"\x01\x02s\x41\x00", 5, "out of range"},             /* 65 columns */
        {"\x01\x02s\x01\x80\xAD\xE2\x04", 8, "out of range"}, /* 10,000,000 rows */
        {"\x01\x02s\x01\x01\x02k\x09\x61", 9, "longer than the content"},
        {"\x01\x02s\x01\x01\x02k\x03\xC3\x28", 10, "not UTF-8"},
        {"\x01\x02s\x01\x01\x02k\x03\xC0\x80", 10, "not UTF-8"},     /* NUL, too long a form */
        {"\x01\x02s\x01\x01\x02k\x04\xED\xA0\x80", 11, "not UTF-8"}, /* half a surrogate pair */
        {"\x01\x02s\x01\x01\x02k\x02\x00", 9, "not UTF-8"},
        {"\x01\x02s\x02\x00\x02k\x02k", 9, "column stands twice"},
        {"\x02\x02s\x00\x00\x02s\x00\x00", 9, "section stands twice"},
        {"\x00\x00", 2, "left over"},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++)
        assert_refused(file_of_payload(test_arena(state), cases[i].payload, cases[i].length, 0),
                       ERROR_DAMAGED, cases[i].words);
}

static void
what_could_not_be_read_is_not_written(void **state)
{
    Arena *arena = test_arena(state);
    char *data = NULL;
    size_t size = 0;
    Error error = {0};
    SnapshotSections *bad = memory_sections(arena, "@s k\nx\n");
    bad->items[0].values[0] = "\xFF";
    assert_false(snapshot_encode(arena, bad, &data, &size, &error));
    assert_non_null(strstr(error.message, "not UTF-8"));
    bad = memory_sections(arena, "@s k\nx\n@s k\n");
    assert_false(snapshot_encode(arena, bad, &data, &size, &error));
    assert_non_null(strstr(error.message, "twice"));
    bad = memory_sections(arena, "@s k\nx\n");
    bad->items[0].row_count = (size_t)SNAPSHOT_ROWS_MOST + 1;
    assert_false(snapshot_encode(arena, bad, &data, &size, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_null(data);
}

static void
the_longest_text_is_written_and_read_and_one_byte_more_is_refused(void **state)
{
    Arena *arena = test_arena(state);
    char *longest = arena_alloc(arena, (size_t)SNAPSHOT_TEXT_BYTES_MOST + 2);
    memset(longest, 'x', SNAPSHOT_TEXT_BYTES_MOST);
    SnapshotSections *sections = memory_sections(arena, "@s k\nx\n");
    sections->items[0].values[0] = longest;
    Bytes bytes = encoded(arena, sections);
    SnapshotSections *again = NULL;
    Error error = {0};
    assert_true(snapshot_decode_bytes(arena, bytes.data, bytes.size, &again, &error));
    assert_true(snapshot_sections_equal(sections, again));
    longest[SNAPSHOT_TEXT_BYTES_MOST] = 'x';
    assert_false(snapshot_encode(arena, sections, &bytes.data, &bytes.size, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
}

static void
a_file_is_private_and_gives_the_same_snapshot(void **state)
{
    Arena *arena = test_arena(state);
    char directory[] = "/tmp/fettle-test-XXXXXX";
    assert_non_null(mkdtemp(directory));
    const char *path = path_join(arena, directory, "shop.fettle");
    SnapshotSections *sections = memory_sections(arena, memory_sections_shop());
    Error error = {0};
    assert_true(snapshot_file_write(sections, path, &error));
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_true(snapshot_file_looks_like(path));
    const Snapshot *snapshot = NULL;
    assert_true(snapshot_file_read(arena, path, &snapshot, &error));
    assert_true(snapshot_sections_equal(sections, snapshot->sections));
    assert_int_equal(snapshot->relation_count, 4);

    const char *other = path_join(arena, directory, "other");
    assert_true(file_write_atomic(other, "FETT", 4, 0600, &error));
    assert_false(snapshot_file_looks_like(other));
    assert_false(snapshot_file_read(arena, other, &snapshot, &error));
    assert_non_null(strstr(error.message, "other"));
    assert_non_null(strstr(error.message, "cut short"));
    assert_false(snapshot_file_looks_like(path_join(arena, directory, "missing")));
    assert_false(snapshot_file_read(arena, path_join(arena, directory, "missing"), &snapshot, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_true(directory_remove(directory, &error));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(the_same_sections_give_the_same_bytes),
        cmocka_unit_test(what_is_no_snapshot_is_called_so),
        cmocka_unit_test(a_newer_format_asks_for_an_upgrade_and_a_newer_minor_is_read),
        cmocka_unit_test(a_cut_a_changed_byte_and_bytes_too_many_have_words_of_their_own),
        cmocka_unit_test(a_bomb_is_refused_before_it_takes_memory),
        cmocka_unit_test(content_that_contradicts_itself_is_refused),
        cmocka_unit_test(what_could_not_be_read_is_not_written),
        cmocka_unit_test(the_longest_text_is_written_and_read_and_one_byte_more_is_refused),
        cmocka_unit_test(a_file_is_private_and_gives_the_same_snapshot),
    };
    return cmocka_run_group_tests(tests, arena_setup, arena_teardown);
}
