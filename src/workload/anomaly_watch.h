// SPDX-License-Identifier: PostgreSQL
/*
 * AnomalyWatch: one look at a target: what its statements and it did since the look before, against what is
 * usual, into the store.
 *
 * Everything is in the store, so a look may be taken by any server at any time, and repeated: how far the
 * target was looked at is written in the same transaction as what was found.
 *
 *   steps      are as fine as a week of them is ANOMALY_STEPS_MOST at most: five minutes for who has been
 *              watched for days, a quarter of a second for who has been for some minutes
 *   baselines  of the target and its costliest statements, of the last 168 hours, anew every six hours and
 *              whenever there is a fifth more to see. The steps that are judged are not in it, nor is the
 *              first day of an incident; what lasts longer becomes usual
 *   findings   a row in query_anomalies from when a metric is off until it is not
 *   incidents  anomaly_incident.h
 *
 * Not in a transaction. A target without rounds, or without a new one, is a success with nothing found.
 */
#ifndef FETTLE_WORKLOAD_ANOMALY_WATCH_H
#define FETTLE_WORKLOAD_ANOMALY_WATCH_H

#include "store/incident.h"
#include "workload/anomaly.h"

#define ANOMALY_STEPS_MOST 2016
#define ANOMALY_WEEK_US (INT64_C(168) * 3600 * 1000000)

typedef struct AnomalyWatchOptions {
    int64_t target_id;
    int64_t now_us;
    size_t statements_most;
    AnomalyThresholds thresholds;
    int64_t rows_kept_ms; /* how long findings and incidents that are over are kept */
    int64_t incidents_kept_ms;
} AnomalyWatchOptions;

AnomalyWatchOptions anomaly_watch_options(const Settings *settings, int64_t target_id, int64_t now_us);

typedef struct AnomalyReport {
    int64_t step_ms; /* 0: the target has no rounds yet */
    int64_t series;  /* that were compared with a baseline */
    int64_t rows_written;
    int64_t incidents_open;
    int64_t incidents_new;
    int64_t incidents_resolved;
    bool made_baselines;
    bool wants_plans; /* statements have joined incidents that their plans may explain */
} AnomalyReport;

bool anomaly_watch(PgConnection *session, const AnomalyWatchOptions *options, AnomalyReport *ret_report,
                   Error *error) FETTLE_MUST_USE;

#endif
