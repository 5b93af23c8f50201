// SPDX-License-Identifier: PostgreSQL
#include "math/fourier.h"
#include "math/long_run.h"
#include "math/non_negative.h"
#include "math/statistics.h"
#include "workflow/effect_internal.h"

#include <math.h>

#define SLOPE_PRIOR 0.025          /* a week */
#define CONTROL_COVERAGE 0.8       /* of the query's weight before */
#define CONTROL_RIDGE 0.1          /* of the mean variance */
#define WINDOWS_BEFORE ((size_t)8) /* at least so many of the longest lag */

static bool
plan_fails(EffectPlan *plan, const char *reason)
{
    plan->reason = reason;
    return false;
}

/* How the first bucket that has a value, to the end of the time before, is compared. */
static EffectMatch
match_of(const EffectGrid *grid, const double *weights)
{
    size_t first = 0;
    while (first < grid->before_end && weights[first] <= 0)
        first++;
    int64_t seen_us = (int64_t)(grid->before_end - first) * grid->bucket_us;
    return seen_us >= 2 * EFFECT_WEEK_US  ? EFFECT_MATCH_HOUR_OF_WEEK
           : seen_us >= 2 * EFFECT_DAY_US ? EFFECT_MATCH_HOUR_OF_DAY
                                          : EFFECT_MATCH_ANY;
}

/* A control's calm values less its own profile; NAN where there is none. NULL for one that was not called. */
static double *
control_deviations(Arena *arena, const EffectWindow *window, const EffectGrid *grid, EffectMatch match,
                   const EffectSeries *series, EffectProfile **ret_profile)
{
    EffectPoints points = effect_points_make(arena, window, grid, series, EFFECT_OF_TIME);
    double *calm = ARENA_NEW_ARRAY(arena, double, grid->count);
    double weight = 0;
    for (size_t i = 0; i < grid->before_end; i++)
        weight += points.weights[i];
    if (weight <= 0)
        return NULL;
    double scale = effect_points_scale(arena, &points, 0, grid->before_end);
    effect_points_calm(&points, 0, grid->before_end, scale, calm);
    effect_points_calm(&points, grid->after_first, grid->count, scale, calm);
    *ret_profile = effect_profile_make(arena, grid, match, calm, points.weights);
    for (size_t i = 0; i < grid->count; i++) {
        double expected = effect_profile_expect(*ret_profile, effect_cell_of(grid, i)).value;
        calm[i] = points.weights[i] > 0 ? calm[i] - expected : NAN;
    }
    return calm;
}

/* What is missing of each, apart: nearly all is there, and sums of it need not ask. */
static void
controls_fill(Arena *arena, const EffectGrid *grid, EffectControls *controls)
{
    controls->filled = ARENA_NEW_ARRAY(arena, double *, controls->count);
    controls->missing = ARENA_NEW_ARRAY(arena, size_t *, controls->count);
    controls->missing_counts = ARENA_NEW_ARRAY(arena, size_t, controls->count);
    for (size_t k = 0; k < controls->count; k++) {
        const double *deviations = controls->deviations[k];
        if (deviations == NULL)
            continue;
        controls->filled[k] = ARENA_NEW_ARRAY(arena, double, grid->count);
        controls->missing[k] = ARENA_NEW_ARRAY(arena, size_t, grid->count);
        for (size_t i = 0; i < grid->count; i++) {
            controls->filled[k][i] = isnan(deviations[i]) ? 0 : deviations[i];
            if (isnan(deviations[i]))
                controls->missing[k][controls->missing_counts[k]++] = i;
        }
    }
}

static const EffectControls *
controls_of(EffectContext *context, const EffectGrid *grid, EffectMatch match)
{
    EffectControls *controls = &context->controls[grid->join][match];
    if (controls->is_made)
        return controls;
    const EffectCase *subject = context->subject;
    controls->is_made = true;
    controls->count = subject->control_count;
    controls->deviations = ARENA_NEW_ARRAY(context->arena, double *, controls->count);
    controls->profiles = ARENA_NEW_ARRAY(context->arena, EffectProfile *, controls->count);
    for (size_t k = 0; k < controls->count; k++)
        controls->deviations[k] = control_deviations(context->arena, &subject->window, grid, match,
                                                     &subject->controls[k], &controls->profiles[k]);
    effect_levels_calm_controls(context->arena, grid, controls);
    controls_fill(context->arena, grid, controls);
    return controls;
}

/* The controls that were seen with the query; their places in ret_chosen. */
static size_t
controls_choose(const EffectControls *controls, const EffectPlan *plan, size_t *ret_chosen)
{
    size_t count = 0;
    double all = 0;
    for (size_t i = 0; i < plan->grid.before_end; i++)
        all += plan->points.weights[i];
    for (size_t k = 0; k < controls->count && count < EFFECT_CONTROLS_MOST; k++) {
        double missing = 0;
        if (controls->deviations[k] == NULL)
            continue;
        for (size_t m = 0; m < controls->missing_counts[k]; m++) {
            size_t i = controls->missing[k][m];
            missing += i < plan->grid.before_end ? plan->points.weights[i] : 0;
        }
        if (missing <= (1 - CONTROL_COVERAGE) * all)
            ret_chosen[count++] = k;
    }
    return count;
}

/* A control's sums of hours before, by the query's weights; ret_sums has one for each of its hours, count
 * apart. */
static void
hours_sum(const EffectPlan *plan, const double *filled, size_t count, double *ret_sums)
{
    size_t width = effect_hour_width(&plan->grid);
    const double *weights = plan->points.weights;
    size_t end = plan->grid.before_end;
    for (size_t first = 0; first < end; first += width, ret_sums += count) {
        double sum = 0;
        for (size_t i = first; i < first + width && i < end; i++)
            sum += weights[i] * filled[i];
        *ret_sums = sum;
    }
}

/* The products of the controls' means of hours before, by the query's weights, and of theirs with its: what
 * moves a comparison of days together lasts for hours, and means of them have a quarter of the products.
 * Returns how many hours there are. */
static size_t
products_make(Arena *arena, const EffectControls *controls, const size_t *chosen, size_t count,
              const EffectPlan *plan, double *products, double *target)
{
    size_t width = effect_hour_width(&plan->grid);
    size_t hours = plan->grid.before_end / width + 1;
    double *sums = ARENA_NEW_ARRAY(arena, double, hours *count);
    double *own = ARENA_NEW_ARRAY(arena, double, hours);
    double *all = ARENA_NEW_ARRAY(arena, double, hours);
    for (size_t k = 0; k < count; k++)
        hours_sum(plan, controls->filled[chosen[k]], count, sums + k);
    for (size_t i = 0; i < plan->grid.before_end; i++)
        if (plan->points.weights[i] > 0) {
            all[i / width] += plan->points.weights[i];
            own[i / width] += plan->points.weights[i] * plan->residuals[i];
        }
    size_t known = 0;
    for (size_t hour = 0; hour < hours; hour++) {
        if (all[hour] <= 0)
            continue;
        known++;
        const double *row = &sums[hour * count];
        for (size_t k = 0; k < count; k++) {
            double mean = row[k] / all[hour];
            target[k] += mean * own[hour];
            for (size_t l = 0; l <= k; l++)
                products[k * count + l] += mean * row[l];
        }
    }
    return known;
}

/* The mixture that followed the query's deviations before the change. */
static void
controls_weigh(Arena *arena, const EffectControls *controls, const size_t *chosen, size_t count,
               const EffectPlan *plan, double *ret_weights)
{
    double *products = ARENA_NEW_ARRAY(arena, double, count *count);
    double *target = ARENA_NEW_ARRAY(arena, double, count);
    size_t hours = products_make(arena, controls, chosen, count, plan, products, target);
    double diagonal = 0;
    for (size_t k = 0; k < count; k++)
        diagonal += products[k * count + k] / (double)count;
    /* With little to fit to, all controls alike. */
    bool is_short = hours < 10 * count;
    double ridge = (is_short ? 1e3 : CONTROL_RIDGE) * fmax(diagonal, 1e-12);
    for (size_t k = 0; k < count; k++) {
        for (size_t l = 0; l < k; l++)
            products[l * count + k] = products[k * count + l];
        products[k * count + k] += ridge;
    }
    non_negative_solve_mixture(arena, products, target, count, ret_weights);
}

/* What the mixture does at an hour of the week, less its mean before. */
static void
seasons_make(const EffectControls *controls, const size_t *chosen, const double *weights, size_t count,
             double *ret_seasons)
{
    for (size_t cell = 0; cell < EFFECT_CELLS; cell++) {
        ret_seasons[cell] = 0;
        for (size_t k = 0; k < count; k++) {
            const EffectProfile *profile = controls->profiles[chosen[k]];
            double season = effect_profile_expect(profile, cell).value - profile->mean;
            ret_seasons[cell] += weights[k] > 0 ? weights[k] * season : 0;
        }
    }
}

/* Keeps the chosen controls, and what their mixture did in each bucket: NAN where less than half of it is
 * known. */
static void
plan_keep_controls(Arena *arena, EffectPlan *plan, const EffectControls *controls, const size_t *chosen,
                   const double *weights, size_t count)
{
    size_t buckets = plan->grid.count;
    plan->usable = arena_alloc_array(arena, count, sizeof(*plan->usable));
    plan->usable_count = count;
    plan->together = ARENA_NEW_ARRAY(arena, double, buckets);
    ArenaMark mark = arena_mark(arena);
    double *unknown = ARENA_NEW_ARRAY(arena, double, buckets);
    double all = 0;
    for (size_t k = 0; k < count; k++) {
        plan->usable[k] = controls->deviations[chosen[k]];
        if (weights[k] <= 0)
            continue;
        const double *filled = controls->filled[chosen[k]];
        for (size_t i = 0; i < buckets; i++)
            plan->together[i] += weights[k] * filled[i];
        for (size_t m = 0; m < controls->missing_counts[chosen[k]]; m++)
            unknown[controls->missing[chosen[k]][m]] += weights[k];
        plan->control_count++;
        all += weights[k];
    }
    for (size_t i = 0; i < buckets; i++) {
        double known = all - unknown[i];
        plan->together[i] = known >= 0.5 ? plan->together[i] / known : NAN;
    }
    arena_rewind(arena, mark);
}

/* Sets the plan's drift: what the mixture did in a bucket, less its mean before; a control that is missing is
 * taken to do as the others, at its own hour. Buckets without it lose their weight. */
static void
plan_find_drift(Arena *arena, EffectPlan *plan, const EffectControls *controls, size_t touched_count)
{
    size_t chosen[EFFECT_CONTROLS_MOST];
    double weights[EFFECT_CONTROLS_MOST] = {0};
    size_t count = controls_choose(controls, plan, chosen);
    if (count < EFFECT_CONTROLS_LEAST) {
        plan->lacks_controls = touched_count > 0 && count + touched_count >= EFFECT_CONTROLS_LEAST;
        return;
    }
    controls_weigh(arena, controls, chosen, count, plan, weights);
    plan_keep_controls(arena, plan, controls, chosen, weights, count);
    double seasons[EFFECT_CELLS];
    seasons_make(controls, chosen, weights, count, seasons);
    plan->drift = ARENA_NEW_ARRAY(arena, double, plan->grid.count);
    for (size_t i = 0; i < plan->grid.count; i++) {
        if (plan->points.weights[i] <= 0)
            continue;
        plan->drift[i] = seasons[effect_cell_of(&plan->grid, i)] + plan->together[i];
        if (isnan(plan->drift[i]))
            plan->points.weights[i] = 0;
    }
}

/* Weeks from what a bucket is compared with to the bucket. */
static double
week_at(const EffectPlan *plan, size_t i)
{
    return effect_week_of(&plan->grid, i) -
           effect_profile_expect(plan->profile, effect_cell_of(&plan->grid, i)).week;
}

/* The slope in time of the residuals, held near 0. */
static void
plan_take_slope(EffectPlan *plan)
{
    double product = 0;
    double square = 0;
    double score_square = 0;
    for (size_t i = 0; i < plan->grid.before_end; i++) {
        double weight = plan->points.weights[i];
        if (weight <= 0)
            continue;
        double week = week_at(plan, i);
        product += weight * week * plan->residuals[i];
        square += weight * week * week;
        score_square += weight * weight * week * week;
    }
    if (square <= 0)
        return;
    double variance = effect_plan_variance(plan, plan->lag_most) * score_square / (square * square);
    double share = SLOPE_PRIOR * SLOPE_PRIOR / (SLOPE_PRIOR * SLOPE_PRIOR + variance);
    plan->slope = share * product / square;
    plan->slope_variance = share * variance;
    for (size_t i = 0; i < plan->grid.before_end; i++)
        if (plan->points.weights[i] > 0)
            plan->residuals[i] -= plan->slope * week_at(plan, i);
}

/* Scores of the residuals and their lagged products. The profile follows the values that it is made of: of
 * their variance it took the leverage away. */
static void
plan_measure_noise(Arena *arena, EffectPlan *plan)
{
    size_t count = plan->grid.before_end;
    double square = 0;
    double score_square = 0;
    double scale = 1 / sqrt(1 - plan->leverage);
    for (size_t i = 0; i < count; i++) {
        plan->scores[i] = plan->points.weights[i] * scale * plan->residuals[i];
        score_square += plan->scores[i] * plan->scores[i];
        square += plan->points.weights[i] * plan->points.weights[i];
    }
    plan->weight_square = square / (double)count;
    for (size_t i = 0; i < count; i++) {
        plan->score_sums[i + 1] = plan->score_sums[i] + plan->scores[i];
        plan->weight_sums[i + 1] = plan->weight_sums[i] + plan->points.weights[i];
    }
    ArenaMark mark = arena_mark(arena);
    if (plan->interval == EFFECT_BY_WINDOW)
        fourier_correlate(arena, plan->scores, count, plan->lag_most + 1, plan->sums);
    else
        plan->sums[0] = score_square;
    memory_mixture_fit(arena, plan->scores, count, &plan->noise);
    arena_rewind(arena, mark);
}

double
effect_plan_variance(const EffectPlan *plan, size_t slots)
{
    if (plan->interval != EFFECT_BY_WINDOW)
        return memory_mixture_variance(&plan->noise, slots > 1 ? slots : 1) / plan->weight_square;
    size_t lag = slots - 1 < plan->lag_most ? slots - 1 : plan->lag_most;
    return long_run_variance_of_sums(plan->sums, plan->grid.before_end, lag) / plan->weight_square;
}

double
effect_plan_worst(const EffectPlan *plan, size_t slots)
{
    size_t count = plan->grid.before_end;
    double worst = 0;
    slots = slots < plan->lag_most + 1 ? slots : plan->lag_most + 1;
    double least = plan->weight_sums[count] / (double)count * (double)slots / 2;
    for (size_t i = 0; i + slots <= count; i++) {
        double weight = plan->weight_sums[i + slots] - plan->weight_sums[i];
        double score = plan->score_sums[i + slots] - plan->score_sums[i];
        if (weight >= least && score > worst * weight)
            worst = score / weight;
    }
    return worst * plan->stretch; /* as the interval: in what the effect is told in */
}

/* Residuals: the calm values less drift and profile. */
static void
plan_take_profile(Arena *arena, EffectPlan *plan)
{
    size_t count = plan->grid.before_end;
    effect_points_calm(&plan->points, 0, count, plan->scale, plan->residuals);
    for (size_t i = 0; i < count && plan->drift != NULL; i++)
        plan->residuals[i] -= plan->points.weights[i] > 0 ? plan->drift[i] : 0;
    plan->profile =
        effect_profile_make(arena, &plan->grid, plan->match, plan->residuals, plan->points.weights);
    plan->leverage = effect_profile_leverage(plan->profile);
    for (size_t i = 0; i < count; i++)
        if (plan->points.weights[i] > 0)
            plan->residuals[i] -= effect_profile_expect(plan->profile, effect_cell_of(&plan->grid, i)).value;
}

static bool
plan_take_before(Arena *arena, const EffectWindow *window, const EffectSeries *series, EffectMeasure measure,
                 EffectPlan *plan)
{
    plan->grid = effect_grid_of(arena, window, series);
    plan->points = effect_points_make(arena, window, &plan->grid, series, measure);
    for (size_t i = 0; i < plan->grid.before_end; i++) {
        plan->buckets_before += plan->points.weights[i] > 0;
        plan->calls_before += plan->points.calls[i];
    }
    if (plan->calls_before < EFFECT_CALLS_LEAST)
        return plan_fails(plan, "fewer than 30 calls before the change");
    if (plan->buckets_before < EFFECT_BUCKETS_LEAST)
        return plan_fails(plan, "fewer than 4 buckets with calls before the change");
    plan->match = match_of(&plan->grid, plan->points.weights);
    plan->residuals = ARENA_NEW_ARRAY(arena, double, plan->grid.before_end);
    plan->scores = ARENA_NEW_ARRAY(arena, double, plan->grid.before_end);
    plan->scale = effect_points_scale(arena, &plan->points, 0, plan->grid.before_end);
    plan_take_profile(arena, plan);
    return true;
}

static double *
doubles_copy(Arena *arena, const double *values, size_t count)
{
    return arena_memdup(arena, values, count * sizeof(*values));
}

/* The same plan in memory of its own, as far as taking levels out writes to it. */
static EffectPlan *
plan_copy(Arena *arena, const EffectPlan *plan)
{
    EffectPlan *copy = ARENA_NEW(arena, EffectPlan);
    *copy = *plan;
    copy->points.values = doubles_copy(arena, plan->points.values, plan->grid.count);
    copy->residuals = doubles_copy(arena, plan->residuals, plan->grid.before_end);
    copy->scores = doubles_copy(arena, plan->scores, plan->grid.before_end);
    copy->sums = doubles_copy(arena, plan->sums, plan->lag_most + 1);
    copy->score_sums = ARENA_NEW_ARRAY(arena, double, plan->grid.before_end + 1);
    copy->weight_sums = ARENA_NEW_ARRAY(arena, double, plan->grid.before_end + 1);
    return copy;
}

/* Takes the states of levels out of the points before, and makes the profile of what is left; then once more,
 * for the first time the states stood in the profile. The plan without levels is kept. */
static void
plan_take_levels(Arena *arena, EffectPlan *plan)
{
    size_t count = plan->grid.before_end;
    double *states = ARENA_NEW_ARRAY(arena, double, count);
    EffectValues values = {.values = plan->residuals, .weights = plan->points.weights};
    for (int round = 0; round < 2; round++) {
        TwoLevel model;
        for (size_t i = 0; i < count; i++) {
            plan->points.values[i] += states[i];
            plan->residuals[i] += states[i];
        }
        if (effect_levels_find(arena, &plan->grid, &values, &model, states)) {
            plan->plain = plan->levels == NULL ? plan_copy(arena, plan) : plan->plain;
            plan->levels = plan->levels == NULL ? ARENA_NEW(arena, TwoLevel) : plan->levels;
            *plan->levels = model;
        } else if (plan->levels == NULL) {
            return;
        }
        for (size_t i = 0; i < count; i++)
            plan->points.values[i] -= states[i];
        plan_take_profile(arena, plan);
    }
    plan->is_of_two = plan->plain->is_of_two = true;
    plan->plain->stretch = effect_levels_stretch(plan->levels);
}

static void
plan_finish(Arena *arena, EffectPlan *plan)
{
    plan_measure_noise(arena, plan);
    plan_take_slope(plan);
    plan_measure_noise(arena, plan);
}

EffectPlan *
effect_plan_make(Arena *arena, EffectContext *context, const EffectSeries *series, EffectMeasure measure)
{
    EffectPlan *plan = ARENA_NEW(arena, EffectPlan);
    const EffectCase *subject = context->subject;
    plan->interval = context->interval;
    plan->stretch = 1;
    double limit = subject->harm_limit_percent;
    plan->harm_limit_percent = limit > 0 ? limit : EFFECT_HARM_LIMIT_PERCENT;
    if (!plan_take_before(arena, &subject->window, series, measure, plan))
        return plan;
    size_t count = plan->grid.before_end;
    plan->lag_most = count / WINDOWS_BEFORE > 1 ? count / WINDOWS_BEFORE - 1 : 0;
    plan->sums = ARENA_NEW_ARRAY(arena, double, plan->lag_most + 1);
    plan->score_sums = ARENA_NEW_ARRAY(arena, double, count + 1);
    plan->weight_sums = ARENA_NEW_ARRAY(arena, double, count + 1);
    if (measure == EFFECT_OF_TIME) {
        const EffectControls *controls = controls_of(context, &plan->grid, plan->match);
        plan_find_drift(arena, plan, controls, subject->touched_count);
        if (plan->lacks_controls)
            plan->harm_limit_percent = fmax(plan->harm_limit_percent, EFFECT_HARM_LIMIT_LACKING_PERCENT);
        plan_take_profile(arena, plan);
        plan_take_levels(arena, plan);
    }
    plan_finish(arena, plan);
    if (plan->plain != NULL)
        plan_finish(arena, plan->plain);
    return plan;
}
