// SPDX-License-Identifier: PostgreSQL
#include "api/request.h"

#include <setjmp.h>
#include <stdarg.h>
// cmocka needs those above
#include <cmocka.h>

static void
times_of_rfc_3339_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t wall_us;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-02-20T14:30:00Z", 1771597800000000},
        {"2026-02-20t14:30:00.25z", 1771597800250000},
        {"2026-02-20 16:30:00+02:00", 1771597800000000},
        {"2026-02-20T09:00:00-05:30", 1771597800000000},
        {"2024-02-29T00:00:00.123456789Z", 1709164800123456},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(good); i++) {
        int64_t wall_us = -1;
        assert_true(api_time_parse(good[i].text, &wall_us));
        assert_int_equal(wall_us, good[i].wall_us);
    }
}

static void
what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "now",
                                      "2026-02-20",
                                      "2026-02-20T14:30:00",
                                      "2026-02-20T14:30:00.Z",
                                      "2026-02-30T14:30:00Z",
                                      "2026-13-01T14:30:00Z",
                                      "2026-02-20T24:30:00Z",
                                      "2026-02-20T14:60:00Z",
                                      "2026-02-20T14:30:00+2:00",
                                      "2026-02-20T14:30:00+24:00",
                                      "2026-02-20T14:30:00Z ",
                                      "1969-12-31T23:59:59Z",
                                      "20a6-02-20T14:30:00Z",
                                      "2025-02-29T00:00:00Z"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(bad); i++) {
        int64_t wall_us = -1;
        assert_false(api_time_parse(bad[i], &wall_us));
        assert_int_equal(wall_us, -1);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_of_rfc_3339_are_read),
        cmocka_unit_test(what_is_no_time_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
