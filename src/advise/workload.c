// SPDX-License-Identifier: PostgreSQL
#include "advise/workload.h"

#include "sql/plannable.h"

#include "base/hash.h"
#include "snapshot/catalog.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_BYTES 100

typedef struct WorkloadBuild {
    Arena *arena;
    const Snapshot *snapshot;
    WhatIf *whatif;
    SqlCatalog catalog;
    Workload *workload;
} WorkloadBuild;

/* One line of at most LABEL_BYTES: white space folded, cut at a character with an ellipsis. */
static const char *
workload_label(Arena *arena, const char *text)
{
    Text label = text_new(arena);
    bool space = false;
    for (const char *at = text; *at != '\0'; at++) {
        bool is_space = *at == ' ' || *at == '\n' || *at == '\t' || *at == '\r';
        if (!is_space) {
            if (space && label.length > 0)
                text_append_char(&label, ' ');
            text_append_char(&label, *at);
        }
        space = is_space;
        bool at_character_end = ((unsigned char)at[1] & 0xC0) != 0x80;
        if (label.length >= LABEL_BYTES - 4 && at_character_end && at[1] != '\0') {
            text_append(&label, "…");
            break;
        }
    }
    return label.data;
}

/* The distinct base tables of an analysis, in order of first use. */
static void
workload_relations(Arena *arena, const SqlAnalysis *analysis, WhatIfStatement *question)
{
    uint32_t *ids = ARENA_NEW_ARRAY(arena, uint32_t, analysis->use_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < analysis->use_count; i++) {
        bool known = false;
        for (size_t k = 0; k < count; k++)
            known = known || ids[k] == analysis->uses[i].relation_id;
        if (!known)
            ids[count++] = analysis->uses[i].relation_id;
    }
    question->relation_ids = ids;
    question->relation_count = count;
}

/* A server that has nothing but "$1 + $2" to go by finds no operator: the application had told it the types.
 * The first types under which the statement can be planned are taken. */
static bool
workload_statement_type(const WorkloadBuild *build, WorkloadStatement *statement, WhatIfAnswer *answer,
                        Error *error)
{
    static const char *const types[][2] = {
        {"bigint", "bigint"}, {"timestamptz", "interval"}, {"numeric", "numeric"}, {"text", "text"}};
    WhatIfStatement question = statement->question;
    for (size_t i = 0; i < FETTLE_COUNT_OF(types) && !answer->is_known; i++) {
        WhatIfAnswer typed = {0};
        question.text =
            sql_parameters_typed(build->arena, statement->question.text, types[i][0], types[i][1]);
        if (question.text == statement->question.text)
            return true;
        if (!whatif_cost(build->whatif, build->arena, &question, true, &typed, error))
            return false;
        if (typed.is_known)
            *answer = typed;
    }
    if (answer->is_known)
        statement->question = question;
    return true;
}

static bool
workload_statement_cost(const WorkloadBuild *build, WorkloadStatement *statement, Error *error)
{
    WhatIfAnswer answer = {0};
    if (!whatif_cost(build->whatif, build->arena, &statement->question, true, &answer, error) ||
        (!answer.is_known && !workload_statement_type(build, statement, &answer, error)))
        return false;
    if (!answer.is_known) {
        statement->reason = answer.reason;
        return true;
    }
    statement->is_costed = true;
    statement->baseline_cost = answer.cost;
    statement->baseline_plan = answer.plan;
    statement->is_generic = answer.is_generic;
    bool has_time = build->workload->has_times && !isnan(statement->total_ms);
    if (!has_time)
        statement->weight = statement->source->calls;
    else if (answer.cost > 0)
        statement->weight = statement->total_ms / answer.cost;
    return true;
}

/* Fills one statement; *ret_keep is false for what is no part of the workload (utility, system catalogs
 * only). */
static bool
workload_statement_add(const WorkloadBuild *build, const SnapshotStatement *source,
                       WorkloadStatement *statement, bool *ret_keep, Error *error)
{
    Workload *workload = build->workload;
    SqlStatement *parsed = sql_statement_parse(build->arena, source->text, strlen(source->text));
    const SqlAnalysis *analysis = sql_analyze(build->arena, parsed, &build->catalog);
    *statement = (WorkloadStatement){.source = source,
                                     .parsed = parsed,
                                     .analysis = analysis,
                                     .total_ms = source->total_ms,
                                     .label = workload_label(build->arena, source->text)};
    statement->question = (WhatIfStatement){
        .text = sql_statement_text(parsed), .samples = source->samples, .sample_count = source->sample_count};
    workload_relations(build->arena, analysis, &statement->question);
    SqlKind kind = sql_statement_kind(parsed);
    *ret_keep = true;
    if (kind == SQL_KIND_UNPARSED) {
        workload->unparsed_count++;
        statement->reason = sql_statement_reason_text(parsed);
        return true;
    }
    if (kind == SQL_KIND_UTILITY) {
        *ret_keep = false;
        workload->utility_count++;
        return true;
    }
    if (analysis->use_count == 0) {
        *ret_keep = analysis->unresolved_count > 0;
        if (analysis->unresolved_count == 0 || analysis->unresolved_first == NULL)
            workload->internal_count++;
        else
            statement->reason =
                arena_printf(build->arena, "no table called %s was found", analysis->unresolved_first);
        return true;
    }
    return workload_statement_cost(build, statement, error);
}

static double
workload_objective(const WorkloadStatement *statement)
{
    return statement->weight * statement->baseline_cost;
}

static int
workload_statement_compare(const void *left, const void *right)
{
    const WorkloadStatement *a = left;
    const WorkloadStatement *b = right;
    double first = workload_objective(a);
    double second = workload_objective(b);
    if (first != second)
        return first > second ? -1 : 1;
    return a->position < b->position ? -1 : 1;
}

static void
workload_total(Workload *workload)
{
    qsort(workload->statements, workload->count, sizeof(*workload->statements), workload_statement_compare);
    double costed_ms = 0;
    double all_ms = 0;
    for (size_t i = 0; i < workload->count; i++) {
        WorkloadStatement *statement = &workload->statements[i];
        statement->position = i;
        workload->costed_count += statement->is_costed;
        workload->weighted_cost += workload_objective(statement);
        if (isnan(statement->total_ms))
            continue;
        all_ms += statement->total_ms;
        costed_ms += statement->is_costed ? statement->total_ms : 0;
    }
    workload->covered_time_share = workload->has_times && all_ms > 0 ? costed_ms / all_ms : NAN;
}

bool
workload_prepare(Arena *arena, const Snapshot *snapshot, WhatIf *whatif, const WorkloadOptions *options,
                 const Workload **ret_workload, Error *error)
{
    Workload *workload = ARENA_NEW(arena, Workload);
    size_t count = snapshot->statement_count;
    if (options->statements_most > 0 && count > (size_t)options->statements_most)
        count = (size_t)options->statements_most;
    workload->statements = ARENA_NEW_ARRAY(arena, WorkloadStatement, count);
    for (size_t i = 0; i < count; i++)
        workload->has_times = workload->has_times || !isnan(snapshot->statements[i].total_ms);
    WorkloadBuild build = {.arena = arena,
                           .snapshot = snapshot,
                           .whatif = whatif,
                           .catalog = snapshot_catalog(arena, snapshot),
                           .workload = workload};
    for (size_t i = 0; i < count; i++) {
        if (options->progress != NULL)
            options->progress(options->context, "costing the workload", (int64_t)i, (int64_t)count);
        bool keep = false;
        WorkloadStatement *statement = &workload->statements[workload->count];
        if (!workload_statement_add(&build, &snapshot->statements[i], statement, &keep, error))
            return false;
        statement->position = i;
        workload->count += keep;
    }
    workload_total(workload);
    *ret_workload = workload;
    return true;
}
