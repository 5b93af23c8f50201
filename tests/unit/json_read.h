// SPDX-License-Identifier: PostgreSQL
/*
 * A strict reader's judgement on JSON, apart from base/json_writer.h, with which jansson's names clash.
 */
#ifndef FETTLE_TESTS_JSON_READ_H
#define FETTLE_TESTS_JSON_READ_H

#include "base/text.h"

/* Fails the test when the text is not JSON. */
void json_read_check(const Text *text);

/* The only member of an object. */
void json_read_member(Arena *arena, const Text *text, const char **ret_key, const char **ret_value);

/* The value at a path as compact JSON, "a.b.0.c" by names and positions; fails the test when there is none.
 */
char *json_read_at(Arena *arena, const Text *text, const char *path);

#endif
