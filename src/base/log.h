// SPDX-License-Identifier: PostgreSQL
/*
 * Log and progress on standard error.
 *
 * One line per event, "fettle: level: message", at most LOG_MESSAGE_BYTES of message, control characters as
 * spaces; only tops of verbs, jobs and requests log. Progress is for people:
 * drawn in place on a terminal (at most ten times a second), absent otherwise. Thread-safe.
 */
#ifndef FETTLE_BASE_LOG_H
#define FETTLE_BASE_LOG_H

#include "base/attributes.h"

#include <stddef.h>

#define LOG_MESSAGE_BYTES 4096

typedef enum LogLevel { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG } LogLevel;

void log_set_level(LogLevel level);
/* Called with every message before it is written, to take out of it what must not be shown; it logs nothing
 * itself. NULL: none. */
void log_set_filter(void (*filter)(char *message, size_t size_bytes));
void log_write(LogLevel level, const char *format, ...) FETTLE_PRINTF(2, 3);

/* Progress of one long act: "step: 12 of 340". total 0 means unknown. progress_set_enabled(false) silences it
 * (--quiet, --json); by default it shows when standard error is a terminal and TERM is not "dumb". */
void progress_set_enabled(bool enabled);
void progress_show(const char *step, int64_t done, int64_t total);
void progress_clear(void);

#endif
