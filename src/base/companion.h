// SPDX-License-Identifier: PostgreSQL
/*
 * Companion: a program that stays beside this one and is talked to, for work that could end or block a
 * process.
 *
 *     Companion companion = COMPANION_NONE;
 *     if (companion_start(&companion, "/usr/libexec/fettle/fettle-solver", &error) &&
 *         companion_send(&companion, question, size, deadline, &error) &&
 *         companion_receive(&companion, answer, size, deadline, &error)) ...
 *     companion_stop(&companion);
 *
 * One stream is its standard input and output; its standard error is /dev/null, it has no descriptors
 * besides, default signal handling, and a process group of its own, so that an interrupt at the terminal is
 * not for it. It is started by posix_spawn(), which threads may do. It ends by itself when the stream does;
 * companion_stop() does not wait for that, it kills and reaps. What it says is bytes: whoever asks for them
 * checks them.
 *
 * After a failure the stream is in the middle of something: stop it, and start another. One thread at a time.
 */
#ifndef FETTLE_BASE_COMPANION_H
#define FETTLE_BASE_COMPANION_H

#include "base/clock.h"
#include "base/error.h"

#include <sys/types.h>

typedef struct Companion {
    pid_t process; /* 0: none */
    int stream;
} Companion;

#define COMPANION_NONE ((Companion){.process = 0, .stream = -1})

/* The program is named by its path. ERROR_SYSTEM or ERROR_NOT_FOUND when it does not come to run. */
bool companion_start(Companion *companion, const char *program, Error *error) FETTLE_MUST_USE;
bool companion_is_running(const Companion *companion);
void companion_stop(Companion *companion);

/* All of it, by the deadline (ERROR_TIMEOUT). That the companion has ended is ERROR_SYSTEM. */
bool companion_send(const Companion *companion, const void *data, size_t size, Deadline deadline,
                    Error *error) FETTLE_MUST_USE;
bool companion_receive(const Companion *companion, void *ret_data, size_t size, Deadline deadline,
                       Error *error) FETTLE_MUST_USE;

#endif
