// SPDX-License-Identifier: PostgreSQL
/*
 * AnomalyIncident: one incident out of the many series that one fault moves.
 *
 * Each statement's alerts get one type: what explains the others. More blocks touched for as many rows is
 * another plan when the target scans more rows for it, bloat when it does not; more rows explain more blocks;
 * fewer hits explain more input. Then alerts join an open incident when they are of its type, are of its
 * statements, or are what its type brings about (the types are ordered so: waiting for locks explains slow
 * statements). What is left of one look is one new incident, of the type that explains most. An open
 * incident that two looks in a row saw nothing of is over.
 *
 * Pure: open incidents in, changed and new ones out.
 */
#ifndef FETTLE_WORKLOAD_ANOMALY_INCIDENT_H
#define FETTLE_WORKLOAD_ANOMALY_INCIDENT_H

#include "base/list.h"
#include "store/incident.h"
#include "workload/anomaly_alert.h"

#define ANOMALY_CALM_LOOKS 2

typedef struct AnomalyAlert {
    int64_t query_hash; /* 0: the target as a whole */
    AnomalyMetric metric;
    AnomalyType type;
    AnomalyFinding finding; /* is_alert false: a bad point that may only keep an incident open */
    double value;
    double usual;
    double calls_per_second; /* of the statement, now */
    size_t incident;         /* place in the list of the incident that it joined, plus one; 0: none */
} AnomalyAlert;

VECTOR_DEFINE(AnomalyAlerts, AnomalyAlert);

typedef struct AnomalyScene {
    int64_t target_id;
    int64_t at_us; /* the end of the step that was looked at */
    int64_t step_us;
    double scanned_more; /* rows a second that the target scans more than usually for as many calls; NAN: not
                            known */
} AnomalyScene;

VECTOR_DEFINE(IncidentList, Incident);

/* Types the alerts, by statement. */
void anomaly_alerts_type(const AnomalyScene *scene, AnomalyAlerts *alerts);

/* incidents holds the open ones of the target; changed, and with new ones at its end, afterwards. Sets the
 * alerts' incident. */
void anomaly_incidents_fold(Arena *arena, const AnomalyScene *scene, AnomalyAlerts *alerts,
                            IncidentList *incidents);

#endif
