// SPDX-License-Identifier: PostgreSQL
#include "advise/index/write_cost.h"

#include <math.h>

#define INSERT_MS_PER_ROW 0.004
#define HOT_LOST_MS_PER_ROW 0.005
/* Without measured times the objective is in planner units; a cached simple lookup of 8 units takes about
 * 0.02 ms. */
#define COST_UNITS_PER_MS 400.0

static bool
use_writes_key(const SqlRelationUse *use, const Candidate *candidate)
{
    for (size_t i = 0; i < use->written_column_count; i++)
        for (size_t k = 0; k < candidate->key_count; k++)
            if (candidate->keys[k].attnum == use->written_columns[i] || candidate->keys[k].attnum == 0)
                return true;
    return false;
}

static double
hot_share(const SnapshotRelation *relation)
{
    const SnapshotActivity *activity = &relation->activity;
    if (!activity->is_known || activity->tuples_updated <= 0)
        return 0.5;
    double share = (double)activity->tuples_hot_updated / (double)activity->tuples_updated;
    return share > 1 ? 1 : share;
}

static double
rows_written(const WorkloadStatement *statement)
{
    double rows = statement->source->rows;
    if (isnan(rows) || rows <= 0)
        rows = statement->source->calls;
    return isnan(rows) || rows < 0 ? 0 : rows;
}

double
index_write_cost(const AdvisorContext *context, const Candidate *candidate)
{
    const Workload *workload = context->workload;
    double cost_ms = 0;
    for (size_t q = 0; q < workload->count; q++) {
        const SqlAnalysis *analysis = workload->statements[q].analysis;
        for (size_t u = 0; u < analysis->use_count; u++) {
            const SqlRelationUse *use = &analysis->uses[u];
            if (!use->is_write_target || use->relation_id != candidate->relation->id)
                continue;
            double rows = rows_written(&workload->statements[q]);
            double hot = hot_share(candidate->relation);
            double other_indexes = (double)candidate->relation->indexes.count;
            if (analysis->kind == SQL_KIND_INSERT || analysis->kind == SQL_KIND_MERGE)
                cost_ms += rows * INSERT_MS_PER_ROW;
            else if (analysis->kind == SQL_KIND_UPDATE && use_writes_key(use, candidate))
                cost_ms += rows * (INSERT_MS_PER_ROW +
                                   hot * (HOT_LOST_MS_PER_ROW + other_indexes * INSERT_MS_PER_ROW));
            else if (analysis->kind == SQL_KIND_UPDATE)
                cost_ms += rows * (1 - hot) * INSERT_MS_PER_ROW;
        }
    }
    return workload->has_times ? cost_ms : cost_ms * COST_UNITS_PER_MS;
}
