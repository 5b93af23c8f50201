// SPDX-License-Identifier: PostgreSQL
/*
 * Confidence sequence: bounds of a sum of noise that hold at all times at once, so that one may look after
 * each value and act on what one sees.
 *
 * The normal mixture (Robbins 1970; Howard, Ramdas, McAuliffe and Sekhon 2021, sections 3.2 and 3.5): a sum
 * whose increments have mean 0 and add up to variance v (normal ones, or means of many) is beyond the
 * boundary at any time ever with probability alpha at most. The price is width: about half as much again as
 * an interval that is looked at once. rho says at which variance the boundary is tightest; it must be chosen
 * before the values are seen. Pure, any thread.
 *
 *     double rho = confidence_sequence_rho(0.05, variance_when_it_matters);
 *     double radius = confidence_sequence_two_sided(0.05, rho, count * variance) / count;
 */
#ifndef FETTLE_MATH_CONFIDENCE_SEQUENCE_H
#define FETTLE_MATH_CONFIDENCE_SEQUENCE_H

#include "base/attributes.h"

/* alpha in 0 .. 1, both outside; variance >= 0; rho > 0. */
double confidence_sequence_two_sided(double alpha, double rho, double variance);
double confidence_sequence_one_sided(double alpha, double rho, double variance);
/* Tightest near this variance, > 0, two-sided; for a one-sided boundary give twice the alpha. */
double confidence_sequence_rho(double alpha, double variance);

#endif
