// SPDX-License-Identifier: PostgreSQL
#include "cli/session.h"

#include "base/json_writer.h"
#include "base/log.h"

#include <string.h>

extern const CliVerb cli_verb_twin;

#define DIFFERENCES_SHOWN 20

static const CliOption twin_options[] = {
    {"output", 'o', "FILE", "write the report to a file"},
    {"json", 0, NULL, "as JSON"},
    {"rebuild", 0, NULL, "build the twin anew even when it can be refreshed"},
    {"role", 0, "ROLE", "the application's role"},
    {"workload", 'w', "FILE", "compare the plans of these statements"},
    {"snapshot", 0, "FILE", "verify: the twin that this snapshot gives, whoever took it, not one read now"},
    {NULL, 0, NULL, NULL},
};

static double
share(int64_t part, int64_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole * 100;
}

static void
append_report(Text *text, const CliSession *session)
{
    const TwinReport *report = twin_report(session->twin);
    text_append_format(text, "twin of %s: %s in %s on PostgreSQL %d, %lld objects\n", session->source,
                       report->was_refreshed ? "refreshed" : "built",
                       text_format_duration_ms(text->arena, report->build_ms), report->twin_major,
                       (long long)(report->was_refreshed ? report->objects_changed : report->objects_made));
    if (report->method == TWIN_METHOD_SPARSE_FILES)
        text_append_format(text,
                           "  by sparse files: there is no twin module for PostgreSQL %d here; its "
                           "postgresql-server-dev package and a new build of Fettle give one\n",
                           report->twin_major);
    for (size_t i = 0; i < report->losses.count; i++)
        text_append_format(text, "  without %s: %s\n", report->losses.items[i].object,
                           report->losses.items[i].reason);
}

static void
append_fidelity(Text *text, const Fidelity *fidelity)
{
    text_append_format(
        text,
        "plans compared: %lld; same plan: %.1f %%; every figure identical: %.1f %%; time on the target: %s\n",
        (long long)fidelity->compared, share(fidelity->same_shape, fidelity->compared),
        share(fidelity->identical, fidelity->compared),
        text_format_duration_ms(text->arena, fidelity->target_ms));
    if (fidelity->not_explained > 0)
        text_append_format(text, "not compared: %lld (the first %s)\n", (long long)fidelity->not_explained,
                           fidelity->not_explained_reason);
    for (size_t i = 0; i < fidelity->differences.count && i < DIFFERENCES_SHOWN; i++) {
        const FidelityDifference *difference = &fidelity->differences.items[i];
        text_append_format(text, "  %s, cost %.2f on the target, %.2f on the twin: %s\n    %.120s\n",
                           difference->is_same_shape ? "same plan" : "another plan", difference->cost_target,
                           difference->cost_twin, difference->cause, difference->text);
    }
    if (fidelity->differences.count > DIFFERENCES_SHOWN)
        text_append_format(text, "  and %zu more (--json lists all)\n",
                           fidelity->differences.count - DIFFERENCES_SHOWN);
}

static void
json_fidelity(JsonWriter *json, const Fidelity *fidelity)
{
    json_key(json, "fidelity");
    json_object_begin(json);
    json_key_int(json, "compared", fidelity->compared);
    json_key_int(json, "same_plan", fidelity->same_shape);
    json_key_int(json, "identical", fidelity->identical);
    json_key_int(json, "not_compared", fidelity->not_explained);
    json_key_string(json, "not_compared_reason", fidelity->not_explained_reason);
    json_key_double(json, "target_ms", fidelity->target_ms);
    json_key(json, "differences");
    json_array_begin(json);
    for (size_t i = 0; i < fidelity->differences.count; i++) {
        const FidelityDifference *difference = &fidelity->differences.items[i];
        json_object_begin(json);
        json_key_int(json, "query_hash", (int64_t)difference->query_hash);
        json_key_string(json, "query", difference->text);
        json_key_bool(json, "same_plan", difference->is_same_shape);
        json_key_double(json, "cost_target", difference->cost_target);
        json_key_double(json, "cost_twin", difference->cost_twin);
        json_key_string(json, "cause", difference->cause);
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}

static void
json_report(Text *text, const CliSession *session, const Fidelity *fidelity)
{
    const TwinReport *report = twin_report(session->twin);
    JsonWriter json = json_writer_new(text, true);
    json_object_begin(&json);
    json_key_string(&json, "target", session->source);
    json_key_string(&json, "database", twin_database(session->twin));
    json_key_bool(&json, "refreshed", report->was_refreshed);
    json_key_int(&json, "twin_major", report->twin_major);
    json_key_string(&json, "method", twin_method_word(report->method));
    json_key_int(&json, "objects", report->was_refreshed ? report->objects_changed : report->objects_made);
    json_key_double(&json, "build_ms", report->build_ms);
    json_key(&json, "losses");
    json_array_begin(&json);
    for (size_t i = 0; i < report->losses.count; i++) {
        json_object_begin(&json);
        json_key_string(&json, "object", report->losses.items[i].object);
        json_key_string(&json, "reason", report->losses.items[i].reason);
        json_object_end(&json);
    }
    json_array_end(&json);
    if (fidelity != NULL)
        json_fidelity(&json, fidelity);
    json_object_end(&json);
    text_append_char(text, '\n');
}

static bool
twin_build_run(CliInput *input, bool verify, Error *error)
{
    FETTLE_CLEANUP(session_close_at) CliSession session = {0};
    Fidelity fidelity = {0};
    if ((verify && !session_open_target(input, &session, error)) || !session_read(input, &session, error) ||
        !session_open_twin(input, &session, cli_option(input, "rebuild") != NULL, error) ||
        (verify && !fidelity_measure(input->arena, session.twin, session.target, 0, &fidelity, error)))
        return false;
    progress_clear();
    Text text = text_new(input->arena);
    if (cli_option(input, "json") != NULL) {
        json_report(&text, &session, verify ? &fidelity : NULL);
    } else {
        append_report(&text, &session);
        if (verify)
            append_fidelity(&text, &fidelity);
    }
    return cli_write(input, text.data, text.length, error);
}

static bool
twin_list_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(session_close_at) CliSession session = {0};
    TwinInfo *list;
    size_t count;
    if (!session_open_cluster(input, &session, error) ||
        !twin_list(input->arena, session.cluster, &list, &count, error))
        return false;
    progress_clear();
    Text text = text_new(input->arena);
    for (size_t i = 0; i < count; i++)
        text_append_format(&text, "%-22s  %-30s  %s  %s\n", list[i].database, list[i].target,
                           list[i].built_at, text_format_bytes(input->arena, (double)list[i].size_bytes));
    if (count == 0)
        text_append(&text, "there is no twin yet: build one with \"fettle twin build TARGET\"\n");
    return cli_write(input, text.data, text.length, error);
}

static bool
twin_drop_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(session_close_at) CliSession session = {0};
    return session_open_cluster(input, &session, error) &&
           twin_drop(session.cluster, input->arguments[1], error);
}

static bool
twin_run(CliInput *input, int *ret_exit_status, Error *error)
{
    const char *action = input->arguments[0];
    *ret_exit_status = CLI_EXIT_NOTHING;
    bool needs_target = strcmp(action, "list") != 0;
    if (needs_target && input->argument_count < 2) {
        error_set(error, ERROR_USAGE, "\"fettle twin %.20s\" needs a target", action);
        return error_set_hint(error, "run \"fettle help twin\"");
    }
    if (cli_option(input, "snapshot") != NULL && strcmp(action, "verify") != 0) {
        error_set(error, ERROR_USAGE, "--snapshot is for \"fettle twin verify\"");
        return error_set_hint(error, "\"fettle twin build FILE\" takes the file itself");
    }
    if (strcmp(action, "build") == 0 || strcmp(action, "verify") == 0)
        return twin_build_run(input, action[0] == 'v', error);
    if (strcmp(action, "list") == 0)
        return twin_list_run(input, error);
    if (strcmp(action, "drop") == 0)
        return twin_drop_run(input, error);
    error_set(error, ERROR_USAGE, "\"fettle twin\" does not know \"%.40s\"", action);
    return error_set_hint(error, "it takes build, verify, list or drop");
}

const CliVerb cli_verb_twin = {
    .name = "twin",
    .arguments = "build|verify|list|drop [TARGET|NAME]",
    .arguments_least = 1,
    .arguments_most = 2,
    .summary = "the planner twin: build it, compare its plans with the target's",
    .description = "A twin is a database in Fettle's private cluster with the target's schema, sizes and "
                   "statistics, and no rows.\n"
                   "verify runs EXPLAIN (never ANALYZE) for the workload on both and reports every "
                   "difference with its cause.",
    .examples = "  fettle twin verify postgres://fettle@db/shop\n"
                "  fettle twin verify --snapshot monday.fettle postgres://fettle@db/shop\n"
                "  fettle twin build shop.fettle\n"
                "  fettle twin list\n"
                "  fettle twin drop twin_0123456789abcdef\n",
    .options = twin_options,
    .run = twin_run,
};
