// SPDX-License-Identifier: PostgreSQL
/*
 * Extended statistics from the text that the server prints to the bytes that it stores, for a server without
 * our module: pg_ndistinct and pg_dependencies. (pg_mcv_list holds values in an internal form and cannot be
 * made so.)
 *
 *     {"1, 3": 200, "1, -1": 7}            combinations of attributes and their distinct values
 *     {"1 => 3": 0.500000, "1, 3 => 5": 1}  an attribute that depends on others, and how much
 *
 * Both are stored as three words (magic, type 1, number of items), then per item a float8, the number of
 * attributes (int4 for ndistinct, int2 for dependencies) and the attributes (int2), in the host's byte order.
 * The result is the hexadecimal text of a bytea.
 */
#ifndef FETTLE_WHATIF_EXTENDED_BYTES_H
#define FETTLE_WHATIF_EXTENDED_BYTES_H

#include "base/arena.h"

/* NULL for NULL and for what is not such a text, or names an attribute twice in an item. */
char *extended_ndistinct_bytes(Arena *arena, const char *text);
char *extended_dependencies_bytes(Arena *arena, const char *text);

#endif
