// SPDX-License-Identifier: PostgreSQL
#include "base/error.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct ErrorRow {
    const char *word;
    int http_status;
    int exit_status;
} ErrorRow;

static const ErrorRow error_rows[] = {
#define ERROR_ROW(code, word, http_status, exit_status) [code] = {word, http_status, exit_status},
    ERROR_CODES(ERROR_ROW)
#undef ERROR_ROW
};

/* Cuts a UTF-8 sequence that the buffer's end has split. */
static void
error_text_trim(char *text, size_t size_bytes)
{
    size_t length = strlen(text);
    if (length + 1 < size_bytes)
        return;
    size_t end = length;
    while (end > 0 && ((unsigned char)text[end - 1] & 0xC0) == 0x80)
        end--;
    if (end > 0 && ((unsigned char)text[end - 1] & 0x80) != 0)
        end--;
    if (length - end < 4 && !text_is_valid_utf8(text + end, length - end))
        text[end] = '\0';
}

/* Messages quote what users, files and servers say. */
void
error_text_clean(char *text, size_t size_bytes)
{
    error_text_trim(text, size_bytes);
    size_t length = strlen(text);
    for (size_t at = 0; at < length;) {
        size_t step = 1;
        while (step < 4 && !(step <= length - at && text_is_valid_utf8(text + at, step)))
            step++;
        if (step > length - at || !text_is_valid_utf8(text + at, step)) {
            text[at++] = '?';
            continue;
        }
        if (step == 1 && ((unsigned char)text[at] < ' ' || text[at] == 0x7F))
            text[at] = ' ';
        at += step;
    }
}

void
error_fill(Error *error, ErrorCode code, const char *format, ...)
{
    fettle_assert(error != NULL && code != ERROR_NONE);
    char message[ERROR_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    error_text_clean(message, sizeof(message));
    error_clear(error);
    error->code = code;
    memcpy(error->message, message, sizeof(message));
}

void
error_fill_hint(Error *error, const char *format, ...)
{
    fettle_assert(error != NULL && error->code != ERROR_NONE);
    char hint[ERROR_HINT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(hint, sizeof(hint), format, arguments);
    va_end(arguments);
    error_text_clean(hint, sizeof(hint));
    memcpy(error->hint, hint, sizeof(hint));
}

void
error_fill_prefix(Error *error, const char *format, ...)
{
    fettle_assert(error != NULL && error->code != ERROR_NONE);
    char message[ERROR_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    size_t used = length < 0 ? 0 : (size_t)length;
    if (used < sizeof(message) - 3) {
        size_t room = sizeof(message) - 3 - used;
        size_t more = strnlen(error->message, room);
        memcpy(message + used, ": ", 2);
        memcpy(message + used + 2, error->message, more);
        message[used + 2 + more] = '\0';
    }
    error_text_clean(message, sizeof(message));
    memcpy(error->message, message, sizeof(message));
}

/* What a person can do about a failed system call; NULL when that depends on the call. */
static const char *
errno_hint(int error_number)
{
    switch (error_number) {
        case ENOSPC:
        case EDQUOT: return "free some space on that file system and try again";
        case ENOENT:
        case ENOTDIR: return "check the path: it, or a directory of it, does not exist";
        case EACCES:
        case EPERM: return "check owner and mode of that path, or choose another";
        case EROFS: return "that file system is read-only: choose another place";
        case ENAMETOOLONG: return "choose a shorter path";
        case EMFILE:
        case ENFILE: return "raise the limit of open files (ulimit -n)";
        case EPIPE: return "the reader of the output has gone";
        default: return NULL;
    }
}

void
error_fill_errno(Error *error, int error_number, const char *format, ...)
{
    char what[ERROR_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    char reason[128];
    const char *text = strerror_r(error_number, reason, sizeof(reason));
    bool full = error_number == ENOSPC || error_number == EDQUOT;
    error_set(error, full ? ERROR_DISK_FULL : ERROR_SYSTEM, "%s: %s", what, text);
    const char *hint = errno_hint(error_number);
    if (hint != NULL)
        error_set_hint(error, "%s", hint);
}

void
error_clear(Error *error)
{
    error->code = ERROR_NONE;
    error->sqlstate[0] = '\0';
    error->message[0] = '\0';
    error->hint[0] = '\0';
}

static const ErrorRow *
error_row(ErrorCode code)
{
    fettle_assert((size_t)code < FETTLE_COUNT_OF(error_rows));
    return &error_rows[code];
}

const char *
error_code_word(ErrorCode code)
{
    return error_row(code)->word;
}

int
error_code_http_status(ErrorCode code)
{
    return error_row(code)->http_status;
}

int
error_code_exit_status(ErrorCode code)
{
    return error_row(code)->exit_status;
}
