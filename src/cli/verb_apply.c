// SPDX-License-Identifier: PostgreSQL
/*
 * fettle apply and fettle undo: one recommendation carried out, or taken back by its stored undo, in the
 * foreground.
 */
#include "base/json_writer.h"
#include "base/log.h"
#include "cli/recommendation_argument.h"
#include "cli/scheduled_text.h"
#include "cli/verb_index_internal.h"
#include "workflow/approval.h"
#include "workflow/change_schedule.h"
#include "workflow/index_run.h"
#include "workflow/recommendation_apply.h"

#include <inttypes.h>
#include <string.h>

extern const CliVerb cli_verb_apply;
extern const CliVerb cli_verb_undo;

static const CliOption apply_options[] = {
    {"json", 0, NULL, "as JSON"},
    {"yes", 'y', NULL, "approve what is to be done without being asked"},
    {"dry-run", 'n', NULL, "show every statement, change nothing"},
    {"done", 0, NULL, "it was carried out by hand: only record that, to have it measured"},
    {"when", 0, "MOMENT", "now (default), window (the target's next one) or quiet (the next quiet hours)"},
    {"notes", 0, "TEXT", "kept with the implementation"},
    {NULL, 0, NULL, NULL},
};

static const CliOption undo_options[] = {
    {"json", 0, NULL, "as JSON"},
    {"yes", 'y', NULL, "approve what is to be done without being asked"},
    {"dry-run", 'n', NULL, "show every statement, change nothing"},
    {"notes", 0, "TEXT", "the reason, kept with the implementation"},
    {NULL, 0, NULL, NULL},
};

/* What was done, or would be. */
typedef struct ApplyOutcome {
    int64_t implementation_id; /* 0: none yet */
    const char *status;
    const char *message;
    const IndexPlan *plan; /* NULL: Fettle changes nothing itself */
} ApplyOutcome;

static bool
outcome_write(CliInput *input, const ApplyOutcome *outcome, Error *error)
{
    Text text = text_new(input->arena);
    const char *sql = outcome->plan == NULL || outcome->plan->is_done ? NULL : outcome->plan->change.sql;
    const char *undo = sql == NULL ? NULL : outcome->plan->change.undo_sql;
    if (cli_option(input, "json") != NULL) {
        JsonWriter json = json_writer_new(&text, true);
        json_object_begin(&json);
        json_key(&json, "implementation_id");
        if (outcome->implementation_id == 0)
            json_write_null(&json);
        else
            json_int(&json, outcome->implementation_id);
        json_key_string(&json, "status", outcome->status);
        json_key_string(&json, "message", outcome->message);
        json_key_string(&json, "sql", sql);
        json_key_string(&json, "undo_sql", undo);
        json_object_end(&json);
        text_append_char(&text, '\n');
    } else if (strcmp(outcome->status, "planned") == 0 && sql != NULL) {
        text_append_format(&text, "%s;\n-- to undo it:\n%s;\n", sql, undo);
    } else if (!input->is_quiet) {
        text_append_format(&text, "%s\n", outcome->message);
        if (undo != NULL)
            text_append_format(&text, "to undo it: %s;\n", undo);
    }
    return cli_write(input, text.data, text.length, error);
}

static bool
notes_check(const char *notes, Error *error)
{
    return notes == NULL || strlen(notes) <= RECOMMENDATION_REASON_BYTES ||
           error_set(error, ERROR_USAGE, "--notes takes at most %d bytes", RECOMMENDATION_REASON_BYTES);
}

/* Carries out what was planned; the audit line tells of it, whether it succeeded or not. */
static bool
apply_carry_out(CliInput *input, CliStore *store, const IndexManager *manager, RecommendationApply *apply,
                Error *error)
{
    bool done = recommendation_apply_record(manager, input->arena, apply, error) &&
                (!apply->is_acting || index_change_carry_out(store, manager, &apply->plan, error));
    CliAct act = {.action = "recommendation.implement",
                  .object = arena_printf(input->arena, "recommendation:%" PRId64, apply->recommendation.id),
                  .target_id = apply->recommendation.target_id};
    return cli_store_audit(store, &act, done, error);
}

/* Approved now, made later. */
static bool
apply_later(CliInput *input, CliStore *store, const IndexManager *manager, const RecommendationApply *apply,
            ChangeMoment moment, Error *error)
{
    ScheduledChange change = {0};
    ChangeScheduleOrder order = {.moment = moment, .now_us = clock_wall_us(), .requested_by = store->actor};
    bool done = change_schedule_open(manager, input->arena, apply, &order, &change, error);
    Text details = text_new(input->arena);
    if (done)
        scheduled_json_append(&details, &change);
    CliAct act = {.action = "schedule.open",
                  .details = done ? details.data : NULL,
                  .object = arena_printf(input->arena, "recommendation:%" PRId64, apply->recommendation.id),
                  .target_id = apply->recommendation.target_id};
    if (!cli_store_audit(store, &act, done, error))
        return false;
    Text text = text_new(input->arena);
    if (cli_option(input, "json") != NULL)
        scheduled_json_append(&text, &change);
    else if (!input->is_quiet)
        text_append_format(&text,
                           "scheduled change %" PRId64 " is planned for %s to %s; \"fettle schedule\" shows "
                           "it, the service makes it\n",
                           change.id, clock_format_utc(input->arena, change.from_us),
                           clock_format_utc(input->arena, change.to_us));
    return cli_write(input, text.data, text.length, error);
}

/* What would refuse it, before the person is asked; a refusal is on record as well. */
static bool
apply_check(CliInput *input, CliStore *store, const IndexManager *manager, const RecommendationApply *apply,
            ChangeMoment moment, Error *error)
{
    CliAct act = {.action = moment == CHANGE_NOW ? "recommendation.implement" : "schedule.open",
                  .object = arena_printf(input->arena, "recommendation:%" PRId64, apply->recommendation.id),
                  .target_id = apply->recommendation.target_id};
    bool good = moment == CHANGE_NOW
                    ? recommendation_apply_check(manager, input->arena, apply, error)
                    : !apply->is_acting || approval_check(manager->settings, store->connection, input->arena,
                                                          &apply->plan.change, error);
    return good || cli_store_audit(store, &act, false, error);
}

static bool
moment_option(const CliInput *input, ChangeMoment *ret_moment, Error *error)
{
    const char *text = cli_option(input, "when");
    *ret_moment = CHANGE_NOW;
    if (text == NULL || change_moment_parse(text, ret_moment))
        return true;
    return error_set(error, ERROR_USAGE, "--when takes now, window or quiet");
}

static bool
apply_planned(CliInput *input, CliStore *store, const IndexManager *manager, RecommendationApply *apply,
              Error *error)
{
    const char *name = apply->recommendation.target_name;
    ChangeMoment moment;
    ApplyOutcome outcome = {.status = "planned", .plan = apply->is_acting ? &apply->plan : NULL};
    if (cli_option(input, "dry-run") != NULL) {
        outcome.message = apply->is_acting ? apply->plan.message : "it is only recorded; nothing is changed";
        return outcome_write(input, &outcome, error);
    }
    if (!moment_option(input, &moment, error) || !apply_check(input, store, manager, apply, moment, error) ||
        (apply->is_acting && !index_plan_is_approved(input, &apply->plan, name, error)))
        return false;
    if (moment != CHANGE_NOW)
        return apply_later(input, store, manager, apply, moment, error);
    if (!apply_carry_out(input, store, manager, apply, error))
        return false;
    outcome.status = "pending";
    outcome.implementation_id = apply->implementation_id;
    outcome.message = arena_printf(
        input->arena, "implementation %" PRId64 " is recorded; its result is measured after 24 and 48 hours",
        apply->implementation_id);
    return outcome_write(input, &outcome, error);
}

/* What a kill left behind is settled first, but for a dry run, which changes nothing. */
static bool
recommendation_begin(CliInput *input, CliStore *store, int64_t *ret_id, IndexManager *ret_manager,
                     Error *error)
{
    int settled;
    if (!recommendation_argument(input->arguments[0], ret_id, error) ||
        !notes_check(cli_option(input, "notes"), error) || !cli_store_open(input, false, store, error))
        return false;
    *ret_manager = index_foreground_manager(input, store);
    return cli_option(input, "dry-run") != NULL || index_settle_all(ret_manager, &settled, error);
}

static bool
apply_run(CliInput *input, int *ret_exit_status, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    RecommendationApply apply;
    IndexManager manager;
    int64_t id;
    ChangeMoment moment;
    bool is_by_hand = cli_option(input, "done") != NULL;
    *ret_exit_status = CLI_EXIT_NOTHING;
    if (!moment_option(input, &moment, error) || !recommendation_begin(input, &store, &id, &manager, error))
        return false;
    progress_show("looking at the target", 0, 0);
    bool is_planned =
        recommendation_apply_plan(&manager, input->arena, id, !is_by_hand, store.actor, &apply, error);
    progress_clear();
    if (!is_planned)
        return false;
    if (!apply.is_acting && !is_by_hand) {
        error_set(error, ERROR_UNSUPPORTED, "recommendation %" PRId64 " is not Fettle's to carry out", id);
        return error_set_hint(error,
                              "carry it out where it belongs, then run \"fettle apply %" PRId64
                              " --done\" to have it measured",
                              id);
    }
    apply.opening.notes = cli_option(input, "notes");
    return apply_planned(input, &store, &manager, &apply, error);
}

/* The newest implementation of a recommendation. */
static bool
implementation_find(const CliStore *store, int64_t recommendation_id, int64_t *ret_id, Error *error)
{
    RankedRecommendation found;
    Implementations list;
    if (!recommendation_get(store->connection, store->arena, recommendation_id, &found, error) ||
        !implementation_list(store->connection, store->arena, recommendation_id, NULL, 1, &list, error))
        return false;
    if (list.count == 0)
        return error_set(error, ERROR_UNSUPPORTED, "recommendation %" PRId64 " was not carried out",
                         recommendation_id);
    *ret_id = list.items[0].id;
    return true;
}

static bool
undo_carry_out(CliInput *input, CliStore *store, const IndexManager *manager, RecommendationUndo *undo,
               Error *error)
{
    bool done = recommendation_undo_record(manager, input->arena, undo, cli_option(input, "notes"), error) &&
                (undo->plan.is_done || index_change_carry_out(store, manager, &undo->plan, error));
    CliAct act = {.action = "result.revert",
                  .object = arena_printf(input->arena, "implementation:%" PRId64, undo->implementation.id),
                  .target_id = undo->implementation.target_id};
    return cli_store_audit(store, &act, done, error);
}

static bool
undo_planned(CliInput *input, CliStore *store, const IndexManager *manager, RecommendationUndo *undo,
             Error *error)
{
    ApplyOutcome outcome = {.implementation_id = undo->implementation.id,
                            .status = "planned",
                            .message = undo->plan.message,
                            .plan = &undo->plan};
    if (cli_option(input, "dry-run") != NULL)
        return outcome_write(input, &outcome, error);
    if (!undo->plan.is_done &&
        !index_plan_is_approved(input, &undo->plan, undo->implementation.target_name, error))
        return false;
    if (!undo_carry_out(input, store, manager, undo, error))
        return false;
    outcome.status = "reverted";
    /* of a plan with nothing to do the message says how things stand */
    outcome.message =
        arena_printf(input->arena, "implementation %" PRId64 " is undone%s%s", undo->implementation.id,
                     undo->plan.is_done ? ": " : "", undo->plan.is_done ? undo->plan.message : "");
    return outcome_write(input, &outcome, error);
}

static bool
undo_run(CliInput *input, int *ret_exit_status, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    RecommendationUndo undo;
    IndexManager manager;
    int64_t id;
    int64_t implementation_id;
    *ret_exit_status = CLI_EXIT_NOTHING;
    if (!recommendation_begin(input, &store, &id, &manager, error) ||
        !implementation_find(&store, id, &implementation_id, error))
        return false;
    progress_show("looking at the target", 0, 0);
    bool is_planned =
        recommendation_undo_plan(&manager, input->arena, implementation_id, store.actor, &undo, error);
    progress_clear();
    return is_planned && undo_planned(input, &store, &manager, &undo, error);
}

const CliVerb cli_verb_apply = {
    .name = "apply",
    .arguments = "RECOMMENDATION",
    .arguments_least = 1,
    .arguments_most = 1,
    .summary = "carry out a recommendation; its undo is stored first",
    .description =
        "An index is created or dropped on its target, CONCURRENTLY, after you approved the statement; what "
        "does not\napply any more is refused. Everything else is carried out where it belongs, in the "
        "application or by a\nparameter; --done then records it. The result is measured after 24 and 48 "
        "hours (\"fettle results\"), and what\ncertainly made the query slower by 5 % or more is undone by "
        "itself "
        "(auto.revert). With --when it waits for the target's\nwindow for maintenance or for quiet hours of "
        "the forecast; it is checked anew then, and made by the service.",
    .examples = "  fettle apply 17 --dry-run\n"
                "  fettle apply 17 --yes --notes \"agreed in CHANGE-42\"\n"
                "  fettle apply 17 --yes --when window\n"
                "  fettle apply 18 --done --notes \"released with 2.4\"\n",
    .options = apply_options,
    .run = apply_run,
};

const CliVerb cli_verb_undo = {
    .name = "undo",
    .arguments = "RECOMMENDATION",
    .arguments_least = 1,
    .arguments_most = 1,
    .summary = "take a recommendation back that was carried out",
    .description = "Runs the undo that was stored when Fettle carried the recommendation out. It is not "
                   "proposed again within 30 days.",
    .examples = "  fettle undo 17 --dry-run\n"
                "  fettle undo 17 --yes --notes \"writes became slow\"\n",
    .options = undo_options,
    .run = undo_run,
};
