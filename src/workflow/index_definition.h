// SPDX-License-Identifier: PostgreSQL
/*
 * Is that index the one that a statement makes?
 *
 * The server writes expressions and predicates its own way ("a > 5" becomes "a > (5)::numeric"), so that a
 * statement's text cannot be held against pg_get_indexdef(). Where the two differ in their words and not in
 * their outline (sql/index_statement.h), the server itself is asked how it would write the statement's index:
 * made of an empty temporary table with the same columns, within a transaction that is rolled back.
 *
 * Where it cannot be asked so (the role may make no temporary table, the table is locked), the outline
 * decides.
 */
#ifndef FETTLE_WORKFLOW_INDEX_DEFINITION_H
#define FETTLE_WORKFLOW_INDEX_DEFINITION_H

#include "sql/index_statement.h"
#include "workflow/index_session.h"

/* Whether both say the same in the same words. An index that was wanted in no tablespace of its own is where
 * the session's default_tablespace put it. */
bool index_definition_reads_alike(const SqlIndexStatement *wanted, const SqlIndexStatement *found);

/* A valid index of the table, with its schema, that reads as one that does all that the wanted one would: a
 * unique one in place of a plain one, too. NULL: none, or only of the name that is ignored. */
bool index_definition_find(PgConnection *connection, Arena *arena, const IndexTable *table,
                           const SqlIndexStatement *wanted, const char *ignored, const char **ret_name,
                           Error *error) FETTLE_MUST_USE;

/* connection: a changing session outside of a transaction. False: the session was lost meanwhile. */
bool index_definition_is(PgConnection *connection, Arena *arena, const SqlIndexStatement *wanted,
                         const IndexFacts *facts, bool *ret_is, Error *error) FETTLE_MUST_USE;

#endif
