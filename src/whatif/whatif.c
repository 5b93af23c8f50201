// SPDX-License-Identifier: PostgreSQL
#include "whatif/whatif_internal.h"

#include "pg/identifier.h"
#include "pg/result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SAMPLES_MOST 5 /* a bit each in WhatIfAnswer */

static bool
gather_cost_read(WhatIf *whatif, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    if (!pg_query_simple(whatif->connection, "SHOW parallel_setup_cost", &result, error))
        return false;
    whatif->gather_cost = pg_result_double(result, 0, 0, 0);
    return true;
}

/* The session, and what it is set to. */
static bool
session_begin(WhatIf *whatif, Arena *arena, Twin *twin, Error *error)
{
    if (!twin_connect(twin, &whatif->connection, error))
        return false;
    whatif->explainer = explainer_new(arena, whatif->connection);
    whatif->is_sparse = twin_report(twin)->method == TWIN_METHOD_SPARSE_FILES;
    /* B-trees without files of their own: what they would cost most. Nothing here is ever committed. */
    if (!whatif->is_sparse &&
        !pg_execute_script(whatif->connection,
                           "SET fettle_twin.suppose_indexes = on; SET fettle_twin.hypothetical_indexes = on; "
                           "SET fettle_twin.hide_outdone = on; SET fettle_twin.note_least_cost = on",
                           NULL, error))
        return false;
    return gather_cost_read(whatif, error);
}

bool
whatif_session_open(Arena *arena, Twin *twin, const char *name_prefix, WhatIf **ret_whatif, Error *error)
{
    WhatIf *whatif = ARENA_NEW(arena, WhatIf);
    *whatif = (WhatIf){.arena = arena, .twin = twin, .name_prefix = name_prefix, .is_settled = true};
    if (!session_begin(whatif, arena, twin, error)) {
        whatif_close(whatif);
        return false;
    }
    whatif->sparse = sparse_indexes_new(arena, twin, &whatif->explainer);
    whatif->cache = map_new(arena);
    whatif->sizes = map_new(arena);
    whatif->given_names = map_new(arena);
    whatif->known = map_new(arena);
    *ret_whatif = whatif;
    return true;
}

bool
whatif_over_twin(Arena *arena, Twin *twin, WhatIf **ret_whatif, Error *error)
{
    return whatif_session_open(arena, twin, "", ret_whatif, error);
}

void
whatif_close(WhatIf *whatif)
{
    if (whatif == NULL)
        return;
    whatif_lanes_close(whatif->lanes);
    whatif->lanes = NULL;
    pg_connection_close(whatif->connection);
    whatif->connection = NULL;
}

void
whatif_close_at(WhatIf **whatif)
{
    whatif_close(*whatif);
    *whatif = NULL;
}

static size_t
samples_asked(const WhatIfStatement *statement)
{
    size_t count = statement->rewritten == NULL ? statement->sample_count : 0;
    return count < SAMPLES_MOST ? count : SAMPLES_MOST;
}

/* Spread over the list, so that the first few do not stand for all. */
static const char *
sample_asked(const WhatIfStatement *statement, size_t number)
{
    return statement->samples[number * statement->sample_count / samples_asked(statement)];
}

uint64_t
whatif_question_key(const WhatIf *whatif, const KnownChangeList *changes, const WhatIfStatement *statement)
{
    uint64_t samples = 0;
    for (size_t i = 0; i < samples_asked(statement); i++)
        samples = hash_combine(samples, whatif_text_key(sample_asked(statement, i)));
    uint64_t sum = 0;
    for (size_t i = 0; i < changes->count; i++)
        if (whatif_change_is_relevant(whatif, changes->items[i], statement))
            sum += hash_combine(changes->items[i]->key, 0x9E37);
    uint64_t texts = hash_combine(whatif_text_key(statement->text), whatif_text_key(statement->rewritten));
    return hash_combine(hash_combine(texts, samples), sum);
}

/* A partition's part of a what-if index counts as the whole. */
static void
name_note(const WhatIf *whatif, Arena *arena, TextList *names, const char *name)
{
    const char *whole = map_get(whatif->given_names, name);
    if (whole != NULL)
        name = whole;
    if (!text_list_contains(names, name))
        vector_push(arena, names, arena_strdup(arena, name));
}

typedef struct UsedIndexes {
    const WhatIf *whatif;
    Arena *arena;
    TextList *names;
} UsedIndexes;

static void
used_indexes_visit(const PgPlanNode *node, const PgPlanNode *parent, void *context)
{
    (void)parent;
    UsedIndexes *used = context;
    if (node->index == NULL)
        return;
    name_note(used->whatif, used->arena, used->names, node->index);
}

typedef struct PlanCost {
    double cost;
    double least; /* that fewer indexes could have */
    bool is_narrowing_known;
} PlanCost;

/* Can a plan with workers be cheaper? */
static bool
workers_may_win(const WhatIf *whatif, double cost)
{
    for (size_t i = 0; i < whatif->standing.count; i++)
        if (whatif->standing.items[i].known->change.kind == WHATIF_SETTING)
            return true;
    return cost > whatif->gather_cost;
}

/* Names that are separated by commas. */
static void
names_note(const WhatIf *whatif, Arena *arena, const char *text, TextList *names)
{
    for (const char *name = text; name != NULL && *name != '\0';) {
        const char *comma = strchr(name, ',');
        size_t length = comma == NULL ? strlen(name) : (size_t)(comma - name);
        name_note(whatif, arena, names, arena_strndup(arena, name, length));
        name = comma == NULL ? NULL : comma + 1;
    }
}

static bool
least_indexes_ask(WhatIf *whatif, Arena *arena, TextList *names, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    if (!pg_query_simple(whatif->connection, "SHOW fettle_twin.least_indexes", &result, error))
        return false;
    names_note(whatif, arena, pg_result_rows(result) == 1 ? pg_result_text(result, 0, 0) : NULL, names);
    return true;
}

/* The cost that fewer indexes could have at the least, of the plan just made. Of one without workers, too: a
 * narrowed table may be why it is the cheapest. */
static bool
least_cost_ask(WhatIf *whatif, Arena *arena, PlanCost *cost, WhatIfAnswer *answer, Error *error)
{
    cost->least = cost->cost;
    cost->is_narrowing_known = true;
    if (whatif->is_sparse || !workers_may_win(whatif, cost->cost))
        return true;
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    if (!pg_query_simple(whatif->connection, "SHOW fettle_twin.least_cost", &result, error))
        return false;
    const char *text = pg_result_rows(result) == 1 ? pg_result_text(result, 0, 0) : NULL;
    char *end = NULL;
    double planned = text == NULL ? NAN : strtod(text, &end);
    double least = end == NULL ? NAN : strtod(end, &end);
    /* Of a plan that the server had kept it says nothing, and 0 bounds nothing. */
    cost->least = planned == cost->cost ? fmin(least, planned) : 0;
    if (cost->least >= cost->cost)
        return true;
    cost->is_narrowing_known = planned == cost->cost && end != NULL && *end == ' ';
    if (cost->is_narrowing_known)
        names_note(whatif, arena, end + 1, &answer->narrowing);
    return planned != cost->cost || least_indexes_ask(whatif, arena, &answer->least_indexes, error);
}

/* Does it read only, as far as the first word tells? */
static bool
is_plain_select(const char *text)
{
    return strncasecmp(text, "select", strlen("select")) == 0;
}

/* To plan a write locks its tables until the transaction ends, against CREATE INDEX of other sessions; unless
 * it is rolled back at once. */
static bool
ask_unlocked(WhatIf *whatif, Arena *arena, const char *text, PgPlan **ret_plan, const char **ret_reason,
             Error *error)
{
    bool unlocks = whatif->is_shared && whatif->is_open && !is_plain_select(text);
    return (!unlocks || pg_execute(whatif->connection, "SAVEPOINT question", error)) &&
           explainer_ask(&whatif->explainer, arena, text, ret_plan, ret_reason, error) &&
           (!unlocks || *ret_plan == NULL ||
            pg_execute_script(whatif->connection,
                              "ROLLBACK TO SAVEPOINT question; RELEASE SAVEPOINT question", NULL, error));
}

static bool
ask_one(WhatIf *whatif, Arena *arena, const char *text, WhatIfAnswer *answer, PlanCost *ret_cost,
        Error *error)
{
    PgPlan *plan = NULL;
    const char *reason = NULL;
    /* a sample before may have been refused, and the changes with it */
    if (!whatif_settle(whatif, error) || !ask_unlocked(whatif, arena, text, &plan, &reason, error))
        return false;
    *ret_cost = (PlanCost){.cost = NAN, .least = NAN};
    if (plan == NULL) {
        answer->reason = reason;
        /* it takes all changes with it, which are made again for the next question */
        return whatif_rollback(whatif, error);
    }
    UsedIndexes used = {.whatif = whatif, .arena = arena, .names = &answer->used_indexes};
    pg_plan_walk(plan, used_indexes_visit, &used);
    ret_cost->cost = plan->root->total_cost;
    if (answer->plan == NULL)
        answer->plan = plan;
    return least_cost_ask(whatif, arena, ret_cost, answer, error);
}

static bool
ask_samples(WhatIf *whatif, Arena *arena, const WhatIfStatement *statement, WhatIfAnswer *answer,
            Error *error)
{
    PlanCost sum = {.is_narrowing_known = true};
    double known = 0;
    for (size_t i = 0; i < samples_asked(statement); i++) {
        PlanCost cost;
        if (!ask_one(whatif, arena, sample_asked(statement, i), answer, &cost, error))
            return false;
        if (isnan(cost.cost))
            continue;
        sum.cost += cost.cost;
        sum.least += cost.least;
        sum.is_narrowing_known = sum.is_narrowing_known && cost.is_narrowing_known;
        known++;
        answer->sample_mask |= UINT32_C(1) << i;
    }
    answer->is_known = known > 0;
    answer->cost = known > 0 ? sum.cost / known : NAN;
    answer->least_cost = known > 0 ? sum.least / known : NAN;
    answer->is_narrowing_known = sum.is_narrowing_known;
    return true;
}

/* A table that the twin lacks is the reason behind whatever the server says. */
static const char *
refusal_reason(const WhatIf *whatif, Arena *arena, const WhatIfStatement *statement, const char *reason)
{
    for (size_t i = 0; i < statement->relation_count; i++) {
        const SnapshotRelation *relation =
            snapshot_relation(twin_snapshot(whatif->twin), statement->relation_ids[i]);
        const char *loss = relation == NULL ? NULL : twin_relation_loss(whatif->twin, relation);
        if (loss != NULL)
            return arena_printf(arena, "the twin lacks %s: %s",
                                pg_identifier_qualify(arena, relation->schema, relation->name), loss);
    }
    return reason == NULL ? "the planner gave no plan"
                          : arena_printf(arena, "the twin cannot plan it: %s", reason);
}

static bool
whatif_ask(WhatIf *whatif, Arena *arena, const WhatIfStatement *statement, WhatIfAnswer *answer, Error *error)
{
    *answer = (WhatIfAnswer){.cost = NAN, .generic_cost = NAN, .least_cost = NAN};
    if (samples_asked(statement) > 0 && !ask_samples(whatif, arena, statement, answer, error))
        return false;
    if (answer->is_known)
        return true;
    const char *text = statement->rewritten != NULL ? statement->rewritten : statement->text;
    PlanCost cost;
    if (!ask_one(whatif, arena, text, answer, &cost, error))
        return false;
    answer->cost = cost.cost;
    answer->least_cost = cost.least;
    answer->is_narrowing_known = cost.is_narrowing_known;
    answer->is_known = !isnan(answer->cost);
    if (!answer->is_known)
        answer->reason = refusal_reason(whatif, arena, statement, answer->reason);
    answer->is_generic = answer->is_known && explainer_parameter_count(&whatif->explainer, text) > 0;
    answer->generic_cost = answer->is_generic ? answer->cost : NAN;
    return true;
}

static CachedAnswer *
cache_get(const WhatIf *whatif, uint64_t key, bool with_plan)
{
    CachedAnswer *cached = map_get_id(whatif->cache, key);
    bool will_do = cached != NULL && (cached->has_plan || !with_plan || !cached->answer.is_known);
    return will_do ? cached : NULL;
}

bool
whatif_is_cached(const WhatIf *whatif, uint64_t key, bool with_plan)
{
    return cache_get(whatif, key, with_plan) != NULL;
}

static TextList
names_copy(Arena *arena, const TextList *names)
{
    TextList copy = {0};
    for (size_t i = 0; i < names->count; i++)
        vector_push(arena, &copy, arena_strdup(arena, names->items[i]));
    return copy;
}

const WhatIfAnswer *
whatif_cache_put(WhatIf *whatif, uint64_t key, const WhatIfAnswer *answer, bool with_plan)
{
    CachedAnswer *cached = map_get_id(whatif->cache, key);
    if (cached == NULL)
        cached = ARENA_NEW(whatif->arena, CachedAnswer);
    cached->has_plan = with_plan;
    cached->answer = *answer;
    cached->answer.reason = arena_strdup(whatif->arena, answer->reason);
    cached->answer.used_indexes = names_copy(whatif->arena, &answer->used_indexes);
    cached->answer.narrowing = names_copy(whatif->arena, &answer->narrowing);
    cached->answer.least_indexes = names_copy(whatif->arena, &answer->least_indexes);
    if (!with_plan)
        cached->answer.plan = NULL;
    map_put_id(whatif->cache, key, cached);
    return &cached->answer;
}

bool
whatif_answer(WhatIf *whatif, Arena *arena, const WhatIfStatement *statement, bool with_plan,
              WhatIfAnswer *ret_answer, Error *error)
{
    uint64_t key = whatif_question_key(whatif, &whatif->wanted, statement);
    CachedAnswer *cached = cache_get(whatif, key, with_plan);
    if (cached != NULL) {
        whatif->statistics.cache_hits++;
        *ret_answer = cached->answer;
        return true;
    }
    /* Plans are large: without one wanted they live for this question only. */
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("question", (size_t)512 << 20);
    WhatIfAnswer answer;
    if (!whatif_ask(whatif, with_plan ? arena : scratch, statement, &answer, error))
        return false;
    /* what was known of the changes may have come out otherwise */
    key = whatif_question_key(whatif, &whatif->wanted, statement);
    /* a further session's plans do not outlive its question */
    bool keeps_plan = with_plan && whatif->name_prefix[0] == '\0';
    *ret_answer = *whatif_cache_put(whatif, key, &answer, keeps_plan);
    ret_answer->plan = with_plan ? answer.plan : NULL;
    return true;
}

bool
whatif_cost(WhatIf *whatif, Arena *arena, const WhatIfStatement *statement, bool with_plan,
            WhatIfAnswer *ret_answer, Error *error)
{
    whatif->statistics.questions++;
    return whatif_answer(whatif, arena, statement, with_plan, ret_answer, error);
}

WhatIfStatistics
whatif_statistics(const WhatIf *whatif)
{
    WhatIfStatistics statistics = whatif->statistics;
    statistics.explains = whatif->explainer.count;
    statistics.server_ms =
        whatif->connection == NULL ? NAN : (double)pg_connection_server_time_us(whatif->connection) / 1000;
    whatif_lanes_count(whatif->lanes, &statistics);
    return statistics;
}
