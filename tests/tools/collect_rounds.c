// SPDX-License-Identifier: PostgreSQL
/*
 * Drives one collector for the tests: a command per line of standard input, a line of JSON each as its
 * answer.
 *
 *     collect_rounds STORE_URL DATA_DIRECTORY TARGET_NAME TARGET_DSN [DATABASE ...]
 *     round | sample | flush | hours | anomalies | plans | reopen | set NAME VALUE | plan QUERY_HASH
 * PLAN_HASH
 *
 * The store is migrated and the target made when they are not there yet.
 */
#include "base/json_writer.h"
#include "collect/collector.h"
#include "jobs/plans.h"
#include "store/migrate.h"
#include "store/observation.h"
#include "store/target.h"
#include "workload/anomaly_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 4096
#define STEP_LEAST_US 250000
#define TOOL_BYTES ((size_t)16 << 20)

typedef struct Tool {
    Arena *arena;
    Settings *settings;
    Store *store;
    int64_t target_id;
    Collector *collector;
} Tool;

static void
answer_error(JsonWriter *json, const Error *error)
{
    json_key_string(json, "error", error_code_word(error->code));
    json_key_string(json, "message", error->message);
    json_key_string(json, "hint", error->hint);
}

static void
answer_report(JsonWriter *json, const CollectorReport *report, int64_t due_us)
{
    json_key_int(json, "collected_at_us", report->collected_at_us);
    json_key_int(json, "interval_ms", report->interval_ms);
    json_key_int(json, "databases", (int64_t)report->databases);
    json_key_int(json, "statements_read", (int64_t)report->statements_read);
    json_key_int(json, "samples_written", (int64_t)report->samples_written);
    json_key_int(json, "texts_read", (int64_t)report->texts_read);
    json_key_int(json, "relations_read", (int64_t)report->relations_read);
    json_key_int(json, "bytes_received", report->bytes_received);
    json_key_int(json, "server_time_us", report->server_time_us);
    json_key_int(json, "flags", report->flags);
    json_key_int(json, "thinned", report->thinned);
    json_key_bool(json, "is_baseline", report->is_baseline);
    json_key_bool(json, "store_failed", report->store_failed);
    json_key_int(json, "due_in_us", due_us - clock_monotonic_us());
    json_key_string(json, "notice", report->notice);
}

static bool
tool_reopen(Tool *tool, Error *error)
{
    collector_close(tool->collector);
    tool->collector = NULL;
    CollectorOptions options = {.store = tool->store, .target_id = tool->target_id};
    return collector_open(&options, &tool->collector, error);
}

static bool
tool_hours(const Tool *tool, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    return store_session_take(tool->store, 0, &session, error) &&
           metric_hours_write(session.connection, tool->target_id, clock_wall_us(), error);
}

/* Writes a plan and counts what is kept of its statement. */
static bool
tool_plan(const Tool *tool, JsonWriter *json, const char *words, Error *error)
{
    char *end = NULL;
    long long query_hash = strtoll(words, &end, 10);
    PlanRow row = {.target_id = tool->target_id,
                   .database_name = "postgres",
                   .query_hash = query_hash,
                   .collected_at_us = clock_wall_us(),
                   .plan_hash = strtoull(end, NULL, 10),
                   .plan_json = "[{\"Plan\": {}}]",
                   .plan_text = "Result",
                   .cost = 1.5,
                   .rows_expected = 2,
                   .has_seq_scan = true,
                   .change_cause = "an index was dropped"};
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    int64_t written = 0;
    PlanRows rows = {0};
    PlanRange range = {
        .target_id = tool->target_id, .query_hash = query_hash, .most = 100, .bytes_most = PLANS_BYTES_MOST};
    if (!store_session_take(tool->store, 0, &session, error) ||
        !plan_rows_write(session.connection, &row, 1, &written, error) ||
        !plan_rows_read(session.connection, tool->arena, &range, &rows, error))
        return false;
    json_key_int(json, "written", written);
    json_key_int(json, "kept", (int64_t)rows.count);
    json_key_string(json, "cause", rows.items[0].change_cause);
    json_key_double(json, "cost", rows.items[0].cost);
    return true;
}

/* A look for anomalies at all that was collected, also in the step that is not over. */
static bool
tool_anomalies(const Tool *tool, JsonWriter *json, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    AnomalyWatchOptions options =
        anomaly_watch_options(tool->settings, tool->target_id, clock_wall_us() + STEP_LEAST_US);
    AnomalyReport report;
    if (!store_session_take(tool->store, 0, &session, error) ||
        !anomaly_watch(session.connection, &options, &report, error))
        return false;
    json_key_int(json, "step_ms", report.step_ms);
    json_key_int(json, "series", report.series);
    json_key_int(json, "rows_written", report.rows_written);
    json_key_int(json, "incidents_open", report.incidents_open);
    json_key_int(json, "incidents_new", report.incidents_new);
    json_key_int(json, "incidents_resolved", report.incidents_resolved);
    json_key_bool(json, "made_baselines", report.made_baselines);
    json_key_bool(json, "wants_plans", report.wants_plans);
    return true;
}

static bool
tool_plans(const Tool *tool, JsonWriter *json, Error *error)
{
    PlansReport report;
    if (!plans_take(tool->store, tool->settings, tool->target_id, &report, error))
        return false;
    json_key_int(json, "planned", report.planned);
    json_key_int(json, "refused", report.refused);
    json_key_int(json, "written", report.written);
    json_key_int(json, "explained", report.explained);
    return true;
}

static bool
tool_set(Tool *tool, char *words, Error *error)
{
    char *value = strchr(words, ' ');
    fettle_assert(value != NULL);
    *value = '\0';
    return settings_set(tool->settings, words, value + 1, error);
}

static bool
tool_command(Tool *tool, JsonWriter *json, char *line, Error *error)
{
    if (strcmp(line, "round") == 0) {
        CollectorReport report;
        bool done = collector_round(tool->collector, tool->settings, &report, error);
        answer_report(json, &report, collector_due_us(tool->collector));
        return done;
    }
    if (strcmp(line, "sample") == 0)
        return collector_activity_sample(tool->collector, tool->settings, error);
    if (strcmp(line, "flush") == 0)
        return collector_flush(tool->collector, 0, error);
    if (strncmp(line, "plan ", 5) == 0)
        return tool_plan(tool, json, line + 5, error);
    if (strcmp(line, "hours") == 0)
        return tool_hours(tool, error);
    if (strcmp(line, "anomalies") == 0)
        return tool_anomalies(tool, json, error);
    if (strcmp(line, "plans") == 0)
        return tool_plans(tool, json, error);
    if (strcmp(line, "reopen") == 0)
        return tool_reopen(tool, error);
    return error_set(error, ERROR_USAGE, "no such command");
}

static bool
tool_target(Tool *tool, char **arguments, int count, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    Target target;
    if (!store_session_take(tool->store, 0, &session, error))
        return false;
    if (target_find(session.connection, tool->arena, arguments[0], &target, error)) {
        tool->target_id = target.target_id;
        return true;
    }
    error_clear(error);
    TargetChange change = {.name = arguments[0],
                           .dsn = arguments[1],
                           .databases = (const char *const *)arguments + 2,
                           .database_count = (size_t)count - 2,
                           .sets_databases = true,
                           .enabled = 1,
                           .interval_ms = 0};
    return target_create(tool->store, session.connection, &change, &tool->target_id, error);
}

static bool
tool_open(Tool *tool, char **arguments, int count, Error *error)
{
    StoreOptions options = {.settings = tool->settings, .without_migration_check = true};
    int applied;
    if (!settings_set(tool->settings, "store.url", arguments[0], error) ||
        !settings_set(tool->settings, "data.directory", arguments[1], error) ||
        !store_open(&options, &tool->store, error))
        return false;
    {
        FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
        if (!store_session_take(tool->store, 0, &session, error) ||
            !migration_run(session.connection, &applied, error))
            return false;
    }
    return tool_target(tool, arguments + 2, count - 2, error) && tool_reopen(tool, error);
}

int
main(int argument_count, char **arguments)
{
    if (argument_count < 5)
        return 2;
    Error error = {0};
    Tool tool = {.arena = arena_new("tool", TOOL_BYTES)};
    tool.settings = settings_new(tool.arena);
    bool is_open = tool_open(&tool, arguments + 1, argument_count - 1, &error);
    if (!is_open)
        fprintf(stderr, "%s\n", error.message);
    char line[LINE_BYTES];
    while (is_open && fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("answer", TOOL_BYTES);
        Text text = text_new(arena);
        JsonWriter json = json_writer_new(&text, false);
        error_clear(&error);
        json_object_begin(&json);
        bool done = strncmp(line, "set ", 4) == 0 ? tool_set(&tool, line + 4, &error)
                                                  : tool_command(&tool, &json, line, &error);
        if (!done)
            answer_error(&json, &error);
        json_object_end(&json);
        printf("%s\n", text.data);
        fflush(stdout);
    }
    collector_close(tool.collector);
    store_close(tool.store);
    arena_free(tool.arena);
    return is_open ? 0 : 1;
}
