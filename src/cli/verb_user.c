// SPDX-License-Identifier: PostgreSQL
#include "cli/secret_input.h"
#include "cli/store_session.h"
#include "cli/table.h"

#include "base/json_writer.h"

extern const CliVerb cli_verb_user;

static const CliOption user_options[] = {
    {"json", 0, NULL, "as JSON (list)"},
    {"role", 0, "ROLE", "viewer, operator or admin (add; default: viewer)"},
    {"password-file", 0, "FILE", "the password is the first line of this file (\"-\": standard input)"},
    {NULL, 0, NULL, NULL},
};

static bool
list_run(CliInput *input, Error *error)
{
    static const CliColumn columns[] = {
        {"ID", "id", CLI_NUMBER},
        {"USER", "username", CLI_TEXT},
        {"ROLE", "role", CLI_TEXT},
        {"DISABLED", "disabled", CLI_BOOL},
        {"CREATED", "created_at", CLI_TIME},
        {"LAST LOGIN", "last_login_at", CLI_TIME},
    };
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    UserList list;
    if (!cli_store_open(input, false, &store, error) ||
        !user_list(store.connection, input->arena, &list, error))
        return false;
    CliTable table = cli_table_new(input->arena, columns, FETTLE_COUNT_OF(columns));
    for (size_t i = 0; i < list.count; i++) {
        cli_table_number(&table, list.items[i].id);
        cli_table_text(&table, list.items[i].username);
        cli_table_text(&table, role_word(list.items[i].role));
        cli_table_number(&table, list.items[i].is_disabled);
        cli_table_number(&table, list.items[i].created_at_us);
        cli_table_number(&table, list.items[i].last_login_at_us);
    }
    Text text = text_new(input->arena);
    cli_table_append(&table, &text, cli_option(input, "json") != NULL,
                     "there is no user yet: add one with \"fettle user add NAME --role admin\"\n");
    return cli_write(input, text.data, text.length, error);
}

static bool
role_read(const char *word, Role *ret_role, Error *error)
{
    *ret_role = role_from_word(word);
    return *ret_role != ROLE_NONE || error_set(error, ERROR_USAGE, "a role is viewer, operator or admin");
}

static bool
password_read(CliInput *input, char **ret_password, Error *error)
{
    return secret_input_read(input->arena, cli_option(input, "password-file"), "new password", true,
                             ret_password, error);
}

static bool
add_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    const char *name = input->arguments[1];
    const char *word = cli_option(input, "role");
    char *password = NULL;
    Role role;
    int64_t id = 0;
    if (!role_read(word == NULL ? "viewer" : word, &role, error) || !password_read(input, &password, error) ||
        !cli_store_open(input, false, &store, error))
        return false;
    bool done = user_create(store.connection, name, password, role, &id, error);
    CliAct act = {.action = "user.create",
                  .object = arena_printf(input->arena, "user:%s", name),
                  .details = arena_printf(input->arena, "{\"role\": \"%s\"}", role_word(role))};
    return cli_store_audit(&store, &act, done, error);
}

static bool
change_user(CliInput *input, const UserChange *change, const char *action, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    User user;
    if (!cli_store_open(input, false, &store, error) ||
        !cli_user_find(&store, input->arguments[1], &user, error))
        return false;
    bool done = user_update(store.connection, user.id, change, error);
    CliAct act = {.action = action, .object = arena_printf(input->arena, "user:%s", user.username)};
    return cli_store_audit(&store, &act, done, error);
}

static bool
passwd_run(CliInput *input, Error *error)
{
    char *password = NULL;
    if (!password_read(input, &password, error))
        return false;
    UserChange change = {.password = password, .disabled = -1};
    return change_user(input, &change, "user.password", error);
}

static bool
role_run(CliInput *input, Error *error)
{
    UserChange change = {.disabled = -1};
    return role_read(input->arguments[2], &change.role, error) &&
           change_user(input, &change, "user.role", error);
}

static bool
disable_run(CliInput *input, Error *error)
{
    return change_user(input, &(UserChange){.disabled = 1}, "user.disable", error);
}

static bool
enable_run(CliInput *input, Error *error)
{
    return change_user(input, &(UserChange){.disabled = 0}, "user.enable", error);
}

static bool
remove_run(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    User user;
    if (!cli_store_open(input, false, &store, error) ||
        !cli_user_find(&store, input->arguments[1], &user, error))
        return false;
    bool done = user_delete(store.connection, user.id, error);
    CliAct act = {.action = "user.delete", .object = arena_printf(input->arena, "user:%s", user.username)};
    return cli_store_audit(&store, &act, done, error);
}

static bool
user_run(CliInput *input, int *ret_exit_status, Error *error)
{
    static const CliAction actions[] = {
        {"add", 1, 1, add_run},         {"list", 0, 0, list_run},
        {"passwd", 1, 1, passwd_run},   {"role", 2, 2, role_run},
        {"disable", 1, 1, disable_run}, {"enable", 1, 1, enable_run},
        {"remove", 1, 1, remove_run},   {NULL, 0, 0, NULL},
    };
    *ret_exit_status = CLI_EXIT_NOTHING;
    return cli_action_run(input, actions, error);
}

const CliVerb cli_verb_user = {
    .name = "user",
    .arguments = "add NAME|list|passwd NAME|role NAME ROLE|disable NAME|enable NAME|remove NAME",
    .arguments_least = 1,
    .arguments_most = 3,
    .summary = "who may log in to the service",
    .description =
        "viewer reads; operator also analyses, trains and carries out; admin also manages users, tokens and "
        "settings.\nA password is asked for at the terminal, or read from a file, never from the command "
        "line. A new password, and disabling,\nend the user's tokens. The last enabled admin stays.",
    .examples = "  fettle user add ann --role admin\n"
                "  fettle user passwd ann --password-file new-password\n"
                "  fettle user role bob operator\n"
                "  fettle user list\n",
    .options = user_options,
    .run = user_run,
};
