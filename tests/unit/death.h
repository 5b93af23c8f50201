// SPDX-License-Identifier: PostgreSQL
/*
 * Asserts and exhausted limits end the process: an act is run in a process of its own, and its end looked at.
 *
 *     assert_dies(push_beyond_limit, &arena, "out of memory in \"test\"");
 */
#ifndef FETTLE_TESTS_DEATH_H
#define FETTLE_TESTS_DEATH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attributes.h"

/* The act must end its process, by abort() or by exit status 70, and write the words to standard error. */
void assert_dies(void (*act)(void *context), void *context, const char *words);

/* What the act writes to standard error (to a buffer of at most size_bytes, NUL-terminated); it must end
 * well. */
void standard_error_of(void (*act)(void *context), void *context, char *buffer, size_t size_bytes);

#endif
