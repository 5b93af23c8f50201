// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "cli/chart.h"

#include <math.h>

static const char *
bars(Arena *arena, const double *values, size_t count)
{
    Text text = text_new(arena);
    chart_bars(&text, values, count);
    return text.data;
}

static void
bars_reach_from_nothing_to_the_greatest(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("chart", 65536);
    assert_string_equal(bars(arena, (double[]){0, 1, 2, 3, 4, 5, 6, 7}, 8), "▁▂▃▄▅▆▇█");
    assert_string_equal(bars(arena, (double[]){100, NAN, 50}, 3), "█·▅");
    assert_string_equal(bars(arena, (double[]){0, 0}, 2), "▁▁");
    assert_string_equal(bars(arena, (double[]){NAN}, 1), "·");
    assert_string_equal(bars(arena, NULL, 0), "");
}

static void
bars_of_several_lines_have_one_height(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("chart", 65536);
    Text text = text_new(arena);
    chart_bars_of(&text, (double[]){0, 7, 14, 20}, 4, 14);
    assert_string_equal(text.data, "▁▅██");
}

static void
shades_are_of_the_whole_maps_greatest(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("chart", 65536);
    Text text = text_new(arena);
    chart_shades(&text, (double[]){0, 25, 50, 75, 100, 150, NAN, -1}, 8, 100);
    assert_string_equal(text.data, " ░▒▓██· ");
}

static void
heat_is_two_columns_an_hour_and_coloured_only_when_asked(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("chart", 65536);
    Text text = text_new(arena);
    chart_heat(&text, (double[]){0, 50, 100, NAN}, 4, 100, false);
    assert_string_equal(text.data, "  ▒▒██··");
    text_truncate(&text, 0);
    chart_heat(&text, (double[]){100, NAN}, 2, 100, true);
    assert_string_equal(text.data, "\033[38;5;196m██\033[0m··");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bars_reach_from_nothing_to_the_greatest),
        cmocka_unit_test(bars_of_several_lines_have_one_height),
        cmocka_unit_test(heat_is_two_columns_an_hour_and_coloured_only_when_asked),
        cmocka_unit_test(shades_are_of_the_whole_maps_greatest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
