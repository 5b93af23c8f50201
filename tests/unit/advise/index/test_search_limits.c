// SPDX-License-Identifier: PostgreSQL
/* The search within its limits: bytes, time, and a solver that may die. */
#include "search_world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void
when_time_is_up_nothing_is_asked_and_what_was_not_verified_is_told(void **state)
{
    (void)state;
    size_t unreviewed = 0, unverified = 0;
    for (int is_large = 0; is_large < 2; is_large++)
        for (size_t end_at = 1; end_at < 60; end_at += 6) {
            FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
            Random random = random_new(67);
            world_random(&random);
            world.risky = 0x33;
            world.is_large = is_large != 0;
            world.questions = 0;
            world.end_at = end_at;
            Deadline deadline = deadline_after_ms(300);
            world.end_ms = deadline;
            SearchResult result = search(arena, INFINITY, deadline).result;
            if (world.questions < end_at)
                continue;
            assert_int_equal(world.questions, end_at);
            unreviewed += result.unreviewed_count;
            for (size_t q = 0; q < STATEMENTS; q++)
                unverified += !result.is_verified[q];
        }
    assert_true(unreviewed > 0 && unverified > 0);
    world_clear();
}

typedef struct Cut {
    Deadline deadline;
    int rounds; /* of the proof, until time is up */
    bool is_made;
} Cut;

static void
cut_the_proof(void *context, const char *step, int64_t done, int64_t total)
{
    (void)total;
    Cut *cut = context;
    if (strcmp(step, "proving the choice") != 0 || done < cut->rounds)
        return;
    cut->is_made = true;
    while (!deadline_passed(cut->deadline))
        (void)usleep(1000);
}

static void
a_proof_that_time_ends_says_how_far_it_came(void **state)
{
    (void)state;
    Random random = random_new(79);
    int cuts = 0;
    for (int round = 0; round < 40; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        world_random(&random);
        world.any_gain_counts = true;
        Cut cut = {.deadline = deadline_after_ms(400), .rounds = 1 + round % 4};
        world.progress = cut_the_proof;
        world.progress_context = &cut;
        SearchResult result = search(arena, (double)random_below(&random, 200) * 8192, cut.deadline).result;
        if (!cut.is_made)
            continue;
        cuts++;
        assert_true(result.bound > 0 && result.gap_percent >= 0);
    }
    assert_true(cuts >= 5);
    world_clear();
}

static void
the_budget_is_kept(void **state)
{
    (void)state;
    Random random = random_new(63);
    for (int round = 0; round < 60; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        world_random(&random);
        double budget = (double)random_below(&random, 200) * 8192;
        uint32_t chosen = mask_of(search(arena, budget, DEADLINE_NEVER).result.chosen);
        double bytes = 0;
        for (int i = 0; i < CANDIDATES; i++)
            bytes += (chosen >> i & 1) != 0 ? world.size_bytes[i] : 0;
        assert_true(bytes <= budget);
    }
}

/* What nobody thought of, and what the harvest did not come to, has a size only when it was asked about. */
static void
a_size_that_is_told_late_counts_against_the_budget(void **state)
{
    (void)state;
    for (int is_late = 0; is_late < 2; is_late++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        world_clear();
        world.any_gain_counts = true;
        for (size_t q = 0; q < STATEMENTS; q++) {
            world.relevant[q] = q == 1 && is_late ? 0xff : 0x7f;
            world_plan(q, 1u << 7, 10);
            world_plan(q, 1u << 2, 500);
        }
        world.size_bytes[7] = 1e9;
        Deadline deadline = DEADLINE_NEVER;
        if (is_late) {
            world.end_at = world.questions + 1;
            world.end_ms = clock_monotonic_ms() + 600;
            deadline = deadline_after_ms(1200);
        }
        uint32_t chosen = mask_of(search(arena, 5e6, deadline).result.chosen);
        assert_int_equal(chosen, 1u << 2);
    }
    world_clear();
}

/* The process between two programs: it is started again and nobody notices but for the count. */
static void
kill_the_solver(void *context, const char *step, int64_t done, int64_t total)
{
    (void)step;
    (void)done;
    (void)total;
    char path[64], text[64] = "";
    (void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    bool has_child = fgets(text, sizeof(text), file) != NULL;
    (void)fclose(file);
    if (has_child && kill((pid_t)strtol(text, NULL, 10), SIGKILL) == 0)
        (*(int *)context)++;
}

static void
a_solver_that_is_killed_again_and_again_leaves_the_proof_what_it_was(void **state)
{
    (void)state;
    Random random = random_new(71);
    int kills = 0;
    for (int round = 0; round < 8; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        world_random(&random);
        world.any_gain_counts = true;
        double budget = (double)(100 + random_below(&random, 200)) * 8192;
        world.progress = kill_the_solver;
        world.progress_context = &kills;
        SearchResult result = search(arena, budget, DEADLINE_NEVER).result;
        double best = world_best(budget);
        assert_true(world_fits(mask_of(result.chosen), budget));
        assert_true(result.bound <= (STATEMENTS * BASELINE - best) * (1 + 1e-6));
        assert_true(result.gap_percent <= 0.05 && result.solver_failures == 0 &&
                    result.solver_reason == NULL);
    }
    /* once a round at the most, and eight of one search would be the last */
    assert_true(kills > 8);
    world_clear();
}

static void
without_a_solver_there_is_a_valid_set_and_no_proof(void **state)
{
    (void)state;
    Random random = random_new(72);
    for (int round = 0; round < 8; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        world_random(&random);
        /* one that is not there, and one that ends at once */
        const char *solver = round % 2 == 0 ? "/nowhere/at/all" : "/bin/false";
        assert_int_equal(setenv("FETTLE_SOLVER", solver, 1), 0);
        double budget = (double)(50 + random_below(&random, 200)) * 8192;
        SearchResult result = search(arena, budget, DEADLINE_NEVER).result;
        uint32_t chosen = mask_of(result.chosen);
        assert_true(world_fits(chosen, budget) && world_net(chosen) >= 0);
        assert_true(isnan(result.gap_percent) && result.bound == 0);
        assert_true(result.solver_failures > 0 && result.solver_reason != NULL);
        assert_true(round % 2 != 0 || strstr(result.solver_reason, solver) != NULL);
        /* one index more is never better: exchanges went on without it */
        for (int i = 0; i < CANDIDATES; i++)
            if (world_fits(chosen | 1u << i, budget))
                assert_true(world_net(chosen | 1u << i) <= world_net(chosen) + 0.05 * BASELINE * STATEMENTS);
    }
    assert_int_equal(unsetenv("FETTLE_SOLVER"), 0);
    world_clear();
}

/* An index has a pointer for each row. */
static void
what_cannot_fit_is_not_even_made(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    world_clear();
    world_plan(0, 1u << 2, 10);
    world.rows = 1e6;
    SearchResult result = search(arena, 5e6, DEADLINE_NEVER).result;
    assert_true(bits_is_empty(result.chosen) && world.begun == 0 && world.questions == 0);
    result = search(arena, 1e8, DEADLINE_NEVER).result;
    assert_int_equal(mask_of(result.chosen), 1u << 2);
    assert_true(world.begun > 0);
    world_clear();
}

static void
without_time_the_answer_is_empty_and_says_so(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    world_clear();
    world_plan(0, 1u << 2, 10);
    SearchResult result = search(arena, INFINITY, 1).result;
    assert_true(result.is_stopped_early && bits_is_empty(result.chosen));
    assert_true(result.cost_after[0] == BASELINE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(when_time_is_up_nothing_is_asked_and_what_was_not_verified_is_told),
        cmocka_unit_test(a_proof_that_time_ends_says_how_far_it_came),
        cmocka_unit_test(the_budget_is_kept),
        cmocka_unit_test(a_size_that_is_told_late_counts_against_the_budget),
        cmocka_unit_test(a_solver_that_is_killed_again_and_again_leaves_the_proof_what_it_was),
        cmocka_unit_test(without_a_solver_there_is_a_valid_set_and_no_proof),
        cmocka_unit_test(what_cannot_fit_is_not_even_made),
        cmocka_unit_test(without_time_the_answer_is_empty_and_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
