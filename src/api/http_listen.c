// SPDX-License-Identifier: PostgreSQL
#include "api/http_internal.h"

#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTEN_BACKLOG 1024
/* Open files beside the connections: the store's sessions, targets, logs. */
#define FILES_RESERVED 512

/* "host:port" or "[host]:port" into its parts. */
static bool
address_split(const char *address, char ret_host[256], char ret_port[8])
{
    const char *colon = strrchr(address, ':');
    size_t host_length = colon == NULL ? 0 : (size_t)(colon - address);
    const char *host = address;
    if (host_length >= 2 && host[0] == '[' && host[host_length - 1] == ']') {
        host++;
        host_length -= 2;
    } else if (memchr(host, ':', host_length) != NULL) {
        return false;
    }
    int64_t port;
    if (colon == NULL || host_length == 0 || host_length >= 256 || strlen(colon + 1) >= 8 ||
        !text_parse_int64(colon + 1, &port) || port < 0 || port > 65535)
        return false;
    snprintf(ret_host, 256, "%.*s", (int)host_length, host);
    snprintf(ret_port, 8, "%d", (int)port);
    return true;
}

/* 0 when it cannot be told. */
static int
socket_port(int descriptor)
{
    struct sockaddr_storage bound = {0};
    socklen_t length = sizeof(bound);
    char port[8] = "";
    int64_t number = 0;
    if (getsockname(descriptor, (struct sockaddr *)&bound, &length) != 0 ||
        getnameinfo((struct sockaddr *)&bound, length, NULL, 0, port, sizeof(port), NI_NUMERICSERV) != 0 ||
        !text_parse_int64(port, &number))
        return 0;
    return (int)number;
}

static bool
socket_listen(const struct addrinfo *place, int *ret_socket)
{
    int descriptor = socket(place->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return false;
    int on = 1;
    (void)setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(descriptor, place->ai_addr, place->ai_addrlen) != 0 || listen(descriptor, LISTEN_BACKLOG) != 0) {
        int failure = errno;
        close(descriptor);
        errno = failure;
        return false;
    }
    *ret_socket = descriptor;
    return true;
}

bool
http_listen(const char *address, int *ret_socket, int *ret_port, Error *error)
{
    char host[256];
    char port[8];
    if (!address_split(address, host, port)) {
        error_set(error, ERROR_INPUT, "\"%.200s\" is no address to listen on", address);
        return error_set_hint(error,
                              "server.listen takes an address and a port, as 127.0.0.1:8080 or [::1]:8080");
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int failure = getaddrinfo(host, port, &hints, &found);
    if (failure != 0)
        return error_set(error, ERROR_SYSTEM, "could not look up \"%.200s\": %s", host,
                         gai_strerror(failure));
    bool is_bound = false;
    for (const struct addrinfo *place = found; place != NULL && !is_bound; place = place->ai_next)
        is_bound = socket_listen(place, ret_socket);
    int bind_failure = errno;
    freeaddrinfo(found);
    if (!is_bound)
        return error_set_errno(error, bind_failure, "could not listen on %.200s", address);
    *ret_port = socket_port(*ret_socket);
    return true;
}

int
http_connections_allowed(int connections_wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return connections_wanted;
    rlim_t needed = (rlim_t)connections_wanted + FILES_RESERVED;
    if (limit.rlim_cur < needed) {
        rlim_t before = limit.rlim_cur;
        limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            limit.rlim_cur = before;
    }
    if (limit.rlim_cur >= needed)
        return connections_wanted;
    int allowed =
        limit.rlim_cur > 2 * FILES_RESERVED ? (int)limit.rlim_cur - FILES_RESERVED : (int)limit.rlim_cur / 2;
    log_write(LOG_LEVEL_WARNING,
              "only %d HTTP connections are served instead of %d: the limit of open files is %ld", allowed,
              connections_wanted, (long)limit.rlim_cur);
    return allowed;
}
