// SPDX-License-Identifier: PostgreSQL
#include "workload/quiet_window.h"

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

/* The window of the greatest (sign 1) or least (sign -1) prediction that begins in time. */
static bool
find(const Forecast *forecast, size_t hours, size_t within, double sign, QuietWindow *ret_window)
{
    if (hours == 0 || hours > forecast->count)
        return false;
    size_t starts = forecast->count - hours + 1;
    if (within > 0 && within < starts)
        starts = within;
    size_t seen = starts + hours - 1;
    QuietWindow best = window_at(forecast, 0, hours);
    for (size_t from = 1; from < starts; from++) {
        QuietWindow window = window_at(forecast, from, hours);
        if (sign * window.predicted > sign * best.predicted)
            best = window;
    }
    double mean = window_at(forecast, 0, seen).predicted;
    best.share = mean > 0 ? best.predicted / mean : 1;
    *ret_window = best;
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
