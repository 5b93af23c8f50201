// SPDX-License-Identifier: PostgreSQL
/*
 * AnomalyLook: judges the newest step of all series of a target, and writes what follows. For
 * anomaly_watch.c.
 */
#ifndef FETTLE_WORKLOAD_ANOMALY_LOOK_INTERNAL_H
#define FETTLE_WORKLOAD_ANOMALY_LOOK_INTERNAL_H

#include "workload/anomaly_series.h"
#include "workload/anomaly_watch.h"

typedef struct AnomalyLook {
    PgConnection *session;
    Arena *arena;
    const AnomalyWatchOptions *options;
    AnomalyState *state; /* evaluated_to_us is moved on, and all of it written */
    const AnomalySeries *series;
    AnomalyReport *report;
} AnomalyLook;

bool anomaly_look(AnomalyLook *look, Error *error) FETTLE_MUST_USE;

#endif
