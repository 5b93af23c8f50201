// SPDX-License-Identifier: PostgreSQL
/*
 * What the files of effect.h share, and the simulation of bench/effect_bench.c uses; for no other file.
 *
 *   effect_points.c   a series joined to wider buckets, its logarithms, without single spikes
 *   effect_plan.c     before the change: what each bucket is compared with, the mixture of controls, the
 * noise effect_look.c     after it: estimate, interval, sequence and harm of the buckets so far effect.c the
 * report of all queries
 *
 * A plan is made once of what was before the change; one may then look at it after each bucket.
 */
#ifndef FETTLE_WORKFLOW_EFFECT_INTERNAL_H
#define FETTLE_WORKFLOW_EFFECT_INTERNAL_H

#include "workflow/effect.h"

#define EFFECT_MINUTE_US INT64_C(60000000)
#define EFFECT_HOUR_US (60 * EFFECT_MINUTE_US)
#define EFFECT_DAY_US (24 * EFFECT_HOUR_US)
#define EFFECT_WEEK_US (7 * EFFECT_DAY_US)
#define EFFECT_CALLS_LEAST 30.0
#define EFFECT_BUCKETS_LEAST ((size_t)4)
#define EFFECT_JOINS 5   /* 1, 2, 4, 8, 16 buckets are joined */
#define EFFECT_MATCHES 3 /* of EffectMatch */

typedef enum EffectMeasure { EFFECT_OF_TIME, EFFECT_OF_ROWS, EFFECT_OF_BLOCKS } EffectMeasure;

/* How the interval of one look is made; the benchmark compares them. */
typedef enum EffectInterval {
    EFFECT_BY_WINDOW,    /* Newey-West, its lag the time measured: what effect_measure() does */
    EFFECT_BY_LAG_RULE,  /* Newey-West, whitened, with its usual rule for the lag */
    EFFECT_BY_BOOTSTRAP, /* moving blocks of 4 buckets or the memory */
} EffectInterval;

/* The window in joined buckets. */
typedef struct EffectGrid {
    int64_t first; /* number of the first bucket since 1970 */
    int64_t bucket_us;
    size_t join; /* 2^join original buckets */
    size_t count;
    size_t before_end;
    size_t after_first;
} EffectGrid;

/* A series on a grid. Where weight is 0 there is no value. */
typedef struct EffectPoints {
    double *values;
    double *weights;
    double *calls;
} EffectPoints;

/* The controls' deviations from their own cells, for one grid and match. */
typedef struct EffectControls {
    bool is_made;
    double **deviations; /* NAN where there is none */
    size_t count;
} EffectControls;

typedef struct EffectContext {
    const EffectCase *subject;
    EffectInterval interval;
    EffectControls controls[EFFECT_JOINS][EFFECT_MATCHES];
} EffectContext;

typedef struct EffectCell {
    double weight;
    double mean;      /* of the values before */
    double mean_week; /* of their times */
    size_t periods;   /* weeks (days) that have a bucket here */
    int64_t last_period;
} EffectCell;

typedef struct EffectPlan {
    const char *reason; /* why there is no plan: too little data; else NULL */
    EffectGrid grid;
    EffectMatch match;
    EffectInterval interval;
    EffectPoints points;
    double scale; /* of values from their neighbours */
    EffectCell *cells;
    double *drift; /* the mixture of controls, NAN where unknown; NULL without controls */
    size_t control_count;
    double calls_before;
    size_t buckets_before;
    size_t periods;    /* the middle number of weeks or days in a cell */
    double *residuals; /* before: without cells, drift and slope; scaled for what the cells took away */
    double *scores;    /* residual times weight, 0 where there is none */
    double *sums;      /* lagged products of the scores */
    size_t lag_most;
    double weight_square; /* mean over the slots before */
    double slope;         /* a week */
    double slope_variance;
} EffectPlan;

/* The grid of the least join at which the middle bucket before the change has 5 calls. */
EffectGrid effect_grid_of(Arena *arena, const EffectWindow *window, const EffectSeries *series);
EffectGrid effect_grid_make(const EffectWindow *window, size_t join);
EffectPoints effect_points_make(Arena *arena, const EffectWindow *window, const EffectGrid *grid,
                                const EffectSeries *series, EffectMeasure measure);
/* The values from .. to - 1 (of those with weight), where single ones that stand off their neighbours by more
 * than four scales are pulled back to that; a level that lasts stays. */
void effect_points_calm(const EffectPoints *points, size_t from, size_t to, double scale, double *ret_values);
/* Robust deviation of values from the middle of their neighbours. */
double effect_points_scale(Arena *arena, const EffectPoints *points, size_t from, size_t to);
size_t effect_cell_of(const EffectGrid *grid, EffectMatch match, size_t i);
size_t effect_cell_count(EffectMatch match);
double effect_week_of(const EffectGrid *grid, size_t i);

EffectPlan *effect_plan_make(Arena *arena, EffectContext *context, const EffectSeries *series,
                             EffectMeasure measure);
/* The variance of a score's sum of so many slots, for one slot and unit weight. */
double effect_plan_variance(const EffectPlan *plan, size_t slots);

/* Looks at the original buckets before after_end. Sets all but the work's fields. */
void effect_plan_look(Arena *arena, const EffectPlan *plan, const EffectWindow *window, size_t after_end,
                      Effect *ret_effect);

/* All queries as one series: the time they took as a multiple of what the same calls took before. */
EffectSeries effect_total_of(Arena *arena, const EffectCase *subject);

#endif
