// SPDX-License-Identifier: PostgreSQL
#include "advise/foreign_key.h"
#include "advise/index/evidence_internal.h"

#include "pg/identifier.h"

#include <math.h>

#define REJECTED_STATEMENT_SHARE_LEAST 0.005
#define FOREIGN_KEYS_TOLD_MOST 16
#define FOREIGN_KEY_PAGES_LEAST 32
#define SECONDS_PER_DAY 86400.0

/* What a candidate would do were it the only one, as far as the planner was asked. */
typedef struct LoneWorth {
    double gain; /* in the objective's unit */
    double calls;
    size_t statements;      /* that gain */
    size_t served;          /* of them, that use a recommended index of the same table */
    const Candidate *rival; /* the first such index */
} LoneWorth;

static const Candidate *
rival_of(const Evidence *evidence, size_t statement, const Candidate *candidate)
{
    for (size_t i = 0; i < evidence->candidates->count; i++)
        if (bits_has(evidence->used[statement], i) &&
            evidence->candidates->items[i]->relation == candidate->relation)
            return evidence->candidates->items[i];
    return NULL;
}

static LoneWorth
lone_worth(const Evidence *evidence, const Candidate *candidate)
{
    const AdvisorContext *context = evidence->context;
    Bits alone = bits_new(evidence->arena, evidence->candidates->count);
    bits_add(alone, candidate->number);
    LoneWorth worth = {0};
    for (size_t q = 0; q < context->workload->count; q++) {
        const WorkloadStatement *statement = &context->workload->statements[q];
        if (!statement->is_costed || !oracle_concerns(evidence->oracle, q, alone))
            continue;
        double cost = oracle_bounds(evidence->oracle, q, alone).high;
        double gain = search_gain(context, statement, statement->baseline_cost, cost);
        if (gain <= 0)
            continue;
        worth.gain += gain;
        worth.calls += isnan(statement->source->calls) ? 0 : statement->source->calls;
        worth.statements++;
        const Candidate *rival = rival_of(evidence, q, candidate);
        worth.served += rival != NULL;
        worth.rival = worth.rival == NULL ? rival : worth.rival;
    }
    return worth;
}

/* "3 calls a day", or without a span "120 calls". */
static const char *
calls_text(const Evidence *evidence, double calls)
{
    double seconds = evidence->context->snapshot->workload_seconds;
    bool has_span = !isnan(seconds) && seconds > 0;
    double shown = has_span ? calls * SECONDS_PER_DAY / seconds : calls;
    return arena_printf(evidence->arena, "%s call%s%s", text_format_count(evidence->arena, shown),
                        round(shown) == 1 ? "" : "s", has_span ? " a day" : "");
}

/* What it would add to the write cost of the recommended ones, its own included: where it ends HOT updates,
 * they get entries for those too. */
static double
write_cost_beside(const Evidence *evidence, const Candidate *candidate)
{
    const WriteBeside *chosen = &evidence->chosen;
    const Candidate **items = ARENA_NEW_ARRAY(evidence->arena, const Candidate *, chosen->count + 1);
    for (size_t i = 0; i < chosen->count; i++)
        items[i] = chosen->items[i];
    items[chosen->count] = candidate;
    const WriteBeside all = {.items = items, .count = chosen->count + 1};
    double cost = index_write_cost_detail(evidence->context, candidate, &all).objective;
    for (size_t i = 0; i < chosen->count; i++)
        if (items[i]->relation == candidate->relation)
            cost += index_write_cost_detail(evidence->context, items[i], &all).objective -
                    index_write_cost_detail(evidence->context, items[i], chosen).objective;
    return cost;
}

/* It was found risky, or begins as one does that the review took out. */
static bool
is_risky(const Evidence *evidence, const Candidate *candidate)
{
    Bits avoided = evidence->result->avoided;
    for (size_t i = bits_next(avoided, 0); i != SIZE_MAX; i = bits_next(avoided, i + 1))
        if (!bits_has(evidence->result->crossed, i) &&
            candidate_leads_alike(candidate, evidence->candidates->items[i]))
            return true;
    return bits_has(evidence->result->risky, candidate->number);
}

static const char *
risk_reason(const Candidate *candidate)
{
    return candidate->method == CANDIDATE_BTREE
               ? "the planner would read along an index that begins so until enough rows match, or search "
                 "all of it, and some statement may then be slower than it is today"
               : "with it some statement's plan hopes to stop early, and may then be slower than it is "
                 "today";
}

static const char *
worth_reason(const Evidence *evidence, const Candidate *candidate, const LoneWorth *worth)
{
    Arena *arena = evidence->arena;
    double whole = evidence->context->workload->weighted_cost;
    double percent = whole > 0 ? worth->gain / whole * 100 : 0;
    const char *help = arena_printf(
        arena, "%s %s", worth->statements == 1 ? "the statement" : "the statements", "that it would help");
    if (worth->statements == 0)
        return "no statement gains enough from it alone; the plans that used it do as well without it";
    if (worth->served == worth->statements)
        return arena_printf(arena, "the recommended index %s serves %s", worth->rival->text, help);
    if (is_risky(evidence, candidate))
        return risk_reason(candidate);
    double writes = write_cost_beside(evidence, candidate);
    if (writes >= worth->gain)
        return arena_printf(
            arena,
            "its write cost%s (%.2f %% of the workload) exceeds its gain (%.2f %%): it would help "
            "%zu statement%s, %s",
            candidate->write_cost >= worth->gain ? ""
            : index_write_cost_detail(evidence->context, candidate, &evidence->chosen).objective >=
                    worth->gain
                ? ", with the entries that updates would make in it beside the recommended indexes of the "
                  "table,"
                : ", with what updates of its columns would then write to the recommended indexes of the "
                  "table,",
            whole > 0 ? writes / whole * 100 : 0, percent, worth->statements,
            worth->statements == 1 ? "" : "s", calls_text(evidence, worth->calls));
    if (candidate->size_bytes > evidence->context->budget_bytes)
        return arena_printf(arena, "it alone is larger than the budget");
    return arena_printf(
        arena,
        "it would help %zu statement%s, %s: %.2f %% of the workload, too little beside its write "
        "cost and the other indexes",
        worth->statements, worth->statements == 1 ? "" : "s", calls_text(evidence, worth->calls), percent);
}

/* Why it was not taken; ret_weight: what it would gain alone, as a share of the workload. */
static const char *
candidate_reason(const Evidence *evidence, const Candidate *candidate, double *ret_weight)
{
    Arena *arena = evidence->arena;
    double whole = evidence->context->workload->weighted_cost;
    *ret_weight = 0;
    if (candidate->is_refused)
        return arena_printf(arena, "the server refuses it: %s", candidate->reason);
    if (bits_has(evidence->result->crossed, candidate->number))
        return "the planner would cross it with another index, as if fewer rows were left than there are: "
               "their columns go together";
    if (bits_has(evidence->result->avoided, candidate->number))
        return risk_reason(candidate);
    for (size_t i = 0; i < evidence->candidates->count; i++)
        if (bits_has(evidence->result->chosen, i) &&
            candidate_is_prefix(candidate, evidence->candidates->items[i]))
            return arena_printf(arena, "the recommended index %s serves the same statements",
                                evidence->candidates->items[i]->text);
    LoneWorth worth = lone_worth(evidence, candidate);
    *ret_weight = whole > 0 ? fmin(worth.gain / whole, 1) : 0;
    return worth_reason(evidence, candidate, &worth);
}

void
evidence_reject_candidate(Evidence *evidence, const Candidate *candidate)
{
    Arena *arena = evidence->arena;
    Rejection rejection = {.advisor = "index",
                           .subject = arena_printf(arena, "%s on %s", candidate->text,
                                                   pg_identifier_qualify(arena, candidate->relation->schema,
                                                                         candidate->relation->name))};
    rejection.reason = candidate_reason(evidence, candidate, &rejection.weight);
    vector_push(arena, &evidence->advice->rejections, rejection);
}

/* Do the budgets have room for it beside what was chosen? */
static bool
fits_beside(const Evidence *evidence, const Candidate *candidate)
{
    double bytes = candidate->size_bytes;
    double of_table = candidate->size_bytes;
    Bits chosen = evidence->result->chosen;
    for (size_t i = bits_next(chosen, 0); i != SIZE_MAX; i = bits_next(chosen, i + 1)) {
        const Candidate *other = evidence->candidates->items[i];
        bytes += other->size_bytes;
        of_table += other->relation == candidate->relation ? other->size_bytes : 0;
    }
    return bytes <= evidence->context->budget_bytes && of_table <= search_table_budget(evidence->context);
}

/* One of those tried for a statement that would help it alone. */
static const Candidate *
helpful_find(const Evidence *evidence, const WorkloadStatement *statement)
{
    const struct CandidateNumbers *tried = &evidence->candidates->relevant[statement->position];
    double most = fmin(evidence->context->budget_bytes, search_table_budget(evidence->context));
    Bits alone = bits_new(evidence->arena, evidence->candidates->count);
    for (size_t i = 0; i < tried->count; i++) {
        const Candidate *candidate = evidence->candidates->items[tried->numbers[i]];
        bits_add(alone, candidate->number);
        double cost = oracle_bounds(evidence->oracle, statement->position, alone).high;
        bits_remove(alone, candidate->number);
        if (candidate->size_bytes <= most &&
            search_gain(evidence->context, statement, statement->baseline_cost, cost) > 0)
            return candidate;
    }
    return NULL;
}

/* Why nothing that was tried for a statement was taken. */
static const char *
tried_reason(const Evidence *evidence, const WorkloadStatement *statement)
{
    Arena *arena = evidence->arena;
    const struct CandidateNumbers *tried = &evidence->candidates->relevant[statement->position];
    double most = fmin(evidence->context->budget_bytes, search_table_budget(evidence->context));
    const char *plural = tried->count == 1 ? "" : "es";
    const Candidate *helpful = helpful_find(evidence, statement);
    size_t too_large = 0;
    double weight;
    if (helpful != NULL && !fits_beside(evidence, helpful))
        return arena_printf(arena,
                            "%s would help it, and was not taken beside the other indexes in the budget",
                            helpful->text);
    if (helpful != NULL)
        return arena_printf(arena, "%s would help it, and was not taken: %s", helpful->text,
                            candidate_reason(evidence, helpful, &weight));
    for (size_t i = 0; i < tried->count; i++)
        too_large += evidence->candidates->items[tried->numbers[i]]->size_bytes > most;
    if (too_large == 0)
        return arena_printf(arena, "the planner gains nothing that counts from the %zu index%s tried for it",
                            tried->count, plural);
    if (too_large == tried->count)
        return arena_printf(arena, "the budget has no room for any of the %zu index%s thought of for it",
                            tried->count, plural);
    return arena_printf(arena,
                        "the budget has no room for %zu of the %zu indexes thought of for it, and the "
                        "planner gains nothing that counts from the others",
                        too_large, tried->count);
}

void
evidence_reject_statement(Evidence *evidence, const WorkloadStatement *statement)
{
    Arena *arena = evidence->arena;
    double whole = evidence->context->workload->weighted_cost;
    double share = whole > 0 ? statement->weight * statement->baseline_cost / whole : 0;
    size_t tried = evidence->candidates->relevant[statement->position].count;
    const char *reason;
    if (!statement->is_costed)
        reason = arena_printf(arena, "not analysed: %s", statement->reason);
    else if (share < REJECTED_STATEMENT_SHARE_LEAST || bits_count(evidence->used[statement->position]) > 0)
        return;
    else if (statement->analysis->kind == SQL_KIND_INSERT)
        reason = "writes rows without looking any up";
    else if (tried == 0)
        reason = "no condition, join or order in it that a further index could serve";
    else
        reason = tried_reason(evidence, statement);
    Rejection rejection = {.advisor = "index",
                           .subject = arena_printf(arena, "statement: %s", statement->label),
                           .reason = reason,
                           .weight = share};
    vector_push(arena, &evidence->advice->rejections, rejection);
}

static bool
foreign_key_is_checked(const Workload *workload, const SnapshotConstraint *constraint)
{
    for (size_t q = 0; q < workload->count; q++)
        if (foreign_key_is_checked_by(constraint, workload->statements[q].analysis))
            return true;
    return false;
}

/* A recommended index that begins with one of its columns serves its look-ups. */
static bool
foreign_key_is_served(const Evidence *evidence, const SnapshotConstraint *constraint)
{
    for (size_t i = 0; i < evidence->candidates->count; i++) {
        const Candidate *candidate = evidence->candidates->items[i];
        if (!bits_has(evidence->result->chosen, i) || candidate->relation->id != constraint->relation_id ||
            candidate->predicate != NULL)
            continue;
        for (size_t k = 0; k < constraint->column_count; k++)
            if (candidate->keys[0].attnum == constraint->columns[k])
                return true;
    }
    return false;
}

void
evidence_reject_foreign_keys(Evidence *evidence)
{
    Arena *arena = evidence->arena;
    const Snapshot *snapshot = evidence->context->snapshot;
    size_t told = 0;
    for (size_t i = 0; i < snapshot->constraint_count && told < FOREIGN_KEYS_TOLD_MOST; i++) {
        const SnapshotConstraint *constraint = &snapshot->constraints[i];
        const SnapshotRelation *relation = snapshot_relation(snapshot, constraint->relation_id);
        const SnapshotRelation *referenced = snapshot_relation(snapshot, constraint->foreign_relation_id);
        if (!foreign_key_lacks_index(snapshot, constraint) || referenced == NULL ||
            relation->size_blocks < FOREIGN_KEY_PAGES_LEAST ||
            foreign_key_is_checked(evidence->context->workload, constraint) ||
            foreign_key_is_served(evidence, constraint))
            continue;
        told++;
        Rejection rejection = {
            .advisor = "index",
            .subject = arena_printf(arena, "an index for foreign key %s on %s", constraint->name,
                                    pg_identifier_qualify(arena, relation->schema, relation->name)),
            .reason = arena_printf(
                arena,
                "no statement of the workload deletes from %s or changes its key; each row that one "
                "did would make the server read all of this table",
                pg_identifier_qualify(arena, referenced->schema, referenced->name))};
        vector_push(arena, &evidence->advice->rejections, rejection);
    }
}
