// SPDX-License-Identifier: PostgreSQL
#include "whatif/index_estimate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Indexes on 100,000 rows of a table of 1,088 pages, as a server of major 16 really built them. */
typedef struct Built {
    const char *what;
    IndexShape shape;
    double blocks;
    int height;
    double factor; /* most, either way */
} Built;

#define INTEGER                                                                                              \
    {                                                                                                        \
        .is_key = true, .length = 4, .alignment = 'i', .width = 4                                            \
    }
#define DIGEST                                                                                               \
    {                                                                                                        \
        .length = -1, .alignment = 'i', .width = 33                                                          \
    }

static const Built built[] = {
    {.what = "unique integers",
     .shape =
         {.method = "btree", .groups = 100000, .can_dedup = true, .columns = {INTEGER}, .column_count = 1},
     .blocks = 276,
     .height = 1,
     .factor = 1.02},
    {.what = "a hundred integers, deduplicated",
     .shape = {.method = "btree", .groups = 100, .can_dedup = true, .columns = {INTEGER}, .column_count = 1},
     .blocks = 91,
     .height = 1,
     .factor = 1.05},
    {.what = "two integers in 91 combinations",
     .shape = {.method = "btree",
               .groups = 91,
               .can_dedup = true,
               .columns = {INTEGER, INTEGER},
               .column_count = 2},
     .blocks = 93,
     .height = 1,
     .factor = 1.05},
    {.what = "a text that is mostly NULL, and an integer",
     .shape = {.method = "btree",
               .groups = 100000,
               .can_dedup = true,
               .columns = {{.is_key = true, .length = -1, .alignment = 'i', .width = 7, .null_fraction = 0.8},
                           INTEGER},
               .column_count = 2},
     .blocks = 388,
     .height = 2,
     .factor = 1.05},
    {.what = "an integer that includes a digest",
     .shape = {.method = "btree", .groups = 100000, .columns = {INTEGER, DIGEST}, .column_count = 2},
     .blocks = 720,
     .height = 2,
     .factor = 1.05},
    {.what = "two integers, a half and a third of them NULL",
     .shape =
         {.method = "btree",
          .groups = 16500,
          .can_dedup = true,
          .columns = {{.is_key = true, .length = 4, .alignment = 'i', .null_fraction = 0.5, .distinct = 100},
                      {.is_key = true, .length = 4, .alignment = 'i', .null_fraction = 0.3, .distinct = 200}},
          .column_count = 2},
     .blocks = 132,
     .height = 1,
     .factor = 1.15},
    {.what = "an integer, a half of it NULL",
     .shape =
         {.method = "btree",
          .groups = 100,
          .can_dedup = true,
          .columns = {{.is_key = true, .length = 4, .alignment = 'i', .null_fraction = 0.5, .distinct = 100}},
          .column_count = 1},
     .blocks = 88,
     .height = 1,
     .factor = 1.05},
    {.what = "hash of five integers",
     .shape = {.method = "hash",
               .groups = 5,
               .columns = {{.is_key = true, .length = 4, .alignment = 'i', .distinct = 5}},
               .column_count = 1},
     .blocks = 759,
     .height = -1,
     .factor = 1.02},
    {.what = "hash of a hundred integers, and as many NULLs",
     .shape =
         {.method = "hash",
          .groups = 100,
          .columns = {{.is_key = true, .length = 4, .alignment = 'i', .null_fraction = 0.5, .distinct = 100}},
          .column_count = 1},
     .blocks = 612,
     .height = -1,
     .factor = 1.05},
    {.what = "paths of documents that are all different",
     .shape = {.method = "gin",
               .groups = 100000,
               .columns = {{.is_key = true,
                            .length = 4,
                            .alignment = 'i',
                            .width = 91,
                            .elements = 91.0 / 24,
                            .own_elements = 1}},
               .column_count = 1},
     .blocks = 1386,
     .height = -1,
     .factor = 2},
    {.what = "hash of unique integers",
     .shape = {.method = "hash", .groups = 100000, .columns = {INTEGER}, .column_count = 1},
     .blocks = 514,
     .height = -1,
     .factor = 1.02},
    {.what = "ranges of blocks",
     .shape =
         {.method = "brin", .groups = 100000, .table_blocks = 1088, .columns = {INTEGER}, .column_count = 1},
     .blocks = 3,
     .height = -1,
     .factor = 1},
    {.what = "points in GiST",
     .shape = {.method = "gist",
               .groups = 100000,
               .columns = {{.is_key = true, .length = 32, .alignment = 'd', .width = 32}},
               .column_count = 1},
     .blocks = 654,
     .height = -1,
     .factor = 2}};

static void
estimates_are_near_what_the_server_builds(void **state)
{
    (void)state;
    for (size_t i = 0; i < FETTLE_COUNT_OF(built); i++) {
        IndexShape shape = built[i].shape;
        shape.rows = 100000;
        IndexEstimate estimate = index_estimate(&shape);
        double ratio = estimate.blocks / built[i].blocks;
        if (ratio > built[i].factor || ratio < 1 / built[i].factor)
            fail_msg("%s: %.0f blocks estimated, %.0f built", built[i].what, estimate.blocks,
                     built[i].blocks);
        if (estimate.height != built[i].height)
            fail_msg("%s: height %d estimated, %d built", built[i].what, estimate.height, built[i].height);
    }
}

static void
an_index_of_nothing_is_its_metapage(void **state)
{
    (void)state;
    IndexShape shape = built[0].shape;
    IndexEstimate estimate = index_estimate(&shape);
    assert_true(estimate.blocks == 1);
    assert_int_equal(estimate.height, 0);
}

static void
a_lower_fill_factor_takes_more_pages(void **state)
{
    (void)state;
    IndexShape shape = built[0].shape;
    shape.rows = 100000;
    double full = index_estimate(&shape).blocks;
    shape.fillfactor = 50;
    double half = index_estimate(&shape).blocks;
    assert_true(half > 1.7 * full && half < 1.9 * full);
}

static void
combinations_that_come_by_chance_are_at_most_as_many_as_rows(void **state)
{
    (void)state;
    assert_true(index_estimate_drawn(0, 100) == 0);
    assert_true(fabs(index_estimate_drawn(100, 1e6) - 100) < 1e-6);
    assert_true(fabs(index_estimate_drawn(1e12, 1e6) - 1e6) < 10);
    assert_true(fabs(index_estimate_drawn(1e6, 1e6) - 632121) < 1);
}

static void
columns_in_the_rows_order_have_few_combinations(void **state)
{
    (void)state;
    IndexOrdered ordered = {.groups = 1, .width = 1};
    for (int i = 0; i < 2; i++)
        index_estimate_order_add(&ordered, 1000, index_estimate_order_width(1, 1000));
    assert_true(fabs(ordered.groups - 2000) < 1);
    /* Values in no order correlate by as much as they repeat. */
    assert_true(index_estimate_order_width(0.5, 2) == 1 && index_estimate_order_width(0.001, 1000) == 1);
    assert_true(index_estimate_order_width(-0.9999, 1000) < 0.02);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(estimates_are_near_what_the_server_builds),
        cmocka_unit_test(an_index_of_nothing_is_its_metapage),
        cmocka_unit_test(combinations_that_come_by_chance_are_at_most_as_many_as_rows),
        cmocka_unit_test(columns_in_the_rows_order_have_few_combinations),
        cmocka_unit_test(a_lower_fill_factor_takes_more_pages)};
    return cmocka_run_group_tests_name("whatif index_estimate", tests, NULL, NULL);
}
