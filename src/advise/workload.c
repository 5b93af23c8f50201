// SPDX-License-Identifier: PostgreSQL
#include "advise/workload.h"

#include "advise/foreign_key.h"
#include "advise/write_pace.h"
#include "base/hash.h"
#include "snapshot/catalog.h"
#include "sql/plannable.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_BYTES 100
/* Look-ups of foreign keys that are added to the workload. */
#define CHECKS_MOST 200
/* Costed between two reports of progress. */
#define STATEMENTS_AT_ONCE 32

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

/* Asks about the statement as text, unless that is what was asked; when it can be planned so, this is the
 * question from now on. */
static bool
workload_statement_try(const WorkloadBuild *build, WorkloadStatement *statement, const char *text,
                       WhatIfAnswer *answer, Error *error)
{
    if (text == statement->question.text || answer->is_known)
        return true;
    WhatIfStatement question = statement->question;
    question.text = text;
    WhatIfAnswer typed = {0};
    if (!whatif_cost(build->whatif, build->arena, &question, true, &typed, error))
        return false;
    if (typed.is_known) {
        *answer = typed;
        statement->question = question;
    }
    return true;
}

/* A server that has nothing but "$1 + $2" or "ARRAY[$1]" to go by finds no operator, or takes what were
 * numbers for texts: the application had told it the types. The first ones under which the statement can be
 * planned are taken. */
static bool
workload_statement_type(const WorkloadBuild *build, WorkloadStatement *statement, WhatIfAnswer *answer,
                        Error *error)
{
    static const char *const types[][2] = {
        {"bigint", "bigint"}, {"timestamptz", "interval"}, {"numeric", "numeric"}, {"text", "text"}};
    static const char *const elements[] = {"integer", "bigint", "numeric", "boolean"};
    const char *text = statement->question.text;
    for (size_t i = 0; i < FETTLE_COUNT_OF(elements); i++)
        if (!workload_statement_try(build, statement, sql_arrays_typed(build->arena, text, elements[i]),
                                    answer, error))
            return false;
    for (size_t i = 0; i < FETTLE_COUNT_OF(types); i++)
        if (!workload_statement_try(build, statement,
                                    sql_parameters_typed(build->arena, text, types[i][0], types[i][1]),
                                    answer, error))
            return false;
    return true;
}

typedef struct PlanRelations {
    const WorkloadBuild *build;
    WhatIfStatement *question;
} PlanRelations;

/* A table that only the plan shows (behind a function that is put in the call's place) matters to what-if
 * questions too. Plans name it without its schema: all of that name count. */
static void
plan_relation_note(const PgPlanNode *node, const PgPlanNode *parent, void *context)
{
    (void)parent;
    const PlanRelations *relations = context;
    WhatIfStatement *question = relations->question;
    const Snapshot *snapshot = relations->build->snapshot;
    for (size_t i = 0; node->relation != NULL && i < snapshot->relation_count; i++) {
        const SnapshotRelation *relation = &snapshot->relations[i];
        if (relation->is_partition || !text_equals(relation->name, node->relation))
            continue;
        bool known = false;
        for (size_t k = 0; k < question->relation_count; k++)
            known = known || question->relation_ids[k] == relation->id;
        if (known)
            continue;
        uint32_t *ids = ARENA_NEW_ARRAY(relations->build->arena, uint32_t, question->relation_count + 1);
        for (size_t k = 0; k < question->relation_count; k++)
            ids[k] = question->relation_ids[k];
        ids[question->relation_count++] = relation->id;
        question->relation_ids = ids;
    }
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
    statement->baseline_sample_mask = answer.sample_mask;
    statement->baseline_plan = answer.plan;
    statement->is_generic = answer.is_generic;
    PlanRelations relations = {.build = build, .question = &statement->question};
    pg_plan_walk(answer.plan, plan_relation_note, &relations);
    bool has_time = build->workload->has_times && !isnan(statement->total_ms);
    if (!has_time)
        statement->weight = statement->source->calls;
    else if (answer.cost > 0)
        statement->weight = statement->total_ms / answer.cost;
    return true;
}

/* What is to be done with a statement of the snapshot. */
typedef enum StatementFate {
    STATEMENT_LEFT_OUT, /* no part of the workload: utility, or on system catalogs only */
    STATEMENT_KEPT,     /* with a reason why it has no cost */
    STATEMENT_COSTED,
} StatementFate;

/* Fills one statement but for its cost. */
static StatementFate
workload_statement_read(const WorkloadBuild *build, const SnapshotStatement *source,
                        WorkloadStatement *statement)
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
    if (kind == SQL_KIND_UNPARSED) {
        workload->unparsed_count++;
        statement->reason = sql_statement_reason_text(parsed);
        return STATEMENT_KEPT;
    }
    if (kind == SQL_KIND_UTILITY) {
        workload->utility_count++;
        return STATEMENT_LEFT_OUT;
    }
    if (analysis->use_count == 0) {
        if (analysis->unresolved_count == 0 || analysis->unresolved_first == NULL)
            workload->internal_count++;
        else
            statement->reason =
                arena_printf(build->arena, "no table called %s was found", analysis->unresolved_first);
        return analysis->unresolved_count > 0 ? STATEMENT_KEPT : STATEMENT_LEFT_OUT;
    }
    return STATEMENT_COSTED;
}

/* Adds some statements of the snapshot, which are costed several at once. */
static bool
workload_statements_add(const WorkloadBuild *build, const SnapshotStatement *sources, size_t count,
                        Error *error)
{
    Workload *workload = build->workload;
    WhatIfQuestion questions[STATEMENTS_AT_ONCE] = {0};
    WorkloadStatement *costed[STATEMENTS_AT_ONCE];
    size_t costed_count = 0;
    for (size_t i = 0; i < count; i++) {
        WorkloadStatement *statement = &workload->statements[workload->count];
        StatementFate fate = workload_statement_read(build, &sources[i], statement);
        statement->position = (size_t)(&sources[i] - build->snapshot->statements);
        workload->count += fate != STATEMENT_LEFT_OUT;
        if (fate != STATEMENT_COSTED)
            continue;
        questions[costed_count] = (WhatIfQuestion){.statement = &statement->question, .with_plan = true};
        costed[costed_count++] = statement;
    }
    whatif_expect(build->whatif, build->arena, questions, costed_count);
    for (size_t i = 0; i < costed_count; i++)
        if (!workload_statement_cost(build, costed[i], error))
            return false;
    return true;
}

/* The rows that a statement deletes or changes. */
static double
rows_changed(const SnapshotStatement *source)
{
    double rows = isnan(source->rows) || source->rows <= 0 ? source->calls : source->rows;
    return isnan(rows) || rows < 0 ? 0 : rows;
}

/* The look-up of one foreign key for the rows that one statement deletes, costed as a statement of its own.
 */
static bool
check_add(const WorkloadBuild *build, const WorkloadStatement *cause, const SnapshotConstraint *constraint,
          WorkloadStatement *statement, bool *ret_keep, Error *error)
{
    const char *text = foreign_key_lookup(build->arena, build->snapshot, constraint);
    *ret_keep = false;
    if (text == NULL)
        return true;
    SnapshotStatement *source = ARENA_NEW(build->arena, SnapshotStatement);
    *source = *cause->source;
    uint64_t hash = hash_combine(cause->source->query_hash, hash_text(text)) >> 1;
    source->query_hash = hash == 0 ? 1 : hash;
    source->query_id = 0;
    source->text = text;
    source->samples = NULL;
    source->sample_count = 0;
    source->calls = source->rows = rows_changed(cause->source);
    source->total_ms = NAN;
    source->mean_ms = NAN;
    if (workload_statement_read(build, source, statement) == STATEMENT_COSTED &&
        !workload_statement_cost(build, statement, error))
        return false;
    *ret_keep = statement->is_costed;
    statement->label =
        arena_printf(build->arena, "look-up of foreign key %s for: %s", constraint->name, cause->label);
    return true;
}

/* The cause's time holds that of its checks: each gets its part by what the planner says of it. */
static void
checks_share_time(WorkloadStatement *cause, WorkloadStatement *checks, size_t count)
{
    if (isnan(cause->total_ms) || cause->source->calls <= 0)
        return;
    double own = cause->baseline_cost * cause->source->calls;
    double whole = own;
    for (size_t i = 0; i < count; i++)
        whole += checks[i].baseline_cost * checks[i].source->calls;
    if (whole <= 0)
        return;
    double ms_per_unit = cause->total_ms / whole;
    for (size_t i = 0; i < count; i++) {
        checks[i].weight = ms_per_unit * checks[i].source->calls;
        checks[i].total_ms = checks[i].weight * checks[i].baseline_cost;
    }
    cause->weight = ms_per_unit * cause->source->calls;
    cause->total_ms = cause->weight * cause->baseline_cost;
}

/* After the statements themselves: what the server looks up for them in tables that refer to theirs. */
static bool
workload_checks_add(const WorkloadBuild *build, size_t room, Error *error)
{
    Workload *workload = build->workload;
    size_t count = workload->count;
    for (size_t q = 0; q < count; q++) {
        WorkloadStatement *cause = &workload->statements[q];
        size_t first = workload->count;
        for (size_t i = 0; cause->is_costed && i < build->snapshot->constraint_count; i++) {
            const SnapshotConstraint *constraint = &build->snapshot->constraints[i];
            if (workload->count >= room || !foreign_key_is_checked_by(constraint, cause->analysis) ||
                !foreign_key_lacks_index(build->snapshot, constraint))
                continue;
            bool keep;
            WorkloadStatement *statement = &workload->statements[workload->count];
            if (!check_add(build, cause, constraint, statement, &keep, error))
                return false;
            statement->position = build->snapshot->statement_count + workload->count;
            workload->count += keep;
        }
        checks_share_time(cause, &workload->statements[first], workload->count - first);
    }
    return true;
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

static int
number_compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

static double
typical_ms(const WorkloadBuild *build)
{
    const Workload *workload = build->workload;
    double *rates = ARENA_NEW_ARRAY(build->arena, double, workload->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < workload->count; i++) {
        const WorkloadStatement *statement = &workload->statements[i];
        double units = statement->is_costed ? statement->source->calls * statement->baseline_cost : 0;
        if (units > 0 && statement->total_ms > 0)
            rates[count++] = statement->total_ms / units;
    }
    if (count > 1)
        qsort(rates, count, sizeof(*rates), number_compare);
    return count == 0 ? NAN : rates[count / 2];
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

double
workload_risk_weight(const Workload *workload, const WorkloadStatement *statement)
{
    double typical = statement->source->calls * workload->typical_ms;
    return !isnan(statement->total_ms) && typical > statement->weight ? typical : statement->weight;
}

bool
workload_statement_compares(const WorkloadStatement *statement, const WhatIfAnswer *answer)
{
    return answer->is_known && answer->sample_mask == statement->baseline_sample_mask;
}

bool
workload_statement_may_use(const Snapshot *snapshot, const WorkloadStatement *statement, uint32_t relation_id)
{
    for (size_t i = 0; i < statement->question.relation_count; i++)
        if (snapshot_relations_overlap(snapshot, statement->question.relation_ids[i], relation_id))
            return true;
    return false;
}

bool
workload_prepare(Arena *arena, const Snapshot *snapshot, WhatIf *whatif, const WorkloadOptions *options,
                 const Workload **ret_workload, Error *error)
{
    Workload *workload = ARENA_NEW(arena, Workload);
    size_t count = snapshot->statement_count;
    if (options->statements_most > 0 && count > (size_t)options->statements_most)
        count = (size_t)options->statements_most;
    workload->statements = ARENA_NEW_ARRAY(arena, WorkloadStatement, count + CHECKS_MOST);
    for (size_t i = 0; i < count; i++)
        workload->has_times = workload->has_times || !isnan(snapshot->statements[i].total_ms);
    WorkloadBuild build = {.arena = arena,
                           .snapshot = snapshot,
                           .whatif = whatif,
                           .catalog = snapshot_catalog(arena, snapshot),
                           .workload = workload};
    for (size_t i = 0; i < count; i += STATEMENTS_AT_ONCE) {
        if (options->progress != NULL)
            options->progress(options->context, "costing the workload", (int64_t)i, (int64_t)count);
        size_t more = count - i < STATEMENTS_AT_ONCE ? count - i : STATEMENTS_AT_ONCE;
        if (!workload_statements_add(&build, &snapshot->statements[i], more, error))
            return false;
    }
    if (!foreign_key_lookups_are_counted(snapshot) &&
        !workload_checks_add(&build, count + CHECKS_MOST, error))
        return false;
    workload_total(workload);
    workload->typical_ms = typical_ms(&build);
    workload->write_pace = write_pace_measure(snapshot, workload);
    *ret_workload = workload;
    return true;
}
