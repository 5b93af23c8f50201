// SPDX-License-Identifier: PostgreSQL
/*
 * HttpServer: HTTP/1.1 over libmicrohttpd, and the only folder-wide knowledge of that library.
 *
 * One thread owns every connection (epoll), reads requests and writes replies; it never waits for anything
 * else. A request whose head has come is shown to triage(), on that thread, which answers it at once (what
 * needs no store: /health, a missing token) or names a lane. Then its body is read, still there, so a slow
 * client costs a connection and never a worker. A whole request goes into a bounded queue and to the first
 * worker that its lane allows; the connection is suspended meanwhile, and answer() may block until the
 * request's deadline.
 *
 * Lanes keep a kind of work from taking all workers: answers that may take seconds (LONG) and password hashes
 * (PASSWORD) leave some to the QUICK ones.
 *
 * Limits, each with its reply: request line and headers HTTP_HEAD_BYTES (413; what does not even fit
 * the connection's memory gets libmicrohttpd's own 431 and no JSON, as what is no HTTP gets its own 400),
 * body HTTP_BODY_BYTES (is_body_too_large, answer() says 413 in its place in the order of checks; declared
 * beyond HTTP_BODY_DISCARD_BYTES 413 at once), all bodies together HTTP_BODIES_BYTES (503), queue
 * HTTP_QUEUE_MOST (503), time from a connection's last reply (or its start) to the end of the next request
 * and time to take a reply (it is closed), number of connections (more wait to be accepted).
 *
 * Threads: open and stop belong to one thread; triage(), answered() and ended() run on the connections'
 * thread, answer() on workers. A request belongs to one thread at a time.
 */
#ifndef FETTLE_API_HTTP_H
#define FETTLE_API_HTTP_H

#include "base/clock.h"
#include "base/error.h"

#define HTTP_HEAD_BYTES ((size_t)16 * 1024)
#define HTTP_BODY_BYTES ((size_t)1024 * 1024)
#define HTTP_BODY_DISCARD_BYTES ((uint64_t)16 * 1024 * 1024)
#define HTTP_BODIES_BYTES ((int64_t)64 * 1024 * 1024)
#define HTTP_QUEUE_MOST 1024
#define HTTP_ARENA_BYTES ((size_t)1024 * 1024 * 1024)

typedef enum HttpLane { HTTP_LANE_QUICK, HTTP_LANE_LONG, HTTP_LANE_PASSWORD, HTTP_LANE_COUNT } HttpLane;

typedef struct HttpReply {
    int status;               /* 0: there is none yet */
    const char *content_type; /* NULL: application/json */
    const char *body;         /* in the request's arena, or static; NULL: none */
    size_t length;
    const char *error_code; /* the machine word of an error's body; static; NULL: it is none */
    const char *allow;      /* header Allow; NULL: none, as below */
    const char *location;   /* header Location */
    int retry_after_seconds;
} HttpReply;

typedef struct HttpRequest {
    Arena *arena;
    const char *method;
    const char *target; /* as sent: path and query, not decoded */
    size_t target_length;
    const char *authorization; /* header; NULL: not sent, as below */
    const char *content_type;
    const char *request_id; /* the client's when it is a sane one, else ours */
    const char *address;    /* of the peer, without its port */
    const char *body;       /* NUL-terminated one past its length */
    size_t body_length;
    bool is_body_too_large;
    int64_t started_at_us; /* monotonic: when the head had come */

    /* set by triage() */
    HttpLane lane;
    Deadline deadline;
    bool takes_body;
    void *context; /* of whoever serves it, in the arena */

    HttpReply reply;
} HttpRequest;

typedef struct HttpService {
    void *context;
    /* Fills in the reply, or lane, deadline and takes_body. Must not wait. */
    void (*triage)(void *context, HttpRequest *request);
    /* Fills in the reply. */
    void (*answer)(void *context, HttpRequest *request);
    /* The reply is on its way: for counters and logs. */
    void (*answered)(void *context, const HttpRequest *request);
    /* The request is over, answered or not: its arena goes next. Called for each that triage() has seen. */
    void (*ended)(void *context, HttpRequest *request);
} HttpService;

typedef struct HttpOptions {
    HttpService service;
    const char *listen;          /* "127.0.0.1:8080", "[::1]:8080", "localhost:8080"; port 0: any free one */
    const char *tls_certificate; /* PEM file; "": plain HTTP */
    const char *tls_key;
    int workers;
    int connections_most;
    int64_t idle_timeout_ms;
} HttpOptions;

typedef struct HttpServer HttpServer;

/* Listens and serves. The limit of open files is raised for the connections; where it cannot be, there are
 * fewer of them and a line in the log. */
bool http_server_open(const HttpOptions *options, HttpServer **ret_server, Error *error) FETTLE_MUST_USE;

/* Takes no new connection, lets what runs and waits finish until the deadline (later requests get 503), then
 * closes all. A worker that is in the store is waited for up to its request's deadline. NULL is allowed. */
void http_server_stop(HttpServer *server, Deadline deadline);

int http_server_port(const HttpServer *server);

/* Figures of the moment, for /metrics; any thread. */
typedef struct HttpFigures {
    int64_t connections;
    int64_t queued;
    int64_t running;
    int64_t body_bytes;
    int64_t connections_closed_slow; /* so far: cut because a request or a reply took too long */
} HttpFigures;

HttpFigures http_server_figures(HttpServer *server);

/* The one error body: {"error", "code", "message"} and, when details (a JSON object's text) is not NULL,
 * "details". */
void http_reply_error(HttpRequest *request, int status, const char *code, const char *message,
                      const char *details);

#endif
