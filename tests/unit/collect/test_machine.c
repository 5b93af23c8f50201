// SPDX-License-Identifier: PostgreSQL
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "collect/machine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A proc file system of files: machine started at 1,700,000,000, clock ticks of this machine. */
typedef struct Fixture {
    Arena *arena;
    char *proc;
} Fixture;

static void
put(const Fixture *fixture, const char *name, const char *text, size_t length)
{
    Error error = {0};
    char *path = path_join(fixture->arena, fixture->proc, name);
    char *directory = arena_strndup(fixture->arena, path, (size_t)(strrchr(path, '/') - path));
    assert_true(directory_make(directory, 0700, &error));
    assert_true(file_write_atomic(path, text, length, 0600, &error));
}

static int
set_up(void **state)
{
    Fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    fixture->arena = arena_new("test", 1 << 22);
    char place[] = "/tmp/fettle-proc-XXXXXX";
    assert_non_null(mkdtemp(place));
    fixture->proc = arena_strdup(fixture->arena, place);
    char *stat = arena_printf(fixture->arena,
                              "cpu  10 20 30 400 50 6 7 8 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\nbtime 1700000000\n");
    put(fixture, "stat", stat, strlen(stat));
    char *postmaster =
        arena_printf(fixture->arena, "40 (postgres) S 1 40 40 0 -1 1 1 1 1 1 1 1 1 1 20 0 1 0 %ld 1 1\n",
                     500 * sysconf(_SC_CLK_TCK));
    put(fixture, "40/stat", postmaster, strlen(postmaster));
    static const char backend[] = "41 (we) (ird) S 40 41 41 0 -1 1 1 1 1 1 1 1 1 1 20 0 1 0 99 1 1\n";
    put(fixture, "41/stat", backend, strlen(backend));
    static const char words[] = "postgres: fettle shop [local] idle\0\0";
    put(fixture, "41/cmdline", words, sizeof(words));
    static const char memory[] = "MemTotal: 100 kB\nMemAvailable:   2048 kB\n";
    put(fixture, "meminfo", memory, strlen(memory));
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    Fixture *fixture = *state;
    Error error = {0};
    assert_true(directory_remove(fixture->proc, &error));
    arena_free(fixture->arena);
    free(fixture);
    return 0;
}

static void
our_backend_whose_parent_started_with_the_postmaster_proves_a_local_target(void **state)
{
    const Fixture *fixture = *state;
    MachineProof proof = machine_prove(fixture->proc, 41, (int64_t)1700000500 * 1000000 + 300000);
    assert_true(proof.is_local);
    assert_int_equal(proof.postmaster_pid, 40);
}

static void
a_parent_of_another_age_proves_nothing(void **state)
{
    const Fixture *fixture = *state;
    assert_false(machine_prove(fixture->proc, 41, (int64_t)1700000600 * 1000000).is_local);
    assert_false(machine_prove(fixture->proc, 41, 0).is_local);
}

static void
a_process_that_is_no_server_or_not_there_proves_nothing(void **state)
{
    const Fixture *fixture = *state;
    put(fixture, "41/cmdline", "vim postgres: notes", 19);
    assert_false(machine_prove(fixture->proc, 41, (int64_t)1700000500 * 1000000).is_local);
    assert_false(machine_prove(fixture->proc, 42, (int64_t)1700000500 * 1000000).is_local);
    assert_false(machine_prove("/nowhere", 41, (int64_t)1700000500 * 1000000).is_local);
}

static void
figures_are_read_and_missing_ones_are_none(void **state)
{
    const Fixture *fixture = *state;
    MachineFigures figures;
    machine_read(fixture->proc, NULL, &figures);
    assert_float_equal(figures.cpu_all_ticks, 531, 0);
    assert_float_equal(figures.cpu_busy_ticks, 81, 0);
    assert_float_equal(figures.memory_available_bytes, 2048 * 1024, 0);
    assert_true(isnan(figures.disk_free_bytes));
    assert_true(isnan(figures.disk_read_bytes));
    machine_read("/nowhere", fixture->proc, &figures);
    assert_true(isnan(figures.cpu_all_ticks));
    assert_true(isnan(figures.memory_available_bytes));
    assert_true(figures.disk_free_bytes > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            our_backend_whose_parent_started_with_the_postmaster_proves_a_local_target, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_parent_of_another_age_proves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_process_that_is_no_server_or_not_there_proves_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(figures_are_read_and_missing_ones_are_none, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
