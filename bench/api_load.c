// SPDX-License-Identifier: PostgreSQL
/*
 * An open-loop HTTP client: requests are due at a fixed rate whatever becomes of those before, and a latency
 * counts from when a request was due, so that a server that stalls cannot hide it.
 *
 *     api_load PORT TOKEN RATE SECONDS CONNECTIONS TARGET [TARGET ...]
 *
 * The targets are asked for in turn over kept connections. Prints one line of JSON: requests, failures and
 * percentiles in milliseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REPLY_BYTES (8 * 1024 * 1024)

typedef struct Load {
    int port;
    const char *token;
    double rate;
    int64_t total;
    char **targets;
    int target_count;
    int64_t start_ns;
    _Atomic int64_t next;
    _Atomic int64_t failures;
    _Atomic int64_t bytes;
    double *latencies_ms;
} Load;

static int64_t
now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int
load_connect(const Load *load)
{
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in place = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)load->port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (descriptor >= 0 && connect(descriptor, (struct sockaddr *)&place, sizeof(place)) == 0)
        return descriptor;
    if (descriptor >= 0)
        close(descriptor);
    return -1;
}

/* Reads one reply; its status, or -1. */
static int
reply_read(int descriptor, char *buffer, int64_t *ret_bytes)
{
    size_t used = 0;
    size_t needed = 0;
    while (needed == 0 || used < needed) {
        ssize_t count = recv(descriptor, buffer + used, REPLY_BYTES - used, 0);
        if (count <= 0)
            return -1;
        used += (size_t)count;
        buffer[used] = '\0';
        char *end = needed == 0 ? strstr(buffer, "\r\n\r\n") : NULL;
        if (end == NULL)
            continue;
        char *length = strcasestr(buffer, "content-length: ");
        if (length == NULL || length > end)
            return -1;
        needed = (size_t)(end + 4 - buffer) + strtoul(length + strlen("content-length: "), NULL, 10);
        if (needed >= REPLY_BYTES)
            return -1;
    }
    *ret_bytes = (int64_t)used;
    return (int)strtol(buffer + strlen("HTTP/1.1 "), NULL, 10);
}

static void *
load_main(void *context)
{
    Load *load = context;
    char *buffer = malloc(REPLY_BYTES + 1);
    char request[4096];
    int descriptor = load_connect(load);
    for (int64_t i = atomic_fetch_add(&load->next, 1); i < load->total && buffer != NULL;
         i = atomic_fetch_add(&load->next, 1)) {
        int64_t due_ns = load->start_ns + (int64_t)((double)i / load->rate * 1e9);
        struct timespec due = {.tv_sec = due_ns / 1000000000, .tv_nsec = due_ns % 1000000000};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
            ;
        int length = snprintf(request, sizeof(request),
                              "GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
                              load->targets[i % load->target_count], load->token);
        int64_t bytes = 0;
        int status = -1;
        if (descriptor >= 0 && send(descriptor, request, (size_t)length, MSG_NOSIGNAL) == length)
            status = reply_read(descriptor, buffer, &bytes);
        load->latencies_ms[i] = (double)(now_ns() - due_ns) / 1e6;
        atomic_fetch_add(&load->bytes, bytes);
        if (status != 200)
            atomic_fetch_add(&load->failures, 1);
        if (status < 0) {
            if (descriptor >= 0)
                close(descriptor);
            descriptor = load_connect(load);
        }
    }
    free(buffer);
    if (descriptor >= 0)
        close(descriptor);
    return NULL;
}

static int
compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

static double
percentile(const Load *load, double share)
{
    return load->latencies_ms[(int64_t)(share * (double)(load->total - 1))];
}

int
main(int count, char **words)
{
    if (count < 7) {
        fprintf(stderr, "usage: api_load PORT TOKEN RATE SECONDS CONNECTIONS TARGET [TARGET ...]\n");
        return 2;
    }
    Load load = {.port = (int)strtol(words[1], NULL, 10),
                 .token = words[2],
                 .rate = strtod(words[3], NULL),
                 .targets = words + 6,
                 .target_count = count - 6};
    load.total = (int64_t)(load.rate * strtod(words[4], NULL));
    int threads = (int)strtol(words[5], NULL, 10);
    load.latencies_ms = calloc((size_t)load.total, sizeof(double));
    pthread_t *ids = calloc((size_t)threads, sizeof(*ids));
    if (load.total < 1 || threads < 1 || load.latencies_ms == NULL || ids == NULL)
        return 2;
    load.start_ns = now_ns() + 100000000;
    int started = 0;
    while (started < threads && pthread_create(&ids[started], NULL, load_main, &load) == 0)
        started++;
    for (int i = 0; i < started; i++)
        pthread_join(ids[i], NULL);
    double seconds = (double)(now_ns() - load.start_ns) / 1e9;
    qsort(load.latencies_ms, (size_t)load.total, sizeof(double), compare);
    printf("{\"requests\": %lld, \"failures\": %lld, \"seconds\": %.3f, \"megabytes\": %.1f, \"p50\": %.3f, "
           "\"p90\": %.3f, \"p99\": %.3f, \"p999\": %.3f, \"most\": %.3f}\n",
           (long long)load.total, (long long)atomic_load(&load.failures), seconds,
           (double)atomic_load(&load.bytes) / 1048576, percentile(&load, 0.5), percentile(&load, 0.9),
           percentile(&load, 0.99), percentile(&load, 0.999), percentile(&load, 1));
    free(load.latencies_ms);
    free(ids);
    return 0;
}
