// SPDX-License-Identifier: PostgreSQL
#include "api/http_internal.h"

#include <stdlib.h>

typedef struct HttpLaneState {
    HttpExchange *first;
    HttpExchange *last;
    int running;
    int running_most;
} HttpLaneState;

struct HttpQueue {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    HttpLaneState lanes[HTTP_LANE_COUNT];
    int waiting;
    int running;
    bool is_stopping;
    HttpQueueOptions options;
    int started;
    pthread_t threads[];
};

/* Some workers are always left to the quick lane, as far as there are several. */
static int
lane_running_most(HttpLane lane, int workers)
{
    int rest = workers - (workers + 3) / 4;
    int most = workers;
    if (lane == HTTP_LANE_LONG)
        most = rest;
    else if (lane == HTTP_LANE_PASSWORD)
        most = rest < 2 ? rest : 2;
    return most < 1 ? 1 : most;
}

/* The oldest request that its lane lets run; NULL: none. The mutex is held. */
static HttpExchange *
queue_take(HttpQueue *queue)
{
    HttpLaneState *best = NULL;
    for (size_t i = 0; i < HTTP_LANE_COUNT; i++) {
        HttpLaneState *lane = &queue->lanes[i];
        if (lane->first != NULL && lane->running < lane->running_most &&
            (best == NULL || lane->first->request.started_at_us < best->first->request.started_at_us))
            best = lane;
    }
    if (best == NULL)
        return NULL;
    HttpExchange *exchange = best->first;
    best->first = exchange->next;
    if (best->first == NULL)
        best->last = NULL;
    best->running++;
    queue->waiting--;
    queue->running++;
    return exchange;
}

static void *
worker_main(void *context)
{
    HttpQueue *queue = context;
    pthread_mutex_lock(&queue->mutex);
    for (;;) {
        HttpExchange *exchange = queue_take(queue);
        if (exchange == NULL) {
            if (queue->is_stopping && queue->waiting == 0)
                break;
            pthread_cond_wait(&queue->changed, &queue->mutex);
            continue;
        }
        HttpLane lane = exchange->request.lane;
        pthread_mutex_unlock(&queue->mutex);
        queue->options.run(queue->options.context, exchange);
        pthread_mutex_lock(&queue->mutex);
        queue->lanes[lane].running--;
        queue->running--;
        /* The lane has room again, and at the end all must see that nothing waits any more. */
        pthread_cond_broadcast(&queue->changed);
    }
    pthread_mutex_unlock(&queue->mutex);
    return NULL;
}

bool
http_queue_open(const HttpQueueOptions *options, HttpQueue **ret_queue, Error *error)
{
    fettle_assert(options->workers > 0);
    HttpQueue *queue = calloc(1, sizeof(*queue) + (size_t)options->workers * sizeof(queue->threads[0]));
    if (queue == NULL)
        return error_set(error, ERROR_SYSTEM, "out of memory");
    queue->options = *options;
    pthread_mutex_init(&queue->mutex, NULL);
    pthread_cond_init(&queue->changed, NULL);
    for (size_t i = 0; i < HTTP_LANE_COUNT; i++)
        queue->lanes[i].running_most = lane_running_most((HttpLane)i, options->workers);
    int failure = 0;
    while (failure == 0 && queue->started < options->workers) {
        failure = pthread_create(&queue->threads[queue->started], NULL, worker_main, queue);
        queue->started += failure == 0;
    }
    if (failure != 0) {
        http_queue_close(queue);
        return error_set_errno(error, failure, "could not start a thread");
    }
    *ret_queue = queue;
    return true;
}

bool
http_queue_put(HttpQueue *queue, HttpExchange *exchange)
{
    pthread_mutex_lock(&queue->mutex);
    bool has_room = !queue->is_stopping && queue->waiting < HTTP_QUEUE_MOST;
    if (has_room) {
        HttpLaneState *lane = &queue->lanes[exchange->request.lane];
        exchange->next = NULL;
        if (lane->last == NULL)
            lane->first = exchange;
        else
            lane->last->next = exchange;
        lane->last = exchange;
        queue->waiting++;
        pthread_cond_signal(&queue->changed);
    }
    pthread_mutex_unlock(&queue->mutex);
    return has_room;
}

void
http_queue_count(HttpQueue *queue, int64_t *ret_waiting, int64_t *ret_running)
{
    pthread_mutex_lock(&queue->mutex);
    *ret_waiting = queue->waiting;
    *ret_running = queue->running;
    pthread_mutex_unlock(&queue->mutex);
}

void
http_queue_stop(HttpQueue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->is_stopping = true;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->mutex);
    for (int i = 0; i < queue->started; i++)
        pthread_join(queue->threads[i], NULL);
    queue->started = 0;
}

void
http_queue_close(HttpQueue *queue)
{
    if (queue == NULL)
        return;
    http_queue_stop(queue);
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->mutex);
    free(queue);
}
