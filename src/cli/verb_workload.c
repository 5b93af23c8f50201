// SPDX-License-Identifier: PostgreSQL
#include "base/clock.h"
#include "cli/store_session.h"
#include "cli/workload_text.h"
#include "workflow/workload_snapshot.h"
#include "workload/study_json.h"

#include <math.h>
#include <string.h>

extern const CliVerb cli_verb_workload;

#define ROWS_SHOWN 20
#define SNAPSHOTS_MS 60000
#define STUDY_BYTES ((size_t)4 << 30)

static const CliOption workload_options[] = {
    {"days", 0, "N", "days to look back, 1 to 90 (default: 7)"},
    {"database", 'd', "NAME", "only this database"},
    {"method", 0, "NAME", "of clusters: kmeans (the default) or dbscan"},
    {"limit", 0, "N", "rows of issues, classes and columns, 1 to 10000 (default: 20)"},
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

typedef struct WorkloadPart {
    const char *name;
    unsigned parts;
    void (*show)(Text *text, const WorkloadStudy *study, const WorkloadShown *shown);
    bool with_patterns;
} WorkloadPart;

static const WorkloadPart parts[] = {
    {"analysis", STUDY_OVERVIEW | STUDY_ISSUES, workload_text_analysis, false},
    {"analyze", STUDY_OVERVIEW | STUDY_ISSUES, workload_text_analysis, false},
    {"issues", STUDY_ISSUES, workload_text_issues, false},
    {"patterns", STUDY_SERIES, workload_text_patterns, true},
    {"hot", STUDY_HOT, workload_text_hot, false},
    {"classes", STUDY_CLASSES, workload_text_classes, false},
    {"clusters", STUDY_CLUSTERS, workload_text_clusters, false},
    {"bottlenecks", STUDY_BOTTLENECKS, workload_text_bottlenecks, false},
    {"columns", STUDY_CHARACTERISTICS, workload_text_columns, false},
};

static const WorkloadPart *
part_find(const CliInput *input, Error *error)
{
    const char *name = input->argument_count > 1 ? input->arguments[1] : parts[0].name;
    for (size_t i = 0; i < FETTLE_COUNT_OF(parts); i++)
        if (strcmp(parts[i].name, name) == 0)
            return &parts[i];
    error_set(error, ERROR_USAGE, "\"%.40s\" is no part of a workload", name);
    error_set_hint(
        error,
        "there are analysis, analyze, issues, patterns, hot, classes, clusters, bottlenecks and columns");
    return NULL;
}

static bool
number_option(const CliInput *input, const char *name, int64_t low, int64_t high, int64_t *value,
              Error *error)
{
    const char *text = cli_option(input, name);
    if (text != NULL && (!text_parse_int64(text, value) || *value < low || *value > high))
        return error_set(error, ERROR_USAGE, "--%s takes a whole number from %lld to %lld", name,
                         (long long)low, (long long)high);
    return true;
}

static bool
options_read(const CliInput *input, StudyRange *range, int64_t *ret_limit, Error *error)
{
    int64_t days = STUDY_DAYS;
    const char *method = cli_option(input, "method");
    *ret_limit = ROWS_SHOWN;
    if (!number_option(input, "days", STUDY_DAYS_LEAST, STUDY_DAYS_MOST, &days, error) ||
        !number_option(input, "limit", 1, (int64_t)TEMPLATES_MOST, ret_limit, error))
        return false;
    if (method != NULL && strcmp(method, "dbscan") == 0)
        range->clusters.method = CLUSTER_DBSCAN;
    else if (method != NULL && strcmp(method, "kmeans") != 0)
        return error_set(error, ERROR_USAGE, "--method takes kmeans or dbscan, not \"%.40s\"", method);
    range->days = (int)days;
    range->database_name = cli_option(input, "database");
    return true;
}

/* Reads the schemas of the databases that have statements into the store. */
static bool
snapshots_take(const CliInput *input, const CliStore *store, Arena *arena, const StudyRange *range,
               TextList *ret_notes, Error *error)
{
    StudyRange series = *range;
    WorkloadStudy study;
    TextList databases = {0};
    IndexManager manager = {.store = store->store, .settings = input->settings};
    series.parts = STUDY_SERIES;
    if (!study_read(store->connection, arena, &series, &study, error))
        return false;
    for (size_t i = 0; i < study.database_count; i++)
        vector_push(arena, &databases, study.databases[i].database_name);
    return workload_snapshots_keep(&manager, arena, range->target_id, &databases,
                                   deadline_after_ms(SNAPSHOTS_MS), ret_notes, error);
}

static bool
analyze(const CliInput *input, CliStore *store, Arena *arena, const StudyRange *range,
        WorkloadStudy *ret_study, Error *error)
{
    TextList notes = {0};
    CliAct act = {.action = "workload.study",
                  .object = arena_printf(arena, "target:%s", input->arguments[0]),
                  .target_id = range->target_id};
    bool done = snapshots_take(input, store, arena, range, &notes, error) &&
                study_read(store->connection, arena, range, ret_study, error) &&
                study_classes_keep(store->connection, ret_study, error);
    for (size_t i = 0; done && i < notes.count; i++)
        vector_push(arena, &ret_study->overview.insights, notes.items[i]);
    return cli_store_audit(store, &act, done, error);
}

static void
json_append(Text *text, const WorkloadPart *part, const WorkloadStudy *study, const WorkloadShown *shown)
{
    JsonWriter json = json_writer_new(text, true);
    switch (part->parts) {
        case STUDY_SERIES: study_json_patterns(&json, study, shown->patterns); break;
        case STUDY_HOT: study_json_hot(&json, study); break;
        case STUDY_CLASSES: study_json_classes(&json, study, shown->rows_most); break;
        case STUDY_CLUSTERS: study_json_clusters(&json, study); break;
        case STUDY_BOTTLENECKS: study_json_bottlenecks(&json, study); break;
        case STUDY_ISSUES: study_json_issues(&json, study); break;
        case STUDY_CHARACTERISTICS: study_json_characteristics(&json, study, shown->rows_most); break;
        default: study_json_analysis(&json, study); break;
    }
    text_append_char(text, '\n');
}

static bool
workload_show(CliInput *input, CliStore *store, Arena *arena, const WorkloadPart *part, StudyRange *range,
              Error *error)
{
    WorkloadStudy study;
    WorkloadPatterns patterns = {0};
    Target target;
    int64_t limit;
    Text text = text_new(input->arena);
    if (!options_read(input, range, &limit, error) || !cli_store_open(input, false, store, error) ||
        !cli_target_find(store, input->arguments[0], &target, error))
        return false;
    range->target_id = target.target_id;
    range->parts = part->parts;
    bool is_analysis = strcmp(part->name, "analyze") == 0;
    if (is_analysis ? !analyze(input, store, arena, range, &study, error)
                    : !study_read(store->connection, arena, range, &study, error))
        return false;
    WorkloadPattern like = {.target_id = range->target_id, .database_name = range->database_name};
    if (part->with_patterns &&
        !workload_patterns_read(store->connection, arena, &like, WORKLOAD_PATTERNS_MOST, &patterns, error))
        return false;
    WorkloadShown shown = {.target_name = target.name,
                           .patterns = &patterns,
                           .rows_most = (size_t)limit,
                           .is_coloured = input->is_coloured};
    if (cli_option(input, "json") != NULL)
        json_append(&text, part, &study, &shown);
    else
        part->show(&text, &study, &shown);
    return cli_write(input, text.data, text.length, error);
}

static bool
workload_run(CliInput *input, int *ret_exit_status, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("workload", STUDY_BYTES);
    StudyRange range = {.now_us = clock_wall_us()};
    const WorkloadPart *part = part_find(input, error);
    *ret_exit_status = CLI_EXIT_NOTHING;
    return part != NULL && workload_show(input, &store, arena, part, &range, error);
}

const CliVerb cli_verb_workload = {
    .name = "workload",
    .arguments = "NAME [analysis|analyze|issues|patterns|hot|classes|clusters|bottlenecks|columns]",
    .arguments_least = 1,
    .arguments_most = 2,
    .summary = "what a target's workload is: kind, rhythm, hot objects, classes, groups, bottlenecks",
    .description =
        "Tells, from what was collected over the last --days, what a target's workload is like:\n"
        "  analysis     its kind, peak hours, slow statements, and what to do (the default)\n"
        "  analyze      the same, after reading the databases' schemas from the target anew\n"
        "  issues       what is wrong: missing indexes, bad plans, old statistics, and by which figure\n"
        "  patterns     a map of weekdays and hours, periods, shifts, patterns\n"
        "  hot          tables, columns, joins and statements that most of the time is spent on\n"
        "  classes      OLTP, OLAP or mixed; light or heavy; by schedule or not\n"
        "  clusters     statements that behave alike, and those that come and go together\n"
        "  bottlenecks  which resource bounds the busy hours, and by what that is seen\n"
        "  columns      what the columns hold, as far as statistics tell\n"
        "Names of tables and columns are resolved against the schema that \"analyze\" last read; without\n"
        "one they are taken as the statements write them. All times are UTC. NAME is a target's, or its "
        "number.",
    .examples = "  fettle workload shop\n"
                "  fettle workload shop analyze --days 30\n"
                "  fettle workload shop issues\n"
                "  fettle workload shop hot --json | jq '.tables[0]'\n",
    .options = workload_options,
    .run = workload_run,
};
