// SPDX-License-Identifier: PostgreSQL
/*
 * The look for anomalies at one target, and its words in the log: an incident that begins or ends is one line
 * each (workload/anomaly_watch.h).
 */
#ifndef FETTLE_JOBS_ANOMALIES_H
#define FETTLE_JOBS_ANOMALIES_H

#include "store/store.h"
#include "workload/anomaly_watch.h"

bool anomalies_look(Store *store, const Settings *settings, int64_t target_id, AnomalyReport *ret_report,
                    Error *error) FETTLE_MUST_USE;

#endif
