// SPDX-License-Identifier: PostgreSQL
/*
 * SqlShape: what a statement is made of, without asking what its names mean.
 */
#ifndef FETTLE_SQL_SHAPE_H
#define FETTLE_SQL_SHAPE_H

#include "sql/statement.h"

typedef struct SqlShape {
    int join_count; /* JOINs, and the commas of FROM */
    int subquery_count;
    int cte_count;
    int window_count;
    bool has_aggregate; /* a call that only aggregates have, or one of PostgreSQL's by name */
    bool has_group_by;
    bool has_distinct;
    bool has_limit;
} SqlShape;

/* All 0 for what did not parse. */
SqlShape sql_shape(const SqlStatement *statement);

#endif
