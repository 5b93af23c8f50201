// SPDX-License-Identifier: PostgreSQL
#include "base/clock.h"
#include "base/json_writer.h"
#include "cli/recommendation_argument.h"
#include "cli/store_session.h"
#include "cli/table.h"
#include "workflow/recommendation_json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

extern const CliVerb cli_verb_recommendations;

#define LIMIT_STANDARD 20
#define LIMIT_MOST 1000
#define IMPACT_STANDARD 5.0

static const CliOption recommendations_options[] = {
    {"json", 0, NULL, "as JSON"},
    {"target", 0, "NAME", "only this target"},
    {"query", 0, "HASH", "only this query"},
    {"source", 's', "WORD",
     "only of index, rewrite, parameter, workload, partition, cache, resource, vacuum or plan"},
    {"limit", 0, "NUMBER", "rows at most (default: 20)"},
    {"min-impact", 0, "PERCENT", "least improvement (default: 5)"},
    {"min-confidence", 0, "NUMBER", "of findings to aggregate, 0 to 1 (default: 0.6)"},
    {NULL, 0, NULL, NULL},
};

static bool
number_option(const CliInput *input, const char *name, double low, double high, double *value, Error *error)
{
    const char *text = cli_option(input, name);
    if (text == NULL || (text_parse_double(text, value) && *value >= low && *value <= high))
        return true;
    return error_set(error, ERROR_USAGE, "--%s takes a number from %g to %g", name, low, high);
}

/* What --target and --query leave of the list. */
static bool
scope_read(const CliInput *input, const CliStore *store, int64_t *ret_target_id, int64_t *ret_hash,
           Error *error)
{
    Target target;
    const char *name = cli_option(input, "target");
    const char *hash = cli_option(input, "query");
    *ret_target_id = 0;
    *ret_hash = 0;
    if (hash != NULL && (!text_parse_int64(hash, ret_hash) || *ret_hash < 1))
        return error_set(error, ERROR_USAGE, "--query takes a query_hash");
    if (name != NULL && !cli_target_find(store, name, &target, error))
        return false;
    *ret_target_id = name == NULL ? 0 : target.target_id;
    return true;
}

static void
recommendation_write(JsonWriter *json, const RankedRecommendation *found)
{
    json_object_begin(json);
    json_key_int(json, "id", found->id);
    json_key_string(json, "target", found->target_name);
    json_key_id(json, "query_hash", found->query_hash);
    recommendation_fields_write(json, found);
    json_key_string(json, "planned_at",
                    found->planned_at_us == 0 ? NULL
                                              : clock_format_utc(json->text->arena, found->planned_at_us));
    json_object_end(json);
}

static const char *
saving_text(Arena *arena, const RankedRecommendation *found)
{
    if (isnan(found->saving_ms_per_hour))
        return "unknown";
    if (found->saving_high == 0)
        return "no time";
    return arena_printf(arena, "%s an hour (%s to %s)",
                        text_format_duration_ms(arena, found->saving_ms_per_hour),
                        text_format_duration_ms(arena, found->saving_low),
                        text_format_duration_ms(arena, found->saving_high));
}

/* Texts can come from statements: no control character of theirs reaches the terminal. */
static void
append_line(Text *text, const char *label, const char *value)
{
    if (value != NULL)
        text_append_format(text, "  %-12s %s\n", label, cli_without_controls(text->arena, value));
}

static void
append_recommendation(Text *text, const RankedRecommendation *found, bool is_whole)
{
    Arena *arena = text->arena;
    const char *line = cli_without_controls(arena, found->text);
    text_append_format(text, "%" PRId64 ". %s\n", found->id, line);
    text_append_format(text, "  %-12s %s, return %.6g, %.0f %% sure of %.0f %%\n", found->source_type,
                       found->target_name, found->roi, found->confidence * 100, found->improvement_percent);
    append_line(text, "saves", saving_text(arena, found));
    if (found->planned_at_us != 0)
        append_line(text, "planned",
                    arena_printf(arena, "%s (%s)", clock_format_utc(arena, found->planned_at_us),
                                 found->planned_moment));
    if (!is_whole)
        return;
    if (found->query_hash != 0)
        append_line(text, "query", arena_printf(arena, "%" PRId64, found->query_hash));
    append_line(text, "effort", found->complexity);
    append_line(text, "why", found->explanation);
    if (found->is_dismissed)
        append_line(text, "dismissed", found->dismissal_reason == NULL ? "yes" : found->dismissal_reason);
}

static bool
list_write(CliInput *input, const RankedRecommendations *list, bool is_whole, Error *error)
{
    Text text = text_new(input->arena);
    if (cli_option(input, "json") != NULL) {
        JsonWriter json = json_writer_new(&text, true);
        if (!is_whole)
            json_array_begin(&json);
        for (size_t i = 0; i < list->count; i++)
            recommendation_write(&json, &list->items[i]);
        if (!is_whole)
            json_array_end(&json);
        text_append_char(&text, '\n');
    } else if (list->count == 0) {
        text_append(&text,
                    "there is no open recommendation; \"fettle recommendations aggregate\" collects what "
                    "was found\n");
    } else {
        for (size_t i = 0; i < list->count; i++)
            append_recommendation(&text, &list->items[i], is_whole);
    }
    return cli_write(input, text.data, text.length, error);
}

static bool
list_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    RecommendationFilter filter = {.min_impact = IMPACT_STANDARD, .source_type = cli_option(input, "source")};
    RankedRecommendations list;
    double limit = LIMIT_STANDARD;
    if (!number_option(input, "limit", 1, LIMIT_MOST, &limit, error) ||
        !number_option(input, "min-impact", 0, 100, &filter.min_impact, error) ||
        !cli_store_open(input, false, &store, error) ||
        !scope_read(input, &store, &filter.target_id, &filter.query_hash, error))
        return false;
    filter.limit = (size_t)limit;
    return recommendation_list(store.connection, input->arena, &filter, &list, error) &&
           list_write(input, &list, false, error);
}

static bool
show_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    RankedRecommendation found;
    int64_t id;
    return recommendation_argument(input->arguments[1], &id, error) &&
           cli_store_open(input, false, &store, error) &&
           recommendation_get(store.connection, input->arena, id, &found, error) &&
           list_write(input, &(RankedRecommendations){.items = &found, .count = 1}, true, error);
}

static bool
dismiss_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    int64_t id;
    int64_t target_id = 0;
    const char *reason = input->argument_count > 2 ? input->arguments[2] : NULL;
    if (reason != NULL && strlen(reason) > RECOMMENDATION_REASON_BYTES)
        return error_set(error, ERROR_USAGE, "a reason has at most %d bytes", RECOMMENDATION_REASON_BYTES);
    if (!recommendation_argument(input->arguments[1], &id, error) ||
        !cli_store_open(input, false, &store, error))
        return false;
    bool done = recommendation_dismiss(store.connection, id, reason, &target_id, error);
    CliAct act = {.action = "recommendation.dismiss",
                  .object = arena_printf(input->arena, "recommendation:%" PRId64, id),
                  .target_id = target_id};
    if (!cli_store_audit(&store, &act, done, error))
        return false;
    Text text = text_new(input->arena);
    if (cli_option(input, "json") != NULL)
        text_append_format(&text, "{\"id\": %" PRId64 ", \"is_dismissed\": true}\n", id);
    else if (!input->is_quiet)
        text_append_format(&text, "recommendation %" PRId64 " is dismissed\n", id);
    return cli_write(input, text.data, text.length, error);
}

static bool
aggregated_write(CliInput *input, const Aggregated *aggregated, Error *error)
{
    Text text = text_new(input->arena);
    if (cli_option(input, "json") != NULL) {
        JsonWriter json = json_writer_new(&text, true);
        json_object_begin(&json);
        json_key_int(&json, "recommendations_aggregated", aggregated->count);
        json_key(&json, "source_types");
        json_array_begin(&json);
        for (size_t i = 0; i < aggregated->source_type_count; i++)
            json_write_string(&json, aggregated->source_types[i]);
        json_array_end(&json);
        json_object_end(&json);
        text_append_char(&text, '\n');
    } else if (!input->is_quiet) {
        text_append_format(&text, "%" PRId64 " recommendations", aggregated->count);
        for (size_t i = 0; i < aggregated->source_type_count; i++)
            text_append_format(&text, "%s%s", i == 0 ? " of " : ", ", aggregated->source_types[i]);
        text_append_char(&text, '\n');
    }
    return cli_write(input, text.data, text.length, error);
}

static bool
aggregate_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    AggregateOptions options = {.min_confidence = RECOMMENDATIONS_CONFIDENCE};
    Aggregated aggregated;
    if (!number_option(input, "min-confidence", 0, 1, &options.min_confidence, error) ||
        !cli_store_open(input, false, &store, error) ||
        !scope_read(input, &store, &options.target_id, &options.query_hash, error))
        return false;
    bool done = recommendations_aggregate(store.connection, input->arena, &options, &aggregated, error);
    CliAct act = {.action = "recommendation.aggregate", .target_id = options.target_id};
    return cli_store_audit(&store, &act, done, error) && aggregated_write(input, &aggregated, error);
}

static bool
recommendations_run(CliInput *input, int *ret_exit_status, Error *error)
{
    static const CliAction actions[] = {{"list", 0, 0, list_run},
                                        {"show", 1, 1, show_run},
                                        {"dismiss", 1, 2, dismiss_run},
                                        {"aggregate", 0, 0, aggregate_run},
                                        {NULL, 0, 0, NULL}};
    *ret_exit_status = CLI_EXIT_NOTHING;
    return input->argument_count == 0 ? list_run(input, error) : cli_action_run(input, actions, error);
}

const CliVerb cli_verb_recommendations = {
    .name = "recommendations",
    .arguments = "[list|show ID|dismiss ID [REASON]|aggregate]",
    .arguments_most = 3,
    .summary = "what all analyses recommend, the best return first",
    .description =
        "What the analyses found is aggregated into one list: confidence, improvement and urgency make the "
        "return by\nwhich it is ranked. Findings that propose the same change become one. The saving is time "
        "of the server in an\nhour, with the range that results of the kind have shown so far. \"fettle "
        "apply "
        "ID\" carries one out.",
    .examples = "  fettle recommendations\n"
                "  fettle recommendations show 17\n"
                "  fettle recommendations dismiss 17 \"the table is going away\"\n"
                "  fettle recommendations aggregate --target shop\n"
                "  fettle recommendations --source index --json | jq '.[].roi_score'\n",
    .options = recommendations_options,
    .run = recommendations_run,
};
