// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "math/distribution.h"

#include <math.h>

static void
assert_near(double value, double wanted, double tolerance)
{
    if (!(fabs(value - wanted) <= tolerance))
        fail_msg("%.15g is not %.15g", value, wanted);
}

static void
the_beta_function_is_the_binomial_tail_for_whole_numbers(void **state)
{
    (void)state;
    /* I_x(a, b) = sum over j >= a of C(a+b-1, j) x^j (1-x)^(a+b-1-j) */
    for (int a = 1; a < 12; a++)
        for (int b = 1; b < 12; b++)
            for (double x = 0.05; x < 1; x += 0.05) {
                int n = a + b - 1;
                double sum = 0;
                double choose = 1;
                for (int j = 0; j <= n; j++) {
                    if (j >= a)
                        sum += choose * pow(x, j) * pow(1 - x, n - j);
                    choose = choose * (n - j) / (j + 1);
                }
                assert_near(distribution_beta(x, a, b), sum, 1e-12);
            }
    assert_near(distribution_beta(0, 2, 3), 0, 0);
    assert_near(distribution_beta(1, 2, 3), 1, 0);
}

static void
the_tail_of_t_has_the_values_of_the_printed_tables(void **state)
{
    (void)state;
    static const struct {
        double t;
        double freedom;
        double tail;
    } table[] = {{6.313752, 1, 0.05},  {31.820516, 1, 0.01},  {2.919986, 2, 0.05},   {6.964557, 2, 0.01},
                 {1.812461, 10, 0.05}, {2.763769, 10, 0.01},  {4.143700, 10, 0.001}, {1.699127, 29, 0.05},
                 {2.462021, 29, 0.01}, {1.657651, 120, 0.05}, {2.357825, 120, 0.01}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(table); i++) {
        assert_near(distribution_student_upper(table[i].t, table[i].freedom), table[i].tail, 1e-7);
        assert_near(distribution_student_upper(-table[i].t, table[i].freedom), 1 - table[i].tail, 1e-7);
    }
}

static void
the_tail_of_t_is_exact_far_out(void **state)
{
    (void)state;
    /* one and two degrees of freedom have closed forms */
    for (double t = 1; t < 1e6; t *= 3) {
        double one = atan(1 / t) / M_PI;
        double two = 1 / ((2 + t * t) * (1 + t / sqrt(2 + t * t)));
        assert_near(distribution_student_upper(t, 1) / one, 1, 1e-10);
        assert_near(distribution_student_upper(t, 2) / two, 1, 1e-10);
    }
    assert_near(distribution_student_upper(0, 5), 0.5, 1e-15);
    assert_near(distribution_student_upper(INFINITY, 5), 0, 0);
    assert_near(distribution_student_upper(-INFINITY, 5), 1, 0);
}

static void
the_tail_of_f_has_the_values_of_the_printed_tables(void **state)
{
    (void)state;
    assert_near(distribution_fisher_upper(4.102821, 2, 10), 0.05, 1e-7);
    assert_near(distribution_fisher_upper(7.559432, 2, 10), 0.01, 1e-7);
    assert_near(distribution_fisher_upper(161.4476, 1, 1), 0.05, 1e-7);
    /* the square of t is F with one degree of freedom between */
    for (double t = 0.1; t < 50; t *= 1.7)
        assert_near(distribution_fisher_upper(t * t, 1, 13), 2 * distribution_student_upper(t, 13), 1e-12);
    assert_near(distribution_fisher_upper(0, 3, 9), 1, 1e-15);
    assert_near(distribution_fisher_upper(INFINITY, 3, 9), 0, 0);
}

static void
quantiles_are_the_tails_the_other_way(void **state)
{
    (void)state;
    /* printed tables, to six digits; the normal's 97.5 % */
    assert_near(distribution_student_quantile(0.025, 1), 12.706205, 1e-6);
    assert_near(distribution_student_quantile(0.025, 10), 2.228139, 1e-6);
    assert_near(distribution_student_quantile(0.975, 10), -2.228139, 1e-6);
    assert_near(distribution_student_quantile(0.005, 29), 2.756386, 1e-6);
    assert_near(distribution_student_quantile(0.025, INFINITY), 1.959964, 1e-6);
    assert_near(distribution_student_upper(1.959964, INFINITY), 0.025, 1e-8);
    assert_near(distribution_student_quantile(0.5, 3), 0, 1e-12);
    for (double tail = 1e-12; tail < 1; tail = tail < 0.1 ? tail * 7 : tail + 0.07)
        for (double freedom = 0.7; freedom < 1000; freedom *= 3)
            assert_near(distribution_student_upper(distribution_student_quantile(tail, freedom), freedom) /
                            tail,
                        1, 1e-9);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_beta_function_is_the_binomial_tail_for_whole_numbers),
        cmocka_unit_test(the_tail_of_t_has_the_values_of_the_printed_tables),
        cmocka_unit_test(the_tail_of_t_is_exact_far_out),
        cmocka_unit_test(quantiles_are_the_tails_the_other_way),
        cmocka_unit_test(the_tail_of_f_has_the_values_of_the_printed_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
