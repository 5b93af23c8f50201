// SPDX-License-Identifier: PostgreSQL
/*
 * Help, man page and completion, all from the verb table.
 */
#include "cli/cli.h"

#include <string.h>

#define OPTION_COLUMN 28

static void
append_option(Text *text, const CliOption *option)
{
    size_t start = text->length;
    text_append(text, "  ");
    if (option->letter != 0)
        text_append_format(text, "-%c, ", option->letter);
    text_append_format(text, "--%s", option->name);
    if (option->argument != NULL)
        text_append_format(text, " %s", option->argument);
    size_t used = text->length - start;
    int gap = used + 2 > OPTION_COLUMN ? 2 : (int)(OPTION_COLUMN - used);
    text_append_format(text, "%*s%s\n", gap, "", option->help);
}

static void
append_options(Text *text, const CliOption *options)
{
    for (size_t i = 0; options != NULL && options[i].name != NULL; i++)
        append_option(text, &options[i]);
}

#define TARGET_WORDS                                                                                         \
    "TARGET is a connection string (postgres://user@host/database or \"host=... dbname=...\") or the file "  \
    "that\n"                                                                                                 \
    "\"fettle snapshot\" wrote; without one, $FETTLE_TARGET. Passwords come from ~/.pgpass or PGPASSWORD.\n"

/* Name and meaning of what the environment tells. */
static const char *const environment_words[][2] = {
    {"FETTLE_TARGET", "the target when none is given"},
    {"FETTLE_DATA", "where the private cluster lives (else $XDG_DATA_HOME/fettle, ~/.local/share/fettle, or "
                    "/var/lib/fettle for root)"},
    {"FETTLE_CONFIG", "the settings file when --config is not given"},
    {"FETTLE_SECTION_NAME", "the setting section.name"},
    {"PGPASSWORD, PGPASSFILE, PGSERVICE, ...", "as for psql"},
    {"NO_COLOR", "no colours"},
};

char *
cli_help_overview(Arena *arena)
{
    Text text = text_new(arena);
    text_append(&text, "fettle: an autonomous performance engineer for PostgreSQL\n\n"
                       "Usage: fettle VERB [ARGUMENTS] [OPTIONS]\n\n");
    int width = 0;
    for (const CliVerb *const *verb = cli_verbs; *verb != NULL; verb++)
        if ((int)strlen((*verb)->name) > width)
            width = (int)strlen((*verb)->name);
    for (const CliVerb *const *verb = cli_verbs; *verb != NULL; verb++)
        text_append_format(&text, "  %-*s  %s\n", width, (*verb)->name, (*verb)->summary);
    text_append(&text,
                "\nBegin with:\n"
                "  fettle doctor postgres://user@host/database     what can be read, and what is missing\n"
                "  fettle advise postgres://user@host/database     a ranked, proven report; changes "
                "nothing\n\n" TARGET_WORDS
                "\n\"fettle help VERB\" tells more; \"fettle help settings\" lists the settings.\n");
    return text.data;
}

char *
cli_help_verb(Arena *arena, const CliVerb *verb)
{
    Text text = text_new(arena);
    text_append_format(&text, "Usage: fettle %s%s%s [OPTIONS]\n\n%s\n", verb->name,
                       verb->arguments[0] == '\0' ? "" : " ", verb->arguments, verb->description);
    if (strstr(verb->arguments, "TARGET") != NULL)
        text_append(&text, "\n" TARGET_WORDS);
    if (verb->options != NULL && verb->options[0].name != NULL)
        text_append(&text, "\nOptions:\n");
    append_options(&text, verb->options);
    text_append(&text, "\nEverywhere:\n");
    append_options(&text, cli_common_options);
    if (verb->examples[0] != '\0')
        text_append_format(&text, "\nExamples:\n%s", verb->examples);
    return text.data;
}

char *
cli_help_settings(Arena *arena)
{
    Text text = text_new(arena);
    text_append(
        &text,
        "Settings, from a file (--config), the environment (FETTLE_SECTION_NAME) or --set NAME=VALUE:\n\n");
    for (int id = 0; id < SETTING_COUNT; id++) {
        const SettingInfo *info = setting_info((SettingId)id);
        text_append_format(&text, "  %s (default: %s)\n      %s\n", info->name,
                           info->standard[0] == '\0' ? "empty" : info->standard, info->documentation);
    }
    return text.data;
}

/* roff: backslashes and leading dots escaped, hyphens that are options made real ones. */
static void
append_roff(Text *text, const char *words)
{
    bool at_start = true;
    for (const char *at = words; *at != '\0'; at++) {
        if (at_start && (*at == '.' || *at == '\''))
            text_append(text, "\\&");
        if (*at == '\\')
            text_append(text, "\\e");
        else if (*at == '-')
            text_append(text, "\\-");
        else
            text_append_char(text, *at);
        at_start = *at == '\n';
    }
}

static void
append_roff_options(Text *text, const CliOption *options)
{
    for (size_t i = 0; options != NULL && options[i].name != NULL; i++) {
        text_append(text, ".TP\n\\fB");
        if (options[i].letter != 0)
            text_append_format(text, "\\-%c\\fR, \\fB", options[i].letter);
        text_append(text, "\\-\\-");
        append_roff(text, options[i].name);
        text_append(text, "\\fR");
        if (options[i].argument != NULL)
            text_append_format(text, " \\fI%s\\fR", options[i].argument);
        text_append_char(text, '\n');
        append_roff(text, options[i].help);
        text_append_char(text, '\n');
    }
}

char *
cli_man_page(Arena *arena)
{
    Text text = text_new(arena);
    text_append(&text, ".TH FETTLE 1 \"\" \"fettle " FETTLE_VERSION "\"\n.SH NAME\n"
                       "fettle \\- an autonomous performance engineer for PostgreSQL\n.SH SYNOPSIS\n"
                       ".B fettle\n\\fIVERB\\fR [\\fIARGUMENTS\\fR] [\\fIOPTIONS\\fR]\n.SH VERBS\n");
    for (const CliVerb *const *verb = cli_verbs; *verb != NULL; verb++) {
        text_append_format(&text, ".SS fettle %s %s\n", (*verb)->name, (*verb)->arguments);
        append_roff(&text, (*verb)->description);
        text_append_char(&text, '\n');
        append_roff_options(&text, (*verb)->options);
        if ((*verb)->examples[0] != '\0') {
            text_append(&text, ".PP\nExamples:\n.nf\n");
            append_roff(&text, (*verb)->examples);
            text_append(&text, ".fi\n");
        }
    }
    text_append(&text, ".SH OPTIONS OF EVERY VERB\n");
    append_roff_options(&text, cli_common_options);
    text_append(&text, ".SH TARGET\n");
    append_roff(&text, TARGET_WORDS);
    text_append(&text, ".SH ENVIRONMENT\n");
    for (size_t i = 0; i < FETTLE_COUNT_OF(environment_words); i++) {
        text_append_format(&text, ".TP\n\\fB%s\\fR\n", environment_words[i][0]);
        append_roff(&text, environment_words[i][1]);
        text_append_char(&text, '\n');
    }
    text_append(&text, ".SH SETTINGS\n");
    for (int id = 0; id < SETTING_COUNT; id++) {
        const SettingInfo *info = setting_info((SettingId)id);
        text_append_format(&text, ".TP\n\\fB%s\\fR (default: %s)\n", info->name,
                           info->standard[0] == '\0' ? "empty" : info->standard);
        append_roff(&text, info->documentation);
        text_append_char(&text, '\n');
    }
    text_append(&text,
                ".SH EXIT STATUS\n0 done, nothing to advise; 10 advice was given; others are errors:\n");
    for (int code = ERROR_USAGE; code <= ERROR_INTERNAL; code++)
        text_append_format(&text, ".TP\n%d\n%s\n", error_code_exit_status((ErrorCode)code),
                           error_code_word((ErrorCode)code));
    return text.data;
}

/* Words that may stand after the verb: "build|verify [TARGET]" gives two; help's topics are the verbs and its
 * own. */
static void
append_argument_words(Text *text, const CliVerb *verb)
{
    size_t length = strcspn(verb->arguments, " ");
    if (memchr(verb->arguments, '|', length) != NULL)
        for (size_t i = 0; i < length; i++)
            text_append_char(text, verb->arguments[i] == '|' ? ' ' : verb->arguments[i]);
    text_append_char(text, ' ');
    if (strcmp(verb->name, "help") != 0)
        return;
    for (const CliVerb *const *topic = cli_verbs; *topic != NULL; topic++)
        text_append_format(text, "%s ", (*topic)->name);
    text_append(text, "settings man completion ");
}

char *
cli_completion_bash(Arena *arena)
{
    Text text = text_new(arena);
    text_append(&text, "# bash completion for fettle; source it, or put it into the completions directory\n"
                       "_fettle() {\n    local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]}\n"
                       "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W \"");
    for (const CliVerb *const *verb = cli_verbs; *verb != NULL; verb++)
        text_append_format(&text, "%s%s", verb == cli_verbs ? "" : " ", (*verb)->name);
    text_append(&text, "\" -- \"$word\"))\n        return\n    fi\n    case $verb in\n");
    for (const CliVerb *const *verb = cli_verbs; *verb != NULL; verb++) {
        text_append_format(&text, "        %s) COMPREPLY=($(compgen -W \"", (*verb)->name);
        append_argument_words(&text, *verb);
        for (size_t i = 0; (*verb)->options != NULL && (*verb)->options[i].name != NULL; i++)
            text_append_format(&text, "--%s ", (*verb)->options[i].name);
        for (size_t i = 0; cli_common_options[i].name != NULL; i++)
            text_append_format(&text, "--%s ", cli_common_options[i].name);
        text_append(&text, "\" -- \"$word\")) ;;\n");
    }
    text_append(&text, "    esac\n    [[ $word == -* ]] || COMPREPLY+=($(compgen -f -- \"$word\"))\n}\n"
                       "complete -o filenames -F _fettle fettle\n");
    return text.data;
}
