// SPDX-License-Identifier: PostgreSQL
/*
 * The search against an oracle of known costs: a world has plans for each statement, each with the candidates
 * it uses and its cost, and a statement costs what its cheapest possible plan costs. The planner and the
 * write costs that the search is linked with are those of the world. For one program each.
 */
#ifndef FETTLE_TEST_SEARCH_WORLD_H
#define FETTLE_TEST_SEARCH_WORLD_H

#include "../memory_workload.h"

#include "advise/index/caution.h"
#include "advise/index/search.h"
#include "advise/index/write_cost.h"
#include "base/random.h"

#include <math.h>
#include <string.h>

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
    const char *proof_percent; /* where any gain counts; NULL: 0 */
    bool same_key;             /* all candidates begin with one column, and those from 4 on are hashes */
    uint32_t present;
    uint32_t relevant[STATEMENTS]; /* what was thought of for each; 0: all */
    uint32_t
        harm_with; /* statement 0 costs harm_cost or more when these are present, and none of harm_unless */
    uint32_t harm_unless;
    double harm_cost;
    bool tells_narrowing; /* which indexes harm */
    uint32_t
        informing; /* on an expression of statement 0: with one of them its plans cost so many times more */
    double informed[PLANS_MOST];
    uint32_t alone; /* statement 0 costs a tenth when exactly these are present */
    bool is_large;
    size_t end_at; /* question during which the time runs out; 0: none */
    int64_t end_ms;
    uint32_t enders; /* with one of them, those of interplay pay this besides */
    double interplay[CANDIDATES];
    double shared;  /* what a set with any of the enders pays once */
    double dear;    /* without an index statement 0 costs so many times what others do; 0: as they do */
    uint32_t risky; /* plans that use these hope to stop at a twentieth of their cost */
    size_t questions;
    size_t begun;
    double rows; /* of each table */
    void (*progress)(void *context, const char *step, int64_t done, int64_t total);
    void *progress_context;
} world;

static const char *const candidate_names[CANDIDATES] = {"a", "b", "c", "d", "e", "f", "g", "h"};
static const char *const statement_names[STATEMENTS + 1] = {"0", "1", "2", "3", "4", "5", "6"};

static inline uint32_t
mask_of(Bits set)
{
    return set.word_count == 0 ? 0 : (uint32_t)set.words[0];
}

static inline double
world_baseline(size_t statement)
{
    return statement == 0 && world.dear > 0 ? BASELINE * world.dear : BASELINE;
}

static inline double
world_cost_unharmed(size_t statement, uint32_t set, uint32_t *ret_used)
{
    double best = world_baseline(statement);
    *ret_used = 0;
    if (statement >= STATEMENTS)
        return best;
    for (int i = 0; i < world.plan_count[statement]; i++) {
        const WorldPlan *plan = &world.plans[statement][i];
        bool is_informed = statement == 0 && (world.informing & set) != 0;
        double cost = plan->cost * (is_informed ? world.informed[i] : 1);
        if ((plan->uses & ~set) == 0 && cost < best) {
            best = cost;
            *ret_used = plan->uses;
        }
    }
    return best;
}

static inline double
world_cost(size_t statement, uint32_t set, uint32_t *ret_used)
{
    double cost = world_cost_unharmed(statement, set, ret_used);
    if (statement != 0 || world.harm_with == 0 || (world.harm_with & ~set) != 0 ||
        (world.harm_unless & set) != 0 || cost >= world.harm_cost)
        return cost;
    *ret_used |= world.harm_with;
    return world.harm_cost;
}

/* Nothing need be known before it is asked. */
void
whatif_expect(WhatIf *whatif, Arena *arena, const WhatIfQuestion *questions, size_t count)
{
    (void)whatif;
    (void)arena;
    (void)questions;
    (void)count;
}

bool
whatif_begin(WhatIf *whatif, Arena *arena, const WhatIfChange *changes, size_t change_count,
             WhatIfChangeResult **ret_results, Error *error)
{
    (void)whatif;
    (void)error;
    world.present = 0;
    world.begun++;
    *ret_results = ARENA_NEW_ARRAY(arena, WhatIfChangeResult, change_count + 1);
    for (size_t i = 0; i < change_count; i++) {
        int number = changes[i].name[0] - 'a';
        world.present |= UINT32_C(1) << number;
        (*ret_results)[i] = (WhatIfChangeResult){.is_applied = true, .size_bytes = world.size_bytes[number]};
    }
    return true;
}

static inline PgPlan *
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
    uint32_t used_unharmed;
    ret_answer->least_cost = fmin(ret_answer->cost, world_cost_unharmed((size_t)(statement->text[0] - '0'),
                                                                        world.present, &used_unharmed));
    ret_answer->is_narrowing_known = world.tells_narrowing;
    for (int i = 0; i < CANDIDATES; i++) {
        if ((used >> i & 1) != 0)
            vector_push(arena, &ret_answer->used_indexes, candidate_names[i]);
        if (world.tells_narrowing && ret_answer->least_cost < ret_answer->cost &&
            (world.harm_with >> i & 1) != 0)
            vector_push(arena, &ret_answer->narrowing, candidate_names[i]);
    }
    if (with_plan && (used & world.risky) != 0)
        ret_answer->plan = risky_plan(arena, ret_answer->cost);
    return true;
}

double
index_write_cost(const AdvisorContext *context, const Candidate *candidate)
{
    (void)context;
    return world.write_cost[candidate->number] +
           ((world.enders >> candidate->number & 1) != 0 ? world.shared : 0);
}

WriteInterplayList
index_write_interplay(Arena *arena, const AdvisorContext *context, const CandidateSet *candidates)
{
    (void)context;
    WriteInterplayList list = {0};
    WriteInterplay interplay = {.enders = bits_new(arena, candidates->count), .shared = world.shared};
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
static inline void
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

static inline Run
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
                    settings_set(settings, "advise.proof_percent",
                                 world.proof_percent == NULL ? "0" : world.proof_percent, NULL));
        run.fixture.context.settings = settings;
    }
    CandidateSet *set = ARENA_NEW(arena, CandidateSet);
    set->items = ARENA_NEW_ARRAY(arena, Candidate *, CANDIDATES);
    set->count = CANDIDATES;
    set->relevant = arena_alloc_array(arena, statements, sizeof(*set->relevant));
    uint32_t *tables = ARENA_NEW_ARRAY(arena, uint32_t, 2);
    /* Sizes are the world's: they do not follow from the rows, unless there are some. */
    SnapshotRelation *relations = ARENA_NEW_ARRAY(arena, SnapshotRelation, 2);
    for (size_t i = 0; i < 2; i++) {
        relations[i] = run.fixture.context.snapshot->relations[i == 0 ? 0 : 5];
        relations[i].reltuples = world.rows;
    }
    for (size_t i = 0; i < CANDIDATES; i++) {
        set->items[i] = ARENA_NEW(arena, Candidate);
        *set->items[i] = (Candidate){.number = i,
                                     .relation = &relations[i % 2],
                                     .method = world.same_key && i >= 4 ? CANDIDATE_HASH : CANDIDATE_BTREE,
                                     .keys = {{.attnum = world.same_key ? 1 : (int)(1 + i / 2)}},
                                     .key_count = 1,
                                     .whatif_name = candidate_names[i],
                                     .size_bytes = NAN};
        if ((world.informing >> i & 1) != 0)
            set->items[i]->keys[0] = (CandidateKey){.expression = "lower(note)"};
        tables[i % 2] = set->items[i]->relation->id;
    }
    if (world.informing != 0) {
        SqlPredicate *predicate = ARENA_NEW(arena, SqlPredicate);
        *predicate = (SqlPredicate){.expression = "lower(note)"};
        SqlAnalysis *analysis = ARENA_NEW(arena, SqlAnalysis);
        *analysis = *run.fixture.workload->statements[0].analysis;
        analysis->predicates = predicate;
        analysis->predicate_count = 1;
        run.fixture.workload->statements[0].analysis = analysis;
    }
    for (size_t q = 0; q < statements; q++) {
        WhatIfStatement *question = &run.fixture.workload->statements[q].question;
        relevant_of(arena, set, q, q < STATEMENTS ? world.relevant[q] : 0);
        question->text = statement_names[q < STATEMENTS ? q : STATEMENTS];
        run.fixture.workload->statements[q].baseline_cost = world_baseline(q);
        question->relation_ids = tables;
        question->relation_count = 2;
    }
    Error error = {0};
    Oracle *oracle = oracle_new(arena, &run.fixture.context, set);
    assert_true(index_search(arena, &run.fixture.context, set, oracle, &run.result, &error));
    return run;
}

static inline void
world_clear(void)
{
    memset(&world, 0, sizeof(world));
    for (int i = 0; i < CANDIDATES; i++)
        world.size_bytes[i] = 1e6;
}

static inline void
world_plan(size_t statement, uint32_t uses, double cost)
{
    world.plans[statement][world.plan_count[statement]++] = (WorldPlan){.uses = uses, .cost = cost};
}

static inline void
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

/* What a set pays, and those of it besides, when one of it ends HOT updates. */
static inline double
world_interplay(uint32_t set)
{
    double cost = (set & world.enders) != 0 ? world.shared : 0;
    for (int i = 0; i < CANDIDATES && (set & world.enders) != 0; i++)
        cost += (set & ~world.enders) >> i & 1 ? world.interplay[i] : 0;
    return cost;
}

/* What is saved by a set, less its writes. */
static inline double
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

static inline bool
world_fits(uint32_t set, double budget)
{
    double bytes[2] = {0, 0};
    for (int i = 0; i < CANDIDATES; i++)
        bytes[i % 2] += (set >> i & 1) != 0 ? world.size_bytes[i] : 0;
    double of_table = world.table_budget_bytes > 0 ? world.table_budget_bytes : INFINITY;
    return bytes[0] + bytes[1] <= budget && bytes[0] <= of_table && bytes[1] <= of_table;
}

/* The most that any set within the budget saves, less its writes. */
static inline double
world_best(double budget)
{
    double best = -INFINITY;
    for (uint32_t set = 0; set < 1u << CANDIDATES; set++)
        if (world_fits(set, budget))
            best = fmax(best, world_net(set));
    return best;
}

#endif
