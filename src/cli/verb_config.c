// SPDX-License-Identifier: PostgreSQL
#include "cli/store_session.h"
#include "cli/table.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

extern const CliVerb cli_verb_config;

static const CliOption config_options[] = {
    {"json", 0, NULL, "as JSON (show)"},
    {NULL, 0, NULL, NULL},
};

static bool
needs_pair(const Settings *settings, SettingId one, SettingId other, Error *error)
{
    if (settings_get_text(settings, one)[0] == '\0' || settings_get_text(settings, other)[0] != '\0')
        return true;
    error_set(error, ERROR_INPUT, "%s: %s is set, and %s is not", settings_get_source(settings, one),
              setting_info(one)->name, setting_info(other)->name);
    return error_set_hint(error, "TLS needs both");
}

static bool
check_file_exists(const Settings *settings, SettingId id, Error *error)
{
    const char *path = settings_get_text(settings, id);
    return path[0] == '\0' || file_exists(path) ||
           error_set(error, ERROR_INPUT, "%s: the file of %s is not there: %.300s",
                     settings_get_source(settings, id), setting_info(id)->name, path);
}

/* "127.0.0.1:8080", "[::1]:8080", ":8080" */
static bool
check_listen(const Settings *settings, Error *error)
{
    const char *address = settings_get_text(settings, SETTING_SERVER_LISTEN);
    const char *colon = strrchr(address, ':');
    int64_t port = 0;
    if (colon != NULL && text_parse_int64(colon + 1, &port) && port >= 0 && port <= 65535)
        return true;
    error_set(error, ERROR_INPUT, "%s: \"%.100s\" is not a value for server.listen",
              settings_get_source(settings, SETTING_SERVER_LISTEN), address);
    return error_set_hint(error, "it takes an address and a port, such as 127.0.0.1:8080 or [::1]:8080");
}

static bool
check_log_level(const Settings *settings, Error *error)
{
    static const char *const levels[] = {"error", "warning", "info", "debug"};
    const char *level = settings_get_text(settings, SETTING_LOG_LEVEL);
    for (size_t i = 0; i < FETTLE_COUNT_OF(levels); i++)
        if (strcmp(levels[i], level) == 0)
            return true;
    return error_set(error, ERROR_INPUT, "%s: log.level takes error, warning, info or debug",
                     settings_get_source(settings, SETTING_LOG_LEVEL));
}

static bool
check_store_url(Arena *arena, const Settings *settings, Error *error)
{
    const char *url = settings_get_text(settings, SETTING_STORE_URL);
    PgDsnParts parts;
    return url[0] == '\0' || pg_dsn_split(arena, url, &parts, error) ||
           error_prefix(error, "%s: store.url", settings_get_source(settings, SETTING_STORE_URL));
}

/* What single values cannot show. */
static bool
check_together(Arena *arena, const Settings *settings, Error *error)
{
    return check_listen(settings, error) && check_log_level(settings, error) &&
           check_store_url(arena, settings, error) &&
           needs_pair(settings, SETTING_SERVER_TLS_CERTIFICATE, SETTING_SERVER_TLS_KEY, error) &&
           needs_pair(settings, SETTING_SERVER_TLS_KEY, SETTING_SERVER_TLS_CERTIFICATE, error) &&
           check_file_exists(settings, SETTING_SERVER_TLS_CERTIFICATE, error) &&
           check_file_exists(settings, SETTING_SERVER_TLS_KEY, error) &&
           check_file_exists(settings, SETTING_CLUSTER_BINARIES, error);
}

static bool
check_run(CliInput *input, Error *error)
{
    Settings *settings = settings_new(input->arena);
    const Settings *checked = input->settings;
    const char *path = input->argument_count > 1 ? input->arguments[1] : NULL;
    if (path != NULL) {
        if (!settings_read_file(settings, path, error))
            return false;
        checked = settings;
    }
    if (!check_together(input->arena, checked, error))
        return false;
    const char *words =
        path == NULL ? "the settings are good\n" : arena_printf(input->arena, "%s is good\n", path);
    return input->is_quiet || cli_write(input, words, strlen(words), error);
}

static bool
show_run(CliInput *input, Error *error)
{
    static const CliColumn columns[] = {
        {"SETTING", "name", CLI_TEXT},        {"VALUE", "value", CLI_TEXT}, {"FROM", "source", CLI_TEXT},
        {"TAKES EFFECT", "effect", CLI_TEXT}, {NULL, "default", CLI_TEXT},  {NULL, "documentation", CLI_TEXT},
    };
    CliTable table = cli_table_new(input->arena, columns, FETTLE_COUNT_OF(columns));
    for (int id = 0; id < SETTING_COUNT; id++) {
        const SettingInfo *info = setting_info((SettingId)id);
        cli_table_text(&table, info->name);
        cli_table_text(&table, settings_get_shown(input->settings, (SettingId)id));
        cli_table_text(&table, settings_get_source(input->settings, (SettingId)id));
        cli_table_text(&table, info->effect == SETTING_RELOAD ? "reload" : "restart");
        cli_table_text(&table, info->standard);
        cli_table_text(&table, info->documentation);
    }
    Text text = text_new(input->arena);
    cli_table_append(&table, &text, cli_option(input, "json") != NULL, "");
    return cli_write(input, text.data, text.length, error);
}

static bool
config_run(CliInput *input, int *ret_exit_status, Error *error)
{
    static const CliAction actions[] = {
        {"check", 0, 1, check_run},
        {"show", 0, 0, show_run},
        {NULL, 0, 0, NULL},
    };
    *ret_exit_status = CLI_EXIT_NOTHING;
    return cli_action_run(input, actions, error);
}

const CliVerb cli_verb_config = {
    .name = "config",
    .arguments = "check [FILE]|show",
    .arguments_least = 1,
    .arguments_most = 2,
    .summary = "checks a settings file; shows every setting and where it comes from",
    .description =
        "check names the file and line of the first fault; without a file it checks the settings in force.\n"
        "show prints all settings; secrets as ***. Settings that were changed through the API are in the "
        "store and not shown here.",
    .examples = "  fettle config check /etc/fettle/fettle.conf\n"
                "  fettle config show --config /etc/fettle/fettle.conf\n"
                "  fettle config show --json\n",
    .options = config_options,
    .run = config_run,
};
