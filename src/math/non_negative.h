// SPDX-License-Identifier: PostgreSQL
/*
 * Non-negative: least squares whose coefficients may not be below 0, as weights of a mixture are.
 *
 * Minimises |A w - b|^2 over w >= 0 from the products A'A and A'b alone, by the active sets of Lawson and
 * Hanson (1974) in the form of Bro and de Jong (1997). Pure; memory from the arena.
 *
 *     non_negative_solve(arena, products, target, count, weights);          any sum
 *     non_negative_solve_mixture(arena, products, target, count, weights);  weights that add up to 1
 */
#ifndef FETTLE_MATH_NON_NEGATIVE_H
#define FETTLE_MATH_NON_NEGATIVE_H

#include "base/arena.h"

#define NON_NEGATIVE_COUNT_MOST ((size_t)256)

/* products: A'A, count × count, symmetric, with positive diagonal; target: A'b. A column that the others
 * explain wholly gets weight 0. */
void non_negative_solve(Arena *arena, const double *products, const double *target, size_t count,
                        double *ret_weights);
/* The same under the condition that the weights add up to 1 (within rounding). count > 0. */
void non_negative_solve_mixture(Arena *arena, const double *products, const double *target, size_t count,
                                double *ret_weights);

#endif
