// SPDX-License-Identifier: PostgreSQL
/*
 * Effects of changes over series that are made up: what must come out of small ones exactly, and of noisy
 * ones in kind. How often they err is bench/effect_bench.c.
 */
#include "../death.h"
#include "effect_made.h"

#include "base/random.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void
verdicts_are_those_of_the_contract(void **state)
{
    (void)state;
    static const struct {
        double improvement;
        double low;
        double high;
        EffectVerdict verdict;
    } table[] = {
        {50, 40, 60, EFFECT_IMPLEMENTED},       {1, 0.1, 2, EFFECT_IMPLEMENTED},
        {0.9, 0.1, 2, EFFECT_NO_IMPROVEMENT},   {50, -1, 80, EFFECT_NO_IMPROVEMENT},
        {50, NAN, NAN, EFFECT_IMPLEMENTED},     {0.5, NAN, NAN, EFFECT_NO_IMPROVEMENT},
        {-1, NAN, NAN, EFFECT_REGRESSED},       {-20, -30, -10, EFFECT_REGRESSED},
        {-20, -30, 0.5, EFFECT_NO_IMPROVEMENT}, {-0.9, -2, -0.1, EFFECT_NO_IMPROVEMENT},
        {NAN, NAN, NAN, EFFECT_NO_IMPROVEMENT},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(table); i++)
        assert_int_equal(effect_verdict(table[i].improvement, table[i].low, table[i].high), table[i].verdict);
    assert_string_equal(effect_verdict_word(EFFECT_NOT_ENOUGH_DATA), "not_enough_data");
    assert_string_equal(effect_verdict_word(EFFECT_IMPLEMENTED), "implemented");
    assert_string_equal(effect_verdict_word(EFFECT_NO_IMPROVEMENT), "no_improvement");
    assert_string_equal(effect_verdict_word(EFFECT_REGRESSED), "regressed");
    assert_string_equal(effect_match_text(EFFECT_MATCH_HOUR_OF_WEEK), "same hours of the week");
}

static void
a_gain_is_found_with_an_interval_around_it(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    Made made = {.seed = 1,
                 .before = 3 * WEEK,
                 .after = DAY,
                 .noise = 0.1,
                 .calls = 50,
                 .factor = 0.7,
                 .weekend = 0.2};
    EffectReport report = measure_made(arena, &made, CONTROLS);
    const Effect *query = &report.query;
    assert_int_equal(query->verdict, EFFECT_IMPLEMENTED);
    assert_int_equal(query->match, EFFECT_MATCH_HOUR_OF_WEEK);
    assert_true(query->has_drift && query->control_count > 0);
    assert_true(fabs(query->improvement_percent - 30) < 3);
    assert_true(query->low_percent < 30 && query->high_percent > 30 && query->low_percent > 20);
    assert_true(query->always_low_percent < query->low_percent);
    assert_true(query->always_high_percent > query->high_percent);
    assert_true(query->p_value < 1e-6);
    assert_true(fabs(query->mean_after_ms / query->mean_before_ms - 0.7) < 0.03);
    assert_true(query->harm_percent < 0 && !report.should_undo);
    assert_true(query->calls_after == 50 * (double)DAY && query->buckets_after == DAY);
    assert_true(fabs(query->blocks_percent) < 1e-6);
    assert_int_equal(query->query_hash, 1);
    arena_free(arena);
}

static void
the_interval_of_a_change_that_changes_nothing_holds_nothing(void **state)
{
    (void)state;
    size_t missed = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        Arena *arena = arena_new("test", ARENA_BYTES);
        Made made = {.seed = seed, .before = 15 * DAY, .after = 32, .noise = 0.2, .calls = 40};
        EffectReport report = measure_made(arena, &made, 5);
        missed += report.query.low_percent > 0 || report.query.high_percent < 0;
        assert_false(report.should_undo);
        arena_free(arena);
    }
    assert_true(missed <= 8); /* 97 % intervals: more than 8 of 100 has a chance of 1 in 300 */
}

/* How a gain of so much is judged. */
static EffectVerdict
verdict_of(Arena *arena, double factor, size_t after, double *ret_p_value)
{
    Made made = {.seed = 11, .before = 3 * WEEK, .after = after, .noise = 0.6, .calls = 50, .factor = factor};
    Effect effect = measure_made(arena, &made, CONTROLS).query;
    *ret_p_value = effect.p_value;
    return effect.verdict;
}

static void
the_look_after_a_day_asks_for_more_than_the_one_after_two(void **state)
{
    (void)state;
    size_t between[2] = {0}; /* what the one calls a success and the other does not */
    for (double factor = 0.96; factor > 0.75; factor -= 0.02)
        for (size_t day = 0; day < 2; day++) {
            Arena *arena = arena_new("test", ARENA_BYTES);
            double p_value;
            EffectVerdict verdict = verdict_of(arena, factor, (day + 1) * DAY, &p_value);
            assert_true((verdict == EFFECT_IMPLEMENTED) == (p_value < (day == 0 ? 0.00516 : 0.04804)));
            between[day] += p_value > 0.00516 && p_value < 0.04804;
            arena_free(arena);
        }
    assert_true(between[0] > 0 && between[1] > 0);
}

static void
what_all_queries_do_is_not_credited_to_the_change(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    Made made = {.seed = 2, .before = 3 * WEEK, .after = DAY, .noise = 0.1, .calls = 50, .shared = 0.7};
    EffectReport report = measure_made(arena, &made, CONTROLS);
    assert_int_equal(report.query.verdict, EFFECT_NO_IMPROVEMENT);
    assert_true(fabs(report.query.drift_percent - 30) < 3);
    assert_true(fabs(report.query.improvement_percent) < 3);
    /* four controls are too few: nothing is taken off, and it is said */
    report = measure_made(arena, &made, 4);
    assert_false(report.query.has_drift);
    assert_true(isnan(report.query.drift_percent) && fabs(report.query.improvement_percent - 30) < 3);
    arena_free(arena);
}

/* A change that changes nothing, while the controls move by factors of their own. */
static Effect
measure_apart(Arena *arena, const double *factors)
{
    Made made = {.seed = 16, .before = 3 * WEEK, .after = DAY, .noise = 0.05, .calls = 50};
    EffectSeries series[1 + CONTROLS];
    for (size_t k = 0; k <= CONTROLS; k++) {
        Made one = made;
        one.factor = k == 0 ? 0.9 : factors[k - 1];
        series[k] = series_make(arena, &one, k);
    }
    EffectCase subject = {
        .window = window_of(&made), .query = series, .controls = series + 1, .control_count = CONTROLS};
    EffectReport report;
    effect_measure(arena, &subject, &report);
    return report.query;
}

static void
where_controls_moved_differently_a_query_that_did_too_is_not_credited(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    static const double alike[CONTROLS] = {1, 1, 1, 1, 1, 1, 1, 1};
    static const double apart[CONTROLS] = {0.85, 1.15, 0.9, 1.1, 1, 0.95, 1.2, 0.88};
    static const double one_flips[CONTROLS] = {1, 1, 1, 1, 3, 1, 1, 1};
    Effect effect = measure_apart(arena, alike);
    double width = effect.high_percent - effect.low_percent;
    assert_int_equal(effect.verdict, EFFECT_IMPLEMENTED);
    assert_true(width < 6);
    effect = measure_apart(arena, apart);
    assert_int_equal(effect.verdict, EFFECT_NO_IMPROVEMENT);
    /* a deviation of .12 between queries is a quarter of the width by itself */
    assert_true(effect.high_percent - effect.low_percent > 30);
    /* one of eight that flips moves the mixture by its weight; the interval says so */
    effect = measure_apart(arena, one_flips);
    assert_true(effect.improvement_percent > 15 && effect.low_percent < 10 && effect.high_percent > 10);
    arena_free(arena);
}

/* Of controls some of which were not called after the change. */
static EffectUneven
uneven_of(Arena *arena, size_t present)
{
    enum { BEFORE = 400, AFTER = 48 };
    EffectPlan plan = {.grid = {.count = BEFORE + AFTER, .before_end = BEFORE, .after_first = BEFORE},
                       .usable = arena_alloc_array(arena, CONTROLS, sizeof(double *)),
                       .usable_count = CONTROLS,
                       .together = ARENA_NEW_ARRAY(arena, double, BEFORE + AFTER),
                       .lag_most = BEFORE / 8};
    Random random = random_new(7);
    for (size_t k = 0; k < CONTROLS; k++) {
        double *values = ARENA_NEW_ARRAY(arena, double, BEFORE + AFTER);
        plan.usable[k] = values;
        for (size_t i = 0; i < BEFORE + AFTER; i++)
            values[i] = 0.1 * random_normal(&random) + (i < BEFORE ? 0 : k % 2 == 0 ? 0.5 : -0.5);
        for (size_t i = BEFORE; i < BEFORE + AFTER && k >= present; i++)
            values[i] = NAN;
    }
    return effect_uneven_find(&plan, AFTER);
}

static void
how_differently_controls_moved_is_as_sure_as_those_still_called_are_many(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    EffectUneven all = uneven_of(arena, CONTROLS);
    EffectUneven few = uneven_of(arena, 6);
    assert_true(all.variance > 0.1 && few.variance > 0.1);
    assert_true(fabs(few.freedom / all.freedom - 6.0 / CONTROLS) < 1e-9);
    assert_true(uneven_of(arena, 4).variance <= 0); /* too few to say */
    arena_free(arena);
}

static void
harm_is_undone_and_says_why(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    Made made = {.seed = 3, .before = 3 * WEEK, .after = 12, .noise = 0.05, .calls = 50, .factor = 1.3};
    EffectReport report = measure_made(arena, &made, CONTROLS);
    assert_int_equal(report.query.verdict, EFFECT_REGRESSED);
    assert_true(report.should_undo && report.query.harm_percent > 5 && report.query.harm_percent < 30);
    assert_non_null(strstr(report.undo_reason, "the query is slower by "));
    /* 3 % slower is below the limit, however certain */
    made.factor = 1.03;
    made.noise = 0.01;
    report = measure_made(arena, &made, CONTROLS);
    assert_true(report.query.harm_percent > 0 && !report.should_undo);
    arena_free(arena);
}

/* Half as slow again for so many buckets after the change, as it was for four hours of a day before. */
static bool
is_undone_after(Arena *arena, size_t after)
{
    Made made = {.seed = 5, .before = 3 * WEEK, .after = after, .noise = 0.05, .calls = 50, .factor = 1.5};
    EffectSeries series[1 + CONTROLS];
    Made control = made;
    control.factor = 0;
    for (size_t k = 0; k <= CONTROLS; k++)
        series[k] = series_make(arena, k == 0 ? &made : &control, k);
    for (size_t i = WEEK; i < WEEK + 16; i++)
        ((EffectBucket *)series[0].buckets)[i].time_ms *= 1.5;
    EffectCase subject = {
        .window = window_of(&made), .query = series, .controls = series + 1, .control_count = CONTROLS};
    EffectReport report;
    effect_measure(arena, &subject, &report);
    assert_true(report.query.improvement_percent < -30 && !report.query.has_levels);
    return report.should_undo;
}

static void
what_was_as_slow_for_as_long_before_by_itself_is_not_undone(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    assert_false(is_undone_after(arena, 8));
    assert_false(is_undone_after(arena, 16));
    assert_true(is_undone_after(arena, DAY));
    arena_free(arena);
}

static void
writes_that_get_slower_are_a_reason_to_undo_what_helps_the_query(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    Made query = {.seed = 4, .before = 3 * WEEK, .after = DAY, .noise = 0.05, .calls = 50, .factor = 0.5};
    Made writes = query;
    writes.factor = 1.6;
    writes.calls = 250;
    Made control = query;
    control.factor = 0;
    EffectSeries series[3 + CONTROLS];
    series[0] = series_make(arena, &query, 0);
    series[1] = series_make(arena, &writes, 1);
    for (size_t k = 2; k < FETTLE_COUNT_OF(series); k++)
        series[k] = series_make(arena, &control, k);
    EffectCase subject = {.window = window_of(&query),
                          .query = series,
                          .others = series + 1,
                          .other_count = 2,
                          .controls = series + 3,
                          .control_count = CONTROLS};
    EffectReport report;
    effect_measure(arena, &subject, &report);
    assert_int_equal(report.query.verdict, EFFECT_IMPLEMENTED);
    assert_int_equal(report.others[0].verdict, EFFECT_REGRESSED);
    assert_int_equal(report.others[1].verdict, EFFECT_NO_IMPROVEMENT);
    /* (50 * .5 + 250 * 1.6 + 50) / 350 */
    assert_true(fabs(report.total.improvement_percent + 35.7) < 3);
    assert_true(report.should_undo);
    assert_non_null(strstr(report.undo_reason, "all queries on the table together"));
    arena_free(arena);
}

static EffectReport
measure_touched(Arena *arena, const Made *made, size_t control_count, size_t touched_count)
{
    EffectSeries series[1 + CONTROLS];
    Made control = *made;
    control.factor = 0;
    for (size_t k = 0; k <= control_count; k++)
        series[k] = series_make(arena, k == 0 ? made : &control, k);
    EffectCase subject = {.window = window_of(made),
                          .query = series,
                          .controls = series + 1,
                          .control_count = control_count,
                          .touched_count = touched_count};
    EffectReport report;
    effect_measure(arena, &subject, &report);
    return report;
}

static void
what_lacks_controls_because_of_other_changes_is_undone_where_it_is_twice_as_slow(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    static const struct {
        double factor;
        size_t control_count;
        size_t touched_count;
        bool lacks_controls;
        bool should_undo;
    } cases[] = {
        {1.5, 3, 0, false, true},  /* few queries: there never were more controls */
        {1.5, 2, 2, false, true},  /* as few without the other changes */
        {1.5, 3, 2, true, false},  /* perhaps everything got slower */
        {2.5, 3, 2, true, true},   /* dear, whatever it is by */
        {1.5, 8, 40, false, true}, /* enough controls are left */
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        Made made = {.seed = 3,
                     .before = 3 * WEEK,
                     .after = DAY,
                     .noise = 0.05,
                     .calls = 50,
                     .factor = cases[i].factor};
        EffectReport report = measure_touched(arena, &made, cases[i].control_count, cases[i].touched_count);
        if (report.query.lacks_controls != cases[i].lacks_controls ||
            report.total.lacks_controls != cases[i].lacks_controls ||
            report.should_undo != cases[i].should_undo)
            fail_msg("case %zu", i);
        assert_int_equal(report.query.verdict, EFFECT_REGRESSED);
        assert_int_equal(report.touched_count, cases[i].touched_count);
        /* the date of enough data is that of the harm that is undone */
        assert_true(cases[i].lacks_controls ? report.query.detectable_percent > 100
                                            : report.query.detectable_percent < 50);
        assert_true(!cases[i].lacks_controls || report.undo_reason == NULL ||
                    strstr(report.undo_reason, "(limit 100 %)") != NULL);
    }
    arena_free(arena);
}

static void
controls_that_were_not_usable_are_none_that_other_changes_took_away(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    Made made = {.seed = 3, .before = 3 * WEEK, .after = DAY, .noise = 0.05, .calls = 50, .factor = 1.5};
    Made asleep = made;
    asleep.calls = 0;
    EffectSeries series[1 + 5];
    for (size_t k = 0; k <= 5; k++)
        series[k] = series_make(arena, k > 3 ? &asleep : &made, k);
    EffectCase subject = {.window = window_of(&made),
                          .query = series,
                          .controls = series + 1,
                          .control_count = 5,
                          .touched_count = 1};
    EffectReport report;
    effect_measure(arena, &subject, &report);
    assert_false(report.query.has_drift || report.query.lacks_controls); /* three and one are four */
    assert_true(report.should_undo);
    subject.touched_count = 2;
    effect_measure(arena, &subject, &report);
    assert_true(report.query.lacks_controls && !report.should_undo);
    /* nor does what was not called before lack any */
    subject.query = &series[4];
    effect_measure(arena, &subject, &report);
    assert_int_equal(report.query.verdict, EFFECT_NOT_ENOUGH_DATA);
    assert_false(report.query.lacks_controls);
    arena_free(arena);
}

static void
more_rows_of_a_call_are_other_work_and_no_harm(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    Made made = {.seed = 5,
                 .before = 3 * WEEK,
                 .after = DAY,
                 .noise = 0.05,
                 .calls = 50,
                 .factor = 1.5,
                 .rows_factor = 1.5};
    EffectReport report = measure_made(arena, &made, CONTROLS);
    assert_true(report.query.work_changed && !report.should_undo);
    assert_int_equal(report.query.verdict, EFFECT_NO_IMPROVEMENT);
    assert_true(fabs(report.query.rows_percent + 50) < 2);
    /* a tenth more rows does not explain half as much time again */
    made.rows_factor = 1.1;
    report = measure_made(arena, &made, CONTROLS);
    assert_true(!report.query.work_changed && report.should_undo);
    assert_int_equal(report.query.verdict, EFFECT_REGRESSED);
    arena_free(arena);
}

static void
growth_of_the_table_is_not_blamed_on_the_change(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    Made made = {.seed = 6, .before = 5 * WEEK, .after = 2 * DAY, .noise = 0.05, .calls = 50, .growth = 0.04};
    EffectReport report = measure_made(arena, &made, CONTROLS);
    assert_int_equal(report.query.verdict, EFFECT_NO_IMPROVEMENT);
    assert_true(fabs(report.query.improvement_percent) < 3);
    arena_free(arena);
}

static void
too_little_data_is_a_verdict_and_never_a_success(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    Made made = {.seed = 7, .before = 2 * DAY, .after = 3, .noise = 0.05, .calls = 50, .factor = 0.2};
    EffectReport report = measure_made(arena, &made, CONTROLS);
    assert_int_equal(report.query.verdict, EFFECT_NOT_ENOUGH_DATA);
    assert_non_null(
        strstr(report.query.reason, "fewer than 4 buckets with calls after the change; enough for"));
    assert_true(isnan(report.query.improvement_percent) && !report.should_undo);
    made.after = 0;
    report = measure_made(arena, &made, CONTROLS);
    assert_non_null(strstr(report.query.reason, "fewer than 30 calls after the change; enough for"));
    made = (Made){.seed = 7, .before = 3, .after = DAY, .calls = 50};
    assert_string_equal(measure_made(arena, &made, CONTROLS).query.reason,
                        "fewer than 4 buckets with calls before the change");
    made = (Made){.seed = 7, .before = 0, .after = DAY, .calls = 50};
    assert_string_equal(measure_made(arena, &made, CONTROLS).query.reason,
                        "fewer than 30 calls before the change");
    made = (Made){.seed = 7, .before = DAY, .after = DAY, .calls = 0};
    assert_int_equal(measure_made(arena, &made, CONTROLS).query.verdict, EFFECT_NOT_ENOUGH_DATA);
    EffectCase subject = {.window = window_of(&made)};
    effect_measure(arena, &subject, &report);
    assert_string_equal(report.query.reason, "the change is for no query alone");
    assert_int_equal(report.total.verdict, EFFECT_NOT_ENOUGH_DATA);
    arena_free(arena);
}

static void
enough_data_is_said_by_noise_and_calls_whatever_the_change_did(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    Made made = {.seed = 31, .before = 3 * WEEK, .after = DAY, .noise = 0.05, .calls = 50, .factor = 1};
    EffectReport nothing = measure_made(arena, &made, CONTROLS);
    made.factor = 1.5;
    EffectReport harm = measure_made(arena, &made, CONTROLS);
    int64_t change_us = MONDAY_US + 3 * EFFECT_WEEK_US;
    assert_int_equal(nothing.query.enough_us, harm.query.enough_us);
    assert_true(nothing.query.detectable_percent == harm.query.detectable_percent);
    assert_true(harm.query.enough_us > change_us && harm.query.enough_us <= change_us + EFFECT_DAY_US);
    assert_true(harm.query.detectable_percent > EFFECT_HARM_LIMIT_PERCENT);
    assert_true(harm.query.detectable_percent < EFFECT_ENOUGH_PERCENT && harm.should_undo);
    made.noise = 0.15;
    assert_true(measure_made(arena, &made, CONTROLS).query.detectable_percent >
                harm.query.detectable_percent);
    arena_free(arena);
}

static void
when_there_will_be_enough_is_foreseen_at_the_change_and_holds(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    Made made = {.seed = 32, .before = 3 * WEEK, .after = 2, .noise = 0.04, .calls = 50, .factor = 1};
    /* without controls: those that are seen to move differently put it off */
    EffectReport early = measure_made(arena, &made, 0);
    assert_int_equal(early.query.verdict, EFFECT_NOT_ENOUGH_DATA);
    assert_true(isnan(early.query.detectable_percent));
    assert_non_null(strstr(early.query.reason, "enough for a harm of 20 % is expected at 1970-01-26T"));
    int64_t after_us = early.query.enough_us - (MONDAY_US + 3 * EFFECT_WEEK_US);
    assert_true(after_us >= (int64_t)EFFECT_BUCKETS_LEAST * 15 * EFFECT_MINUTE_US);
    made.after = (size_t)(after_us / (15 * EFFECT_MINUTE_US));
    EffectReport then = measure_made(arena, &made, 0);
    assert_int_equal(then.query.enough_us, early.query.enough_us);
    assert_true(then.query.detectable_percent <= EFFECT_ENOUGH_PERCENT);
    made.after--;
    assert_true(!(measure_made(arena, &made, 0).query.detectable_percent <= EFFECT_ENOUGH_PERCENT));
    arena_free(arena);
}

static void
noise_in_which_no_harm_will_show_in_two_weeks_is_told(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    Made made = {.seed = 33, .before = 3 * DAY, .after = DAY, .noise = 1, .calls = 50, .factor = 1};
    EffectReport report = measure_made(arena, &made, 0);
    assert_int_equal(report.query.enough_us, 0);
    assert_true(report.query.detectable_percent > EFFECT_ENOUGH_PERCENT);
    made.before = 2; /* and without a time before nothing is known of the noise */
    report = measure_made(arena, &made, 0);
    assert_int_equal(report.query.enough_us, 0);
    assert_true(isnan(report.query.detectable_percent));
    arena_free(arena);
}

static void
a_short_history_is_compared_by_hours_of_the_day_or_with_all_of_it(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    Made made = {.seed = 8, .before = 5 * DAY, .after = DAY, .noise = 0.05, .calls = 50, .factor = 0.5};
    EffectReport report = measure_made(arena, &made, CONTROLS);
    assert_int_equal(report.query.match, EFFECT_MATCH_HOUR_OF_DAY);
    assert_int_equal(report.query.verdict, EFFECT_IMPLEMENTED);
    made.before = DAY;
    report = measure_made(arena, &made, CONTROLS);
    assert_int_equal(report.query.match, EFFECT_MATCH_ANY);
    assert_string_equal(effect_match_text(report.query.match), "all hours");
    arena_free(arena);
}

static void
buckets_of_rare_queries_are_joined_until_they_hold_five_calls(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    static const struct {
        double calls;
        double minutes;
    } table[] = {{5, 15}, {2.5, 30}, {1.25, 60}, {0.7, 120}, {0.4, 240}, {0.05, 240}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(table); i++) {
        Made made = {.seed = 9, .before = 2 * WEEK, .after = 2 * DAY, .calls = table[i].calls};
        assert_true(measure_made(arena, &made, CONTROLS).query.bucket_minutes == table[i].minutes);
    }
    /* a window that begins and changes in the middle of joined buckets: only whole ones count */
    EffectWindow window = {.from_us = MONDAY_US + 15 * EFFECT_MINUTE_US,
                           .bucket_us = 15 * EFFECT_MINUTE_US,
                           .bucket_count = 101,
                           .before_end = 50,
                           .after_first = 52};
    EffectGrid grid = effect_grid_make(&window, 2);
    assert_int_equal(grid.first, MONDAY_US / EFFECT_HOUR_US);
    assert_int_equal(grid.before_end, 12); /* 1 + 50 buckets are 12 hours and 3 */
    assert_int_equal(grid.after_first, 14);
    assert_int_equal(grid.count, 25);
    arena_free(arena);
}

static void
a_single_spike_decides_nothing_and_a_level_that_lasts_does(void **state)
{
    (void)state;
    double raw[] = {1, 1.1, 9, 0.9, 1, 1.1, 5, 5.1, 4.9, 5};
    double calm[10];
    double weights[10];
    for (size_t i = 0; i < 10; i++)
        weights[i] = 1;
    EffectPoints points = {.values = raw, .weights = weights};
    effect_points_calm(&points, 0, 10, 0.1, calm);
    assert_true(fabs(calm[2] - 1.25) < 1e-12); /* the middle of its neighbours, and 2.5 scales */
    for (size_t i = 0; i < 10; i++)
        assert_true(i == 2 || i == 5 || i == 6 || calm[i] == raw[i]);
    assert_true(fabs(calm[8] - 4.9) < 1e-12 && fabs(calm[7] - 5.1) < 1e-12);
}

static void
gaps_resets_and_time_before_a_query_was_known_are_left_out(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    Made made = {.seed = 10, .before = 3 * WEEK, .after = DAY, .noise = 0.05, .calls = 50, .factor = 0.7};
    EffectSeries series[1 + CONTROLS];
    for (size_t k = 0; k <= CONTROLS; k++) {
        Made one = made;
        one.factor = k == 0 ? 0.7 : 0;
        series[k] = series_make(arena, &one, k);
    }
    EffectBucket *buckets = arena_memdup(arena, series[0].buckets, (3 * WEEK + DAY) * sizeof(*buckets));
    for (size_t i = 0; i < 3 * WEEK; i++)
        if (i < WEEK || i % 7 == 0)
            buckets[i] = (EffectBucket){.calls = NAN, .time_ms = 1e9};
    series[0].buckets = buckets;
    EffectCase subject = {
        .window = window_of(&made), .query = series, .controls = series + 1, .control_count = CONTROLS};
    EffectReport report;
    effect_measure(arena, &subject, &report);
    assert_int_equal(report.query.verdict, EFFECT_IMPLEMENTED);
    assert_true(fabs(report.query.improvement_percent - 30) < 3);
    assert_int_equal(report.query.buckets_before, 2 * WEEK - 2 * WEEK / 7);
    arena_free(arena);
}

/* What the profile of a season over some weeks keeps of weekdays and hours. */
static EffectProfile *
profile_of(Arena *arena, double daily, double weekend, double noise)
{
    Random random = random_new(13);
    EffectWindow window = {.from_us = MONDAY_US,
                           .bucket_us = 15 * EFFECT_MINUTE_US,
                           .bucket_count = 4 * WEEK,
                           .before_end = 4 * WEEK,
                           .after_first = 4 * WEEK};
    EffectGrid grid = effect_grid_make(&window, 0);
    double *values = ARENA_NEW_ARRAY(arena, double, 4 * WEEK);
    double *weights = ARENA_NEW_ARRAY(arena, double, 4 * WEEK);
    for (size_t i = 0; i < 4 * WEEK; i++) {
        weights[i] = 1;
        values[i] = 3 + daily * sin(2 * M_PI * (double)(i % DAY) / (double)DAY) +
                    (i % WEEK >= 5 * DAY ? weekend : 0) + noise * random_normal(&random);
    }
    return effect_profile_make(arena, &grid, EFFECT_MATCH_HOUR_OF_WEEK, values, weights);
}

static void
a_profile_keeps_the_season_that_there_is_and_no_other(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    EffectProfile *flat = profile_of(arena, 0, 0, 0.1);
    assert_true(flat->weekday_share < 0.6 && flat->hour_share < 0.6 && flat->cell_share < 0.3);
    EffectProfile *daily = profile_of(arena, 0.5, 0, 0.1);
    assert_true(daily->hour_share > 0.98 && daily->cell_share < 0.3);
    EffectProfile *weekly = profile_of(arena, 0, 0.5, 0.1);
    assert_true(weekly->weekday_share > 0.98 && weekly->hour_share < 0.6);
    /* from Thursday 00 UTC on: hour 48 is Saturday's first */
    assert_true(fabs(effect_profile_expect(weekly, 50).value - 3.5) < 0.03);
    assert_true(fabs(effect_profile_expect(weekly, 100).value - 3) < 0.03);
    assert_true(effect_profile_leverage(flat) < effect_profile_leverage(weekly));
    arena_free(arena);
}

static void
of_many_queries_only_what_is_surer_than_chance_is_named(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", (size_t)1 << 30);
    enum { OTHERS = 60 };
    EffectSeries series[OTHERS + CONTROLS];
    Made made = {.seed = 14, .before = 15 * DAY, .after = 24, .noise = 0.2, .calls = 50};
    for (size_t k = 0; k < OTHERS + CONTROLS; k++) {
        Made one = made;
        one.factor = k == 5 ? 0.5 : 0;
        series[k] = series_make(arena, &one, k);
    }
    EffectCase subject = {.window = window_of(&made),
                          .others = series,
                          .other_count = OTHERS,
                          .controls = series + OTHERS,
                          .control_count = CONTROLS};
    EffectReport report;
    effect_measure(arena, &subject, &report);
    assert_int_equal(report.other_count, OTHERS);
    for (size_t k = 0; k < OTHERS; k++)
        assert_int_equal(report.others[k].verdict, k == 5 ? EFFECT_IMPLEMENTED : EFFECT_NO_IMPROVEMENT);
    arena_free(arena);
}

static void
the_longest_window_is_measured_and_so_is_the_shortest(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    Made made = {.seed = 15, .before = EFFECT_BUCKETS_MOST - DAY, .after = DAY, .noise = 0.1, .calls = 9};
    assert_int_equal(measure_made(arena, &made, CONTROLS).query.verdict, EFFECT_NO_IMPROVEMENT);
    made = (Made){.seed = 15, .before = 4, .after = 4, .noise = 0.1, .calls = 9};
    assert_int_equal(measure_made(arena, &made, CONTROLS).query.verdict, EFFECT_NO_IMPROVEMENT);
    arena_free(arena);
}

static void
measure_out_of_window(void *context)
{
    EffectCase subject = {.window = {.bucket_us = 1, .bucket_count = 4, .before_end = 3, .after_first = 2}};
    EffectReport report;
    effect_measure(context, &subject, &report);
}

static void
a_window_that_ends_before_it_begins_is_a_bug(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    assert_dies(measure_out_of_window, arena, "before_end <= window->after_first");
    arena_free(arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_are_those_of_the_contract),
        cmocka_unit_test(a_gain_is_found_with_an_interval_around_it),
        cmocka_unit_test(the_interval_of_a_change_that_changes_nothing_holds_nothing),
        cmocka_unit_test(the_look_after_a_day_asks_for_more_than_the_one_after_two),
        cmocka_unit_test(what_all_queries_do_is_not_credited_to_the_change),
        cmocka_unit_test(where_controls_moved_differently_a_query_that_did_too_is_not_credited),
        cmocka_unit_test(how_differently_controls_moved_is_as_sure_as_those_still_called_are_many),
        cmocka_unit_test(harm_is_undone_and_says_why),
        cmocka_unit_test(what_was_as_slow_for_as_long_before_by_itself_is_not_undone),
        cmocka_unit_test(writes_that_get_slower_are_a_reason_to_undo_what_helps_the_query),
        cmocka_unit_test(what_lacks_controls_because_of_other_changes_is_undone_where_it_is_twice_as_slow),
        cmocka_unit_test(controls_that_were_not_usable_are_none_that_other_changes_took_away),
        cmocka_unit_test(more_rows_of_a_call_are_other_work_and_no_harm),
        cmocka_unit_test(growth_of_the_table_is_not_blamed_on_the_change),
        cmocka_unit_test(too_little_data_is_a_verdict_and_never_a_success),
        cmocka_unit_test(enough_data_is_said_by_noise_and_calls_whatever_the_change_did),
        cmocka_unit_test(when_there_will_be_enough_is_foreseen_at_the_change_and_holds),
        cmocka_unit_test(noise_in_which_no_harm_will_show_in_two_weeks_is_told),
        cmocka_unit_test(a_short_history_is_compared_by_hours_of_the_day_or_with_all_of_it),
        cmocka_unit_test(buckets_of_rare_queries_are_joined_until_they_hold_five_calls),
        cmocka_unit_test(a_single_spike_decides_nothing_and_a_level_that_lasts_does),
        cmocka_unit_test(gaps_resets_and_time_before_a_query_was_known_are_left_out),
        cmocka_unit_test(a_profile_keeps_the_season_that_there_is_and_no_other),
        cmocka_unit_test(of_many_queries_only_what_is_surer_than_chance_is_named),
        cmocka_unit_test(the_longest_window_is_measured_and_so_is_the_shortest),
        cmocka_unit_test(a_window_that_ends_before_it_begins_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
