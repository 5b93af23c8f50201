// SPDX-License-Identifier: PostgreSQL
/*
 * Collector: one target's collection, with what has to be remembered between rounds.
 *
 * collector_round() does all that is due: each time the statements and metrics, and when their own intervals
 * have passed texts, settings, and tables and indexes. collector_activity_sample() takes one sample of what
 * sessions wait for; samples are added up in memory and written by the next round. The session on the target
 * is kept from round to round; its other databases are opened in turn and closed again.
 *
 *  - A round's deltas are written once: what could not be written (the store is away, its disk is full) is
 * kept with its time and written first by the next round, which does nothing else when that fails again.
 * Nothing is lost then but what the target itself resets or evicts.
 *  - collected_at only ever grows, and intervals come from the monotonic clock, whatever the clocks of Fettle
 *    or the target do.
 *  - The first round is a baseline. After a short stop of Fettle, statements that are known to have begun
 * since the last round (17+) are counted.
 *  - When a round takes more than collect.load_percent of the time between rounds on the target, rounds
 * become rarer (brake.h); the notice says so.
 *  - Statement texts are stored with their constants replaced; of what the target does not normalise by
 * itself (ALTER ROLE ... PASSWORD) too.
 *
 * One thread at a time per collector; different collectors run at the same time. The session on the store is
 * taken for each act and given back, never held while the target is waited for.
 */
#ifndef FETTLE_COLLECT_COLLECTOR_H
#define FETTLE_COLLECT_COLLECTOR_H

#include "base/settings.h"
#include "store/store.h"

#define COLLECTOR_STATEMENTS_MOST 1000000 /* known of one target; further ones are not sampled */
#define COLLECTOR_NOTICE_BYTES 512

typedef struct Collector Collector;

typedef struct CollectorOptions {
    Store *store; /* must outlive the collector */
    int64_t target_id;
} CollectorOptions;

typedef struct CollectorReport {
    int64_t collected_at_us; /* 0: nothing was read */
    int64_t interval_ms;     /* 0: a first round */
    size_t databases;
    size_t statements_read;
    size_t samples_written;
    size_t texts_read;
    size_t relations_read;
    int64_t bytes_received; /* rows from the target, in all */
    int64_t server_time_us; /* that the target took for statements and metrics */
    unsigned flags;         /* SampleFlag */
    int thinned;            /* times the interval; 1: not thinned */
    bool is_baseline;
    bool store_failed;                   /* the failure is the store's, not the target's */
    char notice[COLLECTOR_NOTICE_BYTES]; /* what the owner should know though the round went well; "" nothing
                                          */
} CollectorReport;

/* Reads the target from the store; the target itself is not contacted. ERROR_NOT_FOUND when there is none. */
bool collector_open(const CollectorOptions *options, Collector **ret_collector, Error *error) FETTLE_MUST_USE;
void collector_close(Collector *collector); /* NULL is allowed */
void collector_close_at(Collector **collector);

/* The report is filled also on failure. The outcome is recorded with the target. */
bool collector_round(Collector *collector, const Settings *settings, CollectorReport *ret_report,
                     Error *error) FETTLE_MUST_USE;

/* One sample; success without one while there is no session (before the first round, or the target is down).
 */
bool collector_activity_sample(Collector *collector, const Settings *settings, Error *error) FETTLE_MUST_USE;

/* Writes what waits for the store, the running minute of activity too, by the deadline (0: none of its own):
 * before a clean stop. */
bool collector_flush(Collector *collector, Deadline deadline, Error *error) FETTLE_MUST_USE;

/* When the next round is due, on the monotonic clock; 0: at once. */
int64_t collector_due_us(const Collector *collector);

#endif
