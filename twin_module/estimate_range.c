// SPDX-License-Identifier: PostgreSQL
/*
 * How many values there can be of numbers between the least and the greatest that were seen.
 *
 * Of a hundred different values nothing tells whether there are ten thousand or a million. But where all are
 * whole numbers, or have so many digits behind the point, there are no more than fit between their ends. What
 * is not seen lies a little further out: of n values drawn evenly from a range the ends are (n - 1) / (n + 1)
 * of it apart. A text of digits is a number here.
 */
#include "estimate.h"

#include <math.h>

#define SCALE_MOST 6
#define DIGITS_MOST 15 /* that are exact as double */
#define VALUES_LEAST 20

void
twin_range_begin(TwinRange *range)
{
    *range = (TwinRange){.least = INFINITY, .greatest = -INFINITY, .is_numeric = true};
}

void
twin_range_add(TwinRange *range, const char *text, int length)
{
    int at = length > 0 && text[0] == '-', digits = 0, scale = 0;
    char number[DIGITS_MOST + SCALE_MOST + 3];
    for (; at < length && isdigit((unsigned char)text[at]); at++)
        digits++;
    if (at < length && text[at] == '.') {
        for (at++; at < length && isdigit((unsigned char)text[at]); at++)
            scale++;
    }
    if (at < length || digits == 0 || digits + scale > DIGITS_MOST || scale > SCALE_MOST) {
        range->is_numeric = false;
        return;
    }
    memcpy(number, text, length);
    number[length] = '\0';
    range->scale = Max(range->scale, scale);
    range->least = Min(range->least, strtod(number, NULL));
    range->greatest = Max(range->greatest, strtod(number, NULL));
}

double
twin_range_values(const TwinRange *range, double distinct)
{
    if (!range->is_numeric || distinct < VALUES_LEAST || range->least > range->greatest)
        return INFINITY;
    return Max((range->greatest - range->least) * pow(10, range->scale) * (distinct + 1) / (distinct - 1) + 1,
               distinct);
}
