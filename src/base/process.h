// SPDX-License-Identifier: PostgreSQL
/*
 * Processes: running a program with a deadline and its output captured.
 *
 * No shell is involved. The child gets /dev/null as standard input, no descriptors but 0-2, default signal
 * handling, and, when wanted, another user. On the deadline it is killed with its whole process group, and
 * reaped.
 */
#ifndef FETTLE_BASE_PROCESS_H
#define FETTLE_BASE_PROCESS_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"

#include <sys/types.h>

typedef struct ProcessOptions {
    const char *const
        *arguments; /* argv, NULL-terminated; arguments[0] is the program's path or a name on PATH */
    const char *const *environment; /* "NAME=value" additions, NULL-terminated; or NULL */
    const char *directory;          /* working directory; NULL for "/" */
    bool change_user;               /* run as user/group below (needs root) */
    uid_t user;
    gid_t group;
    Deadline deadline;
} ProcessOptions;

typedef struct ProcessResult {
    int exit_status; /* 0-255; 128 + signal when killed by one */
    char *output;    /* standard output and error together, at most PROCESS_OUTPUT_BYTES, NUL-terminated, the
                        last part kept */
} ProcessResult;

#define PROCESS_OUTPUT_BYTES (64 * 1024)

/* False when the program could not be started, or the deadline passed (ERROR_TIMEOUT); any exit status is
 * success here. */
bool process_run(Arena *arena, const ProcessOptions *options, ProcessResult *ret_result, Error *error)
    FETTLE_MUST_USE;

#endif
