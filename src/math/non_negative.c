// SPDX-License-Identifier: PostgreSQL
#include "math/non_negative.h"

#include <math.h>
#include <string.h>

typedef struct Search {
    const double *products;
    const double *target;
    size_t count;
    double tolerance;
    bool *is_free;     /* may be above 0 */
    bool *is_barred;   /* explained by those that are free */
    double *weights;   /* of this step */
    double *trial;     /* the least squares over the free */
    double *factor;    /* Cholesky, of the free in order */
    size_t *positions; /* of the free */
} Search;

/* Least squares over the free columns; false when they depend on each other. */
static bool
solve_free(Search *search)
{
    size_t free_count = 0;
    for (size_t i = 0; i < search->count; i++)
        if (search->is_free[i])
            search->positions[free_count++] = i;
    double *factor = search->factor;
    for (size_t i = 0; i < free_count; i++)
        for (size_t j = 0; j <= i; j++) {
            double diagonal = search->products[search->positions[i] * search->count + search->positions[i]];
            double sum = search->products[search->positions[i] * search->count + search->positions[j]];
            for (size_t k = 0; k < j; k++)
                sum -= factor[i * search->count + k] * factor[j * search->count + k];
            if (i == j && sum <= diagonal * 1e-12)
                return false;
            factor[i * search->count + j] = i == j ? sqrt(sum) : sum / factor[j * search->count + j];
        }
    memset(search->trial, 0, search->count * sizeof(*search->trial));
    for (size_t i = 0; i < free_count; i++) {
        double sum = search->target[search->positions[i]];
        for (size_t k = 0; k < i; k++)
            sum -= factor[i * search->count + k] * search->trial[search->positions[k]];
        search->trial[search->positions[i]] = sum / factor[i * search->count + i];
    }
    for (size_t i = free_count; i-- > 0;) {
        double sum = search->trial[search->positions[i]];
        for (size_t k = i + 1; k < free_count; k++)
            sum -= factor[k * search->count + i] * search->trial[search->positions[k]];
        search->trial[search->positions[i]] = sum / factor[i * search->count + i];
    }
    return true;
}

/* The column that would lessen the squares most; count when none would. */
static size_t
best_column(const Search *search)
{
    size_t best = search->count;
    double best_slope = search->tolerance;
    for (size_t i = 0; i < search->count; i++) {
        if (search->is_free[i] || search->is_barred[i])
            continue;
        double slope = search->target[i];
        for (size_t j = 0; j < search->count; j++)
            slope -= search->products[i * search->count + j] * search->weights[j];
        if (slope > best_slope) {
            best = i;
            best_slope = slope;
        }
    }
    return best;
}

/* From the weights towards the trial as far as none is below 0; true when the trial is reached. */
static bool
step_to_trial(Search *search)
{
    double step = 1;
    for (size_t i = 0; i < search->count; i++)
        if (search->is_free[i] && search->trial[i] <= 0)
            step = fmin(step, search->weights[i] / (search->weights[i] - search->trial[i]));
    bool is_reached = true;
    for (size_t i = 0; i < search->count; i++) {
        if (!search->is_free[i])
            continue;
        bool is_below = search->trial[i] <= 0;
        search->weights[i] += step * (search->trial[i] - search->weights[i]);
        if (is_below && search->weights[i] <= 1e-14) {
            search->weights[i] = 0;
            search->is_free[i] = false;
            is_reached = false;
        }
    }
    return is_reached || step == 1;
}

void
non_negative_solve(Arena *arena, const double *products, const double *target, size_t count,
                   double *ret_weights)
{
    fettle_assert(count <= NON_NEGATIVE_COUNT_MOST);
    Search search = {.products = products,
                     .target = target,
                     .count = count,
                     .is_free = ARENA_NEW_ARRAY(arena, bool, count),
                     .is_barred = ARENA_NEW_ARRAY(arena, bool, count),
                     .weights = ret_weights,
                     .trial = ARENA_NEW_ARRAY(arena, double, count),
                     .factor = ARENA_NEW_ARRAY(arena, double, count *count),
                     .positions = ARENA_NEW_ARRAY(arena, size_t, count)};
    memset(ret_weights, 0, count * sizeof(*ret_weights));
    for (size_t i = 0; i < count; i++)
        search.tolerance = fmax(search.tolerance, fabs(target[i]) * 1e-10);
    /* Each round of the outer loop lessens the squares; the bound is against rounding that undoes it. */
    for (size_t rounds = 0; rounds < 3 * count; rounds++) {
        size_t added = best_column(&search);
        if (added == count)
            return;
        search.is_free[added] = true;
        if (!solve_free(&search) || search.trial[added] <= 0) {
            search.is_free[added] = false;
            search.is_barred[added] = true;
            continue;
        }
        memset(search.is_barred, 0, count * sizeof(*search.is_barred));
        while (!step_to_trial(&search))
            if (!solve_free(&search))
                break;
    }
}

void
non_negative_solve_mixture(Arena *arena, const double *products, const double *target, size_t count,
                           double *ret_weights)
{
    fettle_assert(count > 0);
    double *pulled = ARENA_NEW_ARRAY(arena, double, count *count);
    double *pulled_target = ARENA_NEW_ARRAY(arena, double, count);
    double diagonal = 0;
    for (size_t i = 0; i < count; i++)
        diagonal += products[i * count + i];
    /* A row that asks for the sum, heavier than all the data; what it leaves over is scaled away. */
    double pull = 1e4 * fmax(diagonal / (double)count, 1e-300);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++)
            pulled[i * count + j] = products[i * count + j] + pull;
        pulled_target[i] = target[i] + pull;
    }
    non_negative_solve(arena, pulled, pulled_target, count, ret_weights);
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += ret_weights[i];
    for (size_t i = 0; i < count; i++)
        ret_weights[i] = sum > 0 ? ret_weights[i] / sum : 1 / (double)count;
}
