// SPDX-License-Identifier: PostgreSQL
/*
 * The text form must be what people know from EXPLAIN: it is held against the server's own.
 */
#include "plan_read.h"
#include "server.h"

#include <string.h>

static const char schema[] = "CREATE TABLE a (id integer PRIMARY KEY, g integer, d date, t text);"
                             "INSERT INTO a SELECT i, i % 50, date '2020-01-01' + i % 1000, 'name ' || i "
                             "FROM generate_series(1, 5000) i;"
                             "CREATE TABLE b (id integer PRIMARY KEY, a_id integer, x float8);"
                             "INSERT INTO b SELECT i, i % 5000 + 1, i FROM generate_series(1, 20000) i;"
                             "CREATE INDEX b_a ON b (a_id); CREATE INDEX a_g ON a (g, d);"
                             "CREATE TABLE p (id integer, k integer) PARTITION BY RANGE (id);"
                             "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100);"
                             "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (100) TO (200);"
                             "CREATE TABLE \"Odd Näme\" (\"Köl\" integer)";

static const char *const statements[] = {
    "SELECT * FROM a WHERE id = 5",
    "SELECT id FROM a ORDER BY id DESC LIMIT 3",
    "SELECT * FROM a x WHERE g IN (1, 2) AND d > '2021-01-01' ORDER BY d",
    "SELECT * FROM a LEFT JOIN b ON b.a_id = a.id",
    "SELECT * FROM a FULL JOIN b ON b.a_id = a.id",
    "SELECT * FROM a WHERE EXISTS (SELECT FROM b WHERE b.a_id = a.id)",
    "SELECT * FROM a WHERE NOT EXISTS (SELECT FROM b WHERE b.a_id = a.id)",
    "SELECT g, count(*) FROM a GROUP BY g",
    "SELECT id, count(*) FROM a GROUP BY id ORDER BY id",
    "SELECT count(*) FROM a",
    "SELECT g, d, count(*) FROM a GROUP BY GROUPING SETS ((g), (d), ())",
    "SELECT * FROM p WHERE id > 50",
    "INSERT INTO p SELECT 1, 2",
    "UPDATE a SET g = g + 1 WHERE id = 3",
    "DELETE FROM b WHERE a_id = 7",
    "SELECT DISTINCT g FROM a",
    "SELECT row_number() OVER (PARTITION BY g ORDER BY d) FROM a",
    "SELECT * FROM generate_series(1, 3)",
    "SELECT * FROM (VALUES (1), (2)) v (i)",
    "SELECT 1 UNION ALL SELECT 2",
    "SELECT * FROM a WHERE ctid = '(0,1)'",
    "SELECT * FROM \"Odd Näme\"",
    "WITH w AS MATERIALIZED (SELECT * FROM a) SELECT * FROM w JOIN w w2 ON w2.id = w.g",
    "SELECT (SELECT max(x) FROM b), g FROM a WHERE id = 3",
    "SELECT (SELECT max(x) FROM b WHERE a_id = a.id), g FROM a",
    "SELECT * FROM a, LATERAL (SELECT * FROM b WHERE b.a_id = a.id LIMIT 2) s",
    "SELECT id FROM a INTERSECT SELECT a_id FROM b",
    "SELECT id FROM a EXCEPT ALL SELECT a_id FROM b",
};

/* Lines with a node: the title and its costs; without conditions and keys, of which EXPLAIN has more. */
static Text
titles(Arena *arena, const char *text)
{
    Text result = text_new(arena);
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        if (memmem(line, length, "(cost=", 6) != NULL) {
            text_append_bytes(&result, line, length);
            text_append_char(&result, '\n');
        }
        line += length + (line[length] == '\n');
    }
    return result;
}

static Text
server_text(Arena *arena, PgConnection *connection, const char *statement)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    Error error = {0};
    if (!pg_query_simple(connection, arena_printf(arena, "EXPLAIN %s", statement), &result, &error))
        fail_msg("%s", error.message);
    Text text = text_new(arena);
    for (int64_t row = 0; row < pg_result_rows(result); row++)
        text_append_format(&text, "%s\n", pg_result_text(result, row, 0));
    return text;
}

static void
titles_and_costs_are_those_of_the_server(void **state)
{
    (void)state;
    test_server_run("DROP SCHEMA public CASCADE");
    test_server_run("CREATE SCHEMA public");
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    Error error = {0};
    if (!pg_execute_script(connection, schema, NULL, &error) || !pg_execute(connection, "ANALYZE", &error))
        fail_msg("%s", error.message);
    static const char *const modes[] = {
        "RESET ALL", "SET enable_hashjoin = off; SET enable_hashagg = off; SET enable_bitmapscan = off",
        ("RESET ALL; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; "
         "SET min_parallel_table_scan_size = 0")};
    for (size_t mode = 0; mode < FETTLE_COUNT_OF(modes); mode++) {
        assert_true(pg_execute_script(connection, modes[mode], NULL, &error));
        for (size_t i = 0; i < FETTLE_COUNT_OF(statements); i++) {
            FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
            const char *json = test_server_value(
                arena, connection, arena_printf(arena, "EXPLAIN (FORMAT JSON) %s", statements[i]));
            const PgPlan *plan = plan_read(arena, json);
            Text ours = titles(arena, pg_plan_format(arena, plan, true));
            Text theirs = titles(arena, server_text(arena, connection, statements[i]).data);
            if (strcmp(ours.data, theirs.data) != 0)
                fail_msg("%s\n%s\nis not\n%s", statements[i], ours.data, theirs.data);
        }
    }
}

static void
conditions_stand_below_their_node(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    const PgPlan *plan = plan_read_root(
        arena,
        "{\"Node Type\": \"Sort\", \"Startup Cost\": 1, \"Total Cost\": 2, \"Plan Rows\": 3, \"Plan Width\": "
        "4,"
        "\"Sort Key\": [\"a\", \"b\"], \"Presorted Key\": [\"a\"], \"Plans\": [{\"Node Type\": \"Seq Scan\","
        "\"Relation Name\": \"t\", \"Alias\": \"t\", \"Filter\": \"(x = 1)\", \"Subplan Name\": \"InitPlan "
        "1\"}]}");
    assert_string_equal(pg_plan_format(arena, plan, true), "Sort  (cost=1.00..2.00 rows=3 width=4)\n"
                                                           "  Sort Key: a, b\n"
                                                           "  Presorted Key: a\n"
                                                           "  InitPlan 1\n"
                                                           "    ->  Seq Scan on t\n"
                                                           "          Filter: (x = 1)\n");
    assert_string_equal(pg_plan_format(arena, plan, false), "Sort\n"
                                                            "  Sort Key: a, b\n"
                                                            "  Presorted Key: a\n"
                                                            "  InitPlan 1\n"
                                                            "    ->  Seq Scan on t\n"
                                                            "          Filter: (x = 1)\n");
}

static void
figures_that_are_absent_are_not_printed(void **state)
{
    (void)state;
    static const char *const roots[] = {
        "{\"Node Type\": \"Result\", \"Total Cost\": 2}",
        "{\"Node Type\": \"Result\", \"Actual Total Time\": 2}",
        "{\"Node Type\": \"Result\", \"Actual Total Time\": 2, \"Actual Startup Time\": 1}",
        "{\"Node Type\": \"Result\"}"};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    for (size_t i = 0; i < FETTLE_COUNT_OF(roots); i++)
        assert_null(strstr(pg_plan_format(arena, plan_read_root(arena, roots[i]), true), "nan"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(titles_and_costs_are_those_of_the_server),
        cmocka_unit_test(conditions_stand_below_their_node),
        cmocka_unit_test(figures_that_are_absent_are_not_printed),
    };
    return cmocka_run_group_tests(tests, test_server_start, test_server_stop);
}
