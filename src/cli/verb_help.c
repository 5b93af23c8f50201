// SPDX-License-Identifier: PostgreSQL
#include "cli/cli.h"

#include "base/file.h"

#include <string.h>

extern const CliVerb cli_verb_help;

static bool
help_run(CliInput *input, int *ret_exit_status, Error *error)
{
    const char *topic = input->argument_count == 0 ? NULL : input->arguments[0];
    const CliVerb *verb = topic == NULL ? NULL : cli_verb_find(topic);
    char *text;
    if (topic == NULL)
        text = cli_help_overview(input->arena);
    else if (verb != NULL)
        text = cli_help_verb(input->arena, verb);
    else if (strcmp(topic, "settings") == 0)
        text = cli_help_settings(input->arena);
    else if (strcmp(topic, "man") == 0)
        text = cli_man_page(input->arena);
    else if (strcmp(topic, "completion") == 0)
        text = cli_completion_bash(input->arena);
    else {
        error_set(error, ERROR_USAGE, "there is no help on \"%.80s\"", topic);
        return error_set_hint(error,
                              "topics: a verb, settings, man (the manual page), completion (for bash)");
    }
    *ret_exit_status = 0;
    return file_write_atomic("-", text, strlen(text), 0, error);
}

const CliVerb cli_verb_help = {
    .name = "help",
    .arguments = "[TOPIC]",
    .arguments_most = 1,
    .summary = "help on a verb, on settings; the manual page; shell completion",
    .description = "Prints help. Topics: a verb; \"settings\"; \"man\", the manual page as roff; "
                   "\"completion\", for bash.",
    .examples = "  fettle help advise\n"
                "  fettle help man > fettle.1\n"
                "  source <(fettle help completion)\n",
    .needs_no_settings = true,
    .run = help_run,
};
