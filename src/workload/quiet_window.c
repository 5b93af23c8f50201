// SPDX-License-Identifier: PostgreSQL
#include "workload/quiet_window.h"

#include <math.h>

#define SAME_SHARE 0.02

static QuietWindow
window_at(const Forecast *forecast, size_t from, size_t hours)
{
    QuietWindow window = {.from = from, .hours = hours};
    for (size_t h = from; h < from + hours; h++) {
        window.predicted += forecast->hours[h].predicted / (double)hours;
        window.lower += forecast->hours[h].lower[FORECAST_90] / (double)hours;
        window.upper += forecast->hours[h].upper[FORECAST_90] / (double)hours;
    }
    return window;
}

/* The window of the greatest (sign 1) or least (sign -1) prediction that begins in time; the first that is
 * nearly it. */
static bool
find(const Forecast *forecast, size_t hours, size_t within, double sign, QuietWindow *ret_window)
{
    if (hours == 0 || hours > forecast->count)
        return false;
    size_t starts = forecast->count - hours + 1;
    if (within > 0 && within < starts)
        starts = within;
    double mean = window_at(forecast, 0, starts + hours - 1).predicted;
    double best = -INFINITY;
    for (size_t from = 0; from < starts; from++)
        best = fmax(best, sign * window_at(forecast, from, hours).predicted);
    size_t from = 0;
    while (sign * window_at(forecast, from, hours).predicted < best - SAME_SHARE * mean)
        from++;
    *ret_window = window_at(forecast, from, hours);
    ret_window->share = mean > 0 ? ret_window->predicted / mean : 1;
    return true;
}

bool
quiet_window_find(const Forecast *forecast, size_t hours, size_t within, QuietWindow *ret_window)
{
    return find(forecast, hours, within, -1, ret_window);
}

bool
quiet_window_peak(const Forecast *forecast, size_t within, QuietWindow *ret_peak)
{
    return find(forecast, 1, within, 1, ret_peak);
}
