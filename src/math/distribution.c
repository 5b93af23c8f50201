// SPDX-License-Identifier: PostgreSQL
#include "math/distribution.h"

#include <math.h>

#define FRACTION_STEPS_MOST 10000
#define FRACTION_TINY 1e-300
#define FRACTION_EXACT 1e-15
#define EXACT 1e-13 /* of a quantile */

static double
away_from_zero(double value)
{
    return fabs(value) < FRACTION_TINY ? FRACTION_TINY : value;
}

/* The continued fraction of I_x(a, b); converges fast for x < (a + 1) / (a + b + 2). */
static double
beta_fraction(double x, double a, double b)
{
    double c = 1;
    double d = 1 / away_from_zero(1 - (a + b) * x / (a + 1));
    double value = d;
    for (int i = 1; i <= FRACTION_STEPS_MOST; i++) {
        double m = i;
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 / away_from_zero(1 + even * d);
        c = away_from_zero(1 + even / c);
        value *= d * c;
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / away_from_zero(1 + odd * d);
        c = away_from_zero(1 + odd / c);
        value *= d * c;
        if (fabs(d * c - 1) < FRACTION_EXACT)
            break;
    }
    return value;
}

static double
log_gamma(double value)
{
    int sign;
    return lgamma_r(value, &sign);
}

double
distribution_beta(double x, double a, double b)
{
    fettle_assert(a > 0 && b > 0 && x >= 0 && x <= 1);
    if (x == 0 || x == 1)
        return x;
    double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(x, a, b) / a;
    return 1 - front * beta_fraction(1 - x, b, a) / b;
}

double
distribution_student_upper(double t, double freedom)
{
    fettle_assert(freedom > 0);
    if (isinf(freedom))
        return erfc(t / sqrt(2)) / 2;
    double tail = isinf(t) ? 0 : distribution_beta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2;
    return t > 0 ? tail : 1 - tail;
}

double
distribution_fisher_upper(double f, double freedom_between, double freedom_within)
{
    fettle_assert(f >= 0 && freedom_between > 0 && freedom_within > 0);
    if (isinf(f))
        return 0;
    return distribution_beta(freedom_within / (freedom_within + freedom_between * f), freedom_within / 2,
                             freedom_between / 2);
}

static double
student_density(double t, double freedom)
{
    if (isinf(freedom))
        return exp(-t * t / 2) / sqrt(2 * M_PI);
    return exp(log_gamma((freedom + 1) / 2) - log_gamma(freedom / 2) -
               (freedom + 1) / 2 * log1p(t * t / freedom)) /
           sqrt(M_PI * freedom);
}

double
distribution_student_quantile(double tail, double freedom)
{
    fettle_assert(tail > 0 && tail < 1 && freedom > 0);
    if (tail > 0.5)
        return -distribution_student_quantile(1 - tail, freedom);
    double low = 0;
    double high = 1;
    while (distribution_student_upper(high, freedom) > tail)
        high *= 2;
    /* Newton's steps on the logarithm of the tail, halving where they leave what holds the root. */
    double t = high;
    for (int step = 0; step < 100 && high - low > EXACT * high; step++) {
        double upper = distribution_student_upper(t, freedom);
        if (upper > tail)
            low = t;
        else
            high = t;
        double next = t + upper / student_density(t, freedom) * log(upper / tail);
        bool is_within = next > low && next < high;
        if (is_within && fabs(next - t) <= EXACT * high)
            return next;
        t = is_within ? next : low + (high - low) / 2;
    }
    return low + (high - low) / 2;
}
