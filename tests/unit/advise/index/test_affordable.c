// SPDX-License-Identifier: PostgreSQL
#include "oracle_world.h"

#define UNIT_BYTES 8192.0 /* candidate i has i + 1 of them */

/* A search that knows the statement's cost with everything, and that it cannot have it. */
static Search
search_new(Arena *arena, World *world, double budget_bytes)
{
    Settings *settings = settings_new(arena);
    assert_true(settings_set(settings, "advise.gain_percent", "0", NULL) &&
                settings_set(settings, "advise.index_percent", "0", NULL));
    world->fixture.context.settings = settings;
    world->fixture.context.budget_bytes = budget_bytes;
    world->fixture.workload->statements[0].weight = 1;
    world->fixture.workload->statements[0].baseline_cost = BASELINE;
    world->oracle = oracle_new(arena, &world->fixture.context, &world->set);
    Search search = world_search(arena, world);
    search.best_value = BASELINE;
    search.value_without = BASELINE;
    search.indexes = ARENA_NEW_ARRAY(arena, ProgramIndex, CANDIDATES + 1);
    search.harvested = bits_new(arena, CANDIDATES);
    search.best = bits_new(arena, CANDIDATES);
    search.avoided = bits_new(arena, CANDIDATES);
    Error error = {0};
    double cost;
    assert_true(oracle_cost(world->oracle, 0, oracle_relevant(world->oracle, 0), false, &cost, NULL, &error));
    search_indexes_refresh(&search);
    planner.questions = 0;
    return search;
}

static void
planner_of(const uint32_t *uses, const double *costs)
{
    memset(&planner, 0, sizeof(planner));
    for (int i = 0; i < PLANS; i++) {
        planner.uses[i] = uses[i];
        planner.cost[i] = costs[i];
    }
}

/* 0, 1 and 2 have six units together, 1 and 3 too, 0 and 3 five. */
static void
of_the_plans_that_fit_the_cheapest_is_found_best_first(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    planner_of((const uint32_t[]){0x07, 0x0A, 0x09, 0x10}, (const double[]){100, 200, 300, 500});
    World *world = world_new(arena);
    Search search = search_new(arena, world, 5 * UNIT_BYTES);
    Error error = {0};
    assert_true(search_afford(&search, &error));
    assert_int_equal(search.best.words[0], 0x09);
    assert_true(search.best_value == 300);
    /* without each of three, then without each of two below the two that are cheaper than what fits */
    assert_true(planner.questions <= 7);
    /* and now it is known that no set that fits costs less */
    assert_true(oracle_bounds(world->oracle, 0, set_of(arena, 0x09)).low == 300);
    assert_true(oracle_bounds(world->oracle, 0, set_of(arena, 0x11)).low == 500);
    assert_true(oracle_bounds(world->oracle, 0, set_of(arena, 0x0C)).low >= 300);
}

/* 3 is what is too much beside 2; of 0, which fits beside either, nothing need be known. */
static void
what_fits_beside_the_rest_is_not_asked_about(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    planner_of((const uint32_t[]){0x0D, 0x05, 0x09, 0x01}, (const double[]){100, 250, 200, 900});
    World *world = world_new(arena);
    Search search = search_new(arena, world, 6 * UNIT_BYTES);
    Error error = {0};
    assert_true(search_afford(&search, &error));
    assert_int_equal(search.best.words[0], 0x09);
    assert_true(search.best_value == 200);
    assert_int_equal(planner.questions, 2); /* without 2, without 3 */
}

/* 1 does what 0 does, and is too large: 0 stays where it goes. */
static void
what_does_the_same_and_is_smaller_stays(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    planner_of((const uint32_t[]){0x0A, 0x09, 0x10, 0x10}, (const double[]){100, 101, 500, 500});
    World *world = world_new(arena);
    world->set.items[1]->keys[0] = world->set.items[0]->keys[0];
    Search search = search_new(arena, world, 5 * UNIT_BYTES);
    Error error = {0};
    assert_true(search_afford(&search, &error));
    assert_int_equal(search.best.words[0], 0x09);
    assert_true(search.best_value == 101);
}

static void
a_statement_that_is_not_most_of_the_value_is_left_to_the_proof(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    planner_of((const uint32_t[]){0x0D, 0x05, 0x09, 0x01}, (const double[]){600, 750, 700, 900});
    World *world = world_new(arena);
    Search search = search_new(arena, world, 6 * UNIT_BYTES);
    Error error = {0};
    assert_true(search_afford(&search, &error));
    assert_int_equal(planner.questions, 0);
    assert_true(search.best_value == BASELINE);
}

/* Nothing fits: each question leaves less, until nothing is gained. */
static void
it_ends_where_no_plan_fits_and_where_time_is_up(void **state)
{
    (void)state;
    for (int is_late = 0; is_late < 2; is_late++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        planner_of((const uint32_t[]){0x1C, 0x14, 0x18, 0x0C}, (const double[]){100, 101, 102, 103});
        World *world = world_new(arena);
        Search search = search_new(arena, world, 5 * UNIT_BYTES);
        search.deadline = is_late ? deadline_after_ms(0) : DEADLINE_NEVER;
        Error error = {0};
        assert_true(search_afford(&search, &error));
        assert_true(search.best_value == BASELINE && bits_is_empty(search.best));
        assert_true(is_late ? planner.questions == 0 : planner.questions > 0);
    }
}

static void
a_lost_twin_is_an_error(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    planner_of((const uint32_t[]){0x07, 0x0A, 0x09, 0x10}, (const double[]){100, 200, 300, 500});
    World *world = world_new(arena);
    Search search = search_new(arena, world, 5 * UNIT_BYTES);
    planner.is_lost = true;
    Error error = {0};
    assert_false(search_afford(&search, &error));
    assert_int_equal(error.code, ERROR_CLUSTER);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_the_plans_that_fit_the_cheapest_is_found_best_first),
        cmocka_unit_test(what_fits_beside_the_rest_is_not_asked_about),
        cmocka_unit_test(what_does_the_same_and_is_smaller_stays),
        cmocka_unit_test(a_statement_that_is_not_most_of_the_value_is_left_to_the_proof),
        cmocka_unit_test(it_ends_where_no_plan_fits_and_where_time_is_up),
        cmocka_unit_test(a_lost_twin_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
