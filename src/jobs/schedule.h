// SPDX-License-Identifier: PostgreSQL
/*
 * Schedule: when each target is read, and when the store is kept in order.
 *
 * The main thread calls schedule_tick() many times a second; it does no input or output, it only hands what
 * is due to worker threads, so a stalled target or store never delays it. Five pools: "collect" for rounds of
 * targets that answer, "connect" for those that are not connected yet or did not answer last time (so that
 * dead targets, each costing its time-out, cannot starve the living), "activity" for samples between rounds
 * (so that no round stands behind a thousand of them), "upkeep" for the store's own work, "lease" for the one
 * thing of it that must never wait: is the store there, is it ours, was something written.
 *
 *   target    rounds every interval, staggered by the target's id; samples of activity between them, as far
 * as the workers have time for them; never two at once on one target. One that fails is tried again after 2,
 * 4, 8 ... intervals, 15 minutes at most. upkeep    lease of the store, list of targets, compaction,
 * partitions, plans on the twin, cleaning up: the table in upkeep.h.
 *
 * Nothing is collected while the lease is not held or the store cannot be written (gone, disk full): counters
 * on the targets go on by themselves, so the next round after it covers the time, only coarser.
 *
 * Threads: schedule_targets_changed(), schedule_settings_changed() and schedule_state() from any; the rest
 * from the main thread.
 */
#ifndef FETTLE_JOBS_SCHEDULE_H
#define FETTLE_JOBS_SCHEDULE_H

#include "base/settings_holder.h"
#include "store/store.h"

typedef struct Schedule Schedule;

typedef struct ScheduleOptions {
    Store *store;
    SettingsHolder *settings;
    const char *holder; /* of the lease, for people: "host:pid" */
    /* Takes an index change that was recorded, to carry it out; false: not now. On a worker. NULL: nobody
     * does. */
    bool (*carry_out)(void *context, int64_t change_id);
    void *context;
} ScheduleOptions;

bool schedule_new(const ScheduleOptions *options, Schedule **ret_schedule, Error *error) FETTLE_MUST_USE;

/* Hands out what is due; returns the milliseconds until it wants to be called again, at most 100. */
int schedule_tick(Schedule *schedule);

/* The list of targets in the store has changed: read it again now. */
void schedule_targets_changed(Schedule *schedule);

/* Settings have been read again, the targets' too: what rests while nothing is written looks at once. */
void schedule_settings_changed(Schedule *schedule);

typedef enum StoreState {
    STORE_STATE_OK,
    STORE_STATE_NO_LEASE, /* another server collects into this store */
    STORE_STATE_DOWN,
    STORE_STATE_FULL, /* its disk is full: reading goes on, writing is tried again */
} StoreState;

const char *store_state_word(StoreState state);

typedef struct ScheduleState {
    StoreState store;
    char store_reason[ERROR_MESSAGE_BYTES]; /* why it is not OK; "" when it is */
    int64_t targets;
    int64_t targets_failing;
    int64_t rounds;
    int64_t rounds_failed;
    int64_t rounds_late; /* began more than an interval after they were due */
    int64_t samples;     /* written */
    int64_t activity_samples;
    int64_t activity_skipped; /* samples left out: workers had too much to do, or a round went on */
    int64_t bytes_received;
    int64_t target_time_us; /* spent waiting for targets */
    int64_t notices_sent;   /* messages that webhooks took */
    int64_t notices_failed; /* attempts */
    int64_t queue_waiting;
} ScheduleState;

ScheduleState schedule_state(Schedule *schedule);

/* Lets running rounds finish and what waits for the store be written, both until the deadline. False when
 * some rounds still ran: then nothing is freed and the process should end. *ret_unwritten is the number of
 * targets whose last samples were not written (the log names the first, and why). */
bool schedule_stop(Schedule *schedule, Deadline deadline, size_t *ret_unwritten);

#endif
