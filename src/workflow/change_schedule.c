// SPDX-License-Identifier: PostgreSQL
#include "workflow/change_schedule.h"

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "pg/result.h"
#include "store/audit.h"
#include "store/index_change.h"
#include "store/target.h"
#include "workflow/approval.h"
#include "workload/outlook.h"
#include "workload/quiet_window.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define QUIET_METRIC "exec_ms"
#define QUIET_HOURS 2
#define QUIET_WITHIN 48
#define HOUR_US (INT64_C(3600) * 1000000)
#define RETRY_US (INT64_C(300) * 1000000)
#define AWAY_TIMES_MOST 3 /* so many times RETRY_US, at most, until a target that is away is asked again */
#define AWAY_US_MOST (AWAY_TIMES_MOST * RETRY_US)
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
    if (policy.opens_us == 0 && policy.window_count > 0) {
        error_set(error, ERROR_CONFLICT, "no window of the target can be read: \"%s\"", policy.windows[0]);
        return error_set_hint(error, "the store's server does not know its time zone; write another one with "
                                     "\"fettle policy NAME --windows ...\"");
    }
    if (policy.opens_us == 0) {
        error_set(error, ERROR_CONFLICT, "the target has no window for maintenance");
        return error_set_hint(error, "give it one with \"fettle policy NAME --windows ...\"");
    }
    *ret_span = (MomentSpan){.from_us = policy.opens_us, .to_us = policy.closes_us};
    return true;
}

/* What begins while nobody looks begins within the target's windows, if it has any. */
static bool
quiet_allow(PgConnection *session, Arena *arena, int64_t target_id, const MomentSpan *span, Error *error)
{
    ChangePolicy policy;
    if (!change_policy_read(session, arena, target_id, span->from_us, &policy, error))
        return false;
    if (change_policy_is_open(&policy, span->from_us))
        return true;
    error_set(error, ERROR_CONFLICT, "the target's quietest hours, from %s, are outside of its windows",
              clock_format_utc(arena, span->from_us));
    return error_set_hint(error, "approve it for a window, or give the target other windows");
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
        error_set(error, ERROR_CONFLICT, "the target's load cannot be forecast: too little was observed yet");
        return error_set_hint(error, "let the service collect first, or give the target a window");
    }
    int64_t hour = outlook.from_hour + (int64_t)(outlook.count + quiet.from);
    *ret_span = (MomentSpan){.from_us = hour * HOUR_US, .to_us = (hour + QUIET_HOURS) * HOUR_US};
    return quiet_allow(session, arena, target_id, ret_span, error);
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
    int64_t expires_us =
        order->now_us + settings_get_int(manager->settings, SETTING_APPROVAL_EXPIRY) * US_PER_MS;
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
                              /* whoever approves for a moment that is known does not mean never */
                              .expires_us = expires_us > span.to_us ? expires_us : span.to_us,
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
    ChangeScheduleMemory *memory;
    int64_t revision; /* of its target */
    bool is_away;     /* asked, it could not be reached, did not answer in time, or refused who asked */
} DueChange;

static bool
ended_audit(PgConnection *session, const DueChange *due, const char *state, const char *message, Error *error)
{
    Text details = text_new(due->arena);
    JsonWriter json = json_writer_new(&details, false);
    json_object_begin(&json);
    json_key_int(&json, "scheduled_change_id", due->change->id);
    json_key_string(&json, "requested_by", due->change->requested_by);
    json_key_string(&json, "sql", due->change->sql);
    json_key_string(&json, "message", message);
    json_object_end(&json);
    AuditLine line = {.actor = "fettle",
                      .action = arena_printf(due->arena, "schedule.%s", state),
                      .object =
                          arena_printf(due->arena, "recommendation:%" PRId64, due->change->recommendation_id),
                      .target_id = due->change->target_id,
                      .outcome = "ok",
                      .details = details.data};
    return audit_write(session, &line, error);
}

static bool
end_write(const DueChange *due, const char *state, const char *message, Error *error)
{
    int64_t target_id = 0;
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    ScheduledEnd end = {.state = state, .message = message};
    if (!store_session_take(due->options->store, 0, &session, error) ||
        !pg_execute(session.connection, "BEGIN", error) ||
        !scheduled_change_end(session.connection, due->change->id, &end, &target_id, error) ||
        !ended_audit(session.connection, due, state, message, error) ||
        !pg_execute(session.connection, "COMMIT", error))
        return false;
    due->report->ended++;
    log_write(LOG_LEVEL_INFO, "scheduled change %" PRId64 " is %s: %s", due->change->id, state, message);
    return true;
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

/* When the moment that is now is over; 0: it is not now. A window is read anew, a quiet time is the one that
 * was planned, as far as a window is open. */
static bool
moment_now(const DueChange *due, int64_t *ret_closes_us, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    ChangePolicy policy;
    bool is_quiet = strcmp(due->change->moment, moment_words[CHANGE_WHEN_QUIET]) == 0;
    *ret_closes_us = 0;
    if (!store_session_take(due->options->store, 0, &session, error) ||
        !change_policy_read(session.connection, due->arena, due->change->target_id, due->now_us, &policy,
                            error))
        return false;
    if (!is_quiet && policy.opens_us != 0 && policy.opens_us <= due->now_us)
        *ret_closes_us = policy.closes_us;
    if (is_quiet && due->now_us >= due->change->from_us && due->now_us < due->change->to_us &&
        change_policy_is_open(&policy, due->now_us))
        *ret_closes_us = due->change->to_us;
    return true;
}

/* That it does not apply any more, or is not allowed any more, which no waiting mends. A full disk, a right
 * that is missing or a server that is a standby may be otherwise within the hour. */
static bool
is_refusal(const Error *failure)
{
    return failure->code == ERROR_INPUT || failure->code == ERROR_NOT_FOUND ||
           (failure->code == ERROR_CONFLICT && strcmp(failure->sqlstate, INDEX_SQLSTATE_BUSY) != 0);
}

static bool
is_away(const Error *failure)
{
    return failure->code == ERROR_CONNECTION || failure->code == ERROR_AUTHENTICATION ||
           failure->code == ERROR_TIMEOUT;
}

/* What is known of the target's being away; NULL: nothing that holds still. */
static ChangeScheduleAway *
away_find(const DueChange *due)
{
    for (size_t i = 0; i < CHANGE_SCHEDULE_AWAY_MOST; i++) {
        ChangeScheduleAway *away = &due->memory->away[i];
        if (away->target_id != due->change->target_id)
            continue;
        if (away->revision == due->revision && away->until_us >= due->now_us - AWAY_US_MOST &&
            away->until_us <= due->now_us + AWAY_US_MOST)
            return away;
        *away = (ChangeScheduleAway){0};
    }
    return NULL;
}

static void
away_forget(const DueChange *due)
{
    ChangeScheduleAway *away = away_find(due);
    if (away != NULL)
        *away = (ChangeScheduleAway){0};
}

/* Of more than there is room for, the one that is asked again first is forgotten. */
static void
away_note(const DueChange *due, const char *message)
{
    ChangeScheduleAway *away = away_find(due);
    if (away == NULL) {
        away = &due->memory->away[0];
        for (size_t i = 1; i < CHANGE_SCHEDULE_AWAY_MOST; i++)
            if (due->memory->away[i].until_us < away->until_us)
                away = &due->memory->away[i];
        *away = (ChangeScheduleAway){.target_id = due->change->target_id, .revision = due->revision};
    }
    away->times += away->times < AWAY_TIMES_MOST;
    away->until_us = due->now_us + away->times * RETRY_US;
    snprintf(away->message, sizeof(away->message), "%s", message);
}

/* Why the target is not asked now; NULL: it may be. */
static const char *
target_stands_against(DueChange *due, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    Target target;
    if (!store_session_take(due->options->store, 0, &session, error) ||
        !target_get(session.connection, due->arena, due->change->target_id, &target, error))
        return NULL;
    due->revision = target.revision;
    const ChangeScheduleAway *away = away_find(due);
    if (!target.is_enabled)
        return "the target is disabled; it is made when the target is enabled again";
    return away != NULL && away->until_us > due->now_us ? away->message : NULL;
}

/* The class of what was approved may be another one by now. */
static bool
class_check(const DueChange *due, const IndexChange *change, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    return store_session_take(due->options->store, 0, &session, error) &&
           approval_check(due->options->settings, session.connection, due->arena, change, error);
}

/* Plans it, which asks the target; what is known of its being away is what it says now. */
static bool
target_plan(DueChange *due, RecommendationApply *ret_apply, Error *failure)
{
    bool is_asked = false;
    IndexManager manager = due->manager;
    manager.is_asked = &is_asked;
    bool is_good = recommendation_apply_plan(&manager, due->arena, due->change->recommendation_id, true,
                                             due->change->requested_by, ret_apply, failure);
    /* once it is asked, the store is not, up to the end */
    due->is_away = is_asked && !is_good && is_away(failure);
    if (is_asked && !due->is_away)
        away_forget(due);
    return is_good;
}

static bool
plan_make(DueChange *due, RecommendationApply *ret_apply, Error *failure)
{
    if (due->change->recommendation_id == 0)
        return error_set(failure, ERROR_CONFLICT,
                         "the recommendation does not apply any more: the last analysis did not find it");
    if (!target_plan(due, ret_apply, failure))
        return false;
    if (!ret_apply->is_acting)
        return error_set(failure, ERROR_CONFLICT, "it is not Fettle's to carry out any more");
    if (strcmp(ret_apply->plan.change.sql, due->change->sql) != 0)
        return error_set(failure, ERROR_CONFLICT,
                         "it would be another statement than the one that was approved: %s",
                         ret_apply->plan.change.sql);
    return class_check(due, &ret_apply->plan.change, failure);
}

/* Nobody takes what was recorded: it waits on, for that is what becomes of a change that did not begin. */
static bool
take_back(const DueChange *due, int64_t change_id, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    due->report->waiting++;
    return store_session_take(due->options->store, 0, &session, error) &&
           index_change_end(session.connection, change_id, "cancelled", "no thread was free for it", error);
}

static bool
carry_out(const DueChange *due, RecommendationApply *apply, int64_t closes_us, Error *error)
{
    Error failure = {0};
    const ChangeScheduleOptions *options = due->options;
    apply->opening.query_hash = due->change->query_hash;
    apply->opening.notes = due->change->notes;
    apply->opening.pre_stats = due->change->pre_stats;
    apply->scheduled = due->change;
    apply->plan.change.begin_before_us = closes_us;
    if (!recommendation_apply_record(&due->manager, due->arena, apply, &failure))
        return wait_a_while(due, failure.message, error);
    if (options->carry_out != NULL && !options->carry_out(options->context, apply->plan.change.id))
        return take_back(due, apply->plan.change.id, error);
    due->report->done++;
    return true;
}

/* What could not be done now: for good, or for a while. */
static bool
put_off(const DueChange *due, const Error *failure, Error *error)
{
    if (is_refusal(failure))
        return end_write(due, "refused", failure->message, error);
    if (!wait_a_while(due, failure->message, error))
        return false;
    if (due->is_away)
        away_note(due, failure->message);
    return true;
}

static bool
due_run(DueChange *due, Error *error)
{
    RecommendationApply apply;
    Error failure = {0};
    int64_t closes_us = 0;
    if (due->change->expires_us <= due->now_us)
        return end_write(
            due, "expired",
            due->change->message != NULL ? due->change->message : "its moment did not come in time", error);
    if (!moment_now(due, &closes_us, error))
        return false;
    if (closes_us == 0)
        return move(due, error);
    const char *message = target_stands_against(due, error);
    if (error->code != ERROR_NONE)
        return false;
    if (message != NULL)
        return wait_a_while(due, message, error);
    return plan_make(due, &apply, &failure) ? carry_out(due, &apply, closes_us, error)
                                            : put_off(due, &failure, error);
}

static bool
due_read(const ChangeScheduleOptions *options, Arena *arena, int64_t now_us, ScheduledChanges *ret_list,
         bool *ret_is_awaited, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    ScheduledFilter filter = {.due_us = now_us, .limit = SCHEDULED_CHANGES_MOST};
    return store_session_take(options->store, 0, &session, error) &&
           scheduled_change_is_awaited(session.connection, ret_is_awaited, error) &&
           scheduled_change_list(session.connection, arena, &filter, ret_list, error);
}

/* As it is now, with its figures: those before it may have taken a while. */
static bool
change_read(const ChangeScheduleOptions *options, Arena *arena, int64_t id, ScheduledChange *ret_change,
            Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    return store_session_take(options->store, 0, &session, error) &&
           scheduled_change_get(session.connection, arena, id, ret_change, error);
}

/* Runs one of the list; whoever ended it meanwhile was quicker, which is no failure. */
static bool
one_run(const DueChange *form, int64_t id, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *own = arena_new("scheduled change", RUN_ARENA_BYTES);
    ScheduledChange change;
    DueChange due = *form;
    due.arena = own;
    due.change = &change;
    if ((change_read(due.options, own, id, &change, error) &&
         (strcmp(change.state, "waiting") != 0 || due_run(&due, error))) ||
        error->code == ERROR_CONFLICT || error->code == ERROR_NOT_FOUND)
        return true;
    return error_prefix(error, "scheduled change %" PRId64, id);
}

bool
change_schedule_run(const ChangeScheduleOptions *options, int64_t now_us, ChangeScheduleReport *ret_report,
                    Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("scheduled changes", RUN_ARENA_BYTES);
    ScheduledChanges list;
    ChangeScheduleMemory *memory =
        options->memory != NULL ? options->memory : ARENA_NEW(arena, ChangeScheduleMemory);
    int64_t begun_ms = clock_monotonic_ms();
    bool is_good = true;
    *ret_report = (ChangeScheduleReport){.is_awaited = true};
    if (!due_read(options, arena, now_us, &list, &ret_report->is_awaited, error))
        return false;
    for (size_t i = 0; i < list.count; i++) {
        if (options->is_stopping != NULL && options->is_stopping(options->stop_context))
            return is_good;
        Error failure = {0};
        DueChange due = {.options = options,
                         .manager = {.store = options->store, .settings = options->settings},
                         .now_us = now_us + (clock_monotonic_ms() - begun_ms) * US_PER_MS,
                         .report = ret_report,
                         .memory = memory};
        if (one_run(&due, list.items[i].id, &failure) || !is_good)
            continue;
        is_good = false;
        *error = failure;
    }
    return is_good;
}
