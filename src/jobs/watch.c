// SPDX-License-Identifier: PostgreSQL
#include "base/log.h"
#include "jobs/schedule_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
watch_close(Watch *watch, Deadline deadline, Error *error)
{
    bool is_written = watch->collector == NULL || collector_flush(watch->collector, deadline, error);
    collector_close(watch->collector);
    watch->collector = NULL;
    return is_written;
}

void
watch_close_run(void *argument)
{
    Watch *watch = argument;
    Error error = {0};
    if (!watch_close(watch, 0, &error))
        log_write(LOG_LEVEL_WARNING, "target %s is let go with samples that were not written: %s",
                  watch->name, error.message);
    pthread_mutex_lock(&watch->schedule->mutex);
    watch->is_busy = false;
    pthread_mutex_unlock(&watch->schedule->mutex);
}

static bool
watch_is_over(Watch *watch)
{
    pthread_mutex_lock(&watch->schedule->mutex);
    bool is_over = watch->is_gone || watch->schedule->is_stopping;
    pthread_mutex_unlock(&watch->schedule->mutex);
    return is_over;
}

/* Failures in a row double the wait, up to a quarter of an hour, or the interval when that is longer. */
static int64_t
watch_wait_ms(const Watch *watch)
{
    int64_t most = watch->interval_ms > WATCH_BACK_OFF_MS ? watch->interval_ms : WATCH_BACK_OFF_MS;
    int doublings = watch->failures < 20 ? watch->failures : 20;
    int64_t wait = watch->interval_ms << doublings;
    return wait < most ? wait : most;
}

/* The next point of the target's own grid that is still to come, so that rounds do not drift together. */
static int64_t
watch_next_ms(const Watch *watch, int64_t now_ms)
{
    int64_t late = now_ms - watch->due_ms;
    int64_t missed = late > 0 ? late / watch->interval_ms : 0;
    return watch->due_ms + (missed + 1) * watch->interval_ms;
}

static void
watch_count(Schedule *schedule, const CollectorReport *report)
{
    schedule->state.samples += (int64_t)report->samples_written;
    schedule->state.bytes_received += report->bytes_received;
    schedule->state.target_time_us += report->server_time_us;
}

/* What the owner should know is told when it is new. */
static void
watch_log_notice(Watch *watch, const char *notice)
{
    bool is_new = strcmp(watch->notice, notice) != 0;
    snprintf(watch->notice, sizeof(watch->notice), "%s", notice);
    if (is_new && notice[0] != '\0')
        log_write(LOG_LEVEL_WARNING, "target %s: %s", watch->name, notice);
}

static void
watch_log(const Watch *watch, bool failed, const Error *error)
{
    if (failed && watch->failures == 1)
        log_write(LOG_LEVEL_WARNING, "target %s cannot be read: %s", watch->name, error->message);
    else if (!failed)
        log_write(LOG_LEVEL_INFO, "target %s answers again", watch->name);
}

static void
watch_round_end(Watch *watch, bool good, bool store_failed, const CollectorReport *report, const Error *error)
{
    Schedule *schedule = watch->schedule;
    int64_t now_ms = clock_monotonic_ms();
    pthread_mutex_lock(&schedule->mutex);
    schedule->state.rounds++;
    watch_count(schedule, report);
    bool had_failed = watch->failures > 0;
    if (good) {
        watch->failures = 0;
        watch->is_reached = true;
        watch->due_ms = watch_next_ms(watch, now_ms) +
                        (report->thinned > 1 ? report->thinned - 1 : 0) * watch->interval_ms;
    } else if (store_failed) {
        watch->due_ms = watch_next_ms(watch, now_ms);
    } else {
        schedule->state.rounds_failed++;
        watch->failures++;
        watch->is_reached = false;
        watch->sample_due_ms = 0;
        watch->due_ms = now_ms + watch_wait_ms(watch);
    }
    bool failed = !good && !store_failed;
    watch->is_busy = false;
    if (failed || (good && had_failed))
        watch_log(watch, failed, error);
    if (good)
        watch_log_notice(watch, report->notice);
    pthread_mutex_unlock(&schedule->mutex);
}

/* A changed target is read by a new collector, from a first round on. */
static void
watch_renew(Watch *watch)
{
    pthread_mutex_lock(&watch->schedule->mutex);
    bool wants_renewal = watch->wants_renewal;
    watch->wants_renewal = false;
    pthread_mutex_unlock(&watch->schedule->mutex);
    if (!wants_renewal)
        return;
    collector_close(watch->collector);
    watch->collector = NULL;
}

static bool
watch_round(Watch *watch, CollectorReport *report, Error *error)
{
    Schedule *schedule = watch->schedule;
    FETTLE_CLEANUP(settings_give_at) const SettingsSnapshot *held = settings_take(schedule->options.settings);
    watch_renew(watch);
    if (watch->collector == NULL &&
        !collector_open(&(CollectorOptions){.store = schedule->options.store, .target_id = watch->target_id},
                        &watch->collector, error)) {
        report->store_failed = true;
        return false;
    }
    return collector_round(watch->collector, settings_of(held), report, error);
}

/* Counted here, not when it was handed out: it may have waited for a worker since. */
static void
watch_count_late(Watch *watch)
{
    pthread_mutex_lock(&watch->schedule->mutex);
    bool is_late = clock_monotonic_ms() - watch->due_ms > watch->interval_ms;
    watch->schedule->state.rounds_late += is_late;
    pthread_mutex_unlock(&watch->schedule->mutex);
}

void
watch_round_run(void *argument)
{
    Watch *watch = argument;
    CollectorReport report = {0};
    Error error = {0};
    watch_count_late(watch);
    bool good = !watch_is_over(watch) && watch_round(watch, &report, &error);
    if (good)
        schedule_store_wrote(watch->schedule);
    bool store_failed = !good && (report.store_failed || error.code == ERROR_NONE);
    if (!good && report.store_failed)
        schedule_store_failed(watch->schedule, &error);
    watch_round_end(watch, good, store_failed, &report, &error);
}

void
watch_sample_run(void *argument)
{
    Watch *watch = argument;
    Schedule *schedule = watch->schedule;
    Error error = {0};
    bool good = !watch_is_over(watch) && watch->collector != NULL;
    if (good) {
        FETTLE_CLEANUP(settings_give_at)
        const SettingsSnapshot *held = settings_take(schedule->options.settings);
        /* a failure shows in the next round, which tells it */
        good = collector_activity_sample(watch->collector, settings_of(held), &error);
    }
    pthread_mutex_lock(&schedule->mutex);
    schedule->state.activity_samples += good;
    if (!good) {
        watch->is_reached = false;
        watch->sample_due_ms = 0;
    }
    watch->is_busy = false;
    pthread_mutex_unlock(&schedule->mutex);
}
