// SPDX-License-Identifier: PostgreSQL
/* Statements and databases of a target: what is written comes back, what is not known takes nothing away. */
#include "fixture.h"
#include "rounds.h"

#include "base/clock.h"
#include "pg/result.h"
#include "store/sample_read.h"
#include "store/statement.h"

#include <stdlib.h>
#include <string.h>

static int64_t
target_make(StoreFixture *fixture)
{
    static const char sql[] =
        "INSERT INTO fettle.targets (name, conninfo) VALUES ('statements', '') RETURNING target_id";
    return strtoll(store_fixture_value(fixture, sql), NULL, 10);
}

static StatementRow
row_of(int32_t statement_id)
{
    return (StatementRow){.statement_id = statement_id,
                          .database_id = 1,
                          .user_name = "app",
                          .user_oid = 4000000000,
                          .queryid = -5 - statement_id,
                          .query_hash = (-5 - statement_id) & INT64_MAX,
                          .is_toplevel = statement_id % 2 == 0,
                          .fingerprint_hash = -77,
                          .query_text = "SELECT 'tab\t', $1 -- \\ \n"};
}

static void
write_rows(StoreFixture *fixture, int64_t target_id, const StatementRow *rows, size_t count)
{
    Error error = {0};
    DatabaseRow database = {1, 4000000001, "shop \"a\""};
    assert_done(database_rows_write(fixture->connection, target_id, &database, 1, &error), &error);
    assert_done(statement_rows_write(fixture->connection, target_id, rows, count, &error), &error);
}

static StatementRows
read_rows(StoreFixture *fixture, int64_t target_id, bool with_texts)
{
    StatementRows rows = {0};
    Error error = {0};
    assert_done(
        statement_rows_read(fixture->connection, fixture->arena, target_id, with_texts, &rows, &error),
        &error);
    return rows;
}

static void
statements_and_databases_come_back_as_they_were(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target_id = target_make(fixture);
    StatementRow written[] = {row_of(1), row_of(2)};
    write_rows(fixture, target_id, written, 2);
    StatementRows rows = read_rows(fixture, target_id, true);
    assert_int_equal(rows.count, 2);
    for (size_t i = 0; i < rows.count; i++) {
        assert_int_equal(rows.items[i].statement_id, written[i].statement_id);
        assert_int_equal(rows.items[i].user_oid, written[i].user_oid);
        assert_int_equal(rows.items[i].queryid, written[i].queryid);
        assert_int_equal(rows.items[i].query_hash, written[i].query_hash);
        assert_int_equal(rows.items[i].fingerprint_hash, written[i].fingerprint_hash);
        assert_true(rows.items[i].is_toplevel == written[i].is_toplevel);
        assert_string_equal(rows.items[i].query_text, written[i].query_text);
        assert_string_equal(rows.items[i].user_name, "app");
    }
    assert_null(read_rows(fixture, target_id, false).items[0].query_text);
    DatabaseRows databases = {0};
    Error error = {0};
    assert_done(database_rows_read(fixture->connection, fixture->arena, target_id, &databases, &error),
                &error);
    assert_int_equal(databases.count, 1);
    assert_int_equal(databases.items[0].database_oid, 4000000001);
    assert_string_equal(databases.items[0].database_name, "shop \"a\"");
}

static void
what_is_not_known_takes_nothing_away(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target_id = target_make(fixture);
    StatementRow row = row_of(3);
    row.query_text = NULL;
    row.fingerprint_hash = 0;
    row.user_name = NULL;
    write_rows(fixture, target_id, &row, 1);
    assert_null(read_rows(fixture, target_id, true).items[0].query_text);
    StatementRow known = row_of(3);
    write_rows(fixture, target_id, &known, 1);
    write_rows(fixture, target_id, &row, 1);
    StatementRows rows = read_rows(fixture, target_id, true);
    assert_int_equal(rows.count, 1);
    assert_string_equal(rows.items[0].query_text, known.query_text);
    assert_string_equal(rows.items[0].user_name, "app");
    assert_int_equal(rows.items[0].fingerprint_hash, -77);
}

static void
a_fingerprint_is_kept_once_for_a_database(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target_id = target_make(fixture);
    StatementRow written[] = {row_of(1), row_of(2), row_of(3)};
    written[2].fingerprint_hash = 5;
    write_rows(fixture, target_id, written, 3);
    write_rows(fixture, target_id, written, 3);
    assert_string_equal(
        store_fixture_value(fixture, "SELECT string_agg(concat_ws(' ', fingerprint_hash, database_name), ',' "
                                     "ORDER BY fingerprint_hash) FROM fettle.query_fingerprints"),
        "-77 shop \"a\",5 shop \"a\"");
}

static void
a_text_that_is_too_long_is_cut_before_a_whole_character(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target_id = target_make(fixture);
    size_t length = STATEMENT_TEXT_BYTES_MOST + 100;
    char *text = arena_alloc(fixture->arena, length + 1);
    text[0] = 'x';
    for (size_t i = 1; i + 1 < length; i += 2)
        memcpy(text + i, "\xc3\xa4", 2);
    text[length - 1] = 'x';
    StatementRow row = row_of(1);
    row.query_text = text;
    write_rows(fixture, target_id, &row, 1);
    const char *kept = read_rows(fixture, target_id, true).items[0].query_text;
    assert_int_equal(strlen(kept), STATEMENT_TEXT_BYTES_MOST - 1);
    assert_memory_equal(kept, text, strlen(kept));
}

static void
a_database_that_was_renamed_has_its_new_name(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target_id = target_make(fixture);
    Error error = {0};
    DatabaseRow rows[] = {{1, 10, "old"}, {1, 10, "new"}};
    assert_done(database_rows_write(fixture->connection, target_id, rows, 1, &error), &error);
    assert_done(database_rows_write(fixture->connection, target_id, rows + 1, 1, &error), &error);
    assert_string_equal(
        store_fixture_value(fixture, "SELECT string_agg(database_name, ',') FROM fettle.databases"), "new");
}

static void
what_fettle_asks_itself_is_known_by_its_mark(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target_id = target_make(fixture);
    StatementRow rows[] = {row_of(1), row_of(2), row_of(3)};
    int64_t hashes[4];
    bool are_own[4];
    Error error = {0};
    rows[1].query_text = STATEMENT_OWN_MARK "SELECT 1";
    rows[2].query_text = NULL;
    write_rows(fixture, target_id, rows, 3);
    for (size_t i = 0; i < 4; i++)
        hashes[i] = i == 3 ? 0 : rows[2 - i].query_hash;
    assert_done(statements_are_own(fixture->connection, target_id, hashes, 4, are_own, &error), &error);
    assert_true(!are_own[0] && are_own[1] && !are_own[2] && !are_own[3]);
    assert_done(statements_are_own(fixture->connection, target_id + 1, hashes, 4, are_own, &error), &error);
    assert_false(are_own[1]);
}

static void
a_failed_write_leaves_no_transaction(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target_id = target_make(fixture);
    StatementRow rows[] = {row_of(1), row_of(2)};
    rows[1].queryid = rows[0].queryid;
    rows[1].is_toplevel = rows[0].is_toplevel;
    Error error = {0};
    assert_false(statement_rows_write(fixture->connection, target_id, rows, 2, &error));
    assert_string_equal(error.sqlstate, "23505");
    assert_false(pg_connection_is_in_transaction(fixture->connection));
    assert_int_equal(read_rows(fixture, target_id, false).count, 0);
}

static void
texts_that_are_too_long_together_are_left_out_from_the_end_of_a_top(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("long texts", (size_t)128 << 20);
    int64_t target_id = rounds_target(fixture, "long");
    assert_done(
        pg_execute(fixture->connection,
                   "INSERT INTO fettle.metrics_pg_stats_query (collected_at, interval_seconds, "
                   "database_name, query_hash, query_text, calls, mean_exec_time_ms) "
                   "SELECT now() - interval '1 hour', 3600, 'db', i, repeat('x', 1048576), 1000 - i, 10 "
                   "FROM generate_series(1, 70) i",
                   &error),
        &error);
    SampleRange range = {
        .target_id = target_id, .from_us = clock_wall_us() - INT64_C(86400000000), .to_us = clock_wall_us()};
    SampleTotal *totals = NULL;
    size_t count = 0;
    assert_done(
        sample_top_read(fixture->connection, arena, &range, SAMPLE_BY_TIME, 100, &totals, &count, &error),
        &error);
    assert_int_equal(count, 70);
    for (size_t i = 0; i < count; i++) {
        bool is_in = (int64_t)(i + 1) << 20 <= SAMPLE_TOP_TEXT_BYTES_MOST;
        assert_int_equal(totals[i].query_hash, i + 1);
        assert_true((totals[i].query_text != NULL) == is_in);
        assert_true(totals[i].is_text_left_out == !is_in);
    }
}

static int
clear(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    assert_done(pg_execute(fixture->connection, "TRUNCATE fettle.statements, fettle.sample_rows", &error),
                &error);
    return store_fixture_clear(state);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(statements_and_databases_come_back_as_they_were, clear),
        cmocka_unit_test_setup(what_is_not_known_takes_nothing_away, clear),
        cmocka_unit_test_setup(a_fingerprint_is_kept_once_for_a_database, clear),
        cmocka_unit_test_setup(a_text_that_is_too_long_is_cut_before_a_whole_character, clear),
        cmocka_unit_test_setup(a_database_that_was_renamed_has_its_new_name, clear),
        cmocka_unit_test_setup(what_fettle_asks_itself_is_known_by_its_mark, clear),
        cmocka_unit_test_setup(texts_that_are_too_long_together_are_left_out_from_the_end_of_a_top, clear),
        cmocka_unit_test_setup(a_failed_write_leaves_no_transaction, clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
