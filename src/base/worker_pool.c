// SPDX-License-Identifier: PostgreSQL
#include "base/worker_pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STACK_BYTES ((size_t)1024 * 1024)

typedef struct WorkerItem {
    WorkerTask task;
    void *argument;
} WorkerItem;

struct WorkerPool {
    pthread_mutex_t mutex;
    pthread_cond_t work;  /* something waits, or the pool stops */
    pthread_cond_t ended; /* a thread has ended */
    WorkerPoolOptions options;
    WorkerItem *ring; /* options.queue_most items */
    size_t first;
    size_t waiting;
    size_t running;
    int64_t done;
    int threads_alive;
    int thread_count;
    bool is_stopping;
    pthread_t threads[];
};

static void *
worker_main(void *context)
{
    WorkerPool *pool = context;
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        while (pool->waiting == 0 && !pool->is_stopping)
            pthread_cond_wait(&pool->work, &pool->mutex);
        if (pool->is_stopping)
            break;
        WorkerItem item = pool->ring[pool->first];
        pool->first = (pool->first + 1) % pool->options.queue_most;
        pool->waiting--;
        pool->running++;
        pthread_mutex_unlock(&pool->mutex);
        item.task(item.argument);
        pthread_mutex_lock(&pool->mutex);
        pool->running--;
        pool->done++;
    }
    pool->threads_alive--;
    pthread_cond_signal(&pool->ended);
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

/* Signals are for the main thread: workers are born with all of them blocked. */
static bool
worker_start(WorkerPool *pool, const pthread_attr_t *attributes)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&pool->threads[pool->thread_count], attributes, worker_main, pool) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!started)
        return false;
    char name[16] = "";
    size_t length = strnlen(pool->options.name, sizeof(name) - 1);
    memcpy(name, pool->options.name, length);
    pthread_setname_np(pool->threads[pool->thread_count], name);
    pool->thread_count++;
    return true;
}

static void
pool_free(WorkerPool *pool)
{
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->ended);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->ring);
    free(pool);
}

bool
worker_pool_new(const WorkerPoolOptions *options, WorkerPool **ret_pool, Error *error)
{
    fettle_assert(options->threads > 0 && options->threads <= 128 && options->queue_most > 0);
    WorkerPool *pool = calloc(1, sizeof(*pool) + (size_t)options->threads * sizeof(pthread_t));
    fettle_assert(pool != NULL);
    pool->options = *options;
    pool->ring = calloc(options->queue_most, sizeof(*pool->ring));
    fettle_assert(pool->ring != NULL);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, options->stack_bytes > 0 ? options->stack_bytes : STACK_BYTES);
    pool->threads_alive = options->threads;
    while (pool->thread_count < options->threads && worker_start(pool, &attributes))
        ;
    pthread_attr_destroy(&attributes);
    if (pool->thread_count == options->threads) {
        *ret_pool = pool;
        return true;
    }
    pthread_mutex_lock(&pool->mutex);
    pool->threads_alive = pool->thread_count;
    pthread_mutex_unlock(&pool->mutex);
    bool stopped = worker_pool_stop(pool, DEADLINE_NEVER);
    fettle_assert(stopped);
    error_set(error, ERROR_SYSTEM, "could not start %d threads", options->threads);
    return error_set_hint(error, "raise the limit of processes (ulimit -u), or lower the number of workers");
}

bool
worker_pool_submit(WorkerPool *pool, WorkerTask task, void *argument)
{
    pthread_mutex_lock(&pool->mutex);
    bool taken = !pool->is_stopping && pool->waiting < pool->options.queue_most;
    if (taken) {
        size_t last = (pool->first + pool->waiting) % pool->options.queue_most;
        pool->ring[last] = (WorkerItem){.task = task, .argument = argument};
        pool->waiting++;
        pthread_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&pool->mutex);
    return taken;
}

WorkerPoolState
worker_pool_state(WorkerPool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    WorkerPoolState state = {.waiting = pool->waiting, .running = pool->running, .done = pool->done};
    pthread_mutex_unlock(&pool->mutex);
    return state;
}

/* True when every thread has ended by the deadline. */
static bool
pool_wait(WorkerPool *pool, Deadline deadline)
{
    struct timespec until = {.tv_sec = deadline / 1000, .tv_nsec = deadline % 1000 * 1000000};
    bool in_time = true;
    pthread_mutex_lock(&pool->mutex);
    pool->is_stopping = true;
    pthread_cond_broadcast(&pool->work);
    while (pool->threads_alive > 0 && in_time) {
        if (deadline == DEADLINE_NEVER)
            pthread_cond_wait(&pool->ended, &pool->mutex);
        else
            in_time = pthread_cond_timedwait(&pool->ended, &pool->mutex, &until) == 0;
    }
    bool all_ended = pool->threads_alive == 0;
    pthread_mutex_unlock(&pool->mutex);
    return all_ended;
}

bool
worker_pool_stop(WorkerPool *pool, Deadline deadline)
{
    if (pool == NULL)
        return true;
    if (!pool_wait(pool, deadline))
        return false;
    for (int i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    for (; pool->waiting > 0; pool->waiting--) {
        WorkerItem item = pool->ring[pool->first];
        pool->first = (pool->first + 1) % pool->options.queue_most;
        if (pool->options.discard != NULL)
            pool->options.discard(item.argument);
    }
    pool_free(pool);
    return true;
}
