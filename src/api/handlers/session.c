// SPDX-License-Identifier: PostgreSQL
#include "api/api_internal.h"
#include "api/handlers/handlers.h"

#include <string.h>

void
after_tokens_ended(ApiRequest *request)
{
    auth_forget(request->api->auth);
}

static void
user_of_session_write(JsonWriter *json, int64_t id, const char *username, Role role)
{
    json_key(json, "user");
    json_object_begin(json);
    api_json_id(json, "id", id);
    json_key_string(json, "username", username);
    json_key_string(json, "role", role_word(role));
    json_object_end(json);
}

static bool
login_reply(ApiRequest *request, PgConnection *session, const User *user, Error *error)
{
    char token[TOKEN_TEXT_BYTES];
    int64_t token_id;
    int64_t expires_at_us;
    TokenOrder order = {.user_id = user->id,
                        .name = "login",
                        .role = user->role,
                        .lifetime_ms = settings_get_int(request->settings, SETTING_API_TOKEN_LIFETIME)};
    if (!token_create(session, &order, token, &token_id, &expires_at_us, error))
        return false;
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key_string(json, "token", token);
    api_json_time(json, "expires_at", expires_at_us);
    user_of_session_write(json, user->id, user->username, user->role);
    json_object_end(json);
    return api_reply(request, 200);
}

bool
handle_login(ApiRequest *request, Error *error)
{
    const char *username = NULL;
    const char *password = NULL;
    if (!api_field_required(request, "username") || !api_field_required(request, "password") ||
        !api_field_text(request, "username", USER_NAME_BYTES, &username) ||
        !api_field_text(request, "password", USER_PASSWORD_BYTES_MOST, &password))
        return false;
    request->object = arena_printf(request->arena, "user:%s", username);
    Limits *limits = request->api->limits;
    int seconds = 1;
    if (!limits_take_login(limits, username, request->http->address, &seconds)) {
        request->http->reply.retry_after_seconds = seconds;
        return api_refuse(request, 429, "rate_limited", "too many failed logins");
    }
    PgConnection *session;
    bool is_right = false;
    User user = {0};
    if (!api_session(request, &session, error) ||
        !user_check_password(session, request->arena, username, password, &is_right, &user, error)) {
        limits_forgive_login(limits, username, request->http->address);
        return false;
    }
    if (!is_right)
        return api_refuse(request, 401, "unauthorized", "Authentication required");
    limits_forgive_login(limits, username, request->http->address);
    request->actor = user.username;
    return login_reply(request, session, &user, error);
}

bool
handle_logout(ApiRequest *request, Error *error)
{
    PgConnection *session;
    request->object = arena_printf(request->arena, "token:%lld", (long long)request->caller.token_id);
    if (!api_session(request, &session, error) || !token_revoke(session, request->caller.token_id, error))
        return false;
    request->after = after_tokens_ended;
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key_bool(json, "logged_out", true);
    json_object_end(json);
    return api_reply(request, 200);
}

bool
handle_me_get(ApiRequest *request, Error *error)
{
    (void)error;
    const Caller *caller = &request->caller;
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key_string(json, "role", role_word(caller->role));
    json_key_int(json, "token_id", caller->token_id);
    api_json_time(json, "token_expires_at", caller->token_expires_at_us);
    json_key(json, "user");
    if (caller->user_id == 0) {
        json_write_null(json);
    } else {
        json_object_begin(json);
        json_key_int(json, "id", caller->user_id);
        json_key_string(json, "username", caller->username);
        json_object_end(json);
    }
    json_object_end(json);
    return api_reply(request, 200);
}
