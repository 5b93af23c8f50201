// SPDX-License-Identifier: PostgreSQL
/*
 * Numbers as the shortest text that is read back as the same number: what JSON wants thousands of in one
 * answer, where printf() and reading back are most of the time that the answer takes.
 *
 * The text of a double is that of the first of "%.15g", "%.16g" and "%.17g" which strtod() gives the value
 * back for, character by character. From 0.0001 up to 10^15 the digits are made by whole numbers: a double is
 * m x 2^e, its digits after the shift by 10^k are m x 5^k x 2^(e + k), which 128 bits hold exactly. A number
 * of at most 53 bits divided by a power of ten that a double holds exactly is rounded once, so one division
 * tells whether it is read back (Clinger, "How to read floating point numbers accurately", 1990). All other
 * doubles go through printf().
 *
 * Pure; any thread.
 *
 *     char text[DECIMAL_BYTES];
 *     size_t length = decimal_from_double(0.1 + 0.2, text);   "0.30000000000000004"
 */
#ifndef FETTLE_BASE_DECIMAL_H
#define FETTLE_BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

#define DECIMAL_BYTES 32

/* Both end the text with a zero byte and give its length without it. The double must be finite. */
size_t decimal_from_double(double value, char ret_text[DECIMAL_BYTES]);
size_t decimal_from_int(int64_t value, char ret_text[DECIMAL_BYTES]);

#endif
