// SPDX-License-Identifier: PostgreSQL
#include "api/handlers/handlers.h"

static void
user_write(JsonWriter *json, const User *user)
{
    json_object_begin(json);
    json_key_int(json, "id", user->id);
    json_key_string(json, "username", user->username);
    json_key_string(json, "role", role_word(user->role));
    json_key_bool(json, "disabled", user->is_disabled);
    api_json_time(json, "created_at", user->created_at_us);
    api_json_time(json, "last_login_at", user->last_login_at_us);
    json_object_end(json);
}

static bool
user_reply(ApiRequest *request, PgConnection *session, int64_t id, int status, Error *error)
{
    User user;
    if (!user_get(session, request->arena, id, &user, error))
        return false;
    user_write(api_json(request), &user);
    return api_reply(request, status);
}

bool
handle_users_list(ApiRequest *request, Error *error)
{
    PgConnection *session;
    UserList list;
    if (!api_session(request, &session, error) || !user_list(session, request->arena, &list, error))
        return false;
    JsonWriter *json = api_list_begin(request, "users");
    for (size_t i = 0; i < list.count; i++)
        user_write(json, &list.items[i]);
    return api_list_reply(request, list.count);
}

bool
handle_user_get(ApiRequest *request, Error *error)
{
    PgConnection *session;
    return api_session(request, &session, error) && user_reply(request, session, request->id, 200, error);
}

static bool
password_field(ApiRequest *request, const char **password)
{
    return api_field_text(request, "password", USER_PASSWORD_BYTES_MOST, password);
}

bool
handle_user_create(ApiRequest *request, Error *error)
{
    const char *username = NULL;
    const char *password = NULL;
    Role role = ROLE_NONE;
    PgConnection *session;
    int64_t id;
    if (!api_field_required(request, "username") || !api_field_required(request, "password") ||
        !api_field_required(request, "role") ||
        !api_field_text(request, "username", USER_NAME_BYTES, &username) ||
        !password_field(request, &password) || !api_field_role(request, "role", &role))
        return false;
    if (!api_session(request, &session, error) || !user_create(session, username, password, role, &id, error))
        return false;
    request->object = arena_printf(request->arena, "user:%lld", (long long)id);
    request->http->reply.location = arena_printf(request->arena, "/api/v1/users/%lld", (long long)id);
    return user_reply(request, session, id, 201, error);
}

bool
handle_user_update(ApiRequest *request, Error *error)
{
    UserChange change = {.disabled = -1};
    PgConnection *session;
    request->object = arena_printf(request->arena, "user:%lld", (long long)request->id);
    if (!password_field(request, &change.password) || !api_field_role(request, "role", &change.role) ||
        !api_field_bool(request, "disabled", &change.disabled))
        return false;
    if (!api_session(request, &session, error) || !user_update(session, request->id, &change, error))
        return false;
    request->after = after_tokens_ended;
    return user_reply(request, session, request->id, 200, error);
}

bool
handle_user_delete(ApiRequest *request, Error *error)
{
    PgConnection *session;
    request->object = arena_printf(request->arena, "user:%lld", (long long)request->id);
    if (!api_session(request, &session, error) || !user_delete(session, request->id, error))
        return false;
    request->after = after_tokens_ended;
    return api_reply_nothing(request);
}
