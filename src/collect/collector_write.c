// SPDX-License-Identifier: PostgreSQL
#include "collect/collector_internal.h"

#include <stdlib.h>

/* A round that the store refuses for what is in it would stop its target for ever. */
#define REFUSALS_MOST 3

CollectorPending *
collector_pending_new(void)
{
    CollectorPending *pending = calloc(1, sizeof(*pending));
    fettle_assert(pending != NULL);
    pending->arena = arena_new("round", COLLECTOR_ROUND_BYTES);
    return pending;
}

void
collector_pending_free(CollectorPending *pending)
{
    if (pending == NULL)
        return;
    arena_free(pending->arena);
    free(pending);
}

static bool
pending_write_rows(Collector *collector, PgConnection *session, Error *error)
{
    const CollectorPending *pending = collector->pending;
    return (pending->database_count == 0 ||
            database_rows_write(session, collector->target_id, pending->databases, pending->database_count,
                                error)) &&
           (pending->statement_count == 0 ||
            statement_rows_write(session, collector->target_id, pending->statements, pending->statement_count,
                                 error)) &&
           (pending->round_count == 0 ||
            sample_rounds_write(session, pending->rounds, pending->round_count, error)) &&
           metric_rounds_write(session, &pending->metrics, 1, error);
}

static bool
activity_write(Collector *collector, PgConnection *session, int64_t before_us, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("activity minutes", (size_t)256 << 20);
    ActivityMinute *minutes = NULL;
    size_t count = 0;
    activity_log_minutes(collector->activity, arena, before_us, &minutes, &count);
    if (count > 0 && !activity_minutes_write(session, minutes, count, error))
        return false;
    activity_log_forget(collector->activity, count);
    return true;
}

static void
pending_mark_stored(Collector *collector)
{
    const CollectorPending *pending = collector->pending;
    for (size_t i = 0; i < pending->database_count; i++) {
        KnownDatabase *known = map_get_id(collector->databases, (uint64_t)pending->databases[i].database_id);
        known->is_stored = true;
    }
    for (size_t i = 0; i < pending->statement_count; i++) {
        const StatementRow *row = &pending->statements[i];
        StatementKey key = {.user_oid = row->user_oid,
                            .database_oid = (uint32_t)row->database_id,
                            .queryid = row->queryid,
                            .is_toplevel = row->is_toplevel};
        KnownStatement *known = collector_statement(collector, &key);
        known->is_stored = true;
        known->has_text |= row->query_text != NULL;
    }
}

/* The round becomes what the next one is compared with. */
static void
pending_become_history(Collector *collector)
{
    CollectorPending *pending = collector->pending;
    if (pending->has_statements) {
        DeltaRead read = {.statements = &pending->read, .state = &pending->state};
        delta_history_set(collector->history, &read);
    }
    collector_pending_free(pending);
    collector->pending = NULL;
}

/* False as long as the rows may still be written. */
static bool
pending_is_hopeless(CollectorPending *pending, const Error *error)
{
    bool is_about_rows =
        error->sqlstate[0] == '2' && (error->sqlstate[1] == '2' || error->sqlstate[1] == '3');
    pending->refusals += is_about_rows;
    return pending->refusals >= REFUSALS_MOST;
}

static bool
waiting_write(Collector *collector, PgConnection *session, int64_t activity_before_us, Error *error)
{
    if (collector->pending != NULL) {
        if (!pending_write_rows(collector, session, error)) {
            if (pending_is_hopeless(collector->pending, error))
                pending_become_history(collector);
            return error_prefix(error, "could not write a round");
        }
        pending_mark_stored(collector);
        pending_become_history(collector);
    }
    return activity_write(collector, session, activity_before_us, error);
}

bool
collector_pending_write(Collector *collector, int64_t activity_before_us, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    return (store_session_take(collector->store, 0, &session, error) ||
            error_prefix(error, "could not write a round")) &&
           waiting_write(collector, session.connection, activity_before_us, error);
}

bool
collector_flush(Collector *collector, Deadline deadline, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    if (deadline != 0 && deadline_passed(deadline))
        return error_set(error, ERROR_TIMEOUT, "the time to write what waits has passed");
    if (!store_session_take(collector->store, deadline, &session, error))
        return error_prefix(error, "could not write a round");
    pg_connection_set_deadline(session.connection, deadline);
    bool is_written = waiting_write(collector, session.connection, INT64_MAX, error);
    pg_connection_set_deadline(session.connection, 0);
    return is_written;
}
