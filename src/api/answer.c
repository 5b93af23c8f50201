// SPDX-License-Identifier: PostgreSQL
/*
 * One request on a worker. The order of checks is the contract's (section 3.1): token, route, path values,
 * method, role, size, content type, body and query, then the handler, which knows the state.
 *
 * An act and its audit line are one transaction: neither is there without the other. An act that failed or
 * was denied leaves its line alone.
 */
#include "api/api_internal.h"

#include "base/log.h"
#include "pg/result.h"
#include "store/audit.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

static const char *
unauthorized_message(void)
{
    return "Authentication required";
}

/* False: there is a reply. */
static bool
check_token(ApiRequest *request, const ApiRoute *path)
{
    if (api_is_open(path, request->settings) || request->caller.role != ROLE_NONE)
        return true;
    const char *token = auth_bearer(request->arena, request->http->authorization);
    if (token == NULL)
        return api_refuse(request, 401, "unauthorized", "%s", unauthorized_message());
    PgConnection *session;
    Error error = {0};
    if (!auth_find(request->api->auth, token, &request->caller) &&
        (!api_session_take(request, &session, &error) ||
         !auth_check(request->api->auth, session, request->arena, token, &request->caller, &error))) {
        api_reply_failure(request, &error);
        return false;
    }
    return request->caller.role != ROLE_NONE ||
           api_refuse(request, 401, "unauthorized", "%s", unauthorized_message());
}

/* Digits with at most a minus before them: one number has one address. */
static bool
number_parse(const char *text, int64_t *ret_number)
{
    return text != NULL && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9')) &&
           text_parse_int64(text, ret_number);
}

static bool
check_value(ApiRequest *request, const ApiRoute *path)
{
    const char *name;
    const char *text;
    RouteValue kind = route_value(request->arena, path, &request->uri, &name, &text);
    switch (kind) {
        case ROUTE_VALUE_NONE: return true;
        case ROUTE_VALUE_TEXT:
            request->name = text;
            return text != NULL || api_refuse(request, 400, "invalid_parameter", "Invalid %s format", name);
        case ROUTE_VALUE_HASH:
            if (!number_parse(text, &request->id))
                return api_refuse(request, 400, "invalid_query_hash", "Invalid query_hash format");
            return request->id > 0 ||
                   api_refuse(request, 400, "invalid_query_hash", "query_hash must be positive");
        case ROUTE_VALUE_ID:
            return (number_parse(text, &request->id) && request->id > 0) ||
                   api_refuse(request, 400, "invalid_id", "Invalid %s format", name);
    }
    return true;
}

static bool
check_method(ApiRequest *request, const ApiRoute *path)
{
    request->route = route_find_method(path, request->http->method);
    if (request->route != NULL)
        return true;
    request->http->reply.allow = route_allowed(request->arena, path);
    return api_refuse(request, 405, "method_not_allowed", "%.20s is not served here", request->http->method);
}

static bool
is_json_type(const char *type)
{
    static const char json[] = "application/json";
    if (type == NULL || strncasecmp(type, json, strlen(json)) != 0)
        return false;
    const char *rest = type + strlen(json);
    rest += strspn(rest, " \t");
    return *rest == '\0' || *rest == ';';
}

static bool
check_size_and_type(ApiRequest *request)
{
    const HttpRequest *http = request->http;
    if (http->is_body_too_large)
        return api_refuse(request, 413, "body_too_large", "the body is larger than 1 MiB");
    ApiBody body = request->route->body;
    bool is_wanted = body == API_BODY_REQUIRED || (body == API_BODY_OPTIONAL && http->body_length > 0);
    return !is_wanted || is_json_type(http->content_type) ||
           api_refuse(request, 415, "unsupported_media_type", "the content type must be application/json");
}

static bool
check_body(ApiRequest *request)
{
    const HttpRequest *http = request->http;
    if (!request->uri.is_query_valid)
        return api_refuse(request, 400, "invalid_parameter",
                          "the query is not percent-encoded UTF-8, or has more than %d parameters",
                          URI_PARAMETERS_MOST);
    if (request->route->body == API_BODY_NONE ||
        (request->route->body == API_BODY_OPTIONAL && http->body_length == 0))
        return true;
    Error error = {0};
    return body_parse(http->body, http->body_length, &request->body, &error) ||
           api_refuse(request, 400, "invalid_json", "%s", error.message);
}

static AuditLine
audit_line_of(const ApiRequest *request, const char *outcome)
{
    const char *actor = request->actor != NULL              ? request->actor
                        : request->caller.role != ROLE_NONE ? request->caller.actor
                                                            : "anonymous";
    return (AuditLine){.actor = actor,
                       .role = request->caller.role == ROLE_NONE ? NULL : role_word(request->caller.role),
                       .action = request->action != NULL ? request->action : request->route->action,
                       .object = request->object,
                       .target_id = request->target_id,
                       .request_id = request->http->request_id,
                       .outcome = outcome,
                       .details = request->details};
}

/* The line of an act that did not come about, by itself; that it cannot be written is only logged, for the
 * act's own failure is the answer. */
static void
audit_failure(ApiRequest *request, const char *outcome)
{
    Error error = {0};
    AuditLine line = audit_line_of(request, outcome);
    PgConnection *session;
    if (!api_session_end(request, false, &error) || !api_session_take(request, &session, &error) ||
        !audit_write(session, &line, &error))
        log_write(LOG_LEVEL_ERROR, "request %s: could not write the audit log: %s", request->http->request_id,
                  error.message);
}

/* The machine word of the reply's error body. */
static const char *
reply_code(const ApiRequest *request)
{
    return request->http->reply.error_code == NULL ? "internal" : request->http->reply.error_code;
}

static bool
check_role(ApiRequest *request)
{
    if (request->route->role == ROLE_NONE || request->caller.role >= request->route->role)
        return true;
    api_refuse(request, 403, "forbidden", "this needs the role %s", role_word(request->route->role));
    if (request->route->action != NULL)
        audit_failure(request, "denied");
    return false;
}

/* The handler, and for an act its audit line in the same transaction. */
static void
handle(ApiRequest *request)
{
    const ApiRoute *route = request->route;
    Error error = {0};
    bool good = check_size_and_type(request) && check_body(request) && route->handle(request, &error);
    if (good && route->action != NULL) {
        AuditLine line = audit_line_of(request, "ok");
        PgConnection *session;
        good = api_session(request, &session, &error) && audit_write(session, &line, &error) &&
               api_session_end(request, true, &error);
        if (!good)
            request->http->reply = (HttpReply){0};
        else if (request->after != NULL)
            request->after(request);
    }
    if (good)
        return;
    if (request->http->reply.status == 0)
        api_reply_failure(request, &error);
    if (route->action != NULL && request->http->reply.status != 429)
        audit_failure(request, reply_code(request));
}

static void
answer(ApiRequest *request)
{
    const ApiRoute *path = route_find_path(&request->uri);
    if (!check_token(request, path))
        return;
    if (path == NULL) {
        api_refuse(request, 404, "not_found", "there is nothing at this path");
        return;
    }
    if (check_value(request, path) && check_method(request, path) && check_role(request))
        handle(request);
}

void
api_answer(void *context, HttpRequest *http)
{
    Api *api = context;
    ApiRequest *request = http->context;
    fettle_assert(request->api == api && request->http == http);
    answer(request);
    Error error = {0};
    if (!api_session_end(request, false, &error))
        log_write(LOG_LEVEL_ERROR, "request %s: %s", http->request_id, error.message);
    body_free(request->body);
    request->body = NULL;
}
