// SPDX-License-Identifier: PostgreSQL
/*
 * The command line: a table of verbs, each in a file of its own.
 *
 * A verb declares its options beside its help; parsing, help, shell completion and the man page come from the
 * table. A verb returns true with an exit status, or false with an error that main prints as one line and a
 * hint. Standard output carries results only; progress and messages go to standard error.
 */
#ifndef FETTLE_CLI_CLI_H
#define FETTLE_CLI_CLI_H

#include "base/error.h"
#include "base/settings.h"
#include "base/text.h"

#define CLI_EXIT_NOTHING 0 /* done; nothing to advise */
#define CLI_EXIT_ADVICE 10 /* advice was given */
#define CLI_OPTIONS_MOST 24
#define CLI_ARGUMENTS_MOST 4

typedef struct CliOption {
    const char *name;     /* long name without dashes */
    char letter;          /* short form, 0 none */
    const char *argument; /* what it takes: "FILE"; NULL: a switch */
    const char *help;
} CliOption;

typedef struct CliInput {
    Arena *arena;
    const Settings *settings;
    const struct CliVerb *verb;
    const struct CliCommon *common; /* the options that every verb takes; NULL: none was given */
    const char *arguments[CLI_ARGUMENTS_MOST];
    int argument_count;
    const char *options[CLI_OPTIONS_MOST]; /* by position in the verb's table: the argument, "" for a switch,
                                              NULL absent */
    bool is_quiet;
    bool is_coloured;      /* standard output is a terminal that takes colours */
    size_t screen_columns; /* of the terminal that the result is written to; 0: it is none */
} CliInput;

typedef struct CliVerb {
    const char *name;
    const char *arguments; /* "TARGET": what stands after the verb, for help */
    int arguments_least;
    int arguments_most;
    const char *summary; /* one line */
    const char *description;
    const char *examples;
    const CliOption *options; /* ended by name NULL */
    bool needs_no_settings;   /* it answers whatever the environment names or holds, too */
    bool (*run)(CliInput *input, int *ret_exit_status, Error *error);
} CliVerb;

/* All verbs, ended by NULL. */
extern const CliVerb *const cli_verbs[];
extern const CliOption cli_common_options[];

const CliVerb *cli_verb_find(const char *name);

/* Where the argument of an option is; NULL: the verb has no such option. */
const char *const *cli_option_place(const CliInput *input, const char *name);

/* The argument of an option of this verb, "" for a switch that is given, NULL when absent. The name must be
 * in its table. */
const char *cli_option(const CliInput *input, const char *name);

/* A duration from an option, within the setting's limits; else the setting. */
bool cli_option_duration(const CliInput *input, const char *option, SettingId setting,
                         int64_t *ret_milliseconds, Error *error) FETTLE_MUST_USE;

/* What `settings` is made of, for whoever makes them anew: file and environment into the arena; and the
 * command line's
 * --set options over them. */
bool cli_settings_load(const CliInput *input, Arena *arena, Settings **ret_settings, Error *error)
    FETTLE_MUST_USE;
bool cli_settings_override(const CliInput *input, Settings *settings, Error *error) FETTLE_MUST_USE;

/* Runs the whole program; returns the exit status. */
int cli_main(int argument_count, char **arguments);

/* Writes text to --output FILE (or standard output) */
bool cli_write(const CliInput *input, const char *text, size_t length, Error *error) FETTLE_MUST_USE;

/* Help texts, also the source of the man page and completion. */
char *cli_help_overview(Arena *arena);
char *cli_help_verb(Arena *arena, const CliVerb *verb);
char *cli_help_settings(Arena *arena);
char *cli_man_page(Arena *arena);
char *cli_completion_bash(Arena *arena);

/* Whether a word may be a connection string with a password, in any form that someone may have written, were
 * it for another program. */
bool cli_has_secret(const char *text);

#endif
