// SPDX-License-Identifier: PostgreSQL
#include "collect/collector_internal.h"

#include <stdlib.h>
#include <string.h>

#define KNOWN_BYTES ((size_t)1 << 30)
#define TARGET_BYTES ((size_t)4 * 1024 * 1024)
#define SAMPLE_BYTES ((size_t)16 * 1024 * 1024)

int64_t
collector_interval_us(const Collector *collector, const Settings *settings)
{
    int64_t interval_ms = collector->target.interval_ms;
    if (interval_ms <= 0)
        interval_ms = settings_get_int(settings, SETTING_COLLECT_INTERVAL);
    return interval_ms * 1000;
}

bool
collector_open(const CollectorOptions *options, Collector **ret_collector, Error *error)
{
    Collector *collector = calloc(1, sizeof(*collector));
    fettle_assert(collector != NULL);
    collector->store = options->store;
    collector->target_id = options->target_id;
    collector->arena = arena_new("collector", KNOWN_BYTES);
    collector->target_arena = arena_new("target", TARGET_BYTES);
    collector->statements = map_new(collector->arena);
    collector->databases = map_new(collector->arena);
    collector->users = map_new(collector->arena);
    collector->history = delta_history_new();
    collector->activity = activity_log_new(options->target_id);
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    bool opened = store_session_take(options->store, 0, &session, error) &&
                  target_get(session.connection, collector->target_arena, options->target_id,
                             &collector->target, error) &&
                  collector_known_read(collector, session.connection, error);
    if (!opened) {
        collector_close(collector);
        return false;
    }
    collector->collected_at_us = collector->target.last_round_at_us;
    *ret_collector = collector;
    return true;
}

void
collector_close(Collector *collector)
{
    if (collector == NULL)
        return;
    collector_session_drop(collector);
    collector_pending_free(collector->pending);
    activity_log_free(collector->activity);
    delta_history_free(collector->history);
    arena_free(collector->target_arena);
    arena_free(collector->arena);
    free(collector);
}

void
collector_close_at(Collector **collector)
{
    collector_close(*collector);
    *collector = NULL;
}

int64_t
collector_due_us(const Collector *collector)
{
    return collector->due_us;
}

void
collector_session_drop(Collector *collector)
{
    source_close(collector->session);
    collector->session = NULL;
}

bool
collector_session(Collector *collector, const Settings *settings, Error *error)
{
    if (collector->session != NULL && !collector->session->ops->is_broken(collector->session))
        return true;
    collector_session_drop(collector);
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("connection string", TARGET_BYTES);
    const char *dsn = NULL;
    {
        FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
        if (!store_session_take(collector->store, 0, &session, error) ||
            !target_dsn(collector->store, session.connection, arena, collector->target_id, &dsn, error))
            return false;
    }
    int64_t statement_ms = settings_get_int(settings, SETTING_TARGET_STATEMENT_TIMEOUT);
    int64_t deadline_ms = settings_get_int(settings, SETTING_COLLECT_DEADLINE);
    SourceOptions options = {
        .dsn = dsn,
        .connect_timeout_ms = (int)settings_get_int(settings, SETTING_TARGET_CONNECT_TIMEOUT),
        .statement_timeout_ms = (int)(statement_ms < deadline_ms ? statement_ms : deadline_ms),
        .lock_timeout_ms = (int)settings_get_int(settings, SETTING_TARGET_LOCK_TIMEOUT),
        .databases = collector->target.databases,
        .database_count = collector->target.database_count,
    };
    collector->session_is_new = true;
    return source_open(&options, &collector->session, error);
}

static ActivityRow
activity_row(const Collector *collector, const SourceActivity *activity)
{
    ActivityRow row = {.queryid = activity->queryid,
                       .state = activity->state,
                       .wait_type = activity->wait_type,
                       .wait_event = activity->wait_event,
                       .seen = activity->sessions};
    const KnownDatabase *database = collector_database_by_oid(collector, activity->database_oid);
    if (database == NULL)
        return row;
    row.database_id = database->database_id;
    StatementKey key = {.user_oid = activity->user_oid,
                        .database_oid = (uint32_t)database->database_id,
                        .queryid = activity->queryid,
                        .is_toplevel = true};
    const KnownStatement *statement = collector_statement(collector, &key);
    key.is_toplevel = false;
    if (statement == NULL)
        statement = collector_statement(collector, &key);
    row.statement_id = statement == NULL ? 0 : statement->statement_id;
    return row;
}

bool
collector_activity_sample(Collector *collector, const Settings *settings, Error *error)
{
    SourceSession *session = collector->session;
    if (session == NULL || !settings_get_bool(settings, SETTING_COLLECT_ACTIVITY))
        return true;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("activity sample", SAMPLE_BYTES);
    Deadline deadline = deadline_after_ms(settings_get_int(settings, SETTING_COLLECT_DEADLINE));
    SourceActivities activities = {0};
    if (!session->ops->activity_read(session, arena, deadline, &activities, error)) {
        if (session->ops->is_broken(session))
            collector_session_drop(collector);
        return false;
    }
    ActivityRow *rows = ARENA_NEW_ARRAY(arena, ActivityRow, activities.count);
    for (size_t i = 0; i < activities.count; i++)
        rows[i] = activity_row(collector, &activities.items[i]);
    activity_log_add(collector->activity, clock_wall_us(), rows, activities.count);
    return true;
}
