// SPDX-License-Identifier: PostgreSQL
/*
 * Everybody has their own tokens: those of the same user, or, for a token that belongs to no user, itself.
 * Admins have all. A token is never above the one it was made with.
 */
#include "api/handlers/handlers.h"

#include <string.h>

#define TOKEN_NAME_BYTES 63
#define TOKEN_LIFETIME_SECONDS_MOST ((int64_t)10 * 366 * 24 * 3600)

static void
token_fields_write(JsonWriter *json, const Token *token)
{
    json_key_int(json, "id", token->id);
    api_json_id(json, "user_id", token->user_id);
    json_key_string(json, "username", token->username);
    json_key_string(json, "name", token->name);
    json_key_string(json, "role", role_word(token->role));
    api_json_time(json, "created_at", token->created_at_us);
    api_json_time(json, "expires_at", token->expires_at_us);
    api_json_time(json, "last_used_at", token->last_used_at_us);
    api_json_time(json, "revoked_at", token->revoked_at_us);
}

static bool
token_is_own(const Caller *caller, const Token *token)
{
    return token->id == caller->token_id || (caller->user_id != 0 && token->user_id == caller->user_id);
}

/* All of them for admins, else the caller's own. */
static bool
tokens_read(ApiRequest *request, PgConnection *session, TokenList *ret_list, Error *error)
{
    const Caller *caller = &request->caller;
    bool is_admin = caller->role == ROLE_ADMIN;
    if (!token_list(session, request->arena, is_admin ? 0 : caller->user_id, ret_list, error))
        return false;
    size_t kept = 0;
    for (size_t i = 0; i < ret_list->count; i++)
        if (is_admin || token_is_own(caller, &ret_list->items[i]))
            ret_list->items[kept++] = ret_list->items[i];
    ret_list->count = kept;
    return true;
}

bool
handle_tokens_list(ApiRequest *request, Error *error)
{
    PgConnection *session;
    TokenList list;
    if (!api_session(request, &session, error) || !tokens_read(request, session, &list, error))
        return false;
    JsonWriter *json = api_list_begin(request, "tokens");
    for (size_t i = 0; i < list.count; i++) {
        json_object_begin(json);
        token_fields_write(json, &list.items[i]);
        json_object_end(json);
    }
    return api_list_reply(request, list.count);
}

bool
handle_token_create(ApiRequest *request, Error *error)
{
    const Caller *caller = &request->caller;
    TokenOrder order = {.user_id = caller->user_id, .role = caller->role};
    int64_t lifetime_seconds = 0;
    if (!api_field_required(request, "name") ||
        !api_field_text(request, "name", TOKEN_NAME_BYTES, &order.name) ||
        !api_field_role(request, "role", &order.role) ||
        !api_field_int(request, "lifetime_seconds", 1, TOKEN_LIFETIME_SECONDS_MOST, &lifetime_seconds))
        return false;
    if (order.role > caller->role)
        return api_refuse(request, 403, "forbidden",
                          "a token cannot have more rights than the one it is made with");
    order.lifetime_ms = lifetime_seconds * 1000;
    char text[TOKEN_TEXT_BYTES];
    PgConnection *session;
    Token token = {.user_id = order.user_id,
                   .username = caller->user_id == 0 ? NULL : caller->username,
                   .name = order.name,
                   .role = order.role,
                   .created_at_us = clock_wall_us()};
    if (!api_session(request, &session, error) ||
        !token_create(session, &order, text, &token.id, &token.expires_at_us, error))
        return false;
    request->object = arena_printf(request->arena, "token:%lld", (long long)token.id);
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key_string(json, "token", text);
    token_fields_write(json, &token);
    json_object_end(json);
    return api_reply(request, 201);
}

bool
handle_token_revoke(ApiRequest *request, Error *error)
{
    PgConnection *session;
    TokenList list;
    request->object = arena_printf(request->arena, "token:%lld", (long long)request->id);
    if (!api_session(request, &session, error) || !tokens_read(request, session, &list, error))
        return false;
    bool is_there = false;
    for (size_t i = 0; i < list.count; i++)
        is_there |= list.items[i].id == request->id;
    /* Another's token is not there, as far as the caller is told. */
    if (!is_there)
        return api_refuse(request, 404, "not_found", "there is no token %lld", (long long)request->id);
    if (!token_revoke(session, request->id, error))
        return false;
    request->after = after_tokens_ended;
    return api_reply_nothing(request);
}
