// SPDX-License-Identifier: PostgreSQL
/*
 * Results: implementations are measured 24 and 48 hours after they were carried out; what Fettle carried out
 * itself is looked at every hour for harm, and undone when that is certain (setting auto.revert;
 * workflow/recommendation_measure.h says when it is).
 *
 * Each undo is on record before it begins, with its reason in the audit log; it is carried out by whoever
 * takes index changes (carry_out). One that cannot be ordered now, because the target is away, say, or that
 * fails, is tried again after 1, 2, 4 ... hours; one that a person cancelled only people try again.
 */
#ifndef FETTLE_JOBS_RESULTS_H
#define FETTLE_JOBS_RESULTS_H

#include "base/settings.h"
#include "store/store.h"

typedef struct ResultsOptions {
    Store *store;
    const Settings *settings;
    /* Takes a recorded index change; NULL, or false: it waits for a verb or the service. */
    bool (*carry_out)(void *context, int64_t change_id);
    void *context;
} ResultsOptions;

typedef struct ResultsReport {
    int64_t measured;
    int64_t waiting; /* for samples */
    int64_t undone;  /* ordered to be */
    int64_t failed;
} ResultsReport;

bool results_measure(const ResultsOptions *options, ResultsReport *ret_report, Error *error) FETTLE_MUST_USE;

#endif
