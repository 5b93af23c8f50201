// SPDX-License-Identifier: PostgreSQL
#include "sql/index_statement.h"

#include "sql/statement_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static Arena *
arena_of_test(void)
{
    return arena_new("test", (size_t)1 << 28);
}

static SqlIndexStatement
parse(Arena *arena, const char *text)
{
    SqlIndexStatement statement = {0};
    Error error = {0};
    if (!sql_index_statement_parse(arena, text, &(SqlIndexNames){.schema = "public", .name = NULL},
                                   &statement, &error))
        fail_msg("%s: %s", text, error.message);
    return statement;
}

static void
a_statement_is_written_anew_before_its_definition(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    static const struct {
        const char *given;
        const char *text;
    } cases[] = {
        {"create index i on t (a)", "CREATE INDEX CONCURRENTLY IF NOT EXISTS \"i\" ON \"public\".\"t\" (a)"},
        {"CREATE UNIQUE INDEX CONCURRENTLY i ON s . \"T.x\" USING btree (lower(a) DESC) INCLUDE (b) WHERE (c "
         "> 1);\n",
         "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"i\" ON \"s\".\"T.x\" USING btree (lower(a) DESC) "
         "INCLUDE (b) WHERE (c > 1)"},
        {"create index if not exists \"I\"\"q\" on /* here */ s.t -- so\n (a)",
         "CREATE INDEX CONCURRENTLY IF NOT EXISTS \"I\"\"q\" ON \"s\".\"t\" (a)"},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++)
        assert_string_equal(parse(arena, cases[i].given).text, cases[i].text);
}

static void
a_mark_is_one_comment_or_number_of_statistics_of_the_index(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    static const struct {
        const char *text;
        bool is_mark;
    } cases[] = {
        {"COMMENT ON INDEX s.i IS 'a; DROP TABLE t'", true},
        {"COMMENT ON INDEX s.\"i\" IS E'a\\\\'", true},
        {"ALTER INDEX s.i ALTER COLUMN 2 SET STATISTICS 100", true},
        {"COMMENT ON INDEX i IS 'a'", false},
        {"COMMENT ON INDEX s.j IS 'a'", false},
        {"COMMENT ON INDEX x.s.i IS 'a'", false},
        {"COMMENT ON TABLE s.i IS 'a'", false},
        {"COMMENT ON INDEX s.i IS 'a'; DROP TABLE t", false},
        {"ALTER INDEX other.i ALTER COLUMN 2 SET STATISTICS 100", false},
        {"ALTER INDEX s.i SET (fillfactor = 10)", false},
        {"ALTER TABLE s.i ALTER COLUMN a SET STATISTICS 100", false},
        {"DROP INDEX s.i", false},
        {"no statement", false},
        {"", false},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++)
        if (sql_index_mark_is(arena, cases[i].text, "s", "i") != cases[i].is_mark)
            fail_msg("%s", cases[i].text);
}

static void
a_probe_holds_what_is_looked_up_and_no_order(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    static const struct {
        const char *given;
        const char *probe;
    } cases[] = {
        {"create index i on t (A DESC, \"lower(b)\", \"1st\" text_pattern_ops, time) include (\"C\")",
         "SELECT \"a\", \"lower(b)\", \"1st\", \"time\", \"C\" FROM \"public\".\"t\""},
        {"create index i on t (lower(a) COLLATE \"C\" text_pattern_ops DESC NULLS LAST, b, ((c + 1)) DESC)",
         "SELECT lower(a), \"b\", ((c + 1)) FROM \"public\".\"t\""},
        {"create index i on t (coalesce(a, ') DESC'), s.f(b)) where b > ')'",
         "SELECT coalesce(a, ') DESC'), s.f(b) FROM \"public\".\"t\" WHERE b > ')'"},
        {"create index i on t (current_date)", NULL},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        const char *probe = parse(arena, cases[i].given).probe;
        if (cases[i].probe == NULL)
            assert_null(probe);
        else
            assert_string_equal(probe, cases[i].probe);
    }
}

typedef struct Count {
    Arena *arena;
    const char *text;
    size_t statements;
} Count;

static void
count_run(void *context)
{
    Count *count = context;
    SqlTreeResult result = sql_tree_parse(count->arena, count->text);
    count->statements = result.tree == NULL ? 0 : result.tree->n_stmts;
}

/* Whatever is cut otherwise than the parser reads it: what is asked of the server is one SELECT or nothing.
 */
static void
nothing_slips_out_of_a_probe(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    static const char *const tails[] = {
        "(a i (n = E'x'\n'\\')) where a; COMMIT; DROP TABLE p; SELECT ((' --'\n , m = 1))",
        "(a i (n = E'x' --'\n'\\')) where true; COMMIT; SELECT ((' --'\n , m = 1))",
        "(lower(E'x'\n'\\'); DROP TABLE p; --'))",
        "(a) where b = E'x'\n'it\\'s; y'",
        "(a) where b = U&'x'\n'; DROP TABLE p; --'",
        "(a) where b = $x$; DROP TABLE p; $x$",
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(tails); i++) {
        SqlIndexStatement statement;
        Error error = {0};
        const char *text = arena_printf(arena, "create index i on t %s", tails[i]);
        if (!sql_index_statement_parse(arena, text, &(SqlIndexNames){0}, &statement, &error) ||
            statement.probe == NULL)
            continue;
        Count count = {.arena = arena, .text = statement.probe};
        sql_big_stack_run(count_run, &count);
        assert_int_equal(count.statements, 1);
    }
    assert_non_null(parse(arena, "create index i on t (a) where b = E'x'\n'it\\'s; y'").probe);
}

static void
operator_classes_have_a_schema_and_expressions_are_known(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    SqlIndexStatement statement = parse(
        arena, "create index i on t (a text_pattern_ops, b, c \"S\".\"O\" (siglen = 3), lower(d) x.y DESC)");
    static const char *const wanted[][2] = {{"pg_catalog", "text_pattern_ops"}, {"S", "O"}, {"x", "y"}};
    assert_int_equal(statement.operands.count, 0);
    statement =
        parse(arena, "create index i on t ((a || 'x'), s.f(b)) where t.c = 'x' and d operator(s.=) 'y'");
    assert_true(statement.operands.count == 2 && strcmp(statement.operands.items[0], "a") == 0 &&
                strcmp(statement.operands.items[1], "c") == 0);
    assert_true(statement.operators.count == 2 && strcmp(statement.operators.items[0], "||") == 0 &&
                strcmp(statement.operators.items[1], "=") == 0);
    statement =
        parse(arena, "create index i on t (a text_pattern_ops, b, c \"S\".\"O\" (siglen = 3), lower(d) x.y "
                     "DESC)");
    assert_true(statement.has_expression &&
                !parse(arena, "create index i on t (a) where b > 1").has_expression);
    assert_true(statement.class_schemas.count == 3 && statement.class_names.count == 3);
    for (size_t i = 0; i < FETTLE_COUNT_OF(wanted); i++) {
        assert_string_equal(statement.class_schemas.items[i], wanted[i][0]);
        assert_string_equal(statement.class_names.items[i], wanted[i][1]);
    }
}

static void
the_predicate_is_what_stands_behind_the_last_where(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    assert_null(parse(arena, "create index i on t (a) include (b) with (fillfactor = 70)").predicate);
    assert_string_equal(
        parse(arena, "create index i on t (coalesce(\"where\", 'where')) include (b) WHERE  c > 1 and d;")
            .predicate,
        "c > 1 and d");
    assert_string_equal(parse(arena, "create index i on t (a) tablespace x where (c)").predicate, "(c)");
}

static void
keys_and_included_columns_are_listed_as_written(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    SqlIndexStatement statement =
        parse(arena, "create index i on t using gist (\"A,b\", lower(c || ',)') desc, d) include (e, \"F\")");
    assert_int_equal(statement.columns.count, 3);
    assert_string_equal(statement.columns.items[0], "A,b");
    assert_string_equal(statement.columns.items[1], "lower(c || ',)') desc");
    assert_string_equal(statement.columns.items[2], "d");
    assert_int_equal(statement.included.count, 2);
    assert_string_equal(statement.included.items[1], "F");
    assert_string_equal(statement.method, "gist");
    assert_string_equal(statement.table, "t");
}

static void
a_tablespace_is_told_apart_from_the_shape(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    SqlIndexStatement placed = parse(arena, "create index i on t (a) tablespace \"My place\" where b > 0");
    SqlIndexStatement plain = parse(arena, "create index i on t (a) where b > 0");
    assert_string_equal(placed.tablespace, "My place");
    assert_null(plain.tablespace);
    assert_string_equal(placed.shape, plain.shape);
    /* a column may have the word's name */
    assert_string_not_equal(parse(arena, "create index i on t (tablespace)").shape,
                            parse(arena, "create index i on t (b)").shape);
    assert_string_not_equal(parse(arena, "create index i on t (a) where tablespace").shape,
                            parse(arena, "create index i on t (a) where b").shape);
}

static void
equal_definitions_have_equal_shapes_and_others_do_not(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    const char *plain = parse(arena, "create index i on t (a, b desc)").shape;
    static const char *const same[] = {
        "CREATE INDEX other ON public.t USING btree (a, b DESC)",
        "create index i on t (\"a\" asc, b desc nulls first)",
        "create index i on t (a asc nulls last,b desc)",
    };
    static const char *const others[] = {
        "create unique index i on t (a, b desc)",
        "create index i on t (a, b)",
        "create index i on t (a, b desc nulls last)",
        "create index i on t using hash (a)",
        "create index i on t (a, b desc) include (c)",
        "create index i on t (a, b desc) where (c > 1)",
        "create index i on t (\"A\", b desc)",
        "create index i on t (b desc, a)",
        "create index i on t (a text_pattern_ops, b desc)",
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(same); i++)
        assert_string_equal(parse(arena, same[i]).shape, plain);
    for (size_t i = 0; i < FETTLE_COUNT_OF(others); i++)
        assert_string_not_equal(parse(arena, others[i]).shape, plain);
}

static void
what_the_server_makes_of_a_statement_has_its_outline(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    static const char *const pairs[][2] = {
        {"create index i on t (lower(a), \"B c\" desc) where d > 5",
         "CREATE INDEX i ON public.t USING btree (lower((a)::text), \"B c\" DESC) WHERE (d > (5)::numeric)"},
        {"create unique index i on t using btree (a text_pattern_ops) include (b)",
         "CREATE UNIQUE INDEX i ON public.t USING btree (a text_pattern_ops) INCLUDE (b)"},
        {"create index i on t ((a || 'x'))", "CREATE INDEX i ON public.t USING btree (((a || 'x'::text)))"},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(pairs); i++)
        assert_string_equal(parse(arena, pairs[i][0]).outline, parse(arena, pairs[i][1]).outline);
    const char *plain = parse(arena, "create index i on t (a)").outline;
    assert_string_not_equal(plain, parse(arena, "create index i on t (b)").outline);
    assert_string_not_equal(plain, parse(arena, "create index i on t (a) where b > 1").outline);
    assert_string_not_equal(plain, parse(arena, "create index i on t (lower(a))").outline);
    assert_string_not_equal(plain, parse(arena, "create index i on t using hash (a)").outline);
}

static void
whatever_is_not_one_create_index_is_refused(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    static const struct {
        const char *text;
        ErrorCode code;
    } cases[] = {
        {"drop table t", ERROR_INPUT},
        {"create index i on t (a); drop table t", ERROR_INPUT},
        {"create index on t (a)", ERROR_INPUT},
        {"create index i on only t (a)", ERROR_UNSUPPORTED},
        {"create index i on db.s.t (a)", ERROR_INPUT},
        {"create index i on t (a", ERROR_INPUT},
        {"", ERROR_INPUT},
        {"create index i on t (\xff)", ERROR_INPUT},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        SqlIndexStatement statement = {0};
        Error error = {0};
        assert_false(sql_index_statement_parse(arena, cases[i].text, &(SqlIndexNames){.schema = "public"},
                                               &statement, &error));
        assert_int_equal(error.code, cases[i].code);
        assert_null(statement.text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_statement_is_written_anew_before_its_definition),
        cmocka_unit_test(keys_and_included_columns_are_listed_as_written),
        cmocka_unit_test(a_tablespace_is_told_apart_from_the_shape),
        cmocka_unit_test(equal_definitions_have_equal_shapes_and_others_do_not),
        cmocka_unit_test(a_mark_is_one_comment_or_number_of_statistics_of_the_index),
        cmocka_unit_test(a_probe_holds_what_is_looked_up_and_no_order),
        cmocka_unit_test(nothing_slips_out_of_a_probe),
        cmocka_unit_test(operator_classes_have_a_schema_and_expressions_are_known),
        cmocka_unit_test(the_predicate_is_what_stands_behind_the_last_where),
        cmocka_unit_test(what_the_server_makes_of_a_statement_has_its_outline),
        cmocka_unit_test(whatever_is_not_one_create_index_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
