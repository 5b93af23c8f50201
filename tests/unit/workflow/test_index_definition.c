// SPDX-License-Identifier: PostgreSQL
/* Whether an index is the one that a statement makes, by its words and by the server's. */
#include "place.h"

#include "base/text.h"
#include "pg/result.h"
#include "workflow/index_definition.h"

#include <string.h>

static void
a_tablespace_counts_where_it_is_wanted(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    static const char *const texts[] = {"create index i on s.t (a)", "create index i on s.t (a) tablespace x",
                                        "create index i on s.t (a) tablespace y",
                                        "create index i on s.t (b)"};
    SqlIndexStatement all[4];
    Error error = {0};
    for (size_t i = 0; i < FETTLE_COUNT_OF(texts); i++)
        assert_true(sql_index_statement_parse(arena, texts[i], &(SqlIndexNames){0}, &all[i], &error));
    assert_true(index_definition_reads_alike(&all[0], &all[1]) &&
                index_definition_reads_alike(&all[1], &all[1]));
    assert_false(index_definition_reads_alike(&all[1], &all[0]) ||
                 index_definition_reads_alike(&all[1], &all[2]));
    assert_false(index_definition_reads_alike(&all[0], &all[3]));
    assert_true(index_method_is_known("btree") && index_method_is_known("spgist") &&
                index_method_is_known("brin"));
    assert_false(index_method_is_known("rtree") || index_method_is_known("") || index_method_is_known("gi") ||
                 index_method_is_known("btree, hash") || index_method_is_known("hash,"));
}

/* As a statement and as the server, which could not be asked by the text alone. */
static void
a_definition_is_compared_as_the_server_writes_it(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    IndexFacts facts;
    SqlIndexStatement wanted;
    bool is_found = false;
    bool is_its = false;
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
    assert_done(
        index_session_change(&place.manager, place.arena, place.target_id, NULL, 9, &connection, &error),
        &error);
    assert_done(pg_execute(connection, "CREATE INDEX t_part ON own.t (a) WHERE a > 5.5", &error), &error);
    assert_done(index_facts_find(connection, place.arena, "own", "t_part", &is_found, &facts, &error),
                &error);
    static const struct {
        const char *text;
        bool is_its;
    } cases[] = {{"create index t_part on own.t (a) where a > 5.5", true},
                 {"create index t_part on own.t (a) where (a > (5.5)::numeric)", true},
                 {"create index t_part on own.t (a) where a > 5.6", false},
                 {"create index t_part on own.t (a)", false}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        assert_true(
            sql_index_statement_parse(place.arena, cases[i].text, &(SqlIndexNames){0}, &wanted, &error));
        assert_done(index_definition_is(connection, place.arena, &wanted, &facts, &is_its, &error), &error);
        assert_true(is_its == cases[i].is_its);
    }
    /* nothing is left of the question */
    assert_string_equal(store_fixture_value(place.fixture, "SELECT count(*) FROM pg_class WHERE relname LIKE "
                                                           "'fettle_index_definition%'"),
                        "0");
}

static void
an_index_that_does_what_another_one_would_is_found(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    IndexTable table;
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
    assert_done(
        index_session_change(&place.manager, place.arena, place.target_id, NULL, 9, &connection, &error),
        &error);
    assert_done(pg_execute(connection, "CREATE INDEX t_pages ON own.t USING brin (a)", &error), &error);
    assert_done(
        pg_execute(connection, "CREATE UNIQUE INDEX \"t One\" ON own.t (a) WHERE (a IS NULL)", &error),
        &error);
    assert_done(index_table_find(connection, place.arena, "own", "t", &table, &error), &error);
    static const struct {
        const char *text;
        const char *ignored;
        const char *name;
    } cases[] = {{"create index x on own.t using brin (\"a\")", NULL, "own.t_pages"},
                 {"create index x on own.t using brin (a)", "t_pages", NULL},
                 {"create index x on own.t using hash (a)", NULL, NULL},
                 {"create index x on own.t (a asc) where (a IS NULL)", NULL, "own.\"t One\""},
                 {"create unique index x on own.t (a) where (a IS NULL)", NULL, "own.\"t One\""},
                 {"create unique index x on own.t (a) where (a IS NULL)", "t One", NULL},
                 {"create index x on own.t (a desc) where (a IS NULL)", NULL, NULL}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        SqlIndexStatement wanted;
        const char *name;
        assert_true(
            sql_index_statement_parse(place.arena, cases[i].text, &(SqlIndexNames){0}, &wanted, &error));
        assert_done(
            index_definition_find(connection, place.arena, &table, &wanted, cases[i].ignored, &name, &error),
            &error);
        if (!text_equals(name, cases[i].name) && name != cases[i].name)
            fail_msg("%s: %s", cases[i].text, name == NULL ? "none" : name);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tablespace_counts_where_it_is_wanted),
        cmocka_unit_test_setup(a_definition_is_compared_as_the_server_writes_it, store_fixture_clear),
        cmocka_unit_test_setup(an_index_that_does_what_another_one_would_is_found, store_fixture_clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
