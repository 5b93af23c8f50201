// SPDX-License-Identifier: PostgreSQL
#include "workflow/effect_internal.h"

#include <math.h>
#include <string.h>

#define HOURS 24
#define WEEKDAYS 7
#define FREEDOM_LEAST 4 /* of the noise that a component is held against */

/* Hours of the days before the change; day 0 is the first. */
typedef struct Days {
    size_t count;
    size_t first_weekday;
    double (*means)[HOURS];   /* of an hour, while they are made the sums */
    double (*weights)[HOURS]; /* 0: nothing */
    double *day_means;
    double *day_weights;
} Days;

static Days
days_make(Arena *arena, const EffectGrid *grid, const double *values, const double *weights)
{
    int64_t first_hour = effect_hour_of(grid, 0);
    int64_t first_day = effect_floor_divide(first_hour, HOURS);
    size_t count = (size_t)((int64_t)grid->before_end * grid->bucket_us / EFFECT_DAY_US) + 2;
    Days days = {.count = count,
                 .first_weekday = (size_t)(first_day - WEEKDAYS * effect_floor_divide(first_day, WEEKDAYS)),
                 .means = arena_alloc_array(arena, count, sizeof(*days.means)),
                 .weights = arena_alloc_array(arena, count, sizeof(*days.weights)),
                 .day_means = ARENA_NEW_ARRAY(arena, double, count),
                 .day_weights = ARENA_NEW_ARRAY(arena, double, count)};
    for (size_t i = 0; i < grid->before_end; i++) {
        if (weights[i] <= 0)
            continue;
        size_t hour = (size_t)(effect_hour_of(grid, i) - first_day * HOURS);
        fettle_assert(hour / HOURS < count);
        days.means[hour / HOURS][hour % HOURS] += weights[i] * values[i];
        days.weights[hour / HOURS][hour % HOURS] += weights[i];
    }
    for (size_t d = 0; d < count; d++) {
        for (size_t h = 0; h < HOURS; h++) {
            days.day_means[d] += days.means[d][h];
            days.day_weights[d] += days.weights[d][h];
            days.means[d][h] /= days.weights[d][h] > 0 ? days.weights[d][h] : 1;
        }
        days.day_means[d] /= days.day_weights[d] > 0 ? days.day_weights[d] : 1;
    }
    return days;
}

/* An analysis of variance of one factor: values in groups. */
typedef struct Groups {
    double weight[HOURS * WEEKDAYS];
    double mean[HOURS * WEEKDAYS];
    size_t members[HOURS * WEEKDAYS];
    double within;
    size_t within_freedom;
} Groups;

static void
groups_add(Groups *groups, size_t group, double value, double weight)
{
    double before = groups->weight[group];
    double difference = value - groups->mean[group];
    groups->weight[group] += weight;
    groups->mean[group] += difference * weight / groups->weight[group];
    groups->within += weight * before / groups->weight[group] * difference * difference;
    groups->within_freedom += groups->members[group] > 0;
    groups->members[group]++;
}

/* How much of the groups' means is theirs, 0 .. 1: one less the share that the noise within makes of it
 * (James and Stein 1961). The grand mean is 0. */
static double
groups_share(const Groups *groups, size_t count, size_t constraints)
{
    double between = 0;
    size_t seen = 0;
    for (size_t g = 0; g < count; g++) {
        between += groups->weight[g] * groups->mean[g] * groups->mean[g];
        seen += groups->members[g] > 0;
    }
    if (groups->within_freedom < FREEDOM_LEAST || seen <= constraints || between <= 0)
        return 0;
    double noise = groups->within / (double)groups->within_freedom * (double)(seen - constraints);
    return fmax(1 - noise / between, 0);
}

/* What is left of the hours of days when the day's mean is gone: the hour of the day's part, and the
 * weekday's own part of it. */
static void
shares_within_days(Arena *arena, const Days *days, bool has_weeks, EffectProfile *profile)
{
    Groups *of_day = ARENA_NEW(arena, Groups);
    Groups *of_week = ARENA_NEW(arena, Groups);
    for (size_t d = 0; d < days->count; d++)
        for (size_t h = 0; h < HOURS; h++)
            if (days->weights[d][h] > 0)
                groups_add(of_day, h, days->means[d][h] - days->day_means[d], days->weights[d][h]);
    profile->hour_share = groups_share(of_day, HOURS, 1);
    if (!has_weeks)
        return;
    for (size_t d = 0; d < days->count; d++)
        for (size_t h = 0; h < HOURS; h++)
            if (days->weights[d][h] > 0)
                groups_add(of_week, (days->first_weekday + d) % WEEKDAYS * HOURS + h,
                           days->means[d][h] - days->day_means[d] - of_day->mean[h], days->weights[d][h]);
    profile->cell_share =
        fmin(groups_share(of_week, HOURS * WEEKDAYS, HOURS + WEEKDAYS - 1), profile->hour_share);
}

static void
shares_of(Arena *arena, const EffectGrid *grid, const double *values, const double *weights, bool has_weeks,
          EffectProfile *profile)
{
    ArenaMark mark = arena_mark(arena);
    Days days = days_make(arena, grid, values, weights);
    shares_within_days(arena, &days, has_weeks, profile);
    Groups *weekdays = ARENA_NEW(arena, Groups);
    for (size_t d = 0; d < days.count && has_weeks; d++)
        if (days.day_weights[d] > 0)
            groups_add(weekdays, (days.first_weekday + d) % WEEKDAYS, days.day_means[d] - profile->mean,
                       days.day_weights[d]);
    profile->weekday_share = fmax(groups_share(weekdays, WEEKDAYS, 1), profile->cell_share);
    arena_rewind(arena, mark);
}

static void
sums_add(EffectSums *sums, size_t cell, double weight, double value, double week)
{
    EffectSum *members[] = {&sums->all, &sums->weekdays[cell / HOURS], &sums->hours[cell % HOURS],
                            &sums->cells[cell]};
    for (size_t i = 0; i < FETTLE_COUNT_OF(members); i++) {
        members[i]->weight += weight;
        members[i]->weight_square += weight * weight;
        members[i]->value += weight * value;
        members[i]->week += weight * week;
    }
}

/* The four means that a cell's comparison is mixed of, and their parts; what was not seen goes to the next
 * wider one. */
typedef struct Mixture {
    const EffectSum *sums[4];
    double parts[4];
} Mixture;

static Mixture
mixture_of(const EffectProfile *profile, size_t cell)
{
    const EffectSums *sums = &profile->sums;
    double of_cell = profile->cell_share;
    double of_weekday = profile->weekday_share - of_cell;
    double of_hour = profile->hour_share - of_cell;
    if (sums->cells[cell].weight <= 0) {
        of_hour += of_cell;
        of_weekday += of_cell;
        of_cell = 0;
    }
    if (sums->hours[cell % HOURS].weight <= 0)
        of_hour = 0;
    if (sums->weekdays[cell / HOURS].weight <= 0)
        of_weekday = 0;
    return (Mixture){
        .sums = {&sums->all, &sums->weekdays[cell / HOURS], &sums->hours[cell % HOURS], &sums->cells[cell]},
        .parts = {1 - of_cell - of_weekday - of_hour, of_weekday, of_hour, of_cell}};
}

static EffectExpected
expected_of(const EffectProfile *profile, size_t cell)
{
    Mixture mixture = mixture_of(profile, cell);
    EffectExpected expected = {0};
    for (size_t i = 0; i < FETTLE_COUNT_OF(mixture.parts); i++) {
        if (mixture.parts[i] == 0)
            continue;
        expected.value += mixture.parts[i] * mixture.sums[i]->value / mixture.sums[i]->weight;
        expected.week += mixture.parts[i] * mixture.sums[i]->week / mixture.sums[i]->weight;
    }
    return expected;
}

EffectProfile *
effect_profile_make(Arena *arena, const EffectGrid *grid, EffectMatch match, const double *values,
                    const double *weights)
{
    EffectProfile *profile = ARENA_NEW(arena, EffectProfile);
    EffectSums *sums = &profile->sums;
    bool is_seen[EFFECT_DAYS_MOST] = {false};
    for (size_t i = 0; i < grid->before_end; i++) {
        if (weights[i] <= 0)
            continue;
        sums_add(sums, effect_cell_of(grid, i), weights[i], values[i], effect_week_of(grid, i));
        size_t day = (size_t)((int64_t)i * grid->bucket_us / EFFECT_DAY_US);
        fettle_assert(day < EFFECT_DAYS_MOST);
        profile->days += !is_seen[day];
        is_seen[day] = true;
    }
    profile->mean = sums->all.value / sums->all.weight;
    if (match != EFFECT_MATCH_ANY)
        shares_of(arena, grid, values, weights, match == EFFECT_MATCH_HOUR_OF_WEEK, profile);
    for (size_t cell = 0; cell < EFFECT_CELLS; cell++)
        profile->expected[cell] = expected_of(profile, cell);
    return profile;
}

EffectExpected
effect_profile_expect(const EffectProfile *profile, size_t cell)
{
    return profile->expected[cell];
}

double
effect_profile_base(const EffectProfile *profile, const double *cell_weights)
{
    EffectSums parts = {0}; /* value: the weight of a bucket's unit of weight in each mean */
    double all = 0;
    for (size_t c = 0; c < EFFECT_CELLS; c++)
        all += cell_weights[c];
    for (size_t c = 0; c < EFFECT_CELLS; c++) {
        if (cell_weights[c] <= 0)
            continue;
        Mixture mixture = mixture_of(profile, c);
        EffectSum *members[] = {&parts.all, &parts.weekdays[c / HOURS], &parts.hours[c % HOURS],
                                &parts.cells[c]};
        for (size_t i = 0; i < FETTLE_COUNT_OF(members); i++)
            if (mixture.parts[i] != 0)
                members[i]->value += cell_weights[c] / all * mixture.parts[i] / mixture.sums[i]->weight;
    }
    double square = 0;
    for (size_t c = 0; c < EFFECT_CELLS; c++) {
        double part = parts.all.value + parts.weekdays[c / HOURS].value + parts.hours[c % HOURS].value +
                      parts.cells[c].value;
        square += part * part * profile->sums.cells[c].weight_square;
    }
    return square;
}

double
effect_profile_leverage(const EffectProfile *profile)
{
    double days = (double)(profile->days > 0 ? profile->days : 1);
    double weeks = fmax(days / WEEKDAYS, 1);
    double of_day = (1 - profile->weekday_share) / days + profile->weekday_share / weeks;
    double of_hour = (1 - profile->cell_share) / days + profile->cell_share / weeks;
    return fmin(fmax(of_day, of_hour), 0.5);
}
