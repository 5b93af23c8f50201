// SPDX-License-Identifier: PostgreSQL
#include "cli/cli.h"

#include "base/file.h"
#include "base/log.h"
#include "cli/secret_input.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const CliOption cli_common_options[] = {
    {"config", 0, "FILE", "settings file (default: $FETTLE_CONFIG)"},
    {"set", 0, "NAME=VALUE", "one setting, over the file and the environment"},
    {"store", 0, "CONNECTION", "where the store is: --set store.url=CONNECTION"},
    {"quiet", 'q', NULL, "no progress, no messages but errors"},
    {"help", 'h', NULL, "this help"},
    {NULL, 0, NULL, NULL},
};

const CliVerb *
cli_verb_find(const char *name)
{
    for (const CliVerb *const *verb = cli_verbs; *verb != NULL; verb++)
        if (strcmp((*verb)->name, name) == 0)
            return *verb;
    return NULL;
}

const char *
cli_option(const CliInput *input, const char *name)
{
    for (size_t i = 0; input->verb->options != NULL && input->verb->options[i].name != NULL; i++)
        if (strcmp(input->verb->options[i].name, name) == 0)
            return input->options[i];
    fettle_assert(!"the option is in the verb's table");
    return NULL;
}

bool
cli_write(const CliInput *input, const char *text, size_t length, Error *error)
{
    const char *path = NULL;
    for (size_t i = 0; input->verb->options[i].name != NULL; i++)
        if (strcmp(input->verb->options[i].name, "output") == 0)
            path = input->options[i];
    return file_write_atomic(path == NULL ? "-" : path, text, length, 0644, error);
}

/* What the parser gathers besides the verb's own options. */
typedef struct CliCommon {
    const char *config;
    const char *store;
    const char *sets[32];
    size_t set_count;
    bool wants_help;
} CliCommon;

static bool
usage_error(Error *error, const CliVerb *verb, const char *format, const char *word)
{
    char message[256];
    snprintf(message, sizeof(message), format, word);
    error_set(error, ERROR_USAGE, "%s", message);
    return verb == NULL ? error_set_hint(error, "run \"fettle help\" for the list of verbs")
                        : error_set_hint(error, "run \"fettle help %s\"", verb->name);
}

static const CliOption *
option_find(const CliOption *options, const char *name, size_t length, char letter, size_t *ret_position)
{
    for (size_t i = 0; options != NULL && options[i].name != NULL; i++) {
        bool by_name =
            name != NULL && strlen(options[i].name) == length && strncmp(options[i].name, name, length) == 0;
        if (by_name || (name == NULL && options[i].letter == letter)) {
            *ret_position = i;
            return &options[i];
        }
    }
    return NULL;
}

static bool
common_take(CliInput *input, CliCommon *common, const CliOption *option, const char *argument, Error *error)
{
    if (strcmp(option->name, "config") == 0)
        common->config = argument;
    else if (strcmp(option->name, "quiet") == 0)
        input->is_quiet = true;
    else if (strcmp(option->name, "help") == 0)
        common->wants_help = true;
    else if (strcmp(option->name, "store") == 0)
        common->store = secret_input_take_argument(input->arena, argument);
    else if (common->set_count == FETTLE_COUNT_OF(common->sets))
        return usage_error(error, input->verb, "too many --set options%s", "");
    else
        common->sets[common->set_count++] = text_starts_with(argument, "store.url=")
                                                ? secret_input_take_argument(input->arena, argument)
                                                : argument;
    return true;
}

/* One word that begins with "-"; *at is moved on when the option takes the next word. */
static bool
option_take(CliInput *input, CliCommon *common, char **words, int count, int *at, Error *error)
{
    const char *word = words[*at];
    bool is_long = word[1] == '-';
    const char *name = is_long ? word + 2 : NULL;
    const char *equals = is_long ? strchr(name, '=') : NULL;
    size_t length = name == NULL ? 0 : equals == NULL ? strlen(name) : (size_t)(equals - name);
    size_t position = 0;
    const CliOption *option = option_find(input->verb->options, name, length, word[1], &position);
    bool is_own = option != NULL;
    if (option == NULL)
        option = option_find(cli_common_options, name, length, word[1], &position);
    if (option == NULL || (!is_long && word[2] != '\0'))
        return usage_error(error, input->verb, "unknown option \"%.80s\"", word);
    const char *argument = "";
    if (option->argument != NULL && equals != NULL)
        argument = equals + 1;
    else if (option->argument != NULL && *at + 1 < count)
        argument = words[++*at];
    else if (option->argument != NULL)
        return usage_error(error, input->verb, "option --%.80s needs a value", option->name);
    else if (equals != NULL)
        return usage_error(error, input->verb, "option --%.80s takes no value", option->name);
    if (!is_own)
        return common_take(input, common, option, argument, error);
    input->options[position] = argument;
    return true;
}

static bool
words_parse(CliInput *input, CliCommon *common, char **words, int count, Error *error)
{
    bool only_arguments = false;
    for (int at = 0; at < count; at++) {
        if (!only_arguments && strcmp(words[at], "--") == 0) {
            only_arguments = true;
        } else if (!only_arguments && words[at][0] == '-' && words[at][1] != '\0') {
            if (!option_take(input, common, words, count, &at, error))
                return false;
        } else if (input->argument_count == input->verb->arguments_most) {
            /* The word is not repeated: it may be a connection string with a password. */
            return usage_error(error, input->verb, "too many arguments%s", "");
        } else {
            input->arguments[input->argument_count++] = words[at];
        }
    }
    if (!common->wants_help && input->argument_count < input->verb->arguments_least)
        return usage_error(error, input->verb, "\"fettle %.40s\" needs more arguments", input->verb->name);
    return true;
}

static bool
settings_load(CliInput *input, const CliCommon *common, Error *error)
{
    Settings *settings = settings_new(input->arena);
    const char *config = common->config != NULL ? common->config : getenv("FETTLE_CONFIG");
    if (config != NULL && config[0] != '\0' && !settings_read_file(settings, config, error))
        return false;
    if (!settings_read_environment(settings, error))
        return false;
    for (size_t i = 0; i < common->set_count; i++) {
        const char *equals = strchr(common->sets[i], '=');
        if (equals == NULL)
            return usage_error(error, input->verb, "--set needs NAME=VALUE, not \"%.80s\"", common->sets[i]);
        char *name = arena_strndup(input->arena, common->sets[i], (size_t)(equals - common->sets[i]));
        if (!settings_set(settings, name, equals + 1, error))
            return false;
    }
    if (common->store != NULL && !settings_set(settings, "store.url", common->store, error))
        return false;
    input->settings = settings;
    return true;
}

static bool
terminal_takes_colours(void)
{
    const char *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL && terminal != NULL &&
           strcmp(terminal, "dumb") != 0;
}

static bool
cli_run(Arena *arena, int argument_count, char **arguments, int *ret_exit_status, Error *error)
{
    const char *name = argument_count < 2 ? "help" : arguments[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        name = "version";
    CliInput input = {.arena = arena, .verb = cli_verb_find(name), .is_coloured = terminal_takes_colours()};
    CliCommon common = {0};
    if (input.verb == NULL)
        return usage_error(error, NULL,
                           name[0] == '-' ? "unknown option \"%.80s\"" : "unknown verb \"%.80s\"", name);
    if (!words_parse(&input, &common, arguments + 2, argument_count < 2 ? 0 : argument_count - 2, error))
        return false;
    if (common.wants_help) {
        const char *help = cli_help_verb(arena, input.verb);
        *ret_exit_status = 0;
        return file_write_atomic("-", help, strlen(help), 0, error);
    }
    if (!settings_load(&input, &common, error))
        return false;
    if (input.is_quiet)
        progress_set_enabled(false);
    return input.verb->run(&input, ret_exit_status, error);
}

int
cli_main(int argument_count, char **arguments)
{
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("fettle", (size_t)16 << 30);
    Error error = {0};
    int exit_status = 0;
    bool done = cli_run(arena, argument_count, arguments, &exit_status, &error);
    progress_clear();
    if (done)
        return exit_status;
    fprintf(stderr, "fettle: %s\n", error.message);
    if (error.hint[0] != '\0')
        fprintf(stderr, "hint: %s\n", error.hint);
    return error_code_exit_status(error.code);
}
