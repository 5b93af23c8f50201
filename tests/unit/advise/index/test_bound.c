// SPDX-License-Identifier: PostgreSQL
#include "oracle_world.h"

/* A proven bound of 950 under a best set of 1000; then the answers are found to have bounded 400, and it is
 * so much less. */
static Search
search_mended(Arena *arena, World *world, const char *gain_percent, double after)
{
    Settings *settings = settings_new(arena);
    assert_true(settings_set(settings, "advise.gain_percent", gain_percent, NULL) &&
                settings_set(settings, "advise.proof_percent", "20", NULL));
    world->fixture.context.settings = settings;
    world->fixture.workload->statements[0].weight = 1;
    Search search = world_search(arena, world);
    search.best_value = 1000;
    search.bound = 950;
    Error error = {0};
    double cost;
    for (uint32_t more = 0; more < 4; more++)
        assert_true(
            oracle_cost(world->oracle, 0, set_of(arena, 0x03 | (more << 2)), true, &cost, NULL, &error));
    planner.cost[0] = after;
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x02), true, &cost, NULL, &error));
    return search;
}

static void
a_bound_is_less_by_what_was_mended_since(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    planner_of_one(400);
    World *world = world_new(arena);
    Search search = search_mended(arena, world, "0", 350);
    assert_true(search_bound_is_near(&search));
    search_bound_renew(&search); /* no solver is needed: it is near enough still */
    assert_true(search.bound == 900);
    search_bound_renew(&search);
    assert_true(search.bound == 900);
}

/* Where a cost comes to count as a gain by it, the value falls by all of that; else by what was mended, of
 * however many answers. */
static void
what_counts_as_a_gain_by_a_mend_is_lost_with_it(void **state)
{
    (void)state;
    static const double mends[][3] = {
        {400, 399.99, 949.99}, {951, 949, 899}, {951, 950.5, 950}, {950.0000001, 950, 900}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(mends); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        planner_of_one(mends[i][0]);
        World *world = world_new(arena);
        Search search = search_mended(arena, world, "5", mends[i][1]);
        search_bound_renew(&search);
        assert_true(fabs(search.bound - mends[i][2]) < 1e-3);
    }
}

static void
without_time_a_bound_that_was_mended_stays_what_is_left_of_it(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    planner_of_one(400);
    World *world = world_new(arena);
    Search search = search_mended(arena, world, "0", 350);
    search.best_value = 2000;
    search.deadline = deadline_after_ms(0);
    assert_false(search_bound_is_near(&search));
    search_bound_renew(&search);
    assert_true(search.bound == 900);
    search.bound = 0;
    search_bound_renew(&search);
    assert_true(search.bound == 0); /* there was none */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bound_is_less_by_what_was_mended_since),
        cmocka_unit_test(what_counts_as_a_gain_by_a_mend_is_lost_with_it),
        cmocka_unit_test(without_time_a_bound_that_was_mended_stays_what_is_left_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
