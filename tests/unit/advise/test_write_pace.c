// SPDX-License-Identifier: PostgreSQL
#include "memory_workload.h"

#include "advise/write_pace.h"

#include <math.h>
#include <string.h>

#define STATEMENTS_MOST 16

/* The pace that statements of memory_shop's tables tell, counted by the server (or by a file, when not). */
static WritePace
pace_of(Arena *arena, const char *snapshot, const MemoryStatement *statements, size_t count, bool is_counted)
{
    Fixture fixture = memory_workload(arena, snapshot, statements, count);
    for (size_t i = 0; i < count; i++) {
        SnapshotStatement *source = ARENA_NEW(arena, SnapshotStatement);
        *source = *fixture.workload->statements[i].source;
        source->query_id = is_counted ? (int64_t)i + 1 : 0;
        fixture.workload->statements[i].source = source;
    }
    return write_pace_measure(fixture.context.snapshot, fixture.workload);
}

/* Of 100 calls of a row each. */
static MemoryStatement
written(const char *text, double mean_us, double baseline_cost)
{
    return (MemoryStatement){text, 100, mean_us / 1000 * 100, 100, baseline_cost};
}

static const char insert_orders[] = "insert into orders (id) values ($1)";
static const char update_by_key[] = "update orders set total = $1 where id = $2";

static void
a_server_without_a_statement_that_tells_has_the_pace_of_any(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    const MemoryStatement others[] = {
        written("select * from orders where id = $1", 900, 8),
        written("delete from orders where id = $1", 900, 8),
        written("update orders set total = $1 where status = $2", 900, 2000), /* a scan */
        written("insert into orders (id) select x from small", 900, 8),       /* reads another */
        written("insert into orders (id) select x from nowhere", 900, 8),     /* reads what is unknown */
        written("update orders set total = 1 from small where small.id = 2", 9, 8), /* the same */
        written("update small set x = $1 where id = $2", 900, 8),                   /* always cached */
        {insert_orders, 49, 9, 49, 0.01},                                           /* hardly called */
        {insert_orders, 100, 9, 5000, 0.01},                                        /* loads */
        {update_by_key, 100, 9, 20, 8},                                             /* mostly finds nothing */
        {insert_orders, 100, NAN, 100, 0.01},
        {insert_orders, NAN, 9, NAN, 0.01},
    };
    WritePace pace = pace_of(arena, memory_shop, others, FETTLE_COUNT_OF(others), true);
    assert_int_equal(pace.statement_count, 0);
    assert_true(pace.times == 1 && fabs(pace.deviation - 0.7) < 1e-9);
    /* a file's times are someone's word */
    const MemoryStatement inserted = written(insert_orders, 900, 0.01);
    assert_int_equal(pace_of(arena, memory_shop, &inserted, 1, false).statement_count, 0);
    assert_int_equal(pace_of(arena, memory_shop, &inserted, 1, true).statement_count, 1);
}

static void
each_statement_moves_the_pace_and_makes_it_surer(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    /* 26 µs and 2 for the row, half of 13 for the primary key */
    const double reference_us = 26 + 2 + 6.5;
    MemoryStatement statements[STATEMENTS_MOST];
    double before = 1, deviation = 0.7;
    for (size_t i = 0; i < STATEMENTS_MOST; i++) {
        statements[i] = written(insert_orders, 4 * reference_us, 0.01);
        WritePace pace = pace_of(arena, memory_shop, statements, i + 1, true);
        assert_int_equal(pace.statement_count, i + 1);
        assert_true(pace.times > before && pace.times < 4 && pace.deviation < deviation);
        before = pace.times;
        deviation = pace.deviation;
    }
    assert_true(before > 3.6 && deviation > 0.25 && deviation < 0.3);
    /* half of what one says is taken, about: its own deviation is as great as that of servers */
    double weight = 0.49 / (0.49 + 0.65 * 0.65);
    WritePace one = pace_of(arena, memory_shop, statements, 1, true);
    assert_true(fabs(one.times - pow(4, weight)) < 1e-9);
    /* one that is far off counts as ten times */
    statements[1] = statements[2] = written(insert_orders, 1e6, 0.01);
    statements[2].total_ms = 1e9;
    assert_true(pace_of(arena, memory_shop, &statements[1], 1, true).times ==
                pace_of(arena, memory_shop, &statements[2], 1, true).times);
    assert_true(fabs(pace_of(arena, memory_shop, &statements[1], 1, true).times - pow(10, weight)) < 1e-9);
}

/* What a call would take at pace 1: the pace of two times, told apart. */
static double
reference_us(Arena *arena, const char *snapshot, MemoryStatement statement)
{
    double weight = 0.49 / (0.49 + 0.65 * 0.65);
    statement.total_ms = statement.calls * 0.05;
    WritePace pace = pace_of(arena, snapshot, &statement, 1, true);
    assert_int_equal(pace.statement_count, 1);
    return 50 / pow(pace.times, 1 / weight);
}

static void
what_a_statement_does_is_taken_into_account(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    const char *keys =
        arena_printf(arena, "%s%s", memory_shop,
                     "@constraints id relation_id name type foreign_relation_id columns foreign_columns\n"
                     "20|1|a|f|2|{2}|{1}\n21|1|b|f|2|{4}|{1}\n");
    const char *indexed = arena_printf(
        arena, "%.*s%s%s", (int)(strstr(memory_shop, "@index_columns") - memory_shop), memory_shop,
        "11|1|public|orders_total|btree|CREATE INDEX orders_total ON public.orders USING btree "
        "(total)|f|f|t\n",
        arena_printf(arena,
                     "@index_columns id attnum expression operator_class "
                     "is_default_operator_class\n10|1|\\N|int4_ops|t\n11|4|\\N|numeric_ops|t\n%s",
                     strstr(memory_shop, "@sizes")));
    const MemoryStatement insert = written(insert_orders, 50, 0.01);
    const MemoryStatement update = written(update_by_key, 50, 8);
    const MemoryStatement three = {insert_orders, 100, 5, 300, 0.01};
    assert_true(fabs(reference_us(arena, memory_shop, insert) - 34.5) < 1e-6);
    assert_true(fabs(reference_us(arena, memory_shop, three) - (26 + 3 * 2 + 0.5 * (3 * 4 + 9))) < 1e-6);
    assert_true(fabs(reference_us(arena, keys, insert) - (34.5 + 20 + 2 * 18)) < 1e-6);
    assert_true(fabs(reference_us(arena, indexed, insert) - (34.5 + 13)) < 1e-6);
    /* HOT while nothing says otherwise; an index that holds the column ends that */
    assert_true(fabs(reference_us(arena, memory_shop, update) - 38) < 1e-6);
    assert_true(fabs(reference_us(arena, indexed, update) - (38 + 2 * 12)) < 1e-6);
}

/* A GIN's entries cost more, a partial index's are not in every row. */
static void
a_table_with_an_index_of_another_kind_tells_nothing(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    const MemoryStatement insert = written(insert_orders, 50, 0.01);
    const char *methods[] = {"btree", "hash", "gin", "brin"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(methods); i++) {
        const char *snapshot =
            arena_printf(arena, "%.*s11|1|public|orders_total|%s|CREATE INDEX orders_total|f|f|t\n%s",
                         (int)(strstr(memory_shop, "@index_columns") - memory_shop), memory_shop, methods[i],
                         strstr(memory_shop, "@index_columns"));
        assert_int_equal(pace_of(arena, snapshot, &insert, 1, true).statement_count, i < 2);
    }
    Fixture fixture = memory_workload(arena, memory_shop, &insert, 1);
    const SnapshotRelation *orders = snapshot_relation_named(fixture.context.snapshot, "public", "orders");
    SnapshotIndex partial = *orders->indexes.items[0];
    partial.predicate = "(id > 5)";
    SnapshotStatement source = *fixture.workload->statements[0].source;
    source.query_id = 1;
    fixture.workload->statements[0].source = &source;
    assert_int_equal(write_pace_measure(fixture.context.snapshot, fixture.workload).statement_count, 1);
    orders->indexes.items[0] = &partial;
    assert_int_equal(write_pace_measure(fixture.context.snapshot, fixture.workload).statement_count, 0);
}

static void
a_workload_that_was_not_measured_has_the_pace_of_any(void **state)
{
    (void)state;
    const Workload none = {0};
    const Workload measured = {.write_pace = {.times = 2, .deviation = 0.3, .statement_count = 4}};
    assert_true(write_pace_of(&none).times == 1 && write_pace_of(&none).deviation == 0.7);
    assert_true(write_pace_of(&measured).times == 2 && write_pace_of(&measured).deviation == 0.3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_without_a_statement_that_tells_has_the_pace_of_any),
        cmocka_unit_test(each_statement_moves_the_pace_and_makes_it_surer),
        cmocka_unit_test(what_a_statement_does_is_taken_into_account),
        cmocka_unit_test(a_table_with_an_index_of_another_kind_tells_nothing),
        cmocka_unit_test(a_workload_that_was_not_measured_has_the_pace_of_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
