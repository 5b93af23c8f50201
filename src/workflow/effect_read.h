// SPDX-License-Identifier: PostgreSQL
/*
 * Effect of one change, from the samples that the store has: which statements it concerns, which are
 * controls, their series of 15 minutes, and what effect.h says of them.
 *
 * Concerned are the query that the change is for and every statement of its database that names the changed
 * table (or, when the change is for a query without a table, a table that the query names), a table that it
 * is a part of, one of its parts, or a view of these. Statements are read as text, and views and partitions
 * are those of the snapshot that is kept of the database (workload_snapshot.h): without one, names alone
 * tell. What a function does is not seen. Controls are the busiest statements that name other tables only,
 * and none of them one that another change touched since the days before: those moved for a reason of their
 * own, and are counted (touched_count). A query that was itself rewritten meanwhile is neither. Statements
 * whose text is unknown are neither, and Fettle's own are none.
 *
 * What is not seen: a statement that joins the changed table with one that another change touched is
 * concerned, and what the other one did to it is laid at this one's door.
 *
 *     EffectRequest request = {.target_id = 1, .database_name = "shop", .query_hash = hash,
 *                              .schema_name = "public", .table_name = "orders",
 *                              .change_began_us = began, .change_ended_us = ended, .now_us =
 * clock_wall_us()}; EffectReport report; if (!effect_read(session, arena, &request, &report, error)) return
 * false;
 */
#ifndef FETTLE_WORKFLOW_EFFECT_READ_H
#define FETTLE_WORKFLOW_EFFECT_READ_H

#include "pg/connection.h"
#include "workflow/effect.h"

#define EFFECT_BEFORE_DAYS 35
#define EFFECT_AFTER_DAYS_MOST 14
#define EFFECT_BUILD_DAYS_MOST 30

typedef struct EffectRequest {
    int64_t target_id;
    const char *database_name;
    int64_t query_hash;      /* 0: none alone */
    const char *schema_name; /* NULL: any */
    const char *table_name;  /* NULL: the tables that the query names */
    int64_t change_began_us; /* an index: when its build began */
    int64_t change_ended_us; /* and when it was done; the same for what is done at once */
    int64_t now_us;
    double harm_limit_percent; /* 0: EFFECT_HARM_LIMIT_PERCENT */
} EffectRequest;

/* ERROR_INPUT when the request names neither query nor table, or ends before it begins or after now. The
 * report's others are in no order. Without samples the
 * report says EFFECT_NOT_ENOUGH_DATA. Not inside a transaction. */
bool effect_read(PgConnection *session, Arena *arena, const EffectRequest *request, EffectReport *ret_report,
                 Error *error) FETTLE_MUST_USE;

#endif
