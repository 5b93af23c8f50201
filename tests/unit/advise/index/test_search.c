// SPDX-License-Identifier: PostgreSQL
/*
 * The search against an oracle of known costs: a world has plans for each statement, each with the candidates
 * it uses and its cost, and a statement costs what its cheapest possible plan costs. The planner and the
 * write costs that the search is linked with are those of the world.
 */
#include "../memory_workload.h"

#include "advise/index/caution.h"
#include "advise/index/search.h"
#include "advise/index/write_cost.h"
#include "base/random.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CANDIDATES 8
#define STATEMENTS 6
#define STATEMENTS_MANY 60 /* those beyond the first have no plan but the baseline */
#define PLANS_MOST 5
#define BASELINE 1000.0

typedef struct WorldPlan {
    uint32_t uses; /* one bit a candidate */
    double cost;
} WorldPlan;

static struct {
    WorldPlan plans[STATEMENTS][PLANS_MOST];
    int plan_count[STATEMENTS];
    double write_cost[CANDIDATES];
    double size_bytes[CANDIDATES];
    double table_budget_bytes; /* candidates of even numbers are of one table, those of odd of another */
    bool any_gain_counts;
    bool same_key; /* all candidates begin with one column, and those from 4 on are hashes */
    uint32_t present;
    uint32_t relevant[STATEMENTS]; /* what was thought of for each; 0: all */
    uint32_t alone;                /* statement 0 costs a tenth when exactly these are present */
    bool is_large;
    size_t end_at; /* question during which the time runs out; 0: none */
    int64_t end_ms;
    uint32_t enders; /* with one of them, those of interplay pay this besides */
    double interplay[CANDIDATES];
    uint32_t risky; /* plans that use these hope to stop at a twentieth of their cost */
    size_t questions;
    void (*progress)(void *context, const char *step, int64_t done, int64_t total);
    void *progress_context;
} world;

static const char *const candidate_names[CANDIDATES] = {"a", "b", "c", "d", "e", "f", "g", "h"};
static const char *const statement_names[STATEMENTS + 1] = {"0", "1", "2", "3", "4", "5", "6"};

static uint32_t
mask_of(Bits set)
{
    return set.word_count == 0 ? 0 : (uint32_t)set.words[0];
}

static double
world_cost(size_t statement, uint32_t set, uint32_t *ret_used)
{
    double best = BASELINE;
    *ret_used = 0;
    if (statement >= STATEMENTS)
        return best;
    for (int i = 0; i < world.plan_count[statement]; i++) {
        const WorldPlan *plan = &world.plans[statement][i];
        if ((plan->uses & ~set) == 0 && plan->cost < best) {
            best = plan->cost;
            *ret_used = plan->uses;
        }
    }
    return best;
}

bool
whatif_begin(WhatIf *whatif, Arena *arena, const WhatIfChange *changes, size_t change_count,
             WhatIfChangeResult **ret_results, Error *error)
{
    (void)whatif;
    (void)error;
    world.present = 0;
    *ret_results = ARENA_NEW_ARRAY(arena, WhatIfChangeResult, change_count + 1);
    for (size_t i = 0; i < change_count; i++) {
        int number = changes[i].name[0] - 'a';
        world.present |= UINT32_C(1) << number;
        (*ret_results)[i] = (WhatIfChangeResult){.is_applied = true, .size_bytes = world.size_bytes[number]};
    }
    return true;
}

static PgPlan *
risky_plan(Arena *arena, double cost)
{
    PgPlanNode *scan = ARENA_NEW(arena, PgPlanNode), *limit = ARENA_NEW(arena, PgPlanNode);
    *scan = (PgPlanNode){.node_type = "Index Scan",
                         .filter = "(a = 1)",
                         .total_cost = cost * CAUTION_FACTOR,
                         .plan_rows = CAUTION_FACTOR};
    *limit = (PgPlanNode){.node_type = "Limit", .total_cost = cost, .plan_rows = 1};
    vector_push(arena, &limit->children, scan);
    PgPlan *plan = ARENA_NEW(arena, PgPlan);
    plan->root = limit;
    return plan;
}

bool
whatif_cost(WhatIf *whatif, Arena *arena, const WhatIfStatement *statement, bool with_plan,
            WhatIfAnswer *ret_answer, Error *error)
{
    (void)whatif;
    (void)error;
    uint32_t used;
    world.questions++;
    while (world.questions == world.end_at && clock_monotonic_ms() <= world.end_ms)
        ;
    *ret_answer = (WhatIfAnswer){.is_known = true};
    ret_answer->cost = world_cost((size_t)(statement->text[0] - '0'), world.present, &used);
    if (world.alone != 0 && world.present == world.alone && statement->text[0] == '0')
        ret_answer->cost /= 10;
    for (int i = 0; i < CANDIDATES; i++)
        if ((used >> i & 1) != 0)
            vector_push(arena, &ret_answer->used_indexes, candidate_names[i]);
    if (with_plan && (used & world.risky) != 0)
        ret_answer->plan = risky_plan(arena, ret_answer->cost);
    return true;
}

double
index_write_cost(const AdvisorContext *context, const Candidate *candidate)
{
    (void)context;
    return world.write_cost[candidate->number];
}

WriteInterplayList
index_write_interplay(Arena *arena, const AdvisorContext *context, const CandidateSet *candidates)
{
    (void)context;
    WriteInterplayList list = {0};
    WriteInterplay interplay = {.enders = bits_new(arena, candidates->count)};
    for (size_t i = 0; i < CANDIDATES; i++) {
        WritePayer payer = {.number = i, .cost = world.interplay[i]};
        if ((world.enders >> i & 1) != 0)
            bits_add(interplay.enders, i);
        else
            vector_push(arena, &interplay.payers, payer);
    }
    vector_push(arena, &list, interplay);
    return list;
}

/* The numbers of a mask, all for none. */
static void
relevant_of(Arena *arena, CandidateSet *set, size_t statement, uint32_t mask)
{
    size_t *numbers = ARENA_NEW_ARRAY(arena, size_t, CANDIDATES);
    size_t count = 0;
    for (size_t i = 0; i < CANDIDATES; i++)
        if (mask == 0 || (mask >> i & 1) != 0)
            numbers[count++] = i;
    set->relevant[statement].numbers = numbers;
    set->relevant[statement].count = count;
}

typedef struct Run {
    Fixture fixture;
    SearchResult result;
} Run;

static Run
search(Arena *arena, double budget_bytes, Deadline deadline)
{
    const char *texts[STATEMENTS_MANY];
    size_t statements = world.is_large ? STATEMENTS_MANY : STATEMENTS;
    for (size_t i = 0; i < statements; i++)
        texts[i] = "select 1 from orders";
    Run run = {.fixture = memory_workload_of(arena, texts, statements)};
    run.fixture.context.budget_bytes = budget_bytes;
    run.fixture.context.deadline = deadline;
    run.fixture.context.table_budget_bytes = world.table_budget_bytes;
    run.fixture.context.progress = world.progress;
    run.fixture.context.progress_context = world.progress_context;
    if (world.any_gain_counts) {
        Settings *settings = settings_new(arena);
        assert_true(settings_set(settings, "advise.gain_percent", "0", NULL) &&
                    settings_set(settings, "advise.index_percent", "0", NULL) &&
                    settings_set(settings, "advise.proof_percent", "0", NULL));
        run.fixture.context.settings = settings;
    }
    CandidateSet *set = ARENA_NEW(arena, CandidateSet);
    set->items = ARENA_NEW_ARRAY(arena, Candidate *, CANDIDATES);
    set->count = CANDIDATES;
    set->relevant = arena_alloc_array(arena, statements, sizeof(*set->relevant));
    uint32_t *tables = ARENA_NEW_ARRAY(arena, uint32_t, 2);
    for (size_t i = 0; i < CANDIDATES; i++) {
        set->items[i] = ARENA_NEW(arena, Candidate);
        *set->items[i] = (Candidate){.number = i,
                                     .relation = &run.fixture.context.snapshot->relations[i % 2 == 0 ? 0 : 5],
                                     .method = world.same_key && i >= 4 ? CANDIDATE_HASH : CANDIDATE_BTREE,
                                     .keys = {{.attnum = world.same_key ? 1 : (int)(1 + i / 2)}},
                                     .key_count = 1,
                                     .whatif_name = candidate_names[i],
                                     .size_bytes = NAN};
        tables[i % 2] = set->items[i]->relation->id;
    }
    for (size_t q = 0; q < statements; q++) {
        WhatIfStatement *question = &run.fixture.workload->statements[q].question;
        relevant_of(arena, set, q, q < STATEMENTS ? world.relevant[q] : 0);
        question->text = statement_names[q < STATEMENTS ? q : STATEMENTS];
        question->relation_ids = tables;
        question->relation_count = 2;
    }
    Error error = {0};
    Oracle *oracle = oracle_new(arena, &run.fixture.context, set);
    assert_true(index_search(arena, &run.fixture.context, set, oracle, &run.result, &error));
    return run;
}

static void
world_clear(void)
{
    memset(&world, 0, sizeof(world));
    for (int i = 0; i < CANDIDATES; i++)
        world.size_bytes[i] = 1e6;
}

static void
world_plan(size_t statement, uint32_t uses, double cost)
{
    world.plans[statement][world.plan_count[statement]++] = (WorldPlan){.uses = uses, .cost = cost};
}

static void
world_random(Random *random)
{
    world_clear();
    for (size_t q = 0; q < STATEMENTS; q++)
        for (uint64_t left = random_below(random, PLANS_MOST); left > 0; left--) {
            uint32_t uses = UINT32_C(1) << random_below(random, CANDIDATES);
            if (random_below(random, 3) == 0)
                uses |= UINT32_C(1) << random_below(random, CANDIDATES);
            world_plan(q, uses, (double)(1 + random_below(random, 1000)));
        }
    for (int i = 0; i < CANDIDATES; i++) {
        world.write_cost[i] = (double)random_below(random, 300);
        world.size_bytes[i] = (double)(1 + random_below(random, 100)) * 8192;
    }
}

/* What those of a set pay besides when one of it ends HOT updates. */
static double
world_interplay(uint32_t set)
{
    double cost = 0;
    for (int i = 0; i < CANDIDATES && (set & world.enders) != 0; i++)
        cost += (set & ~world.enders) >> i & 1 ? world.interplay[i] : 0;
    return cost;
}

/* What is saved by a set, less its writes. */
static double
world_net(uint32_t set)
{
    double net = 0;
    uint32_t used;
    for (size_t q = 0; q < STATEMENTS; q++)
        net += BASELINE - world_cost(q, set, &used);
    for (int i = 0; i < CANDIDATES; i++)
        net -= (set >> i & 1) != 0 ? world.write_cost[i] : 0;
    return net - world_interplay(set);
}

static void
the_index_that_helps_is_chosen_and_no_other(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    world_clear();
    world_plan(0, 1u << 2, 10);
    world_plan(0, 1u << 3, 500);
    world_plan(1, 1u << 2, 20);
    SearchResult result = search(arena, INFINITY, DEADLINE_NEVER).result;
    assert_int_equal(mask_of(result.chosen), 1u << 2);
    assert_true(result.cost_after[0] == 10 && result.cost_after[1] == 20 && result.cost_after[2] == BASELINE);
    assert_false(result.is_stopped_early);
}

static void
two_indexes_that_help_only_together_are_chosen_together(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    world_clear();
    world_plan(0, 1u << 1 | 1u << 6, 10);
    SearchResult result = search(arena, INFINITY, DEADLINE_NEVER).result;
    assert_int_equal(mask_of(result.chosen), 1u << 1 | 1u << 6);
    assert_true(result.cost_after[0] == 10);
}

static void
an_index_that_a_later_one_makes_needless_is_pruned(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    world_clear();
    /* 0 serves two statements well, and comes first; 1 and 2 then serve each better, and leave it nothing */
    world_plan(0, 1u << 0, 150);
    world_plan(1, 1u << 0, 150);
    world_plan(0, 1u << 1, 10);
    world_plan(1, 1u << 2, 10);
    SearchResult result = search(arena, INFINITY, DEADLINE_NEVER).result;
    assert_int_equal(mask_of(result.chosen), 1u << 1 | 1u << 2);
}

static void
an_index_that_costs_more_than_it_saves_is_not_chosen(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    world_clear();
    world_plan(0, 1u << 4, 400);
    world.write_cost[4] = 601;
    assert_int_equal(mask_of(search(arena, INFINITY, DEADLINE_NEVER).result.chosen), 0);
    world.write_cost[4] = 500;
    assert_int_equal(mask_of(search(arena, INFINITY, DEADLINE_NEVER).result.chosen), 1u << 4);
}

static void
an_index_that_makes_updates_write_to_all_others_gives_way_to_one_that_does_not(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    for (int is_large = 0; is_large <= 1; is_large++) {
        world_clear();
        world.is_large = is_large != 0;
        for (size_t q = 0; q < 3; q++)
            world_plan(q, UINT32_C(1) << (2 * q), 10);
        /* covers what statement 3 needs, an updated column too; the plain one is a little slower */
        world_plan(3, 1u << 1, 10);
        world_plan(3, 1u << 3, 60);
        SearchResult result = search(arena, INFINITY, DEADLINE_NEVER).result;
        assert_int_equal(mask_of(result.chosen), 1u << 0 | 1u << 2 | 1u << 4 | 1u << 1);
        world.enders = 1u << 1;
        for (int i = 0; i < CANDIDATES; i++)
            world.interplay[i] = 40;
        result = search(arena, INFINITY, DEADLINE_NEVER).result;
        assert_int_equal(mask_of(result.chosen), 1u << 0 | 1u << 2 | 1u << 4 | 1u << 3);
        /* nothing else serves the statement, and it gains more than all others pay */
        world.plan_count[3] = 1;
        result = search(arena, INFINITY, DEADLINE_NEVER).result;
        assert_int_equal(mask_of(result.chosen), 1u << 0 | 1u << 2 | 1u << 4 | 1u << 1);
        /* or less */
        for (int i = 0; i < CANDIDATES; i++)
            world.interplay[i] = 400;
        result = search(arena, INFINITY, DEADLINE_NEVER).result;
        assert_int_equal(mask_of(result.chosen), 1u << 0 | 1u << 2 | 1u << 4);
    }
}

static void
an_index_whose_plan_may_be_far_dearer_gives_way_to_one_that_is_sure(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    world_clear();
    world.risky = 1u << 1;
    world_plan(0, 1u << 1, 60); /* 1,200 at worst */
    world_plan(0, 1u << 4, 100);
    SearchResult result = search(arena, INFINITY, DEADLINE_NEVER).result;
    assert_int_equal(mask_of(result.chosen), 1u << 4);
    /* cannot be slower than without, and gains more even if it is not what was hoped */
    world.plans[0][0].cost = 10;
    assert_int_equal(mask_of(search(arena, INFINITY, DEADLINE_NEVER).result.chosen), 1u << 1);
    /* nothing else helps, and 600 at worst is less than without */
    world_clear();
    world.risky = 1u << 1;
    world_plan(0, 1u << 1, 30);
    assert_int_equal(mask_of(search(arena, INFINITY, DEADLINE_NEVER).result.chosen), 1u << 1);
    /* at worst it loses more than it saves */
    world.plans[0][0].cost = 150;
    assert_int_equal(mask_of(search(arena, INFINITY, DEADLINE_NEVER).result.chosen), 0);
    /* but it serves another statement well */
    world_plan(1, 1u << 1, 10);
    world.plans[1][0].cost = 1;
    assert_int_equal(mask_of(search(arena, INFINITY, DEADLINE_NEVER).result.chosen), 1u << 1);
}

/* Candidates 0 and 6 are of one table. */
static void
an_index_that_tempts_is_kept_beside_one_that_serves_better(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    world_clear();
    world.risky = 1u << 0;
    world_plan(0, 1u << 0, 1);   /* what it is for: sure enough */
    world_plan(1, 1u << 0, 400); /* and what it tempts: 8,000 at worst */
    world_plan(1, 1u << 6, 380); /* hardly better as the planner sees it, under the threshold */
    world.write_cost[6] = 60;
    SearchResult result = search(arena, INFINITY, DEADLINE_NEVER).result;
    assert_int_equal(mask_of(result.chosen), 1u << 0 | 1u << 6);
    /* no room for both: the one that is sure */
    assert_int_equal(mask_of(search(arena, 1.5e6, DEADLINE_NEVER).result.chosen), 1u << 6);
}

static void
those_that_begin_alike_tempt_alike(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    world_clear();
    world.same_key = true;
    world.risky = 1u << 0 | 1u << 2;
    for (size_t q = 0; q < 2; q++) {
        world_plan(q, 1u << 0, 100);
        world_plan(q, 1u << 2, 101);
        world_plan(q, 1u << 4, 300); /* of another method */
    }
    assert_int_equal(mask_of(search(arena, INFINITY, DEADLINE_NEVER).result.chosen), 1u << 4);
}

static void
a_gain_under_the_threshold_buys_nothing(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    world_clear();
    for (size_t q = 0; q < STATEMENTS; q++)
        world_plan(q, 1u << 5, 951); /* 4.9 %, and the threshold is 5 % */
    assert_int_equal(mask_of(search(arena, INFINITY, DEADLINE_NEVER).result.chosen), 0);
    for (size_t q = 0; q < STATEMENTS; q++)
        world.plans[q][0].cost = 949;
    assert_int_equal(mask_of(search(arena, INFINITY, DEADLINE_NEVER).result.chosen), 1u << 5);
}

/* One index a plan and one plan an index: the best set is known, each index that is worth its writes. */
static void
in_a_world_without_interplay_the_best_set_is_found(void **state)
{
    (void)state;
    Random random = random_new(61);
    for (int round = 0; round < 60; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        world_clear();
        uint32_t best = 0;
        for (size_t q = 0; q < STATEMENTS; q++) {
            double cost = (double)(1 + random_below(&random, 990));
            world_plan(q, 1u << q, cost);
            world.write_cost[q] = (double)random_below(&random, 1000);
            world.size_bytes[q] = 8192; /* the size beside the table's, 8 MB, hardly counts */
            double gain = BASELINE - cost < 50 ? 0 : BASELINE - cost;
            /* worth a thousandth of the workload at least */
            if (gain - world.write_cost[q] > STATEMENTS * BASELINE * 1e-3)
                best |= 1u << q;
        }
        assert_int_equal(mask_of(search(arena, INFINITY, DEADLINE_NEVER).result.chosen), best);
    }
}

static void
in_any_world_the_answer_is_true_frugal_and_no_worse_than_one_index(void **state)
{
    (void)state;
    Random random = random_new(62);
    double achieved = 0, possible = 0;
    for (int round = 0; round < 60; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        world_random(&random);
        SearchResult result = search(arena, INFINITY, DEADLINE_NEVER).result;
        uint32_t chosen = mask_of(result.chosen), used;
        double least = STATEMENTS * BASELINE * 1e-3;
        assert_int_equal(chosen & ~mask_of(result.harvested), 0);
        for (size_t q = 0; q < STATEMENTS; q++)
            assert_true(result.cost_after[q] == world_cost(q, chosen, &used));
        double best = 0, best_single = 0;
        for (uint32_t set = 0; set < 1u << CANDIDATES; set++)
            best = fmax(best, world_net(set));
        for (int i = 0; i < CANDIDATES; i++) {
            best_single = fmax(best_single, world_net(1u << i));
            /* none could go without loss */
            if ((chosen >> i & 1) != 0)
                assert_true(world_net(chosen) - world_net(chosen & ~(1u << i)) > -STATEMENTS * 50.0);
        }
        /* gains under the threshold, 50 a statement, and under the least gain do not count on the way */
        assert_true(world_net(chosen) >= best_single - STATEMENTS * 50 - CANDIDATES * least);
        achieved += world_net(chosen);
        possible += best;
    }
    /* what thresholds leave, against the best of all 256 sets, over the worlds */
    assert_true(achieved > 0.97 * possible);
}

static bool
world_fits(uint32_t set, double budget)
{
    double bytes[2] = {0, 0};
    for (int i = 0; i < CANDIDATES; i++)
        bytes[i % 2] += (set >> i & 1) != 0 ? world.size_bytes[i] : 0;
    double of_table = world.table_budget_bytes > 0 ? world.table_budget_bytes : INFINITY;
    return bytes[0] + bytes[1] <= budget && bytes[0] <= of_table && bytes[1] <= of_table;
}

/* Any gain counts here: then nothing but the best of all 256 sets will do, and the proof says so. */
static void
under_any_budgets_the_best_of_all_sets_is_found_and_proven(void **state)
{
    (void)state;
    Random random = random_new(65);
    for (int round = 0; round < 120; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        world_random(&random);
        world.any_gain_counts = true;
        double budget = round % 3 == 0 ? INFINITY : (double)random_below(&random, 300) * 8192;
        world.table_budget_bytes = round % 4 == 0 ? (double)(1 + random_below(&random, 150)) * 8192 : 0;
        SearchResult result = search(arena, budget, DEADLINE_NEVER).result;
        double best = 0;
        for (uint32_t set = 0; set < 1u << CANDIDATES; set++)
            if (world_fits(set, budget))
                best = fmax(best, world_net(set));
        uint32_t chosen = mask_of(result.chosen);
        assert_true(world_fits(chosen, budget));
        assert_true(fabs(world_net(chosen) - best) <= ORACLE_TOLERANCE * STATEMENTS * BASELINE);
        double least = STATEMENTS * BASELINE - best;
        assert_true(result.bound <= least * (1 + 1e-6));
        assert_true(result.gap_percent <= 0.05);
    }
    world_clear();
}

/* Where a proof may come to no end, a local search goes before it. */
static void
of_a_large_workload_too_the_best_of_all_sets_is_found(void **state)
{
    (void)state;
    Random random = random_new(66);
    for (int round = 0; round < 10; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        world_random(&random);
        world.any_gain_counts = true;
        world.is_large = true;
        SearchResult result = search(arena, INFINITY, DEADLINE_NEVER).result;
        double best = 0;
        for (uint32_t set = 0; set < 1u << CANDIDATES; set++)
            best = fmax(best, world_net(set));
        assert_true(fabs(world_net(mask_of(result.chosen)) - best) <=
                    ORACLE_TOLERANCE * STATEMENTS_MANY * BASELINE);
        assert_true(result.bound <= (STATEMENTS_MANY * BASELINE - best) * (1 + 1e-6));
    }
    world_clear();
}

/* Candidate 0 is thought of for statement 0 only, which has a better one, so that no plan uses it. */
static void
the_bound_is_of_those_sets_too_that_serve_what_they_were_not_thought_of_for(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    world_clear();
    world.any_gain_counts = true;
    world_plan(0, 1u << 2, 10);
    world_plan(0, 1u << 0, 20);
    world_plan(1, 1u << 0, 10);
    for (size_t q = 0; q < STATEMENTS; q++)
        world.relevant[q] = q == 0 ? 1u << 0 | 1u << 2 : 1u << 7;
    world.write_cost[2] = 50;
    world.write_cost[0] = 50;
    SearchResult result = search(arena, INFINITY, DEADLINE_NEVER).result;
    double least = STATEMENTS * BASELINE - world_net(1u << 0);
    assert_true(result.bound > 0 && result.bound <= least * (1 + 1e-6));
    assert_int_equal(mask_of(result.chosen), 1u << 0);
    assert_true(result.gap_percent <= 0.05);
    world_clear();
}

static void
what_the_last_questions_refute_of_the_bound_is_not_printed(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    world_clear();
    world_plan(0, 1u << 2, 500);
    world.alone = 1u << 2; /* no answer on the way to the set says so */
    SearchResult result = search(arena, INFINITY, DEADLINE_NEVER).result;
    assert_int_equal(mask_of(result.chosen), 1u << 2);
    assert_true(result.cost_after[0] == 50);
    assert_true(result.bound <= result.value * (1 + 1e-6));
    assert_true(isnan(result.gap_percent) || result.gap_percent >= 0);
    assert_true(result.bound == 0 || result.bound < (STATEMENTS - 1) * BASELINE + 100);
}

static void
the_gap_is_of_the_set_that_caution_left(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    world_clear();
    world.risky = 1u << 1;
    world_plan(0, 1u << 1, 150); /* at worst it loses more than it saves */
    SearchResult result = search(arena, INFINITY, DEADLINE_NEVER).result;
    assert_int_equal(mask_of(result.chosen), 0);
    assert_true(result.is_cautious);
    /* 850 of 6,000 are to be had by the planner's costs, less what an index must gain */
    assert_true(result.value == STATEMENTS * BASELINE);
    assert_true(result.gap_percent > 13 && result.gap_percent < 14.5);
    world.risky = 0;
    result = search(arena, INFINITY, DEADLINE_NEVER).result;
    assert_int_equal(mask_of(result.chosen), 1u << 1);
    assert_true(!result.is_cautious && result.gap_percent <= 0.2 && result.unreviewed_count == 0);
}

static void
when_time_is_up_nothing_is_asked_and_what_was_not_verified_is_told(void **state)
{
    (void)state;
    size_t unreviewed = 0, unverified = 0;
    for (int is_large = 0; is_large < 2; is_large++)
        for (size_t end_at = 1; end_at < 60; end_at += 6) {
            FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
            Random random = random_new(67);
            world_random(&random);
            world.risky = 0x33;
            world.is_large = is_large != 0;
            world.questions = 0;
            world.end_at = end_at;
            Deadline deadline = deadline_after_ms(300);
            world.end_ms = deadline;
            SearchResult result = search(arena, INFINITY, deadline).result;
            if (world.questions < end_at)
                continue;
            assert_int_equal(world.questions, end_at);
            unreviewed += result.unreviewed_count;
            for (size_t q = 0; q < STATEMENTS; q++)
                unverified += !result.is_verified[q];
        }
    assert_true(unreviewed > 0 && unverified > 0);
    world_clear();
}

static void
the_budget_is_kept(void **state)
{
    (void)state;
    Random random = random_new(63);
    for (int round = 0; round < 60; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        world_random(&random);
        double budget = (double)random_below(&random, 200) * 8192;
        uint32_t chosen = mask_of(search(arena, budget, DEADLINE_NEVER).result.chosen);
        double bytes = 0;
        for (int i = 0; i < CANDIDATES; i++)
            bytes += (chosen >> i & 1) != 0 ? world.size_bytes[i] : 0;
        assert_true(bytes <= budget);
    }
}

/* What nobody thought of, and what the harvest did not come to, has a size only when it was asked about. */
static void
a_size_that_is_told_late_counts_against_the_budget(void **state)
{
    (void)state;
    for (int is_late = 0; is_late < 2; is_late++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        world_clear();
        world.any_gain_counts = true;
        for (size_t q = 0; q < STATEMENTS; q++) {
            world.relevant[q] = q == 1 && is_late ? 0xff : 0x7f;
            world_plan(q, 1u << 7, 10);
            world_plan(q, 1u << 2, 500);
        }
        world.size_bytes[7] = 1e9;
        Deadline deadline = DEADLINE_NEVER;
        if (is_late) {
            world.end_at = world.questions + 1;
            world.end_ms = clock_monotonic_ms() + 600;
            deadline = deadline_after_ms(1200);
        }
        uint32_t chosen = mask_of(search(arena, 5e6, deadline).result.chosen);
        assert_int_equal(chosen, 1u << 2);
    }
    world_clear();
}

/* The process between two programs: it is started again and nobody notices but for the count. */
static void
kill_the_solver(void *context, const char *step, int64_t done, int64_t total)
{
    (void)step;
    (void)done;
    (void)total;
    char path[64], text[64] = "";
    (void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    bool has_child = fgets(text, sizeof(text), file) != NULL;
    (void)fclose(file);
    if (has_child && kill((pid_t)strtol(text, NULL, 10), SIGKILL) == 0)
        (*(int *)context)++;
}

static void
a_solver_that_is_killed_again_and_again_leaves_a_valid_set_and_a_true_bound(void **state)
{
    (void)state;
    Random random = random_new(71);
    int kills = 0, failures = 0;
    for (int round = 0; round < 8; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        world_random(&random);
        world.any_gain_counts = true;
        double budget = (double)(100 + random_below(&random, 200)) * 8192;
        world.progress = kill_the_solver;
        world.progress_context = &kills;
        SearchResult result = search(arena, budget, DEADLINE_NEVER).result;
        double best = 0;
        for (uint32_t set = 0; set < 1u << CANDIDATES; set++)
            if (world_fits(set, budget))
                best = fmax(best, world_net(set));
        assert_true(world_fits(mask_of(result.chosen), budget));
        assert_true(result.bound <= (STATEMENTS * BASELINE - best) * (1 + 1e-6));
        assert_true((result.solver_failures > 0) == (result.solver_reason != NULL));
        failures += result.solver_failures;
    }
    assert_true(kills > 0 && failures > 0);
    world_clear();
}

static void
without_a_solver_there_is_a_valid_set_and_no_proof(void **state)
{
    (void)state;
    assert_int_equal(setenv("FETTLE_SOLVER", "/nowhere/at/all", 1), 0);
    Random random = random_new(72);
    for (int round = 0; round < 8; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        world_random(&random);
        double budget = (double)(50 + random_below(&random, 200)) * 8192;
        SearchResult result = search(arena, budget, DEADLINE_NEVER).result;
        uint32_t chosen = mask_of(result.chosen);
        assert_true(world_fits(chosen, budget) && world_net(chosen) >= 0);
        assert_true(isnan(result.gap_percent) && result.bound == 0);
        assert_true(result.solver_failures > 0 && strstr(result.solver_reason, "/nowhere/at/all") != NULL);
        /* one index more is never better: exchanges went on without it */
        for (int i = 0; i < CANDIDATES; i++)
            if (world_fits(chosen | 1u << i, budget))
                assert_true(world_net(chosen | 1u << i) <= world_net(chosen) + 0.05 * BASELINE * STATEMENTS);
    }
    assert_int_equal(unsetenv("FETTLE_SOLVER"), 0);
    world_clear();
}

static void
the_same_world_gives_the_same_answer(void **state)
{
    (void)state;
    Random random = random_new(64);
    for (int round = 0; round < 15; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        world_random(&random);
        world.questions = 0;
        uint32_t first = mask_of(search(arena, INFINITY, DEADLINE_NEVER).result.chosen);
        size_t questions = world.questions;
        world.questions = 0;
        assert_int_equal(mask_of(search(arena, INFINITY, DEADLINE_NEVER).result.chosen), first);
        assert_int_equal(world.questions, questions);
    }
}

static void
without_time_the_answer_is_empty_and_says_so(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    world_clear();
    world_plan(0, 1u << 2, 10);
    SearchResult result = search(arena, INFINITY, 1).result;
    assert_true(result.is_stopped_early && bits_is_empty(result.chosen));
    assert_true(result.cost_after[0] == BASELINE);
}

static void
a_gain_is_the_weighted_change_beyond_the_threshold(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    static const MemoryStatement statement = {"select 1 from orders", 1, 3000, NAN, 1000}; /* weight 3 */
    Fixture fixture = memory_workload(arena, memory_shop, &statement, 1);
    static const struct {
        double before, after, gain;
    } cases[] = {{1000, 400, 1800},  {1000, 951, 0},  {1000, 950, 150},
                 {400, 1000, -1800}, {1000, 1049, 0}, {1000, 1000, 0}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++)
        assert_true(search_gain(&fixture.context, fixture.workload->statements, cases[i].before,
                                cases[i].after) == cases[i].gain);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_index_that_helps_is_chosen_and_no_other),
        cmocka_unit_test(two_indexes_that_help_only_together_are_chosen_together),
        cmocka_unit_test(an_index_that_a_later_one_makes_needless_is_pruned),
        cmocka_unit_test(an_index_that_costs_more_than_it_saves_is_not_chosen),
        cmocka_unit_test(an_index_that_makes_updates_write_to_all_others_gives_way_to_one_that_does_not),
        cmocka_unit_test(an_index_whose_plan_may_be_far_dearer_gives_way_to_one_that_is_sure),
        cmocka_unit_test(an_index_that_tempts_is_kept_beside_one_that_serves_better),
        cmocka_unit_test(those_that_begin_alike_tempt_alike),
        cmocka_unit_test(a_gain_under_the_threshold_buys_nothing),
        cmocka_unit_test(in_a_world_without_interplay_the_best_set_is_found),
        cmocka_unit_test(in_any_world_the_answer_is_true_frugal_and_no_worse_than_one_index),
        cmocka_unit_test(under_any_budgets_the_best_of_all_sets_is_found_and_proven),
        cmocka_unit_test(of_a_large_workload_too_the_best_of_all_sets_is_found),
        cmocka_unit_test(the_bound_is_of_those_sets_too_that_serve_what_they_were_not_thought_of_for),
        cmocka_unit_test(what_the_last_questions_refute_of_the_bound_is_not_printed),
        cmocka_unit_test(the_gap_is_of_the_set_that_caution_left),
        cmocka_unit_test(when_time_is_up_nothing_is_asked_and_what_was_not_verified_is_told),
        cmocka_unit_test(the_budget_is_kept),
        cmocka_unit_test(a_size_that_is_told_late_counts_against_the_budget),
        cmocka_unit_test(a_solver_that_is_killed_again_and_again_leaves_a_valid_set_and_a_true_bound),
        cmocka_unit_test(without_a_solver_there_is_a_valid_set_and_no_proof),
        cmocka_unit_test(the_same_world_gives_the_same_answer),
        cmocka_unit_test(without_time_the_answer_is_empty_and_says_so),
        cmocka_unit_test(a_gain_is_the_weighted_change_beyond_the_threshold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
