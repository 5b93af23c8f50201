// SPDX-License-Identifier: PostgreSQL
#include "cli/chart.h"

#include <math.h>

static void
append_levels(Text *text, const double *values, size_t count, double most, const char *const *levels,
              size_t level_count)
{
    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i])) {
            text_append(text, "·");
            continue;
        }
        double share = most > 0 ? fmin(fmax(values[i] / most, 0), 1) : 0;
        text_append(text, levels[(size_t)lround(share * (double)(level_count - 1))]);
    }
}

void
chart_bars_of(Text *text, const double *values, size_t count, double most)
{
    static const char *const levels[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    append_levels(text, values, count, most, levels, FETTLE_COUNT_OF(levels));
}

void
chart_bars(Text *text, const double *values, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, values[i]); /* NaN is passed over */
    chart_bars_of(text, values, count, most);
}

void
chart_shades(Text *text, const double *values, size_t count, double most)
{
    static const char *const levels[] = {" ", "░", "▒", "▓", "█"};
    append_levels(text, values, count, most, levels, FETTLE_COUNT_OF(levels));
}

void
chart_heat(Text *text, const double *values, size_t count, double most, bool is_coloured)
{
    static const char *const levels[] = {"  ", "░░", "▒▒", "▓▓", "██"};
    static const int colours[] = {24, 31, 178, 202, 196}; /* of 256 */
    const size_t most_level = FETTLE_COUNT_OF(levels) - 1;
    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i])) {
            text_append(text, "··");
            continue;
        }
        double share = most > 0 ? fmin(fmax(values[i] / most, 0), 1) : 0;
        size_t level = (size_t)lround(share * (double)most_level);
        if (is_coloured)
            text_append_format(text, "\033[38;5;%dm%s\033[0m", colours[level], levels[level]);
        else
            text_append(text, levels[level]);
    }
}
