// SPDX-License-Identifier: PostgreSQL
/*
 * The bound: no set of the candidates is below it.
 *
 * The program from below chooses what would be best if the planner were as cheap as its answers still allow.
 * Its value is the bound. Asked about that choice, the planner either makes it the best set, or shows that it
 * costs more, and the bound rises (logic-based Benders decomposition). Ends when best and bound are within
 * advise.proof_percent.
 *
 * A choice need not be the least to be worth asking about: any will do that is not refuted yet. So as long as
 * a guess (guess.h) finds one, from what was asked about last, the program is not solved. Where none is
 * found, and now and then, so that a proof that time ends has a bound too, it is relaxed, which takes a
 * hundredth of the time: its value is a bound, and a guess begins from what it chooses parts of.
 *
 * What is asked about is the choice together with the small indexes that the budgets still have room for.
 * An answer bounds each set of which no more was present, so what it refutes it refutes with and without each
 * of them; of the bare choice it would have to be asked again for nearly every one of them, since the program
 * would add them next, at no price that counts (the same thought as Magnanti and Wong 1981: of the cuts at
 * a choice, one that holds for more). Only where that asks nothing new it is the bare choice.
 */
#include "advise/index/dominated.h"
#include "advise/index/guess.h"
#include "advise/index/lift.h"
#include "advise/index/search_state.h"

#include <math.h>

/* What so many have not proven, more seldom do. */
#define ROUNDS_MOST 1000
/* One round in so many begins with the relaxed program. */
#define RELAXED_EVERY 8
/* Rounds that ask about a set itself, which refutes that set and no other. */
#define ITSELF_MOST 20
#define NODES_MOST 2000
#define NODES_QUICK 100 /* by branching alone, which mostly does */

/*
 * Shares of the gap allowed. A choice is asked about when it may be better than the best by nearly the whole
 * of it (what the planner says of the best set in the end may be off by rounding), and until it cannot be
 * better by half, so that the next choices, which are alike, are refuted as well; and together with the
 * program's own gap that is less than the whole, so that a choice that is refuted already ends the proof.
 * What is not refuted but better may stay open by a little.
 */
#define ASKED_SHARE 0.98
#define REFUTED_SHARE 0.5
#define PROGRAM_SHARE 0.25
#define SLACK_SHARE 0.125

/* A choice that is any: so many are sought in all that is open. */
#define ANY_PLAIN_MOST 3
#define HALF_LEAST_SHARE 0.5 /* of the gap allowed */
#define SCRATCH_BYTES ((size_t)64 << 20)

/* With a smaller gap allowed rounding would be too much of it for a choice that is only any. */
#define ANY_GAP_LEAST 1e-4

/* Sums in another order are off by this share: of what is no gap at all. */
#define ROUNDING_SHARE 1e-9

/* Indexes that are tried beside a choice. */
#define FILLED_MOST 256

/* The bound holds for every set only when each statement knows of every index that its planner could take,
 * whatever it was thought of for. What is no statement's has another in its place (permutation.h). */
void
search_relate(Search *search)
{
    Bits allowed = bits_new(search->arena, search->candidates->count);
    for (size_t q = 0; q < search->context->workload->count; q++)
        bits_join(allowed, oracle_relevant(search->oracle, q));
    for (size_t i = 0; i < search->candidates->count; i++)
        if (search->indexes[i].is_forbidden)
            bits_remove(allowed, i);
    oracle_relate(search->oracle, allowed, ORACLE_BESIDE);
}

static bool
bound_start_with(Search *search, size_t statement, Bits set, Error *error)
{
    double cost;
    Bits used;
    return bits_is_empty(set) || oracle_cost(search->oracle, statement, set, false, &cost, &used, error);
}

/* What everything together makes of each statement: the least that it can cost. And where some of it tells
 * the planner of expressions, what all the rest does. */
static bool
bound_start(Search *search, Error *error)
{
    const Workload *workload = search->context->workload;
    for (size_t q = 0; q < workload->count && !search_out_of_time(search); q++) {
        if (!workload->statements[q].is_costed)
            continue;
        Bits relevant = oracle_relevant(search->oracle, q);
        if (!bound_start_with(search, q, relevant, error))
            return false;
        if (!bits_meet(relevant, oracle_informing(search->oracle, q)))
            continue;
        bits_subtract(relevant, oracle_informing(search->oracle, q));
        if (!search_out_of_time(search) && !bound_start_with(search, q, relevant, error))
            return false;
    }
    return true;
}

/* By how much the value of any set is bounded less than it was thought when the bound was computed: each mend
 * takes from its statement's value no more than from the bound that it mended most. */
static double
mended_since(const Search *search)
{
    const OracleMendList *mends = oracle_mends(search->oracle);
    double value = 0;
    for (size_t i = search->bound_mends; i < mends->count; i++) {
        const OracleMend *mend = &mends->items[i];
        value += search_gain(search->context, &search->context->workload->statements[mend->statement],
                             mend->before, mend->after);
    }
    return value;
}

/* The bound, less what was mended since. */
static double
bound_left(const Search *search)
{
    return search->bound <= 0 ? 0 : fmax(0, search->bound - mended_since(search));
}

bool
search_bound_is_near(const Search *search)
{
    return search->best_value - bound_left(search) <=
           (search_gap_allowed(search) + ROUNDING_SHARE) * search->best_value;
}

static void
bound_note(Search *search, double bound)
{
    double before = bound_left(search);
    search->bound = isfinite(bound) ? fmax(before, bound) : before;
    search->bound_mends = oracle_mends(search->oracle)->count;
}

/* Where no choice is of less, the proof ends: only such a choice is worth asking about. */
static double
asked_most(const Search *search)
{
    return search->best_value * (1 - search_gap_allowed(search) * ASKED_SHARE);
}

/* The program from below: the same until something is learned. */
typedef struct BoundSubject {
    Program program; /* without what is dominated */
    size_t *instead; /* as program_undominated() says */
} BoundSubject;

static BoundSubject
bound_subject(Search *search, Arena *scratch)
{
    BoundSubject subject;
    search_indexes_refresh(search);
    subject.program = program_undominated(scratch, search_program(search, scratch), &subject.instead);
    return subject;
}

/* Solves the program for a choice of less than most, any. Where there is none the bound is that, unless the
 * solver came to no end. */
static bool
bound_program_below(Search *search, Arena *scratch, Program *program, double most, ProgramAnswer *ret_answer,
                    bool *ret_is_open)
{
    double proven = most - program_rounding(program);
    program->below = most;
    program->is_quick = true;
    program->nodes_most = NODES_QUICK;
    bool found = program_bound(scratch, program, ret_answer);
    bound_note(search, ret_answer->bound);
    if (!found && !search_bound_is_near(search) && search->bound < proven) {
        program->is_quick = false;
        program->nodes_most = NODES_MOST;
        found = program_bound(scratch, program, ret_answer);
        bound_note(search, ret_answer->bound);
    }
    *ret_is_open = !found && search->bound < proven;
    return found;
}

/*
 * Any choice that is not refuted. The first that is found is often nearly refuted, and the next one too,
 * while the bound stays where it is; so after some of them one is sought in the lower half of what is open:
 * there is one, of which there is more to learn, or the bound rises by that half.
 */
static bool
bound_program_any(Search *search, Arena *scratch, Program *program, ProgramAnswer *ret_answer)
{
    double most = asked_most(search) + program_rounding(program);
    double half_least = search_gap_allowed(search) * HALF_LEAST_SHARE * most;
    bool halves = search->any_count++ >= ANY_PLAIN_MOST;
    bool found = false;
    bool is_last = false;
    while (!found && !is_last && !search_bound_is_near(search) && !search_out_of_time(search)) {
        double half = search->bound + (most - search->bound) / 2;
        is_last = !halves || most - half < half_least;
        bool is_open;
        found = bound_program_below(search, scratch, program, is_last ? most : half, ret_answer, &is_open);
        if (is_open && halves) {
            halves = false; /* too hard for it */
            search->any_count = 0;
        }
    }
    if (!found)
        return false;
    /* The first one found may be far from the least, of which there is more to learn. */
    ProgramAnswer guess;
    program_guess_bound(scratch, program, ret_answer->chosen, &guess);
    if (guess.cost < ret_answer->cost)
        *ret_answer = guess;
    return true;
}

/* Solves the program: for any choice that is not refuted, or for the least. */
static bool
bound_program(Search *search, Arena *scratch, const BoundSubject *subject, bool is_any_enough,
              ProgramAnswer *ret_answer)
{
    Program program = subject->program;
    /* A part of the gap may be the program's own: to close that costs more than it tells. */
    program.gap = fmax(program.gap, search_gap_allowed(search) * PROGRAM_SHARE);
    if (is_any_enough)
        return bound_program_any(search, scratch, &program, ret_answer);
    program.below = 0;
    program.nodes_most = NODES_MOST;
    bool found = program_bound(scratch, &program, ret_answer);
    bound_note(search, ret_answer->bound);
    return found;
}

/* The last choice that was asked about, with what stands for what is dominated. */
static Bits
guessed_last(const Search *search, Arena *scratch, const BoundSubject *subject)
{
    Bits last = bits_new(scratch, subject->program.index_count);
    for (size_t i = bits_next(search->guessed, 0); i != SIZE_MAX; i = bits_next(search->guessed, i + 1))
        if (subject->instead[i] != SIZE_MAX)
            bits_add(last, subject->instead[i]);
    return last;
}

static bool
bound_guess_from(const Search *search, Arena *scratch, const Program *program, Bits start,
                 ProgramAnswer *ret_answer)
{
    program_guess_bound(scratch, program, start, ret_answer);
    return ret_answer->cost < asked_most(search);
}

/* A choice that is not refuted yet, by exchanges from what was asked about last and from what the relaxed
 * program chooses parts of; the relaxed program's value is a bound, and may be proof enough. */
static bool
bound_guess(Search *search, Arena *scratch, const BoundSubject *subject, bool relaxes_first,
            ProgramAnswer *ret_answer)
{
    const Program *program = &subject->program;
    Bits last = guessed_last(search, scratch, subject);
    ProgramAnswer relaxed;
    if (!relaxes_first && bound_guess_from(search, scratch, program, last, ret_answer))
        return true;
    if (!program_relax(scratch, program, &relaxed))
        return false;
    bound_note(search, relaxed.bound);
    if (relaxed.bound >= asked_most(search))
        return false;
    return bound_guess_from(search, scratch, program, relaxed.chosen, ret_answer) ||
           (relaxes_first && bound_guess_from(search, scratch, program, last, ret_answer));
}

/* The smallest index that may stand beside others and is not passed; SIZE_MAX: none. */
static size_t
smallest_beside(const Search *search, Bits passed)
{
    size_t smallest = SIZE_MAX;
    for (size_t i = 0; i < search->candidates->count; i++) {
        const ProgramIndex *index = &search->indexes[i];
        if (index->is_forbidden || isnan(index->size_bytes) || bits_has(passed, i))
            continue;
        if (smallest == SIZE_MAX || index->size_bytes < search->indexes[smallest].size_bytes)
            smallest = i;
    }
    return smallest;
}

Bits
search_fill(const Search *search, Bits chosen)
{
    Bits filled = bits_copy(search->arena, chosen);
    if (!isfinite(search->context->budget_bytes) && !isfinite(search_table_budget(search->context)))
        return filled;
    Bits passed = bits_copy(search->arena, chosen);
    double bytes = search_bytes(search, chosen);
    for (size_t count = 0; count < FILLED_MOST; count++) {
        size_t next = smallest_beside(search, passed);
        /* those to come are no smaller */
        if (next == SIZE_MAX || bytes + search->indexes[next].size_bytes > search->context->budget_bytes)
            break;
        bits_add(passed, next);
        bits_add(filled, next);
        if (search_fits(search, filled))
            bytes += search->indexes[next].size_bytes;
        else
            bits_remove(filled, next);
    }
    return filled;
}

/*
 * What the planner said with more present stands for the choice when that is evaluated, though the bound may
 * be less: where an index narrowed the planner's view, fewer may cost less. Then the choice is not refuted by
 * the bound, and asked about itself.
 */
static bool
bound_ask_itself(Search *search, Bits chosen, double value_most, Error *error)
{
    const Workload *workload = search->context->workload;
    for (;;) {
        double value = search_cost_of_having(search, chosen);
        double widest = 0;
        size_t next = SIZE_MAX;
        for (size_t q = 0; q < workload->count; q++) {
            const WorkloadStatement *statement = &workload->statements[q];
            if (!statement->is_costed)
                continue;
            OracleBounds bounds = {.low = statement->baseline_cost, .high = statement->baseline_cost};
            if (oracle_concerns(search->oracle, q, chosen))
                bounds = oracle_bounds(search->oracle, q, chosen);
            double low = search_value(search->context, statement, bounds.low);
            double open = search_value(search->context, statement, bounds.high) - low;
            value += low;
            if (open > widest) {
                widest = open;
                next = q;
            }
        }
        double cost;
        int64_t questions = search_questions(search);
        if (value >= value_most || next == SIZE_MAX || search_out_of_time(search))
            return true;
        if (!oracle_cost(search->oracle, next, chosen, true, &cost, NULL, error))
            return false;
        /* what cannot be planned was asked before */
        if (search_questions(search) == questions)
            return true;
    }
}

/* Asks about the choice and what is put beside it, which serves to ask: it is the choice that is to be
 * refuted, at the price of the choice. */
static bool
bound_ask_filled(Search *search, Bits chosen, SearchPatience patience, bool *ret_is_better, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("answers of a proof", SCRATCH_BYTES);
    const size_t *counts = search_answer_counts(search, scratch);
    Bits filled = search_fill(search, chosen);
    patience.value_most += search_cost_of_having(search, filled) - search_cost_of_having(search, chosen);
    return search_offer(search, filled, patience, ret_is_better, error) &&
           search_lift(search, filled, counts, error);
}

/* How it is asked about: where one teaches nothing, the next. */
typedef enum BoundAsk { BOUND_ASK_FILLED, BOUND_ASK_CHOSEN, BOUND_ASK_STRICT, BOUND_ASK_ITSELF } BoundAsk;

static bool
bound_ask_one(Search *search, Bits chosen, BoundAsk how, bool *ret_is_better, Error *error)
{
    double gap = search_gap_allowed(search) * search->best_value;
    SearchPatience patience = {.value_most = search->best_value - gap * REFUTED_SHARE,
                               .slack = gap * SLACK_SHARE};
    bool done = true;
    switch (how) {
        case BOUND_ASK_FILLED: return bound_ask_filled(search, chosen, patience, ret_is_better, error);
        case BOUND_ASK_STRICT:
            oracle_be_strict(search->oracle, true);
            done = bound_ask_filled(search, chosen, patience, ret_is_better, error);
            oracle_be_strict(search->oracle, false);
            return done;
        case BOUND_ASK_ITSELF:
            search->itself_left--;
            done = bound_ask_itself(search, chosen, patience.value_most, error);
            break;
        case BOUND_ASK_CHOSEN: break;
    }
    return done && search_offer(search, chosen, patience, ret_is_better, error);
}

/* Asks about the choice until it is refuted, or what is open of it is little; something is learned when the
 * planner was asked, or the choice is better. */
static bool
bound_ask(Search *search, Bits chosen, BoundAsk last, bool *ret_is_learned, Error *error)
{
    int64_t questions = search_questions(search);
    search->guessed = bits_copy(search->arena, chosen);
    *ret_is_learned = false;
    for (int how = BOUND_ASK_FILLED; how <= (int)last && !*ret_is_learned; how++) {
        bool is_better;
        if (!bound_ask_one(search, chosen, (BoundAsk)how, &is_better, error))
            return false;
        *ret_is_learned = is_better || search_questions(search) > questions;
    }
    return true;
}

/* From where the next choice to ask about comes: where one teaches nothing, from the next. */
typedef enum BoundWay { BOUND_GUESS, BOUND_ANY, BOUND_LEAST, BOUND_WAYS } BoundWay;

static bool
bound_propose(Search *search, Arena *scratch, const BoundSubject *subject, BoundWay way, size_t round,
              ProgramAnswer *ret_answer)
{
    if (way == BOUND_GUESS)
        return bound_guess(search, scratch, subject, round % RELAXED_EVERY == 0, ret_answer);
    bool is_any_enough = way == BOUND_ANY;
    return (!is_any_enough || search_gap_allowed(search) >= ANY_GAP_LEAST) &&
           bound_program(search, scratch, subject, is_any_enough, ret_answer);
}

/* A guess is seldom strict's worth: it teaches of itself, and the next guess is as good. */
static BoundAsk
ask_last(const Search *search, BoundWay way)
{
    if (way == BOUND_GUESS)
        return BOUND_ASK_CHOSEN;
    return way == BOUND_LEAST && search->itself_left > 0 ? BOUND_ASK_ITSELF : BOUND_ASK_STRICT;
}

static bool
bound_round(Search *search, size_t round, bool *ret_is_done, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("bound of the search", (size_t)1 << 30);
    BoundSubject subject = bound_subject(search, scratch);
    ProgramAnswer answer;
    bool is_learned = false;
    for (int way = BOUND_GUESS; way < BOUND_WAYS && !is_learned; way++) {
        bool found = bound_propose(search, scratch, &subject, (BoundWay)way, round, &answer);
        *ret_is_done = search_bound_is_near(search);
        if (*ret_is_done)
            return true;
        if (found && !bound_ask(search, answer.chosen, ask_last(search, (BoundWay)way), &is_learned, error))
            return false;
    }
    *ret_is_done = !is_learned;
    return *ret_is_done || search_choose_nearly(search, error);
}

bool
search_prove(Search *search, Error *error)
{
    if (search_gap_allowed(search) >= 1)
        return true;
    search->itself_left = search->is_thorough ? ITSELF_MOST : 0;
    search_relate(search);
    if (!bound_start(search, error))
        return false;
    bool is_done = false;
    for (size_t round = 0; round < ROUNDS_MOST && !is_done && !search_out_of_time(search); round++) {
        search_progress(search, "proving the choice", round, 0);
        if (!bound_round(search, round, &is_done, error))
            return false;
    }
    search->is_proven = search_bound_is_near(search);
    return true;
}

void
search_bound_renew(Search *search)
{
    bool is_mended = search->bound > 0 && mended_since(search) > 0;
    bound_note(search, 0);
    if (!is_mended || search_bound_is_near(search) || search_out_of_time(search))
        return;
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("bound of the search", (size_t)1 << 30);
    Bits avoided = search->avoided;
    /* The bound is of all sets, those too that the review left out. */
    search->avoided = bits_new(scratch, search->candidates->count);
    BoundSubject subject = bound_subject(search, scratch);
    ProgramAnswer answer;
    bool is_any = search_gap_allowed(search) >= ANY_GAP_LEAST;
    if (is_any)
        (void)bound_program(search, scratch, &subject, true, &answer);
    if (!is_any || !search_bound_is_near(search))
        (void)bound_program(search, scratch, &subject, false, &answer);
    search->avoided = avoided;
    search_indexes_refresh(search);
}
