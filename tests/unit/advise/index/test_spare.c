// SPDX-License-Identifier: PostgreSQL
/* What gives way to something smaller where there is no budget, and how much that may lose. */
#include "search_world.h"

#include "advise/index/search_state.h"

#define NO_LIMIT_NEARLY 1e15

static double
bytes_of(uint32_t set)
{
    double bytes = 0;
    for (int i = 0; i < CANDIDATES; i++)
        bytes += (set >> i & 1) != 0 ? world.size_bytes[i] : 0;
    return bytes;
}

/* A statement's index of 6 MB, and one of 40 kB of the same table that costs so much more. */
static void
world_of_two(double loss)
{
    world_clear();
    world.any_gain_counts = true;
    world.proof_percent = "0.2"; /* 10.02 of 5,010 */
    world_plan(0, 1u << 0, 10);
    world_plan(0, 1u << 2, 10 + loss);
    world.size_bytes[0] = 6e6;
    world.size_bytes[2] = 4e4;
}

static uint32_t
chosen_of(double budget_bytes, Deadline deadline)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    return mask_of(search(arena, budget_bytes, deadline).result.chosen);
}

static void
of_two_that_serve_nearly_alike_the_much_smaller_is_taken(void **state)
{
    (void)state;
    world_of_two(9);
    assert_int_equal(chosen_of(INFINITY, DEADLINE_NEVER), 1u << 2);
    world_of_two(11);
    assert_int_equal(chosen_of(INFINITY, DEADLINE_NEVER), 1u << 0);
    /* not much smaller */
    world_of_two(2);
    world.size_bytes[2] = 3.5e6;
    assert_int_equal(chosen_of(INFINITY, DEADLINE_NEVER), 1u << 0);
    /* of half the size it may lose half as much */
    world_of_two(4);
    world.size_bytes[2] = 2.9e6;
    assert_int_equal(chosen_of(INFINITY, DEADLINE_NEVER), 1u << 2);
    world_of_two(6);
    world.size_bytes[2] = 2.9e6;
    assert_int_equal(chosen_of(INFINITY, DEADLINE_NEVER), 1u << 0);
}

static void
what_a_budget_allows_is_used(void **state)
{
    (void)state;
    world_of_two(9);
    assert_int_equal(chosen_of(NO_LIMIT_NEARLY, DEADLINE_NEVER), 1u << 0);
    world.table_budget_bytes = NO_LIMIT_NEARLY;
    assert_int_equal(chosen_of(INFINITY, DEADLINE_NEVER), 1u << 0);
}

static void
without_a_proof_no_more_is_given_away(void **state)
{
    (void)state;
    world_of_two(9);
    world.proof_percent = "100";
    assert_int_equal(chosen_of(INFINITY, DEADLINE_NEVER), 1u << 2);
    world_of_two(30);
    world.proof_percent = "100";
    assert_int_equal(chosen_of(INFINITY, DEADLINE_NEVER), 1u << 0);
}

/* What an index must gain has a setting of its own. */
static void
nothing_takes_an_indexs_place(void **state)
{
    (void)state;
    world_clear();
    world.any_gain_counts = true;
    world.proof_percent = "0.1"; /* 5 of 5,010 */
    world_plan(0, 1u << 0, 10);
    world_plan(1, 1u << 1, BASELINE - 2);
    world.size_bytes[1] = 6e6;
    assert_int_equal(chosen_of(INFINITY, DEADLINE_NEVER), 1u << 0 | 1u << 1);
}

static void
a_little_space_is_not_spared(void **state)
{
    (void)state;
    world_of_two(2);
    world.size_bytes[0] = 1.03e6;
    assert_int_equal(chosen_of(INFINITY, DEADLINE_NEVER), 1u << 0);
    world.size_bytes[0] = 1.05e6;
    assert_int_equal(chosen_of(INFINITY, DEADLINE_NEVER), 1u << 2);
}

/* A smaller one whose plan hopes for more than is likely is no smaller one that serves as well. */
static void
what_is_sure_does_not_give_way_to_what_is_risky(void **state)
{
    (void)state;
    world_of_two(9);
    world.risky = 1u << 2;
    world.plans[0][0].cost = 150;
    world.plans[0][1].cost = 155;
    assert_int_equal(chosen_of(INFINITY, DEADLINE_NEVER), 1u << 0);
    world.risky = 0;
    assert_int_equal(chosen_of(INFINITY, DEADLINE_NEVER), 1u << 2);
}

static void
in_any_world_what_is_given_away_is_bounded_and_saves_space(void **state)
{
    (void)state;
    Random random = random_new(161);
    int spared = 0;
    for (int round = 0; round < 60; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        world_random(&random);
        world.any_gain_counts = true;
        world.proof_percent = "0.2";
        /* some do nearly what others do */
        for (int i = 0; i < CANDIDATES; i++) {
            world.write_cost[i] = (double)random_below(&random, 2);
            world.size_bytes[i] *= 20;
        }
        for (size_t q = 0; q < STATEMENTS; q++)
            for (int i = world.plan_count[q]; i > 0 && world.plan_count[q] < PLANS_MOST; i--)
                world_plan(q, UINT32_C(1) << random_below(&random, CANDIDATES),
                           world.plans[q][i - 1].cost + (double)random_below(&random, 3));
        SearchResult rich = search(arena, NO_LIMIT_NEARLY, DEADLINE_NEVER).result;
        SearchResult result = search(arena, INFINITY, DEADLINE_NEVER).result;
        uint32_t chosen = mask_of(result.chosen), before = mask_of(rich.chosen);
        double best = world_best(INFINITY);
        double least = STATEMENTS * BASELINE - best;
        assert_true(fabs(result.value - (STATEMENTS * BASELINE - world_net(chosen))) < 1e-6);
        assert_true(result.value <= rich.value * 1.002 + 1e-6);
        assert_true(bytes_of(chosen) <= bytes_of(before));
        assert_true(result.bound <= least * (1 + 1e-6));
        /* what is printed is of the set with what was given away */
        assert_true(fabs(result.gap_percent - fmax(0, result.value - result.bound) / result.value * 100) <
                    1e-9);
        spared += chosen != before && bytes_of(chosen) < bytes_of(before) * 0.9;
    }
    assert_in_range(spared, 5, 60);
    world_clear();
}

static void
what_costs_more_than_was_thought_is_taken_back(void **state)
{
    (void)state;
    /* what serves statement 0 is not asked about again, for it uses none of the two; the small one harms it
     */
    world_clear();
    world.any_gain_counts = true;
    world.proof_percent = "0.2";
    world_plan(0, 1u << 1, 10);
    world_plan(1, 1u << 0, 10);
    world_plan(1, 1u << 2, 13);
    world.size_bytes[0] = 6e6;
    world.size_bytes[2] = 4e4;
    assert_int_equal(chosen_of(INFINITY, DEADLINE_NEVER), 1u << 1 | 1u << 2);
    world.harm_with = 1u << 1 | 1u << 2;
    world.harm_unless = 1u << 0 | 1u << 3 | 1u << 5;
    world.harm_cost = 800;
    assert_int_equal(chosen_of(INFINITY, DEADLINE_NEVER), 1u << 0 | 1u << 1);
}

static void
a_search_that_ends_early_spares_nothing_that_it_did_not_look_at(void **state)
{
    (void)state;
    for (size_t end_at = 1; end_at <= 12; end_at++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        world_of_two(9);
        world.questions = 0;
        world.end_at = end_at;
        world.end_ms = clock_monotonic_ms() + 30;
        SearchResult result = search(arena, INFINITY, deadline_after_ms(30)).result;
        uint32_t chosen = mask_of(result.chosen);
        assert_true((chosen & ~(1u << 0 | 1u << 2)) == 0);
        double value = STATEMENTS * BASELINE - world_net(chosen);
        assert_true(result.value >= value - 1e-6);
    }
    world_clear();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_two_that_serve_nearly_alike_the_much_smaller_is_taken),
        cmocka_unit_test(what_a_budget_allows_is_used),
        cmocka_unit_test(without_a_proof_no_more_is_given_away),
        cmocka_unit_test(nothing_takes_an_indexs_place),
        cmocka_unit_test(a_little_space_is_not_spared),
        cmocka_unit_test(what_is_sure_does_not_give_way_to_what_is_risky),
        cmocka_unit_test(in_any_world_what_is_given_away_is_bounded_and_saves_space),
        cmocka_unit_test(what_costs_more_than_was_thought_is_taken_back),
        cmocka_unit_test(a_search_that_ends_early_spares_nothing_that_it_did_not_look_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
