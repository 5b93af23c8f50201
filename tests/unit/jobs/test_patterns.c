// SPDX-License-Identifier: PostgreSQL
#include "../store/fixture.h"

#include "jobs/patterns.h"

#include <string.h>

#define DAY_US (INT64_C(86400) * 1000000)
#define MINUTE_US (INT64_C(60) * 1000000)

static void
work_is_due_from_its_time_of_day_on(void **state)
{
    (void)state;
    static const struct {
        const char *schedule;
        int64_t now_us;
        int64_t due_us;
    } times[] = {{"03:10", 5 * DAY_US + 190 * MINUTE_US, 5 * DAY_US + 190 * MINUTE_US},
                 {"03:10", 5 * DAY_US + 190 * MINUTE_US - 1, 4 * DAY_US + 190 * MINUTE_US},
                 {"00:00", 5 * DAY_US, 5 * DAY_US},
                 {"23:59", 6 * DAY_US - 1, 5 * DAY_US + 1439 * MINUTE_US},
                 {"", 5 * DAY_US, 0}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(times); i++) {
        int64_t due_us;
        Error error = {0};
        assert_true(patterns_due(times[i].schedule, times[i].now_us, &due_us, &error));
        assert_int_equal(due_us, times[i].due_us);
    }
}

static void
what_is_no_time_of_day_is_named(void **state)
{
    (void)state;
    static const char *const bad[] = {"3:10",   "24:00", "03:60", "03-10", "03:1",
                                      "03:100", "ab:cd", "29:00", " 3:10"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(bad); i++) {
        int64_t due_us;
        Error error = {0};
        assert_false(patterns_due(bad[i], DAY_US, &due_us, &error));
        assert_int_equal(error.code, ERROR_INPUT);
        assert_non_null(strstr(error.message, bad[i]));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_is_due_from_its_time_of_day_on),
        cmocka_unit_test(what_is_no_time_of_day_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
