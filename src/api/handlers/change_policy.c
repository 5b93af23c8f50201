// SPDX-License-Identifier: PostgreSQL
/*
 * A target's own rules for being changed: classes of approval, and windows for maintenance.
 */
#include "api/api_internal.h"
#include "api/handlers/handlers.h"
#include "workflow/approval.h"

static void
policy_fields_write(JsonWriter *json, const ChangePolicy *policy, const Approval *approval)
{
    json_key(json, "classes");
    json_object_begin(json);
    for (int action = 0; action < CHANGE_ACTIONS; action++) {
        json_key(json, change_action_word((ChangeAction)action));
        json_object_begin(json);
        json_key_string(json, "class", approval_class_word(approval->classes[action]));
        json_key_bool(json, "is_own", approval->is_own[action]);
        json_object_end(json);
    }
    json_object_end(json);
    json_key(json, "windows");
    json_array_begin(json);
    for (size_t i = 0; i < policy->window_count; i++)
        json_write_string(json, policy->windows[i]);
    json_array_end(json);
}

static bool
policy_reply(ApiRequest *request, PgConnection *session, Error *error)
{
    ChangePolicy policy;
    Approval approval;
    int64_t now_us = clock_wall_us();
    if (!change_policy_read(session, request->arena, request->id, now_us, &policy, error) ||
        !approval_standard(request->settings, &approval, error))
        return false;
    approval = approval_of_policy(&approval, &policy);
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key_int(json, "target_id", request->id);
    policy_fields_write(json, &policy, &approval);
    api_json_time(json, "window_opens_at", policy.opens_us);
    api_json_time(json, "window_closes_at", policy.closes_us);
    json_key_bool(json, "window_is_open", change_policy_is_open(&policy, now_us));
    json_key_string(json, "changed_by", policy.changed_by);
    api_json_time(json, "changed_at", policy.changed_at_us);
    json_object_end(json);
    return api_reply(request, 200);
}

bool
handle_change_policy_get(ApiRequest *request, Error *error)
{
    PgConnection *session;
    return api_session(request, &session, error) && policy_reply(request, session, error);
}

static bool
policy_read(ApiRequest *request, ChangePolicy *policy)
{
    bool is_there;
    for (int action = 0; action < CHANGE_ACTIONS; action++) {
        const char *name = change_action_word((ChangeAction)action);
        ApprovalClass class;
        if (!api_field_text(request, name, CHANGE_WINDOW_BYTES, &policy->classes[action]))
            return false;
        if (policy->classes[action] != NULL && !approval_class_parse(policy->classes[action], &class))
            return api_refuse(request, 400, "invalid_parameter", "%s must be advise, ask or auto", name);
    }
    return api_field_texts(request, "windows", CHANGE_WINDOWS_MOST, &policy->windows, &policy->window_count,
                           &is_there);
}

bool
handle_change_policy_set(ApiRequest *request, Error *error)
{
    ChangePolicy policy = {0};
    PgConnection *session;
    request->target_id = request->id;
    request->object = arena_printf(request->arena, "target:%lld", (long long)request->id);
    if (!policy_read(request, &policy))
        return false;
    request->details = change_policy_details(request->arena, &policy);
    return api_session(request, &session, error) && api_target_check(request, session, request->id, error) &&
           change_policy_write(session, request->arena, request->id, &policy, request->caller.actor, error) &&
           policy_reply(request, session, error);
}
