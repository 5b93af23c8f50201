// SPDX-License-Identifier: PostgreSQL
/*
 * The workload of one target (contract, section 11): all answers are parts of one study.
 */
#include "api/api_internal.h"
#include "api/handlers/handlers.h"
#include "api/handlers/index_internal.h"
#include "workflow/workload_snapshot.h"
#include "workload/study_json.h"

#define STATEMENTS_STANDARD 100
#define STATEMENTS_MOST 10000
#define SNAPSHOTS_MS 20000 /* of an analysis' time */

/* days, database_name and the target. */
static bool
study_range(ApiRequest *request, unsigned parts, StudyRange *ret_range, PgConnection **ret_session,
            Error *error)
{
    int64_t days = STUDY_DAYS;
    StudyRange range = {.target_id = request->id, .now_us = clock_wall_us(), .parts = parts};
    if (!api_parameter_int(request, "days", STUDY_DAYS_LEAST, STUDY_DAYS_MOST, &days) ||
        !api_parameter_text(request, "database_name", &range.database_name))
        return false;
    range.days = (int)days;
    *ret_range = range;
    return api_session_take(request, ret_session, error) &&
           api_target_check(request, *ret_session, range.target_id, error);
}

static bool
study_take(ApiRequest *request, Arena *arena, unsigned parts, WorkloadStudy *ret_study,
           PgConnection **ret_session, Error *error)
{
    StudyRange range;
    return study_range(request, parts, &range, ret_session, error) &&
           study_read(*ret_session, arena, &range, ret_study, error);
}

bool
handle_workload_analysis(ApiRequest *request, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("workload study", STUDY_BYTES);
    WorkloadStudy study;
    PgConnection *session;
    if (!study_take(request, arena, STUDY_OVERVIEW | STUDY_ISSUES, &study, &session, error))
        return false;
    study_json_analysis(api_json(request), &study);
    return api_reply(request, 200);
}

bool
handle_workload_target_patterns(ApiRequest *request, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("workload study", STUDY_BYTES);
    WorkloadStudy study;
    WorkloadPatterns patterns;
    PgConnection *session;
    if (!study_take(request, arena, STUDY_SERIES, &study, &session, error))
        return false;
    WorkloadPattern like = {.target_id = study.range.target_id, .database_name = study.range.database_name};
    if (!workload_patterns_read(session, request->arena, &like, WORKLOAD_PATTERNS_MOST, &patterns, error))
        return false;
    study_json_patterns(api_json(request), &study, &patterns);
    return api_reply(request, 200);
}

bool
handle_workload_recommendations(ApiRequest *request, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("workload study", STUDY_BYTES);
    WorkloadStudy study;
    PgConnection *session;
    if (!study_take(request, arena, STUDY_OVERVIEW, &study, &session, error))
        return false;
    study_json_advice(api_json(request), &study);
    return api_reply(request, 200);
}

bool
handle_workload_hot(ApiRequest *request, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("workload study", STUDY_BYTES);
    WorkloadStudy study;
    PgConnection *session;
    if (!study_take(request, arena, STUDY_HOT, &study, &session, error))
        return false;
    study_json_hot(api_json(request), &study);
    return api_reply(request, 200);
}

static bool
limit_read(ApiRequest *request, size_t *ret_limit)
{
    int64_t limit = STATEMENTS_STANDARD;
    if (!api_parameter_int(request, "limit", 1, STATEMENTS_MOST, &limit))
        return false;
    *ret_limit = (size_t)limit;
    return true;
}

bool
handle_workload_classes(ApiRequest *request, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("workload study", STUDY_BYTES);
    WorkloadStudy study;
    PgConnection *session;
    size_t limit;
    if (!limit_read(request, &limit) || !study_take(request, arena, STUDY_CLASSES, &study, &session, error))
        return false;
    study_json_classes(api_json(request), &study, limit);
    return api_reply(request, 200);
}

bool
handle_workload_columns(ApiRequest *request, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("workload study", STUDY_BYTES);
    WorkloadStudy study;
    PgConnection *session;
    size_t limit;
    if (!limit_read(request, &limit) ||
        !study_take(request, arena, STUDY_CHARACTERISTICS, &study, &session, error))
        return false;
    study_json_characteristics(api_json(request), &study, limit);
    return api_reply(request, 200);
}

bool
handle_workload_clusters(ApiRequest *request, Error *error)
{
    static const char *const methods[] = {"kmeans", "dbscan", NULL};
    StudyRange range;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("workload study", STUDY_BYTES);
    WorkloadStudy study;
    PgConnection *session;
    int method;
    if (!api_parameter_word(request, "method", methods, CLUSTER_KMEANS, &method) ||
        !study_range(request, STUDY_CLUSTERS, &range, &session, error))
        return false;
    range.clusters.method = (ClusterMethod)method;
    if (!study_read(session, arena, &range, &study, error))
        return false;
    study_json_clusters(api_json(request), &study);
    return api_reply(request, 200);
}

bool
handle_workload_bottlenecks(ApiRequest *request, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("workload study", STUDY_BYTES);
    WorkloadStudy study;
    PgConnection *session;
    if (!study_take(request, arena, STUDY_BOTTLENECKS, &study, &session, error))
        return false;
    study_json_bottlenecks(api_json(request), &study);
    return api_reply(request, 200);
}

/* Reads the schemas of the databases that have statements; what could not be read is in *ret_notes. */
static bool
snapshots_take(ApiRequest *request, const StudyRange *range, PgConnection *session, TextList *ret_notes,
               Error *error)
{
    StudyRange series = *range;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("workload study", STUDY_BYTES);
    WorkloadStudy study;
    TextList databases = {0};
    IndexManager manager = {.store = request->api->context.store, .settings = request->settings};
    series.parts = STUDY_SERIES;
    if (!study_read(session, arena, &series, &study, error))
        return false;
    for (size_t i = 0; i < study.database_count; i++)
        vector_push(request->arena, &databases,
                    arena_strdup(request->arena, study.databases[i].database_name));
    /* reading the target may take long: the store's session is given back meanwhile */
    return api_session_end(request, true, error) &&
           workload_snapshots_keep(&manager, request->arena, range->target_id, &databases,
                                   deadline_after_ms(SNAPSHOTS_MS), ret_notes, error);
}

bool
handle_workload_analyze(ApiRequest *request, Error *error)
{
    StudyRange range;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("workload study", STUDY_BYTES);
    WorkloadStudy study;
    PgConnection *session;
    TextList notes = {0};
    request->target_id = request->id;
    if (!study_range(request, STUDY_OVERVIEW | STUDY_ISSUES, &range, &session, error) ||
        !snapshots_take(request, &range, session, &notes, error) ||
        !api_session_take(request, &session, error) || !study_read(session, arena, &range, &study, error) ||
        !api_session(request, &session, error) || !study_classes_keep(session, &study, error))
        return false;
    for (size_t i = 0; i < notes.count; i++)
        vector_push(arena, &study.overview.insights, notes.items[i]);
    study_json_analysis(api_json(request), &study);
    return api_reply(request, 200);
}
