// SPDX-License-Identifier: PostgreSQL
#include "api/connection_test.h"

#include "pg/query_text.h"
#include "pg/result.h"

#include <math.h>

#define MAJOR_LEAST 13

extern const PgQueryText api_queries[];

static void
check_add(ConnectionTest *test, const char *name, bool is_good, const char *message, const char *remedy)
{
    fettle_assert(test->check_count < CONNECTION_CHECKS_MOST);
    test->checks[test->check_count++] =
        (ConnectionCheck){.name = name, .is_good = is_good, .message = message, .remedy = remedy};
}

static bool
fact_is(const PgResult *facts, const char *name)
{
    int column = pg_result_column_find(facts, name);
    return column >= 0 && pg_result_bool(facts, 0, column);
}

static const char *
fact_text(Arena *arena, const PgResult *facts, const char *name)
{
    int column = pg_result_column_find(facts, name);
    return column < 0 ? NULL : arena_strdup(arena, pg_result_text(facts, 0, column));
}

/* The extension may be made without its library being loaded, or without being readable. */
static void
check_statements(Arena *arena, PgConnection *connection, const PgResult *facts, ConnectionTest *test)
{
    static const char name[] = "pg_stat_statements";
    if (!fact_is(facts, "has_statements")) {
        check_add(test, name, false, "the extension is not in this database",
                  "set shared_preload_libraries = 'pg_stat_statements', restart, and run "
                  "CREATE EXTENSION pg_stat_statements");
        return;
    }
    Error error = {0};
    const char *text =
        arena_printf(arena, "SELECT count(*) FROM %s", fact_text(arena, facts, "statements_view"));
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    if (pg_query_simple(connection, text, &rows, &error))
        check_add(test, name, true, arena_printf(arena, "%s entries can be read", pg_result_text(rows, 0, 0)),
                  NULL);
    else
        check_add(test, name, false, arena_strdup(arena, error.message),
                  "put pg_stat_statements into shared_preload_libraries and restart the server");
}

static void
check_rights(const PgResult *facts, ConnectionTest *test)
{
    bool reads = fact_is(facts, "reads_statistics");
    check_add(test, "statistics", reads,
              reads ? "statements and activity of all users can be read"
                    : "only statements and activity of its own can be read",
              reads ? NULL : "GRANT pg_monitor TO the role");
    bool reads_settings = fact_is(facts, "reads_settings");
    check_add(test, "settings", reads_settings,
              reads_settings ? "all settings can be read" : "some settings cannot be read",
              reads_settings ? NULL : "GRANT pg_monitor TO the role");
}

static void
check_tracking(const PgResult *facts, ConnectionTest *test)
{
    bool io = fact_is(facts, "tracks_io");
    check_add(test, "track_io_timing", io,
              io ? "times of reads and writes are known" : "times of reads and writes are not known",
              io ? NULL : "set track_io_timing = on");
    bool activities = fact_is(facts, "tracks_activities");
    check_add(test, "track_activities", activities,
              activities ? "what sessions do is known" : "what sessions do is not known",
              activities ? NULL : "set track_activities = on");
    bool ids = fact_is(facts, "computes_query_id");
    check_add(test, "compute_query_id", ids, ids ? "statements have ids" : "statements have no ids",
              ids ? NULL : "set compute_query_id = auto");
    bool bloat = fact_is(facts, "has_pgstattuple");
    check_add(test, "pgstattuple", bloat,
              bloat ? "bloat can be measured"
                    : "bloat is estimated, for the extension is not in this database",
              bloat ? NULL : "CREATE EXTENSION pgstattuple, if measured figures are wanted");
}

static void
test_look(Arena *arena, PgConnection *connection, ConnectionTest *test, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *facts = NULL;
    int major = pg_connection_server_major(connection);
    test->is_reachable = true;
    bool is_served = major >= MAJOR_LEAST;
    check_add(test, "version", is_served,
              is_served ? "this major version is served" : "this major version is older than 13",
              is_served ? NULL : "upgrade the server");
    if (!pg_query_simple(connection, pg_query_text(api_queries, "connection_facts", major), &facts, error)) {
        check_add(test, "catalog", false, arena_strdup(arena, error->message), NULL);
        return;
    }
    test->server_version = fact_text(arena, facts, "server_version");
    test->database = fact_text(arena, facts, "database");
    test->user_name = fact_text(arena, facts, "user_name");
    test->is_standby = fact_is(facts, "is_standby");
    test->is_superuser = fact_is(facts, "is_superuser");
    test->is_tls = fact_is(facts, "is_tls");
    check_rights(facts, test);
    check_statements(arena, connection, facts, test);
    check_tracking(facts, test);
}

void
connection_test_run(Arena *arena, const char *dsn, const ConnectionTestOptions *options,
                    ConnectionTest *ret_test)
{
    *ret_test = (ConnectionTest){.connect_ms = NAN};
    int left_ms = deadline_left_ms(options->deadline);
    PgConnectOptions connect = {.purpose = PG_PURPOSE_TARGET,
                                .connect_timeout_ms = options->connect_timeout_ms,
                                .statement_timeout_ms = options->statement_timeout_ms,
                                .lock_timeout_ms = options->lock_timeout_ms};
    if (left_ms > 0 && left_ms < connect.connect_timeout_ms)
        connect.connect_timeout_ms = left_ms;
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
    Error error = {0};
    int64_t started_us = clock_monotonic_us();
    if (!pg_connection_open(dsn, &connect, &connection, &error)) {
        ret_test->error_message = arena_strdup(arena, error.message);
        ret_test->error_hint = error.hint[0] == '\0' ? NULL : arena_strdup(arena, error.hint);
        return;
    }
    ret_test->connect_ms = (double)(clock_monotonic_us() - started_us) / 1000;
    pg_connection_set_deadline(connection, options->deadline);
    test_look(arena, connection, ret_test, &error);
}

void
connection_test_write(JsonWriter *json, const ConnectionTest *test)
{
    json_object_begin(json);
    json_key_bool(json, "reachable", test->is_reachable);
    json_key_string(json, "error_message", test->error_message);
    json_key_string(json, "error_hint", test->error_hint);
    json_key_double(json, "connect_ms", test->connect_ms);
    json_key_string(json, "server_version", test->server_version);
    json_key_string(json, "database", test->database);
    json_key_string(json, "user_name", test->user_name);
    json_key_bool(json, "is_standby", test->is_standby);
    json_key_bool(json, "is_superuser", test->is_superuser);
    json_key_bool(json, "is_tls", test->is_tls);
    json_key(json, "checks");
    json_array_begin(json);
    for (size_t i = 0; i < test->check_count; i++) {
        json_object_begin(json);
        json_key_string(json, "name", test->checks[i].name);
        json_key_bool(json, "ok", test->checks[i].is_good);
        json_key_string(json, "message", test->checks[i].message);
        json_key_string(json, "remedy", test->checks[i].remedy);
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}
