// SPDX-License-Identifier: PostgreSQL
#include "workload_forecast.h"

#include "base/random.h"
#include "workload/capacity.h"
#include "workload/forecast.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ARENA_BYTES ((size_t)1 << 30)
#define HOURS_MOST ((size_t)24 * 93)
#define AHEAD ((size_t)48)
#define DAY ((size_t)24)
#define WEEK ((size_t)168)

typedef enum Kind {
    OFFICE,
    SHOP,
    HOLIDAYS,
    DRIFT,
    SHIFT,
    BURSTS,
    JOBS,
    DIRTY,
    WALK,
    FEW_CALLS,
    FEW_DAYS,
    SIZES,
    KINDS
} Kind;

static const char *const kind_words[KINDS] = {"office",        "shop",      "holidays",     "drift",
                                              "level shift",   "bursts",    "jobs",         "gaps and spikes",
                                              "walking level", "few calls", "7 to 14 days", "sizes"};

/* All that a series is made of, drawn first. */
typedef struct Recipe {
    size_t count; /* with the hours ahead */
    double day[24];
    double week[7];
    double base; /* of the logarithm */
    double noise;
    double red; /* deviation of the AR(1) part */
    double phi;
    double drift;
    double step;
    size_t step_at;
    double walk;
    size_t job_every;
    double job_height;
    double busy_share; /* of a bursty tenant's hours */
    double gap_share;
    double spike_share;
} Recipe;

static double
between(Random *random, double low, double high)
{
    return low + random_unit(random) * (high - low);
}

/* Poisson by Knuth for small means, by the normal for large ones. */
static double
poisson(Random *random, double mean)
{
    if (mean > 50)
        return fmax(0, round(mean + sqrt(mean) * random_normal(random)));
    double limit = exp(-mean);
    double product = random_unit(random);
    int count = 0;
    for (; product > limit; count++)
        product *= random_unit(random);
    return count;
}

static void
draw_profiles(Random *random, Kind kind, Recipe *recipe)
{
    double height = between(random, 0.3, 1.2);
    double weights[3][2];
    for (size_t h = 0; h < 3; h++)
        for (size_t part = 0; part < 2; part++)
            weights[h][part] = height * random_normal(random) / (double)(h + 1);
    double first = floor(between(random, 6, 10));
    double length = floor(between(random, 7, 12));
    for (size_t i = 0; i < DAY; i++) {
        double hour = (double)i;
        recipe->day[i] = 0;
        for (size_t h = 0; h < 3; h++) {
            double angle = 2 * M_PI * (double)(h + 1) * hour / (double)DAY;
            recipe->day[i] += weights[h][0] * cos(angle) + weights[h][1] * sin(angle);
        }
        if (kind == OFFICE || kind == HOLIDAYS)
            recipe->day[i] = hour >= first && hour < first + length ? 2 * height : 0;
    }
    double weekend = kind == OFFICE || kind == HOLIDAYS ? -height * 1.5 : between(random, -0.8, 0.3);
    for (size_t weekday = 0; weekday < 7; weekday++)
        recipe->week[weekday] = (weekday >= 5 ? weekend : 0) + 0.05 * random_normal(random);
}

static Recipe
recipe_draw(Random *random, Kind kind)
{
    size_t days = kind == FEW_DAYS ? 7 + random_below(random, 8) : 21 + random_below(random, 70);
    Recipe recipe = {.count = days * DAY + random_below(random, DAY) + AHEAD};
    draw_profiles(random, kind, &recipe);
    recipe.base = kind == FEW_CALLS ? between(random, 0, 2.5) : between(random, 4, 9);
    recipe.noise = between(random, 0.08, 0.35);
    recipe.red = between(random, 0.03, 0.2);
    recipe.phi = between(random, 0.5, 0.95);
    recipe.drift = kind == DRIFT ? between(random, -0.7, 0.7) : 0;
    recipe.step = kind == SHIFT ? (random_below(random, 2) == 0 ? -1 : 1) * between(random, 0.4, 1) : 0;
    recipe.step_at = recipe.count - AHEAD - 12 - random_below(random, 14 * DAY);
    recipe.walk = kind == WALK ? between(random, 0.01, 0.05) : 0;
    recipe.job_every = kind == JOBS ? (random_below(random, 2) == 0 ? DAY : 3 + random_below(random, 40)) : 0;
    recipe.job_height = between(random, 1, 4);
    recipe.busy_share = kind == BURSTS ? between(random, 0.15, 0.6) : 1;
    recipe.gap_share = kind == DIRTY ? between(random, 0.02, 0.15) : 0;
    recipe.spike_share = kind == DIRTY ? 0.005 : 0;
    return recipe;
}

/* A size: it grows more by day than by night, and now and then by a step, or a table is dropped. */
static void
sizes_of_hours(Random *random, const Recipe *recipe, double *values)
{
    double size = exp(recipe->base) * 1000;
    double growth = size * between(random, 0.0002, 0.002) / (double)DAY;
    for (size_t i = 0; i < recipe->count; i++) {
        size += growth * exp(recipe->day[i % DAY] + recipe->noise * random_normal(random));
        size *= random_below(random, 500) == 0 ? between(random, 0.995, 1.01) : 1;
        values[i] = size;
    }
}

/* What comes (values) and what is seen of it (seen: gaps). */
static void
series_fill(Random *random, Kind kind, const Recipe *recipe, double *values, double *seen)
{
    double red = 0;
    double walk = 0;
    bool is_busy = true;
    bool is_holiday = false;
    if (kind == SIZES) {
        sizes_of_hours(random, recipe, values);
        memcpy(seen, values, recipe->count * sizeof(double));
        return;
    }
    for (size_t i = 0; i < recipe->count; i++) {
        if (i % DAY == 0)
            is_holiday = kind == HOLIDAYS && random_below(random, 20) == 0;
        /* bursts last about four hours */
        if (kind == BURSTS && random_unit(random) < 0.25)
            is_busy = random_unit(random) < recipe->busy_share;
        red = recipe->phi * red + sqrt(1 - recipe->phi * recipe->phi) * random_normal(random);
        walk += recipe->walk * random_normal(random);
        double level = recipe->base + walk + recipe->drift * (double)i / (double)recipe->count +
                       (i >= recipe->step_at ? recipe->step : 0);
        level += recipe->week[is_holiday ? 6 : i / DAY % 7];
        level += is_holiday ? recipe->day[3] : recipe->day[i % DAY];
        level += recipe->red * red + recipe->noise * random_normal(random);
        double mean = is_busy ? exp(level) : 0;
        if (recipe->job_every > 0 && i % recipe->job_every == 2)
            mean += exp(recipe->base + recipe->job_height) * exp(recipe->noise * random_normal(random));
        if (random_unit(random) < recipe->spike_share)
            mean *= 20;
        values[i] = poisson(random, mean);
        seen[i] = random_unit(random) < recipe->gap_share ? NAN : values[i];
    }
}

static double
cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

typedef struct Sums {
    double error; /* mean absolute scaled error, summed over series */
    double naive; /* of the day before again */
    double week;  /* of the week before again, or the day before where no week is */
    double covered[FORECAST_BANDS];
    double width[FORECAST_BANDS]; /* scaled */
    double hours;
    double cpu_ms;
    size_t not_made;
} Sums;

/* Mean |y(t) - y(t - 24)| of what was seen. */
static double
scale_of(const double *seen, size_t count)
{
    double sum = 0;
    double pairs = 0;
    for (size_t i = DAY; i < count; i++) {
        double away = fabs(seen[i] - seen[i - DAY]);
        if (isnan(away))
            continue;
        sum += away;
        pairs += 1;
    }
    return sum > 0 ? sum / pairs : 1;
}

static double
naive_at(const double *seen, size_t count, size_t ahead, size_t season)
{
    for (size_t back = season * (ahead / season + 1); back <= count + ahead; back += season)
        if (!isnan(seen[count + ahead - back]))
            return seen[count + ahead - back];
    return 0;
}

static void
add(const Forecast *forecast, const double *values, const double *seen, size_t count, Sums *sums)
{
    double scale = scale_of(seen, count);
    if (forecast->count != AHEAD) {
        sums->not_made++;
        return;
    }
    for (size_t h = 0; h < AHEAD; h++) {
        const ForecastHour *hour = &forecast->hours[h];
        double value = values[count + h];
        sums->error += fabs(value - hour->predicted) / scale / (double)AHEAD;
        sums->naive += fabs(value - naive_at(seen, count, h, DAY)) / scale / (double)AHEAD;
        sums->week +=
            fabs(value - naive_at(seen, count, h, count >= WEEK ? WEEK : DAY)) / scale / (double)AHEAD;
        sums->hours += 1;
        for (int band = 0; band < FORECAST_BANDS; band++) {
            sums->covered[band] += value >= hour->lower[band] && value <= hour->upper[band];
            sums->width[band] += (hour->upper[band] - hour->lower[band]) / scale;
        }
    }
}

static void
measure_kind(Kind kind, unsigned parity, unsigned series_count)
{
    Sums sums = {0};
    for (unsigned series = 0; series < series_count; series++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("forecast bench", ARENA_BYTES);
        Random random = random_new((uint64_t)(2 * series + parity) * 100 + kind);
        double *values = ARENA_NEW_ARRAY(arena, double, HOURS_MOST);
        double *seen = ARENA_NEW_ARRAY(arena, double, HOURS_MOST);
        Recipe recipe = recipe_draw(&random, kind);
        series_fill(&random, kind, &recipe, values, seen);
        ForecastOptions options = {.hours = AHEAD, .ceiling = INFINITY};
        double before_ms = cpu_ms();
        Forecast forecast = forecast_make(arena, seen, recipe.count - AHEAD, &options);
        sums.cpu_ms += cpu_ms() - before_ms;
        add(&forecast, values, seen, recipe.count - AHEAD, &sums);
    }
    printf(
        "{\"bench\": \"forecast\", \"kind\": \"%s\", \"series\": %u, \"not_made\": %zu, \"mase\": %.4f, "
        "\"naive\": %.4f, \"week\": %.4f, \"covered_80\": %.4f, \"covered_90\": %.4f, \"covered_95\": %.4f, "
        "\"width_90\": %.3f, \"cpu_ms\": %.2f}\n",
        kind_words[kind], series_count, sums.not_made, sums.error / series_count, sums.naive / series_count,
        sums.week / series_count, sums.covered[FORECAST_80] / sums.hours,
        sums.covered[FORECAST_90] / sums.hours, sums.covered[FORECAST_95] / sums.hours,
        sums.width[FORECAST_90] / sums.hours, sums.cpu_ms / series_count);
}

int
measure_forecasts(unsigned parity, unsigned series_count)
{
    for (int kind = 0; kind < KINDS; kind++)
        measure_kind((Kind)kind, parity, series_count);
    return 0;
}

#define DAYS_MOST ((size_t)500)

/* What is stored of the days until the limit comes, for a history and its future. */
typedef struct CapacityCounts {
    size_t dated;
    size_t not_soon;
    size_t covered;     /* came in the 95 % range, or later than the horizon when that is said */
    size_t came_before; /* the median */
    double error;       /* |median - truth| / truth, of the dated ones that came */
    size_t came;
    double cpu_ms;
} CapacityCounts;

/* A size a day: steady growth with scatter around the line (phi below 1) or steps of which each stays. */
static void
sizes_fill(Random *random, bool is_steps, double *sizes)
{
    double growth = between(random, 0.2, 2);
    double scatter = growth * between(random, 0.2, 3);
    double phi = is_steps ? 1 : between(random, 0, 0.8);
    double away = 0;
    for (size_t day = 0; day < DAYS_MOST; day++) {
        away = phi * away + scatter * random_normal(random);
        sizes[day] = 1000 + growth * (double)day + away;
    }
}

static void
count_date(Arena *arena, Random *random, bool is_steps, CapacityCounts *counts)
{
    double *sizes = ARENA_NEW_ARRAY(arena, double, DAYS_MOST);
    size_t history = 14 + random_below(random, 107);
    size_t ahead = 5 + random_below(random, 200);
    sizes_fill(random, is_steps, sizes);
    double growth = (sizes[history - 1] - sizes[0]) / (double)history;
    double limit = sizes[history - 1] + fmax(growth, 0.1) * (double)ahead;
    double before_ms = cpu_ms();
    Capacity capacity = capacity_find(arena, sizes, history, limit);
    counts->cpu_ms += cpu_ms() - before_ms;
    double truth = INFINITY;
    for (size_t day = 1; day <= capacity.horizon_days && history - 1 + day < DAYS_MOST && isinf(truth); day++)
        if (sizes[history - 1 + day] >= limit)
            truth = (double)day;
    counts->dated += capacity.verdict == CAPACITY_DATED;
    counts->not_soon += capacity.verdict == CAPACITY_NOT_SOON;
    counts->covered += truth >= capacity.days_low && truth <= capacity.days_high;
    counts->came_before += truth < capacity.days;
    if (capacity.verdict == CAPACITY_DATED && isfinite(truth)) {
        counts->error += fabs(capacity.days - truth) / truth;
        counts->came++;
    }
}

int
measure_capacity(unsigned parity, unsigned series_count)
{
    for (int is_steps = 0; is_steps < 2; is_steps++) {
        CapacityCounts counts = {0};
        for (unsigned series = 0; series < series_count; series++) {
            FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("capacity bench", ARENA_BYTES);
            Random random = random_new((uint64_t)(2 * series + parity) * 100 + (uint64_t)is_steps);
            count_date(arena, &random, is_steps == 1, &counts);
        }
        double n = (double)series_count;
        printf(
            "{\"bench\": \"capacity\", \"kind\": \"%s\", \"series\": %u, \"dated\": %zu, \"not_soon\": %zu, "
            "\"covered\": %.4f, \"came_before\": %.4f, \"error\": %.4f, \"cpu_ms\": %.2f}\n",
            is_steps == 1 ? "steps that stay" : "scatter around a line", series_count, counts.dated,
            counts.not_soon, (double)counts.covered / n, (double)counts.came_before / n,
            counts.came > 0 ? counts.error / (double)counts.came : 0, counts.cpu_ms / n);
    }
    return 0;
}
