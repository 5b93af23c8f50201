// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/random.h"
#include "math/confidence_sequence.h"

#include <math.h>

#define WALKS 4000
#define STEPS 1000

static void
assert_near(double value, double wanted, double tolerance)
{
    if (!(fabs(value - wanted) <= tolerance))
        fail_msg("%.15g is not %.15g", value, wanted);
}

static void
boundaries_have_the_values_of_their_formulas(void **state)
{
    (void)state;
    /* sqrt(2 ln(2 / .0025)), sqrt(4 ln(10 sqrt(2) + 1)) */
    assert_near(confidence_sequence_two_sided(0.05, 1, 1), 3.6563949, 1e-6);
    assert_near(confidence_sequence_one_sided(0.05, 1, 1), 3.2969570, 1e-6);
    /* at variance 0 the sum is 0, and the boundary above it */
    assert_near(confidence_sequence_two_sided(0.05, 1, 0), sqrt(-2 * log(0.05)), 1e-12);
    /* a scale of the noise is a scale of the boundary */
    assert_near(confidence_sequence_two_sided(0.01, 9, 45), 3 * confidence_sequence_two_sided(0.01, 1, 5),
                1e-12);
}

static void
rho_makes_the_boundary_tight_where_it_was_asked_to_be(void **state)
{
    (void)state;
    for (double variance = 0.01; variance < 1e6; variance *= 10) {
        double rho = confidence_sequence_rho(0.05, variance);
        double radius = confidence_sequence_two_sided(0.05, rho, variance);
        for (double factor = 0.1; factor < 10; factor *= 1.1)
            assert_true(radius < 1.002 * confidence_sequence_two_sided(0.05, rho * factor, variance));
    }
}

/* How many of many random walks were ever beyond the boundary. */
static double
share_beyond(bool is_one_sided, double alpha)
{
    Random random = random_new(21);
    double rho = confidence_sequence_rho(is_one_sided ? 2 * alpha : alpha, 100);
    int beyond = 0;
    for (int walk = 0; walk < WALKS; walk++) {
        double sum = 0;
        bool is_beyond = false;
        for (int step = 1; step <= STEPS; step++) {
            sum += random_normal(&random);
            is_beyond |= is_one_sided ? sum > confidence_sequence_one_sided(alpha, rho, step)
                                      : fabs(sum) > confidence_sequence_two_sided(alpha, rho, step);
        }
        beyond += is_beyond;
    }
    return (double)beyond / WALKS;
}

static void
a_walk_that_is_watched_at_each_step_is_beyond_no_oftener_than_alpha(void **state)
{
    (void)state;
    double two_sided = share_beyond(false, 0.1);
    double one_sided = share_beyond(true, 0.1);
    assert_true(two_sided <= 0.1 && two_sided > 0.03);
    assert_true(one_sided <= 0.1 && one_sided > 0.03);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boundaries_have_the_values_of_their_formulas),
        cmocka_unit_test(rho_makes_the_boundary_tight_where_it_was_asked_to_be),
        cmocka_unit_test(a_walk_that_is_watched_at_each_step_is_beyond_no_oftener_than_alpha),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
