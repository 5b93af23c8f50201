// SPDX-License-Identifier: PostgreSQL
#include "../death.h"
#include "memory_sections.h"

#include <string.h>

static void
sections_and_columns_are_found_by_name(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const SnapshotSections *sections = memory_sections(arena, "@a x y\n1|2\n\\N|\n@empty z\n");
    const SnapshotSection *section = snapshot_section_find(sections, "a");
    assert_ptr_equal(section, &sections->items[0]);
    assert_null(snapshot_section_find(sections, "b"));
    assert_null(snapshot_section_find(sections, ""));
    assert_int_equal(snapshot_section_column(section, "x"), 0);
    assert_int_equal(snapshot_section_column(section, "y"), 1);
    assert_int_equal(snapshot_section_column(section, "z"), -1);
    assert_int_equal(snapshot_section_column(NULL, "x"), -1);
    assert_string_equal(snapshot_section_value(section, 0, 1), "2");
    assert_null(snapshot_section_value(section, 1, 0));
    assert_string_equal(snapshot_section_value(section, 1, 1), "");
    assert_null(snapshot_section_value(section, 0, -1));
    assert_int_equal(snapshot_section_find(sections, "empty")->row_count, 0);
}

static void
value_beyond_the_rows(void *section)
{
    (void)snapshot_section_value(section, 2, 0);
}

static void
value_beyond_the_columns(void *section)
{
    (void)snapshot_section_value(section, 0, 2);
}

static void
value_of_nothing(void *ignored)
{
    (void)ignored;
    (void)snapshot_section_value(NULL, 0, 0);
}

static void
what_is_beyond_a_section_is_a_bug(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    SnapshotSections *sections = memory_sections(arena, "@a x y\n1|2\n3|4\n");
    assert_dies(value_beyond_the_rows, sections->items, "row < section->row_count");
    assert_dies(value_beyond_the_columns, sections->items, "column_count");
    assert_dies(value_of_nothing, NULL, "section != NULL");
}

/* Each text differs from the first in one thing. */
static void
any_difference_ends_equality_and_changes_the_hash(void **state)
{
    (void)state;
    static const char *const texts[] = {"@a x y\n1|2\n3|4\n",   "@b x y\n1|2\n3|4\n", "@a x z\n1|2\n3|4\n",
                                        "@a x y\n1|2\n3|5\n",   "@a x y\n3|4\n1|2\n", "@a x y\n1|2\n",
                                        "@a x y\n1|2\n3|\\N\n", "@a x y\n1|2\n3|\n",  "@a x\n1\n2\n3\n4\n",
                                        "@a x y\n2|1\n3|4\n",   "@a x y 1\n"};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    for (size_t i = 0; i < FETTLE_COUNT_OF(texts); i++)
        for (size_t k = 0; k < FETTLE_COUNT_OF(texts); k++) {
            const SnapshotSections *a = memory_sections(arena, texts[i]);
            const SnapshotSections *b = memory_sections(arena, texts[k]);
            assert_int_equal(snapshot_sections_equal(a, b), i == k);
            assert_int_equal(snapshot_section_hash(a->items) == snapshot_section_hash(b->items), i == k);
        }
    const SnapshotSections *one = memory_sections(arena, "@a x\n1\n");
    const SnapshotSections *two = memory_sections(arena, "@a x\n1\n@b y\n");
    assert_false(snapshot_sections_equal(one, two) || snapshot_sections_equal(two, one));
}

static void
random_sections_equal_themselves_only(void **state)
{
    (void)state;
    Random random = random_new(31);
    for (int round = 0; round < 50; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        Random same = random;
        const SnapshotSections *a = memory_sections_random(arena, &random);
        const SnapshotSections *b = memory_sections_random(arena, &same);
        assert_true(snapshot_sections_equal(a, b));
        for (size_t i = 0; i < a->count; i++)
            assert_true(snapshot_section_hash(&a->items[i]) == snapshot_section_hash(&b->items[i]));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_and_columns_are_found_by_name),
        cmocka_unit_test(what_is_beyond_a_section_is_a_bug),
        cmocka_unit_test(any_difference_ends_equality_and_changes_the_hash),
        cmocka_unit_test(random_sections_equal_themselves_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
