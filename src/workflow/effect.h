// SPDX-License-Identifier: PostgreSQL
/*
 * Effect: what a change did to the time of queries, and how sure that is.
 *
 * Given are series of buckets (15 minutes, say) of the query that a change is for, of the other queries on
 * the table (writes too), and of controls: queries that touch nothing that was changed. Two things come out,
 * for each query and for all of them together: the improvement in percent, (1 - exp(e)) * 100 with e the mean
 * of ln(time of a call) after less before, and how far it may be from the truth.
 *
 *   unit      ln(time / calls) of a bucket; buckets are joined until the middle one has 5 calls. A bucket
 *             weighs as its calls, up to 30 of them: beyond that its noise is the server's, not the calls'. A
 *             single bucket far off its neighbours is pulled back towards them.
 *   match     each bucket is compared with those before the change of its hour of the week, as far as hours
 *             and weekdays are seen to differ, and with the rest as far as they are not (effect_internal.h).
 *             With less than two weeks weekdays are not told apart, with less than two days hours neither,
 *             and intervals are wider by 7 and 50 %.
 *   drift     what a mixture of the controls did in the same bucket is taken off (difference in differences;
 *             weights >= 0 that add up to 1, by which they followed the query before: Abadie, Diamond and
 *             Hainmueller 2010). Fewer than five usable controls: none of it, intervals half as wide again,
 *             and has_drift is false. Growth of the query alone is a slope in time, held near 0 by a ridge.
 *             Where they are so few because other changes touched them, lacks_controls says that a
 *             slowdown of everything cannot be told from harm.
 *   levels    a query whose plan flips has two levels; which of them it is in is no effect. Where two are
 *             far likelier than one before the change (six hours in each at least; one flip is enough, so
 *             that a step of this query alone that lasted passes for two levels as well), the effect is by
 *             how much both moved (two_level.h), and where another path of states is not ruled out, the
 *             interval reaches to that on its side: of being faster as surely as of noise, of being
 *             slower as surely as for undo. Harm is judged without levels as well, and the worse of the two
 *             counts (of an interval of 95 and one of 97.5 %; the p-value of the second is doubled): a change
 *             that leaves the query in its slow plan has harmed it. Without them it is by the time of calls,
 *             which a rare slow plan has more of than of a mean of logarithms; and no harm, nor regressed, is
 *             what lasts no longer than such a time did before. Harm of the levels counts only where calls
 *             take more time too, and where the query is in its slow plan less than before, by what is left
 *             of it when that plan may have been as frequent as its few states allow: one that ends a rare
 *             slow plan has done none. has_levels says that there are levels.
 *   interval  95 % for two looks, after a day (99.5 % by itself) and after two (95.2 %; O'Brien and Fleming
 *             1979), by a mixture of memories that is fitted to what is left before the change
 *             (memory_mixture.h), with Student's t. Looks before a day and a half are as the first, later
 *             ones as the second: who looks twice after that errs oftener. always_*: 95 % for as many looks
 *             as one likes (a confidence sequence).
 *   work      rows of a call that moved along by at least half as much as the time say that the work
 *             changed, not its price: work_changed, and neither credit nor blame. Blocks of a call are shown
 *             as a second witness, and decide nothing: fewer of them is what an index is for.
 *   least     30 calls and 4 buckets on each side, else EFFECT_NOT_ENOUGH_DATA: never a success.
 *   undo      harm beyond a limit (5 %) that is certain at 99 % however often one looks, of the query or of
 *             all together: the time that the calls took, over what the same calls took before. And beyond
 *             the worst time as long before, an eighth of what is known at most: noise has heavy tails. Each
 *             of the two errs by .5 %; one with levels by .75 % at most, .25 % each by noise, by the path of
 *             states and without levels: then it is 98.5 % of both together. The limit is 100 % for what
 *             lacks_controls.
 *   enough    data is enough once a harm of 20 % would be undone with a chance of 95 %: the sequence's width
 *             and the estimate's deviation say so by the noise before the change, the calls since, and how
 *             alike the controls moved. What the query's time did after the change has no part in it, so it
 *             can be said before the effect is looked at, and not be chosen by it. Where there are levels it
 *             is said of the comparison without them: later than need be.
 *   many      of the other queries, named winners and losers are a share of 5 % false at most (Benjamini and
 *             Hochberg 1995); the rest is no_improvement. Rows and blocks are looked at of the named alone.
 *
 * The two looks are the contract's; who looks oftener goes by always_* and should_undo. Where load moves from
 * the controls' tables to the changed one, or the change itself makes the controls faster, the controls are
 * none: nothing here can see that.
 *
 * A report of EFFECT_OTHERS_MOST others and EFFECT_CONTROLS_MOST controls over 35 days of 15 minutes is to
 * take less than a second of CPU; `effect_bench cost` measures it (0.9 to 1.25 s so far).
 *
 * Pure functions over arrays, any thread; memory from the arena. bench/effect_bench.c has simulated what they
 * say of changes that change nothing; docs/design/loop.md has the table.
 *
 *     EffectCase subject = {.window = window, .query = &query, .controls = controls, .control_count = n};
 *     EffectReport report;
 *     effect_measure(arena, &subject, &report);
 *     if (report.should_undo) ...
 */
#ifndef FETTLE_WORKFLOW_EFFECT_H
#define FETTLE_WORKFLOW_EFFECT_H

#include "base/arena.h"

#define EFFECT_BUCKETS_MOST ((size_t)8192) /* 85 days of 15 minutes */
#define EFFECT_OTHERS_MOST ((size_t)200)
#define EFFECT_CONTROLS_MOST ((size_t)40)
#define EFFECT_CONTROLS_LEAST ((size_t)5)
#define EFFECT_HARM_LIMIT_PERCENT 5.0
/* Of what lacks_controls: after "apply all the advice" a deploy or a busy neighbour that slows everything
 * looks like the harm of each of the changes, and all would be undone. Twice as slow is rarely that, and too
 * dear to wait for a person. */
#define EFFECT_HARM_LIMIT_LACKING_PERCENT 100.0
#define EFFECT_IMPROVEMENT_LEAST_PERCENT 1.0 /* contract, 7.4 */
#define EFFECT_ENOUGH_PERCENT 20.0           /* the harm that enough data would show */
#define EFFECT_ENOUGH_DAYS_MOST 14           /* looked ahead for it */

/* Sums of a bucket. calls NAN: not observed, or not to be used (a reset, a restart, a round that is missing);
 * calls 0: observed, not called. */
typedef struct EffectBucket {
    double calls;
    double time_ms;
    double rows;
    double blocks; /* shared hit and read; NAN unknown */
} EffectBucket;

typedef struct EffectSeries {
    int64_t query_hash;
    const EffectBucket *buckets; /* as many as the window has */
} EffectSeries;

typedef struct EffectWindow {
    int64_t from_us;     /* where bucket 0 begins; a multiple of the bucket's length since 1970 */
    int64_t bucket_us;   /* divides an hour */
    size_t bucket_count; /* <= EFFECT_BUCKETS_MOST */
    size_t before_end;   /* buckets 0 .. before_end - 1 ended before the change began */
    size_t after_first;  /* the first that began after it was done; between them is the change itself */
} EffectWindow;

typedef struct EffectCase {
    EffectWindow window;
    const EffectSeries *query; /* NULL: the change is for no query alone */
    const EffectSeries *others;
    size_t other_count;
    const EffectSeries *controls; /* the best ones are chosen when there are more than EFFECT_CONTROLS_MOST */
    size_t control_count;
    size_t touched_count;      /* statements that would be controls, had no other change touched them */
    double harm_limit_percent; /* 0: EFFECT_HARM_LIMIT_PERCENT */
} EffectCase;

typedef enum EffectVerdict {
    EFFECT_NOT_ENOUGH_DATA,
    EFFECT_IMPLEMENTED, /* better by 1 % at least, and the interval is above 0 */
    EFFECT_NO_IMPROVEMENT,
    EFFECT_REGRESSED, /* worse by 1 % at least, and the interval is below 0 */
} EffectVerdict;

typedef enum EffectMatch {
    EFFECT_MATCH_HOUR_OF_WEEK,
    EFFECT_MATCH_HOUR_OF_DAY,
    EFFECT_MATCH_ANY
} EffectMatch;

/* Percentages are improvements, signed: 20 is a fifth less time, -20 a fifth more. NAN: not known. */
typedef struct Effect {
    int64_t query_hash; /* 0: of the total */
    EffectVerdict verdict;
    const char *reason; /* of EFFECT_NOT_ENOUGH_DATA, for people; else NULL */
    double improvement_percent;
    double low_percent; /* 95 %, for the looks after a day and after two */
    double high_percent;
    double always_low_percent; /* 95 %, for any number of looks */
    double always_high_percent;
    double p_value;      /* two-sided, of no effect, for one look */
    double harm_percent; /* at least so much slower, as surely as undo needs it, however often one looks; <=
                            0: not certain of any */
    double detectable_percent; /* the least harm that would be undone by now with a chance of 95 %; not of
                                  others */
    int64_t enough_us;     /* since when, or from when on as calls come, that is 20 % or less; 0: not within
                              two weeks of the change, or not known */
    double mean_before_ms; /* of a call, matched to the hours after and without the drift; with levels, both
                              at the share of the high one before */
    double mean_after_ms;
    double calls_before;
    double calls_after;
    size_t buckets_before;
    size_t buckets_after;
    double bucket_minutes; /* after joining */
    EffectMatch match;
    bool has_drift;
    bool lacks_controls;  /* no drift is known, and with what other changes touched there could have been
                             enough that were usable */
    double drift_percent; /* what the controls improved by themselves */
    bool has_levels; /* two, that it flips between by itself; judged by how far both moved, and without */
    double plain_percent; /* then: that of time without levels, which is improvement_percent where worse */
    size_t control_count; /* with a weight */
    bool work_changed;
    double rows_percent;   /* rows of a call: less (> 0) or more (< 0) */
    double blocks_percent; /* blocks of a call */
} Effect;

typedef struct EffectReport {
    Effect query;   /* EFFECT_NOT_ENOUGH_DATA when there is none */
    Effect total;   /* query and others together, weighted by the time they take; no means in ms */
    Effect *others; /* in the case's order */
    size_t other_count;
    size_t touched_count; /* the case's */
    bool should_undo;
    const char *undo_reason; /* one sentence; NULL */
} EffectReport;

/* Measures what is in the window so far. Asserts that the window is sound and within its limits. */
void effect_measure(Arena *arena, const EffectCase *subject, EffectReport *ret_report);

/* The contract's rule (7.4) for a percentage with its interval; NAN bounds: none, the 1 % bounds alone
 * decide. */
EffectVerdict effect_verdict(double improvement_percent, double low_percent, double high_percent);
/* "not_enough_data", "implemented", "no_improvement", "regressed": the contract's words for a status. */
const char *effect_verdict_word(EffectVerdict verdict);
const char *effect_match_text(EffectMatch match);

#endif
