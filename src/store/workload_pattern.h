// SPDX-License-Identifier: PostgreSQL
/*
 * Patterns of workload as they are kept: one row for each (target, database, type, key), refreshed and not
 * doubled (fettle.workload_patterns; what they mean is in workload/pattern.h).
 */
#ifndef FETTLE_STORE_WORKLOAD_PATTERN_H
#define FETTLE_STORE_WORKLOAD_PATTERN_H

#include "pg/connection.h"

#define WORKLOAD_PATTERNS_MOST 1000 /* of one reading */

typedef struct WorkloadPattern {
    int64_t id; /* 0 when written */
    int64_t target_id;
    const char *database_name;
    const char *pattern_type;
    const char *pattern_key;
    const char *pattern_metadata; /* JSON object text */
    int64_t detected_at_us;       /* when written: now */
    const char *description;
    int64_t affected_query_count;
} WorkloadPattern;

typedef struct WorkloadPatterns {
    WorkloadPattern *items;
    size_t count;
} WorkloadPatterns;

/* What was analysed: all patterns of these targets (and this database, unless NULL) that are not among those
 * found are deleted. One statement: all of it or nothing. Patterns of a target that is gone are left out. */
typedef struct WorkloadPatternScope {
    const int64_t *target_ids;
    size_t target_count;
    const char *database_name;
} WorkloadPatternScope;

bool workload_patterns_write(PgConnection *session, const WorkloadPatternScope *scope,
                             const WorkloadPatterns *found, Error *error) FETTLE_MUST_USE;

/* Newest first. target_id 0, database_name and pattern_type NULL: any; most 1 .. WORKLOAD_PATTERNS_MOST. */
bool workload_patterns_read(PgConnection *session, Arena *arena, const WorkloadPattern *like, size_t most,
                            WorkloadPatterns *ret_patterns, Error *error) FETTLE_MUST_USE;

/* The targets that have a database of the name (NULL: any database), ascending. */
bool workload_targets_read(PgConnection *session, Arena *arena, const char *database_name,
                           int64_t **ret_target_ids, size_t *ret_count, Error *error) FETTLE_MUST_USE;

#endif
