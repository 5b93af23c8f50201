// SPDX-License-Identifier: PostgreSQL
#include "math/statistics.h"
#include "workflow/effect_internal.h"

#include <math.h>

#define GAIN_LEAST 12.0 /* logarithm: 160,000 times likelier than one level */
#define HOURS_LEAST 6.0 /* in the rarer state */
#define GAP_LEAST 2.5   /* deviations of what is new in an hour: else normal noise passes for two levels */
#define MOVE_MOST 0.3   /* chance of an hour; whoever flips oftener has no levels, but noise */
#define START_MOVE 0.02 /* a change may make a plan flip, however rarely it does by itself */

/* Means of hours, NAN where less than half has values: such a one scatters more than the others. weights
 * NULL: a value that is not NAN weighs 1. */
static size_t
hours_make(const EffectGrid *grid, const EffectValues *values, size_t from, size_t to, double *ret_hours)
{
    size_t width = effect_hour_width(grid);
    size_t count = 0;
    for (size_t i = from; i < to; i += width) {
        double sum = 0;
        double all = 0;
        size_t known = 0;
        for (size_t j = i; j < i + width && j < to; j++) {
            double weight = isnan(values->values[j]) ? 0 : values->weights == NULL ? 1 : values->weights[j];
            sum += weight > 0 ? weight * values->values[j] : 0;
            all += weight;
            known += weight > 0;
        }
        ret_hours[count++] = 2 * known >= width ? sum / all : NAN;
    }
    return count;
}

static bool
is_of_two_levels(const TwoLevel *model, size_t known)
{
    double rarer = fmin(model->share_high, 1 - model->share_high) * (double)known;
    double gap = model->levels[1] - model->levels[0];
    return model->gain >= GAIN_LEAST && rarer >= HOURS_LEAST && gap > 0 &&
           gap >= GAP_LEAST * model->deviation && fmax(model->moves[0], model->moves[1]) <= MOVE_MOST;
}

bool
effect_levels_find(Arena *arena, const EffectGrid *grid, const EffectValues *values, TwoLevel *ret_model,
                   double *ret_states)
{
    size_t width = effect_hour_width(grid);
    size_t from = grid->before_end % width; /* so that an hour ends with the time before */
    if (grid->before_end < width)
        return false;
    ArenaMark mark = arena_mark(arena);
    double *hours = ARENA_NEW_ARRAY(arena, double, grid->before_end / width);
    double *high = ARENA_NEW_ARRAY(arena, double, grid->before_end / width);
    size_t count = hours_make(grid, values, from, grid->before_end, hours);
    size_t first = 0; /* before it, the query was not known */
    size_t known = 0;
    while (first < count - 1 && isnan(hours[first]))
        first++;
    for (size_t i = first; i < count; i++)
        known += !isnan(hours[i]);
    two_level_fit(arena, hours + first, count - first, ret_model, high + first);
    double gap = ret_model->levels[1] - ret_model->levels[0];
    bool is_found = is_of_two_levels(ret_model, known);
    for (size_t i = 0; i < grid->before_end && is_found; i++) {
        size_t hour = i < from ? 0 : (i - from) / width;
        ret_states[i] = hour < first ? 0 : gap * (high[hour] - ret_model->share_high);
    }
    arena_rewind(arena, mark);
    return is_found;
}

TwoLevelShift
effect_levels_after(Arena *arena, const EffectGrid *grid, const TwoLevel *model, const EffectValues *values,
                    size_t after_end, double *ret_states)
{
    size_t width = effect_hour_width(grid);
    ArenaMark mark = arena_mark(arena);
    double *hours = ARENA_NEW_ARRAY(arena, double, grid->count / width + 1);
    double *high = ARENA_NEW_ARRAY(arena, double, grid->count / width + 1);
    size_t count = hours_make(grid, values, grid->after_first, after_end, hours);
    /* through the time that the change took, too */
    double later = two_level_later(model, (grid->after_first - grid->before_end) / width + 1);
    TwoLevelShift shift;
    two_level_shift(arena, model, fmin(fmax(later, START_MOVE), 1 - START_MOVE), hours, count, &shift, high);
    double gap = model->levels[1] - model->levels[0];
    for (size_t i = grid->after_first; i < after_end; i++)
        ret_states[i] = gap * (high[(i - grid->after_first) / width] - model->share_high);
    arena_rewind(arena, mark);
    return shift;
}

double
effect_levels_time(const TwoLevel *model, double share_high)
{
    return log1p(share_high * expm1(model->levels[1] - model->levels[0]));
}

double
effect_levels_stretch(const TwoLevel *model)
{
    double gap = model->levels[1] - model->levels[0];
    return fmax(expm1(gap) / (1 + model->share_high * expm1(gap)) / gap, 1);
}

/* The middle of the controls in each bucket: what they do together. NAN where they are too few. */
static void
common_make(Arena *arena, const EffectGrid *grid, const EffectControls *controls, double *ret_common)
{
    double *scratch = ARENA_NEW_ARRAY(arena, double, controls->count);
    for (size_t i = 0; i < grid->count; i++) {
        size_t count = 0;
        for (size_t k = 0; k < controls->count; k++)
            if (controls->deviations[k] != NULL && !isnan(controls->deviations[k][i]))
                scratch[count++] = controls->deviations[k][i];
        ret_common[i] = count >= EFFECT_CONTROLS_LEAST ? statistics_median(scratch, count) : NAN;
    }
}

/* So that the mean before stays 0. */
static void
states_take(const EffectGrid *grid, const double *states, double *deviations)
{
    double sum = 0;
    double known = 0;
    for (size_t i = 0; i < grid->before_end; i++) {
        sum += isnan(deviations[i]) ? 0 : states[i];
        known += !isnan(deviations[i]);
    }
    for (size_t i = 0; i < grid->count; i++)
        if (i < grid->before_end || i >= grid->after_first)
            deviations[i] -= states[i] - sum / fmax(known, 1);
}

void
effect_levels_calm_controls(Arena *arena, const EffectGrid *grid, const EffectControls *controls)
{
    ArenaMark mark = arena_mark(arena);
    double *common = ARENA_NEW_ARRAY(arena, double, grid->count);
    double *apart = ARENA_NEW_ARRAY(arena, double, grid->count);
    double *states = ARENA_NEW_ARRAY(arena, double, grid->count);
    common_make(arena, grid, controls, common);
    EffectValues values = {.values = apart};
    for (size_t k = 0; k < controls->count; k++) {
        double *deviations = controls->deviations[k];
        TwoLevel model;
        if (deviations == NULL)
            continue;
        for (size_t i = 0; i < grid->count; i++)
            apart[i] = deviations[i] - common[i];
        if (!effect_levels_find(arena, grid, &values, &model, states))
            continue;
        effect_levels_after(arena, grid, &model, &values, grid->count, states);
        states_take(grid, states, deviations);
    }
    arena_rewind(arena, mark);
}
