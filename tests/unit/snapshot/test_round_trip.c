// SPDX-License-Identifier: PostgreSQL
/* Any sections come back as they were; any damage to a file is seen. */
#include "memory_sections.h"

#include "snapshot/file.h"

#include <string.h>

#define ROUNDS 300

static void
any_sections_come_back_as_they_were(void **state)
{
    (void)state;
    Random random = random_new(20260220);
    for (int round = 0; round < ROUNDS; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("round trip", (size_t)64 << 20);
        SnapshotSections *sections = memory_sections_random(arena, &random);
        SnapshotSections *again = NULL;
        char *data = NULL;
        char *data_again = NULL;
        size_t size = 0;
        size_t size_again = 0;
        Error error = {0};
        if (!snapshot_encode(arena, sections, &data, &size, &error) ||
            !snapshot_decode_bytes(arena, data, size, &again, &error) ||
            !snapshot_encode(arena, again, &data_again, &size_again, &error))
            fail_msg("round %d: %s", round, error.message);
        assert_true(snapshot_sections_equal(sections, again));
        assert_int_equal(size, size_again);
        assert_memory_equal(data, data_again, size);
    }
}

/* Refused, with words that a user understands and something to do about it. */
static void
assert_refused(const char *data, size_t size, const char *what, size_t at)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("refused", (size_t)64 << 20);
    SnapshotSections *sections = NULL;
    Error error = {0};
    if (snapshot_decode_bytes(arena, data, size, &sections, &error))
        fail_msg("%s %zu was not seen", what, at);
    assert_null(sections);
    assert_true(strstr(error.message, "snapshot") != NULL && error.hint[0] != '\0');
}

static const char *
small_file(Arena *arena, size_t *ret_size)
{
    char *data = NULL;
    Error error = {0};
    SnapshotSections *sections = memory_sections(arena, memory_sections_shop());
    assert_true(snapshot_encode(arena, sections, &data, ret_size, &error));
    return data;
}

static void
every_cut_is_seen(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("cuts", (size_t)64 << 20);
    size_t size;
    const char *data = small_file(arena, &size);
    for (size_t length = 0; length < size; length++) {
        /* A copy of that length, so that a read past its end is one past an allocation. */
        FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("cut", 1 << 20);
        assert_refused(arena_memdup(scratch, data, length), length, "the cut at byte", length);
    }
}

static void
every_changed_bit_is_seen(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("changes", (size_t)64 << 20);
    size_t size;
    const char *data = small_file(arena, &size);
    char *changed = arena_memdup(arena, data, size);
    for (size_t at = 0; at < size; at++)
        for (unsigned change = 1; change < 256; change *= 2) {
            changed[at] = (char)((unsigned char)data[at] ^ change);
            assert_refused(changed, size, "the change of byte", at);
            changed[at] = data[at];
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_sections_come_back_as_they_were),
        cmocka_unit_test(every_cut_is_seen),
        cmocka_unit_test(every_changed_bit_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
