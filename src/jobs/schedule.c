// SPDX-License-Identifier: PostgreSQL
#include "jobs/schedule.h"

#include "base/hash.h"
#include "base/log.h"
#include "jobs/schedule_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 100
#define TICK_TURN 97 /* watches; a prime, so that the turns meet each one first some time */
#define FULL_WAIT_MS 10000
#define UPKEEP_THREADS 4
/* Of what takes minutes so much at once: a thread is left for targets, results and notices. */
#define UPKEEP_LONG_MOST (UPKEEP_THREADS - 1)
/* What rests while nothing is written looks all the same this often, for what comes of time alone. */
#define REST_MS_MOST (10 * 60 * 1000)
#define QUEUE_MOST 16384
/* Samples of activity that may wait for a worker: few enough that a round behind them is hardly late. */
#define SAMPLES_WAITING_MOST 128
/* Planning and packing use more of it than a round does. */
#define UPKEEP_STACK_BYTES ((size_t)8 * 1024 * 1024)

const char *
store_state_word(StoreState state)
{
    static const char *const words[] = {"ok", "no_lease", "down", "full"};
    return words[state];
}

void
schedule_store_set(Schedule *schedule, StoreState state, const char *reason)
{
    pthread_mutex_lock(&schedule->mutex);
    StoreState before = schedule->state.store;
    schedule->state.store = state;
    snprintf(schedule->state.store_reason, sizeof(schedule->state.store_reason), "%s", reason);
    pthread_mutex_unlock(&schedule->mutex);
    if (state == before)
        return;
    if (state == STORE_STATE_OK)
        log_write(LOG_LEVEL_INFO, "the store is written again");
    else
        log_write(LOG_LEVEL_ERROR, "nothing is collected: %s", reason);
}

void
schedule_task_want(Schedule *schedule, UpkeepId id)
{
    schedule->tasks[id].due_ms = 0;
    schedule->tasks[id].is_wanted = true;
}

void
schedule_store_failed(Schedule *schedule, const Error *error)
{
    schedule_store_set(schedule, error->code == ERROR_DISK_FULL ? STORE_STATE_FULL : STORE_STATE_DOWN,
                       error->message);
    pthread_mutex_lock(&schedule->mutex);
    schedule->trial_due_ms = clock_monotonic_ms() + FULL_WAIT_MS;
    schedule_task_want(schedule, UPKEEP_LEASE);
    pthread_mutex_unlock(&schedule->mutex);
}

void
schedule_store_wrote(Schedule *schedule)
{
    pthread_mutex_lock(&schedule->mutex);
    bool was_full = schedule->state.store == STORE_STATE_FULL;
    pthread_mutex_unlock(&schedule->mutex);
    if (was_full)
        schedule_store_set(schedule, STORE_STATE_OK, "");
}

static Watch *
watch_find(const Schedule *schedule, int64_t target_id)
{
    for (size_t i = 0; i < schedule->watch_count; i++)
        if (schedule->watches[i]->target_id == target_id && !schedule->watches[i]->is_gone)
            return schedule->watches[i];
    return NULL;
}

/* Its first round comes within one interval, at a place of its own. */
static void
watch_add(Schedule *schedule, const Target *target, int64_t interval_ms)
{
    if (schedule->watch_count == schedule->watch_capacity) {
        schedule->watch_capacity = schedule->watch_capacity == 0 ? 64 : schedule->watch_capacity * 2;
        schedule->watches = realloc(schedule->watches, schedule->watch_capacity * sizeof(Watch *));
        fettle_assert(schedule->watches != NULL);
    }
    Watch *watch = calloc(1, sizeof(*watch));
    fettle_assert(watch != NULL);
    watch->schedule = schedule;
    watch->target_id = target->target_id;
    watch->interval_ms = interval_ms;
    int64_t now_ms = clock_monotonic_ms();
    uint64_t place = hash_bytes(&target->target_id, sizeof(target->target_id), 0);
    watch->due_ms = now_ms + (int64_t)(place % (uint64_t)interval_ms);
    watch->plans_due_ms = watch->due_ms + interval_ms;
    watch->anomalies_due_ms = watch->due_ms + interval_ms;
    watch->analysis_look_ms = watch->due_ms + interval_ms;
    watch->analyzed_at_us = -1;
    schedule->watches[schedule->watch_count++] = watch;
}

static void
watch_update(Watch *watch, const Target *target, int64_t interval_ms)
{
    snprintf(watch->name, sizeof(watch->name), "%s", target->name);
    if (watch->revision != 0 && watch->revision != target->revision) {
        watch->wants_renewal = true;
        watch->failures = 0;
        watch->due_ms = clock_monotonic_ms();
    }
    watch->revision = target->revision;
    if (watch->interval_ms == interval_ms)
        return;
    watch->interval_ms = interval_ms;
    int64_t soonest_ms = clock_monotonic_ms() + interval_ms;
    if (watch->failures == 0 && watch->due_ms > soonest_ms)
        watch->due_ms = soonest_ms;
}

static const Target *
target_in(const TargetList *targets, int64_t target_id)
{
    for (size_t i = 0; i < targets->count; i++)
        if (targets->items[i].target_id == target_id && targets->items[i].is_enabled)
            return &targets->items[i];
    return NULL;
}

void
schedule_targets_set(Schedule *schedule, const TargetList *targets, int64_t interval_ms)
{
    pthread_mutex_lock(&schedule->mutex);
    for (size_t i = 0; i < schedule->watch_count; i++)
        if (target_in(targets, schedule->watches[i]->target_id) == NULL)
            schedule->watches[i]->is_gone = true;
    for (size_t i = 0; i < targets->count; i++) {
        const Target *target = &targets->items[i];
        int64_t own_ms = target->interval_ms > 0 ? target->interval_ms : interval_ms;
        if (!target->is_enabled)
            continue;
        if (watch_find(schedule, target->target_id) == NULL)
            watch_add(schedule, target, own_ms);
        watch_update(watch_find(schedule, target->target_id), target, own_ms);
    }
    pthread_mutex_unlock(&schedule->mutex);
}

static WorkerPool *
pool_make(const char *name, int threads, size_t stack_bytes, Error *error)
{
    WorkerPool *pool = NULL;
    WorkerPoolOptions options = {
        .name = name, .threads = threads, .queue_most = QUEUE_MOST, .stack_bytes = stack_bytes};
    return worker_pool_new(&options, &pool, error) ? pool : NULL;
}

bool
schedule_new(const ScheduleOptions *options, Schedule **ret_schedule, Error *error)
{
    FETTLE_CLEANUP(settings_give_at) const SettingsSnapshot *held = settings_take(options->settings);
    Schedule *schedule = calloc(1, sizeof(*schedule));
    fettle_assert(schedule != NULL);
    schedule->options = *options;
    pthread_mutex_init(&schedule->mutex, NULL);
    for (size_t i = 0; i < UPKEEP_COUNT; i++)
        schedule->tasks[i] = (UpkeepTask){
            .schedule = schedule, .id = (UpkeepId)i, .due_ms = clock_monotonic_ms(), .changes = -1};
    int workers = (int)settings_get_int(settings_of(held), SETTING_COLLECT_WORKERS);
    schedule->workers = (size_t)workers;
    schedule->collect = pool_make("collect", workers, 0, error);
    schedule->activity =
        schedule->collect == NULL ? NULL : pool_make("activity", (workers + 1) / 2, 0, error);
    schedule->connect = schedule->activity == NULL ? NULL : pool_make("connect", workers, 0, error);
    schedule->upkeep =
        schedule->connect == NULL ? NULL : pool_make("upkeep", UPKEEP_THREADS, UPKEEP_STACK_BYTES, error);
    schedule->lease = schedule->upkeep == NULL ? NULL : pool_make("lease", 1, UPKEEP_STACK_BYTES, error);
    if (schedule->lease != NULL) {
        *ret_schedule = schedule;
        return true;
    }
    size_t unwritten;
    bool stopped = schedule_stop(schedule, DEADLINE_NEVER, &unwritten);
    fettle_assert(stopped);
    return false;
}

/* Hands a watch's round to a pool; a full queue leaves it due. */
static bool
watch_submit(Schedule *schedule, Watch *watch)
{
    WorkerPool *pool = watch->is_reached ? schedule->collect : schedule->connect;
    watch->is_busy = worker_pool_submit(pool, watch_round_run, watch);
    return watch->is_busy;
}

/* Those that were due meanwhile, while a round went on or the sample before waited, are counted as left out.
 */
static void
watch_sample_tick(Schedule *schedule, Watch *watch, int64_t now_ms, int64_t sample_interval_ms)
{
    if (watch->sample_due_ms == 0)
        watch->sample_due_ms = now_ms;
    int64_t missed = (now_ms - watch->sample_due_ms) / sample_interval_ms;
    watch->is_busy =
        schedule->sample_room > 0 && worker_pool_submit(schedule->activity, watch_sample_run, watch);
    schedule->sample_room -= watch->is_busy;
    schedule->state.activity_skipped += missed + !watch->is_busy;
    watch->sample_due_ms += (missed + 1) * sample_interval_ms;
}

static void
watch_tick(Schedule *schedule, Watch *watch, int64_t now_ms, int64_t sample_interval_ms)
{
    if (watch->due_ms <= now_ms) {
        (void)watch_submit(schedule, watch);
    } else if (sample_interval_ms > 0 && watch->is_reached && watch->sample_due_ms <= now_ms) {
        watch_sample_tick(schedule, watch, now_ms, sample_interval_ms);
    }
}

/*
 * Samples are a thousand a second where rounds are seventeen, and both want the same processors, here and on
 * the targets. So none is handed out while more rounds wait than are worked on, nor more than a few at a
 * time. One that finds no room is left out: what a minute says is relative to the samples it had. Each tick
 * begins further on, so that all are left out in turn.
 */
static size_t
sample_room(Schedule *schedule)
{
    size_t waiting = worker_pool_state(schedule->activity).waiting;
    bool are_rounds_late = worker_pool_state(schedule->collect).waiting > schedule->workers;
    return are_rounds_late || waiting >= SAMPLES_WAITING_MOST ? 0 : SAMPLES_WAITING_MOST - waiting;
}

static void
watches_tick(Schedule *schedule, int64_t now_ms, int64_t sample_interval_ms)
{
    schedule->sample_room = sample_room(schedule);
    for (size_t i = 0; i < schedule->watch_count; i++) {
        Watch *watch = schedule->watches[(schedule->tick_first + i) % schedule->watch_count];
        if (!watch->is_busy && !watch->is_gone)
            watch_tick(schedule, watch, now_ms, sample_interval_ms);
    }
    schedule->tick_first += TICK_TURN;
}

/* While nothing is sampled, nothing is left out. */
static void
samples_rest(Schedule *schedule)
{
    for (size_t i = 0; i < schedule->watch_count; i++)
        schedule->watches[i]->sample_due_ms = 0;
}

/* One round that is due, to see whether the store's disk has room again. */
static void
watches_try(Schedule *schedule, int64_t now_ms)
{
    for (size_t i = 0; i < schedule->watch_count && schedule->trial_due_ms <= now_ms; i++) {
        Watch *watch = schedule->watches[i];
        if (!watch->is_busy && !watch->is_gone && watch->due_ms <= now_ms && watch_submit(schedule, watch))
            schedule->trial_due_ms = now_ms + FULL_WAIT_MS;
    }
}

/* Lets the targets go that are not watched any more; their places close up. */
static void
watches_clean(Schedule *schedule)
{
    size_t kept = 0;
    for (size_t i = 0; i < schedule->watch_count; i++) {
        Watch *watch = schedule->watches[i];
        bool is_idle = watch->is_gone && !watch->is_busy;
        /* looked at once: from its submission on the collector is the worker's */
        bool is_open = is_idle && watch->collector != NULL;
        if (is_open)
            watch->is_busy = worker_pool_submit(schedule->connect, watch_close_run, watch);
        if (is_idle && !is_open)
            free(watch);
        else
            schedule->watches[kept++] = watch;
    }
    schedule->watch_count = kept;
}

/* Its turn would find what the one before found. Each would open a session, if only for a moment, and a
 * session that has read a few tables holds some MB of the store's memory. */
static bool
task_rests(const Schedule *schedule, const UpkeepTask *task, int64_t now_ms)
{
    return upkeep_rests(task->id) && task->changes == schedule->changes && !task->is_wanted &&
           !task->is_awaited && task->failures == 0 && now_ms - task->begun_ms < REST_MS_MOST;
}

static void
task_submit(Schedule *schedule, UpkeepTask *task, int64_t now_ms)
{
    WorkerPool *pool = task->id == UPKEEP_LEASE ? schedule->lease : schedule->upkeep;
    task->is_busy = worker_pool_submit(pool, upkeep_run, task);
    if (!task->is_busy)
        return;
    task->is_wanted = false;
    task->begun_ms = now_ms;
    task->changes = schedule->changes;
}

static size_t
long_tasks(const Schedule *schedule)
{
    size_t count = 0;
    for (size_t i = 0; i < UPKEEP_COUNT; i++)
        count += schedule->tasks[i].is_busy && upkeep_is_long((UpkeepId)i);
    return count;
}

static void
tasks_tick(Schedule *schedule, int64_t now_ms)
{
    for (size_t i = 0; i < UPKEEP_COUNT; i++) {
        UpkeepTask *task = &schedule->tasks[i];
        bool is_room = !upkeep_is_long(task->id) || long_tasks(schedule) < UPKEEP_LONG_MOST;
        bool is_possible = schedule->state.store == STORE_STATE_OK || task->id == UPKEEP_LEASE;
        bool is_due = task->due_ms <= now_ms && !task_rests(schedule, task, now_ms);
        if (is_due && is_possible && is_room && !task->is_busy)
            task_submit(schedule, task, now_ms);
    }
}

int
schedule_tick(Schedule *schedule)
{
    FETTLE_CLEANUP(settings_give_at) const SettingsSnapshot *held = settings_take(schedule->options.settings);
    const Settings *settings = settings_of(held);
    bool is_on = settings_get_bool(settings, SETTING_COLLECT_ENABLED);
    int64_t sample_interval_ms = settings_get_bool(settings, SETTING_COLLECT_ACTIVITY)
                                     ? settings_get_int(settings, SETTING_COLLECT_ACTIVITY_INTERVAL)
                                     : 0;
    int64_t now_ms = clock_monotonic_ms();
    pthread_mutex_lock(&schedule->mutex);
    tasks_tick(schedule, now_ms);
    watches_clean(schedule);
    if (!is_on || schedule->state.store != STORE_STATE_OK || sample_interval_ms == 0)
        samples_rest(schedule);
    if (is_on && schedule->state.store == STORE_STATE_OK)
        watches_tick(schedule, now_ms, sample_interval_ms);
    else if (is_on && schedule->state.store == STORE_STATE_FULL)
        watches_try(schedule, now_ms);
    pthread_mutex_unlock(&schedule->mutex);
    return TICK_MS;
}

void
schedule_targets_changed(Schedule *schedule)
{
    pthread_mutex_lock(&schedule->mutex);
    schedule_task_want(schedule, UPKEEP_TARGETS);
    pthread_mutex_unlock(&schedule->mutex);
}

void
schedule_settings_changed(Schedule *schedule)
{
    pthread_mutex_lock(&schedule->mutex);
    for (size_t i = 0; i < UPKEEP_COUNT; i++)
        if (upkeep_rests((UpkeepId)i))
            schedule_task_want(schedule, (UpkeepId)i);
    pthread_mutex_unlock(&schedule->mutex);
}

ScheduleState
schedule_state(Schedule *schedule)
{
    WorkerPoolState collect = worker_pool_state(schedule->collect);
    WorkerPoolState connect = worker_pool_state(schedule->connect);
    pthread_mutex_lock(&schedule->mutex);
    ScheduleState state = schedule->state;
    state.targets = (int64_t)schedule->watch_count;
    for (size_t i = 0; i < schedule->watch_count; i++)
        state.targets_failing += schedule->watches[i]->failures > 0;
    pthread_mutex_unlock(&schedule->mutex);
    state.queue_waiting = (int64_t)(collect.waiting + connect.waiting);
    return state;
}

/* Every watch writes what waits by the deadline; what was not written is told, and lost: counters from
 * before the stop are in the next start's first round only when the target knows since when they count. */
static size_t
watches_close(Schedule *schedule, Deadline deadline)
{
    size_t unwritten = 0;
    Error first = {0};
    for (size_t i = 0; i < schedule->watch_count; i++) {
        Error error = {0};
        if (!watch_close(schedule->watches[i], deadline, &error) && unwritten++ == 0)
            error_set(&first, error.code, "%s: %s", schedule->watches[i]->name, error.message);
        free(schedule->watches[i]);
    }
    if (unwritten > 0)
        log_write(LOG_LEVEL_WARNING,
                  "what waited for the store is lost for %zu of %zu targets; the first: %s", unwritten,
                  schedule->watch_count, first.message);
    return unwritten;
}

bool
schedule_stop(Schedule *schedule, Deadline deadline, size_t *ret_unwritten)
{
    *ret_unwritten = 0;
    if (schedule == NULL)
        return true;
    pthread_mutex_lock(&schedule->mutex);
    schedule->is_stopping = true;
    pthread_mutex_unlock(&schedule->mutex);
    /* one after the other: they share the deadline */
    if (!worker_pool_stop(schedule->collect, deadline) || !worker_pool_stop(schedule->activity, deadline) ||
        !worker_pool_stop(schedule->connect, deadline) || !worker_pool_stop(schedule->upkeep, deadline) ||
        !worker_pool_stop(schedule->lease, deadline))
        return false;
    *ret_unwritten = watches_close(schedule, deadline);
    free(schedule->watches);
    pthread_mutex_destroy(&schedule->mutex);
    free(schedule);
    return true;
}
