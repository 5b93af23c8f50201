// SPDX-License-Identifier: PostgreSQL
/*
 * Minimize: the least value of a function of a few numbers, without derivatives.
 *
 * The simplex search of Nelder and Mead (1965) with their coefficients (reflect 1, expand 2, contract 1/2,
 * shrink 1/2). Parameters stay in a box: a point outside is moved onto its wall before it is evaluated. A
 * value that is not finite counts as the worst. Deterministic, pure, no memory of its own; ends after so many
 * evaluations or when the simplex' values differ by less than a share of the best one.
 *
 *     double best[2] = {0.1, 0.5};
 *     MinimizeOptions options = {.function = error_of, .context = &series, .lower = low, .upper = high,
 *                                .step = 0.1, .tolerance = 1e-4, .evaluations_most = 60};
 *     double least = minimize_simplex(&options, best, 2);
 */
#ifndef FETTLE_MATH_MINIMIZE_H
#define FETTLE_MATH_MINIMIZE_H

#include "base/attributes.h"

#define MINIMIZE_PARAMETERS_MOST 8

typedef double (*MinimizeFunction)(const double *parameters, const void *context);

typedef struct MinimizeOptions {
    MinimizeFunction function;
    const void *context;
    const double *lower; /* of each parameter */
    const double *upper;
    double step;      /* of the first simplex, a share of each parameter's range */
    double tolerance; /* share of the best value */
    size_t evaluations_most;
} MinimizeOptions;

/* Starts from and ends in parameters; returns the value there. count 1 .. MINIMIZE_PARAMETERS_MOST. */
double minimize_simplex(const MinimizeOptions *options, double *parameters, size_t count);

#endif
