// SPDX-License-Identifier: PostgreSQL
/*
 * The value of a set of indexes, with no more questions than the caller's patience asks for: always about the
 * statement of which least is known, and no further than until the set is refuted, what is open is slack, or
 * time is up.
 */
#include "advise/index/search_state.h"

#include <math.h>

/*
 * Asked at once: as many as will be needed, up to the most, and STEPS_AT_ONCE even where fewer may do, since
 * what is asked beside others takes no longer; but for what would keep so many sessions longer than the
 * dearest of them keeps one. How many sessions there are must not matter to what is asked, or another machine
 * would choose otherwise.
 */
#define STEPS_AT_ONCE_MOST 6
#define STEPS_AT_ONCE 4
#define SESSIONS_BUSY WHATIF_SESSIONS_MOST

typedef struct EvaluatedStatement {
    size_t statement;
    OracleDescent descent;
    double low; /* in the objective's unit, between low and high */
    double high;
    double likely; /* between the two: what a question would tell */
    bool is_open;  /* a question could tell more; else the three are the same */
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

typedef struct EvaluatedSum {
    double low;
    double high;
    double likely;
    double open; /* between low and high */
} EvaluatedSum;

static EvaluatedSum
evaluated_sum(const Evaluated *evaluated)
{
    EvaluatedSum sum = {.low = evaluated->fixed, .high = evaluated->fixed, .likely = evaluated->fixed};
    for (size_t i = 0; i < evaluated->count; i++) {
        const EvaluatedStatement *subject = &evaluated->statements[i];
        sum.low += subject->low;
        sum.high += subject->high;
        sum.likely += subject->likely;
        sum.open += subject->high - subject->low;
    }
    return sum;
}

/* What is asked about next. */
typedef struct EvaluatedStep {
    EvaluatedStatement *statements[STEPS_AT_ONCE_MOST];
    size_t count;
    double sum_us; /* what the questions take, about */
    double dearest_us;
} EvaluatedStep;

/* What a question about the statement is worth: what likely comes of it, or what is open of it. */
static double
worth(const EvaluatedStatement *subject, bool is_by_likely)
{
    return (is_by_likely ? subject->likely : subject->high) - subject->low;
}

static bool
is_wider(const EvaluatedStatement *a, const EvaluatedStatement *b, bool is_by_likely)
{
    double worth_a = worth(a, is_by_likely);
    double worth_b = worth(b, is_by_likely);
    return worth_a != worth_b ? worth_a > worth_b : worth(a, !is_by_likely) > worth(b, !is_by_likely);
}

static bool
step_has(const EvaluatedStep *step, const EvaluatedStatement *subject)
{
    for (size_t i = 0; i < step->count; i++)
        if (step->statements[i] == subject)
            return true;
    return false;
}

/* Of the open ones that the step lacks the widest; NULL: none. */
static EvaluatedStatement *
evaluated_widest(const Evaluated *evaluated, const EvaluatedStep *step, bool is_by_likely)
{
    EvaluatedStatement *widest = NULL;
    for (size_t i = 0; i < evaluated->count; i++) {
        EvaluatedStatement *subject = &evaluated->statements[i];
        if (subject->is_open && !step_has(step, subject) &&
            (widest == NULL || is_wider(subject, widest, is_by_likely)))
            widest = subject;
    }
    return widest;
}

/* False: it is full, or the sessions would need longer for it all than one for the dearest. */
static bool
step_take(const Evaluated *evaluated, EvaluatedStep *step, EvaluatedStatement *subject)
{
    const Workload *workload = evaluated->search->context->workload;
    double own_us = whatif_question_us(&workload->statements[subject->statement].question);
    double dearest_us = fmax(step->dearest_us, own_us);
    bool is_full = step->count == STEPS_AT_ONCE_MOST || step->sum_us + own_us > SESSIONS_BUSY * dearest_us;
    if (step->count > 0 && is_full)
        return false;
    step->statements[step->count++] = subject;
    step->sum_us += own_us;
    step->dearest_us = dearest_us;
    return true;
}

/* What likely refutes the set soonest; where all that is likely does not, what is open, widest first. */
static EvaluatedStep
evaluated_next(const Evaluated *evaluated, const EvaluatedSum *sum, SearchPatience patience)
{
    EvaluatedStep step = {.count = 0};
    double missing = patience.value_most - sum->low;
    bool is_by_likely = sum->likely - sum->low >= missing;
    double left = is_by_likely ? missing : sum->open - patience.slack;
    while (step.count < STEPS_AT_ONCE || left > 0) {
        EvaluatedStatement *next = evaluated_widest(evaluated, &step, is_by_likely);
        if (next == NULL || !step_take(evaluated, &step, next))
            break;
        left -= worth(next, is_by_likely);
    }
    return step;
}

/* Asks about some of the statements of which least is known. */
static bool
evaluated_ask(const Evaluated *evaluated, const EvaluatedSum *sum, SearchPatience patience, bool *ret_asked,
              Error *error)
{
    Search *search = evaluated->search;
    OracleDescent *descents[STEPS_AT_ONCE_MOST];
    EvaluatedStep step = evaluated_next(evaluated, sum, patience);
    *ret_asked = step.count > 0;
    for (size_t i = 0; i < step.count; i++)
        descents[i] = &step.statements[i]->descent;
    if (step.count > 1)
        oracle_descents_expect(search->oracle, descents, step.count);
    for (size_t i = 0; i < step.count && (i == 0 || !search_out_of_time(search)); i++) {
        if (!oracle_descent_step(search->oracle, descents[i], error))
            return false;
        statement_refresh(evaluated, step.statements[i]);
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
    *ret_evaluation = (SearchEvaluation){.value = 0};
    for (bool is_asked = true; is_asked;) {
        EvaluatedSum sum = evaluated_sum(&evaluated);
        ret_evaluation->value = sum.high;
        ret_evaluation->is_refuted = sum.low >= patience.value_most;
        if (ret_evaluation->is_refuted || sum.open <= patience.slack || search_out_of_time(search))
            break;
        if (!evaluated_ask(&evaluated, &sum, patience, &is_asked, error))
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
