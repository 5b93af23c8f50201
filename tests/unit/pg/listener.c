// SPDX-License-Identifier: PostgreSQL
#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEERS_MOST 16
#define CANCEL_CODE 80877102

struct Listener {
    ListenerScript script;
    int socket;
    int port;
    int fillers[4];
    pthread_t thread;
    atomic_bool stopping;
    atomic_int cancels;
    int peer_count;
    pthread_t peers[PEERS_MOST];
};

typedef struct Peer {
    Listener *listener;
    int socket;
} Peer;

/* True when there is something to read (or to write), false when the listener stops. */
static bool
peer_wait(const Peer *peer, short events)
{
    while (!atomic_load(&peer->listener->stopping)) {
        struct pollfd wait = {.fd = peer->socket, .events = events};
        if (poll(&wait, 1, 50) > 0)
            return (wait.revents & events) != 0;
    }
    return false;
}

static bool
peer_send(const Peer *peer, const Text *reply)
{
    size_t sent = 0;
    while (sent < reply->length) {
        if (!peer_wait(peer, POLLOUT))
            return false;
        ssize_t now =
            send(peer->socket, reply->data + sent, reply->length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (now < 0 && errno != EAGAIN)
            return false;
        sent += now > 0 ? (size_t)now : 0;
    }
    return true;
}

/* What was sent; false at its end. */
static bool
peer_receive(const Peer *peer)
{
    static _Thread_local uint32_t words[16384];
    if (!peer_wait(peer, POLLIN))
        return false;
    ssize_t length = recv(peer->socket, words, sizeof(words), 0);
    if (length == 16 && ntohl(words[1]) == CANCEL_CODE) {
        atomic_fetch_add(&peer->listener->cancels, 1);
        return false;
    }
    return length > 0;
}

static void *
peer_run(void *context)
{
    Peer peer = *(Peer *)context;
    free(context);
    const ListenerScript *script = &peer.listener->script;
    bool alive = true;
    for (int i = 0; alive && i < script->reply_count; i++)
        alive = ((i == 0 && script->speaks_first) || peer_receive(&peer)) &&
                peer_send(&peer, &script->replies[i]);
    while (alive && script->ending == LISTENER_REPEATS)
        alive = peer_send(&peer, &script->replies[script->reply_count - 1]);
    while (alive && script->ending == LISTENER_HOLDS)
        alive = peer_receive(&peer);
    if (script->ending == LISTENER_CLOSES && script->reply_count == 0)
        (void)peer_receive(&peer);
    close(peer.socket);
    return NULL;
}

static void *
listener_run(void *context)
{
    Listener *listener = context;
    while (!atomic_load(&listener->stopping)) {
        struct pollfd wait = {.fd = listener->socket, .events = POLLIN};
        if (poll(&wait, 1, 50) <= 0 || listener->peer_count == PEERS_MOST)
            continue;
        Peer *peer = malloc(sizeof(*peer));
        fettle_assert(peer != NULL);
        *peer = (Peer){.listener = listener, .socket = accept(listener->socket, NULL, NULL)};
        int failed = pthread_create(&listener->peers[listener->peer_count], NULL, peer_run, peer);
        fettle_assert(failed == 0);
        listener->peer_count++;
    }
    return NULL;
}

/* Connections that nobody takes fill the queue. */
static void
listener_fill(Listener *listener, const struct sockaddr_in *address)
{
    for (size_t i = 0; i < FETTLE_COUNT_OF(listener->fillers); i++) {
        listener->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(listener->fillers[i], (const struct sockaddr *)address, sizeof(*address));
        usleep(20000);
    }
}

Listener *
listener_start(const ListenerScript *script)
{
    Listener *listener = calloc(1, sizeof(*listener));
    fettle_assert(listener != NULL);
    listener->script = *script;
    listener->socket = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int failed = bind(listener->socket, (struct sockaddr *)&address, length) |
                 listen(listener->socket, script->never_accepts ? 0 : PEERS_MOST) |
                 getsockname(listener->socket, (struct sockaddr *)&address, &length);
    fettle_assert(failed == 0);
    listener->port = ntohs(address.sin_port);
    if (script->never_accepts) {
        listener_fill(listener, &address);
        return listener;
    }
    failed = pthread_create(&listener->thread, NULL, listener_run, listener);
    fettle_assert(failed == 0);
    return listener;
}

int
listener_port(const Listener *listener)
{
    return listener->port;
}

int
listener_cancels(const Listener *listener)
{
    return atomic_load(&listener->cancels);
}

void
listener_stop(Listener *listener)
{
    atomic_store(&listener->stopping, true);
    if (listener->script.never_accepts)
        for (size_t i = 0; i < FETTLE_COUNT_OF(listener->fillers); i++)
            close(listener->fillers[i]);
    else
        pthread_join(listener->thread, NULL);
    for (int i = 0; i < listener->peer_count; i++)
        pthread_join(listener->peers[i], NULL);
    close(listener->socket);
    free(listener);
}

Text
listener_text(Arena *arena, const char *text)
{
    Text reply = text_new(arena);
    text_append(&reply, text);
    return reply;
}

void
listener_message(Text *reply, char type, const void *body, size_t length)
{
    uint32_t size = htonl((uint32_t)(length + 4));
    text_append_char(reply, type);
    text_append_bytes(reply, (const char *)&size, 4);
    text_append_bytes(reply, body, length);
}

void
listener_error(Text *reply, const char *severity, const char *sqlstate, const char *message)
{
    const char *const fields[] = {"S",     severity, "V",   "FATAL", "C", sqlstate, "M",
                                  message, "F",      "x.c", "L",     "1", "R",      "f"};
    Text body = text_new(reply->arena);
    for (size_t i = 0; i < FETTLE_COUNT_OF(fields); i += 2) {
        text_append_char(&body, fields[i][0]);
        text_append_bytes(&body, fields[i + 1], strlen(fields[i + 1]) + 1);
    }
    text_append_char(&body, '\0');
    listener_message(reply, 'E', body.data, body.length);
}

Text
listener_welcome(Arena *arena, const char *version)
{
    Text reply = text_new(arena);
    listener_message(&reply, 'R', "\0\0\0", 4);
    Text status = text_new(arena);
    text_append_bytes(&status, "server_version", strlen("server_version") + 1);
    text_append_bytes(&status, version, strlen(version) + 1);
    listener_message(&reply, 'S', status.data, status.length);
    listener_message(&reply, 'S', "client_encoding\0UTF8", 21);
    listener_message(&reply, 'K', "\0\0\0\1\0\0\0\2", 8);
    listener_message(&reply, 'Z', "I", 1);
    return reply;
}

Text
listener_done(Arena *arena, const char *tag)
{
    Text reply = text_new(arena);
    listener_message(&reply, 'C', tag, strlen(tag) + 1);
    listener_message(&reply, 'Z', "I", 1);
    return reply;
}
