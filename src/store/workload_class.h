// SPDX-License-Identifier: PostgreSQL
/*
 * The classes that statements were given, from one analysis to the next (fettle.workload_classes; what they
 * mean is in workload/class.h). A row of a statement that was not seen for 90 days goes.
 */
#ifndef FETTLE_STORE_WORKLOAD_CLASS_H
#define FETTLE_STORE_WORKLOAD_CLASS_H

#include "pg/connection.h"

typedef struct WorkloadClass {
    const char *database_name;
    int64_t query_hash;
    const char *class;      /* "OLTP", "OLAP", "MIXED" */
    const char *weight;     /* "LIGHT", "MEDIUM", "HEAVY" */
    const char *cadence;    /* "AD_HOC", "SCHEDULED" */
    const char *next_class; /* what the last analysis found instead; NULL: the same */
    const char *next_weight;
    const char *next_cadence;
    int64_t changed_at_us; /* when read */
} WorkloadClass;

typedef struct WorkloadClasses {
    WorkloadClass *items;
    size_t count;
} WorkloadClasses;

/* Of a target that is gone nothing is written. One statement. */
bool workload_classes_write(PgConnection *session, int64_t target_id, const WorkloadClasses *classes,
                            Error *error) FETTLE_MUST_USE;
/* database_name NULL: all; by database and hash, at most 100,000. */
bool workload_classes_read(PgConnection *session, Arena *arena, int64_t target_id, const char *database_name,
                           WorkloadClasses *ret_classes, Error *error) FETTLE_MUST_USE;

#endif
