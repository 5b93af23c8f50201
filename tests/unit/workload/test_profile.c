// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "workload/profile.h"

#include <math.h>

#define ARENA_BYTES ((size_t)16 * 1024 * 1024)
#define SUNDAY INT64_C(20051) /* 2024-11-24, days since 1970 */

static void
averages_are_over_the_observed_hours(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("profile", ARENA_BYTES);
    HourlySeries series = series_new(arena, (SUNDAY + 1) * 24, 48); /* Monday and Tuesday */
    for (size_t i = 0; i < 48; i++) {
        if (i == 30)
            continue; /* Tuesday's hour 6 */
        series.calls[i] = i < 24 ? 10 : 30;
        series.time_ms[i] = i < 24 ? 8 : 4;
    }
    Profile profile = profile_of(&series);
    assert_true(profile.hourly[5] == 20 && profile.hourly[6] == 10);
    assert_true(profile.hourly_ms[5] == (10 * 8 + 30 * 4) / 40.0);
    assert_true(profile.weekly[1][3] == 10 && profile.weekly[2][3] == 30 && isnan(profile.weekly[2][6]));
    assert_true(isnan(profile.weekly[0][3]));
    /* a gap does not make a day small */
    assert_true(profile.daily[1] == 240 && profile.daily[2] == 720 && isnan(profile.daily[3]));
    assert_true(profile.monthly[24] == 240 && profile.monthly[25] == 720 && isnan(profile.monthly[0]));
    assert_true(profile.observed_hours == 47 && profile.calls_all == 24 * 10 + 23 * 30);
}

static void
days_seen_by_less_than_half_have_no_figure(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("profile", ARENA_BYTES);
    HourlySeries series = series_new(arena, SUNDAY * 24, 24);
    for (size_t i = 0; i < 11; i++)
        series.calls[i] = series.time_ms[i] = 1;
    assert_true(isnan(profile_of(&series).daily[0]));
    series.calls[11] = series.time_ms[11] = 1;
    assert_true(profile_of(&series).daily[0] == 24);
}

static void
without_any_hour_all_is_unknown(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("profile", ARENA_BYTES);
    HourlySeries series = series_new(arena, SUNDAY * 24, 0);
    Profile profile = profile_of(&series);
    assert_true(isnan(profile.hourly[0]) && isnan(profile.mean_ms) && profile.calls_all == 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(averages_are_over_the_observed_hours),
        cmocka_unit_test(days_seen_by_less_than_half_have_no_figure),
        cmocka_unit_test(without_any_hour_all_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
