// SPDX-License-Identifier: PostgreSQL
#include "../memory_workload.h"

#include "advise/index/write_cost.h"

#include <math.h>
#include <string.h>

static double
cost_of_candidate(Arena *arena, const char *snapshot, MemoryStatement statement, Candidate candidate)
{
    Fixture fixture = memory_workload(arena, snapshot, &statement, 1);
    candidate.relation = snapshot_relation_named(fixture.context.snapshot, "public", "orders");
    return index_write_cost(&fixture.context, &candidate);
}

/* What an index on one column costs one statement that writes. */
static double
cost_of(Arena *arena, MemoryStatement statement, int attnum)
{
    return cost_of_candidate(arena, memory_shop, statement,
                             (Candidate){.keys = {{.attnum = attnum}}, .key_count = 1});
}

static const MemoryStatement insert_orders = {"insert into orders (id) values ($1)", 100, 50, 1000, 10};
static const MemoryStatement update_total = {"update orders set total = $1 where id = $2", 100, 50, 1000, 10};
static const MemoryStatement update_id = {"update orders set id = $1 where id = $2", 100, 50, 1000, 10};

static void
rows_written_cost_by_kind_of_statement(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    const MemoryStatement select = {"select * from orders where customer_id = 1", 100, 50, 100, 10};
    const MemoryStatement touch = {"update orders set customer_id = $1 where id = $2", 100, 50, 1000, 10};
    const MemoryStatement elsewhere = {"insert into small values (1, 2)", 100, 50, 1000, 10};
    const MemoryStatement remove = {"delete from orders where id = $1", 100, 50, 1000, 10};
    assert_true(cost_of(arena, select, 2) == 0);
    assert_true(cost_of(arena, elsewhere, 2) == 0);
    /* 4 µs a row, and 9 µs a call */
    assert_true(fabs(cost_of(arena, insert_orders, 2) - (1000 * 0.004 + 100 * 0.009)) < 1e-9);
    /* vacuum removes the entries of deleted rows */
    assert_true(cost_of(arena, remove, 2) > 0 &&
                cost_of(arena, remove, 2) < cost_of(arena, insert_orders, 2));
    /* an update of the key ends being HOT, for the other indexes of the table too */
    assert_true(cost_of(arena, touch, 2) > cost_of(arena, insert_orders, 2));
    /* one of an indexed column is not HOT anyway: nothing is lost but an entry, and 8 µs a call */
    assert_true(fabs(cost_of(arena, update_id, 2) - (1000 * 0.004 + 100 * 0.008)) < 1e-9);
    /* one that is not HOT for want of room costs an entry */
    assert_true(fabs(cost_of(arena, update_total, 2) - 0.5 * cost_of(arena, update_id, 2)) < 1e-9);
}

static void
the_estimate_lies_within_its_interval_which_is_wider_where_less_is_known(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    const MemoryStatement statements[] = {insert_orders, update_total, update_id};
    const CandidateMethod methods[] = {CANDIDATE_BTREE, CANDIDATE_GIN, CANDIDATE_GIST, CANDIDATE_BRIN};
    double width[FETTLE_COUNT_OF(statements)];
    for (size_t s = 0; s < FETTLE_COUNT_OF(statements); s++)
        for (size_t m = 0; m < FETTLE_COUNT_OF(methods); m++) {
            Fixture fixture = memory_workload(arena, memory_shop, &statements[s], 1);
            Candidate candidate = {.method = methods[m], .keys = {{.attnum = 2}}, .key_count = 1};
            candidate.relation = snapshot_relation_named(fixture.context.snapshot, "public", "orders");
            WriteCost cost = index_write_cost_detail(&fixture.context, &candidate, NULL);
            assert_true(cost.objective_low < cost.objective && cost.objective < cost.objective_high);
            width[s] = m == 0 ? cost.objective_high / fmax(cost.objective_low, 1e-9) : width[s];
        }
    /* nothing says how many of the updates of another column are HOT: none may cost an entry */
    assert_true(width[1] > 100 * width[0] && fabs(width[2] / width[0] - 1) < 1e-9);
}

static void
a_server_whose_pace_is_known_scales_the_estimate_and_narrows_it(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    Fixture fixture = memory_workload(arena, memory_shop, &insert_orders, 1);
    const Candidate plain = {.keys = {{.attnum = 2}},
                             .key_count = 1,
                             .relation =
                                 snapshot_relation_named(fixture.context.snapshot, "public", "orders")};
    WriteCost unknown = index_write_cost_detail(&fixture.context, &plain, NULL);
    fixture.workload->write_pace = (WritePace){.times = 3, .deviation = 0.2, .statement_count = 10};
    WriteCost known = index_write_cost_detail(&fixture.context, &plain, NULL);
    assert_true(fabs(known.objective - 3 * unknown.objective) < 1e-9);
    assert_true(fabs(index_write_cost(&fixture.context, &plain) - known.objective) < 1e-9);
    /* as for a server of any pace: more than ten times wide; else less than four */
    assert_true(unknown.objective_high > 10 * unknown.objective_low);
    assert_true(known.objective_high < 4 * known.objective_low);
    /* what one machine's prices differ by stays when the pace is certain: 1.6 times either way */
    fixture.workload->write_pace.deviation = 0;
    WriteCost certain = index_write_cost_detail(&fixture.context, &plain, NULL);
    assert_true(fabs(certain.objective_high - 1.6 * certain.objective) < 1e-9);
    assert_true(fabs(certain.objective_low - certain.objective / 1.6) < 1e-9);
}

static void
whatever_holds_the_updated_column_loses_hot(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    static const int total[] = {4};
    const Candidate plain = {.keys = {{.attnum = 2}}, .key_count = 1};
    const Candidate key = {.keys = {{.attnum = 4}}, .key_count = 1};
    Candidate included = plain;
    included.included = (CandidateColumns){total, 1};
    Candidate restricted = plain;
    restricted.predicate = "total = 5";
    restricted.restricted = (CandidateColumns){total, 1};
    const Candidate expression = {.keys = {{.expression = "round(total)", .reads = {total, 1}}},
                                  .key_count = 1};
    const Candidate *const holders[] = {&key, &included, &restricted, &expression};
    double least = cost_of_candidate(arena, memory_shop, update_total, plain);
    double lost = cost_of_candidate(arena, memory_shop, update_total, key);
    for (size_t i = 0; i < FETTLE_COUNT_OF(holders); i++)
        assert_true(cost_of_candidate(arena, memory_shop, update_total, *holders[i]) > 2 * least);
    /* an entry, and half of the updates lose: 1 µs in the table and 4 µs in the primary key each; 8 µs a
     * call for the new index, and for the primary key of half of them */
    assert_true(fabs(lost - 1000 * (0.004 + 0.5 * 0.005) - 100 * 1.5 * 0.008) < 1e-9);
}

static void
one_index_that_ends_hot_updates_makes_all_of_the_set_pay(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    Fixture fixture = memory_workload(arena, memory_shop, &update_total, 1);
    const SnapshotRelation *orders = snapshot_relation_named(fixture.context.snapshot, "public", "orders");
    const SnapshotRelation *small = snapshot_relation_named(fixture.context.snapshot, "public", "small");
    const Candidate plain = {.relation = orders, .keys = {{.attnum = 2}}, .key_count = 1};
    const Candidate total = {.relation = orders, .keys = {{.attnum = 4}}, .key_count = 1};
    const Candidate other = {.relation = orders, .keys = {{.attnum = 5}, {.attnum = 4}}, .key_count = 2};
    const Candidate elsewhere = {.relation = small, .keys = {{.attnum = 4}}, .key_count = 1};
    const Candidate *const sets[][3] = {
        {&plain, &elsewhere, &plain}, {&plain, &elsewhere, &total}, {&plain, &other, &total}};
    double of_plain[3], of_total[3];
    for (size_t i = 0; i < FETTLE_COUNT_OF(sets); i++) {
        const WriteBeside beside = {sets[i], 3};
        of_plain[i] = index_write_cost_detail(&fixture.context, &plain, &beside).objective;
        of_total[i] = index_write_cost_detail(&fixture.context, &total, &beside).objective;
    }
    assert_true(fabs(of_plain[0] - 0.5 * (1000 * 0.004 + 100 * 0.008)) < 1e-9);
    assert_true(fabs(of_plain[1] - 2 * of_plain[0]) < 1e-9 && of_plain[2] == of_plain[1]);
    /* what the primary key and the table lose is lost once */
    double entry = 1000 * 0.004 + 100 * 0.008;
    assert_true(of_total[0] == of_total[1] && fabs(of_total[2] - entry - (of_total[0] - entry) / 2) < 1e-9);
}

static void
the_interplay_of_a_set_is_what_the_others_pay_once_one_ends_hot_updates(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    const MemoryStatement statements[] = {update_total, update_id, insert_orders, update_total};
    Fixture fixture = memory_workload(arena, memory_shop, statements, 4);
    const double pace = 2;
    fixture.workload->write_pace = (WritePace){.times = pace, .deviation = 0.2, .statement_count = 10};
    const SnapshotRelation *orders = snapshot_relation_named(fixture.context.snapshot, "public", "orders");
    const SnapshotRelation *small = snapshot_relation_named(fixture.context.snapshot, "public", "small");
    Candidate plain = {.relation = orders, .keys = {{.attnum = 2}}, .key_count = 1};
    Candidate total = {.relation = orders, .keys = {{.attnum = 4}}, .key_count = 1};
    Candidate other = {.relation = orders, .keys = {{.attnum = 5}, {.attnum = 4}}, .key_count = 2};
    Candidate elsewhere = {.relation = small, .keys = {{.attnum = 2}}, .key_count = 1};
    Candidate *items[] = {&plain, &total, &other, &elsewhere};
    const CandidateSet candidates = {.items = items, .count = 4};
    WriteInterplayList list = index_write_interplay(arena, &fixture.context, &candidates);
    /* updates of total are one; those of id are not HOT as it is */
    assert_int_equal(list.count, 1);
    for (unsigned mask = 0; mask < 16; mask++) {
        Bits set = bits_new(arena, 4);
        double in_set = 0, alone = 0;
        const Candidate *chosen[4];
        WriteBeside beside = {.items = chosen};
        for (size_t i = 0; i < 4; i++)
            if ((mask >> i & 1) != 0) {
                bits_add(set, i);
                chosen[beside.count++] = items[i];
            }
        for (size_t i = 0; i < beside.count; i++) {
            in_set += index_write_cost_detail(&fixture.context, chosen[i], &beside).objective;
            alone += index_write_cost(&fixture.context, chosen[i]);
        }
        double interplay = write_interplay_cost(&list, set);
        /* half of 2 updates of 1,000 rows and 100 calls get an entry of the plain one */
        bool is_met = (mask & 1) != 0 && (mask & 6) != 0;
        /* and of as many lose the table and its primary key, however many end their being HOT */
        double shared = (mask & 6) != 0 ? 1000 * 0.005 + 100 * 0.008 : 0;
        assert_true(fabs(interplay / pace - shared - (is_met ? 1000 * 0.004 + 100 * 0.008 : 0)) < 1e-9);
        for (size_t i = 0; i < 4; i++)
            if ((mask >> i & 1) != 0)
                alone -= write_interplay_shared(&list, i);
        assert_true(fabs(alone + interplay - in_set) < 1e-9);
    }
}

static void
wal_and_lost_hot_updates_are_counted(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    Fixture fixture = memory_workload(arena, memory_shop, &update_total, 1);
    const Candidate key = {.relation = snapshot_relation_named(fixture.context.snapshot, "public", "orders"),
                           .keys = {{.attnum = 4}},
                           .key_count = 1};
    WriteCost cost = index_write_cost_detail(&fixture.context, &key, NULL);
    assert_true(cost.hot_lost == 500 && cost.rows == 1000);
    assert_true(cost.wal_bytes == 1000 * 110 + 500 * 110);
}

static void
the_share_of_hot_updates_is_the_tables_own(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    const Candidate plain = {.keys = {{.attnum = 2}}, .key_count = 1};
    static const char activity[] = "@activity relation_id tuples_updated tuples_hot_updated\n1|1000|900\n";
    const char *snapshot = arena_printf(arena, "%s%s", memory_shop, activity);
    assert_true(fabs(cost_of_candidate(arena, snapshot, update_total, plain) - 100 * 0.004 - 10 * 0.008) <
                1e-9);
}

static void
a_brin_index_leaves_updates_hot_from_16(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    const Candidate brin = {.method = CANDIDATE_BRIN, .keys = {{.attnum = 4}}, .key_count = 1};
    const char *newer =
        arena_printf(arena, "@meta key value\nserver_version_num|160004\ncollate|en_US.UTF-8\n%s",
                     strstr(memory_shop, "@relations"));
    double before = cost_of_candidate(arena, memory_shop, update_total, brin);
    double from_16 = cost_of_candidate(arena, newer, update_total, brin);
    assert_true(before > 1000 * 0.5 * 0.005);
    assert_true(from_16 < 1000 * 0.001);
}

static void
rows_that_come_in_the_order_of_the_index_are_cheap_to_insert(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    const Candidate plain = {.keys = {{.attnum = 5}}, .key_count = 1};
    /* the last is nearly a constant, which is in order for its ties */
    static const char *const correlations[] = {"-0.9|3|{0.5}", "-0.95|3|{0.999}", "1|3|{1}"};
    const char *statistics = strstr(memory_shop, "@statistics");
    double cost[3];
    for (size_t i = 0; i < FETTLE_COUNT_OF(correlations); i++) {
        const char *text = arena_printf(
            arena,
            "%.*s@statistics relation_id attnum null_fraction average_width_bytes n_distinct kind1 numbers1\n"
            "1|5|0|8|%s\n",
            (int)(statistics - memory_shop), memory_shop, correlations[i]);
        cost[i] = cost_of_candidate(arena, text, insert_orders, plain);
    }
    assert_true(fabs(cost[1] - 0.4 * cost[0]) < 1e-9 && cost[1] > 0);
    assert_true(cost[2] == cost[0]);
}

static void
a_partial_index_is_written_for_the_rows_it_holds(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    const Candidate partial = {
        .keys = {{.attnum = 2}}, .key_count = 1, .predicate = "status = 'open'", .left_out = 0.9};
    assert_true(fabs(cost_of_candidate(arena, memory_shop, insert_orders, partial) - 100 * 0.004 -
                     10 * 0.009) < 1e-9);
}

static void
other_methods_have_prices_of_their_own(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    Candidate candidate = {.method = CANDIDATE_BRIN, .keys = {{.attnum = 5}}, .key_count = 1};
    double brin = cost_of_candidate(arena, memory_shop, insert_orders, candidate);
    candidate = (Candidate){.method = CANDIDATE_GIN, .keys = {{.attnum = 7}}, .key_count = 1};
    double gin = cost_of_candidate(arena, memory_shop, insert_orders, candidate);
    candidate.keys[0] = (CandidateKey){.attnum = 6, .operator_class = "public.gin_trgm_ops"};
    double trigrams = cost_of_candidate(arena, memory_shop, insert_orders, candidate);
    assert_true(brin * 10 < cost_of(arena, insert_orders, 2));
    assert_true(gin > cost_of(arena, insert_orders, 2) && trigrams > 5 * gin);
}

static void
the_cost_grows_with_the_rows_and_falls_back_on_the_calls(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    MemoryStatement insert = {"insert into orders (id) values ($1)", 100, 50, 1000, 10};
    double once = cost_of(arena, insert, 2);
    insert.rows = 2000;
    assert_true(fabs(cost_of(arena, insert, 2) - once - 1000 * 0.004) < 1e-9);
    static const double unknown[] = {NAN, 0, -5};
    for (int i = 0; i < 3; i++) {
        insert.rows = unknown[i];
        assert_true(fabs(cost_of(arena, insert, 2) - 100 * (0.004 + 0.009)) < 1e-9);
    }
    insert.calls = NAN;
    insert.rows = NAN;
    assert_true(cost_of(arena, insert, 2) == 0);
}

static void
without_times_the_cost_is_in_the_planners_units(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    MemoryStatement insert = {"insert into orders (id) values ($1)", 100, 50, 1000, 10};
    double in_ms = cost_of(arena, insert, 2);
    insert.total_ms = NAN;
    assert_true(fabs(cost_of(arena, insert, 2) - 400 * in_ms) < 1e-6);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_written_cost_by_kind_of_statement),
        cmocka_unit_test(the_estimate_lies_within_its_interval_which_is_wider_where_less_is_known),
        cmocka_unit_test(a_server_whose_pace_is_known_scales_the_estimate_and_narrows_it),
        cmocka_unit_test(whatever_holds_the_updated_column_loses_hot),
        cmocka_unit_test(one_index_that_ends_hot_updates_makes_all_of_the_set_pay),
        cmocka_unit_test(the_interplay_of_a_set_is_what_the_others_pay_once_one_ends_hot_updates),
        cmocka_unit_test(rows_that_come_in_the_order_of_the_index_are_cheap_to_insert),
        cmocka_unit_test(wal_and_lost_hot_updates_are_counted),
        cmocka_unit_test(the_share_of_hot_updates_is_the_tables_own),
        cmocka_unit_test(a_brin_index_leaves_updates_hot_from_16),
        cmocka_unit_test(a_partial_index_is_written_for_the_rows_it_holds),
        cmocka_unit_test(other_methods_have_prices_of_their_own),
        cmocka_unit_test(the_cost_grows_with_the_rows_and_falls_back_on_the_calls),
        cmocka_unit_test(without_times_the_cost_is_in_the_planners_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
