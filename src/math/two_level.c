// SPDX-License-Identifier: PostgreSQL
#include "math/two_level.h"

#include "math/distribution.h"
#include "math/statistics.h"

#include <math.h>

#define FREEDOM 5.0 /* of Student's t; (FREEDOM + 1) / 2 is 3 */
#define MEMORY_MOST 0.95
#define ITERATIONS_MOST 40
#define STEPS_LEAST 5    /* before a fit is given up */
#define GAIN_LEAST 0.01  /* of the likelihood, to go on */
#define SHIFT_LEAST 1e-3 /* of the deviation, to go on */
#define CHANCE_LEAST 1e-300
#define PRODUCT_LEAST 1e-200
#define MOVE_LEAST 1e-4
#define MOVE_MOST 0.5
#define LEVELS_ROUNDS 10
#define KNOWN_LEAST ((size_t)10)
#define MEMORY_BEGIN 0.3
#define MOVE_BEGIN 0.025
#define STARTS ((size_t)6)

/* Weighted sums over steps whose pair of levels is (before, now). */
typedef struct PairSums {
    double weight;
    double now;
    double last;
    double now_now;
    double now_last;
    double last_last;
} PairSums;

/* One pass over a series, forth and back. A pair is 2 * state before + state now. */
typedef struct Pass {
    const double *values;
    size_t count;
    double start[2];        /* chances of the states at the first step */
    double (*forward)[2];   /* chances of the states, by what came so far */
    double (*emissions)[4]; /* of a pair */
    double (*weights)[4];   /* of its error in a fit; none without a value */
    double *high;           /* chance of the high level, by all */
    PairSums sums[4];
    double lone_weight[2]; /* of values that follow none, by their state, and of those times the value */
    double lone_value[2];
    double moved[4]; /* expected count of a pair */
    double known;    /* steps with a value that follows one */
    double likelihood;
} Pass;

/* Student's density but for its constant, and the weight that its error has in a fit. */
static double
density_of(double error, double rate, double *ret_weight)
{
    double ratio = error * rate;
    double part = 1 / (1 + ratio * ratio / FREEDOM);
    *ret_weight = (FREEDOM + 1) / FREEDOM * part;
    return rate * part * part * part;
}

static void
emit(const TwoLevel *model, double rate, Pass *pass, size_t t)
{
    double value = pass->values[t];
    double last = t == 0 ? NAN : pass->values[t - 1];
    bool is_alone = isnan(last);
    double own_rate = is_alone ? rate * sqrt(1 - model->memory * model->memory) : rate;
    for (int pair = 0; pair < 4; pair++) {
        double carried = is_alone ? 0 : model->memory * (last - model->levels[pair / 2]);
        double error = value - model->levels[pair % 2] - carried;
        pass->emissions[t][pair] = isnan(value) ? 1 : density_of(error, own_rate, &pass->weights[t][pair]);
    }
}

static double
move_chance(const TwoLevel *model, int before, int now)
{
    return before == now ? 1 - model->moves[before] : model->moves[before];
}

static void
pass_forward(const TwoLevel *model, Pass *pass)
{
    double rate = 1 / model->deviation;
    double product = 1; /* its logarithm is taken now and then: one for each step would be most of the time */
    pass->likelihood = 0;
    for (size_t t = 0; t < pass->count; t++) {
        emit(model, rate, pass, t);
        double joint[2] = {0};
        for (int pair = 0; pair < 4; pair++) {
            double before = t == 0 ? (pair / 2 == pair % 2 ? pass->start[pair % 2] : 0)
                                   : pass->forward[t - 1][pair / 2] * move_chance(model, pair / 2, pair % 2);
            joint[pair % 2] += before * pass->emissions[t][pair];
        }
        double all = joint[0] + joint[1] > CHANCE_LEAST ? joint[0] + joint[1] : CHANCE_LEAST;
        if (product * all < PRODUCT_LEAST || product * all > 1 / PRODUCT_LEAST) {
            pass->likelihood += log(product) + log(all);
            product = 1;
        } else {
            product *= all;
        }
        for (int level = 0; level < 2; level++)
            pass->forward[t][level] = joint[level] / all;
    }
    pass->likelihood += log(product);
}

static void
sums_add(PairSums *sums, double weight, double now, double last)
{
    sums->weight += weight;
    sums->now += weight * now;
    sums->last += weight * last;
    sums->now_now += weight * now * now;
    sums->now_last += weight * now * last;
    sums->last_last += weight * last * last;
}

/* What the step to t says of its pairs, by their chances. */
static void
step_count(Pass *pass, size_t t, const double *chances)
{
    double value = pass->values[t];
    double last = pass->values[t - 1];
    bool is_known = !isnan(value) && !isnan(last);
    pass->known += is_known;
    for (int pair = 0; pair < 4; pair++) {
        pass->moved[pair] += chances[pair];
        if (!is_known)
            continue;
        sums_add(&pass->sums[pair], chances[pair] * pass->weights[t][pair], value, last);
    }
}

/* What a value that follows none says of its level: it scatters as the noise does, not as what is new in it.
 */
static void
lone_count(const TwoLevel *model, Pass *pass, size_t t)
{
    double value = pass->values[t];
    if (isnan(value) || (t > 0 && !isnan(pass->values[t - 1])))
        return;
    double part = 1 - model->memory * model->memory;
    for (int level = 0; level < 2; level++) {
        double ratio = (value - model->levels[level]) / model->deviation;
        double chance = level == 1 ? pass->high[t] : 1 - pass->high[t];
        double weight = chance * part * (FREEDOM + 1) / (FREEDOM + part * ratio * ratio);
        pass->lone_weight[level] += weight;
        pass->lone_value[level] += weight * value;
    }
}

static void
pass_backward(const TwoLevel *model, Pass *pass)
{
    double backward[2] = {1, 1};
    for (int level = 0; level < 2; level++)
        pass->lone_weight[level] = pass->lone_value[level] = 0;
    for (int pair = 0; pair < 4; pair++) {
        pass->sums[pair] = (PairSums){0};
        pass->moved[pair] = 0;
    }
    pass->known = 0;
    for (size_t t = pass->count; t-- > 0;) {
        double ends[2] = {pass->forward[t][0] * backward[0], pass->forward[t][1] * backward[1]};
        pass->high[t] = ends[1] / (ends[0] + ends[1] > CHANCE_LEAST ? ends[0] + ends[1] : CHANCE_LEAST);
        lone_count(model, pass, t);
        if (t == 0)
            break;
        double chances[4];
        double all = CHANCE_LEAST;
        double next[2] = {0};
        for (int pair = 0; pair < 4; pair++) {
            double onward =
                move_chance(model, pair / 2, pair % 2) * pass->emissions[t][pair] * backward[pair % 2];
            chances[pair] = pass->forward[t - 1][pair / 2] * onward;
            next[pair / 2] += onward;
            all += chances[pair];
        }
        for (int pair = 0; pair < 4; pair++)
            chances[pair] /= all;
        step_count(pass, t, chances);
        double scale = next[0] + next[1] > CHANCE_LEAST ? next[0] + next[1] : CHANCE_LEAST;
        backward[0] = next[0] / scale;
        backward[1] = next[1] / scale;
    }
}

/* Least squares of both levels, whitened by the memory. */
static void
levels_update(const Pass *pass, TwoLevel *model)
{
    double a[2][2] = {{0}};
    double b[2] = {0};
    double m = model->memory;
    for (int pair = 0; pair < 4; pair++) {
        const PairSums *s = &pass->sums[pair];
        double d[2] = {(pair % 2 == 0) - m * (pair / 2 == 0), (pair % 2 == 1) - m * (pair / 2 == 1)};
        for (int r = 0; r < 2; r++) {
            b[r] += d[r] * (s->now - m * s->last);
            for (int c = 0; c < 2; c++)
                a[r][c] += d[r] * d[c] * s->weight;
        }
    }
    double determinant = a[0][0] * a[1][1] - a[0][1] * a[1][0];
    if (determinant > 1e-9 * a[0][0] * a[0][0]) {
        model->levels[0] = (b[0] * a[1][1] - b[1] * a[0][1]) / determinant;
        model->levels[1] = (b[1] * a[0][0] - b[0] * a[1][0]) / determinant;
    } else if (a[0][0] > 0 && pass->start[1] == 0) {
        model->levels[0] = b[0] / a[0][0];
    }
}

/* The memory of what the levels leave, and the scale of what is new in that. */
static void
memory_update(const Pass *pass, TwoLevel *model)
{
    double product = 0;
    double square = 0;
    double error = 0;
    for (int pair = 0; pair < 4; pair++) {
        const PairSums *s = &pass->sums[pair];
        double now = model->levels[pair % 2];
        double last = model->levels[pair / 2];
        product += s->now_last - last * s->now - now * s->last + now * last * s->weight;
        square += s->last_last - 2 * last * s->last + last * last * s->weight;
        error += s->now_now - 2 * now * s->now + now * now * s->weight;
    }
    if (square > 0)
        model->memory = fmin(fmax(product / square, 0), MEMORY_MOST);
    error += model->memory * (model->memory * square - 2 * product);
    if (pass->known > 0 && error > 0)
        model->deviation = sqrt(error / pass->known);
}

/* As if half a move in twenty steps had been seen before. */
static void
moves_update(const Pass *pass, TwoLevel *model)
{
    for (int level = 0; level < 2; level++) {
        double stayed = pass->moved[2 * level + level];
        double left = pass->moved[2 * level + 1 - level];
        model->moves[level] = fmin(fmax((left + 0.5) / (stayed + left + 20), MOVE_LEAST), MOVE_MOST);
    }
}

/* From where the model is to the nearest top of the likelihood, or to where steps as large as the last one
 * would not bring it above worth; a pass that starts in the low state for sure, with a model that never
 * moves, is of one level. */
static void
model_improve(Pass *pass, TwoLevel *model, double worth)
{
    double before = -INFINITY;
    for (int i = 0; i < ITERATIONS_MOST; i++) {
        pass_forward(model, pass);
        pass_backward(model, pass);
        model->likelihood = pass->likelihood;
        double step = pass->likelihood - before;
        if (step < GAIN_LEAST && i > 3)
            break;
        if (i > STEPS_LEAST && pass->likelihood + step * (ITERATIONS_MOST - i) < worth)
            break;
        before = pass->likelihood;
        for (int round = 0; round < 2; round++) {
            levels_update(pass, model);
            memory_update(pass, model);
        }
        if (pass->start[1] > 0)
            moves_update(pass, model);
    }
}

static Pass
pass_new(Arena *arena, const double *values, size_t count, double *high)
{
    return (Pass){.values = values,
                  .count = count,
                  .forward = arena_alloc_array(arena, count, sizeof(double[2])),
                  .emissions = arena_alloc_array(arena, count, sizeof(double[4])),
                  .weights = arena_alloc_array(arena, count, sizeof(double[4])),
                  .high = high};
}

/* Two means of the known values, from their outer tenths on. */
static void
levels_begin(double *known, size_t count, double *ret_levels, double *ret_deviation)
{
    double levels[2] = {statistics_quantile(known, count, 0.1), statistics_quantile(known, count, 0.9)};
    double square = 0;
    for (int round = 0; round < LEVELS_ROUNDS; round++) {
        double sums[2] = {0};
        double members[2] = {0};
        square = 0;
        for (size_t i = 0; i < count; i++) {
            int nearest = fabs(known[i] - levels[1]) < fabs(known[i] - levels[0]);
            sums[nearest] += known[i];
            members[nearest]++;
            square += pow(known[i] - levels[nearest], 2);
        }
        for (int level = 0; level < 2; level++)
            if (members[level] > 0)
                levels[level] = sums[level] / members[level];
    }
    ret_levels[0] = levels[0];
    ret_levels[1] = levels[1];
    *ret_deviation = sqrt(square / (double)count);
}

static size_t
known_of(const double *values, size_t count, double *ret_known)
{
    size_t known = 0;
    for (size_t t = 0; t < count; t++)
        if (!isnan(values[t]))
            ret_known[known++] = values[t];
    return known;
}

/* Lets levels[0] be the lower one. */
static void
model_order(TwoLevel *model, double *high, size_t count)
{
    if (model->levels[1] >= model->levels[0])
        return;
    for (size_t t = 0; t < count; t++)
        high[t] = 1 - high[t];
    double level = model->levels[0];
    model->levels[0] = model->levels[1];
    model->levels[1] = level;
    double move = model->moves[0];
    model->moves[0] = model->moves[1];
    model->moves[1] = move;
}

static void
fit_known(Arena *arena, const double *values, size_t count, TwoLevel *model, double *high)
{
    double *known = ARENA_NEW_ARRAY(arena, double, count);
    size_t known_count = known_of(values, count, known);
    if (known_count < KNOWN_LEAST)
        return;
    double middle = statistics_median(known, known_count);
    double deviation = 0;
    for (size_t i = 0; i < known_count; i++)
        deviation += fabs(known[i] - middle) / (double)known_count;
    TwoLevel found = {.memory = MEMORY_BEGIN, .moves = {MOVE_BEGIN, MOVE_BEGIN}};
    levels_begin(known, known_count, found.levels, &found.deviation);
    if (!(deviation > 0) || !(found.deviation > 0))
        return;
    Pass pass = pass_new(arena, values, count, high);
    TwoLevel single = {.levels = {middle, middle}, .deviation = deviation, .memory = MEMORY_BEGIN};
    pass.start[0] = 1;
    model_improve(&pass, &single, -INFINITY);
    pass.start[0] = pass.start[1] = 0.5;
    model_improve(&pass, &found, single.likelihood + TWO_LEVEL_GAIN_TOLD);
    found.gain = found.likelihood - single.likelihood;
    model_order(&found, high, count);
    for (size_t t = 0; t < count; t++)
        found.share_high += isnan(values[t]) ? 0 : high[t] / (double)known_count;
    found.known = (double)known_count;
    found.last_high = high[count - 1];
    *model = found;
}

void
two_level_fit(Arena *arena, const double *values, size_t count, TwoLevel *ret_model, double *ret_high)
{
    fettle_assert(count >= 1);
    ArenaMark mark = arena_mark(arena);
    *ret_model = (TwoLevel){0};
    for (size_t t = 0; t < count; t++)
        ret_high[t] = 0;
    fit_known(arena, values, count, ret_model, ret_high);
    arena_rewind(arena, mark);
}

/* How much further a shift of both levels would explain the values best, for the path of levels in the pass.
 */
static double
shift_step(const Pass *pass, const TwoLevel *moved)
{
    double product = 0;
    double square = 0;
    double step = 1 - moved->memory;
    for (int pair = 0; pair < 4; pair++) {
        const PairSums *s = &pass->sums[pair];
        double error = s->now - moved->levels[pair % 2] * s->weight -
                       moved->memory * (s->last - moved->levels[pair / 2] * s->weight);
        product += step * error;
        square += step * step * s->weight;
    }
    for (int level = 0; level < 2; level++) {
        product += pass->lone_value[level] - moved->levels[level] * pass->lone_weight[level];
        square += pass->lone_weight[level];
    }
    return square > 0 ? product / square : 0;
}

/* The shift, from one on, that the path of levels under it explains best; the path in the pass. */
static double
shift_climb(Pass *pass, const TwoLevel *model, double shift)
{
    TwoLevel moved = *model;
    for (int i = 0; i < ITERATIONS_MOST; i++) {
        moved.levels[0] = model->levels[0] + shift;
        moved.levels[1] = model->levels[1] + shift;
        pass_forward(&moved, pass);
        pass_backward(&moved, pass);
        double step = shift_step(pass, &moved);
        shift += step;
        if (fabs(step) < SHIFT_LEAST * model->deviation)
            break;
    }
    return shift;
}

double
two_level_later(const TwoLevel *model, size_t steps)
{
    double sum = model->moves[0] + model->moves[1];
    if (!(sum > 0))
        return model->last_high;
    double settled = model->moves[0] / sum;
    return settled + (model->last_high - settled) * pow(1 - sum, (double)steps);
}

double
two_level_share_most(const TwoLevel *model, double tail)
{
    double sum = model->moves[0] + model->moves[1];
    if (!(sum > 0) || !(model->known > 0))
        return 1;
    double square = pow(distribution_student_quantile(tail, INFINITY), 2);
    double count = fmax(model->known * sum / fmax(2 - sum, sum), 1);
    double share = model->share_high;
    double half = sqrt(square * (share * (1 - share) / count + square / (4 * count * count)));
    return fmin((share + square / (2 * count) + half) / (1 + square / count), 1);
}

/* The likelihood of a shift, be it the best of its path or not. */
static double
shift_likelihood(Pass *pass, const TwoLevel *model, double shift)
{
    TwoLevel moved = *model;
    moved.levels[0] += shift;
    moved.levels[1] += shift;
    pass_forward(&moved, pass);
    return pass->likelihood;
}

/* Takes another explanation into account. */
static void
shift_consider(TwoLevelShift *shift, double gap, double other, double lead)
{
    TwoLevelOther *side = other < shift->shift ? &shift->below : &shift->above;
    if (fabs(other - shift->shift) > gap / 2 && lead < side->lead)
        *side = (TwoLevelOther){.shift = other, .lead = lead};
}

void
two_level_shift(Arena *arena, const TwoLevel *model, double start_high, const double *values, size_t count,
                TwoLevelShift *ret_shift, double *ret_high)
{
    static const double places[] = {0.1, 0.5, 0.9}; /* quantiles that may be either level */
    double gap = model->levels[1] - model->levels[0];
    fettle_assert(gap > 0);
    *ret_shift = (TwoLevelShift){.below.lead = INFINITY, .above.lead = INFINITY};
    ArenaMark mark = arena_mark(arena);
    double *known = ARENA_NEW_ARRAY(arena, double, count);
    size_t known_count = known_of(values, count, known);
    Pass pass = pass_new(arena, values, count, ret_high);
    pass.start[0] = 1 - start_high;
    pass.start[1] = start_high;
    double shifts[STARTS] = {0};
    double likelihoods[STARTS];
    size_t best = 0;
    for (size_t i = 0; i < STARTS && known_count > 0; i++) {
        double level = statistics_quantile(known, known_count, places[i / 2]);
        shifts[i] = shift_climb(&pass, model, level - model->levels[i % 2]);
        likelihoods[i] = pass.likelihood;
        best = likelihoods[i] > likelihoods[best] ? i : best;
    }
    ret_shift->shift = shift_climb(&pass, model, shifts[best]);
    for (size_t i = 0; i < STARTS && known_count > 0; i++)
        shift_consider(ret_shift, gap, shifts[i], likelihoods[best] - likelihoods[i]);
    /* Where there are few values, the other state throughout may be no top of the likelihood, but a shoulder
     * that every climb leaves. */
    for (int side = -1; side <= 1 && known_count > 0; side += 2) {
        double other = ret_shift->shift + side * gap;
        shift_consider(ret_shift, gap, other, likelihoods[best] - shift_likelihood(&pass, model, other));
    }
    arena_rewind(arena, mark);
}
