// SPDX-License-Identifier: PostgreSQL
#include "workload/anomaly_baseline.h"

#include "math/statistics.h"

#include <math.h>

#define HOUR_US (INT64_C(3600) * 1000000)
#define NORMAL_OF_MEDIAN 1.4826
#define SHARE_LEAST 0.02
#define FORGIVEN 1000 /* one point, and one more of so many, may be beyond the tail */
/* What is called beyond is further than the tail, for tails of a week are not all there will be. */
#define TAIL_FACTOR 1.2
#define TAIL_MORE 0.5

#define DAY_US (24 * HOUR_US)
/* Of so many days and more, the newest day does not say what is usual: a slow drift would be. */
#define SETTLED_DAYS 3

typedef struct HourValues {
    double *values[ANOMALY_HOURS];
    size_t counts[ANOMALY_HOURS];
    size_t settled[ANOMALY_HOURS]; /* the first ones: those that the tails are of */
} HourValues;

int
anomaly_hour_of(int64_t at_us)
{
    int64_t hour = (at_us - 1) / HOUR_US; /* a point belongs to the hour that it ends in */
    return (int)(((hour % ANOMALY_HOURS) + ANOMALY_HOURS) % ANOMALY_HOURS);
}

static HourValues
by_hours(Arena *arena, AnomalyMetric metric, const AnomalyPoint *points, size_t count)
{
    HourValues hours = {0};
    int64_t until_us = count == 0 ? 0 : points[count - 1].at_us;
    if (count > 0 && until_us - points[0].at_us >= SETTLED_DAYS * DAY_US)
        until_us -= DAY_US;
    for (size_t i = 0; i < count; i++)
        hours.counts[anomaly_hour_of(points[i].at_us)] += isfinite(points[i].value);
    for (size_t h = 0; h < ANOMALY_HOURS; h++) {
        hours.values[h] = ARENA_NEW_ARRAY(arena, double, hours.counts[h]);
        hours.counts[h] = 0;
    }
    for (size_t i = 0; i < count; i++)
        if (isfinite(points[i].value)) {
            int hour = anomaly_hour_of(points[i].at_us);
            hours.values[hour][hours.counts[hour]++] = anomaly_transform(metric, points[i].value);
            hours.settled[hour] += points[i].at_us <= until_us;
        }
    size_t settled = 0;
    for (size_t h = 0; h < ANOMALY_HOURS; h++)
        settled += hours.settled[h];
    for (size_t h = 0; h < ANOMALY_HOURS && settled < ANOMALY_POINTS_LEAST; h++)
        hours.settled[h] = hours.counts[h];
    return hours;
}

/* The median of the hours from first on, so many of them; NAN when they have too few points. */
static double
median_of_hours(const HourValues *hours, size_t first, size_t hour_count, double *scratch)
{
    size_t count = 0;
    for (size_t i = 0; i < hour_count; i++) {
        size_t hour = (first + i) % ANOMALY_HOURS;
        for (size_t k = 0; k < hours->counts[hour]; k++)
            scratch[count++] = hours->values[hour][k];
    }
    return count < ANOMALY_POINTS_LEAST ? NAN : statistics_median(scratch, count);
}

static double
scale_least(AnomalyMetric metric, double centre)
{
    const AnomalyMetricInfo *info = anomaly_metric_info(metric);
    if (info->space == ANOMALY_RATIO)
        return fmax(info->unit, SHARE_LEAST * fabs(centre));
    return fmax(SHARE_LEAST, log1p(exp(-centre))); /* from m units to m + 1 */
}

static void
scale_find(const HourValues *hours, AnomalyMetric metric, double *scratch, AnomalyBaseline *baseline)
{
    size_t count = 0;
    double middle = median_of_hours(hours, 0, ANOMALY_HOURS, scratch);
    for (size_t h = 0; h < ANOMALY_HOURS; h++)
        for (size_t i = 0; i < hours->counts[h]; i++)
            scratch[count++] = fabs(hours->values[h][i] - baseline->centres[h]);
    baseline->scale = fmax(NORMAL_OF_MEDIAN * statistics_median(scratch, count), scale_least(metric, middle));
}

static void
tails_find(const HourValues *hours, AnomalyMetric metric, double *scratch, AnomalyBaseline *baseline)
{
    size_t count = 0;
    double least = INFINITY;
    double greatest = -INFINITY;
    for (size_t h = 0; h < ANOMALY_HOURS; h++)
        for (size_t i = 0; i < hours->settled[h]; i++) {
            scratch[count++] = (hours->values[h][i] - baseline->centres[h]) / baseline->scale;
            least = fmin(least, hours->values[h][i]);
            greatest = fmax(greatest, hours->values[h][i]);
        }
    size_t forgiven = 1 + count / FORGIVEN;
    baseline->tail_low = fmin(0, statistics_select(scratch, count, forgiven));
    baseline->tail_high = fmax(0, statistics_select(scratch, count, count - 1 - forgiven));
    baseline->least = anomaly_restore(metric, least);
    baseline->greatest = anomaly_restore(metric, greatest);
}

bool
anomaly_baseline_of(Arena *arena, AnomalyMetric metric, const AnomalyPoint *points, size_t count,
                    AnomalyBaseline *ret_baseline)
{
    ArenaMark mark = arena_mark(arena);
    HourValues hours = by_hours(arena, metric, points, count);
    AnomalyBaseline baseline = {0};
    for (size_t h = 0; h < ANOMALY_HOURS; h++)
        baseline.points += hours.counts[h];
    bool is_enough = baseline.points >= ANOMALY_POINTS_LEAST;
    if (is_enough) {
        double *scratch = ARENA_NEW_ARRAY(arena, double, baseline.points);
        double middle = median_of_hours(&hours, 0, ANOMALY_HOURS, scratch);
        for (size_t h = 0; h < ANOMALY_HOURS; h++) {
            double centre = median_of_hours(&hours, h + ANOMALY_HOURS - 1, 3, scratch);
            baseline.centres[h] = isfinite(centre) ? centre : middle;
        }
        scale_find(&hours, metric, scratch, &baseline);
        tails_find(&hours, metric, scratch, &baseline);
        *ret_baseline = baseline;
    }
    arena_rewind(arena, mark);
    return is_enough;
}

double
anomaly_deviation(const AnomalyBaseline *baseline, AnomalyMetric metric, const AnomalyPoint *point)
{
    if (!isfinite(point->value))
        return NAN;
    double centre = baseline->centres[anomaly_hour_of(point->at_us)];
    return (anomaly_transform(metric, point->value) - centre) / baseline->scale;
}

double
anomaly_usual(const AnomalyBaseline *baseline, AnomalyMetric metric, int64_t at_us)
{
    return anomaly_restore(metric, baseline->centres[anomaly_hour_of(at_us)]);
}

bool
anomaly_is_beyond(const AnomalyBaseline *baseline, double z, double z_least)
{
    double least = z_least * (1 + (double)ANOMALY_POINTS_LEAST / (double)baseline->points);
    double tail = z > 0 ? baseline->tail_high : -baseline->tail_low;
    return fabs(z) >= least && fabs(z) > TAIL_FACTOR * tail + TAIL_MORE;
}
