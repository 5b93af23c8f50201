// SPDX-License-Identifier: PostgreSQL
#include "api/http_internal.h"

#include "base/file.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "base/random.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A connection's memory: what it has sent of a head, and the head of its reply. */
#define CONNECTION_BYTES ((size_t)32 * 1024)
#define TLS_FILE_BYTES ((size_t)1024 * 1024)
#define REQUEST_ID_BYTES 64
#define TARGET_BYTES_MOST ((size_t)8 * 1024)
#define BODY_FIRST_BYTES ((size_t)4 * 1024)
/* A whole request, and the taking of a reply, may take this many times the idle timeout. */
#define SLOW_FACTOR 2
#define REPLIES_SENT_MS 2000

struct HttpServer {
    HttpOptions options;
    struct MHD_Daemon *daemon;
    HttpQueue *queue;
    HttpWatch *watch;
    Arena *arena; /* certificate and key */
    int listen_socket;
    int port;
    _Atomic int64_t body_bytes;
    atomic_bool is_stopping;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t ended;
    int64_t exchanges; /* requests between their first line and the end of their reply */
};

void
http_reply_error(HttpRequest *request, int status, const char *code, const char *message, const char *details)
{
    Text text = text_new(request->arena);
    JsonWriter json = json_writer_new(&text, false);
    json_object_begin(&json);
    json_key_string(&json, "error", status == 401 ? "Unauthorized" : message);
    json_key_string(&json, "code", code);
    json_key_string(&json, "message", message);
    if (details != NULL) {
        json_key(&json, "details");
        json_raw(&json, details);
    }
    json_object_end(&json);
    request->reply.status = status;
    request->reply.content_type = NULL;
    request->reply.error_code = code;
    request->reply.body = text.data;
    request->reply.length = text.length;
}

/* An id that may stand in logs and headers as it is. */
static const char *
request_id_choose(Arena *arena, const char *given)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    size_t length = given == NULL ? 0 : strlen(given);
    if (length > 0 && length <= REQUEST_ID_BYTES && strspn(given, allowed) == length)
        return arena_strdup(arena, given);
    uint64_t random[2];
    random_system_bytes(random, sizeof(random));
    return arena_printf(arena, "%016llx%016llx", (unsigned long long)random[0],
                        (unsigned long long)random[1]);
}

static const char *
connection_address(Arena *arena, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char text[INET6_ADDRSTRLEN] = "unknown";
    if (info != NULL && info->client_addr != NULL) {
        const struct sockaddr *address = info->client_addr;
        if (address->sa_family == AF_INET)
            inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, text, sizeof(text));
        else if (address->sa_family == AF_INET6)
            inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, text, sizeof(text));
    }
    return arena_strdup(arena, text);
}

static HttpWatched *
connection_watched(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

static const char *
header_of(Arena *arena, struct MHD_Connection *connection, const char *name)
{
    return arena_strdup(arena, MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name));
}

/* The first line has come: the exchange begins. */
static void *
on_target(void *context, const char *target, struct MHD_Connection *connection)
{
    HttpServer *server = context;
    Arena *arena = arena_new("request", HTTP_ARENA_BYTES);
    HttpExchange *exchange = ARENA_NEW(arena, HttpExchange);
    exchange->connection = connection;
    exchange->request.arena = arena;
    exchange->request.target_length = strnlen(target, TARGET_BYTES_MOST + 1);
    exchange->request.target = arena_strndup(arena, target, exchange->request.target_length);
    pthread_mutex_lock(&server->mutex);
    server->exchanges++;
    pthread_mutex_unlock(&server->mutex);
    return exchange;
}

static void
on_completed(void *context, struct MHD_Connection *connection, void **exchange_at,
             enum MHD_RequestTerminationCode how)
{
    (void)how;
    HttpServer *server = context;
    HttpExchange *exchange = *exchange_at;
    if (exchange == NULL)
        return;
    fettle_assert(!exchange->is_queued || exchange->is_done);
    *exchange_at = NULL;
    http_watch_phase(connection_watched(connection), HTTP_PHASE_READING);
    atomic_fetch_sub(&server->body_bytes, (int64_t)exchange->body_capacity);
    if (exchange->request.context != NULL)
        server->options.service.ended(server->options.service.context, &exchange->request);
    arena_free(exchange->request.arena);
    pthread_mutex_lock(&server->mutex);
    server->exchanges--;
    pthread_cond_broadcast(&server->ended);
    pthread_mutex_unlock(&server->mutex);
}

static void
on_connection(void *context, struct MHD_Connection *connection, void **watched_at,
              enum MHD_ConnectionNotificationCode how)
{
    HttpServer *server = context;
    if (how == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *watched_at = http_watch_add(server->watch, info->connect_fd);
    } else {
        http_watch_remove(server->watch, *watched_at);
        *watched_at = NULL;
    }
}

static void
response_add_headers(struct MHD_Response *response, const HttpServer *server, const HttpRequest *request)
{
    const HttpReply *reply = &request->reply;
    char seconds[16];
    snprintf(seconds, sizeof(seconds), "%d", reply->retry_after_seconds);
    const struct {
        const char *name;
        const char *value;
    } headers[] = {
        {"Content-Type", reply->body == NULL           ? NULL
                         : reply->content_type == NULL ? "application/json; charset=utf-8"
                                                       : reply->content_type},
        {"X-Request-Id", request->request_id},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
        {"Referrer-Policy", "no-referrer"},
        {"Cache-Control", "no-store"},
        {"Strict-Transport-Security", server->options.tls_certificate[0] != '\0' ? "max-age=31536000" : NULL},
        {"Allow", reply->allow},
        {"Location", reply->location},
        {"Retry-After", reply->retry_after_seconds > 0 ? seconds : NULL},
        {"WWW-Authenticate", reply->status == 401 ? "Bearer" : NULL},
        {"Connection", atomic_load(&server->is_stopping) ? "close" : NULL},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(headers); i++)
        if (headers[i].value != NULL)
            MHD_add_response_header(response, headers[i].name, headers[i].value);
}

/* Gives the reply to the connection; its bytes stay in the exchange's arena until on_completed(). */
static enum MHD_Result
exchange_reply(HttpServer *server, HttpExchange *exchange)
{
    HttpRequest *request = &exchange->request;
    fettle_assert(request->reply.status != 0 && !exchange->is_replied);
    exchange->is_replied = true;
    struct MHD_Response *response = MHD_create_response_from_buffer(
        request->reply.length, (void *)(uintptr_t)request->reply.body, MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return MHD_NO;
    response_add_headers(response, server, request);
    http_watch_phase(connection_watched(exchange->connection), HTTP_PHASE_SENDING);
    enum MHD_Result result =
        MHD_queue_response(exchange->connection, (unsigned)request->reply.status, response);
    MHD_destroy_response(response);
    server->options.service.answered(server->options.service.context, request);
    return result;
}

/* Bytes the client says it will send; UINT64_MAX: it does not say. */
static uint64_t
declared_body_bytes(struct MHD_Connection *connection)
{
    const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
    int64_t bytes;
    if (length == NULL)
        return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Transfer-Encoding") == NULL
                   ? 0
                   : UINT64_MAX;
    return text_parse_int64(length, &bytes) && bytes >= 0 ? (uint64_t)bytes : UINT64_MAX - 1;
}

/* The head is there: who serves it decides what becomes of it. */
static enum MHD_Result
exchange_begin(HttpServer *server, HttpExchange *exchange, const char *method, const char *version)
{
    struct MHD_Connection *connection = exchange->connection;
    HttpRequest *request = &exchange->request;
    Arena *arena = request->arena;
    exchange->is_head_read = true;
    request->method = arena_strdup(arena, method);
    request->started_at_us = clock_monotonic_us();
    request->address = connection_address(arena, connection);
    request->authorization = header_of(arena, connection, "Authorization");
    request->content_type = header_of(arena, connection, "Content-Type");
    request->request_id =
        request_id_choose(arena, MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "X-Request-Id"));
    request->body = "";
    const union MHD_ConnectionInfo *head =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    uint64_t declared = declared_body_bytes(connection);
    if (request->target_length > TARGET_BYTES_MOST || (head != NULL && head->header_size > HTTP_HEAD_BYTES))
        http_reply_error(request, 413, "body_too_large", "the request's line and headers are too large",
                         NULL);
    else if (strcmp(version, MHD_HTTP_VERSION_1_1) == 0 &&
             MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host") == NULL)
        http_reply_error(request, 400, "invalid_parameter", "a request needs the header Host", NULL);
    else if (atomic_load(&server->is_stopping))
        http_reply_error(request, 503, "unavailable", "the server is stopping", NULL);
    else
        server->options.service.triage(server->options.service.context, request);
    if (request->reply.status == 0 && declared != UINT64_MAX && declared > HTTP_BODY_DISCARD_BYTES)
        http_reply_error(request, 413, "body_too_large", "the body is larger than 1 MiB", NULL);
    request->is_body_too_large = declared != UINT64_MAX && declared > HTTP_BODY_BYTES;
    const char *expects = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Expect");
    /* A reply that is known now saves the client from sending a body it was going to ask about; a small body
     * that is on its way is read first, for closing upon it could lose the reply. */
    if (request->reply.status != 0 && declared != 0 &&
        ((declared != UINT64_MAX && declared > HTTP_BODY_DISCARD_BYTES) || expects != NULL))
        return exchange_reply(server, exchange);
    return MHD_YES;
}

/* Room for more bytes of the body, within the budget of all bodies. */
static bool
body_reserve(HttpServer *server, HttpExchange *exchange, size_t needed)
{
    if (needed <= exchange->body_capacity)
        return true;
    size_t capacity = exchange->body_capacity == 0 ? BODY_FIRST_BYTES : exchange->body_capacity;
    while (capacity < needed)
        capacity *= 2;
    int64_t more = (int64_t)(capacity - exchange->body_capacity);
    if (atomic_fetch_add(&server->body_bytes, more) + more > HTTP_BODIES_BYTES) {
        atomic_fetch_sub(&server->body_bytes, more);
        return false;
    }
    char *body = arena_alloc(exchange->request.arena, capacity + 1);
    memcpy(body, exchange->request.body, exchange->request.body_length);
    exchange->request.body = body;
    exchange->body_capacity = capacity;
    return true;
}

static enum MHD_Result
exchange_take_body(HttpServer *server, HttpExchange *exchange, const char *bytes, size_t count)
{
    HttpRequest *request = &exchange->request;
    size_t length = request->body_length + count;
    if (request->reply.status != 0 || !request->takes_body || request->is_body_too_large ||
        length > HTTP_BODY_BYTES) {
        /* Read and forgotten, up to where it is no longer worth it. */
        request->is_body_too_large |= length > HTTP_BODY_BYTES;
        request->body_length = length;
        return length > HTTP_BODY_DISCARD_BYTES ? MHD_NO : MHD_YES;
    }
    if (!body_reserve(server, exchange, length)) {
        http_reply_error(request, 503, "unavailable", "too many requests are being read", NULL);
        request->reply.retry_after_seconds = 1;
        return MHD_YES;
    }
    memcpy((char *)(uintptr_t)request->body + request->body_length, bytes, count);
    request->body_length = length;
    return MHD_YES;
}

/* All of it has come: to the reply that is known, or into the queue. */
static enum MHD_Result
exchange_dispatch(HttpServer *server, HttpExchange *exchange)
{
    HttpRequest *request = &exchange->request;
    if (!request->takes_body || request->is_body_too_large) {
        request->body = "";
        request->body_length = 0;
    }
    if (request->reply.status != 0)
        return exchange_reply(server, exchange);
    exchange->is_queued = true;
    http_watch_phase(connection_watched(exchange->connection), HTTP_PHASE_WORKING);
    MHD_suspend_connection(exchange->connection);
    if (http_queue_put(server->queue, exchange))
        return MHD_YES;
    exchange->is_done = true;
    http_reply_error(request, 503, "unavailable", "the server has too much to do", NULL);
    request->reply.retry_after_seconds = 1;
    MHD_resume_connection(exchange->connection);
    return MHD_YES;
}

static enum MHD_Result
on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
           const char *version, const char *upload_data, size_t *upload_data_size, void **exchange_at)
{
    (void)connection;
    (void)url;
    HttpServer *server = context;
    HttpExchange *exchange = *exchange_at;
    fettle_assert(exchange != NULL);
    if (!exchange->is_head_read)
        return exchange_begin(server, exchange, method, version);
    if (*upload_data_size > 0) {
        size_t count = *upload_data_size;
        *upload_data_size = 0;
        return exchange_take_body(server, exchange, upload_data, count);
    }
    if (exchange->is_replied)
        return MHD_YES;
    return exchange->is_done ? exchange_reply(server, exchange) : exchange_dispatch(server, exchange);
}

/* On a worker. After MHD_resume_connection() the exchange is the connections' thread's. */
static void
run_exchange(void *context, HttpExchange *exchange)
{
    HttpServer *server = context;
    HttpRequest *request = &exchange->request;
    if (deadline_passed(request->deadline))
        http_reply_error(request, 503, "timeout", "the server was too busy to answer in time", NULL);
    else
        server->options.service.answer(server->options.service.context, request);
    fettle_assert(request->reply.status != 0);
    exchange->is_done = true;
    MHD_resume_connection(exchange->connection);
}

static size_t
unescape_nothing(void *context, struct MHD_Connection *connection, char *text)
{
    /* Targets are decoded by uri.h, from the bytes that were sent. */
    (void)context;
    (void)connection;
    return strlen(text);
}

static void FETTLE_PRINTF(2, 0) on_log(void *context, const char *format, va_list arguments)
{
    (void)context;
    char line[512];
    vsnprintf(line, sizeof(line), format, arguments);
    line[strcspn(line, "\r\n")] = '\0';
    log_write(LOG_LEVEL_DEBUG, "http: %s", line);
}

static bool
server_read_tls(HttpServer *server, struct MHD_OptionItem *items, Error *error)
{
    char *texts[2];
    const char *paths[] = {server->options.tls_certificate, server->options.tls_key};
    for (size_t i = 0; i < FETTLE_COUNT_OF(paths); i++) {
        size_t size;
        if (!file_read(server->arena, paths[i], TLS_FILE_BYTES, &texts[i], &size, error))
            return error_prefix(error, "could not read %s",
                                i == 0 ? "server.tls_certificate" : "server.tls_key");
    }
    items[0] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, texts[0]};
    items[1] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, texts[1]};
    return true;
}

static bool
server_start_daemon(HttpServer *server, Error *error)
{
    const HttpOptions *options = &server->options;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}};
    if (options->tls_certificate[0] != '\0') {
        flags |= MHD_USE_TLS;
        if (!server_read_tls(server, tls, error))
            return false;
    }
    int connections = http_connections_allowed(options->connections_most);
    unsigned timeout_seconds = (unsigned)((options->idle_timeout_ms + 999) / 1000);
    server->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, (MHD_socket)server->listen_socket, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)connections, MHD_OPTION_CONNECTION_TIMEOUT, timeout_seconds,
        /* 1 would add a check of the header Host alone, with a garbled reply; exchange_begin() has it. */
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 0,
        MHD_OPTION_UNESCAPE_CALLBACK, unescape_nothing, NULL, MHD_OPTION_URI_LOG_CALLBACK, on_target, server,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
        server, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (server->daemon != NULL)
        return true;
    error_set(error, ERROR_SYSTEM, "could not start the HTTP server");
    return options->tls_certificate[0] == '\0'
               ? false
               : error_set_hint(error, "are server.tls_certificate and server.tls_key a certificate in PEM "
                                       "form and its key?");
}

static void
server_free(HttpServer *server)
{
    if (server->daemon != NULL)
        MHD_stop_daemon(server->daemon); /* closes the listening socket unless it was quiesced */
    else if (server->listen_socket >= 0)
        close(server->listen_socket);
    http_queue_close(server->queue);
    http_watch_close(server->watch);
    arena_free(server->arena);
    pthread_cond_destroy(&server->ended);
    pthread_mutex_destroy(&server->mutex);
    free(server);
}

static bool
server_start(HttpServer *server, Error *error)
{
    HttpQueueOptions queue = {.workers = server->options.workers, .run = run_exchange, .context = server};
    int64_t slow_ms = SLOW_FACTOR * server->options.idle_timeout_ms;
    /* The threads inherit the mask: signals are the main thread's. */
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool is_started = http_listen(server->options.listen, &server->listen_socket, &server->port, error) &&
                      http_watch_open(slow_ms, slow_ms, &server->watch, error) &&
                      http_queue_open(&queue, &server->queue, error) && server_start_daemon(server, error);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return is_started;
}

bool
http_server_open(const HttpOptions *options, HttpServer **ret_server, Error *error)
{
    if ((options->tls_certificate[0] == '\0') != (options->tls_key[0] == '\0'))
        return error_set(error, ERROR_INPUT,
                         "server.tls_certificate and server.tls_key are given together or not at all");
    HttpServer *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return error_set(error, ERROR_SYSTEM, "out of memory");
    server->options = *options;
    server->listen_socket = -1;
    server->arena = arena_new("http", 8 * TLS_FILE_BYTES);
    server->options.tls_certificate = arena_strdup(server->arena, options->tls_certificate);
    server->options.tls_key = arena_strdup(server->arena, options->tls_key);
    pthread_mutex_init(&server->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&server->ended, &attributes);
    pthread_condattr_destroy(&attributes);
    if (!server_start(server, error)) {
        server_free(server);
        return false;
    }
    *ret_server = server;
    return true;
}

/* Waits until no request is on its way, or the deadline. */
static void
server_wait_idle(HttpServer *server, Deadline deadline)
{
    pthread_mutex_lock(&server->mutex);
    while (server->exchanges > 0 && !deadline_passed(deadline)) {
        struct timespec until = {.tv_sec = deadline / 1000, .tv_nsec = deadline % 1000 * 1000000};
        pthread_cond_timedwait(&server->ended, &server->mutex, &until);
    }
    pthread_mutex_unlock(&server->mutex);
}

void
http_server_stop(HttpServer *server, Deadline deadline)
{
    if (server == NULL)
        return;
    atomic_store(&server->is_stopping, true);
    MHD_socket listening = MHD_quiesce_daemon(server->daemon);
    if (listening != MHD_INVALID_SOCKET)
        close(listening);
    server->listen_socket = -1;
    server_wait_idle(server, deadline);
    /* Every suspended connection is resumed by its worker before the workers end. */
    http_queue_stop(server->queue);
    server_wait_idle(server, deadline_after_ms(REPLIES_SENT_MS));
    server_free(server);
}

int
http_server_port(const HttpServer *server)
{
    return server->port;
}

HttpFigures
http_server_figures(HttpServer *server)
{
    HttpFigures figures = {.body_bytes = atomic_load(&server->body_bytes)};
    http_watch_count(server->watch, &figures.connections, &figures.connections_closed_slow);
    http_queue_count(server->queue, &figures.queued, &figures.running);
    return figures;
}
