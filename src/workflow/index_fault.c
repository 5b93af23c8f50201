// SPDX-License-Identifier: PostgreSQL
#include "workflow/index_fault.h"

#include "pg/identifier.h"
#include "pg/result.h"
#include "workflow/workflow_internal.h"

#include <string.h>

#define PROBE "fettle_index_probe"
#define NAMES_HINT "names in the statement are looked for in pg_catalog: others are written with their schema"

const char *
index_fault_hint(const Error *failure)
{
    /* undefined object, or function */
    static const char *const states[] = {"42704", "42883"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(states); i++)
        if (strcmp(failure->sqlstate, states[i]) == 0)
            return NAMES_HINT;
    return NULL;
}

static bool
method_check(const PgResult *rows, const SqlIndexStatement *statement, Error *error)
{
    if (pg_result_rows(rows) == 0)
        return error_set(error, ERROR_INPUT, "the server has no index method %s", statement->method);
    if (statement->is_unique && !pg_result_bool(rows, 0, 0))
        return error_set(error, ERROR_INPUT, "an index by %s cannot be unique", statement->method);
    if (statement->columns.count > 1 && !pg_result_bool(rows, 0, 1))
        return error_set(error, ERROR_INPUT, "an index by %s has one column", statement->method);
    if (statement->included.count > 0 && !pg_result_bool(rows, 0, 2))
        return error_set(error, ERROR_INPUT, "an index by %s cannot include further columns",
                         statement->method);
    if (pg_result_text(rows, 0, 5) != NULL) {
        error_set(error, ERROR_INPUT, "there is no operator class %s for %s", pg_result_text(rows, 0, 5),
                  statement->method);
        return error_set_hint(error, NAMES_HINT);
    }
    if (pg_result_text(rows, 0, 3) == NULL)
        return true;
    error_set(error, ERROR_INPUT, "column %s is of type %s, which has no default operator class for %s",
              pg_result_text(rows, 0, 3), pg_result_text(rows, 0, 4), statement->method);
    return error_set_hint(error,
                          "take another method, or name an operator class in a whole CREATE INDEX statement");
}

/* The server resolves the names and types of a prepared statement, and no more. */
static bool
expressions_check(PgConnection *connection, Arena *arena, const SqlIndexStatement *statement, Error *error)
{
    /* in one message: a pooler gives both to one session */
    if (statement->probe == NULL ||
        pg_execute_script(connection,
                          arena_printf(arena, "PREPARE " PROBE " AS %s; DEALLOCATE " PROBE, statement->probe),
                          NULL, error))
        return true;
    if (pg_connection_is_broken(connection))
        return error_prefix(error, "could not ask for the index's expressions");
    /* a table that is locked at this moment, say, or row security, which is no index's: then the run tells */
    bool is_of_select = strcmp(error->sqlstate, "42501") == 0 || strcmp(error->sqlstate, "42P17") == 0;
    if (is_of_select || (strncmp(error->sqlstate, "42", 2) != 0 && strncmp(error->sqlstate, "22", 2) != 0)) {
        error_clear(error);
        return true;
    }
    const char *hint = index_fault_hint(error);
    error->code = ERROR_INPUT;
    error->hint[0] = '\0';
    if (hint != NULL)
        (void)error_set_hint(error, "%s", hint);
    return error_prefix(error, "the index cannot be made");
}

bool
index_fault_check(PgConnection *connection, Arena *arena, const IndexTable *table,
                  const SqlIndexStatement *statement, const char *const *names, size_t count,
                  const char **ret_note, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    const char *parameters[] = {
        statement->method,
        arena_printf(arena, "%u", table->oid),
        pg_array_literal(arena, names, count),
        pg_array_literal(arena, statement->class_schemas.items, statement->class_schemas.count),
        pg_array_literal(arena, statement->class_names.items, statement->class_names.count),
        pg_array_literal(arena, statement->operands.items, statement->operands.count),
        pg_array_literal(arena, statement->operators.items, statement->operators.count)};
    if (!workflow_query(connection, "index_faults", parameters, FETTLE_COUNT_OF(parameters), &rows, error))
        return error_prefix(error, "could not look for the index method");
    *ret_note = pg_result_rows(rows) == 0 || pg_result_text(rows, 0, 6) == NULL
                    ? NULL
                    : arena_printf(arena,
                                   "column %s is of type %s: an operator on it is that of pg_catalog, which "
                                   "queries do not use, unless it is written as OPERATOR(%s.=)",
                                   pg_result_text(rows, 0, 6), pg_result_text(rows, 0, 7),
                                   pg_result_text(rows, 0, 8));
    return method_check(rows, statement, error) &&
           (count > 0 || expressions_check(connection, arena, statement, error));
}
