// SPDX-License-Identifier: PostgreSQL
/*
 * The postmaster as our child.
 *
 * Two things stop it when we die without a word: the kernel's parent-death signal (which fires when the
 * THREAD that forked exits, so it is a help on one-threaded programs only and is not relied upon), and a
 * watchdog child that holds the read end of a pipe whose write end only we have: end of file means that we
 * are gone, and it sends SIGINT.
 */
#include "store/cluster_internal.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_FAST_MS 10000
#define STOP_POLL_MS 20
#define LOG_BYTES_MOST (1024 * 1024)
/* Two of the cluster's WAL segments. */
#define FULL_BYTES_LEFT ((uint64_t)2 << 20)

static void
sleep_ms(int milliseconds)
{
    (void)poll(NULL, 0, milliseconds);
}

static bool
become(const ClusterUser *user)
{
    return !user->change ||
           (setgroups(0, NULL) == 0 && setresgid(user->group, user->group, user->group) == 0 &&
            setresuid(user->user, user->user, user->user) == 0);
}

static void
signals_reset(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
}

static void FETTLE_NORETURN
postmaster_child(const Cluster *cluster, int log)
{
    setsid();
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
        _exit(127);
    closefrom(3);
    signals_reset();
    const char *program = path_join(cluster->arena, cluster->binaries.directory, "postgres");
    if (!become(&cluster->user) || chdir("/") != 0)
        _exit(127);
    unsetenv("PGOPTIONS");
    execl(program, program, "-D", cluster->pgdata, (char *)NULL);
    _exit(127);
}

/* Waits for the pipe's end, then stops the postmaster. Ignores the terminal's signals: it must outlive its
 * parent. */
static void FETTLE_NORETURN
watchdog_child(int life, pid_t postmaster, const ClusterUser *user)
{
    setsid();
    signals_reset();
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (dup2(life, 3) < 0)
        _exit(127);
    closefrom(4);
    prctl(PR_SET_NAME, "fettle-watchdog");
    if (!become(user))
        _exit(127);
    char byte;
    ssize_t count;
    do
        count = read(3, &byte, 1);
    while (count < 0 && errno == EINTR);
    kill(postmaster, SIGINT);
    _exit(0);
}

static bool
watchdog_start(Cluster *cluster, Error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set_errno(error, errno, "could not watch over the private cluster");
    pid_t child = fork();
    if (child < 0) {
        close(ends[0]);
        close(ends[1]);
        return error_set_errno(error, errno, "could not watch over the private cluster");
    }
    if (child == 0) {
        close(ends[1]);
        watchdog_child(ends[0], cluster->postmaster, &cluster->user);
    }
    close(ends[0]);
    cluster->watchdog_pipe = ends[1];
    cluster->watchdog = child;
    return true;
}

/* True when the process is a postmaster of these binaries; a recycled pid is not. */
static bool
pid_is_postmaster(const Cluster *cluster, pid_t pid)
{
    char path[64];
    char target[4096];
    snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
    ssize_t length = readlink(path, target, sizeof(target) - 1);
    if (length <= 0)
        return false;
    target[length] = '\0';
    snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    char *line;
    size_t size;
    Error ignored = {0};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("cmdline", 1 << 20);
    if (strstr(target, "postgres") == NULL || !file_read(arena, path, 65536, &line, &size, &ignored))
        return false;
    return memmem(line, size, cluster->pgdata, strlen(cluster->pgdata)) != NULL;
}

static pid_t
postmaster_pid_read(const Cluster *cluster)
{
    char *text;
    size_t length;
    Error ignored = {0};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("postmaster.pid", 1 << 20);
    if (!file_read(arena, path_join(arena, cluster->pgdata, "postmaster.pid"), 4096, &text, &length,
                   &ignored))
        return 0;
    long pid = strtol(text, NULL, 10);
    return pid > 1 ? (pid_t)pid : 0;
}

bool
cluster_orphan_stop(Cluster *cluster, Deadline deadline, Error *error)
{
    pid_t pid = postmaster_pid_read(cluster);
    if (pid == 0 || !pid_is_postmaster(cluster, pid))
        return true;
    kill(pid, SIGINT);
    while (pid_is_postmaster(cluster, pid)) {
        if (deadline_passed(deadline))
            return error_set(error, ERROR_CLUSTER, "an earlier private cluster (process %d) does not stop",
                             (int)pid);
        sleep_ms(STOP_POLL_MS);
    }
    return true;
}

/* What the server has logged since it was started. */
static const char *
log_since_start(const Cluster *cluster, Arena *arena)
{
    char *text;
    size_t length;
    Error ignored = {0};
    if (!file_read(arena, cluster->log_path, 16 * LOG_BYTES_MOST, &text, &length, &ignored) ||
        (int64_t)length < cluster->log_start_bytes)
        return "";
    return text + cluster->log_start_bytes;
}

/* The last severe line of a log, without its time; else the last line. */
static const char *
log_reason(Arena *arena, const char *log)
{
    const char *reason = NULL;
    const char *last = "it gave no reason";
    for (const char *line = log; line[0] != '\0'; line += strcspn(line, "\n"), line += line[0] == '\n') {
        size_t length = strcspn(line, "\n");
        const char *text = arena_strndup(arena, line, length);
        const char *fatal = strstr(text, "FATAL: ");
        const char *panic = strstr(text, "PANIC: ");
        if (fatal != NULL || panic != NULL)
            reason = panic != NULL ? panic : fatal;
        last = length > 0 ? text : last;
    }
    return reason != NULL ? reason + strlen("FATAL: ") : last;
}

/* A server that ends because its disk is full may find no room to log it either. */
static bool
is_nearly_full(Arena *arena, const char *directory)
{
    uint64_t bytes;
    return cluster_free_bytes(arena, directory, &bytes) && bytes < FULL_BYTES_LEFT;
}

bool
cluster_explain_failure(const Cluster *cluster, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("cluster log", (size_t)64 << 20);
    bool full = error->code == ERROR_DISK_FULL || text_equals(error->sqlstate, "53100") ||
                strstr(log_since_start(cluster, arena), "No space left on device") != NULL ||
                (error->sqlstate[0] == '\0' && is_nearly_full(arena, cluster->data_directory));
    if (!full)
        return false;
    error->code = ERROR_DISK_FULL;
    return error_set_hint(
        error, "the disk under %s is full: free some space, or set FETTLE_DATA to a place with more",
        cluster->data_directory);
}

static bool
cluster_start_failed(Cluster *cluster, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("cluster log", (size_t)64 << 20);
    const char *reason = log_reason(arena, log_since_start(cluster, arena));
    error_set(error, ERROR_CLUSTER, "the private cluster did not start: %.300s",
              reason + strspn(reason, " "));
    return error_set_hint(error, "see %s", cluster->log_path) || cluster_explain_failure(cluster, error);
}

static bool
cluster_wait_ready(Cluster *cluster, Deadline deadline, Error *error)
{
    for (;;) {
        Error reason = {0};
        FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
        if (cluster_connect(cluster, "postgres", NULL, &connection, &reason))
            return true;
        if (!cluster_is_alive(cluster))
            return cluster_start_failed(cluster, error);
        if (deadline_passed(deadline))
            return error_set(error, ERROR_TIMEOUT, "the private cluster did not answer in time: %.300s",
                             reason.message);
        sleep_ms(10);
    }
}

bool
cluster_process_start(Cluster *cluster, Deadline deadline, Error *error)
{
    struct stat status;
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
    if (stat(cluster->log_path, &status) == 0 && status.st_size > LOG_BYTES_MOST)
        flags |= O_TRUNC;
    bool is_kept = (flags & O_TRUNC) == 0 && stat(cluster->log_path, &status) == 0;
    cluster->log_start_bytes = is_kept ? status.st_size : 0;
    FETTLE_CLEANUP(descriptor_close_at) int log = open(cluster->log_path, flags, 0600);
    if (log < 0)
        return error_set_errno(error, errno, "could not open %s", cluster->log_path);
    pid_t child = fork();
    if (child < 0)
        return error_set_errno(error, errno, "could not start the private cluster");
    if (child == 0)
        postmaster_child(cluster, log);
    cluster->postmaster = child;
    if (!watchdog_start(cluster, error) || !cluster_wait_ready(cluster, deadline, error)) {
        cluster_process_stop(cluster);
        return false;
    }
    return true;
}

bool
cluster_is_alive(Cluster *cluster)
{
    if (cluster->postmaster == 0)
        return false;
    int status;
    if (waitpid(cluster->postmaster, &status, WNOHANG) == 0)
        return true;
    cluster->postmaster = 0;
    return false;
}

static void
watchdog_stop(Cluster *cluster)
{
    if (cluster->watchdog != 0) {
        kill(cluster->watchdog, SIGKILL);
        while (waitpid(cluster->watchdog, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    if (cluster->watchdog_pipe >= 0)
        close(cluster->watchdog_pipe);
    cluster->watchdog = 0;
    cluster->watchdog_pipe = -1;
}

void
cluster_process_stop(Cluster *cluster)
{
    static const int ladder[] = {SIGINT, SIGQUIT, SIGKILL};
    for (size_t i = 0; i < FETTLE_COUNT_OF(ladder) && cluster_is_alive(cluster); i++) {
        kill(cluster->postmaster, ladder[i]);
        Deadline deadline = deadline_after_ms(STOP_FAST_MS);
        for (int pause_ms = 1; cluster_is_alive(cluster) && !deadline_passed(deadline);
             pause_ms = pause_ms * 2 > STOP_POLL_MS ? STOP_POLL_MS : pause_ms * 2)
            sleep_ms(pause_ms);
    }
    watchdog_stop(cluster);
}
