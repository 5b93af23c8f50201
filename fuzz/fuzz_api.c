// SPDX-License-Identifier: PostgreSQL
/*
 * What the API parses itself: the first byte chooses between a request's target and a JSON body.
 */
#include "api/body.h"
#include "api/request.h"
#include "api/route.h"
#include "api/uri.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_target(Arena *arena, const char *text, size_t length)
{
    Uri uri;
    uri_parse(arena, text, length, &uri);
    fettle_assert(uri.segment_count <= URI_SEGMENTS_MOST && uri.parameter_count <= URI_PARAMETERS_MOST);
    for (size_t i = 0; i < uri.segment_count; i++)
        fettle_assert(uri.segments[i] == NULL ||
                      text_is_valid_utf8(uri.segments[i], strlen(uri.segments[i])));
    for (size_t i = 0; i < uri.parameter_count; i++) {
        bool is_repeated;
        const char *value = uri_parameter(&uri, uri.parameters[i].name, &is_repeated);
        int64_t time_us;
        fettle_assert(value != NULL && text_is_valid_utf8(value, strlen(value)));
        (void)api_time_parse(value, &time_us);
    }
    const ApiRoute *path = route_find_path(&uri);
    const char *name;
    const char *value;
    if (path != NULL && route_value(arena, path, &uri, &name, &value) != ROUTE_VALUE_NONE)
        fettle_assert(name[0] != '\0' && route_allowed(arena, path)[0] != '\0');
}

static void
fuzz_body(const char *text, size_t length)
{
    static const char *const names[] = {"name", "dsn", "databases", "value", "role"};
    Body *body;
    Error error = {0};
    if (!body_parse(text, length, &body, &error))
        return;
    for (size_t i = 0; i < FETTLE_COUNT_OF(names); i++) {
        BodyValue value = body_field(body, names[i]);
        fettle_assert(value.kind != BODY_TEXT || strlen(value.text) == value.text_bytes);
        for (size_t j = 0; value.kind == BODY_LIST && j < value.count; j++)
            (void)body_item(&value, j);
    }
    body_free(body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("fuzz", (size_t)1 << 28);
    if (data[0] == 'b')
        fuzz_body((const char *)data + 1, size - 1);
    else
        fuzz_target(arena, (const char *)data + 1, size - 1);
    return 0;
}
