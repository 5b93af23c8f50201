// SPDX-License-Identifier: PostgreSQL
#include "workflow/effect.h"

#include "base/clock.h"
#include "math/statistics.h"
#include "workflow/effect_internal.h"

#include <math.h>

#define FALSE_DISCOVERIES 0.05
#define WORK_P_VALUE 0.01
#define WORK_PERCENT_LEAST 5.0
#define WORK_SHARE 0.5
#define SCRATCH_BYTES ((size_t)4 << 30)

EffectVerdict
effect_verdict(double improvement_percent, double low_percent, double high_percent)
{
    if (improvement_percent >= EFFECT_IMPROVEMENT_LEAST_PERCENT && !(low_percent <= 0))
        return EFFECT_IMPLEMENTED;
    if (improvement_percent <= -EFFECT_IMPROVEMENT_LEAST_PERCENT && !(high_percent >= 0))
        return EFFECT_REGRESSED;
    return EFFECT_NO_IMPROVEMENT;
}

const char *
effect_verdict_word(EffectVerdict verdict)
{
    static const char *const words[] = {"not_enough_data", "implemented", "no_improvement", "regressed"};
    return words[verdict];
}

const char *
effect_match_text(EffectMatch match)
{
    static const char *const texts[] = {"same hours of the week", "same hours of the day", "all hours"};
    return texts[match];
}

/* What a series did before, for the total. */
static double
mean_before(const EffectWindow *window, const EffectSeries *series)
{
    double calls = 0;
    double time_ms = 0;
    for (size_t i = 0; i < window->before_end; i++) {
        const EffectBucket *bucket = &series->buckets[i];
        if (bucket->calls > 0) {
            calls += bucket->calls;
            time_ms += bucket->time_ms;
        }
    }
    return calls >= EFFECT_CALLS_LEAST ? time_ms / calls : NAN;
}

static void
total_add(const EffectWindow *window, const EffectSeries *series, EffectBucket *total, double *expected_ms)
{
    double mean_ms = mean_before(window, series);
    if (!(mean_ms > 0))
        return;
    for (size_t i = 0; i < window->bucket_count; i++) {
        const EffectBucket *bucket = &series->buckets[i];
        total[i].calls += bucket->calls; /* NAN where one of them was not observed */
        if (bucket->calls > 0) {
            total[i].time_ms += bucket->time_ms;
            expected_ms[i] += bucket->calls * mean_ms;
        }
    }
}

EffectSeries
effect_total_of(Arena *arena, const EffectCase *subject)
{
    const EffectWindow *window = &subject->window;
    EffectBucket *total = ARENA_NEW_ARRAY(arena, EffectBucket, window->bucket_count);
    double *expected_ms = ARENA_NEW_ARRAY(arena, double, window->bucket_count);
    if (subject->query != NULL)
        total_add(window, subject->query, total, expected_ms);
    for (size_t i = 0; i < subject->other_count; i++)
        total_add(window, &subject->others[i], total, expected_ms);
    for (size_t i = 0; i < window->bucket_count; i++) {
        bool is_called = total[i].calls > 0 && expected_ms[i] > 0;
        total[i].time_ms = is_called ? total[i].calls * total[i].time_ms / expected_ms[i] : 0;
    }
    return (EffectSeries){.buckets = total};
}

/* Did the rows of a call move along with the time? */
static void
judge_work(Arena *arena, EffectContext *context, const EffectSeries *series, Effect *effect)
{
    const EffectWindow *window = &context->subject->window;
    Effect rows;
    Effect blocks;
    effect_plan_look(arena, effect_plan_make(arena, context, series, EFFECT_OF_ROWS), window,
                     window->bucket_count, &rows);
    effect_plan_look(arena, effect_plan_make(arena, context, series, EFFECT_OF_BLOCKS), window,
                     window->bucket_count, &blocks);
    effect->rows_percent = rows.improvement_percent;
    effect->blocks_percent = blocks.improvement_percent;
    if (effect->verdict == EFFECT_NOT_ENOUGH_DATA || !(rows.p_value <= WORK_P_VALUE))
        return;
    double time = log1p(-effect->improvement_percent / 100);
    double work = log1p(-rows.improvement_percent / 100);
    effect->work_changed = fabs(rows.improvement_percent) >= WORK_PERCENT_LEAST && time * work > 0 &&
                           fabs(work) >= WORK_SHARE * fabs(time);
    if (effect->work_changed)
        effect->verdict = EFFECT_NO_IMPROVEMENT;
}

/* Time alone; what is named in the end is asked for its work too. */
static void
measure_series(Arena *arena, EffectContext *context, const EffectSeries *series, bool asks_enough,
               Effect *ret_effect)
{
    const EffectWindow *window = &context->subject->window;
    ArenaMark mark = arena_mark(arena);
    const EffectPlan *plan = effect_plan_make(arena, context, series, EFFECT_OF_TIME);
    effect_plan_look(arena, plan, window, window->bucket_count, ret_effect);
    if (asks_enough)
        effect_plan_enough(arena, plan, window, window->bucket_count, ret_effect);
    arena_rewind(arena, mark);
    ret_effect->query_hash = series->query_hash;
}

/* Of many, named are those that false discoveries are held down for. */
static void
judge_others(Arena *arena, EffectContext *context, Effect *others, size_t count)
{
    ArenaMark mark = arena_mark(arena);
    double *p_values = ARENA_NEW_ARRAY(arena, double, count);
    double *scratch = ARENA_NEW_ARRAY(arena, double, count);
    bool *is_kept = ARENA_NEW_ARRAY(arena, bool, count);
    size_t *places = ARENA_NEW_ARRAY(arena, size_t, count);
    size_t judged = 0;
    for (size_t i = 0; i < count; i++)
        if (others[i].verdict != EFFECT_NOT_ENOUGH_DATA) {
            places[judged] = i;
            p_values[judged++] = others[i].p_value;
        }
    if (judged > 0)
        statistics_false_discovery(p_values, judged, FALSE_DISCOVERIES, scratch, is_kept);
    for (size_t i = 0; i < judged; i++) {
        Effect *effect = &others[places[i]];
        if (!is_kept[i])
            effect->verdict = EFFECT_NO_IMPROVEMENT;
        else if (effect->verdict != EFFECT_NO_IMPROVEMENT)
            judge_work(arena, context, &context->subject->others[places[i]], effect);
    }
    arena_rewind(arena, mark);
}

/* What is too little now, with the time at which it is expected to be enough. */
static void
say_enough(Arena *arena, Effect *effect)
{
    if (effect->reason != NULL && effect->enough_us != 0)
        effect->reason =
            arena_printf(arena, "%s; enough for a harm of %g %% is expected at %s", effect->reason,
                         EFFECT_ENOUGH_PERCENT, clock_format_utc(arena, effect->enough_us));
}

/* As the effect's plan had it. */
static double
harm_limit(const EffectCase *subject, const Effect *effect)
{
    double limit = subject->harm_limit_percent > 0 ? subject->harm_limit_percent : EFFECT_HARM_LIMIT_PERCENT;
    return effect->lacks_controls ? fmax(limit, EFFECT_HARM_LIMIT_LACKING_PERCENT) : limit;
}

static void
judge_harm(Arena *arena, const EffectCase *subject, EffectReport *report)
{
    const Effect *query = &report->query;
    const Effect *total = &report->total;
    double query_limit = harm_limit(subject, query);
    double total_limit = harm_limit(subject, total);
    if (query->harm_percent > query_limit && !query->work_changed)
        report->undo_reason = arena_printf(arena, "the query is slower by %.1f %% at least (limit %g %%)",
                                           query->harm_percent, query_limit);
    else if (total->harm_percent > total_limit && !query->work_changed)
        report->undo_reason = arena_printf(
            arena, "all queries on the table together are slower by %.1f %% at least (limit %g %%)",
            total->harm_percent, total_limit);
    report->should_undo = report->undo_reason != NULL;
}

void
effect_measure(Arena *arena, const EffectCase *subject, EffectReport *ret_report)
{
    const EffectWindow *window = &subject->window;
    fettle_assert(window->bucket_us > 0 && EFFECT_HOUR_US % window->bucket_us == 0 &&
                  window->from_us % window->bucket_us == 0);
    fettle_assert(window->before_end <= window->after_first && window->after_first <= window->bucket_count &&
                  window->bucket_count <= EFFECT_BUCKETS_MOST);
    fettle_assert(subject->other_count <= EFFECT_OTHERS_MOST);
    FETTLE_CLEANUP(arena_free_at) Arena *controls = arena_new("effect controls", SCRATCH_BYTES);
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("effect", SCRATCH_BYTES);
    EffectContext context = {.arena = controls, .subject = subject};
    *ret_report = (EffectReport){.others = ARENA_NEW_ARRAY(arena, Effect, subject->other_count),
                                 .other_count = subject->other_count,
                                 .touched_count = subject->touched_count};
    for (size_t i = 0; i < subject->other_count; i++)
        measure_series(scratch, &context, &subject->others[i], false, &ret_report->others[i]);
    judge_others(scratch, &context, ret_report->others, subject->other_count);
    EffectSeries total = effect_total_of(scratch, subject);
    measure_series(scratch, &context, &total, true, &ret_report->total);
    say_enough(arena, &ret_report->total);
    ret_report->total.mean_before_ms = ret_report->total.mean_after_ms = NAN;
    ret_report->query = effect_unknown("the change is for no query alone");
    if (subject->query != NULL) {
        measure_series(scratch, &context, subject->query, true, &ret_report->query);
        say_enough(arena, &ret_report->query);
        judge_work(scratch, &context, subject->query, &ret_report->query);
    }
    judge_harm(arena, subject, ret_report);
}
