// SPDX-License-Identifier: PostgreSQL
#include "base/hash.h"
#include "math/bootstrap.h"
#include "math/confidence_sequence.h"
#include "math/distribution.h"
#include "math/long_run.h"
#include "math/statistics.h"
#include "workflow/effect_internal.h"

#include <math.h>

/* Two looks, after a day and after two, of which 95 % shall err in neither, most of that kept for the second,
 * which knows more: O'Brien and Fleming (1979); 2.797 and 1.977 deviations. A look before a day and a half is
 * the first, any later one the second. */
#define FIRST_ALPHA 0.00516
#define SECOND_ALPHA 0.04804
#define SECOND_LOOK_US (36 * EFFECT_HOUR_US)
#define SEQUENCE_ALPHA 0.05
#define HARM_ALPHA 0.005 /* of each of two numbers that may undo, the query and the total; effect.h, undo */
#define WITHOUT_CONTROLS 1.5
#define WITHOUT_WEEKS 1.07  /* weekdays may differ */
#define WITHOUT_DAYS 1.5    /* hours may */
#define SEQUENCE_BUCKETS 96 /* where it is to be tightest: a day */
#define HARM_BUCKETS 48     /* half a day: few queries are so quiet that hours show a harm that matters */
/* What was worst of m times is exceeded once in m + 1; by half as much again, with tails as heavy as
 * Student's of four degrees, a fifth as often. */
#define BEYOND_WORST 1.5
#define BOOTSTRAP_DRAWS ((size_t)1000)
#define MEMORY_LIMIT 0.2

/* What the buckets after the change say, in logarithms. */
typedef struct Sight {
    EffectAmount amount;
    double effect;     /* without the slope */
    double drift;      /* mean of the controls' */
    double cells_mean; /* mean of what it is compared with */
    double less; /* by how much less the effect is by another path of levels that is not to be ruled out */
    double more;
    double chance_less; /* of the path that is ruled out; 0: of none */
    double chance_more;
    double share_high; /* of the calls after, where there are levels */
    double saved;      /* of less, what may be for a slow plan that has ended */
    bool has_risen;    /* but for saved, it would be slower for certain */
} Sight;

/* Of a pair, the one without levels: what it says counts only where it is the worse. */
static bool
is_plain(const EffectPlan *plan)
{
    return plan->is_of_two && plan->levels == NULL;
}

static double
interval_alpha(const EffectPlan *plan, size_t slots)
{
    double alpha = (int64_t)slots * plan->grid.bucket_us < SECOND_LOOK_US ? FIRST_ALPHA : SECOND_ALPHA;
    return is_plain(plan) ? alpha / 2 : alpha;
}

/* Where the query is in its slow plan less often than before, the change may have ended that: in time, calls
 * are then faster by what the slow plan cost before, of which the share is known from few states. */
static double
time_saved(const TwoLevel *levels, double share_high)
{
    if (share_high >= levels->share_high)
        return 0;
    double most = two_level_share_most(levels, HARM_ALPHA / 2);
    return effect_levels_time(levels, most) - effect_levels_time(levels, share_high);
}

/* Takes the states of levels out of the values after. What is said of them may be as wrong as what is said of
 * noise: that a query is not slower, as the interval; that it is, as the harm. */
static void
levels_take(Arena *arena, const EffectPlan *plan, size_t after_end, double *values, Sight *sight)
{
    const EffectGrid *grid = &plan->grid;
    double *states = ARENA_NEW_ARRAY(arena, double, grid->count);
    double *left = ARENA_NEW_ARRAY(arena, double, grid->count);
    for (size_t i = grid->after_first; i < after_end; i++)
        left[i] = values[i] - effect_profile_expect(plan->profile, effect_cell_of(grid, i)).value -
                  (plan->drift == NULL ? 0 : plan->drift[i]);
    EffectValues residuals = {.values = left, .weights = plan->points.weights};
    TwoLevelShift shift = effect_levels_after(arena, grid, plan->levels, &residuals, after_end, states);
    double weight = 0;
    double state = 0;
    for (size_t i = grid->after_first; i < after_end; i++) {
        values[i] -= states[i];
        weight += plan->points.weights[i];
        state += plan->points.weights[i] * states[i];
    }
    double gap = plan->levels->levels[1] - plan->levels->levels[0];
    sight->share_high = plan->levels->share_high + (weight > 0 ? state / weight / gap : 0);
    if (shift.below.lead < -log(HARM_ALPHA / 2))
        sight->less = shift.shift - shift.below.shift;
    else
        sight->chance_less = exp(-shift.below.lead);
    sight->saved = time_saved(plan->levels, sight->share_high);
    sight->less += sight->saved;
    if (shift.above.lead < -log(interval_alpha(plan, sight->amount.slots)))
        sight->more = shift.above.shift - shift.shift;
    else
        sight->chance_more = exp(-shift.above.lead);
}

static Sight
sight_take(Arena *arena, const EffectPlan *plan, size_t after_end)
{
    const EffectGrid *grid = &plan->grid;
    Sight sight = {.amount = {.slots = after_end - grid->after_first}};
    EffectAmount *amount = &sight.amount;
    double *calm = ARENA_NEW_ARRAY(arena, double, grid->count);
    double *cell_weights = ARENA_NEW_ARRAY(arena, double, EFFECT_CELLS);
    effect_points_calm(&plan->points, grid->after_first, after_end, plan->scale, calm);
    if (plan->levels != NULL)
        levels_take(arena, plan, after_end, calm, &sight);
    for (size_t i = grid->after_first; i < after_end; i++) {
        size_t c = effect_cell_of(grid, i);
        double weight = plan->points.weights[i];
        if (weight <= 0)
            continue;
        EffectExpected expected = effect_profile_expect(plan->profile, c);
        double drift = plan->drift == NULL ? 0 : plan->drift[i];
        amount->buckets++;
        amount->calls += plan->points.calls[i];
        amount->weight += weight;
        amount->weight_square += weight * weight;
        amount->week += weight * (effect_week_of(grid, i) - expected.week);
        cell_weights[c] += weight;
        sight.effect += weight * (calm[i] - expected.value - drift);
        sight.drift += weight * drift;
        sight.cells_mean += weight * expected.value;
    }
    if (amount->slots > 0)
        amount->uneven = effect_uneven_find(plan, amount->slots);
    if (amount->weight > 0) {
        sight.effect /= amount->weight;
        sight.drift /= amount->weight;
        sight.cells_mean /= amount->weight;
        amount->week /= amount->weight;
        amount->base_square = effect_profile_base(plan->profile, cell_weights);
    }
    return sight;
}

/* Variance of the comparison: of the means before, of the slope and of uneven drift, for the variance of a
 * single score. */
static double
base_variance(const EffectPlan *plan, const EffectAmount *amount, double variance)
{
    return variance * amount->base_square + amount->week * amount->week * plan->slope_variance +
           amount->uneven.variance;
}

/* Degrees of freedom of the noise: as many as there were independent values before (Bayley and Hammersley
 * 1946), or windows. */
static double
noise_freedom(const EffectPlan *plan, size_t slots, double variance)
{
    size_t lag = slots - 1 < plan->lag_most ? slots - 1 : plan->lag_most;
    double values = plan->interval == EFFECT_BY_WINDOW ? long_run_freedom(plan->grid.before_end, lag)
                    : variance > 0                     ? plan->sums[0] / (variance * plan->weight_square)
                                                       : 1;
    return fmax(values * (1 - plan->leverage), 1);
}

/* Of the whole deviation, with what moves queries unevenly, which is known from few controls (Satterthwaite
 * 1946). */
static double
freedom_of(const EffectPlan *plan, const EffectAmount *amount)
{
    double variance = effect_plan_variance(plan, amount->slots);
    double freedom = noise_freedom(plan, amount->slots, variance);
    double uneven = amount->uneven.variance;
    if (uneven <= 0 || amount->weight <= 0)
        return freedom;
    double own = amount->weight_square / (amount->weight * amount->weight);
    double noise = variance * (own + amount->base_square);
    double all = noise + uneven;
    double parts = noise * noise / freedom + uneven * uneven / amount->uneven.freedom;
    return fmax(all * all / parts, 1);
}

/* How much wider for what could not be compared. */
static double
spread_of(const EffectPlan *plan)
{
    double spread = plan->stretch * (plan->drift == NULL ? WITHOUT_CONTROLS : 1);
    if (plan->match != EFFECT_MATCH_HOUR_OF_WEEK)
        spread *= plan->match == EFFECT_MATCH_HOUR_OF_DAY ? WITHOUT_WEEKS : WITHOUT_DAYS;
    return spread;
}

/* Half the width of an interval by moving blocks of the residuals before, for both sides. */
static double
bootstrap_half(Arena *arena, const EffectPlan *plan, const EffectAmount *amount)
{
    double tail = interval_alpha(plan, amount->slots) / 2;
    size_t count = plan->grid.before_end;
    size_t most = plan->lag_most > 4 ? plan->lag_most : 4;
    size_t block = most < count ? long_run_memory(plan->scores, count, most, MEMORY_LIMIT) : 1;
    block = block < 4 ? 4 : block;
    size_t length = amount->slots < count ? amount->slots : count;
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
    double half = (statistics_quantile(draws, BOOTSTRAP_DRAWS, 1 - tail) -
                   statistics_quantile(draws, BOOTSTRAP_DRAWS, tail)) /
                  2;
    double normal = distribution_student_quantile(tail, INFINITY);
    double variance = square / BOOTSTRAP_DRAWS * amount->weight * amount->weight / amount->weight_square;
    return sqrt(half * half + normal * normal * base_variance(plan, amount, variance));
}

/* Of the estimate, for the variance of a single score. */
static double
deviation_of(const EffectPlan *plan, const EffectAmount *amount, double variance)
{
    double own = amount->weight_square / (amount->weight * amount->weight);
    return spread_of(plan) * sqrt(variance * own + base_variance(plan, amount, variance));
}

/* Half the width of the interval of one look, and the two-sided p-value of being so far from no effect, by
 * noise. */
static double
interval_half(Arena *arena, const EffectPlan *plan, const EffectAmount *amount, double distance,
              double *ret_p_value)
{
    double freedom = freedom_of(plan, amount);
    double variance = effect_plan_variance(plan, amount->slots);
    if (plan->interval == EFFECT_BY_LAG_RULE) {
        size_t lag = long_run_lag(plan->grid.before_end);
        variance = long_run_variance_whitened(plan->scores, plan->grid.before_end, lag) / plan->weight_square;
        freedom = INFINITY;
    }
    double deviation = deviation_of(plan, amount, variance);
    *ret_p_value = deviation > 0 ? 2 * distribution_student_upper(distance / deviation, freedom)
                                 : (distance == 0 ? 1 : 0);
    if (plan->interval == EFFECT_BY_BOOTSTRAP)
        return spread_of(plan) * bootstrap_half(arena, plan, amount);
    return deviation * distribution_student_quantile(interval_alpha(plan, amount->slots) / 2, freedom);
}

/*
 * The boundary of the mean after so many slots. The variance of a sum of n scores is the mixture's for n.
 * With the positive correlation of load the sums cross a boundary less often than independent increments of
 * the same variances would (Slepian 1962), so those may stand for them.
 */
static double
sequence_radius(const EffectPlan *plan, const EffectAmount *amount, double alpha, bool is_one_sided)
{
    size_t tightest = is_one_sided ? HARM_BUCKETS : SEQUENCE_BUCKETS;
    double two_sided_alpha = is_one_sided ? 2 * alpha : alpha;
    double variance = effect_plan_variance(plan, amount->slots);
    double tightest_variance = effect_plan_variance(plan, tightest) * (double)tightest * plan->weight_square;
    double sum_variance = variance * amount->weight_square;
    double student = distribution_student_quantile(two_sided_alpha / 2, freedom_of(plan, amount));
    if (!(tightest_variance > 0))
        return spread_of(plan) * student * sqrt(base_variance(plan, amount, 0));
    double rho = confidence_sequence_rho(two_sided_alpha, tightest_variance);
    double boundary = is_one_sided ? confidence_sequence_one_sided(alpha, rho, sum_variance)
                                   : confidence_sequence_two_sided(alpha, rho, sum_variance);
    double own = boundary / amount->weight;
    double normal = distribution_student_quantile(two_sided_alpha / 2, INFINITY);
    double base = normal * normal * base_variance(plan, amount, variance);
    return spread_of(plan) * student / normal * sqrt(own * own + base);
}

double
effect_plan_harm_radius(const EffectPlan *plan, const EffectAmount *amount)
{
    double radius = sequence_radius(plan, amount, plan->is_of_two ? HARM_ALPHA / 2 : HARM_ALPHA, true);
    return fmax(radius, BEYOND_WORST * effect_plan_worst(plan, amount->slots));
}

double
effect_plan_deviation(const EffectPlan *plan, const EffectAmount *amount, double tail)
{
    double deviation = deviation_of(plan, amount, effect_plan_variance(plan, amount->slots));
    return deviation * distribution_student_quantile(tail, freedom_of(plan, amount));
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
                    .detectable_percent = NAN,
                    .mean_before_ms = NAN,
                    .mean_after_ms = NAN,
                    .drift_percent = NAN,
                    .plain_percent = NAN,
                    .rows_percent = NAN,
                    .blocks_percent = NAN};
}

size_t
effect_plan_joined_end(const EffectPlan *plan, const EffectWindow *window, size_t after_end)
{
    int64_t width = INT64_C(1) << plan->grid.join;
    int64_t ends = window->from_us / window->bucket_us + (int64_t)after_end;
    int64_t last = (ends - plan->grid.first * width) / width;
    return last > (int64_t)plan->grid.after_first ? (size_t)last : plan->grid.after_first;
}

/* The estimate of what was seen, with all its bounds. */
static void
look_estimate(Arena *arena, const EffectPlan *plan, Sight *sight, Effect *effect)
{
    const EffectAmount *amount = &sight->amount;
    double estimate = sight->effect - plan->slope * amount->week;
    double expected = sight->cells_mean + plan->slope * amount->week;
    double distance = fmax(estimate > 0 ? estimate - sight->less : -estimate - sight->more, 0);
    double half = interval_half(arena, plan, amount, distance, &effect->p_value);
    effect->p_value = fmax(effect->p_value, estimate > 0 ? sight->chance_less : sight->chance_more);
    double less = fmax(half, is_plain(plan) ? BEYOND_WORST * effect_plan_worst(plan, amount->slots) : 0);
    double always = sequence_radius(plan, amount, SEQUENCE_ALPHA, false);
    double harm = effect_plan_harm_radius(plan, amount);
    sight->has_risen = estimate + sight->saved - sight->less - less > 0;
    effect->improvement_percent = percent_of(estimate);
    effect->low_percent = percent_of(estimate + sight->more + half);
    effect->high_percent = percent_of(estimate - sight->less - less);
    effect->always_low_percent = percent_of(estimate + sight->more + always);
    effect->always_high_percent = percent_of(estimate - sight->less - always);
    effect->harm_percent = -percent_of(estimate - sight->less - harm);
    effect->drift_percent = plan->drift == NULL ? NAN : percent_of(sight->drift);
    effect->mean_before_ms = exp(expected);
    effect->mean_after_ms = exp(expected + estimate);
    effect->verdict = effect_verdict(effect->improvement_percent, effect->low_percent, effect->high_percent);
}

/* What is worse without levels is taken as that says it: states are no effect, but a change that leaves a
 * query in its slow one has harmed it. And levels that both rose are no harm where the query is not slower
 * for it: a change that ends a rare slow plan may make the fast one dearer. It is no gain either. */
static void
look_plainly(const EffectPlan *plan, const Effect *plain, bool has_risen, Effect *effect)
{
    bool is_slower = plain->improvement_percent < 0;
    bool is_harm = has_risen || effect->harm_percent > plan->harm_limit_percent;
    bool is_regressed =
        is_slower && (plain->verdict == EFFECT_REGRESSED || effect->verdict == EFFECT_REGRESSED);
    double harm = is_slower ? fmax(effect->harm_percent, plain->harm_percent) : plain->harm_percent;
    bool is_worse = (plain->verdict == EFFECT_REGRESSED && effect->verdict != EFFECT_REGRESSED) ||
                    plain->harm_percent > fmax(effect->harm_percent, plan->harm_limit_percent);
    double p_value = effect->p_value;
    if (is_slower ? is_worse : is_harm) {
        *effect = *plain;
        p_value = fmin(2 * plain->p_value, 1); /* one of two, chosen by what they say */
    }
    effect->harm_percent = harm;
    effect->p_value = p_value;
    effect->has_levels = true;
    effect->plain_percent = plain->improvement_percent;
    if (is_regressed)
        effect->verdict = EFFECT_REGRESSED;
    else if (is_harm && effect->verdict == EFFECT_IMPLEMENTED)
        effect->verdict = EFFECT_NO_IMPROVEMENT; /* it may only be in its fast plan, and that dearer */
}

/* By how much time per call moved more than the mean of logarithms: that counts a rare slow plan for less
 * than it takes. */
static double
time_beyond_logarithms(const TwoLevel *levels, double share_after)
{
    double gap = levels->levels[1] - levels->levels[0];
    double before = levels->share_high;
    return effect_levels_time(levels, share_after) - effect_levels_time(levels, before) -
           gap * (share_after - before);
}

/* beyond: to be added to the effect. Returns what was seen. */
static Sight
look_alone(Arena *arena, const EffectPlan *plan, size_t joined_end, double beyond, Effect *ret_effect)
{
    Sight sight = {0};
    *ret_effect = effect_unknown(plan->reason);
    ret_effect->calls_before = plan->calls_before;
    ret_effect->buckets_before = plan->buckets_before;
    ret_effect->bucket_minutes = (double)plan->grid.bucket_us / (double)EFFECT_MINUTE_US;
    ret_effect->match = plan->match;
    ret_effect->has_drift = plan->drift != NULL;
    ret_effect->lacks_controls = plan->lacks_controls;
    ret_effect->control_count = plan->control_count;
    if (plan->reason != NULL)
        return sight;
    sight = sight_take(arena, plan, joined_end);
    sight.effect += beyond;
    ret_effect->calls_after = sight.amount.calls;
    ret_effect->buckets_after = (size_t)sight.amount.buckets;
    if (sight.amount.calls < EFFECT_CALLS_LEAST)
        ret_effect->reason = "fewer than 30 calls after the change";
    else if (ret_effect->buckets_after < EFFECT_BUCKETS_LEAST)
        ret_effect->reason = "fewer than 4 buckets with calls after the change";
    else
        look_estimate(arena, plan, &sight, ret_effect);
    return sight;
}

void
effect_plan_look(Arena *arena, const EffectPlan *plan, const EffectWindow *window, size_t after_end,
                 Effect *ret_effect)
{
    size_t joined_end = plan->reason != NULL ? 0 : effect_plan_joined_end(plan, window, after_end);
    Sight sight = look_alone(arena, plan, joined_end, 0, ret_effect);
    if (plan->plain == NULL || ret_effect->verdict == EFFECT_NOT_ENOUGH_DATA)
        return;
    Effect plain;
    double beyond = time_beyond_logarithms(plan->levels, sight.share_high);
    (void)look_alone(arena, plan->plain, joined_end, beyond, &plain);
    if (plain.verdict != EFFECT_NOT_ENOUGH_DATA)
        look_plainly(plan, &plain, sight.has_risen, ret_effect);
}
