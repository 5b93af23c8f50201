// SPDX-License-Identifier: PostgreSQL
#include "../scratch.h"

#include "base/companion.h"
#include "base/file.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MUCH_BYTES (1 << 20)

static void
companion_stop_at(Companion *companion)
{
    companion_stop(companion);
}

static Deadline
in_a_minute(void)
{
    return deadline_after_ms(60000);
}

/* A companion that is a shell script; its path says nothing to the shell but what it reads. */
static Companion
companion_of(const char *script)
{
    Companion companion = COMPANION_NONE;
    Error error = {0};
    scratch_write("program", script, strlen(script));
    assert_int_equal(chmod(scratch_path("program"), 0700), 0);
    if (!companion_start(&companion, scratch_path("program"), &error))
        fail_msg("%s", error.message);
    assert_true(companion_is_running(&companion));
    return companion;
}

static void
what_is_sent_comes_back_however_much_it_is(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)8 << 20);
    FETTLE_CLEANUP(companion_stop_at)
    Companion companion =
        companion_of("#!/bin/sh\nhead -c 1048576 >\"$0.copy\"; cat \"$0.copy\"; exec cat\n");
    char *sent = arena_alloc(arena, MUCH_BYTES);
    char *received = arena_alloc(arena, MUCH_BYTES);
    Error error = {0};
    for (size_t i = 0; i < MUCH_BYTES; i++)
        sent[i] = (char)(i * 7 % 251);
    assert_true(companion_send(&companion, sent, MUCH_BYTES, in_a_minute(), &error));
    assert_true(companion_receive(&companion, received, MUCH_BYTES, in_a_minute(), &error));
    assert_memory_equal(sent, received, MUCH_BYTES);
    assert_true(companion_send(&companion, "again", 5, in_a_minute(), &error));
    assert_true(companion_receive(&companion, received, 5, in_a_minute(), &error));
    assert_memory_equal("again", received, 5);
}

static void
an_answer_that_does_not_come_is_waited_for_until_the_deadline(void **state)
{
    (void)state;
    FETTLE_CLEANUP(companion_stop_at) Companion companion = companion_of("#!/bin/sh\nexec cat >/dev/null\n");
    char byte;
    Error error = {0};
    assert_false(companion_receive(&companion, &byte, 1, deadline_after_ms(30), &error));
    assert_int_equal(error.code, ERROR_TIMEOUT);
}

static void
a_companion_that_is_killed_has_ended_for_both_ways(void **state)
{
    (void)state;
    FETTLE_CLEANUP(companion_stop_at) Companion companion = companion_of("#!/bin/sh\nexec cat\n");
    char byte;
    Error error = {0};
    assert_int_equal(kill(companion.process, SIGKILL), 0);
    assert_false(companion_receive(&companion, &byte, 1, in_a_minute(), &error));
    assert_int_equal(error.code, ERROR_SYSTEM);
    error_clear(&error);
    /* and no SIGPIPE ends the one that talks to it */
    assert_false(companion_send(&companion, "x", 1, in_a_minute(), &error));
    assert_int_equal(error.code, ERROR_SYSTEM);
    companion_stop(&companion);
    assert_false(companion_is_running(&companion));
}

static void
it_gets_no_descriptors_besides_and_stops_with_nothing_left(void **state)
{
    (void)state;
    int besides = dup(STDIN_FILENO);
    assert_true(besides > STDERR_FILENO);
    /* the shell itself holds its script open above them */
    char script[128];
    (void)snprintf(script, sizeof(script), "#!/bin/sh\n[ -e /proc/$$/fd/%d ] && echo y || echo n\nexec cat\n",
                   besides);
    Companion companion = companion_of(script);
    char answer;
    Error error = {0};
    assert_true(companion_receive(&companion, &answer, 1, in_a_minute(), &error));
    assert_int_equal(answer, 'n');
    pid_t process = companion.process;
    assert_int_equal(getpgid(process), process);
    companion_stop(&companion);
    companion_stop(&companion);
    assert_int_equal(kill(process, 0), -1);
    close(besides);
}

static void
a_program_that_is_not_there_is_said_so(void **state)
{
    (void)state;
    Companion companion = COMPANION_NONE;
    Error error = {0};
    assert_false(companion_start(&companion, "/nowhere/at/all", &error));
    assert_non_null(strstr(error.message, "/nowhere/at/all"));
    assert_false(companion_is_running(&companion));
    companion_stop(&companion);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_sent_comes_back_however_much_it_is, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(an_answer_that_does_not_come_is_waited_for_until_the_deadline,
                                        scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(a_companion_that_is_killed_has_ended_for_both_ways, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(it_gets_no_descriptors_besides_and_stops_with_nothing_left,
                                        scratch_make, scratch_remove),
        cmocka_unit_test(a_program_that_is_not_there_is_said_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
