// SPDX-License-Identifier: PostgreSQL
/*
 * Patterns of workload: detection on demand, and what was detected (contract, endpoints 1 and 2).
 */
#include "api/api_internal.h"
#include "api/handlers/handlers.h"
#include "workload/pattern.h"
#include "workload/refresh.h"

#include <inttypes.h>

#define DATABASE_NAME_BYTES 63
#define LIMIT_STANDARD 50
#define LIMIT_MOST 1000

static bool
analyze_read_body(ApiRequest *request, PatternRefresh *what, int64_t *target_id)
{
    int64_t days = 0;
    const char *name = NULL;
    if (!api_field_required(request, "database_name") ||
        !api_field_text(request, "database_name", DATABASE_NAME_BYTES, &name))
        return false;
    if (name == NULL || name[0] == '\0')
        return api_refuse(request, 400, "missing_field", "database_name is required");
    if (!api_field_int(request, "lookback_days", INT64_MIN, INT64_MAX, &days) ||
        !api_field_int(request, "target_id", 1, INT64_MAX, target_id))
        return false;
    if (days == 0)
        days = PATTERN_LOOKBACK_DAYS;
    if (days < PATTERN_LOOKBACK_DAYS_LEAST)
        return api_refuse(request, 400, "lookback_too_short", "lookback_days must be at least %d",
                          PATTERN_LOOKBACK_DAYS_LEAST);
    what->database_name = name;
    what->lookback_days = days > PATTERN_LOOKBACK_DAYS_MOST ? PATTERN_LOOKBACK_DAYS_MOST : (int)days;
    return true;
}

/* The targets to analyse: the one that is named, or all that have the database. */
static bool
analyze_targets(ApiRequest *request, PgConnection *session, int64_t target_id, PatternRefresh *what,
                Error *error)
{
    int64_t *ids = ARENA_NEW(request->arena, int64_t);
    *ids = target_id;
    what->target_count = 1;
    bool is_good = target_id > 0 ? api_target_check(request, session, target_id, error)
                                 : workload_targets_read(session, request->arena, what->database_name, &ids,
                                                         &what->target_count, error);
    what->target_ids = ids;
    return is_good;
}

typedef struct AnalyzedPart {
    PatternRefresh what;
    WorkloadPatterns found;
} AnalyzedPart;

/* Some targets at a time, for memory. What is read is one snapshot each; then all is written in the act's
 * transaction. */
static bool
analyze(ApiRequest *request, const PatternRefresh *what, int64_t *ret_detected, Error *error)
{
    size_t count = (what->target_count + REFRESH_TARGETS_MOST - 1) / REFRESH_TARGETS_MOST;
    AnalyzedPart *parts = ARENA_NEW_ARRAY(request->arena, AnalyzedPart, count);
    PgConnection *session;
    *ret_detected = 0;
    if (!api_session_take(request, &session, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        size_t at = i * REFRESH_TARGETS_MOST;
        parts[i].what = *what;
        parts[i].what.target_ids = what->target_ids + at;
        parts[i].what.target_count =
            what->target_count - at < REFRESH_TARGETS_MOST ? what->target_count - at : REFRESH_TARGETS_MOST;
        if (!pattern_refresh_find(session, request->arena, &parts[i].what, &parts[i].found, error))
            return false;
        *ret_detected += (int64_t)parts[i].found.count;
    }
    if (!api_session(request, &session, error))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!pattern_refresh_keep(session, &parts[i].what, &parts[i].found, error))
            return false;
    return true;
}

bool
handle_workload_patterns_analyze(ApiRequest *request, Error *error)
{
    PatternRefresh what = {.now_us = clock_wall_us()};
    int64_t target_id = 0;
    int64_t detected;
    PgConnection *session;
    if (!analyze_read_body(request, &what, &target_id))
        return false;
    request->target_id = target_id;
    request->object = arena_printf(request->arena, "database:%s", what.database_name);
    if (!api_session_take(request, &session, error) ||
        !analyze_targets(request, session, target_id, &what, error) ||
        !analyze(request, &what, &detected, error))
        return false;
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key_int(json, "patterns_detected", detected);
    json_key_string(json, "database_name", what.database_name);
    json_key_int(json, "lookback_days", what.lookback_days);
    api_json_now(json, "timestamp");
    json_object_end(json);
    return api_reply(request, 200);
}

/* A limit that is no number or out of range is the standard one (contract, section 3.1). */
static bool
list_limit(ApiRequest *request, size_t *ret_limit)
{
    const char *text;
    int64_t number;
    if (!api_parameter_text(request, "limit", &text))
        return false;
    bool is_good = text != NULL && text_parse_int64(text, &number) && number >= 1 && number <= LIMIT_MOST;
    *ret_limit = is_good ? (size_t)number : LIMIT_STANDARD;
    return true;
}

static void
pattern_write(JsonWriter *json, const WorkloadPattern *pattern)
{
    json_object_begin(json);
    json_key_int(json, "id", pattern->id);
    json_key_int(json, "target_id", pattern->target_id);
    json_key_string(json, "database_name", pattern->database_name);
    json_key_string(json, "pattern_type", pattern->pattern_type);
    json_key_string(json, "pattern_key", pattern->pattern_key);
    api_json_embed(json, "pattern_metadata", pattern->pattern_metadata);
    api_json_time(json, "detection_timestamp", pattern->detected_at_us);
    json_key_string(json, "description", pattern->description);
    json_key_int(json, "affected_query_count", pattern->affected_query_count);
    json_object_end(json);
}

bool
handle_workload_patterns_list(ApiRequest *request, Error *error)
{
    const char *types[PATTERN_TYPE_COUNT + 1] = {NULL};
    for (int type = 0; type < PATTERN_TYPE_COUNT; type++)
        types[type] = pattern_type_word((PatternType)type);
    WorkloadPattern like = {0};
    WorkloadPatterns patterns;
    size_t limit;
    int type;
    PgConnection *session;
    if (!api_parameter_text(request, "database_name", &like.database_name) ||
        !api_parameter_word(request, "pattern_type", types, -1, &type) ||
        !api_parameter_int(request, "target_id", 1, INT64_MAX, &like.target_id) ||
        !list_limit(request, &limit))
        return false;
    like.pattern_type = type < 0 ? NULL : types[type];
    if (!api_session(request, &session, error) ||
        !workload_patterns_read(session, request->arena, &like, limit, &patterns, error))
        return false;
    JsonWriter *json = api_json(request);
    json_array_begin(json);
    for (size_t i = 0; i < patterns.count; i++)
        pattern_write(json, &patterns.items[i]);
    json_array_end(json);
    return api_reply(request, 200);
}
