// SPDX-License-Identifier: PostgreSQL
/*
 * fettle pause, fettle resume and fettle status: the kill switch, and whether it is on.
 */
#include "base/json_writer.h"
#include "cli/recommendation_argument.h"
#include "cli/store_session.h"
#include "cli/table.h"
#include "store/index_change.h"
#include "store/pause.h"

#include <inttypes.h>

extern const CliVerb cli_verb_pause;
extern const CliVerb cli_verb_resume;
extern const CliVerb cli_verb_status;

static const CliOption pause_options[] = {
    {"json", 0, NULL, "as JSON"},
    {"target", 't', "NAME", "only this target (default: all)"},
    {"reason", 'r', "TEXT", "why; told to everybody whose change is refused"},
    {"all", 0, NULL, "undo nothing either, not even what does harm"},
    {"let-finish", 0, NULL, "what runs already may finish (default: it is cancelled and cleaned up)"},
    {NULL, 0, NULL, NULL},
};

static const CliOption resume_options[] = {
    {"json", 0, NULL, "as JSON"},
    {"target", 't', "NAME", "the pause of this target (default: that of all targets)"},
    {NULL, 0, NULL, NULL},
};

static const CliOption status_options[] = {
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

/* The target that --target names; 0 without it. */
static bool
target_option(const CliInput *input, const CliStore *store, int64_t *ret_target_id, Error *error)
{
    Target target;
    const char *name = cli_option(input, "target");
    *ret_target_id = 0;
    if (name == NULL)
        return true;
    if (!cli_target_find(store, name, &target, error))
        return false;
    *ret_target_id = target.target_id;
    return true;
}

static const char *
subject(const CliInput *input)
{
    const char *name = cli_option(input, "target");
    return name == NULL ? "all targets" : arena_printf(input->arena, "target %s", name);
}

static const char *
pause_details(Arena *arena, const PauseOrder *order, int64_t stopped)
{
    Text details = text_new(arena);
    JsonWriter json = json_writer_new(&details, false);
    json_object_begin(&json);
    json_key_string(&json, "reason", order->reason);
    json_key_bool(&json, "stops_undo", order->stops_undo);
    json_key_bool(&json, "lets_finish", order->lets_finish);
    json_key_int(&json, "stopped", stopped);
    json_object_end(&json);
    return details.data;
}

static bool
pause_write(CliInput *input, const PauseOrder *order, int64_t stopped, Error *error)
{
    Text text = text_new(input->arena);
    if (cli_option(input, "json") != NULL) {
        text_append_format(&text, "%s\n", pause_details(input->arena, order, stopped));
    } else if (!input->is_quiet) {
        text_append_format(&text, "changes of %s are paused%s\n", subject(input),
                           order->stops_undo ? ", and nothing is undone"
                                             : "; what does harm is still undone");
        if (stopped > 0)
            text_append_format(&text,
                               "%" PRId64
                               " that waited or ran %s asked to stop; \"fettle status\" shows them "
                               "until they have\n",
                               stopped, stopped == 1 ? "is" : "are");
    }
    return cli_write(input, text.data, text.length, error);
}

static bool
pause_run(CliInput *input, int *ret_exit_status, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    int64_t stopped = 0;
    PauseOrder order = {.reason = cli_option(input, "reason"),
                        .stops_undo = cli_option(input, "all") != NULL,
                        .lets_finish = cli_option(input, "let-finish") != NULL};
    *ret_exit_status = CLI_EXIT_NOTHING;
    if (order.reason == NULL)
        return error_set(error, ERROR_USAGE, "a pause needs its --reason");
    if (!cli_store_open(input, false, &store, error) ||
        !target_option(input, &store, &order.target_id, error))
        return false;
    order.actor = store.actor;
    bool done = pause_begin(store.connection, &order, &stopped, error);
    CliAct act = {.action = "changes.pause",
                  .object = "changes",
                  .target_id = order.target_id,
                  .details = pause_details(input->arena, &order, stopped)};
    return cli_store_audit(&store, &act, done, error) && pause_write(input, &order, stopped, error);
}

static bool
resume_run(CliInput *input, int *ret_exit_status, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    Pauses left = {0};
    int64_t target_id;
    *ret_exit_status = CLI_EXIT_NOTHING;
    if (!cli_store_open(input, false, &store, error) || !target_option(input, &store, &target_id, error))
        return false;
    bool done = pause_end(store.connection, target_id, store.actor, error);
    CliAct act = {.action = "changes.resume", .object = "changes", .target_id = target_id};
    if (!cli_store_audit(&store, &act, done, error) ||
        !pause_list(store.connection, input->arena, &left, error))
        return false;
    Text text = text_new(input->arena);
    if (cli_option(input, "json") != NULL)
        text_append_format(&text, "{\"pauses\": %zu}\n", left.count);
    else if (!input->is_quiet)
        text_append_format(&text, "changes of %s go on\n", subject(input));
    for (size_t i = 0; i < left.count && cli_option(input, "json") == NULL && !input->is_quiet; i++)
        text_append_format(&text, "changes of %s%s stay paused\n",
                           left.items[i].target_id == 0 ? "all targets" : "target ",
                           left.items[i].target_id == 0 ? "" : left.items[i].target_name);
    return cli_write(input, text.data, text.length, error);
}

static void
append_pause(Text *text, const Pause *pause)
{
    Arena *arena = text->arena;
    text_append_format(
        text, "changes of %s%s are paused since %s by %s: %s\n",
        pause->target_id == 0 ? "all targets" : "target ", pause->target_id == 0 ? "" : pause->target_name,
        clock_format_utc(arena, pause->paused_at_us), cli_without_controls(arena, pause->paused_by),
        cli_without_controls(arena, pause->reason));
    text_append_format(text, "  what does harm is %s\n",
                       pause->stops_undo ? "not undone either" : "still undone");
}

static void
append_change(Text *text, const IndexChange *change)
{
    text_append_format(text, "index change %" PRId64 " is %s%s: %s\n", change->id, change->state,
                       change->wants_cancel ? ", asked to stop" : "",
                       cli_without_controls(text->arena, change->sql));
}

static void
status_json(Text *text, const Pauses *pauses, const IndexChanges *open)
{
    JsonWriter json = json_writer_new(text, true);
    json_object_begin(&json);
    json_key_bool(&json, "changes_paused", pauses->count > 0);
    json_key(&json, "pauses");
    json_array_begin(&json);
    for (size_t i = 0; i < pauses->count; i++) {
        json_object_begin(&json);
        json_key_id(&json, "target_id", pauses->items[i].target_id);
        json_key_string(&json, "target", pauses->items[i].target_name);
        json_key_string(&json, "reason", pauses->items[i].reason);
        json_key_bool(&json, "stops_undo", pauses->items[i].stops_undo);
        json_key_string(&json, "paused_by", pauses->items[i].paused_by);
        json_key_string(&json, "paused_at", clock_format_utc(text->arena, pauses->items[i].paused_at_us));
        json_object_end(&json);
    }
    json_array_end(&json);
    json_key_int(&json, "open_changes", open->total);
    json_object_end(&json);
    text_append_char(text, '\n');
}

static bool
status_run(CliInput *input, int *ret_exit_status, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    Pauses pauses;
    IndexChanges open;
    *ret_exit_status = CLI_EXIT_NOTHING;
    if (!cli_store_open(input, false, &store, error) ||
        !pause_list(store.connection, input->arena, &pauses, error) ||
        !index_change_list(store.connection, input->arena, 0, true, INDEX_CHANGES_MOST, &open, error))
        return false;
    Text text = text_new(input->arena);
    if (cli_option(input, "json") != NULL) {
        status_json(&text, &pauses, &open);
        return cli_write(input, text.data, text.length, error);
    }
    if (pauses.count == 0)
        text_append(&text, "changes are not paused\n");
    for (size_t i = 0; i < pauses.count; i++)
        append_pause(&text, &pauses.items[i]);
    for (size_t i = 0; i < open.count; i++)
        append_change(&text, &open.items[i]);
    return cli_write(input, text.data, text.length, error);
}

const CliVerb cli_verb_pause = {
    .name = "pause",
    .arguments = "",
    .summary = "stop every change, at once: the kill switch",
    .description =
        "Nothing is changed until \"fettle resume\", also after a restart: nothing by itself, and nothing "
        "that somebody\napproves. What runs is cancelled and cleaned up (--let-finish: not); a drop that has "
        "no way back is finished.\nUndoing goes on, by people and of what does harm, unless --all stops "
        "that, "
        "too.",
    .examples = "  fettle pause --reason \"incident 12\"\n"
                "  fettle pause --target shop --reason \"release day\" --let-finish\n"
                "  fettle pause --all --reason \"storage is being moved\"\n",
    .options = pause_options,
    .run = pause_run,
};

const CliVerb cli_verb_resume = {
    .name = "resume",
    .arguments = "",
    .summary = "let changes go on after a pause",
    .description =
        "Ends the pause of all targets, or that of one; each was made by itself and ends by itself.",
    .examples = "  fettle resume\n"
                "  fettle resume --target shop\n",
    .options = resume_options,
    .run = resume_run,
};

const CliVerb cli_verb_status = {
    .name = "status",
    .arguments = "",
    .summary = "whether changes are paused, and which are open",
    .description = "Pauses that are in force, with who made them and why, and the changes that wait or run.",
    .examples = "  fettle status\n"
                "  fettle status --json | jq .changes_paused\n",
    .options = status_options,
    .run = status_run,
};
