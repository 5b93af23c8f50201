// SPDX-License-Identifier: PostgreSQL
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collect/activity.h"

#define MINUTE_US ((int64_t)60000000)
#define FULL_MINUTE_US ((int64_t)1700000040000000) /* a whole minute */

static ActivityMinute *
minutes_before(const ActivityLog *log, Arena *arena, int64_t before_us, size_t expected)
{
    ActivityMinute *minutes = NULL;
    size_t count = 0;
    activity_log_minutes(log, arena, before_us, &minutes, &count);
    assert_int_equal(count, expected);
    return minutes;
}

static void
samples_of_a_minute_are_added_up_and_the_running_minute_waits(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", 1 << 24);
    ActivityLog *log = activity_log_new(7);
    ActivityRow rows[] = {{.database_id = 1,
                           .statement_id = 5,
                           .state = "active",
                           .wait_type = "CPU",
                           .wait_event = "",
                           .seen = 2},
                          {.database_id = 1,
                           .statement_id = 5,
                           .state = "active",
                           .wait_type = "Lock",
                           .wait_event = "relation",
                           .seen = 1}};
    for (int i = 0; i < 60; i++)
        activity_log_add(log, FULL_MINUTE_US + i * 1000000, rows, 2);
    activity_log_add(log, FULL_MINUTE_US + MINUTE_US, rows, 1);
    ActivityMinute *minutes = minutes_before(log, arena, FULL_MINUTE_US + MINUTE_US, 1);
    assert_int_equal(minutes[0].target_id, 7);
    assert_int_equal(minutes[0].starts_at_us, FULL_MINUTE_US);
    assert_int_equal(minutes[0].samples, 60);
    assert_int_equal(minutes[0].row_count, 2);
    assert_int_equal(minutes[0].rows[0].seen, 120);
    assert_int_equal(minutes[0].rows[1].seen, 60);
    activity_log_forget(log, 1);
    minutes = minutes_before(log, arena, FULL_MINUTE_US + 2 * MINUTE_US, 1);
    assert_int_equal(minutes[0].samples, 1);
    activity_log_free(log);
    arena_free(arena);
}

static void
a_log_that_begins_within_a_minute_does_not_claim_its_beginning(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", 1 << 24);
    ActivityLog *log = activity_log_new(7);
    activity_log_add(log, FULL_MINUTE_US + 31000000, NULL, 0);
    activity_log_add(log, FULL_MINUTE_US + MINUTE_US + 1, NULL, 0);
    ActivityMinute *minutes = minutes_before(log, arena, FULL_MINUTE_US + 2 * MINUTE_US, 2);
    assert_int_equal(minutes[0].starts_at_us, FULL_MINUTE_US + 31000000);
    assert_int_equal(minutes[1].starts_at_us, FULL_MINUTE_US + MINUTE_US);
    activity_log_free(log);
    arena_free(arena);
}

static void
too_many_different_rows_keep_their_sum(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", 1 << 24);
    ActivityLog *log = activity_log_new(7);
    for (int i = 0; i < 3 * ACTIVITY_ROWS_MOST; i++) {
        ActivityRow row = {.queryid = i, .state = "active", .wait_type = "CPU", .wait_event = "", .seen = 3};
        activity_log_add(log, FULL_MINUTE_US, &row, 1);
    }
    ActivityMinute *minutes = minutes_before(log, arena, FULL_MINUTE_US + MINUTE_US, 1);
    assert_int_equal(minutes[0].row_count, ACTIVITY_ROWS_MOST);
    int64_t sum = 0;
    for (size_t i = 0; i < minutes[0].row_count; i++)
        sum += minutes[0].rows[i].seen;
    assert_int_equal(sum, 9 * ACTIVITY_ROWS_MOST);
    assert_string_equal(minutes[0].rows[ACTIVITY_ROWS_MOST - 1].wait_type, "Other");
    activity_log_free(log);
    arena_free(arena);
}

static void
a_clock_that_goes_back_opens_no_minute_twice_and_a_store_that_is_away_costs_only_the_oldest(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", 1 << 24);
    ActivityLog *log = activity_log_new(7);
    for (int i = 0; i < ACTIVITY_MINUTES_MOST + 5; i++)
        activity_log_add(log, FULL_MINUTE_US + i * MINUTE_US, NULL, 0);
    activity_log_add(log, FULL_MINUTE_US, NULL, 0);
    ActivityMinute *minutes = minutes_before(log, arena, INT64_MAX, ACTIVITY_MINUTES_MOST);
    assert_int_equal(minutes[0].starts_at_us, FULL_MINUTE_US + 5 * MINUTE_US);
    assert_int_equal(minutes[ACTIVITY_MINUTES_MOST - 1].samples, 2);
    activity_log_free(log);
    arena_free(arena);
}

static void
words_of_any_length_are_cut(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", 1 << 24);
    ActivityLog *log = activity_log_new(7);
    char word[5000];
    for (size_t i = 0; i < sizeof(word) - 1; i++)
        word[i] = 'x';
    word[sizeof(word) - 1] = '\0';
    ActivityRow row = {.state = word, .wait_type = word, .wait_event = word, .seen = 1};
    activity_log_add(log, FULL_MINUTE_US, &row, 1);
    activity_log_add(log, FULL_MINUTE_US, &row, 1);
    ActivityMinute *minutes = minutes_before(log, arena, INT64_MAX, 1);
    assert_int_equal(minutes[0].row_count, 1);
    assert_int_equal(minutes[0].rows[0].seen, 2);
    activity_log_free(log);
    arena_free(arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_of_a_minute_are_added_up_and_the_running_minute_waits),
        cmocka_unit_test(a_log_that_begins_within_a_minute_does_not_claim_its_beginning),
        cmocka_unit_test(too_many_different_rows_keep_their_sum),
        cmocka_unit_test(
            a_clock_that_goes_back_opens_no_minute_twice_and_a_store_that_is_away_costs_only_the_oldest),
        cmocka_unit_test(words_of_any_length_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
