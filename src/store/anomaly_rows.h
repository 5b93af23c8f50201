// SPDX-License-Identifier: PostgreSQL
/*
 * Rows of fettle.query_anomalies of a target, for views beside its load.
 */
#ifndef FETTLE_STORE_ANOMALY_ROWS_H
#define FETTLE_STORE_ANOMALY_ROWS_H

#include "pg/connection.h"

#define ANOMALY_ROWS_MOST 1000

typedef struct AnomalyRow {
    int64_t id;
    int64_t query_hash;
    const char *anomaly_type;
    const char *severity;
    const char *metric_name;
    double metric_value; /* NAN: not known, as the next two */
    double baseline_value;
    double z_score;
    int64_t detected_at_us;
    bool is_resolved;
    int64_t resolved_at_us; /* 0: not */
} AnomalyRow;

typedef struct AnomalyRows {
    AnomalyRow *items;
    size_t count;
} AnomalyRows;

/* The newest first, at most ANOMALY_ROWS_MOST, detected at from_us or later. */
bool anomaly_rows_read(PgConnection *session, Arena *arena, int64_t target_id, int64_t from_us,
                       AnomalyRows *ret_rows, Error *error) FETTLE_MUST_USE;

#endif
