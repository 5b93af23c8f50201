// SPDX-License-Identifier: PostgreSQL
/*
 * Measures the engines of src/workload on generated loads of known truth; bench/workload.py runs it.
 *
 *     workload_bench peaks            busy hours found and invented, by kind of load
 *     workload_bench periods [even]   periods found and invented, by kind of series
 *     workload_bench forecast [even [N]]   forecasts and their bands, by kind of series; N of each
 *     workload_bench capacity [even [N]]   dates at which sizes reach a limit
 *     workload_bench speed URL        patterns of all that is in a store
 *
 * Seeds are odd: even ones are for tuning.
 */
#include "workload_forecast.h"
#include "workload_periods.h"

#include "base/clock.h"
#include "base/random.h"
#include "base/text.h"
#include "pg/connection.h"
#include "workload/pattern.h"
#include "workload/refresh.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES ((size_t)4 << 30)
#define FIRST_HOUR INT64_C(490008) /* 2025-11-25 00:00 UTC */
#define SERIES_OF_A_KIND 300
#define FORECASTS_OF_A_KIND 100
#define CAPACITIES_OF_A_KIND 500

/* Poisson by Knuth for small means, by the normal for large ones. */
static double
poisson(Random *random, double mean)
{
    if (mean > 50)
        return fmax(0, round(mean + sqrt(mean) * random_normal(random)));
    double limit = exp(-mean);
    double product = random_unit(random);
    int count = 0;
    while (product > limit) {
        product *= random_unit(random);
        count++;
    }
    return count;
}

typedef enum Kind { FLAT, PEAKS, BAND, DRIFT, GAPS, WEEKDAYS, SWITCHED, SPIKE, KINDS } Kind;

static const char *const kind_words[KINDS] = {"flat",      "peaks",         "office day", "drifting",
                                              "with gaps", "weekdays only", "DST switch", "one-day spike"};

/* What a load is, and the hours that must and must not be found; the hours of neither are left out. */
typedef struct Load {
    HourlySeries series;
    uint32_t busy;
    uint32_t idle;
} Load;

static uint32_t
hours_of(Random *random, Kind kind)
{
    if (kind == FLAT || kind == SPIKE)
        return 0;
    if (kind == BAND || kind == SWITCHED || kind == WEEKDAYS) {
        uint64_t first = random_below(random, 24);
        uint64_t length = 4 + random_below(random, 13);
        uint32_t hours = 0;
        for (uint64_t i = 0; i < length; i++)
            hours |= UINT32_C(1) << (first + i) % 24;
        return hours;
    }
    uint32_t hours = 0;
    for (uint64_t count = 1 + random_below(random, 4); count > 0; count--)
        hours |= UINT32_C(1) << random_below(random, 24);
    return hours;
}

static uint32_t
turned(uint32_t hours)
{
    return (hours << 1 | hours >> 23) & 0xFFFFFF;
}

static Load
load_make(Arena *arena, Random *random, Kind kind, double noise)
{
    size_t days = 28 + random_below(random, 60);
    Load load = {.series = series_new(arena, FIRST_HOUR, days * 24), .busy = hours_of(random, kind)};
    uint32_t moved = kind == SWITCHED ? turned(load.busy) : load.busy;
    double factor = 2 + random_unit(random) * 8;
    double base = 20 * pow(500, random_unit(random));
    double drift = kind == DRIFT ? (random_unit(random) - 0.3) * 2 / (double)days : 0;
    uint64_t spike_day = random_below(random, days);
    for (size_t i = 0; i < load.series.count; i++) {
        SeriesDate date = series_date(FIRST_HOUR + (int64_t)i);
        bool is_work = kind != WEEKDAYS || (date.weekday >= 1 && date.weekday <= 5);
        uint32_t busy = i < load.series.count / 2 ? load.busy : moved;
        double mean =
            base * (1 + drift * (double)(i / 24)) * (is_work && (busy >> date.hour & 1) ? factor : 1);
        if (kind == SPIKE && i / 24 == spike_day && date.hour % 5 == 0)
            mean *= 100;
        if (kind == GAPS && random_unit(random) < 0.25)
            continue;
        load.series.calls[i] = poisson(random, fmax(mean * (1 + noise * random_normal(random)), 0));
        load.series.time_ms[i] = 20 * fmax(1 + noise * random_normal(random), 0.05);
        load.series.observed_seconds[i] = 3600;
    }
    load.idle = ~(load.busy | moved) & 0xFFFFFF;
    load.busy &= moved;
    return load;
}

/* The hours that any pattern names. */
static uint32_t
hours_found(const PatternList *patterns)
{
    uint32_t hours = 0;
    for (size_t i = 0; i < patterns->count; i++)
        hours |= UINT32_C(1) << patterns->items[i].peak_hour | patterns->items[i].hours;
    return hours;
}

static void
measure_kind(Kind kind, double noise)
{
    size_t busy = 0;
    size_t found = 0;
    size_t idle = 0;
    size_t invented = 0;
    for (uint64_t seed = 1; seed < 2 * SERIES_OF_A_KIND; seed += 2) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("load", ARENA_BYTES);
        Random random = random_new(seed * 1000 + kind * 10 + (uint64_t)(noise * 10));
        Load load = load_make(arena, &random, kind, noise);
        PatternList patterns;
        pattern_detect(arena, &load.series, &patterns);
        uint32_t hours = hours_found(&patterns);
        busy += (size_t)__builtin_popcount(load.busy);
        found += (size_t)__builtin_popcount(load.busy & hours);
        idle += (size_t)__builtin_popcount(load.idle);
        invented += (size_t)__builtin_popcount(load.idle & hours);
    }
    printf("{\"bench\": \"peaks\", \"load\": \"%s\", \"noise\": %.1f, \"busy\": %zu, \"found\": %zu, "
           "\"idle\": %zu, "
           "\"invented\": %zu}\n",
           kind_words[kind], noise, busy, found, idle, invented);
}

static int
measure_peaks(void)
{
    static const double noises[] = {0, 0.2, 0.4};
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t n = 0; n < FETTLE_COUNT_OF(noises); n++)
            measure_kind((Kind)kind, noises[n]);
    return 0;
}

/* CPU of the backend that serves a session on this machine, from the scheduler. */
static double
backend_ms(const PgConnection *session)
{
    char path[64];
    unsigned long long nanoseconds = 0;
    snprintf(path, sizeof(path), "/proc/%d/schedstat", pg_connection_backend_pid(session));
    FILE *file = fopen(path, "r");
    int count = file == NULL ? 0 : fscanf(file, "%llu", &nanoseconds);
    if (file != NULL)
        fclose(file);
    return count == 1 ? (double)nanoseconds / 1e6 : NAN;
}

/* What the nightly job does, and how long it takes. */
static bool
refresh_all(PgConnection *session, const char *database, int days, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("speed", ARENA_BYTES);
    int64_t *ids;
    PatternRefresh what = {.database_name = database, .lookback_days = days, .now_us = clock_wall_us()};
    WorkloadPatterns found;
    if (!workload_targets_read(session, arena, database, &ids, &what.target_count, error))
        return false;
    what.target_ids = ids;
    int64_t started_us = clock_monotonic_us();
    double client_ms = clock_own_cpu_ms();
    double server_ms = backend_ms(session);
    if (!pattern_refresh_find(session, arena, &what, &found, error) ||
        !pattern_refresh_keep(session, &what, &found, error))
        return false;
    printf("{\"bench\": \"speed\", \"database\": \"%s\", \"days\": %d, \"patterns\": %zu, \"wall_ms\": %.1f, "
           "\"cpu_ms\": %.1f, \"backend_cpu_ms\": %.1f}\n",
           database == NULL ? "" : database, days, found.count,
           (double)(clock_monotonic_us() - started_us) / 1e3, clock_own_cpu_ms() - client_ms,
           backend_ms(session) - server_ms);
    return true;
}

/* Each twice: the first one also fills caches. */
static int
measure_speed(const char *url)
{
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *session = NULL;
    PgConnectOptions options = {
        .purpose = PG_PURPOSE_OWN, .connect_timeout_ms = 10000, .statement_timeout_ms = 300000};
    Error error = {0};
    bool good = pg_connection_open(url, &options, &session, &error);
    for (int i = 0; i < 2 && good; i++)
        good = refresh_all(session, NULL, 30, &error) && refresh_all(session, "minutes", 90, &error);
    if (!good)
        fprintf(stderr, "workload_bench: %s\n", error.message);
    return good ? 0 : 1;
}

/* The series of a kind: the third argument, else as many as for the report. */
static unsigned
series_count(int argument_count, char **arguments, unsigned otherwise)
{
    int64_t count;
    return argument_count == 4 && text_parse_int64(arguments[3], &count) && count > 0 && count <= 10000
               ? (unsigned)count
               : otherwise;
}

int
main(int argument_count, char **arguments)
{
    if (argument_count == 2 && strcmp(arguments[1], "peaks") == 0)
        return measure_peaks();
    if (argument_count == 3 && strcmp(arguments[1], "speed") == 0)
        return measure_speed(arguments[2]);
    if (argument_count >= 2 && strcmp(arguments[1], "periods") == 0)
        return measure_periods(argument_count == 2 ? 1 : 0);
    if (argument_count >= 2 && strcmp(arguments[1], "forecast") == 0)
        return measure_forecasts(argument_count == 2 ? 1 : 0,
                                 series_count(argument_count, arguments, FORECASTS_OF_A_KIND));
    if (argument_count >= 2 && strcmp(arguments[1], "capacity") == 0)
        return measure_capacity(argument_count == 2 ? 1 : 0,
                                series_count(argument_count, arguments, CAPACITIES_OF_A_KIND));
    fprintf(stderr,
            "usage: workload_bench peaks | periods [even] | forecast [even [N]] | capacity [even [N]] | "
            "speed URL\n");
    return 2;
}
