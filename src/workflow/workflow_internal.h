// SPDX-License-Identifier: PostgreSQL
/*
 * What the files of the workflow share.
 */
#ifndef FETTLE_WORKFLOW_WORKFLOW_INTERNAL_H
#define FETTLE_WORKFLOW_WORKFLOW_INTERNAL_H

#include "pg/result.h"

/* One statement of queries/ on a target. */
bool workflow_query(PgConnection *connection, const char *name, const char *const *parameters,
                    int parameter_count, PgResult **ret_result, Error *error) FETTLE_MUST_USE;

#endif
