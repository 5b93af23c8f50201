// SPDX-License-Identifier: PostgreSQL
#include "workload/anomaly_alert.h"

#include <math.h>

#define FOLD_LEAST 1.5
#define RATIO_LEAST 0.1

static bool
difference_matters(AnomalyMetric metric, const AnomalyBaseline *baseline, double z)
{
    double difference = fabs(z) * baseline->scale;
    return anomaly_metric_info(metric)->space == ANOMALY_RATIO ? difference >= RATIO_LEAST
                                                               : difference >= log(FOLD_LEAST);
}

static AnomalyFinding
point_judge(AnomalyMetric metric, const AnomalyBaseline *baseline, const AnomalyThresholds *thresholds,
            const AnomalyPoint *point)
{
    AnomalyFinding finding = {.z = anomaly_deviation(baseline, metric, point), .since_us = point->at_us};
    if (isnan(finding.z))
        return finding;
    double badness = anomaly_badness(metric, finding.z);
    finding.severity = anomaly_severity_of(thresholds, badness);
    finding.is_beyond = badness > 0 && anomaly_is_beyond(baseline, finding.z, thresholds->z[ANOMALY_HIGH]);
    finding.matters = badness > 0 && difference_matters(metric, baseline, finding.z);
    return finding;
}

static bool
is_grave(const AnomalyFinding *finding)
{
    return finding->severity >= ANOMALY_HIGH && finding->is_beyond && finding->matters;
}

static bool
is_lasting(AnomalyMetric metric, const AnomalyStrangeness *strangeness)
{
    return strangeness->level_p <= ANOMALY_ALERT_P &&
           anomaly_badness(metric, strangeness->level) >= ANOMALY_LEVEL_LEAST;
}

AnomalyFinding
anomaly_judge(AnomalyMetric metric, const AnomalyBaseline *baseline, const AnomalyThresholds *thresholds,
              const AnomalyPoint *points, size_t count, const AnomalyStrangeness *strangeness)
{
    fettle_assert(count >= 1);
    AnomalyFinding finding = point_judge(metric, baseline, thresholds, &points[count - 1]);
    if (isnan(finding.z))
        return finding;
    if (is_grave(&finding) && count >= 2) {
        AnomalyFinding before = point_judge(metric, baseline, thresholds, &points[count - 2]);
        if (!isnan(before.z) && is_grave(&before) && (before.z > 0) == (finding.z > 0)) {
            finding.is_alert = true;
            finding.since_us = before.since_us;
        }
    }
    if (strangeness == NULL || finding.is_alert)
        return finding;
    bool is_single = is_grave(&finding) && finding.severity == ANOMALY_CRITICAL &&
                     anomaly_strangeness_p(strangeness) <= ANOMALY_ALERT_P;
    bool is_missing = strangeness->is_missing && anomaly_metric_info(metric)->side == ANOMALY_BOTH;
    finding.is_missing = is_missing && !is_single;
    finding.is_alert = is_single || is_missing || is_lasting(metric, strangeness);
    return finding;
}
