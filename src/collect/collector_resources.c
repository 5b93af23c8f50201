// SPDX-License-Identifier: PostgreSQL
#include "collect/collector_internal.h"

#include <stdio.h>
#include <string.h>

#define DATABASE_BYTES ((size_t)1 << 30)

bool
collector_settings_read(CollectorRound *round, Error *error)
{
    Collector *collector = round->collector;
    int64_t interval_us = settings_get_int(round->settings, SETTING_COLLECT_SETTINGS_INTERVAL) * 1000;
    int64_t now_us = clock_monotonic_us();
    if (collector->settings_at_us != 0 && now_us - collector->settings_at_us < interval_us)
        return true;
    return collector->session->ops->settings_read(collector->session, round->arena, &round->server_settings,
                                                  error);
}

/* One database by a session of its own, which is closed before its rows are written. */
static bool
relations_read(CollectorRound *round, const char *dsn, const KnownDatabase *database, Arena *arena,
               SourceRelations *ret_relations, Error *error)
{
    const Settings *settings = round->settings;
    SourceOptions options = {
        .dsn = dsn,
        .database = database->name,
        .connect_timeout_ms = (int)settings_get_int(settings, SETTING_TARGET_CONNECT_TIMEOUT),
        .statement_timeout_ms = (int)settings_get_int(settings, SETTING_COLLECT_DEADLINE),
        .lock_timeout_ms = (int)settings_get_int(settings, SETTING_TARGET_LOCK_TIMEOUT),
    };
    FETTLE_CLEANUP(source_close_at) SourceSession *session = NULL;
    if (!source_open(&options, &session, error))
        return false;
    Deadline deadline = deadline_after_ms(settings_get_int(settings, SETTING_COLLECT_DEADLINE));
    bool is_read = session->ops->relations_read(session, arena, deadline, ret_relations, error);
    round->report->bytes_received += session->ops->load(session).bytes_received;
    return is_read;
}

static bool
relations_write(Collector *collector, const KnownDatabase *database, int64_t at_us,
                const SourceRelations *relations, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    RelationRound rows = {.target_id = collector->target_id,
                          .database_id = database->database_id,
                          .collected_at_us = at_us,
                          .statistics_reset_at_us = relations->statistics_reset_at_us,
                          .rows = relations->items,
                          .row_count = relations->count};
    return store_session_take(collector->store, 0, &session, error) &&
           relation_round_write(session.connection, &rows, error);
}

static void
resources_note(Collector *collector, const KnownDatabase *database, const char *words)
{
    snprintf(collector->resources_notice, sizeof(collector->resources_notice),
             "tables and indexes of database \"%.63s\": %.400s", database->name, words);
}

static void
resources_of(CollectorRound *round, const char *dsn, const KnownDatabase *database)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("relations", DATABASE_BYTES);
    SourceRelations relations = {0};
    Error error = {0};
    if (!relations_read(round, dsn, database, arena, &relations, &error) ||
        !relations_write(round->collector, database, round->report->collected_at_us, &relations, &error)) {
        resources_note(round->collector, database, error.message);
        return;
    }
    round->report->relations_read += relations.count;
    if (relations.is_cut)
        resources_note(round->collector, database, "only the largest 50,000 are kept");
}

void
collector_resources(CollectorRound *round)
{
    Collector *collector = round->collector;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("connection string", (size_t)1 << 20);
    const char *dsn = NULL;
    Error error = {0};
    {
        FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
        if (!store_session_take(collector->store, 0, &session, &error) ||
            !target_dsn(collector->store, session.connection, arena, collector->target_id, &dsn, &error))
            return;
    }
    if (collector->resources_position == 0)
        collector->resources_notice[0] = '\0';
    Deadline until = deadline_after_ms(settings_get_int(round->settings, SETTING_COLLECT_DEADLINE));
    size_t at = collector->resources_position;
    for (; at < round->resource_database_count && !deadline_passed(until); at++)
        resources_of(round, dsn, round->resource_databases[at]);
    /* The next round goes on where the time was over. */
    bool is_complete = at >= round->resource_database_count;
    collector->resources_position = is_complete ? 0 : at;
    if (is_complete)
        collector->resources_at_us = clock_monotonic_us();
}
