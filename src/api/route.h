// SPDX-License-Identifier: PostgreSQL
/*
 * Routes: the one table of what the API serves. Matching, Allow, roles, the order of checks (contract, 3.1),
 * time limits, audit lines and the labels of /metrics come from it; a test holds it to openapi.yaml.
 *
 * A path is a template of segments; one of them may be a value: {hash} and what ends with "_id}" are positive
 * integers, others are texts.
 */
#ifndef FETTLE_API_ROUTE_H
#define FETTLE_API_ROUTE_H

#include "api/http.h"
#include "api/uri.h"
#include "store/user.h"

typedef struct ApiRequest ApiRequest;

typedef enum ApiBody { API_BODY_NONE, API_BODY_OPTIONAL, API_BODY_REQUIRED } ApiBody;

typedef struct ApiRoute {
    const char *method;
    const char *path;
    const char *operation; /* operationId in openapi.yaml; label in /metrics */
    Role role;             /* ROLE_NONE: open */
    ApiBody body;
    HttpLane lane;
    int limit_ms;
    const char *action; /* of its audit line; NULL: it is no act */
    bool (*handle)(ApiRequest *request, Error *error);
    bool is_immediate; /* answered on the connections' thread: touches nothing */
} ApiRoute;

/* Ends with a row whose method is NULL. Rows of one path stand together. */
extern const ApiRoute api_routes[];
size_t api_route_count(void);

/* The first row whose path the target has; literal segments win over values. NULL: there is none. */
const ApiRoute *route_find_path(const Uri *uri);
/* The row of the same path with this method (HEAD is served as GET); NULL: none. */
const ApiRoute *route_find_method(const ApiRoute *path, const char *method);
/* "GET, HEAD, PUT" */
const char *route_allowed(Arena *arena, const ApiRoute *path);

typedef enum RouteValue { ROUTE_VALUE_NONE, ROUTE_VALUE_HASH, ROUTE_VALUE_ID, ROUTE_VALUE_TEXT } RouteValue;

/* The path's value: its kind, its name in the template ("target_id"), and its text in the target (NULL: not
 * decodable). */
RouteValue route_value(Arena *arena, const ApiRoute *path, const Uri *uri, const char **ret_name,
                       const char **ret_text);

#endif
