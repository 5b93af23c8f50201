// SPDX-License-Identifier: PostgreSQL
#include "cli/session.h"

#include "advise/advisor.h"
#include "base/log.h"
#include "cli/report.h"
#include "pg/result.h"
#include "snapshot/read.h"

#include <math.h>
#include <string.h>

extern const CliVerb cli_verb_advise;

#define FIDELITY_STATEMENTS_MOST 50
#define WIDTH_MOST 4 /* key columns; the advisor thinks of no more */

static const CliOption advise_options[] = {
    {"output", 'o', "FILE",
     "write the report to a file; a name that ends in .md gets markdown, in .json JSON"},
    {"format", 0, "FORMAT", "text, markdown or json"},
    {"json", 0, NULL, "the same as --format json"},
    {"workload", 'w', "FILE", "take the workload from a file of SQL statements"},
    {"budget", 'b', "SIZE", "space for all new indexes together: 500MB, 2GB (default: advise.budget)"},
    {"table-budget", 0, "SIZE", "space for the new indexes of each table (default: advise.table_budget)"},
    {"width", 0, "NUMBER", "key columns of a new index at most, 1 to 4 (default: 4)"},
    {"time", 't', "TIME", "time for the search: 30s, 5min (default: 6s); the best answer so far is given"},
    {"watch", 0, "TIME",
     "watch so long which constants sessions send: 10s; 0: not at all (default: advise.watch)"},
    {"role", 0, "ROLE", "the application's role, whose settings and search_path plans are made with"},
    {"plans", 'p', NULL, "show plans before and after in the text report"},
    {"no-verify", 0, NULL, "do not EXPLAIN on the target to measure the twin's fidelity"},
    {"rebuild", 0, NULL, "build the twin anew"},
    {NULL, 0, NULL, NULL},
};

/* What bounds the search. */
typedef struct AdviseLimits {
    double budget_bytes;       /* INFINITY: none */
    double table_budget_bytes; /* 0: none */
    int64_t time_ms;
    int64_t keys_most;
} AdviseLimits;

/* A size from an option, else from the setting; 0: no limit. */
static bool
budget_of(CliInput *input, const char *option, SettingId setting, double *ret_bytes, Error *error)
{
    const char *text = cli_option(input, option);
    int64_t bytes = settings_get_int(input->settings, setting);
    if (text != NULL && (!setting_size_parse(text, &bytes) || bytes == 0)) {
        error_set(error, ERROR_USAGE, "\"%.40s\" is not a budget", text);
        return error_set_hint(error, "give a size such as 500MB or 2GB");
    }
    *ret_bytes = (double)bytes;
    return true;
}

static bool
budgets_of(CliInput *input, AdviseLimits *limits, Error *error)
{
    if (!budget_of(input, "budget", SETTING_ADVISE_BUDGET, &limits->budget_bytes, error) ||
        !budget_of(input, "table-budget", SETTING_ADVISE_TABLE_BUDGET, &limits->table_budget_bytes, error))
        return false;
    if (limits->budget_bytes == 0)
        limits->budget_bytes = INFINITY;
    return true;
}

static bool
width_of(CliInput *input, int64_t *ret_keys_most, Error *error)
{
    const char *text = cli_option(input, "width");
    *ret_keys_most = WIDTH_MOST;
    if (text == NULL ||
        (text_parse_int64(text, ret_keys_most) && *ret_keys_most >= 1 && *ret_keys_most <= WIDTH_MOST))
        return true;
    return error_set(error, ERROR_USAGE, "--width takes a number from 1 to %d", WIDTH_MOST);
}

static bool
format_of(CliInput *input, ReportFormat *ret_format, Error *error)
{
    const char *format = cli_option(input, "json") != NULL ? "json" : cli_option(input, "format");
    const char *path = cli_option(input, "output");
    if (format == NULL && path != NULL)
        format = text_ends_with(path, ".md") ? "markdown" : text_ends_with(path, ".json") ? "json" : NULL;
    *ret_format = REPORT_TEXT;
    if (format == NULL || strcmp(format, "text") == 0)
        return true;
    *ret_format = strcmp(format, "json") == 0 ? REPORT_JSON : REPORT_MARKDOWN;
    if (*ret_format == REPORT_JSON || strcmp(format, "markdown") == 0)
        return true;
    error_set(error, ERROR_USAGE, "\"%.40s\" is not a format", format);
    return error_set_hint(error, "it is text, markdown or json");
}

static bool
workload_is_empty(const CliSession *session, Error *error)
{
    const SnapshotGap *gap = snapshot_gap(session->snapshot, "pg_stat_statements");
    const SnapshotGap *hidden = snapshot_gap(session->snapshot, "statements of other roles");
    if (hidden != NULL && session->snapshot->has_statements) {
        error_set(error, ERROR_INPUT,
                  "the workload is empty: in pg_stat_statements this role sees its own statements only");
        return error_set_hint(error, "%s -- or give statements with --workload FILE", hidden->remedy);
    }
    if (gap == NULL || session->snapshot->has_statements) {
        error_set(
            error, ERROR_INPUT,
            "the workload is empty: pg_stat_statements holds no statement over tables of this database");
        return error_set_hint(error,
                              "let the application run for a while, or give statements with --workload FILE");
    }
    error_set(error, ERROR_INPUT, "the workload is empty: pg_stat_statements cannot be read: %s",
              gap->reason);
    if (strstr(gap->remedy, "--workload") != NULL)
        return error_set_hint(error, "%s", gap->remedy);
    return error_set_hint(error, "%s%sor give statements with --workload FILE", gap->remedy,
                          gap->remedy[0] == '\0' ? "run \"fettle doctor\", " : " -- ");
}

/* How true the twin is; a role that may not EXPLAIN gets an advice without that figure. */
static bool
fidelity_of(CliInput *input, const CliSession *session, Report *report, Error *error)
{
    if (session->target == NULL || cli_option(input, "no-verify") != NULL)
        return true;
    Error reason = {0};
    if (fidelity_measure(input->arena, session->twin, session->target, FIDELITY_STATEMENTS_MOST,
                         &report->fidelity, &reason)) {
        report->has_fidelity = report->fidelity.compared > 0;
        return true;
    }
    *error = reason;
    return error_prefix(error, "could not compare plans with the target");
}

static bool
advise(CliInput *input, CliSession *session, const AdviseLimits *limits, Report *report, Error *error)
{
    FETTLE_CLEANUP(whatif_close_at) WhatIf *whatif = NULL;
    WorkloadOptions options = {.statements_most =
                                   settings_get_int(input->settings, SETTING_ADVISE_STATEMENTS),
                               .progress = session_progress};
    AdvisorContext context = {.arena = input->arena,
                              .snapshot = session->snapshot,
                              .settings = input->settings,
                              .progress = session_progress};
    context.budget_bytes = limits->budget_bytes;
    context.table_budget_bytes = limits->table_budget_bytes;
    context.keys_most = (size_t)limits->keys_most;
    context.deadline = deadline_after_ms(limits->time_ms);
    report->has_budget = isfinite(limits->budget_bytes) || limits->table_budget_bytes > 0;
    if (!whatif_over_twin(input->arena, session->twin, &whatif, error))
        return false;
    whatif_set_sessions(whatif, (int)settings_get_int(input->settings, SETTING_ADVISE_SESSIONS));
    if (!workload_prepare(input->arena, session->snapshot, whatif, &options, &context.workload, error))
        return false;
    if (context.workload->count == 0)
        return workload_is_empty(session, error);
    context.whatif = whatif;
    Advice *advice;
    if (!advise_run(&context, NULL, &advice, error))
        return false;
    report->advice = advice;
    return true;
}

static bool
advise_verb_run(CliInput *input, int *ret_exit_status, Error *error)
{
    FETTLE_CLEANUP(session_close_at) CliSession session = {0};
    Report report = {.show_plans = cli_option(input, "plans") != NULL, .is_coloured = input->is_coloured};
    AdviseLimits limits;
    int64_t start_ms = clock_monotonic_ms();
    if (!format_of(input, &report.format, error) || !budgets_of(input, &limits, error) ||
        !cli_option_duration(input, "time", SETTING_ADVISE_TIME, &limits.time_ms, error) ||
        !width_of(input, &limits.keys_most, error) || !session_read(input, &session, error) ||
        (session.snapshot->statement_count == 0 && !workload_is_empty(&session, error)) ||
        !session_open_twin(input, &session, cli_option(input, "rebuild") != NULL, error) ||
        !fidelity_of(input, &session, &report, error))
        return false;
    if (!advise(input, &session, &limits, &report, error))
        return cluster_explain_failure(session.cluster, error);
    fettle_assert(report.advice != NULL);
    progress_clear();
    report.source = session.source;
    report.is_file = session.target == NULL;
    report.twin = twin_report(session.twin);
    report.target_ms =
        session.target == NULL ? NAN : (double)pg_connection_server_time_us(session.target) / 1000;
    report.elapsed_ms = (double)(clock_monotonic_ms() - start_ms);
    report.is_coloured = report.is_coloured && cli_option(input, "output") == NULL;
    Text text = text_new(input->arena);
    report_write(&text, &report);
    *ret_exit_status = report.advice->recommendations.count > 0 ? CLI_EXIT_ADVICE : CLI_EXIT_NOTHING;
    return cli_write(input, text.data, text.length, error);
}

const CliVerb cli_verb_advise = {
    .name = "advise",
    .arguments = "TARGET",
    .arguments_most = 1,
    .summary = "a ranked report of what would make it faster, each line proven; changes nothing",
    .description =
        "Reads the workload and the catalog of a database (or of a snapshot file), builds its planner twin, "
        "and looks\n"
        "for the indexes that the whole workload gains from. Each is proven on the twin; nothing is changed "
        "on the\n"
        "target, which sees read-only transactions only. Exit status: 10 advice given, 0 nothing to advise.",
    .examples = "  fettle advise postgres://fettle@db/shop\n"
                "  fettle advise --budget 500MB --plans postgres://fettle@db/shop\n"
                "  fettle advise shop.fettle -o advice.md\n"
                "  fettle advise --workload queries.sql --json \"host=/run/postgresql dbname=shop\"\n",
    .options = advise_options,
    .run = advise_verb_run,
};
