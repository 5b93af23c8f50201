// SPDX-License-Identifier: PostgreSQL
#include "workload/anomaly.h"

#include <math.h>
#include <string.h>

static const AnomalyMetricInfo metrics[ANOMALY_METRIC_COUNT] = {
#define ANOMALY_INFO(id, name, space, unit, side, type, statements)                                          \
    [id] = {name, space, unit, side, type, statements},
    ANOMALY_METRICS(ANOMALY_INFO)
#undef ANOMALY_INFO
};

static const char *const type_words[ANOMALY_TYPE_COUNT] = {
    [ANOMALY_LOCK_WAIT] = "lock_wait",
    [ANOMALY_PLAN_CHANGE] = "plan_change",
    [ANOMALY_BLOAT] = "bloat",
    [ANOMALY_ROW_COUNT] = "row_count_anomaly",
    [ANOMALY_CACHE] = "cache_degradation",
    [ANOMALY_RATE] = "rate_change",
    [ANOMALY_NEW_QUERY] = "new_query",
    [ANOMALY_IO] = "io_increase",
    [ANOMALY_TIME] = "execution_time_spike",
};

static const char *const severity_words[ANOMALY_SEVERITY_COUNT] = {"none", "low", "medium", "high",
                                                                   "critical"};

const AnomalyMetricInfo *
anomaly_metric_info(AnomalyMetric metric)
{
    fettle_assert(metric < ANOMALY_METRIC_COUNT);
    return &metrics[metric];
}

bool
anomaly_metric_find(const char *name, AnomalyMetric *ret_metric)
{
    for (size_t i = 0; i < ANOMALY_METRIC_COUNT; i++)
        if (strcmp(metrics[i].name, name) == 0) {
            *ret_metric = (AnomalyMetric)i;
            return true;
        }
    return false;
}

const char *
anomaly_type_word(AnomalyType type)
{
    fettle_assert(type < ANOMALY_TYPE_COUNT);
    return type_words[type];
}

bool
anomaly_type_find(const char *word, AnomalyType *ret_type)
{
    for (size_t i = 0; i < ANOMALY_TYPE_COUNT; i++)
        if (strcmp(type_words[i], word) == 0) {
            *ret_type = (AnomalyType)i;
            return true;
        }
    return false;
}

const char *
anomaly_severity_word(AnomalySeverity severity)
{
    fettle_assert(severity < ANOMALY_SEVERITY_COUNT);
    return severity_words[severity];
}

AnomalySeverity
anomaly_severity_find(const char *word)
{
    for (size_t i = ANOMALY_LOW; i < ANOMALY_SEVERITY_COUNT; i++)
        if (strcmp(severity_words[i], word) == 0)
            return (AnomalySeverity)i;
    return ANOMALY_NONE;
}

AnomalyThresholds
anomaly_thresholds_of(const Settings *settings)
{
    return (AnomalyThresholds){
        .z = {[ANOMALY_LOW] = settings_get_double(settings, SETTING_ANOMALIES_Z_LOW),
              [ANOMALY_MEDIUM] = settings_get_double(settings, SETTING_ANOMALIES_Z_MEDIUM),
              [ANOMALY_HIGH] = settings_get_double(settings, SETTING_ANOMALIES_Z_HIGH),
              [ANOMALY_CRITICAL] = settings_get_double(settings, SETTING_ANOMALIES_Z_CRITICAL)}};
}

AnomalySeverity
anomaly_severity_of(const AnomalyThresholds *thresholds, double z)
{
    for (int severity = ANOMALY_CRITICAL; severity > ANOMALY_NONE; severity--)
        if (z >= thresholds->z[severity])
            return (AnomalySeverity)severity;
    return ANOMALY_NONE;
}

double
anomaly_transform(AnomalyMetric metric, double value)
{
    const AnomalyMetricInfo *info = anomaly_metric_info(metric);
    return info->space == ANOMALY_RATIO ? value : log1p(value / info->unit);
}

double
anomaly_restore(AnomalyMetric metric, double transformed)
{
    const AnomalyMetricInfo *info = anomaly_metric_info(metric);
    return info->space == ANOMALY_RATIO ? transformed : expm1(transformed) * info->unit;
}

double
anomaly_badness(AnomalyMetric metric, double z)
{
    AnomalySide side = anomaly_metric_info(metric)->side;
    double badness = side == ANOMALY_BOTH ? fabs(z) : (double)side * z;
    return badness > 0 ? badness : 0;
}
