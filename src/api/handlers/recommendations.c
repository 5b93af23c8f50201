// SPDX-License-Identifier: PostgreSQL
/*
 * Recommendations of all sources: aggregated, listed, carried out, dismissed.
 */
#include "api/api_internal.h"
#include "api/handlers/handlers.h"
#include "api/handlers/index_internal.h"
#include "api/handlers/result_internal.h"
#include "workflow/change_schedule.h"
#include "workflow/recommendation_apply.h"
#include "workflow/recommendation_json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define LIMIT_STANDARD 20
#define LIMIT_MOST 100
#define IMPLEMENTATIONS_SHOWN 100
#define IMPACT_STANDARD 5.0

static void
ranked_write(JsonWriter *json, const RankedRecommendation *found)
{
    json_key_int(json, "id", found->id);
    json_key_int(json, "target_id", found->target_id);
    api_json_id(json, "query_hash", found->query_hash);
    api_json_id(json, "fingerprint_hash", found->fingerprint_hash);
    api_json_id(json, "source_id", found->source_id);
    recommendation_fields_write(json, found);
    api_json_time(json, "created_at", found->created_at_us);
    api_json_time(json, "updated_at", found->updated_at_us);
    api_json_time(json, "planned_at", found->planned_at_us);
}

static bool
confidence_field(ApiRequest *request, double *value)
{
    BodyValue field = body_field(request->body, "min_confidence");
    if (field.kind == BODY_ABSENT)
        return true;
    double number = field.kind == BODY_INT ? (double)field.integer : field.real;
    if ((field.kind != BODY_INT && field.kind != BODY_REAL) || !(number >= 0 && number <= 1))
        return api_refuse(request, 400, "invalid_parameter", "min_confidence must be a number from 0 to 1");
    *value = number;
    return true;
}

bool
handle_recommendations_aggregate(ApiRequest *request, Error *error)
{
    AggregateOptions options = {.min_confidence = RECOMMENDATIONS_CONFIDENCE};
    Aggregated aggregated;
    PgConnection *session;
    if (!api_field_int(request, "query_hash", 1, INT64_MAX, &options.query_hash) ||
        !confidence_field(request, &options.min_confidence) ||
        !api_field_int(request, "target_id", 1, INT64_MAX, &options.target_id))
        return false;
    request->target_id = options.target_id;
    if (options.query_hash != 0)
        request->object = arena_printf(request->arena, "query:%" PRId64, options.query_hash);
    if (!api_session(request, &session, error) ||
        (options.target_id != 0 && !api_target_check(request, session, options.target_id, error)) ||
        !recommendations_aggregate(session, request->arena, &options, &aggregated, error))
        return false;
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key_int(json, "recommendations_aggregated", aggregated.count);
    index_json_texts(json, "source_types", aggregated.source_types, aggregated.source_type_count);
    api_json_now(json, "aggregated_at");
    json_key_string(json, "message",
                    arena_printf(request->arena, "Aggregated %" PRId64 " recommendations", aggregated.count));
    json_object_end(json);
    return api_reply(request, 200);
}

bool
result_limit(ApiRequest *request, size_t standard, size_t most, size_t *ret_limit)
{
    const char *text;
    int64_t number;
    if (!api_parameter_text(request, "limit", &text))
        return false;
    bool is_good = text != NULL && text_parse_int64(text, &number) && number >= 1 && number <= (int64_t)most;
    *ret_limit = is_good ? (size_t)number : standard;
    return true;
}

static bool
impact_parameter(ApiRequest *request, double *ret_impact)
{
    const char *text;
    *ret_impact = IMPACT_STANDARD;
    if (!api_parameter_text(request, "min_impact", &text))
        return false;
    if (text != NULL && (!text_parse_double(text, ret_impact) || !isfinite(*ret_impact)))
        return api_refuse(request, 400, "invalid_parameter", "min_impact must be a number");
    return true;
}

static bool
source_parameter(ApiRequest *request, const char **ret_source)
{
    /* the last is an alias that is never printed */
    static const char *const words[] = {"index", "rewrite",  "parameter", "workload", "partition",
                                        "cache", "resource", "vacuum",    "plan",     "workload_pattern",
                                        NULL};
    int word;
    if (!api_parameter_word(request, "source_type", words, -1, &word))
        return false;
    *ret_source = word < 0 ? NULL : strcmp(words[word], "workload_pattern") == 0 ? "workload" : words[word];
    return true;
}

bool
handle_recommendations_list(ApiRequest *request, Error *error)
{
    RecommendationFilter filter = {0};
    RankedRecommendations list;
    PgConnection *session;
    double total = 0;
    if (!result_limit(request, LIMIT_STANDARD, LIMIT_MOST, &filter.limit) ||
        !impact_parameter(request, &filter.min_impact) || !source_parameter(request, &filter.source_type) ||
        !api_parameter_int(request, "query_hash", 1, INT64_MAX, &filter.query_hash) ||
        !api_parameter_int(request, "target_id", 1, INT64_MAX, &filter.target_id))
        return false;
    if (!api_session(request, &session, error) ||
        !recommendation_list(session, request->arena, &filter, &list, error))
        return false;
    JsonWriter *json = api_list_begin(request, "recommendations");
    for (size_t i = 0; i < list.count; i++) {
        json_object_begin(json);
        ranked_write(json, &list.items[i]);
        json_object_end(json);
        total += isnan(list.items[i].roi) ? 0 : list.items[i].roi;
    }
    json_array_end(json);
    json_key_int(json, "count", (int64_t)list.count);
    json_key_double(json, "total_roi_potential", total);
    api_json_now(json, "timestamp");
    if (list.count == 0)
        json_key_string(json, "message", "No recommendations available");
    json_object_end(json);
    return api_reply(request, 200);
}

bool
handle_recommendation_get(ApiRequest *request, Error *error)
{
    RankedRecommendation found;
    Implementations implementations;
    const char *source;
    PgConnection *session;
    if (!api_session(request, &session, error) ||
        !recommendation_get(session, request->arena, request->id, &found, error) ||
        !recommendation_source(session, request->arena, &found, &source, error) ||
        !implementation_list(session, request->arena, found.id, NULL, IMPLEMENTATIONS_SHOWN, &implementations,
                             error))
        return false;
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    ranked_write(json, &found);
    api_json_embed(json, "suggestion", source);
    json_key(json, "implementations");
    json_array_begin(json);
    for (size_t i = 0; i < implementations.count; i++)
        result_write(json, &implementations.items[i]);
    json_array_end(json);
    json_object_end(json);
    return api_reply(request, 200);
}

/* How it is to be carried out: by Fettle where it can, unless somebody did it by hand. */
typedef struct ImplementOrder {
    int64_t query_hash;
    const char *notes;
    const char *pre_stats;
    int wants_act;
    ChangeMoment moment;
} ImplementOrder;

/* What is reckoned with later must be numbers now; a figure that is not there, or null, is not known. */
static bool
figures_check(ApiRequest *request, const BodyValue *figures)
{
    static const char *const names[] = {"mean_exec_time_ms", "mean",          "calls", "calls_per_sec",
                                        "calls_per_hour",    "total_time_ms", "rows",  "p95_exec_time_ms",
                                        "p99_exec_time_ms"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(names); i++) {
        BodyValue figure = body_value_field(figures, names[i]);
        if (figure.kind != BODY_ABSENT && figure.kind != BODY_INT && figure.kind != BODY_REAL)
            return api_refuse(request, 400, "invalid_parameter", "pre_stats.%s must be a number", names[i]);
    }
    return true;
}

static bool
moment_read(ApiRequest *request, ImplementOrder *order)
{
    const char *word = NULL;
    if (!api_field_text(request, "when", sizeof("window"), &word))
        return false;
    if (word != NULL && !change_moment_parse(word, &order->moment))
        return api_refuse(request, 400, "invalid_parameter", "when must be now, window or quiet");
    return order->moment == CHANGE_NOW || order->wants_act == 1 ||
           api_refuse(request, 400, "invalid_parameter", "what was carried out by hand does not wait");
}

static bool
implement_read(ApiRequest *request, ImplementOrder *order)
{
    BodyValue figures = body_field(request->body, "pre_stats");
    if (!api_field_int(request, "query_hash", INT64_MIN, INT64_MAX, &order->query_hash) ||
        !api_field_text(request, "notes", RECOMMENDATION_REASON_BYTES, &order->notes) ||
        !api_field_text(request, "implementation_notes", RECOMMENDATION_REASON_BYTES, &order->notes) ||
        !api_field_bool(request, "apply", &order->wants_act) || !moment_read(request, order))
        return false;
    if (figures.kind != BODY_ABSENT && figures.kind != BODY_OBJECT)
        return api_refuse(request, 400, "invalid_parameter", "pre_stats must be an object");
    if (figures.kind == BODY_OBJECT && !figures_check(request, &figures))
        return false;
    if (figures.kind == BODY_OBJECT)
        order->pre_stats = body_value_json(request->arena, &figures);
    return true;
}

/* The hash is there to tell that the right recommendation is meant. */
static bool
implement_check(ApiRequest *request, const ImplementOrder *order, Error *error)
{
    RankedRecommendation found;
    PgConnection *session;
    if (!api_session(request, &session, error) ||
        !recommendation_get(session, request->arena, request->id, &found, error))
        return false;
    request->target_id = found.target_id;
    if (found.query_hash != 0 && body_field(request->body, "query_hash").kind == BODY_ABSENT)
        return api_refuse(request, 400, "missing_field", "query_hash is required");
    if (found.query_hash != 0 && found.query_hash != order->query_hash)
        return api_refuse(request, 409, "conflict", "recommendation %" PRId64 " is of query %" PRId64,
                          found.id, found.query_hash);
    return api_session_end(request, true, error);
}

static void
implement_details(ApiRequest *request, const RecommendationApply *apply)
{
    Text details = text_new(request->arena);
    JsonWriter json = json_writer_new(&details, false);
    json_object_begin(&json);
    json_key_int(&json, "implementation_id", apply->implementation_id);
    json_key_string(&json, "recommendation_text", apply->recommendation.text);
    json_key_string(&json, "notes", apply->opening.notes);
    if (apply->is_acting) {
        json_key_int(&json, "change_id", apply->plan.change.id);
        json_key_string(&json, "sql", apply->plan.change.sql);
        json_key_string(&json, "undo_sql", apply->plan.change.undo_sql);
    }
    json_object_end(&json);
    request->details = details.data;
}

static bool
implement_reply(ApiRequest *request, const RecommendationApply *apply, Error *error)
{
    PgConnection *session;
    Implementation opened;
    if (!api_session(request, &session, error) ||
        !implementation_get(session, request->arena, apply->implementation_id, &opened, error))
        return false;
    if (strcmp(opened.status, "failed") == 0)
        return api_refuse(request, 422, "not_applicable", "%s", opened.error_message);
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key_int(json, "implementation_id", opened.id);
    json_key_int(json, "recommendation_id", opened.recommendation_id);
    api_json_id(json, "query_hash", opened.query_hash);
    json_key_string(json, "status", opened.status);
    api_json_embed(json, "pre_metrics", opened.pre_stats);
    api_json_id(json, "index_change_id", opened.index_change_id);
    json_key_string(json, "sql", apply->is_acting ? apply->plan.change.sql : NULL);
    json_key_string(json, "undo_sql", opened.undo_sql);
    api_json_now(json, "timestamp");
    json_key_string(json, "message", "Implementation recorded. Check results after 24-48 hours.");
    json_object_end(json);
    return api_reply(request, 200);
}

/* Approved now, made later. */
static bool
implement_later(ApiRequest *request, const IndexManager *manager, const RecommendationApply *apply,
                ChangeMoment moment)
{
    ScheduledChange change;
    Error failure = {0};
    request->action = "schedule.open";
    ChangeScheduleOrder order = {
        .moment = moment, .now_us = clock_wall_us(), .requested_by = request->caller.actor};
    if (!change_schedule_open(manager, request->arena, apply, &order, &change, &failure))
        return index_target_refuse(request, &failure);
    Text details = text_new(request->arena);
    JsonWriter json = json_writer_new(&details, false);
    scheduled_write(&json, &change);
    request->details = details.data;
    scheduled_write(api_json(request), &change);
    return api_reply(request, 202);
}

bool
handle_recommendation_implement(ApiRequest *request, Error *error)
{
    ImplementOrder order = {.wants_act = 1};
    RecommendationApply apply;
    Error failure = {0};
    IndexManager manager = {.store = request->api->context.store, .settings = request->settings};
    request->object = arena_printf(request->arena, "recommendation:%" PRId64, request->id);
    if (!implement_read(request, &order) || !implement_check(request, &order, error))
        return false;
    if (!recommendation_apply_plan(&manager, request->arena, request->id, order.wants_act == 1,
                                   request->caller.actor, &apply, &failure))
        return index_target_refuse(request, &failure);
    apply.opening.query_hash = order.query_hash;
    apply.opening.notes = order.notes;
    apply.opening.pre_stats = order.pre_stats;
    if (order.moment != CHANGE_NOW)
        return implement_later(request, &manager, &apply, order.moment);
    if (!recommendation_apply_record(&manager, request->arena, &apply, &failure))
        return index_target_refuse(request, &failure);
    implement_details(request, &apply);
    if (apply.is_acting && !result_carry_out(request, apply.plan.change.id, error))
        return false;
    return implement_reply(request, &apply, error);
}

bool
handle_recommendation_dismiss(ApiRequest *request, Error *error)
{
    const char *reason = NULL;
    PgConnection *session;
    request->object = arena_printf(request->arena, "recommendation:%" PRId64, request->id);
    if (!api_field_text(request, "reason", RECOMMENDATION_REASON_BYTES, &reason))
        return false;
    if (!api_session(request, &session, error) ||
        !recommendation_dismiss(session, request->id, reason, &request->target_id, error))
        return false;
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key_int(json, "id", request->id);
    json_key_bool(json, "is_dismissed", true);
    json_key_string(json, "dismissal_reason", reason);
    api_json_now(json, "timestamp");
    json_object_end(json);
    return api_reply(request, 200);
}
