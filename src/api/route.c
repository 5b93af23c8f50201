// SPDX-License-Identifier: PostgreSQL
#include "api/route.h"

#include <string.h>

size_t
api_route_count(void)
{
    size_t count = 0;
    while (api_routes[count].method != NULL)
        count++;
    return count;
}

static const char *
template_segment_end(const char *segment)
{
    return segment + strcspn(segment, "/");
}

/* How well the path fits: 0 not at all, 1 with a value, 2 literally. */
static int
path_fit(const char *path, const Uri *uri)
{
    int fit = 2;
    const char *segment = path + 1;
    for (size_t i = 0; i < uri->segment_count; i++) {
        const char *end = template_segment_end(segment);
        size_t length = (size_t)(end - segment);
        const char *text = uri->segments[i];
        if (segment[0] == '{') {
            if (text != NULL && text[0] == '\0')
                return 0;
            fit = 1;
        } else if (text == NULL || strlen(text) != length || memcmp(text, segment, length) != 0) {
            return 0;
        }
        if (*end == '\0')
            return i + 1 == uri->segment_count ? fit : 0;
        segment = end + 1;
    }
    return 0;
}

const ApiRoute *
route_find_path(const Uri *uri)
{
    const ApiRoute *found = NULL;
    if (!uri->is_path)
        return NULL;
    for (const ApiRoute *route = api_routes; route->method != NULL; route++) {
        int fit = path_fit(route->path, uri);
        if (fit == 2)
            return route;
        if (fit == 1 && found == NULL)
            found = route;
    }
    return found;
}

const ApiRoute *
route_find_method(const ApiRoute *path, const char *method)
{
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    for (const ApiRoute *route = path; route->method != NULL && strcmp(route->path, path->path) == 0; route++)
        if (strcmp(route->method, method) == 0)
            return route;
    return NULL;
}

const char *
route_allowed(Arena *arena, const ApiRoute *path)
{
    Text text = text_new(arena);
    for (const ApiRoute *route = path; route->method != NULL && strcmp(route->path, path->path) == 0; route++)
        text_append_format(&text, "%s%s%s", text.length == 0 ? "" : ", ", route->method,
                           strcmp(route->method, "GET") == 0 ? ", HEAD" : "");
    return text.data;
}

RouteValue
route_value(Arena *arena, const ApiRoute *path, const Uri *uri, const char **ret_name, const char **ret_text)
{
    const char *segment = path->path + 1;
    for (size_t i = 0; i < uri->segment_count; i++) {
        const char *end = template_segment_end(segment);
        if (segment[0] == '{') {
            *ret_name = arena_strndup(arena, segment + 1, (size_t)(end - segment) - 2);
            *ret_text = uri->segments[i];
            if (strcmp(*ret_name, "hash") == 0)
                return ROUTE_VALUE_HASH;
            return text_ends_with(*ret_name, "_id") ? ROUTE_VALUE_ID : ROUTE_VALUE_TEXT;
        }
        segment = *end == '\0' ? end : end + 1;
    }
    return ROUTE_VALUE_NONE;
}
