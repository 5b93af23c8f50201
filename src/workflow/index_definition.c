// SPDX-License-Identifier: PostgreSQL
#include "workflow/index_definition.h"

#include "base/log.h"
#include "base/text.h"
#include "pg/identifier.h"
#include "pg/result.h"
#include "workflow/workflow_internal.h"

#include <string.h>

#define EMPTY_TABLE "fettle_index_definition"
#define EMPTY_INDEX "fettle_index_definition_idx"
/* The table's definition is read; whoever changes it at this moment is not waited for. */
#define LOCK_TIMEOUT "'2s'"

/* Within a transaction. */
static bool
definition_ask(PgConnection *connection, Arena *arena, const SqlIndexStatement *wanted,
               const char **ret_definition, Error *error)
{
    IndexFacts facts;
    bool is_found;
    const char *table = arena_printf(arena, "CREATE TEMPORARY TABLE " EMPTY_TABLE " (LIKE %s) ON COMMIT DROP",
                                     pg_identifier_qualify(arena, wanted->schema, wanted->table));
    const char *index = arena_printf(arena, "CREATE %sINDEX " EMPTY_INDEX " ON pg_temp." EMPTY_TABLE " %s",
                                     wanted->is_unique ? "UNIQUE " : "", wanted->tail);
    if (!pg_execute(connection, "SET LOCAL lock_timeout = " LOCK_TIMEOUT, error) ||
        !pg_execute(connection, table, error) || !pg_execute(connection, index, error) ||
        !index_facts_find(connection, arena, "pg_temp", EMPTY_INDEX, &is_found, &facts, error))
        return false;
    if (!is_found)
        return error_set(error, ERROR_DAMAGED, "the index of the empty table is not there");
    *ret_definition = facts.definition;
    return true;
}

/* NULL: it cannot be told. */
static const char *
definition_of(PgConnection *connection, Arena *arena, const SqlIndexStatement *wanted)
{
    Error error = {0};
    Error ignored = {0};
    const char *definition = NULL;
    if (!pg_execute(connection, "BEGIN", &error) ||
        !definition_ask(connection, arena, wanted, &definition, &error))
        log_write(LOG_LEVEL_INFO, "index %s is recognised by its columns only: %s", wanted->name,
                  error.message);
    (void)!pg_transaction_end(connection, &ignored);
    return definition;
}

bool
index_definition_reads_alike(const SqlIndexStatement *wanted, const SqlIndexStatement *found)
{
    return strcmp(wanted->shape, found->shape) == 0 &&
           (wanted->tablespace == NULL || text_equals(wanted->tablespace, found->tablespace));
}

bool
index_definition_find(PgConnection *connection, Arena *arena, const IndexTable *table,
                      const SqlIndexStatement *wanted, const char *ignored, const char **ret_name,
                      Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    const char *parameters[] = {arena_printf(arena, "%u", table->oid)};
    if (!workflow_query(connection, "index_definitions", parameters, 1, &rows, error))
        return error_prefix(error, "could not look for the table's indexes");
    *ret_name = NULL;
    for (int64_t i = 0; i < pg_result_rows(rows) && *ret_name == NULL; i++) {
        SqlIndexStatement found;
        Error unreadable = {0};
        const char *name = pg_result_text(rows, i, 1);
        /* behind its first word, which says whether it is unique, a shape is the same for both */
        if (!text_equals(ignored, name) &&
            sql_index_statement_parse(arena, pg_result_text(rows, i, 2), &(SqlIndexNames){0}, &found,
                                      &unreadable) &&
            strcmp(strchr(found.shape, ' '), strchr(wanted->shape, ' ')) == 0 &&
            (found.is_unique || !wanted->is_unique))
            *ret_name = pg_identifier_qualify(arena, pg_result_text(rows, i, 0), name);
    }
    return true;
}

bool
index_definition_is(PgConnection *connection, Arena *arena, const SqlIndexStatement *wanted,
                    const IndexFacts *facts, bool *ret_is, Error *error)
{
    SqlIndexStatement found;
    SqlIndexStatement written;
    Error unreadable = {0};
    *ret_is = facts->table != NULL && strcmp(facts->table, wanted->table) == 0 &&
              sql_index_statement_parse(arena, facts->definition, &(SqlIndexNames){0}, &found, &unreadable) &&
              strcmp(found.outline, wanted->outline) == 0;
    if (!*ret_is || index_definition_reads_alike(wanted, &found))
        return true;
    const char *definition = definition_of(connection, arena, wanted);
    if (pg_connection_is_broken(connection))
        return error_set(error, ERROR_CONNECTION, "the session was lost while the index was looked at");
    if (definition != NULL &&
        sql_index_statement_parse(arena, definition, &(SqlIndexNames){0}, &written, &unreadable))
        *ret_is = strcmp(written.shape, found.shape) == 0 &&
                  (wanted->tablespace == NULL || text_equals(written.tablespace, found.tablespace));
    return true;
}
