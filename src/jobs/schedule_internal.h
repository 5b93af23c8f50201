// SPDX-License-Identifier: PostgreSQL
/*
 * What the files of the schedule share.
 *
 *   schedule.c  the main thread's side: what is due
 *   watch.c     one target: its rounds, its samples of activity, its waiting after failures
 *   upkeep.c    the store's own work
 *
 * One mutex guards all that is in these structs; it is never held over input or output. A watch that is_busy
 * belongs to the worker that runs it: only that one touches its collector.
 */
#ifndef FETTLE_JOBS_SCHEDULE_INTERNAL_H
#define FETTLE_JOBS_SCHEDULE_INTERNAL_H

#include "base/worker_pool.h"
#include "collect/collector.h"
#include "jobs/schedule.h"
#include "store/target.h"
#include "workflow/change_schedule.h"

#include <pthread.h>

#define WATCH_BACK_OFF_MS ((int64_t)15 * 60 * 1000)

typedef struct Watch {
    Schedule *schedule;
    int64_t target_id;
    char name[TARGET_NAME_BYTES + 1];
    int64_t revision;   /* of the target's row that the collector was opened with */
    bool wants_renewal; /* the row has changed: the collector is to be opened anew */
    int64_t interval_ms;
    Collector *collector; /* NULL until the first round */
    bool is_busy;
    bool is_gone;          /* removed or disabled: to be freed when it is not busy */
    bool is_reached;       /* the last round went well */
    int failures;          /* in a row */
    int64_t due_ms;        /* of the next round, monotonic */
    int64_t sample_due_ms; /* of the next sample; 0: at once, nothing was left out before */
    int64_t plans_due_ms;
    int64_t anomalies_due_ms;
    int64_t analysis_look_ms; /* when it may be looked again whether an analysis is due, monotonic */
    int64_t analyzed_at_us;   /* wall clock; 0: never; -1: the store is to be asked */
    char notice[COLLECTOR_NOTICE_BYTES]; /* last told */
} Watch;

typedef enum UpkeepId {
    UPKEEP_ANALYSES,
    UPKEEP_ANOMALIES,
    UPKEEP_LEASE,
    UPKEEP_TARGETS,
    UPKEEP_COMPACT,
    UPKEEP_PARTITIONS,
    UPKEEP_PLANS,
    UPKEEP_PATTERNS,
    UPKEEP_RECOMMENDATIONS,
    UPKEEP_RESULTS,
    UPKEEP_SCHEDULED_CHANGES,
    UPKEEP_NOTICES,
    UPKEEP_CLEAN_UP,
    UPKEEP_COUNT
} UpkeepId;

typedef struct UpkeepTask {
    Schedule *schedule;
    UpkeepId id;
    int64_t due_ms;
    bool is_busy;
    bool is_wanted; /* asked for since it was last handed out: what runs may not have seen why */
    int failures;   /* in a row */
    /* of those that rest while nothing is written (upkeep_rests()) */
    int64_t begun_ms; /* when it was last handed out */
    int64_t changes;  /* the schedule's then; -1: never handed out */
    bool is_awaited;  /* something waits for a time that comes without a write */
} UpkeepTask;

struct Schedule {
    ScheduleOptions options;
    WorkerPool *collect;
    WorkerPool *activity;
    WorkerPool *connect;
    WorkerPool *upkeep;
    WorkerPool *lease;
    pthread_mutex_t mutex;
    Watch **watches;
    size_t watch_count;
    size_t watch_capacity;
    size_t tick_first;  /* the watch that the next tick begins with, modulo their number */
    size_t sample_room; /* samples that this tick may still hand out */
    size_t workers;     /* of the pool "collect" */
    UpkeepTask tasks[UPKEEP_COUNT];
    ChangeScheduleMemory scheduled; /* of the task of scheduled changes alone, without the mutex */
    int64_t changes;                /* store_lease_changes() when the lease was last looked at */
    int64_t full_until_ms;          /* the store's disk was full: nothing is tried before */
    int64_t trial_due_ms; /* the store's disk was full: when one round may try whether it still is */
    ScheduleState state;  /* counters; the gauges are filled in when asked for */
    bool is_stopping;
};

/* watch.c; tasks of worker threads, argument a Watch that is_busy */
void watch_round_run(void *argument);
void watch_sample_run(void *argument);
void watch_close_run(void *argument);
/* For whoever owns it: writes what waits by the deadline (0: none of its own), lets the target go. False with
 * the reason when that was not written; it is lost then. */
bool watch_close(Watch *watch, Deadline deadline, Error *error);

/* upkeep.c; argument an UpkeepTask that is_busy */
void upkeep_run(void *argument);
/* It only finds what somebody has written, and need not look while nobody has. */
bool upkeep_rests(UpkeepId id);
/* It may take minutes, for it works on targets or on much of the store. */
bool upkeep_is_long(UpkeepId id);

/* Sets what is known of the store; logs when it changes. Takes the mutex. */
void schedule_store_set(Schedule *schedule, StoreState state, const char *reason);
/* A round was written: a store that was full has room again. Takes the mutex. */
void schedule_store_wrote(Schedule *schedule);
/* What a failure of the store says of it. Takes the mutex. */
void schedule_store_failed(Schedule *schedule, const Error *error);

/* A task of the store's own is wanted at once; one that runs is run again. With the mutex held. */
void schedule_task_want(Schedule *schedule, UpkeepId id);

/* Brings the watches in line with the store's enabled targets. Takes the mutex. */
void schedule_targets_set(Schedule *schedule, const TargetList *targets, int64_t interval_ms);

#endif
