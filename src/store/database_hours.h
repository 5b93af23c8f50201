// SPDX-License-Identifier: PostgreSQL
/*
 * DatabaseHours: what the statements of a database did in each hour, summed up, for many databases at once.
 *
 * Days that are added up are one row a database (fettle.database_days, written with the day by compaction);
 * what is younger, came late, or was inserted by hand is summed up when it is read, in the same snapshot, so
 * that each sample counts once. A day that was added up before that table existed is read the long way too.
 * fettle.database_hours() gives the same in SQL.
 *
 * An hour with observed_ms 0 was not observed; an observed one without calls is a true zero. (Of the days
 * that are not added up, a database without any statement has no hours.)
 *
 *     DatabaseHoursRange range = {.target_ids = &id, .target_count = 1, .from_us = ..., .to_us = ...};
 *     database_hours_read(session, arena, &range, &databases, &count, error)
 */
#ifndef FETTLE_STORE_DATABASE_HOURS_H
#define FETTLE_STORE_DATABASE_HOURS_H

#include "pg/connection.h"

#define DATABASE_HOURS_DAYS_MOST 400

typedef struct DatabaseHour {
    int64_t observed_ms;
    int64_t calls;
    int64_t rows;
    int64_t exec_us;
    int64_t blocks_hit; /* shared */
    int64_t blocks_read;
    int64_t temp_blocks;
} DatabaseHour;

typedef struct DatabaseHours {
    int64_t target_id;
    const char *database_name;
    DatabaseHour *hours; /* range.to_us - range.from_us of them */
} DatabaseHours;

typedef struct DatabaseHoursRange {
    const int64_t *target_ids; /* each once */
    size_t target_count;
    const char *database_name; /* NULL: all */
    int64_t from_us;           /* both at whole hours, at most DATABASE_HOURS_DAYS_MOST days apart */
    int64_t to_us;
    bool only_calls; /* observed_ms, calls and exec_us; of days that are added up the others are 0 */
} DatabaseHoursRange;

/* One for each database that was observed in the range, by target and name. Not in a transaction. */
bool database_hours_read(PgConnection *session, Arena *arena, const DatabaseHoursRange *range,
                         DatabaseHours **ret_databases, size_t *ret_count, Error *error) FETTLE_MUST_USE;

#endif
