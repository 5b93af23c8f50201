// SPDX-License-Identifier: PostgreSQL
/*
 * Incidents: what belongs together of the anomalies of a target, and is worth telling somebody
 * (fettle.incidents; how they are made: workload/anomaly_incident.h).
 */
#ifndef FETTLE_STORE_INCIDENT_H
#define FETTLE_STORE_INCIDENT_H

#include "store/anomaly.h"

#define INCIDENT_HASHES_MOST 100

typedef struct Incident {
    int64_t id; /* 0: new */
    int64_t target_id;
    const char *incident_type;
    const char *severity;
    int64_t first_at_us;
    int64_t last_at_us;
    int64_t peak_at_us;
    double peak_z;
    const char *peak_metric;
    double peak_value; /* NAN: not known */
    double peak_baseline;
    int64_t peak_query_hash; /* 0: the target as a whole */
    int64_t *query_hashes;   /* up to INCIDENT_HASHES_MOST */
    size_t query_hash_count;
    const char *probable_cause;
    int64_t calm; /* looks in a row that saw nothing of it */
    bool resolved;
    int64_t resolved_at_us; /* 0: it is not over */
} Incident;

typedef struct Incidents {
    Incident *items;
    size_t count;
} Incidents;

/* Inserts a new one and sets its id, or replaces the one of its id. */
bool incident_write(PgConnection *session, Incident *incident, Error *error) FETTLE_MUST_USE;
/* Type and probable cause alone, of one that is not over: a look may be changing the rest at the same time.
 */
bool incident_explain_write(PgConnection *session, const Incident *incident, Error *error) FETTLE_MUST_USE;
/* The newest first; since_us: those that lasted until then or longer. */
bool incidents_read(PgConnection *session, Arena *arena, const AnomalyFilter *filter,
                    Incidents *ret_incidents, Error *error) FETTLE_MUST_USE;

#endif
