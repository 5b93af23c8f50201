// SPDX-License-Identifier: PostgreSQL
#include "workflow/effect_internal.h"

#include <math.h>

#define CHANCE_MISSED 0.05
#define HOURS 24
#define FINE_US (4 * EFFECT_HOUR_US) /* each bucket is looked at */
#define HOURLY_US (2 * EFFECT_DAY_US)
#define COARSE_US (4 * EFFECT_HOUR_US)

/* What one bucket of an hour brings, by those before. */
typedef struct Habit {
    double slots;
    double buckets;
    double calls;
    double weight;
    double weight_square;
} Habit;

typedef struct Habits {
    Habit all;
    Habit hours[HOURS];
    Habit cells[EFFECT_CELLS];
} Habits;

static Habits *
habits_make(Arena *arena, const EffectPlan *plan)
{
    Habits *habits = ARENA_NEW(arena, Habits);
    size_t first = 0;
    while (first < plan->grid.before_end && plan->points.weights[first] <= 0)
        first++;
    for (size_t i = first; i < plan->grid.before_end; i++) {
        size_t cell = effect_cell_of(&plan->grid, i);
        double weight = plan->points.weights[i];
        Habit *members[] = {&habits->all, &habits->hours[cell % HOURS], &habits->cells[cell]};
        for (size_t m = 0; m < FETTLE_COUNT_OF(members); m++) {
            members[m]->slots++;
            members[m]->buckets += weight > 0;
            members[m]->calls += weight > 0 ? plan->points.calls[i] : 0;
            members[m]->weight += weight;
            members[m]->weight_square += weight * weight;
        }
    }
    return habits;
}

/* Of the hour of the week, with less than two weeks of the day, with less than two days of all. */
static const Habit *
habit_of(const Habits *habits, EffectMatch match, size_t cell)
{
    if (match == EFFECT_MATCH_HOUR_OF_WEEK && habits->cells[cell].slots > 0)
        return &habits->cells[cell];
    if (match != EFFECT_MATCH_ANY && habits->hours[cell % HOURS].slots > 0)
        return &habits->hours[cell % HOURS];
    return &habits->all;
}

/* The time after, as it grows: sums, not means. */
typedef struct Growth {
    EffectAmount sums;
    double cell_weights[EFFECT_CELLS];
} Growth;

static void
growth_add(Growth *growth, const EffectPlan *plan, const Habits *habits, size_t i, bool is_seen)
{
    size_t cell = effect_cell_of(&plan->grid, i);
    Habit bucket = {.slots = 1};
    if (is_seen && plan->points.weights[i] > 0) {
        double weight = plan->points.weights[i];
        bucket = (Habit){.slots = 1,
                         .buckets = 1,
                         .calls = plan->points.calls[i],
                         .weight = weight,
                         .weight_square = weight * weight};
    } else if (!is_seen) {
        bucket = *habit_of(habits, plan->match, cell);
    }
    EffectAmount *sums = &growth->sums;
    double week = effect_week_of(&plan->grid, i) - effect_profile_expect(plan->profile, cell).week;
    sums->slots++;
    sums->buckets += bucket.buckets / bucket.slots;
    sums->calls += bucket.calls / bucket.slots;
    sums->weight += bucket.weight / bucket.slots;
    sums->weight_square += bucket.weight_square / bucket.slots;
    sums->week += bucket.weight / bucket.slots * week;
    growth->cell_weights[cell] += bucket.weight / bucket.slots;
}

/* The least harm that is seen, in percent; NAN while there is too little for any judgement. */
static double
growth_detectable(const Growth *growth, const EffectPlan *plan, EffectUneven uneven)
{
    EffectAmount amount = growth->sums;
    if (amount.calls < EFFECT_CALLS_LEAST || amount.buckets < (double)EFFECT_BUCKETS_LEAST)
        return NAN;
    amount.week /= amount.weight;
    amount.uneven = uneven;
    amount.base_square = effect_profile_base(plan->profile, growth->cell_weights);
    double least = log1p(plan->harm_limit_percent / 100) + effect_plan_harm_radius(plan, &amount) +
                   effect_plan_deviation(plan, &amount, CHANCE_MISSED);
    return 100 * expm1(least);
}

/* Every bucket at first, then every hour, then every four: a date in two weeks need not be to the minute. */
static bool
is_looked_at(const EffectGrid *grid, size_t slots, size_t seen)
{
    int64_t after_us = (int64_t)slots * grid->bucket_us;
    int64_t step_us = after_us <= FINE_US     ? grid->bucket_us
                      : after_us <= HOURLY_US ? EFFECT_HOUR_US
                                              : COARSE_US;
    return slots == seen || after_us % (step_us > grid->bucket_us ? step_us : grid->bucket_us) == 0;
}

void
effect_plan_enough(Arena *arena, const EffectPlan *plan, const EffectWindow *window, size_t after_end,
                   Effect *effect)
{
    if (plan->reason != NULL)
        return;
    if (plan->plain != NULL)
        plan = plan->plain; /* with levels another path of them is only ruled out by what comes after */
    const EffectGrid *grid = &plan->grid;
    const Habits *habits = habits_make(arena, plan);
    Growth *growth = ARENA_NEW(arena, Growth);
    size_t seen = effect_plan_joined_end(plan, window, after_end) - grid->after_first;
    size_t most = (size_t)(EFFECT_ENOUGH_DAYS_MOST * EFFECT_DAY_US / grid->bucket_us);
    EffectUneven uneven = {0};
    if (seen > 0)
        uneven = effect_uneven_find(plan, seen);
    for (size_t slots = 1; slots <= (seen > most ? seen : most); slots++) {
        bool is_over = effect->enough_us != 0 || slots > most;
        if (is_over && slots > seen)
            break;
        growth_add(growth, plan, habits, grid->after_first + slots - 1, slots <= seen);
        if (slots != seen && (is_over || !is_looked_at(grid, slots, seen)))
            continue;
        double detectable = growth_detectable(growth, plan, uneven);
        if (slots == seen)
            effect->detectable_percent = detectable;
        if (effect->enough_us == 0 && detectable <= EFFECT_ENOUGH_PERCENT)
            effect->enough_us = (grid->first + (int64_t)(grid->after_first + slots)) * grid->bucket_us;
    }
}
