// SPDX-License-Identifier: PostgreSQL
/*
 * Distribution: tail probabilities that tests of means and variances need.
 *
 * All rest on the regularised incomplete beta function, by Lentz' continued fraction (Lentz 1976, as
 * modified by Thompson and Barnett 1986), which converges in O(sqrt(max(a, b))) steps; relative error
 * about 1e-12, also far out in the tail. Pure, any thread.
 *
 *     double p = distribution_student_upper(2.5, 29);
 */
#ifndef FETTLE_MATH_DISTRIBUTION_H
#define FETTLE_MATH_DISTRIBUTION_H

#include "base/attributes.h"

/* I_x(a, b) for x in 0 .. 1 and a, b > 0. */
double distribution_beta(double x, double a, double b);
/* P(T > t) of Student's t with so many degrees of freedom, > 0; t may be infinite, and so may freedom:
 * then it is the normal. */
double distribution_student_upper(double t, double freedom);
/* P(F > f) of Fisher's F; f >= 0, degrees of freedom > 0. */
double distribution_fisher_upper(double f, double freedom_between, double freedom_within);
/* The t that P(T > t) is a tail of, 0 < tail < 1. */
double distribution_student_quantile(double tail, double freedom);

#endif
