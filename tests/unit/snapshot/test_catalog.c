// SPDX-License-Identifier: PostgreSQL
#include "memory_sections.h"

#include "base/text.h"
#include "snapshot/catalog.h"

#include <string.h>

static const Snapshot *
decoded(Arena *arena, const char *text)
{
    const Snapshot *snapshot = NULL;
    Error error = {0};
    if (!snapshot_decode(arena, memory_sections(arena, text), &snapshot, &error))
        fail_msg("%s", error.message);
    return snapshot;
}

static const SqlCatalogRelation *
find(const SqlCatalog *catalog, const char *schema, const char *name)
{
    return catalog->relation_find(catalog->context, schema, name);
}

static void
a_relation_has_its_live_columns_with_types_under_domains(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("catalog", (size_t)64 << 20);
    SqlCatalog catalog = snapshot_catalog(arena, decoded(arena, memory_sections_shop()));
    const SqlCatalogRelation *orders = find(&catalog, "sales", "orders");
    assert_int_equal(orders->id, 16401);
    assert_string_equal(orders->schema, "sales");
    assert_null(orders->view_definition);
    assert_int_equal(orders->column_count, 3);
    assert_string_equal(orders->columns[1].name, "status");
    assert_int_equal(orders->columns[1].attnum, 3);
    assert_string_equal(orders->columns[1].type_name, "text");
    assert_true(orders->columns[1].is_not_null && !orders->columns[2].is_not_null);
    assert_string_equal(orders->columns[2].type_name, "numeric");
    assert_ptr_equal(orders, find(&catalog, "sales", "orders"));
    assert_non_null(strstr(find(&catalog, "sales", "open_orders")->view_definition, "SELECT id"));
    assert_null(find(&catalog, "sales", "nothing"));
    assert_null(find(&catalog, "elsewhere", "orders"));
}

static void
a_bare_name_goes_along_the_search_path_of_the_application(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("catalog", (size_t)64 << 20);
    SqlCatalog catalog = snapshot_catalog(arena, decoded(arena, memory_sections_shop()));
    assert_int_equal(find(&catalog, NULL, "orders")->id, 16401);
    assert_int_equal(find(&catalog, NULL, "Notes")->id, 16403);
    assert_null(find(&catalog, NULL, "notes"));
}

static void
a_search_path_is_read_as_the_server_reads_it(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *schema; /* of the table t that is found; NULL: none */
    } cases[] = {
        {"public", "public"},
        {"PUBLIC, sales", "public"},
        {"\"PUBLIC\", sales", "sales"},
        {"\"Odd, name\"", "Odd, name"},
        {"\"a\"\"b\"", "a\"b"},
        {"  sales\t,public", "sales"},
        {"\"$user\", public", "app"},
        {"$user,public", "app"},
        {"nothing,,sales", "sales"},
        {"\"\", sales", "sales"},
        {"", NULL},
        {"\"\"", NULL},
        {"\"sales", "sales"},
        {",", NULL},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("catalog", (size_t)64 << 20);
        const char *text =
            arena_printf(arena,
                         "@meta key value\nserver_version_num|150004\n"
                         "@reading key value\napplication_role|app\n"
                         "@settings name value\nsearch_path|%s\n"
                         "@relations id schema name kind\n1|public|t|r\n2|sales|t|r\n3|app|t|r\n"
                         "4|Odd, name|t|r\n5|a\"b|t|r\n",
                         cases[i].path);
        SqlCatalog catalog = snapshot_catalog(arena, decoded(arena, text));
        const SqlCatalogRelation *found = find(&catalog, NULL, "t");
        if (!text_equals(found == NULL ? NULL : found->schema, cases[i].schema))
            fail_msg("%s gives %s", cases[i].path, found == NULL ? "nothing" : found->schema);
    }
}

static void
without_a_role_its_schema_is_passed_over(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("catalog", (size_t)64 << 20);
    SqlCatalog catalog =
        snapshot_catalog(arena, decoded(arena, "@meta key value\nserver_version_num|150004\n"
                                               "@relations id schema name kind\n1|public|t|r\n"
                                               "2|$user|t|r\n"));
    assert_int_equal(find(&catalog, NULL, "t")->id, 1);
}

static void
a_function_is_as_volatile_as_its_most_volatile_overload(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("catalog", (size_t)64 << 20);
    SqlCatalog catalog = snapshot_catalog(arena, decoded(arena, memory_sections_shop()));
    static const struct {
        const char *schema, *name;
        char volatility;
    } cases[] = {{NULL, "tax", 'v'},           {"sales", "tax", 'v'},   {NULL, "half", 'i'},
                 {"sales", "half", 'i'},       {"public", "half", 'v'}, {NULL, "lower", 'i'},
                 {"pg_catalog", "lower", 'i'}, {"sales", "lower", 'v'}, {NULL, "nothing_known", 'v'}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++)
        if (catalog.function_volatility(catalog.context, cases[i].schema, cases[i].name) !=
            cases[i].volatility)
            fail_msg("%s.%s", cases[i].schema == NULL ? "" : cases[i].schema, cases[i].name);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_relation_has_its_live_columns_with_types_under_domains),
        cmocka_unit_test(a_bare_name_goes_along_the_search_path_of_the_application),
        cmocka_unit_test(a_search_path_is_read_as_the_server_reads_it),
        cmocka_unit_test(without_a_role_its_schema_is_passed_over),
        cmocka_unit_test(a_function_is_as_volatile_as_its_most_volatile_overload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
