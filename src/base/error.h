// SPDX-License-Identifier: PostgreSQL
/*
 * Error: what could not be done, and what the user can do about it.
 *
 * An Error is flat and lives on the caller's stack, initialised with {0}. A function that can fail returns
 * bool and takes an `Error *` last; on failure it fills the error and returns false, on success it leaves the
 * error alone. Only the top (a verb, a job, a request) prints or logs it. Messages follow PostgreSQL's style:
 * lower case, no full stop, "could not X: Y". Whatever they quote, message and hint are one line of valid
 * UTF-8 (control characters become spaces, invalid bytes "?"). No message or hint ever contains a secret;
 * text that came from a libpq error passes through pg/connection.h, which removes them.
 *
 *     if (!snapshot_file_read(arena, path, &snapshot, error))
 *         return error_prefix(error, "could not read %s", path);
 */
#ifndef FETTLE_BASE_ERROR_H
#define FETTLE_BASE_ERROR_H

#include "base/attributes.h"

/*
 * One table for code, machine word, HTTP status and process exit status.
 * Exit statuses 0 and 10 are not errors (nothing to do; advice given), 1 is reserved for crashes of a
 * runtime.
 */
#define ERROR_CODES(X)                                                                                       \
    X(ERROR_NONE, "none", 200, 0)                                                                            \
    X(ERROR_USAGE, "usage", 400, 2)                                                                          \
    X(ERROR_INPUT, "invalid_input", 400, 3)                                                                  \
    X(ERROR_NOT_FOUND, "not_found", 404, 4)                                                                  \
    X(ERROR_CONFLICT, "conflict", 409, 5)                                                                    \
    X(ERROR_CONNECTION, "connection_failed", 503, 20)                                                        \
    X(ERROR_AUTHENTICATION, "authentication_failed", 503, 21)                                                \
    X(ERROR_PERMISSION, "permission_denied", 403, 22)                                                        \
    X(ERROR_UNSUPPORTED, "unsupported", 422, 23)                                                             \
    X(ERROR_TIMEOUT, "timeout", 503, 24)                                                                     \
    X(ERROR_QUERY, "query_failed", 500, 25)                                                                  \
    X(ERROR_DAMAGED, "damaged", 422, 26)                                                                     \
    X(ERROR_CANCELLED, "cancelled", 503, 27)                                                                 \
    X(ERROR_LIMIT, "limit_exceeded", 413, 28)                                                                \
    X(ERROR_CLUSTER, "cluster_failed", 500, 30)                                                              \
    X(ERROR_DISK_FULL, "disk_full", 500, 31)                                                                 \
    X(ERROR_SYSTEM, "system_error", 500, 32)                                                                 \
    X(ERROR_MISSING_DEPENDENCY, "missing_dependency", 500, 33)                                               \
    X(ERROR_INTERNAL, "internal", 500, 70)

typedef enum ErrorCode {
#define ERROR_ENUM(code, word, http_status, exit_status) code,
    ERROR_CODES(ERROR_ENUM)
#undef ERROR_ENUM
} ErrorCode;

#define ERROR_MESSAGE_BYTES 1024
#define ERROR_HINT_BYTES 1024

typedef struct Error {
    ErrorCode code;
    char sqlstate[6]; /* five characters of a server's error, or "" */
    char message[ERROR_MESSAGE_BYTES];
    char hint[ERROR_HINT_BYTES]; /* what to do; "" when there is nothing useful to say */
} Error;

/*
 * What follows fills an error and is false, so that it can end a return statement. The words are macros
 * around a function each, for compilers and analysers to see that the value is always false.
 */
void error_fill(Error *error, ErrorCode code, const char *format, ...) FETTLE_PRINTF(3, 4);
void error_fill_hint(Error *error, const char *format, ...) FETTLE_PRINTF(2, 3);
void error_fill_prefix(Error *error, const char *format, ...) FETTLE_PRINTF(2, 3);
void error_fill_errno(Error *error, int error_number, const char *format, ...) FETTLE_PRINTF(3, 4);

/* As every message is: one line of UTF-8 comes of it, whatever the text was. */
void error_text_clean(char *text, size_t size_bytes);

static inline bool
error_is_false(void)
{
    return false;
}

/* error_set(error, code, format, ...): the message, cut at its limit at a UTF-8 boundary; clears the hint. */
#define error_set(...) (error_fill(__VA_ARGS__), error_is_false())

/* error_set_hint(error, format, ...): the hint of an error that is already set. */
#define error_set_hint(...) (error_fill_hint(__VA_ARGS__), error_is_false())

/* error_prefix(error, format, ...): puts "prefix: " before the message. */
#define error_prefix(...) (error_fill_prefix(__VA_ARGS__), error_is_false())

/* error_set_errno(error, error_number, format, ...): with strerror() appended, and a hint where the number
 * tells what to do; ENOSPC and EDQUOT become ERROR_DISK_FULL. */
#define error_set_errno(...) (error_fill_errno(__VA_ARGS__), error_is_false())

void error_clear(Error *error);

const char *error_code_word(ErrorCode code);
int error_code_http_status(ErrorCode code);
int error_code_exit_status(ErrorCode code);

#endif
