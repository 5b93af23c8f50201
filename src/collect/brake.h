// SPDX-License-Identifier: PostgreSQL
/*
 * LoadBrake: rounds that take too large a share of the target's time are made rarer. Pure.
 *
 * The share is the round's time on the target over the time between rounds. Above the allowed share the time
 * between rounds doubles, up to sixteen times; it halves again when the round would take less than four
 * fifths of the allowed share at the shorter time, so that it does not swing.
 */
#ifndef FETTLE_COLLECT_BRAKE_H
#define FETTLE_COLLECT_BRAKE_H

#include "base/attributes.h"

#define BRAKE_FACTOR_MOST 16

typedef struct LoadBrake {
    int factor; /* 1: not braked; 0 counts as 1 */
} LoadBrake;

int load_brake_factor(const LoadBrake *brake);

/* Learns from one round; true when the factor changed. */
bool load_brake_learn(LoadBrake *brake, int64_t round_us, int64_t interval_us, double percent_most);

#endif
