// SPDX-License-Identifier: PostgreSQL
#include "base/log.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRESS_INTERVAL_MS 100

static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;
static LogLevel log_level = LOG_LEVEL_INFO;
static void (*log_filter)(char *message, size_t size_bytes);
static int progress_state = -1; /* -1: not decided yet */
static bool progress_is_shown;
static int64_t progress_shown_ms;

void
log_set_level(LogLevel level)
{
    pthread_mutex_lock(&log_mutex);
    log_level = level;
    pthread_mutex_unlock(&log_mutex);
}

void
log_set_filter(void (*filter)(char *message, size_t size_bytes))
{
    pthread_mutex_lock(&log_mutex);
    log_filter = filter;
    pthread_mutex_unlock(&log_mutex);
}

static void
progress_erase(void)
{
    if (progress_is_shown)
        fputs("\r\033[K", stderr);
    progress_is_shown = false;
}

void
log_write(LogLevel level, const char *format, ...)
{
    static const char *const words[] = {"error", "warning", "info", "debug"};
    pthread_mutex_lock(&log_mutex);
    if (level <= log_level) {
        char message[LOG_MESSAGE_BYTES];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(message, sizeof(message), format, arguments);
        va_end(arguments);
        for (char *at = message; *at != '\0'; at++)
            if ((unsigned char)*at < ' ' || *at == 0x7F)
                *at = ' ';
        if (log_filter != NULL)
            log_filter(message, sizeof(message));
        progress_erase();
        fprintf(stderr, "fettle: %s: %s\n", words[level], message);
    }
    pthread_mutex_unlock(&log_mutex);
}

void
progress_set_enabled(bool enabled)
{
    pthread_mutex_lock(&log_mutex);
    progress_state = enabled;
    pthread_mutex_unlock(&log_mutex);
}

static bool
progress_is_enabled(void)
{
    if (progress_state < 0) {
        const char *terminal = getenv("TERM");
        progress_state = isatty(STDERR_FILENO) && terminal != NULL && strcmp(terminal, "dumb") != 0;
    }
    return progress_state != 0;
}

void
progress_show(const char *step, int64_t done, int64_t total)
{
    pthread_mutex_lock(&log_mutex);
    int64_t now = clock_monotonic_ms();
    if (progress_is_enabled() && (!progress_is_shown || now - progress_shown_ms >= PROGRESS_INTERVAL_MS)) {
        fprintf(stderr, "\r\033[K%s", step);
        if (total > 0)
            fprintf(stderr, ": %lld of %lld", (long long)done, (long long)total);
        fflush(stderr);
        progress_is_shown = true;
        progress_shown_ms = now;
    }
    pthread_mutex_unlock(&log_mutex);
}

void
progress_clear(void)
{
    pthread_mutex_lock(&log_mutex);
    progress_erase();
    fflush(stderr);
    pthread_mutex_unlock(&log_mutex);
}
