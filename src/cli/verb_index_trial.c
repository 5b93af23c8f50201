// SPDX-License-Identifier: PostgreSQL
/*
 * A trial of life without an index.
 *
 * PostgreSQL 13 to 18 have no invisible indexes. The one way to hide an index from a running server's planner
 * is to write pg_index.indisvalid by hand, which takes a superuser, is not transactional for plans that are
 * cached, and makes the next pg_dump or REINDEX believe a lie. So the trial is held on the planner twin: each
 * statement of the workload is costed with the index and without it.
 */
#include "advise/workload.h"
#include "base/log.h"
#include "cli/table.h"
#include "cli/verb_index_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTICE_RATIO 1.01 /* a statement that costs so much more loses */

typedef struct TrialEffect {
    const WorkloadStatement *statement;
    double cost_with;
    double cost_without;
} TrialEffect;

VECTOR_DEFINE(TrialEffects, TrialEffect);

typedef struct Trial {
    TrialEffects effects;
    size_t statement_count; /* that read or write the table and have a cost */
    size_t unknown_count;   /* of them, that the planner did not plan without the index as with it */
} Trial;

static const SnapshotIndex *
index_find(const CliInput *input, const Snapshot *snapshot, const char *name, Error *error)
{
    const SnapshotIndex *found = NULL;
    const char *schema = cli_option(input, "schema");
    for (size_t i = 0; i < snapshot->index_count; i++) {
        const SnapshotIndex *index = &snapshot->indexes[i];
        if (!text_equals(index->name, name) || (schema != NULL && !text_equals(index->schema, schema)))
            continue;
        if (found != NULL) {
            (void)error_set(error, ERROR_INPUT, "index %s exists in several schemas", name);
            (void)error_set_hint(error, "say which by --schema");
            return NULL;
        }
        found = index;
    }
    if (found == NULL) {
        (void)error_set(error, ERROR_NOT_FOUND, "there is no index %s in database %s", name,
                        snapshot->database);
        if (strpbrk(name, ".\"") != NULL)
            (void)error_set_hint(error,
                                 "give the index's name alone, without quotes, and its schema by --schema");
    }
    return found;
}

static bool
statements_ask(CliInput *input, const CliSession *session, WhatIf *whatif, const Workload *workload,
               const SnapshotIndex *index, Trial *trial, Error *error)
{
    const Snapshot *snapshot = session->snapshot;
    for (size_t i = 0; i < workload->count; i++) {
        const WorkloadStatement *statement = &workload->statements[i];
        WhatIfAnswer answer;
        if (!statement->is_costed || !workload_statement_may_use(snapshot, statement, index->relation_id))
            continue;
        trial->statement_count++;
        session_progress(NULL, "asking the planner", (int64_t)i, (int64_t)workload->count);
        if (!whatif_cost(whatif, input->arena, &statement->question, false, &answer, error))
            return false;
        TrialEffect effect = {statement, statement->baseline_cost, answer.cost};
        bool is_comparable = workload_statement_compares(statement, &answer);
        trial->unknown_count += !is_comparable;
        if (is_comparable && answer.cost > statement->baseline_cost * NOTICE_RATIO)
            vector_push(input->arena, &trial->effects, effect);
    }
    return true;
}

static bool
trial_hold(CliInput *input, CliSession *session, const SnapshotIndex *index, Trial *trial, Error *error)
{
    FETTLE_CLEANUP(whatif_close_at) WhatIf *whatif = NULL;
    const Workload *workload;
    WhatIfChangeResult *results = NULL;
    WorkloadOptions options = {.statements_most =
                                   settings_get_int(input->settings, SETTING_ADVISE_STATEMENTS),
                               .progress = session_progress};
    WhatIfChange change = {.kind = WHATIF_DROP_INDEX, .relation_id = index->id};
    if (!whatif_over_twin(input->arena, session->twin, &whatif, error) ||
        !workload_prepare(input->arena, session->snapshot, whatif, &options, &workload, error) ||
        !whatif_begin(whatif, input->arena, &change, 1, &results, error))
        return false;
    if (!results[0].is_applied)
        return error_set(error, ERROR_UNSUPPORTED, "the twin cannot do without index %s: %s", index->name,
                         results[0].reason);
    if (!statements_ask(input, session, whatif, workload, index, trial, error) || !whatif_end(whatif, error))
        return false;
    if (trial->unknown_count > 0 && trial->unknown_count == trial->statement_count)
        return error_set(error, ERROR_UNSUPPORTED,
                         "nothing can be compared: the planner could not plan any statement on the table "
                         "without index %s as with it",
                         index->name);
    return true;
}

static int
effect_compare(const void *left, const void *right)
{
    const TrialEffect *a = left;
    const TrialEffect *b = right;
    double loss_a = (a->cost_without - a->cost_with) * a->statement->weight;
    double loss_b = (b->cost_without - b->cost_with) * b->statement->weight;
    if (loss_a != loss_b)
        return loss_a < loss_b ? 1 : -1;
    return (a->statement->position > b->statement->position) -
           (a->statement->position < b->statement->position);
}

static bool
trial_write(CliInput *input, const SnapshotIndex *index, Trial *trial, Error *error)
{
    static const CliColumn columns[] = {
        {"COST WITH", "cost_with", CLI_TEXT}, {"WITHOUT", "cost_without", CLI_TEXT},
        {"TIMES", "times_more", CLI_TEXT},    {"CALLS", "calls", CLI_TEXT},
        {"STATEMENT", "statement", CLI_TEXT}, {NULL, "query_hash", CLI_NUMBER},
    };
    Arena *arena = input->arena;
    bool as_json = cli_option(input, "json") != NULL;
    CliTable table = cli_table_new(arena, columns, FETTLE_COUNT_OF(columns));
    table.screen_columns = input->screen_columns;
    TrialEffects *effects = &trial->effects;
    if (effects->count > 1)
        qsort(effects->items, effects->count, sizeof(*effects->items), effect_compare);
    for (size_t i = 0; i < effects->count; i++) {
        const TrialEffect *effect = &effects->items[i];
        cli_table_text(&table, arena_printf(arena, "%.2f", effect->cost_with));
        cli_table_text(&table, arena_printf(arena, "%.2f", effect->cost_without));
        cli_table_text(&table, arena_printf(arena, "%.1f", effect->cost_without / effect->cost_with));
        cli_table_text(&table, arena_printf(arena, "%.0f", effect->statement->source->calls));
        cli_table_text(&table, effect->statement->label);
        cli_table_number(&table, (int64_t)effect->statement->source->query_hash);
    }
    Text text = text_new(arena);
    if (!as_json)
        text_append_format(
            &text,
            "PostgreSQL cannot hide an index from its planner; the trial was held on the twin, "
            "over %zu statement%s on the index's table.\n",
            trial->statement_count, trial->statement_count == 1 ? "" : "s");
    if (trial->unknown_count > 0 && !input->is_quiet)
        fprintf(stderr,
                "note: not compared, for the planner could not plan them without %s as with it: %zu of the "
                "statements\n",
                index->name, trial->unknown_count);
    const char *nothing =
        trial->statement_count == 0
            ? arena_printf(arena, "the workload has no statement on it: what %s is worth is not known\n",
                           index->name)
            : arena_printf(arena, "no statement%s of the workload would cost more without %s\n",
                           trial->unknown_count > 0 ? " that can be compared" : "", index->name);
    cli_table_append(&table, &text, as_json, nothing);
    return cli_write(input, text.data, text.length, error);
}

bool
index_trial_run(CliInput *input, int *ret_exit_status, Error *error)
{
    FETTLE_CLEANUP(session_close_at) CliSession session = {0};
    Trial trial = {0};
    CliInput reading = *input;
    reading.argument_count = 1;
    if (!index_target_resolve(input, input->arguments[1], &reading.arguments[0], error) ||
        !session_read(&reading, &session, error))
        return false;
    const SnapshotIndex *index = index_find(input, session.snapshot, input->arguments[2], error);
    if (index == NULL || !session_open_twin(input, &session, cli_option(input, "rebuild") != NULL, error))
        return false;
    if (!trial_hold(input, &session, index, &trial, error))
        return cluster_explain_failure(session.cluster, error);
    progress_clear();
    *ret_exit_status = trial.effects.count > 0 ? CLI_EXIT_ADVICE : CLI_EXIT_NOTHING;
    return trial_write(input, index, &trial, error);
}
