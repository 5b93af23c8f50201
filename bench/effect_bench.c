// SPDX-License-Identifier: PostgreSQL
/*
 * Simulates changes of known truth and judges them by src/workflow/effect.h, by its rivals, and by the rule
 * of two means; bench/effect.py runs it. Seeds are odd, which it was developed on, unless even ones are asked
 * for; FIRST leaves out so many cases. "cost" measures the CPU of the largest report there may be.
 *
 *     effect_bench [even] CASES [SCENARIO [FIRST]]
 *     effect_bench cost
 */
#include "effect_series.h"

#include "math/distribution.h"
#include "workflow/effect_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ARENA_BYTES ((size_t)1 << 30)
#define DAY 96
#define HARM_LOOKS_MOST 192
#define BANDS 4
#define ORACLE_QUANTILE 1.977 /* of the normal, two-sided 4.804 %: the second of two looks */
#define RULES 5               /* four intervals and two means */

typedef struct Tally {
    size_t cases;
    size_t implemented[RULES][3]; /* after a day, after two, at either */
    size_t regressed[RULES][3];
    size_t bounded[2];      /* intervals given, after a day and after two */
    size_t covered[2];      /* which the truth is in */
    size_t undone;          /* ever in two days, for certain harm or for what was called regressed */
    size_t undone_harm;     /* for certain harm alone */
    size_t undone_soon;     /* within two hours of 30 calls and 4 buckets */
    size_t enough;          /* came to have enough data in two days */
    size_t undone_enough;   /* within two hours of that */
    double hours_to_enough; /* summed over those, as the next */
    double hours_off;       /* what was expected at the change, from that */
    size_t foreseen;        /* of those, for which a time was expected then */
    size_t undone_day;
    size_t naive_undone;
    double cpu_ms;
    double hours_to_undo; /* summed */
    double
        known_found; /* expected after two days of one who knows noise, seasons, flips and drift; a bound */
} Tally;

typedef struct Scenario {
    const char *name;
    EffectTruth truth;
} Scenario;

static const double bands[BANDS + 1] = {0.05, 0.1, 0.2, 0.4, 0.6001};

static double
cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Time of a call over buckets, NAN without calls. */
static double
mean_of(const EffectBucket *buckets, size_t from, size_t to)
{
    double calls = 0;
    double time_ms = 0;
    for (size_t i = from; i < to; i++)
        if (buckets[i].calls > 0) {
            calls += buckets[i].calls;
            time_ms += buckets[i].time_ms;
        }
    return calls > 0 ? time_ms / calls : NAN;
}

/* 30 minutes before, 15 after, 10 %. */
static EffectVerdict
naive_verdict(const EffectCase *subject)
{
    const EffectWindow *window = &subject->window;
    double before = mean_of(subject->query->buckets, window->before_end - 2, window->before_end);
    double after = mean_of(subject->query->buckets, window->after_first, window->after_first + 1);
    if (isnan(before) || isnan(after))
        return EFFECT_IMPLEMENTED; /* no data is a success there */
    return after > 1.1 * before   ? EFFECT_REGRESSED
           : after < 0.9 * before ? EFFECT_IMPLEMENTED
                                  : EFFECT_NO_IMPROVEMENT;
}

static void
tally_verdicts(Tally *tally, int rule, EffectVerdict day, EffectVerdict two_days)
{
    tally->implemented[rule][0] += day == EFFECT_IMPLEMENTED;
    tally->implemented[rule][1] += two_days == EFFECT_IMPLEMENTED;
    tally->implemented[rule][2] += day == EFFECT_IMPLEMENTED || two_days == EFFECT_IMPLEMENTED;
    tally->regressed[rule][0] += day == EFFECT_REGRESSED;
    tally->regressed[rule][1] += two_days == EFFECT_REGRESSED;
    tally->regressed[rule][2] += day == EFFECT_REGRESSED || two_days == EFFECT_REGRESSED;
}

/* Counts whether the interval holds the truth. */
static void
tally_cover(Tally *tally, int look, const Effect *effect, double factor)
{
    double truth = 100 * (1 - factor);
    tally->bounded[look] += effect->reason == NULL;
    tally->covered[look] +=
        effect->reason == NULL && effect->low_percent <= truth && truth <= effect->high_percent;
}

/* By looks, 0: never; and by what was expected when the change was made. */
static void
tally_enough(Tally *tally, const EffectWindow *window, size_t enough, size_t undone, int64_t expected_us)
{
    if (enough == 0)
        return;
    tally->enough++;
    tally->undone_enough += undone > 0 && undone <= enough + 8;
    tally->hours_to_enough += (double)enough / 4;
    if (expected_us == 0)
        return;
    int64_t after_us = expected_us - window->from_us - (int64_t)window->after_first * window->bucket_us;
    tally->foreseen++;
    tally->hours_off += fabs((double)after_us / (double)EFFECT_HOUR_US - (double)enough / 4);
}

/* What implementation_harmful.sql undoes besides certain harm: a query called regressed after a day or two.
 */
static bool
is_undone_as_regressed(const Effect *effect, size_t looks)
{
    return (looks == DAY || looks == 2 * DAY) && effect->verdict == EFFECT_REGRESSED &&
           effect->high_percent <= -EFFECT_HARM_LIMIT_PERCENT;
}

/* Looks as the watch does: each bucket for four hours, then each two hours. */
static void
watch_harm(Arena *arena, const EffectCase *subject, EffectContext *context, Tally *tally)
{
    EffectSeries total_series = effect_total_of(arena, subject);
    EffectPlan *query = effect_plan_make(arena, context, subject->query, EFFECT_OF_TIME);
    EffectPlan *total = effect_plan_make(arena, context, &total_series, EFFECT_OF_TIME);
    const EffectWindow *window = &subject->window;
    Effect expected = effect_unknown(NULL);
    effect_plan_enough(arena, query, window, window->after_first, &expected);
    size_t least = 0;
    size_t enough = 0;
    size_t undone = 0;
    bool is_harmed = false;
    for (size_t looks = 1; looks <= HARM_LOOKS_MOST; looks += looks < 16 ? 1 : 8) {
        Effect effects[2];
        ArenaMark mark = arena_mark(arena);
        effect_plan_look(arena, query, window, window->after_first + looks, &effects[0]);
        effect_plan_look(arena, total, window, window->after_first + looks, &effects[1]);
        if (enough == 0)
            effect_plan_enough(arena, query, window, window->after_first + looks, &effects[0]);
        arena_rewind(arena, mark);
        least = least == 0 && effects[0].reason == NULL ? looks : least;
        enough = enough == 0 && effects[0].detectable_percent <= EFFECT_ENOUGH_PERCENT ? looks : enough;
        bool is_harm = effects[0].harm_percent > EFFECT_HARM_LIMIT_PERCENT ||
                       effects[1].harm_percent > EFFECT_HARM_LIMIT_PERCENT;
        is_harmed |= is_harm;
        bool is_undone = is_harm || is_undone_as_regressed(&effects[0], looks);
        undone = undone == 0 && is_undone ? looks : undone;
    }
    tally->undone += undone > 0;
    tally->undone_harm += is_harmed;
    tally->undone_soon += undone > 0 && undone <= least + 8;
    tally->undone_day += undone > 0 && undone <= DAY;
    tally->hours_to_undo += (double)undone / 4;
    tally_enough(tally, window, enough, undone, expected.enough_us);
}

static void
run_case(const EffectTruth *truth, Tally *tallies)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("effect", ARENA_BYTES);
    EffectDrawn drawn;
    EffectCase subject = effect_series_make(arena, truth, &drawn);
    size_t band = 0;
    while (band + 1 < BANDS && drawn.noise >= bands[band + 1])
        band++;
    Tally *tally = &tallies[band];
    tally->cases++;
    double distance = fabs(log(truth->factor)) / drawn.deviation;
    tally->known_found += distribution_student_upper(ORACLE_QUANTILE - distance, INFINITY);
    EffectWindow *window = &subject.window;
    EffectContext context = {.arena = arena, .subject = &subject};
    for (int rule = 0; rule < RULES - 1; rule++) {
        context.interval = (EffectInterval)rule;
        EffectPlan *plan = effect_plan_make(arena, &context, subject.query, EFFECT_OF_TIME);
        Effect day;
        Effect two_days;
        effect_plan_look(arena, plan, window, window->after_first + DAY, &day);
        effect_plan_look(arena, plan, window, window->bucket_count, &two_days);
        if (rule == EFFECT_BY_MEMORY) {
            tally_cover(tally, 0, &day, truth->factor);
            tally_cover(tally, 1, &two_days, truth->factor);
        }
        tally_verdicts(tally, rule, day.verdict, two_days.verdict);
    }
    EffectVerdict naive = naive_verdict(&subject);
    tally_verdicts(tally, RULES - 1, naive, naive);
    tally->naive_undone += naive == EFFECT_REGRESSED;
    context.interval = EFFECT_BY_MEMORY;
    watch_harm(arena, &subject, &context, tally);
    double started_ms = cpu_ms();
    EffectReport report;
    effect_measure(arena, &subject, &report);
    tally->cpu_ms += cpu_ms() - started_ms;
}

static void
print_tally(const char *name, double noise_from, double noise_to, const Tally *tally)
{
    static const char *const rules[RULES] = {"memory", "window", "lag_rule", "bootstrap", "naive"};
    printf("{\"scenario\": \"%s\", \"noise_from\": %.2f, \"noise_to\": %.2f, \"cases\": %zu, \"bounded\": "
           "[%zu, %zu], \"covered\": [%zu, %zu], "
           "\"enough\": %zu, \"undone_enough\": %zu, \"hours_to_enough\": %.2f, \"foreseen\": %zu, "
           "\"hours_off\": %.2f, "
           "\"undone\": %zu, \"undone_harm\": %zu, \"undone_soon\": %zu, \"undone_day\": %zu, "
           "\"naive_undone\": %zu, "
           "\"hours_to_undo\": %.2f, \"known_found\": %.2f, \"cpu_ms\": %.3f",
           name, noise_from, noise_to, tally->cases, tally->bounded[0], tally->bounded[1], tally->covered[0],
           tally->covered[1], tally->enough, tally->undone_enough, tally->hours_to_enough, tally->foreseen,
           tally->hours_off, tally->undone, tally->undone_harm, tally->undone_soon, tally->undone_day,
           tally->naive_undone, tally->undone == 0 ? 0 : tally->hours_to_undo / (double)tally->undone,
           tally->known_found, tally->cpu_ms / (double)(tally->cases == 0 ? 1 : tally->cases));
    for (int rule = 0; rule < RULES; rule++)
        printf(", \"%s\": {\"implemented\": [%zu, %zu, %zu], \"regressed\": [%zu, %zu, %zu]}", rules[rule],
               tally->implemented[rule][0], tally->implemented[rule][1], tally->implemented[rule][2],
               tally->regressed[rule][0], tally->regressed[rule][1], tally->regressed[rule][2]);
    printf("}\n");
}

static const Scenario scenarios[] = {
    {"nothing", {.factor = 1, .writes_factor = 1, .drift_factor = 1}},
    {"drift of 30 %", {.factor = 1, .writes_factor = 1, .drift_factor = 0.7}},
    {"uneven drift of 30 %", {.factor = 1, .writes_factor = 1, .drift_factor = 0.7, .unevenness = 0.15}},
    {"gain of 20 %", {.factor = 0.8, .writes_factor = 1, .drift_factor = 1, .calls_per_hour = 100}},
    {"harm of 20 %", {.factor = 1.2, .writes_factor = 1, .drift_factor = 1, .calls_per_hour = 100}},
    {"gain of 5 %", {.factor = 0.95, .writes_factor = 1, .drift_factor = 1}},
    {"gain of 10 %", {.factor = 0.9, .writes_factor = 1, .drift_factor = 1}},
    {"gain of 50 %", {.factor = 0.5, .writes_factor = 1, .drift_factor = 1}},
    {"gain of 90 %", {.factor = 0.1, .writes_factor = 1, .drift_factor = 1}},
    {"harm of 5 %", {.factor = 1.05, .writes_factor = 1, .drift_factor = 1}},
    {"harm of 100 %", {.factor = 2, .writes_factor = 1, .drift_factor = 1}},
    {"gain of 20 %, quiet",
     {.factor = 0.8,
      .writes_factor = 1,
      .drift_factor = 1,
      .calls_per_hour = 100,
      .noise_most = 0.2,
      .is_still = true}},
    {"harm of 20 %, quiet",
     {.factor = 1.2,
      .writes_factor = 1,
      .drift_factor = 1,
      .calls_per_hour = 100,
      .noise_most = 0.2,
      .is_still = true}},
    {"flips",
     {.factor = 1,
      .writes_factor = 1,
      .drift_factor = 1,
      .calls_per_hour = 100,
      .flips = EFFECT_FLIPS_GO_ON}},
    {"a flip at the change",
     {.factor = 1,
      .writes_factor = 1,
      .drift_factor = 1,
      .calls_per_hour = 100,
      .flips = EFFECT_FLIPS_AT_ONCE}},
    {"a change of six hours",
     {.factor = 1,
      .writes_factor = 1,
      .drift_factor = 1,
      .calls_per_hour = 100,
      .flips = EFFECT_FLIPS_GO_ON,
      .change_buckets = 24}},
    {"stuck in the slow plan",
     {.factor = 1, .writes_factor = 1, .drift_factor = 1, .calls_per_hour = 100, .flips = EFFECT_FLIPS_SLOW}},
    {"stuck in the fast plan",
     {.factor = 1, .writes_factor = 1, .drift_factor = 1, .calls_per_hour = 100, .flips = EFFECT_FLIPS_FAST}},
    {"ends a rare slow plan",
     {.factor = 1.15,
      .writes_factor = 1,
      .drift_factor = 1,
      .calls_per_hour = 100,
      .flips = EFFECT_FLIPS_NO_MORE}},
    {"gain of 50 %, writes twice as slow", {.factor = 0.5, .writes_factor = 2, .drift_factor = 1}},
};

/* A query, as many others and controls as there may be, 35 days of 15 minutes and two after; one in ten
 * flips.
 */
static void
print_cost(void)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("effect", ARENA_BYTES);
    EffectTruth truth = {.seed = 1, .factor = 1, .writes_factor = 1, .drift_factor = 1, .days = 35};
    EffectSeries *series = ARENA_NEW_ARRAY(arena, EffectSeries, EFFECT_OTHERS_MOST + EFFECT_CONTROLS_MOST);
    EffectDrawn drawn;
    EffectCase subject = effect_series_make(arena, &truth, &drawn);
    for (size_t k = 0; k < EFFECT_OTHERS_MOST + EFFECT_CONTROLS_MOST; k++) {
        EffectTruth other = truth;
        other.seed = k < EFFECT_OTHERS_MOST ? 2 * k + 1 : 2 * (k - EFFECT_OTHERS_MOST) + 1;
        EffectCase drawn_case = effect_series_make(arena, &other, &drawn);
        series[k] = k < EFFECT_OTHERS_MOST ? drawn_case.others[0] : drawn_case.controls[0];
    }
    subject.others = series;
    subject.other_count = EFFECT_OTHERS_MOST;
    subject.controls = series + EFFECT_OTHERS_MOST;
    subject.control_count = EFFECT_CONTROLS_MOST;
    double started_ms = cpu_ms();
    EffectReport report;
    effect_measure(arena, &subject, &report);
    printf("{\"others\": %zu, \"controls\": %zu, \"days\": 35, \"cpu_ms\": %.0f}\n", EFFECT_OTHERS_MOST,
           EFFECT_CONTROLS_MOST, cpu_ms() - started_ms);
}

int
main(int argument_count, char **arguments)
{
    if (argument_count == 2 && strcmp(arguments[1], "cost") == 0) {
        print_cost();
        return 0;
    }
    bool is_even = argument_count > 2 && strcmp(arguments[1], "even") == 0;
    int first = is_even ? 2 : 1;
    size_t cases = argument_count <= first ? 0 : (size_t)strtoul(arguments[first], NULL, 10);
    const char *wanted = argument_count <= first + 1 ? NULL : arguments[first + 1];
    size_t skipped = argument_count <= first + 2 ? 0 : (size_t)strtoul(arguments[first + 2], NULL, 10);
    if (cases == 0) {
        fprintf(stderr, "usage: effect_bench [even] CASES [SCENARIO [FIRST]], or effect_bench cost\n");
        return 2;
    }
    for (size_t s = 0; s < FETTLE_COUNT_OF(scenarios); s++) {
        if (wanted != NULL && strcmp(wanted, scenarios[s].name) != 0)
            continue;
        Tally tallies[BANDS] = {0};
        size_t count = s < 5 || wanted != NULL ? cases : cases / 4;
        for (size_t n = 0; n < count; n++) {
            EffectTruth truth = scenarios[s].truth;
            truth.seed = 2 * (skipped + n) + (is_even ? 0 : 1);
            run_case(&truth, tallies);
        }
        for (int band = 0; band < BANDS; band++)
            print_tally(scenarios[s].name, bands[band], bands[band + 1], &tallies[band]);
        fflush(stdout);
    }
    return 0;
}
