// SPDX-License-Identifier: PostgreSQL
/*
 * Texts that a server normalised, made plannable again.
 *
 * pg_stat_statements writes typed literals as "timestamptz $1" and fields as "extract($1 from x)", which no
 * server parses: they become "($1::timestamptz)" and "date_part($1, x)", which mean the same. Everything else
 * is left as it stands.
 */
#ifndef FETTLE_SQL_PLANNABLE_H
#define FETTLE_SQL_PLANNABLE_H

#include "base/arena.h"

/* The text itself when nothing is to change. */
const char *sql_plannable_text(Arena *arena, const char *text);

/* "$1 + $2", an operator of arithmetic between two parameters of unknown type, with casts: "$1::first +
 * $2::second". The text itself when there is none. */
const char *sql_parameters_typed(Arena *arena, const char *text, const char *first, const char *second);

/* "ARRAY[$1, $2]", whose elements a server takes for texts when it knows nothing of them, with casts:
 * "ARRAY[$1::type, $2::type]". The text itself when there is none, or it has a type. */
const char *sql_arrays_typed(Arena *arena, const char *text, const char *type);

#endif
