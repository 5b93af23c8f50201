// SPDX-License-Identifier: PostgreSQL
#include "base/hash.h"
#include "math/bootstrap.h"
#include "math/confidence_sequence.h"
#include "math/distribution.h"
#include "math/long_run.h"
#include "workflow/effect_internal.h"

#include <math.h>
#include <stdlib.h>

/* Two looks, after a day and after two, of which 95 % shall err in neither: Pocock (1977), table 1. */
#define INTERVAL_ALPHA 0.0294
#define SEQUENCE_ALPHA 0.05
#define HARM_ALPHA 0.005 /* of each of two numbers that may undo: the query and the total */
#define WITHOUT_CONTROLS 1.5
#define WITHOUT_WEEKS 1.15  /* weekdays may differ */
#define WITHOUT_DAYS 1.5    /* hours may */
#define SEQUENCE_BUCKETS 96 /* where it is to be tightest: a day */
#define HARM_BUCKETS 12     /* three hours */
#define BOOTSTRAP_DRAWS ((size_t)1000)
#define MEMORY_LIMIT 0.2

/* What the buckets after the change say, in logarithms. */
typedef struct Sight {
    size_t slots;   /* from the first bucket after to the last looked at */
    size_t buckets; /* with a value */
    double calls;
    double weight;
    double weight_square;
    double effect;      /* without the slope */
    double drift;       /* mean of the controls' */
    double cells_mean;  /* mean of what it is compared with */
    double week;        /* mean distance in time */
    double base_square; /* of the weights that the buckets before have in the comparison, squared */
    double *deviations; /* of the slots */
} Sight;

static Sight
sight_take(Arena *arena, const EffectPlan *plan, size_t after_end)
{
    const EffectGrid *grid = &plan->grid;
    Sight sight = {.slots = after_end - grid->after_first};
    double *calm = ARENA_NEW_ARRAY(arena, double, grid->count);
    double *cell_weights = ARENA_NEW_ARRAY(arena, double, EFFECT_CELLS);
    sight.deviations = ARENA_NEW_ARRAY(arena, double, sight.slots);
    effect_points_calm(&plan->points, grid->after_first, after_end, plan->scale, calm);
    for (size_t i = grid->after_first; i < after_end; i++) {
        size_t c = effect_cell_of(grid, i);
        double weight = plan->points.weights[i];
        if (weight <= 0)
            continue;
        EffectExpected expected = effect_profile_expect(plan->profile, c);
        double drift = plan->drift == NULL ? 0 : plan->drift[i];
        double deviation = calm[i] - expected.value - drift;
        sight.deviations[i - grid->after_first] = deviation;
        sight.buckets++;
        sight.calls += plan->points.calls[i];
        sight.weight += weight;
        sight.weight_square += weight * weight;
        sight.effect += weight * deviation;
        sight.drift += weight * drift;
        sight.cells_mean += weight * expected.value;
        sight.week += weight * (effect_week_of(grid, i) - expected.week);
        cell_weights[c] += weight;
    }
    if (sight.weight > 0) {
        sight.effect /= sight.weight;
        sight.drift /= sight.weight;
        sight.cells_mean /= sight.weight;
        sight.week /= sight.weight;
        sight.base_square = effect_profile_base(plan->profile, grid, plan->points.weights, cell_weights);
    }
    return sight;
}

/* Variance of the comparison: of the means before and of the slope, for the variance of a single score. */
static double
base_variance(const EffectPlan *plan, const Sight *sight, double variance)
{
    return variance * sight->base_square + sight->week * sight->week * plan->slope_variance;
}

static double
freedom_of(const EffectPlan *plan, size_t slots)
{
    size_t lag = slots - 1 < plan->lag_most ? slots - 1 : plan->lag_most;
    return fmax(long_run_freedom(plan->grid.before_end, lag) * (1 - plan->leverage), 1);
}

static int
compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

/* How much wider for what could not be compared. */
static double
spread_of(const EffectPlan *plan)
{
    double spread = plan->drift == NULL ? WITHOUT_CONTROLS : 1;
    if (plan->match != EFFECT_MATCH_HOUR_OF_WEEK)
        spread *= plan->match == EFFECT_MATCH_HOUR_OF_DAY ? WITHOUT_WEEKS : WITHOUT_DAYS;
    return spread;
}

/* Half the width of an interval by moving blocks of the residuals before, for both sides. */
static double
bootstrap_half(Arena *arena, const EffectPlan *plan, const Sight *sight)
{
    size_t count = plan->grid.before_end;
    size_t most = plan->lag_most > 4 ? plan->lag_most : 4;
    size_t block = most < count ? long_run_memory(plan->scores, count, most, MEMORY_LIMIT) : 1;
    block = block < 4 ? 4 : block;
    size_t length = sight->slots < count ? sight->slots : count;
    double *draws = ARENA_NEW_ARRAY(arena, double, BOOTSTRAP_DRAWS);
    double *values = ARENA_NEW_ARRAY(arena, double, count);
    for (size_t i = 0; i < count; i++)
        values[i] = plan->points.weights[i] > 0 ? plan->scores[i] / plan->points.weights[i] : 0;
    Random random = random_new(hash_bytes(plan->scores, count * sizeof(*plan->scores), 0));
    BootstrapSeries series = {.values = values, .weights = plan->points.weights, .count = count};
    bootstrap_means(&series, length, block, &random, draws, BOOTSTRAP_DRAWS);
    double square = 0;
    for (size_t d = 0; d < BOOTSTRAP_DRAWS; d++)
        square += draws[d] * draws[d];
    qsort(draws, BOOTSTRAP_DRAWS, sizeof(*draws), compare_doubles);
    size_t outside = (size_t)(INTERVAL_ALPHA / 2 * BOOTSTRAP_DRAWS);
    double half = (draws[BOOTSTRAP_DRAWS - 1 - outside] - draws[outside]) / 2;
    double normal = distribution_student_quantile(INTERVAL_ALPHA / 2, INFINITY);
    double variance = square / BOOTSTRAP_DRAWS * sight->weight * sight->weight / sight->weight_square;
    return sqrt(half * half + normal * normal * base_variance(plan, sight, variance));
}

/* Half the width of the interval of one look, and the two-sided p-value of the effect. */
static double
interval_half(Arena *arena, const EffectPlan *plan, const Sight *sight, double effect, double *ret_p_value)
{
    double spread = spread_of(plan);
    double freedom = freedom_of(plan, sight->slots);
    double variance = effect_plan_variance(plan, sight->slots);
    if (plan->interval == EFFECT_BY_LAG_RULE) {
        size_t lag = long_run_lag(plan->grid.before_end);
        variance = long_run_variance_whitened(plan->scores, plan->grid.before_end, lag) / plan->weight_square;
        freedom = INFINITY;
    }
    double own = sight->weight_square / (sight->weight * sight->weight);
    double deviation = spread * sqrt(variance * own + base_variance(plan, sight, variance));
    *ret_p_value = deviation > 0 ? 2 * distribution_student_upper(fabs(effect) / deviation, freedom)
                                 : (effect == 0 ? 1 : 0);
    if (plan->interval == EFFECT_BY_BOOTSTRAP)
        return spread * bootstrap_half(arena, plan, sight);
    return deviation * distribution_student_quantile(INTERVAL_ALPHA / 2, freedom);
}

/*
 * The boundary of the mean after so many slots. The variance of a sum of n scores is n times Newey-West's
 * with lag n - 1. With the positive correlation of load the sums cross a boundary less often than independent
 * increments of the same variances would (Slepian 1962), so those may stand for them.
 */
static double
sequence_radius(const EffectPlan *plan, const Sight *sight, double alpha, bool is_one_sided)
{
    size_t tightest = is_one_sided ? HARM_BUCKETS : SEQUENCE_BUCKETS;
    double two_sided_alpha = is_one_sided ? 2 * alpha : alpha;
    double variance = effect_plan_variance(plan, sight->slots);
    double tightest_variance = effect_plan_variance(plan, tightest) * (double)tightest * plan->weight_square;
    double sum_variance = variance * sight->weight_square;
    if (!(tightest_variance > 0))
        return 0;
    double rho = confidence_sequence_rho(two_sided_alpha, tightest_variance);
    double boundary = is_one_sided ? confidence_sequence_one_sided(alpha, rho, sum_variance)
                                   : confidence_sequence_two_sided(alpha, rho, sum_variance);
    double own = boundary / sight->weight;
    double normal = distribution_student_quantile(two_sided_alpha / 2, INFINITY);
    double base = normal * normal * base_variance(plan, sight, variance);
    double student = distribution_student_quantile(two_sided_alpha / 2, freedom_of(plan, sight->slots));
    return spread_of(plan) * student / normal * sqrt(own * own + base);
}

static double
percent_of(double effect)
{
    return -100 * expm1(effect);
}

Effect
effect_unknown(const char *reason)
{
    return (Effect){.verdict = EFFECT_NOT_ENOUGH_DATA,
                    .reason = reason,
                    .improvement_percent = NAN,
                    .low_percent = NAN,
                    .high_percent = NAN,
                    .always_low_percent = NAN,
                    .always_high_percent = NAN,
                    .p_value = NAN,
                    .harm_percent = NAN,
                    .mean_before_ms = NAN,
                    .mean_after_ms = NAN,
                    .drift_percent = NAN,
                    .rows_percent = NAN,
                    .blocks_percent = NAN};
}

/* Whole joined buckets before an original one; at least up to where the time after begins. */
static size_t
joined_end(const EffectPlan *plan, const EffectWindow *window, size_t after_end)
{
    int64_t width = INT64_C(1) << plan->grid.join;
    int64_t ends = window->from_us / window->bucket_us + (int64_t)after_end;
    int64_t last = (ends - plan->grid.first * width) / width;
    return last > (int64_t)plan->grid.after_first ? (size_t)last : plan->grid.after_first;
}

/* The estimate of what was seen, with all its bounds. */
static void
look_estimate(Arena *arena, const EffectPlan *plan, const Sight *sight, Effect *effect)
{
    double estimate = sight->effect - plan->slope * sight->week;
    double expected = sight->cells_mean + plan->slope * sight->week;
    double half = interval_half(arena, plan, sight, estimate, &effect->p_value);
    double always = sequence_radius(plan, sight, SEQUENCE_ALPHA, false);
    double harm = sequence_radius(plan, sight, HARM_ALPHA, true);
    effect->improvement_percent = percent_of(estimate);
    effect->low_percent = percent_of(estimate + half);
    effect->high_percent = percent_of(estimate - half);
    effect->always_low_percent = percent_of(estimate + always);
    effect->always_high_percent = percent_of(estimate - always);
    effect->harm_percent = -percent_of(estimate - harm);
    effect->drift_percent = plan->drift == NULL ? NAN : percent_of(sight->drift);
    effect->mean_before_ms = exp(expected);
    effect->mean_after_ms = exp(expected + estimate);
    effect->verdict = effect_verdict(effect->improvement_percent, effect->low_percent, effect->high_percent);
}

void
effect_plan_look(Arena *arena, const EffectPlan *plan, const EffectWindow *window, size_t after_end,
                 Effect *ret_effect)
{
    *ret_effect = effect_unknown(plan->reason);
    ret_effect->calls_before = plan->calls_before;
    ret_effect->buckets_before = plan->buckets_before;
    ret_effect->bucket_minutes = (double)plan->grid.bucket_us / (double)EFFECT_MINUTE_US;
    ret_effect->match = plan->match;
    ret_effect->has_drift = plan->drift != NULL;
    ret_effect->control_count = plan->control_count;
    if (plan->reason != NULL)
        return;
    Sight sight = sight_take(arena, plan, joined_end(plan, window, after_end));
    ret_effect->calls_after = sight.calls;
    ret_effect->buckets_after = sight.buckets;
    if (sight.calls < EFFECT_CALLS_LEAST)
        ret_effect->reason = "fewer than 30 calls after the change";
    else if (sight.buckets < EFFECT_BUCKETS_LEAST)
        ret_effect->reason = "fewer than 4 buckets with calls after the change";
    else
        look_estimate(arena, plan, &sight, ret_effect);
}
