// SPDX-License-Identifier: PostgreSQL
#include "base/json_writer.h"
#include "cli/recommendation_argument.h"
#include "cli/result_report_text.h"
#include "cli/store_session.h"
#include "cli/table.h"
#include "workflow/effect.h"
#include "workflow/recommendation_measure.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

extern const CliVerb cli_verb_results;

#define LIMIT_STANDARD 20

static const CliOption results_options[] = {
    {"json", 0, NULL, "as JSON"},
    {"status", 0, "WORD", "only pending, implemented, no_improvement, regressed, reverted or failed"},
    {"limit", 0, "NUMBER", "rows at most (default: 20)"},
    {"report", 'r', NULL, "how well each kind did, and whether the stated confidence was true"},
    {"target", 't', "NAME", "with --report: only this target"},
    {NULL, 0, NULL, NULL},
};

static void
key_time(JsonWriter *json, const char *key, int64_t at_us)
{
    json_key_string(json, key, at_us == 0 ? NULL : clock_format_utc(json->text->arena, at_us));
}

static void
result_json(JsonWriter *json, const Implementation *found)
{
    json_object_begin(json);
    json_key_int(json, "implementation_id", found->id);
    json_key_int(json, "recommendation_id", found->recommendation_id);
    json_key_string(json, "target", found->target_name);
    json_key_id(json, "query_hash", found->query_hash);
    json_key_string(json, "recommendation_text", found->text);
    json_key_string(json, "status", found->status);
    json_key_double(json, "estimated_improvement_percent", found->predicted_percent);
    json_key_double(json, "actual_improvement_percent", found->actual_percent);
    json_key_double(json, "actual_low", found->actual_low);
    json_key_double(json, "actual_high", found->actual_high);
    json_key_double(json, "actual_improvement_seconds", found->actual_seconds);
    json_key_double(json, "accuracy_score", found->accuracy);
    key_time(json, "implemented_at", found->implemented_at_us);
    key_time(json, "measured_at", found->measured_at_us);
    key_time(json, "rolled_back_at", found->rolled_back_at_us);
    json_key_string(json, "implementation_notes", found->notes);
    json_key_string(json, "error_message", found->error_message);
    json_key_string(json, "undo_sql", found->undo_sql);
    json_key_string(json, "undo_reason", found->undo_reason);
    key_time(json, "enough_data_at", found->enough_data_at_us);
    json_key_string(json, "undo_remark", found->undo_remark);
    json_key_double(json, "detectable_percent", found->detectable_percent);
    json_object_end(json);
}

static const char *
outcome_text(Arena *arena, const Implementation *found)
{
    if (isnan(found->actual_percent))
        return "not measured yet";
    if (isnan(found->actual_low))
        return arena_printf(arena, "%+.1f %% measured, %.0f %% predicted; too few samples for an interval",
                            found->actual_percent, found->predicted_percent);
    return arena_printf(arena, "%+.1f %% measured (%.1f to %.1f), %.0f %% predicted", found->actual_percent,
                        found->actual_low, found->actual_high, found->predicted_percent);
}

/* When there is enough data to judge by; NULL where nothing is known of that. */
static const char *
enough_text(Arena *arena, const Implementation *found)
{
    if (found->enough_data_at_us == 0 && isnan(found->detectable_percent))
        return NULL;
    const char *now = isnan(found->detectable_percent)
                          ? ""
                          : arena_printf(arena, "; by now of %.0f %%", found->detectable_percent);
    if (found->enough_data_at_us == 0)
        return arena_printf(arena, "not enough data for a harm of %g %% within two weeks%s",
                            EFFECT_ENOUGH_PERCENT, now);
    return arena_printf(arena, "enough data for a harm of %g %% %s %s%s", EFFECT_ENOUGH_PERCENT,
                        found->enough_data_at_us > clock_wall_us() ? "expected at" : "since",
                        clock_format_utc(arena, found->enough_data_at_us), now);
}

static void
append_result(Text *text, const Implementation *found)
{
    Arena *arena = text->arena;
    text_append_format(text, "%" PRId64 ". %s\n", found->recommendation_id,
                       cli_without_controls(arena, found->text));
    text_append_format(text, "  %s of %s, %s\n  %s\n", found->status, found->target_name,
                       clock_format_utc(arena, found->implemented_at_us), outcome_text(arena, found));
    const char *enough = enough_text(arena, found);
    if (enough != NULL)
        text_append_format(text, "  %s\n", enough);
    if (found->error_message != NULL)
        text_append_format(text, "  %s\n", cli_without_controls(arena, found->error_message));
}

static bool
results_write(CliInput *input, const Implementations *list, bool is_one, Error *error)
{
    Text text = text_new(input->arena);
    if (cli_option(input, "json") != NULL) {
        JsonWriter json = json_writer_new(&text, true);
        if (!is_one)
            json_array_begin(&json);
        for (size_t i = 0; i < list->count; i++)
            result_json(&json, &list->items[i]);
        if (!is_one)
            json_array_end(&json);
        text_append_char(&text, '\n');
    } else if (list->count == 0) {
        text_append(&text, "nothing was carried out\n");
    } else {
        for (size_t i = 0; i < list->count; i++)
            append_result(&text, &list->items[i]);
    }
    return cli_write(input, text.data, text.length, error);
}

static bool
report_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    Target target = {0};
    ResultReport report;
    const char *name = cli_option(input, "target");
    if (!cli_store_open(input, false, &store, error) ||
        (name != NULL && !cli_target_find(&store, name, &target, error)) ||
        !result_report_read(store.connection, input->arena, target.target_id, &report, error))
        return false;
    Text text = text_new(input->arena);
    if (cli_option(input, "json") != NULL)
        result_report_append_json(&text, &report);
    else
        result_report_append_text(&text, &report);
    return cli_write(input, text.data, text.length, error);
}

static bool
list_run(CliInput *input, Error *error)
{
    static const char *const statuses[] = {"pending",   "implemented", "no_improvement",
                                           "regressed", "reverted",    "failed"};
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    Implementations list;
    int64_t limit = LIMIT_STANDARD;
    const char *status = cli_option(input, "status");
    const char *text = cli_option(input, "limit");
    bool is_known = status == NULL;
    if (cli_option(input, "report") != NULL)
        return report_run(input, error);
    if (cli_option(input, "target") != NULL)
        return error_set(error, ERROR_USAGE, "--target goes with --report");
    for (size_t i = 0; i < FETTLE_COUNT_OF(statuses); i++)
        is_known = is_known || strcmp(statuses[i], status) == 0;
    if (!is_known)
        return error_set(error, ERROR_USAGE, "\"%.40s\" is no status", status);
    if (text != NULL && (!text_parse_int64(text, &limit) || limit < 1 || limit > IMPLEMENTATIONS_MOST))
        return error_set(error, ERROR_USAGE, "--limit takes a number from 1 to %d", IMPLEMENTATIONS_MOST);
    return cli_store_open(input, false, &store, error) &&
           implementation_list(store.connection, input->arena, 0, status, (size_t)limit, &list, error) &&
           results_write(input, &list, false, error);
}

static bool
measure_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    Implementations list;
    Implementation measured;
    int64_t id;
    if (!recommendation_argument(input->arguments[1], &id, error) ||
        !cli_store_open(input, false, &store, error) ||
        !implementation_list(store.connection, input->arena, id, NULL, 1, &list, error))
        return false;
    if (list.count == 0)
        return error_set(error, ERROR_NOT_FOUND, "recommendation %" PRId64 " was not carried out", id);
    IndexManager manager = {.store = store.store, .settings = input->settings};
    bool done = recommendation_measure(&manager, input->arena, list.items[0].id, 0, &measured, error);
    CliAct act = {.action = "result.measure",
                  .object = arena_printf(input->arena, "implementation:%" PRId64, list.items[0].id),
                  .target_id = list.items[0].target_id};
    return cli_store_audit(&store, &act, done, error) &&
           results_write(input, &(Implementations){.items = &measured, .count = 1}, true, error);
}

static bool
results_run(CliInput *input, int *ret_exit_status, Error *error)
{
    static const CliAction actions[] = {
        {"list", 0, 0, list_run}, {"measure", 1, 1, measure_run}, {NULL, 0, 0, NULL}};
    *ret_exit_status = CLI_EXIT_NOTHING;
    return input->argument_count == 0 ? list_run(input, error) : cli_action_run(input, actions, error);
}

const CliVerb cli_verb_results = {
    .name = "results",
    .arguments = "[list|measure RECOMMENDATION]",
    .arguments_most = 2,
    .summary = "what was carried out and what it brought",
    .description =
        "Recommendations that were carried out, the newest first, with what was predicted and what was "
        "measured. A plus is\nfaster, a minus slower. They are measured after 24 and 48 hours by "
        "the service, and at any time with \"measure\". Data is\nenough once a harm of 20 % would be undone "
        "with a chance of 95 %: the noise before the change and the calls since\nsay so, whatever came out. "
        "With --report: success by kind with Wilson's interval, predicted against\nmeasured, and the "
        "calibration curve, all with intervals of 95 %.",
    .examples = "  fettle results\n"
                "  fettle results --status regressed\n"
                "  fettle results measure 17\n"
                "  fettle results --report\n"
                "  fettle results --json | jq '.[].accuracy_score'\n",
    .options = results_options,
    .run = results_run,
};
