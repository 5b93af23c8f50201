// SPDX-License-Identifier: PostgreSQL
/* What a server has against an index, asked of a real store, which is its own target here. */
#include "place.h"

#include "workflow/index_fault.h"

#include <string.h>

static bool
has_fault(const Place *place, const char *text, const char *const *names, size_t count, Error *error)
{
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
    SqlIndexStatement statement;
    const char *note;
    IndexTable table;
    error_clear(error);
    assert_done(index_session_read(&place->manager, place->arena, place->target_id, NULL, &connection, error),
                error);
    assert_done(index_table_find(connection, place->arena, "own", "t", &table, error), error);
    assert_done(sql_index_statement_parse(place->arena, text, &(SqlIndexNames){0}, &statement, error), error);
    return !index_fault_check(connection, place->arena, &table, &statement, names, count, &note, error);
}

static void
what_the_server_would_refuse_is_a_fault_and_nothing_else(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    static const char *const texts[] = {"j"};
    static const char *const plain[] = {"a", "B b"};
    run_sql(&place, "ALTER TABLE own.t ADD COLUMN j json");
    assert_false(has_fault(&place, "CREATE INDEX i ON own.t (a, \"B b\")", plain, 2, &error));
    assert_false(has_fault(&place, "CREATE INDEX i ON own.t (abs(a) int4_ops) WHERE a > 1", NULL, 0, &error));
    assert_true(has_fault(&place, "CREATE INDEX i ON own.t (j)", texts, 1, &error));
    assert_true(error.code == ERROR_INPUT && strstr(error.message, "type json") != NULL);
    assert_true(has_fault(&place, "CREATE INDEX i ON own.t USING hash (a, id)", NULL, 0, &error));
    assert_true(has_fault(&place, "CREATE INDEX i ON own.t (a no_such_ops)", NULL, 0, &error));
    assert_non_null(strstr(error.message, "pg_catalog.no_such_ops"));
    assert_null(index_fault_hint(&error));
    assert_true(has_fault(&place, "CREATE INDEX i ON own.t (no_such(a))", NULL, 0, &error));
    assert_true(error.code == ERROR_INPUT && index_fault_hint(&error) != NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_the_server_would_refuse_is_a_fault_and_nothing_else, store_fixture_clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
