// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/random.h"
#include "workload/capacity.h"

#include <math.h>

#define ARENA_BYTES ((size_t)16 * 1024 * 1024)
#define DAYS ((size_t)60)

/* From 100 on, so much a day, with so much scatter around the line. */
static double *
growing(Arena *arena, uint64_t seed, double growth, double scatter)
{
    Random random = random_new(seed);
    double *values = ARENA_NEW_ARRAY(arena, double, DAYS);
    for (size_t day = 0; day < DAYS; day++)
        values[day] = 100 + growth * (double)day + scatter * random_normal(&random);
    return values;
}

static void
a_steady_growth_is_dated_to_the_day(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("capacity", ARENA_BYTES);
    Capacity capacity = capacity_find(arena, growing(arena, 1, 2, 0), DAYS, 100 + 2 * 59 + 81);
    assert_int_equal(capacity.verdict, CAPACITY_DATED);
    assert_true(fabs(capacity.days - 41) < 0.5 && capacity.days_low == capacity.days_high);
    assert_true(fabs(capacity.growth - 2) < 1e-9 && capacity.chance == 1);
    assert_int_equal(capacity.known_days, DAYS);
    assert_string_equal(capacity_verdict_word(capacity.verdict), "dated");
}

static void
days_are_counted_from_the_end_of_the_values_and_nothing_is_said_of_what_was_not_seen_lately(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("capacity", ARENA_BYTES);
    double *values = growing(arena, 1, 2, 0);
    double limit = 100 + 2 * 57 + 40;
    values[DAYS - 1] = NAN;
    Capacity capacity = capacity_find(arena, values, DAYS, limit);
    assert_int_equal(capacity.verdict, CAPACITY_DATED);
    assert_int_equal(capacity.days_since, 1);
    assert_true(fabs(capacity.days - 18) < 0.5);
    assert_true(isnan(capacity_find(arena, values, DAYS, NAN).days));
    values[DAYS - 2] = values[DAYS - 3] = NAN;
    assert_int_equal(capacity_find(arena, values, DAYS, limit).verdict, CAPACITY_CANNOT_TELL);
    assert_int_equal(capacity_find(arena, values, DAYS, 1).verdict, CAPACITY_CANNOT_TELL);
}

static void
scatter_makes_the_range_wide_and_the_same_days_give_the_same_range(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("capacity", ARENA_BYTES);
    double *values = growing(arena, 2, 1, 8);
    double limit = values[DAYS - 1] + 50;
    Capacity capacity = capacity_find(arena, values, DAYS, limit);
    Capacity again = capacity_find(arena, values, DAYS, limit);
    assert_int_equal(capacity.verdict, CAPACITY_DATED);
    assert_true(capacity.days_low < capacity.days - 5 && capacity.days < capacity.days_high - 5);
    assert_true(capacity.growth_low < 1 && capacity.growth_high > 1);
    assert_true(again.days == capacity.days && again.days_low == capacity.days_low &&
                again.days_high == capacity.days_high);
}

static void
what_does_not_grow_is_not_full_soon(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("capacity", ARENA_BYTES);
    Capacity flat = capacity_find(arena, growing(arena, 3, 0, 5), DAYS, 1000);
    Capacity shrinking = capacity_find(arena, growing(arena, 4, -1, 0), DAYS, 200);
    Capacity equal = capacity_find(arena, growing(arena, 4, 0, 0), DAYS, 101);
    assert_int_equal(flat.verdict, CAPACITY_NOT_SOON);
    assert_true(isinf(flat.days) && flat.chance < 0.05);
    assert_int_equal(flat.horizon_days, 6 * DAYS);
    assert_int_equal(shrinking.verdict, CAPACITY_NOT_SOON);
    assert_int_equal(equal.verdict, CAPACITY_NOT_SOON);
}

static void
what_cannot_be_told_is_said_to_be_so(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("capacity", ARENA_BYTES);
    double *values = growing(arena, 5, 1, 0);
    double unknown[] = {NAN, NAN};
    Capacity few = capacity_find(arena, values, CAPACITY_DAYS_LEAST - 1, 1000);
    Capacity none = capacity_find(arena, unknown, 2, 1000);
    Capacity empty = capacity_find(arena, NULL, 0, 1000);
    assert_int_equal(few.verdict, CAPACITY_CANNOT_TELL);
    assert_true(isnan(few.days) && few.now == 105);
    assert_int_equal(none.verdict, CAPACITY_CANNOT_TELL);
    assert_int_equal(none.known_days, 0);
    assert_int_equal(empty.verdict, CAPACITY_CANNOT_TELL);
    Capacity unlimited = capacity_find(arena, values, DAYS, NAN);
    assert_int_equal(unlimited.verdict, CAPACITY_NO_LIMIT);
    assert_true(isnan(unlimited.days) && fabs(unlimited.growth - 1) < 1e-9);
}

static void
a_limit_that_is_reached_is_reached_however_few_the_days(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("capacity", ARENA_BYTES);
    Capacity capacity = capacity_find(arena, (double[]){99, 100, NAN}, 3, 100);
    assert_int_equal(capacity.verdict, CAPACITY_REACHED);
    assert_true(capacity.days == 0 && capacity.chance == 1);
}

static void
days_without_a_value_are_left_out(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("capacity", ARENA_BYTES);
    double *values = growing(arena, 6, 2, 0);
    for (size_t day = 0; day < DAYS; day += 3)
        values[day] = NAN;
    Capacity capacity = capacity_find(arena, values, DAYS, values[DAYS - 1] + 40.5);
    assert_int_equal(capacity.verdict, CAPACITY_DATED);
    assert_true(fabs(capacity.days - 21) < 0.5);
    assert_int_equal(capacity.known_days, 40);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_growth_is_dated_to_the_day),
        cmocka_unit_test(
            days_are_counted_from_the_end_of_the_values_and_nothing_is_said_of_what_was_not_seen_lately),
        cmocka_unit_test(scatter_makes_the_range_wide_and_the_same_days_give_the_same_range),
        cmocka_unit_test(what_does_not_grow_is_not_full_soon),
        cmocka_unit_test(what_cannot_be_told_is_said_to_be_so),
        cmocka_unit_test(a_limit_that_is_reached_is_reached_however_few_the_days),
        cmocka_unit_test(days_without_a_value_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
