// SPDX-License-Identifier: PostgreSQL
/*
 * WorkerPool: threads that run tasks from one bounded queue, first come first served.
 *
 * worker_pool_submit() never blocks: a full queue is an answer, so that whoever makes work slows down instead
 * of piling it up. A task runs once, on one thread; it owns its argument. Stopping lets running tasks finish
 * within a deadline; tasks still waiting are not run, and their arguments are given to the pool's discard
 * function.
 *
 * Any thread may submit; one thread makes and stops the pool.
 *
 *     WorkerPool *pool;
 *     if (!worker_pool_new(&(WorkerPoolOptions){.name = "collect", .threads = 8, .queue_most = 4096}, &pool,
 * error)) return false; worker_pool_submit(pool, round_run, round); bool all_done = worker_pool_stop(pool,
 * deadline_after_ms(20000));
 */
#ifndef FETTLE_BASE_WORKER_POOL_H
#define FETTLE_BASE_WORKER_POOL_H

#include "base/clock.h"
#include "base/error.h"

typedef struct WorkerPool WorkerPool;

typedef void (*WorkerTask)(void *argument);

typedef struct WorkerPoolOptions {
    const char *name;   /* of its threads, at most 12 bytes; a literal */
    int threads;        /* 1 .. 128 */
    size_t queue_most;  /* tasks that may wait */
    size_t stack_bytes; /* 0: 1 MB */
    WorkerTask
        discard; /* called on the stopping thread for each task that was not run; NULL: nothing to free */
} WorkerPoolOptions;

typedef struct WorkerPoolState {
    size_t waiting;
    size_t running;
    int64_t done;
} WorkerPoolState;

bool worker_pool_new(const WorkerPoolOptions *options, WorkerPool **ret_pool, Error *error) FETTLE_MUST_USE;

/* False when the queue is full or the pool is stopping: the task was not taken. */
bool worker_pool_submit(WorkerPool *pool, WorkerTask task, void *argument) FETTLE_MUST_USE;

WorkerPoolState worker_pool_state(WorkerPool *pool);

/* Stops and frees the pool; NULL is allowed. False when tasks still ran at the deadline: then the pool and
 * its threads are left as they are, to end with the process. */
bool worker_pool_stop(WorkerPool *pool, Deadline deadline);

#endif
