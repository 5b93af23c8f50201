// SPDX-License-Identifier: PostgreSQL
/*
 * What the files of the HTTP layer share.
 *
 *   http.c          libmicrohttpd: connections, reading, replying, opening and stopping
 *   http_queue.c    requests on their way to workers, by lanes
 *   http_watch.c    the connections by age; cuts those that are too slow
 *   http_listen.c   the listening socket and the limit of open files
 */
#ifndef FETTLE_API_HTTP_INTERNAL_H
#define FETTLE_API_HTTP_INTERNAL_H

#include "api/http.h"

#include <pthread.h>
#include <stdatomic.h>

/* A request with what the connections' thread needs of it. */
typedef struct HttpExchange {
    HttpRequest request;
    struct HttpExchange *next; /* in the queue */
    void *connection;          /* struct MHD_Connection */
    size_t body_capacity;
    bool is_head_read;
    bool is_done; /* a worker has answered it */
    bool is_queued;
    bool is_replied;
} HttpExchange;

typedef struct HttpQueue HttpQueue;

typedef struct HttpQueueOptions {
    int workers;
    void (*run)(void *context, HttpExchange *exchange); /* on a worker */
    void *context;
} HttpQueueOptions;

bool http_queue_open(const HttpQueueOptions *options, HttpQueue **ret_queue, Error *error) FETTLE_MUST_USE;
/* False when it is full or stopping. */
bool http_queue_put(HttpQueue *queue, HttpExchange *exchange);
void http_queue_count(HttpQueue *queue, int64_t *ret_waiting, int64_t *ret_running);
/* Runs what waits still, then ends the workers; later requests are refused. */
void http_queue_stop(HttpQueue *queue);
/* NULL is allowed. */
void http_queue_close(HttpQueue *queue);

/* What a connection is doing, for how long it may. */
typedef enum HttpPhase { HTTP_PHASE_READING, HTTP_PHASE_WORKING, HTTP_PHASE_SENDING } HttpPhase;

typedef struct HttpWatch HttpWatch;
typedef struct HttpWatched HttpWatched;

bool http_watch_open(int64_t reading_ms_most, int64_t sending_ms_most, HttpWatch **ret_watch, Error *error)
    FETTLE_MUST_USE;
HttpWatched *http_watch_add(HttpWatch *watch, int descriptor);
void http_watch_remove(HttpWatch *watch, HttpWatched *watched);
void http_watch_phase(HttpWatched *watched, HttpPhase phase);
void http_watch_count(HttpWatch *watch, int64_t *ret_connections, int64_t *ret_cut);
void http_watch_close(HttpWatch *watch);

/* The socket, not blocking, and its port. */
bool http_listen(const char *address, int *ret_socket, int *ret_port, Error *error) FETTLE_MUST_USE;
/* Raises the soft limit of open files as far as it is needed and allowed; the number of connections there is
 * room for. */
int http_connections_allowed(int connections_wanted);

#endif
