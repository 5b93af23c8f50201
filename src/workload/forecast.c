// SPDX-License-Identifier: PostgreSQL
#include "workload/forecast.h"

#include "math/statistics.h"
#include "workload/forecast_internal.h"
#include "workload/trend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COMBINED ((size_t)5)
#define MODELS_MOST ((size_t)40)
#define WEEKS_FOR_WEEK 2          /* seen before a week is used as a season */
#define BEFORE_LEAST ((size_t)72) /* known before the first origin */
#define ORIGIN_FADING 0.96
#define RISE_MOST 3.0 /* over the greatest value: logarithms explode */

/* The series, cut to the history that is looked at. */
typedef struct Work {
    Arena *arena;
    const double *values;
    size_t count;
    size_t hours;
    double most; /* of the known values */
    double mean;
    ForecastSeasons seasons;
    size_t origins[FORECAST_ORIGINS_MOST + 1];
    size_t origin_count; /* the last is the end of the series */
} Work;

typedef struct Candidate {
    double *predicted; /* [origin][hour] */
    double error;      /* mean absolute, of the backtest, newer origins counting more */
} Candidate;

const char *
forecast_verdict_word(ForecastVerdict verdict)
{
    static const char *const words[] = {[FORECAST_MADE] = "made",
                                        [FORECAST_NAIVE] = "naive",
                                        [FORECAST_TOO_SHORT] = "too_short",
                                        [FORECAST_TOO_FEW] = "too_few"};
    return words[verdict];
}

static size_t
known_count(const double *values, size_t count)
{
    size_t known = 0;
    for (size_t i = 0; i < count; i++)
        known += !isnan(values[i]);
    return known;
}

/* The two seasons: a day and a week, unless others are found. Nothing found in enough hours is also an
 * answer, but the models without a season are candidates anyway. */
static ForecastSeasons
seasons_of(Arena *arena, const double *values, size_t count)
{
    ArenaMark mark = arena_mark(arena);
    ForecastSeasons seasons = {.hours = {FORECAST_DAY, 0}};
    Periods periods = period_detect(arena, values, count);
    arena_rewind(arena, mark);
    bool has_day = periods.count == 0;
    for (size_t i = 0; i < periods.count; i++)
        has_day = has_day || periods.hours[i] == FORECAST_DAY || periods.hours[i] == FORECAST_WEEK;
    if (!has_day) {
        seasons.hours[0] = periods.hours[0];
        seasons.hours[1] = periods.count > 1 ? periods.hours[1] : 0;
    }
    for (size_t i = 0; i < periods.count && has_day; i++)
        if (periods.hours[i] > FORECAST_DAY)
            seasons.hours[1] = periods.hours[i];
    if (seasons.hours[1] == 0 && count >= WEEKS_FOR_WEEK * FORECAST_WEEK)
        seasons.hours[1] = FORECAST_WEEK;
    return seasons;
}

/* What was before a shift of the level is put to the level after it: then nothing has to learn it anew, and
 * day and week stay those of all the history. */
static void
align_shift(Work *work)
{
    Shift shift;
    if (!trend_shift(work->arena, work->values, work->count, work->seasons.hours, &shift))
        return;
    double *aligned = ARENA_NEW_ARRAY(work->arena, double, work->count);
    for (size_t i = 0; i < work->count; i++)
        aligned[i] = work->values[i] * (i < shift.at ? 1 + shift.change_percent / 100 : 1);
    work->values = aligned;
}

/* One a day back from the end, as long as enough is known before. */
static void
choose_origins(Work *work, size_t least_before)
{
    size_t days = 0;
    while (days < FORECAST_ORIGINS_MOST && work->count >= (days + 1) * FORECAST_DAY + least_before)
        days++;
    for (size_t day = days; day > 0; day--)
        work->origins[work->origin_count++] = work->count - day * FORECAST_DAY;
    work->origins[work->origin_count++] = work->count;
}

static double
backtest_error(const Work *work, const double *predicted)
{
    double sum = 0;
    double weights = 0;
    double weight = 1;
    for (size_t o = work->origin_count - 1; o-- > 0;) {
        for (size_t h = 0; h < work->hours && work->origins[o] + h < work->count; h++) {
            double value = work->values[work->origins[o] + h];
            double away = fabs(value - predicted[o * work->hours + h]);
            if (isnan(value))
                continue;
            /* a model that can say nothing is as wrong as can be */
            sum += weight * (isnan(away) ? work->most : away);
            weights += weight;
        }
        weight *= ORIGIN_FADING;
    }
    return weights > 0 ? sum / weights : INFINITY;
}

/* Logarithms back to values, none below 0 or far above all that was. */
static void
to_values(const Work *work, bool is_log, double *predicted)
{
    for (size_t i = 0; i < work->origin_count * work->hours; i++) {
        double value = is_log ? expm1(predicted[i]) : predicted[i];
        if (!isnan(value))
            predicted[i] = fmin(fmax(value, 0), RISE_MOST * work->most);
    }
}

/* All models, on the values and on their logarithms; the naive first one too, to which the others compare. */
static size_t
run_models(const Work *work, Candidate *candidates)
{
    double *spaces[2];
    size_t count = 0;
    spaces[0] = forecast_prepare(work->arena, work->values, work->count, &work->seasons);
    spaces[1] = ARENA_NEW_ARRAY(work->arena, double, work->count);
    for (size_t i = 0; i < work->count; i++)
        spaces[1][i] = log1p(spaces[0][i]);
    size_t model_count = forecast_model_count(&work->seasons);
    fettle_assert(2 * model_count <= MODELS_MOST);
    for (int is_log = 0; is_log < 2; is_log++) {
        ForecastTask task = {.arena = work->arena,
                             .values = spaces[is_log],
                             .count = work->count,
                             .seasons = work->seasons,
                             .origins = work->origins,
                             .origin_count = work->origin_count,
                             .hours = work->hours};
        for (size_t model = 0; model < model_count; model++) {
            Candidate *candidate = &candidates[count++];
            candidate->predicted = ARENA_NEW_ARRAY(work->arena, double, work->origin_count * work->hours);
            forecast_model_run(&task, model, candidate->predicted);
            to_values(work, is_log == 1, candidate->predicted);
            candidate->error = backtest_error(work, candidate->predicted);
        }
    }
    return count;
}

static int
by_error(const void *left, const void *right)
{
    const Candidate *a = left;
    const Candidate *b = right;
    return (a->error > b->error) - (a->error < b->error);
}

/* The median of the best, for every origin and hour. */
static double *
combine(const Work *work, Candidate *candidates, size_t count)
{
    double *combined = ARENA_NEW_ARRAY(work->arena, double, work->origin_count * work->hours);
    size_t used = count < COMBINED ? count : COMBINED;
    qsort(candidates, count, sizeof(Candidate), by_error);
    for (size_t i = 0; i < work->origin_count * work->hours; i++) {
        double known[COMBINED];
        size_t found = 0;
        for (size_t c = 0; c < used; c++)
            if (isfinite(candidates[c].predicted[i]))
                known[found++] = candidates[c].predicted[i];
        combined[i] = found == 0 ? work->mean : statistics_median(known, found);
    }
    return combined;
}

static void
finish(const Work *work, const double *predicted, double ceiling, Forecast *forecast)
{
    forecast->count = work->hours;
    forecast->hours = ARENA_NEW_ARRAY(work->arena, ForecastHour, work->hours);
    forecast->origins = work->origin_count - 1;
    for (size_t h = 0; h < work->hours; h++)
        forecast->hours[h].predicted = fmin(ceiling, predicted[(work->origin_count - 1) * work->hours + h]);
    ArenaMark mark = arena_mark(work->arena);
    ForecastPast past = {.values = work->values,
                         .count = work->count,
                         .origins = work->origins,
                         .origin_count = work->origin_count - 1,
                         .predicted = predicted};
    if (!forecast_bands(work->arena, &past, ceiling, forecast)) {
        forecast->verdict = FORECAST_TOO_FEW;
        forecast->count = 0;
    }
    arena_rewind(work->arena, mark);
}

/* The day before again. */
static void
make_naive(Work *work, double ceiling, Forecast *forecast)
{
    forecast->verdict = FORECAST_NAIVE;
    forecast->seasons[0] = FORECAST_DAY;
    work->seasons = (ForecastSeasons){.hours = {FORECAST_DAY, 0}};
    choose_origins(work, FORECAST_DAY);
    ForecastTask task = {.arena = work->arena,
                         .values = work->values,
                         .count = work->count,
                         .seasons = work->seasons,
                         .origins = work->origins,
                         .origin_count = work->origin_count,
                         .hours = work->hours};
    double *predicted = ARENA_NEW_ARRAY(work->arena, double, work->origin_count * work->hours);
    forecast_model_run(&task, 0, predicted);
    forecast->error_ratio = 1;
    finish(work, predicted, ceiling, forecast);
}

static void
make_whole(Work *work, double ceiling, Forecast *forecast)
{
    Candidate *candidates = ARENA_NEW_ARRAY(work->arena, Candidate, MODELS_MOST);
    work->seasons = seasons_of(work->arena, work->values, work->count);
    memcpy(forecast->seasons, work->seasons.hours, sizeof(forecast->seasons));
    align_shift(work);
    choose_origins(work, BEFORE_LEAST);
    size_t count = run_models(work, candidates);
    double naive = candidates[0].error; /* of the first season, which is a day for most */
    double *combined = combine(work, candidates, count);
    forecast->error_ratio = naive > 0 ? backtest_error(work, combined) / naive : NAN;
    finish(work, combined, ceiling, forecast);
}

Forecast
forecast_make(Arena *arena, const double *values, size_t count, const ForecastOptions *options)
{
    fettle_assert(options->hours >= 1 && options->hours <= FORECAST_HOURS_MOST);
    size_t cut = count > FORECAST_HISTORY_MOST ? count - FORECAST_HISTORY_MOST : 0;
    while (cut < count && isnan(values[cut]))
        cut++;
    Forecast forecast = {.error_ratio = NAN};
    Work work = {.arena = arena, .values = values + cut, .count = count - cut, .hours = options->hours};
    size_t known = known_count(work.values, work.count);
    size_t week = work.count < FORECAST_WEEK ? work.count : FORECAST_WEEK;
    forecast.verdict = known < FORECAST_KNOWN_LEAST ? FORECAST_TOO_SHORT : FORECAST_TOO_FEW;
    if (known < FORECAST_KNOWN_LEAST || known_count(work.values + work.count - week, week) == 0)
        return forecast;
    for (size_t i = 0; i < work.count; i++)
        if (!isnan(work.values[i])) {
            work.most = fmax(work.most, work.values[i]);
            work.mean += work.values[i] / (double)known;
        }
    forecast.verdict = FORECAST_MADE;
    if (known < FORECAST_WEEK)
        make_naive(&work, options->ceiling, &forecast);
    else
        make_whole(&work, options->ceiling, &forecast);
    return forecast;
}
