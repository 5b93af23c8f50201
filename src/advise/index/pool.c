// SPDX-License-Identifier: PostgreSQL
/*
 * The pool: what the oracle knows, as a 0/1 program (program.h); and the choice over it, again and again
 * until the planner teaches nothing new about what was chosen.
 */
#include "advise/index/guess.h"
#include "advise/index/search_state.h"

#include <math.h>

#define CHOICES_MOST 30
#define FIRST_CHOICE_MS 2000
#define NODES_MOST 5000
#define CHAIN_STEPS_MOST 256
/* Far under the differences that count. */
#define PROGRAM_GAP 1e-6

/* What costs more than all of the best set is no better choice, however much more: where a statement without
 * its index costs a million times the rest, the rest would be below what the solver can tell apart. */
static double
pool_value(const Search *search, size_t statement, double cost)
{
    const WorkloadStatement *subject = &search->context->workload->statements[statement];
    double value = fmin(search_value(search->context, subject, cost),
                        search_value(search->context, subject, subject->baseline_cost));
    return fmin(value, search->best_value);
}

static bool
is_dominated(const Search *search, size_t statement, size_t position)
{
    const OracleAnswer *answer = oracle_answer(search->oracle, statement, position);
    for (size_t i = 0; i < oracle_answer_count(search->oracle, statement); i++) {
        const OracleAnswer *other = oracle_answer(search->oracle, statement, i);
        if (i == position || !bits_is_subset(other->used, answer->used) || other->cost > answer->cost)
            continue;
        if (i < position || other->cost < answer->cost || !bits_equal(other->used, answer->used))
            return true;
    }
    return false;
}

static bool
is_parent(const Search *search, size_t statement, size_t position)
{
    for (size_t i = position + 1; i < oracle_answer_count(search->oracle, statement); i++)
        if (oracle_answer(search->oracle, statement, i)->parent == position)
            return true;
    return false;
}

static void
pool_chain(const Search *search, Arena *arena, size_t statement, size_t leaf, ProgramStatement *program)
{
    size_t path[CHAIN_STEPS_MOST];
    size_t count = 0;
    for (size_t at = leaf; at != ORACLE_NO_PARENT && count < CHAIN_STEPS_MOST;
         at = oracle_answer(search->oracle, statement, at)->parent)
        path[count++] = at;
    ProgramChain chain = {.cost_least = program->cost_least,
                          .steps = arena_alloc_array(arena, count + 1, sizeof(ProgramStep))};
    double cost = program->cost_least;
    for (size_t k = count; k-- > 0;) {
        const OracleAnswer *answer = oracle_answer(search->oracle, statement, path[k]);
        double value = pool_value(search, statement, answer->low);
        if (value <= cost)
            continue;
        cost = value;
        Bits unless = bits_copy(arena, oracle_relevant(search->oracle, statement));
        bits_subtract(unless, answer->set);
        chain.steps[chain.count++] = (ProgramStep){.unless = unless, .cost = cost};
    }
    if (chain.count > 0)
        vector_push(arena, &program->chains, chain);
}

static void
pool_harm(const Search *search, Arena *arena, size_t statement, const OracleAnswer *answer, ProgramHarm harm,
          ProgramStatement *program)
{
    if (harm.cost <= pool_value(search, statement, answer->low) || !search_fits(search, harm.with))
        return;
    harm.unless = bits_copy(arena, oracle_relevant(search->oracle, statement));
    bits_subtract(harm.unless, answer->set);
    vector_push(arena, &program->harms, harm);
}

/* As the harm is one of those sets only in which the planner knows as much of expressions as the answer did:
 * one for each index that tells it. */
static void
pool_harm_informed(const Search *search, Arena *arena, size_t statement, const OracleAnswer *answer,
                   ProgramHarm harm, ProgramStatement *program)
{
    Bits informing = answer->informing;
    if (informing.words == NULL || bits_meet(informing, harm.with)) {
        pool_harm(search, arena, statement, answer, harm, program);
        return;
    }
    for (size_t i = bits_next(informing, 0); i != SIZE_MAX; i = bits_next(informing, i + 1)) {
        ProgramHarm one = {.with = bits_copy(arena, harm.with), .cost = harm.cost};
        bits_add(one.with, i);
        pool_harm(search, arena, statement, answer, one, program);
    }
}

/* What costs more than fewer might: so does each set with what narrowed the planner's view, and this one. */
static void
pool_harms(const Search *search, Arena *arena, size_t statement, const OracleAnswer *answer,
           ProgramStatement *program)
{
    ProgramHarm narrowed = {.with = answer->narrowing, .cost = pool_value(search, statement, answer->firm)};
    ProgramHarm itself = {.with = answer->set, .cost = pool_value(search, statement, answer->cost)};
    if (answer->is_unknown)
        return;
    bool is_known = answer->narrowing.words != NULL;
    if (answer->informing.words != NULL) {
        ProgramHarm informed = {.with = bits_new(arena, search->candidates->count),
                                .cost = pool_value(search, statement, answer->informed)};
        pool_harm_informed(search, arena, statement, answer, informed, program);
    }
    if (is_known)
        pool_harm_informed(search, arena, statement, answer, narrowed, program);
    if (answer->cost > answer->informed && (!is_known || itself.cost > narrowed.cost))
        pool_harm(search, arena, statement, answer, itself, program);
}

static void
pool_statement(const Search *search, Arena *arena, size_t statement, ProgramStatement *program)
{
    const Oracle *oracle = search->oracle;
    Bits relevant = oracle_relevant(oracle, statement);
    program->cost_without =
        pool_value(search, statement, search->context->workload->statements[statement].baseline_cost);
    for (size_t i = 0; i < oracle_answer_count(oracle, statement); i++) {
        const OracleAnswer *answer = oracle_answer(oracle, statement, i);
        double value = pool_value(search, statement, answer->cost);
        if (bits_is_subset(relevant, answer->set))
            program->cost_least = fmax(program->cost_least, pool_value(search, statement, answer->low));
        if (value >= program->cost_without || is_dominated(search, statement, i))
            continue;
        ProgramPlan plan = {.used = answer->used, .cost = value};
        vector_push(arena, &program->plans, plan);
    }
    for (size_t i = 0; i < oracle_answer_count(oracle, statement); i++) {
        if (!is_parent(search, statement, i))
            pool_chain(search, arena, statement, i, program);
        pool_harms(search, arena, statement, oracle_answer(oracle, statement, i), program);
    }
}

static const ProgramShared *
pool_shared(const Search *search, Arena *arena)
{
    const WriteInterplayList *list = &search->interplay;
    ProgramShared *shared = ARENA_NEW_ARRAY(arena, ProgramShared, list->count + 1);
    for (size_t i = 0; i < list->count; i++)
        shared[i] = (ProgramShared){.any = list->items[i].enders, .cost = list->items[i].shared};
    return shared;
}

const Program *
search_program(const Search *search, Arena *arena)
{
    const Workload *workload = search->context->workload;
    ProgramStatement *statements = ARENA_NEW_ARRAY(arena, ProgramStatement, workload->count + 1);
    size_t count = 0;
    for (size_t q = 0; q < workload->count; q++)
        if (workload->statements[q].is_costed)
            pool_statement(search, arena, q, &statements[count++]);
    Program *program = ARENA_NEW(arena, Program);
    *program = (Program){.indexes = search->indexes,
                         .index_count = search->candidates->count,
                         .shared = pool_shared(search, arena),
                         .shared_count = search->interplay.count,
                         .statements = statements,
                         .statement_count = count,
                         .budget_bytes = search->context->budget_bytes,
                         .table_budget_bytes = search_table_budget(search->context),
                         .gap = PROGRAM_GAP,
                         .nodes_most = NODES_MOST,
                         .solver = search->solver,
                         .deadline = search->deadline};
    if (!search->has_chosen && deadline_left_ms(program->deadline) < FIRST_CHOICE_MS &&
        program->deadline != DEADLINE_NEVER)
        program->deadline = deadline_after_ms(FIRST_CHOICE_MS);
    return program;
}

bool
search_choose(Search *search, Error *error)
{
    for (size_t round = 0; round < CHOICES_MOST && (!search->has_chosen || !search_out_of_time(search));
         round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("choice of indexes", (size_t)1 << 30);
        search_progress(search, "choosing indexes", round, 0);
        ProgramAnswer answer;
        search_indexes_refresh(search);
        if (!program_choose(scratch, search_program(search, scratch), &answer))
            return true;
        search->has_chosen = true;
        int64_t questions = search_questions(search);
        bool is_better;
        if (!search_offer(search, answer.chosen, search_patience(search), &is_better, error))
            return false;
        if (search_questions(search) == questions)
            return true;
    }
    return true;
}

bool
search_choose_nearly(Search *search, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("choice of indexes", (size_t)1 << 30);
    ProgramAnswer answer;
    bool is_better;
    search_indexes_refresh(search);
    program_guess_choice(scratch, search_program(search, scratch), search->best, &answer);
    search->has_chosen = true;
    return search_offer(search, answer.chosen, search_patience(search), &is_better, error);
}

bool
search_choose_again(Search *search, Error *error)
{
    return search->context->workload->count <= SMALL_STATEMENTS_MOST ? search_choose(search, error)
                                                                     : search_choose_nearly(search, error);
}
