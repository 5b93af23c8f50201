// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "sql/analysis.h"
#include "sql/names.h"

#include <string.h>

#define ARENA_BYTES ((size_t)64 * 1024 * 1024)

static SqlCatalog
catalog_of(Arena *arena, const char *const *texts, size_t count)
{
    SqlNameGuess *guess = sql_name_guess_new(arena);
    for (size_t i = 0; i < count; i++)
        sql_name_guess_add(guess, sql_statement_parse(arena, texts[i], strlen(texts[i])));
    return sql_name_guess_catalog(guess);
}

static bool
knows(const SqlCatalog *catalog, const char *schema, const char *table, const char *column)
{
    const SqlCatalogRelation *relation = catalog->relation_find(catalog->context, schema, table);
    for (size_t i = 0; relation != NULL && i < relation->column_count; i++)
        if (strcmp(relation->columns[i].name, column) == 0)
            return relation->columns[i].attnum == (int)i + 1;
    return false;
}

static void
columns_are_those_that_are_written_out(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("names", ARENA_BYTES);
    const char *texts[] = {
        "SELECT o.id, c.name, bare FROM orders o JOIN customers c ON c.id = o.customer_id",
        "SELECT placed_at FROM orders WHERE status = $1",
        "UPDATE orders SET total = $1 WHERE id = $2",
        "WITH recent AS (SELECT * FROM visits v WHERE v.at > $1) SELECT recent.page FROM recent",
    };
    SqlCatalog catalog = catalog_of(arena, texts, FETTLE_COUNT_OF(texts));
    assert_true(knows(&catalog, NULL, "orders", "customer_id") &&
                knows(&catalog, NULL, "orders", "placed_at"));
    assert_true(knows(&catalog, NULL, "orders", "status") && knows(&catalog, NULL, "customers", "name"));
    assert_true(knows(&catalog, NULL, "visits", "at"));
    assert_false(knows(&catalog, NULL, "orders", "bare") || knows(&catalog, NULL, "customers", "bare"));
    assert_null(catalog.relation_find(catalog.context, NULL, "recent"));
    assert_null(catalog.relation_find(catalog.context, NULL, "nowhere"));
}

static void
a_bare_name_is_the_only_schemas_table(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("names", ARENA_BYTES);
    const char *texts[] = {"SELECT a FROM shop.items",
                           "SELECT b FROM items",
                           "SELECT c FROM one.twice",
                           "SELECT d FROM two.twice",
                           "SELECT e FROM twice",
                           "SELECT oid FROM pg_class",
                           "SELECT x FROM information_schema.tables",
                           "CREATE TABLE made (id int)",
                           "SELECT FROM WHERE"};
    SqlCatalog catalog = catalog_of(arena, texts, FETTLE_COUNT_OF(texts));
    const SqlCatalogRelation *items = catalog.relation_find(catalog.context, NULL, "items");
    assert_string_equal(items->schema, "shop");
    assert_true(knows(&catalog, NULL, "items", "a") && knows(&catalog, "shop", "items", "b"));
    assert_string_equal(catalog.relation_find(catalog.context, NULL, "twice")->schema, "");
    assert_true(knows(&catalog, "one", "twice", "c") && !knows(&catalog, "one", "twice", "d"));
    assert_null(catalog.relation_find(catalog.context, NULL, "pg_class"));
    assert_null(catalog.relation_find(catalog.context, "information_schema", "tables"));
    assert_null(catalog.relation_find(catalog.context, NULL, "made"));
}

static void
an_analysis_over_a_guess_finds_joins_and_predicates(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("names", ARENA_BYTES);
    const char *text = "SELECT 1 FROM a JOIN b ON a.x = b.y WHERE b.z > $1";
    SqlCatalog catalog = catalog_of(arena, &text, 1);
    const SqlAnalysis *analysis =
        sql_analyze(arena, sql_statement_parse(arena, text, strlen(text)), &catalog);
    assert_int_equal(analysis->use_count, 2);
    bool has_join = false;
    bool has_range = false;
    for (size_t i = 0; i < analysis->predicate_count; i++) {
        has_join = has_join || analysis->predicates[i].kind == SQL_PREDICATE_JOIN;
        has_range = has_range || analysis->predicates[i].kind == SQL_PREDICATE_RANGE;
    }
    assert_true(has_join && has_range && analysis->unresolved_count == 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_those_that_are_written_out),
        cmocka_unit_test(a_bare_name_is_the_only_schemas_table),
        cmocka_unit_test(an_analysis_over_a_guess_finds_joins_and_predicates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
