// SPDX-License-Identifier: PostgreSQL
#include "workflow/index_analysis.h"

#include "base/file.h"
#include "sql/index_statement.h"
#include "sql/statement.h"
#include "whatif/twin.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COST_PER_COLUMN 10.0 /* percent, where the planner has no write statement to cost (contract, 9) */
#define MAINTENANCE_SHARE 0.03
#define PERCENT_MOST 100.0

static void
keys_of(Arena *arena, const SnapshotRelation *relation, const SnapshotIndex *index, bool included,
        TextList *ret_keys)
{
    for (size_t i = 0; i < index->column_count; i++) {
        const SnapshotIndexColumn *column = &index->columns[i];
        if (column->is_included != included)
            continue;
        const char *name = column->expression;
        if (column->attnum > 0 && (size_t)column->attnum <= relation->column_count)
            name = relation->columns[column->attnum - 1].name;
        vector_push(arena, ret_keys, name == NULL ? "" : name);
    }
}

bool
index_recommendation_of_finding(Arena *arena, const HygieneFinding *finding,
                                IndexRecommendation *ret_recommendation)
{
    if (!finding->is_proposed)
        return false;
    TextList columns = {0};
    TextList included = {0};
    const SnapshotIndex *index = finding->index;
    keys_of(arena, finding->relation, index, false, &columns);
    keys_of(arena, finding->relation, index, true, &included);
    double table_bytes = finding->relation->total_bytes > 0 ? (double)finding->relation->total_bytes : NAN;
    double benefit = finding->waste_bytes / table_bytes * PERCENT_MOST; /* of the table's space */
    *ret_recommendation = (IndexRecommendation){
        .schema_name = index->schema,
        .table_name = finding->relation->name,
        .index_name = index->name,
        .columns = columns.items,
        .column_count = columns.count,
        .index_type = index->method,
        .is_unique = index->is_unique,
        .predicate = index->predicate,
        .include_columns = included.items,
        .include_count = included.count,
        .type = finding->class == HYGIENE_BLOATED ? "modify" : "drop",
        .estimated_benefit = benefit > PERCENT_MOST ? PERCENT_MOST : benefit,
        .estimated_cost = 0,
        .confidence_score = finding->confidence,
        .affected_query_count = -1,
        .affected_total_time_ms = NAN,
        .usage_count = finding->scans,
        .last_used_at_us = finding->last_used_at_us,
        .size_bytes = isnan(finding->waste_bytes) ? -1 : (int64_t)finding->waste_bytes,
        .create_statement = finding->undo_sql != NULL ? finding->undo_sql : finding->act_sql,
        .reason = finding->reason,
        .was_invalid = finding->class == HYGIENE_INVALID};
    return true;
}

/* Of the table's reads and writes; 0 when nothing is known. */
static double
write_share(const SnapshotRelation *relation)
{
    if (relation == NULL || !relation->activity.is_known)
        return 0;
    const SnapshotActivity *activity = &relation->activity;
    double writes = (double)activity->tuples_inserted + (double)activity->tuples_updated +
                    (double)activity->tuples_deleted;
    double reads = (double)activity->sequential_scans + (double)activity->index_scans;
    return writes + reads > 0 ? writes / (writes + reads) : 0;
}

static double
total_ms_of(const AdviceEffectList *effects)
{
    double total = 0;
    for (size_t i = 0; i < effects->count; i++)
        total += effects->items[i].statement->total_ms;
    return total;
}

/* False: it is not worth its upkeep, or not made by one statement. */
static int
gain_order(const void *a, const void *b)
{
    double first = ((const AdviceEffect *)a)->saved_ms;
    double second = ((const AdviceEffect *)b)->saved_ms;
    if (isnan(first) || isnan(second))
        return isnan(first) - isnan(second);
    return (first < second) - (first > second);
}

/* The statements that gain, most first. */
static void
gains_take(Arena *arena, const AdviceEffectList *gains, IndexRecommendation *recommendation)
{
    AdviceEffect *ordered = ARENA_NEW_ARRAY(arena, AdviceEffect, gains->count);
    uint64_t *hashes = ARENA_NEW_ARRAY(arena, uint64_t, gains->count);
    for (size_t i = 0; i < gains->count; i++)
        ordered[i] = gains->items[i];
    if (gains->count > 1)
        qsort(ordered, gains->count, sizeof(*ordered), gain_order);
    for (size_t i = 0; i < gains->count; i++)
        hashes[i] = ordered[i].statement->source->query_hash;
    recommendation->query_hashes = hashes;
    recommendation->query_hash_count = gains->count;
}

bool
index_recommendation_of_advice(Arena *arena, const Snapshot *snapshot, const Recommendation *advised,
                               IndexRecommendation *ret_recommendation)
{
    SqlIndexStatement statement;
    Error unreadable = {0};
    size_t count = advised->replaced == NULL ? 1 : 2; /* what creates comes first */
    TextList statements = sql_split(arena, advised->statement, strlen(advised->statement), count + 1);
    if (statements.count != count ||
        !sql_index_statement_parse(arena, statements.items[0], &(SqlIndexNames){0}, &statement, &unreadable))
        return false;
    const SnapshotRelation *relation = snapshot_relation_named(snapshot, statement.schema, statement.table);
    double maintenance = write_share(relation) * MAINTENANCE_SHARE * PERCENT_MOST;
    if (!(advised->improvement_percent > 2 * maintenance))
        return false;
    double cost = advised->write_cost_percent;
    *ret_recommendation = (IndexRecommendation){
        .schema_name = statement.schema,
        .table_name = statement.table,
        .index_name = advised->replaced == NULL ? statement.name : advised->replaced,
        .columns = statement.columns.items,
        .column_count = statement.columns.count,
        .index_type = statement.method,
        .is_unique = statement.is_unique,
        .predicate = statement.predicate,
        .include_columns = statement.included.items,
        .include_count = statement.included.count,
        .type = advised->replaced == NULL ? "create" : "modify",
        .estimated_benefit = fmin(advised->improvement_percent, PERCENT_MOST),
        .estimated_cost =
            fmin(isnan(cost) ? COST_PER_COLUMN * (double)statement.columns.count : cost, PERCENT_MOST),
        .confidence_score = 0.8,
        .affected_query_count = (int64_t)advised->gains.count,
        .affected_total_time_ms = total_ms_of(&advised->gains),
        .size_bytes = isnan(advised->size_bytes) ? -1 : (int64_t)advised->size_bytes,
        .create_statement = statement.text,
        .reason = advised->reason};
    gains_take(arena, &advised->gains, ret_recommendation);
    return true;
}

static bool
cluster_for(const IndexManager *manager, Arena *arena, int major, Deadline deadline, Cluster **ret_cluster,
            Error *error)
{
    const Settings *settings = manager->settings;
    char *directory = arena_strdup(arena, settings_get_text(settings, SETTING_DATA_DIRECTORY));
    if (directory[0] == '\0' && !path_data_directory(arena, &directory, error))
        return false;
    ClusterOptions options = {.data_directory = directory,
                              .binaries_directory = settings_get_text(settings, SETTING_CLUSTER_BINARIES),
                              .preferred_major = major,
                              .shared_buffers_bytes =
                                  settings_get_int(settings, SETTING_CLUSTER_SHARED_BUFFERS),
                              .deadline = deadline};
    return cluster_open(&options, ret_cluster, error);
}

static bool
advise_over(const IndexManager *manager, Arena *arena, const Snapshot *snapshot, Cluster *cluster,
            Deadline deadline, const Advice **ret_advice, Error *error)
{
    FETTLE_CLEANUP(twin_close_at) Twin *twin = NULL;
    FETTLE_CLEANUP(whatif_close_at) WhatIf *whatif = NULL;
    const Settings *settings = manager->settings;
    TwinOptions options = {.statement_timeout_ms =
                               (int)settings_get_int(settings, SETTING_TWIN_STATEMENT_TIMEOUT)};
    WorkloadOptions workload = {.statements_most = settings_get_int(settings, SETTING_ADVISE_STATEMENTS)};
    AdvisorContext context = {.arena = arena,
                              .snapshot = snapshot,
                              .settings = settings,
                              .budget_bytes = INFINITY,
                              .deadline = deadline};
    Advice *advice = NULL;
    if (!twin_open(arena, cluster, snapshot, &options, &twin, error) ||
        !whatif_over_twin(arena, twin, &whatif, error))
        return false;
    whatif_set_sessions(whatif, (int)settings_get_int(settings, SETTING_ADVISE_SESSIONS));
    if (!workload_prepare(arena, snapshot, whatif, &workload, &context.workload, error))
        return false;
    if (context.workload->count == 0)
        return error_set(error, ERROR_INPUT, "no statement over tables of this database is on record");
    context.whatif = whatif;
    if (!advise_run(&context, "index", &advice, error))
        return false;
    *ret_advice = advice;
    return true;
}

static bool
advice_take(const IndexManager *manager, Arena *arena, const Snapshot *snapshot, Deadline deadline,
            const Advice **ret_advice, Error *error)
{
    Cluster *cluster = NULL;
    if (snapshot->statement_count == 0)
        return error_set(error, ERROR_INPUT, "%s",
                         snapshot->has_statements ? "no statement of this database is on record"
                                                  : "pg_stat_statements cannot be read");
    if (!cluster_for(manager, arena, snapshot->server_major, deadline, &cluster, error))
        return false;
    bool good = advise_over(manager, arena, snapshot, cluster, deadline, ret_advice, error);
    cluster_close(cluster);
    return good;
}

static void
recommendations_make(Arena *arena, const IndexAnalysis *analysis, IndexAnalysisKind kind,
                     IndexRecommendations *list, size_t *ret_skipped)
{
    const Advice *advice = analysis->advice;
    const HygieneFindings *findings = &analysis->review.findings;
    size_t advised = advice == NULL ? 0 : advice->recommendations.count;
    list->items = ARENA_NEW_ARRAY(arena, IndexRecommendation, advised + findings->count);
    for (size_t i = 0; i < advised; i++) {
        if (index_recommendation_of_advice(arena, analysis->review.snapshot, advice->recommendations.items[i],
                                           &list->items[list->count]))
            list->count++;
        else
            (*ret_skipped)++;
    }
    for (size_t i = 0; i < findings->count && kind != INDEX_ANALYSIS_MISSING; i++)
        if (index_recommendation_of_finding(arena, &findings->items[i], &list->items[list->count]))
            list->count++;
}

/* The kinds of recommendations that an analysis has looked for, as index_recommendations_write() takes them.
 */
static const char *
types_of(const IndexAnalysis *analysis, IndexAnalysisKind kind)
{
    if (kind == INDEX_ANALYSIS_UNUSED || (analysis->advice == NULL && kind == INDEX_ANALYSIS_FULL))
        return "{drop,modify}";
    if (kind == INDEX_ANALYSIS_MISSING)
        return analysis->advice == NULL ? "{}" : "{create,replace}";
    return "{create,drop,modify,replace}";
}

bool
index_analyze(const IndexManager *manager, Arena *arena, int64_t target_id, const char *database,
              IndexAnalysisKind kind, Deadline deadline, IndexAnalysis *ret_analysis, Error *error)
{
    IndexAnalysis analysis = {0};
    IndexReviewOptions options = {.database = database,
                                  .rare_scans = -1,
                                  .with_workload = kind != INDEX_ANALYSIS_UNUSED,
                                  .deadline = deadline};
    if (deadline == 0)
        deadline = deadline_after_ms(settings_get_int(manager->settings, SETTING_ADVISE_TIME) +
                                     settings_get_int(manager->settings, SETTING_ADVISE_WATCH));
    if (!index_review_take(manager, arena, target_id, &options, &analysis.review, error))
        return false;
    Error failure = {0};
    if (kind != INDEX_ANALYSIS_UNUSED &&
        !advice_take(manager, arena, analysis.review.snapshot, deadline, &analysis.advice, &failure))
        analysis.advice_failure = arena_strdup(arena, failure.message);
    recommendations_make(arena, &analysis, kind, &analysis.recommendations, &analysis.skipped_count);
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    if (!store_session_take(manager->store, 0, &session, error) ||
        !index_recommendations_write(session.connection, arena, &analysis.recommendations, target_id,
                                     analysis.review.database, types_of(&analysis, kind), error))
        return false;
    *ret_analysis = analysis;
    return true;
}
