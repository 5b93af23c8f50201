// SPDX-License-Identifier: PostgreSQL
/*
 * A directory of its own for each test, gone after it; made as group set-up and teardown of cmocka.
 *
 *     cmocka_unit_test_setup_teardown(a_file_is_read, scratch_make, scratch_remove)
 *     ... scratch_path("name") ...
 */
#ifndef FETTLE_TESTS_SCRATCH_H
#define FETTLE_TESTS_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int scratch_make(void **state);
int scratch_remove(void **state);

/* The path of a name in it; one of the last eight given stays valid. "" is the directory itself. */
const char *scratch_path(const char *name);

/* Entries in it, hidden ones included. */
int scratch_count(void);

/* Writes a file there. */
void scratch_write(const char *name, const void *data, size_t size_bytes);

#endif
