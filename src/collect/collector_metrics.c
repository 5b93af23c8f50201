// SPDX-License-Identifier: PostgreSQL
#include "collect/collector_internal.h"

#include <math.h>

/* NAN for what is not known, or was reset. */
static double
increase(double before, double now)
{
    double more = now - before;
    return more >= 0 ? more : NAN;
}

static void
rates_make(const CollectorRound *round, double *values)
{
    const SourceMetrics *before = &round->collector->metrics;
    const SourceMetrics *now = &round->metrics;
    double seconds = (double)round->report->interval_ms / 1000;
    for (size_t i = 0; i < METRIC_COUNT; i++)
        if (metric_info((MetricId)i)->kind == METRIC_RATE)
            values[i] = increase(before->values[i], now->values[i]) / seconds;
    double hit = increase(before->values[METRIC_BLOCKS_HIT], now->values[METRIC_BLOCKS_HIT]);
    double read = increase(before->values[METRIC_BLOCKS_READ], now->values[METRIC_BLOCKS_READ]);
    values[METRIC_CACHE_HIT_RATIO] = hit + read > 0 ? hit / (hit + read) : NAN;
    double ticks = increase(before->cpu_all_ticks, now->cpu_all_ticks);
    values[METRIC_CPU] = ticks > 0 ? increase(before->cpu_busy_ticks, now->cpu_busy_ticks) / ticks : NAN;
}

void
collector_metrics_make(CollectorRound *round)
{
    Collector *collector = round->collector;
    CollectorPending *pending = round->pending;
    MetricRound *metrics = &pending->metrics;
    *metrics = (MetricRound){.target_id = collector->target_id,
                             .collected_at_us = round->report->collected_at_us,
                             .interval_ms = round->report->interval_ms};
    if (pending->state.has_reset_info)
        round->metrics.values[METRIC_STATEMENTS_EVICTED] = (double)pending->state.statements_evicted;
    for (size_t i = 0; i < METRIC_COUNT; i++)
        metrics->values[i] = metric_info((MetricId)i)->kind == METRIC_GAUGE ? round->metrics.values[i] : NAN;
    bool goes_on = collector->has_metrics && round->report->interval_ms > 0 &&
                   collector->metrics_state.started_at_us == pending->state.started_at_us;
    if (goes_on)
        rates_make(round, metrics->values);
    if (pending->has_statements && !pending->read.is_cut && collector->target.database_count == 0)
        metrics->values[METRIC_STATEMENTS] = (double)pending->read.count;
    metrics->values[METRIC_ROUND_MS] = (double)round->report->server_time_us / 1000;
}
