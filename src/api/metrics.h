// SPDX-License-Identifier: PostgreSQL
/*
 * MetricsRegistry: counters and gauges of the process, in Prometheus' text form.
 *
 * A metric is made once, with its documentation, and is a number that any thread may set or add to. What is
 * cheaper to read than to keep (sizes, queues) is set by a collector, which is called before each scrape.
 * Metrics live as long as the registry.
 *
 *     Metric *rounds = metrics_new(registry, METRICS_COUNTER, "fettle_collect_rounds_total", "rounds done",
 *                                  "outcome=\"ok\"");
 *     metric_add(rounds, 1);
 */
#ifndef FETTLE_API_METRICS_H
#define FETTLE_API_METRICS_H

#include "base/text.h"

#define METRICS_MOST 8000
#define METRICS_COLLECTORS_MOST 16

typedef struct MetricsRegistry MetricsRegistry;
typedef struct Metric Metric;

/* A histogram is its buckets (cumulative, with a label le), sum and count, each a metric of the same name. */
typedef enum MetricsKind {
    METRICS_COUNTER,
    METRICS_GAUGE,
    METRICS_HISTOGRAM_BUCKET,
    METRICS_HISTOGRAM_SUM,
    METRICS_HISTOGRAM_COUNT,
} MetricsKind;

MetricsRegistry *metrics_registry_new(void);
void metrics_registry_free(MetricsRegistry *registry); /* NULL is allowed */

/* labels: "name=\"value\",..." as it stands between braces, "" for none; texts are copied. Metrics of one
 * name share kind and documentation and are made one after the other. */
Metric *metrics_new(MetricsRegistry *registry, MetricsKind kind, const char *name, const char *documentation,
                    const char *labels);
void metric_add(Metric *metric, double more);
void metric_set(Metric *metric, double value);
double metric_value(const Metric *metric);

/* Called by metrics_write() before it writes, on its thread; it must not make metrics. A collector is called
 * for as long as its context is there: metrics_collector_remove() comes first. */
typedef void (*MetricsCollector)(void *context);
void metrics_collector_add(MetricsRegistry *registry, MetricsCollector collect, void *context);

void metrics_collector_remove(MetricsRegistry *registry, void *context);

void metrics_write(MetricsRegistry *registry, Text *text);

/* Metrics of the process itself: processor time, memory, open files, start. */
void metrics_process_add(MetricsRegistry *registry);

#endif
