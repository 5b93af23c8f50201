// SPDX-License-Identifier: PostgreSQL
/*
 * Texts that a server normalised, made plannable again.
 *
 * pg_stat_statements writes typed literals as "timestamptz $1", which no server parses: such a pair becomes
 * "$1::timestamptz", which means the same. Everything else is left as it stands.
 */
#ifndef FETTLE_SQL_PLANNABLE_H
#define FETTLE_SQL_PLANNABLE_H

#include "base/arena.h"

/* The text itself when nothing is to change. */
const char *sql_plannable_text(Arena *arena, const char *text);

#endif
