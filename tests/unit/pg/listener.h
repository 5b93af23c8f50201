// SPDX-License-Identifier: PostgreSQL
/*
 * A listener on 127.0.0.1 that is no good server: to each thing a peer sends it answers the next of its
 * replies, whatever was asked; after the last one it holds the line, closes it, or says the last for ever.
 *
 *     Listener *listener = listener_start(&(ListenerScript){.replies = {listener_text("HTTP/1.1 400\r\n")},
 *                                                           .reply_count = 1, .ending = LISTENER_CLOSES});
 *     ... connect to 127.0.0.1:listener_port(listener) ...
 *     listener_stop(listener);
 *
 * Requests to cancel are taken and closed, as a server does.
 */
#ifndef FETTLE_TESTS_PG_LISTENER_H
#define FETTLE_TESTS_PG_LISTENER_H

#include "base/text.h"

typedef struct Listener Listener;

typedef enum ListenerEnding { LISTENER_HOLDS, LISTENER_CLOSES, LISTENER_REPEATS } ListenerEnding;

#define LISTENER_REPLIES_MOST 8

typedef struct ListenerScript {
    Text replies[LISTENER_REPLIES_MOST];
    int reply_count;
    ListenerEnding ending;
    bool speaks_first;  /* the first reply comes unasked */
    bool never_accepts; /* its queue is full: a peer's packets are swallowed */
} ListenerScript;

/* The replies' memory must outlive the listener. */
Listener *listener_start(const ListenerScript *script);
int listener_port(const Listener *listener);
int listener_cancels(const Listener *listener); /* requests to cancel so far */
void listener_stop(Listener *listener);

/* Messages of the protocol. */
Text listener_text(Arena *arena, const char *text);
void listener_message(Text *reply, char type, const void *body, size_t length);
/* ErrorResponse. */
void listener_error(Text *reply, const char *severity, const char *sqlstate, const char *message);
/* The whole of a trusting server's answer to a start: "15.3", up to ReadyForQuery. */
Text listener_welcome(Arena *arena, const char *version);
/* CommandComplete and ReadyForQuery. */
Text listener_done(Arena *arena, const char *tag);

#endif
