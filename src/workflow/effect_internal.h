// SPDX-License-Identifier: PostgreSQL
/*
 * What the files of effect.h share, and the simulation of bench/effect_bench.c uses; for no other file.
 *
 *   effect_points.c   a series joined to wider buckets, its logarithms, without single spikes
 *   effect_profile.c  what a bucket of an hour of the week is compared with
 *   effect_levels.c   the levels that queries flip between by themselves
 *   effect_uneven.c   how differently the controls moved at the change
 *   effect_plan.c     before the change: what each bucket is compared with, controls' mixture, noise
 *   effect_look.c     after it: estimate, interval, sequence and harm of the buckets so far
 *   effect_enough.c   when there is, or will be, enough to see a harm that matters
 *   effect.c          the report of all queries
 *
 * A plan is made once of what was before the change; one may then look at it after each bucket.
 */
#ifndef FETTLE_WORKFLOW_EFFECT_INTERNAL_H
#define FETTLE_WORKFLOW_EFFECT_INTERNAL_H

#include "math/memory_mixture.h"
#include "math/two_level.h"
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
    EFFECT_BY_MEMORY,    /* a fitted mixture of memories: what effect_measure() does */
    EFFECT_BY_WINDOW,    /* Newey-West, its lag the time measured */
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

#define EFFECT_CELLS 168 /* hours of the week */
#define EFFECT_DAYS_MOST 400

typedef struct EffectSum {
    double weight;
    double weight_square;
    double value;
    double week; /* of time */
} EffectSum;

typedef struct EffectSums {
    EffectSum all;
    EffectSum weekdays[7];
    EffectSum hours[24];
    EffectSum cells[EFFECT_CELLS];
} EffectSums;

/*
 * What a bucket is compared with: the mean of all before + weekday_share × its weekday's difference from that
 * + hour_share × its hour's + cell_share × what the hour of this weekday has on top. The shares are those
 * parts of the differences that the noise between weeks and between days does not explain (James and Stein
 * 1961): 1 is the plain mean of the same hour of the week, which alone would be as noisy as the few weeks
 * that it has; where no season is to be seen, all hours count. It is linear in the values for given shares.
 */
typedef struct EffectExpected {
    double value;
    double week; /* mean time of what it is made of */
} EffectExpected;

typedef struct EffectProfile {
    double mean;
    double weekday_share;
    double hour_share;
    double cell_share;
    size_t days;
    EffectSums sums;
    EffectExpected expected[EFFECT_CELLS];
} EffectProfile;

/* The controls' deviations from their own cells, for one grid and match. */
typedef struct EffectControls {
    bool is_made;
    double **deviations; /* NAN where there is none */
    double **filled;     /* the same, 0 there */
    size_t **missing;    /* those buckets */
    size_t *missing_counts;
    EffectProfile **profiles; /* what they are deviations from */
    size_t count;
} EffectControls;

typedef struct EffectContext {
    Arena *arena; /* of the controls, which all series share */
    const EffectCase *subject;
    EffectInterval interval;
    EffectControls controls[EFFECT_JOINS][EFFECT_MATCHES];
} EffectContext;

typedef struct EffectPlan {
    const char *reason; /* why there is no plan: too little data; else NULL */
    EffectGrid grid;
    EffectMatch match;
    EffectInterval interval;
    EffectPoints points;
    double scale;     /* of values from their neighbours */
    TwoLevel *levels; /* that it flips between by itself; its states are taken out of the points; or NULL */
    struct EffectPlan *plain; /* the same without levels, where there are some: harm is judged by both */
    bool is_of_two;           /* of such a pair: each has half of the chance of a false harm */
    double stretch;           /* of the plain one's interval: it is of time, and states move that by more */
    EffectProfile *profile;
    double *drift; /* the mixture of controls, NAN where unknown; NULL without controls */
    size_t control_count;
    bool lacks_controls; /* fewer than five were usable, and with what other changes touched it could be five
                          */
    const double **usable; /* controls' deviations; NAN unknown */
    size_t usable_count;
    double *together; /* their mixture, NAN where less than half of it is known */
    double calls_before;
    size_t buckets_before;
    double leverage;     /* share of the residuals' variance that the profile took */
    double *residuals;   /* before: without cells, drift and slope; scaled for what the cells took away */
    double *scores;      /* residual times weight, 0 where there is none */
    MemoryMixture noise; /* of the scores */
    double *sums;        /* lagged products of the scores */
    double
        *score_sums; /* of the scores, and of their weights, before each slot; one more than slots before */
    double *weight_sums;
    size_t lag_most;
    double weight_square; /* mean over the slots before */
    double slope;         /* a week */
    double slope_variance;
    double harm_limit_percent;
} EffectPlan;

/* What moves queries differently. */
typedef struct EffectUneven {
    double variance; /* 0: they moved alike */
    double freedom;  /* degrees of it, by the controls that it is known from */
} EffectUneven;

/* How much there is to judge by after the change, without what it says: noise before, time and calls. */
typedef struct EffectAmount {
    size_t slots;   /* from the first bucket after to the last looked at */
    double buckets; /* with a value; of those to come, expected ones */
    double calls;
    double weight;
    double weight_square;
    double week; /* mean distance in time */
    EffectUneven uneven;
    double base_square; /* of the weights that the buckets before have in the comparison, squared */
} EffectAmount;

/* The grid of the least join at which the middle bucket before the change has 5 calls. */
EffectGrid effect_grid_of(Arena *arena, const EffectWindow *window, const EffectSeries *series);
EffectGrid effect_grid_make(const EffectWindow *window, size_t join);
EffectPoints effect_points_make(Arena *arena, const EffectWindow *window, const EffectGrid *grid,
                                const EffectSeries *series, EffectMeasure measure);
/* The values from .. to - 1 (of those with weight), where single ones that stand off their neighbours by more
 * than two and a half scales are pulled back to that; a level that lasts stays. */
void effect_points_calm(const EffectPoints *points, size_t from, size_t to, double scale, double *ret_values);
/* Robust deviation of values from the middle of their neighbours. */
double effect_points_scale(Arena *arena, const EffectPoints *points, size_t from, size_t to);
int64_t effect_floor_divide(int64_t value, int64_t divisor);
/* Buckets of an hour; wider ones are taken as they are. */
size_t effect_hour_width(const EffectGrid *grid);
/* Hours since 1970, and the hour of the week, from Thursday 00 UTC on. */
int64_t effect_hour_of(const EffectGrid *grid, size_t i);
size_t effect_cell_of(const EffectGrid *grid, size_t i);
double effect_week_of(const EffectGrid *grid, size_t i);

/* Of the values before the change; at least one has weight. */
EffectProfile *effect_profile_make(Arena *arena, const EffectGrid *grid, EffectMatch match,
                                   const double *values, const double *weights);
EffectExpected effect_profile_expect(const EffectProfile *profile, size_t cell);
/* The sum of the squared parts that the weighted buckets before have in the comparison of so much weight in
 * each cell: times the variance of a score, the variance of the comparison. */
double effect_profile_base(const EffectProfile *profile, const double *cell_weights);
/* The share of a day's or hour's own values in what it is compared with. */
double effect_profile_leverage(const EffectProfile *profile);

/*
 * What moves all queries need not move them alike. Where the controls' own contrasts, after so many slots
 * against before, scatter more than their noise before explains, the rest is the variance between queries
 * (random effects, as DerSimonian and Laird 1986, but with squares that are bounded, so that one control
 * that flips does not decide); the query has its share of it too, which no effect can be told from.
 */
EffectUneven effect_uneven_find(const EffectPlan *plan, size_t slots);

/* A series on a grid; NAN is none, and weights may be NULL. */
typedef struct EffectValues {
    const double *values;
    const double *weights;
} EffectValues;

/*
 * A query whose plan flips by itself has two levels, and which of them it is in says nothing of the change:
 * tested is by how much both moved (two_level.h, over means of hours). Found is what is far likelier than one
 * level; ret_states, before the change, is what to take off a bucket for it, in the mean nothing: what
 * is left is at the level of the share that the high one had before. After the change, with the
 * states up to after_end: how far both moved, and which other explanations there are.
 */
bool effect_levels_find(Arena *arena, const EffectGrid *grid, const EffectValues *values, TwoLevel *ret_model,
                        double *ret_states);
TwoLevelShift effect_levels_after(Arena *arena, const EffectGrid *grid, const TwoLevel *model,
                                  const EffectValues *values, size_t after_end, double *ret_states);
/* In logarithms: the time of calls of which so many are at the high level, over that of calls at the low one;
 * and how much faster that grows with the share than the mean of logarithms does, where it is: at least 1. */
double effect_levels_time(const TwoLevel *model, double share_high);
double effect_levels_stretch(const TwoLevel *model);
/* Takes such states out of single controls; what they do together stays, and what moves one at the change. */
void effect_levels_calm_controls(Arena *arena, const EffectGrid *grid, const EffectControls *controls);

EffectPlan *effect_plan_make(Arena *arena, EffectContext *context, const EffectSeries *series,
                             EffectMeasure measure);
/* The variance of a score's sum of so many slots, for one slot and unit weight. */
double effect_plan_variance(const EffectPlan *plan, size_t slots);

/* The mean residual of the worst time of so many slots before, or of an eighth of what there is; 0 where none
 * was above its expectation. */
double effect_plan_worst(const EffectPlan *plan, size_t slots);

/* Nothing known, and why. */
Effect effect_unknown(const char *reason);
/* Looks at the original buckets before after_end. Sets all but the work's fields. */
void effect_plan_look(Arena *arena, const EffectPlan *plan, const EffectWindow *window, size_t after_end,
                      Effect *ret_effect);

/* Whole joined buckets before an original one; at least up to where the time after begins. */
size_t effect_plan_joined_end(const EffectPlan *plan, const EffectWindow *window, size_t after_end);
/* In logarithms: how far below the estimate harm is certain; and how far an estimate is from the truth at
 * most, but for so small a tail on one side, for one look. */
double effect_plan_harm_radius(const EffectPlan *plan, const EffectAmount *amount);
double effect_plan_deviation(const EffectPlan *plan, const EffectAmount *amount, double tail);

/* Sets detectable_percent and enough_us (effect.h): by what was seen before after_end, and by calls to come
 * as they came at these hours before. Where there are levels, of the comparison without them, which decides
 * about harm too. */
void effect_plan_enough(Arena *arena, const EffectPlan *plan, const EffectWindow *window, size_t after_end,
                        Effect *effect);

/* All queries as one series: the time they took as a multiple of what the same calls took before. */
EffectSeries effect_total_of(Arena *arena, const EffectCase *subject);

#endif
