// SPDX-License-Identifier: PostgreSQL
#include "base/companion.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define DESCRIPTORS_KEPT 3

/* Either call returns the number of an error, as posix_spawn() itself does. */
static int
companion_spawn(const char *program, int stream, pid_t *ret_process)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    char *arguments[] = {(char *)(uintptr_t)program, NULL};
    sigfillset(&all);
    sigemptyset(&none);
    int failure = posix_spawn_file_actions_init(&actions);
    if (failure != 0)
        return failure;
    failure = posix_spawnattr_init(&attributes);
    if (failure == 0)
        failure = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                                            POSIX_SPAWN_SETPGROUP);
    if (failure == 0)
        failure = posix_spawnattr_setsigdefault(&attributes, &all);
    if (failure == 0)
        failure = posix_spawnattr_setsigmask(&attributes, &none);
    if (failure == 0)
        failure = posix_spawn_file_actions_adddup2(&actions, stream, STDIN_FILENO);
    if (failure == 0)
        failure = posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO);
    if (failure == 0)
        failure = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (failure == 0)
        failure = posix_spawn_file_actions_addclosefrom_np(&actions, DESCRIPTORS_KEPT);
    if (failure == 0)
        failure = posix_spawn(ret_process, program, &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}

bool
companion_start(Companion *companion, const char *program, Error *error)
{
    int ends[2];
    fettle_assert(!companion_is_running(companion));
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return error_set_errno(error, errno, "could not run %s", program);
    int own = ends[0];
    FETTLE_CLEANUP(descriptor_close_at) int other = ends[1];
    /* The companion's end blocks. */
    pid_t process;
    int failure = fcntl(other, F_SETFL, 0) != 0 ? errno : companion_spawn(program, other, &process);
    if (failure != 0) {
        descriptor_close_at(&own);
        return error_set_errno(error, failure, "could not run %s", program);
    }
    *companion = (Companion){.process = process, .stream = own};
    return true;
}

bool
companion_is_running(const Companion *companion)
{
    return companion->process > 0;
}

void
companion_stop(Companion *companion)
{
    if (!companion_is_running(companion))
        return;
    descriptor_close_at(&companion->stream);
    kill(companion->process, SIGKILL);
    pid_t reaped;
    do
        reaped = waitpid(companion->process, NULL, 0);
    while (reaped < 0 && errno == EINTR);
    *companion = COMPANION_NONE;
}

static bool
companion_wait(const Companion *companion, short events, Deadline deadline, Error *error)
{
    for (;;) {
        struct pollfd wait = {.fd = companion->stream, .events = events};
        int ready = poll(&wait, 1, deadline_left_ms(deadline));
        if (ready > 0)
            return true;
        if (ready == 0)
            return error_set(error, ERROR_TIMEOUT, "the companion process did not answer in time");
        if (errno != EINTR)
            return error_set_errno(error, errno, "could not wait for the companion process");
    }
}

static bool
is_transient(int error_number)
{
    return error_number == EINTR || error_number == EAGAIN;
}

bool
companion_send(const Companion *companion, const void *data, size_t size, Deadline deadline, Error *error)
{
    const char *bytes = data;
    fettle_assert(companion_is_running(companion));
    for (size_t sent = 0; sent < size;) {
        if (!companion_wait(companion, POLLOUT, deadline, error))
            return false;
        ssize_t count = send(companion->stream, bytes + sent, size - sent, MSG_NOSIGNAL);
        if (count < 0 && !is_transient(errno))
            return error_set_errno(error, errno, "could not write to the companion process");
        sent += count > 0 ? (size_t)count : 0;
    }
    return true;
}

bool
companion_receive(const Companion *companion, void *ret_data, size_t size, Deadline deadline, Error *error)
{
    char *bytes = ret_data;
    fettle_assert(companion_is_running(companion));
    for (size_t received = 0; received < size;) {
        if (!companion_wait(companion, POLLIN, deadline, error))
            return false;
        ssize_t count = recv(companion->stream, bytes + received, size - received, 0);
        if (count == 0)
            return error_set(error, ERROR_SYSTEM, "the companion process ended");
        if (count < 0 && !is_transient(errno))
            return error_set_errno(error, errno, "could not read from the companion process");
        received += count > 0 ? (size_t)count : 0;
    }
    return true;
}
