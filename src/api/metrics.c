// SPDX-License-Identifier: PostgreSQL
#include "api/metrics.h"

#include "base/clock.h"

#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define REGISTRY_BYTES ((size_t)4 * 1024 * 1024)

struct Metric {
    MetricsKind kind;
    const char *name;
    const char *documentation;
    const char *labels;
    _Atomic double value;
};

typedef struct Collector {
    MetricsCollector collect;
    void *context;
} Collector;

struct MetricsRegistry {
    pthread_mutex_t mutex;
    Arena *arena;
    Metric *metrics[METRICS_MOST];
    size_t metric_count;
    Collector collectors[METRICS_COLLECTORS_MOST];
    size_t collector_count;
    Metric *process[4];
};

MetricsRegistry *
metrics_registry_new(void)
{
    MetricsRegistry *registry = calloc(1, sizeof(*registry));
    fettle_assert(registry != NULL);
    registry->arena = arena_new("metrics", REGISTRY_BYTES);
    pthread_mutex_init(&registry->mutex, NULL);
    return registry;
}

void
metrics_registry_free(MetricsRegistry *registry)
{
    if (registry == NULL)
        return;
    pthread_mutex_destroy(&registry->mutex);
    arena_free(registry->arena);
    free(registry);
}

Metric *
metrics_new(MetricsRegistry *registry, MetricsKind kind, const char *name, const char *documentation,
            const char *labels)
{
    pthread_mutex_lock(&registry->mutex);
    fettle_assert(registry->metric_count < METRICS_MOST);
    Metric *metric = ARENA_NEW(registry->arena, Metric);
    metric->kind = kind;
    metric->name = arena_strdup(registry->arena, name);
    metric->documentation = arena_strdup(registry->arena, documentation);
    metric->labels = arena_strdup(registry->arena, labels);
    registry->metrics[registry->metric_count++] = metric;
    pthread_mutex_unlock(&registry->mutex);
    return metric;
}

void
metric_add(Metric *metric, double more)
{
    double before = atomic_load(&metric->value);
    while (!atomic_compare_exchange_weak(&metric->value, &before, before + more))
        ;
}

void
metric_set(Metric *metric, double value)
{
    atomic_store(&metric->value, value);
}

double
metric_value(const Metric *metric)
{
    return atomic_load(&metric->value);
}

void
metrics_collector_add(MetricsRegistry *registry, MetricsCollector collect, void *context)
{
    pthread_mutex_lock(&registry->mutex);
    fettle_assert(registry->collector_count < METRICS_COLLECTORS_MOST);
    registry->collectors[registry->collector_count++] = (Collector){collect, context};
    pthread_mutex_unlock(&registry->mutex);
}

void
metrics_collector_remove(MetricsRegistry *registry, void *context)
{
    pthread_mutex_lock(&registry->mutex);
    size_t kept = 0;
    for (size_t i = 0; i < registry->collector_count; i++)
        if (registry->collectors[i].context != context)
            registry->collectors[kept++] = registry->collectors[i];
    registry->collector_count = kept;
    pthread_mutex_unlock(&registry->mutex);
}

static void
number_write(Text *text, double value)
{
    if (isnan(value))
        text_append(text, "NaN");
    else if (isinf(value))
        text_append(text, value > 0 ? "+Inf" : "-Inf");
    else
        text_append_format(text, "%.17g", value);
}

static const struct {
    const char *type;
    const char *suffix;
} kind_words[] = {
    [METRICS_COUNTER] = {"counter", ""},
    [METRICS_GAUGE] = {"gauge", ""},
    [METRICS_HISTOGRAM_BUCKET] = {"histogram", "_bucket"},
    [METRICS_HISTOGRAM_SUM] = {"histogram", "_sum"},
    [METRICS_HISTOGRAM_COUNT] = {"histogram", "_count"},
};

void
metrics_write(MetricsRegistry *registry, Text *text)
{
    pthread_mutex_lock(&registry->mutex);
    for (size_t i = 0; i < registry->collector_count; i++)
        registry->collectors[i].collect(registry->collectors[i].context);
    const char *name = "";
    for (size_t i = 0; i < registry->metric_count; i++) {
        const Metric *metric = registry->metrics[i];
        if (strcmp(metric->name, name) != 0)
            text_append_format(text, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->documentation,
                               metric->name, kind_words[metric->kind].type);
        name = metric->name;
        text_append_format(text, "%s%s", metric->name, kind_words[metric->kind].suffix);
        if (metric->labels[0] != '\0')
            text_append_format(text, "{%s}", metric->labels);
        text_append_char(text, ' ');
        number_write(text, metric_value(metric));
        text_append_char(text, '\n');
    }
    pthread_mutex_unlock(&registry->mutex);
}

static double
resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long pages = -1;
    if (file != NULL) {
        char line[128];
        char *end;
        if (fgets(line, sizeof(line), file) != NULL) {
            (void)strtol(line, &end, 10);
            pages = strtol(end, NULL, 10);
        }
        fclose(file);
    }
    return pages < 0 ? NAN : (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double
open_files(void)
{
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL)
        return NAN;
    double count = -3; /* ".", ".." and the directory itself */
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

static void
process_collect(void *context)
{
    MetricsRegistry *registry = context;
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        metric_set(registry->process[0], (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
                                             (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    metric_set(registry->process[1], resident_bytes());
    metric_set(registry->process[2], open_files());
}

void
metrics_process_add(MetricsRegistry *registry)
{
    registry->process[0] = metrics_new(registry, METRICS_COUNTER, "process_cpu_seconds_total",
                                       "processor time of the process", "");
    registry->process[1] = metrics_new(registry, METRICS_GAUGE, "process_resident_memory_bytes",
                                       "memory of the process that is in use", "");
    registry->process[2] = metrics_new(registry, METRICS_GAUGE, "process_open_fds", "open files", "");
    registry->process[3] = metrics_new(registry, METRICS_GAUGE, "process_start_time_seconds",
                                       "when it started, in seconds since 1970", "");
    metric_set(registry->process[3], (double)clock_wall_us() / 1e6);
    metrics_collector_add(registry, process_collect, registry);
}
