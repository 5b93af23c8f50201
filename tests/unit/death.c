// SPDX-License-Identifier: PostgreSQL
#include "death.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENDED_WELL 42

/* Runs the act in a child; its wait status. */
static int
run_apart(void (*act)(void *context), void *context, char *buffer, size_t size_bytes)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        static const struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        /* cmocka's handlers would report the child's end as a failed test */
        signal(SIGABRT, SIG_DFL);
        signal(SIGSEGV, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        act(context);
        _exit(ENDED_WELL);
    }
    close(ends[1]);
    size_t length = 0;
    char chunk[4096];
    for (ssize_t count = read(ends[0], chunk, sizeof(chunk)); count > 0;
         count = read(ends[0], chunk, sizeof(chunk))) {
        size_t room = size_bytes - 1 - length;
        size_t more = (size_t)count < room ? (size_t)count : room;
        memcpy(buffer + length, chunk, more);
        length += more;
    }
    buffer[length] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

void
assert_dies(void (*act)(void *context), void *context, const char *words)
{
    char buffer[4096];
    int status = run_apart(act, context, buffer, sizeof(buffer));
    bool aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    bool exhausted = WIFEXITED(status) && WEXITSTATUS(status) == 70;
    if (!aborted && !exhausted)
        fail_msg("it ended with wait status %d, having said: %s", status, buffer);
    if (strstr(buffer, words) == NULL)
        fail_msg("no \"%s\" in: %s", words, buffer);
}

void
standard_error_of(void (*act)(void *context), void *context, char *buffer, size_t size_bytes)
{
    int status = run_apart(act, context, buffer, size_bytes);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != ENDED_WELL)
        fail_msg("it ended with wait status %d, having said: %s", status, buffer);
}
