// SPDX-License-Identifier: PostgreSQL
#include "cli/store_session.h"
#include "cli/table.h"

#include "base/json_writer.h"
#include "base/clock.h"
#include "store/token.h"

extern const CliVerb cli_verb_token;

static const CliOption token_options[] = {
    {"json", 0, NULL, "as JSON"},
    {"role", 0, "ROLE", "viewer, operator or admin (create)"},
    {"name", 0, "NAME", "what it is for (create)"},
    {"ttl", 0, "TIME", "how long it lives, such as 12h or 90d (create; default: until it is revoked)"},
    {"user", 0, "NAME", "the token is this user's and ends with the user (create); only this user's (list)"},
    {NULL, 0, NULL, NULL},
};

static bool
read_order(CliInput *input, const CliStore *store, TokenOrder *order, Error *error)
{
    const char *role = cli_option(input, "role");
    const char *lifetime = cli_option(input, "ttl");
    const char *user_name = cli_option(input, "user");
    const char *name = cli_option(input, "name");
    User user = {0};
    order->name = name == NULL ? "" : name;
    order->role = role == NULL ? ROLE_NONE : role_from_word(role);
    if (order->role == ROLE_NONE)
        return error_set(error, ERROR_USAGE, "--role viewer, operator or admin is needed");
    if (lifetime != NULL &&
        (!setting_duration_parse(lifetime, &order->lifetime_ms) || order->lifetime_ms < 1))
        return error_set(error, ERROR_USAGE, "--ttl takes a time such as 12h or 90d");
    if (user_name != NULL && !cli_user_find(store, user_name, &user, error))
        return false;
    order->user_id = user.id;
    return true;
}

static void
append_token(CliInput *input, Text *text, int64_t id, const char *secret, int64_t expires_at_us)
{
    if (cli_option(input, "json") == NULL) {
        text_append_format(text, "%s\n", secret);
        return;
    }
    JsonWriter json = json_writer_new(text, true);
    json_object_begin(&json);
    json_key_int(&json, "id", id);
    json_key_string(&json, "token", secret);
    json_key_string(&json, "expires_at",
                    expires_at_us == 0 ? NULL : clock_format_utc(input->arena, expires_at_us));
    json_object_end(&json);
    text_append_char(text, '\n');
}

static bool
create_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    TokenOrder order = {0};
    char secret[TOKEN_TEXT_BYTES];
    int64_t id = 0;
    int64_t expires_at_us = 0;
    if (!cli_store_open(input, false, &store, error) || !read_order(input, &store, &order, error))
        return false;
    bool done = token_create(store.connection, &order, secret, &id, &expires_at_us, error);
    CliAct act = {.action = "token.create",
                  .object = arena_printf(input->arena, "token:%lld", (long long)id),
                  .details = arena_printf(input->arena, "{\"role\": \"%s\"}", role_word(order.role))};
    if (!cli_store_audit(&store, &act, done, error))
        return false;
    Text text = text_new(input->arena);
    append_token(input, &text, id, secret, expires_at_us);
    return cli_write(input, text.data, text.length, error);
}

static bool
list_run(CliInput *input, Error *error)
{
    static const CliColumn columns[] = {
        {"ID", "id", CLI_NUMBER},
        {"NAME", "name", CLI_TEXT},
        {"USER", "username", CLI_TEXT},
        {"ROLE", "role", CLI_TEXT},
        {"CREATED", "created_at", CLI_TIME},
        {"EXPIRES", "expires_at", CLI_TIME},
        {"LAST USED", "last_used_at", CLI_TIME},
        {"REVOKED", "revoked_at", CLI_TIME},
    };
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    TokenList list;
    User user = {0};
    const char *user_name = cli_option(input, "user");
    if (!cli_store_open(input, false, &store, error) ||
        (user_name != NULL && !cli_user_find(&store, user_name, &user, error)) ||
        !token_list(store.connection, input->arena, user.id, &list, error))
        return false;
    CliTable table = cli_table_new(input->arena, columns, FETTLE_COUNT_OF(columns));
    for (size_t i = 0; i < list.count; i++) {
        const Token *token = &list.items[i];
        cli_table_number(&table, token->id);
        cli_table_text(&table, token->name);
        cli_table_text(&table, token->username);
        cli_table_text(&table, role_word(token->role));
        cli_table_number(&table, token->created_at_us);
        cli_table_number(&table, token->expires_at_us);
        cli_table_number(&table, token->last_used_at_us);
        cli_table_number(&table, token->revoked_at_us);
    }
    Text text = text_new(input->arena);
    cli_table_append(&table, &text, cli_option(input, "json") != NULL,
                     "there is no token yet: make one with \"fettle token create --role viewer\"\n");
    return cli_write(input, text.data, text.length, error);
}

static bool
revoke_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    int64_t id = 0;
    if (!text_parse_int64(input->arguments[1], &id) || id <= 0)
        return error_set(error, ERROR_USAGE, "a token is revoked by its number") ||
               error_set_hint(error, "\"fettle token list\" shows it");
    if (!cli_store_open(input, false, &store, error))
        return false;
    bool done = token_revoke(store.connection, id, error);
    CliAct act = {.action = "token.revoke",
                  .object = arena_printf(input->arena, "token:%lld", (long long)id)};
    return cli_store_audit(&store, &act, done, error);
}

static bool
token_run(CliInput *input, int *ret_exit_status, Error *error)
{
    static const CliAction actions[] = {
        {"create", 0, 0, create_run},
        {"list", 0, 0, list_run},
        {"revoke", 1, 1, revoke_run},
        {NULL, 0, 0, NULL},
    };
    *ret_exit_status = CLI_EXIT_NOTHING;
    return cli_action_run(input, actions, error);
}

const CliVerb cli_verb_token = {
    .name = "token",
    .arguments = "create|list|revoke ID",
    .arguments_least = 1,
    .arguments_most = 2,
    .summary = "tokens for the REST API",
    .description =
        "create prints the token once; only a hash of it is kept.\n"
        "A token's role is never above its user's; revoking it, or disabling its user, ends it at once.",
    .examples = "  fettle token create --role viewer --name grafana\n"
                "  fettle token create --role operator --ttl 90d --user ann\n"
                "  fettle token list\n"
                "  fettle token revoke 3\n",
    .options = token_options,
    .run = token_run,
};
