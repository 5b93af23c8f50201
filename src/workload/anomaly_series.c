// SPDX-License-Identifier: PostgreSQL
#include "workload/anomaly_series.h"

#include "base/list.h"
#include "base/map.h"
#include "store/sample_read.h"

#include <math.h>

/* Below so many blocks a share of them says nothing. */
#define BLOCKS_LEAST 50

_Static_assert(ANOMALY_METRIC_COUNT == ANOMALY_FIGURES, "figures are the metrics");
_Static_assert(ANOMALY_LOCKS == ANOMALY_FIGURES - ANOMALY_ROUND_FIGURES, "the rounds' metrics are the last");

typedef enum Sum { CALLS, ROWS, EXEC_MS, IO_MS, HIT, READ, TEMP, OBSERVED, SUMS } Sum;

typedef struct Sums {
    int64_t query_hash;
    float *values; /* step by step */
} Sums;

VECTOR_DEFINE(SumsList, Sums *);

/* Of the statements of one reading: steps x statements are bounded, for a first look has many of both. */
#define STATEMENTS_BYTES ((size_t)512 * 1024 * 1024)

typedef struct Reading {
    Arena *arena;
    const AnomalySeriesOptions *options;
    size_t step_count;
    size_t most; /* statements; of the others only the target's sums know */
    int64_t step_us;
    Map *by_hash;
    SumsList list;
    Sums target;
} Reading;

static Sums *
sums_new(Reading *reading, int64_t query_hash)
{
    Sums *sums = ARENA_NEW(reading->arena, Sums);
    sums->query_hash = query_hash;
    sums->values = ARENA_NEW_ARRAY(reading->arena, float, reading->step_count *SUMS);
    map_put_id(reading->by_hash, (uint64_t)query_hash, sums);
    vector_push(reading->arena, &reading->list, sums);
    return sums;
}

static void
sums_add(Sums *sums, size_t step, const SamplePoint *point)
{
    const int64_t *counters = point->counters;
    const double values[SUMS] = {
        [CALLS] = (double)counters[SAMPLE_CALLS],
        [ROWS] = (double)counters[SAMPLE_ROWS],
        [EXEC_MS] = (double)counters[SAMPLE_EXEC_US] / 1000,
        [IO_MS] = (double)(counters[SAMPLE_READ_US] + counters[SAMPLE_WRITE_US]) / 1000,
        [HIT] = (double)counters[SAMPLE_SHARED_HIT],
        [READ] = (double)counters[SAMPLE_SHARED_READ],
        [TEMP] = (double)(counters[SAMPLE_TEMP_READ] + counters[SAMPLE_TEMP_WRITTEN])};
    float *cells = sums->values + step * SUMS;
    for (size_t i = 0; i < OBSERVED; i++)
        cells[i] += (float)values[i];
    cells[OBSERVED] = fmaxf(cells[OBSERVED], (float)point->observed_seconds);
}

static void
series_visit(const SampleSeries *series, void *context)
{
    Reading *reading = context;
    Sums *sums = map_get_id(reading->by_hash, (uint64_t)series->query_hash);
    if (sums == NULL && reading->options->hashes == NULL && reading->list.count < reading->most)
        sums = sums_new(reading, series->query_hash);
    for (size_t i = 0; i < series->count; i++) {
        int64_t offset_us = series->points[i].to_us - reading->options->range.from_us;
        if (offset_us <= 0 || offset_us > (int64_t)reading->step_count * reading->step_us)
            continue;
        size_t step = (size_t)((offset_us - 1) / reading->step_us);
        sums_add(&reading->target, step, &series->points[i]);
        if (sums != NULL)
            sums_add(sums, step, &series->points[i]);
    }
}

/* One step's metrics out of its sums; stride: from one metric to the next. */
static void
step_metrics(const float *cells, double *values, size_t stride)
{
    double calls = (double)cells[CALLS];
    double observed = (double)cells[OBSERVED];
    double touched = (double)cells[HIT] + (double)cells[READ];
    for (size_t metric = 0; metric < ANOMALY_METRIC_COUNT; metric++)
        values[metric * stride] = NAN;
    if (!(observed > 0))
        return;
    values[ANOMALY_CALLS * stride] = calls / observed;
    values[ANOMALY_EXEC_MS * stride] = (double)cells[EXEC_MS] / observed;
    if (!(calls > 0))
        return;
    values[ANOMALY_MEAN_MS * stride] = (double)cells[EXEC_MS] / calls;
    values[ANOMALY_IO_MS * stride] = (double)cells[IO_MS] / calls;
    values[ANOMALY_READ * stride] = ((double)cells[READ] + (double)cells[TEMP]) / calls;
    values[ANOMALY_TOUCHED * stride] = touched / calls;
    values[ANOMALY_ROWS * stride] = (double)cells[ROWS] / calls;
    if (touched >= BLOCKS_LEAST)
        values[ANOMALY_HIT_RATIO * stride] = (double)cells[HIT] / touched;
}

static AnomalySteps
steps_of(const Reading *reading, const Sums *sums)
{
    size_t count = reading->step_count;
    AnomalySteps steps = {.query_hash = sums->query_hash,
                          .calls = ARENA_NEW_ARRAY(reading->arena, double, count),
                          .exec_ms = ARENA_NEW_ARRAY(reading->arena, double, count),
                          .values = ARENA_NEW_ARRAY(reading->arena, double, count *ANOMALY_METRIC_COUNT)};
    for (size_t step = 0; step < count; step++) {
        const float *cells = sums->values + step * SUMS;
        steps.calls[step] = (double)cells[CALLS];
        steps.exec_ms[step] = (double)cells[EXEC_MS];
        step_metrics(cells, steps.values + step, count);
    }
    return steps;
}

static bool
rounds_add(PgConnection *session, Arena *arena, const AnomalySeriesOptions *options, AnomalySeries *series,
           Error *error)
{
    StepList rounds;
    if (!anomaly_metric_steps_read(session, arena, &options->range, &rounds, error))
        return false;
    for (size_t i = 0; i < rounds.count; i++) {
        size_t step = (size_t)((rounds.items[i].ended_at_us - series->from_us - 1) / series->step_us);
        if (step >= series->step_count)
            continue;
        for (size_t metric = ANOMALY_LOCKS; metric < ANOMALY_METRIC_COUNT; metric++)
            series->target.values[metric * series->step_count + step] = rounds.items[i].figures[metric];
    }
    return true;
}

bool
anomaly_series_read(PgConnection *session, Arena *arena, const AnomalySeriesOptions *options,
                    AnomalySeries *ret_series, Error *error)
{
    const StepRange *range = &options->range;
    int64_t step_us = range->step_ms * 1000;
    Reading reading = {.arena = arena,
                       .options = options,
                       .step_us = step_us,
                       .step_count = (size_t)((range->to_us - range->from_us) / step_us),
                       .by_hash = map_new(arena)};
    SampleRange samples = {.target_id = range->target_id,
                           .from_us = range->from_us,
                           .to_us = range->to_us,
                           .step_ms = range->step_ms};
    size_t bytes = reading.step_count * (SUMS * sizeof(float) + (2 + ANOMALY_METRIC_COUNT) * sizeof(double));
    reading.most = bytes == 0 ? 0 : STATEMENTS_BYTES / bytes;
    reading.target.values = ARENA_NEW_ARRAY(arena, float, reading.step_count *SUMS);
    for (size_t i = 0; i < options->hash_count; i++)
        (void)sums_new(&reading, options->hashes[i]);
    if (!sample_series_walk(session, &samples, series_visit, &reading, error))
        return false;
    AnomalySeries series = {.from_us = range->from_us,
                            .step_us = step_us,
                            .step_count = reading.step_count,
                            .statements = ARENA_NEW_ARRAY(arena, AnomalySteps, reading.list.count),
                            .statement_count = reading.list.count,
                            .target = steps_of(&reading, &reading.target)};
    for (size_t i = 0; i < reading.list.count; i++)
        series.statements[i] = steps_of(&reading, reading.list.items[i]);
    if (!rounds_add(session, arena, options, &series, error))
        return false;
    *ret_series = series;
    return true;
}

size_t
anomaly_series_points(const AnomalySeries *series, const AnomalySteps *steps, AnomalyMetric metric,
                      AnomalyPoint *ret_points)
{
    size_t count = 0;
    const double *values = steps->values + metric * series->step_count;
    for (size_t step = 0; step < series->step_count; step++)
        if (isfinite(values[step]))
            ret_points[count++] = (AnomalyPoint){
                .at_us = series->from_us + (int64_t)(step + 1) * series->step_us, .value = values[step]};
    return count;
}
