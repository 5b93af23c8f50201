// SPDX-License-Identifier: PostgreSQL
#include "base/clock.h"

#include <limits.h>
#include <time.h>

static int64_t
clock_read_us(clockid_t clock_id)
{
    struct timespec now;
    int result = clock_gettime(clock_id, &now);
    fettle_assert(result == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
clock_monotonic_us(void)
{
    return clock_read_us(CLOCK_MONOTONIC);
}

int64_t
clock_monotonic_ms(void)
{
    return clock_monotonic_us() / 1000;
}

int64_t
clock_wall_us(void)
{
    return clock_read_us(CLOCK_REALTIME);
}

double
clock_own_cpu_ms(void)
{
    return (double)clock_read_us(CLOCK_PROCESS_CPUTIME_ID) / 1e3;
}

Deadline
deadline_after_ms(int64_t milliseconds)
{
    fettle_assert(milliseconds >= 0);
    int64_t now = clock_monotonic_ms();
    return milliseconds > DEADLINE_NEVER - now ? DEADLINE_NEVER : now + milliseconds;
}

bool
deadline_passed(Deadline deadline)
{
    return deadline != DEADLINE_NEVER && clock_monotonic_ms() >= deadline;
}

int
deadline_left_ms(Deadline deadline)
{
    if (deadline == DEADLINE_NEVER)
        return -1;
    int64_t now = clock_monotonic_ms();
    if (deadline <= now)
        return 0;
    int64_t left = deadline - now;
    return left > INT_MAX ? INT_MAX : (int)left;
}

Deadline
deadline_earlier(Deadline a, Deadline b)
{
    return a < b ? a : b;
}

char *
clock_format_utc(Arena *arena, int64_t wall_us)
{
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm parts;
    if (wall_us < 0 || gmtime_r(&seconds, &parts) == NULL)
        return arena_strdup(arena, "1970-01-01T00:00:00Z");
    char text[64];
    size_t length = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return arena_strndup(arena, text, length);
}
