// SPDX-License-Identifier: PostgreSQL
#include "json_read.h"

#include <setjmp.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static json_t *
read_or_fail(const Text *text)
{
    json_error_t reason;
    json_t *json = json_loadb(text->data, text->length, JSON_DECODE_ANY, &reason);
    if (json == NULL)
        fail_msg("not JSON: %s in %s", reason.text, text->data);
    return json;
}

void
json_read_check(const Text *text)
{
    json_decref(read_or_fail(text));
}

void
json_read_member(Arena *arena, const Text *text, const char **ret_key, const char **ret_value)
{
    json_t *json = read_or_fail(text);
    assert_int_equal(json_object_size(json), 1);
    void *member = json_object_iter(json);
    *ret_key = arena_strdup(arena, json_object_iter_key(member));
    *ret_value = arena_strdup(arena, json_string_value(json_object_iter_value(member)));
    json_decref(json);
}

char *
json_read_at(Arena *arena, const Text *text, const char *path)
{
    json_t *json = read_or_fail(text);
    const json_t *at = json;
    for (const char *step = path; at != NULL && *step != '\0';) {
        size_t length = strcspn(step, ".");
        char *name = arena_strndup(arena, step, length);
        at = json_is_array(at) ? json_array_get(at, (size_t)strtoul(name, NULL, 10))
                               : json_object_get(at, name);
        step += length + (step[length] == '.');
    }
    if (at == NULL)
        fail_msg("nothing at %s in %s", path, text->data);
    char *dump = json_dumps(at, JSON_COMPACT | JSON_ENCODE_ANY);
    char *copy = arena_strdup(arena, dump);
    free(dump);
    json_decref(json);
    return copy;
}
