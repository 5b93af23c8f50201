// SPDX-License-Identifier: PostgreSQL
#include "workflow/change_schedule.h"

#include "base/json_writer.h"
#include "base/log.h"
#include "store/audit.h"
#include "workflow/approval.h"
#include "workload/outlook.h"
#include "workload/quiet_window.h"

#include <inttypes.h>
#include <string.h>

#define QUIET_METRIC "exec_ms"
#define QUIET_HOURS 2
#define QUIET_WITHIN 48
#define HOUR_US (INT64_C(3600) * 1000000)
#define RETRY_US (INT64_C(300) * 1000000)
#define US_PER_MS 1000
#define RUN_ARENA_BYTES ((size_t)256 * 1024 * 1024)

static const char *const moment_words[] = {
    [CHANGE_NOW] = "now", [CHANGE_IN_WINDOW] = "window", [CHANGE_WHEN_QUIET] = "quiet"};

bool
change_moment_parse(const char *text, ChangeMoment *ret_moment)
{
    for (size_t i = 0; i < FETTLE_COUNT_OF(moment_words); i++)
        if (strcmp(text, moment_words[i]) == 0) {
            *ret_moment = (ChangeMoment)i;
            return true;
        }
    return false;
}

typedef struct MomentSpan {
    int64_t from_us;
    int64_t to_us;
} MomentSpan;

static bool
window_find(PgConnection *session, Arena *arena, int64_t target_id, int64_t now_us, MomentSpan *ret_span,
            Error *error)
{
    ChangePolicy policy;
    if (!change_policy_read(session, arena, target_id, now_us, &policy, error))
        return false;
    if (policy.opens_us == 0) {
        error_set(error, ERROR_CONFLICT, "the target has no window for maintenance");
        return error_set_hint(error, "give it one with \"fettle policy TARGET --windows ...\"");
    }
    *ret_span = (MomentSpan){.from_us = policy.opens_us, .to_us = policy.closes_us};
    return true;
}

static bool
quiet_find(PgConnection *session, Arena *arena, int64_t target_id, int64_t now_us, MomentSpan *ret_span,
           Error *error)
{
    Outlook outlook;
    QuietWindow quiet;
    OutlookRequest request = {
        .target_id = target_id, .metric = QUIET_METRIC, .hours = QUIET_WITHIN, .now_us = now_us};
    if (!outlook_read(session, arena, &request, &outlook, error))
        return false;
    if (outlook.count == 0 || !quiet_window_find(&outlook.forecast, QUIET_HOURS, 0, &quiet)) {
        error_set(error, ERROR_CONFLICT, "the target's load cannot be forecast: nothing was observed yet");
        return error_set_hint(error, "let the service collect first, or give the target a window");
    }
    int64_t hour = outlook.from_hour + (int64_t)(outlook.count + quiet.from);
    *ret_span = (MomentSpan){.from_us = hour * HOUR_US, .to_us = (hour + QUIET_HOURS) * HOUR_US};
    return true;
}

static bool
moment_find(Store *store, Arena *arena, int64_t target_id, ChangeMoment moment, int64_t now_us,
            MomentSpan *ret_span, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    return store_session_take(store, 0, &session, error) &&
           (moment == CHANGE_IN_WINDOW
                ? window_find(session.connection, arena, target_id, now_us, ret_span, error)
                : quiet_find(session.connection, arena, target_id, now_us, ret_span, error));
}

bool
change_schedule_open(const IndexManager *manager, Arena *arena, const RecommendationApply *apply,
                     const ChangeScheduleOrder *order, ScheduledChange *ret_change, Error *error)
{
    fettle_assert(order->moment != CHANGE_NOW);
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    MomentSpan span = {0};
    int64_t expiry_us = settings_get_int(manager->settings, SETTING_APPROVAL_EXPIRY) * US_PER_MS;
    int64_t id = 0;
    if (!apply->is_acting)
        return error_set(error, ERROR_UNSUPPORTED, "only what Fettle carries out itself can wait");
    if (!moment_find(manager->store, arena, apply->recommendation.target_id, order->moment, order->now_us,
                     &span, error) ||
        !store_session_take(manager->store, 0, &session, error) ||
        !approval_check(manager->settings, session.connection, arena, &apply->plan.change, error))
        return false;
    ScheduledChange change = {.target_id = apply->recommendation.target_id,
                              .recommendation_id = apply->recommendation.id,
                              .text = apply->recommendation.text,
                              .moment = moment_words[order->moment],
                              .from_us = span.from_us,
                              .to_us = span.to_us,
                              .expires_us = order->now_us + expiry_us,
                              .sql = apply->plan.change.sql,
                              .query_hash = apply->opening.query_hash,
                              .notes = apply->opening.notes,
                              .pre_stats = apply->opening.pre_stats,
                              .requested_by = order->requested_by};
    return scheduled_change_open(session.connection, &change, &id, error) &&
           scheduled_change_get(session.connection, arena, id, ret_change, error);
}

/* One change that is due. */
typedef struct DueChange {
    const ChangeScheduleOptions *options;
    IndexManager manager;
    Arena *arena;
    const ScheduledChange *change;
    int64_t now_us;
    ChangeScheduleReport *report;
} DueChange;

static bool
audit_line_write(const DueChange *due, const char *action, const char *outcome, const char *message,
                 Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    Text details = text_new(due->arena);
    JsonWriter json = json_writer_new(&details, false);
    json_object_begin(&json);
    json_key_int(&json, "scheduled_change_id", due->change->id);
    json_key_string(&json, "requested_by", due->change->requested_by);
    json_key_string(&json, "sql", due->change->sql);
    json_key_string(&json, "message", message);
    json_object_end(&json);
    AuditLine line = {.actor = "fettle",
                      .action = action,
                      .object =
                          arena_printf(due->arena, "recommendation:%" PRId64, due->change->recommendation_id),
                      .target_id = due->change->target_id,
                      .outcome = outcome,
                      .details = details.data};
    return store_session_take(due->options->store, 0, &session, error) &&
           audit_write(session.connection, &line, error);
}

static bool
end_write(const DueChange *due, const char *state, const char *message, Error *error)
{
    int64_t target_id = 0;
    due->report->ended++;
    log_write(LOG_LEVEL_INFO, "scheduled change %" PRId64 " is %s: %s", due->change->id, state, message);
    {
        FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
        ScheduledEnd end = {.state = state, .message = message};
        if (!store_session_take(due->options->store, 0, &session, error) ||
            !scheduled_change_end(session.connection, due->change->id, &end, &target_id, error))
            return false;
    }
    return audit_line_write(due, arena_printf(due->arena, "schedule.%s", state), "ok", message, error);
}

static bool
wait_on(const DueChange *due, const MomentSpan *span, const char *message, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    due->report->waiting++;
    return store_session_take(due->options->store, 0, &session, error) &&
           scheduled_change_move(session.connection, due->change->id, span->from_us, span->to_us, message,
                                 error);
}

/* What cannot be done now is tried again within its moment, but does not ask the target all the time. */
static bool
wait_a_while(const DueChange *due, const char *message, Error *error)
{
    MomentSpan span = {.from_us = due->now_us + RETRY_US, .to_us = due->change->to_us};
    if (span.to_us <= due->now_us)
        span.to_us = due->now_us + 2 * RETRY_US;
    if (span.from_us >= span.to_us)
        span.from_us = due->now_us + (span.to_us - due->now_us) / 2;
    return wait_on(due, &span, message, error);
}

/* Its moment has passed, or is another one by now: a window can have been changed since. */
static bool
move(const DueChange *due, Error *error)
{
    MomentSpan span = {0};
    Error failure = {0};
    ChangeMoment moment = CHANGE_IN_WINDOW;
    bool is_known = change_moment_parse(due->change->moment, &moment);
    fettle_assert(is_known);
    if (moment_find(due->options->store, due->arena, due->change->target_id, moment, due->now_us, &span,
                    &failure))
        return wait_on(due, &span, due->change->message, error);
    /* without windows, say: it is looked at again an hour later, and expires in the end */
    span = (MomentSpan){.from_us = due->now_us + HOUR_US, .to_us = due->now_us + 2 * HOUR_US};
    return wait_on(due, &span, failure.message, error);
}

/* Whether the moment is now: a window is read anew, a quiet time is the one that was planned. */
static bool
is_now(const DueChange *due, bool *ret_is_now, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    ChangePolicy policy;
    *ret_is_now = due->now_us >= due->change->from_us && due->now_us < due->change->to_us;
    if (strcmp(due->change->moment, moment_words[CHANGE_IN_WINDOW]) != 0)
        return true;
    if (!store_session_take(due->options->store, 0, &session, error) ||
        !change_policy_read(session.connection, due->arena, due->change->target_id, due->now_us, &policy,
                            error))
        return false;
    *ret_is_now = policy.opens_us != 0 && policy.opens_us <= due->now_us;
    return true;
}

/* That it does not apply any more, which no waiting mends. */
static bool
is_refusal(const Error *failure)
{
    switch (failure->code) {
        case ERROR_INPUT:
        case ERROR_NOT_FOUND:
        case ERROR_CONFLICT:
        case ERROR_UNSUPPORTED:
        case ERROR_PERMISSION:
        case ERROR_DISK_FULL: return true;
        default: return false;
    }
}

static bool
plan_make(const DueChange *due, RecommendationApply *ret_apply, Error *failure)
{
    if (due->change->recommendation_id == 0)
        return error_set(failure, ERROR_CONFLICT,
                         "the recommendation does not apply any more: the last analysis did not find it");
    if (!recommendation_apply_plan(&due->manager, due->arena, due->change->recommendation_id, true,
                                   due->change->requested_by, ret_apply, failure))
        return false;
    if (!ret_apply->is_acting)
        return error_set(failure, ERROR_UNSUPPORTED, "it is not Fettle's to carry out any more");
    return strcmp(ret_apply->plan.change.sql, due->change->sql) == 0 ||
           error_set(failure, ERROR_CONFLICT,
                     "it would be another statement than the one that was approved: %s",
                     ret_apply->plan.change.sql);
}

static bool
carry_out(const DueChange *due, RecommendationApply *apply, Error *error)
{
    Error failure = {0};
    apply->opening.query_hash = due->change->query_hash;
    apply->opening.notes = due->change->notes;
    apply->opening.pre_stats = due->change->pre_stats;
    apply->scheduled_id = due->change->id;
    if (!recommendation_apply_record(&due->manager, due->arena, apply, &failure))
        return wait_a_while(due, failure.message, error);
    due->report->done++;
    if (due->options->carry_out != NULL)
        due->options->carry_out(due->options->context, apply->plan.change.id);
    return audit_line_write(due, "recommendation.implement", "ok", NULL, error);
}

static bool
due_run(const DueChange *due, Error *error)
{
    RecommendationApply apply;
    Error failure = {0};
    bool has_come = false;
    if (due->change->expires_us <= due->now_us)
        return end_write(
            due, "expired",
            due->change->message != NULL ? due->change->message : "its moment did not come in time", error);
    if (!is_now(due, &has_come, error))
        return false;
    if (!has_come)
        return move(due, error);
    if (plan_make(due, &apply, &failure))
        return carry_out(due, &apply, error);
    return is_refusal(&failure) ? end_write(due, "refused", failure.message, error)
                                : wait_a_while(due, failure.message, error);
}

bool
change_schedule_run(const ChangeScheduleOptions *options, int64_t now_us, ChangeScheduleReport *ret_report,
                    Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("scheduled changes", RUN_ARENA_BYTES);
    ScheduledChanges list;
    ScheduledFilter filter = {.due_us = now_us, .limit = SCHEDULED_CHANGES_MOST};
    *ret_report = (ChangeScheduleReport){0};
    {
        FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
        if (!store_session_take(options->store, 0, &session, error) ||
            !scheduled_change_list(session.connection, arena, &filter, &list, error))
            return false;
    }
    for (size_t i = 0; i < list.count; i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *own = arena_new("scheduled change", RUN_ARENA_BYTES);
        DueChange due = {.options = options,
                         .manager = {.store = options->store, .settings = options->settings},
                         .arena = own,
                         .change = &list.items[i],
                         .now_us = now_us,
                         .report = ret_report};
        if (!due_run(&due, error) && error->code != ERROR_CONFLICT)
            return error_prefix(error, "scheduled change %" PRId64, list.items[i].id);
        error_clear(error);
    }
    return true;
}
