// SPDX-License-Identifier: PostgreSQL
#include "cli/scheduled_text.h"
#include "cli/store_session.h"

#include <inttypes.h>

extern const CliVerb cli_verb_schedule;

#define ROWS_SHOWN 100

static const CliOption schedule_options[] = {
    {"json", 0, NULL, "as JSON"},
    {"target", 't', "NAME", "only of this target"},
    {"all", 0, NULL, "those that have ended, too"},
    {NULL, 0, NULL, NULL},
};

static bool
list_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    Target target = {0};
    ScheduledChanges list;
    const char *name = cli_option(input, "target");
    if (!cli_store_open(input, false, &store, error) ||
        (name != NULL && !cli_target_find(&store, name, &target, error)))
        return false;
    ScheduledFilter filter = {.target_id = target.target_id,
                              .state = cli_option(input, "all") != NULL ? NULL : "waiting",
                              .limit = ROWS_SHOWN};
    if (!scheduled_change_list(store.connection, input->arena, &filter, &list, error))
        return false;
    Text text = text_new(input->arena);
    if (cli_option(input, "json") != NULL) {
        JsonWriter json = json_writer_new(&text, true);
        json_array_begin(&json);
        for (size_t i = 0; i < list.count; i++)
            scheduled_json_write(&json, &list.items[i]);
        json_array_end(&json);
        text_append_char(&text, '\n');
        return cli_write(input, text.data, text.length, error);
    }
    if (list.count == 0)
        text_append(&text, "no change waits for its moment; \"fettle apply ID --when window\" plans one\n");
    for (size_t i = 0; i < list.count; i++)
        scheduled_text_append(&text, &list.items[i]);
    return cli_write(input, text.data, text.length, error);
}

static bool
cancel_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    int64_t id;
    int64_t target_id = 0;
    if (!text_parse_int64(input->arguments[1], &id) || id < 1)
        return error_set(error, ERROR_USAGE, "\"%.40s\" is no number of a scheduled change",
                         input->arguments[1]);
    ScheduledChange found;
    if (!cli_store_open(input, false, &store, error) ||
        !scheduled_change_get(store.connection, input->arena, id, &found, error))
        return false;
    ScheduledEnd end = {.state = "cancelled",
                        .message = arena_printf(input->arena, "cancelled by %s", store.actor)};
    bool done = scheduled_change_end(store.connection, id, &end, &target_id, error);
    CliAct act = {.action = "schedule.cancel",
                  .object = arena_printf(input->arena, "scheduled_change:%" PRId64, id),
                  .target_id = target_id};
    if (!cli_store_audit(&store, &act, done, error))
        return false;
    Text text = text_new(input->arena);
    if (cli_option(input, "json") != NULL)
        text_append_format(&text, "{\"scheduled_change_id\": %" PRId64 ", \"state\": \"cancelled\"}\n", id);
    else if (!input->is_quiet)
        text_append_format(&text, "scheduled change %" PRId64 " is cancelled\n", id);
    return cli_write(input, text.data, text.length, error);
}

static bool
schedule_run(CliInput *input, int *ret_exit_status, Error *error)
{
    static const CliAction actions[] = {
        {"list", 0, 0, list_run}, {"cancel", 1, 1, cancel_run}, {NULL, 0, 0, NULL}};
    *ret_exit_status = CLI_EXIT_NOTHING;
    return input->argument_count == 0 ? list_run(input, error) : cli_action_run(input, actions, error);
}

const CliVerb cli_verb_schedule = {
    .name = "schedule",
    .arguments = "[list|cancel ID]",
    .arguments_most = 2,
    .summary = "approved changes that wait for their moment",
    .description =
        "What was approved with --when window or quiet, and when it is planned. The service makes it at that "
        "moment, if it\napplies then as it did; else it is refused, which --all shows. What waits too long "
        "expires (approval.expiry).",
    .examples = "  fettle schedule\n"
                "  fettle schedule cancel 3\n"
                "  fettle schedule --all --json | jq '.[] | select(.state == \"refused\").message'\n",
    .options = schedule_options,
    .run = schedule_run,
};
