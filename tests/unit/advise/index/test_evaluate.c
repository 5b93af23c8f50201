// SPDX-License-Identifier: PostgreSQL
#include "oracle_world.h"

#define STATEMENTS 8

/* Statements that the planner sees alike, over so many tables. */
static Search
search_of(Arena *arena, const size_t *tables)
{
    const char *texts[STATEMENTS];
    for (size_t q = 0; q < STATEMENTS; q++)
        texts[q] = "select * from orders";
    World *world = world_new(arena);
    world->fixture = memory_workload_of(arena, texts, STATEMENTS);
    struct CandidateNumbers one = world->set.relevant[0];
    world->set.relevant = arena_alloc_array(arena, STATEMENTS, sizeof(*world->set.relevant));
    for (size_t q = 0; q < STATEMENTS; q++) {
        WorkloadStatement *statement = &world->fixture.workload->statements[q];
        world->set.relevant[q].numbers = one.numbers;
        world->set.relevant[q].count = one.count;
        statement->question.relation_count = tables[q];
        statement->baseline_cost = BASELINE;
        statement->weight = 1;
    }
    world->oracle = oracle_new(arena, &world->fixture.context, &world->set);
    Search search = world_search(arena, world);
    search.best_value = STATEMENTS * BASELINE;
    search.indexes = ARENA_NEW_ARRAY(arena, ProgramIndex, CANDIDATES + 1);
    search.avoided = bits_new(arena, CANDIDATES);
    planner.expected_count = planner.expected_most = planner.questions = 0;
    return search;
}

static SearchEvaluation
evaluate(Search *search, uint32_t mask, SearchPatience patience)
{
    SearchEvaluation evaluation;
    Error error = {0};
    assert_true(search_evaluate(search, set_of(search->arena, mask), patience, &evaluation, &error));
    return evaluation;
}

/* Index 1 saves 600 of each 1000; the set has index 2, which saves nothing. */
static void
of_statements_alike_four_are_asked_about_at_once(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    planner_of_one(400);
    Search search = search_of(arena, (const size_t[STATEMENTS]){1, 1, 1, 1, 1, 1, 1, 1});
    SearchEvaluation evaluation = evaluate(&search, 0x04, (SearchPatience){.value_most = INFINITY});
    assert_true(fabs(evaluation.value - STATEMENTS * BASELINE) < BASELINE && !evaluation.is_refuted);
    assert_int_equal(planner.expected_most, 4);
    assert_int_equal(planner.questions, 2 * STATEMENTS); /* with everything, and without index 1 */
}

/* While one session asks about seven tables the others ask about the rest, up to six in all. */
static void
beside_a_dear_statement_there_is_time_for_others(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    planner_of_one(400);
    Search search = search_of(arena, (const size_t[STATEMENTS]){1, 1, 1, 7, 1, 1, 1, 1});
    (void)evaluate(&search, 0x04, (SearchPatience){.value_most = INFINITY});
    assert_int_equal(planner.expected_most, 6);
}

static void
no_more_is_asked_than_refutes_it_or_leaves_little_open(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    planner_of_one(400);
    Search search = search_of(arena, (const size_t[STATEMENTS]){1, 1, 1, 1, 1, 1, 1, 1});
    SearchEvaluation evaluation = evaluate(&search, 0x04, (SearchPatience){.value_most = 1900});
    assert_true(evaluation.is_refuted);
    assert_int_equal(planner.questions, 8); /* of four all is known then; two would do */
    planner_of_one(400);
    search = search_of(arena, (const size_t[STATEMENTS]){1, 1, 1, 1, 1, 1, 1, 1});
    evaluation = evaluate(&search, 0x04, (SearchPatience){.value_most = INFINITY, .slack = 6 * BASELINE});
    assert_false(evaluation.is_refuted);
    assert_int_equal(planner.questions, 8); /* 600 are left open of each */
    planner_of_one(400);
    search = search_of(arena, (const size_t[STATEMENTS]){1, 1, 1, 1, 1, 1, 1, 1});
    (void)evaluate(&search, 0x04, (SearchPatience){.value_most = INFINITY, .slack = INFINITY});
    assert_int_equal(planner.questions, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_statements_alike_four_are_asked_about_at_once),
        cmocka_unit_test(beside_a_dear_statement_there_is_time_for_others),
        cmocka_unit_test(no_more_is_asked_than_refutes_it_or_leaves_little_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
