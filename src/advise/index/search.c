// SPDX-License-Identifier: PostgreSQL
#include "advise/index/search_state.h"

#include "advise/index/write_cost.h"

#include <math.h>

bool
search_out_of_time(Search *search)
{
    if (deadline_passed(search->deadline))
        search->is_stopped = true;
    return search->is_stopped;
}

/* Asked at once: few enough that the clock is looked at in time, and as many as keep four sessions busy. */
#define EXPECTED_AT_ONCE 16

void
search_expect(Search *search, const OracleQuestion *questions, size_t count)
{
    for (size_t i = 0; i < count && !search_out_of_time(search); i += EXPECTED_AT_ONCE)
        oracle_expect(search->oracle, &questions[i],
                      count - i < EXPECTED_AT_ONCE ? count - i : EXPECTED_AT_ONCE);
}

void
search_progress(const Search *search, const char *step, size_t done, size_t total)
{
    const AdvisorContext *context = search->context;
    if (context->progress != NULL)
        context->progress(context->progress_context, step, (int64_t)done, (int64_t)total);
}

bool
search_is_small(const Search *search)
{
    return search->context->workload->count <= SMALL_STATEMENTS_MOST && search_gap_allowed(search) < 1;
}

int64_t
search_questions(const Search *search)
{
    return oracle_questions(search->oracle);
}

double
search_value(const AdvisorContext *context, const WorkloadStatement *statement, double cost)
{
    double threshold = settings_get_double(context->settings, SETTING_ADVISE_GAIN_PERCENT) / 100;
    double baseline = statement->baseline_cost;
    if (fabs(baseline - cost) < threshold * baseline)
        cost = baseline;
    return cost * statement->weight;
}

double
search_gain(const AdvisorContext *context, const WorkloadStatement *statement, double before, double after)
{
    return search_value(context, statement, before) - search_value(context, statement, after);
}

double
search_table_budget(const AdvisorContext *context)
{
    return context->table_budget_bytes > 0 ? context->table_budget_bytes : INFINITY;
}

/* Of the time of the search, at the least; and of that, what the last questions about the set get. */
#define REVIEW_TIME_SHARE 0.2
#define VERIFY_TIME_SHARE 0.25
/* Of the time before the review, for the proof of a small workload: what it leaves open is searched locally.
 */
#define PROOF_TIME_SHARE 0.6
/* A set that costs more than was thought is proven again, or another: so often. */
#define PROOFS_AGAIN_MOST 10
/* The 0/1 program's own. */
#define BOUND_TOLERANCE 1e-6

/* In times of advise.index_percent. */
#define COLUMN_LEAST 0.1

/*
 * What an index must gain in times of the least: more when it is large beside its table and for each column
 * beyond the first, so that of two that serve alike the smaller and simpler is chosen.
 */
static double
least_factor(const Candidate *candidate)
{
    double table_bytes = (double)candidate->relation->size_blocks * 8192;
    double share = table_bytes > 0 && !isnan(candidate->size_bytes) ? candidate->size_bytes / table_bytes : 0;
    double columns = (double)(candidate->key_count + candidate->included.count);
    return 1 + share + COLUMN_LEAST * (columns - 1);
}

double
search_size_most(const Search *search)
{
    return fmin(search->context->budget_bytes, search_table_budget(search->context));
}

void
search_indexes_refresh(Search *search)
{
    const AdvisorContext *context = search->context;
    double least =
        search->value_without * settings_get_double(context->settings, SETTING_ADVISE_INDEX_PERCENT) / 100;
    double size_most = search_size_most(search);
    for (size_t i = 0; i < search->candidates->count; i++) {
        const Candidate *candidate = search->candidates->items[i];
        search->indexes[i] = (ProgramIndex){
            .size_bytes = candidate->size_bytes,
            .cost = fmax(0, candidate->write_cost - write_interplay_shared(&search->interplay, i)) +
                    least * least_factor(candidate),
            .table = candidate->relation,
            .is_forbidden =
                candidate->is_refused || candidate->size_bytes > size_most || bits_has(search->avoided, i)};
    }
}

/* Its indexes and budgets, for what asks no more of a program. */
static Program
program_of_budgets(const Search *search)
{
    return (Program){.indexes = search->indexes,
                     .index_count = search->candidates->count,
                     .budget_bytes = search->context->budget_bytes,
                     .table_budget_bytes = search_table_budget(search->context)};
}

bool
search_fits(const Search *search, Bits set)
{
    Program program = program_of_budgets(search);
    return program_fits(&program, set);
}

double
search_bytes(const Search *search, Bits set)
{
    Program program = program_of_budgets(search);
    return program_bytes(&program, set, NULL);
}

double
search_cost_of_having(const Search *search, Bits set)
{
    double cost = write_interplay_cost(&search->interplay, set);
    for (size_t i = bits_next(set, 0); i != SIZE_MAX; i = bits_next(set, i + 1))
        cost += search->indexes[i].cost;
    return cost;
}

static bool
is_concerned(const Search *search, size_t statement, Bits set)
{
    return search->context->workload->statements[statement].is_costed &&
           oracle_concerns(search->oracle, statement, set);
}

static void
search_start(Search *search)
{
    const Workload *workload = search->context->workload;
    for (size_t q = 0; q < workload->count; q++)
        if (workload->statements[q].is_costed)
            search->value_without += search_value(search->context, &workload->statements[q],
                                                  workload->statements[q].baseline_cost);
    for (size_t i = 0; i < search->candidates->count; i++)
        search->candidates->items[i]->write_cost =
            index_write_cost(search->context, search->candidates->items[i]);
    search->interplay = index_write_interplay(search->arena, search->context, search->candidates);
    search->best_value = search->value_without;
    search_indexes_refresh(search);
}

/* The planner's own word on the final set; after the time limit, what is known without. */
static bool
search_verify_statement(Search *search, size_t q, SearchResult *result, Error *error)
{
    result->is_verified[q] =
        !is_concerned(search, q, search->best) || oracle_uses_none(search->oracle, q, search->best);
    if (result->is_verified[q])
        return true;
    if (deadline_passed(search->context->deadline)) {
        result->cost_after[q] = oracle_bounds(search->oracle, q, search->best).high;
        return true;
    }
    result->is_verified[q] = true;
    return oracle_cost(search->oracle, q, search->best, true, &result->cost_after[q], NULL, error);
}

static void
search_expect_verified(Search *search)
{
    size_t count = search->context->workload->count;
    OracleQuestion *questions = ARENA_NEW_ARRAY(search->arena, OracleQuestion, count + 1);
    size_t asked = 0;
    for (size_t q = 0; q < count; q++)
        if (is_concerned(search, q, search->best) && !oracle_uses_none(search->oracle, q, search->best))
            questions[asked++] = (OracleQuestion){.statement = q, .set = search->best};
    Deadline deadline = search->deadline;
    bool is_stopped = search->is_stopped;
    search->deadline = search->context->deadline;
    search_expect(search, questions, asked);
    search->deadline = deadline;
    search->is_stopped = is_stopped;
}

static bool
search_verify(Search *search, SearchResult *result, Error *error)
{
    const Workload *workload = search->context->workload;
    search_expect_verified(search);
    result->cost_after = ARENA_NEW_ARRAY(search->arena, double, workload->count + 1);
    result->is_verified = ARENA_NEW_ARRAY(search->arena, bool, workload->count + 1);
    result->value = search_cost_of_having(search, search->best);
    for (size_t q = 0; q < workload->count; q++) {
        const WorkloadStatement *statement = &workload->statements[q];
        result->cost_after[q] = statement->baseline_cost;
        if (!search_verify_statement(search, q, result, error))
            return false;
        if (statement->is_costed)
            result->value += search_value(search->context, statement, result->cost_after[q]);
    }
    return true;
}

/* A set that costs less than the bound says that the bound is none. */
static bool
search_bound_holds(const Search *search, double value)
{
    return search->bound > 0 && fmin(search->proven_value, value) >= search->bound * (1 - BOUND_TOLERANCE);
}

static void
search_report(const Search *search, SearchResult *result)
{
    result->chosen = search->best;
    result->harvested = search->harvested;
    result->avoided = search->avoided;
    result->crossed = search->crossed;
    result->risky = search->risky;
    result->is_cautious = search->is_cautious;
    result->unreviewed_count = search->unreviewed;
    result->unreviewed_index_count = search->unreviewed_indexes;
    const char *reason;
    result->solver_failures = mip_solver_failures(search->solver, &reason);
    result->solver_reason = reason == NULL ? NULL : arena_strdup(search->arena, reason);
    result->gap_percent = NAN;
    if (search_bound_holds(search, result->value)) {
        result->bound = search->bound;
        result->gap_percent = fmax(0, result->value - search->bound) / result->value * 100;
    }
    result->improvements = search->improvements;
    result->is_stopped_early = search->is_stopped || search->was_stopped || search->is_harvest_cut;
}

double
search_gap_confirmed(const SearchResult *result, const Workload *workload, const WhatIfAnswer *answers)
{
    for (size_t q = 0; q < workload->count; q++) {
        const WorkloadStatement *statement = &workload->statements[q];
        double cost = answers[q].is_known ? answers[q].cost : statement->baseline_cost;
        double expected = result->cost_after[q];
        if (statement->is_costed && !(fabs(cost - expected) <= ORACLE_TOLERANCE * fabs(expected)))
            return NAN;
    }
    return result->gap_percent;
}

/* When a share of the time that is left is over. */
static Deadline
deadline_of_share(Deadline deadline, double share)
{
    if (deadline == DEADLINE_NEVER)
        return deadline;
    return deadline_earlier(deadline, deadline_after_ms((int64_t)(deadline_left_ms(deadline) * share)));
}

/* Chooses at the plans known, for the proof asks about what matters. */
static bool
search_small(Search *search, Error *error)
{
    Deadline deadline = search->deadline;
    if (!search_choose_nearly(search, error) || !search_afford(search, error))
        return false;
    search->deadline = deadline_of_share(deadline, PROOF_TIME_SHARE);
    if (!search_prove(search, error))
        return false;
    search->deadline = deadline;
    search->is_stopped = false;
    return true;
}

/* Where a proof may come to no end, or came to none, sets are asked about as they are chosen, and searched
 * locally. */
static bool
search_before_review(Search *search, Error *error)
{
    if (!search_harvest(search, error) || (search_is_small(search) && !search_small(search, error)))
        return false;
    if (search->is_proven)
        return true;
    search->is_asking = true;
    if (!search_choose(search, error) || !search_locally(search, error))
        return false;
    search->is_thorough = search_is_small(search);
    return search_prove(search, error);
}

/* Reviews the best set and asks about what came of it. */
static bool
search_conclude(Search *search, SearchResult *ret_result, Error *error)
{
    search->proven_value = search->best_value;
    search->was_stopped = search->is_stopped;
    search->is_stopped = false;
    search->deadline = deadline_of_share(search->context->deadline, 1 - VERIFY_TIME_SHARE);
    *ret_result = (SearchResult){0};
    return search_review(search, error) && search_verify(search, ret_result, error);
}

/* Was the best set proven by what its plans were thought to cost, and costs more? Some index may hide a
 * cheaper plan from the planner, which with more present it sees. */
static bool
search_was_misled(Search *search, const SearchResult *result)
{
    if (!search->is_proven || search->is_cautious || search_out_of_time(search))
        return false;
    search->best_value = result->value;
    search_bound_renew(search);
    return !search_bound_is_near(search);
}

static bool
search_prove_again(Search *search, Error *error)
{
    search->deadline = deadline_of_share(search->context->deadline, 1 - REVIEW_TIME_SHARE);
    search->is_thorough = true;
    return search_prove(search, error);
}

/* What takes less space must be worth it at the planner's last word, too. Where time ended the search it
 * ends with what was found: nothing is proven that could be given away. */
static bool
search_spare_verified(Search *search, SearchResult *result, Error *error)
{
    if (search->was_stopped || search->is_stopped || search->is_harvest_cut)
        return true;
    const SearchResult before = *result;
    Bits best = search->best;
    double best_value = search->best_value;
    search->deadline = deadline_of_share(search->context->deadline, 1 - VERIFY_TIME_SHARE);
    if (!search_spare(search, error))
        return false;
    search->is_stopped = false; /* of what may be left undone */
    if (bits_equal(search->best, best))
        return true;
    if (!search_verify(search, result, error))
        return false;
    if (result->value <= before.value + search_spared_most(search, before.value))
        return true;
    search->best = best;
    search->best_value = best_value;
    *result = before;
    return true;
}

bool
index_search(Arena *arena, const AdvisorContext *context, const CandidateSet *candidates, Oracle *oracle,
             SearchResult *ret_result, Error *error)
{
    FETTLE_CLEANUP(mip_solver_stop_at) MipSolver *solver = mip_solver_new(arena);
    Search search = {
        .arena = arena, .context = context, .candidates = candidates, .oracle = oracle, .solver = solver};
    search.start_us = clock_monotonic_us();
    search.indexes = ARENA_NEW_ARRAY(arena, ProgramIndex, candidates->count + 1);
    search.harvested = bits_new(arena, candidates->count);
    search.best = bits_new(arena, candidates->count);
    search.guessed = bits_new(arena, candidates->count);
    search.avoided = bits_new(arena, candidates->count);
    search.crossed = bits_new(arena, candidates->count);
    search.risky = bits_new(arena, candidates->count);
    /* A proof takes all the time that there is; what guards against plans a thousand times slower must not
     * wait for the end of it. */
    search.deadline = deadline_of_share(context->deadline, 1 - REVIEW_TIME_SHARE);
    search_start(&search);
    if (candidates->count > 0)
        mip_solver_begin(solver);
    SearchResult result = {0};
    if (!search_before_review(&search, error) || !search_conclude(&search, &result, error))
        return false;
    for (int again = 0; again < PROOFS_AGAIN_MOST && search_was_misled(&search, &result); again++)
        if (!search_prove_again(&search, error) || !search_conclude(&search, &result, error))
            return false;
    if (!search_spare_verified(&search, &result, error))
        return false;
    search.deadline = context->deadline;
    search_bound_renew(&search);
    search_report(&search, &result);
    *ret_result = result;
    return true;
}
