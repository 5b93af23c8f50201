// SPDX-License-Identifier: PostgreSQL
/*
 * Compiler attributes and release-mode asserts, used everywhere.
 *
 * An assert states what the code around it relies on. It stays in release builds: a process that stops at a
 * broken invariant is better than one that advises on it. Errors that a user or a server can cause are never
 * asserts, they are an Error (base/error.h).
 */
#ifndef FETTLE_BASE_ATTRIBUTES_H
#define FETTLE_BASE_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FETTLE_MUST_USE __attribute__((warn_unused_result))
#define FETTLE_PRINTF(format_index, first_index) __attribute__((format(printf, format_index, first_index)))
#define FETTLE_NORETURN __attribute__((noreturn))
#define FETTLE_CLEANUP(function) __attribute__((cleanup(function)))
#define FETTLE_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Prints the failed condition and aborts; never returns. */
void fettle_assert_failed(const char *condition, const char *file, int line, const char *function)
    FETTLE_NORETURN;

#define fettle_assert(condition)                                                                             \
    ((condition) ? (void)0 : fettle_assert_failed(#condition, __FILE__, __LINE__, __func__))

#endif
