// SPDX-License-Identifier: PostgreSQL
/*
 * Forecast: the next hours of a series of hourly values, each with bands that hold as often as they say.
 *
 *   prepare   the hours of lone spikes are put back to what their neighbours a season away say
 *   seasons   those that period.h finds (a day and a week when it cannot tell)
 *   align     what was before a shift of the level (trend.h) is put to the level after it
 *   models    seasonal naives, exponential smoothing by level, seasons and the last error, and seasonally
 *             adjusted levels after Theta; each on the values and on their logarithms
 *   backtest  all of them from the same origins of the past, one a day, as far ahead as is asked for
 *   combine   the median of the five that erred least
 *   bands     conformal: the errors the combination made from these origins, each over what is usual so far
 *             ahead, give the quantiles of the next ones
 *
 * Hours are counted from the end of the series: hours[0] is the one after its last. Values are none negative,
 * NaN is a gap, and predictions are never negative. A constant series is forecast to stay so, without width.
 * With fewer than 7 days the forecast is the day before again, with a band of that rule's own errors; with
 * fewer than FORECAST_KNOWN_LEAST known hours, none in the last week, or too few to compare with, there is
 * none.
 *
 * A shift of the level is believed after three days. The bands are those of single hours. What never happened
 * in the history that was given (a release, a holiday, a growth that begins) is in no band.
 *
 * Pure; all memory from the arena; about 10 MB of it, of which little stays.
 *
 *     ForecastOptions options = {.hours = 48, .ceiling = INFINITY};
 *     Forecast forecast = forecast_make(arena, clean.calls, clean.count, &options);
 */
#ifndef FETTLE_WORKLOAD_FORECAST_H
#define FETTLE_WORKLOAD_FORECAST_H

#include "workload/period.h"

#define FORECAST_HOURS_MOST ((size_t)168)
#define FORECAST_KNOWN_LEAST ((size_t)48)
#define FORECAST_HISTORY_MOST ((size_t)2160) /* what is older is not looked at */
#define FORECAST_SEASONS_MOST 2

typedef enum ForecastVerdict {
    FORECAST_MADE,
    FORECAST_NAIVE,     /* too little for more than the day before */
    FORECAST_TOO_SHORT, /* none: fewer known hours than FORECAST_KNOWN_LEAST */
    FORECAST_TOO_FEW,   /* none: too little is known of the last weeks */
} ForecastVerdict;

typedef enum ForecastBand { FORECAST_80, FORECAST_90, FORECAST_95, FORECAST_BANDS } ForecastBand;

typedef struct ForecastHour {
    double predicted;
    double lower[FORECAST_BANDS];
    double upper[FORECAST_BANDS];
} ForecastHour;

typedef struct Forecast {
    ForecastVerdict verdict;
    size_t count; /* 0 when there is none */
    ForecastHour *hours;
    size_t seasons[FORECAST_SEASONS_MOST]; /* hours, ascending; 0: none */
    size_t origins;                        /* of the backtest */
    double error_ratio; /* its mean absolute error over that of the day before; NaN: not measured */
} Forecast;

typedef struct ForecastOptions {
    size_t hours;   /* ahead, 1 .. FORECAST_HOURS_MOST */
    double ceiling; /* no value is above it; INFINITY: none */
} ForecastOptions;

/* count up to FOURIER_COUNT_MOST. */
Forecast forecast_make(Arena *arena, const double *values, size_t count, const ForecastOptions *options);

/* One of the words "made", "naive", "too_short", "too_few". */
const char *forecast_verdict_word(ForecastVerdict verdict);

#endif
