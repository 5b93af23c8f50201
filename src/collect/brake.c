// SPDX-License-Identifier: PostgreSQL
#include "collect/brake.h"

#define RELEASE_SHARE 0.8

int
load_brake_factor(const LoadBrake *brake)
{
    return brake->factor < 1 ? 1 : brake->factor;
}

bool
load_brake_learn(LoadBrake *brake, int64_t round_us, int64_t interval_us, double percent_most)
{
    fettle_assert(interval_us > 0);
    int before = load_brake_factor(brake);
    double allowed_us = (double)interval_us * percent_most / 100 * before;
    brake->factor = before;
    if ((double)round_us > allowed_us && before < BRAKE_FACTOR_MOST)
        brake->factor = before * 2;
    else if (before > 1 && (double)round_us < allowed_us / 2 * RELEASE_SHARE)
        brake->factor = before / 2;
    return brake->factor != before;
}
