// SPDX-License-Identifier: PostgreSQL
#include "advise/index/oracle_internal.h"

#include "advise/index/column_facts.h"
#include "advise/index/informing.h"

#include <math.h>

/* As a share of the cost: a difference that rounding makes. */
#define ROUNDING_SHARE 1e-9

/* Line pointer, header, and a key of one byte, aligned; and one of the rows that share a tuple. */
#define BTREE_TUPLE_LEAST_BYTES 20
#define BTREE_POINTER_BYTES 6

Oracle *
oracle_new(Arena *arena, const AdvisorContext *context, const CandidateSet *candidates)
{
    Oracle *oracle = ARENA_NEW(arena, Oracle);
    size_t statements = context->workload->count;
    *oracle = (Oracle){.arena = arena, .context = context, .candidates = candidates};
    oracle->answers = ARENA_NEW_ARRAY(arena, OracleAnswerList, statements);
    oracle->relevant = ARENA_NEW_ARRAY(arena, Bits, statements);
    oracle->informing = ARENA_NEW_ARRAY(arena, Bits, statements + 1);
    oracle->refused = bits_new(arena, candidates->count);
    oracle->candidate_by_name = map_new(arena);
    for (size_t i = 0; i < candidates->count; i++)
        map_put(oracle->candidate_by_name, candidates->items[i]->whatif_name, candidates->items[i]);
    oracle->serving = map_new(arena);
    for (size_t q = 0; q < statements; q++) {
        oracle->informing[q] =
            candidates_informing(arena, candidates, context->workload->statements[q].analysis);
        oracle->relevant[q] = bits_new(arena, candidates->count);
        for (size_t i = 0; i < candidates->relevant[q].count; i++)
            bits_add(oracle->relevant[q], candidates->relevant[q].numbers[i]);
        OracleAnswer baseline = {.set = bits_new(arena, candidates->count),
                                 .used = bits_new(arena, candidates->count),
                                 .least = bits_new(arena, candidates->count),
                                 .cost = context->workload->statements[q].baseline_cost,
                                 .low = context->workload->statements[q].baseline_cost,
                                 .informed = context->workload->statements[q].baseline_cost,
                                 .parent = ORACLE_NO_PARENT};
        vector_push(arena, &oracle->answers[q], baseline);
    }
    return oracle;
}

void
oracle_size_by(Oracle *oracle, double (*size_bytes)(const Candidate *candidate, const void *context),
               const void *context)
{
    oracle->size_bytes = size_bytes;
    oracle->size_context = context;
}

/* Of a B-tree over all rows: a tuple for each value, and of the other rows at least a pointer. */
static double
btree_size_least(const Candidate *candidate)
{
    double rows = fmax(candidate->relation->reltuples, 0);
    double values = 0;
    /* of a partitioned table the rows are those that it had when it was analyzed as a whole */
    if (candidate->method != CANDIDATE_BTREE || candidate->predicate != NULL ||
        candidate->relation->kind == 'p')
        return 0;
    for (size_t i = 0; i < candidate->key_count; i++)
        if (candidate->keys[i].attnum > 0)
            values = fmax(values, column_distinct(candidate->relation, candidate->keys[i].attnum));
    values = fmin(values, rows);
    return values * BTREE_TUPLE_LEAST_BYTES + (rows - values) * BTREE_POINTER_BYTES;
}

double
oracle_size_least(const Oracle *oracle, const Candidate *candidate)
{
    return oracle->size_bytes == NULL ? btree_size_least(candidate)
                                      : oracle->size_bytes(candidate, oracle->size_context);
}

size_t
oracle_candidate_count(const Oracle *oracle)
{
    return oracle->candidates->count;
}

int64_t
oracle_questions(const Oracle *oracle)
{
    return oracle->questions;
}

const OracleMendList *
oracle_mends(const Oracle *oracle)
{
    return &oracle->mends;
}

void
oracle_be_strict(Oracle *oracle, bool is_strict)
{
    oracle->is_strict = is_strict;
}

bool
oracle_concerns(const Oracle *oracle, size_t statement, Bits set)
{
    Bits relevant = oracle->relevant[statement];
    for (size_t i = 0; i < relevant.word_count; i++)
        if (set.words[i] & relevant.words[i] & ~oracle->refused.words[i])
            return true;
    return false;
}

size_t
oracle_answer_count(const Oracle *oracle, size_t statement)
{
    return oracle->answers[statement].count;
}

const OracleAnswer *
oracle_answer(const Oracle *oracle, size_t statement, size_t position)
{
    fettle_assert(position < oracle->answers[statement].count);
    return &oracle->answers[statement].items[position];
}

Bits
oracle_reduce(const Oracle *oracle, Arena *arena, size_t statement, Bits set)
{
    Bits reduced = bits_copy(arena, set);
    bits_keep(reduced, oracle->relevant[statement]);
    bits_subtract(reduced, oracle->refused);
    return reduced;
}

Bits
oracle_relevant(const Oracle *oracle, size_t statement)
{
    return oracle_reduce(oracle, oracle->arena, statement, oracle->relevant[statement]);
}

void
oracle_relevant_add(Oracle *oracle, size_t statement, size_t candidate)
{
    bits_add(oracle->relevant[statement], candidate);
}

static bool
serves(const Candidate *candidate, const SqlAnalysis *analysis)
{
    for (size_t u = 0; u < analysis->use_count; u++) {
        const SqlRelationUse *use = &analysis->uses[u];
        if (use->relation_id != candidate->relation->id)
            continue;
        if (candidate->keys[0].attnum == 0 || sql_use_needs_column(use, candidate->keys[0].attnum))
            return true;
    }
    return false;
}

void
oracle_relate(Oracle *oracle, Bits set, OracleReach reach)
{
    const Workload *workload = oracle->context->workload;
    const Snapshot *snapshot = oracle->context->snapshot;
    for (size_t i = bits_next(set, 0); i != SIZE_MAX; i = bits_next(set, i + 1)) {
        const Candidate *candidate = oracle->candidates->items[i];
        for (size_t q = 0; q < workload->count; q++) {
            const WorkloadStatement *statement = &workload->statements[q];
            if (statement->is_costed &&
                (reach == ORACLE_SERVES
                     ? serves(candidate, statement->analysis)
                     : workload_statement_may_use(snapshot, statement, candidate->relation->id)))
                oracle_relevant_add(oracle, q, i);
        }
    }
}

void
oracle_relevant_remove(Oracle *oracle, size_t statement, size_t candidate)
{
    bits_remove(oracle->relevant[statement], candidate);
}

Bits
oracle_informing(const Oracle *oracle, size_t statement)
{
    return oracle->informing[statement];
}

bool
oracle_is_as_informed(const OracleAnswer *answer, Bits set)
{
    return answer->informing.words == NULL || bits_meet(answer->informing, set);
}

double
oracle_answer_low(const OracleAnswer *answer, Bits set)
{
    if (!bits_is_subset(set, answer->set))
        return 0;
    if (!oracle_is_as_informed(answer, set))
        return answer->low;
    bool is_firm = answer->narrowing.words != NULL && bits_is_subset(answer->narrowing, set);
    return is_firm ? answer->firm : answer->informed;
}

bool
oracle_tells_of_expressions(const Oracle *oracle, size_t statement, Bits set)
{
    return bits_meet(oracle->informing[statement], set);
}

bool
oracle_stands_for(const Oracle *oracle, const OracleAnswer *answer, Bits set)
{
    return !answer->is_unknown && !answer->is_doubted && bits_is_subset(answer->used, set) &&
           oracle_is_as_informed(answer, set) &&
           (!oracle->is_strict || oracle_answer_low(answer, set) >= answer->cost * (1 - ORACLE_TOLERANCE));
}

const OracleAnswer *
oracle_answer_exact(const Oracle *oracle, size_t statement, Bits set)
{
    const OracleAnswerList *answers = &oracle->answers[statement];
    const OracleAnswer *found = NULL;
    for (size_t i = answers->count; i-- > 0;) {
        const OracleAnswer *answer = &answers->items[i];
        if (!bits_is_subset(answer->used, set) || !bits_is_subset(set, answer->set))
            continue;
        if (bits_equal(answer->set, set))
            return answer;
        if (found == NULL && oracle_stands_for(oracle, answer, set))
            found = answer;
    }
    return found;
}

/* What the planner said of this very set; NULL: it was not asked, or did not know. */
static const OracleAnswer *
oracle_answer_itself(const Oracle *oracle, size_t statement, Bits set)
{
    const OracleAnswer *found = oracle_answer_exact(oracle, statement, set);
    return found != NULL && !found->is_unknown && bits_equal(found->set, set) ? found : NULL;
}

size_t
oracle_answer_above(const Oracle *oracle, size_t statement, Bits set)
{
    const OracleAnswerList *answers = &oracle->answers[statement];
    size_t found = ORACLE_NO_PARENT;
    for (size_t i = 0; i < answers->count; i++) {
        const OracleAnswer *answer = &answers->items[i];
        if (!bits_is_subset(set, answer->set) || bits_equal(set, answer->set))
            continue;
        if (found == ORACLE_NO_PARENT || answer->low > answers->items[found].low ||
            (answer->low == answers->items[found].low &&
             bits_is_subset(answer->set, answers->items[found].set)))
            found = i;
    }
    return found;
}

OracleBounds
oracle_bounds(const Oracle *oracle, size_t statement, Bits set)
{
    ArenaMark mark = arena_mark(oracle->arena);
    Bits reduced = oracle_reduce(oracle, oracle->arena, statement, set);
    const OracleAnswerList *answers = &oracle->answers[statement];
    OracleBounds bounds = {.low = 0, .high = oracle->context->workload->statements[statement].baseline_cost};
    bool tells = oracle_tells_of_expressions(oracle, statement, reduced);
    for (size_t i = 0; i < answers->count; i++) {
        const OracleAnswer *answer = &answers->items[i];
        bounds.low = fmax(bounds.low, oracle_answer_low(answer, reduced));
        if (bits_is_subset(answer->used, reduced) && !answer->is_doubted && answer->cost < bounds.high &&
            (answer->informing.words != NULL) == tells)
            bounds.high = answer->cost;
    }
    if (bounds.low > bounds.high)
        bounds.low = bounds.high;
    const OracleAnswer *itself = oracle_answer_itself(oracle, statement, reduced);
    if (itself != NULL)
        bounds = (OracleBounds){.low = itself->cost, .high = itself->cost};
    arena_rewind(oracle->arena, mark);
    return bounds;
}

Bits
oracle_serving(const Oracle *oracle, size_t statement, size_t number)
{
    const CandidateSet *candidates = oracle->candidates;
    const SqlAnalysis *analysis = oracle->context->workload->statements[statement].analysis;
    uint64_t key = (uint64_t)statement << 32 | number;
    Bits *serving = map_get_id(oracle->serving, key);
    if (serving != NULL)
        return *serving;
    serving = ARENA_NEW(oracle->arena, Bits);
    map_put_id(oracle->serving, key, serving);
    *serving = bits_new(oracle->arena, candidates->count);
    for (size_t i = 0; i < candidates->count; i++)
        if (candidate_serves_as(candidates->items[i], candidates->items[number], analysis))
            bits_add(*serving, i);
    return *serving;
}

void
oracle_remove(const Oracle *oracle, size_t statement, size_t number, Bits present)
{
    Bits serving = oracle_serving(oracle, statement, number);
    double bytes = oracle->candidates->items[number]->size_bytes;
    for (size_t i = bits_next(serving, 0); i != SIZE_MAX; i = bits_next(serving, i + 1))
        if (i == number || oracle->candidates->items[i]->size_bytes >= bytes)
            bits_remove(present, i);
}

/* Has the set each of the plan's indexes, or one that does what it does? */
static bool
serves_as_well(const Oracle *oracle, size_t statement, Bits used, Bits set)
{
    for (size_t i = bits_next(used, 0); i != SIZE_MAX; i = bits_next(used, i + 1))
        if (!bits_meet(oracle_serving(oracle, statement, i), set))
            return false;
    return true;
}

double
oracle_likely(const Oracle *oracle, size_t statement, Bits set, OracleBounds bounds)
{
    const OracleAnswerList *answers = &oracle->answers[statement];
    double likely = bounds.high;
    bool tells = oracle_tells_of_expressions(oracle, statement, set);
    for (size_t i = 0; i < answers->count && likely > bounds.low; i++) {
        const OracleAnswer *answer = &answers->items[i];
        if (!answer->is_unknown && !answer->is_doubted && answer->cost < likely &&
            (answer->informing.words != NULL) == tells &&
            serves_as_well(oracle, statement, answer->used, set))
            likely = answer->cost;
    }
    return fmax(bounds.low, likely);
}

bool
oracle_uses_none(const Oracle *oracle, size_t statement, Bits set)
{
    ArenaMark mark = arena_mark(oracle->arena);
    Bits reduced = oracle_reduce(oracle, oracle->arena, statement, set);
    const OracleAnswerList *answers = &oracle->answers[statement];
    double least = answers->items[0].cost * (1 - ROUNDING_SHARE);
    bool found = false;
    for (size_t i = 0; i < answers->count && !found; i++)
        found = bits_is_empty(answers->items[i].used) && !answers->items[i].is_unknown &&
                bits_is_subset(reduced, answers->items[i].set) && answers->items[i].low >= least;
    arena_rewind(oracle->arena, mark);
    return found;
}

/* What makes the set's indexes on the twin; ret_made (may be NULL): whose they are. */
static WhatIfChange *
oracle_changes(const Oracle *oracle, Arena *arena, Bits set, Candidate **ret_made, size_t *ret_count)
{
    const CandidateSet *candidates = oracle->candidates;
    WhatIfChange *changes = ARENA_NEW_ARRAY(arena, WhatIfChange, bits_count(set) + 1);
    *ret_count = 0;
    for (size_t i = bits_next(set, 0); i != SIZE_MAX; i = bits_next(set, i + 1)) {
        Candidate *candidate = candidates->items[i];
        if (candidate->is_refused)
            continue;
        if (ret_made != NULL)
            ret_made[*ret_count] = candidate;
        changes[(*ret_count)++] = (WhatIfChange){.kind = WHATIF_CREATE_INDEX,
                                                 .relation_id = candidate->relation->id,
                                                 .name = candidate->whatif_name,
                                                 .statement = candidate->whatif_statement};
    }
    return changes;
}

/* Makes the reduced set's indexes on the twin; sizes and refusals are noted on the candidates. */
static bool
oracle_present(Oracle *oracle, Bits set, Error *error)
{
    /* Its own arena: what the WhatIf keeps of this call lives in the shared one. */
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("what-if changes", ORACLE_SCRATCH_BYTES);
    Candidate **made = ARENA_NEW_ARRAY(scratch, Candidate *, bits_count(set) + 1);
    size_t count = 0;
    const WhatIfChange *changes = oracle_changes(oracle, scratch, set, made, &count);
    WhatIfChangeResult *results = NULL;
    bool done = whatif_begin(oracle->context->whatif, scratch, changes, count, &results, error);
    for (size_t i = 0; done && i < count; i++) {
        made[i]->is_refused = !results[i].is_applied;
        if (results[i].is_applied) {
            made[i]->size_bytes = oracle->size_bytes == NULL
                                      ? results[i].size_bytes
                                      : oracle->size_bytes(made[i], oracle->size_context);
            continue;
        }
        bits_add(oracle->refused, made[i]->number);
        made[i]->reason = arena_strdup(oracle->context->arena, results[i].reason);
    }
    return done;
}

bool
oracle_make_relevant(Oracle *oracle, size_t statement, Error *error)
{
    return oracle_present(oracle, oracle_relevant(oracle, statement), error);
}

/* The candidates among the names. */
static Bits
oracle_named(const Oracle *oracle, const TextList *names)
{
    Bits named = bits_new(oracle->arena, oracle->candidates->count);
    for (size_t i = 0; i < names->count; i++) {
        const Candidate *candidate = map_get(oracle->candidate_by_name, names->items[i]);
        if (candidate != NULL)
            bits_add(named, candidate->number);
    }
    return named;
}

static const WhatIfStatement *
oracle_question(const Oracle *oracle, size_t statement)
{
    const WorkloadStatement *subject = &oracle->context->workload->statements[statement];
    fettle_assert(subject->is_costed);
    return &subject->question;
}

/* Does the other, asked about all that the plan used, cost more than it? */
static bool
is_refuted_by(const OracleAnswer *answer, const OracleAnswer *other)
{
    return !other->is_unknown && bits_is_subset(answer->used, other->set) &&
           oracle_is_as_informed(answer, other->set) && bits_is_subset(other->set, answer->set) &&
           other->cost > answer->cost * (1 + ORACLE_TOLERANCE);
}

/* What the answer with less present says of the other's bounds; the one that it is less than, 0: of none. */
static double
answer_mend(OracleAnswer *answer, const OracleAnswer *less)
{
    double bound = oracle_answer_low(answer, less->set);
    if (less->cost >= bound)
        return 0;
    answer->low = fmin(answer->low, less->cost);
    if (oracle_is_as_informed(answer, less->set))
        answer->informed = fmin(answer->informed, less->cost);
    if (oracle_is_as_informed(answer, less->set) && answer->narrowing.words != NULL &&
        bits_is_subset(answer->narrowing, less->set))
        answer->firm = less->cost;
    return bound;
}

/* With more present the planner can only do better; where it did worse, that bounds nothing. */
static void
oracle_mend(Oracle *oracle, size_t statement, OracleAnswer *fresh)
{
    OracleAnswerList *answers = &oracle->answers[statement];
    OracleMend mend = {.statement = statement, .after = fresh->cost};
    for (size_t i = 0; i < answers->count && !fresh->is_unknown; i++) {
        OracleAnswer *answer = &answers->items[i];
        mend.before = fmax(mend.before, answer_mend(answer, fresh));
        (void)answer_mend(fresh, answer);
        answer->is_doubted = answer->is_doubted || is_refuted_by(answer, fresh);
        fresh->is_doubted = fresh->is_doubted || is_refuted_by(fresh, answer);
    }
    if (mend.before > mend.after)
        vector_push(oracle->arena, &oracle->mends, mend);
}

/* The part of a set that tells the planner of no expression. */
static Bits
without_informing(const Oracle *oracle, size_t statement, Bits set)
{
    Bits rest = bits_copy(oracle->arena, set);
    bits_subtract(rest, oracle->informing[statement]);
    return rest;
}

/* What is known of the set, without those of it that tell of expressions. */
static double
low_uninformed(const Oracle *oracle, size_t statement, Bits set)
{
    ArenaMark mark = arena_mark(oracle->arena);
    const OracleAnswerList *answers = &oracle->answers[statement];
    Bits rest = without_informing(oracle, statement, set);
    double low = 0;
    for (size_t i = 0; i < answers->count; i++)
        if (answers->items[i].informing.words == NULL)
            low = fmax(low, oracle_answer_low(&answers->items[i], rest));
    arena_rewind(oracle->arena, mark);
    return low;
}

/* An answer that knew of no expression says what those that did bound at the least without what told them. */
static void
inform_of(Oracle *oracle, size_t statement, const OracleAnswer *fresh)
{
    OracleAnswerList *answers = &oracle->answers[statement];
    for (size_t i = 0; i < answers->count; i++) {
        OracleAnswer *answer = &answers->items[i];
        if (answer->informing.words == NULL)
            continue;
        ArenaMark mark = arena_mark(oracle->arena);
        double low = oracle_answer_low(fresh, without_informing(oracle, statement, answer->set));
        arena_rewind(oracle->arena, mark);
        answer->low = fmax(answer->low, fmin(answer->informed, low));
    }
}

/* Keeps what was answered; the pointer lives until the next question. */
static const OracleAnswer *
oracle_note(Oracle *oracle, size_t statement, Bits reduced, const WhatIfAnswer *answer)
{
    OracleAnswerList *answers = &oracle->answers[statement];
    const WorkloadStatement *subject = &oracle->context->workload->statements[statement];
    OracleAnswer fresh = {.set = oracle_reduce(oracle, oracle->arena, statement, reduced),
                          .cost = subject->baseline_cost,
                          .least = bits_new(oracle->arena, oracle->candidates->count),
                          .is_unknown = !workload_statement_compares(subject, answer)};
    fresh.used = fresh.is_unknown ? bits_new(oracle->arena, oracle->candidates->count)
                                  : oracle_named(oracle, &answer->used_indexes);
    if (!fresh.is_unknown) {
        fresh.cost = answer->cost;
        fresh.low = fmin(answer->least_cost, answer->cost);
        fresh.firm = answer->is_narrowing_known ? fresh.cost : fresh.low;
    }
    fresh.informed = fresh.low;
    if (fresh.firm > fresh.informed)
        fresh.narrowing = oracle_named(oracle, &answer->narrowing);
    if (!fresh.is_unknown && fresh.informed < fresh.cost)
        fresh.least = oracle_named(oracle, &answer->least_indexes);
    if (!fresh.is_unknown && oracle_tells_of_expressions(oracle, statement, fresh.set)) {
        fresh.informing = bits_copy(oracle->arena, fresh.set);
        bits_keep(fresh.informing, oracle->informing[statement]);
        fresh.low = fmin(fresh.informed, low_uninformed(oracle, statement, fresh.set));
    }
    fettle_assert(answers->items != NULL); /* the baseline is there */
    oracle_mend(oracle, statement, &fresh);
    if (fresh.informing.words == NULL)
        inform_of(oracle, statement, &fresh);
    fresh.parent = oracle_answer_above(oracle, statement, fresh.set);
    vector_push(oracle->arena, answers, fresh);
    return &answers->items[answers->count - 1];
}

void
oracle_expect(Oracle *oracle, const OracleQuestion *questions, size_t count)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("questions to come", ORACLE_SCRATCH_BYTES);
    WhatIfQuestion *asked = ARENA_NEW_ARRAY(scratch, WhatIfQuestion, count + 1);
    for (size_t i = 0; i < count; i++) {
        const OracleQuestion *question = &questions[i];
        asked[i].with_plan = question->with_plan;
        asked[i].statement = question->is_made ? NULL : oracle_question(oracle, question->statement);
        Bits reduced = oracle_reduce(oracle, scratch, question->statement, question->set);
        asked[i].changes = oracle_changes(oracle, scratch, reduced, NULL, &asked[i].change_count);
    }
    whatif_expect(oracle->context->whatif, oracle->arena, asked, count);
}

bool
oracle_learn(Oracle *oracle, size_t statement, Bits reduced, const OracleAnswer **ret_answer, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("planner's answer", ORACLE_SCRATCH_BYTES);
    WhatIfAnswer answer = {0};
    oracle->questions++;
    if (!oracle_present(oracle, reduced, error) ||
        !whatif_cost(oracle->context->whatif, scratch, oracle_question(oracle, statement), false, &answer,
                     error))
        return false;
    *ret_answer = oracle_note(oracle, statement, reduced, &answer);
    return true;
}

bool
oracle_plan(Oracle *oracle, size_t statement, Bits set, WhatIfAnswer *ret_answer, Bits *ret_used,
            Error *error)
{
    Bits reduced = oracle_reduce(oracle, oracle->arena, statement, set);
    if (!oracle_present(oracle, reduced, error) ||
        !whatif_cost(oracle->context->whatif, oracle->arena, oracle_question(oracle, statement), true,
                     ret_answer, error))
        return false;
    const OracleAnswer *noted = oracle_note(oracle, statement, reduced, ret_answer);
    if (noted->is_unknown)
        *ret_answer = (WhatIfAnswer){.reason = ret_answer->is_known ? "not all of its samples were planned"
                                                                    : ret_answer->reason,
                                     .cost = noted->cost};
    if (ret_used != NULL)
        *ret_used = noted->used;
    return true;
}

bool
oracle_cost(Oracle *oracle, size_t statement, Bits set, bool direct, double *ret_cost, Bits *ret_used,
            Error *error)
{
    Bits reduced = oracle_reduce(oracle, oracle->arena, statement, set);
    const OracleAnswer *known = oracle_answer_exact(oracle, statement, reduced);
    OracleBounds bounds = oracle_bounds(oracle, statement, reduced);
    if (direct && known != NULL && !bits_equal(known->set, reduced))
        known = NULL;
    if (!direct && known == NULL && ret_used == NULL && bounds.high <= bounds.low * (1 + ORACLE_TOLERANCE)) {
        *ret_cost = bounds.high;
        return true;
    }
    if (known == NULL && !oracle_learn(oracle, statement, reduced, &known, error))
        return false;
    *ret_cost = known->cost;
    if (ret_used != NULL)
        *ret_used = known->used;
    return true;
}

size_t
oracle_answer_below(const Oracle *oracle, size_t statement, Bits set)
{
    ArenaMark mark = arena_mark(oracle->arena);
    Bits reduced = oracle_reduce(oracle, oracle->arena, statement, set);
    const OracleAnswerList *answers = &oracle->answers[statement];
    size_t found = 0;
    bool tells = oracle_tells_of_expressions(oracle, statement, reduced);
    for (size_t i = 1; i < answers->count; i++) {
        const OracleAnswer *answer = &answers->items[i];
        bool is_its = (!answer->is_doubted && (answer->informing.words != NULL) == tells) ||
                      bits_equal(answer->set, reduced);
        if (is_its && bits_is_subset(answer->used, reduced) && answer->cost < answers->items[found].cost)
            found = i;
    }
    arena_rewind(oracle->arena, mark);
    return found;
}
