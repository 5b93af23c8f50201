// SPDX-License-Identifier: PostgreSQL
/*
 * Limits: how many requests a token or an address may make, and how many failed logins a name.
 *
 * Both are tables of a fixed size, in sets of eight places chosen by a keyed hash that nobody outside knows;
 * a new key takes the place that was used the longest ago. So memory is bounded whatever comes in, and a
 * flood of keys cannot choose whom it pushes out. Thread-safe.
 */
#ifndef FETTLE_API_LIMIT_H
#define FETTLE_API_LIMIT_H

#include "base/clock.h"

#define LIMIT_FAILURES_MOST 10
#define LIMIT_FAILURES_SECONDS 300

typedef struct Limits Limits;

Limits *limits_new(void);
void limits_free(Limits *limits); /* NULL is allowed */

/* A token bucket of one second's worth (at least 1): takes one request out of it. False: it is empty, and
 * *ret_seconds says when to come back (at least 1). */
bool limits_take_request(Limits *limits, const char *key, double per_second, int *ret_seconds);

/* Counts a login that begins as a failure; limits_forgive_login() takes it back when it was right. Counted
 * before the password is looked at, so that attempts in parallel do not pass together. False: the name had
 * LIMIT_FAILURES_MOST failures within LIMIT_FAILURES_SECONDS from this address. */
bool limits_take_login(Limits *limits, const char *name, const char *address, int *ret_seconds);
void limits_forgive_login(Limits *limits, const char *name, const char *address);

#endif
