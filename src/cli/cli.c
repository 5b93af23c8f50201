// SPDX-License-Identifier: PostgreSQL
#include "cli/cli.h"

#include "base/file.h"
#include "base/log.h"
#include "cli/secret_input.h"
#include "pg/connection.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* longer than any setting's name */
#define SETTING_NAME_BYTES 128

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

const char *const *
cli_option_place(const CliInput *input, const char *name)
{
    for (size_t i = 0; input->verb->options != NULL && input->verb->options[i].name != NULL; i++)
        if (strcmp(input->verb->options[i].name, name) == 0)
            return &input->options[i];
    return NULL;
}

const char *
cli_option(const CliInput *input, const char *name)
{
    const char *const *place = cli_option_place(input, name);
    fettle_assert(place != NULL && "the option is in the verb's table");
    return *place;
}

bool
cli_option_duration(const CliInput *input, const char *option, SettingId setting, int64_t *ret_milliseconds,
                    Error *error)
{
    const char *text = cli_option(input, option);
    Settings *scratch = settings_new(input->arena);
    if (text != NULL && !settings_set(scratch, setting_info(setting)->name, text, error))
        return error_prefix(error, "--%s", option);
    *ret_milliseconds = settings_get_int(text == NULL ? input->settings : scratch, setting);
    return true;
}

bool
cli_write(const CliInput *input, const char *text, size_t length, Error *error)
{
    const char *const *path = cli_option_place(input, "output");
    return file_write_atomic(path == NULL || *path == NULL ? "-" : *path, text, length, 0644, error);
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

/* A word that is not known may be a connection string, or end in one: only what looks like a name is
 * repeated. */
static bool
unknown_word(Error *error, const CliVerb *verb, const char *word)
{
    char name[81];
    size_t length = strcspn(word, "=:/@ \t\n");
    snprintf(name, sizeof(name), "%.*s", (int)(length < sizeof(name) ? length : sizeof(name) - 1), word);
    if (word[0] == '-')
        return usage_error(error, verb, "unknown option \"%s\"", name);
    if (word[length] == '\0')
        return usage_error(error, verb, "unknown verb \"%s\"", name);
    error_set(error, ERROR_USAGE, "a verb has to stand before the target");
    return error_set_hint(error, "write \"fettle advise TARGET\"; \"fettle help\" lists the verbs");
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
        return unknown_word(error, input->verb, word);
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

bool
cli_settings_load(const CliInput *input, Arena *arena, Settings **ret_settings, Error *error)
{
    Settings *settings = settings_new(arena);
    const char *given = input->common == NULL ? NULL : input->common->config;
    const char *config = given != NULL ? given : getenv("FETTLE_CONFIG");
    if (config != NULL && config[0] != '\0' && !settings_read_file(settings, config, error))
        return false;
    if (!settings_read_environment(settings, error))
        return false;
    *ret_settings = settings;
    return true;
}

bool
cli_settings_override(const CliInput *input, Settings *settings, Error *error)
{
    if (input->common == NULL)
        return true;
    for (size_t i = 0; i < input->common->set_count; i++) {
        const char *set = input->common->sets[i];
        const char *equals = strchr(set, '=');
        if (equals == NULL)
            return usage_error(error, input->verb, "--set needs NAME=VALUE%s", "");
        char name[SETTING_NAME_BYTES];
        snprintf(name, sizeof(name), "%.*s", (int)(equals - set), set);
        if (!settings_set(settings, name, equals + 1, error))
            return false;
    }
    return input->common->store == NULL || settings_set(settings, "store.url", input->common->store, error);
}

static bool
input_settings_take(CliInput *input, Error *error)
{
    Settings *settings = settings_new(input->arena);
    bool are_wanted = !input->verb->needs_no_settings || input->common->config != NULL;
    if ((are_wanted && !cli_settings_load(input, input->arena, &settings, error)) ||
        !cli_settings_override(input, settings, error))
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

static size_t
screen_columns(const CliInput *input)
{
    struct winsize size = {0};
    const char *const *output = cli_option_place(input, "output");
    if ((output != NULL && *output != NULL) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col;
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
        return unknown_word(error, NULL, name);
    if (!words_parse(&input, &common, arguments + 2, argument_count < 2 ? 0 : argument_count - 2, error))
        return false;
    if (common.wants_help) {
        const char *help = cli_help_verb(arena, input.verb);
        *ret_exit_status = 0;
        return file_write_atomic("-", help, strlen(help), 0, error);
    }
    input.common = &common;
    input.screen_columns = screen_columns(&input);
    if (!input_settings_take(&input, error))
        return false;
    if (input.is_quiet)
        progress_set_enabled(false);
    return input.verb->run(&input, ret_exit_status, error);
}

/* What to do when the error itself knows nothing better: every failure ends with a hint. */
static const char *
hint_by_code(Arena *arena, const CliVerb *verb, ErrorCode code)
{
    const char *help = verb == NULL ? "fettle help" : arena_printf(arena, "fettle help %s", verb->name);
    switch (code) {
        case ERROR_USAGE: return arena_printf(arena, "run \"%s\"", help);
        case ERROR_INPUT:
            return arena_printf(arena, "correct what was given; \"%s\" says what is expected", help);
        case ERROR_NOT_FOUND: return "check the name, upper and lower case too";
        case ERROR_CONFLICT: return "look at what is there now, and try again once nothing stands in the way";
        case ERROR_UNSUPPORTED: return "nothing was done; the message says what stands in the way";
        case ERROR_CANCELLED: return "nothing more was done; run it again when it suits";
        case ERROR_CONNECTION: return "check the connection string with psql, or the server's log";
        case ERROR_PERMISSION: return "run \"fettle doctor\" for the GRANTs that are missing";
        case ERROR_DAMAGED: return "take the snapshot again with \"fettle snapshot\"";
        case ERROR_TIMEOUT: return "try again, or raise the limits (\"fettle help settings\")";
        case ERROR_CLUSTER:
            return "see the log in Fettle's data directory, or set FETTLE_DATA to another place";
        default: return "try again; if it stays, please report it with this message";
    }
}

#define HIDDEN "(connection string)"
#define SIGN_BYTES 12 /* of a word's beginning, by which it is found where a message cuts it */

bool
cli_has_secret(const char *text)
{
    const char *scheme = strstr(text, "://");
    const char *key = strcasestr(text, "password");
    if (scheme != NULL && (strchr(scheme, '@') != NULL || pg_dsn_looks_like(text)))
        return true;
    return key != NULL && strchr(key, '=') != NULL;
}

/* How far a message repeats a word, quotes in it doubled or not; *ret_matched: how much of the word. */
static size_t
repeated_length(const char *message, const char *word, size_t *ret_matched)
{
    size_t length = 0;
    size_t matched = 0;
    while (word[matched] != '\0' && message[length] == word[matched]) {
        bool is_quote = word[matched] == '"' || word[matched] == '\'';
        bool is_doubled = message[length + 1] == word[matched] && word[matched + 1] != word[matched];
        length += is_quote && is_doubled ? 2 : 1;
        matched++;
    }
    *ret_matched = matched;
    return length;
}

/* Of a word that is cut the quote behind it is its end; where there is none, what follows may still be of it.
 */
static void
text_hide(char *message, size_t size, const char *word)
{
    char rest[LOG_MESSAGE_BYTES];
    size_t word_length = strlen(word);
    for (char *found = message; *found != '\0'; found++) {
        size_t matched;
        size_t length = repeated_length(found, word, &matched);
        if (matched < word_length && matched < SIGN_BYTES)
            continue;
        char quote = found == message ? '\0' : found[-1];
        bool is_cut = (quote == '"' || quote == '\'') && found[length] == quote;
        snprintf(rest, sizeof(rest), "%s", matched == word_length || is_cut ? found + length : "");
        snprintf(found, size - (size_t)(found - message), HIDDEN "%s", rest);
        size_t hidden = strlen(found) - strlen(rest);
        found += hidden - 1;
    }
}

/* A word that was taken for something else may be a connection string with a password: a message that repeats
 * it, or what stands behind an equals sign of it, whole or cut, does so without. */
static void
word_hide(char *message, size_t size, const char *word)
{
    for (const char *part = word; part != NULL; part = strchr(part, '=')) {
        char clean[LOG_MESSAGE_BYTES];
        part += part != word; /* behind the equals sign */
        part += strspn(part, " \t\n");
        if (!cli_has_secret(part))
            return;
        snprintf(clean, sizeof(clean), "%s", part);
        error_text_clean(clean, sizeof(clean));
        text_hide(message, size, clean);
    }
}

static char **told_words;
static int told_word_count;

static void
words_hide(char *message, size_t size)
{
    for (int i = 1; i < told_word_count; i++)
        word_hide(message, size, told_words[i]);
}

int
cli_main(int argument_count, char **arguments)
{
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("fettle", (size_t)16 << 30);
    Error error = {0};
    int exit_status = 0;
    told_words = arguments;
    told_word_count = argument_count;
    log_set_filter(words_hide);
    bool done = cli_run(arena, argument_count, arguments, &exit_status, &error);
    progress_clear();
    if (done)
        return exit_status;
    words_hide(error.message, sizeof(error.message));
    words_hide(error.hint, sizeof(error.hint));
    fprintf(stderr, "fettle: %s\nhint: %s\n", error.message,
            error.hint[0] != '\0'
                ? error.hint
                : hint_by_code(arena, argument_count > 1 ? cli_verb_find(arguments[1]) : NULL, error.code));
    return error_code_exit_status(error.code);
}
