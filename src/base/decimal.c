// SPDX-License-Identifier: PostgreSQL
#include "base/decimal.h"

#include "base/attributes.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_LEAST 15
#define DIGITS_MOST 17
#define FAST_LEAST 1e-4
#define FAST_BELOW 1e15
#define EXACT_BITS 53
#define EXACT_MOST (UINT64_C(1) << EXACT_BITS)

__extension__ typedef unsigned __int128 Wide;

/* Powers of ten that a double holds exactly. */
static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9, 1e10,
                              1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20};

/* value, in [FAST_LEAST, FAST_BELOW), is digits x 10^(place - count + 1) as near as count digits come. */
typedef struct Digits {
    uint64_t digits;
    int count;
    int place; /* of the first digit: 0 for 1 .. 9 */
} Digits;

static int
place_of(double value)
{
    static const double from[] = {1e-3, 1e-2, 1e-1, 1e0, 1e1,  1e2,  1e3,  1e4,  1e5,
                                  1e6,  1e7,  1e8,  1e9, 1e10, 1e11, 1e12, 1e13, 1e14};
    size_t passed = 0;
    while (passed < FETTLE_COUNT_OF(from) && value >= from[passed])
        passed++;
    return (int)passed - 4;
}

/* value x 10^power, rounded half to even. */
static uint64_t
scaled(double value, int power)
{
    int exponent = 0;
    Wide product = (uint64_t)ldexp(frexp(value, &exponent), EXACT_BITS);
    int shift = exponent - EXACT_BITS + power;
    for (int i = 0; i < power; i++)
        product *= 5;
    if (shift >= 0)
        return (uint64_t)(product << shift);
    Wide half = (Wide)1 << (-shift - 1);
    Wide rest = product & ((half << 1) - 1);
    uint64_t whole = (uint64_t)(product >> -shift);
    return whole + (rest > half || (rest == half && (whole & 1) != 0));
}

static Digits
digits_of(double value, int count)
{
    Digits made = {.count = count, .place = place_of(value)};
    made.digits = scaled(value, count - 1 - made.place);
    if (made.digits >= (uint64_t)tens[count]) {
        made.digits /= 10;
        made.place++;
    }
    return made;
}

static size_t
digits_write(const Digits *made, bool is_negative, char ret_text[DECIMAL_BYTES])
{
    char reversed[DIGITS_MOST + 1];
    uint64_t left = made->digits;
    for (int i = made->count - 1; i >= 0; i--, left /= 10)
        reversed[i] = (char)('0' + left % 10);
    int count = made->count;
    while (count > 1 && reversed[count - 1] == '0')
        count--;
    size_t length = 0;
    if (is_negative)
        ret_text[length++] = '-';
    if (made->place < 0) {
        ret_text[length++] = '0';
        ret_text[length++] = '.';
        for (int i = -1; i > made->place; i--)
            ret_text[length++] = '0';
    }
    for (int i = 0; i < count || i <= made->place; i++) {
        if (i == made->place + 1 && made->place >= 0)
            ret_text[length++] = '.';
        ret_text[length++] = i < count ? reversed[i] : '0';
    }
    ret_text[length] = '\0';
    return length;
}

/* False when the digits are not enough, or too many to tell by one division. */
static bool
digits_are_read_back(const Digits *made, double value)
{
    return made->digits <= EXACT_MOST && (double)made->digits / tens[made->count - 1 - made->place] == value;
}

static size_t
from_double_by_printf(double value, char ret_text[DECIMAL_BYTES])
{
    int length = 0;
    for (int precision = DIGITS_LEAST; precision <= DIGITS_MOST; precision++) {
        length = snprintf(ret_text, DECIMAL_BYTES, "%.*g", precision, value);
        if (strtod(ret_text, NULL) == value)
            break;
    }
    fettle_assert(length > 0 && length < DECIMAL_BYTES);
    return (size_t)length;
}

size_t
decimal_from_double(double value, char ret_text[DECIMAL_BYTES])
{
    double size = fabs(value);
    fettle_assert(isfinite(value));
    if (value == 0 && !signbit(value))
        return decimal_from_int(0, ret_text);
    if (size < FAST_LEAST || size >= FAST_BELOW)
        return from_double_by_printf(value, ret_text);
    for (int count = DIGITS_LEAST; count <= DIGITS_MOST; count++) {
        Digits made = digits_of(size, count);
        /* printf() would write an exponent. */
        if (made.place >= count)
            return from_double_by_printf(value, ret_text);
        bool is_right = count == DIGITS_MOST || digits_are_read_back(&made, size);
        if (!is_right && made.digits <= EXACT_MOST)
            continue;
        size_t length = digits_write(&made, value < 0, ret_text);
        if (is_right || strtod(ret_text, NULL) == value)
            return length;
    }
    fettle_assert(false);
    return 0;
}

size_t
decimal_from_int(int64_t value, char ret_text[DECIMAL_BYTES])
{
    char reversed[DECIMAL_BYTES];
    size_t count = 0;
    size_t length = 0;
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do {
        reversed[count++] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0)
        ret_text[length++] = '-';
    while (count > 0)
        ret_text[length++] = reversed[--count];
    ret_text[length] = '\0';
    return length;
}
