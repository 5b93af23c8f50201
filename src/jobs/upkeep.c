// SPDX-License-Identifier: PostgreSQL
#include "base/log.h"
#include "jobs/analyses.h"
#include "jobs/notices.h"
#include "jobs/anomalies.h"
#include "jobs/patterns.h"
#include "jobs/plans.h"
#include "jobs/results.h"
#include "jobs/schedule_internal.h"
#include "store/audit.h"
#include "store/job.h"
#include "store/notice.h"
#include "store/observation.h"
#include "store/recommendation.h"
#include "store/sample.h"
#include "workflow/change_schedule.h"

#include <string.h>

#define JOBS_KEPT_MS ((int64_t)30 * 24 * 3600 * 1000)
#define SCHEDULED_KEPT_MS ((int64_t)90 * 24 * 3600 * 1000)
#define RETRY_MS 5000
#define ANALYSIS_LOOK_MS ((int64_t)10 * 60 * 1000)
#define ANALYSIS_RETRY_MS ((int64_t)50 * 60 * 1000)
#define PLANS_RETRY_MS 60000
#define TARGETS_ARENA_BYTES ((size_t)256 * 1024 * 1024)

typedef bool (*UpkeepFunction)(Schedule *schedule, const Settings *settings, Error *error);

static bool
lease_keep(Schedule *schedule, const Settings *settings, Error *error)
{
    (void)settings;
    Store *store = schedule->options.store;
    store_sessions_tidy(store);
    if (!store_recover(store, error))
        return false;
    if (!store_lease_is_held(store) && !store_lease_take(store, schedule->options.holder, error)) {
        if (error->code == ERROR_CONFLICT) {
            schedule_store_set(schedule, STORE_STATE_NO_LEASE, error->message);
            return true;
        }
        return false;
    }
    /* that a full disk has room again shows only when a round could be written */
    int64_t changes = store_lease_changes(store);
    pthread_mutex_lock(&schedule->mutex);
    schedule->changes = changes;
    bool is_full = schedule->state.store == STORE_STATE_FULL;
    pthread_mutex_unlock(&schedule->mutex);
    if (!is_full)
        schedule_store_set(schedule, STORE_STATE_OK, "");
    return true;
}

static bool
targets_read(Schedule *schedule, const Settings *settings, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("targets", TARGETS_ARENA_BYTES);
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    TargetList targets;
    if (!store_session_take(schedule->options.store, 0, &session, error) ||
        !target_list(session.connection, arena, &targets, error))
        return false;
    schedule_targets_set(schedule, &targets, settings_get_int(settings, SETTING_COLLECT_INTERVAL));
    return true;
}

/* The ids of the targets that are watched, in the arena. */
static int64_t *
watched_ids(Schedule *schedule, Arena *arena, size_t *ret_count)
{
    pthread_mutex_lock(&schedule->mutex);
    int64_t *ids = ARENA_NEW_ARRAY(arena, int64_t, schedule->watch_count + 1);
    *ret_count = 0;
    for (size_t i = 0; i < schedule->watch_count; i++)
        if (!schedule->watches[i]->is_gone)
            ids[(*ret_count)++] = schedule->watches[i]->target_id;
    pthread_mutex_unlock(&schedule->mutex);
    return ids;
}

static bool
is_stopping(Schedule *schedule)
{
    pthread_mutex_lock(&schedule->mutex);
    bool stopping = schedule->is_stopping;
    pthread_mutex_unlock(&schedule->mutex);
    return stopping;
}

static bool
schedule_is_stopping(void *context)
{
    return is_stopping(context);
}

/* What a long job on one target asks of the schedule. */
typedef struct WatchedTarget {
    Schedule *schedule;
    int64_t target_id;
} WatchedTarget;

/* Why the work on the target is to end; NULL: it goes on. */
static const char *
analysis_ends_for(void *context)
{
    const WatchedTarget *watched = context;
    Schedule *schedule = watched->schedule;
    bool is_watched = false;
    pthread_mutex_lock(&schedule->mutex);
    for (size_t i = 0; i < schedule->watch_count; i++)
        is_watched |= schedule->watches[i]->target_id == watched->target_id && !schedule->watches[i]->is_gone;
    bool stopping = schedule->is_stopping;
    pthread_mutex_unlock(&schedule->mutex);
    if (stopping)
        return "the server stops";
    return is_watched ? NULL : "the target is not watched any more";
}

/* One job's row around the work; a row that cannot be written fails the work. */
static bool
job_around(Schedule *schedule, const char *kind, int64_t target_id, int64_t *ret_id, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    return store_session_take(schedule->options.store, 0, &session, error) &&
           job_begin(session.connection, kind, target_id, ret_id, error);
}

static bool
job_finish(Schedule *schedule, int64_t id, const Error *failure, const char *result, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    return store_session_take(schedule->options.store, 0, &session, error) &&
           job_end(session.connection, id, failure->code == ERROR_NONE ? NULL : failure->message, result,
                   error);
}

static bool
compact_all(Schedule *schedule, Arena *arena, SampleUpkeep *upkeep, Error *error)
{
    size_t count;
    int64_t *ids = watched_ids(schedule, arena, &count);
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    if (count == 0)
        return true;
    if (!store_session_take(schedule->options.store, 0, &session, error))
        return false;
    store_session_retire(&session);
    for (size_t i = 0; i < count && !is_stopping(schedule); i++)
        if (!sample_compact(session.connection, ids[i], clock_wall_us(), upkeep, error) ||
            !metric_hours_write(session.connection, ids[i], clock_wall_us(), error))
            return false;
    return true;
}

static bool
compact(Schedule *schedule, const Settings *settings, Error *error)
{
    (void)settings;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("compact", TARGETS_ARENA_BYTES);
    SampleUpkeep upkeep = {0};
    Error failure = {0};
    int64_t job;
    if (!job_around(schedule, "compact", 0, &job, error))
        return false;
    bool good = compact_all(schedule, arena, &upkeep, &failure);
    const char *result = arena_printf(arena, "{\"blocks\": %lld, \"days\": %lld}",
                                      (long long)upkeep.blocks_written, (long long)upkeep.days_written);
    if (!job_finish(schedule, job, &failure, result, error))
        return false;
    if (!good)
        *error = failure;
    return good;
}

static bool
partitions_keep(Schedule *schedule, const Settings *settings, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    SampleUpkeep upkeep = {0};
    if (!store_session_take(schedule->options.store, 0, &session, error))
        return false;
    store_session_retire(&session);
    return sample_partitions_keep(session.connection, clock_wall_us(),
                                  settings_get_int(settings, SETTING_RETENTION_SAMPLES),
                                  settings_get_int(settings, SETTING_RETENTION_ROLLUPS), &upkeep, error);
}

/* The target whose plans have waited longest, among those that are due; 0: none. */
static int64_t
plans_due(Schedule *schedule, int64_t interval_ms)
{
    int64_t now_ms = clock_monotonic_ms();
    Watch *first = NULL;
    pthread_mutex_lock(&schedule->mutex);
    for (size_t i = 0; i < schedule->watch_count; i++) {
        Watch *watch = schedule->watches[i];
        bool is_due = watch->is_reached && !watch->is_gone && watch->plans_due_ms <= now_ms;
        if (is_due && (first == NULL || watch->plans_due_ms < first->plans_due_ms))
            first = watch;
    }
    int64_t target_id = first == NULL ? 0 : first->target_id;
    if (first != NULL)
        first->plans_due_ms = now_ms + interval_ms;
    pthread_mutex_unlock(&schedule->mutex);
    return target_id;
}

/* The target's plans are wanted before their time. */
static void
plans_want(Schedule *schedule, int64_t target_id, int64_t wait_ms)
{
    int64_t due_ms = clock_monotonic_ms() + wait_ms;
    pthread_mutex_lock(&schedule->mutex);
    for (size_t i = 0; i < schedule->watch_count; i++)
        if (schedule->watches[i]->target_id == target_id && schedule->watches[i]->plans_due_ms > due_ms)
            schedule->watches[i]->plans_due_ms = due_ms;
    if (wait_ms == 0)
        schedule_task_want(schedule, UPKEEP_PLANS);
    pthread_mutex_unlock(&schedule->mutex);
}

static bool
plans_keep(Schedule *schedule, const Settings *settings, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("plans job", 65536);
    int64_t target_id = settings_get_int(settings, SETTING_COLLECT_PLANS) == 0
                            ? 0
                            : plans_due(schedule, settings_get_int(settings, SETTING_COLLECT_PLANS_INTERVAL));
    if (target_id == 0)
        return true;
    int64_t job;
    PlansReport report = {0};
    Error failure = {0};
    if (!job_around(schedule, "plans", target_id, &job, error))
        return false;
    if (!plans_take(schedule->options.store, settings, target_id, &report, &failure))
        log_write(LOG_LEVEL_DEBUG, "plans of target %lld: %s", (long long)target_id, failure.message);
    if (failure.code == ERROR_CONFLICT) /* somebody is using the twins just now */
        plans_want(schedule, target_id, PLANS_RETRY_MS);
    const char *result =
        arena_printf(arena, "{\"planned\": %lld, \"refused\": %lld, \"changed\": %lld, \"databases\": %lld}",
                     (long long)report.planned, (long long)report.refused, (long long)report.written,
                     (long long)report.databases);
    /* a target that could not be planned is told by its job's row; it is no failure of the store */
    return job_finish(schedule, job, &failure, result, error);
}

/* A target whose look is due; 0: none. */
static int64_t
anomalies_due(Schedule *schedule, int64_t interval_ms)
{
    int64_t now_ms = clock_monotonic_ms();
    int64_t target_id = 0;
    pthread_mutex_lock(&schedule->mutex);
    for (size_t i = 0; i < schedule->watch_count && target_id == 0; i++) {
        Watch *watch = schedule->watches[i];
        if (!watch->is_reached || watch->is_gone || watch->anomalies_due_ms > now_ms)
            continue;
        target_id = watch->target_id;
        watch->anomalies_due_ms = now_ms + interval_ms;
    }
    pthread_mutex_unlock(&schedule->mutex);
    return target_id;
}

/* All targets that are due, one after the other. One that could not be looked at is tried next time. */
static bool
anomalies_keep(Schedule *schedule, const Settings *settings, Error *error)
{
    int64_t interval_ms = settings_get_int(settings, SETTING_ANOMALIES_INTERVAL);
    bool is_good = true;
    if (!settings_get_bool(settings, SETTING_ANOMALIES_ENABLED))
        return true;
    for (;;) {
        int64_t target_id = is_stopping(schedule) ? 0 : anomalies_due(schedule, interval_ms);
        AnomalyReport report;
        Error failure = {0};
        if (target_id == 0)
            return is_good;
        if (!anomalies_look(schedule->options.store, settings, target_id, &report, &failure) && is_good) {
            is_good = false;
            *error = failure;
        }
        if (failure.code == ERROR_NONE && report.wants_plans)
            plans_want(schedule, target_id, 0);
    }
}

/* Once a day, from the time of the schedule on; the jobs in the store tell whether it was done, also by the
 * server before. */
static bool
patterns_keep(Schedule *schedule, const Settings *settings, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("patterns job", TARGETS_ARENA_BYTES);
    int64_t due_us = 0;
    int64_t job;
    int64_t found = 0;
    Error failure = {0};
    if (!patterns_due(settings_get_text(settings, SETTING_PATTERNS_SCHEDULE), clock_wall_us(), &due_us,
                      error))
        return false;
    size_t count;
    int64_t *ids = watched_ids(schedule, arena, &count);
    if (due_us == 0 || count == 0)
        return true;
    bool is_done = false;
    if (!patterns_were_refreshed(schedule->options.store, arena, due_us, &is_done, error))
        return false;
    if (is_done)
        return true;
    if (!job_around(schedule, PATTERNS_JOB, 0, &job, error))
        return false;
    bool good = patterns_refresh(schedule->options.store, ids, count, &found, &failure);
    const char *result = arena_printf(arena, "{\"patterns\": %lld}", (long long)found);
    if (!job_finish(schedule, job, &failure, result, error))
        return false;
    if (!good)
        *error = failure;
    return good;
}

/* The target that has waited longest for a look whether its analysis is due; 0: none. */
static int64_t
analysis_next(Schedule *schedule, int64_t due_us, int64_t *ret_analyzed_at_us)
{
    int64_t now_ms = clock_monotonic_ms();
    Watch *first = NULL;
    pthread_mutex_lock(&schedule->mutex);
    for (size_t i = 0; i < schedule->watch_count; i++) {
        Watch *watch = schedule->watches[i];
        bool is_due = watch->is_reached && !watch->is_gone && watch->analyzed_at_us < due_us &&
                      watch->analysis_look_ms <= now_ms;
        if (is_due && (first == NULL || watch->analysis_look_ms < first->analysis_look_ms))
            first = watch;
    }
    if (first != NULL) {
        first->analysis_look_ms = now_ms + ANALYSIS_LOOK_MS;
        *ret_analyzed_at_us = first->analyzed_at_us;
    }
    int64_t target_id = first == NULL ? 0 : first->target_id;
    pthread_mutex_unlock(&schedule->mutex);
    return target_id;
}

static void
analysis_note(Schedule *schedule, int64_t target_id, int64_t at_us)
{
    pthread_mutex_lock(&schedule->mutex);
    for (size_t i = 0; i < schedule->watch_count; i++)
        if (schedule->watches[i]->target_id == target_id)
            schedule->watches[i]->analyzed_at_us = at_us;
    pthread_mutex_unlock(&schedule->mutex);
}

/* The job's row and the work in it. What fails for the target's sake, or because the server stops, is told by
 * that row. */
static bool
analysis_run(Schedule *schedule, const AnalysisRun *run, const TextList *databases, bool *ret_is_done,
             Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("analysis job", 65536);
    AnalysisDone done = {0};
    Error failure = {0};
    int64_t job;
    if (!job_around(schedule, ANALYSIS_JOB, run->target_id, &job, error))
        return false;
    *ret_is_done = analysis_take(run, databases, &done, &failure);
    if (!*ret_is_done)
        log_write(LOG_LEVEL_DEBUG, "analysis of target %lld: %s", (long long)run->target_id, failure.message);
    const char *result = arena_printf(
        arena, "{\"statements\": %lld, \"issues\": %lld, \"schemas\": %lld, \"refused\": %lld}",
        (long long)done.statements, (long long)done.issues, (long long)done.schemas, (long long)done.refused);
    return job_finish(schedule, job, &failure, result, error);
}

/* Tried again within the hour, not at once: it may have cost much. */
static void
analysis_put_off(Schedule *schedule, int64_t target_id)
{
    int64_t look_ms = clock_monotonic_ms() + ANALYSIS_RETRY_MS;
    pthread_mutex_lock(&schedule->mutex);
    for (size_t i = 0; i < schedule->watch_count; i++)
        if (schedule->watches[i]->target_id == target_id)
            schedule->watches[i]->analysis_look_ms = look_ms;
    pthread_mutex_unlock(&schedule->mutex);
}

/* One target at a time, with a rest of 5 s between two. One of a few small databases takes seconds; a
 * thousand that take half a minute each take ten hours, so that the last ones have their turn in the day. */
static bool
analyses_keep(Schedule *schedule, const Settings *settings, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("databases to analyse", TARGETS_ARENA_BYTES);
    WatchedTarget watched = {.schedule = schedule};
    AnalysisRun run = {.store = schedule->options.store,
                       .settings = settings,
                       .now_us = clock_wall_us(),
                       .ends_for = analysis_ends_for,
                       .context = &watched};
    TextList databases;
    int64_t due_us = 0;
    int64_t last_us = -1;
    bool is_done = false;
    if (!patterns_due(settings_get_text(settings, SETTING_PATTERNS_SCHEDULE), run.now_us, &due_us, error))
        return false;
    watched.target_id = run.target_id = due_us == 0 ? 0 : analysis_next(schedule, due_us, &last_us);
    if (run.target_id == 0)
        return true;
    if (last_us < 0 && !analysis_last(run.store, run.target_id, &last_us, error))
        return false;
    analysis_note(schedule, run.target_id, last_us);
    if (last_us >= due_us)
        return true;
    if (!analysis_databases(&run, arena, &databases, error))
        return false;
    if (databases.count == 0) /* nothing was collected yet: it is looked again */
        return true;
    if (!analysis_run(schedule, &run, &databases, &is_done, error))
        return false;
    if (is_done)
        analysis_note(schedule, run.target_id, run.now_us);
    else
        analysis_put_off(schedule, run.target_id);
    return true;
}

/* What the analyses found meanwhile is in the list of recommendations within the hour, also without being
 * asked for. */
static bool
recommendations_keep(Schedule *schedule, const Settings *settings, Error *error)
{
    (void)settings;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("recommendations job", TARGETS_ARENA_BYTES);
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    AggregateOptions options = {.min_confidence = RECOMMENDATIONS_CONFIDENCE};
    Aggregated aggregated;
    return store_session_take(schedule->options.store, 0, &session, error) &&
           recommendations_aggregate(session.connection, arena, &options, &aggregated, error);
}

static bool
results_keep(Schedule *schedule, const Settings *settings, Error *error)
{
    ResultsReport report;
    ResultsOptions options = {.store = schedule->options.store,
                              .settings = settings,
                              .carry_out = schedule->options.carry_out,
                              .context = schedule->options.context};
    return results_measure(&options, &report, error);
}

static bool
scheduled_changes_keep(Schedule *schedule, const Settings *settings, Error *error)
{
    ChangeScheduleReport report;
    ChangeScheduleOptions options = {.store = schedule->options.store,
                                     .settings = settings,
                                     .carry_out = schedule->options.carry_out,
                                     .context = schedule->options.context,
                                     .is_stopping = schedule_is_stopping,
                                     .stop_context = schedule,
                                     .memory = &schedule->scheduled};
    bool good = change_schedule_run(&options, clock_wall_us(), &report, error);
    pthread_mutex_lock(&schedule->mutex);
    schedule->tasks[UPKEEP_SCHEDULED_CHANGES].is_awaited = report.is_awaited;
    pthread_mutex_unlock(&schedule->mutex);
    return good;
}

static bool
notices_keep(Schedule *schedule, const Settings *settings, Error *error)
{
    NoticesRun run = {.store = schedule->options.store,
                      .settings = settings,
                      .is_stopping = schedule_is_stopping,
                      .context = schedule};
    bool good = notices_send(&run, error);
    pthread_mutex_lock(&schedule->mutex);
    schedule->state.notices_sent += run.sent;
    schedule->state.notices_failed += run.failed;
    schedule->tasks[UPKEEP_NOTICES].is_awaited = run.is_awaited;
    pthread_mutex_unlock(&schedule->mutex);
    return good;
}

static bool
clean_up(Schedule *schedule, const Settings *settings, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    int64_t dropped = 0;
    if (!store_session_take(schedule->options.store, 0, &session, error))
        return false;
    store_session_retire(&session);
    return job_expire(session.connection, JOBS_KEPT_MS, error) &&
           notice_expire(session.connection, NOTICES_KEPT_MS, error) &&
           scheduled_change_expire(session.connection, SCHEDULED_KEPT_MS, error) &&
           audit_drop_old(session.connection, settings_get_int(settings, SETTING_RETENTION_AUDIT), &dropped,
                          error);
}

static const struct {
    const char *name;
    int64_t interval_ms;
    UpkeepFunction run;
    bool rests;   /* upkeep_rests() */
    bool is_long; /* upkeep_is_long() */
} upkeep_table[UPKEEP_COUNT] = {
    [UPKEEP_ANALYSES] = {"analyses", 5000, analyses_keep, .is_long = true},
    [UPKEEP_ANOMALIES] = {"anomalies", 5000, anomalies_keep, .is_long = true},
    [UPKEEP_LEASE] = {"lease", 1000, lease_keep, .rests = false},
    [UPKEEP_TARGETS] = {"targets", 5000, targets_read, .rests = true},
    [UPKEEP_COMPACT] = {"compact", 10 * 60 * 1000, compact, .is_long = true},
    [UPKEEP_PARTITIONS] = {"partitions", 60 * 60 * 1000, partitions_keep, .is_long = true},
    [UPKEEP_PLANS] = {"plans", 5000, plans_keep, .is_long = true},
    [UPKEEP_PATTERNS] = {"patterns", 5000, patterns_keep, .rests = true, .is_long = true},
    [UPKEEP_RECOMMENDATIONS] = {"recommendations", 60 * 60 * 1000, recommendations_keep, .is_long = true},
    [UPKEEP_RESULTS] = {"results", 2000, results_keep, .rests = true},
    [UPKEEP_SCHEDULED_CHANGES] = {"scheduled changes", 5000, scheduled_changes_keep, .rests = true},
    [UPKEEP_NOTICES] = {"notices", 2000, notices_keep, .rests = true},
    [UPKEEP_CLEAN_UP] = {"clean up", 60 * 60 * 1000, clean_up, .rests = false},
};

bool
upkeep_rests(UpkeepId id)
{
    return upkeep_table[id].rests;
}

bool
upkeep_is_long(UpkeepId id)
{
    return upkeep_table[id].is_long;
}

void
upkeep_run(void *argument)
{
    UpkeepTask *task = argument;
    Schedule *schedule = task->schedule;
    Error error = {0};
    bool good;
    {
        FETTLE_CLEANUP(settings_give_at)
        const SettingsSnapshot *held = settings_take(schedule->options.settings);
        good = is_stopping(schedule) || upkeep_table[task->id].run(schedule, settings_of(held), &error);
    }
    if (!good) {
        log_write(task->failures == 0 ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, "%s: %s",
                  upkeep_table[task->id].name, error.message);
        if (task->id == UPKEEP_LEASE || error.code == ERROR_DISK_FULL)
            schedule_store_failed(schedule, &error);
    }
    pthread_mutex_lock(&schedule->mutex);
    task->failures = good ? 0 : task->failures + 1;
    int64_t interval_ms = upkeep_table[task->id].interval_ms;
    int64_t wait_ms = good || interval_ms < RETRY_MS ? interval_ms : RETRY_MS;
    task->due_ms = clock_monotonic_ms() + (good && task->is_wanted ? 0 : wait_ms);
    task->is_busy = false;
    pthread_mutex_unlock(&schedule->mutex);
}
