// SPDX-License-Identifier: PostgreSQL
#include "advise/index/oracle_internal.h"

static bool
same_leading_key(const Candidate *a, const Candidate *b)
{
    return a->keys[0].attnum == b->keys[0].attnum &&
           text_equals(a->keys[0].expression, b->keys[0].expression);
}

/* Has the set one that is no larger and does for the statement what the candidate does? */
static bool
is_outdone(const Oracle *oracle, size_t statement, const Candidate *candidate, Bits set)
{
    Bits serving = oracle_serving(oracle, statement, candidate->number);
    for (size_t i = bits_next(set, 0); i != SIZE_MAX; i = bits_next(set, i + 1))
        if (bits_has(serving, i) && oracle->candidates->items[i]->size_bytes <= candidate->size_bytes)
            return true;
    return false;
}

/*
 * Takes from present what the plan used and the set lacks, and what would do the same in its place: a
 * question each would tell the same cost. Where a table's indexes are used again and again, all with the same
 * leading key go. What one of the set outdoes stays: the planner will seldom take it, and the answer tells of
 * the sets that have it, too. It does where a larger index has a level less; then that is believed no more.
 */
static void
descent_remove(const Oracle *oracle, const OracleDescent *descent, Bits present, Bits used)
{
    for (size_t u = bits_next(used, 0); u != SIZE_MAX; u = bits_next(used, u + 1)) {
        const Candidate *subject = oracle->candidates->items[u];
        if (bits_has(descent->set, u))
            continue;
        bits_remove(present, u);
        size_t times = descent->times[u]++;
        Bits serving = oracle_serving(oracle, descent->statement, u);
        bool is_refuted = times > 1 && is_outdone(oracle, descent->statement, subject, descent->set);
        for (size_t i = bits_next(present, 0); i != SIZE_MAX; i = bits_next(present, i + 1)) {
            const Candidate *other = oracle->candidates->items[i];
            if (other->relation != subject->relation)
                continue;
            descent->times[i] = times + 1;
            bool goes = bits_has(serving, i) || (times > 2 && same_leading_key(subject, other));
            if (goes && !bits_has(descent->set, i) &&
                (is_refuted || !is_outdone(oracle, descent->statement, other, descent->set)))
                bits_remove(present, i);
        }
    }
}

static size_t
position_of(const Oracle *oracle, size_t statement, const OracleAnswer *answer)
{
    return (size_t)(answer - oracle->answers[statement].items);
}

OracleDescent
oracle_descent_begin(Oracle *oracle, Arena *scratch, size_t statement, Bits set)
{
    OracleDescent descent = {.scratch = scratch, .statement = statement, .known = ORACLE_NO_PARENT};
    descent.set = oracle_reduce(oracle, scratch, statement, set);
    const OracleAnswer *known = oracle_answer_exact(oracle, statement, descent.set);
    OracleBounds bounds = oracle_bounds(oracle, statement, descent.set);
    if (known != NULL)
        descent.known = position_of(oracle, statement, known);
    else if (bounds.high <= bounds.low * (1 + ORACLE_TOLERANCE))
        descent.known = oracle_answer_below(oracle, statement, descent.set);
    else
        descent.from = oracle_answer_above(oracle, statement, descent.set);
    return descent;
}

/* What the next question is to lack, but for what is of the set: as long as the plan of the least cost is
 * there, less present tells no more. Of a plan that nobody saw there is nothing to take away. */
static Bits
answer_told(const Oracle *oracle, Arena *scratch, const OracleAnswer *answer, Bits set)
{
    if (!bits_is_subset(answer->least, set))
        return answer->least;
    Bits told = bits_copy(scratch, answer->used);
    if (oracle->is_strict && answer->narrowing.words != NULL)
        bits_join(told, answer->narrowing);
    return told;
}

static void
descent_choose(Oracle *oracle, OracleDescent *descent)
{
    size_t statement = descent->statement;
    fettle_assert(descent->known == ORACLE_NO_PARENT);
    if (descent->next.words != NULL)
        return;
    if (descent->times == NULL)
        descent->times = ARENA_NEW_ARRAY(descent->scratch, size_t, oracle->candidates->count + 1);
    Bits present = oracle_reduce(oracle, descent->scratch, statement, oracle->relevant[statement]);
    if (descent->from != ORACLE_NO_PARENT) {
        const OracleAnswer *above = oracle_answer(oracle, statement, descent->from);
        Bits told = answer_told(oracle, descent->scratch, above, descent->set);
        bool is_plain = !above->is_unknown &&
                        (!oracle_is_as_informed(above, descent->set) || !bits_is_subset(told, descent->set));
        present = oracle_reduce(oracle, descent->scratch, statement, is_plain ? above->set : descent->set);
        if (is_plain)
            descent_remove(oracle, descent, present, told);
    }
    if (!oracle_tells_of_expressions(oracle, statement, descent->set))
        bits_subtract(present, oracle->informing[statement]);
    descent->next = present;
}

void
oracle_descents_expect(Oracle *oracle, OracleDescent *const *descents, size_t count)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("steps to come", ORACLE_SCRATCH_BYTES);
    OracleQuestion *questions = ARENA_NEW_ARRAY(scratch, OracleQuestion, count + 1);
    for (size_t i = 0; i < count; i++) {
        descent_choose(oracle, descents[i]);
        questions[i] = (OracleQuestion){.statement = descents[i]->statement, .set = descents[i]->next};
    }
    oracle_expect(oracle, questions, count);
}

bool
oracle_descent_step(Oracle *oracle, OracleDescent *descent, Error *error)
{
    size_t statement = descent->statement;
    const OracleAnswer *fresh;
    descent_choose(oracle, descent);
    if (!oracle_learn(oracle, statement, descent->next, &fresh, error))
        return false;
    descent->next = (Bits){0};
    descent->from = position_of(oracle, statement, fresh);
    bits_subtract(descent->set, oracle->refused); /* some may have been refused just now */
    if (bits_equal(fresh->set, descent->set) || oracle_stands_for(oracle, fresh, descent->set))
        descent->known = descent->from;
    return true;
}
