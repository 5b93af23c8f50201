// SPDX-License-Identifier: PostgreSQL
/*
 * What the tests of effects share: series that are made up, with a daily season, noise and a change of known
 * truth. Memory from the arena.
 */
#ifndef FETTLE_TESTS_WORKFLOW_EFFECT_MADE_H
#define FETTLE_TESTS_WORKFLOW_EFFECT_MADE_H

#include "workflow/effect_internal.h"

#define ARENA_BYTES ((size_t)256 << 20)
#define DAY ((size_t)96)
#define WEEK (7 * DAY)
#define CONTROLS 8
#define MONDAY_US (INT64_C(4) * 86400 * 1000000) /* 1970-01-05 */

typedef struct Made {
    uint64_t seed;
    size_t before; /* buckets */
    size_t after;
    double noise;
    double calls;  /* a bucket */
    double factor; /* of time after the change */
    double rows_factor;
    double shared; /* of all series, from the change on */
    double weekend;
    double growth; /* a week */
} Made;

/* Another number, another noise. */
EffectSeries series_make(Arena *arena, const Made *made, uint64_t number);
/* From a Monday on, in quarters of an hour. */
EffectWindow window_of(const Made *made);
/* The query alone with controls that do as they did. */
EffectReport measure_made(Arena *arena, const Made *made, size_t control_count);

#endif
