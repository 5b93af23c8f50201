// SPDX-License-Identifier: PostgreSQL
#include "advise/index/evidence_internal.h"

#include "advise/index/caution.h"
#include "advise/index/definition.h"
#include "advise/index/replacement.h"
#include "pg/identifier.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PLANS_PER_RECOMMENDATION_MOST 5
#define NOTES_MOST 20
#define NOTES_BESIDE 12 /* that do not tell of another index */
/* Of the cost without, from which on a cautious cost is worth a note. */
#define RISKY_TIMES_LEAST 2
/* Less than this share of what it is told to gain is its own: others would gain the rest. */
#define OWN_SHARE_TOLD 0.25
/* Of the planner's cost, from which on what it likely is beyond that is worth a note. */
#define VAIN_HOPE_LEAST 0.05

/* After the time limit: the search's word, by what its answers used, without a plan. Where they used an index
 * nobody sees whether the plan is a risky one, whatever was asked before. */
static void
evidence_recall(Evidence *evidence, size_t q)
{
    const SearchResult *result = evidence->result;
    evidence->answers[q] = (WhatIfAnswer){.is_known = true, .cost = result->cost_after[q]};
    size_t below = oracle_answer_below(evidence->oracle, q, result->chosen);
    bits_join(evidence->used[q], oracle_answer(evidence->oracle, q, below)->used);
    evidence->advice->unverified_count += !result->is_verified[q];
}

static bool
evidence_ask(Evidence *evidence, Error *error)
{
    const Workload *workload = evidence->context->workload;
    evidence->answers = ARENA_NEW_ARRAY(evidence->arena, WhatIfAnswer, workload->count + 1);
    evidence->used = ARENA_NEW_ARRAY(evidence->arena, Bits, workload->count + 1);
    for (size_t q = 0; q < workload->count; q++) {
        evidence->used[q] = bits_new(evidence->arena, evidence->candidates->count);
        if (!workload->statements[q].is_costed)
            continue;
        if (deadline_passed(evidence->context->deadline)) {
            evidence_recall(evidence, q);
            continue;
        }
        if (!oracle_plan(evidence->oracle, q, evidence->result->chosen, &evidence->answers[q], NULL, error))
            return false;
        const WhatIfAnswer *answer = &evidence->answers[q];
        for (size_t i = 0; i < answer->used_indexes.count; i++)
            for (size_t k = 0; k < evidence->candidates->count; k++)
                if (bits_has(evidence->result->chosen, k) &&
                    text_equals(evidence->candidates->items[k]->whatif_name, answer->used_indexes.items[i]))
                    bits_add(evidence->used[q], k);
    }
    return true;
}

/* What writes of the chosen cost once all of them are there. */
static void
evidence_price(Evidence *evidence)
{
    size_t count = evidence->candidates->count;
    const Candidate **chosen = ARENA_NEW_ARRAY(evidence->arena, const Candidate *, count + 1);
    evidence->chosen.items = chosen;
    for (size_t i = 0; i < count; i++)
        if (bits_has(evidence->result->chosen, i))
            chosen[evidence->chosen.count++] = evidence->candidates->items[i];
    for (size_t i = 0; i < count; i++)
        if (bits_has(evidence->result->chosen, i))
            evidence->candidates->items[i]->write_cost =
                index_write_cost_detail(evidence->context, evidence->candidates->items[i], &evidence->chosen)
                    .objective;
}

/* Chosen indexes get their names, and the plans show them instead of those of the twin. */
static void
evidence_name(Evidence *evidence)
{
    const Workload *workload = evidence->context->workload;
    evidence->names = ARENA_NEW_ARRAY(evidence->arena, const char *, evidence->candidates->count + 1);
    for (size_t i = 0; i < evidence->candidates->count; i++) {
        const Candidate *candidate = evidence->candidates->items[i];
        if (!bits_has(evidence->result->chosen, i))
            continue;
        evidence->names[i] =
            index_name_choose(evidence->arena, evidence->context->snapshot, candidate, evidence->taken);
        for (size_t q = 0; q < workload->count; q++)
            if (evidence->answers[q].plan != NULL)
                pg_plan_rename_index(evidence->answers[q].plan, candidate->whatif_name, evidence->names[i]);
    }
}

static int
effect_compare_gain(const void *left, const void *right)
{
    const AdviceEffect *a = left;
    const AdviceEffect *b = right;
    double gain_a = (a->cost_before - a->cost_after) * a->statement->weight;
    double gain_b = (b->cost_before - b->cost_after) * b->statement->weight;
    if (gain_a != gain_b)
        return gain_a > gain_b ? -1 : 1;
    return a->statement->position < b->statement->position ? -1 : 1;
}

static int
effect_compare_loss(const void *left, const void *right)
{
    return effect_compare_gain(right, left);
}

#define PARTITION_DEPTH_MOST 32

/* A partitioned index becomes valid when every partition, of any depth, has its part. */
static bool
has_foreign_partition(const Snapshot *snapshot, const SnapshotRelation *parent)
{
    for (size_t i = 0; parent->kind == 'p' && i < snapshot->relation_count; i++) {
        const SnapshotRelation *relation = &snapshot->relations[i];
        for (int depth = 0;
             relation != NULL && (depth > 0 || relation->kind == 'f') && relation->is_partition &&
             relation->parent_count > 0 && depth < PARTITION_DEPTH_MOST;
             depth++) {
            relation = snapshot_relation(snapshot, relation->parents[0].relation_id);
            if (relation == parent)
                return true;
        }
    }
    return false;
}

/* Of the statements whose plan with the index may be far dearer than without, the one that may suffer most.
 */
static const char *
note_for_risky_plans(const Evidence *evidence, const Candidate *candidate)
{
    const Workload *workload = evidence->context->workload;
    const WorkloadStatement *worst = NULL;
    double most = RISKY_TIMES_LEAST;
    for (size_t q = 0; q < workload->count; q++) {
        const WorkloadStatement *statement = &workload->statements[q];
        const WhatIfAnswer *answer = &evidence->answers[q];
        if (!statement->is_costed || !bits_has(evidence->used[q], candidate->number) ||
            answer->plan == NULL || statement->baseline_plan == NULL)
            continue;
        const CautionView view = {
            .is_generic = answer->is_generic, .candidates = evidence->candidates, .names = evidence->names};
        double times = cautious_value(workload, statement, answer->cost, answer->plan, &view).worst_times;
        if (times > most) {
            most = times;
            worst = statement;
        }
    }
    if (worst == NULL)
        return NULL;
    return arena_printf(
        evidence->arena,
        "at worst %.0f times slower: %s (the new plan stops at the first rows that match, and "
        "hopes to find them soon); look at it after the index is there",
        most, worst->label);
}

/* What a statement likely costs by an answer: the planner's word, but for a plan that likely hopes in vain to
 * stop early. */
static double
likely_cost_of(const Evidence *evidence, size_t q, const WhatIfAnswer *answer, Bits used)
{
    const Workload *workload = evidence->context->workload;
    if (answer->plan == NULL || bits_is_empty(used))
        return answer->cost;
    const CautionView view = {
        .is_generic = answer->is_generic, .candidates = evidence->candidates, .names = evidence->names};
    return cautious_value(workload, &workload->statements[q], answer->cost, answer->plan, &view).likely;
}

/* With the chosen set. */
static double
likely_cost(const Evidence *evidence, size_t q)
{
    return likely_cost_of(evidence, q, &evidence->answers[q], evidence->used[q]);
}

/* Of the statements that likely cost more than the planner says, the one that most weighs on. */
static const char *
note_for_vain_hopes(const Evidence *evidence, const Candidate *candidate)
{
    const Workload *workload = evidence->context->workload;
    size_t vain = SIZE_MAX;
    double most = 0;
    for (size_t q = 0; q < workload->count; q++) {
        if (!workload->statements[q].is_costed || !bits_has(evidence->used[q], candidate->number))
            continue;
        double cost = evidence->answers[q].cost;
        double extra = workload->statements[q].weight * (likely_cost(evidence, q) - cost);
        if (extra <= fmax(most, workload->statements[q].weight * cost * VAIN_HOPE_LEAST))
            continue;
        most = extra;
        vain = q;
    }
    if (vain == SIZE_MAX)
        return NULL;
    return arena_printf(
        evidence->arena,
        "counted at cost %.0f, where the planner says %.0f: %s (the new plan hopes to find the first "
        "rows that match soon, by an estimate that nothing supports, or searches the index whole)",
        likely_cost(evidence, vain), evidence->answers[vain].cost, workload->statements[vain].label);
}

/* Statements that use it by the search's word alone: their plans were not looked at. */
static const char *
note_for_unseen_plans(const Evidence *evidence, const Candidate *candidate)
{
    size_t count = 0;
    for (size_t q = 0; q < evidence->context->workload->count; q++)
        count += evidence->context->workload->statements[q].is_costed &&
                 bits_has(evidence->used[q], candidate->number) && evidence->answers[q].plan == NULL;
    if (count == 0)
        return NULL;
    return arena_printf(evidence->arena,
                        "the time limit ended before the new plans of %zu statement%s that would use it were "
                        "looked at for risk",
                        count, count == 1 ? "" : "s");
}

static bool
object_knows(const SnapshotRelation *relation, const char *expression)
{
    for (size_t i = 0; i < relation->extended_statistics.count; i++) {
        const SnapshotExtendedStatistics *object = relation->extended_statistics.items[i];
        if (object->expressions_json != NULL && strstr(object->definition, expression) != NULL)
            return true;
    }
    return false;
}

/* Of one column the twin computes the statistics of the expression, but no planner uses a partial index's. */
static bool
has_unknown_expression(const Candidate *candidate)
{
    const CandidateKey *key = &candidate->keys[0];
    bool is_compared = candidate->method == CANDIDATE_BTREE || candidate->method == CANDIDATE_HASH;
    if (key->expression == NULL || !is_compared || object_knows(candidate->relation, key->expression))
        return false;
    return candidate->predicate != NULL || key->reads.count != 1 ||
           snapshot_column_statistics(candidate->relation, key->reads.items[0]) == NULL;
}

#define UNDO_BUILDS_COPIES                                                                                   \
    "the undo makes what was there anew before it drops the whole, without a comment, tablespace, "          \
    "statistics "                                                                                            \
    "targets or DEPENDS ON EXTENSION; run it so that it stops at the first error, and drop an invalid "      \
    "..._again_idx before you run it again"

/* At most two. */
static size_t
notes_for_partitions(Arena *arena, const IndexScripts *scripts, const char **notes)
{
    size_t count = 0;
    if (scripts->completed != NULL)
        notes[count++] =
            arena_printf(arena, "index %s is there and is not valid: it gets the parts that it lacks%s",
                         scripts->completed, scripts->attached == NULL ? "; " UNDO_BUILDS_COPIES : "");
    if (scripts->attached != NULL)
        notes[count++] = arena_printf(arena,
                                      "%s: of the same definition, so that it is attached and not built once "
                                      "more; PostgreSQL cannot take it off again: " UNDO_BUILDS_COPIES,
                                      scripts->attached);
    return count;
}

/* A recommendation that lacks its notes: these tell of the others too. */
typedef struct Draft {
    const Candidate *candidate;
    Recommendation *recommendation;
    IndexScripts scripts;
    double own_percent; /* that would be lost without it; NAN unknown */
    bool is_told_of;    /* that this is little */
} Draft;

VECTOR_DEFINE(Drafts, Draft);

static void
recommendation_note(Evidence *evidence, const Draft *draft)
{
    const Candidate *candidate = draft->candidate;
    Recommendation *recommendation = draft->recommendation;
    const char **notes = ARENA_NEW_ARRAY(evidence->arena, const char *, NOTES_MOST);
    size_t count = 0;
    for (size_t i = 0; i < candidate->relation->indexes.count && count < NOTES_MOST - NOTES_BESIDE; i++) {
        const SnapshotIndex *index = candidate->relation->indexes.items[i];
        if (index_is_replaceable(index, candidate) && map_get_id(evidence->replaced, index->id) == NULL)
            notes[count++] =
                arena_printf(evidence->arena,
                             "index %s holds the leading columns of this one; some statement is better off "
                             "with both",
                             pg_identifier_qualify(evidence->arena, index->schema, index->name));
    }
    for (size_t i = 0; i < recommendation->gains.count; i++) {
        size_t shared = bits_count(evidence->used[recommendation->gains.items[i].statement->position]);
        if (shared > 1) {
            notes[count++] = "part of the gain needs the other recommended indexes too; it is shared by what "
                             "each is worth";
            break;
        }
    }
    if (has_foreign_partition(evidence->context->snapshot, candidate->relation))
        notes[count++] = "a partition is a foreign table and gets no index: the parent's stays marked as not "
                         "valid, which plans do not mind";
    count += notes_for_partitions(evidence->arena, &draft->scripts, notes + count);
    if (evidence->context->snapshot->rights < SNAPSHOT_RIGHTS_VIEW)
        notes[count++] = "column statistics could not be read: costs are rough (see fettle doctor)";
    if (candidate->caution != NULL)
        notes[count++] = candidate->caution;
    if (has_unknown_expression(candidate))
        notes[count++] = "the planner takes a value of the expression for 0.5 % of the rows, for it has no "
                         "statistics: where that is far off, what is gained is another";
    const char *risky = note_for_risky_plans(evidence, candidate);
    if (risky != NULL)
        notes[count++] = risky;
    if (draft->is_told_of)
        notes[count++] = arena_printf(
            evidence->arena,
            "without it the other recommended indexes would give all of this but %.2f %% of the workload",
            draft->own_percent);
    const char *vain = note_for_vain_hopes(evidence, candidate);
    if (vain != NULL)
        notes[count++] = vain;
    const char *unseen = note_for_unseen_plans(evidence, candidate);
    if (unseen != NULL)
        notes[count++] = unseen;
    if (recommendation->hot_updates_lost >= 1)
        notes[count++] =
            arena_printf(evidence->arena,
                         "it holds a column that the workload updates: about %s updates stop being HOT and "
                         "write to every index of the table",
                         text_format_count(evidence->arena, recommendation->hot_updates_lost));
    recommendation->notes = notes;
    recommendation->note_count = count;
}

static const PgPlanNode *
plan_scan_of(const PgPlan *plan, const SnapshotRelation *relation)
{
    return plan == NULL ? NULL : pg_plan_scan_of(plan, relation->name);
}

/* What is found is told where something is looked for. */
static void
whole_scan_append(Arena *arena, Text *text, const char *subject, const PgPlan *plan, const PgPlanNode *scan,
                  double reltuples)
{
    double found = pg_plan_rows_of_all(plan, scan);
    text_append_format(text, "; %s now reads all %s rows of the table", subject,
                       text_format_count(arena, reltuples));
    if (scan->filter != NULL && !isnan(found))
        text_append_format(text, " to find %s", text_format_count(arena, fmin(found, reltuples)));
}

/* "3 statements read public.orders by customer_id; the heaviest now reads the whole table (Seq Scan,
 * 1,234,567 rows) ..." */
static const char *
recommendation_reason(Evidence *evidence, const Candidate *candidate, const Recommendation *recommendation)
{
    Arena *arena = evidence->arena;
    Text text = text_new(arena);
    size_t count = recommendation->gains.count;
    if (count == 0) {
        /* the planner would read along an order that another index gives as well */
        size_t lost = recommendation->losses.count;
        return arena_printf(
            arena,
            "no statement of the workload gains; beside the other recommended indexes it keeps "
            "%zu statement%s from losing more",
            lost, lost == 1 ? "" : "s");
    }
    text_append_format(&text, "%zu statement%s of the workload gain%s", count, count == 1 ? "" : "s",
                       count == 1 ? "s" : "");
    const char *subject = count == 1 ? "it" : "the one that gains most";
    const AdviceEffect *best = &recommendation->gains.items[0];
    const PgPlanNode *before = plan_scan_of(best->plan_before, candidate->relation);
    const PgPlanNode *after = plan_scan_of(best->plan_after, candidate->relation);
    if (before != NULL && text_equals(before->node_type, "Seq Scan") && candidate->relation->reltuples > 0)
        whole_scan_append(arena, &text, subject, best->plan_before, before, candidate->relation->reltuples);
    else if (before != NULL)
        text_append_format(&text, "; %s now uses a%s %s", subject,
                           strchr("AEIOU", before->node_type[0]) != NULL ? "n" : "", before->node_type);
    if (after != NULL && after->index != NULL)
        text_append_format(&text, ", and would use a%s %s on the new index",
                           strchr("AEIOU", after->node_type[0]) != NULL ? "n" : "", after->node_type);
    text_append_format(&text, " (planner cost %.0f to %.0f)", best->cost_before, best->cost_after);
    return text.data;
}

/*
 * The part of a statement's gain that is this candidate's, when its plan uses several: by what the statement
 * would lose without each of them, so that the one that hardly matters gets hardly anything.
 */
static bool
effect_share(Evidence *evidence, size_t statement, const Candidate *candidate, double *ret_share,
             Error *error)
{
    Bits used = evidence->used[statement];
    double own = 0;
    double sum = 0;
    size_t count = bits_count(used);
    *ret_share = 1;
    for (size_t i = 0; count > 1 && i < evidence->candidates->count; i++) {
        if (!bits_has(used, i))
            continue;
        Bits without = bits_copy(evidence->arena, evidence->result->chosen);
        bits_remove(without, i);
        double cost = oracle_bounds(evidence->oracle, statement, without).high;
        if (!deadline_passed(evidence->context->deadline) &&
            !oracle_cost(evidence->oracle, statement, without, false, &cost, NULL, error))
            return false;
        double loss = fmax(0, cost - evidence->answers[statement].cost);
        sum += loss;
        own += i == candidate->number ? loss : 0;
    }
    if (count > 1)
        *ret_share = sum > 0 ? own / sum : 1.0 / (double)count;
    return true;
}

/* Without some of the chosen, where the time limit leaves time to look; else *ret_is_known is false. */
static bool
likely_cost_without(Evidence *evidence, size_t q, Bits without, double *ret_cost, bool *ret_is_known,
                    Error *error)
{
    WhatIfAnswer answer;
    Bits used = bits_new(evidence->arena, evidence->candidates->count);
    *ret_is_known = !deadline_passed(evidence->context->deadline);
    if (!*ret_is_known)
        return true;
    if (!oracle_plan(evidence->oracle, q, without, &answer, &used, error))
        return false;
    *ret_cost = likely_cost_of(evidence, q, &answer, used);
    return true;
}

/* What would likely be lost without some of the chosen: what the others do not do as well. A share of the
 * workload in percent, NAN when the time limit ended before that was known. */
static bool
lost_percent(Evidence *evidence, Bits gone, double *ret_percent, Error *error)
{
    const Workload *workload = evidence->context->workload;
    Bits without = bits_copy(evidence->arena, evidence->result->chosen);
    for (size_t i = bits_next(gone, 0); i != SIZE_MAX; i = bits_next(gone, i + 1))
        bits_remove(without, i);
    double lost = 0;
    *ret_percent = NAN;
    for (size_t q = 0; q < workload->count; q++) {
        const WorkloadStatement *statement = &workload->statements[q];
        if (!statement->is_costed || !bits_meet(evidence->used[q], gone))
            continue;
        double cost;
        bool is_known;
        if (!likely_cost_without(evidence, q, without, &cost, &is_known, error))
            return false;
        if (!is_known)
            return true;
        lost += statement->weight * fmax(0, cost - likely_cost(evidence, q));
    }
    *ret_percent = workload->weighted_cost > 0 ? lost / workload->weighted_cost * 100 : NAN;
    return true;
}

static double
own_share_most(const Draft *draft)
{
    return draft->recommendation->improvement_percent * OWN_SHARE_TOLD;
}

/* Of two that do each other's work, the one to do without. */
static bool
is_lesser(const Draft *draft, const Draft *other)
{
    if (draft->own_percent != other->own_percent)
        return draft->own_percent < other->own_percent;
    if (draft->candidate->size_bytes != other->candidate->size_bytes)
        return draft->candidate->size_bytes > other->candidate->size_bytes;
    return draft->candidate->number > other->candidate->number;
}

/* Its own part is little only because of another one that is told to be little, too: without that it is not.
 */
static bool
is_needed_without(Evidence *evidence, const Draft *draft, const Draft *lesser, bool *ret_is_needed,
                  Error *error)
{
    Bits both = bits_new(evidence->arena, evidence->candidates->count);
    double lost;
    bits_add(both, draft->candidate->number);
    bits_add(both, lesser->candidate->number);
    if (!lost_percent(evidence, both, &lost, error))
        return false;
    *ret_is_needed = !(lost - lesser->own_percent < own_share_most(draft));
    return true;
}

/* Whoever does without both of two that stand for each other loses what they give. */
static bool
draft_tell_own(Evidence *evidence, const Drafts *drafts, Draft *draft, Error *error)
{
    bool is_needed = false;
    if (!(draft->own_percent < own_share_most(draft)))
        return true;
    for (size_t i = 0; !is_needed && i < drafts->count; i++) {
        const Draft *other = &drafts->items[i];
        if (other != draft && other->candidate->relation == draft->candidate->relation &&
            other->own_percent < own_share_most(other) && is_lesser(other, draft) &&
            !is_needed_without(evidence, draft, other, &is_needed, error))
            return false;
    }
    draft->is_told_of = !is_needed;
    return true;
}

static bool
recommendation_effects(Evidence *evidence, const Candidate *candidate, Recommendation *recommendation,
                       Error *error)
{
    const AdvisorContext *context = evidence->context;
    double objective = -candidate->write_cost;
    double saved_ms = 0;
    for (size_t q = 0; q < context->workload->count; q++) {
        const WorkloadStatement *statement = &context->workload->statements[q];
        if (!statement->is_costed || !bits_has(evidence->used[q], candidate->number))
            continue;
        double after = likely_cost(evidence, q);
        double share;
        if (!effect_share(evidence, q, candidate, &share, error))
            return false;
        double gain = search_gain(context, statement, statement->baseline_cost, after);
        if (gain == 0)
            continue;
        AdviceEffect effect = {.statement = statement,
                               .cost_before = statement->baseline_cost,
                               .cost_after = after,
                               .saved_ms = context->workload->has_times ? gain * share : NAN,
                               .plan_before = statement->baseline_plan,
                               .plan_after = evidence->answers[q].plan,
                               .is_generic = evidence->answers[q].is_generic};
        objective += gain * share;
        saved_ms += gain * share;
        if (gain > 0)
            vector_push(evidence->arena, &recommendation->gains, effect);
        else
            vector_push(evidence->arena, &recommendation->losses, effect);
    }
    double whole = context->workload->weighted_cost;
    recommendation->improvement_percent = whole > 0 ? objective / whole * 100 : 0;
    recommendation->write_cost_percent = whole > 0 ? candidate->write_cost / whole * 100 : 0;
    recommendation->saved_ms = context->workload->has_times ? saved_ms - candidate->write_cost : NAN;
    return true;
}

static void
effects_sort(AdviceEffectList *effects, int (*compare)(const void *, const void *))
{
    if (effects->count > 1)
        qsort(effects->items, effects->count, sizeof(*effects->items), compare);
    for (size_t i = PLANS_PER_RECOMMENDATION_MOST; i < effects->count; i++)
        effects->items[i].plan_before = effects->items[i].plan_after = NULL;
}

/* A plain B-tree by its keys alone; others with all that is special about them. */
static const char *
title_text(Arena *arena, const Candidate *candidate)
{
    if (candidate->method == CANDIDATE_BTREE)
        return candidate->text + strlen("btree ");
    return arena_printf(arena, "using %s", candidate->text);
}

/* Create and drop become one act, with one undo. */
static bool
recommendation_replace(Evidence *evidence, const Candidate *candidate, Recommendation *recommendation,
                       Error *error)
{
    Arena *arena = evidence->arena;
    const AdvisorContext *context = evidence->context;
    const SnapshotIndex *index;
    if (!index_replaced(evidence, candidate, &index, error))
        return false;
    if (index == NULL)
        return true;
    const char *old = pg_identifier_qualify(arena, index->schema, index->name);
    double whole = context->workload->weighted_cost;
    WriteCost saved = index_existing_write_cost(context, index);
    recommendation->kind = "replace_index";
    recommendation->replaced = index->name;
    recommendation->title = arena_printf(arena, "replace index %s on %s by one on %s", old,
                                         recommendation->relation, title_text(arena, candidate));
    recommendation->statement =
        arena_printf(arena, "%s\nDROP INDEX CONCURRENTLY %s;", recommendation->statement, old);
    recommendation->undo =
        arena_printf(arena, "%s\n%s", index_create_again(arena, index), recommendation->undo);
    recommendation->risk = ADVICE_RISK_MEDIUM;
    recommendation->write_wal_bytes -= saved.wal_bytes;
    recommendation->write_cost_percent -= whole > 0 ? saved.objective / whole * 100 : 0;
    recommendation->write_cost_low -= whole > 0 ? saved.objective_high / whole * 100 : 0;
    recommendation->write_cost_high -= whole > 0 ? saved.objective_low / whole * 100 : 0;
    recommendation->improvement_percent += whole > 0 ? saved.objective / whole * 100 : 0;
    recommendation->saved_ms += saved.ms;
    return true;
}

static bool
evidence_recommend(Evidence *evidence, const Candidate *candidate, Drafts *drafts, Error *error)
{
    Arena *arena = evidence->arena;
    const Snapshot *snapshot = evidence->context->snapshot;
    Recommendation *recommendation = ARENA_NEW(arena, Recommendation);
    const char *name = evidence->names[candidate->number];
    recommendation->advisor = "index";
    recommendation->kind = "create_index";
    recommendation->object_name = name;
    recommendation->relation =
        pg_identifier_qualify(arena, candidate->relation->schema, candidate->relation->name);
    recommendation->title = arena_printf(arena, "create an index on %s %s", recommendation->relation,
                                         title_text(arena, candidate));
    Draft draft = {.candidate = candidate, .recommendation = recommendation};
    index_scripts(arena, snapshot, candidate, name, evidence->taken, &draft.scripts);
    if (draft.scripts.completed_name != NULL)
        recommendation->object_name = draft.scripts.completed_name;
    recommendation->statement = draft.scripts.create;
    recommendation->undo = draft.scripts.undo;
    recommendation->risk = ADVICE_RISK_LOW;
    recommendation->size_bytes = candidate->size_bytes;
    WriteCost writes = index_write_cost_detail(evidence->context, candidate, &evidence->chosen);
    double whole = evidence->context->workload->weighted_cost;
    recommendation->write_cost_low = whole > 0 ? writes.objective_low / whole * 100 : 0;
    recommendation->write_cost_high = whole > 0 ? writes.objective_high / whole * 100 : 0;
    recommendation->write_wal_bytes = writes.wal_bytes;
    recommendation->hot_updates_lost = writes.hot_lost;
    Bits itself = bits_new(arena, evidence->candidates->count);
    bits_add(itself, candidate->number);
    if (!recommendation_effects(evidence, candidate, recommendation, error) ||
        !lost_percent(evidence, itself, &draft.own_percent, error) ||
        !recommendation_replace(evidence, candidate, recommendation, error))
        return false;
    effects_sort(&recommendation->gains, effect_compare_gain);
    effects_sort(&recommendation->losses, effect_compare_loss);
    recommendation->reason = recommendation_reason(evidence, candidate, recommendation);
    if (text_equals(recommendation->kind, "replace_index"))
        recommendation->reason = arena_printf(
            arena, "%s; it does all that the old index does, and no statement loses without that",
            recommendation->reason);
    vector_push(arena, drafts, draft);
    vector_push(arena, &evidence->advice->recommendations, recommendation);
    return true;
}

bool
index_evidence(const AdvisorContext *context, const CandidateSet *candidates, Oracle *oracle,
               const SearchResult *result, Advice *advice, Error *error)
{
    Evidence evidence = {.context = context,
                         .candidates = candidates,
                         .oracle = oracle,
                         .result = result,
                         .advice = advice,
                         .arena = context->arena,
                         .taken = map_new(context->arena),
                         .replaced = map_new(context->arena)};
    if (!evidence_ask(&evidence, error))
        return false;
    evidence_price(&evidence);
    evidence_name(&evidence);
    Drafts drafts = {0};
    for (size_t i = 0; i < candidates->count; i++) {
        if (bits_has(result->chosen, i)) {
            if (!evidence_recommend(&evidence, candidates->items[i], &drafts, error))
                return false;
        } else if (bits_has(result->harvested, i) || candidates->items[i]->is_refused) {
            evidence_reject_candidate(&evidence, candidates->items[i]);
        }
    }
    for (size_t i = 0; i < drafts.count; i++)
        if (!draft_tell_own(&evidence, &drafts, &drafts.items[i], error))
            return false;
    for (size_t i = 0; i < drafts.count; i++)
        recommendation_note(&evidence, &drafts.items[i]);
    evidence_reject_foreign_keys(&evidence);
    for (size_t q = 0; q < context->workload->count; q++) {
        const WorkloadStatement *statement = &context->workload->statements[q];
        evidence_reject_statement(&evidence, statement);
        if (statement->is_costed && evidence.answers[q].is_known)
            advice->cost_after -=
                search_gain(context, statement, statement->baseline_cost, likely_cost(&evidence, q));
    }
    for (size_t i = 0; i < candidates->count; i++)
        if (bits_has(result->chosen, i))
            advice->cost_after += candidates->items[i]->write_cost;
    advice->gap_percent = search_gap_confirmed(result, context->workload, evidence.answers);
    advice->is_cautious = result->is_cautious;
    advice->unreviewed_count = result->unreviewed_count;
    advice->unreviewed_index_count = result->unreviewed_index_count;
    advice->solver_failures = result->solver_failures;
    advice->solver_reason = result->solver_reason;
    advice->is_stopped_early = advice->is_stopped_early || result->is_stopped_early;
    return true;
}
