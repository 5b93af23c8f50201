// SPDX-License-Identifier: PostgreSQL
/*
 * Which tables a statement names, and which of them are one: by text alone, and by a snapshot.
 */
#include "../snapshot/memory_sections.h"

#include "base/text.h"
#include "workflow/effect_relations.h"

#include <string.h>

#define ARENA_BYTES ((size_t)64 << 20)

static const char *
written(Arena *arena, const EffectRelations *relations)
{
    Text text = text_new(arena);
    for (size_t i = 0; i < relations->count; i++) {
        const EffectRelation *relation = &relations->items[i];
        text_append_format(&text, "%s%s%s%s", i == 0 ? "" : " ",
                           relation->schema == NULL ? "" : relation->schema,
                           relation->schema == NULL ? "" : ".", relation->name);
    }
    return text.data;
}

static void
assert_names_of(const Snapshot *snapshot, const char *text, bool is_known, const char *names)
{
    Arena *arena = arena_new("test", ARENA_BYTES);
    EffectRelations relations;
    bool is_partial;
    EffectViews *views = snapshot == NULL ? NULL : effect_views_new(arena, snapshot);
    for (int round = 0; round < (views == NULL ? 1 : 2); round++) { /* the second knows the views */
        assert_true(effect_relations_of(arena, text, views, &relations, &is_partial) == is_known);
        if (is_known)
            assert_string_equal(written(arena, &relations), names);
        assert_true(is_partial == (strstr(text, "damaged") != NULL));
    }
    arena_free(arena);
}

static void
assert_names(const char *text, bool is_known, const char *names)
{
    assert_names_of(NULL, text, is_known, names);
}

static void
a_statement_names_its_tables_without_a_catalog(void **state)
{
    (void)state;
    assert_names("SELECT * FROM orders o JOIN shop.items i ON i.id = o.item WHERE o.id = $1", true,
                 "orders shop.items");
    assert_names("WITH recent AS (SELECT * FROM orders) SELECT * FROM recent", true, "orders");
    assert_names("UPDATE orders SET a = $1 WHERE id IN (SELECT order_id FROM late)", true, "orders late");
    assert_names("INSERT INTO log SELECT * FROM orders", true, "orders log");
    assert_names("SELECT * FROM pg_stat_activity, pg_catalog.pg_class", true, "");
    assert_names("SELECT * FROM monitoring.pg_stat_statements_info", true, "");
    assert_names("SELECT $1", true, "");
    assert_names("VACUUM orders", false, "");
    assert_names("SELECT FROM WHERE", false, "");
}

static void
tables_meet_by_name_and_by_schema_where_both_say_it(void **state)
{
    (void)state;
    EffectRelation items[] = {{NULL, "orders"}, {"public", "orders"}, {"old", "orders"}, {NULL, "items"}};
    static const bool meets[4][4] = {{1, 1, 1, 0}, {1, 1, 0, 0}, {1, 0, 1, 0}, {0, 0, 0, 1}};
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++) {
            EffectRelations left = {.items = &items[i], .count = 1};
            EffectRelations right = {.items = &items[j], .count = 1};
            assert_true(effect_relations_meet(&left, &right) == meets[i][j]);
        }
}

/* Orders by year, of which one is by month again; a table that inherits; views, one of another. */
static const Snapshot *
snapshot_make(Arena *arena)
{
    static const char text[] =
        "@meta key value\n"
        "server_version_num|150004\n"
        "server_version|15.4\n"
        "database|shop\n"
        "encoding|UTF8\n"
        "reader|fettle_monitor\n"
        "taken_at|2026-02-20T14:30:00Z\n"
        "@settings name value unit type source boot_value\n"
        "search_path|\"$user\", public|\\N|string|default|\"$user\", public\n"
        "@relations id schema name owner kind view_definition is_partition relpages reltuples\n"
        "1|public|orders|app|p|\\N|f|0|0\n"
        "2|public|orders_2025|app|r|\\N|t|10|100\n"
        "3|public|orders_2026|app|p|\\N|t|0|0\n"
        "4|public|orders_2026_01|app|r|\\N|t|10|100\n"
        "5|public|orders_2026_02|app|r|\\N|t|10|100\n"
        "6|public|items|app|r|\\N|f|10|100\n"
        "7|public|open_orders|app|v| SELECT o.id FROM public.orders o JOIN items i ON i.id = o.id;|f|0|0\n"
        "8|public|late_orders|app|v| SELECT id FROM open_orders;|f|0|0\n"
        "9|public|damaged|app|v| SELECT FROM WHERE|f|0|0\n"
        "10|public|kept_orders|app|m| SELECT id FROM orders;|f|10|100\n"
        "11|public|of_a_circle|app|v| SELECT id FROM of_a_circle_too;|f|0|0\n"
        "12|public|of_a_circle_too|app|v| SELECT id FROM of_a_circle;|f|0|0\n"
        "@columns relation_id attnum name type_name base_type default_expression is_not_null is_dropped\n"
        "1|1|id|integer|integer|\\N|f|f\n"
        "7|1|id|integer|integer|\\N|f|f\n"
        "8|1|id|integer|integer|\\N|f|f\n"
        "@parents id parent_id sequence\n"
        "2|1|1\n"
        "3|1|1\n"
        "4|3|1\n"
        "5|3|1\n";
    const Snapshot *snapshot;
    Error error = {0};
    if (!snapshot_decode(arena, memory_sections(arena, text), &snapshot, &error))
        fail_msg("%s", error.message);
    return snapshot;
}

static void
a_view_is_the_tables_that_it_reads(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    const Snapshot *snapshot = snapshot_make(arena);
    assert_names_of(snapshot, "SELECT * FROM open_orders WHERE id = $1", true,
                    "open_orders public.orders items");
    assert_names_of(snapshot, "SELECT id FROM public.late_orders", true,
                    "public.late_orders open_orders public.orders items");
    assert_names_of(snapshot, "SELECT missing, o.other FROM orders o", true, "orders");
    /* it holds rows of its own: what is done to orders does not reach who reads them */
    assert_names_of(snapshot, "SELECT * FROM kept_orders", true, "kept_orders");
    /* what cannot be read is a name */
    assert_names_of(snapshot, "SELECT * FROM orders o JOIN damaged d ON d.id = o.id", true, "orders damaged");
    assert_names_of(snapshot, "SELECT * FROM of_a_circle", true, "of_a_circle of_a_circle_too");
    assert_names("SELECT * FROM open_orders WHERE id = $1", true, "open_orders");
    arena_free(arena);
}

static void
assert_parts(const char *schema, const char *name, const char *expected)
{
    Arena *arena = arena_new("test", ARENA_BYTES);
    EffectRelations relations = {0};
    EffectRelation relation = {.schema = schema, .name = name};
    vector_push(arena, &relations, relation);
    effect_relations_add_parts(arena, snapshot_make(arena), &relations);
    assert_string_equal(written(arena, &relations), expected);
    arena_free(arena);
}

static void
a_partition_is_a_part_of_what_is_above_it_and_not_of_its_siblings(void **state)
{
    (void)state;
    assert_parts("public", "orders_2026_01", "public.orders_2026_01 public.orders public.orders_2026");
    assert_parts("public", "orders_2026",
                 "public.orders_2026 public.orders public.orders_2026_01 public.orders_2026_02");
    assert_parts("public", "orders",
                 "public.orders public.orders_2025 public.orders_2026 public.orders_2026_01 "
                 "public.orders_2026_02");
    assert_parts("public", "items", "public.items");
    assert_parts("archive", "orders", "archive.orders");
    assert_parts(NULL, "orders_2025", "orders_2025 public.orders");
    assert_parts("public", "unknown", "public.unknown");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_statement_names_its_tables_without_a_catalog),
        cmocka_unit_test(tables_meet_by_name_and_by_schema_where_both_say_it),
        cmocka_unit_test(a_view_is_the_tables_that_it_reads),
        cmocka_unit_test(a_partition_is_a_part_of_what_is_above_it_and_not_of_its_siblings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
