// SPDX-License-Identifier: PostgreSQL
/*
 * Charts of characters: lines of bars and maps of shades, UTF-8, one column a value.
 *
 * A value that is NaN (unknown) is a "·". Bars reach from 0 to the greatest value; without any above 0 all
 * are the lowest one.
 */
#ifndef FETTLE_CLI_CHART_H
#define FETTLE_CLI_CHART_H

#include "base/text.h"

/* "▁▂▃▄▅▆▇█" */
void chart_bars(Text *text, const double *values, size_t count);
/* The same, of which most is the greatest value of several lines. */
void chart_bars_of(Text *text, const double *values, size_t count, double most);
/* One row of a map of shades " ░▒▓█", of which most is the greatest value of the whole map. */
void chart_shades(Text *text, const double *values, size_t count, double most);

/* The same row two columns wide, in colours from blue to red where the terminal takes them. */
void chart_heat(Text *text, const double *values, size_t count, double most, bool is_coloured);

#endif
