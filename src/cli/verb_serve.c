// SPDX-License-Identifier: PostgreSQL
#include "base/log.h"
#include "cli/cli.h"
#include "server/server.h"

extern const CliVerb cli_verb_serve;

static const CliOption serve_options[] = {
    {"listen", 'l', "ADDRESS", "address and port of the HTTP server (server.listen; default 127.0.0.1:8080)"},
    {NULL, 0, NULL, NULL},
};

static bool
load(void *context, Arena *arena, Settings **ret_settings, Error *error)
{
    return cli_settings_load(context, arena, ret_settings, error);
}

static bool
override(void *context, Settings *settings, Error *error)
{
    const CliInput *input = context;
    const char *listen = cli_option(input, "listen");
    return cli_settings_override(input, settings, error) &&
           (listen == NULL || settings_set(settings, "server.listen", listen, error));
}

static bool
serve_run(CliInput *input, int *ret_exit_status, Error *error)
{
    progress_set_enabled(false);
    *ret_exit_status = CLI_EXIT_NOTHING;
    return server_run(&(ServerOptions){.load = load, .override = override, .context = input}, error);
}

const CliVerb cli_verb_serve = {
    .name = "serve",
    .arguments = "",
    .summary = "watch the targets, keep their history, answer the REST API; until it is stopped",
    .description = "Reads each target's statements, metrics, activity, sizes and settings on schedule, keeps "
                   "them in the store, and\n"
                   "serves the REST API. SIGTERM or Ctrl-C stops it, SIGHUP reads the settings again. With "
                   "systemd it tells when it\n"
                   "is ready and feeds the watchdog. Targets are added with \"fettle target add\" or through "
                   "the API, while it runs;\n"
                   "a token for the API comes from \"fettle token create\".\n"
                   "A password of the store is better in the environment (FETTLE_STORE_URL) or in .pgpass "
                   "than on the command line.",
    .examples = "  fettle serve\n"
                "  fettle serve --config /etc/fettle/fettle.conf\n"
                "  fettle serve --listen 127.0.0.1:9090 --set collect.interval=30s\n"
                "  FETTLE_STORE_URL=postgres://fettle@db/fettle fettle serve\n",
    .options = serve_options,
    .run = serve_run,
};
