// SPDX-License-Identifier: PostgreSQL
#include "../death.h"
#include "../scratch.h"

#include "base/file.h"
#include "base/process.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY 65534
#define RESERVED_SIGNAL 33

/* A shell's command that must come to run, within a minute. */
static ProcessResult
run_shell(Arena *arena, const char *command)
{
    const char *arguments[] = {"/bin/sh", "-c", command, NULL};
    ProcessResult result = {.exit_status = -1};
    Error error = {0};
    ProcessOptions options = {.arguments = arguments, .deadline = deadline_after_ms(60000)};
    if (!process_run(arena, &options, &result, &error))
        fail_msg("%s", error.message);
    return result;
}

static void
output_and_exit_status_are_given(void **state)
{
    (void)state;
    static const struct {
        const char *command;
        int exit_status;
        const char *output;
    } cases[] = {{"echo out; echo err >&2; exit 3", 3, "out\nerr\n"},
                 {"true", 0, ""},
                 {"exit 127", 127, ""},
                 {"exit 255", 255, ""},
                 {"kill -KILL $$", 128 + SIGKILL, ""},
                 {"kill -TERM $$", 128 + SIGTERM, ""},
                 {"cat; echo end", 0, "end\n"},
                 {"pwd", 0, "/\n"},
                 {"printf 'a\\000b'", 0, "a"}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
        ProcessResult result = run_shell(arena, cases[i].command);
        assert_int_equal(result.exit_status, cases[i].exit_status);
        assert_string_equal(result.output, cases[i].output);
    }
}

static void
of_much_output_the_last_part_is_kept(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    ProcessResult result = run_shell(arena, "i=0; while [ $i -lt 30000 ]; do echo line $i; i=$((i+1)); done");
    assert_int_equal(strlen(result.output), PROCESS_OUTPUT_BYTES);
    assert_string_equal(result.output + PROCESS_OUTPUT_BYTES - 11, "line 29999\n");
}

static void
what_cannot_be_started_is_told_with_its_reason(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    scratch_write("plain", "x", 1);
    static const char *const programs[][2] = {{"/no/such/program", "No such file or directory"},
                                              {"fettle-no-such-program", "No such file or directory"},
                                              {"plain", "Permission denied"}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(programs); i++) {
        const char *program = i == 2 ? scratch_path("plain") : programs[i][0];
        const char *arguments[] = {program, NULL};
        ProcessResult result = {.exit_status = 99};
        Error error = {0};
        ProcessOptions options = {.arguments = arguments, .deadline = deadline_after_ms(60000)};
        assert_false(process_run(arena, &options, &result, &error));
        assert_int_equal(error.code, ERROR_SYSTEM);
        assert_string_equal(error.message,
                            arena_printf(arena, "could not run %s: %s", program, programs[i][1]));
        assert_int_equal(result.exit_status, 99);
    }
    const char *arguments[] = {"/bin/true", NULL};
    ProcessResult result;
    Error error = {0};
    assert_false(process_run(arena,
                             &(ProcessOptions){.arguments = arguments,
                                               .directory = scratch_path("nowhere"),
                                               .deadline = DEADLINE_NEVER},
                             &result, &error));
    assert_non_null(strstr(error.message, "No such file"));
}

static void
on_the_deadline_the_whole_group_is_killed(void **state)
{
    (void)state;
    /* it waits; its child holds the pipe; it closes its output and goes on; it ignores SIGTERM */
    static const char *const commands[] = {
        "echo $$; sleep 1000", "sleep 1000 & echo $!; wait", "echo $$; exec >/dev/null 2>&1; sleep 1000",
        "trap '' TERM INT HUP; echo $$; sleep 1000", "sleep 1000 & echo $!"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(commands); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
        const char *command = arena_printf(arena, "(%s) | tee %s; echo", commands[i], scratch_path("pid"));
        if (i == 2)
            command =
                arena_printf(arena, "echo $$ >%s; exec >/dev/null 2>&1; sleep 1000", scratch_path("pid"));
        const char *arguments[] = {"sh", "-c", command, NULL};
        ProcessResult result;
        Error error = {0};
        ProcessOptions options = {.arguments = arguments, .deadline = deadline_after_ms(700)};
        assert_false(process_run(arena, &options, &result, &error));
        assert_int_equal(error.code, ERROR_TIMEOUT);
        assert_non_null(strstr(error.message, "sh did not finish in time"));
        char *text;
        size_t size;
        assert_true(file_read(arena, scratch_path("pid"), 100, &text, &size, &error));
        int pid = (int)strtol(text, NULL, 10);
        assert_true(pid > 1);
        /* a child of the child is init's to reap, which takes a moment */
        for (int wait = 0; wait < 500 && kill(pid, 0) == 0; wait++)
            usleep(10000);
        const char *stat_path = arena_printf(arena, "/proc/%d/stat", pid);
        bool is_zombie =
            file_read(arena, stat_path, 4096, &text, &size, &error) && strstr(text, ") Z ") != NULL;
        assert_true(is_zombie || kill(pid, 0) != 0);
    }
}

static void
a_deadline_that_has_passed_kills_at_once(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    const char *arguments[] = {"/bin/sleep", "1000", NULL};
    ProcessResult result;
    Error error = {0};
    assert_false(
        process_run(arena, &(ProcessOptions){.arguments = arguments, .deadline = 0}, &result, &error));
    assert_int_equal(error.code, ERROR_TIMEOUT);
}

static void
nothing_but_the_three_streams_is_inherited(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    int kept = dup(1);
    assert_true(kept >= 0);
    ProcessResult result = run_shell(arena, "ls /proc/self/fd | wc -l");
    close(kept);
    /* the fourth is that of ls on the directory itself */
    assert_int_equal(strtol(result.output, NULL, 10), 4);
}

static void
signals_are_as_in_a_fresh_process(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    /* one that the C library keeps for itself, ignored as some supervisors have it */
    static const unsigned long ignored[8] = {(unsigned long)SIG_IGN}, standard[8];
    assert_int_equal(syscall(SYS_rt_sigaction, RESERVED_SIGNAL, ignored, NULL, sizeof(unsigned long)), 0);
    ProcessResult result = run_shell(arena, "grep -E '^Sig(Blk|Ign)' /proc/self/status");
    ProcessResult ended = run_shell(arena, "kill -TERM $$; echo alive");
    (void)syscall(SYS_rt_sigaction, RESERVED_SIGNAL, standard, NULL, sizeof(unsigned long));
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    assert_string_equal(result.output, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    assert_int_equal(ended.exit_status, 128 + SIGTERM);
}

static void
environment_directory_and_user_are_as_asked(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    const char *arguments[] = {"sh", "-c", "echo \"$FETTLE_A-$FETTLE_B-$PWD-$(id -u)-$(id -g)-$(id -G)\"",
                               NULL};
    const char *environment[] = {"FETTLE_A=one two", "FETTLE_B=", NULL};
    ProcessResult result;
    Error error = {0};
    ProcessOptions options = {.arguments = arguments,
                              .environment = environment,
                              .directory = "/usr",
                              .change_user = geteuid() == 0,
                              .user = NOBODY,
                              .group = NOBODY,
                              .deadline = deadline_after_ms(60000)};
    assert_true(process_run(arena, &options, &result, &error));
    assert_int_equal(result.exit_status, 0);
    assert_true(text_starts_with(result.output, "one two--/usr-"));
    if (geteuid() == 0)
        assert_string_equal(result.output, "one two--/usr-65534-65534-65534\n");
    assert_null(getenv("FETTLE_A"));
}

int
main(void)
{
#define SCRATCH_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_and_exit_status_are_given),
        cmocka_unit_test(of_much_output_the_last_part_is_kept),
        SCRATCH_TEST(what_cannot_be_started_is_told_with_its_reason),
        SCRATCH_TEST(on_the_deadline_the_whole_group_is_killed),
        cmocka_unit_test(a_deadline_that_has_passed_kills_at_once),
        cmocka_unit_test(nothing_but_the_three_streams_is_inherited),
        cmocka_unit_test(signals_are_as_in_a_fresh_process),
        cmocka_unit_test(environment_directory_and_user_are_as_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
