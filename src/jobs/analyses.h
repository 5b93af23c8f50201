// SPDX-License-Identifier: PostgreSQL
/*
 * Analyses, every night: of each target, one after the other, the schemas of its databases are read into the
 * store anew (workflow/workload_snapshot.h) and the classes of its statements are found and kept
 * (workload/study.h), so that what is told of a workload in the day is of a schema and of classes that are
 * one day old at most, without anybody asking for it.
 *
 * Due once a day for each target, from the time of "patterns.schedule" on; that it was done is known by its
 * job in the store. A target of which nothing was collected yet has nothing to analyse.
 *
 * Between a target's databases, and before what takes long, it is asked whether it is to end: the server
 * stops, or the target is gone or disabled. One that failed is tried again within the hour.
 */
#ifndef FETTLE_JOBS_ANALYSES_H
#define FETTLE_JOBS_ANALYSES_H

#include "base/list.h"
#include "base/settings.h"
#include "store/store.h"

#define ANALYSIS_JOB "analysis"

typedef struct AnalysisRun {
    Store *store;
    const Settings *settings;
    int64_t target_id;
    int64_t now_us;
    const char *(*ends_for)(void *context); /* why it is to end now, NULL: it goes on; itself NULL: never */
    void *context;
} AnalysisRun;

typedef struct AnalysisDone {
    int64_t schemas; /* that were read */
    int64_t refused; /* databases that could not be read: what was kept of them stays */
    int64_t statements;
    int64_t issues;
} AnalysisDone;

/* When the last analysis of the target that was brought to its end began; 0: never. */
bool analysis_last(Store *store, int64_t target_id, int64_t *ret_at_us, Error *error) FETTLE_MUST_USE;

/* The databases that did something in the time that is analysed, in the arena. */
bool analysis_databases(const AnalysisRun *run, Arena *arena, TextList *ret_databases, Error *error)
    FETTLE_MUST_USE;

/* ERROR_CANCELLED: it was to end, the message says why; what was read until then is kept. */
bool analysis_take(const AnalysisRun *run, const TextList *databases, AnalysisDone *ret_done, Error *error)
    FETTLE_MUST_USE;

#endif
