// SPDX-License-Identifier: PostgreSQL
#include "collect/postgres_internal.h"

#include <math.h>

/* Where the server is in its log: what it wrote, or replayed. */
#define HERE "case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end"
#define WAL_BYTES                                                                                            \
    "(case when pg_is_in_recovery() then null else pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') end)"

static void
session_prepare_metrics(PostgresSession *session)
{
    const char *checkpoints = postgres_choose(session, "pg_stat_checkpointer.num_timed",
                                              "checkpoints_checkpointer", "checkpoints_bgwriter");
    const PostgresFill fills[] = {
        {"checkpoints", postgres_query_text(session, session->arena, checkpoints, NULL)},
        {"wal_bytes",
         postgres_choose(session, "pg_stat_wal.wal_bytes", "(select wal_bytes from pg_stat_wal)", WAL_BYTES)},
        {"here", HERE},
        {NULL, NULL}};
    session->metrics_text = postgres_query_text(session, session->arena, "metrics", fills);
}

/* Other sessions' states, waits and positions are NULL to a role without pg_read_all_stats: counting them
 * would give a zero that is none. */
static void
forget_what_is_hidden(SourceMetrics *metrics)
{
    static const MetricId hidden[] = {
        METRIC_CONNECTIONS_ACTIVE,  METRIC_CONNECTIONS_IDLE, METRIC_CONNECTIONS_IDLE_IN_TRANSACTION,
        METRIC_CONNECTIONS_WAITING, METRIC_TRANSACTION_AGE,  METRIC_REPLICAS,
        METRIC_REPLICA_LAG_BYTES};
    for (size_t i = 0; i < FETTLE_COUNT_OF(hidden); i++)
        metrics->values[hidden[i]] = NAN;
}

static void
metrics_take_machine(const PostgresSession *session, SourceMetrics *metrics)
{
    MachineFigures figures;
    machine_read("/proc", session->data_directory, &figures);
    metrics->values[METRIC_MEMORY_AVAILABLE] = figures.memory_available_bytes;
    metrics->values[METRIC_DISK_FREE] = figures.disk_free_bytes;
    metrics->values[METRIC_DISK_READ] = figures.disk_read_bytes;
    metrics->values[METRIC_DISK_WRITTEN] = figures.disk_written_bytes;
    metrics->cpu_busy_ticks = figures.cpu_busy_ticks;
    metrics->cpu_all_ticks = figures.cpu_all_ticks;
}

static bool
metrics_read_sizes(PostgresSession *session, Arena *arena, SourceMetrics *metrics, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    PostgresQuestion question = {.text = postgres_query_text(session, arena, "database_sizes", NULL),
                                 .rows_most = 1};
    Error reason = {0};
    if (!postgres_ask_optional(session, &question, &result, &reason, error))
        return false;
    if (result != NULL && pg_result_rows(result) == 1)
        metrics->values[METRIC_DATABASE_BYTES] = pg_result_double(result, 0, 0, NAN);
    return true;
}

bool
postgres_metrics_read(SourceSession *base, Arena *arena, bool with_sizes, SourceMetrics *ret_metrics,
                      Error *error)
{
    PostgresSession *session = (PostgresSession *)base;
    if (session->metrics_text == NULL)
        session_prepare_metrics(session);
    for (size_t i = 0; i < METRIC_COUNT; i++)
        ret_metrics->values[i] = NAN;
    ret_metrics->cpu_busy_ticks = ret_metrics->cpu_all_ticks = NAN;
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    PostgresQuestion question = {.text = session->metrics_text, .is_repeated = true, .rows_most = 1};
    if (!postgres_ask(session, &question, &result, error))
        return error_prefix(error, "could not read metrics");
    if (pg_result_rows(result) != 1)
        return error_set(error, ERROR_QUERY, "could not read metrics: no answer");
    for (int column = 0; column < pg_result_columns(result); column++) {
        MetricId id;
        bool is_known = metric_find(pg_result_column_name(result, column), &id);
        fettle_assert(is_known);
        ret_metrics->values[id] = pg_result_double(result, 0, column, NAN);
    }
    if (!session->sees_all)
        forget_what_is_hidden(ret_metrics);
    if (session->machine.is_local)
        metrics_take_machine(session, ret_metrics);
    return !with_sizes || metrics_read_sizes(session, arena, ret_metrics, error);
}
