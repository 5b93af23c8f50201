// SPDX-License-Identifier: PostgreSQL
/*
 * What the planner twin says against an index at the dry run, where there is a twin as the target is now: it
 * makes the index and takes it back, which nothing on the target is changed by. A twin may lack what the
 * target has, so it warns, and refuses nothing; without one, or while another process has it, it is not
 * asked.
 */
#include "base/log.h"
#include "cli/verb_index_internal.h"
#include "pg/identifier.h"
#include "sql/index_statement.h"
#include "whatif/whatif.h"

#include <string.h>

static bool
twin_answer(CliInput *input, CliSession *session, const IndexPlan *plan, const char **ret_refusal,
            Error *error)
{
    Arena *arena = input->arena;
    FETTLE_CLEANUP(whatif_close_at) WhatIf *whatif = NULL;
    WhatIfChangeResult *results = NULL;
    SqlIndexStatement index;
    const SnapshotRelation *table =
        snapshot_relation_named(session->snapshot, plan->change.schema_name, plan->change.table_name);
    if (table == NULL || twin_relation_id(session->twin, table->id) == 0)
        return true;
    if (!sql_index_statement_parse(arena, index_first_statement(arena, plan->change.sql), &(SqlIndexNames){0},
                                   &index, error))
        return false;
    /* the target's tablespaces are no twin's */
    if (index.tablespace != NULL)
        return true;
    const char *statement =
        arena_printf(arena, "CREATE %sINDEX %s ON %s %s", index.is_unique ? "UNIQUE " : "",
                     pg_identifier_quote(arena, index.name),
                     pg_identifier_qualify(arena, index.schema, index.table), index.tail);
    WhatIfChange change = {.kind = WHATIF_CREATE_INDEX, .relation_id = table->id, .statement = statement};
    if (!whatif_over_twin(arena, session->twin, &whatif, error) ||
        !whatif_begin(whatif, arena, &change, 1, &results, error))
        return false;
    *ret_refusal = results[0].is_applied ? NULL : results[0].reason;
    return whatif_end(whatif, error);
}

void
index_twin_ask(CliInput *input, const IndexPlan *plan)
{
    FETTLE_CLEANUP(session_close_at) CliSession session = {.ends = SNAPSHOT_ENDS_NONE};
    const char *refusal = NULL;
    Error error = {0};
    CliInput reading = *input;
    reading.argument_count = 1;
    if (!index_target_resolve(input, input->arguments[1], &reading.arguments[0], &error) ||
        !session_open_target(&reading, &session, &error) || !session_cluster_is_made(input, &session) ||
        !session_read(&reading, &session, &error) || !session_open_made_twin(input, &session, &error) ||
        !twin_answer(input, &session, plan, &refusal, &error))
        log_write(LOG_LEVEL_DEBUG, "the twin is not asked: %s",
                  error.message[0] == '\0' ? "there is none" : error.message);
    progress_clear();
    if (refusal != NULL)
        log_write(LOG_LEVEL_WARNING, "the planner twin refuses this index, and the server may: %s", refusal);
}
