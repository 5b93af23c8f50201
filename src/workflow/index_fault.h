// SPDX-License-Identifier: PostgreSQL
/*
 * IndexFault: what the server would say against a CREATE INDEX, asked of its catalogs in a reading session,
 * before anything is recorded.
 *
 * Nothing is refused that the server would take; what it refuses still may pass here (a function that is not
 * immutable, a storage parameter). An expression and a predicate are parsed by the server as those
 * of a prepared SELECT, which nobody plans or runs.
 */
#ifndef FETTLE_WORKFLOW_INDEX_FAULT_H
#define FETTLE_WORKFLOW_INDEX_FAULT_H

#include "sql/index_statement.h"
#include "workflow/index_session.h"

/* ERROR_INPUT says what is wrong. names: the key columns where all of them are plain, without
 * an operator class of their own; count 0: not known. *ret_note: what may be meant otherwise; NULL: nothing.
 */
bool index_fault_check(PgConnection *connection, Arena *arena, const IndexTable *table,
                       const SqlIndexStatement *statement, const char *const *names, size_t count,
                       const char **ret_note, Error *error) FETTLE_MUST_USE;

/* What a name that was not found may want for; NULL: the failure is another one. */
const char *index_fault_hint(const Error *failure);

#endif
