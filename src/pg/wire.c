// SPDX-License-Identifier: PostgreSQL
/*
 * The socket: waiting within a deadline, reading within a limit of bytes, cancelling within two seconds.
 */
#include "pg/connection_internal.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <time.h>

#define CANCEL_WAIT_S 2

short
pg_wire_wait(PgConnection *connection, short events, Deadline deadline)
{
    struct pollfd wait = {.fd = PQsocket(connection->libpq), .events = events};
    /* libpq has dropped the socket: the next call on it tells why */
    if (wait.fd < 0)
        return events;
    /* a server works ahead of a client that is slow to read: its time is not only what it is waited for */
    bool is_answer = events == POLLIN && connection->read_at_us != 0;
    int64_t start_us = is_answer ? connection->read_at_us : clock_monotonic_us();
    int ready = 0;
    while (!deadline_passed(deadline)) {
        ready = poll(&wait, 1, deadline_left_ms(deadline));
        if (ready > 0 || (ready < 0 && errno != EINTR))
            break;
    }
    connection->read_at_us = clock_monotonic_us();
    connection->server_time_us += connection->read_at_us - start_us;
    if (ready == 0)
        return 0;
    /* a hang-up or an error: whoever waits finds it by reading or writing */
    return (wait.revents & events) != 0 ? (short)(wait.revents & events) : events;
}

bool
pg_wire_consume(PgConnection *connection, const char *doing, Error *error)
{
    int waiting = 0;
    /* libpq keeps an unfinished row to itself; what waits in the socket is the one figure that shows it
     * growing */
    if (ioctl(PQsocket(connection->libpq), FIONREAD, &waiting) == 0)
        connection->wire_bytes += waiting;
    if (connection->wire_bytes_most > 0 && connection->wire_bytes > connection->wire_bytes_most) {
        connection->is_broken = true;
        (void)pg_wire_cancel(connection);
        return error_set(error, ERROR_LIMIT, "the answer is larger than %lld bytes",
                         (long long)connection->wire_bytes_most);
    }
    if (PQconsumeInput(connection->libpq) != 0)
        return true;
    /* the server's last words may have come before the end */
    FETTLE_CLEANUP(pg_libpq_result_clear_at) PGresult *last = PQgetResult(connection->libpq);
    connection->is_broken = true;
    if (last != NULL && PQresultErrorField(last, PG_DIAG_SQLSTATE) != NULL)
        return pg_failure_result(connection, last, error);
    return pg_failure_lost(connection, doing, error);
}

bool
pg_wire_flush(PgConnection *connection, Deadline deadline, Error *error)
{
    for (;;) {
        int left = PQflush(connection->libpq);
        if (left == 0) {
            connection->read_at_us = clock_monotonic_us();
            return true;
        }
        if (left < 0)
            return pg_failure_lost(connection, "could not send to the server", error);
        short ready = pg_wire_wait(connection, POLLOUT | POLLIN, deadline);
        if (ready == 0)
            return pg_wire_timed_out(connection, "could not send to the server", error);
        /* a server that cannot get rid of its own words takes none of ours */
        if ((ready & POLLIN) != 0 && !pg_wire_consume(connection, "could not send to the server", error))
            return false;
    }
}

static void *
cancel_thread(void *context)
{
    char ignored[256];
    PGcancel *request = context;
    bool accepted = PQcancel(request, ignored, sizeof(ignored)) == 1;
    PQfreeCancel(request);
    return accepted ? context : NULL;
}

/*
 * PQcancel() blocks on a dead network, so a thread does it; one that is late goes on alone until the system's
 * own time limit, and holds nothing of ours. It takes no signals: those are for the program's own threads.
 */
bool
pg_wire_cancel(PgConnection *connection)
{
    PGcancel *request = PQgetCancel(connection->libpq);
    if (request == NULL)
        return false;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, cancel_thread, request);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        PQfreeCancel(request);
        return false;
    }
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CANCEL_WAIT_S;
    void *accepted = NULL;
    if (pthread_timedjoin_np(thread, &accepted, &until) == 0)
        return accepted != NULL;
    pthread_detach(thread);
    return false;
}

bool
pg_wire_timed_out(PgConnection *connection, const char *doing, Error *error)
{
    connection->is_broken = true;
    bool cancelled = pg_wire_cancel(connection);
    error_set(error, ERROR_TIMEOUT, "%s: no answer within the deadline", doing);
    return error_set_hint(error, cancelled ? "the statement took too long and was cancelled"
                                           : "the server or the network is stalled; the statement's own "
                                             "statement_timeout ends it");
}
