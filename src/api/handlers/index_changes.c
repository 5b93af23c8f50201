// SPDX-License-Identifier: PostgreSQL
/*
 * Creating and dropping indexes. A change is recorded before it begins and goes on whatever becomes of the
 * request: the reply tells how it ended when that is within CHANGE_WAIT_MS, else that it runs.
 */
#include "api/api_internal.h"
#include "api/handlers/handlers.h"
#include "api/handlers/index_internal.h"
#include "pg/identifier.h"
#include "store/index_change.h"
#include "store/index_recommendation.h"
#include "workflow/index_plan.h"
#include "workflow/index_worker.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define CHANGE_WAIT_MS 10000
#define HISTORY_STANDARD 50

static bool
name_check(ApiRequest *request, const char *field, const char *name)
{
    return name == NULL || name[0] != '\0' ||
           api_refuse(request, 400, "invalid_parameter", "%s must not be empty", field);
}

static bool
name_field(ApiRequest *request, const char *field, bool is_required, const char **ret_name)
{
    return (!is_required || api_field_required(request, field)) &&
           api_field_text(request, field, PG_IDENTIFIER_BYTES, ret_name) &&
           name_check(request, field, *ret_name);
}

static bool
order_read(ApiRequest *request, IndexOrder *order)
{
    if (!api_field_required(request, "connection_id") ||
        !api_field_int(request, "connection_id", 1, INT64_MAX, &order->target_id) ||
        !name_field(request, "table_name", true, &order->table) ||
        !name_field(request, "index_name", true, &order->name) ||
        !name_field(request, "schema_name", false, &order->schema) ||
        !name_field(request, "database_name", false, &order->database) ||
        !api_field_int(request, "recommendation_id", 1, INT64_MAX, &order->recommendation_id))
        return false;
    order->performed_by = request->caller.actor;
    request->target_id = order->target_id;
    request->object = arena_printf(request->arena, "index:%s", order->name);
    return true;
}

static bool
columns_check(ApiRequest *request, const char *field, const char *const *columns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (columns[i][0] == '\0' || strlen(columns[i]) > PG_IDENTIFIER_BYTES)
            return api_refuse(request, 400, "invalid_parameter", "%s must hold names of 1 to %d bytes", field,
                              PG_IDENTIFIER_BYTES);
    return true;
}

static bool
create_read(ApiRequest *request, IndexOrder *order)
{
    bool has_columns;
    bool has_included;
    int is_unique = 0;
    order->method = "btree";
    if (!order_read(request, order) || !api_field_required(request, "columns") ||
        !api_field_texts(request, "columns", INDEX_COLUMNS_MOST, &order->columns, &order->column_count,
                         &has_columns) ||
        !api_field_texts(request, "include_columns", INDEX_COLUMNS_MOST, &order->included,
                         &order->included_count, &has_included) ||
        !api_field_bool(request, "unique", &is_unique) ||
        !name_field(request, "replaces", false, &order->replaced) ||
        !api_field_text(request, "index_type", PG_IDENTIFIER_BYTES, &order->method))
        return false;
    order->is_unique = is_unique == 1;
    if (order->column_count == 0 || order->column_count + order->included_count > INDEX_COLUMNS_MOST)
        return api_refuse(request, 400, "invalid_parameter", "columns must name 1 to %d columns",
                          INDEX_COLUMNS_MOST);
    if (!index_method_is_known(order->method))
        return api_refuse(request, 400, "invalid_parameter", "index_type must be one of " INDEX_METHODS);
    return columns_check(request, "columns", order->columns, order->column_count) &&
           columns_check(request, "include_columns", order->included, order->included_count);
}

static bool
is_same_list(const char *const *a, size_t a_count, const char *const *b, size_t b_count)
{
    bool is_same = a_count == b_count;
    for (size_t i = 0; is_same && i < a_count; i++)
        is_same = strcmp(a[i], b[i]) == 0;
    return is_same;
}

/* The recommendation that the order names is of this target, open, and of the same index. */
static bool
recommendation_apply(ApiRequest *request, const char *action, IndexOrder *order, Error *error)
{
    PgConnection *session;
    IndexRecommendation found;
    if (order->recommendation_id == 0)
        return true;
    if (!api_session(request, &session, error) ||
        !index_recommendation_get(session, request->arena, order->recommendation_id, &found, error))
        return false;
    if (found.target_id != order->target_id)
        return api_refuse(request, 404, "not_found", "connection %" PRId64 " has no recommendation %" PRId64,
                          order->target_id, order->recommendation_id);
    bool is_create = strcmp(action, "create") == 0;
    bool is_successor = is_create && index_recommendation_is_successor(&found);
    bool is_same =
        (is_successor || strcmp(found.type, action) == 0) && strcmp(found.table_name, order->table) == 0 &&
        (order->schema == NULL || strcmp(found.schema_name, order->schema) == 0) &&
        (is_create ? is_same_list(found.columns, found.column_count, order->columns, order->column_count)
                   : text_equals(found.index_name, order->name));
    if (!is_same || strcmp(found.status, "recommended") != 0)
        return api_refuse(request, 409, "conflict", "recommendation %" PRId64 " is %s, and %s this index",
                          found.id, found.status, is_same ? "is of" : "is not of");
    /* One to modify goes by the name of the index that goes; the new one has its own, or another. */
    bool has_own_name = is_create && !(is_successor && text_equals(order->name, found.index_name));
    IndexOrder own = *order;
    if (!index_order_of_recommendation(&found, order, error))
        return false;
    order->name = has_own_name ? own.name : order->name;
    order->performed_by = own.performed_by;
    return true;
}

/* Where it is and what was, or will be, sent. */
static void
change_subject_write(JsonWriter *json, const IndexChange *change)
{
    json_key_string(json, "database_name", change->database_name);
    json_key_string(json, "schema_name", change->schema_name);
    json_key_string(json, "table_name", change->table_name);
    json_key_string(json, "index_name", change->index_name);
    index_json_texts(json, "columns", change->columns, change->column_count);
    json_key_string(json, "sql", change->sql);
    json_key_string(json, "undo_sql", change->undo_sql);
}

typedef struct ChangeReply {
    bool is_over;
    const char *message;
    const char *status;
    const char *note; /* as the plan has it */
} ChangeReply;

static bool
change_reply(ApiRequest *request, const IndexChange *change, const ChangeReply *reply)
{
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key_bool(json, "success", true);
    json_key_string(json, "message", reply->message);
    json_key_string(json, "note", reply->note);
    change_subject_write(json, change);
    api_json_id(json, "change_id", change->id);
    json_key_string(json, "status", reply->status);
    json_object_end(json);
    return api_reply(request, reply->is_over ? 200 : 202);
}

static void
details_set(ApiRequest *request, const IndexChange *change)
{
    Text details = text_new(request->arena);
    JsonWriter json = json_writer_new(&details, false);
    json_object_begin(&json);
    api_json_id(&json, "change_id", change->id);
    json_key_string(&json, "sql", change->sql);
    json_key_string(&json, "undo_sql", change->undo_sql);
    json_object_end(&json);
    request->details = details.data;
    request->object = arena_printf(request->arena, "index:%s.%s", change->schema_name, change->index_name);
}

/* The change ended without success: its message is the answer. */
static bool
ending_refuse(ApiRequest *request, const IndexChange *change)
{
    Text details = text_new(request->arena);
    JsonWriter json = json_writer_new(&details, false);
    json_object_begin(&json);
    json_key_int(&json, "change_id", change->id);
    json_object_end(&json);
    bool is_cancelled = strcmp(change->state, "cancelled") == 0;
    http_reply_error(request->http, is_cancelled ? 409 : 422, is_cancelled ? "conflict" : "not_applicable",
                     change->error_message == NULL ? "the change failed" : change->error_message,
                     details.data);
    return false;
}

static bool
change_await(ApiRequest *request, IndexPlan *plan, Error *error)
{
    PgConnection *session;
    IndexWorker *worker = request->api->index_worker;
    IndexChange *change = &plan->change;
    details_set(request, change);
    Deadline until = deadline_earlier(deadline_after_ms(CHANGE_WAIT_MS), request->http->deadline);
    bool is_taken = index_worker_submit(worker, change->id);
    bool is_over = is_taken && index_worker_wait(worker, change->id, until);
    if (!api_session(request, &session, error))
        return false;
    if (!is_taken) {
        if (!index_change_end(session, change->id, "failed", "too many index changes wait", error) ||
            !api_session_end(request, true, error))
            return false;
        return api_refuse(request, 503, "unavailable", "too many index changes wait");
    }
    IndexChange now;
    if (!index_change_get(session, request->arena, change->id, &now, error))
        return false;
    if (!is_over || now.success < 0)
        return change_reply(
            request, &now,
            &(ChangeReply){false, "it goes on; follow it in the history", "running", plan->note});
    if (now.success == 0)
        return ending_refuse(request, &now);
    return change_reply(request, &now, &(ChangeReply){true, plan->message, now.state, plan->note});
}

static bool
change_run(ApiRequest *request, const char *action, IndexOrder *order, Error *error)
{
    IndexManager manager;
    IndexPlan plan;
    Error failure = {0};
    if (!recommendation_apply(request, action, order, error) ||
        !index_target_begin(request, order->target_id, &manager, error))
        return false;
    bool is_create = strcmp(action, "create") == 0;
    if (!(is_create ? index_plan_create(&manager, request->arena, order, &plan, &failure)
                    : index_plan_drop(&manager, request->arena, order, &plan, &failure)))
        return index_target_refuse(request, &failure);
    if (plan.is_done) {
        details_set(request, &plan.change);
        return change_reply(request, &plan.change,
                            &(ChangeReply){true, plan.message, "completed", plan.note});
    }
    if (!index_plan_record(&manager, request->arena, &plan, &plan.change.id, &failure))
        return index_target_refuse(request, &failure);
    return change_await(request, &plan, error);
}

bool
handle_index_create(ApiRequest *request, Error *error)
{
    IndexOrder order = {0};
    return create_read(request, &order) && change_run(request, "create", &order, error);
}

bool
handle_index_drop(ApiRequest *request, Error *error)
{
    IndexOrder order = {0};
    return order_read(request, &order) && change_run(request, "drop", &order, error);
}

static void
change_write(JsonWriter *json, const IndexChange *change)
{
    json_object_begin(json);
    json_key_int(json, "id", change->id);
    api_json_id(json, "recommendation_id", change->recommendation_id);
    json_key_int(json, "connection_id", change->target_id);
    json_key_string(json, "action", change->action);
    change_subject_write(json, change);
    json_key_string(json, "index_type", change->index_type);
    json_key_string(json, "status", change->state);
    json_key(json, "success");
    if (change->success < 0)
        json_write_null(json);
    else
        json_bool(json, change->success == 1);
    json_key_string(json, "error_message", change->error_message);
    json_key_double(json, "duration_ms", change->duration_ms);
    json_key_string(json, "performed_by", change->performed_by);
    api_json_time(json, "performed_at", change->performed_at_us);
    api_json_time(json, "started_at", change->started_at_us);
    api_json_time(json, "completed_at", change->completed_at_us);
    json_key_int(json, "attempts", change->attempts);
    api_json_embed(json, "progress", change->progress);
    json_key_bool(json, "cancel_requested", change->wants_cancel);
    json_object_end(json);
}

bool
handle_index_history(ApiRequest *request, Error *error)
{
    int64_t limit = HISTORY_STANDARD;
    PgConnection *session;
    IndexChanges changes;
    if (!api_parameter_int(request, "limit", 1, INDEX_CHANGES_MOST, &limit))
        return false;
    if (!api_session(request, &session, error) || !api_target_check(request, session, request->id, error) ||
        !index_change_list(session, request->arena, request->id, false, (size_t)limit, &changes, error))
        return false;
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key_int(json, "connection_id", request->id);
    json_key(json, "changes");
    json_array_begin(json);
    for (size_t i = 0; i < changes.count; i++)
        change_write(json, &changes.items[i]);
    json_array_end(json);
    json_key_int(json, "total_changes", changes.total);
    json_object_end(json);
    return api_reply(request, 200);
}

bool
handle_index_cancel(ApiRequest *request, Error *error)
{
    int64_t id = 0;
    PgConnection *session;
    IndexChange change;
    if (!api_field_required(request, "change_id") || !api_field_int(request, "change_id", 1, INT64_MAX, &id))
        return false;
    request->object = arena_printf(request->arena, "index_change:%" PRId64, id);
    if (!api_session(request, &session, error) || !index_change_cancel(session, id, error) ||
        !index_change_get(session, request->arena, id, &change, error))
        return false;
    request->target_id = change.target_id;
    change_write(api_json(request), &change);
    return api_reply(request, 202);
}
