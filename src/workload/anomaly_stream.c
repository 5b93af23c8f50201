// SPDX-License-Identifier: PostgreSQL
#include "workload/anomaly_stream.h"

#include "math/statistics.h"

#include <math.h>

#define DAY ((size_t)288)
#define CLIP 8.0
#define LEVEL_CLIP 4.0
/* A level counts as strange as one of so much less: strange by a margin. */
#define LEVEL_MARGIN 1.2
#define LEVEL_WEIGHT (1.0 / 24) /* two hours of five minutes */
#define WEEK_WEIGHT (1.0 / 2016)

/* Past scores, of which the oldest are overwritten. */
typedef struct Scores {
    float items[ANOMALY_STREAM_SCORES];
    size_t count;
} Scores;

struct AnomalyStream {
    float vectors[ANOMALY_STREAM_WINDOW][ANOMALY_STREAM_LAGS];
    size_t vector_count;
    float lags[ANOMALY_STREAM_LAGS]; /* the newest last */
    size_t seen;
    double hours; /* exponentially weighted means */
    double week;
    double week_weight;
    float recent[ANOMALY_STREAM_RECENT];
    Scores shapes;
    Scores levels;
    Scores peaks; /* greatest of the recent deviations */
    bool with_shapes;
};

AnomalyStream *
anomaly_stream_new(Arena *arena, bool with_shapes)
{
    AnomalyStream *stream = ARENA_NEW(arena, AnomalyStream); /* all zero: nothing was seen */
    stream->with_shapes = with_shapes;
    return stream;
}

static void
score_keep(Scores *scores, double score)
{
    scores->items[scores->count++ % ANOMALY_STREAM_SCORES] = (float)score;
}

/* The share of past scores that are not smaller than the score over the margin. The newest so many do not
 * count: what came slowly would always have been seen. */
static double
score_rank(const Scores *scores, double score, double margin, size_t newest)
{
    size_t first = scores->count > ANOMALY_STREAM_SCORES ? scores->count - ANOMALY_STREAM_SCORES : 0;
    size_t end = scores->count > newest ? scores->count - newest : 0;
    size_t held = end > first ? end - first : 0;
    size_t greater = 0;
    for (size_t i = first; i < end; i++)
        greater += scores->items[i % ANOMALY_STREAM_SCORES] >= (float)(score / margin);
    return held < ANOMALY_STREAM_WARM_UP ? 1 : (double)(1 + greater) / (double)(1 + held);
}

/* Mean distance from the newest vector to the nearest past ones; -1: there are too few. */
static double
shape_score(const AnomalyStream *stream)
{
    double distances[ANOMALY_STREAM_WINDOW];
    size_t held = stream->vector_count < ANOMALY_STREAM_WINDOW ? stream->vector_count : ANOMALY_STREAM_WINDOW;
    if (held < ANOMALY_STREAM_NEAREST)
        return -1;
    for (size_t i = 0; i < held; i++) {
        float sum = 0;
        for (size_t k = 0; k < ANOMALY_STREAM_LAGS; k++) {
            float difference = stream->vectors[i][k] - stream->lags[k];
            sum += difference * difference;
        }
        distances[i] = (double)sum;
    }
    (void)statistics_select(distances, held, ANOMALY_STREAM_NEAREST - 1);
    double total = 0;
    for (size_t i = 0; i < ANOMALY_STREAM_NEAREST; i++)
        total += sqrt(distances[i]);
    return total / (double)ANOMALY_STREAM_NEAREST;
}

/* The newest vector's score, -1 when there is none; then it is a past vector. */
static double
shape_add(AnomalyStream *stream, float deviation)
{
    for (size_t i = 1; i < ANOMALY_STREAM_LAGS; i++)
        stream->lags[i - 1] = stream->lags[i];
    stream->lags[ANOMALY_STREAM_LAGS - 1] = deviation;
    if (stream->seen < ANOMALY_STREAM_LAGS)
        return -1;
    double score = shape_score(stream);
    float *kept = stream->vectors[stream->vector_count++ % ANOMALY_STREAM_WINDOW];
    for (size_t i = 0; i < ANOMALY_STREAM_LAGS; i++)
        kept[i] = stream->lags[i];
    return score;
}

/* Mean deviation of the last hours less the week's. */
static double
level_add(AnomalyStream *stream, double deviation)
{
    double steady = fmax(-LEVEL_CLIP, fmin(LEVEL_CLIP, deviation));
    stream->seen++;
    stream->hours += LEVEL_WEIGHT * (steady - stream->hours);
    stream->week_weight += WEEK_WEIGHT * (1 - stream->week_weight);
    stream->week += WEEK_WEIGHT * (steady - stream->week);
    return stream->hours - stream->week / stream->week_weight;
}

/* Whether the greatest recent deviation is less than half of what it ever was. */
static bool
peak_add(AnomalyStream *stream, double deviation, bool is_past)
{
    float peak = -INFINITY;
    float least = INFINITY;
    Scores *peaks = &stream->peaks;
    stream->recent[(stream->seen - 1) % ANOMALY_STREAM_RECENT] = (float)deviation;
    if (stream->seen < ANOMALY_STREAM_RECENT)
        return false;
    for (size_t i = 0; i < ANOMALY_STREAM_RECENT; i++)
        peak = fmaxf(peak, stream->recent[i]);
    size_t end = peaks->count > DAY ? peaks->count - DAY : 0;
    size_t first = peaks->count > ANOMALY_STREAM_SCORES ? peaks->count - ANOMALY_STREAM_SCORES : 0;
    for (size_t i = first; i < end && !is_past; i++)
        least = fminf(least, peaks->items[i % ANOMALY_STREAM_SCORES]);
    score_keep(peaks, (double)peak);
    return !is_past && end > first + ANOMALY_STREAM_WARM_UP && (double)least >= ANOMALY_STREAM_BURST &&
           peak < least / 2;
}

static AnomalyStrangeness
stream_take(AnomalyStream *stream, double deviation, bool is_past)
{
    AnomalyStrangeness strangeness = {.shape_p = 1, .level_p = 1};
    if (!isfinite(deviation))
        return strangeness;
    strangeness.level = level_add(stream, deviation);
    if (!is_past)
        strangeness.level_p = score_rank(&stream->levels, fabs(strangeness.level), LEVEL_MARGIN, DAY);
    score_keep(&stream->levels, fabs(strangeness.level));
    strangeness.is_missing = peak_add(stream, deviation, is_past);
    if (!stream->with_shapes)
        return strangeness;
    double shape = shape_add(stream, (float)fmax(-CLIP, fmin(CLIP, deviation)));
    if (shape >= 0 && !is_past)
        strangeness.shape_p = score_rank(&stream->shapes, shape, 1, 0);
    if (shape >= 0)
        score_keep(&stream->shapes, shape);
    return strangeness;
}

void
anomaly_stream_feed(AnomalyStream *stream, double deviation)
{
    (void)stream_take(stream, deviation, true);
}

AnomalyStrangeness
anomaly_stream_add(AnomalyStream *stream, double deviation)
{
    return stream_take(stream, deviation, false);
}

double
anomaly_strangeness_p(const AnomalyStrangeness *strangeness)
{
    return fmin(1, 2 * fmin(strangeness->shape_p, strangeness->level_p));
}
