// SPDX-License-Identifier: PostgreSQL
/*
 * libmicrohttpd closes a connection that says nothing; a client that says a byte now and then it would serve
 * for ever. Here each connection has the time at which it began to read or to send, and once a second those
 * that have been at it for too long are shut down, which the connections' thread sees as their end.
 */
#include "api/http_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#define WATCH_INTERVAL_SECONDS 1

struct HttpWatched {
    HttpWatched *next;
    HttpWatched *previous;
    int descriptor;
    atomic_int phase;
    _Atomic int64_t since_ms;
};

struct HttpWatch {
    pthread_mutex_t mutex;
    pthread_cond_t stopping;
    HttpWatched *first;
    int64_t connections;
    int64_t cut;
    int64_t most_ms[3]; /* by phase; 0: any time */
    bool is_stopping;
    bool is_started;
    pthread_t thread;
};

/* The mutex is held, so that no descriptor is closed meanwhile. */
static void
watch_cut_slow(HttpWatch *watch)
{
    int64_t now_ms = clock_monotonic_ms();
    for (HttpWatched *watched = watch->first; watched != NULL; watched = watched->next) {
        int64_t most_ms = watch->most_ms[atomic_load(&watched->phase)];
        if (most_ms == 0 || now_ms - atomic_load(&watched->since_ms) <= most_ms)
            continue;
        shutdown(watched->descriptor, SHUT_RDWR);
        watch->cut++;
        atomic_store(&watched->since_ms, now_ms);
    }
}

static void *
watch_main(void *context)
{
    HttpWatch *watch = context;
    pthread_mutex_lock(&watch->mutex);
    while (!watch->is_stopping) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += WATCH_INTERVAL_SECONDS;
        if (pthread_cond_timedwait(&watch->stopping, &watch->mutex, &until) == ETIMEDOUT)
            watch_cut_slow(watch);
    }
    pthread_mutex_unlock(&watch->mutex);
    return NULL;
}

bool
http_watch_open(int64_t reading_ms_most, int64_t sending_ms_most, HttpWatch **ret_watch, Error *error)
{
    HttpWatch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL)
        return error_set(error, ERROR_SYSTEM, "out of memory");
    watch->most_ms[HTTP_PHASE_READING] = reading_ms_most;
    watch->most_ms[HTTP_PHASE_SENDING] = sending_ms_most;
    pthread_mutex_init(&watch->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->stopping, &attributes);
    pthread_condattr_destroy(&attributes);
    int failure = pthread_create(&watch->thread, NULL, watch_main, watch);
    watch->is_started = failure == 0;
    if (failure != 0) {
        http_watch_close(watch);
        return error_set_errno(error, failure, "could not start a thread");
    }
    *ret_watch = watch;
    return true;
}

HttpWatched *
http_watch_add(HttpWatch *watch, int descriptor)
{
    HttpWatched *watched = calloc(1, sizeof(*watched));
    if (watched == NULL)
        return NULL;
    watched->descriptor = descriptor;
    http_watch_phase(watched, HTTP_PHASE_READING);
    pthread_mutex_lock(&watch->mutex);
    watched->next = watch->first;
    if (watch->first != NULL)
        watch->first->previous = watched;
    watch->first = watched;
    watch->connections++;
    pthread_mutex_unlock(&watch->mutex);
    return watched;
}

void
http_watch_remove(HttpWatch *watch, HttpWatched *watched)
{
    if (watched == NULL)
        return;
    pthread_mutex_lock(&watch->mutex);
    if (watched->previous == NULL)
        watch->first = watched->next;
    else
        watched->previous->next = watched->next;
    if (watched->next != NULL)
        watched->next->previous = watched->previous;
    watch->connections--;
    pthread_mutex_unlock(&watch->mutex);
    free(watched);
}

void
http_watch_phase(HttpWatched *watched, HttpPhase phase)
{
    if (watched == NULL)
        return;
    atomic_store(&watched->since_ms, clock_monotonic_ms());
    atomic_store(&watched->phase, (int)phase);
}

void
http_watch_count(HttpWatch *watch, int64_t *ret_connections, int64_t *ret_cut)
{
    pthread_mutex_lock(&watch->mutex);
    *ret_connections = watch->connections;
    *ret_cut = watch->cut;
    pthread_mutex_unlock(&watch->mutex);
}

void
http_watch_close(HttpWatch *watch)
{
    if (watch == NULL)
        return;
    pthread_mutex_lock(&watch->mutex);
    watch->is_stopping = true;
    pthread_cond_broadcast(&watch->stopping);
    pthread_mutex_unlock(&watch->mutex);
    if (watch->is_started)
        pthread_join(watch->thread, NULL);
    fettle_assert(watch->first == NULL);
    pthread_cond_destroy(&watch->stopping);
    pthread_mutex_destroy(&watch->mutex);
    free(watch);
}
