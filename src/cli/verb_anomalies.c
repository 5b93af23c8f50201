// SPDX-License-Identifier: PostgreSQL
#include "cli/store_session.h"
#include "cli/table.h"
#include "store/incident.h"

#include <math.h>

extern const CliVerb cli_verb_anomalies;

#define SHOWN 100

static const CliOption anomalies_options[] = {
    {"all", 'a', NULL, "also what is over"},
    {"findings", 0, NULL, "each finding, not what they are together"},
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

static const CliColumn incident_columns[] = {
    {"ID", "id", CLI_NUMBER},
    {"TARGET", "target_id", CLI_NUMBER},
    {"SEVERITY", "severity", CLI_TEXT},
    {"TYPE", "incident_type", CLI_TEXT},
    {"SINCE", "first_at", CLI_TIME},
    {"LAST SEEN", "last_at", CLI_TIME},
    {"OVER", "resolved", CLI_BOOL},
    {"STATEMENT", "peak_query_hash", CLI_ID},
    {"STATEMENTS", "statements", CLI_NUMBER},
    {"PROBABLE CAUSE", "probable_cause", CLI_TEXT},
};

static const CliColumn anomaly_columns[] = {
    {"ID", "id", CLI_NUMBER},
    {"TARGET", "target_id", CLI_NUMBER},
    {"SEVERITY", "severity", CLI_TEXT},
    {"TYPE", "anomaly_type", CLI_TEXT},
    {"SINCE", "detected_at", CLI_TIME},
    {"OVER", "resolved", CLI_BOOL},
    {"STATEMENT", "query_hash", CLI_ID},
    {"METRIC", "metric_name", CLI_TEXT},
    {"VALUE", "metric_value", CLI_TEXT},
    {"USUAL", "baseline_value", CLI_TEXT},
    {"INCIDENT", "incident_id", CLI_ID},
};

static const char *
figure_text(Arena *arena, double value)
{
    return isfinite(value) ? arena_printf(arena, "%.4g", value) : NULL;
}

static bool
incidents_show(CliInput *input, const CliStore *store, const AnomalyFilter *filter, Text *text, Error *error)
{
    Incidents incidents;
    if (!incidents_read(store->connection, input->arena, filter, &incidents, error))
        return false;
    CliTable table = cli_table_new(input->arena, incident_columns, FETTLE_COUNT_OF(incident_columns));
    table.screen_columns = input->screen_columns;
    for (size_t i = 0; i < incidents.count; i++) {
        const Incident *incident = &incidents.items[i];
        cli_table_number(&table, incident->id);
        cli_table_number(&table, incident->target_id);
        cli_table_text(&table, incident->severity);
        cli_table_text(&table, incident->incident_type);
        cli_table_number(&table, incident->first_at_us);
        cli_table_number(&table, incident->last_at_us);
        cli_table_number(&table, incident->resolved);
        cli_table_number(&table, incident->peak_query_hash);
        cli_table_number(&table, (int64_t)incident->query_hash_count);
        cli_table_text(&table, incident->probable_cause);
    }
    cli_table_append(&table, text, cli_option(input, "json") != NULL, "there are no incidents\n");
    return true;
}

static bool
anomalies_show(CliInput *input, const CliStore *store, const AnomalyFilter *filter, Text *text, Error *error)
{
    AnomalyRows rows;
    if (!anomalies_read(store->connection, input->arena, filter, &rows, error))
        return false;
    CliTable table = cli_table_new(input->arena, anomaly_columns, FETTLE_COUNT_OF(anomaly_columns));
    for (size_t i = 0; i < rows.count; i++) {
        const AnomalyRow *row = &rows.items[i];
        cli_table_number(&table, row->id);
        cli_table_number(&table, row->target_id);
        cli_table_text(&table, row->severity);
        cli_table_text(&table, row->anomaly_type);
        cli_table_number(&table, row->detected_at_us);
        cli_table_number(&table, row->resolved);
        cli_table_number(&table, row->query_hash);
        cli_table_text(&table, row->metric_name);
        cli_table_text(&table, figure_text(input->arena, row->metric_value));
        cli_table_text(&table, figure_text(input->arena, row->baseline_value));
        cli_table_number(&table, row->incident_id);
    }
    cli_table_append(&table, text, cli_option(input, "json") != NULL, "there are no anomalies\n");
    return true;
}

static bool
anomalies_run(CliInput *input, int *ret_exit_status, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    AnomalyFilter filter = {.resolved = cli_option(input, "all") == NULL ? 0 : -1, .most = SHOWN};
    Text text = text_new(input->arena);
    Target target;
    *ret_exit_status = CLI_EXIT_NOTHING;
    if (!cli_store_open(input, false, &store, error))
        return false;
    if (input->argument_count > 0) {
        if (!cli_target_find(&store, input->arguments[0], &target, error))
            return false;
        filter.target_id = target.target_id;
    }
    bool done = cli_option(input, "findings") == NULL ? incidents_show(input, &store, &filter, &text, error)
                                                      : anomalies_show(input, &store, &filter, &text, error);
    return done && cli_write(input, text.data, text.length, error);
}

const CliVerb cli_verb_anomalies = {
    .name = "anomalies",
    .arguments = "[NAME]",
    .arguments_most = 1,
    .summary = "what is out of the ordinary now, and since when",
    .description =
        "Shows the incidents that are not over, the newest first, at most 100: what is unlike the "
        "last week, which\n"
        "statements it concerns, and what explains it best. Each is made of findings, one a metric "
        "of a statement\n"
        "or of the target. The server looks every five minutes (anomalies.interval). NAME is a "
        "target's, or its number.",
    .examples = "  fettle anomalies\n"
                "  fettle anomalies shop --all\n"
                "  fettle anomalies --findings --json | jq '.[].metric_name'\n",
    .options = anomalies_options,
    .run = anomalies_run,
};
