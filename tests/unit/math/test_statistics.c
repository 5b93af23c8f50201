// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/random.h"
#include "math/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MOST 200

static int
compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

static void
assert_near(double value, double wanted, double tolerance)
{
    if (!(fabs(value - wanted) <= tolerance))
        fail_msg("%.15g is not %.15g", value, wanted);
}

static void
selecting_finds_what_sorting_finds(void **state)
{
    (void)state;
    Random random = random_new(1);
    for (int round = 0; round < 2000; round++) {
        double values[VALUES_MOST];
        double sorted[VALUES_MOST];
        size_t count = 1 + random_below(&random, VALUES_MOST);
        uint64_t different = 1 + random_below(&random, 300); /* few: many equal ones */
        for (size_t i = 0; i < count; i++)
            values[i] = (double)random_below(&random, different);
        memcpy(sorted, values, sizeof(values));
        qsort(sorted, count, sizeof(double), compare);
        size_t place = random_below(&random, count);
        assert_true(statistics_select(values, count, place) == sorted[place]);
        assert_true(statistics_quartile_lower(values, count) == sorted[(count - 1) / 4]);
        double middle = count % 2 == 1 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
        assert_true(statistics_median(values, count) == middle);
    }
}

static void
quantiles_are_those_of_type_seven(void **state)
{
    (void)state;
    double values[] = {15, 20, 35, 40, 50};
    assert_near(statistics_quantile(values, 5, 0.4), 29, 1e-12);
    assert_near(statistics_quantile(values, 5, 0), 15, 0);
    assert_near(statistics_quantile(values, 5, 1), 50, 0);
    double single[] = {7};
    assert_near(statistics_quantile(single, 1, 0.9), 7, 0);
}

static void
spread_is_as_the_books_have_it(void **state)
{
    (void)state;
    const double values[] = {2, 4, 4, 4, 5, 5, 7, 9};
    assert_near(statistics_mean(values, 8), 5, 0);
    assert_near(statistics_deviation_population(values, 8), 2, 1e-15);
    assert_near(statistics_deviation_sample(values, 8), sqrt(32.0 / 7), 1e-15);
    assert_near(statistics_deviation_sample(values, 1), 0, 0);
    double about[] = {1, 1, 2, 2, 4, 6, 9};
    assert_near(statistics_deviation_median(about, 7, 2), 1, 0);
}

/* n / (n + z^2) when all are hits; 0.6552 for 20 of 25 at 1.96 is in the tables. */
static void
the_bound_of_a_share_is_wilsons(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        double bound;
    } all[] = {{7, 0.757}, {10, 0.816}, {28, 0.926}, {30, 0.930}, {90, 0.976}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(all); i++) {
        assert_near(statistics_wilson_lower(all[i].count, all[i].count, 1.5), all[i].bound, 5e-4);
        double n = (double)all[i].count;
        assert_near(statistics_wilson_lower(all[i].count, all[i].count, 1.5), n / (n + 2.25), 1e-12);
    }
    assert_near(statistics_wilson_lower(15, 148, 1.96), 0.0624, 5e-5); /* Newcombe 1998 */
    assert_near(statistics_wilson_lower(81, 263, 1.96), 0.2553, 5e-5); /* Newcombe 1998 */
    assert_near(statistics_wilson_lower(0, 20, 1.96), 0, 1e-12);
    assert_near(statistics_wilson_lower(0, 0, 1.5), 0, 0);
}

/* The example of Benjamini and Hochberg (1995), section 3: four of fifteen at .05. */
static void
false_discoveries_are_kept_down_as_in_the_paper(void **state)
{
    (void)state;
    const double p_values[] = {0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
                               0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000};
    double scratch[15];
    bool kept[15];
    assert_int_equal(statistics_false_discovery(p_values, 15, 0.05, scratch, kept), 4);
    for (size_t i = 0; i < 15; i++)
        assert_int_equal(kept[i], i < 4);
    /* a large set lets p values in that the smallest alone would not */
    const double close[] = {0.009, 0.0099, 0.0095, 0.008};
    assert_int_equal(statistics_false_discovery(close, 4, 0.01, scratch, kept), 4);
    const double none[] = {0.02, 0.5};
    assert_int_equal(statistics_false_discovery(none, 2, 0.01, scratch, kept), 0);
    assert_false(kept[0] || kept[1]);
    assert_int_equal(statistics_false_discovery(none, 0, 0.01, scratch, kept), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selecting_finds_what_sorting_finds),
        cmocka_unit_test(quantiles_are_those_of_type_seven),
        cmocka_unit_test(spread_is_as_the_books_have_it),
        cmocka_unit_test(the_bound_of_a_share_is_wilsons),
        cmocka_unit_test(false_discoveries_are_kept_down_as_in_the_paper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
