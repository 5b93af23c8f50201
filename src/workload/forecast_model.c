// SPDX-License-Identifier: PostgreSQL
/*
 * The models of a forecast. Each runs over the series once and forecasts from every origin it comes by, of
 * nothing but what it has seen by then. (The smoothing's three or four constants are fitted on the whole
 * series, also on what comes after an origin: so few numbers of so many values make no difference that is
 * measured.)
 *
 *   naive       the newest known value one season before
 *   smoothing   level + season + season + what remains of the last error (Taylor 2003, 2010)
 *   adjusted    phase means whose weights fade per cycle, on what remains of a moving mean over a season;
 *               a smoothed level of the rest (after Theta: Assimakopoulos and Nikolopoulos 2000). Some
 *               of them go on at the slope of the last weeks, for sizes: of load a trend costs more than it
 *               gives, and the backtest leaves them out there
 */
#include "math/minimize.h"
#include "workload/forecast_internal.h"

#include <math.h>
#include <string.h>

#define FIT_HOURS_MOST ((size_t)1344)
#define FIT_EVALUATIONS 70
#define WARM_HOURS_MOST ((size_t)504)
#define ADJUST_HOURS_MOST ((size_t)1344)
#define LEVEL_HOURS_MOST ((size_t)336)
#define CONSTANTS 4

typedef enum ModelKind { MODEL_NAIVE, MODEL_SMOOTHING, MODEL_ADJUSTED } ModelKind;

typedef struct Model {
    ModelKind kind;
    bool uses_season[FORECAST_SEASONS_MOST];
    bool has_error;     /* of smoothing */
    double fading;      /* of adjusted: of a phase mean's weight, per cycle */
    double alpha;       /* of adjusted: of its level */
    size_t drift_hours; /* of adjusted: over which its slope is that of the last hours; 0: none */
} Model;

static const Model models[] = {
    {.kind = MODEL_NAIVE, .uses_season = {true, false}},
    {.kind = MODEL_NAIVE, .uses_season = {false, true}},
    {.kind = MODEL_SMOOTHING, .uses_season = {false, false}},
    {.kind = MODEL_SMOOTHING, .uses_season = {true, false}},
    {.kind = MODEL_SMOOTHING, .uses_season = {false, true}},
    {.kind = MODEL_SMOOTHING, .uses_season = {true, true}},
    {.kind = MODEL_SMOOTHING, .uses_season = {true, false}, .has_error = true},
    {.kind = MODEL_SMOOTHING, .uses_season = {false, true}, .has_error = true},
    {.kind = MODEL_SMOOTHING, .uses_season = {true, true}, .has_error = true},
    {.kind = MODEL_ADJUSTED, .uses_season = {true, false}, .fading = 0.7, .alpha = 0.05},
    {.kind = MODEL_ADJUSTED, .uses_season = {true, false}, .fading = 0.95, .alpha = 0.02},
    {.kind = MODEL_ADJUSTED, .uses_season = {true, true}, .fading = 0.7, .alpha = 0.05},
    {.kind = MODEL_ADJUSTED, .uses_season = {true, true}, .fading = 0.9, .alpha = 0.02},
    {.kind = MODEL_ADJUSTED, .uses_season = {true, true}, .fading = 0.9, .alpha = 0.005},
    {.kind = MODEL_ADJUSTED, .alpha = 0.5, .drift_hours = 168},
    {.kind = MODEL_ADJUSTED, .alpha = 0.5, .drift_hours = 336},
    {.kind = MODEL_ADJUSTED, .uses_season = {true, false}, .fading = 0.9, .alpha = 0.2, .drift_hours = 168},
    {.kind = MODEL_ADJUSTED, .uses_season = {true, false}, .fading = 0.9, .alpha = 0.2, .drift_hours = 336},
};

/* Which models there are for these seasons: those without a season that is not there. */
static const Model *
model_at(const ForecastSeasons *seasons, size_t place)
{
    for (size_t i = 0; i < FETTLE_COUNT_OF(models); i++) {
        bool is_missing = false;
        for (size_t s = 0; s < FORECAST_SEASONS_MOST; s++)
            is_missing = is_missing || (models[i].uses_season[s] && seasons->hours[s] == 0);
        if (is_missing)
            continue;
        if (place == 0)
            return &models[i];
        place--;
    }
    return NULL;
}

size_t
forecast_model_count(const ForecastSeasons *seasons)
{
    size_t count = 0;
    while (model_at(seasons, count) != NULL)
        count++;
    return count;
}

static double
mean_known(const double *values, size_t from, size_t to)
{
    double sum = 0;
    double count = 0;
    for (size_t i = from; i < to; i++)
        if (!isnan(values[i])) {
            sum += values[i];
            count += 1;
        }
    return count > 0 ? sum / count : NAN;
}

/* --- naive */

static void
naive_run(const ForecastTask *task, size_t season, double *ret_predicted)
{
    for (size_t o = 0; o < task->origin_count; o++) {
        size_t origin = task->origins[o];
        double otherwise =
            mean_known(task->values, origin > FORECAST_WEEK ? origin - FORECAST_WEEK : 0, origin);
        for (size_t h = 0; h < task->hours; h++) {
            double value = NAN;
            for (size_t back = season * (h / season + 1); isnan(value) && back <= origin + h; back += season)
                value = task->values[origin + h - back];
            ret_predicted[o * task->hours + h] = isnan(value) ? otherwise : value;
        }
    }
}

/* --- smoothing */

/* Constants and state; a season that is not used has length 1 and stays 0. */
typedef struct Smoothing {
    double constants[CONSTANTS]; /* alpha, of both seasons, phi */
    size_t lengths[FORECAST_SEASONS_MOST];
    double *phases[FORECAST_SEASONS_MOST];
    double level;
    double error;
} Smoothing;

/* Level and phases of the first weeks. */
static void
smoothing_begin(const ForecastTask *task, size_t from, size_t to, Smoothing *smoothing)
{
    double counts[FORECAST_WEEK * 2];
    double level = mean_known(task->values, from, to);
    smoothing->level = isnan(level) ? 0 : level;
    smoothing->error = 0;
    for (size_t s = 0; s < FORECAST_SEASONS_MOST; s++) {
        size_t length = smoothing->lengths[s];
        double *phases = smoothing->phases[s];
        memset(counts, 0, length * sizeof(double));
        memset(phases, 0, length * sizeof(double));
        for (size_t i = from; i < to && length > 1; i++) {
            if (isnan(task->values[i]))
                continue;
            double other = s == 0 ? 0 : smoothing->phases[0][i % smoothing->lengths[0]];
            phases[i % length] += task->values[i] - smoothing->level - other;
            counts[i % length] += 1;
        }
        /* one cycle alone is half noise */
        for (size_t phase = 0; phase < length; phase++)
            phases[phase] /= counts[phase] + (s == 0 ? 0.1 : 0.7);
    }
}

/* Over [from, to); the sum of the squared errors one step ahead from score_from on. */
static double
smoothing_run(const ForecastTask *task, size_t from, size_t to, size_t score_from, Smoothing *smoothing)
{
    fettle_assert(smoothing->lengths[0] > 0 && smoothing->lengths[1] > 0);
    double alpha = smoothing->constants[0];
    double phi = smoothing->constants[3];
    double *first = smoothing->phases[0];
    double *second = smoothing->phases[1];
    size_t a = from % smoothing->lengths[0];
    size_t b = from % smoothing->lengths[1];
    double squares = 0;
    for (size_t i = from; i < to; i++) {
        double remains = phi * smoothing->error;
        double away = task->values[i] - (smoothing->level + first[a] + second[b] + remains);
        if (isnan(away)) {
            smoothing->error = remains;
        } else {
            squares += i >= score_from ? away * away : 0;
            smoothing->error = remains + away;
            smoothing->level += alpha * away;
            first[a] += smoothing->constants[1] * away;
            second[b] += smoothing->constants[2] * away;
        }
        a = a + 1 == smoothing->lengths[0] ? 0 : a + 1;
        b = b + 1 == smoothing->lengths[1] ? 0 : b + 1;
    }
    return squares;
}

/* What is fitted: the constants that a model has. */
typedef struct Fit {
    const ForecastTask *task;
    Smoothing *smoothing;
    size_t places[CONSTANTS]; /* of the parameters among the constants */
    size_t count;
    size_t from;
    size_t warm;
} Fit;

static double
fit_error(const double *parameters, const void *context)
{
    const Fit *fit = context;
    for (size_t i = 0; i < fit->count; i++)
        fit->smoothing->constants[fit->places[i]] = parameters[i];
    smoothing_begin(fit->task, fit->from, fit->warm, fit->smoothing);
    return smoothing_run(fit->task, fit->from, fit->task->count, fit->warm, fit->smoothing);
}

static void
smoothing_fit(const ForecastTask *task, const Model *model, Smoothing *smoothing)
{
    static const double low[CONSTANTS] = {1e-4, 1e-4, 1e-4, 1e-4};
    static const double high[CONSTANTS] = {0.999, 0.999, 0.999, 0.98};
    static const double starts[CONSTANTS] = {0.05, 0.1, 0.1, 0.4};
    const bool has[CONSTANTS] = {true, model->uses_season[0], model->uses_season[1], model->has_error};
    double lower[CONSTANTS];
    double upper[CONSTANTS];
    double best[CONSTANTS];
    size_t from = task->count > FIT_HOURS_MOST ? task->count - FIT_HOURS_MOST : 0;
    size_t half = (task->count - from) / 2;
    Fit fit = {.task = task,
               .smoothing = smoothing,
               .from = from,
               .warm = from + (half < WARM_HOURS_MOST ? half : WARM_HOURS_MOST)};
    for (size_t i = 0; i < CONSTANTS; i++) {
        smoothing->constants[i] = 0;
        if (!has[i])
            continue;
        lower[fit.count] = low[i];
        upper[fit.count] = high[i];
        best[fit.count] = starts[i];
        fit.places[fit.count++] = i;
    }
    MinimizeOptions options = {.function = fit_error,
                               .context = &fit,
                               .lower = lower,
                               .upper = upper,
                               .step = 0.15,
                               .tolerance = 1e-4,
                               .evaluations_most = FIT_EVALUATIONS};
    minimize_simplex(&options, best, fit.count);
    for (size_t i = 0; i < fit.count; i++)
        smoothing->constants[fit.places[i]] = best[i];
}

static void
smoothing_forecast(const ForecastTask *task, const Model *model, double *ret_predicted)
{
    Smoothing smoothing = {0};
    for (size_t s = 0; s < FORECAST_SEASONS_MOST; s++) {
        smoothing.lengths[s] = model->uses_season[s] ? task->seasons.hours[s] : 1;
        smoothing.phases[s] = ARENA_NEW_ARRAY(task->arena, double, smoothing.lengths[s]);
    }
    smoothing_fit(task, model, &smoothing);
    size_t half = task->origins[0] / 2;
    size_t at = 0;
    smoothing_begin(task, 0, half < WARM_HOURS_MOST ? half : WARM_HOURS_MOST, &smoothing);
    for (size_t o = 0; o < task->origin_count; o++) {
        size_t origin = task->origins[o];
        smoothing_run(task, at, origin, 0, &smoothing);
        fettle_assert(smoothing.lengths[0] > 0 && smoothing.lengths[1] > 0);
        double remains = smoothing.error;
        at = origin;
        for (size_t h = 0; h < task->hours; h++) {
            remains *= smoothing.constants[3];
            ret_predicted[o * task->hours + h] = smoothing.level + remains +
                                                 smoothing.phases[0][(origin + h) % smoothing.lengths[0]] +
                                                 smoothing.phases[1][(origin + h) % smoothing.lengths[1]];
        }
    }
}

/* --- adjusted */

/* Room for one origin's work, and what it works on: [from, from + count). */
typedef struct Adjusting {
    size_t from;
    size_t count;
    double *rest;
    double *sums;
    double *counts;
    double *phases[FORECAST_SEASONS_MOST];
} Adjusting;

/* Less the mean of a season around; at the ends of the first and of the last whole season. */
static void
remove_level(Adjusting *work, const double *values, size_t season)
{
    work->sums[0] = work->counts[0] = 0;
    for (size_t i = 0; i < work->count; i++) {
        double value = values[work->from + i];
        work->sums[i + 1] = work->sums[i] + (isnan(value) ? 0 : value);
        work->counts[i + 1] = work->counts[i] + !isnan(value);
    }
    for (size_t i = 0; i < work->count; i++) {
        size_t low = i > season / 2 ? i - season / 2 : 0;
        size_t width = season < work->count ? season : work->count;
        low = low + width > work->count ? work->count - width : low;
        double known = work->counts[low + width] - work->counts[low];
        double level = known > 0 ? (work->sums[low + width] - work->sums[low]) / known : NAN;
        work->rest[i] = values[work->from + i] - level;
    }
}

/* Phase means of the rest whose weights fade per cycle into the past, taken from it. */
static void
take_phases(Adjusting *work, size_t season, double fading, double *phases)
{
    double weights[FORECAST_WEEK * 2];
    memset(weights, 0, season * sizeof(double));
    memset(phases, 0, season * sizeof(double));
    size_t phase = work->from % season;
    for (size_t i = 0; i < work->count; i++) {
        if (!isnan(work->rest[i])) {
            weights[phase] = weights[phase] * fading + 1;
            phases[phase] = phases[phase] * fading + work->rest[i];
        }
        phase = phase + 1 == season ? 0 : phase + 1;
    }
    for (size_t p = 0; p < season; p++)
        phases[p] /= weights[p] + 0.2;
    for (size_t i = 0; i < work->count; i++)
        work->rest[i] -= phases[(work->from + i) % season];
}

/* What is left of a value when the phases are taken. */
static double
adjusted_value(const Adjusting *work, const ForecastTask *task, const Model *model, size_t i)
{
    double value = task->values[work->from + i];
    for (size_t s = 0; s < FORECAST_SEASONS_MOST; s++)
        value -= model->uses_season[s] ? work->phases[s][(work->from + i) % task->seasons.hours[s]] : 0;
    return value;
}

/* The line through what is left of the last hours: its slope an hour. */
static double
adjusted_slope(const Adjusting *work, const ForecastTask *task, const Model *model)
{
    size_t first = work->count > model->drift_hours ? work->count - model->drift_hours : 0;
    double known = 0;
    double hours = 0;
    double squares = 0;
    double values = 0;
    double products = 0;
    for (size_t i = first; i < work->count; i++) {
        double value = adjusted_value(work, task, model, i);
        double hour = (double)(i - first);
        if (isnan(value))
            continue;
        known += 1;
        hours += hour;
        squares += hour * hour;
        values += value;
        products += hour * value;
    }
    double spread = known * squares - hours * hours;
    return spread > 0 ? (known * products - hours * values) / spread : 0;
}

/* The level of what is left, smoothed over the last weeks; with a slope, where that has got to by now. */
static double
adjusted_level(const Adjusting *work, const ForecastTask *task, const Model *model, double slope)
{
    size_t first = work->count > LEVEL_HOURS_MOST ? work->count - LEVEL_HOURS_MOST : 0;
    double sum = 0;
    double weight = 0;
    for (size_t i = first; i < work->count; i++) {
        double value = adjusted_value(work, task, model, i);
        if (isnan(value))
            continue;
        sum = sum * (1 - model->alpha) + value + slope * (double)(work->count - i);
        weight = weight * (1 - model->alpha) + 1;
    }
    return weight > 0 ? sum / weight : NAN;
}

static void
adjusted_forecast(const ForecastTask *task, const Model *model, double *ret_predicted)
{
    Adjusting work = {.rest = ARENA_NEW_ARRAY(task->arena, double, ADJUST_HOURS_MOST),
                      .sums = ARENA_NEW_ARRAY(task->arena, double, ADJUST_HOURS_MOST + 1),
                      .counts = ARENA_NEW_ARRAY(task->arena, double, ADJUST_HOURS_MOST + 1)};
    size_t longest = task->seasons.hours[model->uses_season[1] ? 1 : 0];
    for (size_t s = 0; s < FORECAST_SEASONS_MOST; s++)
        work.phases[s] = ARENA_NEW_ARRAY(task->arena, double, task->seasons.hours[s] + 1);
    for (size_t o = 0; o < task->origin_count; o++) {
        size_t origin = task->origins[o];
        work.from = origin > ADJUST_HOURS_MOST ? origin - ADJUST_HOURS_MOST : 0;
        work.count = origin - work.from;
        remove_level(&work, task->values, longest);
        for (size_t s = 0; s < FORECAST_SEASONS_MOST; s++)
            if (model->uses_season[s])
                take_phases(&work, task->seasons.hours[s], model->fading, work.phases[s]);
        double slope = model->drift_hours > 0 ? adjusted_slope(&work, task, model) : 0;
        double level = adjusted_level(&work, task, model, slope);
        for (size_t h = 0; h < task->hours; h++) {
            double value = level + slope * (double)h;
            for (size_t s = 0; s < FORECAST_SEASONS_MOST; s++)
                value += model->uses_season[s] ? work.phases[s][(origin + h) % task->seasons.hours[s]] : 0;
            ret_predicted[o * task->hours + h] = value;
        }
    }
}

void
forecast_model_run(const ForecastTask *task, size_t model, double *ret_predicted)
{
    const Model *chosen = model_at(&task->seasons, model);
    fettle_assert(chosen != NULL);
    ArenaMark mark = arena_mark(task->arena);
    if (chosen->kind == MODEL_NAIVE)
        naive_run(task, task->seasons.hours[chosen->uses_season[0] ? 0 : 1], ret_predicted);
    else if (chosen->kind == MODEL_SMOOTHING)
        smoothing_forecast(task, chosen, ret_predicted);
    else
        adjusted_forecast(task, chosen, ret_predicted);
    arena_rewind(task->arena, mark);
}
