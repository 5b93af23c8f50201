// SPDX-License-Identifier: PostgreSQL
/* What is asked about on the way from everything present to a set, and what the answers say of other sets. */
#include "oracle_world.h"

/* One question at a time from above; on the way what is known brackets the cost, and plans are learned. */
static void
a_descent_brackets_the_cost_nearer_with_each_question_until_it_is_known(void **state)
{
    (void)state;
    Random random = random_new(73);
    size_t steps = 0;
    for (int round = 0; round < 200; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        planner_random(&random);
        World *world = world_new(arena);
        Bits set = set_of(arena, (uint32_t)random_below(&random, 1u << CANDIDATES));
        uint32_t used;
        double wanted = planner_cost((uint32_t)set.words[0] & 0x1F, &used);
        Error error = {0};
        OracleBounds before = oracle_bounds(world->oracle, 0, set);
        OracleDescent descent = oracle_descent_begin(world->oracle, arena, 0, set);
        for (size_t asked = 0; descent.known == ORACLE_NO_PARENT; asked++, steps++) {
            assert_int_equal(planner.questions, asked);
            size_t expected = planner.expected_count;
            oracle_descents_expect(world->oracle, (OracleDescent *[]){&descent}, 1);
            assert_int_equal(planner.expected_count, expected + 1);
            assert_true(oracle_descent_step(world->oracle, &descent, &error));
            assert_int_equal(planner.present, planner.expected);
            OracleBounds bounds = oracle_bounds(world->oracle, 0, set);
            assert_true(before.low <= bounds.low && bounds.low <= wanted);
            assert_true(wanted <= bounds.high && bounds.high <= before.high);
            size_t below = oracle_answer_below(world->oracle, 0, set);
            assert_true(oracle_answer(world->oracle, 0, below)->cost == bounds.high);
            before = bounds;
        }
        double cost = oracle_answer(world->oracle, 0, descent.known)->cost;
        assert_true(fabs(cost - wanted) <= wanted * 2 * ORACLE_TOLERANCE);
    }
    assert_true(steps > 200);
}

static void
who_is_strict_asks_where_what_narrowed_an_answer_is_missing(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    planner_of_one(400);
    planner.narrowed = 0.75;
    planner.narrowing = 1u << 2;
    World *world = world_new(arena);
    Error error = {0};
    double cost;
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x1F), true, &cost, NULL, &error));
    int64_t questions = oracle_questions(world->oracle);
    assert_true(oracle_descent_begin(world->oracle, arena, 0, set_of(arena, 0x02)).known == 1);
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x02), false, &cost, NULL, &error));
    assert_true(cost == 400 && oracle_questions(world->oracle) == questions);
    oracle_be_strict(world->oracle, true);
    assert_true(oracle_descent_begin(world->oracle, arena, 0, set_of(arena, 0x06)).known == 1);
    OracleDescent descent = oracle_descent_begin(world->oracle, arena, 0, set_of(arena, 0x02));
    assert_true(descent.known == ORACLE_NO_PARENT);
    planner.narrowed = 0;
    assert_true(oracle_descent_step(world->oracle, &descent, &error));
    assert_int_equal(planner.present, 0x1B); /* all but what narrowed it */
    assert_true(oracle_answer(world->oracle, 0, descent.known)->cost == 400);
    oracle_be_strict(world->oracle, false);
}

/* The plan of index 1 is cheapest, one of index 3 would be with fewer: while 3 is there less tells no more.
 */
static void
what_the_plan_of_the_least_cost_uses_goes_first(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    planner_of_one(400);
    planner.narrowed = 0.75;
    planner.narrowing = 1u << 2;
    planner.least = 1u << 3;
    World *world = world_new(arena);
    Error error = {0};
    double cost;
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x1F), true, &cost, NULL, &error));
    assert_int_equal(oracle_answer(world->oracle, 0, 1)->least.words[0], 0x08);
    OracleDescent descent = oracle_descent_begin(world->oracle, arena, 0, set_of(arena, 0x10));
    planner.narrowed = 0;
    planner.least = 1u << 4; /* told of no answer that fewer could not better */
    assert_true(oracle_descent_step(world->oracle, &descent, &error));
    assert_int_equal(planner.present, 0x17); /* the plan that was given stays */
    assert_true(bits_is_empty(oracle_answer(world->oracle, 0, 2)->least));
    assert_true(descent.known == ORACLE_NO_PARENT);
    assert_true(oracle_descent_step(world->oracle, &descent, &error));
    assert_int_equal(planner.present & 0x12, 0x10); /* nor has the set what the plan of this used */
    /* what the set has of it cannot go */
    descent = oracle_descent_begin(world->oracle, arena, 0, set_of(arena, 0x08));
    assert_true(oracle_descent_step(world->oracle, &descent, &error));
    assert_int_equal(planner.present, 0x1D);
}

/* Index 3 is on an expression of the statement, whose plans seem to cost twice as much with it. */
static void
what_was_known_of_an_expression_bounds_no_set_without_it(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    planner_of_one(400);
    planner.informing = 1u << 3;
    static const char *const texts[] = {"select * from orders where lower(note) = 'a'"};
    World *world = world_of(arena, texts);
    *world->set.items[3]->keys = (CandidateKey){.expression = "lower(note)"};
    world->oracle = oracle_new(arena, &world->fixture.context, &world->set);
    assert_int_equal(oracle_informing(world->oracle, 0).words[0], 1u << 3);
    Error error = {0};
    double cost;
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x1F), true, &cost, NULL, &error));
    assert_true(cost == 800);
    OracleBounds with = oracle_bounds(world->oracle, 0, set_of(arena, 0x0A));
    OracleBounds without = oracle_bounds(world->oracle, 0, set_of(arena, 0x02));
    assert_true(with.low == 800 && with.high == 800);
    assert_true(without.low == 0 && without.high == BASELINE);
    assert_true(oracle_likely(world->oracle, 0, set_of(arena, 0x02), without) == BASELINE);
    /* the plan uses what the set has, and does not tell what it costs */
    OracleDescent descent = oracle_descent_begin(world->oracle, arena, 0, set_of(arena, 0x02));
    assert_true(descent.known == ORACLE_NO_PARENT);
    assert_true(oracle_descent_step(world->oracle, &descent, &error));
    assert_int_equal(planner.present, 0x17);
    assert_true(oracle_answer(world->oracle, 0, descent.known)->cost == 400);
    without = oracle_bounds(world->oracle, 0, set_of(arena, 0x02));
    assert_true(without.low == 400 && without.high == 400);
    assert_true(oracle_answer(world->oracle, 0, 1)->low == 400); /* of all sets: some lack index 3 */
    assert_true(oracle_answer(world->oracle, 0, 1)->informed == 800);
    assert_true(oracle_bounds(world->oracle, 0, set_of(arena, 0x0A)).low == 800);
    assert_int_equal(oracle_mends(world->oracle)->count, 0); /* that it costs less refutes nothing */
    assert_false(oracle_answer(world->oracle, 0, 1)->is_doubted);
}

/* Index 2 does what index 1 does, and is larger: where 1 goes it goes too, and where 1 stays it may stay. */
static void
what_serves_as_well_goes_with_an_index_and_stays_beside_it(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    planner_of_one(400);
    World *world = world_new(arena);
    world->set.items[2]->keys[1] = (CandidateKey){.attnum = 6};
    world->set.items[2]->keys[0] = world->set.items[1]->keys[0];
    world->set.items[2]->key_count = 2;
    Error error = {0};
    double cost;
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x1F), true, &cost, NULL, &error));
    OracleDescent descent = oracle_descent_begin(world->oracle, arena, 0, set_of(arena, 0x18));
    /* with index 2 in its place it may cost the same */
    OracleBounds bounds = oracle_bounds(world->oracle, 0, set_of(arena, 0x18));
    assert_true(oracle_likely(world->oracle, 0, set_of(arena, 0x18), bounds) == BASELINE);
    bounds = oracle_bounds(world->oracle, 0, set_of(arena, 0x1C));
    assert_true(bounds.low == 400 && bounds.high == BASELINE);
    assert_true(oracle_likely(world->oracle, 0, set_of(arena, 0x1C), bounds) == 400);
    assert_true(oracle_descent_step(world->oracle, &descent, &error));
    assert_int_equal(planner.present, 0x19);
    Bits present = set_of(arena, 0x1F);
    oracle_remove(world->oracle, 0, 1, present);
    assert_int_equal(present.words[0], 0x19); /* 2 is no smaller */
    /* index 0 does what both do, is smaller, and the set has it */
    World *other = world_new(arena);
    for (size_t i = 0; i < 3; i++)
        other->set.items[i]->keys[0].attnum = 1;
    assert_true(oracle_cost(other->oracle, 0, set_of(arena, 0x1F), true, &cost, NULL, &error));
    descent = oracle_descent_begin(other->oracle, arena, 0, set_of(arena, 0x09));
    assert_true(oracle_descent_step(other->oracle, &descent, &error));
    assert_int_equal(planner.present, 0x1D); /* what was used goes all the same */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_descent_brackets_the_cost_nearer_with_each_question_until_it_is_known),
        cmocka_unit_test(who_is_strict_asks_where_what_narrowed_an_answer_is_missing),
        cmocka_unit_test(what_the_plan_of_the_least_cost_uses_goes_first),
        cmocka_unit_test(what_was_known_of_an_expression_bounds_no_set_without_it),
        cmocka_unit_test(what_serves_as_well_goes_with_an_index_and_stays_beside_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
