// SPDX-License-Identifier: PostgreSQL
#include "advise/index/lift.h"

/* Of a statement that was asked about less, what is refuted is not refuted again and again. */
#define ANSWERS_LEAST 40
/* Cheaper plans that one answer may come upon. */
#define TRIES_MOST 3

typedef struct Lift {
    size_t statement;
    Bits set;    /* what matters of it to the statement */
    double cost; /* with that */
    Bits next;   /* to ask with; no words: done */
} Lift;

/* Of the indexes that the set lacks the one that most of the plans that are still possible take. */
static size_t
most_taken(const Search *search, const Lift *lift, Bits present, size_t *counts)
{
    size_t found = SIZE_MAX;
    memset(counts, 0, search->candidates->count * sizeof(*counts));
    for (size_t a = 0; a < oracle_answer_count(search->oracle, lift->statement); a++) {
        const OracleAnswer *answer = oracle_answer(search->oracle, lift->statement, a);
        if (answer->is_unknown || answer->cost >= lift->cost * (1 - ORACLE_TOLERANCE) ||
            !bits_is_subset(answer->used, present))
            continue;
        for (size_t i = bits_next(answer->used, 0); i != SIZE_MAX; i = bits_next(answer->used, i + 1))
            if (!bits_has(lift->set, i)) {
                counts[i]++;
                found = found == SIZE_MAX || counts[i] > counts[found] ? i : found;
            }
    }
    return found;
}

/* Does an answer tell as much already? */
static bool
is_known(const Search *search, const Lift *lift, Bits present)
{
    double least = lift->cost * (1 - ORACLE_TOLERANCE);
    for (size_t a = 0; a < oracle_answer_count(search->oracle, lift->statement); a++) {
        const OracleAnswer *answer = oracle_answer(search->oracle, lift->statement, a);
        if (oracle_answer_low(answer, present) >= least || bits_equal(answer->set, present))
            return true;
    }
    return false;
}

static void
lift_choose(const Search *search, Arena *scratch, Lift *lift)
{
    size_t *counts = ARENA_NEW_ARRAY(scratch, size_t, search->candidates->count + 1);
    Bits present = oracle_relevant(search->oracle, lift->statement);
    Bits informing = oracle_informing(search->oracle, lift->statement);
    if (!bits_meet(informing, lift->set))
        bits_subtract(present, informing);
    for (size_t i; (i = most_taken(search, lift, present, counts)) != SIZE_MAX;)
        bits_remove(present, i);
    lift->next = is_known(search, lift, present) ? (Bits){0} : present;
}

static size_t
lifts_begin(const Search *search, Arena *scratch, Bits set, const size_t *counts, Lift *lifts)
{
    size_t count = 0;
    for (size_t q = 0; q < search->context->workload->count; q++) {
        if (!search->context->workload->statements[q].is_costed ||
            oracle_answer_count(search->oracle, q) <= counts[q] || counts[q] < ANSWERS_LEAST)
            continue;
        Lift lift = {.statement = q, .set = bits_copy(scratch, set)};
        bits_keep(lift.set, oracle_relevant(search->oracle, q));
        lift.cost = oracle_bounds(search->oracle, q, lift.set).low;
        lift_choose(search, scratch, &lift);
        if (lift.next.words != NULL)
            lifts[count++] = lift;
    }
    return count;
}

bool
search_lift(Search *search, Bits set, const size_t *counts, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("lift", (size_t)1 << 30);
    size_t statements = search->context->workload->count;
    Lift *lifts = ARENA_NEW_ARRAY(scratch, Lift, statements + 1);
    OracleQuestion *questions = ARENA_NEW_ARRAY(scratch, OracleQuestion, statements + 1);
    size_t count = lifts_begin(search, scratch, set, counts, lifts);
    for (int try = 0; try < TRIES_MOST && count > 0 && !search_out_of_time(search); try++) {
        for (size_t i = 0; i < count; i++)
            questions[i] = (OracleQuestion){.statement = lifts[i].statement, .set = lifts[i].next};
        search_expect(search, questions, count);
        size_t left = 0;
        for (size_t i = 0; i < count; i++) {
            double cost;
            if (i > 0 && search_out_of_time(search))
                return true;
            if (!oracle_cost(search->oracle, lifts[i].statement, lifts[i].next, true, &cost, NULL, error))
                return false;
            lift_choose(search, scratch, &lifts[i]);
            if (lifts[i].next.words != NULL)
                lifts[left++] = lifts[i];
        }
        count = left;
    }
    return true;
}

size_t *
search_answer_counts(const Search *search, Arena *arena)
{
    size_t count = search->context->workload->count;
    size_t *counts = ARENA_NEW_ARRAY(arena, size_t, count + 1);
    for (size_t q = 0; q < count; q++)
        counts[q] = oracle_answer_count(search->oracle, q);
    return counts;
}
