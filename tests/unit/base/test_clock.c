// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/clock.h"

#include <limits.h>
#include <time.h>

static void
the_monotonic_clock_never_goes_back(void **state)
{
    (void)state;
    int64_t before = clock_monotonic_us();
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_monotonic_us();
        assert_true(now >= before);
        before = now;
    }
    int64_t low = clock_monotonic_us() / 1000;
    int64_t middle = clock_monotonic_ms();
    assert_true(low <= middle && middle <= clock_monotonic_us() / 1000);
}

static void
the_wall_clock_is_the_systems(void **state)
{
    (void)state;
    int64_t low = (int64_t)time(NULL) - 1;
    int64_t wall = clock_wall_us();
    assert_true(low <= wall / 1000000 && wall / 1000000 <= (int64_t)time(NULL) + 1);
}

static void
the_clock_of_own_work_stands_still_while_the_process_sleeps(void **state)
{
    (void)state;
    struct timespec pause = {.tv_nsec = 30000000};
    volatile double sum = 0;
    double before = clock_own_cpu_ms();
    nanosleep(&pause, NULL);
    double slept = clock_own_cpu_ms() - before;
    assert_true(slept >= 0 && slept < 25);
    for (int i = 0; i < 3000000; i++)
        sum += i;
    assert_true(clock_own_cpu_ms() - before > slept && sum > 0);
}

static void
a_deadline_passes_when_its_time_has_come(void **state)
{
    (void)state;
    assert_true(deadline_passed(deadline_after_ms(0)));
    assert_true(deadline_passed(0));
    assert_false(deadline_passed(deadline_after_ms(60000)));
    Deadline soon = deadline_after_ms(5);
    struct timespec pause = {.tv_nsec = 8000000};
    nanosleep(&pause, NULL);
    assert_true(deadline_passed(soon));
    assert_int_equal(deadline_left_ms(soon), 0);
}

static void
never_never_passes_and_waits_for_ever(void **state)
{
    (void)state;
    assert_false(deadline_passed(DEADLINE_NEVER));
    assert_int_equal(deadline_left_ms(DEADLINE_NEVER), -1);
    assert_true(deadline_after_ms(INT64_MAX) == DEADLINE_NEVER);
    assert_true(deadline_after_ms(INT64_MAX - 1) == DEADLINE_NEVER);
}

static void
what_is_left_fits_poll(void **state)
{
    (void)state;
    int left = deadline_left_ms(deadline_after_ms(60000));
    assert_true(left > 50000 && left <= 60000);
    assert_int_equal(deadline_left_ms(deadline_after_ms((int64_t)INT_MAX * 10)), INT_MAX);
    assert_int_equal(deadline_left_ms(INT64_MIN), 0);
}

static void
the_earlier_deadline_wins(void **state)
{
    (void)state;
    assert_int_equal(deadline_earlier(5, 7), 5);
    assert_int_equal(deadline_earlier(7, 5), 5);
    assert_int_equal(deadline_earlier(DEADLINE_NEVER, 5), 5);
    assert_true(deadline_earlier(DEADLINE_NEVER, DEADLINE_NEVER) == DEADLINE_NEVER);
}

static void
wait_backwards(void *ignored)
{
    (void)ignored;
    (void)deadline_after_ms(-1);
}

static void
a_deadline_in_the_past_is_a_bug(void **state)
{
    (void)state;
    assert_dies(wait_backwards, NULL, "milliseconds >= 0");
}

static void
times_are_written_in_utc(void **state)
{
    (void)state;
    static const struct {
        int64_t wall_us;
        const char *text;
    } cases[] = {{0, "1970-01-01T00:00:00Z"},
                 {1771597800000000, "2026-02-20T14:30:00Z"},
                 {1771597800999999, "2026-02-20T14:30:00Z"},
                 {951782399000000, "2000-02-28T23:59:59Z"},
                 {951782400000000, "2000-02-29T00:00:00Z"},
                 {4102444800000000, "2100-01-01T00:00:00Z"},
                 {-1, "1970-01-01T00:00:00Z"},
                 {INT64_MIN, "1970-01-01T00:00:00Z"}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 4096);
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++)
        assert_string_equal(clock_format_utc(arena, cases[i].wall_us), cases[i].text);
    assert_non_null(clock_format_utc(arena, INT64_MAX));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_monotonic_clock_never_goes_back),
        cmocka_unit_test(the_wall_clock_is_the_systems),
        cmocka_unit_test(the_clock_of_own_work_stands_still_while_the_process_sleeps),
        cmocka_unit_test(a_deadline_passes_when_its_time_has_come),
        cmocka_unit_test(never_never_passes_and_waits_for_ever),
        cmocka_unit_test(what_is_left_fits_poll),
        cmocka_unit_test(the_earlier_deadline_wins),
        cmocka_unit_test(a_deadline_in_the_past_is_a_bug),
        cmocka_unit_test(times_are_written_in_utc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
