// SPDX-License-Identifier: PostgreSQL
/*
 * Plans: how the costliest statements of a target are planned, kept over time.
 *
 * The target is only read (a snapshot without its workload, per database); its twin plans the statements that
 * took the most time in the last day and those of open incidents, parameterised ones by their generic plan. A
 * plan is stored when its shape differs from the newest stored one of the statement, with the cause when it
 * can be told (plan_cause.h). Open incidents that a changed plan explains are told so
 * (workload/anomaly_plan.h).
 *
 * The twins' private cluster is opened for the time of one call: a person's own "fettle advise" in the same
 * data directory may be using it, then the call is ERROR_CONFLICT and is made again later.
 */
#ifndef FETTLE_JOBS_PLANS_H
#define FETTLE_JOBS_PLANS_H

#include "base/settings.h"
#include "store/target.h"

#define PLANS_DATABASES_MOST 16

typedef struct PlansReport {
    int64_t planned;   /* statements */
    int64_t refused;   /* that could not be planned, for whatever reason */
    int64_t written;   /* plans that are new or changed */
    int64_t databases; /* that were read */
    int64_t explained; /* open incidents whose cause is a changed plan */
} PlansReport;

bool plans_take(Store *store, const Settings *settings, int64_t target_id, PlansReport *ret_report,
                Error *error) FETTLE_MUST_USE;

#endif
