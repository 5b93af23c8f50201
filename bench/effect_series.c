// SPDX-License-Identifier: PostgreSQL
#include "effect_series.h"

#include "base/random.h"

#include <math.h>

#define CONTROLS 12
#define BUCKETS_OF_DAY 96
#define BUCKETS_OF_WEEK (7 * BUCKETS_OF_DAY)
#define BUCKET_US (INT64_C(900) * 1000000)
#define FIRST_US (INT64_C(490008) * 3600 * 1000000)

typedef struct Habit {
    double calls; /* of a bucket, in the mean */
    double calls_season;
    double mean_ms;
    double daily;
    double weekly;
    double phase;
    double noise;
    double memory;
    bool is_heavy;
    double call_noise;
    double growth; /* a week, of time */
    double calls_growth;
    bool flips;
    double flip_size;
    double flip_chance;   /* a bucket */
    double flip_back;     /* chance of leaving the slow plan; 0: the same */
    EffectFlips flips_on; /* what the change does to them */
    double own_drift;     /* besides what all do, from the change on */
} Habit;

static double
between(Random *random, double low, double high)
{
    return low + (high - low) * random_unit(random);
}

static double
between_log(Random *random, double low, double high)
{
    return exp(between(random, log(low), log(high)));
}

/* Student's t with four degrees of freedom, of variance 1. */
static double
heavy(Random *random)
{
    double square = 0;
    for (int i = 0; i < 4; i++) {
        double value = random_normal(random);
        square += value * value;
    }
    return random_normal(random) / sqrt(square / 4) / sqrt(2);
}

static double
count_of(Random *random, double mean)
{
    if (mean > 50)
        return fmax(0, round(mean + sqrt(mean) * random_normal(random)));
    double limit = exp(-mean);
    double product = random_unit(random);
    double count = 0;
    for (; product > limit; count++)
        product *= random_unit(random);
    return count;
}

/* The mean of so many calls of mean 1, lognormal. */
static double
mean_of_calls(Random *random, double count, double deviation)
{
    if (count > 40)
        return fmax(1 + sqrt((exp(deviation * deviation) - 1) / count) * random_normal(random), 0.05);
    double sum = 0;
    for (double i = 0; i < count; i++)
        sum += exp(deviation * random_normal(random) - deviation * deviation / 2);
    return sum / count;
}

static Habit
habit_draw(Random *random, const EffectTruth *truth, double noise_most)
{
    return (Habit){
        .calls = between_log(random, 5, 50000) / 4,
        .calls_season = between(random, 0, 0.9),
        .mean_ms = between_log(random, 1, 500),
        .daily = between(random, 0, 0.4),
        .weekly = between(random, 0, 0.2),
        .phase = random_unit(random),
        .noise = between_log(random, 0.05, noise_most),
        .memory = between(random, 0, 0.8),
        .is_heavy = random_unit(random) < 0.5,
        .call_noise = between(random, 0.2, 1),
        .growth = !truth->is_still && random_unit(random) < 0.25 ? between(random, 0, 0.05) : 0,
        .calls_growth = between(random, -0.05, 0.05),
        .flips = !truth->is_still && random_unit(random) < 0.1,
        .flip_size = between(random, log(1.3), log(3)),
        .flip_chance = 1 / between(random, 48, 288),
    };
}

/* A slow plan of ten hours now and then. */
static void
rare_draw(Random *random, Habit *habit)
{
    double share = between(random, 0.15, 0.22);
    habit->flip_size = log(3);
    habit->flip_back = 1.0 / 40;
    habit->flip_chance = habit->flip_back * share / (1 - share);
}

/* What all queries share: load that comes and goes, and deploys. */
static double *
shared_make(Arena *arena, Random *random, const EffectTruth *truth, size_t count, size_t change)
{
    double *shared = ARENA_NEW_ARRAY(arena, double, count);
    double size = between(random, 0, 0.15);
    double load = size * random_normal(random);
    double level = 0;
    for (size_t i = 0; i < count; i++) {
        load = 0.9 * load + sqrt(1 - 0.81) * size * random_normal(random);
        if (!truth->is_still && random_unit(random) < 1.0 / (2 * BUCKETS_OF_WEEK))
            level = log(between(random, 0.7, 1.5));
        shared[i] = load + level + (i >= change ? log(truth->drift_factor) : 0);
    }
    return shared;
}

/* Whether it is in its slow plan. */
static bool
flip(Random *random, const Habit *habit, const EffectWindow *window, size_t i, bool is_flipped)
{
    double chance = is_flipped && habit->flip_back > 0 ? habit->flip_back : habit->flip_chance;
    bool moves = random_unit(random) < chance;
    if (i == window->after_first && habit->flips_on == EFFECT_FLIPS_AT_ONCE)
        return !is_flipped;
    if (i >= window->after_first && habit->flips_on >= EFFECT_FLIPS_SLOW)
        return habit->flips_on == EFFECT_FLIPS_SLOW;
    return is_flipped ^ moves;
}

static EffectBucket *
buckets_make(Arena *arena, Random *random, const Habit *habit, const double *shared, const bool *is_missing,
             const EffectWindow *window, double factor)
{
    EffectBucket *buckets = ARENA_NEW_ARRAY(arena, EffectBucket, window->bucket_count);
    double noise = random_normal(random);
    double scatter = sqrt(1 - habit->memory * habit->memory);
    bool is_flipped = false;
    for (size_t i = 0; i < window->bucket_count; i++) {
        double day = sin(2 * M_PI * ((double)i / BUCKETS_OF_DAY + habit->phase));
        double weekend = i % BUCKETS_OF_WEEK >= 5 * (size_t)BUCKETS_OF_DAY ? 1 : 0;
        double weeks = (double)i / BUCKETS_OF_WEEK;
        noise = habit->memory * noise + scatter * (habit->is_heavy ? heavy(random) : random_normal(random));
        is_flipped = habit->flips && flip(random, habit, window, i, is_flipped);
        double mean_calls = habit->calls * (1 + habit->calls_season * day) *
                            (1 - 0.5 * weekend * habit->calls_season) * exp(habit->calls_growth * weeks);
        double calls = count_of(random, mean_calls);
        double level = log(habit->mean_ms) + habit->daily * day + habit->weekly * weekend + shared[i] +
                       habit->noise * noise + log1p(habit->growth) * weeks +
                       (is_flipped ? habit->flip_size : 0) +
                       (i >= window->before_end ? log(factor) + habit->own_drift : 0);
        double mean = exp(level) * (calls > 0 ? mean_of_calls(random, calls, habit->call_noise) : 0);
        buckets[i] = (EffectBucket){.calls = is_missing[i] ? NAN : calls,
                                    .time_ms = calls * mean,
                                    .rows = calls,
                                    .blocks = calls * 10};
    }
    return buckets;
}

/* The variance of means of an autoregression, and of calls' own noise beside it. */
static double
deviation_known(const Habit *habit, size_t before)
{
    double of_bucket = habit->noise * habit->noise * (1 + habit->memory) / (1 - habit->memory);
    double of_calls = (exp(habit->call_noise * habit->call_noise) - 1) / habit->calls;
    return sqrt((of_bucket + of_calls) * (1.0 / EFFECT_SERIES_AFTER + 1 / (double)before));
}

EffectCase
effect_series_make(Arena *arena, const EffectTruth *truth, EffectDrawn *ret_drawn)
{
    Random random = random_new(truth->seed);
    double days = random_unit(&random) < 0.3 ? between(&random, 3, 14) : between(&random, 14, 35);
    days = truth->days > 0 ? truth->days : days;
    EffectWindow window = {.from_us = FIRST_US + (int64_t)random_below(&random, 96) * BUCKET_US,
                           .bucket_us = BUCKET_US};
    window.before_end = (size_t)(days * BUCKETS_OF_DAY);
    size_t change = (size_t)random_below(&random, 4);
    window.after_first = window.before_end + (truth->change_buckets > 0 ? truth->change_buckets : change);
    window.bucket_count = window.after_first + EFFECT_SERIES_AFTER;
    bool *is_missing = ARENA_NEW_ARRAY(arena, bool, window.bucket_count);
    for (size_t i = 0; i + 4 <= window.bucket_count; i += 4)
        for (size_t j = 0, hour = random_unit(&random) < 0.02; j < 4; j++)
            is_missing[i + j] = hour != 0 || random_unit(&random) < 0.001;
    double *shared = shared_make(arena, &random, truth, window.bucket_count, window.before_end);
    double noise_most = truth->noise_most > 0 ? truth->noise_most : 0.6;
    EffectSeries *series = ARENA_NEW_ARRAY(arena, EffectSeries, 3 + CONTROLS);
    double mean_ms = 0;
    for (size_t k = 0; k < 3 + CONTROLS; k++) {
        Habit habit = habit_draw(&random, truth, k < 3 ? noise_most : 0.3);
        if (k == 0 && truth->calls_per_hour > 0)
            habit.calls = truth->calls_per_hour / 4;
        if (k == 0) {
            habit.flips |= truth->flips != EFFECT_FLIPS_DRAWN;
            habit.flips_on = truth->flips;
            if (truth->flips == EFFECT_FLIPS_NO_MORE)
                rare_draw(&random, &habit);
            *ret_drawn = (EffectDrawn){.noise = habit.noise,
                                       .deviation = deviation_known(&habit, window.before_end),
                                       .flips = habit.flips};
            mean_ms = habit.mean_ms * habit.calls;
        }
        if (k == 1) /* what writes takes three times the query's time */
            habit.mean_ms = 3 * mean_ms / habit.calls;
        if (k >= 3)
            habit.calls = between_log(&random, 50, 50000) / 4;
        habit.own_drift = truth->unevenness * random_normal(&random) * log(truth->drift_factor);
        double factor = k == 0 ? truth->factor : k == 1 ? truth->writes_factor : 1;
        series[k].query_hash = (int64_t)k + 1;
        series[k].buckets = buckets_make(arena, &random, &habit, shared, is_missing, &window, factor);
    }
    return (EffectCase){.window = window,
                        .query = series,
                        .others = series + 1,
                        .other_count = 2,
                        .controls = series + 3,
                        .control_count = CONTROLS};
}
