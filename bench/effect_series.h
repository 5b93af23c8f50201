// SPDX-License-Identifier: PostgreSQL
/*
 * Generated series of a change with known truth, for effect_bench: daily and weekly season, lognormal noise
 * of 5 to 60 % a bucket with AR(1) of 0 to .8, half of them heavy-tailed, noise of each call beside it, load
 * that all queries share, plan flips, deploys that move everything by -30 to +50 %, growth up to 5 % a week,
 * missing hours, counter resets; 5 to 50,000 calls an hour; 3 to 35 days before the change.
 */
#ifndef FETTLE_BENCH_EFFECT_SERIES_H
#define FETTLE_BENCH_EFFECT_SERIES_H

#include "workflow/effect.h"

#define EFFECT_SERIES_AFTER 192 /* two days of 15 minutes */

/* What a change does to a query that flips. */
typedef enum EffectFlips {
    EFFECT_FLIPS_DRAWN,   /* one query in ten flips, the change has no part in it */
    EFFECT_FLIPS_GO_ON,   /* this one does, and goes on as before */
    EFFECT_FLIPS_AT_ONCE, /* it flips by chance at the change, either way, and goes on */
    EFFECT_FLIPS_SLOW,    /* it stays in the slow plan from the change on */
    EFFECT_FLIPS_FAST,    /* in the fast one */
    EFFECT_FLIPS_NO_MORE  /* the same, of a slow plan three times as slow that 15 to 22 % of time were in */
} EffectFlips;

typedef struct EffectTruth {
    uint64_t seed;
    double factor;         /* of the query's time by the change; 1: nothing */
    double writes_factor;  /* of the other query's on the table, which writes */
    double drift_factor;   /* of all queries, at the moment of the change */
    double unevenness;     /* deviation of each query's own share of it, of 1 */
    double calls_per_hour; /* 0: drawn */
    double noise_most;     /* 0: .6 */
    EffectFlips flips;
    size_t change_buckets; /* 0: up to three, drawn */
    double days;           /* before the change; 0: drawn */
    bool is_still;         /* without deploys, flips and growth */
} EffectTruth;

/* What was drawn for the query. */
typedef struct EffectDrawn {
    double noise;     /* of a bucket */
    double deviation; /* of two days' mean from that before, by noise alone */
    bool flips;
} EffectDrawn;

EffectCase effect_series_make(Arena *arena, const EffectTruth *truth, EffectDrawn *ret_drawn);

#endif
