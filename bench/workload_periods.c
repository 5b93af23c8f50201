// SPDX-License-Identifier: PostgreSQL
#include "workload_periods.h"

#include "base/random.h"
#include "workload/period.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ARENA_BYTES ((size_t)1 << 30)
#define SERIES 150 /* of each kind */
#define HOURS_MOST ((size_t)24 * 91)
#define WEEK 168

typedef enum Kind { DAILY, WEEKLY, BOTH, ODD, JOB, WHITE, RED, WALK, SHIFT, KINDS } Kind;

static const char *const kind_words[KINDS] = {"daily", "weekly",      "daily and weekly",
                                              "odd",   "job",         "white noise",
                                              "AR(1)", "random walk", "level shift"};

/* All that a series is made of, drawn first. */
typedef struct Recipe {
    size_t count;
    size_t truth[2];
    size_t truth_count;
    double profile[WEEK];
    double weekdays[7];
    double height;
    double noise;
    double base; /* of the logarithm */
    double trend;
    double step;
    size_t step_at;
    double phi;
    size_t width; /* of a job, hours */
    size_t offset;
    bool has_spikes;
    bool has_gaps;
} Recipe;

/* One to three harmonics of random phases, of mean square 1. */
static void
smooth_profile(Random *random, double *profile, size_t count)
{
    double squares = 0;
    double weights[3][2];
    size_t harmonics = 1 + random_below(random, 3);
    for (size_t h = 0; h < 3; h++)
        for (size_t part = 0; part < 2; part++)
            weights[h][part] = random_normal(random) / (double)(h + 1);
    for (size_t i = 0; i < count; i++) {
        profile[i] = 0;
        for (size_t h = 0; h < harmonics; h++) {
            double angle = 2 * M_PI * (double)((h + 1) * i) / (double)count;
            profile[i] += weights[h][0] * cos(angle) + weights[h][1] * sin(angle);
        }
        squares += profile[i] * profile[i];
    }
    for (size_t i = 0; i < count; i++)
        profile[i] /= sqrt(squares / (double)count);
}

static void
draw_periods(Random *random, Kind kind, Recipe *recipe)
{
    size_t odd = 5 + random_below(random, 75);
    size_t job = 6 + random_below(random, 60);
    const size_t first[KINDS] = {
        [DAILY] = 24, [WEEKLY] = WEEK, [BOTH] = 24, [ODD] = odd == 24 ? 25 : odd, [JOB] = job};
    if (first[kind] != 0)
        recipe->truth[recipe->truth_count++] = first[kind];
    if (kind == BOTH)
        recipe->truth[recipe->truth_count++] = WEEK;
    if (first[kind] != 0 && kind != JOB)
        smooth_profile(random, recipe->profile, first[kind]);
    if (kind == BOTH)
        smooth_profile(random, recipe->weekdays, 7);
    recipe->width = kind == JOB ? 1 + random_below(random, 2) : 0;
    recipe->offset = random_below(random, job);
}

static Recipe
recipe_draw(Random *random, Kind kind)
{
    Recipe recipe = {.count = 24 * (28 + random_below(random, 63))};
    draw_periods(random, kind, &recipe);
    double n = (double)recipe.count;
    recipe.height = 0.3 + random_unit(random) * 0.7;
    recipe.noise = 0.1 + random_unit(random) * 0.3;
    recipe.base = log(50 + random_unit(random) * 5000);
    recipe.trend = random_below(random, 3) == 0 ? (random_unit(random) - 0.5) * 2 / n : 0;
    recipe.step_at = recipe.count / 3 + random_below(random, recipe.count / 3);
    if (kind == SHIFT)
        recipe.step = 1 + random_unit(random);
    else if (recipe.truth_count > 0 && random_below(random, 4) == 0)
        recipe.step = (random_unit(random) - 0.5) * 2;
    recipe.phi = kind == RED ? 0.3 + random_unit(random) * 0.65 : 0;
    recipe.has_spikes = random_below(random, 3) == 0;
    recipe.has_gaps = random_below(random, 3) == 0;
    return recipe;
}

static void
series_fill(Random *random, Kind kind, const Recipe *recipe, double *values)
{
    double error = 0;
    double walk = 0;
    for (size_t i = 0; i < recipe->count; i++) {
        double log_calls =
            recipe->base + recipe->trend * (double)i + (i >= recipe->step_at ? recipe->step : 0);
        size_t period = recipe->truth_count > 0 ? recipe->truth[0] : 1;
        if (recipe->width > 0)
            log_calls += (i + recipe->offset) % period < recipe->width ? 1 + 2 * recipe->height : 0;
        else if (recipe->truth_count > 0)
            log_calls += recipe->height * recipe->profile[i % period];
        log_calls += 0.6 * recipe->height * recipe->weekdays[i / 24 % 7];
        error = recipe->phi * error + random_normal(random);
        walk += 0.1 * random_normal(random);
        log_calls += kind == WALK ? walk : recipe->noise * error;
        log_calls += recipe->has_spikes && random_below(random, 200) == 0 ? 2 : 0;
        bool is_gap = recipe->has_gaps && random_below(random, 10) == 0;
        values[i] = is_gap ? NAN : fmax(0, round(exp(log_calls)));
    }
}

/* How many of the truth's periods are among the found ones, within an hour or 2 %. */
static size_t
hits_of(const Recipe *recipe, const Periods *periods)
{
    size_t hits = 0;
    for (size_t i = 0; i < recipe->truth_count; i++) {
        bool is_hit = false;
        for (size_t j = 0; j < periods->count; j++) {
            double away = fabs((double)periods->hours[j] - (double)recipe->truth[i]);
            is_hit = is_hit || away <= fmax(1, 0.02 * (double)recipe->truth[i]);
        }
        hits += is_hit;
    }
    return hits;
}

static double
cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void
measure_kind(Kind kind, unsigned parity)
{
    size_t truth = 0;
    size_t hits = 0;
    size_t found = 0;
    size_t exact = 0;
    size_t with_any = 0;
    double spent_ms = 0;
    for (unsigned series = 0; series < SERIES; series++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("periods", ARENA_BYTES);
        Random random = random_new((uint64_t)(2 * series + parity) * 100 + kind);
        double *values = ARENA_NEW_ARRAY(arena, double, HOURS_MOST);
        Recipe recipe = recipe_draw(&random, kind);
        series_fill(&random, kind, &recipe, values);
        double before_ms = cpu_ms();
        Periods periods = period_detect(arena, values, recipe.count);
        spent_ms += cpu_ms() - before_ms;
        size_t series_hits = hits_of(&recipe, &periods);
        truth += recipe.truth_count;
        hits += series_hits;
        found += periods.count;
        exact += series_hits == recipe.truth_count && periods.count == recipe.truth_count;
        with_any += periods.count > 0;
    }
    printf("{\"bench\": \"periods\", \"kind\": \"%s\", \"series\": %d, \"truth\": %zu, \"hits\": %zu, "
           "\"found\": %zu, \"exact\": %zu, \"with_any\": %zu, \"cpu_ms\": %.2f}\n",
           kind_words[kind], SERIES, truth, hits, found, exact, with_any, spent_ms / SERIES);
}

int
measure_periods(unsigned parity)
{
    for (int kind = 0; kind < KINDS; kind++)
        measure_kind((Kind)kind, parity);
    return 0;
}
