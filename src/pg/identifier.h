// SPDX-License-Identifier: PostgreSQL
/*
 * Identifiers and literals in SQL text: the only place where names are quoted.
 */
#ifndef FETTLE_PG_IDENTIFIER_H
#define FETTLE_PG_IDENTIFIER_H

#include "base/text.h"

#define PG_IDENTIFIER_BYTES 63 /* NAMEDATALEN - 1 */

/* The name quoted when PostgreSQL needs it (upper case, keyword, other characters), as quote_ident() does. */
char *pg_identifier_quote(Arena *arena, const char *name);

/* schema.name, each quoted when needed; schema NULL leaves it out. */
char *pg_identifier_qualify(Arena *arena, const char *schema, const char *name);

/* A string literal: 'it''s', or E'...' when it holds a backslash. */
char *pg_literal_quote(Arena *arena, const char *value);

/* An array literal of texts for a parameter: {"a","b",NULL}. */
char *pg_array_literal(Arena *arena, const char *const *values, size_t count);

/* Splits a one-dimensional array's text form into its elements (NULL for NULL); false for what is not one. */
bool pg_array_parse(Arena *arena, const char *text, const char ***ret_values, size_t *ret_count)
    FETTLE_MUST_USE;

/* Cut to 63 bytes at a UTF-8 boundary, as the server does. */
char *pg_identifier_cut(Arena *arena, const char *name);
/* To so many bytes at most, and to whole characters. */
char *pg_identifier_cut_to(Arena *arena, const char *name, size_t bytes);

#endif
