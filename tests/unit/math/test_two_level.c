// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/arena.h"
#include "base/random.h"
#include "math/two_level.h"

#include <math.h>

#define ARENA_BYTES ((size_t)64 << 20)
#define COUNT ((size_t)600)
#define LATER ((size_t)48)

static void
assert_near(double value, double wanted, double tolerance)
{
    if (!(fabs(value - wanted) <= tolerance))
        fail_msg("%.15g is not %.15g", value, wanted);
}

typedef struct Made {
    double values[COUNT + LATER];
    bool is_high[COUNT + LATER];
} Made;

/* noise < 0: of Student's t with four degrees of freedom. */
static void
fill(Made *made, double gap, double noise, double memory, uint64_t seed)
{
    Random random = random_new(seed);
    double error = 0;
    bool is_high = false;
    for (size_t t = 0; t < COUNT + LATER; t++) {
        is_high ^= random_unit(&random) < 0.03;
        double square = noise < 0 ? 0 : 4;
        for (int i = 0; i < 4 && noise < 0; i++)
            square += pow(random_normal(&random), 2);
        error = memory * error + noise * random_normal(&random) / sqrt(square / 4);
        made->is_high[t] = is_high;
        made->values[t] = 2 + (is_high ? gap : 0) + error;
    }
}

static void
both_levels_and_the_states_are_found(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    Made made;
    TwoLevel model;
    double high[COUNT];
    fill(&made, 0.5, 0.1, 0.4, 1);
    for (size_t t = 100; t < 110; t++)
        made.values[t] = NAN;
    two_level_fit(arena, made.values, COUNT, &model, high);
    assert_near(model.levels[0], 2, 0.05);
    assert_near(model.levels[1], 2.5, 0.05);
    assert_near(model.memory, 0.4, 0.12);
    assert_near(model.moves[0], 0.03, 0.03);
    assert_true(model.gain > 50);
    size_t wrong = 0;
    for (size_t t = 0; t < COUNT; t++)
        wrong += (high[t] > 0.5) != made.is_high[t] && !isnan(made.values[t]);
    assert_true(wrong <= COUNT / 50);
    assert_near(model.last_high, made.is_high[COUNT - 1], 0.05);
    arena_free(arena);
}

static void
one_level_with_memory_or_with_heavy_tails_is_not_taken_for_two(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    size_t taken = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        Made made;
        TwoLevel model;
        double high[COUNT];
        fill(&made, 0, seed % 3 == 0 ? -0.2 : 0.2, seed % 2 == 0 ? 0.8 : 0.2, seed);
        two_level_fit(arena, made.values, COUNT, &model, high);
        taken += model.gain > 12;
    }
    /* normal noise without memory is, once in fifty times */
    assert_true(taken <= 1);
    arena_free(arena);
}

static void
the_share_of_a_level_is_as_sure_as_there_were_independent_states(void **state)
{
    (void)state;
    /* ten of a hundred that know nothing of each other: Wilson's interval, printed as 5.5 to 17.4 % */
    TwoLevel model = {.moves = {0.1, 0.9}, .known = 100, .share_high = 0.1};
    assert_near(two_level_share_most(&model, 0.025), 0.17437, 1e-4);
    /* states that last twenty times as long: a 39th of the number */
    TwoLevel slow = {.moves = {0.005, 0.045}, .known = 3900, .share_high = 0.1};
    assert_near(two_level_share_most(&slow, 0.025), 0.17437, 1e-4);
    slow.known = 390;
    assert_true(two_level_share_most(&slow, 0.025) > 0.3);
    assert_true(two_level_share_most(&slow, 0.001) > two_level_share_most(&slow, 0.025));
    TwoLevel still = {.known = 100, .share_high = 0.1};
    assert_near(two_level_share_most(&still, 0.025), 1, 0);
}

static void
the_chance_of_a_level_later_is_that_of_the_chain_step_by_step(void **state)
{
    (void)state;
    TwoLevel model = {.moves = {0.1, 0.2}, .last_high = 0.9};
    double high = 0.9;
    for (size_t steps = 0; steps < 40; steps++) {
        assert_near(two_level_later(&model, steps), high, 1e-12);
        high = high * 0.8 + (1 - high) * 0.1;
    }
    model = (TwoLevel){.last_high = 0.7};
    assert_near(two_level_later(&model, 9), 0.7, 0);
}

/* Student's density of what is new in a value after the one before, which may be missing. */
static double
density(const TwoLevel *model, const double *values, int t, double now, double last)
{
    double scale = model->deviation;
    double error = values[t] - now;
    if (isnan(values[t]))
        return 1;
    if (t == 0 || isnan(values[t - 1]))
        scale /= sqrt(1 - model->memory * model->memory);
    else
        error -= model->memory * (values[t - 1] - last);
    return pow(1 + error * error / (scale * scale * 5), -3) / scale;
}

/* By adding up all paths of six values with a memory, one of them missing. */
static void
the_chances_of_states_are_those_of_all_paths_together(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    enum { STEPS = 6 };
    TwoLevel model = {.levels = {0, 1}, .deviation = 0.5, .memory = 0.5, .moves = {0.1, 0.2}};
    const double values[STEPS] = {0.2, 1.1, 0.9, NAN, 0.4, -0.3};
    double high[STEPS];
    TwoLevelShift shift;
    two_level_shift(arena, &model, 0.3, values, STEPS, &shift, high);
    double all = 0;
    double of_high[STEPS] = {0};
    for (int path = 0; path < 1 << STEPS; path++) {
        double chance = path % 2 == 1 ? 0.3 : 0.7;
        for (int t = 0; t < STEPS; t++) {
            int now = path >> t & 1;
            int last = t == 0 ? now : path >> (t - 1) & 1;
            if (t > 0)
                chance *= now == last ? 1 - model.moves[last] : model.moves[last];
            chance *=
                density(&model, values, t, model.levels[now] + shift.shift, model.levels[last] + shift.shift);
        }
        all += chance;
        for (int t = 0; t < STEPS; t++)
            of_high[t] += (path >> t & 1) == 1 ? chance : 0;
    }
    for (int t = 0; t < STEPS; t++)
        assert_near(high[t], of_high[t] / all, 2e-3); /* the path is of the step before the last */
    arena_free(arena);
}

static void
a_shift_is_told_from_a_change_of_state_of_its_size(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    Made made;
    TwoLevel model;
    double high[COUNT];
    double later_high[LATER];
    TwoLevelShift shift;
    fill(&made, 0.5, 0.05, 0.3, 2);
    two_level_fit(arena, made.values, COUNT, &model, high);
    two_level_shift(arena, &model, fmin(fmax(two_level_later(&model, 1), 0.02), 0.98), made.values + COUNT,
                    LATER, &shift, later_high);
    assert_near(shift.shift, 0, 0.05);
    /* down by just what lies between the levels: whoever saw the states knows it is none of them */
    for (size_t t = COUNT; t < COUNT + LATER; t++)
        made.values[t] -= 0.5;
    two_level_shift(arena, &model, fmin(fmax(two_level_later(&model, 1), 0.02), 0.98), made.values + COUNT,
                    LATER, &shift, later_high);
    assert_near(shift.shift, -0.5, 0.05);
    assert_true(shift.above.lead > 3 && shift.below.lead > 3);
    for (size_t t = 0; t < LATER; t++)
        assert_true((later_high[t] > 0.5) == made.is_high[COUNT + t]);
    arena_free(arena);
}

static void
where_it_was_is_unknown_another_shift_is_as_likely_and_said(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    TwoLevel model = {.levels = {0, 1}, .deviation = 0.1, .moves = {0.01, 0.01}, .last_high = 0.5};
    double values[LATER];
    double high[LATER];
    for (size_t t = 0; t < LATER; t++)
        values[t] = 0.5 + 0.05 * sin((double)t);
    TwoLevelShift shift;
    two_level_shift(arena, &model, 0.5, values, LATER, &shift, high);
    assert_near(fabs(shift.shift), 0.5, 0.02);
    bool is_below = shift.shift > 0;
    assert_near((is_below ? shift.below : shift.above).shift, -shift.shift, 0.02);
    assert_true((is_below ? shift.below : shift.above).lead < 0.1);
    assert_true((is_below ? shift.above : shift.below).lead > 10);
    arena_free(arena);
}

static void
with_one_value_or_two_the_other_state_is_as_much_less_likely_as_it_was(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    TwoLevel model = {.levels = {0, 0.5}, .deviation = 0.15, .memory = 0.3, .moves = {0.02, 0.02}};
    double values[] = {0.52, 0.47};
    double high[2];
    for (size_t count = 1; count <= 2; count++) {
        TwoLevelShift shift;
        two_level_shift(arena, &model, 0.02, values, count, &shift, high);
        assert_near(shift.shift, 0.5,
                    0.05); /* in the low state still; or in the high one, and nothing moved */
        assert_near(shift.below.shift, 0, 0.05);
        assert_true(shift.below.lead > 2 && shift.below.lead < 4.2);
        assert_true(high[count - 1] < 0.1);
    }
    arena_free(arena);
}

static void
too_few_values_or_none_that_differ_are_no_model(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    double values[20] = {1, 2, 1, NAN, NAN, 2, 1};
    double high[20];
    TwoLevel model;
    two_level_fit(arena, values, 9, &model, high);
    assert_true(model.gain == 0 && model.levels[1] == 0);
    for (size_t t = 0; t < 20; t++)
        values[t] = 4;
    two_level_fit(arena, values, 20, &model, high);
    assert_true(model.gain == 0 && high[19] == 0);
    model = (TwoLevel){.levels = {0, 1}, .deviation = 1, .moves = {0.1, 0.1}};
    TwoLevelShift shift;
    two_level_shift(arena, &model, 0.5, values, 0, &shift, high);
    assert_true(shift.shift == 0 && isinf(shift.below.lead) && isinf(shift.above.lead));
    arena_free(arena);
}

static void
shift_of_one_level(void *context)
{
    TwoLevel model = {.deviation = 1};
    TwoLevelShift shift;
    double value = 0;
    double high;
    two_level_shift(context, &model, 0, &value, 1, &shift, &high);
}

static void
levels_without_a_gap_are_a_bug(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    assert_dies(shift_of_one_level, arena, "gap > 0");
    arena_free(arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_levels_and_the_states_are_found),
        cmocka_unit_test(one_level_with_memory_or_with_heavy_tails_is_not_taken_for_two),
        cmocka_unit_test(the_share_of_a_level_is_as_sure_as_there_were_independent_states),
        cmocka_unit_test(the_chance_of_a_level_later_is_that_of_the_chain_step_by_step),
        cmocka_unit_test(the_chances_of_states_are_those_of_all_paths_together),
        cmocka_unit_test(a_shift_is_told_from_a_change_of_state_of_its_size),
        cmocka_unit_test(where_it_was_is_unknown_another_shift_is_as_likely_and_said),
        cmocka_unit_test(with_one_value_or_two_the_other_state_is_as_much_less_likely_as_it_was),
        cmocka_unit_test(too_few_values_or_none_that_differ_are_no_model),
        cmocka_unit_test(levels_without_a_gap_are_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
