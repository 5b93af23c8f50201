// SPDX-License-Identifier: PostgreSQL
/*
 * Two level: a series that moves between two levels by itself, as the time of a query with two plans does.
 *
 * x_t = level of the state at t + noise; the state is a Markov chain of two states, the noise an
 * autoregression of the first order with Student's t of five degrees of freedom (Hamilton 1989, with the
 * robust steps of Lange, Little and Taylor 1989). Fitted by expectation and maximisation (Baum et al. 1970);
 * gain says how much likelier the series is so than with one level and the same noise.
 *
 * two_level_shift() then asks of later values by how much both levels together have moved. Which state the
 * series was in is known from what came before, and leaving it is rare: so a shift is told from a change of
 * state, though by size alone they may be equal. How much less likely another shift with another path of
 * states is, on either side of the best one, is said by lead.
 *
 * Values that are NAN are missing. Pure, any thread; memory from the arena is given back. O(count), some 80
 * passes of four densities a step.
 *
 *     two_level_fit(arena, values, count, &model, high);
 *     double start = two_level_later(&model, 1);
 *     if (model.gain > 12) two_level_shift(arena, &model, start, later, later_count, &shift, later_high);
 */
#ifndef FETTLE_MATH_TWO_LEVEL_H
#define FETTLE_MATH_TWO_LEVEL_H

#include "base/arena.h"

#define TWO_LEVEL_GAIN_TOLD 6.0

typedef struct TwoLevel {
    double levels[2];  /* low, high */
    double memory;     /* 0 .. .95, of the noise between neighbours */
    double deviation;  /* scale of what is new in the noise at each step */
    double moves[2];   /* chance of leaving the low, the high level, a step */
    double likelihood; /* logarithm, but for a constant */
    double gain;       /* of that over one level's; 0 where there are fewer than ten values; what would not
                          come to TWO_LEVEL_GAIN_TOLD is not fitted to its end, and less than it could be */
    double known;      /* steps with a value */
    double share_high; /* of them */
    double last_high;  /* chance of the high level at the last step */
} TwoLevel;

/* Another explanation, whose shift differs by more than half of the gap. */
typedef struct TwoLevelOther {
    double shift;
    double lead; /* logarithm of how much likelier the best one is; infinite: there is no other */
} TwoLevelOther;

typedef struct TwoLevelShift {
    double shift;        /* of both levels; the likeliest */
    TwoLevelOther below; /* the likeliest of those that are less */
    TwoLevelOther above;
} TwoLevelShift;

/* ret_high: the chance of the high level at each step; count >= 1. */
void two_level_fit(Arena *arena, const double *values, size_t count, TwoLevel *ret_model, double *ret_high);
/* The chance of the high level so many steps after the last one that was fitted. */
double two_level_later(const TwoLevel *model, size_t steps);
/* The share that the high level has in the long run is less than this, but for so small a tail: Wilson's
 * bound (1927), of as many independent steps as the chain's make. 1 where nothing moves. */
double two_level_share_most(const TwoLevel *model, double tail);
/* start_high: the chance of the high level at the first of these values. A model with a gap; without values
 * the shift is 0. */
void two_level_shift(Arena *arena, const TwoLevel *model, double start_high, const double *values,
                     size_t count, TwoLevelShift *ret_shift, double *ret_high);

#endif
