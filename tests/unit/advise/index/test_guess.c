// SPDX-License-Identifier: PostgreSQL
/* Guesses against trying every set of indexes. */
#include "../memory_workload.h"
#include "program_case.h"

#include "advise/index/guess.h"

#define ROUNDS 200

typedef void (*Guesser)(Arena *arena, const Program *program, Bits start, ProgramAnswer *ret_answer);
typedef double (*Coster)(const Case *subject, Bits set);

/* How often the guess is as good as the best of all sets. */
static int
guesses_that_are_best(uint64_t seed, Guesser guess, Coster cost)
{
    Random random = random_new(seed);
    int best_count = 0;
    for (int round = 0; round < ROUNDS; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        Case *subject = case_random(arena, &random);
        ProgramAnswer answer;
        guess(arena, &subject->program, set_of(arena, mask_random(&random)), &answer);
        double best = best_of_all(arena, subject, cost);
        assert_true(program_fits(&subject->program, answer.chosen));
        assert_true(fabs(answer.cost - cost(subject, answer.chosen)) < 1e-6);
        assert_true(answer.cost >= best - 1e-6 && isinf(answer.bound));
        best_count += answer.cost <= best + 1e-6;
    }
    return best_count;
}

static void
a_guess_fits_costs_what_it_says_and_is_mostly_the_best(void **state)
{
    (void)state;
    assert_true(guesses_that_are_best(91, program_guess_bound, cost_by_chains) >= ROUNDS * 95 / 100);
    assert_true(guesses_that_are_best(92, program_guess_choice, cost_by_plans) >= ROUNDS * 95 / 100);
}

static void
no_index_more_or_less_or_for_another_is_better_than_the_guess(void **state)
{
    (void)state;
    Random random = random_new(93);
    for (int round = 0; round < ROUNDS; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        Case *subject = case_random(arena, &random);
        ProgramAnswer answer;
        program_guess_bound(arena, &subject->program, bits_new(arena, INDEXES), &answer);
        for (size_t i = 0; i < INDEXES; i++)
            for (size_t k = 0; k < INDEXES; k++) {
                Bits other = bits_copy(arena, answer.chosen);
                other.words[0] ^= UINT64_C(1) << i;
                if (k != i && bits_has(other, i) && bits_has(other, k))
                    bits_remove(other, k);
                if (program_fits(&subject->program, other))
                    assert_true(cost_by_chains(subject, other) >= answer.cost - 1e-3);
            }
    }
}

static void
without_time_the_start_is_what_is_guessed_as_far_as_it_fits(void **state)
{
    (void)state;
    Random random = random_new(94);
    for (int round = 0; round < 20; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        Case *subject = case_random(arena, &random);
        subject->program.deadline = 1;
        Bits start = set_of(arena, mask_random(&random));
        ProgramAnswer answer;
        program_guess_choice(arena, &subject->program, start, &answer);
        assert_true(program_fits(&subject->program, answer.chosen));
        assert_true(bits_is_subset(answer.chosen, start));
        assert_true(fabs(answer.cost - cost_by_plans(subject, answer.chosen)) < 1e-6);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guess_fits_costs_what_it_says_and_is_mostly_the_best),
        cmocka_unit_test(no_index_more_or_less_or_for_another_is_better_than_the_guess),
        cmocka_unit_test(without_time_the_start_is_what_is_guessed_as_far_as_it_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
