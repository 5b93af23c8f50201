// SPDX-License-Identifier: PostgreSQL
#include "whatif/explain.h"

#include "pg/result.h"
#include "sql/plannable.h"
#include "sql/statement.h"

#include <string.h>

Explainer
explainer_new(Arena *arena, PgConnection *connection)
{
    return (Explainer){
        .arena = arena, .connection = connection, .prepared = map_new(arena), .read = map_new(arena)};
}

/* True when the server itself refused (the session lives on); its words are the reason. */
static bool
is_refusal(const Explainer *explainer, Arena *arena, const Error *failure, const char **ret_reason)
{
    if (pg_connection_is_broken(explainer->connection) || failure->sqlstate[0] == '\0')
        return false;
    *ret_reason = arena_strdup(arena, failure->message);
    return true;
}

/* A statement prepared on the session. */
typedef struct PreparedStatement {
    const char *name;
    bool is_unpruned; /* planned with enable_partition_pruning off */
} PreparedStatement;

static PreparedStatement *
explainer_prepare(Explainer *explainer, const char *text, Error *error)
{
    PreparedStatement *prepared = map_get(explainer->prepared, text);
    if (prepared != NULL)
        return prepared;
    prepared = ARENA_NEW(explainer->arena, PreparedStatement);
    prepared->name = arena_printf(explainer->arena, "fettle_%zu", map_count(explainer->prepared) + 1);
    if (!pg_execute(explainer->connection,
                    arena_printf(explainer->arena, "PREPARE %s AS %s", prepared->name, text), error))
        return NULL;
    map_put(explainer->prepared, text, prepared);
    return prepared;
}

/* A cached plan outlives a change of settings: prepared anew, so that its first plan is made without pruning.
 */
static bool
explainer_prepare_unpruned(Explainer *explainer, const char *text, PreparedStatement *prepared, Error *error)
{
    prepared->name = arena_printf(explainer->arena, "%s_unpruned", prepared->name);
    prepared->is_unpruned = true;
    return pg_execute(explainer->connection,
                      arena_printf(explainer->arena, "PREPARE %s AS %s", prepared->name, text), error);
}

static bool
explain_take(const Explainer *explainer, Arena *arena, PgResult *result, PgPlan **ret_plan, bool *ret_pruned,
             Error *error)
{
    if (pg_result_rows(result) < 1 || pg_result_text(result, 0, 0) == NULL)
        return error_set(error, ERROR_QUERY, "EXPLAIN gave no plan");
    const char *text = pg_result_text(result, 0, 0);
    *ret_pruned = strstr(text, "\"Subplans Removed\"") != NULL;
    if (!pg_plan_parse(arena, text, strlen(text), ret_plan, error))
        return false;
    if (explainer->keeps_text)
        (*ret_plan)->text = arena_strdup(arena, text);
    return true;
}

static bool
explain_run(Explainer *explainer, Arena *arena, const char *question, PgPlan **ret_plan, bool *ret_pruned,
            Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    explainer->count++;
    return pg_query_simple(explainer->connection, question, &result, error) &&
           explain_take(explainer, arena, result, ret_plan, ret_pruned, error);
}

/* GENERIC_PLAN works by the simple protocol only; the caller's text was parsed to be a single statement. */
static bool
explain_generic(Explainer *explainer, Arena *arena, const char *text, PgPlan **ret_plan, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    bool pruned;
    explainer->count++;
    return pg_execute_script(explainer->connection,
                             arena_printf(arena, "EXPLAIN (FORMAT JSON, GENERIC_PLAN) %s", text), &result,
                             error) &&
           explain_take(explainer, arena, result, ret_plan, &pruned, error);
}

static const char *
execute_question(Arena *arena, const PreparedStatement *prepared, int parameter_count)
{
    Text question = text_new(arena);
    text_append_format(&question, "EXPLAIN (FORMAT JSON) EXECUTE %s(", prepared->name);
    for (int i = 0; i < parameter_count; i++)
        text_append(&question, i == 0 ? "NULL" : ", NULL");
    text_append_char(&question, ')');
    return question.data;
}

static bool
explain_prepared(Explainer *explainer, Arena *arena, const char *text, int parameter_count, PgPlan **ret_plan,
                 Error *error)
{
    PreparedStatement *prepared = explainer_prepare(explainer, text, error);
    bool pruned = false;
    if (prepared == NULL)
        return false;
    if (!prepared->is_unpruned) {
        if (!explain_run(explainer, arena, execute_question(arena, prepared, parameter_count), ret_plan,
                         &pruned, error))
            return false;
        if (!pruned)
            return true;
        if (!explainer_prepare_unpruned(explainer, text, prepared, error))
            return false;
    }
    return pg_execute(explainer->connection, "SET enable_partition_pruning = off", error) &&
           explain_run(explainer, arena, execute_question(arena, prepared, parameter_count), ret_plan,
                       &pruned, error) &&
           pg_execute(explainer->connection, "SET enable_partition_pruning = on", error);
}

/* What was read from a statement's text. */
typedef struct ReadStatement {
    const char *plannable; /* what EXPLAIN can take of it */
    int parameter_count;
} ReadStatement;

/* Read once: a search asks about the same few statements again and again. */
static const ReadStatement *
explainer_read(Explainer *explainer, const char *text)
{
    ReadStatement *read = map_get(explainer->read, text);
    if (read != NULL)
        return read;
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("statement", (size_t)256 << 20);
    read = ARENA_NEW(explainer->arena, ReadStatement);
    read->plannable = arena_strdup(explainer->arena, sql_plannable_text(scratch, text));
    if (strchr(text, '$') != NULL)
        read->parameter_count =
            sql_statement_parameter_count(sql_statement_parse(scratch, text, strlen(text)));
    map_put(explainer->read, text, read);
    return read;
}

int
explainer_parameter_count(Explainer *explainer, const char *text)
{
    return explainer_read(explainer, text)->parameter_count;
}

bool
explainer_ask(Explainer *explainer, Arena *arena, const char *text, PgPlan **ret_plan,
              const char **ret_reason, Error *error)
{
    Error failure = {0};
    bool pruned;
    bool done;
    const ReadStatement *read = explainer_read(explainer, text);
    text = read->plannable;
    if (read->parameter_count == 0)
        done = explain_run(explainer, arena, arena_printf(arena, "EXPLAIN (FORMAT JSON) %s", text), ret_plan,
                           &pruned, &failure);
    else if (pg_connection_server_major(explainer->connection) >= 16)
        done = explain_generic(explainer, arena, text, ret_plan, &failure);
    else
        done = explain_prepared(explainer, arena, text, read->parameter_count, ret_plan, &failure);
    *ret_reason = NULL;
    if (done)
        return true;
    *ret_plan = NULL;
    if (is_refusal(explainer, arena, &failure, ret_reason))
        return true;
    *error = failure;
    return false;
}
