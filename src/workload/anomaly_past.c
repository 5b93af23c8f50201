// SPDX-License-Identifier: PostgreSQL
#include "workload/anomaly_past.h"

#include "math/isolation_forest.h"
#include "math/statistics.h"
#include "workload/anomaly_job.h"

#include <math.h>

#define SEED 1
/* So many of the past steps, spread evenly, say what scores are usual. */
#define SCORED_MOST ((size_t)256)
#define JOB_STEPS_MOST ((int64_t)4096)
#define JOB_STEP_LEAST_US (INT64_C(60) * 1000000)

AnomalyStrangeness
anomaly_past_strangeness(Arena *arena, const StepList *past, AnomalyMetric metric,
                         const AnomalyBaseline *baseline, double deviation, bool with_shapes)
{
    ArenaMark mark = arena_mark(arena);
    AnomalyStream *stream = anomaly_stream_new(arena, with_shapes);
    for (size_t i = 0; i < past->count; i++) {
        AnomalyPoint point = {.at_us = past->items[i].ended_at_us, .value = past->items[i].figures[metric]};
        anomaly_stream_feed(stream, anomaly_deviation(baseline, metric, &point));
    }
    AnomalyStrangeness strangeness = anomaly_stream_add(stream, deviation);
    arena_rewind(arena, mark);
    return strangeness;
}

bool
anomaly_past_misses_job(Arena *arena, const StepList *past, int64_t step_us, AnomalyMetric metric,
                        const AnomalyBaseline *baseline, const AnomalyPoint *newest)
{
    if (past->count == 0 || step_us < JOB_STEP_LEAST_US)
        return false;
    int64_t last = newest->at_us / step_us;
    int64_t first = past->items[0].ended_at_us / step_us;
    if (last - first >= JOB_STEPS_MOST)
        first = last - JOB_STEPS_MOST + 1;
    if (first > last)
        return false;
    ArenaMark mark = arena_mark(arena);
    size_t count = (size_t)(last - first + 1);
    float *deviations = ARENA_NEW_ARRAY(arena, float, count);
    for (size_t i = 0; i < count; i++)
        deviations[i] = NAN;
    for (size_t i = 0; i < past->count; i++) {
        AnomalyPoint point = {.at_us = past->items[i].ended_at_us, .value = past->items[i].figures[metric]};
        int64_t step = point.at_us / step_us;
        if (step >= first && step <= last)
            deviations[step - first] = (float)anomaly_deviation(baseline, metric, &point);
    }
    deviations[count - 1] = (float)anomaly_deviation(baseline, metric, newest);
    AnomalyJobSeries series = {.deviations = deviations, .count = count, .first = first};
    AnomalyJob job = anomaly_job_find(arena, &series);
    bool is_missing = anomaly_job_is_missing(arena, &job, &series);
    arena_rewind(arena, mark);
    return is_missing;
}

static void
row_of(const StepFigures *step, float *ret_row)
{
    for (size_t metric = 0; metric < ANOMALY_METRIC_COUNT; metric++)
        ret_row[metric] = (float)anomaly_transform((AnomalyMetric)metric, step->figures[metric]);
}

AnomalyOddity
anomaly_past_oddity(Arena *arena, const StepList *past, const StepFigures *newest)
{
    AnomalyOddity oddity = {.cause = ANOMALY_METRIC_COUNT};
    if (past->count < ANOMALY_FOREST_ROWS_LEAST)
        return oddity;
    ArenaMark mark = arena_mark(arena);
    float row[ANOMALY_METRIC_COUNT];
    double scores[SCORED_MOST];
    float *rows = ARENA_NEW_ARRAY(arena, float, past->count *ANOMALY_METRIC_COUNT);
    for (size_t i = 0; i < past->count; i++)
        row_of(&past->items[i], rows + i * ANOMALY_METRIC_COUNT);
    IsolationForestOptions options = {
        .values = rows, .row_count = past->count, .column_count = ANOMALY_METRIC_COUNT, .seed = SEED};
    const IsolationForest *forest = isolation_forest_fit(arena, &options);
    size_t scored = past->count < SCORED_MOST ? past->count : SCORED_MOST;
    for (size_t i = 0; i < scored; i++)
        scores[i] = isolation_forest_score(forest, rows + i * past->count / scored * ANOMALY_METRIC_COUNT);
    row_of(newest, row);
    double drop;
    size_t cause = isolation_forest_cause(forest, row, &drop);
    oddity.is_known = true;
    oddity.score = isolation_forest_score(forest, row);
    oddity.quantile = statistics_quantile(scores, scored, ANOMALY_FOREST_QUANTILE);
    oddity.is_odd = oddity.score >= ANOMALY_FOREST_SCORE && oddity.score > oddity.quantile;
    if (drop > 0)
        oddity.cause = (AnomalyMetric)cause;
    arena_rewind(arena, mark);
    return oddity;
}
