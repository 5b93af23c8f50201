// SPDX-License-Identifier: PostgreSQL
#include "../../snapshot/memory_sections.h"

#include "advise/index/column_facts.h"
#include "base/attributes.h"

#include <math.h>
#include <string.h>

static const char text[] =
    "@meta key value\nserver_version_num|150004\n"
    "@relations id schema name kind relpages reltuples\n1|public|jobs|r|1000|100000\n"
    "@columns relation_id attnum name type_name base_type length_bytes is_dropped\n"
    "1|1|id|integer|integer|4|f\n1|2|status|text|text|-1|f\n1|3|is_done|boolean|boolean|1|f\n"
    "1|4|data|jsonb|jsonb|-1|f\n1|5|gone|text|text|-1|t\n1|6|seen_at|date|date|4|f\n"
    "@statistics relation_id attnum null_fraction average_width_bytes n_distinct kind1 numbers1 values1 "
    "kind2 "
    "numbers2\n"
    "1|1|0|4|-1|\\N|\\N|\\N|3|{0.99}\n"
    "1|2|0.1|7|12|1|{0.6,0.2}|{done,\"it's so\"}|\\N|\\N\n"
    "1|3|0|1|2|1|{0.97,0.03}|{t,f}|3|{0.97}\n"
    "1|6|0|4|-0.5|1|{0.5}|{a,b}|3|{rubbish,1}\n";

static const SnapshotRelation *
jobs(Arena *arena)
{
    const Snapshot *snapshot = NULL;
    Error error = {0};
    if (!snapshot_decode(arena, memory_sections(arena, text), &snapshot, &error))
        fail_msg("%s", error.message);
    return snapshot_relation(snapshot, 1);
}

static void
widths_are_the_types_or_the_statistics(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const SnapshotRelation *relation = jobs(arena);
    assert_true(column_width_bytes(relation, 1) == 4 && column_width_bytes(relation, 2) == 7);
    assert_true(column_width_bytes(relation, 4) > 0); /* no statistics: a general figure */
    double row = relation_row_bytes(relation);
    assert_true(row >= 4 + 7 + 1 + 4 + 24 && row < 100);
}

static void
shares_of_values_come_from_the_common_ones(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const SnapshotRelation *relation = jobs(arena);
    static const struct {
        int attnum;
        const char *literal;
        double fraction;
    } cases[] = {{2, "'done'", 0.6},       {2, "'it''s so'", 0.2}, {2, "'done'::text", 0.6},
                 {2, "'other'", 0.1 / 10}, /* what is left, by the ten values that are left */
                 {3, "true", 0.97},        {3, "FALSE", 0.03}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        double fraction = column_value_fraction(arena, relation, cases[i].attnum, cases[i].literal);
        if (!(fabs(fraction - cases[i].fraction) < 1e-9))
            fail_msg("%s: %g", cases[i].literal, fraction);
    }
    assert_true(fabs(column_least_fraction(arena, relation, 3) - 0.03) < 1e-9);
    assert_true(column_null_fraction(relation, 2) == 0.1);
    assert_true(column_distinct(relation, 1) == 100000 && column_distinct(relation, 2) == 12);
}

static void
what_statistics_do_not_tell_is_not_guessed(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const SnapshotRelation *relation = jobs(arena);
    assert_true(column_correlation(arena, relation, 1) == 0.99);
    assert_true(isnan(column_correlation(arena, relation, 2)));
    assert_true(isnan(column_correlation(arena, relation, 6))); /* not one number */
    assert_true(isnan(column_value_fraction(arena, relation, 1, "1")));
    assert_true(isnan(column_value_fraction(arena, relation, 6, "'a'"))); /* two values, one frequency */
    assert_true(isnan(column_least_fraction(arena, relation, 4)));
    assert_true(isnan(column_null_fraction(relation, 4)) && column_distinct(relation, 4) == 0);
}

/* Of 97 and 3 % in no order the correlation is .9418. */
static void
equal_values_are_not_taken_for_order(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const SnapshotRelation *relation = jobs(arena);
    assert_true(fabs(column_order(arena, relation, 1) - 0.99) < 1e-4);
    assert_true(fabs(column_order(arena, relation, 3) - (0.97 - 0.9418) / (1 - 0.9418)) < 1e-9);
    assert_true(isnan(column_order(arena, relation, 2)) && isnan(column_order(arena, relation, 4)));
}

static void
types_without_an_order_are_no_b_tree_keys(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const SnapshotRelation *relation = jobs(arena);
    assert_true(column_is_indexable(snapshot_column(relation, 2)));
    assert_false(column_is_indexable(snapshot_column(relation, 4)));
    assert_false(column_is_indexable(NULL));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widths_are_the_types_or_the_statistics),
        cmocka_unit_test(shares_of_values_come_from_the_common_ones),
        cmocka_unit_test(what_statistics_do_not_tell_is_not_guessed),
        cmocka_unit_test(equal_values_are_not_taken_for_order),
        cmocka_unit_test(types_without_an_order_are_no_b_tree_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
