// SPDX-License-Identifier: PostgreSQL
#include "jobs/analyses.h"

#include "store/job.h"
#include "workflow/workload_snapshot.h"
#include "workload/study.h"

#define SMALL_BYTES ((size_t)16 << 20)

bool
analysis_last(Store *store, int64_t target_id, int64_t *ret_at_us, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("last analysis", SMALL_BYTES);
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    Job like = {.kind = ANALYSIS_JOB, .status = "completed", .target_id = target_id};
    JobList list;
    if (!store_session_take(store, 0, &session, error) ||
        !job_list(session.connection, arena, &like, 0, 1, &list, error))
        return false;
    *ret_at_us = list.count == 0 ? 0 : list.items[0].created_at_us;
    return true;
}

static bool
run_goes_on(const AnalysisRun *run, Error *error)
{
    const char *reason = run->ends_for == NULL ? NULL : run->ends_for(run->context);
    return reason == NULL || error_set(error, ERROR_CANCELLED, "%s", reason);
}

/* One read of the store, of so many days as people are shown by default. */
static bool
study_take(const AnalysisRun *run, Arena *arena, unsigned parts, WorkloadStudy *ret_study, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    StudyRange range = {
        .target_id = run->target_id, .days = STUDY_DAYS, .now_us = run->now_us, .parts = parts};
    if (!store_session_take(run->store, 0, &session, error))
        return false;
    store_session_retire(&session);
    return study_read(session.connection, arena, &range, ret_study, error);
}

bool
analysis_databases(const AnalysisRun *run, Arena *arena, TextList *ret_databases, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("databases to analyse", STUDY_BYTES);
    WorkloadStudy study;
    *ret_databases = (TextList){0};
    if (!study_take(run, scratch, STUDY_SERIES, &study, error))
        return false;
    for (size_t i = 0; i < study.database_count; i++)
        vector_push(arena, ret_databases, arena_strdup(arena, study.databases[i].database_name));
    return true;
}

/* One after the other, so that a server that stops waits for one database at most. */
static bool
schemas_take(const AnalysisRun *run, const TextList *databases, AnalysisDone *done, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("schemas to analyse", SMALL_BYTES);
    IndexManager manager = {.store = run->store, .settings = run->settings};
    size_t most = databases->count < WORKLOAD_SNAPSHOTS_MOST ? databases->count : WORKLOAD_SNAPSHOTS_MOST;
    for (size_t i = 0; i < most; i++) {
        TextList one = {.items = &databases->items[i], .count = 1};
        TextList notes = {0};
        Deadline deadline = deadline_after_ms(settings_get_int(run->settings, SETTING_TARGET_DEADLINE));
        if (!run_goes_on(run, error) ||
            !workload_snapshots_keep(&manager, arena, run->target_id, &one, deadline, &notes, error))
            return false;
        done->schemas += notes.count == 0;
        done->refused += notes.count > 0;
    }
    done->refused += (int64_t)(databases->count - most);
    return true;
}

static bool
classes_keep(const AnalysisRun *run, const WorkloadStudy *study, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    return store_session_take(run->store, 0, &session, error) &&
           study_classes_keep(session.connection, study, error);
}

bool
analysis_take(const AnalysisRun *run, const TextList *databases, AnalysisDone *ret_done, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("analysis", STUDY_BYTES);
    AnalysisDone done = {0};
    WorkloadStudy study;
    if (!schemas_take(run, databases, &done, error) || !run_goes_on(run, error) ||
        !study_take(run, arena, STUDY_CLASSES | STUDY_ISSUES, &study, error) || !run_goes_on(run, error) ||
        !classes_keep(run, &study, error))
        return false;
    done.statements = (int64_t)study.templates.count;
    done.issues = (int64_t)study.issues.found_count;
    *ret_done = done;
    return true;
}
