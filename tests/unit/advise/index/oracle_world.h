// SPDX-License-Identifier: PostgreSQL
/*
 * The oracle over a planner of known costs: whatif_begin() and whatif_cost() that the oracle is linked with
 * are that planner. For one program each.
 */
#ifndef FETTLE_TEST_ORACLE_WORLD_H
#define FETTLE_TEST_ORACLE_WORLD_H

#include "../memory_workload.h"

#include "advise/index/search_state.h"
#include "base/random.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

#define CANDIDATES 6
#define PLANS 4
#define BASELINE 1000.0

static struct {
    uint32_t uses[PLANS];
    double cost[PLANS];
    uint32_t present;
    uint32_t refused;
    size_t questions;
    size_t expected_count;
    size_t expected_most; /* at once */
    uint32_t expected;    /* present in the first of the questions expected last */
    bool is_lost;
    bool is_unknown;
    uint32_t unknown_with; /* unknown when all of these are present; 0: never */
    uint32_t partial_with; /* only some of the samples */
    double partial_factor; /* by chance the cheap ones or the dear ones; 0: a quarter */
    double narrowed;       /* share of the cost that fewer indexes could have; 0: all of it */
    uint32_t narrowing;    /* those of them that are to blame; 0: not known */
    uint32_t least;        /* what the plan of that uses; 0: nothing, or not known */
    uint32_t informing;    /* with any of these plans seem to cost twice as much */
} planner;

static inline int
number_of(const char *name)
{
    return name[strlen(name) - 1] - '0';
}

bool
whatif_begin(WhatIf *whatif, Arena *arena, const WhatIfChange *changes, size_t change_count,
             WhatIfChangeResult **ret_results, Error *error)
{
    (void)whatif;
    if (planner.is_lost)
        return error_set(error, ERROR_CLUSTER, "the twin is gone");
    planner.present = 0;
    *ret_results = ARENA_NEW_ARRAY(arena, WhatIfChangeResult, change_count);
    for (size_t i = 0; i < change_count; i++) {
        int number = number_of(changes[i].name);
        bool is_refused = (planner.refused >> number & 1) != 0;
        planner.present |= is_refused ? 0 : 1u << number;
        (*ret_results)[i] =
            (WhatIfChangeResult){.is_applied = !is_refused,
                                 .reason = is_refused ? "data type json has no default" : NULL,
                                 .size_bytes = is_refused ? NAN : 8192.0 * (number + 1)};
    }
    return true;
}

static inline double
planner_cost(uint32_t present, uint32_t *ret_used)
{
    double best = BASELINE;
    *ret_used = 0;
    for (int i = 0; i < PLANS; i++) {
        double cost = planner.cost[i] * ((planner.informing & present) != 0 ? 2 : 1);
        if ((planner.uses[i] & ~present) == 0 && cost < best) {
            best = cost;
            *ret_used = planner.uses[i];
        }
    }
    return best;
}

static inline bool
is_among(uint32_t mask, uint32_t present)
{
    return mask != 0 && (mask & ~present) == 0;
}

bool
whatif_cost(WhatIf *whatif, Arena *arena, const WhatIfStatement *statement, bool with_plan,
            WhatIfAnswer *ret_answer, Error *error)
{
    (void)whatif;
    (void)statement;
    (void)with_plan;
    (void)error;
    uint32_t used;
    planner.questions++;
    bool is_unknown = planner.is_unknown || is_among(planner.unknown_with, planner.present);
    *ret_answer = (WhatIfAnswer){.is_known = !is_unknown,
                                 .reason = "canceling statement due to timeout",
                                 .cost = NAN,
                                 .least_cost = NAN};
    if (is_unknown)
        return true;
    ret_answer->cost = planner_cost(planner.present, &used);
    if (is_among(planner.partial_with, planner.present)) {
        ret_answer->sample_mask = 5;
        ret_answer->cost *= planner.partial_factor > 0 ? planner.partial_factor : 0.25;
    }
    ret_answer->least_cost = ret_answer->cost * (planner.narrowed > 0 ? planner.narrowed : 1);
    ret_answer->is_narrowing_known = planner.narrowing != 0;
    for (int i = 0; i < CANDIDATES; i++) {
        const char *name = arena_printf(arena, "whatif_%d", i);
        if ((used >> i & 1) != 0)
            vector_push(arena, &ret_answer->used_indexes, name);
        if ((planner.narrowing & planner.present) >> i & 1)
            vector_push(arena, &ret_answer->narrowing, name);
        if ((planner.least & planner.present) >> i & 1)
            vector_push(arena, &ret_answer->least_indexes, name);
    }
    vector_push(arena, &ret_answer->used_indexes, "orders_pkey"); /* none of ours */
    return true;
}

/* Nothing need be known before it is asked. */
void
whatif_expect(WhatIf *whatif, Arena *arena, const WhatIfQuestion *questions, size_t count)
{
    (void)whatif;
    (void)arena;
    planner.expected_count += count;
    planner.expected_most = count > planner.expected_most ? count : planner.expected_most;
    planner.expected = 0;
    for (size_t i = 0; count > 0 && i < questions[0].change_count; i++)
        planner.expected |= 1u << number_of(questions[0].changes[i].name);
}

typedef struct World {
    Fixture fixture;
    CandidateSet set;
    Oracle *oracle;
} World;

/* Candidate 5 is not relevant to the statement. */
static inline World *
world_of(Arena *arena, const char *const *texts)
{
    World *world = ARENA_NEW(arena, World);
    world->fixture = memory_workload_of(arena, texts, 1);
    world->set.items = ARENA_NEW_ARRAY(arena, Candidate *, CANDIDATES);
    world->set.count = CANDIDATES;
    world->set.relevant = arena_alloc_array(arena, 1, sizeof(*world->set.relevant));
    world->set.relevant[0].numbers = ARENA_NEW_ARRAY(arena, size_t, CANDIDATES);
    world->set.relevant[0].count = CANDIDATES - 1;
    for (size_t i = 0; i < CANDIDATES; i++) {
        world->set.items[i] = ARENA_NEW(arena, Candidate);
        *world->set.items[i] = (Candidate){.number = i,
                                           .relation = world->fixture.context.snapshot->relations,
                                           .keys = {{.attnum = (int)i + 1}},
                                           .key_count = 1,
                                           .whatif_name = arena_printf(arena, "whatif_%zu", i),
                                           .size_bytes = NAN};
        world->set.relevant[0].numbers[i] = i;
    }
    world->oracle = oracle_new(arena, &world->fixture.context, &world->set);
    return world;
}

static inline World *
world_new(Arena *arena)
{
    static const char *const texts[] = {"select * from orders"};
    return world_of(arena, texts);
}

/* A search over it that has not begun. */
static inline Search
world_search(Arena *arena, const World *world)
{
    return (Search){.arena = arena,
                    .context = &world->fixture.context,
                    .candidates = &world->set,
                    .oracle = world->oracle,
                    .deadline = DEADLINE_NEVER};
}

/* One plan, which uses index 1. */
static inline void
planner_of_one(double cost)
{
    memset(&planner, 0, sizeof(planner));
    planner.uses[0] = 1u << 1;
    for (int i = 0; i < PLANS; i++)
        planner.cost[i] = i == 0 ? cost : BASELINE;
}

static inline void
planner_random(Random *random)
{
    memset(&planner, 0, sizeof(planner));
    for (int i = 0; i < PLANS; i++) {
        planner.uses[i] = 1 + (uint32_t)random_below(random, (1u << (CANDIDATES - 1)) - 1);
        planner.cost[i] = (double)(1 + random_below(random, 1000));
    }
}

static inline Bits
set_of(Arena *arena, uint32_t mask)
{
    Bits bits = bits_new(arena, CANDIDATES);
    bits.words[0] = mask;
    return bits;
}

#endif
