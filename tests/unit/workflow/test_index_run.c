// SPDX-License-Identifier: PostgreSQL
/* The index manager over a real store, which is its own target here. */
#include "place.h"

#include "base/text.h"
#include "pg/result.h"
#include "store/index_change.h"
#include "store/index_recommendation.h"
#include "store/target.h"
#include "workflow/index_analysis.h"
#include "workflow/index_run.h"
#include "workflow/index_sent.h"

#include <math.h>
#include <string.h>
#include <sys/statvfs.h>

static void
the_statement_of_an_order_quotes_every_name(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    static const char *const columns[] = {"a", "B b"};
    static const char *const included[] = {"c\"d"};
    IndexOrder order = {.table = "T",
                        .name = "i; --",
                        .columns = columns,
                        .column_count = 2,
                        .included = included,
                        .included_count = 1,
                        .method = "btree",
                        .is_unique = true};
    assert_string_equal(index_drop_statement(arena, "s", "i; --"),
                        "DROP INDEX CONCURRENTLY IF EXISTS s.\"i; --\"");
    assert_string_equal(
        index_order_statement(arena, &order, "s"),
        "CREATE UNIQUE INDEX \"i; --\" ON s.\"T\" USING btree (a, \"B b\") INCLUDE (\"c\"\"d\")");
}

static void
a_change_is_recorded_carried_out_and_undone(void **state)
{
    Place place = place_of(state);
    IndexOrder order = order_of(&place, "t_a");
    Error error = {0};
    int64_t id = recorded(&place, &order);
    IndexChange before = change_of(&place, id);
    assert_string_equal(before.state, "pending");
    assert_true(before.success == -1 && index_change_is_fresh(&before));
    assert_string_equal(before.undo_sql, "DROP INDEX CONCURRENTLY IF EXISTS own.t_a");
    assert_done(index_run(&place.manager, id, &error), &error);
    IndexChange after = change_of(&place, id);
    assert_string_equal(after.state, "completed");
    assert_true(after.success == 1 && after.attempts == 1 && after.duration_ms > 0 && after.backend_pid > 0);
    assert_false(index_change_is_fresh(&after));
    assert_true(exists(&place, "t_a"));
    IndexPlan plan;
    assert_done(index_plan_create(&place.manager, place.arena, &order, &plan, &error), &error);
    assert_true(plan.is_done);
    assert_done(index_plan_drop(&place.manager, place.arena, &order, &plan, &error), &error);
    assert_done(index_plan_record(&place.manager, place.arena, &plan, &id, &error), &error);
    assert_done(index_run(&place.manager, id, &error), &error);
    assert_false(exists(&place, "t_a"));
    assert_done(pg_execute(place.fixture->connection, change_of(&place, id).undo_sql, &error), &error);
    assert_true(exists(&place, "t_a"));
}

static void
on_one_table_only_one_change_is_open(void **state)
{
    Place place = place_of(state);
    IndexOrder first = order_of(&place, "t_first");
    IndexOrder second = order_of(&place, "t_second");
    IndexPlan plan;
    Error error = {0};
    int64_t id = recorded(&place, &first);
    int64_t other = 0;
    assert_done(index_plan_create(&place.manager, place.arena, &second, &plan, &error), &error);
    assert_false(index_plan_record(&place.manager, place.arena, &plan, &other, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    error_clear(&error);
    plan.change.database_name = "another";
    assert_done(index_change_begin(place.fixture->connection, place.arena, &plan.change, &other, &error),
                &error);
    plan.change.database_name = change_of(&place, id).database_name;
    IndexChanges open;
    assert_done(
        index_change_list(place.fixture->connection, place.arena, place.target_id, true, 1, &open, &error),
        &error);
    assert_true(open.count == 1 && open.total == 2 && open.items[0].id == other);
    bool is_locked = false;
    error_clear(&error);
    assert_done(index_change_lock(place.fixture->connection, id, &is_locked, &error), &error);
    assert_true(is_locked);
    assert_false(index_run(&place.manager, id, &error)); /* another process works on it */
    assert_int_equal(error.code, ERROR_CONFLICT);
    error_clear(&error);
    assert_done(index_change_unlock(place.fixture->connection, id, &error), &error);
    assert_done(index_change_end(place.fixture->connection, id, "failed", "by the test", &error), &error);
    assert_done(index_plan_record(&place.manager, place.arena, &plan, &other, &error), &error);
}

static void
a_change_that_was_asked_to_stop_never_begins(void **state)
{
    Place place = place_of(state);
    IndexOrder order = order_of(&place, "t_unwanted");
    Error error = {0};
    bool wants = false;
    int64_t id = recorded(&place, &order);
    assert_done(index_change_cancel(place.fixture->connection, id, &error), &error);
    assert_done(index_change_progress(place.fixture->connection, id, "{\"phase\": \"none\"}", &wants, &error),
                &error);
    assert_true(wants);
    assert_done(index_run(&place.manager, id, &error), &error);
    assert_string_equal(change_of(&place, id).state, "cancelled");
    assert_string_equal(change_of(&place, id).progress, "{\"phase\": \"none\"}");
    assert_int_equal(change_of(&place, id).attempts, 1);
    assert_int_equal(change_of(&place, id).started_at_us, 0);
    assert_false(exists(&place, "t_unwanted"));
    assert_false(index_change_cancel(place.fixture->connection, id, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

/* What a killed process leaves: an open change, nobody's lock, and perhaps an invalid index. */
static void
what_a_killed_process_left_is_settled_truthfully(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    bool wants = false;
    int settled = 0;
    PgConnection *own = place.fixture->connection;
    IndexOrder invalid = order_of(&place, "t_invalid");
    invalid.is_unique = true;
    assert_done(pg_execute(own, "UPDATE own.t SET a = 7", &error), &error);
    int64_t id = recorded(&place, &invalid);
    IndexChange left = change_of(&place, id);
    assert_done(index_change_attempt(own, id, 1, false, &wants, &error), &error);
    assert_done(index_sent_record(&place.manager, own, &left, "create", 0, &error), &error);
    assert_false(pg_execute(own, change_of(&place, id).sql, &error)); /* leaves it invalid */
    assert_true(exists(&place, "t_invalid"));
    error_clear(&error);
    assert_done(index_change_note(own, id, "noted before", &error), &error);
    assert_done(index_settle_all(&place.manager, &settled, &error), &error);
    assert_int_equal(settled, 1);
    assert_string_equal(change_of(&place, id).state, "failed");
    assert_string_equal(change_of(&place, id).error_message, "noted before");
    assert_false(exists(&place, "t_invalid"));

    IndexOrder done = order_of(&place, "t_done");
    id = recorded(&place, &done);
    left = change_of(&place, id);
    assert_done(index_change_attempt(own, id, 1, false, &wants, &error), &error);
    assert_done(index_sent_record(&place.manager, own, &left, "create", 0, &error), &error);
    assert_done(pg_execute(own, change_of(&place, id).sql, &error), &error);
    assert_done(index_settle(&place.manager, id, &error), &error);
    assert_string_equal(change_of(&place, id).state, "completed");

    IndexPlan plan;
    assert_done(index_plan_drop(&place.manager, place.arena, &done, &plan, &error), &error);
    assert_done(index_plan_record(&place.manager, place.arena, &plan, &id, &error), &error);
    assert_done(index_settle(&place.manager, id, &error), &error);
    assert_string_equal(change_of(&place, id).state, "failed"); /* it never began: the index is as it was */
    assert_true(exists(&place, "t_done"));
    assert_done(index_settle_all(&place.manager, &settled, &error), &error);
    assert_int_equal(settled, 0);
}

static void
what_was_invalid_when_its_drop_was_advised_stays_if_it_is_valid_when_its_turn_comes(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    IndexPlan plan;
    int64_t id = 0;
    IndexOrder order = order_of(&place, "t_mended");
    run_sql(&place, "CREATE INDEX t_mended ON own.t (a)");
    FETTLE_CLEANUP(pg_result_free_at) PgResult *advised = NULL;
    (void)recommended(&place);
    assert_done(pg_query_simple(place.fixture->connection, "SELECT max(id) FROM fettle.index_recommendations",
                                &advised, &error),
                &error);
    assert_done(index_plan_drop(&place.manager, place.arena, &order, &plan, &error), &error);
    plan.change.recommendation_id = pg_result_int(advised, 0, 0, 0);
    assert_done(index_plan_record(&place.manager, place.arena, &plan, &id, &error), &error);
    run_sql(&place,
            "UPDATE fettle.index_recommendations SET recommendation_type = 'drop', was_invalid = true");
    assert_done(index_run(&place.manager, id, &error), &error);
    assert_string_equal(change_of(&place, id).state, "failed");
    assert_non_null(strstr(change_of(&place, id).error_message, "valid now"));
    assert_true(exists(&place, "t_mended"));
}

static void
a_kill_between_an_index_and_its_comment_leaves_both_in_the_end(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    IndexPlan plan;
    bool wants = false;
    int64_t id = 0;
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    run_sql(&place, "CREATE INDEX t_said ON own.t (abs(a)); COMMENT ON INDEX own.t_said IS 'said'; "
                    "ALTER INDEX own.t_said ALTER COLUMN 1 SET STATISTICS 300");
    IndexOrder order = order_of(&place, "t_said");
    assert_done(index_plan_drop(&place.manager, place.arena, &order, &plan, &error), &error);
    assert_done(index_plan_record(&place.manager, place.arena, &plan, &id, &error), &error);
    assert_done(index_run(&place.manager, id, &error), &error);
    IndexChange dropped = change_of(&place, id);
    assert_done(index_plan_undo(&place.manager, place.arena, &dropped, "test", &plan, &error), &error);
    assert_done(index_plan_record(&place.manager, place.arena, &plan, &id, &error), &error);
    IndexChange left = change_of(&place, id);
    assert_done(index_change_attempt(place.fixture->connection, id, 1, false, &wants, &error), &error);
    assert_done(index_sent_record(&place.manager, place.fixture->connection, &left, "create", 0, &error),
                &error);
    run_sql(&place, index_first_statement(place.arena, plan.change.sql));
    assert_done(index_settle(&place.manager, id, &error), &error);
    assert_string_equal(change_of(&place, id).state, "completed");
    assert_null(change_of(&place, id).error_message);
    assert_done(
        pg_query_simple(place.fixture->connection,
                        "SELECT obj_description('own.t_said'::regclass), attstattarget FROM pg_attribute "
                        "WHERE attrelid = 'own.t_said'::regclass",
                        &rows, &error),
        &error);
    assert_string_equal(pg_result_text(rows, 0, 0), "said");
    assert_int_equal(pg_result_int(rows, 0, 1, 0), 300);
}

/* On a disk that holds the index, but not its sort as well. */
static void
check_room(Place *place, const IndexPlace *where, ErrorCode code)
{
    Error error = {0};
    int64_t free_bytes = 0;
    struct statvfs disk;
    assert_int_equal(statvfs(where->directory, &disk), 0);
    double bytes = 0.7 * (double)disk.f_bavail * (double)disk.f_frsize;
    bool has_room = index_space_check(&place->manager, where, bytes, &free_bytes, &error);
    assert_true(has_room == (code == ERROR_NONE) && error.code == code);
}

static void
the_sort_is_looked_for_where_it_spills(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    IndexPlace there;
    PgConnection *connection = NULL;
    assert_done(settings_set(place.fixture->settings, "index.free_space_floor", "0B", &error), &error);
    check_room(&place, &(IndexPlace){"a", "/", "/", false, 0}, ERROR_DISK_FULL);
    check_room(&place, &(IndexPlace){"a", "/", "/", false, INT64_MAX}, ERROR_NONE);
    check_room(&place, &(IndexPlace){"a", "/", NULL, true, 0}, ERROR_DISK_FULL);
    check_room(&place, &(IndexPlace){"a", "/", NULL, false, 0}, ERROR_NONE); /* a role sees no more */
    assert_done(index_session_read(&place.manager, place.arena, place.target_id, NULL, &connection, &error),
                &error);
    assert_done(index_place_find(connection, place.arena, NULL, &there, &error), &error);
    assert_true(!there.is_sort_elsewhere && there.sort_memory_bytes > 0);
    assert_done(pg_execute(connection, "SET maintenance_work_mem = '2MB'", &error), &error);
    assert_done(pg_execute(connection, "SET temp_tablespaces = 'pg_default'", &error), &error);
    assert_done(index_place_find(connection, place.arena, NULL, &there, &error), &error);
    assert_true(there.is_sort_elsewhere && there.sort_directory == NULL);
    assert_int_equal(there.sort_memory_bytes, 2 << 20);
    pg_connection_close(connection);
}

static void
what_is_named_wrongly_or_needed_is_refused_by_its_code(void **state)
{
    Place place = place_of(state);
    IndexPlan plan;
    Error error = {0};
    IndexOrder order = order_of(&place, "t_pkey");
    assert_false(index_plan_drop(&place.manager, place.arena, &order, &plan, &error));
    assert_int_equal(error.code, ERROR_UNSUPPORTED);
    order.table = "no_such";
    assert_false(index_plan_create(&place.manager, place.arena, &order, &plan, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    order = order_of(&place, "t_pkey");
    assert_false(index_plan_create(&place.manager, place.arena, &order, &plan, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    order.definition = "DROP TABLE own.t";
    assert_false(index_plan_create(&place.manager, place.arena, &order, &plan, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    order.definition = "CREATE INDEX x ON own.other (a)";
    assert_false(index_plan_create(&place.manager, place.arena, &order, &plan, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    error_clear(&error);
    assert_done(settings_set(place.fixture->settings, "index.free_space_floor", "1TB", &error), &error);
    order = order_of(&place, "t_large");
    PgConnection *connection = NULL;
    int64_t free_bytes = 0;
    assert_done(index_session_read(&place.manager, place.arena, place.target_id, NULL, &connection, &error),
                &error);
    IndexPlace there;
    assert_done(index_place_find(connection, place.arena, NULL, &there, &error), &error);
    assert_string_equal(there.tablespace, "pg_default");
    bool has_room = index_space_check(&place.manager, &there, 1e18, &free_bytes, &error);
    assert_true(has_room ? free_bytes == -1 : error.code == ERROR_DISK_FULL && free_bytes > 0);
    error_clear(&error);
    IndexPlace unknown = {.tablespace = "far"};
    assert_done(index_space_check(&place.manager, &unknown, 1e18, &free_bytes, &error), &error);
    assert_int_equal(free_bytes, -1);
    assert_false(index_place_find(connection, place.arena, "no_such", &there, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    pg_connection_close(connection);
}

static void
a_part_of_a_partitioned_index_is_refused_with_what_can_be_done(void **state)
{
    Place place = place_of(state);
    static const char *const cases[][2] = {{"parts_x", "by hand, at a quiet time: DROP INDEX own.parts_x;"},
                                           {"parts_1_x_idx", "it goes with the partitioned index"}};
    run_sql(&place,
            "CREATE TABLE own.parts (x int) PARTITION BY LIST (x); CREATE TABLE own.parts_1 PARTITION OF "
            "own.parts DEFAULT; CREATE INDEX parts_x ON own.parts (x)");
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        IndexPlan plan;
        Error error = {0};
        IndexOrder order = {.target_id = place.target_id, .schema = "own", .name = cases[i][0]};
        assert_false(index_plan_drop(&place.manager, place.arena, &order, &plan, &error));
        assert_int_equal(error.code, ERROR_UNSUPPORTED);
        if (!text_starts_with(error.hint, cases[i][1]))
            fail_msg("%s (%s)", error.message, error.hint);
    }
}

static void
the_facts_of_tables_indexes_and_sessions_are_the_targets(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    IndexTable table;
    IndexFacts facts;
    bool is_found = false;
    bool is_busy = true;
    double width = 0;
    static const char *const columns[] = {"id", "B b"};
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
    assert_string_equal(index_session_name(place.arena, 17), "fettle index change 17");
    assert_done(
        index_session_change(&place.manager, place.arena, place.target_id, NULL, 17, &connection, &error),
        &error);
    assert_done(index_table_find(connection, place.arena, NULL, "t", &table, &error), &error);
    assert_true(table.is_owned && table.kind == 'r' && !table.is_standby);
    assert_done(index_columns_check(connection, place.arena, &table, columns, 2, &width, &error), &error);
    assert_true(width >= 8);
    assert_done(index_facts_find(connection, place.arena, "own", "t_pkey", &is_found, &facts, &error),
                &error);
    assert_true(is_found && facts.is_valid && facts.constraint != NULL);
    assert_false(index_facts_check_drop(place.arena, &facts, &error));
    error_clear(&error);
    assert_done(index_facts_find(connection, place.arena, "own", "nothing", &is_found, &facts, &error),
                &error);
    assert_false(is_found);
    IndexChange change = {.id = 17, .backend_pid = pg_connection_backend_pid(connection)};
    assert_done(index_backend_is_busy(place.fixture->connection, place.arena, &change, &is_busy, &error),
                &error);
    assert_false(is_busy); /* it is idle */
    assert_done(index_backend_is_busy(connection, place.arena, &change, &is_busy, &error), &error);
    assert_true(is_busy); /* it asks */
    change.sent = (IndexSent){.pid = change.backend_pid, .backend_start_us = 1};
    assert_done(index_backend_is_busy(connection, place.arena, &change, &is_busy, &error), &error);
    assert_false(is_busy); /* a number of a process comes again */
    assert_done(index_table_lock_try(&place.manager, connection, "own", "t", &error), &error);
    assert_null(index_holders(connection, place.arena, "own.t", true));
    assert_done(pg_execute(place.fixture->connection, "BEGIN", &error), &error);
    assert_done(pg_execute(place.fixture->connection, "SELECT FROM own.t", &error), &error);
    assert_null(index_holders(connection, place.arena, "own.t", true)); /* a reader is not in the way */
    const char *reader =
        arena_printf(place.arena, "process %d", pg_connection_backend_pid(place.fixture->connection));
    assert_true(text_starts_with(index_holders(connection, place.arena, "own.t", false), reader));
    assert_done(pg_execute(place.fixture->connection, "COMMIT", &error), &error);
    assert_done(pg_execute(connection, "CREATE TABLE own.made (x int)", &error), &error); /* it may write */
}

static void
marks_are_told_from_what_makes_and_drops_an_index(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    const char *undo =
        "CREATE INDEX i ON s.t (a);\nCOMMENT ON INDEX s.i IS ';';\nALTER INDEX s.i ALTER COLUMN 1 "
        "SET STATISTICS 5;\nDROP INDEX s.j";
    assert_string_equal(index_first_statement(arena, undo), "CREATE INDEX i ON s.t (a)");
    assert_string_equal(index_first_statement(arena, ""), "");
    TextList marks = index_marks_of(arena, undo, "s", "i");
    assert_int_equal(marks.count, 2);
    assert_string_equal(marks.items[0], "COMMENT ON INDEX s.i IS ';'");
    assert_int_equal(index_marks_of(arena, undo, "s", "j").count, 0);
}

static void
what_was_made_may_be_dropped_whatever_it_is_good_for(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    IndexFacts facts;
    bool is_found;
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
    run_sql(&place, "CREATE INDEX t_good ON own.t (a); COMMENT ON INDEX own.t_good IS 'x'");
    assert_done(index_session_read(&place.manager, place.arena, place.target_id, NULL, &connection, &error),
                &error);
    assert_done(index_facts_find(connection, place.arena, "own", "t_good", &is_found, &facts, &error),
                &error);
    assert_string_equal(facts.marks, "COMMENT ON INDEX own.t_good IS 'x'");
    assert_true(facts.can_create && facts.can_use && facts.can_place && !facts.is_read_only &&
                !facts.is_clustered);
    facts.lookup = facts.extension = "some";
    facts.can_create = false;
    assert_false(index_facts_check_drop(place.arena, &facts, &error));
    error_clear(&error);
    index_facts_excuse(&facts);
    assert_done(index_facts_check_drop(place.arena, &facts, &error), &error);
    facts.is_clustered = true;
    assert_false(index_facts_check_drop(place.arena, &facts, &error));
    assert_int_equal(error.code, ERROR_UNSUPPORTED);
}

/* A killed process leaves an open change; meanwhile someone makes an index of its name. */
static const char *
state_after_kill(const Place *place, const char *definition, const char *made)
{
    Error error = {0};
    bool wants = false;
    IndexOrder order = order_of(place, "t_part");
    order.definition = definition;
    int64_t id = recorded(place, &order);
    PgConnection *own = place->fixture->connection;
    IndexChange left = change_of(place, id);
    assert_done(index_change_attempt(own, id, 1, false, &wants, &error), &error);
    assert_done(index_sent_record(&place->manager, own, &left, "create", 0, &error), &error);
    assert_done(pg_execute(own, made, &error), &error);
    assert_done(index_settle(&place->manager, id, &error), &error);
    assert_true(exists(place, "t_part"));
    assert_done(pg_execute(place->fixture->connection, "DROP INDEX own.t_part", &error), &error);
    return change_of(place, id).state;
}

static void
an_index_of_another_predicate_or_expression_is_not_taken_for_ours(void **state)
{
    Place place = place_of(state);
    assert_string_equal(state_after_kill(&place, "CREATE INDEX ON own.t (a) WHERE a > 5.5 AND \"B b\" = 'x'",
                                         "CREATE INDEX t_part ON own.t (a) WHERE a > 5.5 AND \"B b\" = 'x'"),
                        "completed");
    assert_string_equal(state_after_kill(&place, "CREATE INDEX ON own.t (a) WHERE a > 5.5",
                                         "CREATE INDEX t_part ON own.t (a) WHERE a > 900.5"),
                        "failed");
    assert_string_equal(
        state_after_kill(&place, "CREATE INDEX ON own.t ((a + 1))", "CREATE INDEX t_part ON own.t (abs(a))"),
        "failed");
    assert_string_equal(state_after_kill(&place, "CREATE INDEX ON own.t (a int4_ops ASC)",
                                         "CREATE INDEX t_part ON own.t (a)"),
                        "completed");
    assert_string_equal(
        state_after_kill(&place, "CREATE INDEX ON own.t (a DESC)", "CREATE INDEX t_part ON own.t (a)"),
        "failed");
}

/* Whatever dies right after the end was written: its implementation is there, and there once. */
static void
the_end_of_a_change_opens_its_implementation_once(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    PgConnection *own = place.fixture->connection;
    static const char implemented[] = "SELECT count(*) FROM fettle.optimization_implementations WHERE "
                                      "implementation_notes = 'index change ";
    IndexOrder order = order_of(&place, "t_ended");
    int64_t id = recorded(&place, &order);
    const char *count = arena_printf(place.arena, "%s%lld'", implemented, (long long)id);
    for (int i = 0; i < 2; i++) {
        assert_done(index_change_end(own, id, "completed", NULL, &error), &error);
        assert_string_equal(store_fixture_value(place.fixture, count), "1");
    }
    /* in the caller's transaction all of it is the caller's */
    id = recorded(&place, &order);
    count = arena_printf(place.arena, "%s%lld'", implemented, (long long)id);
    assert_done(pg_execute(own, "BEGIN", &error), &error);
    assert_done(index_change_end(own, id, "completed", NULL, &error), &error);
    assert_done(pg_execute(own, "ROLLBACK", &error), &error);
    assert_string_equal(store_fixture_value(place.fixture, count), "0");
    assert_string_equal(change_of(&place, id).state, "pending");
    /* a measurement that cannot begin takes nothing from the change, and the history says so */
    assert_done(
        pg_execute(own,
                   "ALTER TABLE fettle.optimization_implementations ADD CONSTRAINT none CHECK (false) "
                   "NOT VALID",
                   &error),
        &error);
    assert_done(index_change_end(own, id, "completed", NULL, &error), &error);
    assert_done(
        pg_execute(own, "ALTER TABLE fettle.optimization_implementations DROP CONSTRAINT none", &error),
        &error);
    assert_string_equal(change_of(&place, id).state, "completed");
    assert_non_null(strstr(change_of(&place, id).error_message, "measurement could not be begun"));
}

static IndexRecommendation
row_of(const char *type, const char *name)
{
    static const char *const columns[] = {"a"};
    return (IndexRecommendation){.schema_name = "own",
                                 .table_name = "t",
                                 .index_name = name,
                                 .columns = columns,
                                 .column_count = 1,
                                 .index_type = "btree",
                                 .type = type,
                                 .estimated_benefit = 40,
                                 .estimated_cost = NAN,
                                 .confidence_score = 0.8,
                                 .affected_query_count = -1,
                                 .affected_total_time_ms = NAN,
                                 .size_bytes = -1,
                                 .create_statement = "CREATE INDEX t_x ON own.t (a)",
                                 .reason = "r"};
}

/* Writes one recommendation, and tells the status and number that it is stored under. */
static IndexRecommendation
written(const Place *place, IndexRecommendation row)
{
    Error error = {0};
    IndexRecommendations list;
    IndexRecommendations found = {.items = &row, .count = 1};
    PgConnection *own = place->fixture->connection;
    assert_done(index_recommendations_write(own, place->arena, &found, place->target_id, "db",
                                            "{create,drop}", &error),
                &error);
    assert_done(index_recommendation_list(own, place->arena, place->target_id, NULL, 10, &list, &error),
                &error);
    for (size_t i = 0; i < list.count; i++)
        if (strcmp(list.items[i].type, row.type) == 0)
            return list.items[i];
    fail();
    return row;
}

static void
another_index_of_the_same_columns_does_not_look_carried_out(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    PgConnection *own = place.fixture->connection;
    static const char done[] = "UPDATE fettle.index_recommendations SET applied_at = now(), status = CASE "
                               "recommendation_type WHEN 'drop' THEN 'dropped' ELSE 'created' END";
    int64_t first = written(&place, row_of("drop", "t_one")).id;
    assert_done(pg_execute(own, done, &error), &error);
    IndexRecommendation same = written(&place, row_of("drop", "t_one"));
    assert_true(same.id == first && strcmp(same.status, "dropped") == 0);
    IndexRecommendation other = written(&place, row_of("drop", "t_two"));
    assert_true(other.id != first && strcmp(other.status, "recommended") == 0 && other.applied_at_us == 0);
    /* a person may have named the new index otherwise; a predicate makes it another one */
    first = written(&place, row_of("create", "t_a")).id;
    assert_done(pg_execute(own, done, &error), &error);
    same = written(&place, row_of("create", "t_a_too"));
    assert_true(same.id == first && strcmp(same.status, "created") == 0);
    IndexRecommendation partial = row_of("create", "t_a");
    partial.predicate = "a > 5";
    other = written(&place, partial);
    assert_true(other.id != first && strcmp(other.status, "recommended") == 0);
    assert_string_equal(other.predicate, "a > 5");
}

static void
recommendations_are_refreshed_dropped_and_settled_with_their_change(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    static const char *const columns[] = {"a"};
    IndexRecommendation row = {.schema_name = "own",
                               .table_name = "t",
                               .index_name = "t_wanted",
                               .columns = columns,
                               .column_count = 1,
                               .index_type = "btree",
                               .type = "create",
                               .estimated_benefit = 40,
                               .estimated_cost = NAN,
                               .confidence_score = 0.8,
                               .affected_query_count = -1,
                               .affected_total_time_ms = NAN,
                               .size_bytes = -1,
                               .create_statement = "CREATE INDEX t_wanted ON own.t (a)",
                               .reason = "r"};
    IndexRecommendation rows[] = {row, row}; /* to the store they are one */
    rows[1].predicate = "b > 0";
    rows[1].estimated_benefit = 30;
    IndexRecommendations found = {.items = rows, .count = 2};
    IndexRecommendations list;
    PgConnection *own = place.fixture->connection;
    for (int round = 0; round < 2; round++)
        assert_done(
            index_recommendations_write(own, place.arena, &found, place.target_id, "db", "{create}", &error),
            &error);
    assert_done(
        index_recommendation_list(own, place.arena, place.target_id, "recommended", 10, &list, &error),
        &error);
    assert_int_equal(list.count, 1);
    assert_true(isnan(list.items[0].estimated_cost) && list.items[0].size_bytes == -1);
    assert_true(rows[0].id == list.items[0].id && rows[0].created_at_us == list.items[0].created_at_us);
    assert_true(rows[0].target_id == place.target_id && rows[1].id == 0 && rows[1].created_at_us == 0);
    assert_string_equal(rows[0].status, "recommended");
    assert_string_equal(rows[0].database_name, "db");
    IndexOrder order = order_of(&place, "t_wanted");
    order.recommendation_id = list.items[0].id;
    assert_done(index_run(&place.manager, recorded(&place, &order), &error), &error);
    IndexRecommendation now;
    assert_done(index_recommendation_get(own, place.arena, order.recommendation_id, &now, &error), &error);
    assert_string_equal(now.status, "created");
    assert_true(now.applied_at_us > 0);
    static const char implemented[] =
        "SELECT string_agg(concat_ws(' ', o.recommendation_text, o.dismissal_reason, i.status), ', ') "
        "FROM fettle.optimization_implementations i JOIN fettle.optimization_recommendations o ON o.id = "
        "i.recommendation_id";
    assert_string_equal(store_fixture_value(place.fixture, implemented),
                        "Create index t_wanted on own.t implemented pending");
    found.count = 1;
    assert_done(
        index_recommendations_write(own, place.arena, &found, place.target_id, "db", "{create}", &error),
        &error);
    assert_true(rows[0].id == now.id && rows[0].applied_at_us == now.applied_at_us);
    assert_string_equal(rows[0].status, "created");
    found.count = 0;
    assert_done(
        index_recommendations_write(own, place.arena, &found, place.target_id, "db", "{create}", &error),
        &error);
    assert_done(index_recommendation_list(own, place.arena, place.target_id, NULL, 10, &list, &error),
                &error);
    assert_int_equal(list.count, 1); /* what was carried out stays */
    assert_false(index_recommendation_get(own, place.arena, 999, &now, &error));
}

static void
a_review_sees_duplicates_and_tables_that_are_read_whole(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    IndexReview review;
    IndexMissing *missing;
    IndexRecommendation recommendation;
    IndexReviewOptions options = {.rare_scans = -1};
    assert_done(pg_execute_script(place.fixture->connection,
                                  "CREATE INDEX t_one ON own.t (a); CREATE INDEX t_two ON own.t (a)", NULL,
                                  &error),
                &error);
    assert_done(index_review_take(&place.manager, place.arena, place.target_id, &options, &review, &error),
                &error);
    bool is_seen = false;
    for (size_t i = 0; i < review.findings.count; i++) {
        const HygieneFinding *finding = &review.findings.items[i];
        is_seen =
            is_seen || (finding->class == HYGIENE_DUPLICATE && strcmp(finding->relation->name, "t") == 0 &&
                        index_recommendation_of_finding(place.arena, finding, &recommendation) &&
                        strcmp(recommendation.type, "drop") == 0);
    }
    assert_true(is_seen);
    SnapshotRelation *relation =
        (SnapshotRelation *)(uintptr_t)snapshot_relation_named(review.snapshot, "own", "t");
    size_t before = index_missing_find(place.arena, review.snapshot, &missing);
    relation->activity = (SnapshotActivity){
        .is_known = true, .sequential_scans = 1001, .sequential_tuples = 100001, .index_scans = 1000};
    assert_int_equal(index_missing_find(place.arena, review.snapshot, &missing), before + 1);
    relation->activity.index_scans = 1001;
    assert_int_equal(index_missing_find(place.arena, review.snapshot, &missing), before);
}

/* One more replica than are read: nothing is known of it, so nothing is proposed. */
static void
a_replica_too_many_is_named_and_nothing_is_proposed_as_unused(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    IndexReview review;
    IndexReviewOptions options = {.rare_scans = -1};
    PgConnection *own = place.fixture->connection;
    for (int i = 0; i < 33; i++) {
        int64_t id = 0;
        TargetChange change = {.name = arena_printf(place.arena, "replica%02d", i),
                               .dsn = "host=/nonexistent dbname=x",
                               .enabled = 1,
                               .interval_ms = -1};
        assert_done(target_create(place.fixture->store, own, &change, &id, &error), &error);
    }
    assert_done(pg_execute(own, "UPDATE fettle.targets SET system_identifier = 77", &error), &error);
    assert_done(index_review_take(&place.manager, place.arena, place.target_id, &options, &review, &error),
                &error);
    assert_int_equal(review.input.replica_count, 33);
    for (size_t i = 0; i < 33; i++)
        assert_true(review.input.replicas[i].failure != NULL && review.input.replicas[i].snapshot == NULL);
    assert_non_null(strstr(review.input.replicas[32].failure, "no more than 32"));
    for (size_t i = 0; i < review.findings.count; i++)
        assert_true(review.findings.items[i].class != HYGIENE_UNUSED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_statement_of_an_order_quotes_every_name),
        cmocka_unit_test_setup(a_change_is_recorded_carried_out_and_undone, store_fixture_clear),
        cmocka_unit_test_setup(on_one_table_only_one_change_is_open, store_fixture_clear),
        cmocka_unit_test_setup(a_change_that_was_asked_to_stop_never_begins, store_fixture_clear),
        cmocka_unit_test_setup(what_a_killed_process_left_is_settled_truthfully, store_fixture_clear),
        cmocka_unit_test(marks_are_told_from_what_makes_and_drops_an_index),
        cmocka_unit_test_setup(what_was_made_may_be_dropped_whatever_it_is_good_for, store_fixture_clear),
        cmocka_unit_test_setup(
            what_was_invalid_when_its_drop_was_advised_stays_if_it_is_valid_when_its_turn_comes,
            store_fixture_clear),
        cmocka_unit_test_setup(a_kill_between_an_index_and_its_comment_leaves_both_in_the_end,
                               store_fixture_clear),
        cmocka_unit_test_setup(the_sort_is_looked_for_where_it_spills, store_fixture_clear),
        cmocka_unit_test_setup(what_is_named_wrongly_or_needed_is_refused_by_its_code, store_fixture_clear),
        cmocka_unit_test_setup(a_part_of_a_partitioned_index_is_refused_with_what_can_be_done,
                               store_fixture_clear),
        cmocka_unit_test_setup(the_facts_of_tables_indexes_and_sessions_are_the_targets, store_fixture_clear),
        cmocka_unit_test_setup(an_index_of_another_predicate_or_expression_is_not_taken_for_ours,
                               store_fixture_clear),
        cmocka_unit_test_setup(the_end_of_a_change_opens_its_implementation_once, store_fixture_clear),
        cmocka_unit_test_setup(another_index_of_the_same_columns_does_not_look_carried_out,
                               store_fixture_clear),
        cmocka_unit_test_setup(a_replica_too_many_is_named_and_nothing_is_proposed_as_unused,
                               store_fixture_clear),
        cmocka_unit_test_setup(recommendations_are_refreshed_dropped_and_settled_with_their_change,
                               store_fixture_clear),
        cmocka_unit_test_setup(a_review_sees_duplicates_and_tables_that_are_read_whole, store_fixture_clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
