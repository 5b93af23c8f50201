// SPDX-License-Identifier: PostgreSQL
#include "collect/postgres_internal.h"

#include "pg/identifier.h"
#include "pg/query_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SESSION_BYTES ((size_t)4 * 1024 * 1024)
#define COLUMNS_MOST 2000
#define NAME_BYTES 200

extern const PgQueryText collect_queries[];

static PostgresSession *
session_of(SourceSession *base)
{
    return (PostgresSession *)base;
}

const char *
postgres_query_text(PostgresSession *session, Arena *arena, const char *name, const PostgresFill *fills)
{
    const char *at = pg_query_text(collect_queries, name, pg_connection_server_major(session->connection));
    fettle_assert(at != NULL);
    Text whole = text_new(arena);
    text_append(&whole, STATEMENT_OWN_MARK);
    for (const char *mark = strchr(at, '@'); mark != NULL; mark = strchr(at, '@')) {
        const char *end = strchr(mark + 1, '@');
        fettle_assert(end != NULL);
        const PostgresFill *fill = fills;
        while (fill != NULL && fill->name != NULL &&
               (strncmp(fill->name, mark + 1, (size_t)(end - mark - 1)) != 0 ||
                fill->name[end - mark - 1] != '\0'))
            fill++;
        fettle_assert(fill != NULL && fill->name != NULL && fill->text != NULL);
        text_append_bytes(&whole, at, (size_t)(mark - at));
        text_append(&whole, fill->text);
        at = end + 1;
    }
    text_append(&whole, at);
    return whole.data;
}

bool
postgres_has(const PostgresSession *session, const char *view_and_column)
{
    return map_get(session->columns, view_and_column) != NULL;
}

const char *
postgres_choose(const PostgresSession *session, const char *view_and_column, const char *text,
                const char *other)
{
    return postgres_has(session, view_and_column) ? text : other;
}

bool
postgres_ask(PostgresSession *session, const PostgresQuestion *question, PgResult **ret_result, Error *error)
{
    PgQuery query = {.text = question->text,
                     .parameters = question->parameters,
                     .parameter_count = question->parameter_count,
                     .is_prepared = question->is_repeated && session->is_direct,
                     .deadline = session->deadline,
                     .rows_most = question->rows_most,
                     .bytes_most = question->bytes_most};
    if (deadline_passed(session->deadline)) {
        error_set(error, ERROR_TIMEOUT, "the time allowed for a round has passed");
        return error_set_hint(error, "raise collect.deadline, or see what keeps the target busy");
    }
    return pg_query(session->connection, &query, ret_result, error);
}

bool
postgres_ask_optional(PostgresSession *session, const PostgresQuestion *question, PgResult **ret_result,
                      Error *reason, Error *error)
{
    *ret_result = NULL;
    if (!pg_execute(session->connection, "SAVEPOINT fettle", error))
        return false;
    error_clear(reason);
    if (postgres_ask(session, question, ret_result, reason))
        return pg_execute(session->connection, "RELEASE SAVEPOINT fettle", error);
    *ret_result = NULL;
    if (pg_connection_is_broken(session->connection) || reason->code == ERROR_TIMEOUT) {
        *error = *reason;
        return false;
    }
    return pg_execute(session->connection, "ROLLBACK TO SAVEPOINT fettle", error);
}

const char *
postgres_text(Arena *arena, const PgResult *result, int64_t row, int column, size_t bytes_most)
{
    const char *text = pg_result_text(result, row, column);
    if (text == NULL)
        return NULL;
    size_t length = pg_result_length(result, row, column);
    if (length > bytes_most) {
        length = bytes_most;
        while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
            length--;
    }
    return text_clean_utf8(arena, text, length);
}

int64_t
postgres_time_us(const PgResult *result, int64_t row, int column)
{
    double seconds = pg_result_double(result, row, column, 0);
    return isfinite(seconds) && fabs(seconds) < 1e12 ? llrint(seconds * 1e6) : 0;
}

static bool
postgres_accepts(const char *dsn)
{
    (void)dsn;
    return true;
}

/* Which columns the views have, with pg_stat_statements' own schema. */
static bool
session_read_columns(PostgresSession *session, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    PostgresQuestion question = {.text = postgres_query_text(session, session->arena, "columns", NULL),
                                 .rows_most = COLUMNS_MOST};
    if (!postgres_ask(session, &question, &result, error))
        return error_prefix(error, "could not read what the target's views have");
    for (int64_t row = 0; row < pg_result_rows(result); row++)
        map_put(session->columns, pg_result_text(result, row, 0), session);
    return true;
}

static void
session_take_statements(PostgresSession *session, const PgResult *result)
{
    SourceServer *server = &session->server;
    const char *schema = postgres_text(session->arena, result, 0, 5, NAME_BYTES);
    bool is_loaded = pg_result_bool(result, 0, 7);
    if (schema == NULL) {
        server->statements_gap = "pg_stat_statements is not installed in this database";
        server->statements_hint = is_loaded
                                      ? "run: CREATE EXTENSION pg_stat_statements"
                                      : "add pg_stat_statements to shared_preload_libraries, restart, and "
                                        "run: CREATE EXTENSION pg_stat_statements";
    } else if (!is_loaded) {
        server->statements_gap = "pg_stat_statements is installed but not loaded";
        server->statements_hint = "add pg_stat_statements to shared_preload_libraries and restart the server";
    } else if (!pg_result_bool(result, 0, 6)) {
        server->statements_gap = "the schema of pg_stat_statements may not be used";
        server->statements_hint =
            arena_printf(session->arena, "run: GRANT USAGE ON SCHEMA %s TO %s", schema,
                         pg_identifier_quote(session->arena, pg_connection_user(session->connection)));
    } else {
        server->has_statements = true;
        session->statements_schema = schema;
        session->has_statements_info = postgres_has(session, "pg_stat_statements_info.dealloc");
        if (!session->sees_all) {
            server->statements_gap = "statements of other users are not shown to this role";
            server->statements_hint =
                arena_printf(session->arena, "run: GRANT pg_read_all_stats TO %s",
                             pg_identifier_quote(session->arena, pg_connection_user(session->connection)));
        }
    }
}

static bool
session_read_server(PostgresSession *session, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    PostgresQuestion question = {.text = postgres_query_text(session, session->arena, "server", NULL),
                                 .rows_most = 1};
    if (!postgres_ask(session, &question, &result, error))
        return error_prefix(error, "could not read what server the target is");
    if (pg_result_rows(result) != 1)
        return error_set(error, ERROR_QUERY, "could not read what server the target is: no answer");
    session->server.version_text = postgres_text(session->arena, result, 0, 0, NAME_BYTES);
    session->statements_most = pg_result_int(result, 0, 1, 0);
    session->data_directory = postgres_text(session->arena, result, 0, 2, 4096);
    session->sees_all = pg_result_bool(result, 0, 8);
    session->may_stat_files = pg_result_bool(result, 0, 4);
    session->pgstattuple = postgres_text(session->arena, result, 0, 9, NAME_BYTES);
    /* a pooler makes numbers of its own up for its clients */
    session->is_direct = pg_result_int(result, 0, 10, 0) == pg_connection_backend_pid(session->connection);
    session->machine = machine_prove("/proc", pg_connection_backend_pid(session->connection),
                                     postgres_time_us(result, 0, 3));
    session_take_statements(session, result);
    return true;
}

/* The one number that tells clusters apart; an old fork or a strict owner may refuse it. */
static bool
session_read_identifier(PostgresSession *session, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    PostgresQuestion question = {.text = postgres_query_text(session, session->arena, "identifier", NULL),
                                 .rows_most = 1};
    Error reason = {0};
    if (!postgres_ask_optional(session, &question, &result, &reason, error))
        return false;
    if (result != NULL && pg_result_rows(result) == 1)
        session->server.system_identifier = pg_result_int(result, 0, 0, 0);
    return true;
}

static void
postgres_close(SourceSession *base)
{
    PostgresSession *session = session_of(base);
    pg_connection_close(session->connection);
    arena_free(session->arena);
    free(session);
}

static bool
session_begin(PostgresSession *session, Deadline deadline, Error *error)
{
    session->deadline = deadline;
    return pg_transaction_begin_read_only(session->connection, error);
}

static bool
postgres_round_end(SourceSession *base, Error *error)
{
    PostgresSession *session = session_of(base);
    return pg_transaction_end(session->connection, error);
}

static bool
postgres_open(const SourceOptions *options, SourceSession **ret_session, Error *error)
{
    PostgresSession *session = calloc(1, sizeof(*session));
    fettle_assert(session != NULL);
    session->base.ops = &source_postgres;
    session->arena = arena_new("target session", SESSION_BYTES);
    session->columns = map_new(session->arena);
    if (options->database_count > 0)
        session->databases = pg_array_literal(session->arena, options->databases, options->database_count);
    PgConnectOptions connect = {.purpose = PG_PURPOSE_TARGET,
                                .connect_timeout_ms = options->connect_timeout_ms,
                                .statement_timeout_ms = options->statement_timeout_ms,
                                .lock_timeout_ms = options->lock_timeout_ms,
                                .database = options->database};
    int64_t patience_ms = options->statement_timeout_ms > 0 ? options->statement_timeout_ms : 30000;
    bool opened = pg_connection_open(options->dsn, &connect, &session->connection, error) &&
                  session_begin(session, deadline_after_ms(patience_ms), error) &&
                  session_read_columns(session, error) && session_read_server(session, error) &&
                  session_read_identifier(session, error) && pg_transaction_end(session->connection, error);
    if (!opened) {
        postgres_close(&session->base);
        return false;
    }
    *ret_session = &session->base;
    return true;
}

static bool
postgres_is_broken(const SourceSession *base)
{
    return pg_connection_is_broken(((const PostgresSession *)base)->connection);
}

static const SourceServer *
postgres_server(const SourceSession *base)
{
    return &((const PostgresSession *)base)->server;
}

static SourceLoad
postgres_load(const SourceSession *base)
{
    const PgConnection *connection = ((const PostgresSession *)base)->connection;
    return (SourceLoad){.server_time_us = pg_connection_server_time_us(connection),
                        .bytes_received = pg_connection_bytes_received(connection)};
}

static void
state_take(PostgresSession *session, Arena *arena, const PgResult *result, SourceState *state)
{
    state->now_us = postgres_time_us(result, 0, 0);
    state->started_at_us = postgres_time_us(result, 0, 1);
    state->has_reset_info = session->has_statements_info;
    state->statements_reset_at_us = postgres_time_us(result, 0, 2);
    state->statements_evicted = pg_result_int(result, 0, 3, 0);
    state->database_count = (size_t)pg_result_rows(result);
    state->databases = ARENA_NEW_ARRAY(arena, SourceDatabase, state->database_count);
    for (size_t i = 0; i < state->database_count; i++)
        state->databases[i] =
            (SourceDatabase){.oid = (uint32_t)pg_result_int(result, (int64_t)i, 4, 0),
                             .name = postgres_text(arena, result, (int64_t)i, 5, PG_IDENTIFIER_BYTES),
                             .is_watched = pg_result_bool(result, (int64_t)i, 6),
                             .can_connect = pg_result_bool(result, (int64_t)i, 7)};
}

static bool
postgres_round_begin(SourceSession *base, Arena *arena, Deadline deadline, SourceState *ret_state,
                     Error *error)
{
    PostgresSession *session = session_of(base);
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    if (!session_begin(session, deadline, error))
        return false;
    const PostgresFill fills[] = {
        {"schema", session->statements_schema == NULL ? "pg_catalog" : session->statements_schema},
        {NULL, NULL}};
    const char *name = session->has_statements_info ? "state_with_info" : "state";
    if (session->state_text == NULL)
        session->state_text = postgres_query_text(session, session->arena, name, fills);
    PostgresQuestion question = {.text = session->state_text,
                                 .is_repeated = true,
                                 .parameters = &session->databases,
                                 .parameter_count = 1,
                                 .rows_most = SOURCE_DATABASES_MOST};
    if (!postgres_ask(session, &question, &result, error))
        return error_prefix(error, "could not read the target's databases");
    if (pg_result_rows(result) == 0)
        return error_set(error, ERROR_QUERY, "could not read the target's databases: there is none");
    *ret_state = (SourceState){0};
    state_take(session, arena, result, ret_state);
    return true;
}

const SourceOps source_postgres = {
    .name = "postgres",
    .accepts = postgres_accepts,
    .open = postgres_open,
    .close = postgres_close,
    .is_broken = postgres_is_broken,
    .server = postgres_server,
    .load = postgres_load,
    .round_begin = postgres_round_begin,
    .statements_read = postgres_statements_read,
    .texts_read = postgres_texts_read,
    .users_read = postgres_users_read,
    .metrics_read = postgres_metrics_read,
    .settings_read = postgres_settings_read,
    .round_end = postgres_round_end,
    .activity_read = postgres_activity_read,
    .relations_read = postgres_relations_read,
};
