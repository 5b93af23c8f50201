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
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STATUS_DESCRIPTOR 3
#define REAP_PAUSE_MOST_MS 20

/* Tells the parent why the program does not run; a program that runs closes the descriptor by itself. */
static void FETTLE_NORETURN
process_give_up(int status_descriptor)
{
    int reason = errno;
    ssize_t written = write(status_descriptor, &reason, sizeof(reason));
    _exit(written < 0 ? 126 : 127);
}

/* What is ignored here would stay ignored there. The kernel is asked directly: the C library refuses the two
 * signals that it keeps for itself, and some supervisors start their children with those ignored. All zeros
 * is the default action. */
static void
process_take_default_actions(void)
{
    static const unsigned long action[8];
    for (int number = 1; number < NSIG; number++)
        (void)syscall(SYS_rt_sigaction, number, action, NULL, (size_t)(NSIG - 1) / 8);
}

static void FETTLE_NORETURN
process_child(const ProcessOptions *options, int output, int status)
{
    setpgid(0, 0);
    /* out of the way of 0 to 3, which the caller may have closed */
    output = fcntl(output, F_DUPFD, STATUS_DESCRIPTOR + 1);
    status = fcntl(status, F_DUPFD, STATUS_DESCRIPTOR + 1);
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0 ||
        dup3(status, STATUS_DESCRIPTOR, O_CLOEXEC) < 0)
        process_give_up(status);
    closefrom(STATUS_DESCRIPTOR + 1);
    if (options->change_user &&
        (setgroups(0, NULL) != 0 || setresgid(options->group, options->group, options->group) != 0 ||
         setresuid(options->user, options->user, options->user) != 0))
        process_give_up(STATUS_DESCRIPTOR);
    if (chdir(options->directory == NULL ? "/" : options->directory) != 0)
        process_give_up(STATUS_DESCRIPTOR);
    /* its end is waited for here: with nobody to wait it would work on in what the next one makes anew. After
     * the change of user, which takes it back. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* after the change of user: where there is a second thread (a sanitizer has one), the C library tells it
     * of the change by one of these signals */
    process_take_default_actions();
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (size_t i = 0; options->environment != NULL && options->environment[i] != NULL; i++)
        putenv((char *)(uintptr_t)options->environment[i]);
    execvp(options->arguments[0], (char *const *)(uintptr_t)options->arguments);
    process_give_up(STATUS_DESCRIPTOR);
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

/* The output may end before the program does, so the end is waited for within the deadline too. */
static bool
process_reap(pid_t child, Deadline deadline, int *ret_exit_status)
{
    int status = 0;
    for (int pause_ms = 1;;
         pause_ms = pause_ms * 2 > REAP_PAUSE_MOST_MS ? REAP_PAUSE_MOST_MS : pause_ms * 2) {
        pid_t reaped = waitpid(child, &status, deadline == DEADLINE_NEVER ? 0 : WNOHANG);
        if (reaped == child)
            break;
        fettle_assert(reaped == 0 || errno == EINTR);
        if (deadline_passed(deadline))
            return false;
        if (reaped == 0)
            (void)poll(NULL, 0, pause_ms);
    }
    *ret_exit_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return true;
}

static void
process_kill(pid_t child)
{
    kill(-child, SIGKILL);
    kill(child, SIGKILL);
    int ignored;
    bool reaped = process_reap(child, DEADLINE_NEVER, &ignored);
    fettle_assert(reaped);
}

/* 0 when the program runs, else the errno of why it does not. */
static int
process_start_status(int input)
{
    int reason = 0;
    ssize_t count;
    do
        count = read(input, &reason, sizeof(reason));
    while (count < 0 && errno == EINTR);
    return count == (ssize_t)sizeof(reason) ? reason : 0;
}

/* Forks; false when the program did not come to run. */
static bool
process_start(const ProcessOptions *options, int output, pid_t *ret_child, Error *error)
{
    const char *program = options->arguments[0];
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set_errno(error, errno, "could not run %s", program);
    FETTLE_CLEANUP(descriptor_close_at) int status_input = ends[0];
    FETTLE_CLEANUP(descriptor_close_at) int status_output = ends[1];
    pid_t child = fork();
    if (child < 0)
        return error_set_errno(error, errno, "could not run %s", program);
    if (child == 0)
        process_child(options, output, status_output);
    setpgid(child, child);
    descriptor_close_at(&status_output);
    int reason = process_start_status(status_input);
    if (reason != 0) {
        process_kill(child);
        return error_set_errno(error, reason, "could not run %s", program);
    }
    *ret_child = child;
    return true;
}

bool
process_run(Arena *arena, const ProcessOptions *options, ProcessResult *ret_result, Error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set_errno(error, errno, "could not run %s", options->arguments[0]);
    FETTLE_CLEANUP(descriptor_close_at) int input = ends[0];
    FETTLE_CLEANUP(descriptor_close_at) int output = ends[1];
    pid_t child;
    if (!process_start(options, output, &child, error))
        return false;
    descriptor_close_at(&output);
    char *buffer = arena_alloc(arena, PROCESS_OUTPUT_BYTES + 1);
    size_t length = 0;
    int exit_status = 0;
    if (!process_collect(input, options->deadline, buffer, &length) ||
        !process_reap(child, options->deadline, &exit_status)) {
        process_kill(child);
        return error_set(error, ERROR_TIMEOUT, "%s did not finish in time", options->arguments[0]);
    }
    *ret_result = (ProcessResult){.exit_status = exit_status, .output = buffer};
    return true;
}
