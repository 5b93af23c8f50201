// SPDX-License-Identifier: PostgreSQL
#include "base/json_writer.h"
#include "base/list.h"
#include "cli/secret_input.h"
#include "cli/store_session.h"
#include "cli/table.h"
#include "store/notice.h"
#include "store/webhook.h"
#include "workflow/webhook_send.h"

#include <inttypes.h>
#include <string.h>

extern const CliVerb cli_verb_webhook;

VECTOR_DEFINE(TargetIds, int64_t);

static const CliOption webhook_options[] = {
    {"json", 0, NULL, "as JSON"},
    {"kind", 0, "KIND", "generic (default) or slack"},
    {"event", 'e', "EVENTS", "only these events, separated by commas (default: all)"},
    {"target", 't', "TARGETS", "only these targets, by name or number, separated by commas (default: all)"},
    {"secret", 'S', NULL, "ask for the signing secret"},
    {"secret-file", 0, "FILE", "the signing secret is the first line of this file (\"-\": standard input)"},
    {NULL, 0, NULL, NULL},
};

static const char *
joined(Arena *arena, const char *const *texts, size_t count)
{
    Text text = text_new(arena);
    for (size_t i = 0; i < count; i++)
        text_append_format(&text, "%s%s", i == 0 ? "" : ",", texts[i]);
    return count == 0 ? "all" : text.data;
}

static const char *
joined_ids(Arena *arena, const int64_t *ids, size_t count)
{
    Text text = text_new(arena);
    for (size_t i = 0; i < count; i++)
        text_append_format(&text, "%s%" PRId64, i == 0 ? "" : ",", ids[i]);
    return count == 0 ? "all" : text.data;
}

static bool
list_run(CliInput *input, Error *error)
{
    static const CliColumn columns[] = {
        {"ID", "webhook_id", CLI_NUMBER},
        {"NAME", "name", CLI_TEXT},
        {"KIND", "kind", CLI_TEXT},
        {"ENABLED", "enabled", CLI_BOOL},
        {"WHERE", "origin", CLI_TEXT},
        {"SIGNED", "has_secret", CLI_BOOL},
        {"EVENTS", "events", CLI_TEXT},
        {"TARGETS", "target_ids", CLI_TEXT},
        {"WAITING", "waiting", CLI_NUMBER},
        {"GIVEN UP", "given_up", CLI_NUMBER},
        {"LAST SENT", "last_success_at", CLI_TIME},
        {"ERROR", "last_error", CLI_TEXT},
        {NULL, "failures", CLI_NUMBER},
        {NULL, "paused_until", CLI_TIME},
        {NULL, "last_failure_at", CLI_TIME},
        {NULL, "created_at", CLI_TIME},
    };
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    WebhookList list;
    if (!cli_store_open(input, false, &store, error) ||
        !webhook_list(store.connection, input->arena, &list, error))
        return false;
    CliTable table = cli_table_new(input->arena, columns, FETTLE_COUNT_OF(columns));
    table.screen_columns = input->screen_columns;
    for (size_t i = 0; i < list.count; i++) {
        const Webhook *webhook = &list.items[i];
        cli_table_number(&table, webhook->webhook_id);
        cli_table_text(&table, webhook->name);
        cli_table_text(&table, webhook_kind_word(webhook->kind));
        cli_table_number(&table, webhook->is_enabled);
        cli_table_text(&table, webhook->origin);
        cli_table_number(&table, webhook->has_secret);
        cli_table_text(&table, joined(input->arena, webhook->events, webhook->event_count));
        cli_table_text(&table, joined_ids(input->arena, webhook->target_ids, webhook->target_count));
        cli_table_number(&table, webhook->waiting);
        cli_table_number(&table, webhook->given_up);
        cli_table_number(&table, webhook->last_success_at_us);
        cli_table_text(&table, webhook->last_error);
        cli_table_number(&table, webhook->failures);
        cli_table_number(&table, webhook->paused_until_us);
        cli_table_number(&table, webhook->last_failure_at_us);
        cli_table_number(&table, webhook->created_at_us);
    }
    Text text = text_new(input->arena);
    cli_table_append(&table, &text, cli_option(input, "json") != NULL,
                     "there is no webhook yet: add one with \"fettle webhook add NAME URL\"\n");
    return cli_write(input, text.data, text.length, error);
}

static bool
secret_read(CliInput *input, WebhookChange *change, Error *error)
{
    const char *file = cli_option(input, "secret-file");
    char *secret = NULL;
    if (file == NULL && cli_option(input, "secret") == NULL)
        return true;
    if (!secret_input_read(input->arena, file, "signing secret", file == NULL, &secret, error))
        return false;
    change->secret = secret;
    return true;
}

static bool
filters_read(CliInput *input, const CliStore *store, WebhookChange *change, Error *error)
{
    const char *events = cli_option(input, "event");
    const char *targets = cli_option(input, "target");
    if (events != NULL) {
        TextList list = cli_words_split(input->arena, events);
        change->events = list.items;
        change->event_count = list.count;
    }
    if (targets == NULL)
        return true;
    TextList names = cli_words_split(input->arena, targets);
    TargetIds ids = {0};
    for (size_t i = 0; i < names.count; i++) {
        Target target;
        if (!cli_target_find(store, names.items[i], &target, error))
            return false;
        vector_push(input->arena, &ids, target.target_id);
    }
    change->target_ids = ids.items;
    change->target_count = ids.count;
    return true;
}

static bool
add_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    WebhookChange change = {.name = input->arguments[1], .kind = cli_option(input, "kind"), .enabled = 1};
    int64_t id = 0;
    change.url = secret_input_take_argument(input->arena, input->arguments[2]);
    if (!secret_read(input, &change, error) || !cli_store_open(input, false, &store, error) ||
        !filters_read(input, &store, &change, error))
        return false;
    bool done = webhook_create(store.store, store.connection, &change, &id, error);
    CliSubject subject = {"webhook", id, change.name};
    CliAct act = cli_subject_act(input, &subject, "create");
    return cli_store_audit(&store, &act, done, error) &&
           cli_subject_say(input, &subject, "added; try it with \"fettle webhook test\"", error);
}

/* By name, or by number when nobody has that name. */
static bool
find(const CliStore *store, const char *name, Webhook *ret_webhook, Error *error)
{
    int64_t id;
    if (webhook_find(store->connection, store->arena, name, ret_webhook, error))
        return true;
    if (error->code != ERROR_NOT_FOUND || !text_parse_int64(name, &id))
        return false;
    error_clear(error);
    return webhook_get(store->connection, store->arena, id, ret_webhook, error);
}

static bool
switch_run(CliInput *input, bool enabled, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    WebhookChange change = {.enabled = enabled ? 1 : 0};
    Webhook webhook;
    if (!cli_store_open(input, false, &store, error) || !find(&store, input->arguments[1], &webhook, error))
        return false;
    bool done = webhook_update(store.store, store.connection, webhook.webhook_id, &change, error);
    CliSubject subject = {"webhook", webhook.webhook_id, webhook.name};
    CliAct act = cli_subject_act(input, &subject, enabled ? "enable" : "disable");
    return cli_store_audit(&store, &act, done, error) &&
           cli_subject_say(input, &subject, enabled ? "enabled" : "disabled", error);
}

static bool
enable_run(CliInput *input, Error *error)
{
    return switch_run(input, true, error);
}

static bool
disable_run(CliInput *input, Error *error)
{
    return switch_run(input, false, error);
}

static bool
remove_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    Webhook webhook;
    if (!cli_store_open(input, false, &store, error) || !find(&store, input->arguments[1], &webhook, error))
        return false;
    bool done = webhook_delete(store.connection, webhook.webhook_id, error);
    CliSubject subject = {"webhook", webhook.webhook_id, webhook.name};
    CliAct act = cli_subject_act(input, &subject, "delete");
    return cli_store_audit(&store, &act, done, error) &&
           cli_subject_say(input, &subject, "removed, with what waited for it", error);
}

/* The test itself, whose failure is the act's. */
static bool
test_send(CliInput *input, const WebhookAddress *address, WebhookAnswer *ret_answer, Error *error)
{
    *ret_answer = webhook_send_test(input->arena, address, input->settings);
    if (ret_answer->is_delivered)
        return true;
    return error_set(error, ERROR_CONNECTION, "webhook %s did not take the message: %s", address->name,
                     ret_answer->reason);
}

static bool
test_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    Webhook webhook;
    WebhookAddress address;
    WebhookAnswer answer;
    if (!cli_store_open(input, false, &store, error) || !find(&store, input->arguments[1], &webhook, error) ||
        !webhook_address(store.store, store.connection, input->arena, webhook.webhook_id, &address, error))
        return false;
    bool done = test_send(input, &address, &answer, error);
    CliSubject subject = {"webhook", webhook.webhook_id, webhook.name};
    CliAct act = cli_subject_act(input, &subject, "test");
    return cli_store_audit(&store, &act, done, error) &&
           cli_subject_say(input, &subject,
                           arena_printf(input->arena, "took the message: answer %ld after %" PRId64 " ms",
                                        answer.status, answer.duration_ms),
                           error);
}

static bool
webhook_run(CliInput *input, int *ret_exit_status, Error *error)
{
    static const CliAction actions[] = {
        {"add", 2, 2, add_run},       {"list", 0, 0, list_run},     {"test", 1, 1, test_run},
        {"remove", 1, 1, remove_run}, {"enable", 1, 1, enable_run}, {"disable", 1, 1, disable_run},
        {NULL, 0, 0, NULL},
    };
    *ret_exit_status = CLI_EXIT_NOTHING;
    return cli_action_run(input, actions, error);
}

const CliVerb cli_verb_webhook = {
    .name = "webhook",
    .arguments = "add NAME URL|list|test NAME|remove NAME|enable NAME|disable NAME",
    .arguments_least = 1,
    .arguments_most = 3,
    .summary = "where people are told of advice, changes and incidents",
    .description =
        "A webhook gets a POST of JSON for each notice (\"fettle notices\"); of kind slack in the form that "
        "Slack's incoming\nwebhooks take. URL and signing secret are sealed with the key file and shown by "
        "nothing; a URL on the command\nline is taken off the process list at once. A message is signed when "
        "there is a secret, as Standard Webhooks are.\nThe events are " NOTICE_EVENT_WORDS ".",
    .examples = "  fettle webhook add chat https://hooks.slack.com/services/T0/B0/x --kind slack --event "
                "incident.opened,index.failed\n"
                "  fettle webhook add ops https://ops.example/fettle --secret-file secret --target shop\n"
                "  fettle webhook test ops\n"
                "  fettle webhook list --json\n",
    .options = webhook_options,
    .run = webhook_run,
};
