// SPDX-License-Identifier: PostgreSQL
#include "base/file.h"
#include "cli/table.h"
#include "cli/verb_index_internal.h"
#include "store/index_change.h"
#include "workflow/index_run.h"

#include <math.h>
#include <string.h>

extern const CliVerb cli_verb_index;
extern const CliVerb cli_verb_advise;

#define HISTORY_STANDARD 50

static const CliOption index_options[] = {
    {"json", 0, NULL, "as JSON"},
    {"yes", 'y', NULL, "approve what is to be done without being asked (create, drop)"},
    {"dry-run", 'n', NULL, "show every statement, change nothing (create, drop)"},
    {"name", 0, "NAME", "name of the new index (default: TABLE_COLUMNS_idx)"},
    {"schema", 0, "NAME", "schema of the table or index"},
    {"method", 'm', "METHOD", "one of " INDEX_METHODS " (default: btree)"},
    {"unique", 0, NULL, "a unique index"},
    {"include", 0, "COLUMNS", "further columns that the index holds (INCLUDE)"},
    {"replaces", 0, "NAME", "an index that is dropped once the new one is there (create)"},
    {"database", 'd', "NAME", "a database of the target (default: that of its connection string)"},
    {"limit", 0, "NUMBER", "rows of the history at most (default: 50)"},
    {"budget", 'b', "SIZE", "as in \"fettle advise\", which takes the following ones, too"},
    {"width", 0, "NUMBER", "key columns of a new index at most"},
    {"time", 't', "TIME", "time for the search"},
    {"workload", 'w', "FILE", "take the workload from a file of SQL statements"},
    {"role", 0, "ROLE", "the application's role"},
    {"plans", 'p', NULL, "show plans before and after"},
    {"rebuild", 0, NULL, "build the twin anew"},
    {NULL, 0, NULL, NULL},
};

bool
index_target_is_foreign(const char *text)
{
    return pg_dsn_looks_like(text) || file_exists(text);
}

bool
index_target_resolve(CliInput *input, const char *text, const char **ret_target, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    Target target;
    *ret_target = text;
    return index_target_is_foreign(text) ||
           (cli_store_open(input, false, &store, error) && cli_target_find(&store, text, &target, error) &&
            target_dsn(store.store, store.connection, input->arena, target.target_id, ret_target, error));
}

const char *
index_columns_text(Arena *arena, const SnapshotRelation *relation, const SnapshotIndex *index)
{
    Text text = text_new(arena);
    for (size_t i = 0; i < index->column_count; i++) {
        const SnapshotIndexColumn *column = &index->columns[i];
        const SnapshotColumn *plain = column->attnum > 0 ? snapshot_column(relation, column->attnum) : NULL;
        const char *name = plain != NULL ? plain->name : column->expression;
        text_append_format(&text, "%s%s%s%s", i == 0 ? "" : ", ", column->is_included ? "(" : "",
                           name == NULL ? "?" : name, column->is_included ? ")" : "");
    }
    return text.data;
}

/* The review of a stored target with its history, or of a database or file without any. */
static bool
review_take(CliInput *input, IndexReview *ret_review, Error *error)
{
    const char *name = input->arguments[1];
    if (index_target_is_foreign(name)) {
        FETTLE_CLEANUP(session_close_at) CliSession session = {.ends = SNAPSHOT_ENDS_NONE};
        if (!session_read(input, &session, error))
            return false;
        *ret_review = (IndexReview){
            .database = session.snapshot->database,
            .snapshot = session.snapshot,
            .input = {.primary = {.name = session.source, .snapshot = session.snapshot},
                      .now_us = clock_wall_us(),
                      .observation_us = settings_get_int(input->settings, SETTING_INDEX_OBSERVATION) * 1000,
                      .rare_scans = settings_get_int(input->settings, SETTING_INDEX_RARE_SCANS),
                      .rare_ratio =
                          settings_get_double(input->settings, SETTING_INDEX_USAGE_THRESHOLD_RATIO)}};
        ret_review->findings = hygiene_review(input->arena, &ret_review->input);
        return true;
    }
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    Target target;
    if (!cli_store_open(input, false, &store, error) || !cli_target_find(&store, name, &target, error))
        return false;
    IndexManager manager = {.store = store.store, .settings = input->settings};
    IndexReviewOptions options = {.database = cli_option(input, "database"), .rare_scans = -1};
    return index_review_take(&manager, input->arena, target.target_id, &options, ret_review, error);
}

static const HygieneFinding *
finding_of(const IndexReview *review, const SnapshotIndex *index)
{
    for (size_t i = 0; i < review->findings.count; i++)
        if (review->findings.items[i].index == index)
            return &review->findings.items[i];
    return NULL;
}

static int64_t
bytes_of(const IndexReview *review, const SnapshotIndex *index)
{
    return index->size_blocks < 0 ? 0 : index->size_blocks * review->snapshot->block_bytes;
}

/* What is part of a partitioned index is no finding, but no query can use one that lacks a part. */
static const char *
class_word(const HygieneFinding *finding, const SnapshotIndex *index, const char *needed)
{
    if (finding != NULL)
        return hygiene_class_word(finding->class);
    if (!index->is_valid)
        return hygiene_class_word(HYGIENE_INVALID);
    return needed != NULL ? "needed" : "used";
}

static bool
list_action(CliInput *input, Error *error)
{
    static const CliColumn columns[] = {
        {"SCHEMA", "schema_name", CLI_TEXT}, {"TABLE", "table_name", CLI_TEXT},
        {"INDEX", "index_name", CLI_TEXT},   {"COLUMNS", "columns", CLI_TEXT},
        {"METHOD", "index_type", CLI_TEXT},  {"SCANS", "scans", CLI_NUMBER},
        {"SIZE", "size", CLI_TEXT},          {"CLASS", "class", CLI_TEXT},
        {NULL, "size_bytes", CLI_ID},        {NULL, "is_unique", CLI_BOOL},
        {NULL, "needed_because", CLI_TEXT},  {NULL, "definition", CLI_TEXT},
    };
    IndexReview review;
    if (!review_take(input, &review, error))
        return false;
    Arena *arena = input->arena;
    CliTable table = cli_table_new(arena, columns, FETTLE_COUNT_OF(columns));
    for (size_t i = 0; i < review.snapshot->index_count; i++) {
        const SnapshotIndex *index = &review.snapshot->indexes[i];
        const SnapshotRelation *relation = snapshot_relation(review.snapshot, index->relation_id);
        if (relation == NULL)
            continue;
        const HygieneFinding *finding = finding_of(&review, index);
        const char *needed = hygiene_protection(arena, review.snapshot, relation, index);
        cli_table_text(&table, index->schema);
        cli_table_text(&table, relation->name);
        cli_table_text(&table, index->name);
        cli_table_text(&table, index_columns_text(arena, relation, index));
        cli_table_text(&table, index->method);
        cli_table_number(&table, index->scans < 0 ? 0 : index->scans);
        cli_table_text(&table, text_format_bytes(arena, (double)bytes_of(&review, index)));
        cli_table_text(&table, class_word(finding, index, needed));
        cli_table_number(&table, bytes_of(&review, index));
        cli_table_number(&table, index->is_unique);
        cli_table_text(&table, needed);
        cli_table_text(&table, index->definition);
    }
    Text text = text_new(arena);
    cli_table_append(&table, &text, cli_option(input, "json") != NULL, "there are no indexes\n");
    return cli_write(input, text.data, text.length, error);
}

static void
unused_append(CliInput *input, const IndexReview *review, Text *text)
{
    static const CliColumn columns[] = {
        {"INDEX", "index_name", CLI_TEXT},
        {"TABLE", "table_name", CLI_TEXT},
        {"CLASS", "class", CLI_TEXT},
        {"PROPOSED", "is_proposed", CLI_BOOL},
        {"SCANS", "scans", CLI_NUMBER},
        {"SIZE", "size", CLI_TEXT},
        {"LAST USED", "last_used_at", CLI_TIME},
        {"REASON", "reason", CLI_TEXT},
        {NULL, "schema_name", CLI_TEXT},
        {NULL, "size_bytes", CLI_ID},
        {NULL, "act_sql", CLI_TEXT},
        {NULL, "undo_sql", CLI_TEXT},
    };
    CliTable table = cli_table_new(input->arena, columns, FETTLE_COUNT_OF(columns));
    table.screen_columns = input->screen_columns;
    for (size_t i = 0; i < review->findings.count; i++) {
        const HygieneFinding *finding = &review->findings.items[i];
        cli_table_text(&table, finding->index->name);
        cli_table_text(&table, finding->relation->name);
        cli_table_text(&table, hygiene_class_word(finding->class));
        cli_table_number(&table, finding->is_proposed);
        cli_table_number(&table, finding->scans);
        cli_table_text(&table, text_format_bytes(input->arena, (double)bytes_of(review, finding->index)));
        cli_table_number(&table, finding->last_used_at_us);
        cli_table_text(&table, finding->reason);
        cli_table_text(&table, finding->index->schema);
        cli_table_number(&table, bytes_of(review, finding->index));
        cli_table_text(&table, finding->act_sql);
        cli_table_text(&table, finding->undo_sql);
    }
    cli_table_append(&table, text, cli_option(input, "json") != NULL, "every index is worth its keep\n");
}

static bool
unused_run(CliInput *input, int *ret_exit_status, Error *error)
{
    IndexReview review;
    if (!review_take(input, &review, error))
        return false;
    Text text = text_new(input->arena);
    unused_append(input, &review, &text);
    *ret_exit_status = CLI_EXIT_NOTHING;
    for (size_t i = 0; i < review.findings.count; i++) {
        const HygieneFinding *finding = &review.findings.items[i];
        if (!finding->is_proposed)
            continue;
        *ret_exit_status = CLI_EXIT_ADVICE;
        if (cli_option(input, "json") == NULL)
            text_append_format(&text, "%s%s\n", i == 0 ? "\n" : "", finding->act_sql);
    }
    for (size_t i = 0; i < review.input.replica_count && cli_option(input, "json") == NULL; i++)
        if (review.input.replicas[i].failure != NULL)
            text_append_format(&text,
                               "no index is proposed as unused: those of replica %s were not read: %s\n",
                               review.input.replicas[i].name, review.input.replicas[i].failure);
    return cli_write(input, text.data, text.length, error);
}

static bool
limit_of(CliInput *input, size_t *ret_limit, Error *error)
{
    int64_t limit = HISTORY_STANDARD;
    const char *text = cli_option(input, "limit");
    if (text != NULL && (!text_parse_int64(text, &limit) || limit < 1 || limit > INDEX_CHANGES_MOST))
        return error_set(error, ERROR_USAGE, "--limit takes a number from 1 to %d", INDEX_CHANGES_MOST);
    *ret_limit = (size_t)limit;
    return true;
}

static bool
history_action(CliInput *input, Error *error)
{
    static const CliColumn columns[] = {
        {"ID", "id", CLI_NUMBER},
        {"WHEN", "performed_at", CLI_TIME},
        {"WHO", "performed_by", CLI_TEXT},
        {"ACTION", "action", CLI_TEXT},
        {"TABLE", "table_name", CLI_TEXT},
        {"INDEX", "index_name", CLI_TEXT},
        {"STATUS", "status", CLI_TEXT},
        {"DOING", "doing", CLI_TEXT},
        {"ERROR", "error_message", CLI_TEXT},
        {NULL, "schema_name", CLI_TEXT},
        {NULL, "database_name", CLI_TEXT},
        {NULL, "sql", CLI_TEXT},
        {NULL, "undo_sql", CLI_TEXT},
        {NULL, "completed_at", CLI_TIME},
        {NULL, "attempts", CLI_NUMBER},
    };
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    Target target;
    IndexChanges changes;
    size_t limit;
    int settled;
    if (!limit_of(input, &limit, error) || !cli_store_open(input, false, &store, error) ||
        !cli_target_find(&store, input->arguments[1], &target, error))
        return false;
    IndexManager manager = {.store = store.store, .settings = input->settings};
    if (!index_settle_all(&manager, &settled, error) ||
        !index_change_list(store.connection, input->arena, target.target_id, false, limit, &changes, error))
        return false;
    CliTable table = cli_table_new(input->arena, columns, FETTLE_COUNT_OF(columns));
    table.screen_columns = input->screen_columns;
    for (size_t i = 0; i < changes.count; i++) {
        const IndexChange *change = &changes.items[i];
        cli_table_number(&table, change->id);
        cli_table_number(&table, change->performed_at_us);
        cli_table_text(&table, change->performed_by);
        cli_table_text(&table, change->action);
        cli_table_text(&table, change->table_name);
        cli_table_text(&table, change->index_name);
        cli_table_text(&table, change->state);
        cli_table_text(&table, change->doing);
        cli_table_text(&table, change->error_message);
        cli_table_text(&table, change->schema_name);
        cli_table_text(&table, change->database_name);
        cli_table_text(&table, change->sql);
        cli_table_text(&table, change->undo_sql);
        cli_table_number(&table, change->completed_at_us);
        cli_table_number(&table, change->attempts);
    }
    Text text = text_new(input->arena);
    cli_table_append(&table, &text, cli_option(input, "json") != NULL,
                     "no index was created or dropped yet\n");
    return cli_write(input, text.data, text.length, error);
}

/* "fettle advise" with our options of the same names. */
static bool
advise_run_as(CliInput *input, int *ret_exit_status, Error *error)
{
    CliInput advise = *input;
    advise.verb = &cli_verb_advise;
    advise.argument_count = input->argument_count - 1;
    memset(advise.options, 0, sizeof(advise.options));
    for (size_t i = 0; cli_verb_advise.options[i].name != NULL; i++)
        for (size_t j = 0; index_options[j].name != NULL; j++)
            if (strcmp(cli_verb_advise.options[i].name, index_options[j].name) == 0)
                advise.options[i] = input->options[j];
    if (advise.argument_count == 1 &&
        !index_target_resolve(input, input->arguments[1], &advise.arguments[0], error))
        return false;
    return cli_verb_advise.run(&advise, ret_exit_status, error);
}

static bool
index_verb_run(CliInput *input, int *ret_exit_status, Error *error)
{
    static const CliAction actions[] = {
        {"list", 1, 1, list_action},
        {"create", 2, 3, index_create_action},
        {"drop", 2, 2, index_drop_action},
        {"cancel", 1, 1, index_cancel_action},
        {"history", 1, 1, history_action},
        {"undo", 2, 2, index_undo_action},
        {NULL, 0, 0, NULL},
    };
    static const struct {
        const char *word;
        int arguments;
        bool (*run)(CliInput *input, int *ret_exit_status, Error *error);
    } advising[] = {{"advise", 2, advise_run_as}, {"unused", 2, unused_run}, {"trial", 3, index_trial_run}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(advising); i++) {
        if (strcmp(input->arguments[0], advising[i].word) != 0)
            continue;
        if (input->argument_count == advising[i].arguments)
            return advising[i].run(input, ret_exit_status, error);
        error_set(error, ERROR_USAGE, "\"fettle index %s\" needs %s", advising[i].word,
                  advising[i].arguments == 2 ? "a target" : "a target and an index");
        return error_set_hint(error, "run \"fettle help index\"");
    }
    *ret_exit_status = CLI_EXIT_NOTHING;
    return cli_action_run(input, actions, error);
}

const CliVerb cli_verb_index = {
    .name = "index",
    .arguments = "advise TARGET|list TARGET|unused TARGET|create TARGET TABLE [COLUMNS]|drop TARGET INDEX|"
                 "undo TARGET CHANGE|cancel CHANGE|history TARGET|trial TARGET INDEX",
    .arguments_least = 1,
    .arguments_most = 4,
    .summary = "the indexes that there are, should be, or should go",
    .description =
        "TARGET is a target of the store; advise, list, unused and trial take a connection string or a "
        "snapshot "
        "file, too.\nlist and unused judge by the target's counters and, of a stored target, by what the "
        "service "
        "has collected on it\nand on its replicas; a removal of an unused index is proposed only when it was "
        "watched for index.observation.\ncreate and drop work CONCURRENTLY, record the undo statement first, "
        "and "
        "ask before they do anything (or take --yes);\ninterrupted at any moment they leave nothing half "
        "done: "
        "the next \"fettle index\" or the service cleans up. Instead of\nCOLUMNS, TABLE may be a whole "
        "CREATE INDEX statement, in which functions, operators and operator classes\noutside of pg_catalog "
        "have "
        "their schema. With --replaces the index of that name is dropped once the new one is there.\nundo "
        "takes "
        "back a change of the history. trial shows on the twin what would become slower without an index; "
        "no\nPostgreSQL can hide an index from its own planner without harm. Exit status: 10 advice given, 0 "
        "none.",
    .examples = "  fettle index advise shop --budget 500MB\n"
                "  fettle index list shop --json\n"
                "  fettle index unused shop\n"
                "  fettle index create shop orders customer_id,created_at --dry-run\n"
                "  fettle index create shop \"CREATE INDEX o_open ON public.orders (id) WHERE status = "
                "'open'\" --yes\n"
                "  fettle index trial shop orders_note_idx\n"
                "  fettle index drop shop orders_note_idx\n"
                "  fettle index history shop\n",
    .options = index_options,
    .run = index_verb_run,
};
