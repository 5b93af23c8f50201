// SPDX-License-Identifier: PostgreSQL
#include "advise/index/guess.h"

#include <math.h>
#include <stdlib.h>

/* What pays less, as a share of the whole, is rounding. */
#define GAIN_LEAST 1e-9
/* Each pays; so many are never needed. */
#define PASSES_MOST 1000
/* Levels that are kept, one for each chain and index: 2 bytes each. Beyond it nothing is guessed. */
#define LEVELS_MOST ((size_t)1 << 25)

/* What of a chain a set leaves standing. In a chain an index ends the first step that has it among its
 * `unless`, and all steps after it, since their sets grow: so it is the least of the indexes' levels. */
typedef struct GuessStanding {
    uint16_t level;         /* steps that stand */
    uint16_t level_without; /* without the index that ends it */
    size_t ended_by;        /* SIZE_MAX: all stands */
    size_t ended_else_by;   /* without that */
} GuessStanding;

typedef struct GuessChain {
    const ProgramChain *chain;
    GuessStanding now;  /* by the set at hand */
    GuessStanding kept; /* by the set that a move begins with */
} GuessChain;

/* How far a set is from a harm: it stands when nothing is lacking and nothing ends it. */
typedef struct GuessNearness {
    uint32_t lacking; /* of its `with` */
    uint32_t ending;  /* of its `unless` */
    size_t endings;   /* the sum of their numbers: the number of the one, where there is one */
} GuessNearness;

typedef struct GuessHarm {
    const ProgramHarm *harm;
    GuessNearness now;
    GuessNearness kept;
} GuessHarm;

typedef struct GuessMiss {
    size_t index;
    double loss; /* what the statement costs more without it */
} GuessMiss;

typedef struct GuessValue {
    double cost;
    GuessMiss *missed; /* room for one a chain and each index of a harm, or each index of a plan */
    size_t missed_count;
} GuessValue;

typedef struct GuessStatement {
    const ProgramStatement *statement;
    GuessChain *chains; /* from below */
    size_t chain_count;
    GuessHarm *harms;
    size_t harm_count;
    uint16_t *levels; /* index by index, a chain each: steps that stand when the index is chosen */
    Bits ends;        /* indexes that end a step of some chain, or are of some plan */
    GuessValue now;   /* by the set at hand; not yet when is_stale */
    GuessValue kept;
    bool is_stale;
    bool is_changed;           /* from what was kept */
    const ProgramPlan **plans; /* from above: cheapest first */
    size_t plan_count;
} GuessStatement;

typedef struct Guess {
    Arena *arena;
    const Program *program;
    bool is_from_above;
    GuessStatement *statements;
    uint32_t *concerned; /* places of the statements that have an index among their ends, index by index */
    size_t *concerned_start; /* by index, and one more: where its begin */
    Bits helpful;            /* indexes that may help, and be chosen */
    double *loss;            /* by index of the set at hand: what the statements cost more without it */
    double *price;           /* by index: what is paid for it beside the others of the set at hand */
    double gain_least;
} Guess;

static inline double
larger(double a, double b)
{
    return a > b ? a : b;
}

static inline double
smaller(double a, double b)
{
    return a < b ? a : b;
}

static inline size_t
smaller_level(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline double
chain_cost(const ProgramChain *chain, size_t level)
{
    return level == 0 ? chain->cost_least : chain->steps[level - 1].cost;
}

static void
guess_add_chain(const Guess *guess, GuessStatement *subject, size_t number)
{
    const ProgramChain *chain = &subject->statement->chains.items[number];
    fettle_assert(chain->count < UINT16_MAX);
    subject->chains[number].chain = chain;
    for (size_t i = 0; i < guess->program->index_count; i++)
        subject->levels[i * subject->chain_count + number] = (uint16_t)chain->count;
    /* an index stands first where the steps are fewest */
    for (size_t k = chain->count; k-- > 0;)
        for (size_t i = bits_next(chain->steps[k].unless, 0); i != SIZE_MAX;
             i = bits_next(chain->steps[k].unless, i + 1)) {
            subject->levels[i * subject->chain_count + number] = (uint16_t)k;
            if (!guess->program->indexes[i].is_forbidden)
                bits_add(subject->ends, i);
        }
}

/* Those that may come; room for the indexes of all of them. */
static size_t
guess_add_harms(const Guess *guess, GuessStatement *subject)
{
    const ProgramHarmList *harms = &subject->statement->harms;
    size_t room = 0;
    subject->harms = ARENA_NEW_ARRAY(guess->arena, GuessHarm, harms->count + 1);
    for (size_t i = 0; i < harms->count; i++) {
        if (!program_may_choose(guess->program, harms->items[i].with))
            continue;
        subject->harms[subject->harm_count++] = (GuessHarm){.harm = &harms->items[i]};
        room += bits_count(harms->items[i].with) + 1;
    }
    return room;
}

static void
guess_add_chains(Guess *guess, GuessStatement *subject)
{
    size_t count = subject->statement->chains.count;
    size_t missed_most = count + guess_add_harms(guess, subject);
    subject->chain_count = count;
    subject->chains = ARENA_NEW_ARRAY(guess->arena, GuessChain, count + 1);
    subject->levels = ARENA_NEW_ARRAY(guess->arena, uint16_t, guess->program->index_count * count + 1);
    subject->ends = bits_new(guess->arena, guess->program->index_count);
    subject->now.missed = ARENA_NEW_ARRAY(guess->arena, GuessMiss, missed_most + 1);
    subject->kept.missed = ARENA_NEW_ARRAY(guess->arena, GuessMiss, missed_most + 1);
    subject->is_stale = subject->is_changed = true;
    for (size_t c = 0; c < count; c++)
        guess_add_chain(guess, subject, c);
    for (size_t i = 0; i < subject->harm_count; i++) {
        bits_join(subject->ends, subject->harms[i].harm->with);
        bits_join(subject->ends, subject->harms[i].harm->unless);
    }
    for (size_t i = bits_next(subject->ends, 0); i != SIZE_MAX; i = bits_next(subject->ends, i + 1))
        if (guess->program->indexes[i].is_forbidden)
            bits_remove(subject->ends, i);
    bits_join(guess->helpful, subject->ends);
}

static int
plan_compare(const void *left, const void *right)
{
    const ProgramPlan *a = *(const ProgramPlan *const *)left;
    const ProgramPlan *b = *(const ProgramPlan *const *)right;
    if (a->cost != b->cost)
        return a->cost < b->cost ? -1 : 1;
    return (a > b) - (a < b);
}

static void
guess_add_plans(Guess *guess, GuessStatement *subject)
{
    const ProgramPlanList *plans = &subject->statement->plans;
    size_t used_most = 0;
    subject->plans = ARENA_NEW_ARRAY(guess->arena, const ProgramPlan *, plans->count + 1);
    subject->ends = bits_new(guess->arena, guess->program->index_count);
    for (size_t p = 0; p < plans->count; p++) {
        const ProgramPlan *plan = &plans->items[p];
        if (plan->cost >= subject->statement->cost_without || !program_may_choose(guess->program, plan->used))
            continue;
        subject->plans[subject->plan_count++] = plan;
        bits_join(subject->ends, plan->used);
        size_t used = bits_count(plan->used);
        used_most = used > used_most ? used : used_most;
    }
    bits_join(guess->helpful, subject->ends);
    subject->now.missed = ARENA_NEW_ARRAY(guess->arena, GuessMiss, used_most + 1);
    subject->kept.missed = ARENA_NEW_ARRAY(guess->arena, GuessMiss, used_most + 1);
    if (subject->plan_count > 1)
        qsort(subject->plans, subject->plan_count, sizeof(const ProgramPlan *), plan_compare);
}

static void
guess_note_concerned(Guess *guess)
{
    const Program *program = guess->program;
    guess->concerned_start = ARENA_NEW_ARRAY(guess->arena, size_t, program->index_count + 2);
    size_t *next = guess->concerned_start + 1; /* first how many, then where the next one goes */
    size_t count = 0;
    for (size_t q = 0; q < program->statement_count; q++)
        for (size_t i = bits_next(guess->statements[q].ends, 0); i != SIZE_MAX;
             i = bits_next(guess->statements[q].ends, i + 1)) {
            next[i]++;
            count++;
        }
    size_t before = 0;
    for (size_t i = 0; i < program->index_count; i++) {
        size_t own = next[i];
        next[i] = before;
        before += own;
    }
    guess->concerned = ARENA_NEW_ARRAY(guess->arena, uint32_t, count + 1);
    for (size_t q = 0; q < program->statement_count; q++)
        for (size_t i = bits_next(guess->statements[q].ends, 0); i != SIZE_MAX;
             i = bits_next(guess->statements[q].ends, i + 1))
            guess->concerned[next[i]++] = (uint32_t)q;
}

static Guess
guess_begin(Arena *arena, const Program *program, bool is_from_above)
{
    double sum = 0;
    Guess guess = {.arena = arena,
                   .program = program,
                   .is_from_above = is_from_above,
                   .statements = ARENA_NEW_ARRAY(arena, GuessStatement, program->statement_count + 1),
                   .helpful = bits_new(arena, program->index_count),
                   .loss = ARENA_NEW_ARRAY(arena, double, program->index_count + 1),
                   .price = ARENA_NEW_ARRAY(arena, double, program->index_count + 1)};
    for (size_t q = 0; q < program->statement_count; q++) {
        GuessStatement *subject = &guess.statements[q];
        subject->statement = &program->statements[q];
        sum += subject->statement->cost_without;
        if (is_from_above)
            guess_add_plans(&guess, subject);
        else
            guess_add_chains(&guess, subject);
    }
    guess_note_concerned(&guess);
    guess.gain_least = sum * GAIN_LEAST;
    return guess;
}

static void
chain_add(GuessChain *chain, size_t index, uint16_t level)
{
    GuessStanding *now = &chain->now;
    if (level < now->level) {
        now->level_without = now->level;
        now->ended_else_by = now->ended_by;
        now->level = level;
        now->ended_by = index;
    } else if (level < now->level_without) {
        now->level_without = level;
        now->ended_else_by = index;
    }
}

static void
chain_stand(GuessStatement *subject, size_t number, Bits set)
{
    GuessChain *chain = &subject->chains[number];
    uint16_t all = (uint16_t)chain->chain->count;
    chain->now =
        (GuessStanding){.level = all, .level_without = all, .ended_by = SIZE_MAX, .ended_else_by = SIZE_MAX};
    for (size_t i = bits_next(set, 0); i != SIZE_MAX; i = bits_next(set, i + 1))
        chain_add(chain, i, subject->levels[i * subject->chain_count + number]);
    subject->is_stale = subject->is_changed = true;
}

static void
harms_stand(GuessStatement *subject, Bits set)
{
    for (size_t i = 0; i < subject->harm_count; i++) {
        const ProgramHarm *harm = subject->harms[i].harm;
        GuessNearness *now = &subject->harms[i].now;
        *now = (GuessNearness){.lacking = (uint32_t)bits_count(harm->with)};
        for (size_t k = bits_next(set, 0); k != SIZE_MAX; k = bits_next(set, k + 1)) {
            now->lacking -= bits_has(harm->with, k);
            now->ending += bits_has(harm->unless, k);
            now->endings += bits_has(harm->unless, k) ? k : 0;
        }
    }
}

static void
harms_change(GuessStatement *subject, size_t index, bool is_added)
{
    for (size_t i = 0; i < subject->harm_count; i++) {
        const ProgramHarm *harm = subject->harms[i].harm;
        GuessNearness *now = &subject->harms[i].now;
        bool is_with = bits_has(harm->with, index);
        bool is_ending = bits_has(harm->unless, index);
        now->lacking += is_added ? -(uint32_t)is_with : is_with;
        now->ending += is_added ? is_ending : -(uint32_t)is_ending;
        now->endings += is_added ? is_ending * index : -(is_ending * index);
        if (is_with || is_ending)
            subject->is_stale = subject->is_changed = true;
    }
}

/* The statements by a set; by one index more than before; by a set that is the one before without an index.
 */
static void
guess_stand(Guess *guess, Bits set)
{
    for (size_t q = 0; q < guess->program->statement_count; q++) {
        GuessStatement *subject = &guess->statements[q];
        subject->is_stale = subject->is_changed = true;
        for (size_t c = 0; c < subject->chain_count; c++)
            chain_stand(subject, c, set);
        harms_stand(subject, set);
    }
}

static void
guess_stand_with(Guess *guess, size_t added)
{
    for (size_t k = guess->concerned_start[added]; k < guess->concerned_start[added + 1]; k++) {
        GuessStatement *subject = &guess->statements[guess->concerned[k]];
        if (guess->is_from_above)
            subject->is_stale = subject->is_changed = true;
        harms_change(subject, added, true);
        for (size_t c = 0; c < subject->chain_count; c++) {
            uint16_t own = subject->levels[added * subject->chain_count + c];
            if (own < subject->chains[c].now.level_without) {
                chain_add(&subject->chains[c], added, own);
                subject->is_stale = subject->is_changed = true;
            }
        }
    }
}

static void
guess_stand_without(Guess *guess, Bits set, size_t removed)
{
    for (size_t k = guess->concerned_start[removed]; k < guess->concerned_start[removed + 1]; k++) {
        GuessStatement *subject = &guess->statements[guess->concerned[k]];
        if (guess->is_from_above)
            subject->is_stale = subject->is_changed = true;
        harms_change(subject, removed, false);
        for (size_t c = 0; c < subject->chain_count; c++)
            if (subject->chains[c].now.ended_by == removed || subject->chains[c].now.ended_else_by == removed)
                chain_stand(subject, c, set);
    }
}

static void
value_copy(GuessValue *to, const GuessValue *from)
{
    to->cost = from->cost;
    to->missed_count = from->missed_count;
    for (size_t i = 0; i < from->missed_count; i++)
        to->missed[i] = from->missed[i];
}

/* Each move begins with the same set, which was weighed. */
static void
guess_keep(Guess *guess)
{
    for (size_t q = 0; q < guess->program->statement_count; q++) {
        GuessStatement *subject = &guess->statements[q];
        for (size_t c = 0; c < subject->chain_count && subject->is_changed; c++)
            subject->chains[c].kept = subject->chains[c].now;
        for (size_t i = 0; i < subject->harm_count && subject->is_changed; i++)
            subject->harms[i].kept = subject->harms[i].now;
        if (subject->is_changed)
            value_copy(&subject->kept, &subject->now);
        subject->is_changed = false;
    }
}

static void
guess_return(Guess *guess)
{
    for (size_t q = 0; q < guess->program->statement_count; q++) {
        GuessStatement *subject = &guess->statements[q];
        for (size_t c = 0; c < subject->chain_count && subject->is_changed; c++)
            subject->chains[c].now = subject->chains[c].kept;
        for (size_t i = 0; i < subject->harm_count && subject->is_changed; i++)
            subject->harms[i].now = subject->harms[i].kept;
        if (subject->is_changed)
            value_copy(&subject->now, &subject->kept);
        subject->is_stale = subject->is_changed = false;
    }
}

/* What the statement costs by its chains without an index (SIZE_MAX: with all). */
static double
cost_by_chains(const GuessStatement *subject, size_t without)
{
    double cost = subject->statement->cost_least;
    for (size_t c = 0; c < subject->chain_count; c++) {
        const GuessChain *chain = &subject->chains[c];
        bool is_missed = without != SIZE_MAX && chain->now.ended_by == without;
        cost =
            larger(cost, chain_cost(chain->chain, is_missed ? chain->now.level_without : chain->now.level));
    }
    for (size_t i = 0; i < subject->harm_count; i++) {
        const GuessHarm *harm = &subject->harms[i];
        uint32_t ending = harm->now.ending;
        if (without != SIZE_MAX)
            ending -= bits_has(harm->harm->unless, without);
        if (harm->now.lacking == 0 && ending == 0 &&
            (without == SIZE_MAX || !bits_has(harm->harm->with, without)))
            cost = larger(cost, harm->harm->cost);
    }
    return smaller(cost, subject->statement->cost_without);
}

static void
value_miss(GuessStatement *subject, size_t index)
{
    GuessValue *now = &subject->now;
    for (size_t k = 0; k < now->missed_count; k++)
        if (now->missed[k].index == index)
            return;
    now->missed[now->missed_count++] =
        (GuessMiss){.index = index, .loss = cost_by_chains(subject, index) - now->cost};
}

static void
value_by_chains(GuessStatement *subject)
{
    GuessValue *now = &subject->now;
    now->cost = cost_by_chains(subject, SIZE_MAX);
    now->missed_count = 0;
    for (size_t c = 0; c < subject->chain_count; c++)
        if (subject->chains[c].now.ended_by != SIZE_MAX)
            value_miss(subject, subject->chains[c].now.ended_by);
    for (size_t i = 0; i < subject->harm_count; i++) {
        const GuessHarm *harm = &subject->harms[i];
        if (harm->now.lacking != 0)
            continue;
        if (harm->now.ending == 1)
            value_miss(subject, harm->now.endings);
        for (size_t k = bits_next(harm->harm->with, 0); k != SIZE_MAX && harm->now.ending == 0;
             k = bits_next(harm->harm->with, k + 1))
            value_miss(subject, k);
    }
}

/* What the statement costs by the plans that a set allows without an index (SIZE_MAX: with all). */
static double
cost_by_plans(const GuessStatement *subject, Bits set, size_t without, const ProgramPlan **ret_plan)
{
    *ret_plan = NULL;
    for (size_t p = 0; p < subject->plan_count; p++) {
        const ProgramPlan *plan = subject->plans[p];
        if (!bits_is_subset(plan->used, set) || (without != SIZE_MAX && bits_has(plan->used, without)))
            continue;
        *ret_plan = plan;
        return plan->cost;
    }
    return subject->statement->cost_without;
}

static void
value_by_plans(GuessStatement *subject, Bits set)
{
    const ProgramPlan *plan;
    const ProgramPlan *other;
    GuessValue *now = &subject->now;
    now->cost = cost_by_plans(subject, set, SIZE_MAX, &plan);
    now->missed_count = 0;
    for (size_t i = plan == NULL ? SIZE_MAX : bits_next(plan->used, 0); i != SIZE_MAX;
         i = bits_next(plan->used, i + 1))
        now->missed[now->missed_count++] =
            (GuessMiss){.index = i, .loss = cost_by_plans(subject, set, i, &other) - now->cost};
}

/* The cost of a set that the statements stand by, and what each of its indexes is worth to the statements. */
static double
guess_weigh(Guess *guess, Bits set)
{
    const Program *program = guess->program;
    double cost = program_cost_of_having(program, set);
    for (size_t i = bits_next(set, 0); i != SIZE_MAX; i = bits_next(set, i + 1))
        guess->loss[i] = 0;
    for (size_t q = 0; q < program->statement_count; q++) {
        GuessStatement *subject = &guess->statements[q];
        if (subject->is_stale && guess->is_from_above)
            value_by_plans(subject, set);
        else if (subject->is_stale)
            value_by_chains(subject);
        subject->is_stale = false;
        for (size_t k = 0; k < subject->now.missed_count; k++)
            guess->loss[subject->now.missed[k].index] += subject->now.missed[k].loss;
        cost += subject->now.cost;
    }
    return cost;
}

/* What each index of the set costs that is not paid without it. */
static void
guess_price_within(Guess *guess, Bits set)
{
    const Program *program = guess->program;
    for (size_t i = bits_next(set, 0); i != SIZE_MAX; i = bits_next(set, i + 1))
        guess->price[i] = program->indexes[i].cost;
    for (size_t i = 0; i < program->shared_count; i++) {
        size_t only = bits_only_common(program->shared[i].any, set);
        if (only != SIZE_MAX)
            guess->price[only] += program->shared[i].cost;
    }
}

/* What each other index would cost beside the set. */
static void
guess_price_beside(Guess *guess, Bits set)
{
    const Program *program = guess->program;
    for (size_t i = 0; i < program->index_count; i++)
        guess->price[i] = program->indexes[i].cost;
    for (size_t i = 0; i < program->shared_count; i++) {
        const ProgramShared *shared = &program->shared[i];
        if (bits_meet(shared->any, set))
            continue;
        for (size_t k = bits_next(shared->any, 0); k != SIZE_MAX; k = bits_next(shared->any, k + 1))
            guess->price[k] += shared->cost;
    }
}

static bool
is_over(const Program *program, Bits set, size_t index)
{
    return program_bytes(program, set, NULL) > program->budget_bytes ||
           (isfinite(program->table_budget_bytes) &&
            program_bytes(program, set, program->indexes[index].table) > program->table_budget_bytes);
}

static double
bytes_of(const Program *program, size_t index)
{
    double bytes = program->indexes[index].size_bytes;
    return bytes > 1 ? bytes : 1; /* not known counts as none */
}

/* Takes out what is missed least for its bytes until the budgets hold, then what pays without; none of kept.
 * The cost of what is left, INFINITY when that does not fit. The statements stand by the set, before and
 * after.
 */
static double
guess_shrink(Guess *guess, Bits set, Bits kept)
{
    const Program *program = guess->program;
    for (;;) {
        bool fits = program_fits(program, set);
        bool is_late = deadline_passed(program->deadline); /* then the largest go, whatever is missed */
        double cost = is_late && !fits ? INFINITY : guess_weigh(guess, set);
        size_t least = SIZE_MAX;
        double least_rate = fits ? -guess->gain_least : INFINITY;
        if (is_late && fits)
            return cost;
        guess_price_within(guess, set);
        for (size_t i = bits_next(set, 0); i != SIZE_MAX; i = bits_next(set, i + 1)) {
            double rate = -bytes_of(program, i);
            if (!is_late)
                rate = (guess->loss[i] - guess->price[i]) / (fits ? 1 : -rate);
            if (rate < least_rate && !bits_has(kept, i) && (fits || is_over(program, set, i))) {
                least_rate = rate;
                least = i;
            }
        }
        if (least == SIZE_MAX)
            return fits ? cost : INFINITY;
        bits_remove(set, least);
        guess_stand_without(guess, set, least);
    }
}

/* Keeps what a move has made of the set when it pays. */
static bool
guess_accept(Guess *guess, Bits set, Bits moved, double moved_cost, double *cost)
{
    if (!(moved_cost < *cost - guess->gain_least))
        return false;
    bits_set(set, moved);
    *cost = moved_cost;
    guess_keep(guess);
    return true;
}

/* Puts in what is wanted. */
static bool
guess_try(Guess *guess, Bits set, Bits wanted, Bits scratch, double *cost)
{
    if (deadline_passed(guess->program->deadline))
        return false;
    bits_set(scratch, set);
    guess_return(guess);
    for (size_t i = bits_next(wanted, 0); i != SIZE_MAX; i = bits_next(wanted, i + 1)) {
        bits_add(scratch, i);
        guess_stand_with(guess, i);
    }
    return guess_accept(guess, set, scratch, guess_shrink(guess, scratch, wanted), cost);
}

static bool
guess_pass_of_plans(Guess *guess, Bits set, Bits scratch, double *cost)
{
    bool is_better = false;
    for (size_t q = 0; q < guess->program->statement_count; q++) {
        const GuessStatement *subject = &guess->statements[q];
        const ProgramPlan *plan;
        double now = cost_by_plans(subject, set, SIZE_MAX, &plan);
        for (size_t p = 0; p < subject->plan_count && subject->plans[p]->cost < now; p++)
            if (guess_try(guess, set, subject->plans[p]->used, scratch, cost)) {
                is_better = true;
                now = cost_by_plans(subject, set, SIZE_MAX, &plan);
            }
    }
    return is_better;
}

static bool
guess_pass_of_indexes(Guess *guess, Bits set, Bits scratch, double *cost)
{
    bool is_better = false;
    Bits wanted = bits_new(guess->arena, guess->program->index_count);
    for (size_t i = bits_next(guess->helpful, 0); i != SIZE_MAX; i = bits_next(guess->helpful, i + 1)) {
        if (bits_has(set, i))
            continue;
        bits_add(wanted, i);
        is_better |= guess_try(guess, set, wanted, scratch, cost);
        bits_remove(wanted, i);
    }
    return is_better;
}

/* What the statements gain by their chains with one index more than the set that was weighed. */
static double
gain_beside(const Guess *guess, size_t added)
{
    double gain = 0;
    for (size_t k = guess->concerned_start[added]; k < guess->concerned_start[added + 1]; k++) {
        const GuessStatement *subject = &guess->statements[guess->concerned[k]];
        const uint16_t *own = &subject->levels[added * subject->chain_count];
        double cost = subject->statement->cost_least;
        for (size_t c = 0; c < subject->chain_count && cost < subject->now.cost; c++) {
            const GuessChain *chain = &subject->chains[c];
            cost = larger(cost, chain_cost(chain->chain, smaller_level(own[c], chain->now.level)));
        }
        gain += larger(0, subject->now.cost - cost);
    }
    return gain;
}

/* What gains most for its bytes of what there is room for beside the set; SIZE_MAX: nothing that pays. */
static size_t
guess_next(Guess *guess, Bits set, size_t banned)
{
    const Program *program = guess->program;
    (void)guess_weigh(guess, set);
    guess_price_beside(guess, set);
    size_t best = SIZE_MAX;
    double best_rate = 0;
    for (size_t i = bits_next(guess->helpful, 0); i != SIZE_MAX; i = bits_next(guess->helpful, i + 1)) {
        if (i == banned || bits_has(set, i))
            continue;
        double gain = gain_beside(guess, i) - guess->price[i];
        if (gain <= guess->gain_least || gain / bytes_of(program, i) <= best_rate)
            continue;
        bits_add(set, i);
        if (program_fits(program, set)) {
            best_rate = gain / bytes_of(program, i);
            best = i;
        }
        bits_remove(set, i);
    }
    return best;
}

/* Each index of the set in turn for what else there would be room for. */
static bool
guess_pass_of_others(Guess *guess, Bits set, Bits scratch, double *cost)
{
    Bits none = bits_new(guess->arena, guess->program->index_count);
    for (size_t i = bits_next(set, 0); i != SIZE_MAX && !deadline_passed(guess->program->deadline);
         i = bits_next(set, i + 1)) {
        bits_set(scratch, set);
        bits_remove(scratch, i);
        guess_return(guess);
        guess_stand_without(guess, scratch, i);
        for (size_t added = guess_next(guess, scratch, i); added != SIZE_MAX;
             added = guess_next(guess, scratch, i)) {
            bits_add(scratch, added);
            guess_stand_with(guess, added);
        }
        if (guess_accept(guess, set, scratch, guess_shrink(guess, scratch, none), cost))
            return true;
    }
    return false;
}

static double
guess_improve(Guess *guess, Bits set)
{
    Bits scratch = bits_new(guess->arena, guess->program->index_count);
    guess_stand(guess, set);
    double cost = guess_shrink(guess, set, scratch);
    guess_keep(guess);
    bool is_better = true;
    for (int pass = 0; pass < PASSES_MOST && is_better; pass++)
        is_better = guess->is_from_above ? guess_pass_of_plans(guess, set, scratch, &cost)
                                         : guess_pass_of_indexes(guess, set, scratch, &cost) ||
                                               guess_pass_of_others(guess, set, scratch, &cost);
    return cost;
}

static bool
is_too_large(const Program *program)
{
    size_t count = 0;
    for (size_t q = 0; q < program->statement_count; q++)
        count += program->statements[q].chains.count;
    return count * program->index_count > LEVELS_MOST;
}

static void
program_guess(Arena *arena, const Program *program, bool is_from_above, Bits start, ProgramAnswer *ret_answer)
{
    *ret_answer = (ProgramAnswer){.chosen = bits_copy(arena, start), .cost = INFINITY, .bound = -INFINITY};
    if (!is_from_above && is_too_large(program))
        return;
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("guess", (size_t)512 << 20);
    Guess guess = guess_begin(scratch, program, is_from_above);
    bits_keep(ret_answer->chosen, guess.helpful);
    ret_answer->cost = guess_improve(&guess, ret_answer->chosen);
}

void
program_guess_choice(Arena *arena, const Program *program, Bits start, ProgramAnswer *ret_answer)
{
    program_guess(arena, program, true, start, ret_answer);
}

void
program_guess_bound(Arena *arena, const Program *program, Bits start, ProgramAnswer *ret_answer)
{
    program_guess(arena, program, false, start, ret_answer);
}
