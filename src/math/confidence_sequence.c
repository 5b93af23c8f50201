// SPDX-License-Identifier: PostgreSQL
#include "math/confidence_sequence.h"

#include <math.h>

double
confidence_sequence_two_sided(double alpha, double rho, double variance)
{
    fettle_assert(alpha > 0 && alpha < 1 && rho > 0 && variance >= 0);
    return sqrt((variance + rho) * (log1p(variance / rho) - 2 * log(alpha)));
}

double
confidence_sequence_one_sided(double alpha, double rho, double variance)
{
    fettle_assert(alpha > 0 && alpha < 1 && rho > 0 && variance >= 0);
    return sqrt(2 * (variance + rho) * log1p(sqrt((variance + rho) / rho) / (2 * alpha)));
}

double
confidence_sequence_rho(double alpha, double variance)
{
    fettle_assert(alpha > 0 && alpha < 1 && variance > 0);
    double logarithm = -2 * log(alpha);
    return variance / (logarithm + log1p(logarithm));
}
