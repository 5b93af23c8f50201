// SPDX-License-Identifier: PostgreSQL
/* Scripts for a partitioned table of which a part of the index is there. */
#include "../memory_workload.h"

#include "advise/index/partition_script.h"
#include "base/text.h"

#include <string.h>

/* memory_shop with indexes on events and its partitions. */
static const Snapshot *
snapshot_with(Arena *arena, const char *indexes, const char *parents)
{
    const char *old_parents = "@parents id parent_id sequence\n4|3|1\n5|3|1\n";
    const char *at = strstr(memory_shop, old_parents);
    const char *old_indexes = strstr(memory_shop, "@indexes ");
    const char *rest = strstr(memory_shop, "@index_columns ");
    assert_true(at != NULL && old_indexes != NULL && rest != NULL);
    const char *text = arena_printf(
        arena,
        "%.*s%s%s%.*s@indexes id relation_id schema name method definition is_unique is_valid is_ready "
        "is_partitioned is_clustered\n%s%s",
        (int)(at - memory_shop), memory_shop, old_parents, parents,
        (int)(old_indexes - at - (ptrdiff_t)strlen(old_parents)), at + strlen(old_parents), indexes, rest);
    return memory_workload(arena, text, NULL, 0).context.snapshot;
}

static IndexScripts
scripts_of(Arena *arena, const Snapshot *snapshot)
{
    IndexScripts scripts;
    Candidate candidate = {.relation = snapshot_relation_named(snapshot, "public", "events"),
                           .keys = {{.attnum = 2}},
                           .key_count = 1};
    partition_scripts(arena, snapshot, &candidate, "new", map_new(arena), &scripts);
    return scripts;
}

#define OWN "21|5|public|own|btree|CREATE INDEX own ON public.events_2 USING btree (kind)|f|t|t|f|f\n"
#define WHOLE                                                                                                \
    "22|3|public|whole|btree|CREATE INDEX whole ON ONLY public.events USING btree (kind)|f|f|t|t|f\n"
#define PART "23|4|public|part|btree|CREATE INDEX part ON public.events_1 USING btree (kind)|f|t|t|f|f\n"

static void
an_index_of_a_partition_is_attached_and_made_anew_before_the_whole_is_dropped(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    IndexScripts scripts = scripts_of(arena, snapshot_with(arena, OWN, ""));
    assert_string_equal(scripts.create,
                        "CREATE INDEX new ON ONLY public.events USING btree (kind);\n"
                        "CREATE INDEX CONCURRENTLY events_1_kind_idx ON public.events_1 USING btree (kind);\n"
                        "ALTER INDEX public.new ATTACH PARTITION public.events_1_kind_idx;\n"
                        "ALTER INDEX public.new ATTACH PARTITION public.own;");
    assert_string_equal(scripts.undo, "CREATE INDEX CONCURRENTLY \"own_again_idx\" ON "
                                      "\"public\".\"events_2\" USING btree (kind);\n"
                                      "DROP INDEX public.new;\n"
                                      "ALTER INDEX public.own_again_idx RENAME TO own;");
    assert_string_equal(scripts.attached, "public.own");
    assert_null(scripts.completed);
}

static void
a_whole_that_lacks_parts_gets_them(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    IndexScripts scripts = scripts_of(arena, snapshot_with(arena, OWN WHOLE PART, "23|22|1\n"));
    assert_string_equal(scripts.create, "ALTER INDEX public.whole ATTACH PARTITION public.own;");
    assert_string_equal(scripts.completed, "public.whole");
    assert_string_equal(scripts.completed_name, "whole");
    assert_string_equal(scripts.undo, "CREATE INDEX CONCURRENTLY \"part_again_idx\" ON "
                                      "\"public\".\"events_1\" USING btree (kind);\n"
                                      "CREATE INDEX CONCURRENTLY \"own_again_idx\" ON "
                                      "\"public\".\"events_2\" USING btree (kind);\n"
                                      "DROP INDEX public.whole;\n"
                                      "ALTER INDEX public.part_again_idx RENAME TO part;\n"
                                      "CREATE INDEX whole ON ONLY public.events USING btree (kind);\n"
                                      "ALTER INDEX public.whole ATTACH PARTITION public.part;\n"
                                      "ALTER INDEX public.own_again_idx RENAME TO own;");
}

/* In a name of two-byte letters the cut is between two of them. */
static void
a_long_name_is_cut_at_a_character(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    Text name = text_new(arena);
    text_append(&name, "a");
    for (int i = 0; i < 31; i++)
        text_append(&name, "\xC3\xA4");
    IndexScripts scripts = scripts_of(
        arena, snapshot_with(arena,
                             arena_printf(arena,
                                          "21|5|public|%s|btree|CREATE INDEX \"%s\" ON public.events_2 USING "
                                          "btree (kind)|f|t|t|f|f\n",
                                          name.data, name.data),
                             ""));
    const char *copy = arena_printf(arena, "%.*s_again_idx", 1 + 2 * 26, name.data);
    assert_true(text_is_valid_utf8(scripts.undo, strlen(scripts.undo)));
    assert_non_null(strstr(scripts.undo, arena_printf(arena, "CREATE INDEX CONCURRENTLY \"%s\" ON", copy)));
}

/* Of another definition, not valid, a constraint's, a cluster's: none of them can be a part. */
static void
what_is_not_the_very_same_is_left_alone(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    static const char *const others[] = {
        "21|5|public|own|btree|CREATE INDEX own ON public.events_2 USING btree (kind DESC)|f|t|t|f|f\n",
        "21|5|public|own|btree|CREATE INDEX own ON public.events_2 USING btree (kind) WHERE (day > "
        "1)|f|t|t|f|f\n",
        "21|5|public|own|btree|CREATE INDEX own ON public.events_2 USING btree (kind) INCLUDE "
        "(day)|f|t|t|f|f\n",
        "21|5|public|own|btree|CREATE UNIQUE INDEX own ON public.events_2 USING btree (kind)|t|t|t|f|f\n",
        "21|5|public|own|btree|CREATE INDEX own ON public.events_2 USING btree (kind) WITH "
        "(fillfactor='50')|f|t|t|f|f\n",
        "21|5|public|own|hash|CREATE INDEX own ON public.events_2 USING hash (kind)|f|t|t|f|f\n",
        "21|5|public|own|btree|CREATE INDEX own ON public.events_2 USING btree (kind)|f|t|t|f|t\n",
        "21|5|public|own|btree|CREATE INDEX own ON public.events_2 USING btree (kind)|f|f|t|f|f\n"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(others); i++) {
        IndexScripts scripts = scripts_of(arena, snapshot_with(arena, others[i], ""));
        assert_non_null(strstr(scripts.create, "CREATE INDEX CONCURRENTLY events_2_kind_idx"));
        assert_string_equal(scripts.undo, "DROP INDEX public.new;");
    }
}

/* One with an invalid part, or that lacks nothing and is not valid, cannot be completed. */
static void
a_whole_that_cannot_be_completed_is_left_alone(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    static const char *const parts[][2] = {
        {WHOLE "23|4|public|part|btree|CREATE INDEX part ON public.events_1 USING btree (kind)|f|f|t|f|f\n",
         "23|22|1\n"},
        {WHOLE "23|4|public|part|btree|CREATE INDEX part ON public.events_1 USING btree (kind)|f|t|t|f|t\n",
         "23|22|1\n"},
        {WHOLE PART OWN, "23|22|1\n21|22|1\n"}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(parts); i++) {
        IndexScripts scripts = scripts_of(arena, snapshot_with(arena, parts[i][0], parts[i][1]));
        assert_non_null(strstr(scripts.create, "CREATE INDEX new ON ONLY public.events"));
        assert_non_null(strstr(scripts.create, "events_1_kind_idx ON public.events_1"));
        assert_string_equal(scripts.undo, "DROP INDEX public.new;");
        assert_true(scripts.completed == NULL && scripts.attached == NULL);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_of_a_partition_is_attached_and_made_anew_before_the_whole_is_dropped),
        cmocka_unit_test(a_whole_that_lacks_parts_gets_them),
        cmocka_unit_test(a_long_name_is_cut_at_a_character),
        cmocka_unit_test(what_is_not_the_very_same_is_left_alone),
        cmocka_unit_test(a_whole_that_cannot_be_completed_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
