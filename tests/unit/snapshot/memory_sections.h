// SPDX-License-Identifier: PostgreSQL
/*
 * Sections of a snapshot written down as text, for tests: "@name column column ..." begins a section, each
 * further line is a row with "|" between values; \N is NULL, \n a line's end within a value.
 *
 *     @meta key value
 *     server_version_num|150004
 */
#ifndef FETTLE_TESTS_MEMORY_SECTIONS_H
#define FETTLE_TESTS_MEMORY_SECTIONS_H

#include "base/random.h"
#include "snapshot/section.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

SnapshotSections *memory_sections(Arena *arena, const char *text);

/* A small shop: a table of each kind, statistics of each kind, a workload, gaps. Values that a user might
 * call secret begin with "secret"; no other text holds that word. */
const char *memory_sections_shop(void);

/* Any sections at all: names, NULL, empty and long texts, all of UTF-8. */
SnapshotSections *memory_sections_random(Arena *arena, Random *random);

/* The value of the row whose first column is key; fails the test when there is no such row. */
const char *memory_sections_value(const SnapshotSections *sections, const char *section, const char *key,
                                  const char *column);

#endif
