// SPDX-License-Identifier: PostgreSQL
#include "workload/period.h"

#include "math/distribution.h"
#include "math/fourier.h"
#include "math/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TREND_HOURS_MOST ((size_t)336)
#define CLIP 4.0
#define LINE_HOURS_MOST ((size_t)400)
#define LINE_ERROR 1e-4
#define LINE_SHARE_LEAST 0.02
#define MULTIPLES_MOST 8
#define CORRELATION_LEAST 0.1
#define CYCLES_LEAST 2.5
#define CYCLES_MANY 6.0
#define EXPLAINED_LEAST 0.02
#define EXPLAINED_SELDOM 0.1
#define LONGER_GAIN 0.03
#define ROUND_BONUS 0.02
#define FOLD_ERROR 1e-6
#define FOLD_PEAK 2.0
#define WHOLE_SHARE (1 - 1e-9) /* all of it, but for rounding */
#define SPENT_SHARE 1e-3
#define DAY ((size_t)24)
#define WEEK ((size_t)168)
#define WEEKS_LEAST 4
#define WEEK_ERROR 1e-3

/* The series as it is searched, and room to work in. */
typedef struct Search {
    Arena *arena;
    size_t count;
    double *residual;
    double *scratch;
    double *window;    /* Hann's */
    double *means;     /* of the phases of one fold */
    double *sums[2];   /* of the phases of both halves */
    double squares[2]; /* of the halves of the residual */
    double variance;   /* of what was prepared */
} Search;

static void
interpolate(double *values, size_t count)
{
    size_t known = count;
    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i]))
            continue;
        double before = known == count ? values[i] : values[known];
        size_t from = known == count ? 0 : known + 1;
        for (size_t gap = from; gap < i; gap++)
            values[gap] = before + (values[i] - before) * (double)(gap + 1 - from) / (double)(i + 1 - from);
        known = i;
    }
    for (size_t gap = known + 1; gap < count; gap++)
        values[gap] = values[known];
}

/* Less the mean of as many values before and after, at the ends of fewer; of whole days, for of a broken one
 * the mean follows the day itself. */
static void
remove_trend(Search *search)
{
    size_t count = search->count;
    size_t longest = count / 2 < TREND_HOURS_MOST ? count / 2 : TREND_HOURS_MOST;
    size_t half = longest / DAY * DAY / 2;
    fettle_assert(half > 0);
    double *sums = search->scratch; /* of all before */
    sums[0] = 0;
    for (size_t i = 0; i < count; i++)
        sums[i + 1] = sums[i] + search->residual[i];
    for (size_t i = 0; i < count; i++) {
        size_t low = i < half ? 0 : i - half;
        size_t high = i + half > count ? count : i + half;
        size_t broken = (high - low) % DAY;
        if (high - low > DAY && low == 0)
            high -= broken;
        else if (high - low > DAY)
            low += broken;
        search->residual[i] -= (sums[high] - sums[low]) / (double)(high - low);
    }
}

/* False when nothing varies. */
static bool
scale(Search *search)
{
    size_t count = search->count;
    memcpy(search->scratch, search->residual, count * sizeof(double));
    double middle = statistics_median(search->scratch, count);
    double spread = 1.4826 * statistics_deviation_median(search->scratch, count, middle);
    double deviation = statistics_deviation_population(search->residual, count);
    /* more than half of it equal: a series of rare jobs */
    if (spread < 0.1 * deviation)
        spread = 0.5 * deviation;
    if (spread < 1e-9)
        return false;
    for (size_t i = 0; i < count; i++)
        search->residual[i] = fmin(CLIP, fmax(-CLIP, (search->residual[i] - middle) / spread));
    double mean = statistics_mean(search->residual, count);
    for (size_t i = 0; i < count; i++)
        search->residual[i] -= mean;
    search->variance = statistics_deviation_population(search->residual, count);
    search->variance *= search->variance;
    return search->variance > 1e-9;
}

static bool
prepare(Search *search, const double *values)
{
    for (size_t i = 0; i < search->count; i++)
        search->residual[i] = log1p(values[i]); /* of NaN it is NaN */
    interpolate(search->residual, search->count);
    remove_trend(search);
    return scale(search);
}

static double
sum_of_squares(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i] * values[i];
    return sum;
}

/* The first value of a half, and of none after both. */
static size_t
half_begin(const Search *search, size_t half)
{
    return half == 2 ? search->count : half * (search->count / 2);
}

/* After each change of the residual. */
static void
measure_halves(Search *search)
{
    for (size_t half = 0; half < 2; half++) {
        size_t from = half_begin(search, half);
        search->squares[half] = sum_of_squares(search->residual + from, half_begin(search, half + 1) - from);
    }
}

/* Sums of the phases of [from, to), cycle by cycle: without a division or a branch a value. */
static void
fold(const Search *search, size_t period, size_t from, size_t to, double *restrict sums)
{
    fettle_assert(period > 0 && period <= search->count);
    memset(sums, 0, period * sizeof(double));
    size_t head = (period - from % period) % period; /* until the first whole cycle */
    for (size_t i = from; i < from + head && i < to; i++)
        sums[i % period] += search->residual[i];
    for (size_t begin = from + head; begin < to; begin += period) {
        const double *restrict values = search->residual + begin;
        size_t length = to - begin < period ? to - begin : period;
        size_t phase = 0;
        for (; phase + 4 <= length; phase += 4) { /* four at once in vector registers */
            sums[phase] += values[phase];
            sums[phase + 1] += values[phase + 1];
            sums[phase + 2] += values[phase + 2];
            sums[phase + 3] += values[phase + 3];
        }
        for (; phase < length; phase++)
            sums[phase] += values[phase];
    }
}

/* How many values of [0, to) have a phase: some of all phases, and one more of the first ones. */
typedef struct Weights {
    double each;
    size_t more;
} Weights;

static Weights
weights_before(size_t period, size_t to)
{
    fettle_assert(period > 0);
    size_t cycles = to / period;
    return (Weights){.each = (double)cycles, .more = to - cycles * period};
}

static inline double
weight_of(const Weights *weights, size_t phase)
{
    return weights->each + (phase < weights->more);
}

/* The share of the variance of one half that the phase means of the other, less their whole's mean, explain;
 * below 0 when they make it worse: the squares of value - mean are those of the values - 2 mean sum + weight
 * mean^2, so the values need not be passed over again. */
static double
explained_by_other(const Search *search, size_t period, size_t half)
{
    Weights middle = weights_before(period, half_begin(search, 1));
    Weights whole = weights_before(period, search->count);
    const double *other = search->sums[1 - half];
    size_t count = half_begin(search, 2 - half) - half_begin(search, 1 - half);
    double all = 0;
    double gain = 0;
    for (size_t phase = 0; phase < period; phase++)
        all += other[phase];
    all /= (double)count;
    for (size_t phase = 0; phase < period; phase++) {
        double before = weight_of(&middle, phase);
        double after = weight_of(&whole, phase) - before;
        double seen = half == 0 ? after : before;
        double mean = seen > 0 ? other[phase] / seen - all : 0;
        gain += mean * (2 * search->sums[half][phase] - (half == 0 ? before : after) * mean);
    }
    return search->squares[half] > 0 ? gain / search->squares[half] : 0;
}

/* How well the halves explain each other: the worse of both, which a wrong period ruins. */
static double
explained_across(const Search *search, size_t period)
{
    fold(search, period, 0, half_begin(search, 1), search->sums[0]);
    fold(search, period, half_begin(search, 1), search->count, search->sums[1]);
    return fmin(explained_by_other(search, period, 0), explained_by_other(search, period, 1));
}

/* Means of the phases of all, of their sums, less the mean of all; the share of the variance that they
 * explain. */
static double
means_of(const Search *search, size_t period, const double *sums)
{
    double all = 0;
    double gain = 0;
    double squares = search->squares[0] + search->squares[1];
    Weights weights = weights_before(period, search->count);
    for (size_t phase = 0; phase < period; phase++)
        all += sums[phase];
    all /= (double)search->count;
    for (size_t phase = 0; phase < period; phase++) {
        double seen = weight_of(&weights, phase);
        double mean = seen > 0 ? sums[phase] / seen - all : 0;
        search->means[phase] = mean;
        gain += mean * (2 * sums[phase] - seen * mean);
    }
    return squares > 0 ? gain / squares : 0;
}

/* Enough cycles were seen, and the halves explain each other; few cycles prove less. */
static bool
is_valid(const Search *search, size_t period)
{
    if (period < 2 || period > PERIOD_HOURS_MOST || (double)search->count < CYCLES_LEAST * (double)period)
        return false;
    bool is_seldom = (double)search->count < CYCLES_MANY * (double)period;
    return explained_across(search, period) >= (is_seldom ? EXPLAINED_SELDOM : EXPLAINED_LEAST);
}

/* The period near a lag that explains best across the halves; a day and a week win when they are as good. */
static size_t
refined(const Search *search, size_t lag)
{
    size_t reach = lag / 16 > 1 ? lag / 16 : 1;
    size_t best = lag;
    double most = -INFINITY;
    for (size_t period = lag > reach + 2 ? lag - reach : 2; period <= lag + reach; period++) {
        if ((double)search->count < CYCLES_LEAST * (double)period)
            break;
        double share = explained_across(search, period) + (period == DAY || period == WEEK ? ROUND_BONUS : 0);
        if (share > most) {
            most = share;
            best = period;
        }
    }
    return best;
}

/* The period of the greatest line of the spectrum, 0 when there is no line. */
static double
line_period(Search *search)
{
    size_t count = search->count;
    fettle_assert(count >= PERIOD_HOURS_LEAST);
    size_t bins = count / 2;
    double *power = ARENA_NEW_ARRAY(search->arena, double, bins + 1);
    for (size_t i = 0; i < count; i++)
        search->scratch[i] = search->residual[i] * search->window[i];
    fourier_power(search->arena, search->scratch, count, power);
    size_t longest = count / 2 < LINE_HOURS_MOST ? count / 2 : LINE_HOURS_MOST;
    size_t first = count / longest > 2 ? count / longest : 2;
    double sum = 0;
    size_t best = first;
    for (size_t k = first; k <= bins; k++) {
        sum += power[k];
        if (power[k] > power[best])
            best = k;
    }
    double m = (double)(bins - first + 1);
    double share = sum > 0 ? power[best] / sum : 0;
    double least = fmax(LINE_SHARE_LEAST, 1 - pow(LINE_ERROR / m, 1 / (m - 1)));
    return share < least ? 0 : (double)count / (double)best;
}

/* The smallest multiple of a line's period at which the autocorrelation is near its peak; 0: there is none.
 */
static size_t
period_of_line(Search *search, double line)
{
    size_t count = search->count;
    size_t lags = (size_t)((double)count / CYCLES_LEAST) + 1;
    double *sums = ARENA_NEW_ARRAY(search->arena, double, lags);
    fourier_correlate(search->arena, search->residual, count, lags, sums);
    double peaks[MULTIPLES_MOST + 1] = {0};
    size_t places[MULTIPLES_MOST + 1] = {0};
    double most = 0;
    for (int multiple = 1; multiple <= MULTIPLES_MOST; multiple++) {
        double at = line * multiple;
        size_t low = (size_t)fmax(2, floor(at - fmax(1, at * 0.06)));
        size_t high = (size_t)ceil(at + fmax(1, at * 0.06));
        for (size_t lag = low; lag <= high && lag < lags; lag++) {
            double correlation = sums[lag] / sums[0] * (double)count / (double)(count - lag);
            if (correlation > peaks[multiple]) {
                peaks[multiple] = correlation;
                places[multiple] = lag;
            }
        }
        most = fmax(most, peaks[multiple]);
    }
    if (most < CORRELATION_LEAST)
        return 0;
    for (int multiple = 1; multiple <= MULTIPLES_MOST; multiple++)
        if (peaks[multiple] >= 0.9 * most)
            return places[multiple];
    return 0;
}

/* Whether some phase is high in most cycles: its median is above the peak's bound. */
static bool
has_steady_phase(const Search *search, size_t period, const double *means)
{
    size_t best = 0;
    size_t count = 0;
    for (size_t phase = 1; phase < period; phase++)
        if (means[phase] > means[best])
            best = phase;
    size_t above = 0;
    for (size_t i = best; i < search->count; i += period) {
        above += search->residual[i] > FOLD_PEAK;
        search->scratch[count++] = search->residual[i];
    }
    /* with fewer than half above it the median is not: most phases are told without selecting */
    return 2 * above >= count && statistics_median(search->scratch, count) > FOLD_PEAK;
}

/* The best period of the folds so far. */
typedef struct Fold {
    size_t period; /* 0: none */
    double f;
} Fold;

static void
try_fold(Search *search, size_t period, const double *sums, Fold *best)
{
    double share = means_of(search, period, sums);
    double between = (double)(period - 1);
    double within = (double)(search->count - period);
    double f = share >= WHOLE_SHARE ? INFINITY : share / between * within / (1 - share);
    /* of equals the shortest: its multiples explain as much */
    bool is_better = f > best->f || (f == best->f && period < best->period);
    if (is_better && has_steady_phase(search, period, search->means) &&
        distribution_fisher_upper(f, between, within) * (double)PERIOD_HOURS_MOST < FOLD_ERROR)
        *best = (Fold){.period = period, .f = f};
}

/* What repeats shortly and rarely: the period whose phase means differ most, by F; 0: none differ enough. The
 * sums of half a period are those of the period added up, so only half of the periods need a pass over the
 * series. */
static size_t
period_of_folds(Search *search)
{
    double *sums = search->sums[0];
    Fold best = {0};
    size_t longest = period_longest(search->count);
    for (size_t long_one = longest / 2 + 1; long_one <= longest; long_one++) {
        fold(search, long_one, 0, search->count, sums);
        try_fold(search, long_one, sums, &best);
        for (size_t period = long_one; period % 2 == 0 && period >= 4;) {
            period /= 2;
            for (size_t phase = 0; phase < period; phase++)
                sums[phase] += sums[phase + period];
            try_fold(search, period, sums, &best);
        }
    }
    return best.period;
}

/* Whether days of the week differ beyond what chance gives: one-way analysis of variance of day means. */
static bool
has_week(const Search *search)
{
    double days[FOURIER_COUNT_MOST / DAY + 1];
    double sums[7] = {0};
    double counts[7] = {0};
    size_t count = search->count / DAY;
    if (search->count < WEEKS_LEAST * WEEK)
        return false;
    double mean = 0;
    for (size_t day = 0; day < count; day++) {
        days[day] = statistics_mean(search->residual + day * DAY, DAY);
        sums[day % 7] += days[day];
        counts[day % 7] += 1;
        mean += days[day] / (double)count;
    }
    double between = 0;
    double within = 0;
    for (size_t weekday = 0; weekday < 7; weekday++) {
        double away = sums[weekday] / counts[weekday] - mean;
        between += counts[weekday] * away * away;
    }
    for (size_t day = 0; day < count; day++) {
        double away = days[day] - sums[day % 7] / counts[day % 7];
        within += away * away;
    }
    if (within <= 0)
        return between > 1e-12;
    double freedom = (double)count - 7;
    return distribution_fisher_upper(between / 6 / (within / freedom), 6, freedom) < WEEK_ERROR;
}

/* A period is taken: what it explains leaves the residual. */
static void
accept(Search *search, size_t period, Periods *periods)
{
    double *means = search->means;
    double before = search->squares[0] + search->squares[1];
    fold(search, period, 0, search->count, search->sums[0]);
    means_of(search, period, search->sums[0]);
    for (size_t i = 0; i < search->count; i++)
        search->residual[i] -= means[i % period];
    measure_halves(search);
    double after = search->squares[0] + search->squares[1];
    double share = (before - after) / (double)search->count / search->variance;
    periods->share[periods->count] = fmin(1, share); /* but for rounding */
    periods->hours[periods->count++] = period;
}

/* Nothing is left that a period could explain: only what the moving mean made of the ends. */
static bool
is_spent(const Search *search)
{
    double left = search->squares[0] + search->squares[1];
    return left < SPENT_SHARE * search->variance * (double)search->count;
}

static bool
is_taken(const Periods *periods, size_t period)
{
    for (size_t i = 0; i < periods->count; i++)
        if (periods->hours[i] % period == 0 || period % periods->hours[i] == 0)
            return true;
    return false;
}

/* A profile that is nearly the same twice has its line at half of its period: then a multiple explains more.
 * And days explain most of what repeats after some days. */
static size_t
whole_period(const Search *search, size_t period)
{
    double share = explained_across(search, period);
    size_t best = period;
    for (size_t multiple = 2; multiple <= 4; multiple++) {
        size_t longer = refined(search, period * multiple);
        if (longer > PERIOD_HOURS_MOST || (double)search->count < CYCLES_LEAST * (double)longer)
            break;
        double more = explained_across(search, longer);
        if (more >= share + LONGER_GAIN) {
            share = more;
            best = longer;
        }
    }
    return best > DAY && best % DAY == 0 && explained_across(search, DAY) >= share / 2 ? DAY : best;
}

/* The next period of what is left: a line's, else a fold's. */
static size_t
next_period(Search *search, const Periods *periods)
{
    double line = line_period(search);
    size_t period = line == 0 ? 0 : period_of_line(search, line);
    if (period != 0)
        period = whole_period(search, refined(search, period));
    if (period != 0 && !is_taken(periods, period) && is_valid(search, period))
        return period;
    period = period_of_folds(search);
    return period != 0 && !is_taken(periods, period) && is_valid(search, period) ? period : 0;
}

static void
sort(Periods *periods)
{
    for (size_t i = 1; i < periods->count; i++)
        for (size_t j = i; j > 0 && periods->hours[j - 1] > periods->hours[j]; j--) {
            size_t hours = periods->hours[j];
            double share = periods->share[j];
            periods->hours[j] = periods->hours[j - 1];
            periods->share[j] = periods->share[j - 1];
            periods->hours[j - 1] = hours;
            periods->share[j - 1] = share;
        }
}

Periods
period_detect(Arena *arena, const double *values, size_t count)
{
    fettle_assert(count <= FOURIER_COUNT_MOST);
    Periods periods = {.verdict = PERIOD_TOO_SHORT};
    size_t gaps = 0;
    for (size_t i = 0; i < count; i++)
        gaps += isnan(values[i]);
    if (count < PERIOD_HOURS_LEAST)
        return periods;
    periods.verdict = (double)gaps > PERIOD_GAPS_MOST * (double)count ? PERIOD_TOO_FEW : PERIOD_SEARCHED;
    Search search = {.arena = arena,
                     .count = count,
                     .residual = ARENA_NEW_ARRAY(arena, double, count),
                     .scratch = ARENA_NEW_ARRAY(arena, double, count + 1),
                     .window = ARENA_NEW_ARRAY(arena, double, count),
                     .means = ARENA_NEW_ARRAY(arena, double, count),
                     .sums = {ARENA_NEW_ARRAY(arena, double, count), ARENA_NEW_ARRAY(arena, double, count)}};
    if (periods.verdict != PERIOD_SEARCHED || !prepare(&search, values))
        return periods;
    measure_halves(&search);
    for (size_t i = 0; i < count; i++)
        search.window[i] = 0.5 - 0.5 * cos(2 * M_PI * (double)i / (double)(count - 1));
    while (periods.count < PERIOD_MOST) {
        size_t period = next_period(&search, &periods);
        if (period == 0)
            break;
        accept(&search, period, &periods);
        if (is_spent(&search))
            break;
        if (period == DAY && periods.count < PERIOD_MOST && has_week(&search))
            accept(&search, WEEK, &periods);
    }
    sort(&periods);
    return periods;
}

size_t
period_longest(size_t count)
{
    size_t longest = (size_t)((double)count / CYCLES_LEAST);
    return longest < PERIOD_HOURS_MOST ? longest : PERIOD_HOURS_MOST;
}

double
period_autocorrelation(const double *values, size_t count, size_t lag)
{
    double sum = 0;
    double squares = 0;
    double products = 0;
    size_t known = 0;
    size_t pairs = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(values[i])) {
            sum += values[i];
            known++;
        }
    double mean = known > 0 ? sum / (double)known : 0;
    for (size_t i = 0; i < count; i++) {
        squares += isnan(values[i]) ? 0 : (values[i] - mean) * (values[i] - mean);
        if (i + lag < count && !isnan(values[i]) && !isnan(values[i + lag])) {
            products += (values[i] - mean) * (values[i + lag] - mean);
            pairs++;
        }
    }
    if (lag >= count || 2 * pairs < count - lag || squares <= 0)
        return NAN;
    return products / (double)pairs / (squares / (double)known);
}
