// SPDX-License-Identifier: PostgreSQL
#include "base/json_writer.h"
#include "base/list.h"
#include "cli/store_session.h"
#include "cli/table.h"
#include "workflow/approval.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

extern const CliVerb cli_verb_policy;

/* In place of a class: what the server's settings say. */
#define SERVERS_WORD "server"

static const CliOption policy_options[] = {
    {"json", 0, NULL, "as JSON"},
    {"create-index", 0, "CLASS", "advise, ask or auto; server: as the settings approval.* say"},
    {"drop-index", 0, "CLASS", "the same for dropping an index"},
    {"replace-index", 0, "CLASS", "the same for replacing an index by another"},
    {"windows", 'w', "WINDOWS", "windows for maintenance, between semicolons; \"\": none, at any time"},
    {NULL, 0, NULL, NULL},
};

static bool
class_option(const CliInput *input, const char *name, const char **class, bool *is_changed, Error *error)
{
    ApprovalClass ignored;
    const char *text = cli_option(input, name);
    if (text == NULL)
        return true;
    bool is_servers = strcmp(text, SERVERS_WORD) == 0;
    if (!is_servers && !approval_class_parse(text, &ignored))
        return error_set(error, ERROR_USAGE, "--%s takes advise, ask, auto or server", name);
    *class = is_servers ? NULL : text;
    *is_changed = true;
    return true;
}

static void
windows_option(const CliInput *input, ChangePolicy *policy, bool *is_changed)
{
    TextList windows = {0};
    char *state = NULL;
    const char *text = cli_option(input, "windows");
    if (text == NULL)
        return;
    for (char *item = strtok_r(arena_strdup(input->arena, text), ";", &state); item != NULL;
         item = strtok_r(NULL, ";", &state)) {
        while (isspace((unsigned char)*item))
            item++;
        if (*item != '\0')
            vector_push(input->arena, &windows, item);
    }
    policy->windows = windows.items;
    policy->window_count = windows.count;
    *is_changed = true;
}

static void
append_json(Text *text, const Target *target, const ChangePolicy *policy, const Approval *approval)
{
    JsonWriter json = json_writer_new(text, true);
    json_object_begin(&json);
    json_key_string(&json, "target", target->name);
    for (int action = 0; action < CHANGE_ACTIONS; action++) {
        json_key(&json, change_action_word((ChangeAction)action));
        json_object_begin(&json);
        json_key_string(&json, "class", approval_class_word(approval->classes[action]));
        json_key_bool(&json, "is_own", approval->is_own[action]);
        json_object_end(&json);
    }
    json_key(&json, "windows");
    json_array_begin(&json);
    for (size_t i = 0; i < policy->window_count; i++)
        json_write_string(&json, policy->windows[i]);
    json_array_end(&json);
    json_key_string(&json, "window_opens_at",
                    policy->opens_us == 0 ? NULL : clock_format_utc(text->arena, policy->opens_us));
    json_key_string(&json, "window_closes_at",
                    policy->opens_us == 0 ? NULL : clock_format_utc(text->arena, policy->closes_us));
    json_object_end(&json);
    text_append_char(text, '\n');
}

static void
append_words(Text *text, const Target *target, const ChangePolicy *policy, const Approval *approval)
{
    Arena *arena = text->arena;
    text_append_format(text, "target %s\n", target->name);
    for (int action = 0; action < CHANGE_ACTIONS; action++)
        text_append_format(text, "  %-14s %-7s %s\n", change_action_word((ChangeAction)action),
                           approval_class_word(approval->classes[action]),
                           approval->is_own[action] ? "its own" : "the server's");
    if (policy->window_count == 0)
        text_append(text, "  no windows: changes may begin at any time\n");
    for (size_t i = 0; i < policy->window_count; i++)
        text_append_format(text, "  window         %s\n", cli_without_controls(arena, policy->windows[i]));
    if (policy->opens_us == 0 && policy->window_count > 0)
        text_append(text,
                    "  no window can be read: the store's server does not know their zones (any more)\n");
    if (policy->opens_us != 0)
        text_append_format(
            text, "  %-14s %s to %s\n", change_policy_is_open(policy, clock_wall_us()) ? "open" : "next",
            clock_format_utc(arena, policy->opens_us), clock_format_utc(arena, policy->closes_us));
}

static bool
policy_change(CliInput *input, CliStore *store, const Target *target, ChangePolicy *policy, Error *error)
{
    bool done =
        change_policy_write(store->connection, input->arena, target->target_id, policy, store->actor, error);
    CliAct act = {.action = "target.change_policy",
                  .object = arena_printf(input->arena, "target:%" PRId64, target->target_id),
                  .target_id = target->target_id,
                  .details = change_policy_details(input->arena, policy)};
    return cli_store_audit(store, &act, done, error) &&
           change_policy_read(store->connection, input->arena, target->target_id, clock_wall_us(), policy,
                              error);
}

static bool
policy_run(CliInput *input, int *ret_exit_status, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    Target target;
    ChangePolicy policy;
    Approval approval;
    bool is_changed = false;
    *ret_exit_status = CLI_EXIT_NOTHING;
    if (!cli_store_open(input, false, &store, error) ||
        !cli_target_find(&store, input->arguments[0], &target, error) ||
        !change_policy_read(store.connection, input->arena, target.target_id, clock_wall_us(), &policy,
                            error) ||
        !class_option(input, "create-index", &policy.classes[CHANGE_CREATE_INDEX], &is_changed, error) ||
        !class_option(input, "drop-index", &policy.classes[CHANGE_DROP_INDEX], &is_changed, error) ||
        !class_option(input, "replace-index", &policy.classes[CHANGE_REPLACE_INDEX], &is_changed, error))
        return false;
    windows_option(input, &policy, &is_changed);
    if ((is_changed && !policy_change(input, &store, &target, &policy, error)) ||
        !approval_standard(input->settings, &approval, error))
        return false;
    approval = approval_of_policy(&approval, &policy);
    Text text = text_new(input->arena);
    if (cli_option(input, "json") != NULL)
        append_json(&text, &target, &policy, &approval);
    else if (!input->is_quiet || !is_changed)
        append_words(&text, &target, &policy, &approval);
    return cli_write(input, text.data, text.length, error);
}

const CliVerb cli_verb_policy = {
    .name = "policy",
    .arguments = "NAME",
    .arguments_least = 1,
    .arguments_most = 1,
    .summary = "what may be changed on a target, by whom, and when",
    .description =
        "Each kind of action has a class: advise (recommended, never carried out), ask (carried out when you "
        "approve it)\nor auto (the service carries it out, too). A target's own class goes before the "
        "settings approval.*. Windows for\nmaintenance are \"Sat 02:00-05:00 Europe/Paris\", \"Mon-Fri "
        "22:00-04:00\", \"daily 01:00-03:00\"; without a zone\nit is UTC. What happens by itself begins "
        "within "
        "them only; what you approve, when you say so (apply --when).",
    .examples = "  fettle policy shop\n"
                "  fettle policy shop --create-index auto --windows \"Sat 02:00-05:00 Europe/Paris\"\n"
                "  fettle policy shop --drop-index advise\n"
                "  fettle policy shop --create-index server --windows \"\"\n",
    .options = policy_options,
    .run = policy_run,
};
