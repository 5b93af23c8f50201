// SPDX-License-Identifier: PostgreSQL
/*
 * Profile: the average hour of the day, of the week, the average day of the week and of the month.
 *
 * Averages over observed hours; NaN where none was observed. A day counts for daily[] and monthly[] when it
 * has 12 observed hours or more; its figure is its average hour times 24, so that gaps do not make it small.
 */
#ifndef FETTLE_WORKLOAD_PROFILE_H
#define FETTLE_WORKLOAD_PROFILE_H

#include "workload/series.h"

typedef struct Profile {
    double hourly[SERIES_DAY_HOURS]; /* calls an hour */
    double hourly_ms[SERIES_DAY_HOURS];
    double weekly[SERIES_WEEK_DAYS][SERIES_DAY_HOURS]; /* calls an hour, of the weekday */
    double daily[SERIES_WEEK_DAYS];                    /* calls a day, Sunday first */
    double monthly[SERIES_MONTH_DAYS];                 /* calls a day */
    double calls_all;
    double observed_hours;
    double mean_ms; /* weighted by calls; NaN without calls */
} Profile;

Profile profile_of(const HourlySeries *series);

#endif
