// SPDX-License-Identifier: PostgreSQL
/*
 * SqlNames: the tables and columns that a statement names, as it writes them; and a catalog guessed from many
 * statements, for those who have none.
 *
 * A guess knows the columns that stand in some statement as alias.column, or in one that has a single table.
 * It knows no view from a table, and no type. sql_analyze() over it resolves what is written out; a bare
 * column of a join that no other statement tells the table of stays unresolved, and is counted as that.
 *
 * Names of CTEs are no tables. Names without a schema and with one are different tables here, unless all that
 * have the name are of one schema.
 */
#ifndef FETTLE_SQL_NAMES_H
#define FETTLE_SQL_NAMES_H

#include "sql/catalog.h"
#include "sql/statement.h"

typedef struct SqlNameGuess SqlNameGuess;

SqlNameGuess *sql_name_guess_new(Arena *arena);
/* Takes in what a parsed statement names; utility statements and texts that did not parse name nothing. */
void sql_name_guess_add(SqlNameGuess *guess, const SqlStatement *statement);
/* Once all is taken in. Lives as long as the guess. */
SqlCatalog sql_name_guess_catalog(SqlNameGuess *guess);

#endif
