// SPDX-License-Identifier: PostgreSQL
/*
 * Anomalies in generated series of known truth, beside a windowed Gaussian rule on the same series.
 *
 *     workload_anomalies even | odd [KIND]
 *
 * Five weeks of five minutes each: a daily curve, weekends, noise that remembers (AR(1)) and that of
 * counting. After the first week one or two events are put in, of one kind, or none. Both rules look at each
 * point as it comes; what one reports within an hour of another report is one incident. An event is found
 * when an incident overlaps it or the hour after it; an incident that overlaps none is false. A line of JSON
 * for each kind and rule; parity: seeds for tuning (even) or for the report (odd).
 */
#include "base/random.h"
#include "workload/anomaly_alert.h"
#include "workload/anomaly_job.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ARENA_BYTES ((size_t)1 << 28)
#define SERIES 24 /* of each kind */
#define DAY ((size_t)288)
#define WEEK (7 * DAY)
#define COUNT (5 * WEEK)
#define STEP_US (INT64_C(300) * 1000000)
#define HOUR ((size_t)12)
#define EVENTS_MOST 2
#define REFRESH ((size_t)72) /* six hours */

typedef enum Kind { SPIKE, SHIFT, VARIANCE, DRIFT, MISSING_JOB, SEASON, CLEAN, KINDS } Kind;
static const char *const kind_words[KINDS] = {
    "spike", "level shift", "variance change", "slow drift", "missing job", "changed season", "clean"};

typedef struct Event {
    size_t from;
    size_t to;
} Event;

typedef struct Stream {
    double values[COUNT];
    Event events[EVENTS_MOST];
    size_t event_count;
} Stream;

typedef struct Tally {
    size_t events;
    size_t found;
    size_t incidents;
    size_t alarms; /* incidents that are false */
    size_t delay;  /* points, summed over what was found */
} Tally;

static double
between(Random *random, double low, double high)
{
    return low + (high - low) * random_unit(random);
}

static size_t
length_of(Random *random, Kind kind)
{
    switch (kind) {
        case SPIKE: return (size_t)between(random, 3, 12);
        case SHIFT: return (size_t)between(random, 12 * HOUR, 48 * HOUR);
        case VARIANCE: return (size_t)between(random, 12 * HOUR, 24 * HOUR);
        case DRIFT: return (size_t)between(random, 2 * (double)DAY, 3 * (double)DAY);
        case MISSING_JOB: return (size_t)between(random, (double)DAY, 2 * (double)DAY);
        case SEASON: return 2 * DAY;
        default: return 0;
    }
}

static void
events_draw(Random *random, Kind kind, Stream *stream)
{
    stream->event_count = kind == CLEAN ? 0 : 1 + random_below(random, EVENTS_MOST);
    for (size_t i = 0; i < stream->event_count; i++) {
        size_t length = length_of(random, kind);
        size_t room = 2 * WEEK - 2 * DAY;
        size_t from = WEEK + DAY + i * 2 * WEEK + random_below(random, room - length);
        stream->events[i] = (Event){.from = from, .to = from + length};
    }
}

static const Event *
event_at(const Stream *stream, size_t at)
{
    for (size_t i = 0; i < stream->event_count; i++)
        if (at >= stream->events[i].from && at < stream->events[i].to)
            return &stream->events[i];
    return NULL;
}

/* What a series is made of, drawn first. */
typedef struct Recipe {
    double base;
    double height;
    double phase;
    double weekend;
    double noise;
    double memory;
    double factor; /* of the events */
    double turn;   /* of the changed season, in days */
    size_t job_each;
    size_t job_length;
    double job_height;
} Recipe;

static Recipe
recipe_draw(Random *random, Kind kind)
{
    static const double factors[KINDS][2] = {
        [SPIKE] = {3, 10}, [SHIFT] = {1.8, 3.5}, [VARIANCE] = {3, 5}, [DRIFT] = {2, 4}};
    Recipe recipe = {.base = exp(between(random, 4, 8)),
                     .height = between(random, 0.2, 1),
                     .phase = random_unit(random),
                     .weekend = between(random, 0.5, 1),
                     .noise = between(random, 0.05, 0.2),
                     .memory = between(random, 0, 0.8),
                     .turn = between(random, 0.3, 0.5),
                     .job_each = (kind == MISSING_JOB ? 1 : 6) * HOUR + random_below(random, 6) * HOUR};
    double low = factors[kind][0];
    recipe.factor = low == 0 ? 1 : between(random, low, factors[kind][1]);
    if ((kind == SPIKE || kind == SHIFT) && random_below(random, 4) == 0)
        recipe.factor = 1 / recipe.factor;
    bool has_job = kind == MISSING_JOB || random_below(random, 2) == 0;
    recipe.job_length = has_job ? 3 + random_below(random, 6) : 0;
    recipe.job_height = between(random, 2, 4);
    return recipe;
}

static double
level_at(const Recipe *recipe, const Stream *stream, Kind kind, size_t at)
{
    const Event *event = event_at(stream, at);
    double days = (double)at / (double)DAY;
    double turn = kind == SEASON && event != NULL ? recipe->turn : 0;
    double level = recipe->height * cos(2 * M_PI * (days - recipe->phase - turn));
    if (at / DAY % 7 >= 5)
        level += log(recipe->weekend);
    bool is_missing = kind == MISSING_JOB && event != NULL;
    if (recipe->job_length > 0 && at % recipe->job_each < recipe->job_length && !is_missing)
        level += log(recipe->job_height);
    if (event != NULL && (kind == SPIKE || kind == SHIFT))
        level += log(recipe->factor);
    if (event != NULL && kind == DRIFT)
        level += log(recipe->factor) * (double)(at - event->from) / (double)(event->to - event->from);
    return level;
}

static void
stream_make(uint64_t seed, Kind kind, Stream *stream)
{
    Random random = random_new(seed * KINDS + kind);
    Recipe recipe = recipe_draw(&random, kind);
    double noise = 0;
    events_draw(&random, kind, stream);
    for (size_t at = 0; at < COUNT; at++) {
        noise = recipe.memory * noise + sqrt(1 - recipe.memory * recipe.memory) * random_normal(&random);
        double width = recipe.noise;
        if (kind == VARIANCE && event_at(stream, at) != NULL)
            width *= recipe.factor;
        double mean = recipe.base * exp(level_at(&recipe, stream, kind, at) + width * noise);
        stream->values[at] = fmax(0, floor(mean + sqrt(mean) * random_normal(&random) + 0.5));
    }
}

/* Reports as incidents: those within an hour of each other are one. */
typedef struct Incidents {
    Event items[COUNT / HOUR];
    size_t count;
} Incidents;

static void
incidents_add(Incidents *incidents, size_t at)
{
    Event *last = incidents->count == 0 ? NULL : &incidents->items[incidents->count - 1];
    if (last != NULL && at < last->to + HOUR)
        last->to = at + 1;
    else
        incidents->items[incidents->count++] = (Event){.from = at, .to = at + 1};
}

static void
incidents_tally(const Incidents *incidents, const Stream *stream, Tally *tally)
{
    tally->events += stream->event_count;
    tally->incidents += incidents->count;
    for (size_t e = 0; e < stream->event_count; e++)
        for (size_t i = 0; i < incidents->count; i++) {
            const Event *event = &stream->events[e];
            const Event *incident = &incidents->items[i];
            if (incident->from >= event->to + HOUR || incident->to <= event->from)
                continue;
            tally->found++;
            tally->delay += incident->from > event->from ? incident->from - event->from : 0;
            break;
        }
    for (size_t i = 0; i < incidents->count; i++) {
        bool is_true = false;
        for (size_t e = 0; e < stream->event_count; e++)
            is_true |= incidents->items[i].from < stream->events[e].to + HOUR &&
                       incidents->items[i].to > stream->events[e].from;
        tally->alarms += !is_true;
    }
}

/* The last week before a point, without the first day of incidents. */
static bool
baseline_make(Arena *arena, const Stream *stream, const Incidents *incidents, size_t at,
              AnomalyBaseline *ret_baseline)
{
    AnomalyPoint *points = ARENA_NEW_ARRAY(arena, AnomalyPoint, WEEK);
    size_t count = 0;
    for (size_t i = at - WEEK; i + 2 < at; i++) {
        bool is_known = true;
        for (size_t k = 0; k < incidents->count; k++) {
            const Event *incident = &incidents->items[k];
            size_t until = incident->to < incident->from + DAY ? incident->to : incident->from + DAY;
            is_known &= i + 2 < incident->from || i >= until;
        }
        if (is_known)
            points[count++] = (AnomalyPoint){.at_us = (int64_t)(i + 1) * STEP_US, .value = stream->values[i]};
    }
    return anomaly_baseline_of(arena, ANOMALY_CALLS, points, count, ret_baseline);
}

static void
ours_run(Arena *arena, const Stream *stream, const AnomalyThresholds *thresholds, Incidents *incidents)
{
    static float deviations[COUNT];
    AnomalyStream *strange = anomaly_stream_new(arena, true);
    AnomalyBaseline baseline;
    AnomalyJob job = {0};
    for (size_t at = WEEK; at < COUNT; at++) {
        ArenaMark mark = arena_mark(arena);
        if ((at - WEEK) % REFRESH == 0)
            (void)baseline_make(arena, stream, incidents, at, &baseline);
        arena_rewind(arena, mark);
        /* as a look does, which knows the past by its baseline of now */
        for (size_t i = at - WEEK; (at - WEEK) % REFRESH == 0 && i < at; i++) {
            AnomalyPoint past = {.at_us = (int64_t)(i + 1) * STEP_US, .value = stream->values[i]};
            deviations[i] = (float)anomaly_deviation(&baseline, ANOMALY_CALLS, &past);
            if (at == WEEK)
                anomaly_stream_feed(strange, (double)deviations[i]);
        }
        if ((at - WEEK) % REFRESH == 0)
            job = anomaly_job_find(arena, &(AnomalyJobSeries){.deviations = deviations + at - WEEK,
                                                              .count = WEEK,
                                                              .first = (int64_t)(at - WEEK)});
        AnomalyPoint points[2] = {{.at_us = (int64_t)at * STEP_US, .value = stream->values[at - 1]},
                                  {.at_us = (int64_t)(at + 1) * STEP_US, .value = stream->values[at]}};
        deviations[at] = (float)anomaly_deviation(&baseline, ANOMALY_CALLS, &points[1]);
        AnomalyStrangeness strangeness = anomaly_stream_add(strange, (double)deviations[at]);
        strangeness.is_missing |= anomaly_job_is_missing(
            arena, &job,
            &(AnomalyJobSeries){
                .deviations = deviations + at - WEEK + 1, .count = WEEK, .first = (int64_t)(at - WEEK + 1)});
        AnomalyFinding finding = anomaly_judge(ANOMALY_CALLS, &baseline, thresholds, points, 2, &strangeness);
        if (finding.is_alert)
            incidents_add(incidents, at);
    }
}

/* Mean and deviation of the logarithms in a trailing window; twice in a row, as ours. */
static void
gaussian_run(const Stream *stream, size_t window, double limit, Incidents *incidents)
{
    double sum = 0;
    double squares = 0;
    bool was_far = false;
    for (size_t at = 0; at < COUNT; at++) {
        double value = log1p(stream->values[at]);
        if (at >= WEEK) {
            double n = (double)window;
            double deviation = sqrt(fmax(1e-12, squares / n - sum / n * (sum / n)));
            bool is_far = fabs(value - sum / n) > limit * deviation;
            if (is_far && was_far)
                incidents_add(incidents, at);
            was_far = is_far;
        }
        sum += value;
        squares += value * value;
        if (at >= window) {
            double old = log1p(stream->values[at - window]);
            sum -= old;
            squares -= old * old;
        }
    }
}

static void
tally_print(Kind kind, const char *rule, const Tally *tally, double cpu_ms)
{
    printf("{\"kind\": \"%s\", \"rule\": \"%s\", \"events\": %zu, \"found\": %zu, \"incidents\": %zu, "
           "\"alarms\": %zu, \"weeks\": %d, \"delay\": %zu, \"cpu_ms\": %.1f}\n",
           kind_words[kind], rule, tally->events, tally->found, tally->incidents, tally->alarms, SERIES * 4,
           tally->delay, cpu_ms);
}

static void
kind_run(Arena *arena, Kind kind, unsigned parity)
{
    static const size_t windows[] = {12 * HOUR, DAY, WEEK};
    static const double limits[] = {2.5, 3, 3.5, 4, 5, 6};
    static Stream stream;
    static Incidents incidents;
    static Tally gaussian[FETTLE_COUNT_OF(windows)][FETTLE_COUNT_OF(limits)];
    const AnomalyThresholds thresholds = {.z = {0, 1, 1.5, 2.5, 3}};
    Tally ours = {0};
    double spent_ms = 0;
    memset(gaussian, 0, sizeof(gaussian));
    for (uint64_t i = 0; i < SERIES; i++) {
        stream_make(2 * i + parity, kind, &stream);
        ArenaMark mark = arena_mark(arena);
        incidents.count = 0;
        clock_t started = clock();
        ours_run(arena, &stream, &thresholds, &incidents);
        spent_ms += (double)(clock() - started) * 1e3 / CLOCKS_PER_SEC;
        incidents_tally(&incidents, &stream, &ours);
        arena_rewind(arena, mark);
        for (size_t w = 0; w < FETTLE_COUNT_OF(windows); w++)
            for (size_t l = 0; l < FETTLE_COUNT_OF(limits); l++) {
                incidents.count = 0;
                gaussian_run(&stream, windows[w], limits[l], &incidents);
                incidents_tally(&incidents, &stream, &gaussian[w][l]);
            }
    }
    tally_print(kind, "ours", &ours, spent_ms / SERIES);
    for (size_t w = 0; w < FETTLE_COUNT_OF(windows); w++)
        for (size_t l = 0; l < FETTLE_COUNT_OF(limits); l++) {
            char rule[64];
            snprintf(rule, sizeof(rule), "gaussian %zu h, %.1f", windows[w] / HOUR, limits[l]);
            tally_print(kind, rule, &gaussian[w][l], 0);
        }
}

int
main(int argument_count, char **arguments)
{
    if (argument_count < 2 || argument_count > 3 ||
        (strcmp(arguments[1], "even") != 0 && strcmp(arguments[1], "odd") != 0)) {
        fprintf(stderr, "usage: workload_anomalies even | odd [KIND]\n");
        return 2;
    }
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("bench", ARENA_BYTES);
    for (int kind = 0; kind < KINDS; kind++)
        if (argument_count == 2 || strcmp(arguments[2], kind_words[kind]) == 0)
            kind_run(arena, (Kind)kind, arguments[1][0] == 'o');
    return 0;
}
