// SPDX-License-Identifier: PostgreSQL
/* The verbs, one line each, in the order in which help shows them. */
#include "cli/cli.h"

extern const CliVerb cli_verb_advise;
extern const CliVerb cli_verb_snapshot;
extern const CliVerb cli_verb_twin;
extern const CliVerb cli_verb_doctor;
extern const CliVerb cli_verb_explain;
extern const CliVerb cli_verb_index;
extern const CliVerb cli_verb_recommendations;
extern const CliVerb cli_verb_apply;
extern const CliVerb cli_verb_undo;
extern const CliVerb cli_verb_results;
extern const CliVerb cli_verb_schedule;
extern const CliVerb cli_verb_policy;
extern const CliVerb cli_verb_pause;
extern const CliVerb cli_verb_resume;
extern const CliVerb cli_verb_status;
extern const CliVerb cli_verb_serve;
extern const CliVerb cli_verb_top;
extern const CliVerb cli_verb_patterns;
extern const CliVerb cli_verb_forecast;
extern const CliVerb cli_verb_workload;
extern const CliVerb cli_verb_notices;
extern const CliVerb cli_verb_webhook;
extern const CliVerb cli_verb_anomalies;
extern const CliVerb cli_verb_target;
extern const CliVerb cli_verb_token;
extern const CliVerb cli_verb_user;
extern const CliVerb cli_verb_store;
extern const CliVerb cli_verb_config;
extern const CliVerb cli_verb_version;
extern const CliVerb cli_verb_help;

/* One a line, whatever their number. */
// clang-format off
const CliVerb *const cli_verbs[] = {
    &cli_verb_advise,
    &cli_verb_snapshot,
    &cli_verb_twin,
    &cli_verb_doctor,
    &cli_verb_explain,
    &cli_verb_index,
    &cli_verb_recommendations,
    &cli_verb_apply,
    &cli_verb_undo,
    &cli_verb_results,
    &cli_verb_schedule,
    &cli_verb_policy,
    &cli_verb_pause,
    &cli_verb_resume,
    &cli_verb_status,
    &cli_verb_serve,
    &cli_verb_top,
    &cli_verb_patterns,
    &cli_verb_anomalies,
    &cli_verb_forecast,
    &cli_verb_workload,
    &cli_verb_notices,
    &cli_verb_webhook,
    &cli_verb_target,
    &cli_verb_token,
    &cli_verb_user,
    &cli_verb_store,
    &cli_verb_config,
    &cli_verb_version,
    &cli_verb_help,
    NULL,
};
// clang-format on
