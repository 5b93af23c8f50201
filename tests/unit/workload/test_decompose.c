// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "workload/decompose.h"

#include <math.h>

#define ARENA_BYTES ((size_t)16 * 1024 * 1024)
#define HOURS ((size_t)24 * 28)

static void
the_parts_are_those_it_was_made_of_and_add_up(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("decompose", ARENA_BYTES);
    double *values = ARENA_NEW_ARRAY(arena, double, HOURS);
    for (size_t i = 0; i < HOURS; i++)
        values[i] = 1000 + (i % 24 < 12 ? 50 : -50) + (i / 24 % 7 < 5 ? 20 : -50);
    Decomposition parts = decompose(arena, values, HOURS, (size_t[]){24, 168});
    for (size_t i = 0; i < HOURS; i++) {
        assert_true(fabs(parts.level[i] - 1000) < 1e-6);
        assert_true(fabs(parts.season[0][i] - (i % 24 < 12 ? 50 : -50)) < 1e-6);
        assert_true(fabs(parts.season[1][i] - (i / 24 % 7 < 5 ? 20 : -50)) < 1e-6);
        assert_true(fabs(parts.rest[i]) < 1e-6);
    }
}

static void
gaps_leave_the_rest_unknown_and_the_level_known(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("decompose", ARENA_BYTES);
    double *values = ARENA_NEW_ARRAY(arena, double, HOURS);
    for (size_t i = 0; i < HOURS; i++)
        values[i] = i < 60 || (i > 200 && i < 300) || i % 11 == 0 ? NAN : 100 + (double)(i % 24);
    Decomposition parts = decompose(arena, values, HOURS, (size_t[]){24, 0});
    for (size_t i = 0; i < HOURS; i++) {
        double sum = parts.level[i] + parts.season[0][i] + parts.season[1][i] + parts.rest[i];
        assert_true(isfinite(parts.level[i]));
        assert_int_equal(isnan(parts.rest[i]), isnan(values[i]));
        assert_true(isnan(values[i]) || fabs(sum - values[i]) < 1e-9);
    }
}

static void
a_season_that_was_not_seen_twice_is_left_out(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("decompose", ARENA_BYTES);
    double values[100];
    for (size_t i = 0; i < 100; i++)
        values[i] = (double)(i % 24);
    Decomposition parts = decompose(arena, values, 100, (size_t[]){24, 168});
    assert_int_equal(parts.seasons[0], 24);
    assert_int_equal(parts.seasons[1], 0);
    Decomposition single = decompose(arena, values, 1, (size_t[]){24, 168});
    assert_true(single.level[0] == 0 && single.rest[0] == 0 && single.seasons[0] == 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_are_those_it_was_made_of_and_add_up),
        cmocka_unit_test(gaps_leave_the_rest_unknown_and_the_level_known),
        cmocka_unit_test(a_season_that_was_not_seen_twice_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
