// SPDX-License-Identifier: PostgreSQL
#include "workload/anomaly_job.h"

#include "math/statistics.h"

#include <math.h>
#include <stdlib.h>

#define CLIP 6.0
#define SHORTEST_SHARE 0.9
#define EXPLAINED_LEAST 0.1
#define CONTRAST_LEAST 1.0
/* A contrast that is there is so many deviations above none. */
#define CONTRAST_SPREADS 4.0
#define NORMAL_OF_MEDIAN 1.4826
#define KNOWN_SHARE 2 /* one in so many of a period's steps are known, or it is passed over */
#define MISSES_MOST_SHARE 3
#define CHANCE 0.001
#define ROW_LEAST ((size_t)2)

static size_t
phase_of(int64_t step, size_t period)
{
    return (size_t)(step % (int64_t)period);
}

/* The steps that say what is usual. */
static AnomalyJobSeries
settled(const AnomalyJobSeries *series)
{
    AnomalyJobSeries before = *series;
    before.count = series->count > ANOMALY_JOB_DAY ? series->count - ANOMALY_JOB_DAY : 0;
    return before;
}

typedef struct Fold {
    double means[ANOMALY_JOB_PERIOD_MOST];
    double counts[ANOMALY_JOB_PERIOD_MOST];
} Fold;

static void
fold_of(const AnomalyJobSeries *series, size_t period, Fold *ret_fold)
{
    *ret_fold = (Fold){0};
    size_t phase = phase_of(series->first, period);
    for (size_t i = 0; i < series->count; i++) {
        double value = (double)series->deviations[i];
        if (isfinite(value)) {
            ret_fold->means[phase] += fmax(-CLIP, fmin(CLIP, value));
            ret_fold->counts[phase] += 1;
        }
        phase = phase + 1 == period ? 0 : phase + 1;
    }
    for (size_t p = 0; p < period; p++)
        ret_fold->means[p] /= fmax(1, ret_fold->counts[p]);
}

/* The share of the squares that the phases explain, adjusted for their number. */
static double
explained_by(const AnomalyJobSeries *series, size_t period)
{
    Fold fold;
    fold_of(series, period, &fold);
    double between = 0, sum = 0, known = 0, squares = 0;
    for (size_t p = 0; p < period; p++) {
        between += fold.counts[p] * fold.means[p] * fold.means[p];
        sum += fold.counts[p] * fold.means[p];
        known += fold.counts[p];
    }
    for (size_t i = 0; i < series->count; i++) {
        double value = fmax(-CLIP, fmin(CLIP, (double)series->deviations[i]));
        squares += isfinite((double)series->deviations[i]) ? value * value : 0;
    }
    double all = squares - sum * sum / fmax(1, known);
    if (!(known > 2 * (double)period) || !(all > 0))
        return 0;
    double rest = (squares - between) / all;
    return 1 - rest * (known - 1) / (known - (double)period);
}

static size_t
period_find(const AnomalyJobSeries *series)
{
    double explained[ANOMALY_JOB_PERIOD_MOST + 1] = {0};
    double best = 0;
    for (size_t period = ANOMALY_JOB_PERIOD_LEAST;
         period <= ANOMALY_JOB_PERIOD_MOST && period * ANOMALY_JOB_PERIODS_LEAST <= series->count; period++) {
        explained[period] = explained_by(series, period);
        best = fmax(best, explained[period]);
    }
    for (size_t period = 0; period <= ANOMALY_JOB_PERIOD_MOST && best >= EXPLAINED_LEAST; period++)
        if (explained[period] >= SHORTEST_SHARE * best)
            return period;
    return 0;
}

static int
compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Parts the phases in two where the parts are furthest apart. */
static void
phases_part(const AnomalyJobSeries *series, AnomalyJob *job)
{
    Fold fold;
    double sorted[ANOMALY_JOB_PERIOD_MOST];
    double total = 0, below = 0, best = -1, limit = INFINITY;
    fold_of(series, job->period, &fold);
    for (size_t p = 0; p < job->period; p++) {
        sorted[p] = fold.means[p];
        total += sorted[p];
    }
    qsort(sorted, job->period, sizeof(double), compare);
    for (size_t i = 1; i < job->period; i++) {
        below += sorted[i - 1];
        double low = below / (double)i;
        double high = (total - below) / (double)(job->period - i);
        double apart = (double)i * (double)(job->period - i) * (high - low) * (high - low);
        if (apart > best) {
            best = apart;
            limit = sorted[i];
        }
    }
    for (size_t p = 0; p < job->period; p++)
        job->is_on[p] = fold.means[p] >= limit;
}

/* The contrasts of the periods up to the last step, the oldest first; those of which too little is known are
 * left out. */
static size_t
contrasts_of(Arena *arena, const AnomalyJob *job, const AnomalyJobSeries *series, double **ret_contrasts)
{
    double on[ANOMALY_JOB_PERIOD_MOST];
    double off[ANOMALY_JOB_PERIOD_MOST];
    size_t count = 0;
    size_t start = series->count % job->period;
    size_t on_phases = 0;
    for (size_t p = 0; p < job->period; p++)
        on_phases += job->is_on[p];
    *ret_contrasts = ARENA_NEW_ARRAY(arena, double, series->count / job->period + 1);
    for (; start + job->period <= series->count; start += job->period) {
        size_t on_count = 0, off_count = 0;
        for (size_t p = 0; p < job->period; p++) {
            double value = (double)series->deviations[start + p];
            if (!isfinite(value))
                continue;
            if (job->is_on[phase_of(series->first + (int64_t)(start + p), job->period)])
                on[on_count++] = value;
            else
                off[off_count++] = value;
        }
        if (on_count * KNOWN_SHARE < on_phases || off_count * KNOWN_SHARE < job->period - on_phases)
            continue;
        (*ret_contrasts)[count++] = statistics_median(on, on_count) - statistics_median(off, off_count);
    }
    return count;
}

static void
contrasts_learn(const double *contrasts, size_t count, AnomalyJob *job)
{
    size_t row = 0;
    job->periods = count;
    for (size_t i = 0; i < count; i++) {
        bool is_miss = contrasts[i] < job->usual / 2;
        row = is_miss ? row + 1 : 0;
        job->misses += is_miss;
        if (row > job->misses_in_a_row)
            job->misses_in_a_row = row;
    }
}

AnomalyJob
anomaly_job_find(Arena *arena, const AnomalyJobSeries *series)
{
    const AnomalyJob none = {0};
    AnomalyJobSeries before = settled(series);
    AnomalyJob job = {.period = period_find(&before)};
    if (job.period == 0)
        return none;
    ArenaMark mark = arena_mark(arena);
    double *contrasts;
    phases_part(&before, &job);
    size_t count = contrasts_of(arena, &job, &before, &contrasts);
    if (count >= ANOMALY_JOB_PERIODS_LEAST) {
        double *scratch = ARENA_NEW_ARRAY(arena, double, count);
        for (size_t i = 0; i < count; i++)
            scratch[i] = contrasts[i];
        job.usual = statistics_median(scratch, count);
        contrasts_learn(contrasts, count, &job);
        for (size_t i = 0; i < count; i++)
            scratch[i] = fabs(contrasts[i] - job.usual);
        double spread = NORMAL_OF_MEDIAN * statistics_median(scratch, count);
        if (job.usual < CONTRAST_LEAST || job.usual < CONTRAST_SPREADS * spread ||
            job.misses * MISSES_MOST_SHARE > count)
            job = none;
    } else {
        job = none;
    }
    arena_rewind(arena, mark);
    return job;
}

bool
anomaly_job_is_missing(Arena *arena, const AnomalyJob *job, const AnomalyJobSeries *series)
{
    if (job->period == 0)
        return false;
    ArenaMark mark = arena_mark(arena);
    double *contrasts;
    size_t count = contrasts_of(arena, job, series, &contrasts);
    size_t row = 0;
    while (row < count && contrasts[count - 1 - row] < job->usual / 2)
        row++;
    arena_rewind(arena, mark);
    double chance = pow((double)(job->misses + 1) / (double)(job->periods + 1), (double)row);
    return row >= ROW_LEAST && chance <= CHANCE && 2 * row > 3 * job->misses_in_a_row;
}
