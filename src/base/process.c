// SPDX-License-Identifier: PostgreSQL
#include "base/process.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_CANNOT_RUN 127

static void FETTLE_NORETURN
process_child(const ProcessOptions *options, int output)
{
    setpgid(0, 0);
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
        _exit(EXIT_CANNOT_RUN);
    closefrom(3);
    signal(SIGPIPE, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (options->change_user &&
        (setgroups(0, NULL) != 0 || setresgid(options->group, options->group, options->group) != 0 ||
         setresuid(options->user, options->user, options->user) != 0))
        _exit(EXIT_CANNOT_RUN);
    if (chdir(options->directory == NULL ? "/" : options->directory) != 0)
        _exit(EXIT_CANNOT_RUN);
    for (size_t i = 0; options->environment != NULL && options->environment[i] != NULL; i++)
        putenv((char *)(uintptr_t)options->environment[i]);
    execvp(options->arguments[0], (char *const *)(uintptr_t)options->arguments);
    _exit(EXIT_CANNOT_RUN);
}

/* Reads until the end of the pipe or the deadline; keeps the last PROCESS_OUTPUT_BYTES. */
static bool
process_collect(int input, Deadline deadline, char *buffer, size_t *ret_length)
{
    size_t length = 0;
    for (;;) {
        struct pollfd wait = {.fd = input, .events = POLLIN};
        int ready = poll(&wait, 1, deadline_left_ms(deadline));
        if (ready == 0)
            return false;
        if (ready < 0 && errno == EINTR)
            continue;
        char chunk[4096];
        ssize_t count = read(input, chunk, sizeof(chunk));
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        size_t more = (size_t)count;
        if (length + more > PROCESS_OUTPUT_BYTES) {
            size_t excess = length + more - PROCESS_OUTPUT_BYTES;
            memmove(buffer, buffer + excess, length - excess);
            length -= excess;
        }
        memcpy(buffer + length, chunk, more);
        length += more;
    }
    buffer[length] = '\0';
    *ret_length = length;
    return true;
}

static int
process_reap(pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return EXIT_CANNOT_RUN;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool
process_run(Arena *arena, const ProcessOptions *options, ProcessResult *ret_result, Error *error)
{
    const char *program = options->arguments[0];
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set_errno(error, errno, "could not run %s", program);
    FETTLE_CLEANUP(descriptor_close_at) int input = ends[0];
    FETTLE_CLEANUP(descriptor_close_at) int output = ends[1];
    pid_t child = fork();
    if (child < 0)
        return error_set_errno(error, errno, "could not run %s", program);
    if (child == 0)
        process_child(options, output);
    setpgid(child, child);
    descriptor_close_at(&output);
    char *buffer = arena_alloc(arena, PROCESS_OUTPUT_BYTES + 1);
    size_t length = 0;
    bool finished = process_collect(input, options->deadline, buffer, &length);
    if (!finished)
        kill(-child, SIGKILL);
    int exit_status = process_reap(child);
    if (!finished)
        return error_set(error, ERROR_TIMEOUT, "%s did not finish in time", program);
    if (exit_status == EXIT_CANNOT_RUN && length == 0)
        return error_set(error, ERROR_SYSTEM, "could not run %s", program);
    *ret_result = (ProcessResult){.exit_status = exit_status, .output = buffer};
    return true;
}
