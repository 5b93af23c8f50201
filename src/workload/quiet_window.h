// SPDX-License-Identifier: PostgreSQL
/*
 * QuietWindow: when, in the hours that are forecast, a change would disturb least; and when load is greatest.
 *
 * A window is so many whole hours in a row that begin within the next so many. The quietest is the one of the
 * least predicted mean; the earliest of those that are as quiet but for 2 percent of the mean load. A change
 * of unknown length is given the hours it may take. Bounds are the means of the hours' bounds: the mean of
 * several hours errs less than each, so the band is wide rather than narrow. Places are hours from the
 * forecast's first one.
 *
 *     QuietWindow window;
 *     if (quiet_window_find(&forecast, 2, 24, &window))
 *         begin_at(first_hour + window.from);
 */
#ifndef FETTLE_WORKLOAD_QUIET_WINDOW_H
#define FETTLE_WORKLOAD_QUIET_WINDOW_H

#include "workload/forecast.h"

typedef struct QuietWindow {
    size_t from;
    size_t hours;
    double predicted; /* mean of an hour */
    double lower;     /* 90 % */
    double upper;
    double share; /* of the mean over all hours looked at; 1 when nothing is predicted at all */
} QuietWindow;

/* False when fewer hours are forecast than the window has. within: 0: all that are forecast. */
bool quiet_window_find(const Forecast *forecast, size_t hours, size_t within, QuietWindow *ret_window);

/* The hour of the greatest prediction, as a window of one hour. */
bool quiet_window_peak(const Forecast *forecast, size_t within, QuietWindow *ret_peak);

#endif
