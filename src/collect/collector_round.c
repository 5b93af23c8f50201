// SPDX-License-Identifier: PostgreSQL
#include "collect/collector_internal.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define TARGET_BYTES ((size_t)4 * 1024 * 1024)

static bool
databases_are_equal(const Target *a, const Target *b)
{
    if (a->database_count != b->database_count)
        return false;
    for (size_t i = 0; i < a->database_count; i++)
        if (!text_equals(a->databases[i], b->databases[i]))
            return false;
    return true;
}

/* The target as the store has it now. One that points elsewhere begins anew. */
static bool
target_refresh(Collector *collector, Error *error)
{
    Arena *arena = arena_new("target", TARGET_BYTES);
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    Target target;
    if (!store_session_take(collector->store, 0, &session, error) ||
        !target_get(session.connection, arena, collector->target_id, &target, error)) {
        arena_free(arena);
        return false;
    }
    if (!text_equals(target.conninfo, collector->target.conninfo) ||
        !databases_are_equal(&target, &collector->target)) {
        collector_session_drop(collector);
        delta_history_clear(collector->history);
        collector->read_at_us = 0;
        collector->has_metrics = false;
    }
    arena_free(collector->target_arena);
    collector->target_arena = arena;
    collector->target = target;
    return true;
}

/* The wall clock, but never a time that was used, nor one before it: a clock that was set back is waited out
 * at the pace of the monotonic one. */
static void
round_time(CollectorRound *round)
{
    Collector *collector = round->collector;
    CollectorReport *report = round->report;
    int64_t wall_us = clock_wall_us();
    round->read_at_us = clock_monotonic_us();
    if (collector->read_at_us != 0) {
        report->interval_ms = (round->read_at_us - collector->read_at_us) / 1000;
        if (report->interval_ms < 1)
            report->interval_ms = 1;
    }
    if (wall_us <= collector->collected_at_us)
        wall_us = collector->collected_at_us + (report->interval_ms > 0 ? report->interval_ms * 1000 : 1);
    report->collected_at_us = wall_us;
    report->is_baseline = report->interval_ms == 0;
}

static bool
resources_are_due(const CollectorRound *round)
{
    int64_t interval_us = settings_get_int(round->settings, SETTING_COLLECT_RESOURCES_INTERVAL) * 1000;
    int64_t at_us = round->collector->resources_at_us;
    return at_us == 0 || round->collector->resources_position > 0 ||
           clock_monotonic_us() - at_us >= interval_us;
}

static bool
round_read_counters(CollectorRound *round, Error *error)
{
    SourceSession *session = round->collector->session;
    const SourceOps *ops = session->ops;
    CollectorPending *pending = round->pending;
    size_t most = (size_t)settings_get_int(round->settings, SETTING_COLLECT_STATEMENTS);
    int64_t before_us = ops->load(session).server_time_us;
    if (!ops->round_begin(session, round->arena, round->deadline, &pending->state, error) ||
        !ops->statements_read(session, round->arena, most, &pending->read, error))
        return false;
    round_time(round);
    pending->has_statements = ops->server(session)->has_statements;
    if (!ops->metrics_read(session, round->arena, round->reads_resources, &round->metrics, error))
        return false;
    round->report->server_time_us = ops->load(session).server_time_us - before_us;
    round->report->statements_read = pending->read.count;
    return true;
}

static void
resource_databases_take(CollectorRound *round)
{
    const SourceState *state = &round->pending->state;
    round->resource_databases =
        ARENA_NEW_ARRAY(round->work_arena, const KnownDatabase *, state->database_count);
    for (size_t i = 0; i < state->database_count; i++)
        if (state->databases[i].is_watched && state->databases[i].can_connect)
            round->resource_databases[round->resource_database_count++] =
                collector_database_by_oid(round->collector, state->databases[i].oid);
}

/* All that is read within one transaction on the target. */
static bool
round_read(CollectorRound *round, Error *error)
{
    Collector *collector = round->collector;
    SourceSession *session = collector->session;
    int64_t bytes_before = session->ops->load(session).bytes_received;
    round->report->flags = load_brake_factor(&collector->brake) > 1 ? SAMPLE_FLAG_THINNED : 0;
    bool is_read = round_read_counters(round, error);
    if (is_read) {
        collector_databases_take(round);
        resource_databases_take(round);
        is_read = collector_samples_make(round, error) && collector_settings_read(round, error);
    }
    Error ending = {0};
    if (!session->ops->round_end(session, &ending) && is_read) {
        *error = ending;
        is_read = false;
    }
    round->report->bytes_received = session->ops->load(session).bytes_received - bytes_before;
    if (!is_read)
        return false;
    collector_metrics_make(round);
    return true;
}

/* From here on the round exists: what fails now is the store. */
static void
round_keep(CollectorRound *round)
{
    Collector *collector = round->collector;
    collector->read_at_us = round->read_at_us;
    collector->collected_at_us = round->report->collected_at_us;
    collector->metrics = round->metrics;
    collector->metrics_state = round->pending->state;
    collector->metrics_state.databases = NULL;
    collector->has_metrics = true;
    collector->session_is_new = false;
    round->report->samples_written = round->pending->sample_count;
    collector->pending = round->pending;
    round->pending = NULL;
}

static bool
settings_write(CollectorRound *round, Error *error)
{
    Collector *collector = round->collector;
    if (round->server_settings.count == 0)
        return true;
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    if (!store_session_take(collector->store, 0, &session, error) ||
        !target_settings_write(session.connection, collector->target_id, round->report->collected_at_us,
                               round->server_settings.items, round->server_settings.count, error))
        return false;
    collector->settings_at_us = clock_monotonic_us();
    return true;
}

static void
brake_learn(CollectorRound *round)
{
    Collector *collector = round->collector;
    double percent = settings_get_double(round->settings, SETTING_COLLECT_LOAD_PERCENT);
    (void)load_brake_learn(&collector->brake, round->report->server_time_us, round->interval_us, percent);
    round->report->thinned = load_brake_factor(&collector->brake);
}

/* The one thing the owner should hear of first. */
static void
notice_make(CollectorRound *round)
{
    const Collector *collector = round->collector;
    const CollectorReport *report = round->report;
    char *notice = round->report->notice;
    const SourceServer *server =
        collector->session == NULL ? NULL : collector->session->ops->server(collector->session);
    if (report->thinned > 1)
        snprintf(notice, COLLECTOR_NOTICE_BYTES,
                 "rounds are thinned to one every %lld s: one took %.2f s on the target, more than "
                 "collect.load_percent allows",
                 (long long)(round->interval_us / 1000000 * report->thinned),
                 (double)report->server_time_us / 1e6);
    else if (server != NULL && server->statements_gap != NULL)
        snprintf(notice, COLLECTOR_NOTICE_BYTES, "%s%s%s", server->statements_gap,
                 server->statements_hint == NULL ? "" : "; ",
                 server->statements_hint == NULL ? "" : server->statements_hint);
    else if ((report->flags & SAMPLE_FLAG_CUT) != 0)
        snprintf(notice, COLLECTOR_NOTICE_BYTES,
                 "only the busiest %zu statements are read: raise "
                 "collect.statements for more",
                 report->statements_read);
    else if (collector->texts_notice[0] != '\0')
        snprintf(notice, COLLECTOR_NOTICE_BYTES, "%s", collector->texts_notice);
    else if (collector->resources_notice[0] != '\0')
        snprintf(notice, COLLECTOR_NOTICE_BYTES, "%s", collector->resources_notice);
}

/* The outcome beside the target. A store that is away cannot be told. */
static void
outcome_record(CollectorRound *round, const Error *failure)
{
    Collector *collector = round->collector;
    const SourceServer *server =
        collector->session == NULL ? NULL : collector->session->ops->server(collector->session);
    const char *notice = round->report->notice;
    TargetOutcome outcome = {.failure = failure == NULL ? NULL : failure->message,
                             .notice = notice[0] == '\0' ? NULL : notice,
                             .server_version = server == NULL ? NULL : server->version_text,
                             .system_identifier = server == NULL ? 0 : server->system_identifier};
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    Error ignored = {0};
    if (store_session_take(collector->store, 0, &session, &ignored))
        (void)!target_round_record(session.connection, collector->target_id, &outcome, &ignored);
}

static bool
store_failure(CollectorRound *round)
{
    round->report->store_failed = true;
    return false;
}

static bool
round_run(CollectorRound *round, Error *error)
{
    Collector *collector = round->collector;
    if (collector->pending != NULL && !collector_pending_write(collector, clock_wall_us(), error))
        return store_failure(round);
    if (!target_refresh(collector, error))
        return store_failure(round);
    round->interval_us = collector_interval_us(collector, round->settings);
    if (!collector_session(collector, round->settings, error))
        return false;
    round->pending = collector_pending_new();
    round->arena = round->pending->arena;
    round->deadline = deadline_after_ms(settings_get_int(round->settings, SETTING_COLLECT_DEADLINE));
    round->reads_resources = resources_are_due(round);
    /* what failed may be a question that the server has no answer to any more (its extension was updated): a
     * new session looks again what there is */
    if (!round_read(round, error)) {
        collector_session_drop(collector);
        return false;
    }
    round_keep(round);
    brake_learn(round);
    if (!settings_write(round, error) || !collector_pending_write(collector, clock_wall_us(), error))
        return store_failure(round);
    if (round->reads_resources)
        collector_resources(round);
    notice_make(round);
    return true;
}

bool
collector_round(Collector *collector, const Settings *settings, CollectorReport *ret_report, Error *error)
{
    *ret_report = (CollectorReport){.thinned = load_brake_factor(&collector->brake)};
    FETTLE_CLEANUP(arena_free_at) Arena *work_arena = arena_new("round work", (size_t)64 << 20);
    CollectorRound round = {.collector = collector,
                            .settings = settings,
                            .report = ret_report,
                            .work_arena = work_arena,
                            .interval_us = collector_interval_us(collector, settings)};
    int64_t started_us = clock_monotonic_us();
    Error failure = {0};
    bool is_done = round_run(&round, &failure);
    collector_pending_free(round.pending);
    collector->due_us = started_us + round.interval_us * load_brake_factor(&collector->brake);
    if (is_done || !ret_report->store_failed)
        outcome_record(&round, is_done ? NULL : &failure);
    if (!is_done)
        *error = failure;
    return is_done;
}
