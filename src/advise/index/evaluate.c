// SPDX-License-Identifier: PostgreSQL
/*
 * The value of a set of indexes, with no more questions than the caller's patience asks for: always about the
 * statement of which least is known, and no further than until the set is refuted, what is open is slack, or
 * time is up.
 */
#include "advise/index/search_state.h"

#include <math.h>

/* Asked at once; one that the other makes needless is seldom. The number of sessions must not matter to what
 * is asked, or another machine would choose otherwise. */
#define STEPS_AT_ONCE 3

typedef struct EvaluatedStatement {
    size_t statement;
    OracleDescent descent;
    double low; /* in the objective's unit, between low and high */
    double high;
    double likely; /* between the two: what a question would tell */
    bool is_open;  /* a question could tell more */
} EvaluatedStatement;

typedef struct Evaluated {
    Search *search;
    Bits set;
    EvaluatedStatement *statements; /* those that the set concerns */
    size_t count;
    double fixed; /* the others' value, and the cost of having the set */
} Evaluated;

static void
statement_refresh(const Evaluated *evaluated, EvaluatedStatement *subject)
{
    const Search *search = evaluated->search;
    const WorkloadStatement *statement = &search->context->workload->statements[subject->statement];
    subject->is_open = subject->descent.known == ORACLE_NO_PARENT;
    OracleBounds bounds = {0};
    if (subject->is_open)
        bounds = oracle_bounds(search->oracle, subject->statement, evaluated->set);
    else
        bounds.low = bounds.high =
            oracle_answer(search->oracle, subject->statement, subject->descent.known)->cost;
    subject->low = search_value(search->context, statement, bounds.low);
    subject->high = search_value(search->context, statement, bounds.high);
    subject->likely = subject->high;
    if (subject->is_open)
        subject->likely =
            search_value(search->context, statement,
                         oracle_likely(search->oracle, subject->statement, evaluated->set, bounds));
}

static Evaluated
evaluated_begin(Search *search, Arena *scratch, Bits set)
{
    const Workload *workload = search->context->workload;
    Evaluated evaluated = {.search = search, .set = set, .fixed = search_cost_of_having(search, set)};
    evaluated.statements = ARENA_NEW_ARRAY(scratch, EvaluatedStatement, workload->count + 1);
    for (size_t q = 0; q < workload->count; q++) {
        const WorkloadStatement *statement = &workload->statements[q];
        if (!statement->is_costed)
            continue;
        if (!oracle_concerns(search->oracle, q, set)) {
            evaluated.fixed += search_value(search->context, statement, statement->baseline_cost);
            continue;
        }
        EvaluatedStatement *subject = &evaluated.statements[evaluated.count++];
        *subject = (EvaluatedStatement){.statement = q,
                                        .descent = oracle_descent_begin(search->oracle, scratch, q, set)};
        statement_refresh(&evaluated, subject);
    }
    return evaluated;
}

/* Sums what is known. */
static void
evaluated_sum(const Evaluated *evaluated, double *ret_low, double *ret_high, double *ret_open)
{
    *ret_low = *ret_high = evaluated->fixed;
    *ret_open = 0;
    for (size_t i = 0; i < evaluated->count; i++) {
        const EvaluatedStatement *subject = &evaluated->statements[i];
        *ret_low += subject->low;
        *ret_high += subject->high;
        if (subject->is_open)
            *ret_open += subject->high - subject->low;
    }
}

/* What a question about the statement is worth: first what likely comes of it. */
static bool
is_wider(const EvaluatedStatement *a, const EvaluatedStatement *b)
{
    double likely_a = a->likely - a->low;
    double likely_b = b->likely - b->low;
    if (likely_a != likely_b)
        return likely_a > likely_b;
    return a->high - a->low > b->high - b->low;
}

/* The statements of which least is known, widest first; the number of them. */
static size_t
evaluated_widest(const Evaluated *evaluated, EvaluatedStatement *widest[STEPS_AT_ONCE])
{
    size_t count = 0;
    for (size_t i = 0; i < evaluated->count; i++) {
        EvaluatedStatement *subject = &evaluated->statements[i];
        if (!subject->is_open)
            continue;
        size_t at = count < STEPS_AT_ONCE ? count++ : STEPS_AT_ONCE - 1;
        if (at == STEPS_AT_ONCE - 1 && widest[at] != NULL && !is_wider(subject, widest[at]))
            continue;
        for (; at > 0 && is_wider(subject, widest[at - 1]); at--)
            widest[at] = widest[at - 1];
        widest[at] = subject;
    }
    return count;
}

/* Asks about those of which least is known. */
static bool
evaluated_ask(const Evaluated *evaluated, bool *ret_asked, Error *error)
{
    Search *search = evaluated->search;
    EvaluatedStatement *widest[STEPS_AT_ONCE] = {NULL};
    OracleDescent *descents[STEPS_AT_ONCE];
    size_t count = evaluated_widest(evaluated, widest);
    *ret_asked = count > 0;
    for (size_t i = 0; i < count; i++)
        descents[i] = &widest[i]->descent;
    if (count > 1)
        oracle_descents_expect(search->oracle, descents, count);
    for (size_t i = 0; i < count && (i == 0 || !search_out_of_time(search)); i++) {
        if (!oracle_descent_step(search->oracle, descents[i], error))
            return false;
        statement_refresh(evaluated, widest[i]);
    }
    return true;
}

/* Those of the set that some statement's gain needs, by the cheapest plans known. */
static Bits
evaluated_used(const Evaluated *evaluated)
{
    const Search *search = evaluated->search;
    Bits used = bits_new(search->arena, search->candidates->count);
    for (size_t i = 0; i < evaluated->count; i++) {
        const EvaluatedStatement *subject = &evaluated->statements[i];
        const WorkloadStatement *statement = &search->context->workload->statements[subject->statement];
        size_t known = subject->is_open
                           ? oracle_answer_below(search->oracle, subject->statement, evaluated->set)
                           : subject->descent.known;
        const OracleAnswer *answer = oracle_answer(search->oracle, subject->statement, known);
        if (search_gain(search->context, statement, statement->baseline_cost, answer->cost) > 0)
            bits_join(used, answer->used);
    }
    return used;
}

bool
search_evaluate(Search *search, Bits set, SearchPatience patience, SearchEvaluation *ret_evaluation,
                Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("value of a set", (size_t)1 << 30);
    Evaluated evaluated = evaluated_begin(search, scratch, set);
    double low, open;
    *ret_evaluation = (SearchEvaluation){.value = 0};
    for (bool is_asked = true; is_asked;) {
        evaluated_sum(&evaluated, &low, &ret_evaluation->value, &open);
        ret_evaluation->is_refuted = low >= patience.value_most;
        if (ret_evaluation->is_refuted || open <= patience.slack || search_out_of_time(search))
            break;
        if (!evaluated_ask(&evaluated, &is_asked, error))
            return false;
    }
    /* to ask about an index tells its size, and that what it must gain */
    double having = search_cost_of_having(search, set);
    search_indexes_refresh(search);
    ret_evaluation->value += search_cost_of_having(search, set) - having;
    ret_evaluation->used = evaluated_used(&evaluated);
    return true;
}

double
search_gap_allowed(const Search *search)
{
    return settings_get_double(search->context->settings, SETTING_ADVISE_PROOF_PERCENT) / 100;
}

SearchPatience
search_patience(const Search *search)
{
    return (SearchPatience){.value_most = INFINITY, .slack = search->is_asking ? 0 : INFINITY};
}

bool
search_offer(Search *search, Bits set, SearchPatience patience, bool *ret_is_better, Error *error)
{
    SearchEvaluation evaluation;
    *ret_is_better = false;
    if (!search_evaluate(search, set, patience, &evaluation, error))
        return false;
    bits_join(search->harvested, evaluation.used);
    Bits kept = bits_copy(search->arena, set);
    bits_keep(kept, evaluation.used);
    double value =
        evaluation.value - search_cost_of_having(search, set) + search_cost_of_having(search, kept);
    double value_most = search->best_value - SEARCH_TOLERANCE * search->best_value;
    if (evaluation.is_refuted || value >= value_most || !search_fits(search, kept))
        return true;
    /* One that no plan uses may have kept the planner from doing worse. */
    SearchPatience rest = {.value_most = value_most, .slack = patience.slack};
    if (!bits_equal(kept, set)) {
        if (!search_evaluate(search, kept, rest, &evaluation, error))
            return false;
        value = evaluation.value;
        if (evaluation.is_refuted || value >= value_most)
            return true;
    }
    search->best = kept;
    search->best_value = value;
    vector_push(search->arena, &search->improvements,
                ((SearchImprovement){.value = value,
                                     .questions = search_questions(search),
                                     .us = clock_monotonic_us() - search->start_us}));
    *ret_is_better = true;
    return true;
}
