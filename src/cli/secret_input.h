// SPDX-License-Identifier: PostgreSQL
/*
 * Secrets that a person gives: typed at the terminal without echo, or in a file; never as an argument, where
 * every user of the machine could read it.
 */
#ifndef FETTLE_CLI_SECRET_INPUT_H
#define FETTLE_CLI_SECRET_INPUT_H

#include "cli/cli.h"

#define SECRET_INPUT_BYTES 4096

/* The first line of the file ("-": standard input), or, when path is NULL, what is typed; twice when wanted
 * for a new password. ERROR_USAGE when there is no terminal to ask at. */
bool secret_input_read(Arena *arena, const char *path, const char *what, bool twice, char **ret_secret,
                       Error *error) FETTLE_MUST_USE;

/* Takes an argument off the process list: a copy in the arena; the original is overwritten. */
char *secret_input_take_argument(Arena *arena, const char *argument);

#endif
