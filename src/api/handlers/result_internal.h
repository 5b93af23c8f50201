// SPDX-License-Identifier: PostgreSQL
/*
 * What the handlers of recommendations and of their results share.
 */
#ifndef FETTLE_API_HANDLERS_RESULT_INTERNAL_H
#define FETTLE_API_HANDLERS_RESULT_INTERNAL_H

#include "api/request.h"
#include "store/implementation.h"
#include "store/scheduled_change.h"

/* One row of /optimization-results. */
void result_write(JsonWriter *json, const Implementation *found);

/* One row of /scheduled-changes. */
void scheduled_write(JsonWriter *json, const ScheduledChange *change);

/* A limit that is no number or out of range is the standard one (contract, section 3.1). */
bool result_limit(ApiRequest *request, size_t standard, size_t most, size_t *ret_limit);

/* Hands a recorded index change to the worker and waits for a while; that it runs still is no failure. */
bool result_carry_out(ApiRequest *request, int64_t change_id, Error *error) FETTLE_MUST_USE;

#endif
