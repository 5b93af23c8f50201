// SPDX-License-Identifier: PostgreSQL
/*
 * AnomalyRefresh: the baselines of a target and its costliest statements, from the samples into the store.
 * For anomaly_watch.c.
 */
#ifndef FETTLE_WORKLOAD_ANOMALY_REFRESH_INTERNAL_H
#define FETTLE_WORKLOAD_ANOMALY_REFRESH_INTERNAL_H

#include "store/incident.h"
#include "workload/anomaly_series.h"

typedef struct AnomalyRefresh {
    StepRange range;
    size_t statements_most;
    const Incidents *incidents; /* whose first day is left out */
} AnomalyRefresh;

/* Also without a baseline it is a success. Not in a transaction. */
bool anomaly_baselines_refresh(PgConnection *session, const AnomalyRefresh *refresh, int64_t *ret_points,
                               Error *error) FETTLE_MUST_USE;

#endif
