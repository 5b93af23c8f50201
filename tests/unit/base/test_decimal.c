// SPDX-License-Identifier: PostgreSQL
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "base/decimal.h"
#include "base/random.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 100000

static void
assert_as_printf(double value)
{
    char wanted[64];
    char text[DECIMAL_BYTES];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(wanted, sizeof(wanted), "%.*g", precision, value);
        if (strtod(wanted, NULL) == value)
            break;
    }
    size_t length = decimal_from_double(value, text);
    assert_string_equal(text, wanted);
    assert_int_equal(length, strlen(text));
}

static void
doubles_at_every_edge_are_written_as_printf_would(void **state)
{
    (void)state;
    static const double edges[] = {0,
                                   -0.0,
                                   0.1,
                                   -0.1,
                                   0.1 + 0.2,
                                   1.0 / 3,
                                   0.5,
                                   1,
                                   -1,
                                   10,
                                   100,
                                   123.456,
                                   1e-3,
                                   1e-4,
                                   9.9999999999999991e-5,
                                   1e-5,
                                   1e14,
                                   1e15,
                                   1e16,
                                   1e17,
                                   1e300,
                                   999999999999999,
                                   999999999999999.9,
                                   99999999999999.98,
                                   9007199254740992.0,
                                   9007199254740993.0,
                                   0.9007199254740993,
                                   DBL_MAX,
                                   DBL_MIN,
                                   DBL_TRUE_MIN,
                                   DBL_EPSILON};
    for (size_t i = 0; i < FETTLE_COUNT_OF(edges); i++)
        assert_as_printf(edges[i]);
    for (int power = -6; power <= 17; power++) {
        double ten = pow(10, power);
        assert_as_printf(ten);
        assert_as_printf(nextafter(ten, 0));
        assert_as_printf(nextafter(ten, INFINITY));
    }
}

static void
doubles_of_every_size_are_written_as_printf_would(void **state)
{
    (void)state;
    Random random = random_new(7);
    for (int i = 0; i < TRIES; i++) {
        double size = pow(10, random_unit(&random) * 24 - 6);
        assert_as_printf(random_unit(&random) * size);
        assert_as_printf((double)random_below(&random, UINT64_C(1) << 40) / 1000);
        assert_as_printf((double)random_below(&random, 1000000) / (double)(1 + random_below(&random, 1000)));
    }
}

static void
any_bits_that_are_a_finite_double_are_written_as_printf_would(void **state)
{
    (void)state;
    Random random = random_new(8);
    for (int i = 0; i < TRIES; i++) {
        uint64_t bits = random_next(&random);
        double value;
        memcpy(&value, &bits, sizeof(value));
        if (isfinite(value))
            assert_as_printf(value);
    }
}

static void
whole_numbers_are_written_in_full(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {{0, "0"},
                 {7, "7"},
                 {-1, "-1"},
                 {1000, "1000"},
                 {INT64_MAX, "9223372036854775807"},
                 {INT64_MIN, "-9223372036854775808"}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        char text[DECIMAL_BYTES];
        assert_int_equal(decimal_from_int(cases[i].value, text), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_at_every_edge_are_written_as_printf_would),
        cmocka_unit_test(doubles_of_every_size_are_written_as_printf_would),
        cmocka_unit_test(any_bits_that_are_a_finite_double_are_written_as_printf_would),
        cmocka_unit_test(whole_numbers_are_written_in_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
