// SPDX-License-Identifier: PostgreSQL
#include "base/file.h"
#include "whatif/sparse_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct Place {
    Arena *arena;
    char directory[64];
    SparseFile file;
} Place;

static int
setup(void **state)
{
    Arena *arena = arena_new("sparse file", 1 << 20);
    Place *place = ARENA_NEW(arena, Place);
    Error error = {0};
    *place = (Place){.arena = arena, .directory = "/tmp/fettle-sparse-XXXXXX"};
    if (mkdtemp(place->directory) == NULL)
        return 1;
    place->file = (SparseFile){.pgdata = place->directory, .database = 5, .filenode = 77};
    *state = place;
    return !directory_make(arena_printf(arena, "%s/base/5", place->directory), 0700, &error) ||
           !file_write_atomic(arena_printf(arena, "%s/base/5/77", place->directory), "", 0, 0600, &error);
}

static int
teardown(void **state)
{
    Place *place = *state;
    Error error = {0};
    bool removed = directory_remove(place->directory, &error);
    arena_free(place->arena);
    return !removed;
}

static int64_t
segment_bytes(const Place *place, int segment)
{
    struct stat status;
    const char *suffix = segment == 0 ? "" : arena_printf(place->arena, ".%d", segment);
    const char *path = arena_printf(place->arena, "%s/base/5/77%s", place->directory, suffix);
    return stat(path, &status) == 0 ? status.st_size : -1;
}

static void
assert_blocks(const Place *place, int64_t blocks)
{
    Error error = {0};
    int64_t found = -1;
    assert_true(sparse_file_set_blocks(&place->file, blocks, &error));
    assert_true(sparse_file_blocks(&place->file, &found, &error));
    assert_int_equal(found, blocks);
}

static void
a_relation_has_the_length_that_it_is_given(void **state)
{
    const Place *place = *state;
    static const int64_t lengths[] = {0, 1, 131071, 131072, 131073, 400000, 262144, 5, 0, 700000, 131072};
    for (size_t i = 0; i < FETTLE_COUNT_OF(lengths); i++)
        assert_blocks(place, lengths[i]);
}

static void
all_segments_but_the_last_are_full(void **state)
{
    const Place *place = *state;
    assert_blocks(place, 2 * SPARSE_SEGMENT_BLOCKS + 3);
    assert_int_equal(segment_bytes(place, 0), INT64_C(1) << 30);
    assert_int_equal(segment_bytes(place, 1), INT64_C(1) << 30);
    assert_int_equal(segment_bytes(place, 2), 3 * 8192);
    assert_blocks(place, SPARSE_SEGMENT_BLOCKS);
    assert_int_equal(segment_bytes(place, 1), -1);
}

static void
holes_take_no_room(void **state)
{
    const Place *place = *state;
    assert_blocks(place, 3 * SPARSE_SEGMENT_BLOCKS);
    assert_in_range(sparse_disk_bytes(place->directory, 5), 0, 1 << 20);
}

static void
what_is_no_index_is_not_given_a_height(void **state)
{
    const Place *place = *state;
    Error error = {0};
    assert_blocks(place, 4);
    assert_false(sparse_file_raise_btree(&place->file, 1, &error));
    assert_int_equal(error.code, ERROR_CLUSTER);
    assert_int_equal(segment_bytes(place, 0), 4 * 8192);
}

static void
a_missing_file_is_an_error_and_is_not_made(void **state)
{
    Place *place = *state;
    Error error = {0};
    place->file.filenode = 78;
    assert_false(sparse_file_set_blocks(&place->file, 4, &error));
    assert_false(file_exists(arena_printf(place->arena, "%s/base/5/78", place->directory)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_relation_has_the_length_that_it_is_given, setup, teardown),
        cmocka_unit_test_setup_teardown(all_segments_but_the_last_are_full, setup, teardown),
        cmocka_unit_test_setup_teardown(holes_take_no_room, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_index_is_not_given_a_height, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_file_is_an_error_and_is_not_made, setup, teardown)};
    return cmocka_run_group_tests_name("whatif sparse_file", tests, NULL, NULL);
}
