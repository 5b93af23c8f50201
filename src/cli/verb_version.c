// SPDX-License-Identifier: PostgreSQL
#include "cli/cli.h"

#include "base/json_writer.h"

extern const CliVerb cli_verb_version;

static const CliOption version_options[] = {
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

static bool
version_run(CliInput *input, int *ret_exit_status, Error *error)
{
    Text text = text_new(input->arena);
    if (cli_option(input, "json") != NULL) {
        JsonWriter json = json_writer_new(&text, true);
        json_object_begin(&json);
        json_key_string(&json, "version", FETTLE_VERSION);
        json_object_end(&json);
        text_append_char(&text, '\n');
    } else {
        text_append(&text, "fettle " FETTLE_VERSION "\n");
    }
    *ret_exit_status = 0;
    return cli_write(input, text.data, text.length, error);
}

const CliVerb cli_verb_version = {
    .name = "version",
    .arguments = "",
    .summary = "the version of Fettle",
    .description = "Prints the version.",
    .examples = "",
    .options = version_options,
    .needs_no_settings = true,
    .run = version_run,
};
