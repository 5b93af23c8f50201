// SPDX-License-Identifier: PostgreSQL
/*
 * The parts of a forecast: what is prepared, and the models that forecast from origins in it. Of forecast*.c
 * only.
 */
#ifndef FETTLE_WORKLOAD_FORECAST_INTERNAL_H
#define FETTLE_WORKLOAD_FORECAST_INTERNAL_H

#include "workload/forecast.h"

#define FORECAST_ORIGINS_MOST ((size_t)28)
#define FORECAST_ERRORS_LEAST ((size_t)12)
#define FORECAST_DAY ((size_t)24)
#define FORECAST_WEEK ((size_t)168)

/* The seasons a model may use: 0: none. The shorter first. */
typedef struct ForecastSeasons {
    size_t hours[FORECAST_SEASONS_MOST];
} ForecastSeasons;

/* A series in one space, the values or their logarithms, NaN where not known, and the origins to forecast
 * from: an origin is how many values are known then. */
typedef struct ForecastTask {
    Arena *arena;
    const double *values;
    size_t count;
    ForecastSeasons seasons;
    const size_t *origins; /* ascending; the last one is count */
    size_t origin_count;
    size_t hours;
} ForecastTask;

/* How many models there are for these seasons. */
size_t forecast_model_count(const ForecastSeasons *seasons);
/* Runs one of them; ret_predicted[origin * hours + hour ahead]. */
void forecast_model_run(const ForecastTask *task, size_t model, double *ret_predicted);

/* A copy in which lone spikes are put back; gaps stay. */
double *forecast_prepare(Arena *arena, const double *values, size_t count, const ForecastSeasons *seasons);

/* What came of earlier predictions: predicted[origin * hours + hour ahead]. */
typedef struct ForecastPast {
    const double *values; /* what came, NaN unknown */
    size_t count;
    const size_t *origins;
    size_t origin_count; /* without the last one */
    const double *predicted;
} ForecastPast;

/* Fills in the bands of a forecast whose predictions are made, from the errors of the past; false when fewer
 * than FORECAST_ERRORS_LEAST are known. */
bool forecast_bands(Arena *arena, const ForecastPast *past, double ceiling, Forecast *forecast);

#endif
