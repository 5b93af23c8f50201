// SPDX-License-Identifier: PostgreSQL
/*
 * Reading from a real server: the whole, what a plain role sees of it, and the function that gives it the
 * rest.
 */
#include "../pg/server.h"

#include "base/text.h"
#include "snapshot/read.h"
#include "snapshot/section.h"

#include <math.h>
#include <string.h>

static int
shop_start(void **state)
{
    if (test_server_start(state) != 0)
        return -1;
    if (test_server_process() == 0)
        return 0;
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    Error error = {0};
    bool good = pg_execute_script(
        connection,
        "CREATE TABLE orders (id integer PRIMARY KEY, gone text, status text NOT NULL, total numeric(10, 2));"
        "ALTER TABLE orders DROP COLUMN gone;"
        "INSERT INTO orders SELECT i, CASE WHEN i % 10 = 0 THEN 'open' ELSE 'done' END, i FROM "
        "generate_series(1, 5000) i;"
        "CREATE INDEX orders_total ON orders (total) WHERE status = 'open';"
        "CREATE TABLE \"Odd Näme.x\" (\"Köl\" integer);"
        "CREATE VIEW open_orders AS SELECT * FROM orders WHERE status = 'open';"
        "ALTER ROLE plain SET work_mem = '7MB'; ANALYZE",
        NULL, &error);
    return good ? 0 : -1;
}

static const Snapshot *
read_as(Arena *arena, const char *user, const SnapshotReadOptions *options)
{
    PgConnection *connection = NULL;
    const Snapshot *snapshot = NULL;
    Error error = {0};
    bool good = pg_connection_open(test_server_dsn(arena, user, "postgres", ""),
                                   &(PgConnectOptions){.purpose = PG_PURPOSE_TARGET}, &connection, &error) &&
                snapshot_read(arena, connection, options, &snapshot, &error);
    pg_connection_close(connection);
    if (!good)
        fail_msg("%s", error.message);
    return snapshot;
}

static void
a_superuser_reads_the_whole(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    const Snapshot *snapshot =
        read_as(arena, "postgres", &(SnapshotReadOptions){.application_role = "plain"});
    assert_int_equal(snapshot->rights, SNAPSHOT_RIGHTS_FULL);
    assert_string_equal(snapshot->database, "postgres");
    const SnapshotRelation *orders = snapshot_relation_named(snapshot, "public", "orders");
    assert_int_equal(orders->column_count, 4);
    assert_true(orders->columns[1].is_dropped && orders->columns[2].is_not_null);
    assert_true(orders->reltuples == 5000 && orders->size_blocks > 10 &&
                orders->relpages == (double)orders->size_blocks);
    assert_int_equal(orders->indexes.count, 2);
    assert_non_null(snapshot_column_statistics(orders, 3));
    assert_non_null(snapshot_relation_named(snapshot, "public", "Odd Näme.x"));
    assert_int_equal(snapshot_relation_named(snapshot, "public", "open_orders")->kind, 'v');
    assert_string_equal(snapshot_effective_setting(snapshot, "work_mem"), "7MB");
    assert_true(snapshot->read_ms > 0 && !snapshot->adds_scans);
    /* pg_stat_statements is not loaded there */
    assert_false(snapshot->has_statements);
    assert_int_equal(snapshot->statement_count, 0);
}

static void
a_plain_role_gets_gaps_with_remedies_and_a_helper_fills_them(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    const Snapshot *before = read_as(arena, "plain", &(SnapshotReadOptions){.without_workload = true});
    assert_true(before->rights < SNAPSHOT_RIGHTS_FULL);
    const SnapshotRelation *orders = snapshot_relation_named(before, "public", "orders");
    assert_int_equal(orders->statistics.count, 0);
    assert_true(before->adds_scans);
    const SnapshotReadOptions uncounted = {.without_workload = true, .ends = SNAPSHOT_ENDS_UNCOUNTED};
    assert_false(read_as(arena, "plain", &uncounted)->adds_scans);
    assert_true(before->gap_count > 0);
    for (size_t i = 0; i < before->gap_count; i++)
        assert_true(before->gaps[i].subject[0] != '\0' && before->gaps[i].reason[0] != '\0');
    {
        FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
        Error error = {0};
        for (int twice = 0; twice < 2; twice++)
            if (!pg_execute_script(connection, snapshot_helper_function_sql(arena), NULL, &error))
                fail_msg("%s", error.message);
        assert_true(pg_execute(connection, "GRANT pg_monitor TO plain", &error));
    }
    const Snapshot *after = read_as(arena, "plain", &(SnapshotReadOptions){.without_workload = true});
    assert_int_equal(after->rights, SNAPSHOT_RIGHTS_FUNCTION);
    orders = snapshot_relation_named(after, "public", "orders");
    const Snapshot *whole = read_as(arena, "postgres", &(SnapshotReadOptions){.without_workload = true});
    const SnapshotRelation *all = snapshot_relation_named(whole, "public", "orders");
    assert_int_equal(orders->statistics.count, all->statistics.count);
    for (size_t i = 0; i < all->statistics.count; i++) {
        const SnapshotStatistics *a = orders->statistics.items[i], *b = all->statistics.items[i];
        assert_true(a->attnum == b->attnum && a->n_distinct == b->n_distinct &&
                    a->null_fraction == b->null_fraction);
        for (int slot = 0; slot < SNAPSHOT_STATISTICS_SLOTS; slot++) {
            assert_int_equal(a->slots[slot].kind, b->slots[slot].kind);
            assert_true(text_equals(a->slots[slot].values, b->slots[slot].values));
            assert_true(text_equals(a->slots[slot].numbers, b->slots[slot].numbers));
        }
    }
}

typedef struct Steps {
    int count;
    bool is_in_order;
} Steps;

static void
note_step(void *context, const char *step, int64_t done, int64_t total)
{
    Steps *steps = context;
    steps->count++;
    steps->is_in_order = steps->is_in_order && step[0] != '\0' && done >= 0 && (total == 0 || done <= total);
}

static void
progress_is_told(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    Steps steps = {.is_in_order = true};
    (void)read_as(arena, "postgres", &(SnapshotReadOptions){.progress = note_step, .context = &steps});
    assert_true(steps.count > 3 && steps.is_in_order);
}

static void
a_read_past_its_deadline_fails_as_a_whole(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    const Snapshot *snapshot = NULL;
    Error error = {0};
    assert_false(snapshot_read(arena, connection, &(SnapshotReadOptions){.deadline = 1}, &snapshot, &error));
    assert_int_equal(error.code, ERROR_TIMEOUT);
    assert_null(snapshot);
}

static void
equal_databases_give_equal_sections(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    const Snapshot *a = read_as(arena, "postgres", &(SnapshotReadOptions){0});
    const Snapshot *b = read_as(arena, "postgres", &(SnapshotReadOptions){0});
    static const char *const stable[] = {"schemas",    "relations",     "columns",
                                         "indexes",    "index_columns", "constraints",
                                         "statistics", "role_settings", "extensions"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(stable); i++)
        assert_true(snapshot_section_hash(snapshot_section_find(a->sections, stable[i])) ==
                    snapshot_section_hash(snapshot_section_find(b->sections, stable[i])));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_superuser_reads_the_whole),
        cmocka_unit_test(a_plain_role_gets_gaps_with_remedies_and_a_helper_fills_them),
        cmocka_unit_test(progress_is_told),
        cmocka_unit_test(a_read_past_its_deadline_fails_as_a_whole),
        cmocka_unit_test(equal_databases_give_equal_sections),
    };
    return cmocka_run_group_tests(tests, shop_start, test_server_stop);
}
