// SPDX-License-Identifier: PostgreSQL
/* What the oracle answers must be what the planner would, with as few questions as its bounds allow. */
#include "oracle_world.h"

#include "advise/index/lift.h"

static void
answers_are_the_planners_and_bounds_hold(void **state)
{
    (void)state;
    Random random = random_new(71);
    for (int round = 0; round < 200; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        planner_random(&random);
        World *world = world_new(arena);
        assert_int_equal(oracle_candidate_count(world->oracle), CANDIDATES);
        for (int i = 0; i < 60; i++) {
            uint32_t mask = (uint32_t)random_below(&random, 1u << CANDIDATES), used;
            double wanted = planner_cost(mask & 0x1F, &used), cost;
            OracleBounds bounds = oracle_bounds(world->oracle, 0, set_of(arena, mask));
            assert_true(bounds.low <= wanted && wanted <= bounds.high);
            Bits told = {0};
            Error error = {0};
            bool with_used = i % 2 == 0;
            assert_true(oracle_cost(world->oracle, 0, set_of(arena, mask), false, &cost,
                                    with_used ? &told : NULL, &error));
            assert_true(fabs(cost - wanted) <= wanted * 2 * ORACLE_TOLERANCE);
            if (with_used)
                assert_true((told.words[0] & ~(uint64_t)mask) == 0);
        }
        /* 32 sets matter; most were known from others' answers */
        assert_true(planner.questions <= 32);
    }
}

static void
what_is_known_is_not_asked_again_but_directly(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    planner_of_one(10);
    World *world = world_new(arena);
    Error error = {0};
    double cost;
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x1F), false, &cost, NULL, &error));
    assert_true(cost == 10 && planner.questions == 1);
    /* the plan uses candidate 1 alone: every set with it costs the same; without any it is the baseline */
    static const uint32_t known[] = {0x1F, 0x02, 0x0E, 0x22, 0x3F, 0};
    for (size_t i = 0; i < FETTLE_COUNT_OF(known); i++) {
        assert_true(oracle_cost(world->oracle, 0, set_of(arena, known[i]), false, &cost, NULL, &error));
        assert_true(cost == (known[i] == 0 ? BASELINE : 10));
    }
    assert_int_equal(planner.questions, 1);
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x02), true, &cost, NULL, &error));
    assert_int_equal(planner.questions, 2);
    /* what the planner said of this very set is its own word */
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x02), true, &cost, NULL, &error));
    assert_int_equal(planner.questions, 2);
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x1D), false, &cost, NULL, &error));
    assert_true(cost == BASELINE && planner.questions == 3);
    WhatIfAnswer answer;
    assert_true(oracle_plan(world->oracle, 0, set_of(arena, 0x02), &answer, NULL, &error));
    assert_true(answer.cost == 10 && planner.questions == 4);
    planner.partial_with = 0x02;
    Bits used;
    assert_true(oracle_plan(world->oracle, 0, set_of(arena, 0x02), &answer, &used, &error));
    assert_true(!answer.is_known && answer.cost == BASELINE && answer.used_indexes.count == 0);
    assert_non_null(strstr(answer.reason, "samples"));
    const WorkloadStatement of_three = {.baseline_sample_mask = 7};
    assert_true(workload_statement_compares(&of_three, &(WhatIfAnswer){.is_known = true, .sample_mask = 7}));
    assert_false(workload_statement_compares(&of_three, &(WhatIfAnswer){.is_known = true, .sample_mask = 5}));
    assert_false(workload_statement_compares(&of_three, &(WhatIfAnswer){.sample_mask = 7}));
    assert_true(bits_is_empty(used));
}

static void
the_least_size_is_of_a_b_tree_over_all_rows(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    World *world = world_new(arena);
    SnapshotRelation relation = *world->fixture.context.snapshot->relations;
    relation.reltuples = 1e6;
    Candidate candidate = {.relation = &relation, .keys = {{.attnum = 1}}, .key_count = 1};
    double least = oracle_size_least(world->oracle, &candidate);
    assert_true(6e6 <= least && least <= 20e6);
    candidate.predicate = "a = 1";
    assert_true(oracle_size_least(world->oracle, &candidate) == 0);
    candidate.predicate = NULL;
    candidate.method = CANDIDATE_BRIN;
    assert_true(oracle_size_least(world->oracle, &candidate) == 0);
    candidate.method = CANDIDATE_BTREE;
    relation.kind = 'p'; /* as it was when it was analyzed as a whole */
    assert_true(oracle_size_least(world->oracle, &candidate) == 0);
    relation.kind = 'r';
    relation.reltuples = -1; /* never analyzed */
    assert_true(oracle_size_least(world->oracle, &candidate) == 0);
}

static void
what_is_expected_is_reduced_to_what_matters_to_the_statement(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    World *world = world_new(arena);
    OracleQuestion question = {.statement = 0, .set = set_of(arena, 0x3F)};
    oracle_expect(world->oracle, &question, 1);
    assert_int_equal(planner.expected, 0x1F); /* the last is not relevant */
    question.set = set_of(arena, 0x22);
    oracle_expect(world->oracle, &question, 1);
    assert_int_equal(planner.expected, 0x02);
}

static void
a_statement_that_used_none_of_more_uses_none_of_less(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    memset(&planner, 0, sizeof(planner));
    planner.uses[0] = 1u << 1;
    for (int i = 0; i < PLANS; i++)
        planner.cost[i] = i == 0 ? 100 : BASELINE;
    World *world = world_new(arena);
    Error error = {0};
    double cost;
    assert_false(oracle_uses_none(world->oracle, 0, set_of(arena, 0x04)));
    assert_true(oracle_uses_none(world->oracle, 0, set_of(arena, 0x20))); /* not relevant */
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x1F), true, &cost, NULL, &error) && cost == 100);
    assert_false(oracle_uses_none(world->oracle, 0, set_of(arena, 0x04)));
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x0D), true, &cost, NULL, &error));
    assert_true(cost == BASELINE && oracle_uses_none(world->oracle, 0, set_of(arena, 0x0C)));
    assert_false(oracle_uses_none(world->oracle, 0, set_of(arena, 0x14)));
    planner.is_unknown = true; /* says nothing of its plan */
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x15), true, &cost, NULL, &error));
    assert_false(oracle_uses_none(world->oracle, 0, set_of(arena, 0x14)));
    /* some of it was dearer than with less: the planner is not of one mind */
    planner.is_unknown = false;
    planner.uses[0] = 1u << 2;
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x04), true, &cost, NULL, &error) && cost == 100);
    assert_false(oracle_uses_none(world->oracle, 0, set_of(arena, 0x0C)));
}

static void
an_answer_that_refutes_a_bound_is_counted_as_a_mend(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    memset(&planner, 0, sizeof(planner));
    planner.uses[0] = 1u << 1;
    for (int i = 0; i < PLANS; i++)
        planner.cost[i] = i == 0 ? 100 : BASELINE;
    World *world = world_new(arena);
    Error error = {0};
    double cost;
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x1F), true, &cost, NULL, &error));
    planner.cost[0] = 100 * (1 - 1e-12); /* rounding */
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x0F), true, &cost, NULL, &error));
    assert_int_equal(oracle_mends(world->oracle)->count, 1);
    assert_true(oracle_mends(world->oracle)->items[0].before - oracle_mends(world->oracle)->items[0].after <
                1e-9);
    assert_true(oracle_bounds(world->oracle, 0, set_of(arena, 0x06)).low > 99);
    planner.cost[0] = 50; /* cheaper with less present */
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x07), true, &cost, NULL, &error));
    assert_int_equal(oracle_mends(world->oracle)->count, 2); /* one of both answers with more */
    const OracleMend *mend = &oracle_mends(world->oracle)->items[1];
    assert_true(mend->statement == 0 && mend->before > 99.9 && mend->after == 50);
    assert_true(oracle_bounds(world->oracle, 0, set_of(arena, 0x06)).low == 50);
}

/* An index that narrowed the planner's view makes dearer what it does not bound. */
static void
an_answer_bounds_other_sets_by_its_least_cost_and_costs_what_it_costs(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    planner_of_one(400);
    planner.narrowed = 0.75;
    World *world = world_new(arena);
    Error error = {0};
    double cost;
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x07), true, &cost, NULL, &error));
    assert_true(cost == 400);
    const OracleAnswer *answer = oracle_answer(world->oracle, 0, 1);
    assert_true(answer->cost == 400 && answer->low == 300);
    OracleBounds bounds = oracle_bounds(world->oracle, 0, set_of(arena, 0x04));
    assert_true(bounds.low == 300 && bounds.high == BASELINE);
    bounds = oracle_bounds(world->oracle, 0, set_of(arena, 0x02)); /* its plan is possible, maybe others */
    assert_true(bounds.low == 300 && bounds.high == 400);
    planner.narrowed = 0;
    planner.uses[1] = 1u << 2; /* what the narrower view hid */
    planner.cost[1] = 320;
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x04), false, &cost, NULL, &error));
    assert_true(cost == 320);
    assert_int_equal(oracle_mends(world->oracle)->count, 0);
}

/* Index 2 narrowed the planner's view: with it there fewer cost no less, without it they may. */
static void
with_what_narrowed_it_an_answer_bounds_other_sets_by_its_cost(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    planner_of_one(400);
    planner.narrowed = 0.75;
    planner.narrowing = 1u << 2;
    World *world = world_new(arena);
    Error error = {0};
    double cost;
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x07), true, &cost, NULL, &error));
    const OracleAnswer *answer = oracle_answer(world->oracle, 0, 1);
    assert_true(answer->low == 300 && answer->firm == 400 && answer->narrowing.words[0] == 0x04);
    assert_true(oracle_answer_low(answer, set_of(arena, 0x06)) == 400);
    assert_true(oracle_answer_low(answer, set_of(arena, 0x03)) == 300);
    assert_true(oracle_answer_low(answer, set_of(arena, 0x0E)) == 0); /* more than was present */
    OracleBounds bounds = oracle_bounds(world->oracle, 0, set_of(arena, 0x05));
    assert_true(bounds.low == 400 && bounds.high == BASELINE);
    bounds = oracle_bounds(world->oracle, 0, set_of(arena, 0x02));
    assert_true(bounds.low == 300 && bounds.high == 400);
    planner.narrowed = 0;
    planner.uses[1] = 1u << 2;
    planner.cost[1] = 350; /* less than was said, as it is with ties */
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x04), true, &cost, NULL, &error));
    answer = oracle_answer(world->oracle, 0, 1);
    assert_true(answer->low == 300 && answer->firm == 350);
    assert_int_equal(oracle_mends(world->oracle)->count, 1);
    assert_true(oracle_mends(world->oracle)->items[0].before == 400);
    assert_true(oracle_mends(world->oracle)->items[0].after == 350);
}

/* Cheap plans of indexes 0 and 1, which the set lacks: with all but these it costs what the set costs. */
static void
an_answer_that_refutes_a_set_is_lifted_to_all_that_lack_the_same(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    memset(&planner, 0, sizeof(planner));
    for (int i = 0; i < PLANS; i++)
        planner.cost[i] = i == 0 ? 100 : i == 1 ? 200 : i == 2 ? 500 : BASELINE;
    for (int i = 0; i < 3; i++)
        planner.uses[i] = 1u << i;
    World *world = world_new(arena);
    Search search = world_search(arena, world);
    Error error = {0};
    double cost;
    size_t *counts = search_answer_counts(&search, arena);
    assert_int_equal(counts[0], 1);
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x14), true, &cost, NULL, &error));
    assert_true(cost == 500);
    int64_t questions = oracle_questions(world->oracle);
    assert_true(search_lift(&search, set_of(arena, 0x14), counts, &error));
    assert_int_equal(oracle_questions(world->oracle), questions); /* it was hardly asked about yet */
    WhatIfAnswer answer;
    for (int i = 0; i < 40; i++)
        assert_true(oracle_plan(world->oracle, 0, set_of(arena, 0x10), &answer, NULL, &error));
    counts = search_answer_counts(&search, arena);
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x0C), true, &cost, NULL, &error));
    questions = oracle_questions(world->oracle);
    planner.expected_count = 0;
    assert_true(search_lift(&search, set_of(arena, 0x0C), counts, &error));
    assert_int_equal(oracle_questions(world->oracle), questions + 3); /* finds both plans on the way */
    assert_int_equal(planner.expected_count, 3);
    assert_int_equal(planner.present, 0x1C);
    assert_true(oracle_bounds(world->oracle, 0, set_of(arena, 0x18)).low == 500);
    counts[0]--;
    assert_true(search_lift(&search, set_of(arena, 0x0C), counts, &error)); /* is known */
    assert_int_equal(oracle_questions(world->oracle), questions + 3);
}

/* With index 2 beside it the planner no longer sees the plan of index 1, though with all present it does. */
static void
an_answer_that_a_set_within_refutes_tells_of_that_set_alone(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    planner_of_one(400);
    World *world = world_new(arena);
    Error error = {0};
    double cost;
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x1F), true, &cost, NULL, &error));
    int64_t questions = oracle_questions(world->oracle);
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x06), false, &cost, NULL, &error));
    assert_true(cost == 400 && oracle_questions(world->oracle) == questions);
    planner.cost[0] = 600;
    planner.narrowed = 0.5;
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x06), true, &cost, NULL, &error));
    assert_true(cost == 600 && oracle_answer(world->oracle, 0, 1)->is_doubted);
    OracleBounds bounds = oracle_bounds(world->oracle, 0, set_of(arena, 0x06));
    assert_true(bounds.low == 600 && bounds.high == 600);
    bounds = oracle_bounds(world->oracle, 0, set_of(arena, 0x0E)); /* more than that, less than all */
    assert_true(bounds.low == 400 && bounds.high == 600);
    size_t below = oracle_answer_below(world->oracle, 0, set_of(arena, 0x0E));
    assert_true(oracle_answer(world->oracle, 0, below)->cost == bounds.high);
    OracleDescent descent = oracle_descent_begin(world->oracle, arena, 0, set_of(arena, 0x0A));
    assert_true(descent.known == ORACLE_NO_PARENT);
    planner.cost[0] = 400;
    planner.narrowed = 0;
    assert_true(oracle_descent_step(world->oracle, &descent, &error));
    assert_true(oracle_answer(world->oracle, 0, descent.known)->cost == 400);
}

static void
a_candidate_that_the_server_refuses_is_left_out_with_its_reason(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    planner_of_one(10);
    planner.refused = 1u << 1;
    World *world = world_new(arena);
    Error error = {0};
    double cost;
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x03), false, &cost, NULL, &error));
    assert_true(cost == BASELINE);
    assert_true(world->set.items[1]->is_refused);
    assert_string_equal(world->set.items[1]->reason, "data type json has no default");
    assert_true(isnan(world->set.items[1]->size_bytes) && world->set.items[0]->size_bytes == 8192);
    /* refused candidates do not matter any more */
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x01), false, &cost, NULL, &error));
    assert_int_equal(planner.questions, 1);
}

static void
a_statement_that_cannot_be_planned_costs_what_it_did(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    memset(&planner, 0, sizeof(planner));
    planner.is_unknown = true;
    World *world = world_new(arena);
    Error error = {0};
    double cost;
    assert_true(oracle_cost(world->oracle, 0, set_of(arena, 0x03), false, &cost, NULL, &error));
    assert_true(cost == BASELINE);
}

/* Refused, or planned by other samples than the baseline, only with these or with everything present. */
static void
what_could_not_be_planned_proves_nothing_of_other_sets(void **state)
{
    (void)state;
    Random random = random_new(79);
    size_t unknown = 0;
    for (int round = 0; round < 400; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        planner_random(&random);
        uint32_t with = round % 4 < 2 ? 0x1F : 1 + (uint32_t)random_below(&random, 0x1F);
        planner.unknown_with = round % 2 == 0 ? with : 0;
        planner.partial_with = round % 2 == 0 ? 0 : with;
        planner.partial_factor = round % 8 < 4 ? 0.25 : 4;
        World *world = world_new(arena);
        Error error = {0};
        for (int i = 0; i < 12; i++) {
            uint32_t mask = (uint32_t)random_below(&random, 0x20), used;
            bool is_unknown = (with & ~mask) == 0;
            double wanted = is_unknown ? BASELINE : planner_cost(mask, &used), cost;
            unknown += is_unknown;
            OracleDescent descent = oracle_descent_begin(world->oracle, arena, 0, set_of(arena, mask));
            for (size_t steps = 0; descent.known == ORACLE_NO_PARENT; steps++) {
                assert_true(steps <= CANDIDATES);
                assert_true(oracle_descent_step(world->oracle, &descent, &error));
            }
            const OracleAnswer *known = oracle_answer(world->oracle, 0, descent.known);
            /* of a set that cannot be planned others may tell what it must cost */
            assert_true(is_unknown || fabs(known->cost - wanted) <= wanted * 2 * ORACLE_TOLERANCE);
            assert_true(oracle_cost(world->oracle, 0, set_of(arena, mask), true, &cost, NULL, &error));
            assert_true(cost == wanted);
            for (size_t a = 0; a < oracle_answer_count(world->oracle, 0); a++) {
                const OracleAnswer *answer = oracle_answer(world->oracle, 0, a);
                assert_true(answer->is_unknown ? answer->low == 0 : answer->low > 0);
            }
            for (uint32_t set = 0; set < 0x20; set++) {
                OracleBounds bounds = oracle_bounds(world->oracle, 0, set_of(arena, set));
                assert_true(bounds.low <= planner_cost(set, &used) &&
                            planner_cost(set, &used) <= bounds.high);
                assert_true(used == 0 || !oracle_uses_none(world->oracle, 0, set_of(arena, set)));
            }
        }
        assert_int_equal(oracle_mends(world->oracle)->count, 0);
    }
    assert_true(unknown > 100);
}

static void
a_lost_twin_is_an_error(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    memset(&planner, 0, sizeof(planner));
    planner.is_lost = true;
    World *world = world_new(arena);
    Error error = {0};
    double cost;
    assert_false(oracle_cost(world->oracle, 0, set_of(arena, 0x03), false, &cost, NULL, &error));
    assert_int_equal(error.code, ERROR_CLUSTER);
}

/* A statement reads total alone, another one another table. */
static void
a_candidate_is_made_relevant_where_it_serves_or_where_it_stands_beside(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    static const char *const texts[] = {"select total from orders where total = 1", "select * from small"};
    Fixture fixture = memory_workload_of(arena, texts, 2);
    const SnapshotRelation *orders = snapshot_relation_named(fixture.context.snapshot, "public", "orders");
    Candidate served = {.number = 0, .relation = orders, .keys = {{.attnum = 4}}, .key_count = 1};
    Candidate beside = {.number = 1, .relation = orders, .keys = {{.attnum = 2}}, .key_count = 1};
    served.whatif_name = "whatif_0";
    beside.whatif_name = "whatif_1";
    Candidate *items[] = {&served, &beside};
    CandidateSet set = {.items = items, .count = 2};
    set.relevant = arena_alloc_array(arena, 2, sizeof(*set.relevant));
    Oracle *oracle = oracle_new(arena, &fixture.context, &set);
    Bits both = bits_new(arena, 2);
    bits_add(both, 0);
    bits_add(both, 1);
    uint32_t ids[] = {orders->id}; /* as workload_prepare() fills it in */
    fixture.workload->statements[0].question.relation_ids = ids;
    fixture.workload->statements[0].question.relation_count = 1;
    const Snapshot *snapshot = fixture.context.snapshot;
    assert_true(workload_statement_may_use(snapshot, &fixture.workload->statements[0], orders->id));
    assert_false(workload_statement_may_use(snapshot, &fixture.workload->statements[1], orders->id));
    assert_false(workload_statement_may_use(snapshot, &fixture.workload->statements[0], 999));
    assert_false(oracle_concerns(oracle, 0, both));
    oracle_relate(oracle, both, ORACLE_SERVES);
    assert_true(bits_has(oracle_relevant(oracle, 0), 0) && !bits_has(oracle_relevant(oracle, 0), 1));
    oracle_relate(oracle, both, ORACLE_BESIDE);
    assert_true(bits_has(oracle_relevant(oracle, 0), 1));
    assert_false(oracle_concerns(oracle, 1, both));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_the_planners_and_bounds_hold),
        cmocka_unit_test(what_is_known_is_not_asked_again_but_directly),
        cmocka_unit_test(the_least_size_is_of_a_b_tree_over_all_rows),
        cmocka_unit_test(what_is_expected_is_reduced_to_what_matters_to_the_statement),
        cmocka_unit_test(a_statement_that_used_none_of_more_uses_none_of_less),
        cmocka_unit_test(an_answer_that_refutes_a_bound_is_counted_as_a_mend),
        cmocka_unit_test(an_answer_bounds_other_sets_by_its_least_cost_and_costs_what_it_costs),
        cmocka_unit_test(with_what_narrowed_it_an_answer_bounds_other_sets_by_its_cost),
        cmocka_unit_test(an_answer_that_refutes_a_set_is_lifted_to_all_that_lack_the_same),
        cmocka_unit_test(an_answer_that_a_set_within_refutes_tells_of_that_set_alone),
        cmocka_unit_test(a_candidate_that_the_server_refuses_is_left_out_with_its_reason),
        cmocka_unit_test(a_statement_that_cannot_be_planned_costs_what_it_did),
        cmocka_unit_test(what_could_not_be_planned_proves_nothing_of_other_sets),
        cmocka_unit_test(a_lost_twin_is_an_error),
        cmocka_unit_test(a_candidate_is_made_relevant_where_it_serves_or_where_it_stands_beside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
