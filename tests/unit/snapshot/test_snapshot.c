// SPDX-License-Identifier: PostgreSQL
/*
 * The typed view: decoding what contradicts itself, and finding things in what does not.
 */
#include "../death.h"
#include "memory_sections.h"

#include "base/text.h"
#include "snapshot/snapshot.h"

#include <math.h>
#include <string.h>

#define META "@meta key value\nserver_version_num|150004\n"

static const Snapshot *
decoded(Arena *arena, const char *text)
{
    const Snapshot *snapshot = NULL;
    Error error = {0};
    if (!snapshot_decode(arena, memory_sections(arena, text), &snapshot, &error))
        fail_msg("%s", error.message);
    return snapshot;
}

static void
slots_and_gaps_are_found(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    const Snapshot *shop = decoded(arena, memory_sections_shop());
    const SnapshotRelation *orders = snapshot_relation(shop, 16401);
    assert_string_equal(snapshot_column_slot(orders, 3, SNAPSHOT_KIND_COMMON_VALUES)->values,
                        "{secret-mcv,b}");
    assert_string_equal(snapshot_column_slot(orders, 3, SNAPSHOT_KIND_CORRELATION)->numbers, "{0.5}");
    assert_null(snapshot_column_slot(orders, 4, SNAPSHOT_KIND_COMMON_VALUES));
    assert_null(snapshot_column_slot(orders, 99, SNAPSHOT_KIND_COMMON_VALUES));
    assert_ptr_equal(snapshot_gap(shop, shop->gaps[0].subject), &shop->gaps[0]);
    assert_null(snapshot_gap(shop, "nosuch"));
}

static void
relations_indexes_and_columns_are_found(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    const Snapshot *shop = decoded(arena, memory_sections_shop());
    const SnapshotRelation *orders = snapshot_relation(shop, 16401);
    assert_string_equal(orders->name, "orders");
    assert_ptr_equal(snapshot_relation_named(shop, "sales", "orders"), orders);
    assert_int_equal(snapshot_relation_named(shop, "public", "orders")->id, 16404);
    assert_null(snapshot_relation_named(shop, "sales", "Orders"));
    assert_null(snapshot_relation_named(shop, "", "orders"));
    assert_null(snapshot_relation(shop, 1));
    assert_string_equal(snapshot_index(shop, 16410)->name, "orders_pkey");
    assert_null(snapshot_index(shop, 16401));
    assert_string_equal(snapshot_column(orders, 3)->name, "status");
    static const int no_attnums[] = {INT32_MIN, -1, 0, 2 /* dropped */, 5, INT32_MAX};
    for (size_t i = 0; i < FETTLE_COUNT_OF(no_attnums); i++)
        assert_null(snapshot_column(orders, no_attnums[i]));
    assert_int_equal(snapshot_column_named(orders, "total")->attnum, 4);
    assert_null(snapshot_column_named(orders, "........pg.dropped.2........"));
    assert_null(snapshot_column_named(orders, "nosuch"));
    FETTLE_CLEANUP(arena_free_at) Arena *long_name = arena_new("test", (size_t)4 << 20);
    assert_null(snapshot_relation_named(shop, "sales", arena_printf(long_name, "%*s", 2000000, "x")));
}

static void
a_partition_overlaps_its_ancestors_and_not_its_siblings(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const Snapshot *snapshot =
        decoded(arena, META "@relations id schema name kind\n1|s|whole|p\n2|s|year|p\n3|s|month|r\n"
                            "4|s|other|r\n5|s|apart|r\n"
                            "@parents id parent_id sequence\n2|1|1\n3|2|1\n4|1|1\n");
    assert_true(snapshot_relations_overlap(snapshot, 1, 3) && snapshot_relations_overlap(snapshot, 3, 1));
    assert_true(snapshot_relations_overlap(snapshot, 5, 5) && snapshot_relations_overlap(snapshot, 9, 9));
    assert_false(snapshot_relations_overlap(snapshot, 3, 4) || snapshot_relations_overlap(snapshot, 1, 5));
    assert_false(snapshot_relations_overlap(snapshot, 9, 1));
    assert_true(snapshot->has_parts);
    assert_false(decoded(arena, META "@relations id schema name kind\n1|s|whole|p\n")->has_parts);
}

static void
a_dot_within_a_name_does_not_make_two_names_one(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const Snapshot *snapshot = decoded(arena, META "@relations id schema name kind\n1|a|b.c|r\n2|a.b|c|r\n");
    assert_int_equal(snapshot_relation_named(snapshot, "a", "b.c")->id, 1);
    assert_int_equal(snapshot_relation_named(snapshot, "a.b", "c")->id, 2);
    assert_null(snapshot_relation_named(snapshot, "a.b.c", ""));
}

static void
own_statistics_are_preferred_to_those_of_the_tree(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const Snapshot *snapshot = decoded(
        arena, META "@relations id schema name kind\n1|a|b|r\n"
                    "@columns relation_id attnum name type_name\n1|1|x|integer\n1|2|y|integer\n1|3|z|text\n"
                    "@statistics relation_id attnum is_inherited null_fraction n_distinct\n"
                    "1|1|t|0.5|7\n1|1|f|0.25|-1\n1|2|t|bad|\\N\n");
    const SnapshotRelation *relation = snapshot_relation(snapshot, 1);
    assert_true(snapshot_column_statistics(relation, 1)->null_fraction == 0.25);
    assert_true(snapshot_column_statistics(relation, 2)->is_inherited);
    assert_true(snapshot_column_statistics(relation, 2)->null_fraction == 0);
    assert_null(snapshot_column_statistics(relation, 3));
    assert_null(snapshot_column_statistics(relation, -1));
}

static void
a_setting_is_that_of_the_application_role_in_postgresqls_order(void **state)
{
    (void)state;
    static const struct {
        const char *rows;
        const char *value;
    } cases[] = {{"", "4096"},
                 {"\\N|\\N|work_mem|all\n", "all"},
                 {"\\N|\\N|work_mem|all\n\\N|shop|work_mem|database\n", "database"},
                 {"app|\\N|work_mem|role\n\\N|shop|work_mem|database\n", "role"},
                 {"app|shop|work_mem|both\napp|\\N|work_mem|role\n\\N|shop|work_mem|database\n", "both"},
                 {"other|shop|work_mem|foreign\n", "4096"},
                 {"app|shop|work_memory|foreign\n", "4096"}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        const char *text =
            arena_printf(arena,
                         META "@reading key value\napplication_role|app\n@settings name value\n"
                              "work_mem|4096\n@role_settings role database name value\n%s",
                         cases[i].rows);
        const Snapshot *snapshot = decoded(arena, text);
        assert_string_equal(snapshot_effective_setting(snapshot, "work_mem"), cases[i].value);
        assert_string_equal(snapshot_setting(snapshot, "work_mem")->value, "4096");
        assert_null(snapshot_setting(snapshot, "nosuch"));
        assert_null(snapshot_effective_setting(snapshot, "nosuch"));
        assert_string_equal(snapshot->search_path, "\"$user\", public");
    }
}

static void
rights_have_words(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    for (int rights = SNAPSHOT_RIGHTS_CATALOG; rights <= SNAPSHOT_RIGHTS_FULL; rights++) {
        const char *word = snapshot_rights_word((SnapshotRights)rights);
        const Snapshot *snapshot =
            decoded(arena, arena_printf(arena, META "@reading key value\nrights|%s\n", word));
        assert_int_equal(snapshot->rights, rights);
    }
    assert_int_equal(decoded(arena, META "@reading key value\nrights|all\n")->rights,
                     SNAPSHOT_RIGHTS_CATALOG);
}

static void
no_such_rights(void *ignored)
{
    (void)ignored;
    (void)snapshot_rights_word((SnapshotRights)(SNAPSHOT_RIGHTS_FULL + 1));
}

static void
rights_that_are_none_are_a_bug(void **state)
{
    (void)state;
    assert_dies(no_such_rights, NULL, "rights");
}

#define TABLE "@relations id schema name kind\n1|a|b|r\n2|a|c|r\n"
#define COLUMNS "@columns relation_id attnum name type_name\n"
#define INDEXES "@indexes id relation_id name method\n"

static void
what_contradicts_itself_is_refused_with_its_row(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"@meta key value\n", "does not say its server's version"},
        {"@meta key value\nserver_version_num|x\n", "does not say its server's version"},
        {"@meta key value\nserver_version_num|99999999999\n", "does not say its server's version"},
        {META "@relations id schema name kind\n0|a|b|r\n", "section relations, row 1: a relation without"},
        {META "@relations id schema name kind\nx|a|b|r\n", "section relations, row 1"},
        {META "@relations id schema name kind\n4294967296|a|b|r\n", "section relations, row 1"},
        {META "@relations id schema name kind\n1|a||r\n", "section relations, row 1"},
        {META "@relations id schema name kind\n1|a|b|r\n1|a|c|r\n", "section relations, row 2"},
        {META TABLE COLUMNS "1|2|x|integer\n", "section columns, row 1: columns are not in order"},
        {META TABLE COLUMNS "1|1|x|integer\n1|1|y|integer\n", "section columns, row 2"},
        {META TABLE COLUMNS "1|0|x|integer\n", "section columns, row 1"},
        {META TABLE COLUMNS "1|1|x|integer\n2|1|y|integer\n1|2|z|integer\n",
         "row 3: columns of a relation are not together"},
        {META TABLE COLUMNS "1|1|x|\\N\n", "a column without a type"},
        {META TABLE INDEXES "0|1|i|btree\n", "section indexes, row 1"},
        {META TABLE INDEXES "5|1|i|btree\n5|1|j|btree\n", "section indexes, row 2"},
        {META TABLE COLUMNS "1|1|x|integer\n" INDEXES "5|1|i|btree\n@index_columns id attnum\n5|2\n",
         "does not have"},
        {META TABLE COLUMNS "1|1|x|integer\n" INDEXES
                            "5|1|i|btree\n@index_columns id attnum\n5|-4294967000\n",
         "does not have"},
        {META TABLE COLUMNS "1|1|x|integer\n" INDEXES
                            "5|1|i|btree\n6|1|j|btree\n@index_columns id attnum\n5|1\n6|1\n5|1\n",
         "section index_columns, row 3"}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        const Snapshot *snapshot = NULL;
        Error error = {0};
        assert_false(snapshot_decode(arena, memory_sections(arena, cases[i].text), &snapshot, &error));
        assert_null(snapshot);
        assert_int_equal(error.code, ERROR_DAMAGED);
        if (strstr(error.message, cases[i].words) == NULL)
            fail_msg("%s: not %s", error.message, cases[i].words);
    }
}

static void
what_hangs_on_nothing_is_left_out(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const Snapshot *snapshot = decoded(
        arena, META TABLE COLUMNS
        "9|5|x|integer\n" INDEXES "5|9|i|btree\n@index_columns id attnum\n7|1\n"
        "@constraints id relation_id name type "
        "columns\n3|9|k|p|{1}\n4|1|k|p|{1,bad,0,-1,99999,2}\n5|1|l|c|broken\n"
        "@sizes id size_blocks\n9|5\n@heights id height\n9|2\n@parents id parent_id\n9|1\n"
        "@statistics relation_id attnum\n9|1\n@statements query_id text calls\n0|select 1|5\n7|select 2|-1\n"
        "8|select 3|x\n9|select 4|2\n@objects id kind definition\n1|nosuch|x\n2|enum|\\N\n");
    assert_int_equal(snapshot->relation_count, 2);
    assert_int_equal(snapshot->index_count, 0);
    assert_int_equal(snapshot->constraint_count, 2);
    assert_int_equal(snapshot->constraints[0].column_count, 2);
    assert_int_equal(snapshot->constraints[0].columns[1], 2);
    assert_int_equal(snapshot->constraints[1].column_count, 0);
    assert_int_equal(snapshot->statement_count, 1);
    assert_string_equal(snapshot->statements[0].text, "select 4");
    assert_int_equal(snapshot->object_count, 0);
    assert_true(isnan(snapshot->statements[0].total_ms) && isnan(snapshot->workload_seconds) &&
                isnan(snapshot->read_ms));
    assert_int_equal(snapshot->relations[0].size_blocks, -1);
    assert_int_equal(snapshot->block_bytes, 8192);
}

static void
the_application_role_is_the_one_with_the_most_time(void **state)
{
    (void)state;
    static const struct {
        const char *rows;
        const char *role;
    } cases[] = {{"", NULL},
                 {"1|x|a|1|5\n2|y|b|1|7\n", "b"},
                 {"1|x|a|1|5\n2|y|b|1|7\n3|z|a|1|3\n", "a"},
                 {"1|x|\\N|1|500\n2|y|b|1|7\n", "b"},
                 {"1|x|a|1|nan\n2|y|b|1|0\n", NULL}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        const Snapshot *snapshot =
            decoded(arena, arena_printf(arena, META "@statements query_id text role calls total_ms\n%s",
                                        cases[i].rows));
        assert_true(text_equals(snapshot->application_role, cases[i].role));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_and_gaps_are_found),
        cmocka_unit_test(relations_indexes_and_columns_are_found),
        cmocka_unit_test(a_partition_overlaps_its_ancestors_and_not_its_siblings),
        cmocka_unit_test(a_dot_within_a_name_does_not_make_two_names_one),
        cmocka_unit_test(own_statistics_are_preferred_to_those_of_the_tree),
        cmocka_unit_test(a_setting_is_that_of_the_application_role_in_postgresqls_order),
        cmocka_unit_test(rights_have_words),
        cmocka_unit_test(rights_that_are_none_are_a_bug),
        cmocka_unit_test(what_contradicts_itself_is_refused_with_its_row),
        cmocka_unit_test(what_hangs_on_nothing_is_left_out),
        cmocka_unit_test(the_application_role_is_the_one_with_the_most_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
